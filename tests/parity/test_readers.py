"""What `finetune` says at its end about other libraries is true: they load the folder, after the command that is named."""

import re
import shlex

import numpy as np
import pytest
import torch

from tests.support.oracles import timm, transformers
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.gradcheck.cases import shaken
from tinyvit.pretrained.readers import who_loads

SMALL = {"img_size": 12, "patch_size": 4, "num_classes": 3, "embed_dim": 24, "depth": 2, "num_heads": 3}
MODELS = {
    "plain": ({}, "transformers"),
    "tanh": ({"gelu": "tanh"}, "transformers"),
    "no bias of q, k and v": ({"qkv_bias": False}, "transformers"),
    "grey and wide": ({"in_chans": 1, "img_size": (8, 20)}, "transformers"),
    "another epsilon": ({"layer_norm_eps": 1e-3}, "transformers"),
    "drop rates": ({"drop_rate": 0.1, "drop_path_rate": 0.2, "mlp_ratio": 1.7}, "transformers"),
    "fixed positions": ({"pos_embed": "sincos2d"}, "transformers after convert"),
    "fixed positions, tanh, another epsilon": (
        {"pos_embed": "sincos2d", "gelu": "tanh", "layer_norm_eps": 1e-12}, "transformers after convert",
    ),
    "a register": ({"num_registers": 1}, "transformers"),  # as DeiT
    "two heads": ({"num_registers": 1, "pool": "cls+dist"}, "transformers"),
    "class token and mean, layer scale": ({"pool": "cls+mean", "layer_scale": 0.1}, "transformers"),  # as DINOv2
    "mean without a class token": ({"pool": "mean", "class_token": False}, "transformers"),  # as SigLIP
    "class token and mean": ({"pool": "cls+mean"}, ""),
    "two registers": ({"num_registers": 2, "layer_norm_eps": 1e-12}, "timm, differing"),
    "registers and fixed positions": ({"num_registers": 4, "pos_embed": "sincos2d"}, "timm"),
    "layer scale": ({"layer_scale": 0.1}, "timm"),
    "mean pooling": ({"pool": "mean", "gelu": "tanh"}, "timm"),
    "all of it": ({"pool": "mean", "layer_scale": 0.2, "num_registers": 2, "qkv_bias": False}, "timm"),
    "convolutional stem": ({"stem": "conv"}, ""),
    "convolutional stem, fixed positions": ({"stem": "conv", "pos_embed": "sincos2d"}, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_whoever_is_named_loads_the_model_and_gives_its_logits(name, tmp_path, capsys):
    options, who = MODELS[name]
    config = ViTConfig(**SMALL | options)
    ours = shaken(VisionTransformer(config, rng=np.random.default_rng(0)), np.random.default_rng(1))
    ours = ours.astype(np.float32)
    ours.save_pretrained(tmp_path / "best")
    sentence = who_loads(tmp_path, config)
    folder = tmp_path / "best"
    if command := re.search(rf"tinyvit (convert {re.escape(str(tmp_path))} OUT --to \w+)", sentence):
        words = shlex.split(command[1].replace("OUT", str(tmp_path / "out")))
        assert main(words) == 0
        folder = tmp_path / "out"
    assert bool(command) == (who not in ("transformers", ""))
    assert ("instead of" in sentence) == ("differing" in who)
    images = np.random.default_rng(2).standard_normal((3, *config.input_shape)).astype(np.float32)
    if not who:
        assert "by tinyvit only" in sentence
        assert [main(["convert", str(tmp_path), str(tmp_path / "out"), "--to", to]) for to in ("hf", "timm")] == [2, 2]
        capsys.readouterr()
        return
    if who.startswith("transformers"):
        assert sentence.startswith("Hugging Face's transformers loads ")
        if transformers is None:
            pytest.skip("transformers is not installed")
        loader = transformers.AutoModelForImageClassification
        theirs, report = loader.from_pretrained(folder, output_loading_info=True)
        assert not any(report.values()), report
        logits = theirs.eval()(torch.tensor(images)).logits
    else:
        assert sentence.startswith("timm loads ")
        if timm is None:
            pytest.skip("timm is not installed")
        logits = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()(torch.tensor(images))
    wanted = ours.predict(images)
    tolerance = 1e-2 if "differing" in who else 1e-5
    assert np.abs(logits.detach().numpy() - wanted).max() <= tolerance * max(1.0, np.abs(wanted).max())
