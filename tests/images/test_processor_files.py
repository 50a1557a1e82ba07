"""Every way in which Hugging Face and timm have written a processor down is understood; nonsense gets one sentence."""

import dataclasses
import json
import math

import pytest

from tinyvit.errors import UserError
from tinyvit.images.processor import ImageProcessor

HALF, IMAGENET_MEAN, IMAGENET_STD = [0.5, 0.5, 0.5], [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
DEIT = ImageProcessor(
    size=(256, 256),
    resample="bicubic",
    do_center_crop=True,
    image_mean=tuple(IMAGENET_MEAN),
    image_std=tuple(IMAGENET_STD),
)
FILES = {
    "nothing": ({}, ImageProcessor()),
    "google/vit-base-patch16-224": (
        {"do_normalize": True, "do_resize": True, "image_mean": HALF, "image_std": HALF, "size": 224}, ImageProcessor()
    ),
    "old feature extractor": (
        {"feature_extractor_type": "ViTFeatureExtractor", "do_normalize": True, "do_resize": True, "image_mean": IMAGENET_MEAN,
         "image_std": IMAGENET_STD, "resample": 2, "size": 384},
        ImageProcessor(size=(384, 384), image_mean=tuple(IMAGENET_MEAN), image_std=tuple(IMAGENET_STD)),
    ),
    "old DeiT": (
        {"feature_extractor_type": "DeiTFeatureExtractor", "crop_size": 224, "do_center_crop": True, "do_normalize": True,
         "do_resize": True, "image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD, "resample": 3, "size": 256},
        DEIT,
    ),
    "DeiT without sizes": (
        {"image_processor_type": "DeiTImageProcessor", "image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD}, DEIT
    ),
    "fast, with nulls": (
        {"image_processor_type": "ViTImageProcessorFast", "size": {"height": 224, "width": 200, "longest_edge": None},
         "crop_size": None, "do_center_crop": None, "device": None, "input_data_format": None, "data_format": "channels_first",
         "resample": 1, "rescale_factor": 1 / 255, "do_convert_rgb": None, "image_mean": HALF, "image_std": HALF, "do_pad": False},
        ImageProcessor(size=(224, 200), resample="lanczos"),
    ),
    "shorter side": ({"size": {"shortest_edge": 256}, "resample": 0}, ImageProcessor(size=256, resample="nearest")),
    "shorter side, without a dict": ({"size": 256, "default_to_square": False}, ImageProcessor(size=256)),
    "list": ({"size": [20, 30], "resample": 4}, ImageProcessor(size=(20, 30), resample="box")),
    "DINOv2": (
        {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224},
         "image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD, "resample": 3, "do_center_crop": True, "do_convert_rgb": True},
        dataclasses.replace(DEIT, size=256),
    ),
    "BiT": (
        {"image_processor_type": "BitImageProcessor"},
        dataclasses.replace(
            DEIT, size=224, image_mean=(0.48145466, 0.4578275, 0.40821073), image_std=(0.26862954, 0.26130258, 0.27577711)
        ),
    ),
    "one number": ({"image_mean": 0.3, "image_std": 0.2}, ImageProcessor(image_mean=0.3, image_std=0.2)),
    "a run of tinyvit": (
        {"image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 28, "width": 28}, "do_rescale": True,
         "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.1307], "image_std": [0.3081], "dataset": "mnist",
         "class_names": list("0123456789")},
        ImageProcessor(in_chans=1, size=(28, 28), image_mean=0.1307, image_std=0.3081),
    ),
    "nothing is done": (
        {"do_resize": False, "do_rescale": False, "do_normalize": False},
        ImageProcessor(do_resize=False, do_rescale=False, do_normalize=False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_of_hugging_face(name):
    values, expected = FILES[name]
    assert ImageProcessor.from_dict(values) == expected


@pytest.mark.parametrize(
    "processor",
    [
        *(processor for _, processor in FILES.values()),
        *(ImageProcessor.of_family(family) for family in ("vit", "augreg", "deit")),
        *(
            ImageProcessor(resample=filter)
            for filter in ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
        ),
        ImageProcessor(in_chans=1, do_center_crop=True, crop_size=(3, 4), crop_rounding="even", image_mean=0.2),
        ImageProcessor(rescale_factor=1 / 200, do_normalize=False, image_mean=(0.1, 0.2, 0.3)),
    ],
    ids=repr,
)
def test_what_is_written_can_be_read_again(processor):
    assert ImageProcessor.from_dict(json.loads(json.dumps(processor.to_dict()))) == processor


def test_what_is_written():
    assert ImageProcessor.of_family("vit").to_dict() == {
        "image_processor_type": "ViTImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": 224, "width": 224},
        "resample": 2,
        "do_center_crop": False,
        "crop_size": {"height": 224, "width": 224},
        "crop_rounding": "down",
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": HALF,
        "image_std": HALF,
    }
    values = ImageProcessor.of_family("deit").to_dict()
    assert (values["image_processor_type"], values["size"]) == ("BitImageProcessor", {"shortest_edge": 256})
    assert ImageProcessor(do_center_crop=True).to_dict()["image_processor_type"] == "BitImageProcessor"
    assert ImageProcessor(in_chans=1).to_dict()["image_mean"] == [0.5]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (None, "must map names to values, got None"),
        ([1, 2], "must map names to values"),
        (
            {"image_processor_type": "OwlViTImageProcessor"},
            "type 'OwlViTImageProcessor' is not known: use one of type ViT",
        ),
        ({"image_processor_type": ["ViTImageProcessor"]}, "is not known"),
        ({"feature_extractor_type": "ViTFeatureExtractorX"}, "is not known"),
        (
            {"size": {"longest_edge": 224}},
            "size must have height and width or a shortest_edge, got {'longest_edge': 224}",
        ),
        ({"size": {"shortest_edge": 224, "longest_edge": 500}}, "size must have"),
        ({"size": {"shortest_edge": [224, 224]}}, "size must have"),
        ({"size": {"height": 224}}, "size must have"),
        ({"size": {}}, "size must have"),
        ({"size": {"height": 224, "width": "224"}}, "size must be"),
        ({"size": -1}, "size must be"),
        ({"size": "224"}, "size must be"),
        ({"size": True}, "size must be"),
        ({"size": 10**9}, "size must be"),
        ({"size": math.nan}, "size must be"),
        ({"size": [224]}, "size must be"),
        ({"size": [[224], 224]}, "size must be"),
        ({"crop_size": {"shortest_edge": 224}}, "crop_size must have height and width, got"),
        ({"crop_size": [224, 224, 3]}, "crop_size must be"),
        ({"resample": 6}, "resample must be one of"),
        ({"resample": True}, "resample must be one of"),
        ({"resample": [2]}, "resample must be one of"),
        ({"resample": 2.0}, "resample must be one of"),
        ({"rescale_factor": math.inf}, "rescale_factor must be"),
        ({"rescale_factor": "1/255"}, "rescale_factor must be"),
        ({"image_mean": []}, "image_mean must be"),
        ({"image_mean": [0.5, 0.5]}, "image_mean must be"),
        ({"image_mean": [0.5, 0.5, math.nan]}, "image_mean must be"),
        ({"image_mean": [[0.5, 0.5, 0.5]]}, "image_mean must be"),
        ({"image_mean": [0.5], "image_std": [0.1, 0.2, 0.3]}, "image_std must be one number"),
        ({"image_std": 0}, "image_std must be"),
        ({"do_normalize": "yes"}, "do_normalize must be true or false"),
        ({"do_pad": True}, "do_pad must be false, got True"),
        ({"crop_rounding": "up"}, "crop_rounding must be one of down, even"),
    ],
)
def test_nonsense_is_refused_by_name(values, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        ImageProcessor.from_dict(values)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


AUGREG = {
    "url": "", "hf_hub_id": "timm/vit_base_patch16_224.augreg_in21k_ft_in1k", "num_classes": 1000, "pool_size": None,
    "input_size": [3, 224, 224], "fixed_input_size": True, "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "center",
    "mean": HALF, "std": HALF, "first_conv": "patch_embed.proj", "classifier": "head",
}  # fmt: skip


def test_timm_s_own_words():
    assert ImageProcessor.from_timm(AUGREG) == ImageProcessor.of_family("augreg")
    assert ImageProcessor.from_timm({}) == ImageProcessor.of_family("deit")
    assert ImageProcessor.from_timm({}).crop_rounding == "even"
    assert ImageProcessor.from_timm(AUGREG | {"input_size": (3, 384, 384), "crop_pct": 1.0}).size == 384
    squashed = ImageProcessor.from_timm(
        AUGREG | {"crop_mode": "squash", "input_size": (3, 224, 320), "interpolation": "box"}
    )
    assert (squashed.size, squashed.crop_size, squashed.resample) == ((248, 355), (224, 320), "box")
    grey = ImageProcessor.from_timm({"input_size": (1, 28, 28), "mean": [0.13], "std": [0.31], "crop_pct": 1})
    assert (grey.in_chans, grey.size, grey.crop_size, grey.image_mean) == (1, 28, (28, 28), 0.13)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"crop_mode": "border"}, "crop_mode must be one of center, squash, got 'border'"),
        ({"crop_pct": 0}, "crop_pct must be"),
        ({"crop_pct": math.nan}, "crop_pct must be"),
        ({"crop_pct": 0.02}, "size must be"),
        ({"interpolation": "random"}, "interpolation must be one of"),
        ({"input_size": 224}, "input_size must be 3 numbers, each"),
        ({"input_size": (0, 224, 224)}, "input_size must be"),
        ({"input_size": (1, 28, 28), "mean": IMAGENET_MEAN}, "image_mean must be one number"),
        ({"input_size": (3, 10**9, 10**9)}, "input_size must be"),
        ({"mean": "imagenet"}, "mean must be"),
        ({"std": (0, 0, 0)}, "std must be"),
    ],
)
def test_nonsense_of_timm_is_refused_by_name(change, sentence):
    with pytest.raises(UserError, match=sentence):
        ImageProcessor.from_timm(AUGREG | change)


def test_no_mapping_of_timm():
    with pytest.raises(UserError, match="must map names to values"):
        ImageProcessor.from_timm("vit_base_patch16_224")
