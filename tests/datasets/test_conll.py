"""CoNLL files as people have them, and one sentence for what is wrong."""

import numpy as np
import pytest

from tinyvit.datasets.conll import MAX_WORDS, load_conll, read_conll
from tinyvit.datasets.words import decoded
from tinyvit.errors import UserError

WAYS = {
    "two columns": "EU B-ORG\nrejects O\n\nPeter B-PER\nBlackburn I-PER\n",
    "four columns, as CoNLL-2003": "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\nBlackburn NNP I-NP I-PER\n",
    "tabs": "EU\tB-ORG\nrejects\tO\n\nPeter\tB-PER\nBlackburn\tI-PER",
    "documents": "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects V I-VP O\n\n-DOCSTART- -X- O O\n\nPeter N N B-PER\nBlackburn N N I-PER\n",
    "blank lines with spaces": "\n\nEU B-ORG\nrejects O\n  \n\t\n\nPeter B-PER\nBlackburn I-PER\n\n\n",
    "byte order mark, Windows lines": "\ufeffEU B-ORG\r\nrejects O\r\n\r\nPeter B-PER\r\nBlackburn I-PER\r\n",
}


def write(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_the_same_in_many_ways(tmp_path, way):
    write(tmp_path, train=WAYS[way])
    assert read_conll(tmp_path / "train.txt") == [
        (["EU", "rejects"], ["B-ORG", "O"]),
        (["Peter", "Blackburn"], ["B-PER", "I-PER"]),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("EU\n", "1 column in line 1, where a word and its tag"),
        ("EU B-ORG\nrejects\n", "1 column in line 2, where 2 as in the lines above"),
        ("EU NNP B-ORG\nrejects O\n", "2 columns in line 2, where 3"),
        ("EU B_ORG\n", "'B_ORG' as a tag in line 1"),
        ("EU O\nPeter S-PER\n", "'S-PER' as a tag in line 2"),
        ("EU B-\n", "'B-' as a tag"),
        ("EU b-org\n", "'b-org' as a tag"),
        ("EU \x1b[31m\n", r"\\x1b\[31m"),
        ("", "holds no sentence"),
        ("\n \n", "holds no sentence"),
        ("-DOCSTART- O\n", "holds no sentence"),
        (b"EU B-ORG\nZ\xfcrich B-LOC\n", r"is not UTF-8 \(line 2\)"),
        ("\tO\n", "has a tag and no word in line 1"),
    ],
)
def test_what_is_wrong_gets_one_sentence(tmp_path, text, sentence):
    write(tmp_path, train=text)
    with pytest.raises(UserError, match=sentence) as error:
        read_conll(tmp_path / "train.txt")
    assert "\n" not in str(error.value)


ONE = "EU B-ORG\nis O\n\n"


def test_a_folder_of_three_files(tmp_path):
    data = load_conll(write(tmp_path, train=ONE * 4, dev="Peter B-PER\n", test="In O\nOslo B-LOC\nnow O\n"))
    assert data.class_names == ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")
    assert [len(split) for split in (data.train, data.dev, data.test)] == [4, 1, 1]
    assert data.train.images.shape == (4, 16, 1, 3)
    np.testing.assert_array_equal(data.test.labels, [[0, 1, 0]])
    np.testing.assert_array_equal(data.train.labels[0], [3, 0, -1])
    assert decoded(data.test.images[0]) == ["In", "Oslo", "now"]
    assert data.notes == ("Nothing to train on for the kinds LOC, PER.",)


@pytest.mark.parametrize(
    "names", [("eng.train", "eng.testa", "eng.testb"), ("train.conll", "valid.conll", "test.conll")]
)
def test_files_by_their_usual_names(tmp_path, names):
    for name, count in zip(names, (3, 2, 1), strict=True):
        (tmp_path / name).write_text(ONE * count)
    data = load_conll(tmp_path)
    assert [len(split) for split in (data.train, data.dev, data.test)] == [3, 2, 1]
    assert not data.notes


def test_without_dev_and_test(tmp_path):
    data = load_conll(write(tmp_path, train="".join(f"word{i} O\n\n" for i in range(30))))
    assert (len(data.train), len(data.dev)) == (27, 3)
    assert data.test.images is data.dev.images or np.array_equal(data.test.images, data.dev.images)
    seen = {word for image in data.train.images for word in decoded(image)}
    assert not seen & {word for image in data.dev.images for word in decoded(image)}
    assert "3 of the training sentences are held back" in data.notes[0]
    assert "optimistic" in data.notes[1]


def test_long_sentences_are_split_and_all_words_stay(tmp_path):
    words = MAX_WORDS + 30
    data = load_conll(write(tmp_path, train="".join(f"w{i} O\n" for i in range(words)) + "\n" + ONE, dev=ONE, test=ONE))
    assert data.train.images.shape == (3, 16, 1, MAX_WORDS)
    assert sum(len(decoded(image)) for image in data.train.images) == words + 2
    assert "1 sentence" in data.notes[0]
    assert "split" in data.notes[0]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "has no file train.txt"),
        ({"dev": ONE}, "has no file train.txt"),
        ({"train": ONE, "dev": ONE, "valid": ONE}, "several files for dev, dev.txt and valid.txt"),
        ({"train": ONE}, "one training sentence"),
    ],
)
def test_a_folder_that_lacks_something(tmp_path, files, sentence):
    with pytest.raises(UserError, match=sentence):
        load_conll(write(tmp_path, **files))


@pytest.mark.parametrize("text", ["EU O\n\nis O\n", "a O\nb O\n\nc O\n\nd O\n", "x\tO\n\ny\tO\n"])
def test_that_there_is_no_tag_is_told(tmp_path, text):
    write(tmp_path, train=text)
    assert any("no tag but O" in note for note in load_conll(tmp_path).notes)


def test_no_folder(tmp_path):
    with pytest.raises(UserError, match="is no folder"):
        load_conll(tmp_path / "there")


def test_more_kinds_than_a_byte_counts(tmp_path):
    (tmp_path / "train.txt").write_text("".join(f"w B-K{i:03}\nv I-K{i:03}\n\n" for i in range(80)))
    data = load_conll(tmp_path)
    tags = np.concatenate([data.train.labels, data.dev.labels]).astype(int)
    assert sorted(map(tuple, tags.tolist())) == [(2 * i + 1, 2 * i + 2) for i in range(80)]
