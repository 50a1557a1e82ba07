"""The table of predictions is there, complete, or not at all."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tinyvit.cli.predictions import PredictionsTable
from tinyvit.errors import UserError

NAMES = ['a "quoted", name', "b"]


def test_names_of_all_kinds_come_back(tmp_path):
    path = tmp_path / "out.csv"
    with PredictionsTable(str(path), NAMES, labelled=True) as table:
        table.add('ü, "x"\n.png', np.array([0.25, 0.75]), 0)
        table.add("bytes \udcff.png", np.array([0.5, 0.5]), 1)  # a file name that is no text
        assert not path.exists()
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["file", "label", "prediction", "probability", "guess_1", "probability_1", "guess_2", "probability_2"],
        ['ü, "x"\n.png', NAMES[0], "b", "0.75", "b", "0.75", NAMES[0], "0.25"],
        ["bytes \\udcff.png", "b", NAMES[0], "0.5", NAMES[0], "0.5", "b", "0.5"],
    ]


def write_some(path, *, then=None, disk=None):
    with PredictionsTable(str(path), NAMES, labelled=False) as table:
        if disk:
            table._file.close()
            table._file = open(disk, "w")  # noqa: SIM115
        table.add("x.png", np.array([0.25, 0.75]))
        if then:
            raise then


@pytest.mark.parametrize("error", [UserError, KeyboardInterrupt])
def test_an_error_leaves_the_old_table(tmp_path, error):
    path = tmp_path / "out.csv"
    path.write_text("file,prediction of old")
    with pytest.raises(error):
        write_some(path, then=error)
    assert path.read_text() == "file,prediction of old"
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]
    write_some(path)
    assert path.read_text().startswith("file,prediction,")
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here is always full")
def test_a_full_disk_gets_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"could not write .*out.csv \(No space left on device\)"):
        write_some(tmp_path / "out.csv", disk="/dev/full")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_one(tmp_path):
    (tmp_path / "real.csv").write_text("")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with PredictionsTable(str(tmp_path / "link.csv"), NAMES, labelled=False):
        pass
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("file,")


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with PredictionsTable(None, NAMES, labelled=True) as table:
        table.add("x.png", np.array([0.25, 0.75]), 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\rb", "a\nb", 'a"b', "a,b", "\r", "a\r\nb;c", "猫\r"])
def test_one_answer_is_one_row_whatever_its_name(tmp_path, name):
    with PredictionsTable(str(tmp_path / "out.csv"), [name, "b"], labelled=True) as table:
        table.add(f"x{name}", np.array([0.75, 0.25]), 0)
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 2
    assert [row.strip("'") for row in rows[1][:3]] == [f"x{name}", name, name]


@pytest.mark.parametrize("name", ["=1+1", "=HYPERLINK(1)", "+a", "-a", "@SUM(1)", "\t=1", "-1e5", "+7", "-"])
def test_a_spreadsheet_computes_no_name(tmp_path, name):
    with PredictionsTable(str(tmp_path / "out.csv"), [name, "b"], labelled=False) as table:
        table.add(name, np.array([0.75, 0.25]))
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        _, (file, prediction, *_) = csv.reader(file)
    assert file == prediction == (name if name in ("-1e5", "+7") else f"'{name}")


@pytest.mark.parametrize("content", [b"weights", b"files,label", b"\0" * 100])
def test_only_a_table_is_replaced_by_a_table(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is no table of predictions and stays as it is"):
        PredictionsTable(str(path), NAMES, labelled=False)
    assert path.read_bytes() == content
