"""What ships in data/ is what data/README.md says."""

import re
from pathlib import Path

import pytest

from tinyvit import VisionTransformer
from tinyvit.datasets import Split, load_dataset
from tinyvit.evaluation.evaluate import evaluate

DATA = Path(__file__).parents[1] / "data"
STATED = r"([\d,]+) parameters, patch 4, ([\d.]+) % on MNIST's test set"


def test_the_trained_model_is_small_and_reads_digits():
    folder = DATA / "mnist-vit"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 700_000
    model = VisionTransformer.from_pretrained(folder)
    page = (DATA / "README.md").read_text()
    parameters, accuracy = re.search(STATED, page).groups()
    assert model.num_parameters() == int(parameters.replace(",", ""))
    dataset = load_dataset("mnist")
    few = Split(dataset.test.images[:500], dataset.test.labels[:500])
    assert 100 * evaluate(model, few, dataset).accuracy > float(accuracy) - 2


@pytest.mark.slow
def test_the_trained_model_is_as_good_as_stated():
    dataset = load_dataset("mnist")
    accuracy = re.search(STATED, (DATA / "README.md").read_text())[2]
    result = evaluate(VisionTransformer.from_pretrained(DATA / "mnist-vit"), dataset.test, dataset)
    assert abs(100 * result.accuracy - float(accuracy)) < 0.02  # a matrix library may round two images differently
