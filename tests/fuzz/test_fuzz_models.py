"""A sample of what `python -m tests.fuzz.fuzz_models` does at length."""

from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import fuzz_models

COUNT = 150


@pytest.mark.parametrize("kind", fuzz_models.KINDS)
def test_broken_models_are_used_or_refused(kind, tmp_path):
    outcomes, _ = fuzz_models.fuzz(kind, COUNT, seed=1, folder=tmp_path)
    assert min(outcomes["used"], outcomes["refused"]) >= 8
    assert outcomes.total() == COUNT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["hf", "timm", "tinyvit"])
def test_the_good_folders_are_good(layout, tmp_path):
    for name, content in fuzz_models.good_folders()[layout].items():
        (tmp_path / name).write_bytes(content)
    fuzz_models.use_model(tmp_path, np.random.default_rng(0))


def test_other_errors_are_noticed(monkeypatch, tmp_path):
    def fails(path, **options):
        raise KeyError("depth")

    monkeypatch.setattr(fuzz_models, "load_trained", fails)
    with pytest.raises(AssertionError, match="configs 0 of seed 1: KeyError instead of a UserError"):
        fuzz_models.fuzz("configs", 1, seed=1, folder=tmp_path)


def test_too_much_memory_is_noticed(monkeypatch, tmp_path):
    def takes(path, **options):
        return np.empty(2 * fuzz_models.MORE_MEMORY, np.uint8)

    monkeypatch.setattr(fuzz_models, "load_trained", takes)
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system limits no memory")
    with pytest.raises(AssertionError, match="MemoryError"):
        fuzz_models.fuzz("npz", 1, seed=1, folder=tmp_path)


def test_code_that_runs_is_noticed(monkeypatch, tmp_path):
    def runs(path, rng):
        (path.parent.parent / "it-ran").touch()

    monkeypatch.setattr(fuzz_models, "use_model", runs)
    with pytest.raises(AssertionError, match="it ran"):
        fuzz_models.fuzz("npz", 1, seed=1, folder=tmp_path)
