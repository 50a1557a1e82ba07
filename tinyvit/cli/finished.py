"""Summary of a finished run, printed by `tinyvit train` and `tinyvit finetune`."""

from typing import Any

from .output import say


def tell(history: Any, best: Any, *what_next: str) -> None:
    """The test result, the report and the pictures, then sentences on what to do next.

    Args:
        history, best: a `training.History` and its `best`.
    """
    from ..evaluation.figures import draw_figures

    say(f"\nBest on the dev (validation) split: epoch {history.best_epoch}. Its weights on the test split:")
    say(f"\n  test {history.test.in_words}\n")
    say(history.report)
    model, dataset = best.model.to("cpu"), best.dataset
    figures = draw_figures(history.folder, history.epochs, model, dataset, dataset.test, history.test)
    say(f"\nEverything is in {history.folder}: look at {figures[0].parent} first.")
    for sentence in what_next:
        say(sentence)
