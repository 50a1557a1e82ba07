"""Images of phones are read where pillow-heif is installed, and told how to be read where it is not."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tinyvit.errors import UserError
from tinyvit.images.heif import is_heif
from tinyvit.images.open import glance_at, open_image

HEADER = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.fixture
def heic(tmp_path):
    """A HEIC image, 48 x 64, red to the left and blue to the right."""
    pillow_heif = pytest.importorskip("pillow_heif")
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32, 0] = pixels[:, 32:, 2] = 220
    heif = pillow_heif.from_pillow(Image.fromarray(pixels))
    heif.save(tmp_path / "IMG_1.HEIC", quality=90)
    return tmp_path / "IMG_1.HEIC"


@pytest.mark.parametrize("name", ["IMG_1.HEIC", "x.heif", "called.jpg"])
def test_it_is_read_whatever_it_is_called(heic, name):
    path = heic.rename(heic.parent / name)
    image, glance = open_image(path), glance_at(path)
    assert (image.mode, image.size) == ("RGB", (64, 48))
    assert (glance.size, glance.mode) == ((48, 64), "RGB")
    left, right = image.getpixel((10, 20)), image.getpixel((50, 20))
    assert left[0] > 180 > 60 > left[2]
    assert right[2] > 180 > 60 > right[0]


@pytest.mark.parametrize("keep", [12, 24, 0.5, 0.95])
def test_a_damaged_one_gets_a_sentence(heic, keep):
    content = heic.read_bytes()
    heic.write_bytes(content[: keep if keep > 1 else int(keep * len(content))])
    with pytest.raises(UserError, match=r"IMG_1\.HEIC is"):
        open_image(heic)


@pytest.mark.parametrize("name", ["a.heic", "b.HIF", "c.png"])
def test_without_the_package_a_sentence_says_how_to_get_it(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / name).write_bytes(HEADER)
    for read in (open_image, glance_at):
        with pytest.raises(UserError, match=rf"{name} is a HEIC image.*python -m pip install pillow-heif.*JPEG"):
            read(tmp_path / name)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_what_a_heif_file_begins_with(brand):
    assert is_heif(b"\0\0\0\x20ftyp" + brand)


@pytest.mark.parametrize(
    "head", [b"", b"ftypheic", b"\0\0\0\x20ftypavif", b"\0\0\0\x20ftypmp42", b"\x89PNG\r\n\x1a\n\0\0\0\0"]
)
def test_what_others_begin_with(head):
    assert not is_heif(head)


@pytest.mark.process
def test_it_is_imported_for_such_files_only(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    code = "import sys, tinyvit.cli; from tinyvit.images.open import *; open_image(sys.argv[1]); print('pillow_heif' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], capture_output=True, text=True)
    assert result.stdout == "False\n", result.stderr
