"""Benchmark of fine-tuning a large model: `python -m tinyvit.bench.finetuning [--against torch]`.

A model of ViT-B/16's size with random weights goes through two epochs on a small folder of images: by the code of
`tinyvit finetune`, once as it is and once with `--recompute`, and by PyTorch, eager, on the same batches. Each is a
process of its own and has the machine to itself. Printed are the seconds a step takes for each image, the most memory
that the process has held, from its start to the report on the test split (PyTorch's ends with the last step), and
the loss of each epoch, in which both sides must agree.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..config import ViTConfig
from ..config.presets import PRESETS, preset
from ..errors import UserError
from ..training import FinetuneConfig
from ..training.finetuning import finetune
from ..vit import VisionTransformer
from .clock import Clock
from .runs import timed
from .side import peak_memory
from .speed import check_opponent

AGREE = 1e-2  # the losses of an epoch, relatively; the gradients themselves are compared by the tests


def prepare(folder: Path, config: ViTConfig, images: int) -> None:
    """A model with random weights in `folder/model`, and images of noise of two classes in `folder/images`."""
    VisionTransformer(config, rng=np.random.default_rng(0)).save_pretrained(folder / "model")
    rng = np.random.default_rng(1)
    for split, count in (("train", images), ("val", 2), ("test", 2)):
        for index in range(count):
            place = folder / "images" / split / ("dark", "light")[index % 2]
            place.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 128, (*config.image_shape, 3), np.uint8) + np.uint8(127 * (index % 2))
            Image.fromarray(pixels).save(place / f"{index}.png")


def settings(folder: Path, *, batch_size: int, epochs: int, recompute: bool = False) -> FinetuneConfig:
    """The run of every side."""
    return FinetuneConfig(
        pretrained=str(folder / "model"),
        data_dir=str(folder / "images"),
        output=str(folder / "run"),
        batch_size=batch_size,
        epochs=epochs,
        recompute=recompute,
        device="cpu",
    )


def tinyvit_run(config: FinetuneConfig) -> dict[str, Any]:
    """Our side: what it took, and the losses it came to."""
    clock = Clock()
    history = finetune(config, overwrite=True, progress=clock)
    return {
        "seconds": clock.seconds_per_step(len(clock.times) // config.epochs) / config.batch_size,
        "memory": peak_memory([]),
        "losses": [epoch["train_loss"] for epoch in history.epochs],
    }


def run_side(side: str, folder: Path, *, batch_size: int, epochs: int) -> dict[str, Any]:
    """Measure one side, in this process."""
    config = settings(folder, batch_size=batch_size, epochs=epochs, recompute=side.endswith("recompute"))
    if side.startswith("tinyvit"):
        return tinyvit_run(config)
    from .torch_finetuning import torch_run

    return torch_run(config)


def compare(
    config: ViTConfig, sides: list[str], *, images: int, batch_size: int, epochs: int
) -> dict[str, dict[str, Any]]:
    """Each side in a process of its own, one after another.

    Raises:
        UserError: there is no step to time, a process fails, or the losses differ.
    """
    if batch_size < 1 or epochs < 1 or images < 2 * batch_size:
        raise UserError(
            f"an epoch must have two steps at least, got {images} images, batch size {batch_size} and {epochs} epochs: "
            "give more images"
        )
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), config, images)
        for side in sides:
            command = ["-m", "tinyvit.bench.finetuning", "--side", side, "--folder", folder]
            numbers = ["--batch-size", str(batch_size), "--epochs", str(epochs)]
            results[side] = json.loads(timed([sys.executable, *command, *numbers])[1].splitlines()[-1])
            ours, theirs = results[sides[0]]["losses"], results[side]["losses"]
            if not np.allclose(ours, theirs, rtol=AGREE):
                raise UserError(f"{sides[0]} and {side} do not train alike: losses {ours} and {theirs}")
    return results


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tinyvit.bench.finetuning", description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=PRESETS, default="vit_base_patch16_224", help="(default: %(default)s)")
    parser.add_argument("--images", type=int, default=32, help="in the training split (default: 32)")
    parser.add_argument("--batch-size", type=int, default=8, help="(default: 8)")
    parser.add_argument("--epochs", type=int, default=2, help="(default: 2)")
    parser.add_argument("--against", choices=["torch"], help="also by PyTorch, where it is installed")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    numbers = {"batch_size": options.batch_size, "epochs": options.epochs}
    if options.side:
        print(json.dumps(run_side(options.side, options.folder, **numbers)))
        return
    check_opponent(options.against)
    sides = ["tinyvit", "tinyvit, recompute", *(["PyTorch"] if options.against else [])]
    config = dataclasses.replace(preset(options.model), num_classes=2)
    results = compare(config, sides, images=options.images, **numbers)
    print(f"{options.model}, {options.images} images, batch {options.batch_size}, {options.epochs} epochs")
    print(f"{'':<20}{'s per image':>12}{'peak memory':>14}   loss of each epoch")
    for side, found in results.items():
        losses = ", ".join(f"{loss:.4f}" for loss in found["losses"])
        print(f"{side:<20}{found['seconds']:12.3f}{found['memory']:10,.0f} MiB   {losses}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"tinyvit: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
