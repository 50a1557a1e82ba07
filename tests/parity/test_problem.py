"""Probabilities of multi-label models and of a single logit are those of transformers' pipeline."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from tests.support.oracles import transformers
from tinyvit.course import stand_in_folder
from tinyvit.evaluation.answers import answers, read_images
from tinyvit.training import load_classifier

pytestmark = pytest.mark.skipif(transformers is None, reason="transformers is not installed")


@pytest.mark.parametrize(
    ("said", "num_classes"),
    [
        ("multi_label_classification", 5),
        ("multi_label_classification", 2),
        ("multi_label_classification", 1),
        (None, 1),
        (None, 3),
        ("single_label_classification", 4),
    ],
)
def test_probabilities_are_the_pipelines(tmp_path, said, num_classes):
    folder = shutil.copytree(stand_in_folder(), tmp_path / "model")
    values = json.loads((folder / "config.json").read_text()) | {"problem_type": said}
    names = [f"class {k}" for k in range(num_classes)]
    values |= {"id2label": dict(enumerate(names)), "label2id": {name: k for k, name in enumerate(names)}}
    (folder / "config.json").write_text(json.dumps(values))
    arrays = load_file(folder / "model.safetensors")
    for part in ("classifier.weight", "classifier.bias"):
        arrays[part] = arrays[part][:num_classes].copy()
    save_file(arrays, folder / "model.safetensors", metadata={"format": "pt"})
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for k, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (40, 30 + k, 3)).astype(np.uint8)).save(path)

    model, preprocessing = load_classifier(folder)
    ours = answers(
        model,
        read_images(preprocessing, paths),
        preprocessing.mean,
        preprocessing.std,
        multi_label=preprocessing.multi_label,
    )
    processor = transformers.ViTImageProcessorPil.from_pretrained(folder)
    theirs = transformers.ImageClassificationPipeline(
        model=transformers.ViTForImageClassification.from_pretrained(folder), image_processor=processor, device="cpu"
    )
    for answer, path in zip(ours, paths, strict=True):
        wanted = {score["label"]: score["score"] for score in theirs(Image.open(path), top_k=num_classes)}
        np.testing.assert_allclose(answer.probs, [wanted[name] for name in names], rtol=2e-5)
