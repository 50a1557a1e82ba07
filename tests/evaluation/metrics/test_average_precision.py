"""Average precision: curves that one can draw by hand, and COCO's rules written down again, detection by detection."""

import numpy as np
import pytest

from tinyvit.datasets.boxes import NO_CLASS
from tinyvit.evaluation.metrics.average_precision import THRESHOLDS, average_precision, interpolated


def iou(a, b):
    w, h = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    inter = max(w, 0) * max(h, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def cocos(boxes, classes, scores, truth, k, threshold):
    """`COCOeval.evaluateImg` and `accumulate`, for one class and one threshold, all areas, no crowds."""
    found, support = [], 0
    for i in range(len(boxes)):
        gts = [t[:4] for t in truth[i] if t[4] == k]
        dts = [(boxes[i][d], scores[i][d]) for d in range(len(boxes[i])) if classes[i][d] == k]
        support += len(gts)
        taken = [False] * len(gts)
        for box, score in sorted(dts, key=lambda dt: -dt[1])[:100]:
            best, match = min(threshold, 1 - 1e-10), -1
            for g, gt in enumerate(gts):
                if taken[g] or iou(box, gt) < best:
                    continue
                best, match = iou(box, gt), g
            if match >= 0:
                taken[match] = True
            found.append((score, match >= 0))
    if not support:
        return np.nan
    found.sort(key=lambda item: -item[0])
    tp, points = 0, []
    for rank, (_, right) in enumerate(found, 1):
        tp += right
        points.append([tp / support, tp / rank])
    for i in range(len(points) - 1, 0, -1):
        points[i - 1][1] = max(points[i - 1][1], points[i][1])
    at = [next((p for r, p in points if r >= recall), 0.0) for recall in np.linspace(0, 1, 101)]
    return float(np.mean(at))


def random_case(rng, n=9, k=7, M=5, K=4):
    """Boxes near the true ones, with wrong classes, equal scores and empty places among them."""
    low = rng.uniform(0, 30, (n, M, 2))
    truth = np.concatenate([low, low + rng.uniform(5, 15, (n, M, 2)), rng.integers(0, K - 1, (n, M, 1))], axis=2)
    truth[rng.random((n, M)) < 0.3, 4] = NO_CLASS
    which = rng.integers(0, M, (n, k))
    boxes = np.take_along_axis(truth[..., :4], which[..., None], axis=1) + rng.normal(0, 1.2, (n, k, 4))
    classes = np.take_along_axis(truth[..., 4], which, axis=1).astype(int)
    wrong = rng.random((n, k)) < 0.2
    classes[wrong] = rng.integers(0, K - 1, wrong.sum())
    classes[rng.random((n, k)) < 0.1] = NO_CLASS
    return boxes, classes, np.round(rng.random((n, k)), 1), truth


@pytest.mark.parametrize("seed", range(4))
def test_cocos_rules(seed):
    case = random_case(np.random.default_rng(seed))
    ours = average_precision(*case, num_classes=4)
    assert ours.shape == (10, 4)
    wanted = [[cocos(*case, k, threshold) for k in range(4)] for threshold in THRESHOLDS]
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)
    assert np.isnan(ours[:, 3]).all()  # no true box of it
    assert 0.05 < np.nanmean(ours) < 0.9


def test_thresholds_are_cocos():
    np.testing.assert_allclose(THRESHOLDS, np.arange(0.5, 1.0, 0.05))


def one_image(boxes, truth, scores=None):
    boxes, truth = np.array([boxes], float), np.array([truth], float)
    scores = np.array([scores or [1.0] * boxes.shape[1]])
    return boxes[..., :4], boxes[..., 4].astype(int), scores, truth


def test_all_right_is_one_and_all_wrong_is_zero():
    truth = [[0, 0, 4, 4, 0], [10, 10, 15, 18, 1]]
    np.testing.assert_array_equal(average_precision(*one_image(truth, truth), num_classes=2), np.ones((10, 2)))
    moved = [[20, 0, 24, 4, 0], [10, 10, 15, 18, 0]]
    np.testing.assert_array_equal(average_precision(*one_image(moved, truth), num_classes=2), np.zeros((10, 2)))


def test_a_true_box_is_found_once():
    truth = [[0, 0, 4, 4, 0], [10, 10, 14, 14, 0]]
    twice = [[0, 0, 4, 4, 0], [0, 0, 4, 4, 0], [10, 10, 14, 14, 0]]
    ap = average_precision(*one_image(twice, truth, [0.9, 0.8, 0.7]), num_classes=1)
    np.testing.assert_allclose(ap, (51 * 1 + 50 * 2 / 3) / 101)  # recalls to 0.5, and from 0.51


def test_a_box_that_overlaps_half_counts_at_a_half():
    ap = average_precision(*one_image([[0, 0, 3, 4, 0]], [[0, 0, 4, 4, 0]]), num_classes=1)
    np.testing.assert_array_equal(ap[:, 0], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0])  # its IoU is 0.75


def test_the_curve_read_off_at_101_recalls():
    assert interpolated(np.array([True, False, True, True]), 4) == pytest.approx((26 * 1 + 50 * 3 / 4) / 101)
    assert interpolated(np.zeros(0, bool), 3) == 0.0


@pytest.mark.parametrize(("k", "M"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_found_or_nothing_there(k, M):
    truth = np.tile([1.0, 1, 4, 4, 0], (2, M, 1))
    ap = average_precision(np.ones((2, k, 4)), np.zeros((2, k), int), np.ones((2, k)), truth, num_classes=1)
    np.testing.assert_array_equal(ap, np.full((10, 1), 0.0 if M else np.nan))


def test_pycocotools_value():
    """The definition itself, where it is installed."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    boxes, classes, scores, truth = random_case(np.random.default_rng(7), n=20)

    def entry(image, box, k):
        x1, y1, x2, y2 = (float(v) for v in box)
        return {"image_id": image + 1, "category_id": int(k) + 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}

    there = [(i, t) for i in range(20) for t in truth[i] if t[4] != NO_CLASS]
    annotations = [
        entry(i, t[:4], t[4]) | {"id": number, "area": float((t[2] - t[0]) * (t[3] - t[1])), "iscrowd": 0}
        for number, (i, t) in enumerate(there, 1)
    ]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i + 1} for i in range(20)],
        "categories": [{"id": k + 1} for k in range(4)],
        "annotations": annotations,
    }
    coco.createIndex()
    found = [
        entry(i, boxes[i, d], classes[i, d]) | {"score": float(scores[i, d])}
        for i in range(20) for d in range(boxes.shape[1]) if classes[i, d] != NO_CLASS
    ]  # fmt: skip
    judge = COCOeval(coco, coco.loadRes(found), "bbox")
    judge.evaluate()
    judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # (T, R, K), all areas, up to 100 boxes
    theirs = np.where((precision == -1).all(axis=1), np.nan, precision.mean(axis=1))
    ours = average_precision(boxes, classes, scores, truth, num_classes=4)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
