"""Predictions for one image in words: top-k classes; of a multi-label model, the classes above the threshold."""

from typing import Any

import numpy as np

from ..errors import UserError
from .flags import find_model, probability
from .output import complain


def add_threshold_flag(parser: Any) -> None:
    """Add `--threshold`, a flag of all verbs that show predictions of multi-label models, for `at_threshold`."""
    parser.add_argument(
        "--threshold",
        type=probability,
        metavar="P",
        help="decision threshold of multi-label models (default: the model's own, or 0.5)",
    )


def load_classifier_for(options: Any) -> tuple[Any, Any]:
    """The model that a command names, and its preprocessing at --threshold; what is assumed of it is told.

    Raises:
        UserError: there is none, or it names no classes, or as `at_threshold` does.
    """
    from ..training import load_classifier

    options.folder = find_model(options.folder, download=options.download)
    model, preprocessing = load_classifier(options.folder)
    if preprocessing.assumption:
        complain(preprocessing.assumption)
    return model, at_threshold(preprocessing, options.threshold, options.folder)


def at_threshold(preprocessing: Any, threshold: float | None, path: Any) -> Any:
    """Preprocessing of a model, with the threshold that --threshold names, if it does.

    Raises:
        UserError: the model chooses one class of several, by no threshold.
    """
    if threshold is None:
        return preprocessing
    if not preprocessing.multi_label:
        raise UserError(f"{path} names the one most probable class, so there is no threshold: leave out --threshold")
    return preprocessing._replace(threshold=threshold)


def guess(preprocessing: Any, probs: np.ndarray, k: int) -> str:
    """Class `k` and its probability."""
    return f"{preprocessing.class_names[k]} ({100 * probs[k]:.1f} %)"


def in_words(preprocessing: Any, probs: np.ndarray, top_k: int) -> str:
    """Probabilities (K,) as a line: the `top_k` best guesses; with a threshold, all that reach it come first."""
    best = np.argsort(-probs, kind="stable")
    if not preprocessing.multi_label:
        return ", ".join(guess(preprocessing, probs, k) for k in best[:top_k])
    count = int((probs >= preprocessing.threshold).sum())
    words = [guess(preprocessing, probs, k) for k in best[: max(top_k, count)]]
    below = f"; below {100 * preprocessing.threshold:g} %: {', '.join(words[count:])}" if words[count:] else ""
    return (", ".join(words[:count]) or "none of the classes") + below
