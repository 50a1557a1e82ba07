"""Progress that takes notes, for tests that ask what a run has told."""

import signal
from typing import NamedTuple

from tinyvit import VisionTransformer
from tinyvit.storage.files import HEAD, WEIGHTS
from tinyvit.storage.tensors import read_arrays
from tinyvit.training import Progress


def weights_in(folder):
    """The parameters saved in a model's folder, by our names; of a model without an image encoder, as they are."""
    if (folder / HEAD).is_file() and not (folder / WEIGHTS).is_file():
        return read_arrays(folder / HEAD)
    return VisionTransformer.from_pretrained(folder).parameters()


class Scripted(NamedTuple):
    """An evaluation as it is wanted."""

    loss: float
    accuracy: float

    @property
    def measures(self):
        return {"accuracy": self.accuracy}


class Notes(Progress):
    """Everything a run tells, and the weights it saved with every epoch."""

    def __init__(self):
        self.begun, self.steps, self.epochs, self.weights, self.notes = None, [], [], [], []

    def start(self, config, folder, *, images_per_epoch, images_done):
        self.begun, self.folder = (images_per_epoch, images_done), folder

    def note(self, sentence):
        self.notes.append(sentence)

    def step(self, images, loss):
        self.steps.append((images, loss))

    def epoch(self, metrics, best):
        self.epochs.append((metrics, best))
        self.weights.append(weights_in(self.folder / "last"))


class Stops(Notes):
    """Asks to stop after so many steps, as Ctrl-C does."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def step(self, images, loss):
        super().step(images, loss)
        if len(self.steps) == self.after:
            signal.raise_signal(signal.SIGINT)
