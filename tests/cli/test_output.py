"""Closed streams, readers who leave, poor encodings, and Ctrl-C at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyvit import cli

SMALL_RUN = Path(__file__).parents[1] / "training" / "small_run.py"
TRAIN = ["train", "--epochs", "1", "--batch-size", "32", "--embed-dim", "16", "--num-heads", "2", "--depth", "1"]


def small_train(folder, shell_end, **environment):
    command = (
        f'"{sys.executable}" "{SMALL_RUN}" {" ".join(TRAIN)} --workers 1 --device cpu --output "{folder}" {shell_end}'
    )
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(
    ("shell_end", "lines"), [("2>&-", None), (">&-", 0), ("| head -n 1", 1)], ids=["no stderr", "no stdout", "head"]
)
def test_a_run_is_finished_also_when_nobody_listens(tmp_path, shell_end, lines):
    process = small_train(tmp_path / "run", shell_end, PYTHONUNBUFFERED="1")
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    if lines is not None:
        assert len(process.stdout.splitlines()) == lines
    assert (tmp_path / "run" / "figures" / "positions.png").is_file()  # what is written last


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
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build_parser", interrupted)
    assert cli.main([]) == 130
    assert capsys.readouterr().err == "tinyvit: stopped\n"
