"""The same folder gives the same numbers here and in transformers and timm: logits, hidden states, every gradient."""

import numpy as np
import pytest
import torch

from tests.support.oracles import shaken, timm, transformers
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.gradcheck.cases import shaken as shaken_layer
from tinyvit.pretrained import FAMILIES, folder_files, open_checkpoint
from tinyvit.storage.folders import write_folder

needs_transformers = pytest.mark.skipif(transformers is None, reason="transformers is not installed")
needs_timm = pytest.mark.skipif(timm is None, reason="timm is not installed")

HF = {
    "square": {"image_size": 32, "patch_size": 8, "num_channels": 3, "num_labels": 5},
    "wide, odd": {"image_size": (15, 35), "patch_size": 5, "num_channels": 1, "num_labels": 3, "intermediate_size": 37},
    "tanh, no qkv bias": {"image_size": 12, "patch_size": 6, "hidden_act": "gelu_pytorch_tanh", "qkv_bias": False},
    "one block, wide eps": {"image_size": 8, "patch_size": 4, "num_hidden_layers": 1, "layer_norm_eps": 1e-3},
    "no head": {"image_size": 8, "patch_size": 4, "num_labels": 0},
}
SMALL = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 52}


def hf_model(dtype, **options):
    config = transformers.ViTConfig(**SMALL | options, attn_implementation="sdpa")  # eager rounds to float32
    return shaken(transformers.ViTForImageClassification(config).to(getattr(torch, dtype)))


def images_for(config, dtype, batch=3):
    return np.random.default_rng(1).standard_normal((batch, *config.input_shape)).astype(dtype)


def close(ours, theirs, tolerance):
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert np.abs(ours - theirs).max(initial=0) <= tolerance * max(1.0, np.abs(theirs).max(initial=0))


@needs_transformers
@pytest.mark.parametrize("name", HF)
def test_logits_and_gradients_are_those_of_transformers(name, precision, tmp_path):
    dtype, tolerance = precision
    theirs = hf_model(dtype, **HF[name])
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    assert ours.cls_token.dtype == dtype
    images = images_for(ours.config, dtype)
    outputs = theirs(torch.tensor(images), output_hidden_states=True)
    logits, saved = ours.forward(images)
    close(logits, outputs.logits, tolerance)
    close(ours.predict(images), outputs.logits, tolerance)
    for state, hidden in zip(ours.hidden_states(images), outputs.hidden_states, strict=False):
        close(state, hidden, tolerance)

    dlogits = np.random.default_rng(2).standard_normal(logits.shape).astype(dtype)
    outputs.logits.backward(torch.tensor(dlogits))
    _, grads = ours.backward(dlogits, saved)
    with torch.no_grad():  # gradients saved as if they were weights are read in our layout
        for parameter in theirs.parameters():
            parameter.copy_(parameter.grad)
    theirs.save_pretrained(tmp_path / "grads")
    wanted = VisionTransformer.from_pretrained(tmp_path / "grads").parameters()
    assert set(grads) == set(wanted)
    for name, grad in grads.items():
        close(grad, wanted[name], 10 * tolerance)


@needs_transformers
@pytest.mark.parametrize("name", HF)
def test_transformers_loads_what_we_save(name, precision, tmp_path):
    dtype, tolerance = precision
    hf_model(dtype, **HF[name]).save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    ours.save_pretrained(tmp_path / "ours")
    theirs, report = transformers.ViTForImageClassification.from_pretrained(
        tmp_path / "ours", output_loading_info=True, dtype=getattr(torch, dtype)
    )
    assert not any(report.values()), report
    images = images_for(ours.config, dtype)
    close(ours.predict(images), theirs.eval()(torch.tensor(images)).logits, tolerance)
    again = VisionTransformer.from_pretrained(tmp_path / "ours")
    assert again.config == ours.config
    for name, array in again.parameters().items():
        np.testing.assert_array_equal(array, ours.parameters()[name])


@needs_transformers
def test_an_encoder_with_a_pooler_gives_features(tmp_path):
    theirs = shaken(transformers.ViTModel(transformers.ViTConfig(**SMALL, image_size=8, patch_size=4)))
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    assert ours.config.num_classes == 0
    images = images_for(ours.config, "float32")
    close(ours.predict(images), theirs(torch.tensor(images)).last_hidden_state[:, 0], 1e-5)


@needs_transformers
def test_a_masked_autoencoder_gives_its_encoder(tmp_path):
    config = transformers.ViTMAEConfig(
        **SMALL, image_size=8, patch_size=4, mask_ratio=0.0, decoder_hidden_size=16, decoder_num_hidden_layers=1,
        decoder_num_attention_heads=2, decoder_intermediate_size=20,
    )  # fmt: skip
    theirs = shaken(transformers.ViTMAEForPreTraining(config))
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    images = images_for(ours.config, "float32")
    noise = torch.arange(4.0)[None].expand(3, 4)  # keeps the patches in their order
    close(ours.predict(images), theirs.vit(torch.tensor(images), noise=noise).last_hidden_state[:, 0], 1e-5)


@needs_transformers
def test_deit_has_its_distillation_token_as_a_register(tmp_path):
    config = transformers.DeiTConfig(**SMALL, image_size=8, patch_size=4, num_labels=3)
    theirs = shaken(transformers.DeiTForImageClassification(config))
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    assert ours.config.num_registers == 1
    images = images_for(ours.config, "float32")
    close(ours.predict(images), theirs(torch.tensor(images)).logits, 1e-5)


@needs_transformers
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_files_and_files_in_pieces(dtype, tmp_path):
    theirs = hf_model("float32", image_size=8, patch_size=4).to(getattr(torch, dtype))
    theirs.save_pretrained(tmp_path / "hf", max_shard_size="20KB")
    assert not (tmp_path / "hf" / "model.safetensors").exists()
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    images = images_for(ours.config, "float32")
    close(ours.predict(images), theirs.float()(torch.tensor(images)).logits, 1e-5)


TIMM = {
    "square": {"img_size": 32, "patch_size": 8, "num_classes": 5},
    "wide, odd": {"img_size": (15, 35), "patch_size": 5, "in_chans": 1, "num_classes": 3, "mlp_ratio": 1.7},
    "registers, layer scale": {"img_size": 12, "patch_size": 6, "reg_tokens": 3, "init_values": 0.1, "num_classes": 2},
    "mean pooling": {"img_size": 8, "patch_size": 4, "global_pool": "avg", "fc_norm": False, "num_classes": 2},
    "tanh, no qkv bias": {"img_size": 8, "patch_size": 4, "act_layer": "gelu_tanh", "qkv_bias": False, "num_classes": 2},
    "positions of patches only": {"img_size": 8, "patch_size": 4, "no_embed_class": True, "reg_tokens": 2, "num_classes": 2},
    "no head": {"img_size": 8, "patch_size": 4, "num_classes": 0},
}  # fmt: skip


def timm_model(dtype, **options):
    small = {"embed_dim": 24, "depth": 3, "num_heads": 4}
    model = timm.create_model("vit_base_patch16_224", **small | options)
    return shaken(model.to(getattr(torch, dtype)))


def timm_hidden_states(model, images):
    """What goes into the first block, and what comes out of each."""
    states = []
    handles = [model.blocks[0].register_forward_pre_hook(lambda _, inputs: states.append(inputs[0]))]
    handles += [block.register_forward_hook(lambda _, __, output: states.append(output)) for block in model.blocks]
    logits = model(torch.tensor(images))
    for handle in handles:
        handle.remove()
    return logits, states


@needs_timm
@pytest.mark.parametrize("name", TIMM)
def test_logits_hidden_states_and_gradients_are_those_of_timm(name, precision, tmp_path):
    from timm.models import save_for_hf

    dtype, tolerance = precision
    theirs = timm_model(dtype, **TIMM[name])
    save_for_hf(theirs, tmp_path / "timm", safe_serialization=True)
    ours = VisionTransformer.from_pretrained(tmp_path / "timm")
    images = images_for(ours.config, dtype)
    wanted, states = timm_hidden_states(theirs, images)
    logits, saved = ours.forward(images)
    close(logits, wanted, tolerance)
    for state, hidden in zip(ours.hidden_states(images), states, strict=False):
        close(state, hidden, tolerance)
    dlogits = np.random.default_rng(2).standard_normal(logits.shape).astype(dtype)
    wanted.backward(torch.tensor(dlogits))
    _, grads = ours.backward(dlogits, saved)
    layout = FAMILIES["timm"].layout(ours.config)
    tensors = {name: p.grad.numpy() for name, p in theirs.named_parameters()}
    assert set(tensors) == set(grads)
    for name, grad in grads.items():
        wanted_grad = np.ascontiguousarray(layout[name].layout.read([tensors[name]]))
        if name == "pos_embed":  # where the file had positions for the patches alone
            grad = grad[:, -wanted_grad.shape[1] :]
        close(grad, wanted_grad, 10 * tolerance)


@needs_timm
@pytest.mark.parametrize("name", TIMM)
def test_timm_loads_what_we_write(name, tmp_path):
    from timm.models import save_for_hf

    save_for_hf(timm_model("float32", **TIMM[name]), tmp_path / "timm", safe_serialization=True)
    ours = VisionTransformer.from_pretrained(tmp_path / "timm")
    write_folder(tmp_path / "ours", folder_files(ours.config, ours.parameters(), "timm"))
    theirs = timm.create_model(f"local-dir:{tmp_path / 'ours'}", pretrained=True).eval()
    images = images_for(ours.config, "float32")
    close(ours.predict(images), theirs(torch.tensor(images)), 1e-5)
    assert open_checkpoint(tmp_path / "ours").config == ours.config


@needs_timm
def test_timm_reads_the_npz_we_write_and_gives_the_same_logits(tmp_path):
    from tinyvit.pretrained import save_npz

    options = {"img_size": 12, "patch_size": 4, "num_classes": 5, "embed_dim": 24, "depth": 3, "num_heads": 4}
    theirs = timm.create_model("vit_base_patch16_224", **options, act_layer="gelu_tanh")
    config = ViTConfig(**options, gelu="tanh")
    save_npz(
        tmp_path / "model.npz", config, shaken_layer(VisionTransformer(config), np.random.default_rng(0)).parameters()
    )
    ours = VisionTransformer.from_pretrained(tmp_path / "model.npz")
    assert ours.config == config
    assert ours.cls_token.dtype == np.float64
    theirs.load_pretrained(str(tmp_path / "model.npz"))
    images = images_for(ours.config, "float64")
    close(ours.predict(images), theirs.double().eval()(torch.tensor(images)), 1e-6)  # timm holds them in float32


@needs_transformers
def test_vit_base_from_transformers_to_timm(tmp_path):
    """At the size of google/vit-base-patch16-224: 86,567,656 numbers, and 1,000 logits within 1e-4."""
    theirs = shaken(transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000)))
    theirs.save_pretrained(tmp_path / "hf")
    ours = VisionTransformer.from_pretrained(tmp_path / "hf")
    assert ours.num_parameters() == 86_567_656
    images = images_for(ours.config, "float32", batch=2)
    logits = ours.predict(images)
    with torch.no_grad():
        assert np.abs(logits - theirs(torch.tensor(images)).logits.numpy()).max() < 1e-4
    if timm is None:
        return
    write_folder(tmp_path / "timm", folder_files(ours.config, ours.parameters(), "timm"))
    again = timm.create_model(f"local-dir:{tmp_path / 'timm'}", pretrained=True).eval()
    with torch.no_grad():  # timm's layer norm has another epsilon than transformers'
        assert np.abs(logits - again(torch.tensor(images)).numpy()).max() < 1e-3
