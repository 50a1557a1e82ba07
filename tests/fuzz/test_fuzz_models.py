"""A sample of what `python -m tests.fuzz.fuzz_models` does at length."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.fuzz import fuzz_models
from tinyvit import UserError
from tinyvit.pretrained import FAMILIES
from tinyvit.training import load_trained

COUNT = 150


@pytest.mark.parametrize("kind", fuzz_models.KINDS)
def test_broken_models_are_used_or_refused(kind, tmp_path):
    outcomes, _ = fuzz_models.fuzz(kind, COUNT, seed=1, folder=tmp_path)
    assert min(outcomes["used"], outcomes["refused"]) >= 8
    assert outcomes.total() == COUNT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", fuzz_models.LAYOUTS)
def test_the_good_folders_are_good(layout, tmp_path):
    for name, content in fuzz_models.good_folders()[layout].items():
        (tmp_path / name).write_bytes(content)
    fuzz_models.use_model(tmp_path, np.random.default_rng(0))


def test_every_family_with_folders_is_among_them():
    assert {family for family, _ in fuzz_models.LAYOUTS.values()} == FAMILIES.keys() - {"npz"}
    for name, (family, changes) in fuzz_models.LAYOUTS.items():
        assert not FAMILIES[family].cannot_say(dataclasses.replace(fuzz_models.CONFIG, **changes)), name


def nan_in(array):
    array = np.array(array, order="C")
    array.reshape(-1)[-1] = np.nan
    return array


DAMAGES = {
    "lost": ("missing", lambda name, array: {}),
    "renamed": ("missing|unexpected", lambda name, array: {f"{name}.1": array}),
    "more": ("unexpected", lambda name, array: {name: array, "stranger": array}),
    "wrong shape": ("wrong shape", lambda name, array: {name: array[None]}),
    "too short": ("wrong shape", lambda name, array: {name: array[:-1]}),
    "true and false": ("not an array of real numbers", lambda name, array: {name: array > 0}),
    "complex": ("not an array of real numbers|can be read", lambda name, array: {name: array.astype("c8")}),
    "NaN": ("NaN or infinite", lambda name, array: {name: nan_in(array)}),
    "infinite": ("NaN or infinite", lambda name, array: {name: np.full_like(array, np.inf)}),
}


@pytest.mark.parametrize("layout", fuzz_models.LAYOUTS)
def test_each_damage_to_each_family_is_one_sentence(layout, tmp_path):
    files = fuzz_models.good_folders()[layout]
    arrays = {name: np.ascontiguousarray(array) for name, array in fuzz_models.good_arrays(layout).items()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    weights = tmp_path / fuzz_models.WEIGHTS
    name = next(name for name in arrays if "norm" in name and "1" in name and name.endswith("weight"))
    others = {other: array for other, array in arrays.items() if other != name}

    def refusal(content):
        weights.write_bytes(content)
        with pytest.raises(UserError) as caught:
            load_trained(tmp_path)
        sentence = str(caught.value)
        assert sentence.isprintable()
        assert len(sentence) < fuzz_models.MAX_LENGTH
        return sentence

    for damage, (words, damaged) in DAMAGES.items():
        assert re.search(words, refusal(save(others | damaged(name, arrays[name])))), damage
    for length in (0, 7, 100, len(files[fuzz_models.WEIGHTS]) - 1):
        assert "model.safetensors is damaged" in refusal(files[fuzz_models.WEIGHTS][:length])


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
