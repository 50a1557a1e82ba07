"""Generation: a Diffusion Transformer learns to say which image is behind noise, and makes images from noise.

The way there is `flow_matching`. Some labels are left out, so that the model also learns what it would say without the
class (classifier-free guidance).

Source: Peebles, Xie 2023, arXiv:2212.09748; guidance: Ho, Salimans 2022, arXiv:2207.12598.
"""

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from ..backend import Array, generator, to_device, to_numpy
from ..backend.random import ExampleRows
from ..config.generation import GenerateConfig
from ..datasets import Dataset, Split
from ..datasets.batches import training_pixels
from ..errors import UserError
from ..evaluation.generation import Generation, Looks
from ..evaluation.judge import SHIPPED, Judge, check_fits, load_judge
from ..evaluation.sampling import from_pixels, sample, ways_of
from ..layers import DiT, Grads
from ..plots import plot_denoising, plot_samples
from ..storage.checks import check, is_text
from ..storage.files import PREPROCESSOR, read_json
from .fit import Note, check_classes
from .flow_matching import flow_matching, logit_normal, velocities
from .model_files import model_folder, read_task_config
from .task import Batch, Task

PIECE = 250  # examples that are answered at a time
NOT_IN_A_DIT = (  # of the fields of a Vision Transformer
    "pool", "pos_embed", "class_token", "num_registers", "pre_norm", "final_norm", "fc_norm", "drop_rate",
    "drop_path_rate", "layer_scale", "stem",
)  # fmt: skip
GRID_ROWS, GRID_COLUMNS = 10, 10
NO_LOOKS = Looks(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))


class Generate(Task[DiT]):
    """A batch is images, noise, times and labels; an answer is the loss of one image, and what the judge sees: in the
    first images of a split, in others that the model makes in their place, of the same classes.
    """

    unused: ClassVar[tuple[str, ...]] = ("label_smoothing", "class_weights")
    keeps: ClassVar[Literal["best", "last"]] = "last"  # samples grow better to the end, and judging them is noisy

    def build(self, config: Any, rng: np.random.Generator) -> DiT:
        return DiT(config.model, rng=rng)

    def fit(self, config: Any, dataset: Dataset, free: Collection[str], note: Note) -> Any:
        """Also says who judges: of MNIST's digits, the shipped classifier."""
        config = super().fit(config, dataset, free, note)
        if config.judge != "auto":
            return config
        is_known = dataset.built_in and dataset.name == "mnist" and SHIPPED.is_dir()
        if not is_known:
            note("No classifier judges the samples: name one of these images with --judge.")
        return dataclasses.replace(config, judge="shipped" if is_known else "none")

    def check(self, config: Any, dataset: Dataset) -> None:
        super().check(config, dataset)
        check_classes(config, dataset)
        check_used(config)
        check_guided(config, config.guidance)
        if judge := judge_of(config):
            check_fits(judge, judge_folder(config), config.model.input_shape, dataset.class_names)

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        images = from_pixels(training_pixels(config, dataset, chosen, rng))
        noise = rng.standard_normal(images.shape).astype(np.float32)
        times = logit_normal(rng.standard_normal((len(images),)))
        is_left_out = rng.random((len(images),)) < config.label_dropout
        return images, noise, times, np.where(is_left_out, config.model.num_classes, dataset.train.labels[chosen])

    def loss_and_gradients(
        self,
        config: Any,
        model: DiT,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Grads]:
        return flow_matching(model, *batch, share=share, weights=weights)

    def answer_size(self, config: Any) -> int:
        judge = judge_of(config)
        return 3 + 2 * judge.num_features if judge else 1

    def answers(self, config: Any, model: DiT, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        part: Split = getattr(dataset, split)
        examples = np.arange(len(part))[rows]
        pieces = [examples[start : start + PIECE] for start in range(0, len(examples), PIECE)]
        found = [self._answers(config, model, dataset, split, piece) for piece in pieces]
        return np.concatenate([np.zeros((0, self.answer_size(config)), np.float32), *found])

    def _answers(self, config: Any, model: DiT, dataset: Dataset, split: str, examples: np.ndarray) -> np.ndarray:
        """Of a few examples: the loss; then, of the first, the class and the features of an image made in its place,
        and of it itself; zeros where nothing was made.
        """
        part: Split = getattr(dataset, split)
        pixels, labels, chance = part.images[examples], part.labels[examples], ExampleRows(config.seed, split, examples)
        images = from_pixels(pixels, model.dtype)
        times = logit_normal(chance.standard_normal((len(images),))).astype(model.dtype)
        noise, start = (chance.standard_normal(images.shape) for _ in range(2))
        arrays = (to_device(x, model.device) for x in (images, noise.astype(model.dtype), times, labels))
        said, wanted, _, _ = velocities(model, *arrays)
        answers = np.zeros((len(examples), self.answer_size(config)), np.float32)
        answers[:, 0] = to_numpy(((said - wanted) ** 2).mean(axis=1))
        if judge := judge_of(config):
            D, count = judge.num_features, num_samples(config, part, split)
            made, real = examples < count, examples < 2 * count
            samples = sample(model, labels[made], start[made], steps=config.steps, guidance=config.guidance)
            answers[made, 1], answers[made, 3 : 3 + D] = judge.look(samples)
            answers[real, 2], answers[real, 3 + D :] = judge.look(pixels[real])
        return answers

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Generation:
        part: Split = getattr(dataset, split)
        count, D = num_samples(config, part, split), (answers.shape[1] - 3) // 2

        def looks(rows: slice, column: int) -> Looks:
            features = slice(3 + D * (column - 1), 3 + D * column)
            return Looks(part.labels[rows], answers[rows, column].astype(np.int64), answers[rows, features])

        if not count:
            return Generation(answers[:, 0], NO_LOOKS, NO_LOOKS, NO_LOOKS)
        first, then = slice(0, count), slice(count, 2 * count)
        return Generation(answers[:, 0], looks(first, 1), looks(first, 2), looks(then, 2))

    def figures(self, config: Any, model: DiT, dataset: Dataset, split: str) -> dict[str, Any]:
        """Samples of the first classes, and the way from noise to the first of each."""
        names, settings = dataset.class_names, f"{config.steps} steps, guidance {config.guidance:g}"
        labels = np.repeat(np.arange(min(len(names), GRID_ROWS)), GRID_COLUMNS)
        noise = generator(config.seed, "figures").standard_normal((len(labels), *model.config.input_shape))
        samples = sample(model, labels, noise, steps=config.steps, guidance=config.guidance)
        firsts = slice(0, None, GRID_COLUMNS)
        ways, times = ways_of(model, labels[firsts], noise[firsts], steps=config.steps, guidance=config.guidance)
        return {
            "samples": plot_samples(samples, labels, names, title="Samples, one row a class", subtitle=settings),
            "denoising": plot_denoising(
                ways, times, [names[k] for k in labels[firsts]], title="From noise to an image", subtitle=settings
            ),
        }


def check_guided(config: GenerateConfig, guidance: float) -> None:
    """Check that a model that is guided has learned to make images without a label, too.

    Raises:
        UserError: it has not.
    """
    if guidance != 1 and not config.label_dropout:
        raise UserError(
            f"guidance {guidance:g} needs a model that has learned without labels, too, and label_dropout is 0: choose "
            "guidance 1, or train with some label_dropout"
        )


def check_used(config: GenerateConfig) -> None:
    """Check that no field of the model is given that would be passed over.

    Raises:
        UserError: one is.
    """
    for name in NOT_IN_A_DIT:
        if (value := getattr(config.model, name)) != getattr(GenerateConfig.model, name):
            raise UserError(f"the task generate has no use for {name}, got {value}: leave it out")


def num_samples(config: GenerateConfig, part: Split, split: str) -> int:
    """Images that are made to judge a model on a split: no more than leave as many real ones to compare with."""
    wanted = config.samples if split == "test" else config.dev_samples
    return min(wanted, len(part) // 2) if judge_of(config) else 0


def judge_of(config: GenerateConfig) -> Judge | None:
    """The classifier that judges samples, loaded once; None where there is none.

    Raises:
        UserError: it cannot be used.
    """
    folder = judge_folder(config)
    return load_judge(folder, "cpu") if folder else None


def judge_folder(config: GenerateConfig) -> str:
    """The folder of the judge, "" where there is none."""
    return {"shipped": str(SHIPPED), "auto": "", "none": ""}.get(config.judge, config.judge)


def load_generator(path: str | Path) -> tuple[GenerateConfig, DiT, tuple[str, ...]]:
    """The config of a run of this task, its model and the names of its classes.

    Raises:
        UserError: it is none, or damaged.
    """
    if not Path(path).is_dir():
        raise UserError(f"there is no folder {path}: give a run of tinyvit train --task generate")
    config = read_task_config(path)
    if not isinstance(config, GenerateConfig):
        what = "no run of a task" if config is None else f"a run of the task {config.task}"
        raise UserError(
            f"{path} is {what}, and only those of the task generate make images: train one, tinyvit train --task "
            "generate"
        )
    model = Generate().load(config, Path(path))
    file = model_folder(path) / PREPROCESSOR
    names: Any = read_json(file).get("class_names")
    right = isinstance(names, list) and len(names) == config.model.num_classes and all(map(is_text, names))
    check(right, file, f"class_names must be {config.model.num_classes} names", names)
    return config, model, tuple(names)
