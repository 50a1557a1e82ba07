"""Which epoch of a run is best: the one that does best on the dev split, and of equal ones that with the least loss."""

from collections.abc import Mapping

MEASURES = {"dev_accuracy": "dev accuracy", "dev_map": "dev mAP"}  # of one class a picture, and of any number


def measure_of(epoch: Mapping[str, float]) -> str:
    """The entry of an epoch's metrics that decides."""
    return next(name for name in MEASURES if name in epoch)


def quality(epoch: Mapping[str, float]) -> tuple[float, float]:
    """What is larger for a better epoch."""
    return epoch[measure_of(epoch)], -epoch["dev_loss"]
