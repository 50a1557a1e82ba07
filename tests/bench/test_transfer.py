"""The comparison with and without pretraining, on so few images that it takes seconds."""

import dataclasses

from PIL import Image

from tinyvit.bench import transfer


def test_both_starts_are_tried_with_every_seed(tmp_path):
    few = {"train": 4, "val": 2, "test": 3}
    quick = dataclasses.replace(transfer.SETTINGS, epochs=1)
    lines = []
    accuracies = transfer.transfer(
        tmp_path, [0, 7], old=few, new=few, settings=quick, pretraining=quick, say=lines.append
    )
    assert list(accuracies) == ["random weights", "pretrained"]
    assert all(len(values) == 2 and all(0 <= value <= 1 for value in values) for values in accuracies.values())
    assert len(lines) == 5
    assert (tmp_path / "pretrained-7" / "config.json").exists()
    assert sorted(path.name for path in (tmp_path / "new" / "train").iterdir()) == ["5", "6", "7", "8", "9"]
    for split, count in few.items():
        pictures = list((tmp_path / "new" / split / "9").iterdir())
        assert len(pictures) == count
        with Image.open(pictures[0]) as picture:
            assert (picture.mode, picture.size) == ("RGB", (32, 32))
