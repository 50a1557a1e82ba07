"""DeiT's two heads, DINOv2, CLIP and SigLIP: read from their folders, they give their makers' numbers, and go back."""

import numpy as np
import pytest
import torch

from tests.parity.test_pretrained import close, images_for, timm_hidden_states
from tests.support.oracles import shaken, timm, transformers
from tinyvit import UserError, VisionTransformer
from tinyvit.pretrained import FAMILIES, family_for, folder_files, open_checkpoint
from tinyvit.storage.folders import write_folder
from tinyvit.training import load_classifier

needs_transformers = pytest.mark.skipif(transformers is None, reason="transformers is not installed")
needs_timm = pytest.mark.skipif(timm is None, reason="timm is not installed")

SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 8, "patch_size": 4}
WIDTH = {"intermediate_size": 37}
TEXT = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 50000}
HF = {
    "DeiT, two heads": ("DeiTForImageClassificationWithTeacher", "DeiTConfig", WIDTH | {"num_labels": 3}),
    "DeiT, two heads, wide, odd": (
        "DeiTForImageClassificationWithTeacher",
        "DeiTConfig",
        WIDTH | {"num_labels": 7, "image_size": (15, 35), "patch_size": 5, "num_channels": 1, "qkv_bias": False},
    ),
    "DeiT, one head": ("DeiTForImageClassification", "DeiTConfig", WIDTH | {"num_labels": 2, "num_channels": 2}),
    "DINOv2": ("Dinov2Model", "Dinov2Config", {"mlp_ratio": 2}),
    "DINOv2, classifier": ("Dinov2ForImageClassification", "Dinov2Config", {"mlp_ratio": 3, "num_labels": 5}),
    "DINOv2, registers": ("Dinov2WithRegistersModel", "Dinov2WithRegistersConfig", {"num_register_tokens": 3}),
    "DINOv2, registers, classifier": (
        "Dinov2WithRegistersForImageClassification",
        "Dinov2WithRegistersConfig",
        {"num_register_tokens": 2, "num_labels": 3, "image_size": 12, "num_channels": 4},
    ),
    "CLIP": ("CLIPVisionModel", "CLIPVisionConfig", WIDTH),
    "CLIP, erf, other eps": (
        "CLIPVisionModel",
        "CLIPVisionConfig",
        WIDTH | {"hidden_act": "gelu", "layer_norm_eps": 1e-3, "num_channels": 1, "patch_size": 2},
    ),
    "CLIP, projection": ("CLIPVisionModelWithProjection", "CLIPVisionConfig", WIDTH | {"projection_dim": 5}),
    "SigLIP": ("SiglipVisionModel", "SiglipVisionConfig", WIDTH),
    "SigLIP, one block": ("SiglipVisionModel", "SiglipVisionConfig", WIDTH | {"num_hidden_layers": 1, "image_size": 20}),
}  # fmt: skip


def hf_model(dtype, name, **more):
    kind, config, options = HF[name]
    config = getattr(transformers, config)(**SIZES | options | more, attn_implementation="sdpa")
    return shaken(getattr(transformers, kind)(config).to(getattr(torch, dtype)))


def answer(output):
    """What the model is for: logits, an embedding, or what pooling gives."""
    return next(output[name] for name in ("logits", "image_embeds", "pooler_output") if output.get(name) is not None)


@needs_transformers
@pytest.mark.parametrize("name", HF)
def test_hidden_states_and_gradients_are_those_of_transformers(name, precision, tmp_path):
    dtype, tolerance = precision
    theirs = hf_model(dtype, name)
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    assert ours.dtype == dtype
    images = images_for(ours.config, dtype)
    x = torch.tensor(images, requires_grad=True)
    outputs = theirs(x, output_hidden_states=True)
    y, saved = ours.forward(images)
    close(y, answer(outputs), tolerance)
    close(ours.predict(images), answer(outputs), tolerance)
    for state, hidden in zip(ours.hidden_states(images), outputs.hidden_states, strict=True):
        close(state, hidden, tolerance)

    dy = np.random.default_rng(2).standard_normal(y.shape).astype(dtype)
    answer(outputs).backward(torch.tensor(dy))
    dimages, grads = ours.backward(dy, saved)
    close(dimages, x.grad, 10 * tolerance)
    with torch.no_grad():  # gradients saved as if they were weights are read in our layout
        for parameter in theirs.parameters():
            parameter.copy_(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
    theirs.save_pretrained(tmp_path / "grads")
    wanted = VisionTransformer.from_pretrained(tmp_path / "grads").parameters()
    assert set(grads) == set(wanted)
    first = int(ours.config.class_token)
    for key, grad in grads.items():
        if key == "pos_embed" and name.startswith("DINOv2"):  # registers have no positions there
            grad[:, first : ours.config.num_prefix_tokens] = 0
        if key != "head.bias" or name != "CLIP, projection":  # which has none
            close(grad, wanted[key], 10 * tolerance)


@needs_transformers
@pytest.mark.parametrize("name", [name for name in HF if name != "CLIP, projection"])
def test_transformers_loads_what_we_save(name, tmp_path):
    theirs = hf_model("float32", name)
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    ours.save_pretrained(tmp_path / "ours")
    kind = getattr(transformers, HF[name][0])
    again, report = kind.from_pretrained(tmp_path / "ours", output_loading_info=True, dtype=torch.float32)
    forgotten = {name for name in report.pop("missing_keys") if "mask_token" not in name}
    assert not forgotten
    assert not any(report.values()), report
    images = images_for(ours.config, "float32")
    close(ours.predict(images), answer(again.eval()(torch.tensor(images))), 1e-5)
    assert VisionTransformer.from_pretrained(tmp_path / "ours").config == ours.config


@needs_transformers
@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_of_two_towers_that_for_images_is_read(kind, tmp_path):
    config = getattr(transformers, f"{kind}Config")(vision_config=SIZES | WIDTH, text_config=TEXT, projection_dim=5)
    theirs = shaken(getattr(transformers, f"{kind}Model")(config))
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    images = images_for(ours.config, "float32")
    assert {"logit_scale", "text_model"} <= set(open_checkpoint(tmp_path / "hf").left_out)
    pooled = theirs.vision_model(torch.tensor(images)).pooler_output
    close(ours.predict(images), theirs.visual_projection(pooled) if kind == "CLIP" else pooled, 1e-5)
    with pytest.raises(UserError, match="names no classes: give it a new head, tinyvit finetune"):
        load_classifier(tmp_path / "hf")


@needs_transformers
@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_classifiers_of_two_towers(kind, tmp_path):
    config = getattr(transformers, f"{kind}Config")(vision_config=SIZES | WIDTH, text_config=TEXT, num_labels=4)
    theirs = shaken(getattr(transformers, f"{kind}ForImageClassification")(config))
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    images = images_for(ours.config, "float32")
    close(ours.predict(images), theirs(torch.tensor(images)).logits, 1e-5)
    assert open_checkpoint(tmp_path / "hf").left_out == (["post_layernorm"] if kind == "CLIP" else ["head"])


TIMM = {
    "two heads": ("deit_tiny_distilled_patch16_224", {}),
    "two heads, wide, odd": ("deit_base_distilled_patch16_384", {"img_size": (15, 35), "patch_size": 5, "in_chans": 1}),
    "two heads, no classes": ("deit_small_distilled_patch16_224", {"num_classes": 0}),
    "gap": ("vit_medium_patch16_gap_256", {}),
    "gap, fc_norm": ("vit_base_patch16_224", {"global_pool": "avg", "in_chans": 2}),
    "gap, registers, no class token": ("vit_little_patch16_reg4_gap_256", {"reg_tokens": 3}),
    "token, fc_norm": ("vit_base_patch16_224", {"fc_norm": True, "img_size": [8, 12], "patch_size": [4, 4]}),
    "no final norm": ("vit_small_patch16_224", {"final_norm": False}),
    "map": ("vit_base_patch16_siglip_224", {"mlp_ratio": 2.5}),
    "map, tanh": ("vit_so400m_patch16_siglip_256", {}),
    "map, registers, class token": ("vit_so150m_patch16_reg4_map_256", {"class_token": True}),
    "siglip, gap": ("vit_base_patch16_siglip_gap_256", {"in_chans": 4}),
    "clip": ("vit_base_patch16_clip_224", {}),
    "clip, quick": ("vit_base_patch32_clip_quickgelu_224", {"img_size": 12}),
    "dinov2, registers": ("vit_base_patch14_reg4_dinov2", {"patch_size": 4}),
    "dinov2": ("vit_small_patch14_dinov2", {"init_values": 0.3}),
    "deit3": ("deit3_small_patch16_224", {}),
    "qkv without a bias": ("vit_base_patch16_224_miil", {}),
}  # fmt: skip


def timm_model(dtype, name):
    architecture, options = TIMM[name]
    small = {"img_size": 8, "patch_size": 4, "embed_dim": 24, "depth": 2, "num_heads": 3, "num_classes": 5}
    return shaken(timm.create_model(architecture, **small | options).to(getattr(torch, dtype)))


@needs_timm
@pytest.mark.parametrize("name", TIMM)
def test_hidden_states_logits_and_gradients_are_those_of_timm(name, precision, tmp_path):
    from timm.models import save_for_hf

    dtype, tolerance = precision
    theirs = timm_model(dtype, name)
    save_for_hf(theirs, tmp_path / "timm", safe_serialization=True)
    ours = VisionTransformer.from_pretrained(tmp_path / "timm")
    images = images_for(ours.config, dtype)
    wanted, states = timm_hidden_states(theirs, images)
    y, saved = ours.forward(images)
    close(y, wanted, tolerance)
    for state, hidden in zip(ours.hidden_states(images), states, strict=True):
        close(state, hidden, tolerance)
    dy = np.random.default_rng(2).standard_normal(y.shape).astype(dtype)
    wanted.backward(torch.tensor(dy))
    _, grads = ours.backward(dy, saved)
    layout = FAMILIES["timm"].layout(ours.config)
    tensors = {name: p.grad.numpy() for name, p in theirs.named_parameters()}
    assert {name for key in grads for name in layout[key].names} == set(tensors)
    for key, grad in grads.items():
        wanted_grad = layout[key].layout.read([tensors[name] for name in layout[key].names])
        if key == "pos_embed":  # where the file had positions for the patches alone
            grad = grad[:, -wanted_grad.shape[1] :]
        close(grad, np.ascontiguousarray(wanted_grad), 10 * tolerance)


@needs_timm
@pytest.mark.parametrize("name", TIMM)
def test_timm_loads_what_we_write(name, tmp_path):
    from timm.models import save_for_hf

    save_for_hf(timm_model("float32", name), tmp_path / "timm", safe_serialization=True)
    ours = VisionTransformer.from_pretrained(tmp_path / "timm")
    assert family_for("timm", ours.config) == "timm"
    write_folder(tmp_path / "ours", folder_files(ours.config, ours.parameters(), "timm"))
    theirs = timm.create_model(f"local-dir:{tmp_path / 'ours'}", pretrained=True).eval()
    images = images_for(ours.config, "float32")
    close(ours.predict(images), theirs(torch.tensor(images)), 1e-5)
    assert open_checkpoint(tmp_path / "ours").config == ours.config
