"""What is kept of a model's answers says the same as all probabilities at once."""

import numpy as np
import pytest
from PIL import Image

from tests.support.small_run import SMALL_MODEL
from tinyvit.datasets import Split
from tinyvit.datasets.image_files import ImageFiles
from tinyvit.errors import UserError
from tinyvit.evaluation.answers import Answer, Prepared, answers
from tinyvit.evaluation.classification import Classification
from tinyvit.evaluation.evaluate import evaluate, evaluate_images
from tinyvit.evaluation.predict import predict_probs
from tinyvit.evaluation.preprocessing import Preprocessing
from tinyvit.images.processor import ImageProcessor
from tinyvit.vit import VisionTransformer, ViTConfig

PROCESSOR = ImageProcessor(size=(16, 16), image_mean=(0.4, 0.5, 0.6), image_std=(0.2, 0.3, 0.4))


@pytest.fixture(scope="module")
def model():
    config = ViTConfig(
        img_size=16, patch_size=8, in_chans=3, num_classes=7, embed_dim=8, depth=1, num_heads=2, init_std=0.5
    )
    return VisionTransformer(config, rng=np.random.default_rng(0))


@pytest.fixture
def preprocessing():
    return Preprocessing("", tuple("abcdefg"), *PROCESSOR.statistics, PROCESSOR)


@pytest.fixture
def pictures(tmp_path, rng):
    """Eleven image files, the third and the last of them damaged."""
    paths = [tmp_path / f"{k}.png" for k in range(11)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(path)
    for k in (2, 10):
        paths[k].write_bytes(paths[k].read_bytes()[:60])
    return paths


def test_scores_of_arrays_are_those_of_evaluate(small_dataset):
    model = VisionTransformer(SMALL_MODEL, rng=np.random.default_rng(0))
    preprocessing = Preprocessing(
        "mnist", small_dataset.class_names, 0.1307, 0.3081, ImageProcessor(in_chans=1, size=(28, 28))
    )
    split, scores = evaluate_images(model, preprocessing, small_dataset.dev, batch_size=7)
    whole = evaluate(model, split, small_dataset)
    assert split is small_dataset.dev
    assert scores.loss == pytest.approx(whole.loss, rel=1e-5)
    assert scores.top(1) == whole.accuracy
    np.testing.assert_array_equal(scores.predictions, whole.predictions)
    np.testing.assert_allclose(scores.confidence, whole.confidence, atol=1e-6)
    probs = predict_probs(model, split.images, small_dataset.mean, small_dataset.std)
    best_5 = np.argsort(-probs, axis=1)[:, :5]
    assert scores.top(5) == np.mean([label in best for label, best in zip(split.labels, best_5, strict=True)])
    assert 0 < scores.top(1) < scores.top(5) < scores.top(10) == 1


@pytest.mark.parametrize(("label", "rank"), [(0, 2), (1, 0), (2, 3), (3, 1), (4, 4)])
def test_of_equal_probabilities_the_first_is_the_better(label, rank):
    probs = np.array([0.2, 0.3, 0.2, 0.25, 0.05])
    result = Classification.of(probs[None], np.array([label]))
    assert result[:-1] == (label, 1, 0.3, probs[label], rank)
    assert result.num_classes == 5


def test_an_answer_that_is_no_number_is_wrong():
    nan = float("nan")
    probs = np.array([[nan, nan, nan], [0.2, 0.5, 0.3]])
    result = Classification.of(probs, np.array([0, 1]))
    assert result.rank.tolist() == [3, 0]
    assert result.accuracy == result.top(3) == 0.5
    assert np.isnan(result.loss)


def test_parts_are_joined_in_order(rng):
    probs, labels = rng.dirichlet(np.ones(4), 9), rng.integers(0, 4, 9)
    parts = [Classification.of(probs[rows], labels[rows]) for rows in (slice(0, 2), slice(2, 7), slice(7, 9))]
    for joined, whole in zip(Classification.joined(parts), Classification.of(probs, labels), strict=True):
        np.testing.assert_array_equal(joined, whole)


@pytest.mark.parametrize("batch_size", [None, 1, 4])
def test_what_cannot_be_read_is_left_out_and_told(model, preprocessing, pictures, batch_size):
    labels, told = np.arange(11) % 7, {}
    split, scores = evaluate_images(
        model,
        preprocessing,
        Split(ImageFiles(pictures, PROCESSOR), labels),
        batch_size=batch_size,
        each=told.__setitem__,
    )
    assert list(told) == list(range(11))
    assert [row for row, answer in told.items() if isinstance(answer, UserError)] == [2, 10]
    assert "2.png" in str(told[2])
    good = [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert split.images.paths == [pictures[k] for k in good]
    np.testing.assert_array_equal(split.labels, labels[good])
    np.testing.assert_array_equal(scores.labels, labels[good])
    for row, k in enumerate(good):  # each image alone, normalised by the processor itself
        probs = np.exp(logits := model.predict(PROCESSOR(Image.open(pictures[k]))[None])[0]) / np.exp(logits).sum()
        np.testing.assert_allclose(told[k].probs, probs, atol=1e-5)
        assert scores.of_label[row] == pytest.approx(probs[labels[k]], abs=1e-5)


def test_nothing_that_can_be_read(model, preprocessing, pictures):
    damaged = Split(ImageFiles([pictures[2], pictures[10]], PROCESSOR), np.zeros(2, np.int64))
    with pytest.raises(UserError, match="none of the 2 images can be read"):
        evaluate_images(model, preprocessing, damaged)


def test_no_more_than_a_batch_is_asked_for_in_advance(model, rng):
    asked = []

    def pictures():
        for k in range(10):
            asked.append(k)
            yield Prepared(rng.integers(0, 256, (3, 16, 16), dtype=np.uint8))

    seen = answers(model, pictures(), 0.5, 0.5, batch_size=4)
    assert isinstance(next(seen), Answer)
    assert len(asked) == 4
    assert len(list(seen)) == 9
    assert list(answers(model, [], 0.5, 0.5)) == []
