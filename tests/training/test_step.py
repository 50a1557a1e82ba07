"""One step of training against the same step written out by hand, and the dtypes it leaves behind."""

import numpy as np
import pytest

from tests.support.optimizers import every_optimizer
from tinyvit.gradcheck.cases import MODELS, shaken
from tinyvit.ops import cross_entropy_backward, cross_entropy_forward
from tinyvit.optim import EMA, SGD, clip_by_global_norm, flatten
from tinyvit.training import loss_and_gradients, train_step
from tinyvit.vit import VisionTransformer

CONFIG = MODELS["drop path, dropout"]
EVERYTHING = {"lr": 0.05, "clip_grad": 0.3, "label_smoothing": 0.2, "seed": 4}


def model_and_batches():
    rng = np.random.default_rng(0)
    model = shaken(VisionTransformer(CONFIG, rng=rng), rng)
    images = rng.standard_normal((3, 5, CONFIG.in_chans, *CONFIG.image_shape))
    return model, images, rng.integers(0, CONFIG.num_classes, (3, 5))


def generator(seed, step):
    return None if seed is None else np.random.default_rng([seed, step])


def steps(*, lr, clip_grad, label_smoothing, seed):
    """The losses and the weights of three calls of `train_step`."""
    model, images, labels = model_and_batches()
    optimizer = SGD(model.parameters(), momentum=0.5)
    losses = [
        train_step(
            model, optimizer, images[i], labels[i], lr=lr, clip_grad=clip_grad, label_smoothing=label_smoothing,
            rng=generator(seed, i),
        )
        for i in range(3)
    ]  # fmt: skip
    return losses, model.parameters()


def steps_by_hand(*, lr, clip_grad, label_smoothing, seed):
    model, images, labels = model_and_batches()
    parameters = model.parameters()
    velocity = dict.fromkeys(parameters, 0.0)
    losses = []
    for i in range(3):
        logits, saved = model.forward(images[i], rng=generator(seed, i))
        targets = (1 - label_smoothing) * np.eye(CONFIG.num_classes)[labels[i]] + label_smoothing / CONFIG.num_classes
        exp = np.exp(logits)
        probs = exp / exp.sum(1, keepdims=True)
        losses.append(-(targets * np.log(probs)).sum(1).mean())
        _, grads = model.backward((probs - targets) / len(logits), saved)
        length = np.sqrt(sum((grad**2).sum() for grad in grads.values()))
        assert length > 2 * EVERYTHING["clip_grad"], "or clipping would change nothing"
        shorter = min(1.0, clip_grad / (length + 1e-6)) if clip_grad else 1.0
        for name, array in parameters.items():
            velocity[name] = 0.5 * velocity[name] + shorter * grads[name]
            array -= lr * velocity[name]
    return losses, parameters


@pytest.mark.parametrize(
    "change", [{}, {"lr": 0.02}, {"clip_grad": 0.0}, {"clip_grad": 1e9}, {"label_smoothing": 0.0}, {"seed": None}]
)
def test_a_step_is_forward_loss_backward_clip_step(change):
    losses, parameters = steps(**EVERYTHING | change)
    wanted_losses, wanted = steps_by_hand(**EVERYTHING | change)
    np.testing.assert_allclose(losses, wanted_losses, rtol=1e-9)
    for name, array in wanted.items():
        np.testing.assert_allclose(parameters[name], array, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("change", [{"lr": 0.02}, {"clip_grad": 0.0}, {"label_smoothing": 0.0}, {"seed": None}])
def test_every_argument_of_a_step_matters(change):
    _, parameters = steps(**EVERYTHING)
    _, changed = steps(**EVERYTHING | change)
    assert max(np.abs(changed[name] - array).max() for name, array in parameters.items()) > 1e-3


def test_what_is_not_asked_for_is_off():
    model, images, labels = model_and_batches()
    optimizer = SGD(model.parameters(), momentum=0.5)
    for i in range(3):
        train_step(model, optimizer, images[i], labels[i], lr=0.05)
    wanted = steps(lr=0.05, clip_grad=0.0, label_smoothing=0.0, seed=None)[1]
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(array, wanted[name])


def test_the_share_scales_the_gradient_and_not_the_loss():
    model, images, labels = model_and_batches()
    logits, saved = model.forward(images[0])
    loss, loss_saved = cross_entropy_forward(logits, labels=labels[0])
    _, grads = model.backward(cross_entropy_backward(1.0, loss_saved), saved)
    for share in (1.0, 0.3):
        some_loss, some_grads = loss_and_gradients(model, images[0], labels[0], share=share)
        assert float(some_loss) == float(loss)
        for name, grad in grads.items():
            np.testing.assert_allclose(some_grads[name], share * grad, rtol=1e-12, atol=1e-15)


@every_optimizer
@pytest.mark.parametrize("flat", [False, True])
def test_a_float32_model_trains_in_float32(make, flat, rng):
    model = VisionTransformer(MODELS["everything"], rng=rng)
    parameters = flatten(model) if flat else model.parameters()
    optimizer, ema = make(parameters, weight_decay=0.1), EMA(parameters, decay=0.9)
    images = rng.standard_normal((4, model.config.in_chans, *model.config.image_shape)).astype(np.float32)
    labels = rng.integers(0, model.config.num_classes, 4)
    for step in range(2):
        loss, grads = loss_and_gradients(model, images, labels, label_smoothing=0.1, rng=rng)
        norm = clip_by_global_norm(grads, 0.1)
        optimizer.step(grads, lr=0.01)
        ema.update(step)
    arrays = {"loss": loss, "norm": norm, **{f"d{name}": grad for name, grad in grads.items()}}
    arrays |= model.parameters() | optimizer.state_arrays() | {f"ema {name}": a for name, a in ema.average.items()}
    wrong = {name: str(array.dtype) for name, array in arrays.items() if array.dtype != np.float32}
    assert wrong == {}
