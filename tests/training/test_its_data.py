"""Training from nothing on one's own images and arrays: fitted, resumed to the bit, measured, and protected."""

import dataclasses
import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.kills import compare
from tests.support.notes import Notes, Stops
from tinyvit import ViTConfig
from tinyvit.cli import main
from tinyvit.datasets import Dataset, Split
from tinyvit.errors import UserError
from tinyvit.tasks.fit import FREE, fitted, fitting_patch
from tinyvit.training import TrainConfig, TrainingInterrupted, data, load_trained, read_run_config, resume, train

COLOURS = {"blue": (30, 60, 200), "green": (40, 180, 60), "red": (210, 50, 40)}


@pytest.fixture
def photos(tmp_path):
    """Coloured noise of many sizes, in one folder for each of three colours."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(20):
            height, width = rng.integers(20, 60, 2)
            pixels = np.clip(np.array(colour) + rng.normal(0, 25, (height, width, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / name / f"{index}.png")
    return tmp_path / "photos"


@pytest.fixture
def arrays(tmp_path):
    """IDX files of four classes, a bright stripe each, 12 x 16 pixels."""
    rng = np.random.default_rng(0)
    (tmp_path / "arrays").mkdir()
    for split, n in (("train", 80), ("t10k", 24)):
        labels = rng.permutation(np.arange(n) % 4).astype(np.uint8)
        images = rng.integers(0, 90, (n, 12, 16), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 4 * label : 4 * label + 4] += 150
        for kind, values in (("images", images), ("labels", labels)):
            header = struct.pack(f">{1 + values.ndim}I", 0x800 | values.ndim, *values.shape)
            (tmp_path / "arrays" / f"my-{split}-{kind}").write_bytes(header + values.tobytes())
    return tmp_path / "arrays"


def config_of(tmp_path, folder, **changes):
    model = ViTConfig(
        img_size=28, patch_size=7, in_chans=1, num_classes=10, embed_dim=16, depth=1, num_heads=2, mlp_ratio=2.0
    )
    usual = {"output": str(tmp_path / "run"), "epochs": 2, "batch_size": 8, "workers": 1, "device": "cpu", "lr": 0.01}
    return TrainConfig(model=model, data_dir=str(folder), **(usual | changes))


def test_a_folder_of_images_is_learned_measured_and_predicted(tmp_path, photos, capsys):
    flags = [
        "--embed-dim",
        "16",
        "--num-heads",
        "2",
        "--depth",
        "1",
        "--epochs",
        "4",
        "--batch-size",
        "8",
        "--workers",
        "1",
    ]
    run = str(tmp_path / "run")
    assert main(["train", "--data-dir", str(photos), "--output", run, *flags, "--lr", "0.01", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "images of 64x64 pixels, RGB, take 0.7 MiB and are held in memory" in said
    assert "fitted to the data: img_size 64, in_chans 3, num_classes 3, patch_size 8" in said
    config = read_run_config(run)
    assert (config.dataset, config.model.input_shape, config.model.patch_size) == ("folder", (3, 64, 64), 8)
    _, preprocessing = load_trained(run)
    assert preprocessing.class_names == ("blue", "green", "red")
    assert not preprocessing.built_in
    assert len(preprocessing.mean) == 3
    assert main(["eval", run]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "accuracy" in line)
    accuracy = float(line.split("accuracy ")[1].split(" %")[0])
    assert accuracy == pytest.approx(float((Path(run) / "report.txt").read_text().split()[2]), abs=0.01)
    assert accuracy > 90
    assert main(["predict", run, str(photos / "red" / "0.png")]) == 0
    assert "red (" in capsys.readouterr().out.split(",")[0]
    assert {path.name for path in (Path(run) / "figures").iterdir()} > {"confusion.png", "mistakes.png", "curves.png"}


@pytest.mark.parametrize(("kind", "workers"), [("photos", 1), ("photos", 2), ("arrays", 1)])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, kind, workers, request):
    config = config_of(tmp_path, request.getfixturevalue(kind), workers=workers)
    whole = train(dataclasses.replace(config, output=str(tmp_path / "whole")), free=FREE)
    with pytest.raises(TrainingInterrupted):
        train(config, progress=Stops(5), free=FREE)
    again = resume(config.output)
    compare(again.folder, whole.folder)
    assert again.report == whole.report


CHANGES = {
    "an image is gone": lambda photos: (photos / "red" / "3.png").unlink(),
    "an image is another": lambda photos: shutil.copy(photos / "red" / "4.png", photos / "red" / "3.png"),
    "a class is renamed": lambda photos: (photos / "red" / "3.png").parent.rename(photos / "crimson"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_run_does_not_go_on_with_other_images(tmp_path, photos, change):
    config = config_of(tmp_path, photos)
    with pytest.raises(TrainingInterrupted):
        train(config, progress=Stops(3), free=FREE)
    change(photos)
    before = {path: path.read_bytes() for path in Path(config.output).rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"not those that .*run began with"):
        resume(config.output)
    assert {path: path.read_bytes() for path in Path(config.output).rglob("*") if path.is_file()} == before


def test_a_run_goes_on_where_its_images_have_moved_to(tmp_path, photos):
    config = config_of(tmp_path, photos)
    with pytest.raises(TrainingInterrupted):
        train(config, progress=Stops(3), free=FREE)
    photos.rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="give its new place with --data-dir"):
        resume(config.output)
    assert len(resume(config.output, data_dir=str(tmp_path / "elsewhere")).epochs) == 2


@pytest.mark.parametrize("name", ["my-train-images", "my-train-labels"])
def test_a_run_does_not_go_on_with_other_arrays(tmp_path, arrays, name):
    config = config_of(tmp_path, arrays)
    with pytest.raises(TrainingInterrupted):
        train(config, progress=Stops(3), free=FREE)
    content = bytearray((arrays / name).read_bytes())
    content[-1] = (content[-1] + 1) % 4
    (arrays / name).write_bytes(content)
    with pytest.raises(UserError, match=r"data of arrays are not those that .*run began with \(.*differ\)"):
        resume(config.output)


def test_arrays_of_ones_own_are_measured_again(tmp_path, arrays, capsys):
    config = config_of(tmp_path, arrays, epochs=6)
    history = train(config, progress=(notes := Notes()), free=FREE)
    assert any("fitted to the data: img_size (12, 16), num_classes 4, patch_size 2" in note for note in notes.notes)
    run = str(history.folder)
    for flags in ([], ["--data-dir", str(arrays)]):
        assert main(["eval", run, *flags]) == 0
        said = capsys.readouterr().out
        assert f"accuracy {100 * history.test.accuracy:.2f} %" in said
        assert "24 images" in said
    picture = tmp_path / "one.png"
    Image.fromarray(history.best.dataset.test.images[0, 0]).save(picture)
    assert main(["predict", run, str(picture)]) == 0
    label = history.test.predictions[0]
    assert capsys.readouterr().out.startswith(f"{picture}: {label} (")


@pytest.mark.parametrize("verb", ["train", "eval"])
def test_a_second_file_for_the_same_is_told_and_not_strict(verb, tmp_path, arrays, capsys):
    run = str(train(config_of(tmp_path, arrays, epochs=1), free=FREE).folder)
    images = next(path for path in arrays.rglob("*") if "images" in path.name)
    (images.parent / f"{images.name}.gz").write_bytes(gzip.compress(images.read_bytes()))
    words = ["eval", run] if verb == "eval" else ["train", "--epochs", "1", "--output", str(tmp_path / "other")]
    assert main([*words, "--data-dir", str(arrays), "--strict"]) == 2
    said = capsys.readouterr()
    assert "was left out: there is another file for the same" in said.out
    assert "1 file was left out or cannot be used, as told above, and --strict forbids" in said.err
    assert not (tmp_path / "other").exists()


def test_a_model_of_other_sizes_or_classes_is_refused(tmp_path, arrays, capsys):
    mnist = str(Path(data.__file__).parents[2] / "data" / "mnist-vit")
    assert main(["eval", mnist, "--data-dir", str(arrays)]) == 2
    assert "(1, 12, 16), but the model takes (1, 28, 28)" in capsys.readouterr().err


def test_grey_images_of_one_small_size_keep_it(tmp_path, photos):
    for path in photos.rglob("*.png"):
        Image.open(path).convert("L").resize((20, 24)).save(path)
    history = train(config_of(tmp_path, photos, epochs=1), progress=(notes := Notes()), free=FREE)
    assert read_run_config(history.folder).model.input_shape == (1, 24, 20)
    assert any("60 images of 24x20 pixels, grey" in note for note in notes.notes)


def test_fields_that_were_given_stay(tmp_path, photos):
    config = config_of(tmp_path, photos, epochs=1)
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, img_size=80, patch_size=10))
    history = train(config, free=("img_size", "num_classes", "in_chans"))
    assert read_run_config(history.folder).model.input_shape == (3, 60, 60)  # the multiple of 10 next to 64
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, img_size=40))
    history = train(config, free=("num_classes",), overwrite=True)
    assert read_run_config(history.folder).model.input_shape == (1, 40, 40)


@pytest.mark.parametrize(("in_chans", "is_laid"), [(4, False), (2, False), (3, True), (1, True), (None, True)])
def test_what_is_told_of_transparency_is_true_of_the_model(tmp_path, photos, in_chans, is_laid):
    place = next(photos.rglob("*.png")).parent
    pixels = np.random.default_rng(0).integers(0, 256, (30, 30, 4), np.uint8)
    Image.fromarray(pixels).save(place / "seen_through.png")
    config, notes = config_of(tmp_path, photos, epochs=1), Notes()
    free = FREE if in_chans is None else tuple({*FREE} - {"in_chans"})
    if in_chans:
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, in_chans=in_chans))
    history = train(config, progress=notes, free=free)
    assert any("1 image is transparent in part, and laid over white" in note for note in notes.notes) == is_laid
    assert any("so nothing is laid over white or black" in note for note in notes.notes) != is_laid
    data = history.best.dataset
    images = np.concatenate([data.train.images, data.dev.images, data.test.images])
    assert images.shape[1] == (in_chans or 3)
    if not is_laid:
        assert images[:, -1].min() < 255 == images[:, -1].max()


def test_images_that_do_not_fit_into_memory_are_refused_first(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("tinyvit.datasets.memory.free_memory", lambda: 500_000)
    with pytest.raises(UserError, match=r"60 images of 64x64 pixels, RGB, take 0\.7 MiB of memory, and 0\.5 MiB are"):
        train(config_of(tmp_path, photos), free=FREE)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "free", "sentence"),
    [
        ({"dataset": "folder", "data_dir": None}, FREE, "give their folder with --data-dir"),
        ({"dataset": "idx", "data_dir": None}, FREE, "give their folder with --data-dir"),
        ({"data_dir": "nowhere"}, FREE, "nowhere does not exist"),
        ({}, (), "num_classes"),
        ({"augment": "shift", "shift": 64}, FREE, "moves images of 64 pixels by up to 64, out of sight: choose less"),
        ({"translate": 999999.0}, FREE, "translate moves images of 64 pixels by up to 999999, out of sight"),
    ],
)
def test_what_makes_no_sense_is_said_before_a_run_begins(tmp_path, photos, changes, free, sentence):
    config = dataclasses.replace(config_of(tmp_path, photos), **changes)
    with pytest.raises(UserError, match=sentence):
        train(config, free=free)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("height", "width", "usual", "wanted"),
    [
        (28, 28, 7, 7),
        (32, 32, 7, 4),
        (64, 64, 7, 8),
        (96, 96, 7, 12),
        (224, 224, 7, 7),
        (20, 24, 7, 2),
        (29, 29, 7, 1),
        (30, 15, 4, 3),
    ],
)
def test_patches_are_the_usual_ones_or_about_64(height, width, usual, wanted):
    assert fitting_patch(height, width, usual) == wanted


def test_patches_that_do_not_divide_are_answered_with_others():
    split = Split(np.zeros((1, 1, 28, 28), np.uint8), np.zeros(1, np.int64))
    dataset = Dataset("mine", ("0",), 0.5, 0.5, split, split, split)
    with pytest.raises(
        UserError, match=r"28x28 pixels, which do not divide into patches of 8x8: choose .* 1, 2, 4, 7, 14, 28"
    ):
        fitted(ViTConfig(img_size=64, patch_size=8), dataset, ("img_size",), print)
