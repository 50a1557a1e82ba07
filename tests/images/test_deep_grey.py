"""Grey of more than 8 bits is seen as the same image in 8 bits would be, whatever file it lies in."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tinyvit.images.deep_grey import depth_of, in_words, scaled, white_level
from tinyvit.images.open import open_image
from tinyvit.images.processor import ImageProcessor

DO_NOTHING = ImageProcessor(in_chans=1, do_resize=False)
SHADES = np.random.default_rng(0).random((7, 9))  # 0..1
SHADES[3, 4] = 0.97  # bright enough to show how many bits are meant


def tiff(values, path, *, order="<", photometric=1):
    """A plain TIFF of one channel, of any type and byte order: what Pillow writes has few of them."""
    import struct

    values = np.asarray(values)
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    tags = [
        (256, values.shape[1]),
        (257, values.shape[0]),
        (258, 8 * values.itemsize),
        (259, 1),
        (262, photometric),
        (273, 8),
    ]
    tags += [(277, 1), (278, values.shape[0]), (279, len(data)), (339, kind)]
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    start = 8 + len(data)
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    path.write_bytes(header + data + struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["png", "tif", "big-endian", "signed", "int32", "uint32", "float"])
def test_the_number_of_bits_is_found(bits, kind, tmp_path):
    top = 2**bits - 1
    values = np.rint(top * SHADES)
    path = tmp_path / ("image.png" if kind == "png" else "image.tif")
    if kind in ("png", "tif"):
        Image.fromarray(values.astype(np.uint16)).save(path)
    else:
        dtype = {"big-endian": np.uint16, "signed": np.int16, "float": np.float32}.get(kind)
        if kind == "signed" and bits == 16:
            pytest.skip("there is no such number")
        tiff(values.astype(dtype or kind), path, order=">" if kind == "big-endian" else "<")
    image = open_image(path)
    np.testing.assert_array_equal(DO_NOTHING.pixels(image)[0], np.rint(values * 255 / top))
    assert f"{top:,} is taken as white" in in_words(image).replace("65535", "65,535")


def test_floats_up_to_one_and_masks(tmp_path):
    tiff(SHADES.astype(np.float32), tmp_path / "float.tif")
    np.testing.assert_array_equal(
        DO_NOTHING.pixels(open_image(tmp_path / "float.tif"))[0],
        np.rint(255 * SHADES.astype(np.float32).astype(float)),
    )
    Image.fromarray((SHADES > 0.5).astype(np.uint16)).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(DO_NOTHING.pixels(open_image(tmp_path / "mask.png"))[0], 255 * (SHADES > 0.5))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_file_in_which_zero_is_white_is_inverted(dtype, tmp_path):
    values = np.rint(4095 * SHADES)
    tiff(values.astype(dtype), tmp_path / "x-ray.tif", photometric=0)
    image = open_image(tmp_path / "x-ray.tif")
    np.testing.assert_array_equal(DO_NOTHING.pixels(image)[0], np.rint(255 - values * 255 / 4095))
    assert "4,095 is taken as black, as the file says that 0 is white" in in_words(image)


def test_thirty_two_bits_beyond_the_sign(tmp_path):
    values = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    tiff(values, tmp_path / "wide.tif")
    np.testing.assert_array_equal(DO_NOTHING.pixels(open_image(tmp_path / "wide.tif"))[0], [[0, 128, 255]])


def test_a_pgm_says_what_is_white(tmp_path):
    values = np.rint(1000 * SHADES).astype(">u2")  # a dark image of 12 bits
    (tmp_path / "dark.pgm").write_bytes(b"P5 9 7 4095\n" + values.tobytes())
    pixels = DO_NOTHING.pixels(open_image(tmp_path / "dark.pgm"))[0].astype(float)
    np.testing.assert_allclose(pixels, values.astype(float) * 255 / 4095, atol=0.51)


@pytest.mark.parametrize(
    ("values", "wanted", "told"),
    [
        ([-1000.0, 0.0, 3000.0], [0, 0, 187], "4,095 is taken as white, negative numbers in it"),
        ([np.nan, 0.5, 1.0], [0, 128, 255], "1 is taken as white, NaN or infinity in it"),
        (
            [np.inf, -np.inf, 128.0],
            [255, 0, 128],
            "255 is taken as white, negative numbers in it, NaN or infinity in it",
        ),
        ([np.nan, np.nan, np.nan], [0, 0, 0], "1 is taken as white, NaN or infinity in it"),
        ([3000.0, 3000.0, 3000.0], [187, 187, 187], "4,095 is taken as white"),
        ([-7.0, -7.0, -7.0], [0, 0, 0], "1 is taken as white, negative numbers in it"),
        ([1e-30, 3e38, 0.0], [0, 255, 0], "3e+38 is taken as white"),
    ],
)
def test_odd_numbers(values, wanted, told):
    image = Image.fromarray(np.array([values], np.float32))
    np.testing.assert_array_equal(DO_NOTHING.pixels(image)[0, 0], wanted)
    assert in_words(image) == f"deep grey (F): {told}"


@pytest.mark.parametrize("in_chans", [1, 3])
def test_a_white_level_that_is_known_is_taken_and_kept(in_chans):
    processor = ImageProcessor(in_chans=in_chans, do_resize=False, white_level=4095)
    dark = Image.fromarray(np.array([[0, 100, 4095, 5000]], np.uint16))
    np.testing.assert_array_equal(processor.pixels(dark)[0, 0], [0, 6, 255, 255])
    assert "4,095 is taken as white, larger values, too" in in_words(dark, 4095)
    assert ImageProcessor.from_dict(processor.to_dict()) == processor
    assert "white_level" not in dataclasses.replace(processor, white_level=None).to_dict()
    np.testing.assert_array_equal(processor.pixels(Image.new("L", (1, 1), 100))[:, 0, 0], [100] * in_chans)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("colours", ["RGB", "RGBA", "LA"])
def test_colours_of_sixteen_bits_are_cut_and_it_is_told(colours, ending, tmp_path):
    """Pillow writes no such files, so these are made by hand."""
    import struct
    import zlib

    if ending == "tif":
        if colours == "LA":
            pytest.skip("Pillow does not read it")
        channels = len(colours)
        data = np.full((2, 2, channels), 0x8070, "<u2").tobytes()
        bits = 8 + len(data)
        tags = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, channels, bits), (259, 3, 1, 1), (262, 3, 1, 2)]
        tags += [(273, 4, 1, 8), (277, 3, 1, channels), (278, 3, 1, 2), (279, 4, 1, len(data))]
        tags += [(338, 3, 1, 2)] * (colours == "RGBA")
        content = (
            b"II" + struct.pack("<HI", 42, bits + 2 * channels) + data + struct.pack(f"<{channels}H", *[16] * channels)
        )
        content += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\0" * 4
    else:
        rows = b"".join(b"\0" + struct.pack(f">{2 * len(colours)}H", *[0x8070] * 2 * len(colours)) for _ in range(2))
        header = struct.pack(">IIBBBBB", 2, 2, 16, {"RGB": 2, "RGBA": 6, "LA": 4}[colours], 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
        content = b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    (tmp_path / f"image.{ending}").write_bytes(content)
    image = open_image(tmp_path / f"image.{ending}")
    assert image.mode == colours.replace("LA", "RGBA")
    assert "the upper 8 are used" in in_words(image)


def test_what_is_not_deep():
    assert depth_of(Image.new("RGB", (2, 2))) is None
    assert in_words(Image.new("L", (2, 2), 9)) == ""
    assert [white_level(largest) for largest in (0, 0.2, 1, 2, 255, 255.5, 1024, 4096, 16384, 65536)] == [
        1, 1, 1, 255, 255, 1023, 4095, 16383, 65535, 65536,
    ]  # fmt: skip
    assert scaled(Image.fromarray(np.zeros((2, 3), np.uint16))).shape == (2, 3)
