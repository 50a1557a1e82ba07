"""Bug hunts: what is handed out is one slip of the pen away from right, and a suspect is told the truth."""

import ast

import pytest

from tests.course.mutations import mutants
from tests.support import others_slow
from tinyvit.course import EXERCISES, bug_hunt, check
from tinyvit.course.bug_hunt import broken_function, broken_source, lead, right_lines
from tinyvit.course.hunts import HUNTS
from tinyvit.course.judge import judge
from tinyvit.course.verdict import Outcome
from tinyvit.errors import UserError

LESSONS = range(1, 19)  # lesson 0 has one line to write, and part two may hunt in whole runs


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    monkeypatch.delenv("TINYVIT_STRICT", raising=False)


def test_every_lesson_of_part_one_has_a_hunt_of_its_own():
    assert {*LESSONS} <= HUNTS.keys()
    assert list(HUNTS) == sorted(HUNTS)
    for lesson, hunt in HUNTS.items():
        assert EXERCISES[hunt.number].lesson == lesson
        assert 1 < hunt.line <= len(right_lines(hunt.number))


@pytest.mark.parametrize("lesson", others_slow(HUNTS))
def test_the_bug_is_one_slip_of_the_pen_and_is_refused(lesson):
    hunt = HUNTS[lesson]
    broken = ast.unparse(ast.parse(broken_source(hunt)))
    assert broken in {mutant.source for mutant in mutants(hunt.number)}
    verdict = judge(EXERCISES[hunt.number], broken_function(hunt), seed=0)
    assert verdict.outcome in (Outcome.WRONG_SHAPE, Outcome.WRONG_VALUE)
    found = lead(hunt)
    assert found.wrong
    assert set(found.wrong) | set(found.right) == set(EXERCISES[hunt.number].outputs)


@pytest.mark.parametrize("lesson", HUNTS)
def test_every_suspect_is_told_whether_it_was_that_line(lesson, capsys):
    hunt = HUNTS[lesson]
    for line in range(2, len(right_lines(hunt.number)) + 1):
        check.suspect(lesson, line)
        said = capsys.readouterr().out
        assert ("found" in said) == (hunt.cause in said) == (line == hunt.line)
        assert ("innocent" in said) == (hunt.clue in said) == (line != hunt.line)


def test_what_came_out_right_is_said():
    assert lead(HUNTS[5]) == (("dx",), ("dweight", "dbias"))
    assert lead(HUNTS[2]) == (("dbias",), ("dx", "dweight"))


@pytest.mark.parametrize("line", ["the third", 0, 1, 99, 2.5, True, -1])
def test_what_is_no_line_is_said_kindly(line, capsys):
    check.suspect(5, line)
    assert "from 2 to 9" in capsys.readouterr().out


def test_no_suspect_yet(capsys):
    check.suspect(5, None)
    assert "no suspect yet" in capsys.readouterr().out


def test_a_solution_must_find_it(monkeypatch):
    monkeypatch.setenv("TINYVIT_STRICT", "1")
    check.suspect(5, HUNTS[5].line)
    with pytest.raises(AssertionError, match="innocent"):
        check.suspect(5, 3)


def test_the_broken_function_stands_beside_the_right_lines(capsys):
    broken = bug_hunt(5)
    shown = capsys.readouterr().out
    assert " 8      stretch = (dx_hat * x_hat)" in shown
    assert HUNTS[5].broken not in shown
    assert broken.__name__ == "layer_norm_backward"
    with pytest.raises(UserError, match="no bug hunt in lesson 99"):
        bug_hunt(99)
