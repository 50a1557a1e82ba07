"""Who loads a model depends on all that it does; tests/parity lets them load it."""

from pathlib import Path

import pytest

from tinyvit import ViTConfig
from tinyvit.pretrained.readers import reader_of, who_loads

SMALL = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "num_heads": 2, "depth": 1}


@pytest.mark.parametrize(
    ("options", "family", "as_it_is"),
    [
        ({}, "hf", True),
        ({"pos_embed": "sincos2d"}, "hf", False),
        ({"layer_scale": 0.1}, "timm", False),
        ({"num_registers": 1}, "hf", True),  # DeiT's
        ({"num_registers": 2, "pos_embed": "sincos2d"}, "timm", False),
        ({"stem": "conv"}, "tinyvit", True),
        ({"stem": "conv", "pos_embed": "sincos2d", "num_registers": 1}, "tinyvit", True),
    ],
)
def test_who_reads_what(options, family, as_it_is):
    assert reader_of(ViTConfig(**SMALL, **options))[:2] == (family, as_it_is)


def test_what_is_lost_on_the_way_is_told():
    config = ViTConfig(**SMALL, num_registers=2, layer_norm_eps=1e-12)
    assert who_loads(Path("my runs"), config) == (
        "timm loads what tinyvit convert 'my runs' OUT --to timm writes, with layer_norm_eps 1e-06 instead of 1e-12."
    )
    assert who_loads(Path("run"), ViTConfig(**SMALL, pos_embed="sincos2d")) == (
        "Hugging Face's transformers loads what tinyvit convert run OUT --to hf writes."
    )
    only = who_loads(Path("run"), ViTConfig(**SMALL, stem="conv"))
    assert only == "run/best can be loaded by tinyvit only: others have no word for a convolutional stem."
