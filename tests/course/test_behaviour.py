"""What a check says where nothing was compared: a stub left in, a cell not run, a loop without an end."""

import _thread
import signal
import threading
import time

import numpy as np
import pytest

from tests.course.mutations import function_of
from tinyvit.course import check
from tinyvit.course.exercise import EXERCISES, Case, Exercise
from tinyvit.course.judge import judge
from tinyvit.course.report import report
from tinyvit.course.verdict import Outcome


def toy(solution=lambda x: 2 * x, argument=None):
    cases = [Case((np.ones(3) if argument is None else argument,))]
    return Exercise("99.1", "nothing_like_it", solution, lambda rng: cases, ("y",), {}, lambda result: result, ())


def written(source, name="f"):
    return function_of(source, name)


@pytest.fixture(autouse=True)
def nothing_checked(monkeypatch):
    monkeypatch.setattr(check, "_last", {})


RAISE = 'raise NotImplementedError("Exercise 5.2")'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f"{RAISE}", ""),
        (f"x_hat, rstd, weight = saved\n    {RAISE}", ""),  # that line is the stub's own
        (f"'''(..., D)'''\n    # nothing\n    {RAISE}", ""),
        (f"dx = dy * saved[2]\n    {RAISE}", "below it still stops it: delete that line"),
        (f"x_hat, rstd, weight = saved\n    dx = dy * weight\n    {RAISE}", "below it"),
        (f"{RAISE}\n    return dy", "above it still stops it"),
        ("return other_stub(dy)", "calls one that is not written yet: Exercise 5.1"),
        (f"dx = other_stub(dy)\n    {RAISE}", "calls one that is not written yet: Exercise 5.1"),
        (f"if dy.ndim:\n        {RAISE}\n    return dy", "a `raise NotImplementedError` inside it stops it"),
    ],
)
def test_code_beside_the_stubs_raise_is_seen(body, said):
    start = "def other_stub(x):\n    raise NotImplementedError('Exercise 5.1: layer_norm_forward')\n"
    function = written(f"{start}def layer_norm_backward(dy, saved):\n    {body}\n", "layer_norm_backward")
    verdict = judge(EXERCISES["5.2"], function)
    assert verdict.outcome is Outcome.NOT_ATTEMPTED
    assert said in verdict.sentence if said else verdict.sentence == ""
    assert ("nothing written yet" in report(EXERCISES["5.2"], verdict)) == (said == "")


def test_the_same_function_again_is_told_so(capsys):
    wrong = written("def softmax_forward(x):\n    return x, (x,)\n", "softmax_forward")
    again = written("def softmax_forward(x):\n    return x, (x,)\n", "softmax_forward")
    told = []
    for function in (wrong, wrong, again, again):
        check.softmax_forward(function)
        told.append("run its cell" in capsys.readouterr().out)
    assert told == [False, True, False, True]


def test_a_function_of_another_name_is_found(capsys):
    source = f"def softmax_forward(x):\n    {RAISE}\ndef my_softmax(x):\n    return x, (x,)\n"
    check.softmax_forward(written(source, "softmax_forward"))
    assert "`my_softmax` is there: if that is yours, name it `softmax_forward`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("handed", "said"),
    [
        (None, "hand over your function, without calling it: check.accuracy(accuracy)"),
        (0.5, "got a number: hand over the function itself"),
        (np.ones(3), "got an array of shape (3,): hand over the function itself"),
        ("accuracy", "got a str: hand over the function itself"),
        (
            written("def fgsm(a, b, c):\n    return a\n", "fgsm"),
            "that is `fgsm`, of exercise 13.5: hand over `accuracy`",
        ),
    ],
)
def test_what_is_no_function_of_this_exercise_is_told_so(handed, said, capsys):
    check.accuracy(handed)
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("loop", ["while True:\n        x = x + 0", "for i in iter(int, 1):\n        x = x + 0"])
def test_an_endless_loop_is_stopped_at_the_learners_line(loop, monkeypatch):
    monkeypatch.setattr("tinyvit.course.watch.SECONDS", 0.3)
    verdict = judge(toy(), written(f"def f(x):\n    {loop}\n    return x\n"))
    assert verdict.sentence.startswith("it was stopped before it came to an end; it was in line ")
    assert "x = x + 0" in verdict.sentence or loop.splitlines()[0] in verdict.sentence
    assert "does the loop end" in verdict.guess


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN], ids=["as usual", "in the background"])
def test_stop_is_told_without_a_traceback(handler):
    before = signal.signal(signal.SIGINT, handler)
    function = written("def f(x):\n    while True:\n        x = x + 0\n")
    threading.Timer(0.2, _thread.interrupt_main).start()
    assert "it was stopped before it came to an end" in judge(toy(), function).sentence
    assert signal.signal(signal.SIGINT, before) is handler


def test_a_quick_function_is_not_stopped_later(monkeypatch):
    monkeypatch.setattr("tinyvit.course.watch.SECONDS", 0.2)
    assert judge(toy(), lambda x: 2 * x).outcome is Outcome.PASSED
    time.sleep(0.4)


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def complain(x):
    raise Mute


def nest(x):
    for _ in range(3000):
        x = (x,)
    return x


@pytest.mark.parametrize(
    ("learners", "said"),
    [
        (complain, "it stopped with Mute: (an error without words)"),
        (nest, "it returned a tuple"),
        (lambda x: {"y": x}, "y is a dict, wanted an array of shape (3,)"),
        (lambda x: [1.0, None, 2.0], "y is a list of 3 in which part 1 is None"),
        (lambda x: np.array([1.0, None, 2.0]), "y is an array of Python objects"),
        (lambda x: 1.5, "y: got one number, wanted an array of shape (3,)"),
        (lambda x: [2.0, 2.0, 2.0], "y came as a list, wanted an array"),
        (lambda x: (2 * x,), "a comma at the end makes a tuple"),
        (lambda x: (2 * x).astype(np.float32), "got dtype float32, wanted float64 (the numbers are right)"),
        (lambda x: (2 * x).astype(int), "got dtype int64, wanted float64 (the numbers are right)"),
    ],
)
def test_what_cannot_be_compared_is_described(learners, said):
    assert said in judge(toy(), learners).sentence


def test_a_function_that_calls_itself_is_told_so():
    verdict = judge(toy(), written("def f(x):\n    return f(x)\n"))
    assert "RecursionError" in verdict.sentence
    assert "calls itself" in verdict.guess


@pytest.mark.parametrize(
    ("learners", "said"),
    [
        (lambda x: [x, None, x], "y[1] is None, wanted an array of shape (3,)"),
        (lambda x: [x, 0, x], "y[1]: got one number, wanted an array of shape (3,)"),
        (lambda x: [x, x], "y: got 2 of them, wanted 3"),
        (lambda x: [x, x, x, x[:0]], "y: got 4 of them, wanted 3; the last one is empty"),
        (lambda x: x.sum(), "y: got a number, wanted a list of 3"),
        (lambda x: [x, [1.0, 1.0], x], "y[1]: got shape (2,), wanted (3,)"),
    ],
)
def test_the_parts_of_a_list_are_told_one_by_one(learners, said):
    assert said in judge(toy(lambda x: [x, x, x]), learners).sentence


def test_a_list_of_results_may_come_in_a_tuple():
    both = toy(lambda x: [2 * x, 3 * x])
    assert judge(both, lambda x: (2 * x, 3 * x)).outcome is Outcome.PASSED
    assert "y[1]: 3 of 3 numbers are off" in judge(both, lambda x: (2 * x, x)).sentence
    assert "y: got 3 of them, wanted 2" in judge(both, lambda x: (x, x, x)).sentence
    assert "a comma at the end makes a tuple" in judge(both, lambda x: ([2 * x, 3 * x],)).sentence


@pytest.mark.parametrize("make", [tuple, list, np.stack], ids=["tuple", "list", "array"])
def test_several_results_may_come_in_any_container(make):
    both = toy(lambda x: (2 * x, 3 * x))._replace(outputs=("a", "b"))
    assert judge(both, lambda x: make([2 * x, 3 * x])).outcome is Outcome.PASSED
    assert judge(both, lambda x: make([3 * x, 2 * x])).outcome is Outcome.WRONG_VALUE


def test_numbers_are_shown_with_the_digits_that_differ():
    exercise = toy(lambda x: np.array([17.345678, 2.0, 3.0]))
    text = report(exercise, judge(exercise, lambda x: np.array([17.345679, 2.0, 3.0])))
    assert "17.345679" in text
    assert "17.345678" in text
    assert "The largest difference is 1e-06." in text
    single = toy(lambda x: 4.5321)
    text = report(single, judge(single, lambda x: 4.53210001))
    assert "got 4.5321, wanted" not in text
    assert "a difference of 1e-08" in text


def test_prints_are_heard_once(capsys):
    def talks(x):
        print("called")
        return x

    cases = [Case((np.ones(3),)), Case((np.ones(4),)), Case((np.ones(5),))]
    judge(toy()._replace(cases=lambda rng: cases), talks)
    assert capsys.readouterr().out == "called\n"
