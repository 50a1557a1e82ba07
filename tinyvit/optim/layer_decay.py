"""Layer-wise learning-rate decay: the nearer a parameter of a pretrained model is to the pixels, the less it learns.

Source: Clark et al. 2020, "ELECTRA", arXiv:2003.10555; for ViTs, Bao et al. 2021, "BEiT", arXiv:2106.08254.
"""

from collections.abc import Iterable

BEHIND_THE_BLOCKS = ("norm.", "pool.", "fc_norm.", "head.")


def lr_scales(names: Iterable[str], layer_decay: float, depth: int) -> dict[str, float]:
    """Learning-rate factors by name: `layer_decay` to the power of how many blocks and heads are above a parameter."""

    def height(name: str) -> int:
        if name.startswith(BEHIND_THE_BLOCKS):
            return depth + 1
        return int(name.split(".")[1]) + 1 if name.startswith("blocks.") else 0

    return {name: layer_decay ** (depth + 1 - height(name)) for name in names}
