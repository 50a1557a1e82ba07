"""Facts about a model, for the page to begin with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..config import ViTConfig


def facts(
    path: Path,
    config: ViTConfig,
    parameters: int,
    *,
    task: str,
    class_names: Sequence[str],
    mean: Any,
    std: Any,
    is_drawing: bool,
    examples: int,
    multi_label: bool = False,
    device: str = "cpu",
) -> dict[str, Any]:
    """Facts for JSON.

    Args:
        mean, std: of pixels in 0..1; a number, or one for each channel.
        is_drawing: whether images are light on black, so that black is nothing.
        examples: how many images can be asked for.
    """
    mean, std = (np.broadcast_to(np.asarray(values, np.float64), config.in_chans) for values in (mean, std))
    return {
        "name": path.resolve().name,
        "task": task,
        "config": config.to_dict(),
        "parameters": parameters,
        "class_names": list(class_names),
        "mean": mean.tolist(),
        "std": std.tolist(),
        "fill": (-mean / std if is_drawing else 0 * mean).tolist(),
        "drawn": is_drawing,
        "multi_label": multi_label,
        "engine": "NumPy on this machine" if device == "cpu" else "CuPy on this machine",
        "examples": examples,
    }
