"""Whole training steps by fused kernels against NumPy's, and what a step costs in launches and memory."""

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.fused_steps import CLIP, CONFIGS, RATES, SMALL, SMOOTHING, Side, close
from tinyvit.backend import to_numpy
from tinyvit.gpu import GraphedStep
from tinyvit.optim import EMA, AdamW, flatten
from tinyvit.training import loss_and_gradients, train_step


@pytest.mark.parametrize("name", others_slow(CONFIGS))
def test_loss_and_every_gradient_are_those_of_numpy(name, make_device):
    side = Side(CONFIGS[name], make_device(CONFIGS[name]))
    side.grads.vector.fill(np.nan)
    side.feed(0)
    side.step.gradients()
    host = side.host.astype(np.float64)
    loss, grads = loss_and_gradients(host, side.images[0].astype(np.float64), side.labels[0], label_smoothing=SMOOTHING)
    assert float(side.step.loss[0]) == pytest.approx(float(loss), rel=1e-5)
    D = CONFIGS[name].embed_dim
    for parameter, grad in grads.items():
        got = to_numpy(side.grads[parameter]).copy()
        if parameter.endswith("qkv.bias"):  # softmax does not see the keys' bias: its gradient is a rounding error
            assert np.abs(got[D : 2 * D]).max() < 1e-6
            got[D : 2 * D] = grad[D : 2 * D]
        close(got, grad)


@pytest.mark.parametrize("name", others_slow(["class token", "long attention", "mean, registers, tanh"], fast=2))
def test_three_steps_lead_where_numpy_goes(name, make_device):
    side = Side(CONFIGS[name], make_device(CONFIGS[name]))
    host = side.host.astype(np.float64)
    parameters = flatten(host)
    optimizer, ema = AdamW(parameters, weight_decay=0.1), EMA(parameters, decay=0.9)
    for index, rate in enumerate(RATES):
        side.feed(index)
        side.run()
        loss = train_step(
            host,
            optimizer,
            side.images[index].astype(np.float64),
            side.labels[index],
            lr=rate,
            clip_grad=CLIP,
            label_smoothing=SMOOTHING,
        )
        ema.update(index + 1)
        assert float(side.update.losses[index]) == pytest.approx(float(loss), rel=1e-5)
    D = CONFIGS[name].embed_dim
    for parameter, array in parameters.items():
        keys = (
            slice(D, 2 * D) if parameter.endswith("qkv.bias") else slice(0, 0)
        )  # see above: AdamW moves them at random
        pairs = [(side.parameters, parameters), (side.ema.average, ema.average)]
        pairs += [(side.optimizer.state[slot], optimizer.state[slot]) for slot in ("m", "v")]
        for got, want in pairs:
            one, two = to_numpy(got[parameter]).copy(), want[parameter].copy()
            one[keys] = two[keys] = 0
            close(one, two, 1e-4)  # AdamW divides by the root of v, and so makes small errors larger
        assert array.shape == side.parameters[parameter].shape


@pytest.mark.parametrize("name", others_slow(CONFIGS))
def test_a_step_is_a_fixed_number_of_launches(name, make_device):
    config = CONFIGS[name]
    side = Side(config, make_device(config))
    counts = []
    for index in range(3):
        side.feed(index)
        side.device.launches = 0
        side.run()
        counts.append(side.device.launches)
    block = 21 if name not in ("long attention", "long attention, mean") else 28
    around = 14 + (2 if config.pool == "mean" else 0)
    without_bias = 0 if config.qkv_bias else config.depth  # nothing to add up
    cleared = 1 if name == "long attention" else 0  # gradients of queries that nobody asked
    assert counts == [block * config.depth + around - without_bias + cleared] * 3
    if block == 21:
        assert counts[0] + 1 <= 24 * config.depth + 14 + (2 if config.pool == "mean" else 0)  # with the patches


@pytest.mark.parametrize("name", others_slow(["class token", "long attention"]))
def test_recorded_steps_are_the_steps_bit_by_bit(name, make_device):
    ends = []
    for recorded in (True, False, True):
        side = Side(CONFIGS[name], make_device(CONFIGS[name]))
        run = GraphedStep(side.device, side.run) if recorded else side.run
        for index in range(3):
            side.feed(index)
            run()
        if recorded:
            assert run.fallback is None
        ends.append([to_numpy(x).copy() for x in (side.parameters.vector, side.ema.average.vector, side.update.losses)])
    for other in ends[1:]:
        for one, two in zip(ends[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def break_off(device, after, monkeypatch):
    """From here on, recordings on `device` fail at the product number `after`."""
    record, matmul, left = device.record, device.matmul, [after]

    def fails(*args, **options):
        if not left[0]:
            raise RuntimeError("no")
        left[0] -= 1
        matmul(*args, **options)

    def try_to_record(run):
        with monkeypatch.context() as patch:
            patch.setattr(device, "matmul", fails)
            return record(run)

    monkeypatch.setattr(device, "record", try_to_record)


@pytest.mark.parametrize("after", others_slow([10, 0, 22]))
def test_what_cannot_be_recorded_goes_on_as_it_is(after, make_device, monkeypatch):
    """Wherever in a step the recording breaks off, nothing of it is left in the next."""
    ends = []
    for breaks in (False, True):
        side = Side(SMALL, make_device(SMALL))
        if breaks:
            break_off(side.device, after, monkeypatch)
        run = GraphedStep(side.device, side.run)
        for index in range(3):
            side.feed(index)
            run()
        assert run.fallback == ("RuntimeError: no" if breaks else None)
        assert len(side.step.ops.sums._tables) == 2  # what is added up, in two stages: the same in each step
        ends.append(to_numpy(side.parameters.vector).copy())
    np.testing.assert_array_equal(*ends)


def test_the_memory_of_a_step_is_made_once(make_device):
    side = Side(SMALL, make_device(SMALL))
    memory, places = side.step.ops.memory, []
    empty = memory.empty

    def noted(*shape, **options):
        array = empty(*shape, **options)
        places[-1].append(side.device.address(array))
        return array

    memory.empty = noted
    sizes = []
    for index in range(3):
        places.append([])
        side.feed(index)
        side.run()
        sizes.append(memory.nbytes)
    assert places[0] == places[1] == places[2]
    assert sizes[0] == sizes[1] == sizes[2]
    assert len(set(places[0])) < len(places[0])  # and used more than once within a step


def test_a_nan_in_a_gradient_reaches_every_weight_as_on_the_cpu(make_device):
    """Its length is NaN, so clipping makes all of it NaN: nobody goes on with weights that were not clipped."""
    side = Side(SMALL, make_device(SMALL))
    side.feed(0)
    side.step.gradients()
    side.grads.vector[3:4] = np.nan
    side.update.run(side.step.loss)
    assert np.isnan(to_numpy(side.parameters.vector)).all()
