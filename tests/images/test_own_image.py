import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tinyvit.datasets import load_dataset
from tinyvit.errors import UserError
from tinyvit.images.own_image import prepare_digit, prepare_image, read_image


def drawn(text="5", size=(200, 160), ink=0, paper=255, height=0.7, at=(0.5, 0.5)) -> Image.Image:
    image = Image.new("L", size, paper)
    font = ImageFont.load_default(size=height * min(size))
    ImageDraw.Draw(image).text((at[0] * size[0], at[1] * size[1]), text, fill=ink, font=font, anchor="mm")
    return image


def noisy(image: Image.Image, strength: float) -> Image.Image:
    values = np.asarray(image) + np.random.default_rng(0).normal(0.0, strength, (image.height, image.width))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def shaded(image: Image.Image, darkest: float) -> Image.Image:
    """As if lit from the right."""
    return Image.fromarray((np.asarray(image) * np.linspace(darkest, 1.0, image.width)).astype(np.uint8))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine similarity of two images: 1 for the same digit. Rounding may move it by one pixel, so try these too."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    moved = [np.roll(b, (dy, dx), axis=(1, 2)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return float(max((a * c).sum() for c in moved) / np.sqrt((a * a).sum() * (b * b).sum()))


def assert_like_mnist(digit: np.ndarray) -> None:
    assert digit.dtype == np.uint8
    assert digit.shape == (1, 28, 28)
    assert digit.max() == 255
    ink = digit[0].astype(np.float64)
    assert np.median(ink) == 0
    y, x = ink.sum(axis=1) @ np.arange(28) / ink.sum(), ink.sum(axis=0) @ np.arange(28) / ink.sum()
    assert abs(y - 14) <= 0.75
    assert abs(x - 14) <= 0.75
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20


PICTURES = {
    "dark on light": drawn(),
    "light on dark": drawn(ink=255, paper=0),
    "grey on grey": drawn(ink=90, paper=140),
    "light grey on grey": drawn(ink=210, paper=150),
    "pencil": noisy(drawn(ink=195, paper=225), 4.0),
    "noise": noisy(drawn(ink=60, paper=200), 20.0),
    "uneven light": noisy(shaded(drawn(), 0.4), 3.0),
    "dim and uneven light": noisy(shaded(drawn(ink=20, paper=110), 0.5), 3.0),
    "5000 x 3000": drawn(size=(5000, 3000), height=0.3, at=(0.2, 0.3)),
    "off centre": drawn(size=(640, 480), height=0.3, at=(0.85, 0.8)),
    "wide": drawn(size=(900, 90)),
    "touching the border": drawn(height=1.3),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_digit_becomes_light_and_centred_in_any_image(name):
    digit, done = prepare_digit(PICTURES[name])
    assert_like_mnist(digit)
    assert overlap(digit, prepare_digit(drawn())[0]) > 0.9
    assert ("inverted" in done) == (not name.startswith("light"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_every_mode_gives_the_same_digit(mode):
    digit, _ = prepare_digit(drawn().convert(mode))
    assert overlap(digit, prepare_digit(drawn())[0]) > 0.98


@pytest.mark.parametrize(("ink", "paper"), [(3000, 60000), (200, 4000), (10, 200)])
def test_sixteen_bits_are_scaled_not_cut_off(ink, paper):
    values = np.where(np.asarray(drawn()) > 127, paper, ink).astype(np.uint16)
    digit, _ = prepare_digit(Image.fromarray(values))
    assert overlap(digit, prepare_digit(drawn())[0]) > 0.95


def test_coloured_ink_on_coloured_paper():
    image = Image.composite(
        Image.new("RGB", (200, 160), (255, 250, 210)), Image.new("RGB", (200, 160), (30, 60, 200)), drawn()
    )
    assert overlap(prepare_digit(image)[0], prepare_digit(drawn())[0]) > 0.98


def test_specks_are_not_part_of_the_digit():
    clean = drawn(size=(400, 400), height=0.5)
    dusty = clean.copy()
    for x, y in np.random.default_rng(0).integers(0, 397, (30, 2)):
        ImageDraw.Draw(dusty).ellipse((x, y, x + 3, y + 3), fill=40)
    assert overlap(prepare_digit(dusty)[0], prepare_digit(clean)[0]) > 0.98


@pytest.mark.parametrize("apart", [0, 2])
def test_strokes_that_almost_touch_are_one_digit(apart):
    """A 2 of an arc above an angle, each as large as the other: without the arc it is read as a 6."""
    image = Image.new("L", (280, 280), 255)
    pen = ImageDraw.Draw(image)
    pen.arc((70, 40 - apart, 210, 150 - apart), 150, 390, fill=0, width=26)
    pen.line([(200, 130), (80, 240), (220, 240)], fill=0, width=26)
    digit, done = prepare_digit(image)
    assert "digits" not in done
    assert digit[0, 4:10].max() > 200
    assert digit[0, 20:24].max() > 200


@pytest.mark.parametrize("gap", [5, 20])
def test_digits_above_each_other_stay_two(gap):
    one = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(one).arc((10, 10, 110, 110), 0, 360, fill=0, width=20)
    image = Image.new("L", (240, 220 + 2 * gap), 255)
    for top in (0, 100 + gap):
        image.paste(one.crop((0, 10, 120, 110)), (60, 10 + top))
    assert "there are 2 digits" in prepare_digit(image)[1]


def test_thin_strokes_are_thickened_and_others_not():
    image = Image.new("L", (600, 600), 250)
    ImageDraw.Draw(image).line([(150, 150), (420, 140), (260, 480)], fill=30, width=4)
    digit, done = prepare_digit(image)
    assert "thin strokes thickened" in done
    assert (digit > 127).sum() > 50  # left alone, 23
    assert "thickened" not in prepare_digit(drawn())[1]


@pytest.mark.parametrize("size", [(8, 8), (12, 10), (9, 30)])
def test_tiny_images(size):
    digit, _ = prepare_digit(drawn("7", size=size, height=1.0))
    assert digit.shape == (1, 28, 28)
    assert digit.max() == 255


@pytest.mark.parametrize("first", [0, 2500, 9950])
def test_images_from_the_dataset_are_taken_as_they_are(first):
    for original in load_dataset("mnist").test.images[first : first + 50]:
        digit, done = prepare_digit(Image.fromarray(original[0]))
        assert done == "taken as it is"
        np.testing.assert_array_equal(digit, original)


@pytest.mark.parametrize(
    "change",
    [
        lambda digit: 255 - digit,
        lambda digit: np.roll(digit, (3, -3), (0, 1)),
        lambda digit: digit // 4,
        lambda digit: 60 + digit // 2,
        lambda digit: np.pad(digit.reshape(14, 2, 14, 2).mean((1, 3)).astype(np.uint8), ((14, 0), (0, 14))),
    ],
)
def test_of_the_size_of_the_dataset_but_not_like_it(change):
    for original in load_dataset("mnist").test.images[:2, 0]:
        digit, done = prepare_digit(Image.fromarray(change(original)))
        assert "centred" in done
        assert overlap(digit, original[None]) > 0.75


def test_another_size():
    digit, _ = prepare_digit(drawn(), size=(56, 42))
    assert digit.shape == (1, 56, 42)
    assert np.ptp(np.flatnonzero(digit[0].any(axis=1))) + 1 in (39, 40)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (1, 1), 7),
        Image.new("L", (28, 28), 0),
        Image.new("RGB", (300, 200), "white"),
        Image.new("I;16", (50, 50), 900),
        noisy(Image.new("L", (300, 300), 180), 12.0),
        noisy(shaded(Image.new("L", (300, 300), 230), 0.4), 6.0),
        drawn(size=(1000, 1000), height=0.02),
    ],
)
def test_an_image_without_a_digit_is_refused(image):
    with pytest.raises(UserError, match="no digit"):
        prepare_digit(image)


def test_prepare_image_fits_pads_and_inverts():
    shirt = Image.new("L", (200, 100), 250)
    ImageDraw.Draw(shirt).rectangle((50, 20, 149, 79), fill=50)
    picture, done = prepare_image(shirt, size=(28, 28), channels=1)
    assert picture.shape == (1, 28, 28)
    assert picture.dtype == np.uint8
    assert done == "light background: inverted; resized to 14 x 28 and padded"
    assert set(picture[0, :7].ravel()) == {5}
    assert picture[0, 14, 14] == 205


def test_prepare_image_in_colour_keeps_the_colours():
    picture, done = prepare_image(Image.new("RGB", (50, 100), (250, 240, 10)), size=(32, 32), channels=3)
    assert picture.shape == (3, 32, 32)
    assert done == "resized to 32 x 16 and padded"
    np.testing.assert_array_equal(picture, np.broadcast_to([[[250]], [[240]], [[10]]], (3, 32, 32)))
    grey, _ = prepare_image(Image.fromarray(np.full((4, 4), 65535, np.uint16)), size=(4, 4), channels=3)
    np.testing.assert_array_equal(grey, np.full((3, 4, 4), 255))


def test_prepare_image_leaves_alone_what_fits():
    original = np.zeros((28, 28), dtype=np.uint8)
    original[5:20, 5:20] = 90
    picture, done = prepare_image(Image.fromarray(original), size=(28, 28), channels=1)
    assert done == "taken as it is"
    np.testing.assert_array_equal(picture[0], original)


def test_prepare_image_knows_one_and_three_channels():
    with pytest.raises(UserError, match="channels=4"):
        prepare_image(drawn(), size=(28, 28), channels=4)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tiff", "webp", "ppm"])
def test_read_image_formats(tmp_path, suffix):
    drawn().save(tmp_path / f"digit.{suffix}")
    assert overlap(prepare_digit(read_image(tmp_path / f"digit.{suffix}"))[0], prepare_digit(drawn())[0]) > 0.98


def test_read_image_turns_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    drawn().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=exif)
    image = read_image(tmp_path / "turned.jpg")
    assert image.size == (200, 160)
    assert overlap(prepare_digit(image)[0], prepare_digit(drawn())[0]) > 0.98


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_read_image_lays_transparent_parts_over_white(tmp_path, mode):
    image = Image.new("LA", (200, 160), (0, 0))  # black everywhere, seen only where the ink is
    image.putalpha(Image.eval(drawn(), lambda value: 255 - value))
    image.convert(mode).save(tmp_path / "clear.png")
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "clear.png").convert("L")), np.asarray(drawn()))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_light_ink_on_a_transparent_ground_lies_over_black(tmp_path, mode):
    image = Image.new("LA", (200, 160), (255, 0))  # white everywhere, seen only where the ink is
    image.putalpha(Image.eval(drawn(), lambda value: 255 - value))
    image.convert(mode).save(tmp_path / "clear.png")
    black_on_white = np.asarray(drawn())
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "clear.png").convert("L")), 255 - black_on_white)


def test_paper_with_transparent_corners_lies_over_white(tmp_path):
    image = drawn().convert("LA")
    image.putpixel((0, 0), (0, 0))
    image.save(tmp_path / "scan.png")
    assert read_image(tmp_path / "scan.png").convert("L").getpixel((0, 0)) == 255


def test_read_image_with_a_transparent_palette_colour(tmp_path):
    image = Image.eval(drawn(), lambda value: 255 * (value > 127)).convert("P")
    image.save(tmp_path / "clear.gif", transparency=int(np.asarray(image)[80, 80]))
    assert read_image(tmp_path / "clear.gif").mode == "RGB"


def test_read_image_takes_the_first_frame(tmp_path):
    drawn("5").save(tmp_path / "film.gif", save_all=True, append_images=[drawn("1"), drawn("8")])
    assert overlap(prepare_digit(read_image(tmp_path / "film.gif"))[0], prepare_digit(drawn())[0]) > 0.98


def test_read_image_keeps_sixteen_bits(tmp_path):
    Image.fromarray(np.full((5, 4), 40000, dtype=np.uint16)).save(tmp_path / "deep.png")
    assert np.asarray(read_image(tmp_path / "deep.png")).max() == 40000


def png_claiming(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data = b"IDAT" + zlib.compress(b"")
    return start + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not an image"),
        (b"hello, world", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (png_claiming(60_000, 60_000), "million pixels"),
        (png_claiming(10_000, 10_000), "million pixels"),
        (png_claiming(100, 100), "damaged"),
        (png_claiming(0, 10), "damaged|not an image"),
    ],
)
def test_read_image_refuses(tmp_path, content, complaint):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=complaint) as error:
        read_image(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tiff", "webp"])
def test_read_image_survives_any_truncation(tmp_path, suffix):
    noisy(drawn(), 10.0).save(tmp_path / f"whole.{suffix}")
    content = (tmp_path / f"whole.{suffix}").read_bytes()
    broken = tmp_path / f"broken.{suffix}"
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"broken\."):
        read_image(broken)
    for length in range(0, len(content), max(1, len(content) // 25)):
        broken.write_bytes(content[:length])
        try:
            read_image(broken)
        except UserError:
            continue


def test_read_image_refuses_what_is_no_file(tmp_path):
    with pytest.raises(UserError, match="no file"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(UserError, match="no file"):
        read_image("x" * 5000)
    with pytest.raises(UserError, match="folder"):
        read_image(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_read_image_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UserError, match="device"):
        read_image(tmp_path / "pipe.png")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("ink", [0, 255, 60])
def test_transparent_images_are_filled_in_whoever_opened_them(mode, ink):
    """As from a screenshot or a drawing program, through Python: what cannot be seen may be of any colour."""
    shape = drawn(ink=255, paper=0)
    image = Image.merge("LA", [Image.new("L", shape.size, ink), shape]).convert("RGBA").convert(mode)
    digit, _ = prepare_digit(image)
    assert overlap(digit, prepare_digit(drawn())[0]) > 0.95
    picture, _ = prepare_image(image, size=(28, 28), channels=3)
    visible = np.unique(picture)
    assert visible.min() <= 120
    assert visible.max() >= 250
