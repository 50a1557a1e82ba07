"""Every optimizer that a run can choose, and SGD's other form, for the tests of what all optimizers do."""

import functools

import pytest

from tinyvit.optim import SGD
from tinyvit.training.state import OPTIMIZERS

MAKERS = {name: kind for name, (kind, _) in OPTIMIZERS.items()} | {"nesterov": functools.partial(SGD, nesterov=True)}

every_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
