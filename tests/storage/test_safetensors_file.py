"""Reading a safetensors file gives what the library gives, and refuses what it refuses; large arrays are mapped."""

import json
import mmap
import sys

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tinyvit import ViTConfig
from tinyvit.errors import UserError
from tinyvit.storage.safetensors_file import let_go, read_file_arrays, read_kinds
from tinyvit.storage.tensors import read_arrays
from tinyvit.vit import VisionTransformer

CONFIG = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=1, num_heads=2)
DTYPES = ["bool", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8", "<c8"]


def file_of(header, values=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + values


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (5, 7), (2, 3, 4, 5)])
def test_it_reads_what_the_library_wrote(tmp_path, rng, dtype, shape):
    path = tmp_path / "a.safetensors"
    whole = rng.integers(0, 2, shape) if dtype == "bool" else rng.integers(0, 100, shape)
    save_file(
        {"b.weight": np.asarray(whole, dtype), "ä": np.asarray(rng.standard_normal(3), "f4")}, path, {"format": "pt"}
    )
    wanted, got = load_file(path), read_file_arrays(path)
    assert set(got) == set(wanted)
    for name, array in got.items():
        assert (array.dtype, array.shape) == (wanted[name].dtype, wanted[name].shape)
        np.testing.assert_array_equal(array, wanted[name])
        assert array.flags.writeable
        assert array.flags.c_contiguous


@pytest.mark.parametrize(
    "content",
    [
        b"", bytes(7), bytes(8), file_of(b""), file_of(b"{}", length=3), file_of(b"{}", b"x"), file_of(b"[]"), file_of(b"{"),
        file_of(b"\xff\xfe"), file_of(b'{"a":' + b"[" * 100_000), file_of({}, length=2**64 - 1), file_of({"a": 1}),
        file_of({"a": entry()}, bytes(7)), file_of({"a": entry()}, bytes(9)), file_of({"a": entry(offsets=(1, 9))}, bytes(9)),
        file_of({"a": entry(), "b": entry()}, bytes(8)), file_of({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
        file_of({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20)), file_of({"a": entry(offsets=(8, 0))}, bytes(8)),
        file_of({"a": entry(shape=(3,))}, bytes(8)), file_of({"a": entry(shape=(-2,))}, bytes(8)),
        file_of({"a": entry(shape=(2.0,))}, bytes(8)), file_of({"a": entry(shape=("2",))}, bytes(8)),
        file_of({"a": entry(shape=(2**62, 2**62))}, bytes(8)), file_of({"a": entry(shape=(2**63,))}, bytes(8)),
        file_of({"a": entry(offsets=(0, 8, 8))}, bytes(8)), file_of({"a": entry(offsets=(0,))}, bytes(8)),
        file_of({"a": entry(dtype="F31")}, bytes(8)), file_of({"a": entry(dtype=3)}, bytes(8)),
        file_of({"a": entry(dtype=None)}, bytes(8)), file_of({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)),
        file_of({"__metadata__": {"a": 1}, "b": entry()}, bytes(8)), file_of({"__metadata__": [], "b": entry()}, bytes(8)),
        file_of(b"{}{}"),
        file_of(b'{"a": {"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', bytes(8)),
    ],
)  # fmt: skip
def test_it_refuses_what_the_library_refuses(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises((SafetensorError, KeyError)):
        load_file(path)
    with pytest.raises((ValueError, KeyError)):
        read_file_arrays(path)
    with pytest.raises(UserError, match=r"a\.safetensors (is damaged or no safetensors file|holds a in F31)"):
        read_arrays(path)


@pytest.mark.parametrize("second", ["a", "\\u0061"])
def test_two_arrays_of_one_name_are_refused(tmp_path, second):
    """The library takes the last one; here nobody has to guess which was meant."""
    one = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
    (tmp_path / "a").write_bytes(file_of(f'{{"a":{one},"{second}":{one}}}'.encode(), bytes(8)))
    with pytest.raises(ValueError, match="twice"):
        read_file_arrays(tmp_path / "a")


@pytest.mark.slow
def test_bytes_changed_at_random_never_give_other_arrays(tmp_path):
    """Of the library and the plain reader both refuse, or both read the same; or the plain one is the stricter."""
    rng = np.random.default_rng(3)
    arrays = {"a": rng.standard_normal((2, 3)).astype("f4"), "b": rng.integers(0, 9, 5), "c": np.float16(1).reshape(())}
    path, tried = tmp_path / "a.safetensors", 0
    save_file(arrays, path)
    whole = path.read_bytes()
    for _ in range(4000):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(0, 8 + int.from_bytes(whole[:8], "little"))] = rng.integers(32, 127)
        path.write_bytes(content[: rng.integers(1, len(content))] if rng.random() < 0.1 else content)
        try:
            got = read_file_arrays(path)
        except (ValueError, KeyError):
            continue
        wanted = load_file(path)
        assert {name: a.tobytes() for name, a in got.items()} == {name: a.tobytes() for name, a in wanted.items()}
        tried += 1
    assert tried > 20


def test_bfloat16_becomes_float32(tmp_path):
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
    model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    halves = {name: a.view(np.uint32) >> 16 for name, a in load_file(path).items()}
    save_file({name: bits.astype("<u2") for name, bits in halves.items()}, path)
    path.write_bytes(as_bfloat16(path.read_bytes()))
    assert set(read_kinds(path).values()) == {"BF16"}
    for name, array in read_arrays(path).items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, (halves[name] << 16).view(np.float32))
    assert VisionTransformer.from_pretrained(tmp_path).predict(np.zeros((1, *CONFIG.input_shape), "f4")).shape[0] == 1


@pytest.fixture
def large(tmp_path, rng):
    """A file whose first array is too small to be mapped, and what is in it."""
    arrays = {"a": rng.standard_normal(3), "b": rng.standard_normal((300, 200)), "c": rng.standard_normal((7, 9001))}
    path = tmp_path / "large.safetensors"
    save_file(arrays, path)
    return path, arrays


def assert_equal(got, wanted):
    assert set(got) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(got[name], array)


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is mapped there")
def test_large_arrays_are_mapped_copy_on_write(large):
    path, arrays = large
    got = read_arrays(path)
    assert [isinstance(got[name].base, mmap.mmap) for name in "abc"] == [False, True, True]
    got["b"] += 1
    assert_equal(read_arrays(path), arrays)
    for name in "ac":  # what lies beside it in the map stays as it was
        np.testing.assert_array_equal(got[name], arrays[name])


def test_what_was_let_go_is_read_again(large):
    path, arrays = large
    got = read_arrays(path)
    got["c"] *= 2  # on pages of its own, and on one that it shares with b
    for name in "ab":
        let_go(got[name])
    assert_equal(got, arrays | {"c": 2 * arrays["c"]})


def test_an_array_without_a_page_of_its_own_is_kept(large, monkeypatch):
    path, arrays = large
    monkeypatch.setattr(mmap, "PAGESIZE", 2**21)  # larger than the file, as 64 KiB may be
    assert_equal(read_arrays(path), arrays)


def test_a_file_that_is_replaced_keeps_its_old_arrays(large, tmp_path):
    path, arrays = large
    got = read_arrays(path)
    save_file({name: -array for name, array in arrays.items()}, tmp_path / "new")
    (tmp_path / "new").replace(path)
    let_go(got["b"])
    assert_equal(got, arrays)


def test_a_disk_that_maps_nothing_is_read(large, monkeypatch):
    path, arrays = large
    monkeypatch.setattr(mmap, "ACCESS_COPY", -1)  # which mmap refuses
    got = read_arrays(path)
    assert_equal(got, arrays)
    assert all(array.flags.writeable and not isinstance(array.base, mmap.mmap) for array in got.values())


@pytest.mark.parametrize("where", [0, 123, -1])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_one_wrong_number_among_many_is_found(tmp_path, rng, where, wrong, dtype):
    array = rng.standard_normal(70_000).astype(dtype)
    path = tmp_path / "a.safetensors"
    save_file({"a": array}, path)
    read_arrays(path)
    array[where] = wrong
    save_file({"a": array}, path)
    with pytest.raises(UserError, match="a holds NaN or infinite numbers"):
        read_arrays(path)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_numbers_whose_squares_overflow_are_no_fault(tmp_path, dtype):
    save_file({"a": np.full(40_000, np.finfo(dtype).max, dtype)}, tmp_path / "a.safetensors")
    assert np.isfinite(read_arrays(tmp_path / "a.safetensors")["a"]).all()


def as_bfloat16(content):
    """The file with its arrays of uint16 called bfloat16."""
    length = int.from_bytes(content[:8], "little")
    return file_of(content[8 : 8 + length].replace(b'"U16"', b'"BF16"'), content[8 + length :])


@pytest.mark.parametrize("kind", ["F8_E4M3", "F4"])
def test_kinds_that_numpy_lacks_are_named(tmp_path, kind):
    (tmp_path / "x").write_bytes(file_of({"a.weight": entry(dtype=kind, shape=(8,))}, bytes(8)))
    with pytest.raises(UserError, match=f"holds a.weight in {kind}, a quantised kind"):
        read_arrays(tmp_path / "x")
