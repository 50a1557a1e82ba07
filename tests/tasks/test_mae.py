"""A masked autoencoder in the shapes of a large model."""

import dataclasses

import numpy as np
import pytest

from tinyvit.config.mae import MAEConfig
from tinyvit.config.presets import preset
from tinyvit.datasets import Dataset, Split
from tinyvit.tasks import TASKS


@pytest.mark.parametrize(("mask_ratio", "seen"), [(0.75, 49), (0.5, 98)])
def test_one_step_of_a_large_model(mask_ratio, seen):
    """In the shapes of ViT-B/16 and of its decoder's width, but for their depth."""
    rng, task = np.random.default_rng(0), TASKS["mae"]
    model = dataclasses.replace(preset("vit_base_patch16_224"), depth=1, num_classes=0, pool="mean")
    config = MAEConfig(
        model=model, batch_size=1, mask_ratio=mask_ratio, decoder_embed_dim=512, decoder_num_heads=16, augment="none"
    )
    split = Split(rng.integers(0, 256, (2, 3, 224, 224), dtype=np.uint8), np.zeros(2, np.int64))
    data = Dataset("own", ("all",), (0.5,) * 3, (0.2,) * 3, split, split, split)
    task.check(config, data)
    net = task.build(config, np.random.default_rng(1))
    batch = task.batch(config, data, np.arange(1), rng)
    assert batch[1].shape == (1, 1 + seen)  # the class token is never hidden
    loss, grads = task.loss_and_gradients(config, net, batch)
    assert float(loss) == pytest.approx(1.0, rel=0.5)  # of patches of variance 1
    assert grads.keys() == net.parameters().keys()
