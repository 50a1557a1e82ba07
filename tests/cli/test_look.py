"""`tinyvit look --score`: a table of maps for any classifier, and a sentence for everything else."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli.look_scores import table
from tinyvit.config.tasks import CONFIGS
from tinyvit.pretrained import save_model_folder

SHIPPED = Path(__file__).parents[2] / "data" / "mnist-vit"
CONFIG = ViTConfig(img_size=16, patch_size=8, in_chans=3, num_classes=3, embed_dim=8, depth=1, num_heads=2)
MAPS = ("last attention", "rollout", "relevance", "input gradient", "gradient x input", "covering", "chance")


@pytest.fixture
def pictures(tmp_path):
    """Three classes of three images, as a test split; one file of each can be damaged."""
    rng = np.random.default_rng(0)
    for name in "abc":
        place = tmp_path / "pictures" / "test" / name
        place.mkdir(parents=True)
        for number in range(3):
            Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(place / f"{number}.png")
    return tmp_path / "pictures"


def saved(folder, config=CONFIG, **options):
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    for array in model.parameters().values():
        array[...] = np.random.default_rng(array.size).normal(0, 0.5, array.shape)
    save_model_folder(folder, config, model.parameters(), class_names=[*"abc"], **options)
    return folder


def rows_of(text):
    """Agreement, deletion and insertion by map."""
    lines = re.findall(r"^([a-z ]+?) {2,}(-?[\d.]+) ± [\d.]+ +([\d.]+) +([\d.]+)$", text, re.MULTILINE)
    return {name: [float(value) for value in values] for name, *values in lines}


def test_the_shipped_model(tinyvit):
    done = tinyvit("look", "--score", SHIPPED, "-n", "3", "--device", "cpu")
    assert (done.returncode, done.stderr) == (0, "")
    assert "test split of mnist, 3 of 10,000 images" in done.stdout
    assert "black" in done.stdout
    rows = rows_of(done.stdout)
    assert tuple(rows) == MAPS
    assert rows["covering"][0] == 1
    assert rows["rollout"][1] < rows["chance"][1] < rows["chance"][2] + 0.5
    assert done.stdout == tinyvit("look", SHIPPED, "--score", "--number", "3").stdout


@pytest.mark.parametrize("flags", [["--watch", "RUN"], ["--port", "0"], ["--no-browser"], ["--static", "OUT"]])
def test_scores_open_no_page(flags, tinyvit):
    done = tinyvit("look", "--score", SHIPPED, *flags)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "opens no page" in done.stderr


@pytest.mark.parametrize("problem_type", [None, "multi_label_classification"])
@pytest.mark.parametrize("flags", [[], ["--window", "2"]])
def test_images_of_ones_own(problem_type, flags, tinyvit, pictures, tmp_path):
    model = saved(tmp_path / "model", problem_type=problem_type)
    labels = []
    if problem_type:
        files = [f"test/{name}/{number}.png,{name}" for name in "abc" for number in range(3)]
        (tmp_path / "labels.csv").write_text("\n".join(["file,labels", *files]))
        labels = ["--labels", tmp_path / "labels.csv"]
    done = tinyvit("look", "--score", model, "--data-dir", pictures, "-n", "50", *labels, *flags)
    assert done.returncode == 0, done.stderr
    assert "9 of 9 images" in done.stdout
    assert "the mean colour" in done.stdout
    if flags:
        assert "window of 2 x 2 patches" in done.stdout
        assert done.stdout.count("no order to compare") == len(MAPS)
    else:
        assert tuple(rows_of(done.stdout)) == MAPS


def test_images_are_taken_from_the_whole_split(tinyvit, pictures, tmp_path):
    """Of classes in a row, every one."""
    model = saved(tmp_path / "model")
    for name in "bc":
        (pictures / "test" / name / "0.png").write_bytes(b"no image")
    done = tinyvit("look", "--score", model, "--data-dir", pictures, "-n", "3")
    assert done.returncode == 0
    assert "1 of 9 images" in done.stdout
    assert [line.count("0.png") for line in done.stderr.splitlines()].count(1) >= 2


def test_no_image_can_be_read(tinyvit, pictures, tmp_path):
    model = saved(tmp_path / "model")
    for path in pictures.rglob("*.png"):
        path.write_bytes(b"no image")
    done = tinyvit("look", "--score", model, "--data-dir", pictures)
    assert done.returncode == 2
    assert "none of the" in done.stderr


def test_a_model_without_blocks(tinyvit, pictures, tmp_path):
    model = saved(tmp_path / "model", ViTConfig(**CONFIG.to_dict() | {"depth": 0}))
    done = tinyvit("look", "--score", model, "--data-dir", pictures, "-n", "2")
    shown = [name for name in MAPS if re.search(f"^{name}  ", done.stdout, re.MULTILINE)]
    assert tuple(shown) == MAPS[3:]
    assert "no order to compare" in done.stdout  # the class token alone, which no image changes


def test_answers_that_are_no_numbers(tinyvit, pictures, tmp_path):
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
    for array in model.parameters().values():
        array[...] = 3e38
    save_model_folder(tmp_path / "model", CONFIG, model.parameters(), class_names=[*"abc"])
    done = tinyvit("look", "--score", tmp_path / "model", "--data-dir", pictures)
    assert done.returncode == 2
    assert "not a number (NaN)" in done.stderr


@pytest.mark.parametrize("arguments", [["--score"], [SHIPPED, "-n", "3"], ["--window", "2"], ["--split", "dev"]])
def test_flags_of_scores_are_for_scores(arguments, tinyvit):
    done = tinyvit("look", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "tinyvit look --score RUN" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere"),
        ([SHIPPED, "-n", "0"], "it must be a whole number from 1"),
        ([SHIPPED, "-n", "many"], "it must be a whole number from 1"),
        ([SHIPPED, "--window", "0"], "it must be a whole number from 1"),
        ([SHIPPED, "--split", "holdout"], "holdout"),
        ([SHIPPED, "--labels", "table.csv"], "leave out --labels"),
        ([SHIPPED, "--device", "tpu"], "tpu"),
    ],
)
def test_what_cannot_be_done(arguments, sentence, tinyvit):
    done = tinyvit("look", "--score", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_features_model_names_no_class(tinyvit, tmp_path):
    config = ViTConfig(**CONFIG.to_dict() | {"num_classes": 0})
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    save_model_folder(tmp_path / "model", config, model.parameters())
    done = tinyvit("look", "--score", tmp_path / "model")
    assert done.returncode == 2
    assert "has no head" in done.stderr


@pytest.mark.parametrize("task", ["mae", "segment", "detect", "generate"])
def test_a_model_of_another_task(task, tinyvit, tmp_path):
    model = saved(tmp_path / "model")
    (model / "task.json").write_text(json.dumps(CONFIGS[task]().to_dict()))
    done = tinyvit("look", "--score", model)
    assert done.returncode == 2
    assert f"is a model of the task {task}" in done.stderr


def test_the_table_leaves_out_what_has_no_order():
    values = np.array([[0.5, 0.2, 0.8], [np.nan, 0.4, 0.6], [0.1, 0.3, 0.7]])
    *_, line = table({"rollout": values})
    assert line.split() == ["rollout", "0.30", "±", "0.20", "0.300", "0.700"]


@pytest.mark.parametrize("flags", [("--watch", "runs/x"), ("--port", "8080")])
def test_a_page_without_python_takes_no_flags_of_one_with_it(tinyvit, tmp_path, flags):
    done = tinyvit("look", SHIPPED, "--static", tmp_path / "page", *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{flags[0]} is for the page with Python" in done.stderr
    assert not (tmp_path / "page").exists()


def test_a_page_without_python_is_written(tinyvit, tmp_path):
    saved(tmp_path / "model")
    done = tinyvit("look", tmp_path / "model", "--static", tmp_path / "page")
    assert done.returncode == 0
    size = sum(file.stat().st_size for file in (tmp_path / "page").rglob("*") if file.is_file()) / 2**20
    assert done.stdout == (
        f"{tmp_path / 'page'} holds the page, {size:.1f} MiB: open its index.html, or copy it to a web server\n"
    )
    assert (tmp_path / "page" / "index.html").is_file()
    again = tinyvit("look", tmp_path / "model", "--static", tmp_path / "model")
    assert again.returncode == 2
    assert "it stays as it is" in again.stderr
