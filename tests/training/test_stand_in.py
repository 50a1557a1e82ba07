"""`tinyvit train --device cuda` by plain ops, on CuPy's stand-in: the same run as on the CPU, and when the host waits."""

import dataclasses

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.small_run import weights_that_count
from tinyvit.cli import main
from tinyvit.gradcheck import check_gradients
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.training import Progress, loop, resume, train
from tinyvit.vit import VisionTransformer


def on_gpu(config, tmp_path, **changes):
    return dataclasses.replace(config, device="cuda", kernels="plain", output=str(tmp_path / "gpu"), **changes)


def assert_same(one, other):
    for name, array in weights_that_count(one).items():
        np.testing.assert_allclose(weights_that_count(other)[name], array, rtol=1e-4, atol=1e-6)


class Stops(Progress):
    def epoch(self, metrics, best):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "changes",
    others_slow([{}, {"opt": "sgd", "augment": "shift"}, {"label_smoothing": 0.1, "clip_grad": 0.0, "ema_decay": 0.0}]),
    ids=["default", "sgd", "smoothed"],
)
def test_a_run_is_that_of_the_cpu(changes, small_config, tmp_path, request):
    cpu = train(dataclasses.replace(small_config, device="cpu", output=str(tmp_path / "cpu"), **changes))
    request.getfixturevalue("gpu")
    ours = train(on_gpu(small_config, tmp_path, **changes))
    for one, two in zip(ours.epochs, cpu.epochs, strict=True):
        assert one["train_loss"] == pytest.approx(two["train_loss"], rel=1e-5)
        assert one["dev_accuracy"] == pytest.approx(two["dev_accuracy"], abs=0.011)
    assert_same(cpu.folder / "last", ours.folder / "last")


def test_the_host_waits_for_the_losses_alone_now_and_then(small_config, tmp_path, gpu, monkeypatch):
    """Within an epoch nothing is read but the losses, all at once; what is read at its end is for the dev split."""
    reads = []

    class Counts(Progress):
        def step(self, images, loss):
            reads.append((loss is not None, gpu.host_reads().copy()))
            gpu.host_reads().clear()

        def epoch(self, metrics, best):
            gpu.host_reads().clear()

    monkeypatch.setattr(loop, "READ_EVERY", 4)
    train(on_gpu(small_config, tmp_path, checkpoint_seconds=1e5), progress=Counts())
    assert [looked for looked, _ in reads] == [False, False, False, True, False, True] * 2  # six steps an epoch
    for looked, names in reads:
        assert set(names) <= ({"float()", "get()"} if looked else set()), names
        assert len(names) <= 4


@pytest.mark.parametrize("begins", ["cpu", "cuda"])
def test_a_run_moves_from_one_device_to_the_other(begins, small_config, tmp_path, request):
    whole = train(dataclasses.replace(small_config, device="cpu", output=str(tmp_path / "whole")))
    request.getfixturevalue("gpu")
    config = dataclasses.replace(on_gpu(small_config, tmp_path), device=begins)
    with pytest.raises(KeyboardInterrupt):
        train(config, progress=Stops())
    moved = resume(tmp_path / "gpu", device="cuda" if begins == "cpu" else "cpu")
    assert moved.epochs[-1]["train_loss"] == pytest.approx(whole.epochs[-1]["train_loss"], rel=1e-5)
    assert_same(whole.folder / "last", moved.folder / "last")


@pytest.mark.parametrize("name", others_slow(["softmax", "cross_entropy", "attention", "Block"], fast=2))
def test_the_command_checks_gradients_there(name, gpu, capsys):
    assert main(["gradcheck", "--device", "cuda", "--op", name]) == 0, capsys.readouterr().out
    assert gpu.launches()


@pytest.mark.parametrize("full_up_to", others_slow([8, 400]))
@pytest.mark.parametrize("name", list(MODELS)[:1] + ["everything"])
def test_gradients_of_whole_models_by_finite_differences(name, full_up_to, gpu, rng):
    config = MODELS[name]
    model = shaken(VisionTransformer(config, rng=rng), rng).to("cuda")
    assert type(model.cls_token) is gpu.ndarray
    images = gpu.asarray(rng.standard_normal((2, *config.input_shape)))
    assert check_gradients(model, [images], rng=rng, full_up_to=full_up_to).passed


def test_predictions_and_maps(gpu, rng):
    host = VisionTransformer(MODELS["everything"], rng=rng)
    images = rng.standard_normal((2, *host.config.input_shape)).astype(np.float32)
    model = host.to("cuda")
    with gpu.no_host_reads():
        logits, maps = model.predict(gpu.asarray(images)), model.attention(gpu.asarray(images))
    np.testing.assert_allclose(logits.get(), host.predict(images), rtol=1e-4, atol=1e-6)
    for ours, want in zip(maps, host.attention(images), strict=True):
        np.testing.assert_allclose(ours.get(), want, rtol=1e-4, atol=1e-6)
