"""Training runs by name; a flag on the command line overrides what a recipe says."""

import dataclasses

from ..config.presets import PRESETS
from ..config.run import TrainConfig
from ..config.tasks import task_config
from ..errors import UserError

RECIPES: dict[str, TrainConfig] = {
    "default": TrainConfig(),
    # Seconds, to see everything work once; not a result.
    "quick": TrainConfig(epochs=1, warmup_epochs=0.1),
    # Smaller patches, fixed positions, more varied images, smaller batches, more patience.
    "best": TrainConfig(
        model=dataclasses.replace(PRESETS["tiny"], patch_size=4, pos_embed="sincos2d"),
        epochs=30,
        batch_size=64,
        lr=2e-3,
        degrees=10.0,
        translate=1.5,
        scale=0.1,
        shear=5.0,
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
