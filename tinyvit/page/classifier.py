"""A classifier in the page: looks at images that are drawn, and answers questions about those it saw last."""

import functools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import device_of, to_device
from ..config import ViTConfig
from ..datasets import Split, normalize
from ..datasets.load import is_at_hand
from ..errors import UserError
from ..evaluation.classifier import load_classifier
from ..evaluation.pages import DigitReader
from ..evaluation.split import choose_split
from ..looking import without_heads
from .about import facts
from .answer import Answer
from .own_images import OwnImages
from .query import Query
from .seen import Seen

SMALL = 5_000_000  # parameters: below, the memory of a look is no question
KEPT, KEPT_LARGE = 8, 2  # looks that can be asked about

Note = Callable[[str], None]


class Classifier:
    """One model, and what it said last; one request at a time computes.

    Args:
        path: a run, the folder of a model, or a .npz file.
        note: is told what the user should know.

    Raises:
        UserError: there is no model, or one that names no classes.
    """

    task = "classify"
    reading = frozenset({"POST image", "GET example"})

    def __init__(self, path: str | Path, *, device: str = "cpu", note: Note):
        self.path = Path(path)
        model, self.preprocessing = load_classifier(path)
        if self.preprocessing.assumption:
            note(self.preprocessing.assumption)
        self.model = (model.astype(np.float32) if model.dtype == np.float16 else model).to(device)
        self.config = model.config
        paint = self.preprocessing.paint(self.config.in_chans, self.model.dtype)
        self.fill = to_device(paint, device)
        self.is_small = model.num_parameters() < SMALL
        self.own_images = OwnImages(self.preprocessing, DigitReader(self.model, self.preprocessing, note))
        self._opening = threading.Lock()
        self._seen: OrderedDict[int, Seen] = OrderedDict()
        self._number = 0
        self.routes: dict[str, Callable[[Query, bytes], Answer]] = {
            "POST look": self.look,
            "POST image": self.image,
            "GET example": self.example,
            "GET token": lambda query, _: self._asked(query).token(query.whole("token")),
            "GET cover": self.cover,
            "GET backward": self.backward,
            "GET adversarial": self.adversarial,
        }

    def about(self) -> dict[str, Any]:
        """Facts about the model, for JSON."""
        preprocessing = self.preprocessing
        return facts(
            self.path,
            self.config,
            self.model.num_parameters(),
            task=self.task,
            class_names=preprocessing.class_names,
            mean=preprocessing.mean,
            std=preprocessing.std,
            is_drawing=preprocessing.is_drawing,
            examples=len(self.examples) if self.examples else 0,
            multi_label=preprocessing.multi_label,
            device=device_of(self.fill),
        )

    def warm_up(self) -> None:
        """Read the examples, and what digits look like that were learned."""
        if self.examples is not None and self.preprocessing.looks_for_digits:
            self.own_images.reader.familiar  # noqa: B018  it is kept

    def look(self, query: Query, body: bytes) -> Answer:
        """Look at pixels, uint8 (C, H, W), with some heads off or none."""
        pixels, off = pixels_in(body, self.config), query.heads("off")
        x = normalize(pixels[None], self.preprocessing.mean, self.preprocessing.std, self.model.dtype)
        x = to_device(x, device_of(self.fill))
        start = time.perf_counter()
        model = without_heads(self.model, off) if off else self.model
        seen = Seen(model, pixels, x, self.fill, multi_label=self.preprocessing.multi_label)
        target = seen.target(query.optional("target"))
        arrays = seen.everything(target)
        if off:
            arrays["logits_all_heads"] = self.model.predict(x)[0]
        spent = 1e3 * (time.perf_counter() - start)
        self._number += 1
        self._seen[self._number] = seen
        while len(self._seen) > (KEPT if self.is_small else KEPT_LARGE):
            self._seen.popitem(last=False)
        return Answer(arrays, {"number": str(self._number), "target": str(target), "milliseconds": f"{spent:.2f}"})

    def cover(self, query: Query, _: bytes) -> Answer:
        """Covering for a class, and how far the maps agree with it."""
        seen = self._asked(query)
        return seen.cover(seen.target(query.optional("target")), query.optional("from"))

    def backward(self, query: Query, _: bytes) -> Answer:
        """The gradient of a logit on its way through one head."""
        seen = self._asked(query)
        block, head, token = (query.whole(name) for name in ("block", "head", "token"))
        return seen.backward(seen.target(query.optional("target")), block, head, token)

    def adversarial(self, query: Query, _: bytes) -> Answer:
        """The image after a step against a class."""
        seen = self._asked(query)
        return seen.adversarial(seen.target(query.optional("target")), query.whole("epsilon"))

    def image(self, _: Query, body: bytes) -> Answer:
        """The bytes of an image file as pixels."""
        pixels, done = self.own_images.read(body)
        return Answer({"pixels": pixels}, {"done": done})

    def example(self, query: Query, _: bytes) -> Answer:
        """An image of the data set's test split: first one of each class, then the others as they come."""
        index, examples = query.whole("index"), self.examples
        if examples is None or not 0 <= index < len(examples):
            count = len(examples) if examples else 0
            raise UserError(f"there is no example {index}: this model has {count:,} of them, numbered from 0")
        index = self._order[index]
        pixels = np.asarray(examples.images[index : index + 1])[0]
        metadata = {"done": ""}
        if np.ndim(examples.labels) == 1:
            metadata["label"] = self.preprocessing.class_names[int(examples.labels[index])]
        return Answer({"pixels": pixels}, metadata)

    @property
    def examples(self) -> Split | None:
        """Images on this machine that belong to the model; nothing is downloaded for them. None: there are none."""
        with self._opening:  # several may ask at once, and one reads
            return self._examples

    @functools.cached_property
    def _examples(self) -> Split | None:
        try:
            if self.preprocessing.built_in and not is_at_hand(self.preprocessing.dataset):
                return None
            return choose_split(self.preprocessing, self.path, note=lambda sentence: None).split
        except UserError:
            return None

    @functools.cached_property
    def _order(self) -> list[int]:
        labels = self.examples.labels if self.examples else np.zeros(0)
        first = np.unique(labels, return_index=True)[1].tolist() if np.ndim(labels) == 1 else []
        return list(dict.fromkeys([*first, *range(len(labels))]))

    def _asked(self, query: Query) -> Seen:
        """The look that a question is about.

        Raises:
            UserError: it is not one of the last.
        """
        number = query.whole("number")
        seen = self._seen.get(number)
        if seen is None:
            raise UserError(f"look {number} is no longer known, or never was: look at the image again")
        return seen


def pixels_in(body: bytes, config: ViTConfig) -> np.ndarray:
    """The pixels that were sent, uint8 (C, H, W).

    Raises:
        UserError: they are not as many as the model takes.
    """
    shape = config.input_shape
    if len(body) != np.prod(shape):
        raise UserError(f"an image of {shape} has {np.prod(shape)} bytes, got {len(body)}: send uint8 pixels")
    return np.frombuffer(body, np.uint8).reshape(shape)
