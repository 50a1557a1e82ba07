"""Closed streams, readers who leave, poor encodings, names that steer terminals, and Ctrl-C at once."""

import argparse
import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import others_slow, small_run
from tests.support.images import write_model
from tinyvit import cli
from tinyvit.cli import output
from tinyvit.cli.predictions import PredictionsTable
from tinyvit.evaluation.report import classification_report, confusion_text
from tinyvit.plots import plot_confusion, save_figure
from tinyvit.storage.files import read_json, to_json

TRAIN = ["train", "--epochs", "1", "--batch-size", "32", "--embed-dim", "16", "--num-heads", "2", "--depth", "1"]


def small_train(folder, shell_end, **environment):
    command = f'"{sys.executable}" "{small_run.__file__}" {" ".join(TRAIN)} --workers 1 --device cpu --output "{folder}" {shell_end}'
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | environment,
    )


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(
    ("shell_end", "lines"),
    [("| head -n 1", 1), ("2>&-", None), (">&-", 0)],
    ids=["head", "no stderr", "no stdout"],
)
def test_a_run_is_finished_also_when_nobody_listens(tmp_path, shell_end, lines):
    process = small_train(tmp_path / "run", shell_end, PYTHONUNBUFFERED="1")
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    if lines is not None:
        assert len(process.stdout.splitlines()) == lines
    assert (tmp_path / "run" / "figures" / "positions.png").is_file()  # what is written last


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "encoding", "shown"),
    [
        ("caf\xe9", "ascii", r"caf\xe9"),
        pytest.param(
            os.fsdecode(b"\xff"),
            "utf-8",
            r"\udcff",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="file names must be text there"),
        ),
    ],
)
def test_what_the_encoding_lacks_is_escaped(tmp_path, name, encoding, shown):
    process = small_train(tmp_path / name, "", PYTHONIOENCODING=encoding)
    assert process.returncode == 0, process.stderr
    assert f"Everything is in {tmp_path / shown}" in process.stdout


def test_ctrl_c_before_the_command_has_begun(monkeypatch, capsys):
    def interrupted(*verb):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build_parser", interrupted)
    assert cli.main([]) == 130
    assert capsys.readouterr().err == "tinyvit: stopped\n"


ESCAPES = {
    "colour": "\x1b[31mred",
    "title": "\x1b]0;title\x07",
    "8-bit": "\x9b2J",
    "bell and line": "a\a\rb",
    "right to left": "\u202egnp",
}


@pytest.mark.parametrize("name", others_slow(ESCAPES.values(), fast=2), ids=ESCAPES)
def test_names_of_strangers_do_not_steer_the_terminal(tmp_path, capsys, name):
    model, folder = write_model(tmp_path / "model"), tmp_path / "pictures"
    values = read_json(model / "config.json")
    (model / "config.json").write_bytes(to_json(values | {name: 1}))
    for k in range(2):
        (folder / f"{name}{k}").mkdir(parents=True)
        for grey in range(8):
            Image.new("RGB", (9, 9), (grey, k, 0)).save(folder / f"{name}{k}" / f"{name}{grey}.png")
    (folder / f"{name}0" / f"{name}.jpg").write_bytes(b"no image")
    for words in (
        ["info", model],
        ["predict", model, folder],
        ["eval", tmp_path / name],
        ["convert", model, tmp_path / name],
        ["data", "check", folder],
        ["eval", write_model(tmp_path / "good"), "--data-dir", folder],
        ["finetune", "--model", model, "--data-dir", folder, "--epochs", "1", "--output", tmp_path / f"run {name}"],
        ["train", "--recipe", name],
        ["lessons", "open", name],
        [name],
    ):
        with contextlib.suppress(SystemExit):
            cli.main([str(word) for word in words])
    printed = "".join(capsys.readouterr())
    assert ascii(name)[1:-1] in printed
    assert [character for character in printed if character != "\n" and not character.isprintable()] == []


def test_reports_and_figures_show_what_would_steer_a_terminal(tmp_path, recwarn):
    names = [*ESCAPES.values(), "猫", os.fsdecode(b"caf\xe9")]
    confusion = np.eye(len(names), dtype=np.int64)
    texts = classification_report(confusion, names) + confusion_text(confusion, names)
    assert [c for c in texts if c != "\n" and not c.isprintable()] == []
    save_figure(plot_confusion(confusion, names), tmp_path / "confusion.png")
    assert not recwarn.list


class Broken(io.TextIOWrapper):
    """A terminal that is gone, or a disk that is full: from some line on nothing can be written."""

    def __init__(self, number, lines=0):
        super().__init__(open(os.devnull, "wb"))  # noqa: SIM115
        self.number, self.lines = number, lines

    def write(self, text):
        self.lines -= 1
        if self.lines < 0:
            raise OSError(self.number, os.strerror(self.number))
        return super().write(text)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EPIPE, errno.EBADF, errno.EDQUOT])
def test_work_goes_on_where_output_cannot_be_written_any_more(monkeypatch, capsys, number):
    monkeypatch.setattr(sys, "stdout", Broken(number, lines=1))
    output.lost.clear()
    for line in ("first", "second", "third"):
        output.say(line)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == (0 if number == errno.EPIPE else 1)
    assert bool(output.lost) == (number != errno.EPIPE)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EPIPE])
def test_a_complaint_that_nobody_hears_changes_nothing(monkeypatch, number):
    monkeypatch.setattr(sys, "stderr", Broken(number))
    assert cli.main(["info", "no such model"]) == 2


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here is always full")
@pytest.mark.slow
@pytest.mark.parametrize("end", ["> /dev/full", "2> /dev/full", "> /dev/full 2>&1"])
def test_a_run_is_finished_where_its_log_does_not_fit(tmp_path, end):
    process = small_train(tmp_path / "run", end)
    assert process.returncode == 0, process.stderr
    assert len(process.stderr.splitlines()) == (end == "> /dev/full")
    assert (tmp_path / "run" / "figures" / "positions.png").is_file()


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here is always full")
def test_an_answer_that_does_not_fit_is_no_success():
    command = f'"{sys.executable}" -m tinyvit info tiny > /dev/full'
    process = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert process.returncode == 2
    assert process.stderr.startswith("tinyvit: what is printed can no longer be written (No space left on device)")
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", ">&- 2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_nobodys_files(tmp_path, closed):
    process = small_train(tmp_path / "run", f"--workers 2 {closed}")
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    assert (tmp_path / "run" / "figures" / "positions.png").is_file()


def signalled(number):
    """A command that gets a signal while it works."""

    def run(options):
        signal.raise_signal(number)
        return 0

    return run


@pytest.mark.process
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_polite_kill_takes_away_what_is_half_written(tmp_path, monkeypatch, capsys, name):
    number = getattr(signal, name)

    def run(options):
        with PredictionsTable(str(tmp_path / "out.csv"), ["a", "b"], labelled=False):
            signal.raise_signal(number)

    monkeypatch.setattr(cli.info, "run", run)
    monkeypatch.setattr(
        cli,
        "build_parser",
        lambda *verb: types.SimpleNamespace(parse_args=lambda _: argparse.Namespace(run=run, saves=False)),
    )
    before = signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    try:
        assert cli.main([]) == 130
        assert signal.getsignal(number) == (signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    finally:
        signal.signal(number, before)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == "tinyvit: stopped\n"


@pytest.mark.parametrize(
    ("error", "known"), [(RuntimeError("can't start new thread"), True), (RuntimeError("a mistake"), False)]
)
def test_where_no_thread_is_left_a_sentence_says_it(monkeypatch, capsys, error, known):
    def run(options):
        raise error

    monkeypatch.setattr(
        cli,
        "build_parser",
        lambda *verb: types.SimpleNamespace(parse_args=lambda _: argparse.Namespace(run=run, saves=False)),
    )
    if known:
        assert cli.main([]) == 2
        assert (
            capsys.readouterr().err
            == "tinyvit: the system has no thread left: end other programs, or raise its limit (ulimit -u)\n"
        )
    else:
        with pytest.raises(RuntimeError, match="a mistake"):
            cli.main([])
