"""Models of tasks in the page: what they find is what `tinyvit predict` and `tinyvit sample` find."""

import json

import numpy as np
import pytest

from tests.support.toy_tasks import TOYS
from tinyvit import UserError
from tinyvit.backend import generator
from tinyvit.config.tasks import CONFIGS
from tinyvit.datasets import Dataset, Split, normalize
from tinyvit.evaluation.preprocessing import preprocessor_json
from tinyvit.evaluation.sampling import sample
from tinyvit.page import open_studio, task_studio
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.tasks import task_of
from tinyvit.tasks.detect import surest
from tinyvit.tasks.mae import random_mask, reconstruction
from tinyvit.tasks.model_files import save_model
from tinyvit.tasks.segment import predicted_masks

NAMES = tuple("abcde")


@pytest.fixture
def dataset():
    rng = np.random.default_rng(1)

    def split(n):
        return Split(rng.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), rng.integers(0, 5, n))

    return Dataset("mnist", NAMES, 0.4, 0.3, split(30), split(13), split(7), built_in=True)


@pytest.fixture
def opened(tmp_path, open_page, dataset, monkeypatch):
    """Opens the page of a toy of a task; returns it, its config and its model."""

    def opened(task, **changes):
        config = CONFIGS[task](**TOYS[task] | changes)
        rng = np.random.default_rng(0)
        model = task_of(config).build(config, rng)
        for array in model.parameters().values():
            array += 0.1 * rng.standard_normal(array.shape).astype(array.dtype)
        more = {PREPROCESSOR: preprocessor_json(dataset, config)}
        save_model(tmp_path / "run", config, model, more, NAMES)
        monkeypatch.setattr(task_studio, "read_dataset", lambda *_: dataset)
        return open_page(open_studio(tmp_path / "run")), config, model

    return opened


def example(page, index=0):
    pixels = page.arrays("GET", f"/example?index={index}")[0]["pixels"].astype(np.uint8)
    return pixels, normalize(pixels[None], 0.4, 0.3)


@pytest.mark.parametrize("task", ["mae", "segment", "detect"])
def test_about(opened, task):
    page, config, model = opened(task)
    about = json.loads(page("GET", "/about")[2])
    assert (about["task"], about["name"], about["examples"]) == (task, "run", 7)
    assert about["class_names"] == (["background"] if task == "segment" else []) + [*NAMES]
    assert about["parameters"] == model.num_parameters()
    assert about["config"] == config.model.to_dict()
    assert about["drawn"]


def test_a_masked_autoencoder_paints(opened):
    page, config, model = opened("mae")
    pixels, x = example(page)
    for seed in (0, 7):
        found, _ = page.arrays("POST", f"/task?seed={seed}", pixels.tobytes())
        ids, hidden = random_mask(config, 1, generator(seed, "look"))
        np.testing.assert_array_equal(found["hidden"], hidden[0])
        painted = np.clip(255 * (reconstruction(config, model, x, ids, hidden)[0] * 0.3 + 0.4), 0, 255)
        np.testing.assert_allclose(found["painted"], painted, atol=0.01)
        shown = hidden[0].reshape(config.model.grid_size).repeat(4, axis=0).repeat(4, axis=1) == 0
        np.testing.assert_allclose(found["painted"][0][shown], pixels[0][shown], atol=0.01)
    assert "seed must be at least 0" in page.sentence("POST", "/task?seed=-1", pixels.tobytes())[1]


@pytest.mark.parametrize("index", [0, 6])
def test_segmentation_gives_a_mask(opened, index):
    page, config, model = opened("segment")
    pixels, x = example(page, index)
    assert pixels.shape == (1, 16, 16)  # a canvas
    found, _ = page.arrays("POST", "/task", pixels.tobytes())
    np.testing.assert_array_equal(found["mask"], predicted_masks(config, model.forward(x)[0])[0])


@pytest.mark.parametrize("min_score", [0.0, 0.999])
def test_detection_gives_boxes(opened, min_score):
    page, config, model = opened("detect", min_score=min_score)
    pixels, x = example(page)
    found, _ = page.arrays("POST", "/task", pixels.tobytes())
    boxes = surest(config, model.forward(x)[0])[0]
    wanted = boxes[boxes[:, 5] > 0]
    assert found["boxes"].shape == (len(wanted), 6)
    np.testing.assert_allclose(found["boxes"], wanted, rtol=1e-4, atol=1e-4)


def test_a_digit_is_made_step_by_step(opened):
    page, config, model = opened("generate")
    about = json.loads(page("GET", "/about")[2])
    assert (about["task"], about["steps"], about["class_names"]) == ("generate", 2, [*NAMES])
    found, metadata = page.arrays("GET", "/sample?label=3&guidance=1.5&seed=4")
    assert found["frames"].shape == (3, 1, 8, 8)
    assert found["guesses"].shape == (2, 1, 8, 8)
    np.testing.assert_allclose(found["times"], [1, 0.5, 0])
    noise = generator(4, "sample").standard_normal((1, *config.model.input_shape))
    wanted = sample(model, np.array([3]), noise, steps=2, guidance=1.5)[0]
    assert np.abs(found["frames"][-1] - wanted).max() <= 1
    np.testing.assert_array_equal(found["guesses"][-1], found["frames"][-1])
    assert metadata["guidance"] == "1.5"
    again, _ = page.arrays("GET", "/sample?label=3&guidance=1.5&seed=4")
    np.testing.assert_array_equal(again["frames"], found["frames"])


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("label=5", "label must be from 0 to 4"),
        ("", "label must be a whole number"),
        ("label=0&steps=0", "steps must be from 1 to 200"),
        ("label=0&steps=201", "steps must be from 1 to 200"),
        ("label=0&guidance=nan", "guidance must be a number"),
        ("label=0&guidance=101", "guidance must be from 0 to 100"),
        ("label=0&seed=-1", "seed must be from 0"),
    ],
)
def test_samples_that_cannot_be_made(opened, query, sentence):
    assert sentence in opened("generate")[0].sentence("GET", f"/sample?{query}")[1]


@pytest.mark.parametrize("task", ["tag", "sentiment", "read"])
def test_tasks_that_are_not_shown(tmp_path, task):
    config = CONFIGS[task](**TOYS[task])
    (tmp_path / "task.json").write_text(json.dumps(config.to_dict()))
    with pytest.raises(UserError, match=f"a model of the task {task}, which the page does not show"):
        open_studio(tmp_path)


@pytest.mark.parametrize("task", ["mae", "segment", "detect"])
def test_what_cannot_be_read(opened, task):
    page, *_ = opened(task)
    assert page.sentence("POST", "/image", b"no image")[1].startswith("the file is not an image that can be read")
    assert "bytes" in page.sentence("POST", "/task", bytes(3))[1]
    assert "7 of them" in page.sentence("GET", "/example?index=7")[1]


def test_numbers_that_overflow(opened, tmp_path):
    _, config, model = opened("detect")
    for array in model.parameters().values():
        array[...] = 3e38
    save_model(tmp_path / "other", config, model, {PREPROCESSOR: (tmp_path / "run" / PREPROCESSOR).read_bytes()}, NAMES)
    studio = open_studio(tmp_path / "other")
    with np.errstate(all="ignore"), pytest.raises(UserError, match="not a number"):
        studio.routes["POST task"](task_studio.Query(), bytes(256))


def test_data_that_are_not_here(opened, monkeypatch):
    page, *_ = opened("mae")

    def gone(*_):
        raise UserError("gone")

    monkeypatch.setattr(task_studio, "read_dataset", gone)
    assert json.loads(page("GET", "/about")[2])["examples"] == 0
    assert "0 of them" in page.sentence("GET", "/example?index=0")[1]
    page.arrays("POST", "/task", bytes(64))  # the model answers all the same
