"""Judgement of a learner's function: call it on random inputs, watch what it does, compare what it returns."""

import io
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout
from typing import Any

import numpy as np

from .beside import only_difference
from .compare import arranged, compare, kind_of
from .exercise import Case, Exercise, Function, NotAskedFor
from .guess import Judged, Ran, from_errors, from_numbers, planted
from .source import loses_an_axis, not_written
from .texts import texts
from .verdict import Outcome, Verdict
from .watch import (
    CallsTinyvit,
    called_with,
    changed_input,
    copy_of,
    noticing_tinyvit,
    stopped_by_hand,
    time_limit,
    where_it_stopped,
)


class _Watched:
    """A learner's function, called on one case after another: what came of it, and what is wrong with that."""

    def __init__(self, exercise: Exercise, function: Function):
        self.exercise, self.function = exercise, function
        self.verdicts: list[Verdict] = []
        self.judged: list[Judged] = []

    def call(self, case: Case) -> None:
        """Call the function on a case, and remember what came of it.

        Raises:
            NotImplementedError, CallsTinyvit: the learner's function did.
        """
        arguments, options, _ = copy_of(case)
        answer, given = self.exercise.summary(self.exercise.solution(*arguments, **options)), copy_of(case)
        ran, verdict = self._run(given, answer)
        if ran.error is None and (changed := changed_input(self.exercise, given, case)):
            passed = verdict.outcome is Outcome.PASSED
            verdict = Verdict(Outcome.WRONG_VALUE, changed) if passed else verdict._replace(guess=changed)
        right = verdict.outcome is Outcome.PASSED
        self.verdicts.append(verdict if right else verdict._replace(called=called_with(self.exercise, case)))
        self.judged.append(Judged(ran, answer, right))

    def _run(self, given: Case, answer: Any) -> tuple[Ran, Verdict]:
        try:
            with noticing_tinyvit(self.exercise.not_to_call):
                result = self.function(*given.arguments, **given.options)
        except (NotImplementedError, CallsTinyvit):
            raise
        except Exception as error:
            return Ran(error=error), Verdict(Outcome.WRONG_VALUE, where_it_stopped(error))
        try:
            result = None if result is None else arranged(self.exercise.summary(result), answer)
            return Ran(result), compare(result, answer, self.exercise.outputs)
        except Exception as error:
            sentence = f"it returned {kind_of(result)}, which is not what is asked for"
            sentence = str(error) if isinstance(error, NotAskedFor) else sentence
            return Ran(error=error), Verdict(Outcome.WRONG_SHAPE, sentence)


def judge(exercise: Exercise, function: Function, *, seed: int | None = None) -> Verdict:
    """Call `function` on all cases of `exercise`; the first thing that is wrong is the verdict."""
    rng = np.random.default_rng(seed)
    seed = int(rng.integers(2**31))
    watched, wrong = _Watched(exercise, function), None
    try:
        with ExitStack() as quiet, time_limit():
            for case in _cases(exercise, seed):
                watched.call(case)
                if wrong is None and not watched.judged[-1].right:
                    wrong = watched.verdicts[-1]  # what it prints and warns of from now on is known already
                    quiet.enter_context(redirect_stdout(io.StringIO()))
                    quiet.enter_context(warnings.catch_warnings(action="ignore"))
    except NotImplementedError as error:
        stub = texts()["exercises"].get(exercise.number, {}).get("stub", "")
        return Verdict(Outcome.NOT_ATTEMPTED, not_written(function, stub, error))
    except CallsTinyvit as error:
        return Verdict(Outcome.WRONG_VALUE, f"it calls {error}: the point is to write that yourself")
    except KeyboardInterrupt as error:
        return Verdict(Outcome.WRONG_VALUE, stopped_by_hand(error), "does the loop end, and does each round change it?")
    return Verdict(Outcome.PASSED) if wrong is None else wrong._replace(guess=_guess(watched, seed) or wrong.guess)


def _cases(exercise: Exercise, seed: int) -> Iterator[Case]:
    """The same cases whenever they are asked for: some are there only while they are on."""
    return iter(exercise.cases(np.random.default_rng(seed)))


def _guess(watched: _Watched, seed: int) -> str:
    exercise, judged = watched.exercise, watched.judged
    if sentence := planted(exercise, _cases(exercise, seed), judged):
        return sentence
    if any(verdict.guess for verdict in watched.verdicts):  # an input was changed: that explains the rest
        return ""
    if sentence := only_difference(watched.function, texts()["exercises"].get(exercise.number, {}).get("solution", "")):
        return sentence
    sentence = from_errors([one.ran for one in judged if not one.right])
    sentence = sentence or from_numbers(exercise, _cases(exercise, seed), judged)
    return sentence if "keepdims" not in sentence or loses_an_axis(watched.function) else ""
