"""Small models of every kind, with images to look at, in float64."""

import dataclasses

from tinyvit.gradcheck.cases import shaken
from tinyvit.gradcheck.configs import MODELS
from tinyvit.looking import look
from tinyvit.vit import VisionTransformer

CLASSIFIERS = {name: config for name, config in MODELS.items() if config.num_classes}
FEW = ("cls token, erf", "everything", "conv stem")


def model_of(name, rng, **changes):
    return shaken(VisionTransformer(dataclasses.replace(CLASSIFIERS[name], **changes), rng=rng), rng)


def seen_by(name, rng, images=3, **changes):
    """A look of a model of this kind at random images."""
    model = model_of(name, rng, **changes)
    return look(model, rng.standard_normal((images, *model.config.input_shape)))
