"""The user's browser, and the port of a page that it is to show."""

import argparse

MAX_PORT = 2**16 - 1


def opens(address: str) -> bool:
    """Open a browser with a window of its own; whether there is one. One that takes the terminal is passed over."""
    import webbrowser

    try:
        browser = webbrowser.get()
        in_terminal = isinstance(browser, webbrowser.GenericBrowser) and not isinstance(
            browser, webbrowser.BackgroundBrowser
        )
        return not in_terminal and browser.open(address)
    except (webbrowser.Error, OSError):
        return False


def port(given: str) -> int:
    """Port from 0, any that is free, to 65535.

    Raises:
        argparse.ArgumentTypeError: it is no such number.
    """
    if not (given.isascii() and given.isdecimal() and len(given) < 6 and int(given) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"it must be a port from 0 (any free one) to {MAX_PORT}, got {given[:20]!r}")
    return int(given)
