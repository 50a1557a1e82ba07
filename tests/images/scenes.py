"""Pictures as people take them of digits they wrote, made from MNIST's test digits; run me for a table of how many are read.

`python tests/images/scenes.py 40 --seed 7` shows 40 digits of each kind to data/mnist-vit. The kinds in `TUNED` were
looked at while the code was written; those in `HELD_OUT` and `THIRD` were written first and measured last.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scenes_drawing import Picture
from scenes_held_out import HELD_OUT
from scenes_pages import NUMBERS, near, page
from scenes_third import THIRD
from scenes_tuned import TUNED

MODEL = Path(__file__).parents[2] / "data" / "mnist-vit"


def photographed(picture: Picture, rng: np.random.Generator, noise: float = 2.0) -> Image.Image:
    noisy = picture + (rng.normal(0, noise, picture.shape) if min(picture.shape[:2]) > 28 else 0)
    return Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))


def test_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` of MNIST's test digits, uint8 (count, 28, 28), and what they are."""
    from tinyvit.datasets import load_dataset

    test = load_dataset("mnist").test
    chosen = np.random.default_rng(seed).choice(len(test), count, replace=False)
    return test.images[chosen, 0], test.labels[chosen]


def read(reader, picture: Image.Image):
    """What is read in a picture, None if no digit is seen."""
    from tinyvit.errors import UserError
    from tinyvit.images.own_image import digits_in

    try:
        seen = reader.read(digits_in(picture).digits)
    except UserError:
        return None
    return None if seen.shows_no_digit else seen


def measure(reader, kinds, count: int, seed: int) -> None:
    """Print, for each kind of scene, how many pictures are read right: the digit, and nothing else taken for one.

    What is marked unsure beside it does not count as taken for a digit; the digit itself is read, marked or not.
    """
    digits, labels = test_digits(count, seed)
    for kind in kinds:
        rng = np.random.default_rng(seed)
        right = unsure = none = more = confident = 0
        for digit, label in zip(digits, labels, strict=True):
            seen = read(reader, photographed(kind(digit, rng), rng))
            if seen is None:
                none += 1
                continue
            largest = int(np.argmax([digit.box[2] - digit.box[0] for digit in seen.digits]))
            others = bool((~np.delete(seen.is_unsure, largest)).sum())
            is_right = seen.guesses[largest] == label
            right += is_right and not others
            unsure += bool(seen.is_unsure[largest])
            more += others
            confident += others or not (is_right or seen.is_unsure[largest])
        name = kind.__name__.replace("_", " ")
        print(f"| {name} | {100 * right / count:.1f} % | {confident} | {unsure} | {none} | {more} |", flush=True)


def measure_pages(reader, kind, length: int, count: int, seed: int) -> None:
    """Print how many of the digits of `count` pictures with `length` each are read in their place."""
    right = total = whole = extra = 0
    for number in range(count):
        rng = np.random.default_rng(seed + number)
        picture, rows = kind(*test_digits(length, seed + number), rng)
        seen = read(reader, photographed(picture, rng))
        guesses = [] if seen is None else list(zip(seen.guesses, seen.digits, seen.is_unsure, strict=True))
        lines = [
            [(guess, unsure) for guess, digit, unsure in guesses if digit.line == line] for line in range(len(rows))
        ]
        in_place = sum(
            a == b for row, line in zip(rows, lines, strict=True) for a, (b, _) in zip(row, line, strict=False)
        )
        right += in_place
        total += sum(map(len, rows))
        whole += in_place == sum(map(len, rows)) == len(guesses)
        extra += max(0, sum(not unsure for _, _, unsure in guesses) - sum(map(len, rows)))
    name = f"{kind.__name__.replace('_', ' ')}, {length} digits"
    print(f"| {name} | {100 * right / total:.1f} % | {whole} of {count} | {extra} |", flush=True)


def main(count: int, seed: int) -> None:
    from tinyvit.training import load_classifier
    from tinyvit.training.pages import DigitReader

    reader = DigitReader(*load_classifier(MODEL))
    print("| scene | right | wrong and sure | marked unsure | no digit seen | another taken for one |")
    print("|---|---|---|---|---|---|")
    for title, kinds in (("tuned", TUNED), ("held out", HELD_OUT), ("third set", THIRD)):
        print(f"| *{title}* | | | | | |")
        measure(reader, kinds, count, seed)
    print("\n| many digits | in their place | pictures read whole | too many |\n|---|---|---|---|")
    pages = max(1, count // 5)
    for kind, length in ((page, 20), (page, 8), (page, 60), (near, 20), *((kind, 8) for kind in NUMBERS)):
        measure_pages(reader, kind, length, pages, seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=40, help="digits of each kind of scene (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="which digits of MNIST's test set (default: 1)")
    args = parser.parse_args()
    main(args.count, args.seed)
