"""`tinyvit predict` on text files: entities in brackets, good and bad words, and what is no text."""

import dataclasses
import re

import pytest

from tests.support.notes import Notes
from tinyvit.cli import main
from tinyvit.config.text_tasks import LETTERS, SENTENCES, SentimentConfig, TagConfig
from tinyvit.tasks.tag import tokens
from tinyvit.training import train

CONLL = "".join(
    f"{first} B-PER\n{last} I-PER\nis O\nin O\n{place} B-LOC\n. O\n\n"
    for first, last in (("Ann", "Lee"), ("Bob", "Fox"), ("Eve", "Roy"))
    for place in ("Oslo", "Rome", "Bern")
)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text(CONLL)
    model = dataclasses.replace(SENTENCES, embed_dim=32, depth=1, drop_rate=0.0, num_classes=5, img_size=(1, 6))
    config = TagConfig(
        model=model, data_dir=str(folder), epochs=40, batch_size=3, hide=0.0, workers=1, output=str(folder / "run")
    )
    history = train(config, progress=Notes())
    assert history.test.measures["entity_f1"] == 1.0
    return history.folder


def said_of(model, path, text, capsys, status=0):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["predict", str(model), str(path)]) == status
    return capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ann Lee is in Rome.", ["[Ann Lee PER] is in [Rome LOC] ."]),
        (
            "Bob Fox is in Bern .\n\n  Eve Roy is in Oslo .\n",
            ["[Bob Fox PER] is in [Bern LOC] .", "[Eve Roy PER] is in [Oslo LOC] ."],
        ),
        ("\ufeffEve Roy is in Rome .", ["[Eve Roy PER] is in [Rome LOC] ."]),
        (
            "Ann Lee is in Rome . Bob Fox is in Oslo .",
            ["[Ann Lee PER] is in [Rome LOC] .", "[Bob Fox PER] is in [Oslo LOC] ."],
        ),
    ],
)
def test_entities_stand_in_brackets(tagger, tmp_path, capsys, text, wanted):
    assert said_of(tagger, tmp_path / "t.txt", text, capsys).out.splitlines() == wanted


@pytest.mark.parametrize(
    ("text", "sentence"), [(b"\xff\xfe\x00", "is no text in UTF-8"), ("", "is empty"), (" \n\n", "is empty")]
)
def test_what_is_no_text_is_one_sentence(tagger, tmp_path, capsys, text, sentence):
    err = said_of(tagger, tmp_path / "t.txt", text, capsys, status=2).err
    assert sentence in err
    assert err.count("\n") == 1


def test_other_files_still_get_their_answer(tagger, tmp_path, capsys):
    (tmp_path / "b.txt").write_text("Ann Lee is in Rome .")
    assert main(["predict", str(tagger), str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]) == 2
    said = capsys.readouterr()
    assert said.out == "[Ann Lee PER] is in [Rome LOC] .\n"
    assert "a.txt was not found" in said.err
    assert main(["predict", str(tagger), str(tmp_path / "b.txt"), "--plot"]) == 2
    assert "--plot draws images, and these are texts" in capsys.readouterr().err


def test_words_marks_initials_and_dates():
    assert tokens("K. Lopez met (on 3/5/1999) Ann's boss, 3.5 times!") == [
        "K.", "Lopez", "met", "(", "on", "3/5/1999", ")", "Ann", "'", "s", "boss", ",", "3.5", "times", "!",
    ]  # fmt: skip


def test_each_word_is_judged(tmp_path, capsys):
    model = dataclasses.replace(LETTERS, embed_dim=32, depth=1, drop_rate=0.0)
    config = SentimentConfig(model=model, epochs=8, lr=3e-3, hide=0.0, workers=1, output=str(tmp_path / "run"))
    folder = train(config, progress=Notes()).folder
    lines = said_of(
        folder, tmp_path / "t.txt", "Hopeless, wonderful!\nnaïve incomprehensiblyness", capsys
    ).out.splitlines()
    for word, line in zip(("hopeless", "wonderful"), lines, strict=False):
        assert re.fullmatch(rf"{word}: (good|bad) \((0\.[5-9]\d|1\.00)\)", line)
    assert [line.partition(",")[0] for line in lines[2:]] == ["naïve: not read", "incomprehensiblyness: not read"]
