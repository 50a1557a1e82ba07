"""Summary of a finished run, printed by `tinyvit train` and `tinyvit finetune`."""

from pathlib import Path
from typing import Any

from .output import say

NEXT = {  # by task, with the folder of the run
    "classify": "Try it on an image of your own: tinyvit predict {folder} {image}",
    "transfer": "Try it on an image of your own: tinyvit predict {folder} {image}",
    "distill": "Try it on an image of your own: tinyvit predict {folder} {image}",
    "generate": "Make images: tinyvit sample {folder} -n 64 --output samples.png",
    "tag": "Learn the tags of a text of your own, in CoNLL's format: tinyvit train --task tag --data-dir FOLDER",
    "sentiment": "Learn from a lexicon of your own: tinyvit train --task sentiment --data-dir lexicon.txt",
    "continual": "Compare what is forgotten: tinyvit train --task continual --method naive (or replay, ewc, lwf)",
    "read": "Try it on a row of your own: tinyvit predict {folder} {image} --plot",
    "mae": "Fine-tune its encoder on images of your own: tinyvit finetune --model {folder} --data-dir photos",
    "segment": "Try it on an image of your own: tinyvit predict {folder} {image} --plot",
    "detect": "Try it on an image of your own: tinyvit predict {folder} {image} --plot",
}


def tell(history: Any, best: Any, *what_next: str) -> None:
    """The test result, the report and the figures, then sentences on what to do next.

    Args:
        history, best: a `training.History` and its `best`.
    """
    from ..evaluation.figures import draw_run
    from ..tasks import task_of

    say(f"\nBest on the dev (validation) split: epoch {history.best_epoch}. Its weights on the test split:")
    say(f"\n  test {history.test.in_words}\n")
    say(history.report)
    model, dataset = best.model.to("cpu"), best.dataset
    more = task_of(best.config).figures(best.config, model, dataset, "test")
    figures = draw_run(
        history.folder / "figures", history.epochs, history.test, dataset.test, dataset.class_names, more
    )
    say(f"\nEverything is in {history.folder}: look at {figures[0].parent} first.")
    for sentence in what_next:
        say(sentence)


def what_next(folder: Path, best: Any) -> str:
    """A sentence on what to do next with the run in `folder`."""
    from ..datasets.sources import SOURCES

    digits = best.dataset.built_in and SOURCES[best.dataset.name].drawn == "digit"
    sentence = NEXT.get(best.config.task, "Evaluate it again: tinyvit eval {folder}")
    return sentence.format(folder=folder, image="my_digit.png" if digits else "my_image.png")
