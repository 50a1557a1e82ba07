"""The browser learns as Python does: the same losses, step by step, from the same weights on the same batches."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tinyvit import VisionTransformer, load_dataset, preset
from tinyvit.datasets import normalize
from tinyvit.optim import AdamW, warmup_cosine
from tinyvit.page.digits import learnable_digits
from tinyvit.training.step import train_step

NODE = shutil.which("node")
pytestmark = [pytest.mark.process, pytest.mark.skipif(NODE is None, reason="Node.js is not installed")]
LEARN, MEASURE = (Path(__file__).with_name(name) for name in ("learn.mjs", "measure.mjs"))
TINY = preset("tiny")
STEPS = 20
RUNS = {
    "of the page": (dataclasses.replace(TINY, depth=3), 8, 1.0),
    "large batches in pieces": (dataclasses.replace(TINY, depth=1), 24, 1.0),
    "conv stem, mean": (dataclasses.replace(TINY, depth=1, embed_dim=32, stem="conv", pool="mean"), 8, 0.0),
}


@pytest.mark.parametrize("name", RUNS)
def test_losses_of_20_steps_are_pythons(name, tmp_path):
    config, batch_size, clip_grad = RUNS[name]
    dataset, model = load_dataset("mnist"), VisionTransformer(config, rng=np.random.default_rng(1))
    images = normalize(dataset.train.images[: STEPS * batch_size], dataset.mean, dataset.std)
    labels = dataset.train.labels[: STEPS * batch_size].astype(np.uint8)
    schedule = {"lr": 2e-3, "total_steps": 30, "warmup_steps": 5, "min_lr": 1e-5}
    run = {
        "config": config.to_dict(),
        "batchSize": batch_size,
        "steps": STEPS,
        "clipGrad": clip_grad,
        "weightDecay": 0.1,
    }
    run |= {"lr": 2e-3, "totalSteps": 30, "warmupSteps": 5, "minLr": 1e-5}
    (tmp_path / "run.json").write_text(json.dumps(run))
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    save_file({"images": images, "labels": labels}, tmp_path / "digits.safetensors")
    subprocess.run([NODE, LEARN, tmp_path], check=True, timeout=120)

    optimizer, losses = AdamW(model.parameters(), weight_decay=0.1), []
    for step in range(STEPS):
        batch = slice(step * batch_size, (step + 1) * batch_size)
        lr = warmup_cosine(step, **schedule)
        losses.append(train_step(model, optimizer, images[batch], labels[batch], lr=lr, clip_grad=clip_grad))
    after = load_file(tmp_path / "after.safetensors")
    np.testing.assert_allclose(after.pop("losses"), losses, rtol=1e-5)
    twin = VisionTransformer(config, rng=np.random.default_rng(2))
    twin.load_state_dict(after)  # the file that the browser writes is one that Python opens
    some = images[:50]
    np.testing.assert_allclose(twin.predict(some), model.predict(some), atol=1e-3)


@pytest.mark.slow
def test_digits_that_were_held_out_are_known_soon(tmp_path):
    """Of 1,000, after a fifth of the training; the page's figures are of the same program, see engine/README.md."""
    for name, content in learnable_digits().items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run([NODE, MEASURE, tmp_path, "4000"], check=True, timeout=600, capture_output=True, text=True)
    first, last = map(json.loads, done.stdout.splitlines())
    assert (first["images"], last["images"]) == (2000, 4000)
    assert 0.4 < first["accuracy"] < last["accuracy"]
    assert last["accuracy"] > 0.6
