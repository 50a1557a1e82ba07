"""Files are whole or not there, however full the disk is and whoever else writes; damaged ones get one sentence."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.storage import files, tensors
from tinyvit.storage.files import read_json, replacing, set_aside, siblings, write_file
from tinyvit.storage.npz import read_npz
from tinyvit.storage.tensors import arrays_to_bytes, read_arrays


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "metrics.csv"
    write_file(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        with pytest.raises(UserError):
            write_file(path, b"new")
    assert path.read_bytes() == b"old"
    write_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_every_file_set_aside_is_kept(tmp_path):
    path = tmp_path / "my.vit.py"
    for n in (1, 2, 3):
        path.write_text(f"work {n}")
        assert set_aside(path) == tmp_path / f"my.vit.old{n}.py"
    assert [kept.read_text() for kept in sorted(tmp_path.iterdir())] == ["work 1", "work 2", "work 3"]


def test_a_file_that_cannot_be_set_aside_stays(tmp_path, monkeypatch):
    path = tmp_path / "my.py"
    path.write_text("work")
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "denied")))
    with pytest.raises(UserError, match=r"could not write .*my\.py \(denied\)"):
        set_aside(path)
    assert path.read_text() == "work"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_named(tmp_path, number):
    arrays = {"fine": np.arange(3), "head.bias": np.array([1, number, 2], np.float32)}
    (tmp_path / "x.safetensors").write_bytes(arrays_to_bytes(arrays))
    with pytest.raises(UserError, match=r"x\.safetensors is damaged \(head\.bias holds NaN or infinite numbers\)"):
        read_arrays(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.arange(12.0).reshape(3, 4)[:, ::2],
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.arange(5)[::-1],
        np.broadcast_to(np.float32(3), (2, 3)),
        np.float64(7),
        np.array(2.5),
        np.zeros((0, 3), np.float32),
    ],
    ids=["transposed", "sliced", "Fortran", "reversed", "broadcast", "scalar", "0-d", "empty"],
)
def test_arrays_of_any_layout_come_back(tmp_path, array):
    (tmp_path / "x.safetensors").write_bytes(arrays_to_bytes({"x": array}))
    back = read_arrays(tmp_path / "x.safetensors")["x"]
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00" * 7, b"\xff" * 8 + b"{}", b"\x80\x04K\x01.", b"PK\x03\x04" + b"x" * 100,
        (10).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]",
        (63).to_bytes(8, "little") + b'{"x":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4]}}   ' + b"\0" * 4,
    ],
)  # fmt: skip
def test_hostile_array_files_get_one_sentence(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x\.safetensors is damaged or no safetensors file"):
        read_arrays(path)


@pytest.mark.parametrize("dtype", ["F32", "BF16", "I8"])
def test_an_endless_list_of_arrays_is_refused_unread(tmp_path, dtype, monkeypatch):
    entry = f'"%d":{{"dtype":"{dtype}","shape":[0],"data_offsets":[0,0]}}'
    monkeypatch.setattr(tensors, "MAX_HEADER_BYTES", 50_000)
    path = tmp_path / "x.safetensors"
    for count, sentence in ((500, None), (2000, r"damaged .*list of arrays has 1\d\d,\d* bytes, and no model needs")):
        header = ("{" + ",".join(entry % index for index in range(count)) + "}").encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        if sentence is None:
            assert len(read_arrays(path)) == count
        else:
            with pytest.raises(UserError, match=sentence):
                read_arrays(path)


def test_missing_and_wrong_kinds_of_files(tmp_path):
    for reader in (read_arrays, read_json):
        with pytest.raises(UserError, match=r"nowhere was not found"):
            reader(tmp_path / "nowhere")
    with pytest.raises(UserError):
        read_arrays(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        read_json(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names there")
@pytest.mark.parametrize("kind", ["pipe", "device", "link to a pipe"])
def test_what_never_ends_is_not_read(tmp_path, kind):
    path, elsewhere = tmp_path / "config.json", tmp_path / "elsewhere"
    if kind == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(elsewhere if kind.startswith("link") else path)
        if kind.startswith("link"):
            path.symlink_to(elsewhere)
    for reader, name in ((read_json, "config.json"), (read_arrays, "x.safetensors"), (read_npz, "x.npz")):
        if name != "config.json":
            (tmp_path / name).symlink_to(path)
        with pytest.raises(UserError, match=r"cannot be read|was not found"):
            reader(tmp_path / name)


def test_a_file_larger_than_any_config_is_refused(tmp_path):
    with open(tmp_path / "config.json", "wb") as file:
        file.truncate(10**12)  # takes no place on the disk
    with pytest.raises(UserError, match=r"config.json has more than the 134,217,728 bytes"):
        read_json(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("kind", "size"), [("F8_E4M3", 8), ("F8_E5M2", 8), ("F8_E8M0", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6)]
)
def test_numbers_that_numpy_lacks_are_named(tmp_path, kind, size):
    header = json.dumps({"a.weight": {"dtype": kind, "shape": [8], "data_offsets": [0, size]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
    with pytest.raises(UserError, match=rf"x.safetensors holds a.weight in {kind}, a quantised kind"):
        read_arrays(tmp_path / "x.safetensors")


def test_the_weights_room_is_not_used_for_code():
    assert "pickle" not in Path(files.__file__).read_text()


@pytest.mark.parametrize("name", ["metrics.csv", "a name\n.csv", "x" * 200])
def test_what_a_kill_left_goes_when_it_is_written_again(tmp_path, name):
    path = tmp_path / name
    siblings(path)[0].write_bytes(b"half of a longer one that a kill has left")
    write_file(path, b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"new"}


def test_two_writers_of_a_file_do_not_mix(tmp_path):
    path = tmp_path / "out.csv"
    with replacing(path) as file:
        file.write(b"first")
        for _ in range(2):
            with pytest.raises(UserError, match=r"out\.csv is being written by another process: wait for it"):
                write_file(path, b"second")
    assert path.read_bytes() == b"first"
    write_file(path, b"second")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.csv": b"second"}


def test_a_writer_that_waited_does_not_touch_the_finished_file(tmp_path, monkeypatch):
    """The first one puts its file in place between the second one's opening and its lock."""
    path, real = tmp_path / "out.csv", files.FileLock
    first = replacing(path)
    first.__enter__().write(b"first")

    def slow(temporary):
        if monkeypatch.setattr(files, "FileLock", real) is None:
            first.__exit__(None, None, None)
        temporary.touch()
        return real(path)  # what was opened has moved to its place meanwhile

    monkeypatch.setattr(files, "FileLock", slow)
    write_file(path, b"second")
    assert path.read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, KeyError, OSError, UserError])
def test_an_error_leaves_the_old_file_and_nothing_beside(tmp_path, error):
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")

    def write_half():
        with replacing(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        write_half()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.csv": b"old"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names there")
@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a pipe", "link to a folder"])
def test_what_is_no_file_is_not_replaced(tmp_path, kind):
    """A superuser's rename would put a file in the place of a device, for every program."""
    path = elsewhere = tmp_path / "out"
    if kind.startswith("link"):
        elsewhere = tmp_path / "elsewhere"
        path.symlink_to(elsewhere)
    os.mkfifo(elsewhere) if kind.endswith("pipe") else elsewhere.mkdir()
    with pytest.raises(UserError, match="is a folder, a pipe or a device, and stays as it is"):
        write_file(path, b"new")
    assert not elsewhere.is_file()
    assert {each.name for each in tmp_path.iterdir()} == {path.name, elsewhere.name}
