"""The grammar's sentences: tagged as they are filled, the same from the same seed, and split by name and by frame."""

import re

import numpy as np
import pytest

from tinyvit.datasets.sentences import (
    GROUPS,
    LENGTH,
    PARTS,
    TAGS,
    Names,
    frames,
    name_parts,
    part_of,
    sentence,
    sentence_dataset,
    sentences,
)
from tinyvit.datasets.words import decoded
from tinyvit.evaluation.metrics.entities import spans

SHARED = {"before-place", "after-place", "firm-word", "club-word", "body", "month", "weekday"}


def entities(one):
    return [(kind, one.words[start:stop]) for start, stop, kind in spans([TAGS[tag] for tag in one.tags])]


def made(n, name_part="train", frame_part="train", seed=0):
    return sentences(n, name_part=name_part, frame_part=frame_part, rng=np.random.default_rng(seed))


def test_there_are_hundreds_of_frames_and_each_is_of_one_part():
    parts = [frames(part) for part in PARTS]
    every = [frame for part in parts for frame in part]
    assert len(every) == len(set(every)) > 250
    assert all(len(part) > 30 for part in parts)
    slots = {slot for frame in every for slot in re.findall(r"\{(\w+)\}", frame)}
    assert slots == {"PER", "LOC", "ORG", "DATE", "DATE_ON"}
    assert not [
        frame
        for frame in every
        if re.search(r"[{}()|]", re.sub(r"\{\w+\}|\([^()|]+(\|[^()|]+)+\)", "", frame)) and "( {" not in frame
    ]


@pytest.mark.parametrize("section", ["first", "last", "place"])
def test_each_name_is_of_one_part(section):
    parts = [name_parts(section, part) for part in PARTS]
    assert sorted(name for part in parts for name in part) == sorted(name_parts(section))
    assert all(len(part) > 15 for part in parts)


def test_a_frame_is_filled_and_tagged():
    one = sentence("{PER} (likes|likes) {LOC} , said {ORG} {DATE_ON} .", Names("train", np.random.default_rng(3)))
    assert "likes" in one.words
    assert [kind for kind, _ in entities(one)] == ["PER", "LOC", "ORG", "DATE"]
    assert one.words[-1] == "."
    assert len(one.words) == len(one.tags)
    outside = [word for word, tag in zip(one.words, one.tags, strict=True) if not tag]
    assert outside[:3] == ["likes", ",", "said"]
    assert outside[3:-1] in (["on"], ["last"], ["before"])


def test_neighbours_of_a_kind_stay_two_entities():
    one = sentence("{PER} {PER}", Names("train", np.random.default_rng(0)))
    assert len(entities(one)) == 2


@pytest.mark.parametrize("part", PARTS)
def test_names_are_of_their_part_alone(part):
    """A word of a name is shared by all parts, such as Bank, or belongs to the part."""
    shared = {word for section in SHARED for word in name_parts(section)} | {"of", "&", "Sons", "Co"}
    for one in made(300, name_part=part):
        for kind, words in entities(one):
            own = [word for word in words if word not in shared and not re.fullmatch(r"[A-Z]\.|[\d/]+", word)]
            years = [word for word in words if re.fullmatch(r"\d{4}", word)]
            assert all(part_of(word) == part for word in own + years), (kind, words)


def test_unseen_names_do_not_occur_in_training():
    shared = {word for section in SHARED for word in name_parts(section)} | {"of", "&", "Sons", "Co"}
    seen = {word for one in made(2000) for _, words in entities(one) for word in words}
    unseen = {
        word for one in made(500, name_part="test") for kind, words in entities(one) if kind != "DATE" for word in words
    }
    assert not {word for word in seen & unseen if not re.fullmatch(r"[A-Z]\.", word)} - shared


def test_frames_of_other_parts_do_not_come():
    """What stands between the names of training's sentences is in training's frames."""
    said = {word for frame in frames("train") for word in re.findall(r"\w+|[^\w\s]", frame)} | {"on", "last", "before"}
    outside = {word for one in made(500) for word, tag in zip(one.words, one.tags, strict=True) if not tag}
    assert outside <= said
    test_words = {
        word for one in made(500, frame_part="test") for word, tag in zip(one.words, one.tags, strict=True) if not tag
    }
    assert test_words - said


def test_the_same_seed_makes_the_same_sentences():
    assert made(50, seed=4) == made(50, seed=4) != made(50, seed=5)
    one, same, other = (sentence_dataset(30, 8, 8, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.train.images, same.train.images)
    np.testing.assert_array_equal(one.test.labels, same.test.labels)
    assert not np.array_equal(one.train.images, other.train.images)


def test_the_dataset():
    data = sentence_dataset(40, 10, 21)
    assert data.class_names == TAGS
    for split, n in ((data.train, 40), (data.dev, 10), (data.test, 21)):
        assert split.images.shape == (n, 16, 1, LENGTH)
        assert split.labels.shape == (n, LENGTH)
        assert split.images.dtype == np.uint8
        np.testing.assert_array_equal(split.labels >= 0, split.images.any(axis=(1, 2)))
    assert not data.multi_label
    assert decoded(data.train.images[0])


def test_dev_and_test_are_of_the_groups_in_turn():
    """Sentence i is of group i modulo 4: words of frames that training lacks come in every second pair alone."""
    data = sentence_dataset(8, 400, 400)
    said = {word for frame in frames("train") for word in re.findall(r"\w+|[^\w\s]", frame)} | {"on", "last", "before"}
    for split in (data.dev, data.test):
        new = []
        for image, tags in zip(split.images, split.labels, strict=True):
            words = decoded(image)
            new.append(not {word for word, tag in zip(words, tags, strict=False) if not tag} <= said)
        new = np.array(new).reshape(-1, len(GROUPS)).sum(axis=0)
        assert new[0] == new[1] == 0 < min(new[2], new[3])
