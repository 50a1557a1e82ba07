"""What ships in data/ is what data/README.md says."""

import re
from pathlib import Path

from tinyvit import VisionTransformer
from tinyvit.datasets import load_dataset
from tinyvit.training import evaluate

DATA = Path(__file__).parents[1] / "data"


def test_the_trained_model_is_small_and_as_good_as_stated():
    folder = DATA / "mnist-vit"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 700_000
    model = VisionTransformer.from_pretrained(folder)
    page = (DATA / "README.md").read_text()
    parameters, accuracy = re.search(r"([\d,]+) parameters, patch 4, ([\d.]+) % on MNIST's test set", page).groups()
    assert model.num_parameters() == int(parameters.replace(",", ""))
    dataset = load_dataset("mnist")
    result = evaluate(model, dataset.test, dataset)
    assert (
        abs(100 * result.accuracy - float(accuracy)) < 0.02
    )  # another matrix library may round two images differently
