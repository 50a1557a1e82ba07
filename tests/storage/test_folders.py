"""Folders are complete or absent: whatever is killed, however full the disk is, and whoever else puts files there."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from tinyvit.errors import UserError
from tinyvit.storage.files import siblings, write_file
from tinyvit.storage.folders import current_folder, finish_replacing, read_folder, write_folder

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
        for owner, name in ((shutil, "rmtree"), (Path, "unlink"), (Path, "rmdir")):
            monkeypatch.setattr(owner, name, counted(getattr(owner, name)))


@pytest.mark.parametrize("calls", range(14))
def test_a_kill_at_any_moment_leaves_one_whole_version(tmp_path, monkeypatch, calls):
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
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.parametrize("name", ["1", "2024", "007", ".1.tinyvit-old", "mnist-2"])
def test_folders_whose_names_are_numbers_are_others(tmp_path, name):
    """A model saved as runs/2 leaves that in runs/1 alone; and the folder itself may be called by a number."""
    for folder in (tmp_path / "2", tmp_path / name):
        for content in (b"first", b"second"):
            write_folder(folder, {"config.json": content})
    assert (tmp_path / "2" / "config.json").read_bytes() == b"second"
    assert (tmp_path / name / "config.json").read_bytes() == b"second"


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


def others(folder):
    return {path.name for path in folder.iterdir()} - OLD.keys() - NEW.keys()


FOREIGN = [
    "Thumbs.db",
    ".nfs0001",
    "@eaDir",
    "a note.txt",
    "desktop.ini",
    "\xfc\u0301.md",
    "model.safetensors.index.json",
]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_what_others_put_into_a_checkpoint_moves_on_with_it(tmp_path, name, kind):
    folder = tmp_path / "last"
    write_folder(folder, OLD)
    if kind == "file":
        (folder / name).write_bytes(b"years of work")
    elif kind == "folder":
        (folder / name).mkdir()
        (folder / name / "inside").write_bytes(b"years of work")
    else:
        (folder / name).symlink_to(tmp_path / "nowhere")
    for files in (NEW, OLD, NEW):
        write_folder(folder, files, keep_others=True)
        assert others(folder) == {name}
        assert {file: (folder / file).read_bytes() for file in files} == files
    if kind != "dangling link":
        place = folder / name
        assert (place / "inside" if kind == "folder" else place).read_bytes() == b"years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


@pytest.mark.parametrize("calls", range(16))
def test_a_kill_loses_nothing_of_what_others_put_there(tmp_path, monkeypatch, calls):
    folder = tmp_path / "last"
    write_folder(folder, OLD)
    notes = {f"note {number}": b"%d" % number for number in range(3)}
    for name, content in notes.items():
        (folder / name).write_bytes(content)
    with monkeypatch.context() as patch, pytest.MonkeyPatch.context():
        break_after(patch, calls, Killed())
        try:
            write_folder(folder, NEW, keep_others=True)
        except Killed:
            pass
        else:
            assert calls > 14
    write_folder(folder, NEW, keep_others=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == NEW | notes
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


def test_what_the_system_holds_stays_and_is_tried_again(tmp_path, monkeypatch):
    """A network disk keeps what is deleted and still open, and no rename takes it away."""
    folder = tmp_path / "last"
    write_folder(folder, OLD)
    (folder / ".nfs0001").write_bytes(b"open somewhere")
    rename, unlink = Path.rename, Path.unlink

    def refusing(function):
        def call(path, *args, **kwargs):
            if path.name == ".nfs0001":
                raise OSError(errno.EBUSY, "Device or resource busy")
            return function(path, *args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refusing(rename))
        patch.setattr(Path, "unlink", refusing(unlink))
        for files in (NEW, OLD, NEW):
            write_folder(folder, files, keep_others=True)
            assert contents(folder) == files
            (folder / ".nfs0001").write_bytes(b"open somewhere")
    left = [path for path in tmp_path.iterdir() if path.name != "last"]
    assert [sorted(path.iterdir()) for path in left] == [[path / ".nfs0001"] for path in left]
    assert len(left) == 3
    (folder / ".nfs0001").unlink()
    write_folder(folder, OLD, keep_others=True)
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


def test_a_folder_that_is_gone_does_not_keep_from_writing(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    for files in (OLD, NEW):
        write_folder(tmp_path / "last", files)
        assert contents(tmp_path / "last") == files
    write_file(tmp_path / "metrics.csv", b"x")
    with pytest.raises(UserError, match="could not write last"):
        write_folder("last", OLD)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, UserError])
@pytest.mark.parametrize("exists", [True, False])
def test_ctrl_c_while_writing_leaves_nothing_beside(tmp_path, monkeypatch, error, exists):
    folder = tmp_path / "model"
    if exists:
        write_folder(folder, OLD)
    for calls in range(8):
        with monkeypatch.context() as patch:
            left = [calls]

            def once(handle, left=left, fsync=os.fsync):
                left[0] -= 1
                if left[0] == -1:
                    raise error
                fsync(handle)

            patch.setattr(os, "fsync", once)
            try:
                write_folder(folder, NEW)
            except error:
                assert calls < 4
        assert {path.name for path in tmp_path.iterdir()} <= {"model"}
        if exists:
            assert contents(folder) in (OLD, NEW)


@pytest.mark.parametrize("moment", range(4))
def test_a_reader_sees_one_version_while_it_is_replaced(tmp_path, moment):
    folder = tmp_path / "best"
    both = dict.fromkeys(("config.json", "model.safetensors"), b"old")
    write_folder(folder, both)
    versions = [dict.fromkeys(both, b"%d" % number) for number in range(3)]
    left = list(versions)

    def reader(place):
        """Looks at two files, and now and then the folder is replaced before, between or after."""
        seen = {}
        for number, name in enumerate(both):
            if number == moment and left:
                write_folder(folder, left.pop(0))
            seen[name] = (place / name).read_bytes()
        if moment == 2 and left:
            write_folder(folder, left.pop(0))
        return seen

    assert read_folder(folder, reader) == (versions[-1] if moment < 3 else both)


def test_a_reader_finds_a_version_that_comes_between_looks(tmp_path, monkeypatch):
    folder = tmp_path / "best"
    write_folder(folder, OLD)
    exists, done = Path.exists, []

    def replaced_after_the_first_look(path, **options):
        answer = exists(path, **options)
        if path.name.endswith("tinyvit-new") and not done:
            done.append(True)
            folder.rename(tmp_path / "out of the way")
            write_folder(path, NEW)
        return answer

    monkeypatch.setattr(Path, "exists", replaced_after_the_first_look)
    assert contents(folder) == NEW


def test_a_reader_follows_a_version_that_goes_to_its_place(tmp_path):
    """It is the same folder before and after, but not where it was looked for."""
    folder = tmp_path / "best"
    write_folder(folder, OLD)
    write_folder(siblings(folder)[1], NEW)
    asked = []

    def reader(place):
        asked.append(place)
        finish_replacing(folder)
        return (place / "config.json").read_bytes()

    assert read_folder(folder, reader) == NEW["config.json"]
    assert asked == [siblings(folder)[1], folder]


def test_errors_of_a_folder_that_stands_still_come_through(tmp_path):
    write_folder(tmp_path / "best", OLD)
    for error in (UserError("damaged"), FileNotFoundError("gone"), KeyError("mistake")):
        asked = []

        def reader(place, error=error, asked=asked):
            asked.append(place)
            raise error

        with pytest.raises(type(error)):
            read_folder(tmp_path / "best", reader)
        assert len(asked) == 1


def test_a_folder_replaced_without_end_is_told(tmp_path):
    def reader(place):
        write_folder(tmp_path / "best", NEW)

    with pytest.raises(UserError, match="being replaced again and again: wait"):
        read_folder(tmp_path / "best", reader)
