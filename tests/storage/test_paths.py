"""`~` of nobody, and users without a home, as in containers: sentences, and whatever needs no home works."""

import sys
from pathlib import Path

import pytest

from tinyvit.cli import main
from tinyvit.course import progress
from tinyvit.datasets import load_dataset
from tinyvit.errors import UserError
from tinyvit.pretrained.download import download_model
from tinyvit.storage.paths import cache_folder, expanded, home, needed_cache_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="homes are found another way there")
NOBODY = "~no-such-user-here"


@pytest.fixture
def no_home(monkeypatch):
    import pwd

    def unknown(user):
        raise KeyError(user)

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "TINYVIT_CACHE", "TINYVIT_HOME", "TINYVIT_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_path_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert (expanded("~"), expanded(Path("~/a")), expanded("a/~b")) == (
        Path("/home/me"),
        Path("/home/me/a"),
        Path("a/~b"),
    )
    assert home() == Path("/home/me")


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ({}, ["data", "check", NOBODY]),
        ({}, ["finetune", "--model", "data/vit-stand-in", "--data-dir", f"{NOBODY}/photos"]),
        ({}, ["eval", "data/mnist-vit", "--data-dir", f"{NOBODY}/mnist"]),
        ({}, ["train", "--data-dir", NOBODY]),
        ({"TINYVIT_DATA": f"{NOBODY}/data"}, ["train"]),
        ({"TINYVIT_CACHE": f"{NOBODY}/cache"}, ["doctor"]),
        ({"TINYVIT_CACHE": NOBODY}, ["info", "owner/model", "--download"]),
    ],
)
def test_the_home_of_nobody_gets_a_sentence(monkeypatch, capsys, variables, arguments):
    monkeypatch.chdir(Path(__file__).parents[2])
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{NOBODY}" in said
    assert "write it in full" in said


def test_who_has_no_home_can_still_work(no_home, capsys):
    assert (home(), cache_folder()) == (None, None)
    assert len(load_dataset("mnist").test) == 10_000
    assert progress.passed() == []
    assert "TINYVIT_HOME" in progress.remember("5.1")
    assert main(["lessons", "progress"]) == 0
    assert main(["doctor"]) == 0


def test_a_download_needs_a_place(no_home):
    with pytest.raises(UserError, match="no home: set the environment variable TINYVIT_CACHE"):
        needed_cache_folder()
    pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    with pytest.raises(UserError, match="no home: set the environment variable HF_HOME"):
        download_model("owner/model")
