"""What is around or inside of ink is no ink: rings, their insides, spots of light, blobs."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tinyvit.images.digits import find_digits
from tinyvit.images.digits.choose import holds_square
from tinyvit.images.digits.pieces import find_pieces


def seven(on, x=120, y=110, ink=(30, 40, 110)):
    """60 wide, 90 high."""
    on.line((x, y, x + 60, y, x + 20, y + 90), fill=ink, width=9)


def found(draw, light=None, size=(300, 300)):
    image = Image.new("RGB", size, (240, 240, 236))
    draw(ImageDraw.Draw(image))
    pixels = np.asarray(image, float) * (1 if light is None else light[..., None])
    return find_digits(pixels.astype(np.uint8).transpose(2, 0, 1), (28, 28)).digits


def is_seven(digits):
    (digit,) = digits
    np.testing.assert_allclose(digit.box, (106, 116, 202, 184), atol=8)


@pytest.mark.parametrize("ink", [(30, 40, 110), (200, 40, 40), (130, 130, 130)], ids=["blue", "red", "grey"])
@pytest.mark.parametrize("shape", ["ellipse", "rectangle", "triangle"])
def test_a_shape_around_a_digit_and_its_paper_are_no_digits(shape, ink):
    def draw(on):
        seven(on)
        if shape == "triangle":
            on.polygon([(150, 5), (10, 290), (290, 290)], outline=ink, width=5)
        else:
            getattr(on, shape)((50, 60, 250, 250), outline=ink, width=5)

    is_seven(found(draw))


@pytest.mark.parametrize("turns", [0.97, 1.0, 1.03, 1.3])
@pytest.mark.parametrize("ink", [(30, 40, 110), (205, 40, 45)], ids=["blue", "red"])
def test_a_ring_whose_ends_pass_each_other_holds_no_paper(turns, ink):
    def draw(on):
        seven(on)
        angles = np.linspace(0, 2 * np.pi * turns, 200)
        radii = np.linspace(112, 100, 200)  # a spiral: the ends do not touch
        on.line([*zip(150 + radii * np.cos(angles), 155 + radii * np.sin(angles), strict=True)], fill=ink, width=4)

    is_seven(found(draw))


@pytest.mark.parametrize("middle", [(150, 150), (40, 150), (290, 20)])
@pytest.mark.parametrize("dark", [0.2, 0.5])
def test_a_spot_of_light_is_no_ink(middle, dark):
    y, x = np.mgrid[0:300, 0:300]
    light = dark + (1 - dark) * np.exp(-((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / (2 * 140.0**2))
    is_seven(found(seven, light))


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_hard_edge_of_light_across_a_corner_is_no_ink(turn):
    y, x = np.mgrid[0:300, 0:300]
    is_seven(found(seven, np.rot90(np.where(x + y < 200, 0.6, 1.0), turn)))


@pytest.mark.parametrize(("width", "fits"), [(10, False), (30, False), (50, True)])
def test_a_square_fits_into_thick_ink_only(width, fits):
    image = Image.new("L", (160, 160))
    ImageDraw.Draw(image).line((20, 80, 140, 80), fill=255, width=width)
    (piece,) = find_pieces(np.asarray(image), 12.0, 5.0)
    assert holds_square(piece, 0.35) == fits


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("margin", [8, 16])
@pytest.mark.parametrize(("paper", "ink"), [((240, 240, 236), (30, 40, 110)), ((60, 60, 60), (230, 230, 220))])
def test_paper_around_many_digits_is_no_digit_with_holes(paper, ink, margin, count):
    size = (80 * count + 2 * margin + 100, 90 + 2 * margin + 100)

    def draw(on):
        on.rectangle((0, 0, *size), fill=(120, 90, 70))
        on.rectangle((50, 50, size[0] - 50, size[1] - 50), fill=paper)
        for number in range(count):
            seven(on, 60 + margin + 80 * number, 52 + margin, ink)

    assert len(found(draw, size=size)) == count


def test_holes_of_a_digit_are_no_digits():
    def draw(on):
        for top in (60, 140):
            on.ellipse((110, top, 190, top + 90), outline=(30, 40, 110), width=14)

    assert len(found(draw)) == 1


@pytest.mark.parametrize("turn", [1, 2.5, 4, 7, 20])
@pytest.mark.parametrize("count", [3, 8])
def test_a_strip_of_paper_at_any_angle_is_no_digit(count, turn):
    image = Image.new("RGB", (80 * count + 20, 110), (240, 240, 236))
    for number in range(count):
        seven(ImageDraw.Draw(image), 15 + 80 * number, 10)
    table = image.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=(120, 90, 70))
    framed = Image.new("RGB", (table.width + 80, table.height + 80), (120, 90, 70))
    framed.paste(table, (40, 40))
    digits = find_digits(np.asarray(framed).transpose(2, 0, 1), (28, 28)).digits
    assert len(digits) == count


def test_holes_of_a_scribble_are_no_digits():
    def draw(on):
        for number in range(9):
            on.ellipse((30 + 14 * number, 90, 90 + 14 * number, 190), outline=(30, 40, 110), width=4)
        on.line((262, 100, 258, 190), fill=(30, 40, 110), width=8)

    (digit,) = found(draw)
    assert digit.box[1] > 240
