"""Deep grey is the same image to every verb: predict, finetune and eval see the same pixels, and say what is white."""

import json

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.datasets import normalize
from tinyvit.evaluation.dataset import load_dataset_for
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.training import FinetuneConfig, load_trained
from tinyvit.training.finetuning import batches, finetune

MODEL = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=2, embed_dim=8, depth=1, num_heads=2)


@pytest.mark.parametrize(
    ("top", "dtype", "ending", "white"),
    [(1000, np.uint16, "png", 1023), (3500, np.uint16, "tif", 4095), (9000, np.int32, "tif", 16383), (0.9, np.float32, "tif", 1)],
)  # fmt: skip
def test_all_verbs_see_the_same_pixels(top, dtype, ending, white, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    VisionTransformer(MODEL, rng=np.random.default_rng(0)).save_pretrained("model")
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "data" / name).mkdir(parents=True)
        for k in range(5):  # each of another brightness: alone, most would be taken for fewer bits
            values = rng.random((8, 8)) * top / 4**k
            values[0, 0] = top / 4**k
            Image.fromarray(values.astype(dtype)).save(tmp_path / "data" / name / f"{k}.{ending}")
    seen = {}
    picture = batches.ImageBatches._image

    def watched(self, epoch, index):
        path = self.files.paths[index]
        seen[path] = picture(self, epoch, index)
        return seen[path]

    monkeypatch.setattr(batches.ImageBatches, "_image", watched)
    config = {"pretrained": "model", "data_dir": "data", "output": "run", "batch_size": 2, "crop_scale": 1, "flip": 0}
    finetune(FinetuneConfig(**config, epochs=1))
    assert json.loads((tmp_path / "run/best" / PREPROCESSOR).read_text())["white_level"] == white
    _, preprocessing = load_trained("run")
    dataset = load_dataset_for(preprocessing, data_dir="data")
    assert len(seen) == 6
    for path, of_training in seen.items():
        prepared = preprocessing.prepare(path)
        wanted = np.rint(np.asarray(Image.open(path)).astype(np.float64) * 255 / white)
        np.testing.assert_array_equal(prepared.image[0], wanted)
        np.testing.assert_array_equal(
            normalize(prepared.image[None], preprocessing.mean, preprocessing.std)[0], of_training
        )
        row = dataset.train.images.paths.index(path)
        np.testing.assert_array_equal(dataset.train.images[row], prepared.image)
        assert f"{white:,} is taken as white" in prepared.done
    for verb in (["eval", "run"], ["predict", "run", "data/a"], ["data", "check", "data"]):
        assert main(verb) == 0
        assert f"{white:,} is taken as white" in capsys.readouterr().out
