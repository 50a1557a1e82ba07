"""Training runs by name; a flag on the command line overrides what a recipe says."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..config import ViTConfig
from ..config.presets import PRESETS, preset
from ..config.run import TrainConfig
from ..config.tasks import task_config
from ..errors import UserError

RECIPES: dict[str, TrainConfig] = {
    "default": TrainConfig(),
    # Seconds, to see everything work once; not a result.
    "quick": TrainConfig(epochs=1, warmup_epochs=0.1),
    # The same model in half the time: Muon needs half of AdamW's epochs.
    "fast": TrainConfig(epochs=6, batch_size=256, opt="muon", lr=0.012),
    # Convolutions in front, Muon, and digits that are turned, sheared and bent.
    "best": TrainConfig(
        model=dataclasses.replace(PRESETS["tiny"], stem="conv"),
        epochs=20,
        opt="muon",
        lr=8e-3,
        degrees=10.0,
        translate=1.5,
        scale=0.1,
        shear=5.0,
        elastic=0.7,
    ),
}


def recipe(name: str, task: str = "classify") -> TrainConfig:
    """The training run called `name`; tasks besides classification have "default" and "quick".

    Raises:
        UserError: there is none of that name.
    """
    recipes = RECIPES
    if task != "classify":
        default = task_config(task)()
        recipes = {
            "default": default,
            "quick": dataclasses.replace(default, epochs=default.least_epochs, warmup_epochs=0.1),
        }
    if name not in recipes:
        raise UserError(f"there is no recipe called {name!r} for the task {task}: choose from {', '.join(recipes)}")
    return recipes[name]


def configured(name: str, task: str, preset_name: str | None, options: Mapping[str, Any]) -> TrainConfig:
    """The recipe called `name`, with a preset as its model if one is named, and `options` of the run and the model.

    Raises:
        UserError: there is no such recipe or preset, or the options do not go together.
    """
    config = recipe(name, task)
    model = preset(preset_name) if preset_name else config.model
    of_model = {field.name for field in dataclasses.fields(ViTConfig)}
    changes = {name: value for name, value in options.items() if name in of_model}
    if "img_size" not in changes and not preset_name and model.image_shape[0] % changes.get("patch_size", 1):
        changes["img_size"] = 8 * changes["patch_size"]  # until the data say it
    model = dataclasses.replace(model, **changes)
    of_run = {name: value for name, value in options.items() if name not in of_model}
    return dataclasses.replace(config, **of_run | {"task": config.task}, model=model)
