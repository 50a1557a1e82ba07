"""The command as a user types it: within this process, or as the installed entry point in a process of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinyvit.cli import main

# The console script of the environment that runs the tests.
SCRIPT = shutil.which("tinyvit", path=str(Path(sys.executable).parent)) or shutil.which("tinyvit")


def run_tinyvit(*arguments, cwd=None, **environment):
    assert SCRIPT, "the tinyvit command is not installed: python -m pip install -e '.[test]'"
    return subprocess.run(
        [SCRIPT, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "100"} | environment,
    )


@pytest.fixture
def tinyvit_process(tmp_path):
    """Runs `tinyvit ...` in an empty folder, in a process; returns the finished process."""
    return lambda *arguments, **environment: run_tinyvit(*arguments, cwd=tmp_path, **environment)


@pytest.fixture
def tinyvit(tmp_path, monkeypatch, capsys):
    """Runs `tinyvit ...` in an empty folder, within this process; returns what `tinyvit_process` does."""

    def run(*arguments, **environment):
        capsys.readouterr()
        with monkeypatch.context() as here:
            here.chdir(tmp_path)
            for name, value in ({"COLUMNS": "100"} | environment).items():
                here.setenv(name, value)
            try:
                status = main([*map(str, arguments)])
            except SystemExit as end:  # of argparse
                status = end.code
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """The folder of a real, short run on all of MNIST: four large patches, so that it takes seconds."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    flags = ["--epochs", "2", "--patch-size", "14", "--batch-size", "256", "--embed-dim", "32", "--num-heads", "2"]
    process = run_tinyvit("train", "--output", folder, *flags, "--depth", "2", "--lr", "5e-3", "--device", "cpu")
    assert process.returncode == 0, process.stderr
    return folder, process
