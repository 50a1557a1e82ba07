"""What the README shows runs, and the commands it prints exist."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tinyvit import ops
from tinyvit.backend import array_module, row_sum
from tinyvit.cli import build_parser
from tinyvit.ops.softmax import exp_offset

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "data" / "README.md",
    ROOT / "lessons" / "README.md",
    ROOT / "data" / "mnist" / "README.md",
    *sorted((ROOT / "tinyvit").glob("*/README.md")),
]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def test_every_room_has_its_place_on_the_map():
    page = (ROOT / "README.md").read_text()
    rooms = page[page.index("## Where each thing lives") : page.index("## On a GPU")]
    for folder in (ROOT / "tinyvit").iterdir():
        if (folder / "__init__.py").exists():
            assert f"(tinyvit/{folder.name}" in rooms, folder.name
    for title in ("What you will learn", "Use a real ViT", "Results", "How fast", "Is it right?", "How it compares"):
        assert f"## {title}\n" in page


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 180


def test_the_softmax_shown_is_the_softmax_used(rng):
    (shown,) = [block for block in blocks(ROOT / "README.md", "python") if "def softmax_forward" in block]
    names = {
        "array_module": array_module,
        "SoftmaxSaved": ops.SoftmaxSaved,
        "exp_offset": exp_offset,
        "row_sum": row_sum,
    }
    exec(shown, names)
    x, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))
    y, saved = names["softmax_forward"](x)
    np.testing.assert_array_equal(y, ops.softmax_forward(x)[0])
    np.testing.assert_array_equal(names["softmax_backward"](dy, saved), ops.softmax_backward(dy, saved))


def test_the_training_step_shown_runs():
    (shown,) = [block for block in blocks(ROOT / "README.md", "python") if "optimizer.step" in block]
    names = {}
    exec(shown, names)
    assert np.isfinite(names["loss"])
    assert names["dimages"].shape == (8, 1, 28, 28)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_printed_can_be_parsed(page):
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"`(tinyvit [^`]+)`", page.read_text())
    for line in lines:
        for command in line.split("#")[0].split("&&"):
            words = shlex.split(command.replace("--seed S", "--seed 0"))
            if words and words[0] == "tinyvit":
                build_parser().parse_args(words[1:])  # exits when it does not know a verb or a flag


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_linked_exists(page):
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text()) + re.findall(r'src="([^"]+)"', page.read_text())
    for target in targets:
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_every_script_and_test_named_exists(page):
    for path in re.findall(r"(?:python|pytest) (tests/[\w/.]+)", page.read_text()):
        assert (ROOT / path).exists(), path
