"""Tagging and sentiment: padding does not count, hidden words are signs, and texts of one's own are learned."""

import dataclasses

import numpy as np
import pytest

from tests.support.notes import Notes
from tinyvit.cli import main
from tinyvit.config.text_tasks import LETTERS, SENTENCES, SentimentConfig, TagConfig
from tinyvit.datasets import Dataset, Split
from tinyvit.datasets.sentences import TAGS, sentence_dataset, tag_codes
from tinyvit.datasets.words import decoded, encoded
from tinyvit.errors import UserError
from tinyvit.ops import softmax_forward
from tinyvit.tasks import ALL, TASKS
from tinyvit.tasks.tag import HIDDEN, some_hidden
from tinyvit.tasks.token_loss import token_answers, token_loss, token_weights
from tinyvit.training import train

TAG = TASKS["tag"]
MODEL = dataclasses.replace(SENTENCES, embed_dim=16, depth=1, num_heads=2)
CONLL = "".join(
    f"{name} B-PER\nis O\nin O\n{place} B-LOC\n. O\n\n"
    for name in ("Ann", "Bob", "Eve")
    for place in ("Oslo", "Rome", "Bern")
)


@pytest.fixture(scope="module")
def dataset():
    return sentence_dataset(40, 12, 12)


@pytest.fixture
def model(rng):
    return TAG.build(TagConfig(model=MODEL), rng).astype(np.float64)


def test_weights_of_words_add_up_sentence_by_sentence(dataset):
    tags = dataset.train.labels
    weights = token_weights(tags).reshape(tags.shape)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights.sum(axis=1), 1 / len(tags))
    assert not weights[tags < 0].any()
    of_examples = np.random.default_rng(0).dirichlet(np.ones(len(tags)))
    np.testing.assert_allclose(token_weights(tags, of_examples).reshape(tags.shape).sum(axis=1), of_examples)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_the_mean_over_words_then_sentences(dataset, model, smoothing):
    codes, tags = dataset.train.images[:7], dataset.train.labels[:7]
    config = TagConfig(model=MODEL, label_smoothing=smoothing)
    loss, _ = token_loss(config, model, (codes, tags), share=1.0, weights=None, rng=None)
    probs, _ = softmax_forward(model.forward(codes)[0])
    of_sentences = []
    for row, truth in zip(probs, tags, strict=True):
        count = int((truth >= 0).sum())
        wanted = (1 - smoothing) * np.eye(len(TAGS))[truth[:count]] + smoothing / len(TAGS)
        of_sentences.append(-(wanted * np.log(row[:count])).sum(axis=1).mean())
    assert float(loss) == pytest.approx(np.mean(of_sentences), rel=1e-10)


def test_what_is_said_behind_the_last_word_pulls_nothing(dataset, model):
    codes, tags = dataset.train.images[:5], dataset.train.labels[:5]
    _, grads = token_loss(TagConfig(model=MODEL), model, (codes, tags), share=1.0, weights=None, rng=None)
    logits, saved = model.forward(codes)
    dlogits = np.zeros_like(logits)
    for row, truth in zip(range(5), tags, strict=True):
        count = int((truth >= 0).sum())
        probs, _ = softmax_forward(logits[row, :count])
        dlogits[row, :count] = (probs - np.eye(len(TAGS))[truth[:count]]) / count / 5
    for name, grad in model.backward(dlogits, saved)[1].items():
        np.testing.assert_allclose(grads[name], grad, atol=1e-12)


def test_answers_are_the_tags_and_the_loss(dataset, model):
    answers = token_answers(model, dataset.dev.images, dataset.dev.labels)
    np.testing.assert_array_equal(answers[:, :-1], model.forward(dataset.dev.images)[0].argmax(axis=2))
    loss, _ = token_loss(
        TagConfig(model=MODEL), model, (dataset.dev.images, dataset.dev.labels), share=1.0, weights=None, rng=None
    )
    assert answers[:, -1].mean() == pytest.approx(float(loss), rel=1e-5)


def test_hidden_words_are_signs_that_no_word_holds(dataset):
    codes = dataset.train.images
    hidden = some_hidden(codes, 0.4, np.random.default_rng(0))
    assert hidden.dtype == np.uint8
    changed = (hidden != codes).any(axis=1)[:, 0]
    words = codes.any(axis=1)[:, 0]
    assert not changed[~words].any()
    assert 0.3 < changed[words].mean() < 0.5
    np.testing.assert_array_equal(hidden[hidden != codes], HIDDEN)
    np.testing.assert_array_equal((hidden > 0), (codes > 0))  # how long a word is, stays
    assert not (codes == HIDDEN).any()
    np.testing.assert_array_equal(some_hidden(codes, 0.0, np.random.default_rng(0)), codes)


def test_groups_are_told_apart_for_made_sentences_alone(dataset, model):
    answers = TAG.answers(TagConfig(model=MODEL), model, dataset, "dev", ALL)
    assert len(TAG.judge(TagConfig(), answers, dataset, "dev").group_names) == 4
    assert len(TAG.judge(TagConfig(data_dir="there"), answers, dataset, "dev").group_names) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"augment": "affine"}, "words are not augmented as images are, got augment affine"),
        ({"model": dataclasses.replace(MODEL, stem="patch")}, 'tag takes words, got a model with stem="patch"'),
    ],
)
def test_images_settings_are_refused(dataset, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        TAG.check(TagConfig(**{"model": MODEL} | changes), dataset)


def test_a_text_of_ones_own_is_learned_and_evaluated_again(tmp_path, capsys):
    (tmp_path / "train.txt").write_text(CONLL)
    (tmp_path / "test.txt").write_text(CONLL)
    run = tmp_path / "run"
    flags = [
        "--embed-dim",
        "16",
        "--depth",
        "1",
        "--num-heads",
        "2",
        "--epochs",
        "30",
        "--batch-size",
        "4",
        "--workers",
        "1",
    ]
    assert main(["train", "--task", "tag", "--data-dir", str(tmp_path), "--output", str(run), *flags]) == 0
    said = capsys.readouterr()
    assert "held back" in said.out + said.err
    assert "img_size (1, 5)" in said.out + said.err
    assert "by what is new" not in said.out
    assert (run / "figures" / "sentences.png").stat().st_size > 1000
    assert main(["eval", str(run)]) == 0
    assert "entity F1" in capsys.readouterr().out
    (other := tmp_path / "other").mkdir()
    (other / "train.txt").write_text("Bea B-PER\n\n" + " ".join(["So"] * 7).replace(" ", " O\n") + " O\n")
    assert main(["eval", str(run), "--data-dir", str(other), "--split", "train"]) == 0  # shorter and longer sentences
    assert "entity F1" in capsys.readouterr().out
    (other / "train.txt").write_text("Bea B-CAT\n\nis O\n")
    assert main(["eval", str(run), "--data-dir", str(other)]) == 2
    assert "tags that the model has not learned, such as B-CAT" in capsys.readouterr().err
    (tmp_path / "train.txt").write_text(CONLL.replace("Oslo", "Kiev"))
    assert main(["train", "--resume", str(run)]) == 2
    assert "are not those that" in capsys.readouterr().err


def test_other_sentences_are_cut_to_the_words_a_model_takes():
    sentences = [list("abcdefg"), list("hi"), list("jklm")]
    tags = [[0, 1, 2, 0, 1, 2, 2], [1, 0], [2, 2, 1, 0]]
    split = Split(encoded(sentences, 7), tag_codes(tags, 7))
    other = Dataset("other", ("O", "B-LOC", "I-LOC"), 0.0, 1.0, split, split, split)
    config = TagConfig(model=dataclasses.replace(MODEL, img_size=(1, 4)))
    learned = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    fitted = TAG.as_learned(config, learned, other)
    assert fitted.class_names == learned
    assert ["".join(decoded(codes)) for codes in fitted.test.images] == ["abcd", "efg", "hi", "jklm"]
    wanted = [[0, 3, 4, 0], [3, 4, 4, -1], [3, 0, -1, -1], [4, 4, 3, 0]]
    np.testing.assert_array_equal(fitted.test.labels, wanted)


def test_a_damaged_text_is_one_sentence(tmp_path, capsys):
    (tmp_path / "train.txt").write_text("Ann B-PER\nis\n")
    assert main(["train", "--task", "tag", "--data-dir", str(tmp_path), "--output", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "1 column in line 2" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_model_learns_which_words_are_good(tmp_path, monkeypatch):
    """Better than the majority, on words never seen, after a second of training."""
    small = dataclasses.replace(LETTERS, embed_dim=32, depth=1, drop_rate=0.0)
    config = SentimentConfig(model=small, epochs=12, lr=3e-3, workers=1, output=str(tmp_path / "run"))
    history = train(config, progress=Notes())
    assert history.test.measures["above_majority"] > 0.03
    assert (history.test.groups == 0).any()
