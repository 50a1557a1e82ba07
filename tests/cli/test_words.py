"""What users read is in the field's words: help texts name the standard terms, and no sentence has a private one."""

import ast
import re
from pathlib import Path

import pytest

import tinyvit
from tests.support import python_files
from tests.support.verbs import PARSERS

PACKAGE = Path(tinyvit.__file__).parent
TERMS = {
    "train": (
        "decoupled weight decay", "gradient accumulation", "learning rate", "warm-up", "cosine schedule", "momentum",
        "nesterov", "gradient norm clipping", "label smoothing", "class weights", "exponential moving average",
        "random seed", "data augmentation", "epsilon of layer norm", "pooling before the head", "position embedding",
        "standard deviation of initial weight", "stochastic depth", "dropout rate", "activation", "class token",
        "register tokens", "layer scale", "embedding dimension", "input channels", "patch size", "image size",
        "attention heads", "checkpoint interval", "data parallelism", "hyperparameters", "resume",
    ),
    "finetune": (
        "layer-wise learning-rate decay", "activation checkpointing", "linear probing", "random resized crops",
        "horizontal flip", "randaugment", "random erasing", "mixup", "cutmix", "multi-label classification",
        "decision threshold", "pretrained model",
    ),
    "eval": ("dev (validation", "calibration", "confusion matrix", "reliability diagram", "decision threshold"),
    "plot": ("dev (validation", "learning curves", "position embedding"),
    "predict": ("classify", "top-k", "attention maps"),
    "tune": ("hyperparameter search", "median pruning", "dev (validation) split"),
    "convert": ("classification head", "interpolate the position embedding"),
    "info": ("training step", "batch size", "embedding dimension"),
    "gradcheck": ("finite differences", "random upstream gradient"),
    "bench": ("batch size", "profile"),
    "data check": ("multi-label classification", "image"),
}  # fmt: skip
BANNED = re.compile(
    r"\b("
    r"fed|eats?|eaten|born|pulls?|hands|spread|roads?|rooms?|coins?|strangers?|opponents?|flatters?|"
    r"somebody|someone|anybody|nobody|whoever|knows? its place|what the head|(measures|tests) memory|"
    r"memory is measured|towards zero|slower than"
    r")\b",
    re.IGNORECASE,
)
# Numbers are numbers where their kind is what matters; else they are features, values, parameters or pixels.
NUMBERS = re.compile(
    r"(?<!real )(?<!finite )(?<!infinite )(?<!negative )(?<!such )(?<!floating-point )(?<!two )(?<!dual )\bnumbers\b(?!, each)"
)


def texts_of_help():
    for verb, parser in PARSERS.items():
        yield verb, parser.description or ""
        for group in parser._action_groups:
            yield verb, group.description or ""
        for action in parser._actions:
            yield verb, action.help or ""


def sentences(path):
    """The texts of a module that have a space, but for its docstrings: what it may say to a user."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings and " " in str(node.value):
            yield str(node.value)


def banned_in(text):
    return [found[0] for pattern in (BANNED, NUMBERS) for found in pattern.finditer(text)]


def test_help_texts_have_no_banned_word():
    assert [(verb, text) for verb, text in texts_of_help() if banned_in(text)] == []


def test_notes_and_errors_have_no_banned_word():
    files = [path for path in python_files(PACKAGE) if "course" not in path.parts and path.name != "published_names.py"]
    found = [f"{path.relative_to(PACKAGE)}: {text}" for path in files for text in sentences(path) if banned_in(text)]
    assert not found, "\n".join(found)


def test_docstrings_and_comments_have_no_private_word():
    """Those of the exercises and bug hunts are written for learners, and may."""
    words = re.compile(r"\b((some|any|every|no)body|whoever|born|eats?|fed|roads?|coins|strangers?)\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in [*python_files(PACKAGE), *PACKAGE.rglob("*.cu")]
        if "exercises" not in path.parts and path.name not in ("hunts.py", "published_names.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if words.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("verb", TERMS)
def test_help_texts_hold_the_terms(verb):
    text = " ".join(PARSERS[verb].format_help().split()).lower().replace("- ", "-")
    assert [term for term in TERMS[verb] if term not in text] == []


@pytest.mark.parametrize("verb", PARSERS)
def test_help_texts_are_short(verb):
    assert [action.help for action in PARSERS[verb]._actions if len(action.help or "") > 180] == []
    assert [action.dest for action in PARSERS[verb]._actions if not (action.help or action.choices)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "numbers per token", "what the model was fed", "where weights are born", "pull of the weights towards zero",
        "spread of fresh weights", "whoever writes it", "of those, memory is measured", "Nobody has fetched it",
        "3 tokens of 64 numbers", "how a token knows its place",
    ],
)  # fmt: skip
def test_banned_words_are_found(sentence):
    assert banned_in(sentence)


@pytest.mark.parametrize("sentence", ["hand-written", "finite numbers", "fedora", "two numbers from 0 to 1", "learned"])
def test_other_words_are_not(sentence):
    assert not banned_in(sentence)
