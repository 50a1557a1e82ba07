"""Checkpoint of any known family: found, recognised, and read as our parameters. Nothing in it is run as code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array
from ..config import ViTConfig
from ..config.costs import check_numbers
from ..errors import UserError, one_line
from ..images.processor import ImageProcessor
from ..storage.files import CONFIG, PREPROCESSOR, WEIGHTS, read_json
from ..storage.folders import is_there, read_folder
from ..storage.npz import read_npz
from ..storage.safetensors_file import let_go
from ..storage.tensors import read_arrays
from .families import FAMILIES, family_of
from .preprocessor import read_preprocessor, with_type
from .resolve import snapshot_of
from .weights import PICKLES, no_pickles, read_weights

MIN_PER_BLOCK = 11  # arrays, in any layout: weights and biases of five modules, and qkv without a bias
MAX_NAMED = 6  # parameters in an error message, of each kind


class Checkpoint(NamedTuple):
    """Contents of a model's folder or file."""

    path: Path  # as it was given
    family: str  # one of `FAMILIES`
    config: ViTConfig
    tensors: dict[str, np.ndarray]  # as they are stored there
    class_names: tuple[str, ...] | None
    values: dict[str, Any]  # of config.json
    preprocessor: dict[str, Any]  # what `read_preprocessor` found

    @property
    def left_out(self) -> list[str]:
        """The parts of the file that the model does not have: ["pooler"], ["logit_scale", "text_model"]."""
        family = FAMILIES[self.family]
        used = {name for stored in family.layout(self.config).values() for name in stored.names}
        return sorted(
            {name.split(".")[0] for name in self.tensors if name.startswith(family.left_out) and name not in used}
        )

    @property
    def is_projection(self) -> bool:
        """Whether what stands in the head's place names no classes."""
        return FAMILIES[self.family].projection in self.tensors

    @property
    def assumption(self) -> str:
        """Note that no file says how images are prepared; empty where one does."""
        if self.preprocessor or FAMILIES[self.family].processor_of(self.values, self.config.in_chans):
            return ""
        or_not = ", or it was not downloaded" if self.path.parent.name == "snapshots" else ""
        return f"{self.path} has no {PREPROCESSOR}{or_not}: images are prepared as is usual for such models"

    def processor(self) -> ImageProcessor:
        """Image processor of the model's training; its family's where no file says it.

        Raises:
            UserError: the files make no sense.
        """
        family, in_chans = FAMILIES[self.family], self.config.in_chans
        said = None if self.preprocessor else family.processor_of(self.values, in_chans)
        values = with_type(self.preprocessor, family.processor) if self.preprocessor else family.processor
        processor = said or ImageProcessor.from_dict(values, in_chans=in_chans)
        size = self.config.image_shape
        return processor if processor.output_size == size else processor.for_size(size)

    def state(self, parameters: Mapping[str, Array], *, with_head: bool = True) -> dict[str, np.ndarray]:
        """Our parameters by name, in one dtype: what tinyvit wrote keeps its own, others' have float32 or wider.

        Where dtype and layout allow it they are views of `tensors`, in a mapped file: nothing is copied.

        Args:
            parameters: of the model that is to have them.
            with_head: whether the classifier is among them; without, it stays as it is, whatever is stored.

        Raises:
            UserError: arrays are missing, unexpected, or of the wrong shape or kind; all kinds are listed.
        """
        family = FAMILIES[self.family]
        layout, tensors = family.layout(self.config), self.tensors
        wanted = {name: p.shape for name, p in parameters.items() if with_head or not name.startswith("head.")}
        expected = {
            name: shape
            for ours, wanted_shape in wanted.items()
            for name, shape in zip(layout[ours].names, layout[ours].shapes(wanted_shape), strict=True)
        }
        ignored = family.left_out if with_head else (*family.left_out, *family.head)
        given = {name: tensors[name] for name in expected if name in tensors}
        complaints = {
            "missing": [name for name in expected if name not in tensors],
            "unexpected": [name for name in tensors if name not in expected and not name.startswith(ignored)],
            "not an array of real numbers": [name for name, array in given.items() if array.dtype.kind not in "fiu"],
            "wrong shape": [
                f"{name} {array.shape} instead of {expected[name]}"
                for name, array in given.items()
                if array.shape != expected[name]
            ],
        }
        if any(complaints.values()):
            raise UserError(
                f"{self.path}: the weights do not fit this model, so none were loaded "
                f"({'; '.join(_listed(kind, names) for kind, names in complaints.items() if names)}); check the "
                f"model's config{self._about_head(complaints, with_head)}"
            )
        dtype = np.result_type(self._least_dtype(), *(array.dtype for array in given.values()))
        loaded = {}
        for ours in wanted:
            theirs = [given[name] for name in layout[ours].names]
            loaded[ours] = layout[ours].layout.read(theirs).astype(dtype, copy=False)
            if len(theirs) > 1:  # they have been copied
                for array in theirs:
                    let_go(array)
        return {name: loaded[name] if name in loaded else p.astype(dtype) for name, p in parameters.items()}

    def _least_dtype(self) -> type:
        return np.float16 if "tinyvit" in (self.family, *self.values) else np.float32

    def _about_head(self, complaints: Mapping[str, list[str]], with_head: bool) -> str:
        """A way out where nothing but the classifier is wrong."""
        names = [name for kind in complaints.values() for name in kind]
        only_head = with_head and all(name.startswith(FAMILIES[self.family].head) for name in names)
        return ", or leave out the classifier with tinyvit convert --ignore-head" if only_head else ""


def open_checkpoint(path: str | Path, *, with_head: bool = True) -> Checkpoint:
    """Look into a folder of tinyvit, Hugging Face or timm, or a `.npz` file of Google.

    Args:
        with_head: whether the saved classifier will be used: without, the names of its classes are not looked at.

    Raises:
        UserError: there is no model, it is damaged or of a kind that cannot be read, or could run code when opened.
    """
    path = Path(path)
    if path.suffix == ".npz":
        tensors = FAMILIES["npz"].plain_names(read_npz(path))
        config = FAMILIES["npz"].read_config({}, tensors)
        return _checked(Checkpoint(path, "npz", config, tensors, None, {}, {}))
    if path.suffix in PICKLES:
        raise UserError(no_pickles(path))
    if path.suffix == ".safetensors":
        return _open_folder(path, path.parent, with_head)
    if not is_there(path):
        raise UserError(
            f"{path} is not a folder, so there is no trained model: give one that holds {CONFIG} and {WEIGHTS}, or a "
            ".npz file"
        )
    path = snapshot_of(path)
    best = path / "best"  # of a run of tinyvit, which may be at work
    return read_folder(best if is_there(best) else path, lambda folder: _open_folder(path, folder, with_head))


def _open_folder(path: Path, folder: Path, with_head: bool) -> Checkpoint:
    """The model in `folder`, or, if `path` is a file of weights, that one; `path` is what messages call it."""
    values = read_json(folder / CONFIG)
    if "model" in values and not values.keys() & {"model_type", "architecture"}:
        raise UserError(_no_best(path))
    name = family_of(values, folder / CONFIG)
    family = FAMILIES[name]
    tensors = family.plain_names(read_arrays(path) if path.suffix == ".safetensors" else read_weights(folder))
    preprocessor = read_preprocessor(folder)
    config = family.read_config(values, tensors)
    is_named = with_head and family.projection not in tensors
    names = family.read_class_names(values, config.num_classes) if is_named else None
    return _checked(Checkpoint(path, name, config, tensors, names, values, preprocessor))


def _checked(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint, if its config can be meant; with zeros for the positions of tokens that have none in the file.

    Raises:
        UserError: the config describes many more blocks or numbers than the weights are: building it would take hours,
            or fill the memory.
    """
    if MIN_PER_BLOCK * checkpoint.config.depth > len(checkpoint.tensors):
        raise UserError(
            f"{checkpoint.path} does not fit together: its config describes {checkpoint.config.depth:,} blocks, its "
            f"weights are {len(checkpoint.tensors):,} arrays; use another copy"
        )
    check_numbers(checkpoint.config, sum(array.size for array in checkpoint.tensors.values()), checkpoint.path)
    if FAMILIES[checkpoint.family].complete_positions:
        return checkpoint
    name = FAMILIES[checkpoint.family].layout(checkpoint.config)["pos_embed"].names[0]
    positions, config = checkpoint.tensors.get(name), checkpoint.config
    if positions is not None and positions.ndim == 3:
        given = positions.shape[1] - config.num_patches  # of the tokens in front, how many have one
        if 0 <= given <= config.class_token:
            shape = len(positions), config.num_prefix_tokens - given, positions.shape[2]
            without = np.zeros(shape, positions.dtype)
            checkpoint.tensors[name] = np.concatenate([positions[:, :given], without, positions[:, given:]], axis=1)
    return checkpoint


def _no_best(run: Path) -> str:
    way_out = (
        f"put it back, or give {run / 'last'}, the weights of its last step"
        if is_there(run / "last")
        else "the run has to finish an epoch first"
    )
    return f"{run} is a run without its folder best, which holds the weights of the best epoch: {way_out}"


def _listed(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{kind}: {', '.join(one_line(name, 100) for name in names[:MAX_NAMED])}{more}"
