"""ONNX files are whole or absent, large ones with their weights beside them, and say what is known of the model."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.exporting import HAS_ONNX, NEEDS_ONNX, exported, model_of, worst
from tinyvit import UserError
from tinyvit.exporting import files
from tinyvit.exporting.compare import TOLERANCE
from tinyvit.exporting.export import graph_of, metadata_of, read_source, subject_of
from tinyvit.exporting.files import save_onnx, weight_files
from tinyvit.exporting.subject import Wanted
from tinyvit.storage import files as storage

pytestmark = pytest.mark.skipif(not HAS_ONNX, reason=NEEDS_ONNX)
SHIPPED = Path(__file__).parents[2] / "data" / "mnist-vit"
SMALL_LIMIT = 1000  # bytes of weights in a file, in place of 2 GB


@pytest.fixture(autouse=True)
def external_from_few_bytes(monkeypatch):
    monkeypatch.setattr(files, "MIN_EXTERNAL", 64)


def test_weights_beside_the_graph(tmp_path):
    model, wanted = model_of("everything"), Wanted(gradients=True)
    path = tmp_path / "large.onnx"
    graph = graph_of(subject_of(model, wanted), opset=17)
    written = save_onnx(path, graph, {}, max_bytes=SMALL_LIMIT)
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert len(written) == 2
    assert written[1].stat().st_size == sum(a.nbytes for a in graph.constants.values() if a.nbytes >= 64)
    assert worst(path, model, wanted) < TOLERANCE


def test_replaced_weights_go_and_others_stay(tmp_path):
    path, other = tmp_path / "large.onnx", tmp_path / "large.onnx.notes.data"
    other.write_text("mine")
    exported(path, subject_of(model_of("tanh"), Wanted()), max_bytes=SMALL_LIMIT)
    (first,) = weight_files(path)
    exported(path, subject_of(model_of("registers"), Wanted()), max_bytes=SMALL_LIMIT)
    (second,) = weight_files(path)
    assert first != second
    exported(path, subject_of(model_of("registers"), Wanted()))
    assert sorted(tmp_path.iterdir()) == [path, other]


@pytest.mark.parametrize("step", [1, 2])
def test_a_full_disk_leaves_the_old_pair(step, tmp_path, monkeypatch):
    path, model = tmp_path / "large.onnx", model_of("tanh")
    exported(path, subject_of(model, Wanted()), max_bytes=SMALL_LIMIT)
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    calls = []

    def full(*args):
        calls.append(args)
        if len(calls) == step:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        exported(path, subject_of(model_of("mean pooling"), Wanted()), max_bytes=SMALL_LIMIT)
    monkeypatch.undo()
    assert before.items() <= {each: each.read_bytes() for each in tmp_path.iterdir()}.items()
    assert worst(path, model, Wanted()) < TOLERANCE


def test_metadata(tmp_path):
    import onnx

    source = read_source(SHIPPED)
    wanted = Wanted(statistics=source.statistics)
    path = tmp_path / "digits.onnx"
    save_onnx(path, graph_of(subject_of(source.model, wanted), opset=17), metadata_of(source, wanted))
    facts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert json.loads(facts["class_names"]) == [str(digit) for digit in range(10)]
    assert facts["problem_type"] == "single_label_classification"
    assert facts["images"] == "pixels from 0 to 255"
    np.testing.assert_allclose(json.loads(facts["image_mean"]), source.statistics.mean.ravel())
    assert "normalis" not in metadata_of(source, Wanted())["images"]
    assert "image_std" in metadata_of(source, Wanted())["images"]


@pytest.mark.parametrize("opset", [13, 17, 21])
def test_the_oldest_format_that_has_the_opset(opset, tmp_path):
    import onnx

    graph = graph_of(subject_of(model_of("tanh"), Wanted()), opset=opset)
    save_onnx(tmp_path / "a.onnx", graph, {})
    made = onnx.load(tmp_path / "a.onnx")
    assert made.ir_version == onnx.helper.find_min_ir_version_for(made.opset_import)
    assert made.ir_version <= (8 if opset == 17 else 10)
