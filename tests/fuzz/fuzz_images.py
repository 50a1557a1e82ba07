"""Broken processors and broken images by the thousand: each is used, or refused with a `UserError`.

python -m tests.fuzz.fuzz_images [COUNT] [SEED]

A good processor or image of each kind is damaged at random: values replaced, bytes changed, cut or repeated. Each case
has a generator of its own, made of seed and number, so what goes wrong once goes wrong again. Any exception but UserError,
a case that hangs, or an array that is not finite ends the fuzzer. The tests beside it run a few hundred cases.
"""

import collections
import contextlib
import copy
import faulthandler
import functools
import io
import json
import math
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from tinyvit.errors import UserError
from tinyvit.images.open import open_image
from tinyvit.images.own_image import read_image
from tinyvit.images.processor import ImageProcessor

SECONDS = 120  # after which a case counts as hanging

CONFIGS = (
    {"do_normalize": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": 224},
    ImageProcessor.of_family("vit").to_dict(),
    ImageProcessor.of_family("deit", img_size=48).to_dict(),
    ImageProcessor(in_chans=1, size=(28, 28), image_mean=0.13, image_std=0.31).to_dict(),
    {
        "feature_extractor_type": "DeiTFeatureExtractor",
        "crop_size": 224,
        "do_center_crop": True,
        "resample": 3,
        "size": 256,
    },
    {
        "input_size": [3, 224, 224],
        "interpolation": "bicubic",
        "crop_pct": 0.9,
        "crop_mode": "center",
        "mean": [0.5],
        "std": [0.5],
    },
)
HOSTILE = (
    None, True, False, 0, 1, -1, 2, 3, 10**9, 2**63, 10**400, -0.0, 0.5, 1e-300, 1e308, math.nan, math.inf, -math.inf,
    "", "224", "\u0000", "ViTImageProcessor", "x" * 10_000, [], [224], [224, 224], [0, 0], [1, 2, 3], [[[]]], [None] * 3, [math.nan] * 3,
    {}, {"height": 1}, {"height": 4096, "width": 1}, {"shortest_edge": 4096}, {"shortest_edge": -5}, {"longest_edge": 3},
    {"height": [1], "width": {}}, {"": ""},
)  # fmt: skip
PICTURES = tuple(
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)).convert(mode)
    for height, width, mode in [(1, 1, "L"), (5, 7, "RGB"), (1, 300, "RGBA"), (40, 31, "LA"), (6, 5, "CMYK")]
)


def broken_config(rng):
    """A processor's config with a few values replaced, removed, added or damaged."""
    values = json.loads(json.dumps(CONFIGS[rng.integers(len(CONFIGS))]))
    for _ in range(rng.integers(1, 4)):
        place = values
        key = pick(rng, [*place, "default_to_square", "do_pad", "crop_size", "image_processor_type"])
        while isinstance(place.get(key), dict) and place[key] and rng.random() < 0.5:
            place = place[key]
            key = pick(rng, list(place))
        how = rng.integers(4)
        if how == 0:
            place.pop(key, None)
        elif how == 1 and isinstance(place.get(key), list) and place[key]:
            place[key] = list(place[key])
            place[key][rng.integers(len(place[key]))] = pick(rng, HOSTILE)
        elif how == 2 and isinstance(place.get(key), int | float):
            place[key] = place[key] * pick(rng, (-1, 0, 0.5, 2, 3, 1e6))
        else:
            place[key] = pick(rng, HOSTILE)
    return values if rng.random() < 0.98 else pick(rng, HOSTILE)


def use_config(values, rng):
    """Build a processor in every way and process a small image.

    Raises:
        UserError: what is wrong.
    """
    build = ImageProcessor.from_timm if isinstance(values, dict) and "crop_pct" in values else ImageProcessor.from_dict
    processor = build(values)
    if build(values).to_dict() != ImageProcessor.from_dict(processor.to_dict()).to_dict():
        raise AssertionError(f"{processor} changes when it is written and read again")
    image = pick(rng, PICTURES)
    result = processor(image)
    if result.dtype != np.float32 or result.shape[0] != processor.in_chans or not np.isfinite(result).all():
        raise AssertionError(f"{processor} made {result.dtype} {result.shape} of {image}")


@functools.cache
def image_files():
    """Good files of every format and of many modes, as bytes by name."""
    rng = np.random.default_rng(0)
    files = {}
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "LAB"):
        values = rng.integers(0, 256, (rng.integers(1, 40), rng.integers(1, 40), 3), dtype=np.uint8)
        image = Image.fromarray(values, "RGB")
        image = image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)
        for format in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
            for name, options in (
                ("plain", {}),
                ("exif", {"exif": exif}),
                ("film", {"save_all": True, "append_images": [image] * 2}),
            ):
                content = io.BytesIO()
                with contextlib.suppress(
                    OSError, ValueError, KeyError, TypeError
                ):  # this format does not know this mode
                    image.save(content, format, **options)
                    files[f"{mode} {name}.{format.lower()}"] = content.getvalue()
    return files


def broken_file(content, rng):
    """The file cut off, with bytes changed, lengthened, or with a stretch of it repeated or left out."""
    content = bytearray(content)
    how = rng.integers(5)
    if how == 0:
        return bytes(content[: rng.integers(len(content))])
    if how == 1:
        content += rng.bytes(rng.integers(1, 100))
    elif how == 2:
        start, stop = sorted(rng.integers(0, len(content) + 1, 2))
        content[start:stop] = b"" if rng.random() < 0.5 else content[start:stop] * 2
    else:
        front = min(len(content), 64 if how == 3 else len(content))  # headers are where it hurts
        for _ in range(rng.integers(1, 6)):
            content[rng.integers(front)] = pick(rng, (0, 1, 127, 128, 255, int(rng.integers(256))))
    return bytes(content)


def use_file(path):
    """Open an image for both of its uses and process it.

    Raises:
        UserError: what is wrong.
    """
    image = open_image(path)
    for processor in (ImageProcessor(size=(32, 32)), ImageProcessor.of_family("deit", img_size=32)):
        result = processor(image)
        if result.shape != (3, 32, 32) or not np.isfinite(result).all():
            raise AssertionError(f"{processor} made {result.shape} of {image}")
    read_image(path)


def fuzz_configs(count, seed):
    """How many of `count` broken configs were "used" and "refused"; anything but a `UserError` comes through."""
    outcomes = collections.Counter()
    for case in range(count):
        rng = np.random.default_rng((seed, case))
        values = broken_config(rng)
        outcomes[
            outcome(lambda values=values, rng=rng: use_config(values, rng), f"config {case} of seed {seed}: {values!r}")
        ] += 1
    return outcomes


def fuzz_files(count, seed, folder):
    """The same for `count` broken image files, which are written into `folder` one after the other."""
    outcomes = collections.Counter()
    files = image_files()
    for case in range(count):
        rng = np.random.default_rng((seed, case))
        name = pick(rng, list(files))
        path = Path(folder) / f"image.{name.rpartition('.')[2]}"
        path.write_bytes(broken_file(files[name], rng))
        outcomes[outcome(lambda path=path: use_file(path), f"file {case} of seed {seed}, {name}")] += 1
    return outcomes


def outcome(use, case, longest=500):
    """What came of `use`; a `UserError` must be one printable sentence of at most `longest` characters."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            use()
        return "used"
    except UserError as error:
        if not str(error).isprintable() or len(str(error)) > longest:
            raise AssertionError(f"{case}: no short sentence: {str(error)!r}") from error
        return "refused"
    except Exception as error:
        raise AssertionError(f"{case}: {type(error).__name__} instead of a UserError") from error


def pick(rng, choices):
    """One of them; a list or dict as a copy, or else what a case does to it would last for the next ones."""
    choice = choices[rng.integers(len(choices))]
    return copy.deepcopy(choice) if isinstance(choice, list | dict) else choice


def main(count=2000, seed=0):
    """Both, `count` each, with memory limited to 6 GB where that can be done and a hanging case ended."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, resource.RLIM_INFINITY))
    for name, fuzz in (("configs", fuzz_configs), ("files", fuzz_files)):
        with tempfile.TemporaryDirectory() as folder:
            outcomes = collections.Counter()
            for start in range(0, count, 100):
                faulthandler.dump_traceback_later(SECONDS, exit=True)
                outcomes += fuzz(min(100, count - start), seed + start, *([folder] if name == "files" else []))
            print(f"{count} {name}: {dict(outcomes)}")
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
