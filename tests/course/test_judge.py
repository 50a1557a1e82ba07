"""What a learner is told, for what goes wrong in their function."""

import json
import warnings

import numpy as np
import pytest

from tests.course.mutations import function_of
from tinyvit import ops, optim
from tinyvit.config import costs
from tinyvit.course.exercise import EXERCISES, Case, Exercise
from tinyvit.course.judge import judge
from tinyvit.course.report import report
from tinyvit.course.verdict import Outcome

TOLD = {
    ((3, 2), (2, 3)): "two axes are swapped",
    ((4, 2, 3), (2, 3, 4)): "the axes stand in another order",
    ((2, 1, 4), (2, 3, 4)): "one axis shrank to 1",
    ((3, 4), (2, 3, 4)): "the first axis was lost",
    ((2, 3), (2, 3, 4)): "the last axis was lost",
    ((2, 3), (2, 3, 1)): "keepdims=True",
    ((3,), (3, 1)): "keepdims=True",
    ((1, 3), (3,)): "there is an axis of 1 too many",
    ((2, 3, 4), (4,)): "there are axes too many",
    ((2, 7), (2, 3)): "",
    ((3,), (2, 5)): "",
}


def test_an_error_inside_python_is_shown_at_the_learners_line():
    def parse(x):
        return json.loads("no json")

    verdict = judge(exercise(lambda x: x, [Case((np.ones(2),))]), parse)
    assert 'return json.loads("no json")' in verdict.sentence


def exercise(solution, cases, **mistakes):
    return Exercise("99.1", "nothing_like_it", solution, lambda rng: cases, ("y",), mistakes, lambda result: result, ())


@pytest.mark.parametrize(("got", "wanted"), TOLD)
def test_a_wrong_shape_is_named(got, wanted, rng):
    case, came = Case((rng.random(wanted),)), rng.random(got)

    def learners(x):
        return came[None].sum(0)  # a sum, so that keepdims may be spoken of

    verdict = judge(exercise(lambda x: 2 * x, [case]), learners)
    assert verdict.outcome is Outcome.WRONG_SHAPE
    assert verdict.sentence == f"y: got shape {got}, wanted {wanted}"
    assert verdict.guess.startswith(TOLD[got, wanted]) if TOLD[got, wanted] else not verdict.guess


def test_right_numbers_of_a_wrong_dtype_are_told_so():
    verdict = judge(exercise(lambda n: np.arange(n), [Case((3,))]), lambda n: np.arange(float(n)))
    assert "got dtype float64, wanted int64 (the numbers are right: `//` gives whole ones)" in verdict.sentence
    assert verdict.guess == ""


@pytest.mark.parametrize(
    ("inputs", "spoil"),
    [
        ((np.ones(3), 2.0), lambda x, saved: x.fill(0)),
        ((np.ones(3), [np.ones(2), np.ones(4)]), lambda x, saved: saved[1].fill(0)),
        ((np.ones(3), {"weight": np.ones(2)}), lambda x, saved: saved["weight"].fill(0)),
        ((np.ones(3), {"weight": np.ones(2)}), lambda x, saved: saved.update(weight=np.zeros(2))),
        ((np.ones(3), [2, 1]), lambda x, saved: saved.sort()),
    ],
)
def test_inputs_changed_in_place_are_noticed_wherever_they_come(inputs, spoil):
    def learners(x, saved):
        y = 2 * x
        spoil(x, saved)
        return y

    toy = exercise(lambda x, saved: 2 * x, [Case(inputs)])
    verdict = judge(toy, learners)
    assert verdict.outcome is Outcome.WRONG_VALUE
    assert f"your input `{'x' if isinstance(inputs[1], float) else 'saved'}` was changed in place" in verdict.sentence
    assert judge(toy, lambda x, saved: 2 * x).outcome is Outcome.PASSED  # the case itself was left alone


def test_a_factor_of_almost_1_is_called_a_small_number():
    verdict = judge(exercise(lambda x: x, [Case((np.arange(1.0, 4.0),))]), lambda x: x * (1 + 1e-7))
    assert "right to about 7 digits" in verdict.guess


def test_infinity_is_no_factor():
    verdict = judge(exercise(lambda x: 2 * x, [Case((np.ones(3),))]), lambda x: np.full(3, np.inf))
    assert verdict.outcome is Outcome.WRONG_VALUE
    assert "times" not in verdict.guess


def test_an_input_passed_back_is_told_by_its_name(rng):
    verdict = judge(exercise(lambda x, dy: x * dy, [Case((rng.random(4), rng.random(4)))]), lambda x, dy: dy)
    assert verdict.guess == "y is your input `dy`, passed back unchanged"


@pytest.mark.parametrize(
    ("learners", "sentence"),
    [
        (lambda x: (x, x, x, 0.0), "bracketed otherwise; wanted: y, (x_hat, (rstd,)), n"),
        (lambda x: (x, (x, x), 0.0), "bracketed otherwise; wanted: y, (x_hat, (rstd,)), n"),
        (lambda x: x, "it returned 1 thing, wanted 4: y, (x_hat, (rstd,)), n"),
        (lambda x: (x, [x, x], 0.0), "bracketed otherwise; wanted: y, (x_hat, (rstd,)), n"),
        (lambda x: [x, [x, x], 0.0], "bracketed otherwise; wanted: y, (x_hat, (rstd,)), n"),
        (lambda x: [x, [x, [x]], 0.0], ""),  # a list is as good as a tuple
        (lambda x: (x, np.stack([x, x]), 0.0), "it returned 3 things, wanted 4"),
        (lambda x: (x, (x, (x,)), 0.0), ""),
    ],
)
def test_brackets_count(learners, sentence):
    toy = exercise(lambda x: (x, (x, (x,)), 0.0), [Case((np.ones(3),))])
    verdict = judge(toy._replace(outputs=("y", "x_hat", "rstd", "n")), learners)
    assert sentence in verdict.sentence
    assert "order" not in verdict.guess


DICTS = {
    "not a dict": (lambda x: [x, x], "y: got a list of 2, wanted a dict", ""),
    "a name is missing": (lambda x: {"a": x}, "y: 'b' is missing", "the first one alone is there"),
    "a name too many": (lambda x: {"a": x, "c": x}, "y: 'c' is not asked for, and 'b' is missing", ""),
    "a part is wrong": (lambda x: {"b": (x, 2 * x), "a": -x}, "y['a']: 3 of 3 numbers are off", "y is -1 times"),
    "a part has a wrong shape": (lambda x: {"a": x[:2], "b": (x, 2 * x)}, "y['a']: got shape (2,), wanted (3,)", ""),
    "a pair is one": (lambda x: {"a": x, "b": x}, "y['b']: got an array of shape (3,), wanted a tuple of 2", ""),
    "a pair is a list": (lambda x: {"b": [x, 2 * x], "a": x}, "", ""),
    "a pair is an array": (lambda x: {"a": x, "b": np.stack([x, 2 * x])}, "", ""),
}


@pytest.mark.parametrize("which", DICTS)
def test_dicts_are_compared_name_by_name(which, rng):
    learners, sentence, guess = DICTS[which]
    toy = exercise(lambda x: {"a": x, "b": (x, 2 * x)}, [Case((rng.random(3),))])
    verdict = judge(toy, learners)
    assert (verdict.outcome is Outcome.PASSED) == (not sentence)
    assert sentence == verdict.sentence
    assert guess in verdict.guess if guess else not verdict.guess


def test_a_plain_0_is_as_good_as_a_float():
    toy = exercise(lambda x: 0.0 * x, [Case((2.0,))])
    assert judge(toy, lambda x: 0).outcome is Outcome.PASSED
    assert judge(toy, lambda x: False).outcome is Outcome.WRONG_SHAPE


def test_ones_are_blamed_on_dy_only_where_there_is_a_dy(rng):
    toy = exercise(lambda x, dy: x * dy, [Case((rng.random(4), rng.random(4)))])
    assert judge(toy, lambda x, dy: np.ones(4)).guess == "y is all ones: dy was not used"
    toy = exercise(lambda x: x, [Case((rng.random(4),))])
    assert judge(toy, lambda x: np.ones(4)).guess == "y is all ones"


@pytest.mark.parametrize(
    ("number", "learners", "sentence"),
    [
        ("7.1", lambda q, k, v: (q, k, v), "it returned 3 things, wanted 2: y, weights"),
        ("7.1", lambda q, k, v: q, "it returned 1 thing, wanted 2: y, weights"),
        ("15.1", lambda n, workers: [(0.0, n / 1.0)] * workers, "are not all whole numbers (`/` gives a float"),
        ("15.1", lambda n, workers: [n] * workers, "wanted (start, stop) for each worker"),
        ("15.1", lambda n, workers: ((0, n) for _ in range(workers)), "it returned generator, wanted a list of pairs"),
        ("12.2", lambda order, batch_size: [0, 4], "it returned a list of 2 numbers, wanted a list of batches"),
        ("12.2", lambda order, batch_size: [order, None], "it returned a list of 2 in which part 1 is None, wanted"),
        ("15.2", lambda parts, sizes: list(parts[0].values()), "it returned list, wanted a dict"),
        ("15.2", lambda parts, sizes: {"weight": parts[0]["weight"]}, "['weight'], wanted those of the parts"),
        ("17.2", lambda values, records, dy: [0, dy], "grads: got 2 of them, wanted"),
    ],
)
def test_what_is_not_asked_for_is_told_with_what_is(number, learners, sentence):
    verdict = judge(EXERCISES[number], learners)
    assert verdict.outcome is Outcome.WRONG_SHAPE
    assert sentence in verdict.sentence


def test_no_guess_about_the_shapes_of_too_many_results(rng):
    toy = exercise(lambda x: x, [Case((rng.random((2, 3)),))])
    assert judge(toy, lambda x: tuple(x)).guess == ""


def test_a_steps_order_is_watched():
    def each_twice(step, steps, every):
        return [float(step(i) + step(i)) for i in range(steps)]

    assert "step(1) was called where step(2) is due" in judge(EXERCISES["14.3"], each_twice).sentence


def test_results_in_another_order_are_told_so(rng):
    toy = exercise(lambda x: (x, 2 * x, 3 * x), [Case((rng.random(4),))])._replace(outputs=("a", "b", "c"))
    assert "their order is not; wanted: a, b, c" in judge(toy, lambda x: (x, 3 * x, 2 * x)).guess
    assert "order" not in judge(toy, lambda x: (x, 2 * x, 4 * x)).guess


def test_one_wrong_number_is_not_called_a_multiple(rng):
    toy = exercise(lambda x: x.sum(), [Case((rng.random(4),))])
    assert judge(toy, lambda x: 1.3 * x.sum()).guess == ""
    assert judge(toy, lambda x: -x.sum()).guess == "y is -1 times what it should be"
    toy = exercise(lambda x: x, [Case((rng.random(4),))])
    assert judge(toy, lambda x: 1.3 * x).guess == "y is 1.3 times what it should be"


@pytest.mark.parametrize(
    ("learners", "guess"),
    [
        (lambda x: x - x.mean(-1), "keepdims"),
        (lambda x: np.ones((4, 2, 3, 5)) * np.ones((3, 3)), ""),  # no sum or mean took an axis away
        (lambda x: max(x, 0.0), "np.maximum goes number by number"),
        (lambda x: x.T @ x.T, "a @ b needs"),
        (lambda x: np.zeros(len(x) / 2), "`//` gives a whole number"),
        (lambda x: x[: len(x) / 2], "`//` gives a whole number"),
        (lambda x: [1, 2][len(x) / 2], "`//` gives a whole number"),
        (lambda x: [1, 2][x.shape], ""),  # no float in it
        (lambda x: x.shape // 2, "the lengths of a shape"),
        (lambda x: np.array([x, x[0, 0]]), "no array holds parts of different shapes"),
        (lambda x: (x, x) - x, ""),
        (lambda x: (x, x) - (x, x), "two things"),
    ],
)
def test_what_numpy_says_is_put_into_other_words(learners, guess):
    toy = exercise(lambda x: x, [Case((np.ones((2, 3)),))])
    assert guess in judge(toy, learners).guess


def test_a_report_says_what_the_function_was_called_with():
    case = Case((np.ones((2, 3)), (np.ones(3), 2)), {"eps": 1e-6})
    toy = exercise(lambda x, saved, *, eps: x, [case])
    text = report(toy, judge(toy, lambda x, saved, *, eps: x + 1))
    assert "called with x of shape (2, 3), saved = (of shape (3,), 2), eps = 1e-06." in text
    case = Case(([np.ones(3)] * 12, np.float64(1 / 3)))
    toy = exercise(lambda values, latency: values[0], [case])
    text = report(toy, judge(toy, lambda values, latency: 5.0))
    assert "called with values (12 arrays of shape (3,)), latency = 0.333333." in text


def test_an_error_inside_numpy_has_a_line_and_a_guess(rng):
    toy = exercise(
        lambda x, w: x @ w, [Case((rng.random((2, 3)), rng.random((3, 4))))], transposed=lambda x, w: x @ w.T
    )

    def learners(x, w):
        return np.linalg.inv(x)  # not square: it is NumPy's own code that says so

    verdict = judge(toy, lambda x, w: x @ w.T)
    assert "it stopped with ValueError" in verdict.sentence
    assert verdict.guess == "transposed"
    assert "np.linalg.inv(x)" in judge(toy, learners).sentence.split(" in line ")[1]


@pytest.mark.parametrize(
    ("number", "cheat"),
    [
        ("7.1", lambda q, k, v: ops.attention_forward(np.concatenate([q, k, v], -1), num_heads=1)),
        ("8.1", lambda dy, saved: ops.attention_backward(dy, saved)),
        ("10.6", lambda **sizes: costs.model_costs(None)),
        ("11.3", lambda *given, **options: optim.warmup_cosine(1, lr=1.0, total_steps=3)),
    ],
)
def test_calling_tinyvit_by_another_name_does_not_count(number, cheat):
    assert "write that yourself" in judge(EXERCISES[number], cheat).sentence


def test_a_missing_return_gets_no_guess_about_shapes(rng):
    verdict = judge(exercise(lambda x: x, [Case((rng.random((2, 3)),))]), lambda x: None)
    assert "is the return missing?" in verdict.sentence
    assert verdict.guess == ""


@pytest.mark.parametrize(
    ("mistake", "comes_to"), [(np.exp, np.inf), (lambda x: x + x.var(ddof=3), np.nan)], ids=["overflow", "var"]
)
def test_a_planted_mistake_warns_nobody(mistake, comes_to):
    toy = exercise(lambda x: x, [Case((np.full(3, 1000.0),))], planted=lambda x: mistake(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert judge(toy, lambda x: np.full(3, comes_to)).guess == "planted"


@pytest.mark.parametrize(
    ("body", "guess"),
    [
        ("return x.sum(-1)", "keepdims=True keeps an axis of 1"),
        ("return (x * x)[..., 0]", ""),  # nothing that takes keepdims
        ("return np.array([row[0] * 3 for row in x])", ""),
    ],
)
def test_keepdims_is_named_only_where_something_takes_it(body, guess, rng):
    toy = exercise(lambda x: x.max(-1, keepdims=True), [Case((rng.random(shape),)) for shape in ((2, 3), (4, 5))])
    assert judge(toy, function_of(f"def f(x):\n    {body}\n", "f")).guess == guess
