"""Nothing escapes the check: every layer has a case, and a gradient wrong in all but one direction is found."""

import inspect

import numpy as np
import pytest

from tinyvit import layers
from tinyvit.gradcheck import check_gradients
from tinyvit.gradcheck.cases import LAYERS, MODELS, WORD_MODELS, all_cases
from tinyvit.ops import OPS


def test_every_layer_has_a_case_of_its_own_name():
    kinds = {kind for kind in vars(layers).values() if inspect.isclass(kind) and issubclass(kind, layers.Layer)}
    built = {name: type(build(np.random.default_rng(0))[0]) for name, build in LAYERS.items()}
    assert set(built.values()) == kinds - {layers.Layer}
    assert all(name.partition(",")[0] == kind.__name__ for name, kind in built.items())


def test_every_subclass_of_layer_is_exported():
    """So that the test above sees it."""

    def below(kind):
        return {kind, *(deeper for sub in kind.__subclasses__() for deeper in below(sub))}

    ours = {kind for kind in below(layers.Layer) if kind.__module__.startswith("tinyvit.layers")}
    assert ours == {kind for kind in vars(layers).values() if inspect.isclass(kind) and issubclass(kind, layers.Layer)}


def test_ops_layers_and_models_are_all_among_the_cases():
    names = {kind: {case.name for case in all_cases() if case.kind == kind} for kind in ("op", "layer", "model")}
    assert names == {"op": set(OPS), "layer": set(LAYERS), "model": {*MODELS, *WORD_MODELS}}


@pytest.mark.parametrize("field", ["pool", "gelu", "pos_embed", "num_registers", "drop_rate", "drop_path_rate", "qkv_bias", "layer_scale", "layer_norm_eps", "stem"])  # fmt: skip
def test_every_choice_of_a_model_is_checked(field):
    assert len({getattr(config, field) for config in MODELS.values()}) > 1


def test_right_along_one_direction_is_not_taken_for_right():
    """The check draws dy first and then its directions, so the first direction can be foreseen, and be made to agree."""
    shape = (30, 40)
    foreseen = np.random.default_rng(8)
    foreseen.standard_normal(shape)
    first = foreseen.standard_normal(shape)
    wrong = np.random.default_rng(9).standard_normal(shape)
    wrong -= first * (wrong * first).sum() / (first * first).sum()  # nothing of it along the first direction

    report = check_gradients(
        (lambda x: (x * x, x), lambda dy, x: 2 * x * dy + wrong),
        [np.random.default_rng(0).standard_normal(shape)],
        rng=np.random.default_rng(8),
    )
    assert not report.passed
