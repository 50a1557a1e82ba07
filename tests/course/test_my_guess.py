"""A guess is shown beside what came out, whatever a learner writes."""

import pytest

from tinyvit.course import show_guess


@pytest.mark.parametrize(
    ("guess", "measured", "remark"),
    [
        (None, 9.9, "No guess yet"),
        (10, 9.9, "Well guessed"),
        ("10 %", 9.9, "Well guessed"),
        (50, 10, "Too high, by a factor of 5."),
        (2, 10, "Too low, by a factor of 5."),
        (60, 45, "Too high, by 15."),
        (-3, 10, "Too low, by 13."),
        (4, 0, "Too high, by 4."),
        (0, 0, "Well guessed"),
        (1, 0.001, "Too high, by a factor of 1,000."),
        (1, 0.000333, "Too high, by a factor of 3,000."),
        (1e-12, 3, "Too low, by a factor of more than a million."),
        ("YES ", "yes", "Well guessed"),
        (False, "no", "Well guessed"),
        ("yes", "no", "Do the two agree?"),
        ("about half", 9.9, "Do the two agree?"),
        ([1, 2], 9.9, "Do the two agree?"),
    ],
)
def test_a_guess_is_shown_with_a_remark_that_is_true(guess, measured, remark, capsys):
    show_guess(guess, measured, "% of the digits")
    said = capsys.readouterr().out
    assert remark in said
    assert "| % of the digits |" in said


def test_a_guess_cannot_break_the_table(capsys):
    show_guess("this | that\nor so", "that", "which one")
    assert "| which one | this / that or so | **that** |" in capsys.readouterr().out
