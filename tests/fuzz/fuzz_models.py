"""Broken weights and configs by the thousand: each model is used, or refused with a `UserError`.

python -m tests.fuzz.fuzz_models [COUNT] [SEED]

A good folder of each family is damaged at random: its config, its weights, its list of files. Each case has a generator
of its own, made of seed and number, so what goes wrong once goes wrong again. Any exception but UserError, memory beyond
a limit, code that runs, or files left behind end the fuzzer. The tests beside it run some hundred cases.
"""

import collections
import contextlib
import dataclasses
import faulthandler
import functools
import io
import json
import math
import pickle
import re
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from tests.fuzz.fuzz_images import HOSTILE, SECONDS, broken_file, outcome, pick
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.images.processor import ImageProcessor
from tinyvit.pretrained import folder_files
from tinyvit.pretrained.saving import stored
from tinyvit.pretrained.weights import INDEX
from tinyvit.storage.npz import npz_bytes
from tinyvit.storage.tensors import arrays_to_bytes
from tinyvit.training import load_trained

MAX_LENGTH = 1000  # characters of an error, which may name a dozen weights
MORE_MEMORY = 2**29  # bytes that reading a few kilobytes may take at most
CONFIG = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=2, num_heads=2, gelu="tanh")
# One model for each way to be of a family that has folders: its name, and what differs from CONFIG.
LAYOUTS = {
    "hf": ("hf", {}),
    "timm": ("timm", {}),
    "timm, no class token": ("timm", {"class_token": False, "pool": "mean"}),
    "tinyvit": ("tinyvit", {}),
    "deit, one head": ("deit", {"num_registers": 1}),
    "deit, two heads": ("deit", {"num_registers": 1, "pool": "cls+dist"}),
    "dinov2": ("dinov2", {"layer_scale": 0.1, "pool": "cls+mean"}),
    "dinov2, registers": ("dinov2", {"layer_scale": 0.1, "num_registers": 2, "num_classes": 0}),
    "clip": ("clip", {"pre_norm": True, "num_classes": 0}),
    "siglip": ("siglip", {"class_token": False, "pool": "mean"}),
    "siglip, attention pooling": ("siglip", {"class_token": False, "pool": "map", "num_classes": 0}),
}
WEIGHTS = "model.safetensors"
NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    2000,
    999_999,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    10**30,
    10**400,
    0.5,
    -1.5,
    math.nan,
    math.inf,
)
WORDS = (
    "",
    "a",
    "\0",
    "\x1b[31m",
    "\ud800",
    "../x",
    "/etc/passwd",
    "x" * 5000,
    "__metadata__",
    "blocks.7.x",
    "head.bias",
    "vit.",
    "params/",
)
DTYPES = (
    "F64",
    "F32",
    "F16",
    "BF16",
    "F8_E4M3",
    "F8_E5M2",
    "F8_E8M0",
    "F6_E2M3",
    "F4",
    "I64",
    "I8",
    "U8",
    "U16",
    "BOOL",
    "C64",
    "X",
    "",
    None,
    3,
    [],
)
ARCHITECTURES = (
    "vit_tiny_patch16_224",
    "vit_small_patch16_224",
    "vit_base_patch16_clip_224",
    "deit_base_distilled_patch16_224",
    "resnet50",
)


class Bomb:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@functools.cache
def good_folders():
    """Small valid models, as files by name: every layout that has folders, with one file of weights and with several."""
    folders = {}
    for layout, (family, changes) in LAYOUTS.items():
        config = dataclasses.replace(CONFIG, **changes)
        model = VisionTransformer(config, rng=np.random.default_rng(0))
        files = dict(folder_files(config, model.parameters(), family))
        files[WEIGHTS] = arrays_to_bytes(files[WEIGHTS])
        processor = ImageProcessor(in_chans=1, size=(8, 8)).to_dict()
        folders[layout] = files | {"preprocessor_config.json": json.dumps(processor).encode()}
    return folders


@functools.cache
def good_arrays(layout):
    """The weights of a valid model by the names of a layout, or of "npz"."""
    family, changes = LAYOUTS.get(layout, (layout, {}))
    config = dataclasses.replace(CONFIG, **changes)
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    return stored(config, model.parameters(), family)


def broken_safetensors(rng, bomb):
    """A folder whose weights are damaged: the bytes, the header, its length, or the arrays."""
    layout = pick(rng, list(LAYOUTS))
    files = dict(good_folders()[layout])
    how = rng.integers(4)
    if how == 0:
        files[WEIGHTS] = broken_file(files[WEIGHTS], rng)
    elif how == 1:
        files[WEIGHTS] = save(broken_arrays(good_arrays(layout), rng))
    else:
        files[WEIGHTS] = broken_header(files[WEIGHTS], rng)
    return files


def broken_arrays(arrays, rng):
    """A few arrays with a strange number, of another shape or dtype, under another name, lost, or new."""
    arrays = {name: np.array(array, order="C") for name, array in arrays.items()}
    for _ in range(rng.integers(1, 3)):
        name, other = pick(rng, list(arrays)), pick(rng, list(arrays))
        array, how = arrays[name], rng.integers(6)
        if how == 0 and array.size and array.dtype.kind == "f":
            array.reshape(-1)[rng.integers(array.size)] = pick(rng, (math.nan, math.inf, 3e38, -0.0))
        elif how == 1:
            arrays[name] = pick(rng, (array[None], array[..., None], array.reshape(-1), array.T, array[:0], array[:1], np.repeat(array, 2, axis=0), np.float32(3).reshape(())))  # fmt: skip
        elif how == 2:
            arrays[name] = array.astype(pick(rng, ("f8", "f2", "i8", "i1", "u1", "?")))
        elif how == 3:
            del arrays[name]
        elif how == 4:
            arrays[pick(rng, (name.upper(), name + ".", f"model.{name}", name.replace("0", "2"), name[:-1]))] = arrays.pop(name)  # fmt: skip
        else:
            arrays[pick(rng, (name + "_2", other.replace("0", "7"), "logit_scale", "text_model.x", "visual_projection.weight", "head.weight", "classifier.weight"))] = arrays[other]  # fmt: skip
        if not arrays:
            break
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def broken_header(content, rng):
    """A safetensors file with lies in its header."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    for _ in range(rng.integers(1, 3)):
        name = pick(rng, list(header))
        entry, how = header[name], rng.integers(7)
        if not isinstance(entry, dict):  # broken already
            continue
        if how == 0:
            header[pick(rng, WORDS)] = header.pop(name) if rng.random() < 0.5 else dict(entry)
        elif how == 1:
            header[name] = pick(rng, HOSTILE)
        elif how == 2 and "shape" in entry:
            entry["shape"] = [pick(rng, NUMBERS) for _ in range(rng.integers(5))]
        elif how == 3 and "shape" in entry:
            entry["dtype"] = pick(rng, DTYPES)
        elif how == 4 and isinstance(entry.get("data_offsets"), list) and len(entry["data_offsets"]) == 2:
            entry["data_offsets"][rng.integers(2)] = pick(rng, NUMBERS)
        elif how == 5 and "shape" in entry:
            entry[pick(rng, ("shape", "dtype", "data_offsets", "more"))] = pick(rng, HOSTILE)
        else:
            header["__metadata__"] = pick(rng, HOSTILE)
        if not header:
            break
    if rng.random() < 0.2:  # what can be meant: narrower numbers, and more of them
        for entry in header.values():
            if isinstance(entry, dict) and entry.get("dtype") == "F32" and isinstance(entry.get("shape"), list):
                entry["dtype"], entry["shape"] = pick(
                    rng,
                    (("BF16", [2, *entry["shape"]]), ("F16", [*entry["shape"], 2]), ("F8_E8M0", [4, *entry["shape"]])),
                )
    text = broken_json(header, rng)
    length = (
        len(text) if rng.random() < 0.8 else pick(rng, (0, 1, len(text) - 1, len(text) + 1, 2**31, 2**63, 2**64 - 1))
    )
    return struct.pack("<Q", length) + text + content[start:]


def broken_json(values, rng):
    """JSON of what JSON can hold, now and then with a name twice, nested deeply, or with a damaged byte."""
    text = json.dumps(values).encode()
    how = rng.integers(20)
    if how == 0:
        return text.replace(b"{", b'{"a": 1, "a": 2, ', 1)
    if how == 1:
        depth = pick(rng, (10, 100, 900, 5000, 200_000))
        opening, closing = pick(rng, ((b"[", b"]"), (b'{"a":', b"}")))
        nested = opening * depth + b"1" + closing * depth
        return pick(
            rng,
            (
                nested,
                text[:-1] + b', "deep": ' + nested + b"}",
                re.sub(rb'"[^"]*"(?=[,}])', lambda _: nested, text, count=1),
            ),
        )
    if how == 2:
        return broken_file(text, rng)
    if how == 3:
        return pick(
            rng, (b"", b"null", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf" + text, b"1" * 100_000, b" " * 10**6 + text)
        )
    return text


def broken_values(values, rng, extra=()):
    """The values with a few replaced, removed, added or scaled, at any depth."""
    values = json.loads(json.dumps(values))
    for _ in range(rng.integers(1, 4)):
        place, key = values, pick(rng, [*values, *extra]) if values else "a"
        while isinstance(place.get(key), dict) and place[key] and rng.random() < 0.7:
            place = place[key]
            key = pick(rng, list(place))
        value = place.get(key)
        how = rng.integers(5)
        if how == 0:
            place.pop(key, None)
        elif how == 1 and isinstance(value, list) and value:
            value[rng.integers(len(value))] = pick(rng, HOSTILE)
        elif how == 2 and isinstance(value, int | float) and abs(value) < 1e300:
            place[key] = value * pick(rng, (-1, 0, 0.5, 2, 3, 1000))
        elif how == 3:
            place[key] = pick(
                rng,
                (
                    *WORDS,
                    *NUMBERS,
                    *ARCHITECTURES,
                    "gelu",
                    "relu",
                    "deit",
                    "vit_mae",
                    "dinov2",
                    "dinov2_with_registers",
                    "clip_vision_model",
                    "siglip",
                    "beit",
                    "quick_gelu",
                    "map",
                    "tinyvit",
                    "avg",
                    "mean",
                    "sincos2d",
                    "conv",
                ),
            )
        else:
            place[key] = pick(rng, HOSTILE)
    return values


def broken_config(rng, bomb):
    """A folder with a damaged `config.json`, `preprocessor_config.json` or `processor_config.json`."""
    files = dict(good_folders()[pick(rng, list(LAYOUTS))])
    processor = {"image_processor": json.loads(files["preprocessor_config.json"])}
    name = rng.choice(["config.json", "preprocessor_config.json", "processor_config.json"], p=[0.75, 0.15, 0.1])
    if name == "processor_config.json":
        files[name] = json.dumps(processor)
    extra = (
        "model_type",
        "architecture",
        "model_args",
        "num_registers",
        "layer_scale",
        "label_names",
        "class_names",
        "dataset",
        "built_in",
        "white_level",
        "vision_config",
        "num_register_tokens",
        "layerscale_value",
        "use_swiglu_ffn",
        "vision_use_head",
        "hidden_act",
        "projection_dim",
        "mean",
    )
    values = broken_values(json.loads(files[name]), rng, extra)
    files[name] = broken_json(values, rng)
    return files


def broken_index(rng, bomb):
    """A folder of weights in two files, with a damaged index or files that are not what it says."""
    layout = pick(rng, list(LAYOUTS))
    files, arrays = dict(good_folders()[layout]), good_arrays(layout)
    del files[WEIGHTS]
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    places = {name: shards[index % 2] for index, name in enumerate(arrays)}
    for shard in shards:
        files[shard] = arrays_to_bytes({name: array for name, array in arrays.items() if places[name] == shard})
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    how = rng.integers(4)
    if how == 0:
        files[pick(rng, shards)] = pick(rng, (b"", files[shards[0]], broken_header(files[shards[1]], rng)))
    elif how == 1:
        del files[pick(rng, shards)]
    elif how == 2:
        for name in list(places)[:: rng.integers(1, 9)]:
            places[name] = pick(
                rng, (*HOSTILE, *WORDS, *shards, "x.safetensors", INDEX, "../model.safetensors", "\0.safetensors")
            )
    else:
        index = broken_values(index, rng)
    files[INDEX] = broken_json(index, rng)
    return files


def broken_npz(rng, bomb):
    """A `.npz` file with damaged bytes, or members that lie."""
    arrays = dict(good_arrays("npz"))
    name = pick(rng, list(arrays))
    how = rng.integers(6)
    if how == 0:
        return {"model.npz": broken_file(npz_bytes(arrays), rng)}
    if how == 1:
        array = np.array(arrays[name])
        arrays[name] = pick(rng, (array.astype("f2"), array.astype("i1"), array.astype(">f8"), array.view("u2").view("V2"), array.astype("c8"), array.astype("U"), array > 0, array * math.nan, array.astype("f8") * 1e300, array[..., None], array.reshape(-1)[:0], np.array(3.0), array.astype("M8[s]")))  # fmt: skip
        return {"model.npz": npz_bytes(arrays)}
    if how == 2:
        del arrays[name]
        arrays |= {pick(rng, [word for word in WORDS if "\ud800" not in word]): np.ones(2, np.float32)}
        return {"model.npz": npz_bytes(arrays)}
    with io.BytesIO() as content, zipfile.ZipFile(content, "w") as archive:
        for member, array in arrays.items():
            raw = io.BytesIO()
            np.lib.format.write_array(raw, np.array(array))
            raw = raw.getvalue()
            if member == name:
                raw = broken_member(raw, rng, bomb) if how < 5 else broken_file(raw, rng)
            method = pick(rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
            archive.writestr(f"{member}.npy", raw, method if member == name else zipfile.ZIP_STORED)
            if member == name and rng.random() < 0.1:
                with warnings.catch_warnings(action="ignore"):  # a name may be there twice
                    archive.writestr(f"{pick(rng, (member, '../' + member, '/etc/' + member))}.npy", raw)
        archive.close()
        return {"model.npz": content.getvalue()}


def broken_member(content, rng, bomb):
    """An `.npy` file with lies in its header, or one that would unpack to something large, or run."""
    how = rng.integers(6)
    if how == 0:
        return content[:128] + bytes(pick(rng, (10**5, 10**7)))
    if how == 1:
        objects = np.empty(1, object)
        objects[0] = Bomb(bomb)
        raw = io.BytesIO()
        np.lib.format.write_array(raw, objects, allow_pickle=True)
        return raw.getvalue()
    if how == 2:
        return pickle.dumps(Bomb(bomb))
    values = {"descr": "<f4", "fortran_order": False, "shape": (8,)}
    shapes = (
        (),
        (-1,),
        (8, -1),
        (2**62, 2**62),
        (10**30,),
        (True,),
        (0,) * 40,
        (0, 2**63),
        (1.5,),
        "x",
        None,
        [8],
        (1,) * 65,
    )
    descrs = ("|O", "O", "<f4,<f4", [("a", "<f4")], "<U9999999", "|V2", "|S0", "|V0", "<f2", "M8[s]", "f" * 99, 3, None, ("<f4", (9, 9)), {"names": ["a"]})  # fmt: skip
    if how == 3:
        values["shape"] = pick(rng, shapes)
    elif how == 4:
        values["descr"] = pick(rng, descrs)
    header = repr(values)
    if how == 5:
        header = pick(rng, (f"open({str(bomb)!r}, 'w')", "(" * 5000, "{" * 200, "[" * 3000 + "]" * 3000, "9" * 9000, "", "{}", header + "#", header.replace("8", "8**8**8**8"), header.replace("False", "9" * 5000), "-" * 9000 + "1", "'\\ud800'"))  # fmt: skip
    header = header.encode("latin-1", "replace") + b"\n"
    version = pick(rng, (b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\xff\xff"))
    length = len(header) if rng.random() < 0.9 else int(rng.integers(2**16))
    return b"\x93NUMPY" + version + struct.pack("<I" if version >= b"\2" else "<H", length) + header + content[128:]


KINDS = {"safetensors": broken_safetensors, "npz": broken_npz, "configs": broken_config, "indexes": broken_index}


def use_model(path, rng):
    """Read a model for all that is done with one, and show it an image.

    Raises:
        UserError: what is wrong.
    """
    options = {"num_classes": 2} if rng.random() < 0.2 else {}
    model, preprocessing = load_trained(path, **options)
    config = model.config
    if config.num_tokens < 100:
        dtype = model.dtype
        logits = model.predict(np.zeros((1, *config.input_shape), dtype))
        if logits.shape != (1, config.num_classes or config.embed_dim) or logits.dtype != dtype:
            raise AssertionError(f"{config} gave {logits.dtype} {logits.shape}")
    if len(preprocessing.class_names) != config.num_classes and not options:
        raise AssertionError(f"{preprocessing.class_names} are not {config.num_classes} classes")


def fuzz(kind, count, seed, folder):
    """How many of `count` broken models were "used" and "refused", and the longest time one took, in seconds.

    Anything but a `UserError` comes through, as does what ran and what needs more than `MORE_MEMORY`.
    """
    outcomes, slowest, bomb = collections.Counter(), 0.0, Path(folder) / "it-ran"
    for case in range(count):
        rng = np.random.default_rng((seed, case))
        place = Path(folder) / f"{kind} {case}"
        place.mkdir()
        for name, content in KINDS[kind](rng, bomb).items():
            (place / name).write_bytes(content)
        path = place / "model.npz" if kind == "npz" else place
        start = time.process_time()
        with limited_memory():
            outcomes[
                outcome(lambda path=path, rng=rng: use_model(path, rng), f"{kind} {case} of seed {seed}", MAX_LENGTH)
            ] += 1
        slowest = max(slowest, time.process_time() - start)
        if bomb.exists():
            raise AssertionError(f"{kind} {case} of seed {seed}: it ran")
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    return outcomes, slowest


@contextlib.contextmanager
def limited_memory():
    """Where the system can: a `MemoryError` for whoever asks for more than `MORE_MEMORY`."""
    try:
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + MORE_MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def main(count=2000, seed=0):
    """Every kind, `count` each; a hanging case is ended."""
    for kind in KINDS:
        outcomes, slowest = collections.Counter(), 0.0
        for start in range(0, count, 100):
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            with tempfile.TemporaryDirectory() as folder:
                some, longest = fuzz(kind, min(100, count - start), seed + start, folder)
            outcomes, slowest = outcomes + some, max(slowest, longest)
        print(f"{count} {kind}: {dict(outcomes)}, the slowest took {slowest:.2f} s")
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
