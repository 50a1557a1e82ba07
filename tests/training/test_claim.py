"""A run's folder while the run is at work: one process, in its place, whole, and whatever others put into it."""

import contextlib
import dataclasses
import gc
import os
import shutil
import threading
from pathlib import Path

import pytest

from tests.support import others_slow
from tests.support.kills import compare
from tests.support.notes import Notes, Stops
from tests.support.small_run import SMALL_MODEL
from tinyvit import VisionTransformer
from tinyvit.errors import UserError
from tinyvit.storage.claim import Claim
from tinyvit.storage.locks import FileLock
from tinyvit.storage.run_folder import new_run_folder
from tinyvit.training import TrainConfig, TrainingInterrupted, resume, train

BUSY = "another process is at work on the run in"


class Does(Notes):
    """Does something after a step, once."""

    def __init__(self, after, action):
        super().__init__()
        self.after, self.action = after, action

    def step(self, images, loss):
        super().step(images, loss)
        if len(self.steps) == self.after:
            self.action()

    def epoch(self, metrics, best):
        self.epochs.append((metrics, best))


def complaint(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except UserError as error:
        return str(error)
    return ""


def test_a_second_run_is_refused_unnoticed_by_the_first(small_config):
    undisturbed = train(dataclasses.replace(small_config, output=small_config.output + "-undisturbed")).folder
    heard = []

    def others():
        heard.extend([complaint(resume, small_config.output), complaint(train, small_config, overwrite=True)])
        heard.append(complaint(train, small_config))

    train(small_config, progress=Does(8, others))
    assert [BUSY in sentence for sentence in heard] == [True, True, False]
    assert "is not an empty folder" in heard[2]
    assert compare(undisturbed, Path(small_config.output)) == []
    assert complaint(resume, small_config.output) == ""  # it has ended


@pytest.mark.parametrize("ends", ["stopped", "failed"])
def test_a_run_that_has_ended_in_any_way_can_be_gone_on_with(small_config, ends):
    def fails():
        raise ZeroDivisionError

    with pytest.raises((TrainingInterrupted, ZeroDivisionError)):
        train(
            dataclasses.replace(small_config, checkpoint_seconds=0.0),
            progress=Stops(3) if ends == "stopped" else Does(3, fails),
        )
    assert len(resume(small_config.output).epochs) == 2


@pytest.mark.parametrize("name", others_slow(["@eaDir", "Thumbs.db", ".nfs0001", "my note.txt"]))
@pytest.mark.parametrize("where", ["last", "best", "."])
def test_what_others_put_into_a_run_stays_and_ends_nothing(small_config, name, where):
    config = dataclasses.replace(small_config, checkpoint_seconds=0.0)
    place = Path(config.output) / where / name

    def put():
        place.mkdir() if name == "@eaDir" else place.write_bytes(b"years of work")

    history = train(config, progress=Does(7, put))
    assert len(history.epochs) == 2
    assert place.is_dir() if name == "@eaDir" else place.read_bytes() == b"years of work"
    assert complaint(resume, config.output) == ""


def test_the_folder_one_works_in_may_go(small_config, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = dataclasses.replace(small_config, checkpoint_seconds=0.0)
    assert len(train(config, progress=Does(2, (tmp_path / "here").rmdir)).epochs) == 2


def another_run(folder):
    shutil.rmtree(folder)
    new_run_folder(TrainConfig(SMALL_MODEL, output=str(folder)))


@pytest.mark.parametrize("step", others_slow([7, 2, 6]))
@pytest.mark.parametrize(
    "how",
    [
        lambda folder: folder.rename(folder.with_name("moved")),
        shutil.rmtree,
        lambda folder: (folder.rename(folder.with_name("moved")), folder.mkdir()),
        another_run,
    ],
    ids=["moved", "deleted", "replaced", "another run in its place"],
)
def test_a_folder_moved_or_deleted_is_told_and_not_made_again(small_config, step, how):
    folder = Path(small_config.output)
    config = dataclasses.replace(small_config, checkpoint_seconds=0.0)
    undisturbed = train(dataclasses.replace(config, output=config.output + "-undisturbed")).folder
    left = []

    def act():
        how(folder)
        left.extend(sorted(folder.iterdir()) if folder.is_dir() else [None])

    with pytest.raises(
        UserError, match=r"run was moved or deleted while the run was at work, so it stopped: .*tinyvit train --resume"
    ):
        train(config, progress=Does(step, act))
    assert (sorted(folder.iterdir()) if folder.is_dir() else [None]) == left
    moved = folder.with_name("moved")
    if moved.exists():
        assert compare(undisturbed, resume(moved).folder) == []


@pytest.mark.parametrize("gone", ["best", "best/model.safetensors"])
def test_best_weights_that_are_gone_are_missed_at_once(small_config, gone):
    folder = Path(small_config.output)
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=Stops(8))
    kept = shutil.copytree(folder / "best", folder.with_name("kept"))
    shutil.rmtree(folder / gone) if gone == "best" else (folder / gone).unlink()
    notes = Notes()
    with pytest.raises(UserError, match=r"run/best, which held the weights of the best epoch, is gone.*put it back"):
        resume(folder, progress=notes)
    assert notes.begun is None
    shutil.rmtree(folder / "best", ignore_errors=True)
    with pytest.raises(
        UserError, match=r"run is a run without its folder best.*: put it back, or give .*last, the weights"
    ):
        VisionTransformer.from_pretrained(folder)
    VisionTransformer.from_pretrained(folder / "last")
    kept.rename(folder / "best")
    assert len(resume(folder).epochs) == 2


def test_best_weights_that_go_are_missed_at_the_next_save(small_config):
    folder = Path(small_config.output)
    config = dataclasses.replace(small_config, checkpoint_seconds=0.0)
    with pytest.raises(UserError, match="is gone"):
        train(config, progress=Does(7, lambda: (folder / "best").rename(folder / "aside")))
    (folder / "aside").rename(folder / "best")
    assert len(resume(folder).epochs) == 2


def test_a_run_without_any_epoch_is_no_model_yet(small_config):
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=Stops(2))
    for path, words in ((small_config.output, "give .*last"), (new_run_folder(dataclasses.replace(small_config, output=small_config.output + "-2")), "has to finish an epoch")):  # fmt: skip
        with pytest.raises(UserError, match=rf"is a run without its folder best.*{words}"):
            VisionTransformer.from_pretrained(path)


def test_runs_that_begin_at_once_get_folders_of_their_own(small_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, barrier, got = dataclasses.replace(small_config, output=None), threading.Barrier(8), []

    def begin():
        barrier.wait()
        got.append(new_run_folder(config))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted({Path("runs") / f"mnist-{number}" for number in range(1, 9)})
    assert all([path.name for path in folder.iterdir()] == ["config.json"] for folder in got)


@pytest.mark.parametrize("kind", ["a file", "a dangling link"])
def test_a_place_for_runs_that_is_no_folder_is_told(small_config, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    Path("runs").write_text("") if kind == "a file" else Path("runs").symlink_to("nowhere")
    with pytest.raises(UserError, match="cannot make the run folder runs"):
        new_run_folder(dataclasses.replace(small_config, output=None))


def test_two_runs_that_begin_in_one_folder_do_not_both_get_it(small_config, monkeypatch):
    """The second one looks before the first one has written anything, and writes when it has."""
    folder, mkdir, entered = Path(small_config.output), Path.mkdir, []

    def first_one_comes(path, *args, **kwargs):
        mkdir(path, *args, **kwargs)
        if path == folder and not entered:
            entered.append(True)
            new_run_folder(dataclasses.replace(small_config, seed=1))

    monkeypatch.setattr(Path, "mkdir", first_one_comes)
    with pytest.raises(UserError, match="another process has just started a run in"):
        new_run_folder(small_config)
    assert '"seed": 1' in (folder / "config.json").read_text()


def test_a_claim_that_is_refused_leaves_no_lock(small_config):
    folder = new_run_folder(small_config)
    with FileLock(folder / "config.json"), pytest.raises(UserError, match=BUSY):
        Claim(folder)
    FileLock(folder).close()
    with pytest.raises(UserError, match="cannot be opened"):
        Claim(folder / "nowhere")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what /proc shows")
@pytest.mark.parametrize("damage", others_slow([None, "{}", "no json"]))
def test_a_refused_resume_leaves_nothing_open(small_config, damage):
    folder = train(dataclasses.replace(small_config, workers=2, epochs=1)).folder
    if damage is None:
        shutil.rmtree(folder / "best")
    else:
        (folder / "last" / "training_state.json").write_text(damage)
    gc.collect()  # what earlier tests have left
    before, memory = os.listdir("/proc/self/fd"), memory_files()
    for _ in range(3):
        assert complaint(resume, folder)
    assert memory_files() <= memory
    assert len(os.listdir("/proc/self/fd")) <= len(before)


def memory_files():
    """The shared memory of runs that is open here, by what makes each its own."""
    found = set()
    for handle in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if "memfd:tinyvit" in os.readlink(f"/proc/self/fd/{handle}"):
                found.add(os.fstat(int(handle)).st_ino)
    return found
