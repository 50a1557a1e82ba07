"""What tests share: small data, small runs, stand-ins for a GPU, and what processes need to find all that."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that imports `tests.support`."""
    places = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(places)} | changes


def python_files(folder):
    """Paths of all Python files below a folder, sorted; without the copies that JupyterLab keeps of files it opened."""
    return [path for path in sorted(folder.rglob("*.py")) if ".ipynb_checkpoints" not in path.parts]


def others_slow(cases, fast=1):
    """Cases of one kind for `parametrize`: the first ones run always, the others with `pytest -m slow`."""
    cases = list(cases)
    return cases[:fast] + [
        pytest.param(*(case if type(case) is tuple else (case,)), marks=pytest.mark.slow) for case in cases[fast:]
    ]
