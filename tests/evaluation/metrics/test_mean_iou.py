"""Mean IoU by sets of pixels, class by class; and by scikit-learn, where it is installed."""

import numpy as np
import pytest

from tinyvit.evaluation.metrics.mean_iou import class_iou, confusion_matrices, mean_iou


def by_sets(masks, predictions, num_classes):
    """Each class as the set of its pixels: the intersection over the union."""
    result = []
    for k in range(num_classes):
        true, said = set(np.flatnonzero(masks == k)), set(np.flatnonzero(predictions == k))
        result.append(len(true & said) / len(true | said) if true | said else np.nan)
    return result


@pytest.mark.parametrize(("shape", "K"), [((3, 5, 4), 4), ((1, 7, 7), 2), ((6, 10), 11)])
def test_as_sets_of_pixels(shape, K, rng):
    masks, predictions = rng.integers(0, K, shape), rng.integers(0, K, shape)
    predictions[masks == 1] = 1
    confusion = confusion_matrices(masks, predictions, K)
    assert confusion.shape == (shape[0], K, K)
    wanted = by_sets(masks, predictions, K)
    np.testing.assert_allclose(class_iou(confusion.sum(axis=0)), wanted, rtol=1e-14)
    assert mean_iou(confusion.sum(axis=0)) == pytest.approx(np.nanmean(wanted))


def test_the_whole_split_is_counted_not_the_images_mean():
    masks = np.array([[0, 0, 0, 1], [1, 1, 1, 1]])
    predictions = np.array([[0, 0, 0, 0], [1, 1, 1, 1]])
    confusion = confusion_matrices(masks, predictions, 2).sum(axis=0)
    np.testing.assert_allclose(class_iou(confusion), [3 / 4, 4 / 5])


def test_classes_that_are_only_predicted_count():
    confusion = np.array([[5, 1, 0], [0, 0, 0], [0, 0, 0]])
    iou = class_iou(confusion)
    np.testing.assert_allclose(iou[:2], [5 / 6, 0.0])
    assert np.isnan(iou[2])
    assert mean_iou(confusion) == pytest.approx(5 / 12)
    assert np.isnan(mean_iou(np.zeros((3, 3), int)))


@pytest.mark.parametrize("ignored", [255, -1, 7])
def test_pixels_of_no_class_are_not_counted(ignored, rng):
    masks, predictions = rng.integers(0, 4, (2, 30)), rng.integers(0, 4, (2, 30))
    masks[:, ::3] = ignored
    kept = confusion_matrices(masks, predictions, 4)
    np.testing.assert_array_equal(
        kept, confusion_matrices(*(np.delete(x, np.s_[::3], 1) for x in (masks, predictions)), 4)
    )
    assert kept.sum() == 2 * 20


def test_bytes_do_not_overflow(rng):
    masks = rng.integers(0, 200, (3, 50), dtype=np.uint8)
    assert mean_iou(confusion_matrices(masks, masks, 200).sum(axis=0)) == 1.0


@pytest.mark.parametrize("K", [2, 5])
def test_scikit_learns_value(K, rng):
    metrics = pytest.importorskip("sklearn.metrics")
    masks, predictions = rng.integers(0, K, 99), rng.integers(0, K, 99)
    ours = mean_iou(confusion_matrices(masks[None], predictions[None], K)[0])
    assert ours == pytest.approx(metrics.jaccard_score(masks, predictions, average="macro"))
