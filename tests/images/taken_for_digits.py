"""How often a real digit is marked unsure or refused, and how often what is no digit is taken for one; run me for the table.

`python -m tests.images.taken_for_digits 20 7` shows 20 images of each kind, drawn with seed 7, to data/mnist-vit.
"""

import sys
from pathlib import Path

import numpy as np

from tests.images import scenes
from tests.images.no_digits import LIKE_A_DIGIT, TUNED
from tests.images.no_digits_held_out import HELD_OUT
from tinyvit.errors import UserError
from tinyvit.evaluation.pages import DigitReader
from tinyvit.images.digits import Digit
from tinyvit.images.own_image import digits_in
from tinyvit.training import load_classifier

MODEL = Path(__file__).parents[2] / "data" / "mnist-vit"


def judged(reader, picture, *, is_digit=False):
    """ "refused", "unsure" or "taken": of a digit's image by the largest shape, of another by half of its shapes."""
    try:
        page = reader.read(digits_in(picture).digits)
    except UserError:
        return "refused"
    if page.shows_no_digit:
        return "refused"
    heights = [digit.box[2] - digit.box[0] for digit in page.digits]
    is_unsure = page.is_unsure[np.argmax(heights)] if is_digit else page.is_unsure.mean() >= 0.5
    return "unsure" if is_unsure else "taken"


def of_kind(reader, kind, count, seed):
    """What becomes of `count` images without a digit."""
    rng = np.random.default_rng(seed)
    return [judged(reader, scenes.photographed(kind(rng), rng)) for _ in range(count)]


def of_scene(reader, scene, count, seed):
    """What becomes of `count` digits of MNIST's test set in a scene."""
    rng, (digits, _) = np.random.default_rng(seed), scenes.test_digits(count, seed)
    return [judged(reader, scenes.photographed(scene(digit, rng), rng), is_digit=True) for digit in digits]


def marked(reader, count, seed):
    """The share of MNIST's own test digits that is marked unsure, each by itself."""
    digits, _ = scenes.test_digits(count, seed)
    box = (0, 0, 20, 20)
    return float(np.mean([reader.read([Digit(digit[None], box)]).is_unsure[0] for digit in digits]))


def row(name, verdicts):
    shares = (
        f"{100 * np.mean([verdict == kind for verdict in verdicts]):.0f} %" for kind in ("refused", "unsure", "taken")
    )
    print(f"| {name} | {' | '.join(shares)} |", flush=True)


def main(count, seed):
    reader = DigitReader(*load_classifier(MODEL))
    print(f"Of {40 * count} MNIST test digits {100 * marked(reader, 40 * count, seed):.1f} % are marked unsure.\n")
    print("| | refused | unsure | taken for digits |\n|---|---|---|---|")
    for name, kinds, judge in (
        ("digits in scenes", scenes.TUNED, of_scene),
        ("digits in scenes not tuned on", scenes.FOURTH, of_scene),
        ("tuned on", TUNED, of_kind),
        ("not tuned on", HELD_OUT, of_kind),
        ("like a digit", LIKE_A_DIGIT, of_kind),
    ):
        verdicts = []
        for kind in kinds:
            verdicts += (seen := judge(reader, kind, count, seed))
            if judge is of_kind:
                row(kind.__name__.replace("_", " "), seen)
        row(f"**{name}, all**", verdicts)


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:] or (20, 7)))
