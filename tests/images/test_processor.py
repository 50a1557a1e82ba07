"""An image becomes what plain Pillow and plain arithmetic make of it, whatever its size, mode and file."""

import dataclasses
import math

import numpy as np
import pytest
from PIL import Image

from tinyvit.errors import UserError
from tinyvit.images.open import open_image
from tinyvit.images.processor import MAX_PIXELS, ImageProcessor

SIZES = [(1, 1), (1, 7), (9, 1), (31, 50), (224, 224), (225, 223), (300, 41), (3, 600)]  # (height, width)
DO_NOTHING = ImageProcessor(do_resize=False, do_rescale=False, do_normalize=False)


def noise(*shape: int, top: int = 256, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, top, shape).astype(dtype)


def picture(height: int, width: int, mode: str = "RGB") -> Image.Image:
    return Image.fromarray(noise(height, width, 4), "RGBA").convert("RGB").convert(mode)


def planes(image: Image.Image) -> np.ndarray:
    return np.asarray(image).reshape(image.height, image.width, -1).transpose(2, 0, 1)


@pytest.mark.parametrize("filter", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", SIZES)
def test_both_sides_are_resized_as_pillow_does(size, filter):
    image = picture(*size)
    pixels = ImageProcessor(size=(20, 33), resample=filter).pixels(image)
    np.testing.assert_array_equal(pixels, planes(image.resize((33, 20), getattr(Image.Resampling, filter.upper()))))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (3, 20, 33)
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("size", "resized"),
    [((1, 1), (30, 30)), ((31, 50), (30, 48)), ((50, 31), (48, 30)), ((3, 600), (30, 6000)), ((40, 17), (70, 30))],
)
def test_the_longer_side_follows_the_shorter_rounded_down(size, resized):
    image = picture(*size)
    pixels = ImageProcessor(size=30).pixels(image)
    np.testing.assert_array_equal(pixels, planes(image.resize(resized[::-1], Image.Resampling.BILINEAR)))


@pytest.mark.parametrize("crop", [(8, 8), (7, 10), (12, 5), (40, 9), (9, 41), (50, 50)])
@pytest.mark.parametrize("size", [(8, 8), (31, 18), (20, 29), (1, 6)])
@pytest.mark.parametrize("rounding", ["down", "even"])
def test_the_middle_is_cut_out_with_black_around(size, crop, rounding):
    image = picture(*size)
    processor = dataclasses.replace(DO_NOTHING, do_center_crop=True, crop_size=crop, crop_rounding=rounding)
    round_ = math.floor if rounding == "down" else round  # Python rounds a half to the even neighbour
    top, left = (round_((side - wanted) / 2) for side, wanted in zip(size, crop, strict=True))
    expected = np.zeros((3, *crop), np.uint8)
    for i in range(crop[0]):
        for j in range(crop[1]):
            if 0 <= top + i < size[0] and 0 <= left + j < size[1]:
                expected[:, i, j] = image.getpixel((left + j, top + i))
    np.testing.assert_array_equal(processor.pixels(image), expected)


def test_first_resized_then_cropped():
    image = picture(31, 50)
    resized = dataclasses.replace(DO_NOTHING, do_resize=True, size=30).pixels(image)
    cropped = dataclasses.replace(DO_NOTHING, do_resize=True, size=30, do_center_crop=True, crop_size=(20, 21))
    np.testing.assert_array_equal(cropped.pixels(image), resized[:, 5:25, 13:34])


@pytest.mark.parametrize("do_rescale", [True, False])
@pytest.mark.parametrize("do_normalize", [True, False])
@pytest.mark.parametrize("in_chans", [1, 3])
def test_the_numbers(do_rescale, do_normalize, in_chans):
    mean, std = ((0.1, 0.25, 0.6), (0.3, 0.2, 0.9)) if in_chans == 3 else (0.37, 0.21)
    processor = ImageProcessor(
        in_chans=in_chans,
        size=(9, 7),
        do_rescale=do_rescale,
        rescale_factor=1 / 200,
        do_normalize=do_normalize,
        image_mean=mean,
        image_std=std,
    )
    image = picture(15, 12)
    expected = processor.pixels(image).astype(np.float64)
    assert expected.shape == (in_chans, 9, 7)
    if do_rescale:
        expected /= 200
    if do_normalize:
        expected -= np.reshape(mean, (-1, 1, 1))
        expected /= np.reshape(std, (-1, 1, 1))
    values = processor(image)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


def test_one_number_stands_for_all_channels():
    several = ImageProcessor(image_mean=(0.3, 0.3, 0.3))
    assert several == ImageProcessor(image_mean=0.3)
    assert several != ImageProcessor(image_mean=(0.3, 0.3, 0.4))
    assert dataclasses.replace(several, in_chans=1)(picture(3, 4)).shape == (1, 224, 224)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"]
)
@pytest.mark.parametrize("in_chans", [1, 3])
def test_modes_are_converted_as_pillow_does_but_transparency(mode, in_chans):
    image = picture(21, 17, "LAB" if mode == "LAB" else "RGB") if mode in ("RGB", "LAB") else _in_mode(mode)
    pixels = dataclasses.replace(DO_NOTHING, in_chans=in_chans).pixels(image)
    wanted = "RGB" if in_chans == 3 else "L"
    if mode in ("LA", "PA", "RGBA", "RGBa"):  # the noise is dark in places, so it lies over white
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")
    expected = image.convert("RGB").convert(wanted) if mode == "LAB" else image.convert(wanted)
    np.testing.assert_array_equal(pixels, planes(expected))
    assert len(np.unique(pixels)) > 1


def _in_mode(mode: str) -> Image.Image:
    image = Image.fromarray(noise(21, 17, 4), "RGBA")
    if mode == "RGBa":
        return image.convert(mode)
    if mode in ("LA", "PA"):
        return image.convert("LA").convert(mode)
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def test_what_lies_beneath_a_transparent_pixel_is_not_shown():
    colours = noise(5, 6, 4)
    colours[..., 3] = np.where(colours[..., 3] > 127, 255, 0)
    pixels = DO_NOTHING.pixels(Image.fromarray(colours, "RGBA"))
    shown = np.where(colours[..., 3:] == 255, colours[..., :3], 255)
    np.testing.assert_array_equal(pixels, shown.transpose(2, 0, 1))
    image = picture(5, 6, "P")
    opaque = DO_NOTHING.pixels(image)
    image.info["transparency"] = image.getpixel((2, 2))
    pixels = DO_NOTHING.pixels(image)
    assert (pixels[:, 2, 2] == 255).all()
    assert (pixels == opaque).any()


@pytest.mark.parametrize("in_chans", [1, 3])
@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_sixteen_bits_are_scaled_not_clipped(in_chans, dtype):
    deep = noise(8, 9, top=65536, dtype=np.uint16)
    image = Image.frombytes("I;16" if dtype == "<u2" else "I;16B", (9, 8), deep.astype(dtype).tobytes())
    pixels = dataclasses.replace(DO_NOTHING, in_chans=in_chans).pixels(image)
    np.testing.assert_array_equal(pixels, np.repeat(np.rint(deep / 257.0)[None], in_chans, axis=0))
    of_eight_bits = DO_NOTHING.pixels(Image.fromarray(np.full((2, 2), 200, np.uint16)))
    np.testing.assert_array_equal(of_eight_bits, np.full((3, 2, 2), 200))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 1, 255]], np.int32), [0, 1, 255]),
        (np.array([[0, 257, 65535]], np.int32), [0, 1, 255]),
        (np.array([[-5, 10**6, 2 * 10**6]], np.int32), [0, 128, 255]),
        (np.array([[0.0, 0.2, 1.0]], np.float32), [0, 51, 255]),
        (np.array([[0.0, 2.0, 254.6]], np.float32), [0, 2, 255]),
        (np.array([[np.nan, 1e10, 1e38]], np.float32), [0, 0, 255]),
        (np.zeros((1, 3), np.float32), [0, 0, 0]),
    ],
)
def test_deep_grey_is_scaled_by_the_usual_range_that_holds_it(values, expected):
    np.testing.assert_array_equal(DO_NOTHING.pixels(Image.fromarray(values))[0, 0], expected)


@pytest.mark.parametrize("size", [(224, 224), 256])
def test_a_file_is_opened_upright_and_at_its_first_frame(tmp_path, size):
    image = picture(40, 60)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    image.save(
        tmp_path / "film.webp", save_all=True, lossless=True, append_images=[picture(40, 60, "L").convert("RGB")]
    )
    processor = ImageProcessor(size=size)
    for name in ("turned.png", "film.webp"):
        np.testing.assert_array_equal(processor(open_image(tmp_path / name)), processor(image))


IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize(
    ("family", "shorter", "numbers"),
    [("augreg", 248, (0.5, 0.5)), ("deit", 256, IMAGENET), ("dino", 256, IMAGENET), ("mae", 256, IMAGENET)],
)
def test_families_that_crop(family, shorter, numbers):
    processor = ImageProcessor.of_family(family)
    assert processor.size == shorter
    assert processor.crop_size == (224, 224)
    assert processor.do_center_crop
    assert processor.resample == "bicubic"
    assert (processor.image_mean, processor.image_std) == numbers
    larger = ImageProcessor.of_family(family, img_size=384)
    assert larger.crop_size == (384, 384)
    assert larger.size == {248: 426, 256: 438}[shorter]


def test_the_family_of_hugging_face_spans_minus_one_to_one():
    processor = ImageProcessor.of_family("vit")
    assert processor == ImageProcessor()
    values = processor(Image.fromarray(np.array([[[0, 0, 0]], [[255, 255, 255]]], np.uint8)))
    assert (values.min(), values.max()) == (-1.0, 1.0)
    assert ImageProcessor.of_family("vit", img_size=96)(picture(5, 6)).shape == (3, 96, 96)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": 0}, "size must be a whole number of at least 1 and below 4,097 or 2 such numbers, got 0"),
        ({"size": 10**9}, "size must be"),
        ({"size": (224, -1)}, "size must be"),
        ({"crop_size": 224}, "crop_size must be 2 numbers, each a whole number of at least 1 and below 4,097, got 224"),
        ({"crop_size": (224, 4097)}, "crop_size must be"),
        ({"resample": "cubic"}, "resample must be one of nearest, .*, got 'cubic'"),
        ({"rescale_factor": math.nan}, "rescale_factor must be a number"),
        ({"rescale_factor": 0}, "rescale_factor must be"),
        ({"image_mean": (0.5, 0.4)}, "image_mean must be one number, or 3 of them, where in_chans is 3"),
        ({"image_mean": ()}, "image_mean must be one number, or 3 of them"),
        ({"image_mean": math.inf}, "image_mean must be"),
        ({"image_std": (0.5, 0.0, 0.5)}, "image_std must be"),
        ({"in_chans": 0}, "in_chans must be"),
        (
            {"in_chans": 2, "image_std": (0.1, 0.2, 0.3)},
            "image_std must be one number, or 2 of them, where in_chans is 2",
        ),
        ({"in_chans": 1, "image_std": (0.1, 0.2, 0.3)}, "image_std must be one number where in_chans is 1"),
        ({"do_resize": 1}, "do_resize must be true or false"),
    ],
)
def test_options_that_make_no_sense(change, sentence):
    with pytest.raises(UserError, match=sentence):
        ImageProcessor(**change)


@pytest.mark.parametrize(
    ("processor", "image", "sentence"),
    [
        (ImageProcessor(), np.zeros((4, 4, 3), np.uint8), "must be a Pillow image, got ndarray"),
        (ImageProcessor(), Image.new("RGB", (0, 5)), "no pixels"),
        (ImageProcessor(), Image.new("La", (5, 5)), "in mode La could not be read as RGB"),
        (ImageProcessor(), Image.new("L", (1, 80_000)), "80000 x 1 pixels is too long"),
        (ImageProcessor(), Image.new("L", (80_000, 1)), "1 x 80000 pixels is too long"),
        (ImageProcessor(size=256), Image.new("L", (257, 1)), "too long to be resized to 256 x 65792"),
        (DO_NOTHING, Image.new("L", (MAX_PIXELS // 4096 + 1, 4096)), "too large"),
    ],
)
def test_images_that_cannot_be_processed(processor, image, sentence):
    with pytest.raises(UserError, match=sentence):
        processor(image)


def test_the_longest_images_that_can():
    assert ImageProcessor(size=256, do_center_crop=True)(Image.new("L", (256, 1))).shape == (3, 224, 224)
    assert ImageProcessor()(Image.new("L", (70_000, 1))).shape == (3, 224, 224)
    assert DO_NOTHING.pixels(Image.new("1", (4096, 4096))).shape == (3, 4096, 4096)


def test_a_damaged_file_that_is_read_only_now(tmp_path):
    picture(60, 60).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    with Image.open(tmp_path / "half.jpg") as image, pytest.raises(UserError, match="could not be read"):
        ImageProcessor()(image)


def test_the_image_is_not_changed():
    image = picture(30, 40, "P")
    before = (image.mode, image.tobytes())
    ImageProcessor(size=(9, 9))(image)
    assert (image.mode, image.tobytes()) == before


def test_an_unknown_family():
    with pytest.raises(UserError, match="one of vit, augreg, deit, dino, mae, got 'clip'"):
        ImageProcessor.of_family("clip")
    with pytest.raises(UserError, match="size"):
        ImageProcessor.of_family("vit", img_size=0)


@pytest.mark.parametrize(("in_chans", "mode"), [(2, "LA"), (4, "RGBA")])
@pytest.mark.parametrize("given", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16"])
def test_models_that_see_transparency_get_it(in_chans, mode, given):
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 4), np.uint8)
    image = Image.fromarray(colours)
    if given == "I;16":
        image = Image.fromarray(colours[..., 0].astype(np.uint16) * 257)
    elif given == "LAB":
        image = Image.fromarray(colours[..., :3], "LAB")
    elif given != "RGBA":
        image = image.convert("RGB" if given in ("CMYK", "1", "P") else given).convert(given)
    processor = ImageProcessor(in_chans=in_chans, size=(4, 6))
    pixels = processor.pixels(image)
    assert (processor.mode, pixels.shape) == (mode, (in_chans, 4, 6))
    whole = ImageProcessor(in_chans=in_chans, do_resize=False).pixels(image)
    np.testing.assert_array_equal(whole[-1], colours[..., 3] if given in ("LA", "RGBA") else 255)


@pytest.mark.parametrize("in_chans", [5, 12, 1000])
def test_channels_that_no_image_has(in_chans):
    processor = ImageProcessor(in_chans=in_chans, image_mean=tuple(np.arange(in_chans) / in_chans))
    assert len(processor.image_mean) == in_chans
    with pytest.raises(UserError, match=f"takes images of {in_chans} channels, and images have 1"):
        processor.pixels(Image.new("RGB", (4, 4)))


def test_what_is_written_for_other_channels_comes_back():
    processor = ImageProcessor(in_chans=4, image_mean=(0.1, 0.2, 0.3, 0.4), image_std=0.2, size=(6, 9), cover=True)
    assert ImageProcessor.from_dict(processor.to_dict(), in_chans=4) == processor
    rgb = ImageProcessor(image_mean=(0.1, 0.2, 0.6), image_std=(0.1, 0.2, 0.3))
    other = ImageProcessor.from_dict(rgb.to_dict(), in_chans=2)
    assert other.image_mean == pytest.approx(0.3)
    assert other.image_std == pytest.approx(0.2)
