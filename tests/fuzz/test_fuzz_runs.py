"""A sample of what `python -m tests.fuzz.fuzz_runs` does at length."""

import pytest

from tests.fuzz import fuzz_runs
from tinyvit.training import start


@pytest.fixture(autouse=True)
def _their_own_data(monkeypatch):
    monkeypatch.setattr(start, "load_dataset", start.load_dataset)  # given back at the end


def test_damaged_runs_are_used_or_refused(tmp_path):
    outcomes = fuzz_runs.fuzz(40, seed=1, folder=tmp_path)
    assert min(outcomes["used"], outcomes["refused"]) >= 5
    assert outcomes.total() == 40


def test_other_errors_are_noticed(monkeypatch, tmp_path):
    def fails(run):
        raise KeyError("depth")

    monkeypatch.setattr(fuzz_runs, "resume", fails)
    monkeypatch.setattr(fuzz_runs, "DAMAGES", (lambda run, rng: None,))
    with pytest.raises(AssertionError, match="run 0 of seed 1: KeyError instead of a UserError"):
        fuzz_runs.fuzz(1, seed=1, folder=tmp_path)
