"""Attention of a few fixed images and the patch embedding's filters, epoch by epoch, from a run's checkpoints.

A checkpoint is replaced by the next one, so what was seen of it is kept here, for as long as the page is open.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..backend import generator
from ..config import ViTConfig
from ..config.run import RunConfig, TrainConfig
from ..datasets import normalize
from ..errors import UserError
from ..evaluation.classifier import load_trained
from ..evaluation.preprocessing import Preprocessing
from ..evaluation.split import choose_split
from ..looking import on_grid
from ..ops import sigmoid_forward, softmax_forward
from ..storage.files import STATE_PROGRESS, WEIGHTS, current_folder, read_json
from ..tasks import task_of
from ..tasks.model_files import image_encoder
from ..vit import VisionTransformer
from .answer import Answer
from .query import Query

NUM_IMAGES = 6
MAX_KEPT = 1000  # epochs


class EpochMaps:
    """Maps of a run by epoch; 0 is the model before its first step, where the run began with random weights."""

    def __init__(self, folder: Path, config: RunConfig):
        self.folder, self.config = folder, config
        self._kept: dict[int, Answer] = {}
        self._stamp = 0
        self._problem: UserError | None = None
        self._pixels: np.ndarray | None = None

    @property
    def epochs(self) -> list[int]:
        """The epochs whose maps are kept; the last may be under way."""
        return sorted(self._kept)

    def look(self) -> bool:
        """Look at the newest checkpoint; whether it was a new one.

        Raises:
            UserError: it cannot be read, or holds no model that has maps.
        """
        folder = current_folder(self.folder / "last")
        try:
            stamp = (folder / WEIGHTS).stat().st_mtime_ns
        except OSError:
            return False  # none yet, or none of an image encoder
        if stamp == self._stamp:
            if self._problem:
                raise self._problem
            return False
        self._stamp, self._problem = stamp, None
        try:
            self._look_at(folder)
        except UserError as error:
            self._problem = error
            raise
        return True

    def _look_at(self, folder: Path) -> None:
        progress = read_json(folder / STATE_PROGRESS)
        finished, is_between = len(progress.get("epochs", [])), progress.get("loss_sum") == 0.0
        model, preprocessing = load_trained(folder)
        pixels = self._images(preprocessing)
        if not self._kept and isinstance(self.config, TrainConfig) and self.config.task == "classify":
            fresh: Any = task_of(self.config).build(self.config, generator(self.config.seed, "init"))
            if image_encoder(fresh) is not None:
                self._kept[0] = maps_of(fresh, preprocessing, pixels)
        self._kept[finished + (not is_between)] = maps_of(model, preprocessing, pixels)
        if len(self._kept) > MAX_KEPT:
            del self._kept[self.epochs[1]]

    def answer(self, query: Query, _: bytes) -> Answer:
        """The maps of one epoch.

        Raises:
            UserError: there are none.
        """
        epoch = query.whole("epoch")
        if epoch not in self._kept:
            raise UserError(f"there are no maps of epoch {epoch}: it was not seen while the page was open")
        return self._kept[epoch]

    def _images(self, preprocessing: Preprocessing) -> np.ndarray:
        """The first image of each of the first classes, uint8 (n, C, H, W)."""
        if self._pixels is None:
            split = choose_split(preprocessing, self.folder, note=lambda sentence: None).split
            labels = split.labels if np.ndim(split.labels) == 1 else np.arange(len(split))
            first = np.unique(labels, return_index=True)[1][:NUM_IMAGES]
            self._pixels = np.asarray(split.images[first])
        return self._pixels


def maps_of(model: VisionTransformer, preprocessing: Preprocessing, pixels: np.ndarray) -> Answer:
    """Maps of images, uint8 (n, C, H, W): for each block the attention of the class token, or the mean of all tokens
    where there is none, mean of its heads (n, depth, rows, columns); probabilities (n, K); filters (D, C, P, P).
    """
    config: ViTConfig = model.config
    x = normalize(pixels, preprocessing.mean, preprocessing.std, model.dtype)
    rows = [weights.mean(axis=1) for weights in model.attention(x)]  # (n, N, N)
    rows = [row[:, 0] if config.class_token else row.mean(axis=1) for row in rows]
    maps = (
        np.stack([on_grid(row, config) for row in rows], axis=1) if rows else np.zeros((len(x), 0, *config.grid_size))
    )
    weight: Any = model.patch_embed.proj.weight
    P = config.patch_size
    arrays = {"digits": pixels, "attention": maps, "filters": weight.T.reshape(config.embed_dim, -1, P, P)}
    if config.num_classes:
        arrays["probs"] = (sigmoid_forward if preprocessing.multi_label else softmax_forward)(model.predict(x))[0]
    return Answer(arrays)
