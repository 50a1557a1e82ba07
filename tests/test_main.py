"""Ctrl-C in the first moments, while packages are being imported: the process ends, and says nothing."""

import signal
import subprocess
import sys

import pytest

# Presses Ctrl-C when a certain module is about to be imported, as `tinyvit` starts.
START = """
import importlib.abc, signal, sys

class Pressing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Pressing())
signal.signal(signal.SIGINT, signal.{handler})
sys.argv = ["tinyvit", "--version"]
from tinyvit.__main__ import main
sys.exit(main())
"""


def start(module, handler="default_int_handler"):
    program = START.format(module=module, handler=handler)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.process
@pytest.mark.parametrize("module", ["tinyvit.cli", "numpy", "numpy._core._multiarray_umath", "tinyvit.cli.doctor"])
def test_ctrl_c_while_packages_are_imported_says_nothing(module):
    process = start(module)
    assert (process.returncode, process.stdout, process.stderr) == (130, "", "")


@pytest.mark.process
def test_hardly_anything_is_imported_before_ctrl_c_is_handled():
    """What comes before shows a traceback: modules that Python needs to know signals, and no others."""
    words = (
        "import sys, signal; before = {*sys.modules}; import tinyvit.__main__; print(*sorted({*sys.modules} - before))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tinyvit", "tinyvit.__main__"]


@pytest.mark.process
def test_ctrl_c_that_is_ignored_stays_ignored():
    process = start("numpy", "SIG_IGN")
    assert process.returncode == 0
    assert process.stdout.startswith("tinyvit ")


def test_afterwards_ctrl_c_is_what_it_was(monkeypatch):
    from tinyvit import __main__, cli

    monkeypatch.setattr(cli, "main", lambda: 7)
    assert __main__.main() == 7
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_no_verb_waits_for_what_another_needs():
    code = "import sys, tinyvit.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "PIL", "ssl", "urllib.request", "webbrowser"} & {*done.stdout.split()}
