"""The page in a browser for what is no classifier of digits: other shapes, other tasks, a run that is watched."""

import re

import numpy as np
import pytest

from tests.support.toy_tasks import TOYS
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.config.tasks import CONFIGS
from tinyvit.datasets import Dataset, Split
from tinyvit.evaluation.preprocessing import preprocessor_json
from tinyvit.page import open_studio
from tinyvit.page.answer import Answer
from tinyvit.pretrained import save_model_folder
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.tasks import task_of
from tinyvit.tasks.model_files import save_model

pytestmark = [pytest.mark.slow, pytest.mark.process]
NAMES = tuple("abcde")
SMALL = {"img_size": 16, "patch_size": 8, "in_chans": 3, "num_classes": 5, "embed_dim": 8, "depth": 2, "num_heads": 2}
SHAPES = {
    "mean pool, registers, rectangle": {"pool": "mean", "num_registers": 2, "img_size": (16, 32)},
    "no class token": {"pool": "mean", "class_token": False},
    "no blocks": {"depth": 0},
    "many classes": {"num_classes": 40, "num_heads": 8},
}


def saved(folder, changes):
    """The config of a small model of random weights that `folder` now holds."""
    config = ViTConfig(**SMALL | changes)
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    names = [f"class {k}" for k in range(config.num_classes)]
    save_model_folder(folder, config, model.parameters(), class_names=names)
    return config


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_models_of_other_shapes(visit, open_page, tmp_path, changes):
    config = saved(tmp_path, changes)
    tab = visit(open_page(open_studio(tmp_path)))
    tab.wait_for_selector("#cards .agree:not(:has-text('…'))")
    assert tab.locator("#without").is_visible() == bool(config.depth)
    assert tab.locator("#tokens").is_visible() == tab.locator("#backward").is_visible() == bool(config.depth)
    assert tab.locator("#classes .class").count() == min(10, config.num_classes)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1240


@pytest.mark.parametrize("has_class_token", [True, False])
def test_one_of_everything(visit, open_page, tmp_path, has_class_token):
    """There is no second token to name, or no other at all, and nothing to compare."""
    pool = {} if has_class_token else {"pool": "mean", "class_token": False}
    saved(tmp_path, {"img_size": 8, "depth": 1, "num_heads": 1, "num_classes": 1} | pool)
    tab = visit(open_page(open_studio(tmp_path)))
    tab.wait_for_selector("#cards .agree:not(:has-text('…'))")
    assert {*tab.locator("#cards .agree").all_inner_texts()[:3]} == {"flat: no order to compare"}
    assert "1 block of 1 head" in tab.inner_text("#model")
    assert "cut into 1 patch of 8\u00a0×\u00a08" in tab.inner_text("#cut")
    said = tab.inner_text("#reading").replace("\u00a0", " ")
    assert re.search("from row 1, column 1 and .* from itself" if has_class_token else "takes 100 % from itself", said)
    assert tab.locator("text=C: class token").is_visible() == has_class_token
    tab.locator("#heads .cell").last.press("Enter")
    alike = "#reading:has-text('most like row 1, column 1 (cosine')" if has_class_token else "#reading:text-is('')"
    tab.wait_for_selector(alike, state="attached")


@pytest.mark.parametrize("task", ["mae", "segment", "detect", "generate"])
def test_models_of_other_tasks(visit, open_page, tmp_path, task):
    config, rng = CONFIGS[task](**TOYS[task]), np.random.default_rng(1)
    model = task_of(config).build(config, rng)
    for array in model.parameters().values():
        array += 0.1 * rng.standard_normal(array.shape).astype(array.dtype)
    split = Split(rng.integers(0, 256, (9, 1, 8, 8), dtype=np.uint8), rng.integers(0, 5, 9))
    dataset = Dataset("mnist", NAMES, 0.4, 0.3, split, split, split, built_in=True)
    save_model(tmp_path / "run", config, model, {PREPROCESSOR: preprocessor_json(dataset, config)}, NAMES)
    tab = visit(open_page(open_studio(tmp_path / "run")))
    assert tab.is_visible("#task")
    assert tab.is_visible("#draw") == (task != "generate")
    assert not tab.is_visible("#why")
    painted = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    assert tab.locator("#task canvas").first.evaluate(painted) > 1
    tab.click("#language")
    tab.wait_for_selector(
        "#h-task:has-text('一'), #h-task:has-text('框'), #h-task:has-text('从'), #h-task:has-text('类')"
    )


class Watch:
    """A run of two epochs of four, told at once; there are maps of the epochs `mapped`."""

    def __init__(self, mapped=(0, 1, 2), epochs=2, note="all is well"):
        self.mapped, self.epochs, self.note = list(mapped), range(1, epochs + 1), note
        rng = np.random.default_rng(0)
        arrays = {
            "digits": rng.integers(0, 256, (6, 1, 28, 28)),
            "attention": rng.random((6, 3, 7, 7)),
            "probs": np.eye(10)[:6],
            "filters": rng.standard_normal((12, 1, 4, 4)),
        }
        self.routes = {"GET maps": lambda query, _: Answer(arrays)}

    def begin(self):
        """There is nothing to wait for."""

    def events(self):
        epochs = [
            {"epoch": e, "train_loss": 2.0 / e, "dev_loss": 2.1 / e, "dev_accuracy": 0.4 * e} for e in self.epochs
        ]
        yield {"kind": "run", "name": "run-1", "task": "classify", "epochs": 4}
        yield {
            "kind": "steps",
            "steps": [{"step": s, "epoch": s / 50, "loss": 3 / (1 + s / 50)} for s in range(1, 110)],
        }
        yield {"kind": "epochs", "epochs": epochs, "measure": "dev_accuracy"}
        yield {"kind": "maps", "epochs": self.mapped}
        yield {"kind": "note", "text": self.note}


def test_a_run_that_is_watched(visit, open_page, studio):
    tab = visit(open_page(studio, watch=Watch()))
    tab.wait_for_selector("#run-name:has-text('run-1: epoch 2 of 4')")
    tab.wait_for_selector(".digits canvas >> nth=11")
    assert tab.locator("#run svg path.line").count() == 4
    assert "dev 80.0\u00a0%" in tab.locator("#run svg").last.text_content()
    assert tab.locator("#run select option").count() == 3
    assert tab.locator(".filters canvas").count() == 12
    tab.locator("#run input").fill("0")
    tab.wait_for_selector("#run .range .v:has-text('0')")
    assert "3 (100\u00a0%)" in tab.inner_text(".digits")
    assert "No maps" not in tab.inner_text("#run")


MISSED = {
    "opened late": (Watch([4], 4), "No maps of epoch 1–3: a run keeps only its newest weights"),
    "some were missed": (Watch([0, 2, 6, 7], 6), "No maps of epoch 1, 3–5:"),
    "before the first": (Watch([], 0, ""), "There are no maps yet: they come with the first weights"),
    "none at all": (Watch([], 2, ""), "There are no maps of this run"),
    "they cannot be shown": (Watch([], 2, "the weights are damaged"), "the weights are damaged"),
}


@pytest.mark.parametrize(("watch", "sentence"), MISSED.values(), ids=MISSED)
def test_maps_that_are_missing(visit, open_page, studio, watch, sentence):
    tab = visit(open_page(studio, watch=watch))
    tab.wait_for_selector(f"#run .caption:has-text('{sentence}')")
    assert tab.inner_text("#run").lower().count("no maps") == (not watch.note or bool(watch.mapped))
