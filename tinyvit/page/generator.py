"""A generative model in the page: an image of a class as it is made from noise, step by step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import generator
from ..errors import UserError
from ..evaluation.predict import NoAnswerError
from ..evaluation.sampling import denoise, to_pixels
from ..tasks.generate import load_generator
from .about import facts
from .answer import Answer
from .query import Query

MAX_GUIDANCE, MAX_STEPS = 100.0, 200


class Generator:
    """A run of the task generate, on the CPU.

    Raises:
        UserError: it is none, or damaged.
    """

    task = "generate"
    reading: frozenset[str] = frozenset()

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.run, self.model, self.class_names = load_generator(path)
        self.routes: dict[str, Callable[[Query, bytes], Answer]] = {"GET sample": self.sample}

    def about(self) -> dict[str, Any]:
        """Facts about the model, for JSON; pixels are -1 to 1 to it."""
        return facts(
            self.path,
            self.model.config,
            self.model.num_parameters(),
            task=self.task,
            class_names=self.class_names,
            mean=0.5,
            std=0.5,
            is_drawing=True,
            examples=0,
        ) | {"guidance": self.run.guidance, "steps": self.run.steps}

    def warm_up(self) -> None:
        """Nothing is needed later."""

    def sample(self, query: Query, _: bytes) -> Answer:
        """Noisy images on the way to one of a class, and the image that the model sees in each, 0 to 255."""
        label, seed = query.whole("label"), query.optional("seed") or 0
        steps = query.whole("steps") if "steps" in query.fields else self.run.steps
        guidance = query.real("guidance") if "guidance" in query.fields else self.run.guidance
        for name, value, least, most in (
            ("label", label, 0, len(self.class_names) - 1),
            ("seed", seed, 0, 2**63),
            ("steps", steps, 1, MAX_STEPS),
            ("guidance", guidance, 0, MAX_GUIDANCE),
        ):
            if not least <= value <= most:
                raise UserError(f"{name} must be from {least} to {most:g}, got {value:g}: choose another")
        noise = generator(seed, "sample").standard_normal((1, *self.model.config.input_shape)).astype(self.model.dtype)
        way = list(denoise(self.model, noise, np.array([label]), steps=steps, guidance=guidance))
        if not np.isfinite(way[-1].x).all():
            raise NoAnswerError
        frames = [noise, *(step.x for step in way)]
        return Answer(
            {
                "frames": to_pixels(np.concatenate(frames)),
                "guesses": to_pixels(np.concatenate([step.guess for step in way])),
                "times": np.array([1.0, *(step.time for step in way)]),
            },
            {"label": str(label), "steps": str(steps), "guidance": f"{guidance:g}", "seed": str(seed)},
        )
