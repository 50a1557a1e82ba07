"""The engine in the browser is NumPy's: values and every gradient, for models of every kind, in Node."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tinyvit import VisionTransformer, ViTConfig, preset
from tinyvit.gradcheck.cases import shaken
from tinyvit.gradcheck.configs import MODELS, SMALL

NODE = shutil.which("node")
pytestmark = [pytest.mark.process, pytest.mark.skipif(NODE is None, reason="Node.js is not installed")]
ANSWER = Path(__file__).with_name("answer.mjs")
KINDS = {name: config for name, config in MODELS.items() if config.num_classes} | {
    "depth 0": ViTConfig(**SMALL | {"depth": 0}),
    "odd MLP": ViTConfig(**SMALL | {"mlp_ratio": 1.7}),
    "wide, RGB": ViTConfig(**SMALL | {"img_size": (6, 14), "in_chans": 3, "embed_dim": 12, "num_heads": 3}),
    "conv stem, RGB, tanh": ViTConfig(**SMALL | {"in_chans": 3}, stem="conv", gelu="tanh"),
    "one head, eps": ViTConfig(**SMALL | {"num_heads": 1}, layer_norm_eps=1e-2),
    "tiny": preset("tiny"),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """(wanted, got) by kind: two dicts of arrays."""
    root, wanted = tmp_path_factory.mktemp("kinds"), {}
    for number, (name, config) in enumerate(KINDS.items()):
        folder, rng = root / str(number), np.random.default_rng(number)
        folder.mkdir()
        model = shaken(VisionTransformer(config, rng=rng), rng).astype(np.float32)
        images = rng.standard_normal((3, *config.input_shape)).astype(np.float32)
        dlogits = rng.standard_normal((3, config.num_classes)).astype(np.float32)
        (folder / "config.json").write_text(json.dumps(config.to_dict()))
        save_file(model.state_dict(), folder / "weights.safetensors")
        save_file({"images": images, "dlogits": dlogits}, folder / "given.safetensors")
        logits, saved = model.forward(images)
        dimages, grads = model.backward(dlogits, saved)
        wanted[name] = {"logits": logits, "dimages": dimages, **grads}
    subprocess.run([NODE, ANSWER, root], check=True, timeout=120)
    return {
        name: (wanted[name], load_file(root / str(number) / "got.safetensors")) for number, name in enumerate(KINDS)
    }


def error(wanted, got):
    """The worst difference, by the largest number that was wanted."""
    assert got.shape == wanted.shape
    return abs(got - wanted).max(initial=0.0) / max(abs(wanted).max(initial=0.0), 1e-9)


CONFIG = ViTConfig(**SMALL).to_dict()
REFUSED = {  # what is in the folder beside a good config and good weights -> a word of the sentence
    "words": (CONFIG | {"stem": "words"}, 'no stem "words"'),
    "of later days": (CONFIG | {"rotary": True}, "does not know rotary"),
    "features": (CONFIG | {"num_classes": 0}, "no classes"),
    "other widths": (CONFIG | {"embed_dim": 16}, "do not fit the config"),
    "other parts": (CONFIG | {"num_registers": 2}, "reg_token missing"),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    root = tmp_path_factory.mktemp("refused")
    good = VisionTransformer(ViTConfig(**SMALL), rng=np.random.default_rng(0)).state_dict()
    for name, (config, _) in REFUSED.items():
        (root / name).mkdir()
        (root / name / "config.json").write_text(json.dumps(config))
        save_file(good, root / name / "weights.safetensors")
    for name in DAMAGED:
        (root / name).mkdir()
        (root / name / "config.json").write_text(json.dumps(CONFIG))
        save_file(good, root / name / "weights.safetensors")
    cut = root / "cut" / "weights.safetensors"
    cut.write_bytes(cut.read_bytes()[:-5])
    (root / "no file of this kind" / "weights.safetensors").write_bytes(b"PK\3\4 and so on")
    half = {name: array.astype(np.float16) for name, array in good.items()}
    save_file(half, root / "half" / "weights.safetensors")
    subprocess.run([NODE, ANSWER, root], check=True, timeout=120)
    return {path.parent.name: path.read_text() for path in root.glob("*/refused.txt")}


DAMAGED = {"cut": "is cut off", "no file of this kind": "no safetensors file", "half": "is F16"}


@pytest.mark.parametrize("name", [*REFUSED, *DAMAGED])
def test_other_models_are_refused_in_a_sentence(name, refusals):
    wanted = REFUSED[name][1] if name in REFUSED else DAMAGED[name]
    assert wanted in refusals[name]
    assert "\n" not in refusals[name]


@pytest.mark.parametrize("name", KINDS)
def test_values_and_all_gradients_are_numpys(name, answers):
    wanted, got = answers[name]
    assert got.keys() == wanted.keys()
    errors = {key: error(wanted[key], got[key]) for key in wanted}
    assert max(errors.values()) < 1e-5, errors
