"""Folders are complete or absent: whatever is killed, and however full the disk is."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tinyvit import files, tensors
from tinyvit.errors import UserError
from tinyvit.files import (
    current_folder,
    finish_replacing,
    read_json,
    write_file,
    write_folder,
)  # fmt: skip
from tinyvit.tensors import arrays_to_bytes, read_arrays

OLD = {"config.json": b"old config", "model.safetensors": b"old weights"}
NEW = {"config.json": b"new config", "training_state.json": b"new state"}


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def contents(folder):
    return {path.name: path.read_bytes() for path in current_folder(folder).iterdir()}


def break_after(monkeypatch, calls, error):
    """Let the first `calls` changes of the disk happen, and raise at the next."""
    left = [calls]

    def counted(function):
        def call(*args, **kwargs):
            if left[0] == 0:
                raise error
            left[0] -= 1
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(Path, "rename", counted(Path.rename))
    monkeypatch.setattr(Path, "mkdir", counted(Path.mkdir))
    if isinstance(error, Killed):  # deleting needs no space on the disk
        monkeypatch.setattr(shutil, "rmtree", counted(shutil.rmtree))


@pytest.mark.parametrize("calls", range(14))
def test_a_kill_at_any_moment_leaves_one_whole_version_and_the_next_write_works(tmp_path, monkeypatch, calls):
    folder = tmp_path / "last"
    write_folder(folder, OLD)
    with monkeypatch.context() as patch:
        break_after(patch, calls, Killed())
        try:
            write_folder(folder, NEW)
            killed = False
        except Killed:
            killed = True
    assert killed == (calls < 12)  # otherwise this test looks at too few moments, or at none
    assert contents(folder) in (OLD, NEW)
    finish_replacing(folder)
    assert contents(folder) in (OLD, NEW)
    write_folder(folder, NEW)
    assert {path.name for path in tmp_path.iterdir()} == {"last"}
    assert contents(folder) == NEW


@pytest.mark.parametrize("calls", range(8))
def test_a_full_disk_is_said_in_one_sentence_and_loses_nothing(tmp_path, monkeypatch, calls):
    folder = tmp_path / "last"
    write_folder(folder, OLD)
    with monkeypatch.context() as patch:
        break_after(patch, calls, OSError(errno.ENOSPC, "No space left on device"))
        if calls == 7:  # all went well: the last flush is a favour, not a need
            write_folder(folder, NEW)
        else:
            with pytest.raises(UserError, match=r"No space left on device.*free some space"):
                write_folder(folder, NEW)
    assert contents(folder) in (OLD, NEW)
    write_folder(folder, NEW)
    assert contents(folder) == NEW


def test_a_first_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        with pytest.raises(UserError, match="nothing was saved"):
            write_folder(tmp_path / "best", NEW)
        with pytest.raises(UserError, match=r"could not write .*config.json"):
            write_file(tmp_path / "config.json", b"x")
    assert list(tmp_path.iterdir()) == []


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


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="could not write"):
        write_folder(tmp_path / "file" / "folder", NEW)


@pytest.mark.parametrize("name", ["notes.txt", "metrics.jsonl", ".git", "figures"])
def test_a_folder_that_holds_anything_else_is_refused_and_kept(tmp_path, name):
    folder = tmp_path / "model"
    write_folder(folder, OLD)
    (folder / name).mkdir()
    with pytest.raises(UserError, match=rf"model holds other files \({name}\).*choose a folder of its own"):
        write_folder(folder, NEW)
    (folder / name).rmdir()
    assert contents(folder) == OLD


def test_what_macos_leaves_in_a_folder_is_no_reason_to_refuse(tmp_path):
    write_folder(tmp_path / "last", OLD)
    (tmp_path / "last" / ".DS_Store").write_bytes(b"\0")
    write_folder(tmp_path / "last", NEW)
    assert contents(tmp_path / "last") == NEW


def test_folders_of_the_user_with_likely_names_are_left_alone(tmp_path):
    names = {f"model{suffix}" for suffix in (".old", ".new", ".writing", "-old", "_new")}
    for name in names:
        (tmp_path / name).mkdir()
    write_folder(tmp_path / "model", OLD)
    write_file(tmp_path / "model.json", b"x")
    assert contents(tmp_path / "model") == OLD
    write_folder(tmp_path / "model", NEW)
    assert {path.name for path in tmp_path.iterdir()} == names | {"model", "model.json"}


def test_a_file_in_the_place_of_a_folder_is_kept(tmp_path):
    (tmp_path / "thesis").write_text("years of work")
    with pytest.raises(UserError, match="thesis is a file"):
        write_folder(tmp_path / "thesis", NEW)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"thesis": "years of work"}


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_the_folder_it_leads_to_is_written(tmp_path, exists):
    target, link = tmp_path / "elsewhere" / "model", tmp_path / "link"
    if exists:
        write_folder(target, OLD)
    link.symlink_to(target)
    write_folder(link, NEW)
    assert link.is_symlink()
    assert contents(target) == contents(link) == NEW


@pytest.mark.parametrize("name", ["", ".", "..", "/", "../here"])
def test_the_folder_one_works_in_is_never_replaced(tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UserError, match="the folder you work in, or one above it"):
        write_folder(name, NEW)
    assert list((tmp_path / "here").iterdir()) == []


def test_a_folder_can_be_read_from_inside(tmp_path, monkeypatch):
    write_folder(tmp_path / "model", OLD)
    monkeypatch.chdir(tmp_path / "model")
    assert contents(".") == contents("") == OLD


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
def test_a_list_of_arrays_without_end_is_refused_before_it_is_read(tmp_path, dtype, monkeypatch):
    entry = f'"%d":{{"dtype":"{dtype}","shape":[0],"data_offsets":[0,0]}}'
    monkeypatch.setattr(tensors, "MOST_HEADER", 50_000)
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


def test_the_weights_room_is_not_used_for_code():
    assert "pickle" not in Path(files.__file__).read_text()
