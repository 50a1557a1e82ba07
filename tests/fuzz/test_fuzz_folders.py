"""A sample of what `python -m tests.fuzz.fuzz_folders` does at length."""

import pytest

from tests.fuzz import fuzz_folders
from tinyvit.datasets.left_out import LeftOut


def test_random_folders_are_refused_or_every_image_counted(tmp_path):
    outcomes = fuzz_folders.fuzz_folders(150, seed=1, folder=tmp_path)
    assert min(outcomes["used"], outcomes["refused"]) > 30


def test_the_fuzzer_notices_an_image_that_is_lost(monkeypatch, tmp_path):
    monkeypatch.setattr(LeftOut, "count", 0)
    with pytest.raises(AssertionError, match="AssertionError instead of a UserError"):
        fuzz_folders.fuzz_folders(150, seed=1, folder=tmp_path)
