"""Make `data/vit-stand-in`: a small ViT in the files of google/vit-base-patch16-224, and what `transformers` makes of it.

python -m tests.parity.record_stand_in

It takes four minutes and needs the extra `parity`. The model is the one that `python -m tinyvit.bench.transfer` starts
from: it has learned the digits 0 to 4. `transformers` then loads it, writes the folder, and computes in float64 what
lesson 16 compares with, `reference.safetensors`: two images, their tokens before the first block and after each, and
the logits.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from tests.support.oracles import transformers
from tinyvit.bench.transfer import transfer
from tinyvit.images.open import open_image
from tinyvit.storage.tensors import arrays_to_bytes

FOLDER = Path(__file__).parents[2] / "data" / "vit-stand-in"
CLASS_NAMES = ("zero", "one", "two", "three", "four")


def write_folder(trained, folder):
    """The model in the folder `trained` once more, in `folder`, by `transformers`."""
    names = dict(enumerate(CLASS_NAMES))
    model = transformers.ViTForImageClassification.from_pretrained(
        trained, id2label=names, label2id={name: index for index, name in names.items()}
    )
    del model.config.tinyvit
    model.save_pretrained(folder)
    size = {"height": model.config.image_size, "width": model.config.image_size}
    transformers.ViTImageProcessorPil(size=size).save_pretrained(folder)


def coloured(picture):
    """An orange digit on blue: grey images could not tell red from blue."""
    grey = picture[..., 0]
    return np.stack([grey, grey // 2, 255 - grey], axis=-1)


def reference(folder, pictures):
    """uint8 (B, H, W, 3) and the model in `folder` -> the arrays of `reference.safetensors`."""
    processor = transformers.ViTImageProcessorPil.from_pretrained(folder)
    model = transformers.ViTForImageClassification.from_pretrained(folder, dtype=torch.float64).eval()
    pixel_values = processor(list(pictures), return_tensors="np")["pixel_values"]
    with torch.no_grad():
        outputs = model(torch.tensor(pixel_values).double(), output_hidden_states=True)
    states = {f"hidden_states.{index}": state.numpy() for index, state in enumerate(outputs.hidden_states)}
    return {"pictures": pictures, "pixel_values": pixel_values, **states, "logits": outputs.logits.numpy()}


def main():
    with tempfile.TemporaryDirectory() as place:
        transfer(Path(place), [], say=print)
        write_folder(Path(place) / "knows-five" / "best", FOLDER)
        paths = [sorted((Path(place) / "old" / "val" / digit).iterdir())[0] for digit in "24"]
        pictures = np.stack([np.asarray(open_image(path)) for path in paths])
        pictures[1] = coloured(pictures[1])
    (FOLDER / "reference.safetensors").write_bytes(arrays_to_bytes(reference(FOLDER, pictures)))
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.stat().st_size:9,} bytes  {path.relative_to(FOLDER.parents[1])}")


if __name__ == "__main__":
    main()
