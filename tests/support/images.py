"""A folder of images of three colours, and a small model that tells them apart more or less."""

import numpy as np
from PIL import Image

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.images.processor import ImageProcessor
from tinyvit.pretrained import save_model_folder
from tinyvit.storage.files import PREPROCESSOR, to_json

COLOURS = {"red": (210, 40, 30), "green": (40, 180, 50), "blue": (30, 60, 220)}
CLASSES = ["blue", "cyan", "green", "white, or almost", "red", "yellow"]
SIZES = {"train": 2, "val": 1, "test": 3}


def write_images(root):
    """Six images to train on, three for dev and nine for test; returns `root`."""
    rng = np.random.default_rng(0)
    for split, number in SIZES.items():
        for name, colour in COLOURS.items():
            (root / split / name).mkdir(parents=True)
            for k in range(number):
                values = np.clip(rng.normal(colour, 30, (20 + 3 * k, 30, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(values).save(root / split / name / f"{name} {k}.png")
    return root


def write_model(folder, *, dataset="colours", class_names=CLASSES):
    """A model of 16 x 16 pixels with random weights, and what it was fed; returns `folder`."""
    config = ViTConfig(
        img_size=16, patch_size=8, num_classes=len(class_names), embed_dim=8, depth=1, num_heads=2, init_std=0.5
    )
    model = VisionTransformer(config, rng=np.random.default_rng(26))
    processor = ImageProcessor(size=(16, 16), image_mean=(0.4, 0.5, 0.6), image_std=(0.2, 0.3, 0.4))
    preprocessor = to_json(processor.to_dict() | {"dataset": dataset, "class_names": class_names})
    save_model_folder(folder, config, model.state_dict(), {PREPROCESSOR: preprocessor})
    return folder
