"""The one exception for mistakes a user can make: the command line prints it as one sentence and exits with 2."""


class UserError(ValueError):
    """Error that a user can cause: what is wrong, what was received, and what to do, in one sentence.

    It is a `ValueError`, so Python callers may catch it as one; the command line shows its text without a traceback.
    """


def printable(text: str) -> str:
    """Escape control characters of untrusted text: what would steer a terminal is shown, not sent."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def one_line(words: object, most: int = 200) -> str:
    """Untrusted text as one printable line of at most `most` characters, without control codes."""
    words = "".join(c if c.isprintable() else " " for c in str(words))
    return " ".join(words.split())[:most]
