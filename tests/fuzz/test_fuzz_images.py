"""A sample of what `python -m tests.fuzz.fuzz_images` does at length."""

import pytest

from tests.fuzz import fuzz_images
from tinyvit.errors import UserError
from tinyvit.images.processor import ImageProcessor


def test_broken_configs_are_used_or_refused():
    outcomes = fuzz_images.fuzz_configs(200, seed=1)
    assert min(outcomes["used"], outcomes["refused"]) > 20


def test_broken_files_are_used_or_refused(tmp_path):
    outcomes = fuzz_images.fuzz_files(200, seed=1, folder=tmp_path)
    assert min(outcomes["used"], outcomes["refused"]) > 20


def test_the_fuzzers_notice_other_errors(monkeypatch, tmp_path):
    def fails(*arguments):
        raise KeyError("size")

    monkeypatch.setattr(ImageProcessor, "pixels", fails)
    with pytest.raises(AssertionError, match="KeyError instead of a UserError"):
        fuzz_images.fuzz_configs(50, seed=1)
    with pytest.raises(AssertionError, match="KeyError instead of a UserError"):
        fuzz_images.fuzz_files(50, seed=1, folder=tmp_path)


def test_the_good_files_are_good(tmp_path):
    files = fuzz_images.image_files()
    assert len(files) > 80
    for name, content in files.items():
        path = tmp_path / f"image.{name.rpartition('.')[2]}"
        path.write_bytes(content)
        try:
            fuzz_images.use_file(path)
        except UserError as error:
            pytest.fail(f"{name}: {error}")
