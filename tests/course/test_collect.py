"""A learner's own functions come out of their notebooks into one file; nothing else of a notebook is run or trusted."""

import importlib
import json

import pytest

from tests.support import others_slow
from tinyvit.cli import main
from tinyvit.course import EXERCISES
from tinyvit.course.collect import FILE, collect, load_functions, pieces_in
from tinyvit.course.judge import judge
from tinyvit.course.texts import texts
from tinyvit.course.verdict import Outcome

ASKED = [number for number, exercise in EXERCISES.items() if 1 <= exercise.lesson <= 12]
NUMPY = "import numpy as np"
NORM, MAX = (texts()["exercises"][number]["solution"] for number in ("5.1", "4.1"))


def write(folder, number, *cells):
    """A notebook of the lesson of an exercise, with these cells."""
    path = folder / f"{texts()['exercises'][number]['lesson']}.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}))
    return path


@pytest.fixture
def only(monkeypatch):
    """Only some exercises, for speed: 5.1, if no others are said."""

    def these(*numbers):
        module = importlib.import_module("tinyvit.course.collect")
        monkeypatch.setattr(module, "EXERCISES", {number: EXERCISES[number] for number in numbers})

    these("5.1")
    return these


@pytest.mark.slow
def test_all_solutions_make_one_file_that_runs(tmp_path, capsys):
    for lesson in {texts()["exercises"][number]["lesson"] for number in ASKED}:
        mine = [number for number in ASKED if texts()["exercises"][number]["lesson"] == lesson]
        imports = f"import math\n{NUMPY}\nfrom tinyvit import ops\nfrom tinyvit.optim import AdamW"
        write(tmp_path, mine[0], imports, *(texts()["exercises"][number]["solution"] for number in mine))
    assert main(["lessons", "collect", "--folder", str(tmp_path)]) == 0
    assert f"{len(ASKED)} of {len(ASKED)} functions are yours" in capsys.readouterr().out
    module = load_functions(tmp_path / FILE)
    for number in ASKED:
        assert judge(EXERCISES[number], getattr(module, EXERCISES[number].name)).outcome is Outcome.PASSED


def test_what_is_missing_is_the_librarys_and_named(tmp_path, only):
    only("5.1", "5.2")
    write(tmp_path, "5.1", NUMPY, NORM, texts()["exercises"]["5.2"]["stub"])
    path, pieces, _ = collect(tmp_path)
    assert [bool(piece.own) for piece in pieces] == [True, False]
    text = path.read_text()
    assert "1 of 2 functions are mine" in text
    assert "# 5.2 layer_norm_backward is not mine but the library's: nothing written yet." in text
    module = load_functions(path)
    assert module.layer_norm_backward is EXERCISES["5.2"].solution
    assert module.layer_norm_forward.__module__ == "my_vit"


@pytest.mark.parametrize(
    ("cells", "why"),
    others_slow(
        [
            ([NUMPY, NORM.replace("+ bias", "- bias")], "not right yet"),
            ([NUMPY, NORM, "def layer_norm_forward(x): pass"], "not right yet"),  # the last one counts
            ([NUMPY, "def layer_norm_forward(x, weight, bias, *, eps=1e-6):\n    exit()"], "SystemExit"),
            (["layer_norm_forward = None"], "not callable"),
            ([NUMPY, f"@print\n{NORM}"], "decorator"),
            ([NUMPY, NORM.replace("1e-6", "print(1)")], "would run code"),
            ([NUMPY, NORM.replace("bias, *", "bias: print(1), *")], "would run code"),
            (["import os", NORM.replace("mean =", "os.getcwd(); mean =")], "not defined"),
            ([NUMPY, NORM.replace("np.sqrt", "helper")], "not defined"),
            (["def layer_norm_forward(: broken"], "no function of this name"),
            (["(" * 5000], "no function of this name"),
            (["\0"], "no function of this name"),
        ]
    ),
)
def test_functions_that_do_not_pass_are_named(cells, why, tmp_path, only):
    write(tmp_path, "5.1", *cells)
    (piece,) = pieces_in(tmp_path)
    assert not piece.own
    assert why in piece.why


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"cells": 3}',
        b'{"cells": [3]}',
        b'{"cells": [{"cell_type": "code"}]}',
        b'{"cells": [{"cell_type": "code", "source": [1]}]}',
        b"[" * 100_000,
        b"\xff\xfe",
        None,
    ],
    ids=lambda content: ascii(content)[:30],
)
def test_notebooks_that_are_none_are_named(content, tmp_path, only, capsys):
    path = tmp_path / "05_layer_norm.ipynb"
    path.mkdir() if content is None else path.write_bytes(content)
    assert main(["lessons", "collect", "--folder", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "0 of 1 functions are yours" in out
    assert "05_layer_norm.ipynb" in out
    assert len(out.splitlines()) == 2
    load_functions(tmp_path / FILE)


def test_nothing_else_of_a_notebook_runs(tmp_path, only):
    """Neither when it is read, nor when the file is imported, whatever stands beside a definition."""
    mark = tmp_path / "ran"
    ran = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    cells = [f"{NUMPY}; {ran}", f"N = 3; {ran}", f"%time {ran}\n{NORM}", f"!touch {mark}"]
    cells += [f"def step(n):\n    return n + N\n{ran}", f"class A:\n    {ran}", f"x = [{ran} for _ in 'a']"]
    cells += [f'text = """\u2028\x0c\x1c\n"""\n{ran}\n' + NORM.replace(".mean(", ".mean(step(-4) or ", 1)]
    write(tmp_path, "5.1", *cells)
    path, (piece,), _ = collect(tmp_path)
    assert piece.own, piece.why
    load_functions(path)
    assert not mark.exists()
    assert "N = 3" in path.read_text()


def test_helpers_constants_and_comments_come_along(tmp_path, only):
    only("4.1", "5.1")
    helper = "def centred(x):\n    # the mean goes\n    return x - x.mean(AXIS, keepdims=True)"
    own = NORM.replace("(x - mean)", "centred(x)")
    write(tmp_path, "5.1", f"{NUMPY}, math\nfrom math import sqrt, pi", helper, "AXIS = -1", own)
    write(tmp_path, "4.1", f"{NUMPY}\nAXIS = 0", MAX)
    path, pieces, _ = collect(tmp_path)
    assert all(piece.own for piece in pieces), pieces
    text = path.read_text()
    assert "# the mean goes" in text
    assert text.index("AXIS = -1") < text.index("def centred") < text.index("def layer_norm_forward")
    assert "sqrt, pi" not in text


def test_two_lessons_may_not_mean_two_things_by_one_name(tmp_path, only):
    only("4.1", "5.1")
    write(tmp_path, "4.1", f"{NUMPY}\nAXIS = -1", MAX.replace("(-1", "(AXIS"))
    write(tmp_path, "5.1", f"{NUMPY}\nAXIS = (-1,)", NORM.replace("(-1", "(AXIS"))
    _, pieces, _ = collect(tmp_path)
    assert [piece.why for piece in pieces] == ["", "`AXIS` is something else in another lesson"]


def test_a_function_may_use_that_of_another_exercise(tmp_path, only):
    """The file has one of each name, and that has passed its check."""
    only("4.1", "7.1")
    solution = texts()["exercises"]["7.1"]["solution"].replace("ops.softmax_forward", "softmax_forward")
    write(tmp_path, "4.1", NUMPY, MAX)
    write(tmp_path, "7.1", NUMPY, "from tinyvit.ops import softmax_forward", solution)
    path, pieces, _ = collect(tmp_path)
    assert all(piece.own for piece in pieces), pieces
    assert "import softmax_forward" not in path.read_text()
    assert load_functions(path).softmax_forward.__module__ == "my_vit"


def test_a_file_that_was_edited_is_kept(tmp_path, only, capsys):
    write(tmp_path, "5.1", NUMPY, NORM)
    path, _, kept = collect(tmp_path)
    assert kept is None
    assert collect(tmp_path)[2] is None
    path.write_text(mine := path.read_text().replace("mean", "average"))
    assert main(["lessons", "collect", "--folder", str(tmp_path)]) == 0
    assert "is kept as" in capsys.readouterr().out
    assert (tmp_path / "my_vit.old1.py").read_text() == mine


def test_a_folder_that_is_none(tmp_path, capsys):
    assert main(["lessons", "collect", "--folder", str(tmp_path / "none")]) == 2
    err = capsys.readouterr().err
    assert "tinyvit lessons start 0" in err
    assert err.count("\n") == 1


def test_reasons_cannot_leave_their_comment(tmp_path, only):
    error = "def layer_norm_forward(*given, **more):\n    raise ValueError('a\\nimport os\\r\\x1b[31m')"
    write(tmp_path, "5.1", error)
    text = collect(tmp_path)[0].read_text()
    assert not [line for line in text.splitlines() if line.startswith("import os")]
    assert "\x1b" not in text
