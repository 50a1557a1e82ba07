"""Runs of every task through the one loop: stopped and resumed to the same bits, shared among workers, evaluated again,
on the stand-in for CuPy.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.notes import Notes, Stops
from tests.support.small_run import SMALL_MODEL
from tinyvit.cli import main
from tinyvit.cli.finished import NEXT
from tinyvit.config.tasks import CONFIGS, task_config
from tinyvit.config.text_tasks import LETTERS, SENTENCES
from tinyvit.errors import UserError
from tinyvit.storage.files import HEAD, TASK
from tinyvit.storage.tensors import read_arrays
from tinyvit.tasks import ALL, TASKS, Task, task_of
from tinyvit.tasks.model_files import read_task_config
from tinyvit.training import TrainingInterrupted, data, recipe, resume, start, train
from tinyvit.vit import VisionTransformer

STEADY = dataclasses.replace(SMALL_MODEL, drop_path_rate=0.0)
ENCODER = dataclasses.replace(SMALL_MODEL, num_classes=0, pool="mean", drop_path_rate=0.0)
DIT = dataclasses.replace(STEADY, pool="mean", class_token=False, pos_embed="sincos2d")
SMALL = {  # fields of each task's config, for runs of a fraction of a second
    "transfer": {"model": dataclasses.replace(ENCODER, num_classes=10), "num_labels": 20},
    "mae": {"model": ENCODER, "decoder_embed_dim": 8, "decoder_num_heads": 2, "mask_ratio": 0.5},
    "segment": {"model": dataclasses.replace(STEADY, num_classes=11)},
    "detect": {"model": STEADY, "max_boxes": 4},
    "generate": {"model": DIT, "judge": "shipped", "steps": 2, "samples": 20, "dev_samples": 10},
    # Not the default temperature of 8: T² times the difference of two close logarithms has an error above 1e-6.
    "distill": {"model": STEADY, "temperature": 2.0},
    "tag": {"model": dataclasses.replace(SENTENCES, embed_dim=8, depth=1, num_heads=2), "num_sentences": 100},
    "sentiment": {"model": dataclasses.replace(LETTERS, embed_dim=8, depth=1, num_heads=2), "batch_size": 256},
    "continual": {
        "model": dataclasses.replace(ENCODER, num_classes=10),
        "classes_per_task": 5,
        "ema_decay": 0.0,
        "replay": 20,
    },
    "read": {
        "model": dataclasses.replace(ENCODER, img_size=(28, 84), class_token=False, num_registers=3, num_classes=10)
    },
}
WITHOUT_IMAGE_ENCODER = {"generate"}
CLASSIFIERS = {"transfer", "distill"}  # whose runs hold ordinary models and nothing else


OTHERS = [task for task in TASKS if task not in ("classify", *CLASSIFIERS)]


def of_tasks(tasks):
    return pytest.mark.parametrize("config", tasks, indirect=True)


@pytest.fixture(params=[task for task in TASKS if task != "classify"])
def config(request, tmp_path, monkeypatch, small_dataset):
    for place in (start, data):
        monkeypatch.setattr(place, "load_dataset", lambda *args, **kwargs: small_dataset)
    common = {"epochs": 2, "batch_size": 32, "ema_decay": 0.9, "workers": 1, "output": str(tmp_path / "run")}
    if request.param == "distill":
        common["teacher"] = str(tmp_path / "teacher")
        VisionTransformer(STEADY, rng=np.random.default_rng(7)).save_pretrained(common["teacher"])
    return task_config(request.param)(**common | SMALL[request.param])


def weights(folder):
    """All arrays of a model's folder: the encoder's, and what stands on it."""
    arrays = {}
    for file in sorted(folder.glob("*.safetensors")):
        arrays |= {f"{file.stem}.{name}": array for name, array in read_arrays(file).items()}
    return arrays


def assert_same_bits(one, other):
    for place in ("best", "last"):
        mine, theirs = weights(one / place), weights(other / place)
        assert mine.keys() == theirs.keys()
        assert [name for name in mine if not np.array_equal(mine[name], theirs[name])] == []
    assert (one / "metrics.csv").read_text() == (other / "metrics.csv").read_text()


def test_every_task_is_tried():
    assert SMALL.keys() | {"classify"} == TASKS.keys() == CONFIGS.keys() == NEXT.keys()


def test_a_stopped_run_ends_with_the_same_bits(config, tmp_path):
    whole = train(config, progress=Notes())
    stopped = dataclasses.replace(config, output=str(tmp_path / "stopped"))
    with pytest.raises(TrainingInterrupted):
        train(stopped, progress=Stops(3))
    history = resume(stopped.output, progress=Notes())
    assert_same_bits(whole.folder, history.folder)
    assert history.report == whole.report
    again = train(dataclasses.replace(config, output=str(tmp_path / "other"), seed=1), progress=Notes())
    assert again.epochs != whole.epochs


@of_tasks(OTHERS)
def test_the_saved_model_is_the_one_that_was_tested(config, tmp_path, capsys):
    history = train(config, progress=Notes())
    task, again = task_of(config), read_task_config(history.folder)
    assert again == dataclasses.replace(config, dataset=again.dataset)
    model = task.load(again, history.folder)
    dataset = history.best.dataset
    result = task.judge(again, task.answers(again, model, dataset, "test", ALL), dataset, "test")
    assert result.measures == pytest.approx(history.test.measures, rel=1e-6)
    for place in (history.folder, history.folder / "best"):
        assert main(["eval", str(place)]) == 0
        assert result.in_words in capsys.readouterr().out
    assert main(["plot", str(history.folder)]) == 0
    drawn = capsys.readouterr().out.split()
    assert len(drawn) > 1
    assert all((tmp_path / path).stat().st_size > 1000 for path in drawn)


@of_tasks(OTHERS)
def test_the_encoder_is_an_ordinary_model(config, tmp_path, capsys):
    history = train(config, progress=Notes())
    model = history.best.model
    assert (history.folder / "best" / TASK).is_file()
    assert (history.folder / "best" / HEAD).is_file()
    assert main(["info", str(history.folder)]) == (2 if config.task in WITHOUT_IMAGE_ENCODER else 0)
    if config.task in WITHOUT_IMAGE_ENCODER:
        assert config.task in capsys.readouterr().err
        return
    capsys.readouterr()
    Image.new("L", (40, 30), 90).save(tmp_path / "image.png")
    status = main(["predict", str(history.folder), str(tmp_path / "image.png")])
    assert status == (0 if type(task_of(config)).predict is not Task.predict else 2)
    said = capsys.readouterr()
    assert (said.out + said.err).count("\n") == 1
    encoder = VisionTransformer.from_pretrained(history.folder, num_classes=3)
    for name, array in model.encoder.parameters().items():
        np.testing.assert_array_equal(encoder.parameters()[name], array)


@pytest.mark.process
def test_two_workers_learn_the_same(config, tmp_path):
    # With SGD: of a gradient that is zero but for rounding, AdamW's first steps have full length.
    config = dataclasses.replace(config, ema_decay=0.0, opt="sgd", lr=0.01)
    alone = train(config, progress=Notes())
    team = train(dataclasses.replace(config, workers=2, output=str(tmp_path / "two")), progress=Notes())
    for one, two in zip(alone.epochs, team.epochs, strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-6)
        assert two["dev_loss"] == pytest.approx(one["dev_loss"], rel=1e-6)
    assert team.test.loss == pytest.approx(alone.test.loss, rel=1e-6)


def test_a_run_on_the_stand_in_is_that_of_the_cpu(config, tmp_path, request):
    cpu = train(dataclasses.replace(config, device="cpu"), progress=Notes())
    request.getfixturevalue("gpu")
    gpu = train(dataclasses.replace(config, device="cuda", output=str(tmp_path / "gpu")), progress=Notes())
    for one, two in zip(cpu.epochs, gpu.epochs, strict=True):
        assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-5)
        assert two["dev_loss"] == pytest.approx(one["dev_loss"], rel=1e-4)


@of_tasks(OTHERS)
@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_head_is_one_sentence(config, damage, capsys):
    history = train(config, progress=Notes())
    file = history.folder / "best" / HEAD
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else (history.folder / "last" / "training_state.safetensors").read_bytes())  # fmt: skip
    assert main(["eval", str(history.folder)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "Traceback" not in said


def test_flags_of_another_task_are_refused(capsys):
    assert main(["train", "--mask-ratio", "0.5"]) == 2
    assert "--mask-ratio is a flag of --task mae, got --task classify: leave one of them out" in capsys.readouterr().err
    assert main(["train", "--task", "mae", "--recipe", "best"]) == 2
    assert "no recipe called 'best' for the task mae: choose from default, quick" in capsys.readouterr().err


@of_tasks(["distill"])
def test_a_student_is_a_classifier_like_any_other(config, capsys):
    history = train(dataclasses.replace(config, epochs=1), progress=Notes())
    assert not (history.folder / "best" / TASK).exists()
    assert main(["eval", str(history.folder)]) == 0
    assert "accuracy" in capsys.readouterr().out
    student = VisionTransformer.from_pretrained(history.folder)
    assert student.config == history.best.config.model


@of_tasks(OTHERS)
def test_figures_go_where_they_are_asked_for(config, tmp_path, capsys):
    history = train(config, progress=Notes())
    place = tmp_path / "elsewhere"
    assert main(["eval", str(history.folder), "--figures", str(place)]) == 0
    drawn = [line for line in capsys.readouterr().out.splitlines() if line.endswith(".png")]
    assert drawn
    assert sorted(drawn) == sorted(map(str, place.iterdir()))


UNUSED = [(task, name) for task, kind in TASKS.items() for name in kind.unused]
OTHER_VALUES = {"augment": "shift", "label_smoothing": 0.1, "class_weights": "balanced"}


@pytest.mark.parametrize(("config", "name"), UNUSED, indirect=["config"])
def test_a_setting_that_would_be_passed_over_is_refused(config, name):
    changed = dataclasses.replace(config, **{name: OTHER_VALUES[name]})
    with pytest.raises(UserError, match=f"the task {config.task} has no use for {name}, got {OTHER_VALUES[name]}"):
        train(changed, progress=Notes())
    assert not Path(config.output).exists()


@of_tasks(["mae"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"patch_size": 28}, "choose a smaller patch_size"),
        ({"num_classes": 10}, "learns no classes, got num_classes 10"),
    ],
)
def test_what_is_no_masked_autoencoder(config, change, said):
    model = dataclasses.replace(config.model, **change)
    with pytest.raises(UserError, match=said):
        train(dataclasses.replace(config, model=model), progress=Notes())


def test_a_quick_continual_recipe_comes_to_all_tasks(small_dataset):
    TASKS["continual"].check(recipe("quick", "continual"), small_dataset)


@of_tasks(["continual"])
def test_every_task_takes_an_epoch(config):
    with pytest.raises(UserError, match="each of 2 tasks takes an epoch at least, got epochs 1: choose 2 or more"):
        train(dataclasses.replace(config, epochs=1), progress=Notes())


@of_tasks(OTHERS)
def test_flags_of_classifiers_are_refused(config, capsys):
    history = train(config, progress=Notes())
    for flags in (["--strict"], ["--threshold", "0.3"], ["--csv", "table.csv"], ["--split", "all"]):
        assert main(["eval", str(history.folder), *flags]) == 2
        assert config.task in capsys.readouterr().err
