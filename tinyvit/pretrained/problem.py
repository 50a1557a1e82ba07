"""Problem type of a model, in transformers' words: single-label, multi-label, or regression."""

from collections.abc import Mapping
from reprlib import repr as short
from typing import Any

from ..errors import UserError

SINGLE_LABEL = "single_label_classification"  # one class of several: softmax
MULTI_LABEL = "multi_label_classification"  # each class a yes or no by itself: sigmoid
REGRESSION = "regression"  # numbers, no probabilities
PROBLEM_TYPES = (SINGLE_LABEL, MULTI_LABEL, REGRESSION)
PROBLEM_TYPE = "problem_type"  # the entry of config.json


def problem_type(values: Mapping[str, Any], num_classes: int) -> str:
    """Problem type of a `config.json` with so many classes; where it is silent, as transformers' pipeline does.

    A single logit is the yes or no of one class, whatever the config says, unless that is regression: as one share of
    a softmax it would always be 1.
    """
    said = values.get(PROBLEM_TYPE)
    if said == REGRESSION:
        return REGRESSION
    return MULTI_LABEL if said == MULTI_LABEL or num_classes == 1 else SINGLE_LABEL


def check_problem_type(values: Mapping[str, Any], where: Any) -> None:
    """Check that the values of a `config.json` name a problem type that is known, or none.

    Raises:
        UserError: they name another.
    """
    said = values.get(PROBLEM_TYPE)
    if said is not None and said not in PROBLEM_TYPES:
        raise UserError(
            f"{where} says {PROBLEM_TYPE} {short(said)}, which is not known: correct it to one of "
            f"{', '.join(PROBLEM_TYPES)}, or leave it out"
        )
