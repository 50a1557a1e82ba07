"""The course from the command line: a learner's copy is never lost, and what passes is said honestly."""

import json
import os
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from tinyvit.cli import build_parser, lesson_copies, main
from tinyvit.course import progress


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("TINYVIT_GRADES", "TINYVIT_STRICT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TINYVIT_HOME", str(tmp_path / "home"))


def test_list_and_progress_say_what_has_been_passed(capsys):
    progress.remember("5.2")
    assert main(["lessons"]) == 0
    assert "05 Layer norm" in (out := capsys.readouterr().out)
    assert "1 of 3" in out
    assert main(["lessons", "progress"]) == 0
    assert "5.1 ·  5.2 ✓  5.3 ·" in capsys.readouterr().out


def test_start_copies_once_and_reset_keeps_the_old_copy(capsys):
    path = Path("my-lessons/05_layer_norm.ipynb")
    assert main(["lessons", "start", "5"]) == 0
    path.write_text("my work")
    assert main(["lessons", "start", "05"]) == 0
    assert path.read_text() == "my work"
    progress.remember("5.1")
    assert main(["lessons", "reset", "5"]) == 0
    assert json.loads(path.read_text())["nbformat"] == 4
    assert Path("my-lessons/05_layer_norm.old1.ipynb").read_text() == "my work"
    assert progress.passed() == []


@pytest.mark.parametrize("folder", ["my-lessons", "a/b c"])
def test_links_of_a_copy_lead_to_where_they_did(folder):
    assert main(["lessons", "start", "5", "--folder", folder]) == 0
    path = Path(folder) / "05_layer_norm.ipynb"
    cells = json.loads(path.read_text())["cells"]
    text = "".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\(((?!http)[^)]+)\)", text)
    assert len(links) >= 3
    for link in links:
        assert (path.parent / unquote(link)).is_file(), link
    assert "06_gelu_and_mlp.ipynb" in links  # the learner's own


def test_links_lead_to_another_drive(monkeypatch, tmp_path):
    def relpath(path, start):
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr(os.path, "relpath", relpath)
    main(["lessons", "start", "5"])
    text = Path("my-lessons/05_layer_norm.ipynb").read_text()
    assert f"]({(lesson_copies.LESSONS.parent / 'tinyvit/ops/layer_norm.py').as_uri()})" in text


@pytest.mark.parametrize("folder", ["deep/er", "a b", "my-lessons"])
def test_start_says_how_to_open_this_copy(folder, capsys):
    main(["lessons", "start", "3", "--folder", folder])
    command = re.search(r"tinyvit (lessons open [^,]+), or", capsys.readouterr().out)[1]
    options = build_parser().parse_args(shlex.split(command))
    assert (options.folder, options.lesson) == (folder, "3")


def test_copies_that_are_there_stay_as_they_are():
    main(["lessons", "start", "0"])
    (mine := Path("my-lessons/07_attention.ipynb")).write_text("my work")
    main(["lessons", "start", "7"])
    main(["lessons", "reset", "6"])
    assert mine.read_text() == "my work"
    assert len(list(Path("my-lessons").glob("*.ipynb"))) == len(list(lesson_copies.LESSONS.glob("*.ipynb"))) + 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["start", "99"], "there is no lesson '99': choose from"),
        (["open", "five"], "there is no lesson 'five'"),
        (["grade", "missing.ipynb"], "there is no missing.ipynb"),
    ],
)
def test_mistakes_get_one_sentence(arguments, sentence, capsys):
    if arguments[0] == "grade":
        pytest.importorskip("nbclient")
    assert main(["lessons", *arguments]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


def test_grade_counts_what_the_learner_wrote(capsys):
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    cells = [
        "from tinyvit.course import check\nimport numpy as np",
        "print('Exercise 5.2, layer_norm_backward: passed.')",
        "raise ValueError('the notebook goes on after an error')",
        "def f(x, weight, bias, *, eps=1e-6):\n"
        "    r = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)\n"
        "    h = (x - x.mean(-1, keepdims=True)) * r\n"
        "    return h * weight + bias, (h, r, weight)",
        "check.layer_norm_forward(f)",
        "check.layer_norm_backward(lambda dy, saved: dy)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "my-venv", "display_name": "mine", "language": "python"}
    nbformat.write(notebook, "mine.ipynb")
    before = dict(os.environ)
    assert main(["lessons", "grade", "mine.ipynb"]) == 0
    out = capsys.readouterr().out
    assert "mine.ipynb: 1 of 3 passed" in out
    assert "5.1 layer_norm_forward: passed" in out
    assert "5.2 layer_norm_backward: wrong shape" in out
    assert "5.3 rms_norm_backward: its check is not in the notebook" in out
    assert progress.passed() == []  # somebody else's work is not the teacher's progress
    assert dict(os.environ) == before
