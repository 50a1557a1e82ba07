"""Readable images of a data set, and remarks on them: duplicates, data leakage, class imbalance."""

from collections.abc import Callable, Iterator

import numpy as np

from ..datasets.class_names import look_alike
from ..datasets.left_out import forbid
from ..datasets.listing import Listing, gaps
from ..datasets.scan import Findings, scan

MAX_IMBALANCE = 3.0  # more is told
MAX_TOLD = 10  # files of one kind


def readable_images(
    listing: Listing, note: Callable[[str], None], *, strict: bool = False, sees_transparency: bool = False
) -> tuple[Listing, Findings]:
    """Images of a listing that can be read, and what was found in all of them.

    Args:
        note: is told what is odd about them.
        sees_transparency: whether alpha is a channel of what the model takes, so nothing is odd about it.

    Raises:
        UserError: too little is left, or `strict` and something is left out.
    """
    findings = scan(listing)
    if sees_transparency:
        note("this model sees transparency as a channel of its own, so nothing is laid over white or black")
        findings = findings._replace(transparent=(), blank=())
    for sentence in (*listing.notes, *gaps(listing.class_names, findings.counts), *_remarks(listing, findings)):
        note(sentence)
    forbid((listing.left_out + findings.unusable) * strict)
    return listing.without([path for path, _ in findings.unreadable]), findings


def _remarks(listing: Listing, findings: Findings) -> Iterator[str]:
    """Remarks on the images, a sentence each."""
    if listing.test and not findings.counts["test"].any():
        yield f"none of the {len(listing.test):,} images of the test split can be read, so there is no test"
    for _, sentence in findings.unreadable[:MAX_TOLD]:
        yield f"skipped: {sentence}"
    if more := len(findings.unreadable[MAX_TOLD:]):
        yield f"skipped: {more:,} more that cannot be read; tinyvit data check lists more of them"
    yield from (*findings.on_transparency, *findings.depths.notes)
    for alike in look_alike(listing.class_names):
        yield f"these classes have almost the same name, make them one if they are: {', '.join(map(repr, alike))}"
    for first, second in findings.across_splits:
        yield (
            f"{second.path} ({second.split}) duplicates {first.path} ({first.split}): data leakage, the score on it is "
            "memorisation"
        )
    for same in findings.contradictions:
        places = ", ".join(str(place.path) for place in same)
        differs = "has different labels" if listing.train.labels.ndim == 2 else "stands for several classes"
        yield f"the same image {differs}: {places}"
    if findings.imbalance > MAX_IMBALANCE:
        counts = findings.counts["train"]
        largest, smallest = int(counts.argmax()), int(np.where(counts > 0, counts, counts.max()).argmin())
        yield (
            f"the classes are of very different size: {counts[largest]:,} training images of "
            f"{listing.class_names[largest]}, {counts[smallest]:,} of {listing.class_names[smallest]}"
        )
