"""A header that never ends is given up in one sentence; an image with much in its header is read."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tinyvit.errors import UserError
from tinyvit.images.open import glance_at, open_image
from tinyvit.images.patience import FREE_READS, PatientFile

GIF = b"GIF89a\2\0\2\0\x80\0\0\0\0\0\xff\xff\xff%b,\0\0\0\0\2\0\2\0\0\2\3\x44\2\5\0;"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(before, after=0, kind=b"prVt"):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(72)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(kind, b"") * before
        + pixels
        + chunk(kind, b"") * after
        + chunk(b"IEND", b"")
    )


def jpeg(inserted):
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG")
    return file.getvalue()[:2] + inserted + file.getvalue()[2:]


ENDLESS = {
    "comment.ppm": b"P6\n#" + b"x" * 60_000 + b"\n2 2\n255\n" + bytes(12),
    "spaces.pgm": b"P5\n" + b" " * 60_000 + b"2 2\n255\n" + bytes(4),
    "before.png": png(30_000),
    "after.png": png(0, 30_000),
    "fill.jpg": jpeg(b"\xff" * 60_000),
    "segments.jpg": jpeg(b"\xff\xe5\0\2" * 30_000),
    "comments.gif": GIF % (b"!\xfe\1a\0" * 30_000),
}


@pytest.mark.parametrize("opener", [open_image, glance_at])
@pytest.mark.parametrize("name", ENDLESS)
def test_a_file_of_endless_tiny_pieces_is_given_up(tmp_path, name, opener):
    (tmp_path / name).write_bytes(ENDLESS[name])
    with pytest.raises(UserError, match=r"made of millions of tiny pieces\): save it again as PNG or JPEG"):
        opener(tmp_path / name)


@pytest.mark.parametrize("name", ENDLESS)
def test_the_same_with_fewer_pieces_is_read(tmp_path, name):
    fewer = ENDLESS[name].replace(b"x" * 55_000, b"").replace(b" " * 55_000, b"").replace(b"\xff" * 55_000, b"")
    for piece in (chunk(b"prVt", b""), b"\xff\xe5\0\2", b"!\xfe\1a\0"):
        fewer = fewer.replace(piece * 29_000, b"")
    assert len(fewer) < len(ENDLESS[name])
    (tmp_path / name).write_bytes(fewer)
    assert open_image(tmp_path / name).size in ((2, 2), (8, 8))


def test_images_that_say_much_of_themselves_are_read(tmp_path, rng):
    pixels = rng.integers(0, 256, (1500, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    texts = PngInfo()
    for number in range(500):
        texts.add_text(f"key {number}", "word " * 50)
    image.save(tmp_path / "texts.png", pnginfo=texts)
    image.save(tmp_path / "strips.tif", tiffinfo={278: 1})  # one row a strip
    image.save(tmp_path / "profile.jpg", quality=100, icc_profile=bytes(500_000), comment=b"c" * 60_000)
    for name in ("texts.png", "strips.tif"):
        np.testing.assert_array_equal(np.asarray(open_image(tmp_path / name)), pixels)
    assert open_image(tmp_path / "profile.jpg").size == (40, 1500)


def test_patience_grows_with_the_file(tmp_path):
    (tmp_path / "file").write_bytes(bytes(1000))
    with PatientFile(tmp_path / "file") as file:
        assert file.left == FREE_READS + 10
        assert file.read(4) == bytes(4)
        assert file.left == FREE_READS + 9
