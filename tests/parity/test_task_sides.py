"""Both sides of the benchmark of tasks compute the same, from the same batch, and take a step."""

import dataclasses

import numpy as np
import pytest

from tinyvit.bench.setting import STEP
from tinyvit.bench.task_sides import task_side
from tinyvit.bench.task_speed import WITH_TWINS
from tinyvit.bench.torch_tasks import TWINS, torch_task_side
from tinyvit.config.tasks import task_config


@pytest.mark.parametrize("task", WITH_TWINS)
def test_loss_and_gradients_agree_and_a_step_changes_them(task):
    config = dataclasses.replace(task_config(task)(), batch_size=8)
    ours, theirs = task_side(config, 1), torch_task_side(config)
    try:
        (loss, grads), (their_loss, their_grads) = ours.gradients(), theirs.gradients()
        assert loss == pytest.approx(their_loss, rel=1e-5)
        assert their_grads.keys() == grads.keys()
        for name, grad in grads.items():
            scale = np.abs(grad).max()
            assert scale > 0, name
            np.testing.assert_allclose(their_grads[name], grad, atol=1e-3 * scale, err_msg=name)
        for side in (ours, theirs):
            side.runs[STEP]()
        assert ours.gradients()[0] == pytest.approx(theirs.gradients()[0], rel=1e-4)
        assert ours.gradients()[0] != pytest.approx(loss, rel=1e-4)
    finally:
        ours.close()
        theirs.close()


def test_every_twin_is_timed():
    assert set(TWINS) == set(WITH_TWINS)
