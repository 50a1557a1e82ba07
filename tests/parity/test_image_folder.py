"""Folders of images have the classes, and the files in the order, that torchvision gives them."""

import pytest

from tinyvit.datasets.image_folder import list_folder


def test_classes_and_files_are_those_of_torchvision(tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    for name in ("b/2.png", "b/10.png", "B/x.jpg", "a/z/deep.png", "a/k.JPG", "é/1.webp", "a/no.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    theirs = datasets.ImageFolder(tmp_path)
    ours = list_folder(tmp_path, dev_share=0, test_share=0)
    assert list(ours.class_names) == theirs.classes
    samples = zip(map(str, ours.train.paths), ours.train.labels.tolist(), strict=True)
    assert list(samples) == theirs.samples
