"""Images come out as those of transformers and of timm do, to the last bit before normalising."""

import json

import numpy as np
import pytest
from PIL import Image

from tinyvit.images.processor import ImageProcessor
from tinyvit.pretrained.families import FAMILIES, family_of
from tinyvit.pretrained.preprocessor import read_preprocessor, with_type

SIZES = [(1, 1), (1, 9), (7, 1), (3, 3), (31, 50), (224, 224), (225, 223), (640, 481), (41, 700)]  # (height, width)


def picture(height, width, mode="RGB"):
    values = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 4), dtype=np.uint8)
    image = Image.fromarray(values)
    if mode == "P with transparency":
        image = image.convert("RGB").convert("P")
        image.info["transparency"] = 3
        return image
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def their_processors():
    transformers = pytest.importorskip("transformers")
    imagenet = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    vit, deit, bit = (getattr(transformers, f"{kind}ImageProcessorPil") for kind in ("ViT", "DeiT", "Bit"))
    return {
        "ViT": vit(),
        "ViT, not square": vit(size={"height": 97, "width": 224}, resample=3, **imagenet),
        "ViT, shorter side": vit(
            size={"shortest_edge": 64}, do_center_crop=True, crop_size={"height": 49, "width": 50}
        ),
        "DeiT": deit(**imagenet),
        "DeiT, crop larger": deit(size={"height": 100, "width": 131}, crop_size={"height": 128, "width": 128}),
        "DeiT, odd crop": deit(size={"height": 40, "width": 33}, crop_size={"height": 27, "width": 38}, resample=5),
        "BiT": bit(),
        "nothing": vit(do_resize=False, do_rescale=False, do_normalize=False),
        "no rescaling": vit(do_rescale=False, image_mean=[100.0, 120.5, 90.25], image_std=[50.0, 60.5, 0.25]),
        "no normalising": vit(do_normalize=False, rescale_factor=1 / 127.5),
        **{f"filter {number}": vit(resample=number, size={"height": 60, "width": 60}) for number in range(6)},
    }


def theirs(processor, image):
    return np.asarray(processor(image, return_tensors="np", input_data_format=None)["pixel_values"][0])


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_transformers(size):
    for name, processor in their_processors().items():
        ours = ImageProcessor.from_dict(processor.to_dict())
        image = picture(*size)
        unscaled = type(processor)(**{**processor.to_dict(), "do_rescale": False, "do_normalize": False})
        pixels = theirs(unscaled, image)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(ours.pixels(image), pixels, err_msg=name)
        np.testing.assert_allclose(ours(image), theirs(processor, image), rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "P with transparency", "RGBA", "CMYK", "YCbCr"])
def test_transformers_in_other_modes(mode):
    processor = their_processors()["DeiT"]
    image = picture(61, 90, mode)
    ours = ImageProcessor.from_dict(processor.to_dict())
    if mode in ("LA", "P with transparency", "RGBA"):  # what they show instead lies beneath, and is anything
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    np.testing.assert_array_equal(ours(image), theirs(processor, image.convert("RGB")))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transformers_in_modes_with_unused_transparency(mode):
    processor = their_processors()["DeiT"]
    image = picture(61, 90).convert(mode)
    ours = ImageProcessor.from_dict(processor.to_dict())
    np.testing.assert_array_equal(ours(image), theirs(processor, image.convert("RGB")))


def test_transformers_in_grey():
    transformers = pytest.importorskip("transformers")
    processor = transformers.ViTImageProcessorPil(size={"height": 28, "width": 28}, image_mean=[0.13], image_std=[0.31])
    ours = ImageProcessor.from_dict(processor.to_dict())
    image = picture(61, 90, "L")
    assert theirs(processor, image).shape == (1, 28, 28)
    np.testing.assert_array_equal(ours(image), theirs(processor, image))


@pytest.mark.parametrize(
    "processor",
    [
        ImageProcessor(),
        ImageProcessor.of_family("deit"),
        ImageProcessor(size=(90, 60), resample="hamming", do_center_crop=True, crop_size=(70, 70)),
        ImageProcessor(in_chans=1, size=(28, 28), image_mean=0.13, image_std=0.31),
        ImageProcessor(do_normalize=False, rescale_factor=1 / 200, image_mean=(0.1, 0.2, 0.3)),
    ],
    ids=repr,
)
def test_transformers_loads_what_is_written(tmp_path, processor):
    transformers = pytest.importorskip("transformers")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor.to_dict()))
    loaded = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    image = picture(61, 90, "RGB" if processor.in_chans == 3 else "L")
    np.testing.assert_array_equal(processor(image), theirs(loaded, image))


CLIP = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 40},
    "crop_size": {"height": 32, "width": 32},
}
VIT = {"image_processor_type": "ViTImageProcessor", "size": {"height": 30, "width": 50}, "image_mean": [0.1, 0.2, 0.3]}
BARE = {"size": {"height": 44, "width": 36}, "resample": 3}


@pytest.mark.parametrize("model_type", ["vit", "deit", "dinov2", "clip", "siglip"])
@pytest.mark.parametrize(
    ("processor", "preprocessor"),
    [
        ({"image_processor": CLIP}, None),
        ({"image_processor": VIT, "processor_class": "CLIPProcessor"}, CLIP),
        ({"image_processor": CLIP}, VIT),
        ({"image_processor": None}, VIT),
        ({"processor_class": "CLIPProcessor"}, CLIP),
        ({"image_processor": BARE}, CLIP),
        (None, BARE),
    ],
)
def test_the_file_that_transformers_takes(tmp_path, model_type, processor, preprocessor):
    transformers = pytest.importorskip("transformers")
    for name, values in (
        ("config.json", {"model_type": model_type}),
        ("processor_config.json", processor),
        ("preprocessor_config.json", preprocessor),
    ):
        if values is not None:
            (tmp_path / name).write_text(json.dumps(values))
    loaded = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    usual = FAMILIES[family_of({"model_type": model_type}, "")].processor
    ours = ImageProcessor.from_dict(with_type(read_preprocessor(tmp_path), usual))
    image = picture(61, 90)
    np.testing.assert_allclose(ours(image), theirs(loaded, image), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    "cfg",
    [
        {"interpolation": "bicubic", "crop_pct": 0.9, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
        {"interpolation": "bicubic", "crop_pct": 0.875, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
        {"interpolation": "bilinear", "crop_pct": 1.0, "mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "input_size": (3, 65, 65)},
        {"interpolation": "lanczos", "crop_pct": 0.83, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "input_size": (3, 50, 71),
         "crop_mode": "squash"},
        {"interpolation": "bicubic", "crop_pct": 0.9, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "input_size": (3, 48, 80)},
        {"interpolation": "bilinear", "crop_pct": 0.875, "mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "input_size": (3, 70, 33)},
    ],
    ids=str,
)  # fmt: skip
def test_timm(size, cfg):
    create_transform = pytest.importorskip("timm.data").create_transform
    cfg = {"input_size": (3, 224, 224), "crop_mode": "center"} | cfg
    image = picture(*size)
    expected = create_transform(**cfg)(image).numpy()
    np.testing.assert_allclose(ImageProcessor.from_timm(cfg)(image), expected, rtol=1e-6, atol=1e-6)
