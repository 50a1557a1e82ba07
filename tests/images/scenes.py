"""Images as people take them of digits they wrote, made from MNIST's test digits; run me for a table of how many are read.

`python -m tests.images.scenes 40 --seed 7` shows 40 digits of each kind to data/mnist-vit. The kinds in `TUNED`, `SECOND`,
`THIRD` and `FURNITURE` were looked at while the code was written; those in `FOURTH` were written first and measured last.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from tests.images.scenes_drawing import Picture
from tests.images.scenes_fourth import FOURTH
from tests.images.scenes_furniture import FURNITURE
from tests.images.scenes_pages import NUMBERS, near, page
from tests.images.scenes_second import SECOND
from tests.images.scenes_third import THIRD
from tests.images.scenes_tuned import TUNED

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
    """What is read in an image, None if no digit is seen."""
    from tinyvit.errors import UserError
    from tinyvit.images.own_image import digits_in

    try:
        seen = reader.read(digits_in(picture).digits)
    except UserError:
        return None
    return None if seen.shows_no_digit else seen


def verdict(seen, label: int) -> str:
    """What becomes of an image with one digit: "right", "right, marked", "wrong, marked", "wrong" or "refused".

    Read is what is sure, and it must be the digit and nothing else; where nothing is sure, the largest shape.
    """
    if seen is None:
        return "refused"
    sure = np.array(seen.guesses)[~seen.is_unsure].tolist()
    if sure:
        return "right" if sure == [label] else "wrong"
    largest = int(np.argmax([digit.box[2] - digit.box[0] for digit in seen.digits]))
    return "right, marked" if seen.guesses[largest] == label else "wrong, marked"


VERDICTS = ("right", "right, marked", "wrong, marked", "wrong", "refused")


def of_scene(reader, scene, count: int, seed: int) -> list[str]:
    """The verdicts on `count` digits of MNIST's test set in a scene."""
    rng, (digits, labels) = np.random.default_rng(seed), test_digits(count, seed)
    return [
        verdict(read(reader, photographed(scene(digit, rng), rng)), label)
        for digit, label in zip(digits, labels.tolist(), strict=True)
    ]


def row(name: str, verdicts: list[str]) -> None:
    shares = [np.mean([verdict == kind for verdict in verdicts]) for kind in VERDICTS]
    cells = (f"{100 * share:.0f} %" for share in (shares[0] + shares[1], *shares[1:]))
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def measure_pages(reader, kind, length: int, count: int, seed: int) -> None:
    """Print how many of the digits of `count` images with `length` each are read, in order, and in their place."""
    right = total = whole = extra = in_order = 0
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
        in_order += _common([label for row in rows for label in row], [guess for guess, _, _ in guesses])
        total += sum(map(len, rows))
        whole += in_place == sum(map(len, rows)) == len(guesses)
        extra += max(0, sum(not unsure for _, _, unsure in guesses) - sum(map(len, rows)))
    name = f"{kind.__name__.replace('_', ' ')}, {length} digits"
    print(
        f"| {name} | {100 * in_order / total:.1f} % | {100 * right / total:.1f} % | {whole} of {count} | {extra} |",
        flush=True,
    )


def _common(one: list[int], other: list[int]) -> int:
    """Length of the longest common subsequence: a digit that is missed moves no other."""
    best = [0] * (len(other) + 1)
    for a in one:
        row = [0]
        for i, b in enumerate(other):
            row.append(best[i] + 1 if a == b else max(best[i + 1], row[i]))
        best = row
    return best[-1]


def main(count: int, seed: int) -> None:
    from tinyvit.evaluation.pages import DigitReader
    from tinyvit.training import load_classifier

    reader = DigitReader(*load_classifier(MODEL))
    print("| scene | right | of these marked unsure | wrong, but marked | wrong and sure | refused |")
    print("|---|---|---|---|---|---|")
    for title, kinds in (("tuned on", (*TUNED, *SECOND, *THIRD, *FURNITURE)), ("not tuned on", FOURTH)):
        everything: list[str] = []
        for scene in kinds:
            everything += (verdicts := of_scene(reader, scene, count, seed))
            row(scene.__name__.replace("_", " "), verdicts)
        row(f"**{title}, all**", everything)
    print("\n| many digits | read, in order | in their place | images read whole | too many |\n|---|---|---|---|---|")
    pages = max(1, count // 5)
    for kind, length in ((page, 20), (page, 8), (page, 60), (near, 20), *((kind, 8) for kind in NUMBERS)):
        measure_pages(reader, kind, length, pages, seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=40, help="digits of each kind of scene (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="which digits of MNIST's test set (default: 1)")
    args = parser.parse_args()
    main(args.count, args.seed)
