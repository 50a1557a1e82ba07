"""Settings of a search, kept in `tune.json` of its folder: what all trials have in common, and the space."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config import ViTConfig
from ..config.run import TrainConfig
from ..config.tasks import task_config
from ..errors import UserError
from ..storage.checks import check
from ..storage.files import disk_errors, read_json, to_json, write_file
from ..storage.locks import FileLock
from ..tasks.fit import FREE
from ..training.recipes import configured
from .space import Dimension, parse_space

SETTINGS = "tune.json"


@dataclasses.dataclass(frozen=True)
class Settings:
    """A search, as it was asked for.

    Attributes:
        space: by option the text of a range or of choices, see `space`.
        flags: other options that were given, of the run or its model.
        trials: so many are finished, pruned or failed in the end.
        winner_seeds: so many other seeds the winner is trained with.
    """

    space: dict[str, str]
    recipe: str = "default"
    task: str = "classify"
    preset: str | None = None
    flags: dict[str, Any] = dataclasses.field(default_factory=dict)
    trials: int = 30
    winner_seeds: int = 2

    @property
    def seed(self) -> int:
        """Of every trial, and of the values that are tried."""
        return int(self.flags.get("seed", 0))

    def dimensions(self) -> dict[str, Dimension]:
        """The space, parsed.

        Raises:
            UserError: as `parse_space`; or an option is both tuned and given.
        """
        if both := sorted(self.space.keys() & self.flags.keys()):
            flag = "--" + both[0].replace("_", "-")
            raise UserError(f"{both[0]} is tuned and given, too: leave --space {both[0]} or {flag} out")
        return parse_space(self.space, task_config(self.task))

    def config(self, values: Mapping[str, Any], output: Path, seed: int) -> TrainConfig:
        """The training run with these values of the tuned options.

        Raises:
            UserError: they do not go together.
        """
        flags = self.flags | dict(values) | {"output": str(output), "seed": seed}
        return configured(self.recipe, self.task, self.preset, flags)

    def free(self) -> list[str]:
        """Options of the model that follow the data."""
        given = {*self.flags, *self.space, *(("img_size", "patch_size") if self.preset else ())}
        return [name for name in FREE if name not in given]


def join(settings: Settings, folder: Path) -> None:
    """Begin the search in `folder`, or join the one that is there, which must be the same but for the number of trials.

    Raises:
        UserError: it is another, or the folder holds something else.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder, wait=True)
    with lock:
        if (folder / SETTINGS).exists():
            there = dataclasses.asdict(read_settings(folder))
            asked = dataclasses.asdict(settings)
            differing = [name for name in asked if name != "trials" and asked[name] != there[name]]
            if differing:
                raise UserError(
                    f"the search in {folder} has another {' and another '.join(differing)}: go on with tinyvit tune "
                    f"--resume {folder}, or choose another --output"
                )
        elif any(folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no search: choose another --output")
        else:
            write_file(folder / SETTINGS, to_json(dataclasses.asdict(settings)))


def read_settings(folder: Path) -> Settings:
    """The settings of the search in `folder`.

    Raises:
        UserError: there is none, or its `tune.json` is damaged.
    """
    path = folder / SETTINGS
    if not path.exists():
        raise UserError(f"{folder} holds no {SETTINGS}, so it is no search: give a folder that tinyvit tune made")
    saved = read_json(path)
    kinds = {"space": dict, "recipe": str, "task": str, "preset": str | None, "flags": dict, "trials": int,
             "winner_seeds": int}  # fmt: skip
    check(saved.keys() == kinds.keys(), path, f"the keys must be {', '.join(kinds)}", sorted(saved))
    for name, kind in kinds.items():
        check(isinstance(saved[name], kind), path, f"{name} is of another kind", saved[name])
    check(all(isinstance(text, str) for text in saved["space"].values()), path, "space must hold texts", saved["space"])
    fields = {field.name for config in (task_config(saved["task"]), ViTConfig) for field in dataclasses.fields(config)}
    check(saved["flags"].keys() <= fields, path, "flags must be options of a run", sorted(saved["flags"]))
    return Settings(**saved)
