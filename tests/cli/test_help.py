"""What `--help` shows is what happens: every default in it is that of the command when no flag is given."""

import argparse
import dataclasses
import functools
import re

import pytest

from tests.support.verbs import PARSERS
from tinyvit.cli import build_parser
from tinyvit.config.add_classes import AddClassesConfig
from tinyvit.config.presets import preset
from tinyvit.config.tasks import CONFIGS
from tinyvit.training import FinetuneConfig, recipe

IN_WORDS = re.compile(r"the |what |next |.*;")  # a default that depends on what is given


def resolved(verb):
    """What the verb works with where no flag is given, by field; of verbs that have a config."""
    if verb in ("train", "tune"):
        config = recipe("default")
        of_tasks = [vars(config_class()) for config_class in CONFIGS.values()]  # a shared field has its flag once
        return functools.reduce(lambda first, other: other | first, of_tasks) | vars(config) | vars(config.model)
    if verb == "finetune":
        return vars(AddClassesConfig()) | vars(FinetuneConfig()) | {"pretrained": None}  # --model must be given
    if verb in ("bench", "info"):
        return dataclasses.asdict(preset(build_parser().parse_args([verb]).preset))
    return {}


@pytest.mark.parametrize("verb", PARSERS)
def test_every_default_in_the_help_is_the_one_that_holds(verb):
    values = resolved(verb)
    for action in PARSERS[verb]._actions:
        text = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
        shown = re.search(r"\(default: (.*)\)$", text)
        if not shown:
            assert action.default in (argparse.SUPPRESS, None, False) or "default" in text, action.dest
        elif IN_WORDS.match(shown[1]):
            assert action.default in (argparse.SUPPRESS, None), action.dest
        else:
            value = action.default if action.default != argparse.SUPPRESS else values[action.dest]
            assert shown[1] == str(value), f"{verb} --{action.dest}"


@pytest.mark.parametrize("verb", ["train", "finetune", "tune", "bench", "info"])
def test_a_flag_made_from_a_field_shows_its_default(verb):
    values = resolved(verb)
    for action in PARSERS[verb]._actions:
        if action.default is argparse.SUPPRESS and values.get(action.dest) is not None:
            assert f"(default: {values[action.dest]})" in action.help.replace("%%", "%"), action.dest


def test_the_small_model_is_the_default_of_train(tinyvit):
    text = tinyvit("train", "--help").stdout
    for shown in ("(default: 28)", "(default: 64)", "(default: 4)", "those of the default recipe"):
        assert shown in " ".join(text.split())
    assert "768" not in text
    assert "224" not in text
