"""The query of an address, `?block=3&head=2`: read as what it is said to be, or refused in a sentence."""

from urllib.parse import parse_qs

from ..errors import UserError, one_line

MAX_FIELDS, MAX_LENGTH = 16, 4096
MAX_DIGITS = 18


class Query:
    """Fields of a query by name; of one that comes twice, the last counts.

    Raises:
        UserError: it is longer than any that the page sends.
    """

    def __init__(self, text: str = ""):
        if len(text) > MAX_LENGTH or text.count("&") >= MAX_FIELDS:
            raise UserError(f"the query has more than {MAX_FIELDS} fields or {MAX_LENGTH} characters: ask for less")
        self.fields = {name: values[-1] for name, values in parse_qs(text).items()}

    def whole(self, name: str) -> int:
        """A whole number.

        Raises:
            UserError: it is missing, or something else.
        """
        given = self.fields.get(name, "")
        digits = given.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= MAX_DIGITS):
            raise UserError(f"{name} must be a whole number, got {one_line(given, 20)!r}: write ?{name}=0")
        return int(given)

    def optional(self, name: str) -> int | None:
        """A whole number, or None where there is none; errors as for `whole`."""
        return self.whole(name) if name in self.fields else None

    def real(self, name: str) -> float:
        """A finite number.

        Raises:
            UserError: it is missing, or something else.
        """
        given = self.fields.get(name, "")
        try:
            value = float(given)
        except ValueError:
            value = float("nan")
        if not abs(value) < float("inf"):
            raise UserError(f"{name} must be a number, got {one_line(given, 20)!r}: write ?{name}=1.5")
        return value

    def heads(self, name: str) -> list[tuple[int, int]]:
        """Heads as block.head, "3.0,3.1", each once; none where there is nothing.

        Raises:
            UserError: it is something else.
        """
        found = []
        for part in filter(None, self.fields.get(name, "").split(",")):
            block, _, head = part.partition(".")
            if not all(digits.isascii() and digits.isdecimal() and len(digits) < 5 for digits in (block, head)):
                raise UserError(
                    f"{name} must be heads as block.head, got {one_line(part, 20)!r}: write ?{name}=3.0,3.1"
                )
            found.append((int(block), int(head)))
        return sorted({*found})
