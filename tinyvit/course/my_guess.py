"""A learner's guess before an experiment, shown beside what came out."""

from numbers import Real

from .show import say

CLOSE = 0.1  # of what was measured


def show_guess(guess: object, measured: object, what: str) -> None:
    """Display a guess beside what came out, both numbers or both words; `what` names them, with their unit."""
    said = "none yet" if guess is None else _text(guess)
    table = f"| | your guess | it is |\n|:--|:-:|:-:|\n| {what} | {said} | **{_text(measured)}** |"
    say(f"{table}\n\n{_remark(guess, measured)}")


def _remark(guess: object, measured: object) -> str:
    if guess is None:
        return (
            "*No guess yet. Write one in place of `None` in the cell above and run both again: "
            "a wrong guess teaches more than none.*"
        )
    one, other = _number(guess), _number(measured)
    if one is None or other is None:
        if _text(guess).casefold() == _text(measured).casefold():
            return "*Well guessed.*"
        return "*Do the two agree? If not, think for a minute why, before you read on.*"
    if abs(one - other) <= CLOSE * abs(other):
        return "*Well guessed.*"
    factor = max(one / other, other / one) if one > 0 and other > 0 else 1.0
    if factor > 1e6:
        by = "by a factor of more than a million"
    else:
        by = f"by a factor of {_text(float(f'{factor:.2g}'))}" if factor >= 2 else f"by {_text(abs(one - other))}"
    return f"*Too {'high' if one > other else 'low'}, {by}. Think for a minute why, before you read on.*"


def _number(value: object) -> float | None:
    """A number, also out of "40 %"; None for a word."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    try:
        return float(str(value).strip().removesuffix("%").replace(",", ""))
    except ValueError:
        return None


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = _number(value)
    if number is None:
        return " ".join(str(value).replace("|", "/").split())
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e12 else f"{number:.3g}"
