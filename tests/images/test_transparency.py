"""Transparent images show what a person sees of them, not what is stored beneath."""

import numpy as np
import pytest
from PIL import Image

from tinyvit.images.processor import ImageProcessor
from tinyvit.images.transparency import is_transparent, opaque, shows_nothing


def drawing(ink, beneath, mode="RGBA", *, half=False):
    """A square of `ink` amid what is transparent, where the colour `beneath` is stored."""
    values = np.full((12, 12, 4), (*beneath, 0), np.uint8)
    values[4:8, 4:8] = (*ink, 255)
    if half:
        values[3, 3, 3] = 100
    image = Image.fromarray(values, "RGBA")
    if mode == "P":
        palette = Image.fromarray((values[..., 3] > 0).astype(np.uint8), "P")
        palette.putpalette([*beneath, *ink])
        palette.info["transparency"] = 0
        return palette
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGBa"])
@pytest.mark.parametrize(
    ("ink", "ground"), [((0, 0, 0), 255), ((200, 30, 30), 255), ((255, 255, 255), 0), ((250, 240, 130), 0)]
)
@pytest.mark.parametrize("beneath", ["ink", "other"])
def test_a_drawing_stands_out_from_its_ground(mode, ink, ground, beneath):
    image = drawing(ink, ink if beneath == "ink" else (90, 200, 10), mode)
    assert is_transparent(image)
    assert not shows_nothing(image)
    pixels = np.asarray(opaque(image))
    assert (pixels[0, 0] == ground).all()
    np.testing.assert_array_equal(pixels[5, 5], np.asarray(image.convert("RGBA"))[5, 5, :3])
    processor = ImageProcessor(size=(12, 12), in_chans=3)
    np.testing.assert_array_equal(processor.pixels(image), pixels.transpose(2, 0, 1))
    assert np.ptp(ImageProcessor(size=(12, 12), in_chans=1).pixels(image)) > 100


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "F", "LAB"])
def test_an_opaque_image_is_left_as_it_is(mode):
    noise = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    image = image.convert("LA").convert("PA") if mode == "PA" else image
    if mode == "LAB":
        image = Image.frombytes("LAB", (5, 6), noise.tobytes())
    elif mode in ("I;16", "F"):
        image = Image.fromarray(noise[..., 0].astype(np.uint16 if mode == "I;16" else np.float32))
    elif mode != "PA":
        image = image.convert(mode)
    assert opaque(image) is image
    assert not is_transparent(image)
    assert not shows_nothing(Image.new("RGBA", (3, 3), "black"))  # of one colour, but that can be seen


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (3, 99, 200)])
def test_nothing_can_be_seen(mode, colour):
    image = Image.new("RGBA", (9, 8), (*colour, 0)).convert("RGBA" if mode == "P" else mode)
    if mode == "P":
        image = Image.new("P", (9, 8), 1)
        image.info["transparency"] = 1
    assert shows_nothing(image)


def test_a_thin_veil_is_transparent():
    image = Image.new("RGBA", (4, 4), (10, 20, 30, 254))
    assert is_transparent(image)
