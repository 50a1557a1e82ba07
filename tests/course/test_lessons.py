"""The notebooks are what their sources say, and run from top to bottom, solved or not."""

import importlib.util
import itertools
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tinyvit.course import EXERCISES, check
from tinyvit.course.hunts import HUNTS

pytest.importorskip("jupytext", reason="needs the extra 'lessons'")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

LESSONS = Path(__file__).parents[2] / "lessons"
NOTEBOOKS = sorted(LESSONS.glob("*.ipynb"))
spec = importlib.util.spec_from_file_location("build", LESSONS / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def test_the_notebooks_are_fresh(capsys):
    assert build.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_unsolved_notebook_runs_to_its_end(path, tmp_path, monkeypatch):
    """A check of a stub says so and stops nobody; what comes later does not need it."""
    monkeypatch.setenv("TINYVIT_HOME", str(tmp_path))
    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    printed = "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)
    said = printed + "".join(output.get("data", {}).get("text/markdown", "") for output in outputs)
    boxes = [cell for cell in notebook.cells if cell.source.startswith("my_guess = None  # ")]
    assert said.count("No guess yet") == len(boxes)
    assert said.count("no suspect yet") == (int(path.stem[:2]) in HUNTS)
    mine = [number for number, text in check.texts()["exercises"].items() if text["lesson"] == path.stem]
    assert sorted(re.findall(r"Exercise ([\d.]+), \w+: nothing written yet", printed)) == sorted(mine)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_guesses_come_first_and_a_bug_is_hunted(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells)
    boxes = re.findall(r"^my_guess = (.*?)  # .+$", text, re.MULTILINE)
    assert boxes
    assert set(boxes) == {"None"}
    assert len(re.findall(r"^show_guess\(\s*my_guess,\s", text, re.MULTILINE)) == len(boxes)
    hunts = re.findall(r"^broken = bug_hunt\((\d+)\)$", text, re.MULTILINE)
    assert hunts == re.findall(r"^check\.suspect\((\d+), my_suspect\)$", text, re.MULTILINE)
    assert hunts == [str(lesson) for lesson in HUNTS if lesson == int(path.stem[:2])]
    assert text.count("my_suspect = None  # ") == text.count("my_suspect = ") == len(hunts)


@pytest.mark.parametrize(
    "path",
    [*NOTEBOOKS, *(LESSONS / "solutions" / path.name for path in NOTEBOOKS)],
    ids=lambda path: str(path.relative_to(LESSONS)),
)
def test_code_that_draws_is_folded_away_and_nothing_else_is(path):
    for cell in nbformat.read(path, 4).cells:
        draws = cell.cell_type == "code" and re.search(r"^(show|play)\(", cell.source, re.MULTILINE) is not None
        assert draws == bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
        assert draws == ("hide-input" in cell.metadata.get("tags", ()))
        assert not draws or "print(" not in cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_headings_go_down_one_level_at_a_time(path):
    """The site is refused otherwise."""
    cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"]
    levels = [len(marks) for text in cells for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


@pytest.mark.parametrize("path", sorted((LESSONS / "solutions").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_solution_ran_without_complaint(path):
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "code":
            assert cell.execution_count
            assert not [o for o in cell.outputs if o.output_type == "error" or o.get("name") == "stderr"]


@pytest.mark.parametrize("path", sorted((LESSONS / "solutions").glob("*.ipynb")), ids=lambda path: path.stem)
def test_what_a_solution_prints_is_tidy_and_true(path):
    outputs = [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", ())]
    said = "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)
    assert not re.findall(r".*(?<![\w.])-0(?:\.0)?(?![\w.]).*", said)  # 0, and not minus 0
    assert not re.findall(r".*\bnp\.(?:float|int|bool)\w*\(.*", said)
    for number, following in re.findall(r"Exercise ([\d.]+), \w+: passed\. (.+)", said):
        assert following == check._next(EXERCISES[number])


@pytest.mark.parametrize(
    "path", sorted(LESSONS.rglob("[0-9]*.ipynb")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_link_of_a_notebook_leads_somewhere(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        assert link.startswith("http") or (path.parent / link).is_file(), link  # JupyterLab opens no folder


@pytest.mark.parametrize("path", sorted((LESSONS / "solutions").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_figure_has_a_caption_for_screen_readers_too(path):
    for cell in nbformat.read(path, 4).cells:
        outputs = cell.get("outputs", [])
        for figure, caption in pairwise([*outputs, None]):
            if "image/png" in figure.get("data", {}):
                alt = figure.metadata["image/png"]["alt"]
                assert len(alt) >= 20
                assert caption.data["text/markdown"] == f"*{alt}*"


def test_every_exercise_has_hints_a_solution_and_a_check():
    texts = json.loads(build.TEXTS.read_text())["exercises"]
    assert texts.keys() == EXERCISES.keys()
    for number, text in texts.items():
        assert len(text["hints"]) >= 2
        assert f"def {EXERCISES[number].name}(" in text["solution"]
        assert text["lesson"].startswith(f"{EXERCISES[number].lesson:02}_")


def test_the_map_lists_every_lesson_with_its_minutes():
    page = (LESSONS / "README.md").read_text()
    for name, facts in check.texts()["lessons"].items():
        assert f"({name}.ipynb) | {facts['minutes']} |" in page


def test_the_learners_own_model_is_right_and_reads_digits():
    """Lesson 18, solved: gradients checked, the forward the library's to rounding, trained by the learner's own loop."""
    cells = nbformat.read(LESSONS / "solutions" / "18_your_own_vit.ipynb", 4).cells
    printed = "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", ()))
    assert re.search(r"(\d+) of \1 are yours", printed)
    assert re.search(r"\d+ gradients, passed", printed)
    assert float(re.search(r"logits differ from yours by (\S+)", printed)[1]) < 1e-12
    assert float(re.search(r"right on ([\d.]+)%", printed)[1]) >= 97


def test_lesson_20_measures_what_it_says():
    """A masked autoencoder helps and pixels beat it; a loss near 0 comes with features that are alike."""
    cells = nbformat.read(LESSONS / "solutions" / "20_masked_autoencoders.ipynb", 4).cells
    printed = "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", ()))
    hidden, mean = map(float, re.search(r"dev digits: ([\d.]+); of their mean brightness ([\d.]+)", printed).groups())
    assert 0.3 < hidden < 0.8 * mean
    read = {name: float(re.search(rf"{name} +on average ([\d.]+)", printed)[1]) for name in ("MAE", "random", "pixels")}
    assert read["random"] + 5 < read["MAE"] < read["pixels"]
    assert float(re.search(r"the loss fell from [\d.]+ to (0\.\d+)", printed)[1]) < 0.003
    rows = re.findall(r"^(\S.*?) +spread ([\d.]+) +rank +([\d.]+) of 48 +k-NN ([\d.]+)", printed, re.MULTILINE)
    measured = {name: [float(number) for number in numbers] for name, *numbers in rows}
    assert measured["JEPA"][0] < 0.05 < 0.3 < measured["untrained"][0]
    assert measured["JEPA"][1] > measured["untrained"][1] > measured["MAE"][1]
    assert measured["JEPA"][2] < measured["untrained"][2] + 2 < measured["JEPA, kept apart"][2] < measured["MAE"][2]
    assert measured["JEPA, kept apart"][1] > 30
