"""Verdict on a learner's function: what came of it, what is wrong, and what the reason may be."""

from enum import Enum
from typing import Any, NamedTuple


class Outcome(Enum):
    NOT_ATTEMPTED = "nothing written yet"
    WRONG_SHAPE = "wrong shape"
    WRONG_VALUE = "wrong value"
    PASSED = "passed"


class Verdict(NamedTuple):
    outcome: Outcome
    sentence: str = ""  # what is wrong
    guess: str = ""  # what may be the reason
    output: str = ""  # which output is wrong, if one is
    got: Any = None
    wanted: Any = None
    called: str = ""  # with which arguments
    again: str = ""  # what to say of a function that was checked before
