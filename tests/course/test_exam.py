"""Questions of exams: their answers by another road, and what is marked as right."""

import ast
import json
import math
import re

import numpy as np
import pytest

from tinyvit.course import EXERCISES, exam
from tinyvit.course import exam_questions as questions
from tinyvit.course.bug_hunt import right_lines
from tinyvit.course.exam_slips import slips_of

SEEDS = range(20)
TEMPLATES = [template for of_lesson in questions.TEMPLATES.values() for template in of_lesson]


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def arrays_in(text):
    return [np.array(ast.literal_eval(found)) for found in re.findall(r"`(?:\w+ = )?(\[.*?\])`", text)]


def places_in(text):
    return [int(found) for found in re.findall(r"(?:entry|logit|score|token) (\d)", text)]


def by_hand(template, text):
    """The answer from the question's own words."""
    x, k = arrays_in(text), places_in(text)
    whole = [int(found.replace(",", "")) for found in re.findall(r"\b\d[\d,]*\b(?!\.\d)", text)]
    if template is questions.linear_gradient:
        i, j = map(int, re.search(r"dW\[(\d), (\d)\]", text).groups())
        return (x[0].T @ x[1])[i, j]
    if template is questions.softmax_value:
        return softmax(x[0])[k[0]]
    if template is questions.cross_entropy_gradient:
        label = int(re.search(r"label (\d)", text)[1])
        return softmax(x[0])[k[0]] - (k[0] == label)
    if template is questions.normalized:
        return (x[0][k[0]] - x[0].mean()) / math.sqrt(x[0].var() + 1e-6)
    if template is questions.attended:
        return (softmax(x[0] @ x[1].T / 2) @ x[2])[k[1], k[0]]
    if template is questions.softmax_gradient:
        return x[0][k[0]] * (x[1][k[0]] - x[0] @ x[1])
    if template is questions.rolled_out:
        i, j = map(int, re.search(r"entry `\[(\d), (\d)\]`", text).groups())
        return ((x[1] + np.eye(2)) / 2 @ (x[0] + np.eye(2)) / 2)[i, j]
    if template is questions.steps_of_an_epoch:
        return math.ceil(whole[0] / whole[1])
    if template is questions.ring_bytes:
        return 2 * (whole[0] - 1) / whole[0] * whole[1] * 4
    return None


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.__name__)
def test_answers_agree_with_the_words_of_the_question(template):
    made = [template(np.random.default_rng(seed)) for seed in SEEDS]
    assert len({question.text for question in made}) > 5
    for question in made:
        assert math.isfinite(question.answer)
        wanted = by_hand(template, question.text)
        assert wanted is None or question.answer == pytest.approx(wanted, abs=1e-6), question.text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.__name__)
def test_usual_mistakes_are_not_marked_as_right(template):
    drawn = [exam.telling(template, np.random.default_rng(seed)) for seed in SEEDS]
    assert len({question.text for question in drawn}) > 5
    for question in drawn:
        assert not any(exam.is_right(slip, question.answer) for slip in question.slips), question.text


def test_the_slope_itself_is_no_central_difference():
    slope = re.compile(r"with \$h = (.+)\$ give at \$x = (.+)\$")
    for seed in SEEDS:
        question = exam.telling(questions.central_difference, np.random.default_rng(seed))
        x = float(slope.search(question.text)[2])
        assert exam.mark(str(3 * x**2), question.answer) == "wrong value"


def test_the_wrong_line_is_not_the_solutions_own():
    for number in ("4.3", "5.2", "7.2"):
        slips = slips_of(number)
        assert len(slips) >= 3
        for hunt in slips:
            assert 1 < hunt.line <= len(right_lines(hunt.number))
            assert hunt.broken != right_lines(hunt.number)[hunt.line - 1].strip()


def test_exams_need_no_tinyvit():
    parts = exam.exam_for("Ann", range(1, 20), seed=1, calculate=16, find=20, write=20)
    assert not [part.name for part in parts if re.search(r"\bops\b|tinyvit", part.text + part.cell)]
    assert {part.name for part in parts if part.answer is None} <= EXERCISES.keys()
    assert not [part.text for part in parts if "●" in part.text or "minutes" in part.text]


@pytest.mark.parametrize(
    ("handed", "answer", "word"),
    [
        (0.2567, 0.25668, "passed"),
        ("0.2567", 0.25668, "passed"),
        (np.float32(0.2567), 0.25668, "passed"),
        (0.27, 0.25668, "wrong value"),
        (0.0004, 0.0, "wrong value"),
        (10816, 10816, "passed"),
        (10817, 10816, "wrong value"),
        (2.0000000001, 2.0, "passed"),  # computed, and not typed
        (0.0012, 0.0004, "wrong value"),
        (None, 3, "nothing written yet"),
        ("three", 3, "wrong value"),
        ([3, 4], 3, "wrong value"),
    ],
)
def test_what_is_marked_as_right(handed, answer, word, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYVIT_GRADES", str(tmp_path / "grades"))
    exam.hand_in({"answer_1": handed, "answer": 7, "x": 7})
    name, _, found = (tmp_path / "grades").read_text().strip().partition(" ")
    assert name == "answer_1"
    assert exam.mark(found, answer) == word


def test_an_answer_that_was_deleted_is_not_written():
    assert exam.mark("", 3) == "nothing written yet"


def test_notebooks_are_valid():
    nbformat = pytest.importorskip("nbformat")
    book = exam.exam_notebook("Ann", exam.exam_for("Ann", [4, 5], seed=0, calculate=2))
    nbformat.validate(nbformat.reads(json.dumps(book), 4))
