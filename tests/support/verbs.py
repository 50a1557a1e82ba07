"""The parsers of all verbs, for tests about flags."""

import argparse

from tinyvit.cli import build_parser


def parsers():
    """Every parser by its verb, those of actions too: "data check"."""
    waiting = {"": build_parser()}
    while waiting:
        name, parser = waiting.popitem()
        if name:
            yield name, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting |= {f"{name} {verb}".strip(): of_verb for verb, of_verb in action.choices.items()}


PARSERS = dict(sorted(parsers()))
