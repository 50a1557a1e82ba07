"""The check of the real model, with a small one and a hub on this machine in its place."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.pretrained.online import check_vit_base
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.images.processor import ImageProcessor
from tinyvit.pretrained import folder_files
from tinyvit.storage.tensors import arrays_to_bytes

CONFIG = ViTConfig(img_size=16, patch_size=8, num_classes=6, embed_dim=16, depth=1, num_heads=2)


@pytest.fixture
def expected(hub, monkeypatch):
    """The small model and an image, served; the model's first logits for it."""
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
    model.head.weight[:] = np.random.default_rng(1).standard_normal(model.head.weight.shape)
    hub.files |= folder_files(CONFIG, model.parameters(), "hf", class_names=tuple("abcdef"))
    hub.files["model.safetensors"] = arrays_to_bytes(hub.files["model.safetensors"])
    image = Image.fromarray(np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    content = io.BytesIO()
    image.save(content, "PNG")
    hub.files["image"] = content.getvalue()
    monkeypatch.setattr(check_vit_base, "MODEL", hub.name)
    monkeypatch.setattr(check_vit_base, "IMAGE", f"{hub.store.url}/image")
    return model.predict(ImageProcessor(size=(16, 16))(image)[None])[0]


def test_the_known_logits(expected, monkeypatch, capsys):
    monkeypatch.setattr(check_vit_base, "EXPECTED", tuple(expected[:3]))
    assert check_vit_base.main([]) == 0
    out = capsys.readouterr().out
    best = [line.split()[-1] for line in out.splitlines() if " %  " in line]
    assert best == ["abcdef"[index] for index in np.argsort(-expected)[:5]]


@pytest.mark.parametrize(("place", "off", "status"), [(2, 2e-4, 1), (0, -2e-4, 1), (1, 5e-5, 0)])
def test_other_logits(expected, monkeypatch, place, off, status):
    wrong = [float(logit) for logit in expected[:3]]
    wrong[place] += off
    monkeypatch.setattr(check_vit_base, "EXPECTED", tuple(wrong))
    assert check_vit_base.main([]) == status


def test_without_the_model_or_the_image(expected, hub, monkeypatch, tmp_path, capsys):
    assert check_vit_base.main([str(tmp_path / "missing.jpg")]) == 2
    monkeypatch.setattr(check_vit_base, "IMAGE", f"{hub.front.url}/owner/other/resolve/main/image")
    assert check_vit_base.main([]) == 2
    assert "give a copy of the image" in capsys.readouterr().err
