"""New classes for a classifier: those that it knows keep their place and their images, whatever it was trained on."""

import dataclasses
import json
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.notes import Notes
from tests.support.small_run import SMALL_MODEL, small_dataset
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.config.add_classes import AddClassesConfig
from tinyvit.evaluation import dataset as evaluation_dataset
from tinyvit.evaluation.preprocessing import preprocessor_json
from tinyvit.pretrained import save_model_folder
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.storage.run_folder import read_run_config
from tinyvit.training import FinetuneConfig, TrainConfig, TrainingInterrupted, load_trained
from tinyvit.training.finetuning import add_classes, finetune
from tinyvit.training.finetuning.add_classes import settings_of
from tinyvit.training.finetuning.pretrained import with_more_classes
from tinyvit.training.step import TrainingStep

MODEL = ViTConfig(
    img_size=8, patch_size=4, in_chans=3, num_classes=2, embed_dim=8, depth=1, num_heads=2, mlp_ratio=2.0, init_std=0.3
)
QUICK = {"epochs": 2, "batch_size": 8, "lr": 1e-2, "device": "cpu", "threads": 2}
ACCENTED = unicodedata.normalize("NFC", "né")


def draw(folder, names, count, size=9, mode="RGB"):
    """Noise of another brightness for each class, in `folder/<split>/<name>/`."""
    for split in ("train", "val", "test"):
        for name in names:
            (place := Path(folder) / split / name).mkdir(parents=True)
            rng = np.random.default_rng([*name.encode(), *split.encode()])
            for k in range(count):
                pixels = rng.integers(0, 60, (size, size, 3)) + 15 * (len(name) + ord(name[0]) % 5)
                Image.fromarray(np.minimum(pixels, 255).astype(np.uint8)).convert(mode).save(place / f"{k}.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with `run`, fine-tuned on `old` of two classes, and `new` with two others and one of those."""
    root = tmp_path_factory.mktemp("trained")
    VisionTransformer(MODEL, rng=np.random.default_rng(0)).save_pretrained(root / "model")
    draw(root / "old", ["bee", ACCENTED], 6)
    draw(root / "new", ["cat", "Ant", unicodedata.normalize("NFD", ACCENTED)], 4)
    places = {"pretrained": root / "model", "data_dir": root / "old", "output": root / "run"}
    finetune(FinetuneConfig(**places, **QUICK, flip=0.25))
    return root


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    """The same to work in."""
    monkeypatch.chdir(shutil.copytree(trained, tmp_path / "place"))
    config = json.loads(Path("run/config.json").read_text())
    Path("run/config.json").write_text(json.dumps(config | {"data_dir": "old"}))
    return tmp_path / "place"


@pytest.fixture
def digits(tmp_path, monkeypatch):
    """A folder with `run`, the model of a run on 200 digits, and `new`, grey images of two other classes."""
    monkeypatch.chdir(tmp_path)
    dataset = small_dataset()
    monkeypatch.setattr(evaluation_dataset, "load_dataset", lambda *args, **kwargs: dataset)
    model = VisionTransformer(SMALL_MODEL, rng=np.random.default_rng(0))
    more = {PREPROCESSOR: preprocessor_json(dataset, TrainConfig(model=SMALL_MODEL))}
    save_model_folder(Path("run"), model.config, model.parameters(), more, dataset.class_names)
    draw("new", ["A", "b"], 5, size=40, mode="L")
    return dataset


def added(pretrained="run", data_dir="new", output="more", *, progress=None, **options):
    config = AddClassesConfig(**QUICK | {"pretrained": pretrained, "data_dir": data_dir, "output": output} | options)
    return add_classes(config, progress=progress)


def same_weights(first, second):
    for name, array in load_trained(first)[0].parameters().items():
        np.testing.assert_array_equal(array, load_trained(second)[0].parameters()[name])


@pytest.mark.parametrize("changes", [{}, {"pool": "cls+dist", "num_registers": 1}, {"pool": "map", "stem": "conv"}])
def test_known_classes_keep_their_columns(changes):
    model = VisionTransformer(dataclasses.replace(MODEL, num_classes=5, **changes), rng=np.random.default_rng(0))
    images = np.random.default_rng(1).standard_normal((3, 3, 8, 8)).astype(np.float32)
    before, after = model.predict(images), with_more_classes(model, 7).predict(images)
    np.testing.assert_array_equal(after[:, :5], before)
    np.testing.assert_array_equal(after[:, 5:], 0)


def test_old_names_come_first_and_accents_make_no_new_one(place, capsys):
    notes = Notes()
    history = added(progress=notes)
    assert load_trained("more")[1].class_names == ("bee", ACCENTED, "Ant", "cat")
    assert any("2 new classes behind the 2 known: Ant, cat" in note for note in notes.notes)
    assert any("1 known already, trained further" in note for note in notes.notes)
    assert any("half of each batch are 12 kept images" in note for note in notes.notes)
    config = read_run_config("more")
    assert (config.num_known, config.num_kept, config.replay_dir) == (2, 12, str(place / "old"))
    assert set(history.test.measures) == {"average_accuracy", "known_accuracy", "new_accuracy"}
    assert history.test.all_classes.labels.size == 12 + 12
    assert "classes known before" in Path("more/report.txt").read_text()
    assert main(["eval", "more"]) == 0  # all that it learned from, the kept images too
    assert "test split of new, 24 images" in capsys.readouterr().out
    assert main(["predict", "more", "new/test/cat/0.png"]) == 0
    assert main(["plot", "more"]) == 0


def test_classes_are_added_again_and_again(place):
    added()
    draw("third", ["dodo"], 4)  # one class will do
    added("more", "third", "most")
    assert load_trained("most")[1].class_names == ("bee", ACCENTED, "Ant", "cat", "dodo")
    assert read_run_config("most").num_kept == 24  # of all that was learned, replayed or not
    assert len(json.loads(Path("most/replay.json").read_text())["train"]) == 24


@pytest.mark.parametrize(
    "options", [{}, {"replay": 0, "ema_decay": 0.9, "batch_size": 200}, {"replay": 4, "tune": "head", "mixup": 0.5}]
)
def test_stopped_and_resumed_it_has_the_same_weights(place, monkeypatch, options):
    added(output="whole", **options)
    take_step = TrainingStep.__call__

    def stops(self, step):
        loss = take_step(self, step)
        if step == 2:
            raise KeyboardInterrupt
        return loss

    monkeypatch.setattr(TrainingStep, "__call__", stops)
    with pytest.raises((KeyboardInterrupt, TrainingInterrupted)):
        added(checkpoint_seconds=0.0, **options)
    monkeypatch.undo()
    monkeypatch.chdir(place)
    shutil.move("more", "moved")
    if options.get("replay") != 0:
        shutil.move("old", "elsewhere")
    shutil.rmtree("run")  # what it began with is not needed any more
    flags = ["--replay-dir", "elsewhere"] if Path("elsewhere").exists() else []
    assert main(["finetune", "--resume", "moved", *flags]) == 0
    same_weights("whole/last", "moved/last")


def test_digits_are_kept_and_new_images_prepared_as_drawings(digits):
    history = added(replay=40)
    config = read_run_config("more")
    assert (config.num_known, config.num_kept, config.replay_dir) == (10, 40, None)
    kept = json.loads(Path("more/replay.json").read_text())
    assert sorted(row["labels"][0] for row in kept["train"]) == sorted([*range(10)] * 4)
    image = np.asarray(Image.open(Path("more/replay") / kept["train"][0]["path"]))
    assert (digits.train.images == image).all(axis=(1, 2, 3)).any()
    model, preprocessing = load_trained("more")
    assert preprocessing.class_names == (*map(str, range(10)), "A", "b")
    assert preprocessing.is_drawing
    assert not preprocessing.looks_for_digits
    light = Image.fromarray(255 - image)
    light.save("light.png")
    np.testing.assert_array_equal(preprocessing.prepare("light.png").image[0], image)
    assert history.test.accuracy_before == config.accuracy_before
    assert main(["finetune", "--resume", "more"]) == 0
    assert model.config.num_classes == 12


@pytest.mark.parametrize("replay_dir", [None, "data"])
def test_data_that_are_gone_or_of_other_classes_are_told(place, replay_dir, capsys):
    (place / "old/train/bee/0.png").unlink()
    flags = ["--replay-dir", "new"] if replay_dir else []
    start = ["finetune", "--model", "run", "--data-dir", "new", "--add-classes", "--output", "more", "--epochs", "1"]
    status = main([*start, *flags])
    out, err = capsys.readouterr()
    if replay_dir:
        assert (status, err.count("\n")) == (2, 1)
        assert "name their classes differently" in err
        assert not Path("more").exists()
    else:
        assert status == 0
        assert "What the model learned from cannot be had" in out
        assert "learning without forgetting" in out
        assert "how much was forgotten could not be measured" in out
        assert Path("more/teacher").is_dir()


@pytest.mark.parametrize("model", ["run", "plain"])
def test_images_to_replay_may_be_named(place, model):
    shutil.move("old", "elsewhere")
    shutil.copytree("run/best", "plain")  # a model in no run, which names its classes
    added(model, replay_dir="elsewhere")
    assert read_run_config("more").num_kept == 12


def test_settings_are_those_of_the_run_or_suit_a_small_model(place):
    assert settings_of("run")["flip"] == 0.25
    assert settings_of("run")["lr"] == 1e-2
    assert {"data_dir", "output", "class_weights", "model"}.isdisjoint(settings_of("run"))
    shutil.copytree("run/best", "plain")
    assert settings_of("plain") == {}


def test_digits_are_not_mirrored(digits):
    assert settings_of("run") == {"epochs": 10, "lr": 1e-3, "crop_scale": 0.8, "flip": 0.0}


def no_new_class():
    draw("same", ["bee"], 2)
    return {"--data-dir": "same"}, "has no class that run does not know (bee): add a folder with images of a new one"


def no_head():
    VisionTransformer(dataclasses.replace(MODEL, num_classes=0), rng=np.random.default_rng(0)).save_pretrained("bare")
    return {"--model": "bare"}, "bare has no head, so it names no classes"


def no_names():
    return {"--model": "model"}, "model has no names for its classes, so which are new cannot be told"


def several_labels():
    return {"--multi-label": None}, "--add-classes is for models that give each image one class"


def another_size():
    return {"--img-size": "16"}, "--img-size would change what the classes known before are seen at"


def no_folder():
    return {"--data-dir": "nowhere"}, "nowhere does not exist"


def no_replay_folder():
    return {"--replay-dir": "nowhere"}, "nowhere does not exist"


def less_than_none():
    return {"--replay": "-1"}, "replay must be a whole number of at least 0"


@pytest.mark.parametrize(
    "spoil",
    [no_new_class, no_head, no_names, several_labels, another_size, no_folder, no_replay_folder, less_than_none],
)
def test_what_cannot_be_added_gets_one_sentence(place, spoil, capsys):
    changed, sentence = spoil()
    flags = {"--model": "run", "--data-dir": "new", "--output": "more"} | changed
    given = [part for flag, value in flags.items() for part in (flag, value) if part is not None]
    assert main(["finetune", "--add-classes", *given]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("more").exists()


@pytest.mark.parametrize("flags", [["--replay", "3"], ["--replay-dir", "old"]])
def test_replay_is_for_added_classes(place, flags, capsys):
    assert main(["finetune", "--model", "run", "--data-dir", "new", *flags]) == 2
    assert f"{flags[0]} is for --add-classes: give that too, or leave it out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--resume", "run", "--replay-dir", "old"], "--replay-dir is for runs of --add-classes, and run is none"),
        (["--resume", "run", "--add-classes"], "got also: add_classes"),
        (["--model", "run", "--labels", "10", "--add-classes"], "--add-classes is for images in folders"),
    ],
)
def test_flags_that_do_not_go_together(place, flags, sentence, capsys):
    assert main(["finetune", *flags]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


def test_what_is_not_as_it_was_stops_resuming(place, capsys):
    added()
    for path in Path("old/train/bee").glob("*.png"):
        Image.new("RGB", (9, 9)).save(path)
    assert main(["finetune", "--resume", "more"]) == 2
    assert "give another folder that has them with --replay-dir" in capsys.readouterr().err
    assert main(["eval", "more"]) == 0  # the new images alone
    assert "The classes known before are not measured" in capsys.readouterr().out
