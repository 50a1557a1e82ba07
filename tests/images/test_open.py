"""An image file is opened in the mode it is stored in; what `read_image` refuses, `open_image` has refused."""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from tinyvit.errors import UserError
from tinyvit.images.open import FORMATS, glance_at, left_out, open_image

VALUES = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_the_mode_and_the_pixels_stay(tmp_path, mode):
    image = Image.fromarray(VALUES[..., :3].copy()).convert("L" if mode == "I;16" else "RGB").convert(mode)
    if mode == "RGBA":
        image = Image.fromarray(VALUES)
    image.save(tmp_path / "image.png")
    opened = open_image(tmp_path / "image.png")
    assert opened.mode == mode
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(image))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright(tmp_path, orientation, mode, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(VALUES[..., 0].copy() if mode == "L" else VALUES[..., :3].copy())
    image.save(tmp_path / f"turned.{suffix}", exif=exif)
    upright = {  # by the standard: where the stored first row and first column are to be seen
        1: VALUES, 2: VALUES[:, ::-1], 3: VALUES[::-1, ::-1], 4: VALUES[::-1],
        5: VALUES.swapaxes(0, 1), 6: VALUES[::-1].swapaxes(0, 1), 7: VALUES[::-1, ::-1].swapaxes(0, 1), 8: VALUES[:, ::-1].swapaxes(0, 1),
    }  # fmt: skip
    wanted = upright[orientation][..., 0 if mode == "L" else slice(3)]
    np.testing.assert_array_equal(np.asarray(open_image(tmp_path / f"turned.{suffix}")), wanted)


def test_the_first_frame_outlives_its_file(tmp_path):
    frames = [Image.fromarray(VALUES[..., channel].copy()) for channel in range(3)]
    frames[0].save(tmp_path / "film.tiff", save_all=True, append_images=frames[1:])
    image = open_image(tmp_path / "film.tiff")
    (tmp_path / "film.tiff").unlink()
    np.testing.assert_array_equal(np.asarray(image), VALUES[..., 0])


@pytest.mark.parametrize(
    ("suffix", "frames", "is_told"),
    [("gif", 1, False), ("gif", 3, True), ("png", 3, True), ("tiff", 3, True), ("webp", 3, True), ("mpo", 3, False)],
)
def test_pictures_behind_the_first_are_told(tmp_path, suffix, frames, is_told):
    path = tmp_path / f"film.{suffix}"
    first, *others = [Image.fromarray(VALUES[..., :3] // k) for k in range(1, frames + 1)]
    first.save(path, save_all=True, append_images=others)
    assert bool(left_out(path)) == is_told


def test_no_format_that_runs_something(tmp_path):
    assert not {"EPS", "WMF", "FPX"} & set(FORMATS)
    (tmp_path / "drawing.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(UserError, match="not an image"):
        open_image(tmp_path / "drawing.eps")


@pytest.fixture
def many_switches():
    """Threads take turns as often as they can, so that what is not safe among them goes wrong soon."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("read", [open_image, lambda path: glance_at(path).image])
@pytest.mark.parametrize("suffix", ["jpg", "png"])  # whose EXIF data Pillow reads early, and late
def test_many_threads_warn_of_nothing_and_keep_the_filters(tmp_path, monkeypatch, many_switches, read, suffix):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    image = Image.fromarray(VALUES[..., :3].copy())
    image.save(tmp_path / f"bad_exif.{suffix}", exif=b"Exif\0\0II*\0\x08\0\0\0\x09\0\x12\x01\x03\0\x01\0")
    image.resize((15, 10)).save(tmp_path / "large.png")  # below twice the limit, where Pillow only warns
    good, large = tmp_path / f"bad_exif.{suffix}", tmp_path / "large.png"
    with pytest.warns(UserWarning, match="EXIF"), Image.open(good) as opened:
        opened.getexif()

    def answer(path):
        try:
            return read(path).size
        except UserError as error:
            return str(error)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        filters = warnings.filters
        before = list(filters)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(answer, [good, large] * 300))
        assert warnings.filters is filters
        assert warnings.filters == before
    assert said == []
    assert len(set(answers[::2])) == 1
    assert isinstance(answers[0], tuple)  # a size: it was read
    assert all("million pixels" in answer for answer in answers[1::2])


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        *[("png", mode) for mode in ("1", "L", "P", "RGB", "RGBA")],
        *[("jpg", mode) for mode in ("L", "RGB", "CMYK")],
        *[("tiff", mode) for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK")],
    ],
)
def test_a_glance_sees_the_upright_size_and_the_stored_mode(tmp_path, suffix, mode):
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    Image.new("RGB", (50, 34)).convert(mode).save(tmp_path / f"image.{suffix}", exif=exif)
    image, size, seen = glance_at(tmp_path / f"image.{suffix}")
    assert (size, seen) == ((50, 34), mode)
    assert size == open_image(tmp_path / f"image.{suffix}").size[::-1]
    assert image.size == ((5, 7) if suffix == "jpg" else (34, 50))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}], ids=str)
def test_a_glance_finds_a_jpeg_cut_short_wherever_it_is(tmp_path, options):
    values = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(values).convert(options.get("mode", "RGB")).save(tmp_path / "whole.jpg", **options)
    content = (tmp_path / "whole.jpg").read_bytes()
    cut = tmp_path / "cut.jpg"

    def complaint(read):
        try:
            read(cut)
        except UserError as error:
            return str(error)
        return None

    lengths = [*range(0, len(content), len(content) // 40), *range(len(content) - 12, len(content) + 1)]
    for length in lengths:
        cut.write_bytes(content[:length])
        assert complaint(glance_at) == complaint(open_image), length
    assert complaint(glance_at) is None  # the last one is whole
    cut.write_bytes(content[: len(content) // 2])
    assert "cut.jpg is damaged" in complaint(glance_at)
