"""Every exercise can be solved, and every planted mistake is told by its own name."""

import types

import numpy as np
import pytest

from tests.course import corpus
from tests.course.mutations import function_of
from tests.support import others_slow
from tinyvit.course import EXERCISES
from tinyvit.course.judge import judge
from tinyvit.course.report import report
from tinyvit.course.verdict import Outcome

RIGHT = list(corpus.natural(corpus.ANSWERS.with_name("right_answers.txt")))
MISTAKES = [(number, sentence) for number, exercise in EXERCISES.items() for sentence in exercise.mistakes]


def learners(function):
    """The same function as if it stood in a learner's notebook."""
    code = function.__code__.replace(co_filename="notebook.py")
    copy = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


@pytest.mark.parametrize("seeds", others_slow([range(2), range(2, 10)]), ids=["two", "eight more"])
@pytest.mark.parametrize("number", EXERCISES)
def test_the_solution_passes(number, seeds):
    exercise = EXERCISES[number]
    for seed in seeds:
        assert judge(exercise, learners(exercise.solution), seed=seed).outcome is Outcome.PASSED
    assert len(exercise.mistakes) >= 3


@pytest.mark.parametrize("answer", RIGHT, ids=[f"{answer.number}, {answer.words}" for answer in RIGHT])
def test_a_right_answer_passes_however_it_is_written(answer):
    function = function_of(answer.source, EXERCISES[answer.number].name)
    for seed in range(2):
        assert judge(EXERCISES[answer.number], function, seed=seed).outcome is Outcome.PASSED


@pytest.mark.parametrize("number", EXERCISES)
def test_a_stub_is_not_attempted(number):
    def stub(*arguments, **options):
        raise NotImplementedError(f"Exercise {number}")

    assert judge(EXERCISES[number], stub).outcome is Outcome.NOT_ATTEMPTED


@pytest.mark.parametrize("number", EXERCISES)
def test_the_librarys_function_does_not_count(number):
    verdict = judge(EXERCISES[number], EXERCISES[number].solution)
    assert verdict.outcome is Outcome.WRONG_VALUE
    assert "write that yourself" in verdict.sentence


@pytest.mark.parametrize("seeds", others_slow([range(1), range(1, 5)]), ids=["one", "four more"])
@pytest.mark.parametrize(("number", "sentence"), MISTAKES)
def test_every_mistake_is_told_by_its_name(number, sentence, seeds):
    exercise = EXERCISES[number]
    for seed in seeds:
        verdict = judge(exercise, learners(exercise.mistakes[sentence]), seed=seed)
        assert verdict.outcome in (Outcome.WRONG_SHAPE, Outcome.WRONG_VALUE)
        assert verdict.guess == sentence
        assert sentence in report(exercise, verdict)


def test_queries_keys_and_values_may_come_in_one_array():
    """`q, k, v = split_heads(...)` unpacks it, so it is right."""

    def split_heads(qkv, num_heads):
        return qkv.reshape(*qkv.shape[:2], 3, num_heads, -1).transpose(2, 0, 3, 1, 4)

    assert judge(EXERCISES["8.2"], split_heads).outcome is Outcome.PASSED
    assert judge(EXERCISES["8.2"], lambda qkv, num_heads: split_heads(qkv, num_heads)[0]).outcome is Outcome.WRONG_SHAPE


def test_fisher_information_by_its_definition_is_right():
    """The mean over all labels of the gradient's square, each label with its probability."""

    def fisher_of_head(x, probs):
        errors = probs[:, None] - np.eye(probs.shape[1])  # (B, labels, K)
        squares = np.einsum("by,byk->bk", probs, errors**2)
        return np.einsum("bi,bk->ik", x**2, squares) / len(x), squares.mean(axis=0)

    assert judge(EXERCISES["24.3"], fisher_of_head).outcome is Outcome.PASSED


def test_a_forward_of_all_paths_is_not_the_best_one():
    """Viterbi's algorithm with a sum over ways in place of the largest is refused whatever the numbers."""
    exercise = EXERCISES["23.6"]
    summed = next(mistake for sentence, mistake in exercise.mistakes.items() if "summed up" in sentence)
    assert all(judge(exercise, learners(summed), seed=seed).outcome is Outcome.WRONG_VALUE for seed in range(3, 9))
