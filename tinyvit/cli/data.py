"""`tinyvit data check DIR`: validate a folder of images before training on it."""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..errors import UserError
from .flags import SUB_PARSERS, add_strict_flag, text
from .output import printable, say

MAX_SHOWN = 20  # lines about one kind of mistake
MAX_SIZES = 5


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "data", help="check a folder of images", description="Data sets of your own: images in folders."
    )
    parser.set_defaults(run=lambda options: parser.print_help())
    actions = parser.add_subparsers(metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="read every image in a folder and report what is wrong",
        description="Read every image in DIR/train/CLASS, DIR/val/CLASS and DIR/test/CLASS, or in DIR/CLASS alone. "
        "Exit status: 0 if all is well, 1 if something is wrong, 2 if it is no data set or --strict forbids "
        "what is left out.",
    )
    check.add_argument("folder", metavar="DIR", type=text, help="folder of the data set")
    check.add_argument(
        "--labels", type=text, metavar="FILE", help="multi-label classification: table of class names, as for finetune"
    )
    check.add_argument(
        "--multi-label", action="store_true", help="multi-label classification by folders, as for finetune"
    )
    add_strict_flag(check)
    check.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from tqdm.std import tqdm

    from ..datasets.left_out import forbid
    from ..datasets.listing import gaps
    from ..datasets.multi_label import list_images
    from ..datasets.scan import scan

    multi_label = options.multi_label or options.labels is not None
    listing = list_images(options.folder, options.labels, multi_label=multi_label)
    files = sum(map(len, listing.splits.values()))
    with tqdm(total=files, unit="file", disable=None, leave=False) as bar:
        findings = scan(listing, progress=lambda done, _: bar.update(done - bar.n))
    names = [printable(name) if name == name.strip() else repr(name) for name in listing.class_names]
    say(f"{printable(options.folder)}: {len(names):,} classes, {files:,} files; images that can be read:\n")
    _say_table(names, findings.counts, "labels" if multi_label else "total")
    sizes = Counter({f"{height} x {width}": count for (height, width), count in findings.sizes.items()})
    say(f"\nheight x width   {_most_common(sizes)}")
    say(f"modes            {_most_common(findings.modes)}")
    say(f"imbalance        {_imbalance(names, findings)}")
    for note in (
        *listing.notes,
        *gaps(listing.class_names, findings.counts),
        *findings.on_transparency,
        *findings.depths.notes,
    ):
        say(f"note: {printable(note)}")
    wrong = _what_is_wrong(listing, names, findings)
    for what, lines in wrong.items():
        say(f"\n{what}:")
        for line in lines[:MAX_SHOWN]:
            say(f"  {printable(line)}")
        if len(lines) > MAX_SHOWN:
            say(f"  and {len(lines) - MAX_SHOWN:,} more")
    forbid((listing.left_out + findings.unusable) * options.strict)
    if not wrong:
        say("\nNothing is wrong.")
    return 1 if wrong else 0


def _say_table(names: Sequence[str], counts: dict[str, Any], total: str) -> None:
    width = max(len(name) for name in ("class", *names))
    rows = [(name, [counts[split][k] for split in counts]) for k, name in enumerate(names)]
    rows.append((total, [counts[split].sum() for split in counts]))
    say(f"{'class':<{width}}" + "".join(f"{split:>10}" for split in counts))
    for name, numbers in rows:
        say(f"{name:<{width}}" + "".join(f"{number:>10,}" for number in numbers))


def _most_common(counter: Counter[str]) -> str:
    """ "RGB (1,200), L (30) and 2 more (5)" """
    counts = counter.most_common()
    others = sum(count for _, count in counts[MAX_SIZES:])
    said = ", ".join(f"{name} ({count:,})" for name, count in counts[:MAX_SIZES])
    return said + (f" and {len(counts) - MAX_SIZES:,} more ({others:,})" if others else "")


def _imbalance(names: Sequence[str], findings: Any) -> str:
    """Class imbalance: the largest class against the smallest that has any."""
    train = findings.counts["train"]
    if not train.any():
        return "no image to train on can be read"
    if findings.imbalance == 1:
        alike = f"{train.max():,} training image{'s' * bool(train.max() > 1)}"
        return f"none: {alike} in each class" if train.all() else f"{alike} in each class that has any"
    largest, smallest = int(train.argmax()), min((k for k in range(len(names)) if train[k]), key=lambda k: train[k])
    return f"{findings.imbalance:.1f} ({names[largest]} {train[largest]:,}, {names[smallest]} {train[smallest]:,})"


def _why_not(listing: Any, findings: Any) -> list[str]:
    """Errors that training would raise on the images that can be read."""
    try:
        listing.without([path for path, _ in findings.unreadable])
    except UserError as error:
        return [str(error)]
    return []


def _what_is_wrong(listing: Any, names: Sequence[str], findings: Any) -> dict[str, list[str]]:
    """Findings by kind, and where each is."""
    from ..datasets.class_names import look_alike

    train, files = findings.counts["train"], sum(map(len, listing.splits.values()))
    multi_label = listing.train.labels.ndim == 2
    left_out = [f"{listing.left_out:,} of {files + listing.left_out:,}, see the notes"]
    found = {
        "It cannot be trained on": _why_not(listing, findings),
        "Most files are left out": left_out if listing.left_out > files else [],
        "Classes that have almost the same name": [
            ", ".join(map(repr, alike)) for alike in look_alike(listing.class_names)
        ],
        "Files that cannot be read": [sentence for _, sentence in findings.unreadable],
        "Transparent images of which nothing can be seen": [str(path) for path in findings.blank],
        "Duplicates across splits (data leakage)": [
            f"{again.path} = {first.path}" for first, again in findings.across_splits
        ],
        "Duplicates with different labels" if multi_label else "Duplicates in several classes": [
            " = ".join(str(place.path) for place in same) for same in findings.contradictions
        ],
        "Classes without a training image": [name for k, name in enumerate(names) if not train[k]],
    }
    return {f"{what} ({len(lines):,})": lines for what, lines in found.items() if lines}
