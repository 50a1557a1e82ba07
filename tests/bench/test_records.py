"""The table of records: each is measured by a command that exists, and a row is added or nothing is changed."""

import json
import re
import shutil
import statistics
import subprocess

import pytest

from tinyvit import __version__
from tinyvit.bench import records
from tinyvit.bench.records import COLUMNS, FILE, append, read_table, record, row
from tinyvit.cli import bench, main
from tinyvit.errors import UserError

RUNS = {
    "recipe": "default",
    "runs": [
        {"side": "tinyvit", "seed": seed, "seconds": 100.0 + seed, "accuracy": accuracy}
        for seed, accuracy in enumerate((99.0, 99.25, 99.2))
    ],
}
FAST = {"runs": [*RUNS["runs"], *(run | {"side": "tinyvit, default", "seconds": 200.0} for run in RUNS["runs"])]}
SPEED = {
    "seconds": {"train step, batch 128": {"tinyvit": {"median": 0.03}, "PyTorch": {"median": 0.04}}},
    "peak_mebibytes": {"tinyvit": 100.0, "PyTorch": 400.0},
}
TASKS = {
    "runs": [
        {"name": name, "seed": seed, "seconds": 90.0, "parameters": 1234, "measures": {"accuracy": 0.5 + 0.1 * seed}}
        for seed in (0, 1)
        for name in ("mae", "transfer, 100 labels")
    ]
}


@pytest.fixture
def table(tmp_path, monkeypatch):
    file = tmp_path / "RECORDS.md"
    file.write_text(f"# Records\n\n{COLUMNS}")
    monkeypatch.setattr(records, "FILE", file)
    for function in (append, read_table):
        monkeypatch.setattr(function, "__defaults__", (file,))
    return file


@pytest.mark.parametrize("name", records.records())
def test_each_is_measured_by_flags_that_exist(name, monkeypatch, table, capsys):
    asked = []

    def measured(options):
        asked.append(options)
        raise UserError("that far")

    monkeypatch.setattr(bench, "_measured", measured)
    assert main(["bench", "--record", name]) == 2
    assert "that far" in capsys.readouterr().err
    assert asked[0].record is None
    values = [word for word in record(name).flags.split() if not word.startswith("--")]
    assert {*values} <= {str(value) for value in vars(asked[0]).values()} | {str(*asked[0].tasks or ())}
    assert table.read_text().endswith(COLUMNS)


@pytest.mark.parametrize(("name", "result"), [("default", RUNS), ("speed", SPEED), ("mae", TASKS)])
def test_a_row_is_added(name, result, monkeypatch, table, capsys):
    monkeypatch.setattr(bench, "_measured", lambda options: (result, "a table"))
    assert main(["bench", "--record", name]) == 0
    assert main(["bench", "--record", name, "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("a table\n")
    assert json.loads(out.removeprefix("a table\n")) == result
    lines = table.read_text().splitlines()[4:]
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert lines[0].count(" | ") == 6
    assert f"`tinyvit bench --record {name}`" in lines[0]
    assert lines[0] in err


def test_figures():
    accuracies = [run["accuracy"] for run in RUNS["runs"]]
    said = f"test accuracy {statistics.mean(accuracies):.2f} ± {statistics.stdev(accuracies):.2f} %; 101 s a run | 0, 1, 2 |"
    assert said in row("best", RUNS, "a machine")
    assert "101 s a run, 0.51 of the time of tinyvit, default |" in row("fast", FAST, "a machine")
    assert "train step, batch 128 0.75, peak memory 0.25" in row("speed", SPEED, "a machine")
    each = "accuracy 0.5500 ± 0.0707; 1.5 min, 1,234 parameters"
    assert f"| mae: {each}; transfer, 100 labels: {each} | 0, 1 | a machine |" in row("mae", TASKS, "a machine")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--record", ""], "there is no record ''"),
        (["--record", "fastest"], "there is no record 'fastest': choose from default, fast, best, speed"),
        (["--record", "mae", "--runs", "1"], "its own flags .--tasks mae., got --runs too"),
        (["--record", "best", "--embed-dim", "8"], "got --embed-dim too"),
    ],
)
def test_what_cannot_be_recorded(flags, said, table, monkeypatch, capsys):
    monkeypatch.setattr(bench, "_measured", None)
    assert main(["bench", *flags]) == 2
    err = capsys.readouterr().err
    assert re.search(said, err)
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"| Date | What |\n"])
def test_a_table_that_is_none_is_left_as_it_is(content, table):
    table.unlink()
    if content is not None:
        table.write_bytes(content)
    with pytest.raises(UserError):
        append("a row\n", table)
    assert (table.read_bytes() if content is not None else None) == content


def test_a_missing_table_is_told_before_the_measurement(table, monkeypatch, capsys):
    table.unlink()
    monkeypatch.setattr(bench, "_measured", None)
    assert main(["bench", "--record", "default"]) == 2
    assert "records are kept in a clone of the repository" in capsys.readouterr().err


def test_the_table_of_the_repository():
    text = FILE.read_text("utf-8")
    rows = text.partition(COLUMNS)[2].splitlines()
    assert COLUMNS in text
    assert all(line.count(" | ") == 6 for line in rows)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_version_is_the_commit_of_the_code(tmp_path, monkeypatch):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    table, code = tmp_path / "bench" / "RECORDS.md", tmp_path / "code.py"
    table.parent.mkdir()
    monkeypatch.setattr(records, "FILE", table)
    assert records._version() == __version__  # no repository
    table.write_text("rows\n")
    code.write_text("pass\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    commit = f"{__version__}, {git('rev-parse', '--short', 'HEAD')}"
    assert records._version() == commit
    table.write_text("rows\none more\n")
    (tmp_path / "a_run").mkdir()
    (tmp_path / "a_run" / "model.json").write_text("{}")
    assert records._version() == commit
    code.write_text("pass  # changed\n")
    assert records._version() == f"{commit}-dirty"
