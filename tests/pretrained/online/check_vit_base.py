"""With a network: does google/vit-base-patch16-224 give the logits here that it is known to give in transformers?

python tests/pretrained/online/check_vit_base.py [IMAGE]

It fetches 346 MB once into the user's cache, and a photo of two cats from the COCO data set: image 000000039769, on which
transformers' own tests hold the model to the three logits below. IMAGE is a copy of it, for those who have one.
"""

import http.client
import sys
import tempfile
import urllib.request
from pathlib import Path

import numpy as np

from tinyvit.errors import UserError
from tinyvit.images.open import open_image
from tinyvit.pretrained import resolve_model
from tinyvit.training import load_trained

MODEL = "google/vit-base-patch16-224"
IMAGE = "http://images.cocodataset.org/val2017/000000039769.jpg"  # that server has no https; the logits judge it
EXPECTED = (-0.2744, 0.8215, -0.0836)
TOLERANCE = 1e-4


def check(model, image, expected):
    """Print the first logits and the five best classes; whether the logits are as expected."""
    network, preprocessing = load_trained(model)
    logits = network.predict(preprocessing.processor(open_image(image))[None])[0]
    first = logits[: len(expected)]
    difference = float(np.abs(first - np.array(expected)).max())
    for name, numbers in (("expected", expected), ("here", first)):
        print(f"{name:<10}" + "".join(f"{number:10.4f}" for number in numbers))
    print(f"largest difference {difference:.1e}, allowed {TOLERANCE:.0e}")
    probs = np.exp(logits - logits.max())
    for index in np.argsort(-logits)[:5]:
        print(f"{100 * probs[index] / probs.sum():6.1f} %  {preprocessing.class_names[index]}")
    return difference <= TOLERANCE


def fetch_image(url, folder):
    """The image in `folder`.

    Raises:
        UserError: there is no network.
    """
    path = Path(folder) / "image.jpg"
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            path.write_bytes(response.read(10**7))
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"{url} could not be downloaded ({error}): give a copy of the image as IMAGE") from error
    return path


def main(arguments):
    """Exit status: 0 as expected, 1 not, 2 it could not be tried."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            image = Path(arguments[0]) if arguments else fetch_image(IMAGE, folder)
            is_right = check(resolve_model(MODEL, download=True), image, EXPECTED)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print("as expected" if is_right else "NOT as expected")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
