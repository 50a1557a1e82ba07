"""Progress bars and lines of a run in a terminal."""

import sys
from pathlib import Path
from typing import Any

from .flags import describe
from .output import say


def progress_bar() -> Any:
    """A `Progress` for a terminal."""
    from tqdm.std import tqdm

    from ..storage.metrics import measure_in_words, measure_of
    from ..training import Progress

    class ProgressBar(Progress):
        """One bar for the whole run, and one line per epoch; without a terminal only the lines."""

        def note(self, sentence: str) -> None:
            with tqdm.external_write_mode():  # a bar makes room
                say(sentence)

        def start(self, config: Any, folder: Path, *, images_per_epoch: int, images_done: int) -> None:
            from ..config.costs import model_costs
            from ..layers import NO_DRAWS
            from ..tasks import task_of

            if config.task == "classify":
                parameters = sum(cost.parameters for cost in model_costs(config.model).values())
            else:
                parameters = task_of(config).build(config, NO_DRAWS).num_parameters()
            say(describe("model", config.model))
            say(describe("training", config, skip=("model", "class_weights")))
            say(f"{parameters:,} parameters; everything goes to {folder}")
            if images_done:
                say(f"going on after {images_done:,} images")
            self.epochs, self.images_per_epoch, self.accuracy = config.epochs, images_per_epoch, ""
            self.bar = tqdm(
                total=config.epochs * images_per_epoch,
                initial=images_done,
                unit="img",
                unit_scale=True,
                dynamic_ncols=True,
                disable=not sys.stderr.isatty(),
            )

        def step(self, images: int, loss: float | None) -> None:
            self.bar.update(images)
            if loss is not None:
                epoch = min(self.epochs, int((self.bar.n - 1) // self.images_per_epoch) + 1)
                self.bar.set_description(f"epoch {epoch}/{self.epochs}", refresh=False)
                self.bar.set_postfix_str(f"loss {loss:.3f}{self.accuracy}", refresh=False)

        def epoch(self, metrics: dict[str, Any], best: bool) -> None:
            measure = measure_of(metrics)
            self.accuracy = f", dev {100 * metrics[measure]:.2f} %"
            line = (
                f"epoch {metrics['epoch']:>3}/{self.epochs}   train loss {metrics['train_loss']:.4f}   "
                f"dev loss {metrics['dev_loss']:.4f}   {measure_in_words(measure)} {100 * metrics[measure]:6.2f} %"
            )
            with tqdm.external_write_mode():
                say(line + ("   best" if best else ""))

        def stop(self) -> None:
            self.bar.close()

    tqdm.monitor_interval = 0  # no thread that watches bars: there may be none to be had
    return ProgressBar()


def image_bar(total: int) -> Any:
    """A bar that counts images, where stderr is a terminal and there is time to look at it."""
    from tqdm.std import tqdm

    tqdm.monitor_interval = 0  # as above
    return tqdm(total=total, unit="img", unit_scale=True, dynamic_ncols=True, disable=None, leave=False, delay=0.5)
