"""The browser's classifier answers every question of the page as Python's does, with the same arrays."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.gradcheck.cases import shaken
from tinyvit.page.classifier import Classifier
from tinyvit.page.query import Query

NODE = shutil.which("node")
pytestmark = [pytest.mark.process, pytest.mark.skipif(NODE is None, reason="Node.js is not installed")]
ASK = Path(__file__).with_name("ask.mjs")
SMALL = {
    "img_size": (6, 9),
    "patch_size": 3,
    "in_chans": 3,
    "num_classes": 4,
    "embed_dim": 8,
    "depth": 2,
    "num_heads": 2,
}
KINDS = {
    "class token": ViTConfig(**SMALL),
    "mean, registers, layer scale, tanh": ViTConfig(
        **SMALL, pool="mean", num_registers=2, layer_scale=0.3, gelu="tanh", qkv_bias=False
    ),
    "class token and mean": ViTConfig(**SMALL, pool="cls+mean", num_registers=1),
    "distilled": ViTConfig(**SMALL, pool="cls+dist", num_registers=1),
    "attention pooling": ViTConfig(**SMALL, pool="map", num_registers=1),
    "attention pooling, no prefix": ViTConfig(**SMALL, pool="map", class_token=False, pos_embed="sincos2d"),
    "no class token, fc_norm": ViTConfig(**SMALL, pool="mean", class_token=False, fc_norm=True),
    "no final norm": ViTConfig(**SMALL, final_norm=False),
    "pre-norm, quick": ViTConfig(**SMALL, pre_norm=True, gelu="quick"),
    "conv stem": ViTConfig(**SMALL, stem="conv"),
    "no blocks": ViTConfig(**SMALL | {"depth": 0}),
    "many patches": ViTConfig(**SMALL | {"img_size": (18, 27), "patch_size": 2 + 1, "depth": 1}, num_registers=1),
    "covered in windows": ViTConfig(**SMALL | {"img_size": (9, 10), "patch_size": 1, "depth": 1}),
}
LOOK = {"number": 1}
QUESTIONS = [
    ("look", {}),
    ("token", LOOK | {"token": 3}),
    ("cover", LOOK),
    ("cover", LOOK | {"target": 2}),
    ("backward", LOOK | {"block": 0, "head": 1, "token": 2, "target": 3}),
    ("adversarial", LOOK | {"epsilon": 20, "target": 1}),
    ("look", {"target": 2, "off": "0.1"}),
    ("cover", {"number": 2, "target": 2}),
]


def saved(folder, config, rng):
    """A model of small random weights in `folder`, for images of any colours."""
    model = shaken(VisionTransformer(config, rng=rng), rng).astype(np.float32)
    model.save_pretrained(folder)
    C, (H, W) = config.in_chans, config.image_shape
    processor = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": H, "width": W},
        "image_mean": [0.3, 0.4, 0.5][:C],
        "image_std": [0.2, 0.3, 0.25][:C],
        "class_names": [f"class {k}" for k in range(config.num_classes)],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return model


def asked(classifier, verb, query, pixels):
    """The answer of Python's classifier: arrays and metadata, or the sentence of a refusal."""
    method = "POST" if verb == "look" else "GET"
    answer = classifier.routes[f"{method} {verb}"](Query(urlencode(query)), pixels.tobytes())
    return {name: np.asarray(array, np.float32) for name, array in answer.arrays.items()}, answer.metadata


def read(path):
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """By kind, for each question that makes sense: ((arrays, metadata) of Python, the same of the browser's engine)."""
    models, cases = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("cases")
    wanted = {}
    for number, (name, config) in enumerate(KINDS.items()):
        rng, case = np.random.default_rng(number), cases / str(number)
        case.mkdir()
        model = saved(models / str(number), config, rng)
        pixels = rng.integers(0, 256, config.input_shape, dtype=np.uint8)
        classifier = Classifier(models / str(number), note=print)
        questions = QUESTIONS if config.depth else QUESTIONS[:4]
        (case / "about.json").write_text(json.dumps(classifier.about()))
        (case / "questions.json").write_text(json.dumps(questions))
        save_file(model.state_dict(), case / "weights.safetensors")
        save_file({"pixels": pixels}, case / "pixels.safetensors")
        wanted[name] = [asked(classifier, verb, query, pixels) for verb, query in questions]
    subprocess.run([NODE, ASK, cases], check=True, timeout=120)
    got = {
        name: [read(cases / str(number) / f"{i}.safetensors") for i in range(len(wanted[name]))]
        for number, name in enumerate(KINDS)
    }
    return {name: list(zip(wanted[name], got[name], strict=True)) for name in KINDS}


def size_of(wanted, key):
    """The size of the numbers that a value is made of; a fall of the logit is a difference of two logits."""
    if key == "cover":
        return 1.0
    key = "norm_direct" if key.startswith("norm_through") else key
    return max(abs(np.nan_to_num(wanted[key])).max(initial=0.0), 1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_every_answer_is_pythons(name, answers):
    for (verb, query), ((wanted, said), (got, told)) in zip(QUESTIONS, answers[name], strict=False):
        assert got.keys() == wanted.keys(), (verb, query, told)
        for key, array in wanted.items():
            assert got[key].shape == array.shape, (verb, query, key)
            bound = 1e-5 * size_of(wanted, key)
            np.testing.assert_allclose(got[key], array, rtol=0, atol=bound, err_msg=f"{verb} {query} {key}")
        numbers = {"number", "rstd"} & said.keys()
        for key in numbers:
            assert float(told[key]) == pytest.approx(float(said[key]), rel=1e-5, abs=1e-5), (verb, key)
        for key in said.keys() - numbers - {"milliseconds"}:
            assert told[key] == said[key], (verb, key)
