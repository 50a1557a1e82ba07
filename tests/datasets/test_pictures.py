"""A picture file is opened in the mode it is stored in; what `read_image` refuses, `open_picture` has refused."""

import numpy as np
import pytest
from PIL import Image

from tinyvit.datasets.pictures import FORMATS, open_picture
from tinyvit.errors import UserError

VALUES = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_the_mode_and_the_pixels_stay(tmp_path, mode):
    image = Image.fromarray(VALUES[..., :3].copy()).convert("L" if mode == "I;16" else "RGB").convert(mode)
    if mode == "RGBA":
        image = Image.fromarray(VALUES)
    image.save(tmp_path / "picture.png")
    opened = open_picture(tmp_path / "picture.png")
    assert opened.mode == mode
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(VALUES[..., :3].copy())
    image.save(tmp_path / "turned.png", exif=exif)
    upright = {  # by the standard: where the stored first row and first column are to be seen
        1: VALUES, 2: VALUES[:, ::-1], 3: VALUES[::-1, ::-1], 4: VALUES[::-1],
        5: VALUES.swapaxes(0, 1), 6: VALUES[::-1].swapaxes(0, 1), 7: VALUES[::-1, ::-1].swapaxes(0, 1), 8: VALUES[:, ::-1].swapaxes(0, 1),
    }  # fmt: skip
    np.testing.assert_array_equal(np.asarray(open_picture(tmp_path / "turned.png")), upright[orientation][..., :3])


def test_the_first_frame_outlives_its_file(tmp_path):
    frames = [Image.fromarray(VALUES[..., channel].copy()) for channel in range(3)]
    frames[0].save(tmp_path / "film.tiff", save_all=True, append_images=frames[1:])
    image = open_picture(tmp_path / "film.tiff")
    (tmp_path / "film.tiff").unlink()
    np.testing.assert_array_equal(np.asarray(image), VALUES[..., 0])


def test_no_format_that_runs_something(tmp_path):
    assert not {"EPS", "WMF", "FPX"} & set(FORMATS)
    (tmp_path / "drawing.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(UserError, match="not a picture"):
        open_picture(tmp_path / "drawing.eps")
