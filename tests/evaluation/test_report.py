import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.evaluation.report import classification_report, confusion_by_name, confusion_matrix, confusion_text

# What scikit-learn 1.9 prints for these with labels=range(5), digits=4, zero_division=0.0.
# Class 3 is absent from the labels and one name is longer than "weighted avg".
LABELS = [0, 0, 1, 1, 1, 2, 2, 2, 2, 4, 4]
PREDICTIONS = [0, 1, 1, 1, 0, 2, 2, 1, 2, 3, 4]
NAMES = ["cat", "dog", "ship", "a very long class name", "x"]
EXPECTED = """\
                        precision    recall  f1-score   support

                   cat     0.5000    0.5000    0.5000         2
                   dog     0.5000    0.6667    0.5714         3
                  ship     1.0000    0.7500    0.8571         4
a very long class name     0.0000    0.0000    0.0000         0
                     x     1.0000    0.5000    0.6667         2

              accuracy                         0.6364        11
             macro avg     0.6000    0.4833    0.5190        11
          weighted avg     0.7727    0.6364    0.6797        11
"""
MICRO = "             micro avg     0.6364    0.6364    0.6364        11\n"

# The same for labels 0, 0, 1, 1, 2, 2 and digits=2: class 2 is never predicted.
EXPECTED_NEVER_PREDICTED = """\
              precision    recall  f1-score   support

           0       0.67      1.00      0.80         2
           1       0.67      1.00      0.80         2
           2       0.00      0.00      0.00         2

    accuracy                           0.67         6
   macro avg       0.44      0.67      0.53         6
weighted avg       0.44      0.67      0.53         6
"""


def without_micro(report: str) -> str:
    return "".join(line for line in report.splitlines(keepends=True) if "micro avg" not in line)


def test_confusion_matrix_has_true_rows_and_predicted_columns():
    confusion = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0], dtype=np.uint8), 4)
    assert confusion.dtype == np.int64
    np.testing.assert_array_equal(confusion, [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])


def test_confusion_matrix_of_small_integers_does_not_overflow():
    classes = np.arange(100, dtype=np.uint8)
    np.testing.assert_array_equal(confusion_matrix(classes, classes[::-1], 100), np.eye(100)[:, ::-1])


@pytest.mark.parametrize(("labels", "predictions"), [([0, 3], [0, 0]), ([0, 0], [-1, 0]), ([0, 1], [0])])
def test_confusion_matrix_refuses_what_it_cannot_count(labels, predictions):
    with pytest.raises(UserError):
        confusion_matrix(np.array(labels), np.array(predictions), 3)


def test_report_is_what_scikit_learn_prints():
    report = classification_report(confusion_matrix(LABELS, PREDICTIONS, 5), NAMES)
    assert without_micro(report) == EXPECTED
    lines = report.splitlines(keepends=True)
    assert lines[-3] == MICRO
    assert "macro avg" in lines[-2]


def test_a_class_that_is_never_predicted_scores_zero():
    confusion = confusion_matrix([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 0, 1], 3)
    report = classification_report(confusion, ["0", "1", "2"], digits=2)
    assert without_micro(report) == EXPECTED_NEVER_PREDICTED


def test_report_of_nothing_is_all_zeros():
    report = classification_report(np.zeros((2, 2), dtype=np.int64), ["a", "b"])
    assert "nan" not in report
    assert report.splitlines()[-1].split() == ["weighted", "avg", "0.0000", "0.0000", "0.0000", "0"]


def test_report_needs_a_name_for_each_class():
    with pytest.raises(UserError, match="3 classes, got 2 class names"):
        classification_report(np.eye(3, dtype=np.int64), ["a", "b"])


def test_only_classes_that_occur_are_counted():
    names = [f"class {k}" for k in range(1000)]
    labels, predictions = np.array([7, 7, 900, 3]), np.array([7, 500, 900, 7])
    confusion, shown = confusion_by_name(labels, predictions, names)
    assert shown == ["class 3", "class 7", "class 500", "class 900"]
    np.testing.assert_array_equal(confusion, [[0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]])


def test_confusion_as_text():
    text = confusion_text(np.array([[1200, 3], [0, 7]]), ["a long name", "b"])
    assert text.splitlines()[2:] == [
        "             a long …         b",
        "a long name     1,200         3",
        "          b         0         7",
    ]


def test_confusion_of_many_classes_as_text():
    confusion = np.diag(np.full(40, 1000))
    assert confusion_text(confusion, [str(k) for k in range(40)]).endswith("\n\nnone\n")
    confusion[3, 7], confusion[9, 0] = 12, 25
    lines = confusion_text(confusion, [str(k) for k in range(39)] + ["x" * 100]).splitlines()
    assert lines[2:] == ["9 -> 0: 25 of 1,025", "3 -> 7: 12 of 1,012"]
