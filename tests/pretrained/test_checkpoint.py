"""What strangers' folders may hold: each is recognised, or refused in one sentence that says what to do."""

import dataclasses
import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

from tinyvit import UserError, VisionTransformer, ViTConfig
from tinyvit.pretrained import folder_files, open_checkpoint, resolve_model, save_npz
from tinyvit.storage import npz
from tinyvit.storage.folders import write_folder
from tinyvit.storage.npz import npz_bytes, read_npz
from tinyvit.storage.tensors import arrays_to_bytes, read_arrays

CONFIG = ViTConfig(
    img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=2, num_heads=2, mlp_ratio=2.0, gelu="tanh"
)


def folder_of(family, path, **options):
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
    write_folder(path, folder_files(CONFIG, model.parameters(), family, **options))
    return path


def edit(path, **changes):
    """Change entries of a JSON file; None removes one."""
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))


def test_class_names_come_with_the_model(tmp_path):
    names = ("cat", "dog", "ape")
    for family in ("hf", "timm"):
        assert open_checkpoint(folder_of(family, tmp_path / family, class_names=names)).class_names == names


@pytest.mark.parametrize("family", ["hf", "timm"])
def test_an_encoder_of_a_classifier_still_lists_its_classes(family, tmp_path):
    folder = folder_of(family, tmp_path / "model", class_names=("cat", "dog", "ape"))
    weights = read_arrays(folder / "model.safetensors")
    bare = {name: array for name, array in weights.items() if not name.startswith(("classifier", "head"))}
    (folder / "model.safetensors").write_bytes(arrays_to_bytes(bare))
    source = open_checkpoint(folder)
    assert (source.config.num_classes, source.class_names) == (0, None)
    features = VisionTransformer.from_pretrained(folder).predict(np.zeros((2, *CONFIG.input_shape), np.float32))
    assert features.shape == (2, CONFIG.embed_dim)


STALE = {
    "a thousand": {str(index): f"class {index}" for index in range(1000)},
    "too few": {"0": "cat"},
    "other numbers": {"1": "cat", "2": "dog", "3": "ape"},
    "a list": ["cat", "dog", "ape"],
    "no text": {"0": 0, "1": 1, "2": 2},
}


@pytest.mark.parametrize("family", ["hf", "timm"])
@pytest.mark.parametrize("names", STALE.values(), ids=STALE)
def test_stale_names_of_classes_do_not_matter_to_a_new_head(family, names, tmp_path):
    folder = folder_of(family, tmp_path / "model", class_names=("cat", "dog", "ape"))
    if family == "hf":
        edit(folder / "config.json", id2label=names)
    else:
        cfg = json.loads((folder / "config.json").read_text())["pretrained_cfg"]
        edit(folder / "config.json", pretrained_cfg=cfg | {"label_names": [*names, "one more"]})
    with pytest.raises(UserError, match="must name the 3 classes"):
        open_checkpoint(folder)
    for num_classes in (0, 5):
        model = VisionTransformer.from_pretrained(folder, num_classes=num_classes)
        assert model.config.num_classes == num_classes
    assert open_checkpoint(folder, with_head=False).class_names is None


def test_missing_entries_have_the_defaults_of_transformers(tmp_path):
    folder = folder_of("hf", tmp_path / "model")
    edit(folder / "config.json", hidden_act=None, layer_norm_eps=None, qkv_bias=None, tinyvit=None, id2label=None)
    config = open_checkpoint(folder).config
    assert (config.gelu, config.layer_norm_eps, config.qkv_bias) == ("erf", 1e-12, True)


def test_the_number_of_heads_of_timm_comes_from_its_name(tmp_path):
    folder = folder_of("timm", tmp_path / "model")
    edit(folder / "config.json", architecture="vit_huge_patch14_224", model_args={"num_heads": 4})
    assert open_checkpoint(folder).config.num_heads == 4
    edit(folder / "config.json", architecture="vit_medium_patch16_224", model_args={})
    assert open_checkpoint(folder).config.num_heads == 8


def test_the_weights_file_itself_may_be_named(tmp_path):
    folder = folder_of("hf", tmp_path / "model")
    assert VisionTransformer.from_pretrained(folder / "model.safetensors").config == CONFIG


@pytest.mark.parametrize(
    ("family", "changes", "sentence"),
    [
        ("hf", {"model_type": "bert"}, "type 'bert'"),
        ("hf", {"model_type": ["vit"]}, r"type \['vit'\]"),
        ("hf", {"hidden_act": "relu"}, "hidden_act 'relu'"),
        ("hf", {"hidden_act": ["gelu"]}, "hidden_act is"),
        ("hf", {"hidden_size": 10**9}, "embed_dim must be"),
        ("hf", {"hidden_size": 0}, "embed_dim must be"),
        ("hf", {"hidden_size": "8"}, "hidden_size is '8'"),
        ("hf", {"intermediate_size": 10**400}, "intermediate_size 1000.{0,50} but"),
        ("hf", {"intermediate_size": 10**400, "tinyvit": None}, "mlp_ratio must be"),
        ("hf", {"hidden_size": 10**400, "tinyvit": None}, "embed_dim must be"),
        ("hf", {"hidden_size": 10**300, "intermediate_size": 10**310, "tinyvit": None}, "embed_dim must be"),
        ("hf", {"hidden_act": "x" * 1000}, "hidden_act 'xxxxx.{0,30}', which"),
        ("timm", {"architecture": "x" * 1000}, "architecture 'xxxxx.{0,30}', which"),
        ("timm", {"model_args": {"act_layer": "x" * 1000}}, "act_layer 'xxxxx.{0,30}', which"),
        ("hf", {"intermediate_size": 17}, "intermediate_size 17"),
        ("hf", {"num_hidden_layers": -1}, "depth must be"),
        ("hf", {"num_hidden_layers": 999_999}, "does not fit together.* 999,999 blocks"),
        ("hf", {"num_hidden_layers": 4}, "does not fit together.* 4 blocks, its weights are 40 arrays"),
        ("hf", {"num_hidden_layers": 3}, "missing: encoder.layer.2.layernorm_before.weight"),
        ("hf", {"intermediate_size": 800_000, "tinyvit": None}, "does not fit together.* 27,200,"),
        ("hf", {"num_attention_heads": 3}, "does not divide among 3 heads"),
        ("hf", {"image_size": 9}, "does not divide into"),
        ("hf", {"image_size": 16}, r"position_embeddings \(1, 5, 8\) instead of \(1, 17, 8\)"),
        ("hf", {"layer_norm_eps": float("nan")}, "layer_norm_eps must be"),
        ("hf", {"id2label": {"0": "a"}}, "must name the 3 classes"),
        ("hf", {"id2label": [1, 2, 3]}, "must name the 3 classes"),
        ("hf", {"tinyvit": 3}, "tinyvit is 3"),
        ("timm", {"architecture": "resnet50"}, "architecture 'resnet50'"),
        ("timm", {"architecture": 50}, "architecture is 50"),
        ("timm", {"model_args": {"act_layer": "silu"}}, "act_layer 'silu'"),
        ("timm", {"model_args": {"global_pool": "max"}}, "global_pool 'max'"),
        ("timm", {"model_args": {"img_size": [8, 8, 8]}}, "img_size must be"),
        ("timm", {"model_args": None, "pretrained_cfg": {"input_size": 8}}, "input_size as"),
        ("tinyvit", {"depth": 1}, "unexpected: blocks.1.attn.proj"),
    ],
)
def test_a_config_that_makes_no_sense_gets_one_sentence(family, changes, sentence, tmp_path):
    folder = folder_of(family, tmp_path / "model")
    edit(folder / "config.json", **changes)
    with pytest.raises(UserError, match=sentence):
        VisionTransformer.from_pretrained(folder)


def test_what_a_terminal_would_obey_is_not_shown(tmp_path):
    names = ("cat\x1b[31m", "dog\r\nape", "\N{NO-BREAK SPACE}cow")
    source = open_checkpoint(folder_of("hf", tmp_path / "model", class_names=names))
    assert source.class_names == ("cat [31m", "dog ape", "cow")
    source.tensors["\x1b[2J" + "y" * 1000] = np.zeros(1)
    with pytest.raises(UserError, match=r"unexpected: \[2Jy{50,100}\)") as error:
        source.state(VisionTransformer(CONFIG).parameters())
    assert str(error.value).isprintable()


def test_all_weights_that_do_not_fit_are_listed_together(tmp_path):
    source = open_checkpoint(folder_of("hf", tmp_path / "model"))
    source.tensors["extra"] = source.tensors.pop("layernorm.bias")
    source.tensors["embeddings.cls_token"] = np.zeros((1, 8))
    with pytest.raises(UserError) as error:
        source.state(VisionTransformer(CONFIG).parameters())
    for words in ("missing: layernorm.bias", "unexpected: extra", "cls_token (1, 8) instead of (1, 1, 8)"):
        assert words in str(error.value)


def test_a_classifier_that_cannot_be_used_has_a_way_out(tmp_path):
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
    arrays = read_npz_of(model, tmp_path)
    arrays["pre_logits/kernel"] = np.ones((8, 8), np.float32)
    (tmp_path / "model.npz").write_bytes(npz_bytes(arrays))
    with pytest.raises(UserError, match=r"unexpected: pre_logits/kernel.*--ignore-head"):
        VisionTransformer.from_pretrained(tmp_path / "model.npz")
    other = VisionTransformer.from_pretrained(tmp_path / "model.npz", num_classes=2)
    np.testing.assert_array_equal(other.cls_token, model.cls_token)


def read_npz_of(model, tmp_path):
    save_npz(tmp_path / "model.npz", model.config, model.parameters())
    return read_npz(tmp_path / "model.npz")


@pytest.mark.parametrize("prefix", ["opt/target/", "params/"])
def test_npz_of_a_whole_training_state(prefix, tmp_path):
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
    arrays = {prefix + name: array for name, array in read_npz_of(model, tmp_path).items()}
    (tmp_path / "model.npz").write_bytes(npz_bytes(arrays))
    again = VisionTransformer.from_pretrained(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.head.weight, model.head.weight)


@pytest.mark.parametrize("dtype", [np.float16, "bfloat16"])
def test_narrow_npz_files(dtype, tmp_path):
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
    arrays = read_npz_of(model, tmp_path)
    if dtype == "bfloat16":  # how JAX writes it: two bytes that NumPy has no name for
        narrow = {name: (array.view(np.uint32) >> 16).astype(np.uint16).view("V2") for name, array in arrays.items()}
    else:
        narrow = {name: array.astype(dtype) for name, array in arrays.items()}
    (tmp_path / "model.npz").write_bytes(npz_bytes(narrow))
    again = VisionTransformer.from_pretrained(tmp_path / "model.npz")
    assert again.cls_token.dtype == np.float32
    np.testing.assert_allclose(again.head.weight, model.head.weight, rtol=0.01)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pth"])
def test_pickles_are_refused_with_the_way_out(name, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "it-ran"), "w"))

    folder = folder_of("hf", tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Bomb()))
    for path in (folder, folder / name):
        with pytest.raises(UserError, match=r"pickle.*save it as safetensors"):
            VisionTransformer.from_pretrained(path)
    objects = np.empty(1, object)
    objects[0] = Bomb()
    np.savez(tmp_path / "model.npz", **{"embedding/kernel": objects})
    with pytest.raises(UserError, match="is not numeric, its dtype is"):
        VisionTransformer.from_pretrained(tmp_path / "model.npz")
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize(
    ("weight_map", "sentence"),
    [
        (None, "must map names"),
        ({"a": 3}, "must map names"),
        ({"a": "../model.safetensors"}, "must map names"),
        ({"a": "/etc/passwd"}, "must map names"),
        ({"a": "other.safetensors"}, "other.safetensors was not found"),
    ],
)
def test_an_index_stays_in_its_folder(weight_map, sentence, tmp_path):
    folder = folder_of("hf", tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(UserError, match=sentence):
        VisionTransformer.from_pretrained(folder)


def member(shape, content, dtype="<f4"):
    """An .npy file whose header says `shape`."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (member((10**12,), b"1234"), r"promises \(1000000000000,\)"),
        (member((-1,), b"1234"), "damaged"),
        (member((1,), b"12345678"), "promises"),
        (member((1,), b"\x00\x00\xc0\x7f"), "NaN"),
        (b"nothing of the kind", "damaged"),
        (bytes(100_000_000), "promises more than it can hold"),
    ],
)
def test_an_npz_file_is_not_believed(content, sentence, tmp_path):
    with zipfile.ZipFile(tmp_path / "model.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cls.npy", content)
    with pytest.raises(UserError, match=sentence):
        read_npz(tmp_path / "model.npz")


@pytest.mark.parametrize("comment", [b"", b"a comment", b"c" * 60_000])
def test_an_npz_file_of_endless_members_is_refused_early(comment, tmp_path, monkeypatch):
    for count in (3, 300):
        with zipfile.ZipFile(tmp_path / f"{count}.npz", "w") as archive:
            archive.comment = comment
            for index in range(count):
                archive.writestr(f"{index}.npy", member((1,), b"1234"))
    monkeypatch.setattr(npz, "MAX_MEMBERS", 100)
    assert len(read_npz(tmp_path / "3.npz")) == 3
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(UserError, match="it holds 300 arrays or more, and no model has more than 100"):
        read_npz(tmp_path / "300.npz")


def test_a_safetensors_header_is_not_believed(tmp_path):
    folder = folder_of("hf", tmp_path / "model")
    header = json.dumps({"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
    with pytest.raises(UserError, match="damaged"):
        VisionTransformer.from_pretrained(folder)


def test_a_missing_npz_and_one_that_is_a_folder(tmp_path):
    with pytest.raises(UserError, match="not found"):
        VisionTransformer.from_pretrained(tmp_path / "nowhere.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        VisionTransformer.from_pretrained(tmp_path / "folder.npz")


def test_fortran_order_is_read_as_it_is_meant(tmp_path):
    wanted = np.arange(6.0).reshape(2, 3)
    content = io.BytesIO()
    np.savez(content, a=np.asfortranarray(wanted))
    (tmp_path / "a.npz").write_bytes(content.getvalue())
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz")["a"], wanted)


def hub_cache(tmp_path, *commits, main=None):
    place = tmp_path / "models--owner--name"
    (place / "snapshots").mkdir(parents=True)
    for number, commit in enumerate(commits):
        folder_of("hf", place / "snapshots" / commit, class_names=(f"a{number}", "b", "c"))
    if main:
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text(main)
    return place


@pytest.mark.parametrize(
    ("commits", "main", "first"),
    [(["abc"], None, "a0"), (["abc", "def"], "def", "a1"), (["abc", "def"], "abc\n", "a0"), (["abc"], "gone", "a0")],
)
def test_a_cache_of_the_hub_is_opened_at_its_main_branch(commits, main, first, tmp_path):
    place = hub_cache(tmp_path, *commits, main=main)
    for path in (place, place / "snapshots", place / "snapshots" / commits[int(first[1])]):
        assert open_checkpoint(path).class_names[0] == first
    assert resolve_model(place) == place / "snapshots" / commits[int(first[1])]


@pytest.mark.parametrize(
    ("commits", "main", "sentence"),
    [
        ([], None, "nothing in it: download the model again"),
        (["abc", "def"], None, "2 snapshots, and none is called main: give one of them, like .*abc"),
        (["abc", "def"], "../../../etc", "2 snapshots, and none is called main"),
    ],
)
def test_a_cache_without_a_main_branch_is_asked_about(commits, main, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        open_checkpoint(hub_cache(tmp_path, *commits, main=main))


def test_positions_of_tokens_in_front_are_not_taken_for_patches(tmp_path):
    """Nine positions, five of them of tokens in front: a grid of 2x2, though 9 is a square, too."""
    config = dataclasses.replace(CONFIG, num_registers=4)
    write_folder(tmp_path / "m", folder_files(config, VisionTransformer(config).parameters(), "timm"))
    edit(tmp_path / "m" / "config.json", model_args={"num_heads": 2, "act_layer": "gelu_tanh"}, pretrained_cfg={})
    assert open_checkpoint(tmp_path / "m").config == config


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"model_type": "dinov2", "use_swiglu_ffn": True}, "use_swiglu_ffn, a gated MLP"),
        ({"patch_size": [4, 8]}, r"patch_size is \[4, 8\]: use a model with square patches"),
        ({"model_type": "clip", "vision_config": 3}, "vision_config is 3"),
        ({"model_type": "clip", "vision_config": {"hidden_act": "silu"}}, "hidden_act 'silu'"),
        ({"hidden_act": "gelu_10"}, "hidden_act 'gelu_10'"),
        ({"model_type": "dinov3_vit"}, "type 'dinov3_vit': only .* dinov2_with_registers, clip"),
    ],
)
def test_what_other_families_cannot_have_is_named(values, sentence, tmp_path):
    folder = folder_of("hf", tmp_path / "model")
    edit(folder / "config.json", **values)
    with pytest.raises(UserError, match=sentence):
        open_checkpoint(folder)


@pytest.mark.parametrize("act", ["gelu_python_tanh", "gelu_accurate", "gelu_new", "gelu_fast"])
def test_names_of_the_same_gelu_and_sides_given_twice(act, tmp_path):
    folder = folder_of("hf", tmp_path / "model")
    edit(folder / "config.json", hidden_act=act, patch_size=[4, 4])
    assert open_checkpoint(folder).config == CONFIG


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"qk_norm": True}, "qk_norm True"),
        ({"pool_include_prefix": True}, "pool_include_prefix True"),
        ({"norm_layer": "rmsnorm"}, "norm_layer 'rmsnorm'"),
        ({"mlp_layer": "glumlp"}, "mlp_layer 'glumlp'"),
        ({"pos_embed": "none"}, "pos_embed 'none'"),
    ],
)
def test_arguments_of_timm_that_compute_otherwise_are_refused(args, sentence, tmp_path):
    folder = folder_of("timm", tmp_path / "model")
    edit(folder / "config.json", model_args={"num_heads": 2} | args)
    with pytest.raises(UserError, match=f"{sentence}, which is not done here"):
        open_checkpoint(folder)


def test_a_gated_mlp_of_timm_is_named(tmp_path):
    folder = folder_of("timm", tmp_path / "model")
    weights = read_arrays(folder / "model.safetensors")
    weights |= {name: np.repeat(array, 2, axis=0) for name, array in weights.items() if "mlp.fc1" in name}
    (folder / "model.safetensors").write_bytes(arrays_to_bytes(weights))
    with pytest.raises(UserError, match=r"gated MLP \(SwiGLU\)"):
        open_checkpoint(folder)
