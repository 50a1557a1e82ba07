# %% [markdown]
# # Lesson 12: Train it on MNIST
#
# *About 65 minutes. It opens [`tinyvit/training/`](../tinyvit/training/__init__.py).*
#
# All the parts are there: a model, its gradients, an optimiser. Now we put them together, and let the model learn to
# read digits. Training is a short loop, and you write it. What takes experience is to see from its curves whether all
# is well. So we break things on purpose, too, and look at the curves of each failure.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import VisionTransformer, check_gradients, load_dataset, ops, preset, train
from tinyvit.course import bug_hunt, check, show, show_guess
from tinyvit.layers import Layer
from tinyvit.optim import AdamW
from tinyvit.training import Progress, TrainConfig, loss_and_gradients

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several

data = load_dataset("mnist")
x_train = ((data.train.images / 255 - data.mean) / data.std).astype(np.float32)
y_train = data.train.labels
x_dev = ((data.dev.images[:1000] / 255 - data.mean) / data.std).astype(np.float32)
y_dev = data.dev.labels[:1000]

# %% drawing=true
figure, axes = plt.subplots(2, 12, figsize=(10, 2))
for ax, image, label in zip(axes.ravel(), data.train.images, y_train, strict=False):
    ax.imshow(image[0], cmap="gray")
    ax.set(xticks=[], yticks=[])
    ax.set_title(label, fontsize=9)
show(figure, "What we train on: digits, and above each what it is.")

# %% [markdown]
# ## Three splits
#
# MNIST has 60,000 images to train on and 10,000 to test on. tinyvit takes 5,000 images away from the first and calls
# them the **dev split**:
#
# - **train**: the gradients come from these;
# - **dev**: we look at these while we work: to choose the learning rate, how long to train, and which of the saved
#   weights (*checkpoints*) to keep;
# - **test**: looked at once, at the very end.
#
# Why so strict? Whoever tries twenty settings and keeps the one that does best on the test set has trained on the test
# set, with twenty guesses. The number looks better than the model is.
#
# ### Exercise 12.1: accuracy
#
# **Goal:** the share of images whose largest logit is that of the true class. `logits` is `(B, K)`, `labels` is `(B,)`,
# the result is one number from 0 to 1. ●○○, 3 minutes.


# %% exercise="12.1"
def accuracy(logits, labels):
    """(B, K), (B,) -> a number between 0 and 1."""
    ### BEGIN SOLUTION
    return float((logits.argmax(-1) == labels).mean())
    ### END SOLUTION


# %%
check.accuracy(accuracy)

# %% [markdown] hints="12.1"
# The model's answer is the class with the largest logit. Comparing two arrays gives True and False, which NumPy counts
# as 1 and 0.
# ---
# `(logits.argmax(-1) == labels).mean()`.

# %% [markdown]
# ## Batches and epochs
#
# One pass over all training images is an **epoch**. The images are shuffled, cut into **batches**, and each batch gives
# one step of the optimiser. A new order for every epoch keeps the model from learning the order.
#
# ### Exercise 12.2: cut an epoch into batches
#
# **Goal:** `order` holds the numbers of all images, shuffled. Return a list of its pieces, `batch_size` long; the last
# one may be shorter, and no image is left out. ●○○, 5 minutes.


# %% exercise="12.2"
def epoch_batches(order, batch_size):
    """(n,) -> a list of arrays that together are `order`."""
    ### BEGIN SOLUTION
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    ### END SOLUTION


# %%
check.epoch_batches(epoch_batches)

# %% [markdown] hints="12.2"
# `range(0, len(order), batch_size)` counts where the pieces begin. A slice that reaches past the end is simply shorter.
# ---
# `[order[start : start + batch_size] for start in range(0, len(order), batch_size)]`.

# %% [markdown]
# ## The loop
#
# For each batch, one step. It has four parts, and you know them all:
#
# - **forward:** `logits, saved = model.forward(x)`;
# - **loss:** `loss, loss_saved = ops.cross_entropy_forward(logits, labels=y)` (lesson 4);
# - **backward:** `ops.cross_entropy_backward(1.0, loss_saved)` gives `dlogits`. Then `model.backward(dlogits, saved)`
#   gives two things: `dimages`, which nobody needs here, and `grads`, a dict with the gradient of each parameter;
# - **step:** `optimizer.step(grads, lr=lr)` changes the weights, in place. The optimiser is made once, by
#   `AdamW(model.parameters())`: it has to remember its $m$ and $v$ from step to step.
#
# ### Exercise 12.3: the training loop
#
# **Goal:** train a fresh model, one step for each batch. `make_model()` makes the model. `images` is `(n, C, H, W)`,
# `labels` is `(n,)`. `batches` is a list as in 12.2: each holds the numbers of its images. `rates` has a learning rate
# for each batch. Return `model, losses`: the trained model, and a list with the loss of every step. ●●○, 12 minutes.


# %% exercise="12.3"
def training_loop(make_model, images, labels, batches, rates):
    """A function, (n, C, H, W), (n,), a list of arrays, a list of rates -> the model, losses."""
    ### BEGIN SOLUTION
    model = make_model()
    optimizer = AdamW(model.parameters())
    losses = []
    for chosen, lr in zip(batches, rates, strict=True):
        logits, saved = model.forward(images[chosen])
        loss, loss_saved = ops.cross_entropy_forward(logits, labels=labels[chosen])
        dlogits = ops.cross_entropy_backward(1.0, loss_saved)
        _, grads = model.backward(dlogits, saved)
        optimizer.step(grads, lr=lr)
        losses.append(float(loss))
    return model, losses
    ### END SOLUTION


# %%
check.training_loop(training_loop)

# %% [markdown] hints="12.3"
# Model, optimizer and an empty list come before the loop. `for chosen, lr in zip(batches, rates):` gives each batch
# with its rate; `images[chosen]` and `labels[chosen]` are the batch. In the loop stand the four parts, in their order.
# ---
# In the loop: `logits, saved = model.forward(images[chosen])`, then
# `loss, loss_saved = ops.cross_entropy_forward(logits, labels=labels[chosen])`, then
# `_, grads = model.backward(ops.cross_entropy_backward(1.0, loss_saved), saved)`, then
# `optimizer.step(grads, lr=lr)`, and at last `losses.append(float(loss))`.

# %% [markdown]
# ## First of all: over-fit one batch
#
# Before you train for minutes, do this, always. Take **one** small batch and train on it again and again, until the
# model knows it by heart (it *over-fits*). A model with 72,074 numbers can learn 32 images by heart. If it can't,
# something is wrong: a gradient, a shape, a learning rate. It takes two seconds, and it finds many bugs.
#
# At the beginning all ten classes are equally likely to the model, so the loss is near $\ln 10 \approx 2.30$. That is
# the next thing to look at. A first loss far above $\ln K$ means that the first logits are too large: look at the
# numbers that the weights begin with, and at the scale of the images. (Wrong labels do not show here. They too begin
# near $\ln K$.)
#
# The loop below is the same as yours; `loss_and_gradients` is the library's name for its first three parts. From here
# on `fit` trains all our models. Take the `#` away from its last line, and they are trained by **your** loop.


# %%
def fit(make_model, images, labels, batches, rates):
    """Train a fresh model, one step for each batch; returns it and the loss of every step."""
    model = make_model()
    optimizer = AdamW(model.parameters())
    losses = []
    for chosen, lr in zip(batches, rates, strict=True):
        loss, grads = loss_and_gradients(model, images[chosen], labels[chosen])
        optimizer.step(grads, lr=lr)
        losses.append(float(loss))
    return model, losses


# fit = training_loop  # yours, when it has passed


tiny = replace(preset("tiny"), depth=2)  # 2 blocks in place of 4, so that you need not wait


def tiny_vit():
    return VisionTransformer(tiny, rng=np.random.default_rng(0))


def share_right(model, images, labels):
    return (model.predict(images).argmax(-1) == labels).mean()


x_few, y_few = x_train[:32], y_train[:32]
model, losses = fit(tiny_vit, x_few, y_few, [np.arange(32)] * 60, [1e-3] * 60)
print(f"first loss {losses[0]:.2f} (ln 10 is {np.log(10):.2f}), after 60 steps {losses[-1]:.4f}")
print(f"right on the 32 images: {share_right(model, x_few, y_few):.0%}")
print(f"right on 1,000 others:  {share_right(model, x_dev, y_dev):.0%}")

# %% [markdown]
# It knows the 32 images by heart. On images it has never seen it is much worse: learning by heart is not learning.
#
# ## An experiment: labels that mean nothing
#
# Now we give each of 64 images a **random** label. There is nothing to learn: the label of an image says nothing
# about the image. What will the training loss do? Guess, too: of how many of the 64 will the model say the random label?

# %%
my_guess = 10  # % of its own nonsense that it is "right" about

# %%
random_labels = np.random.default_rng(1).integers(0, 10, 64)
model, losses = fit(tiny_vit, x_train[:64], random_labels, [np.arange(64)] * 80, [1e-3] * 80)
by_heart = share_right(model, x_train[:64], random_labels)
print(f"training loss {losses[0]:.2f} -> {losses[-1]:.3f}")
print(f"right on its own nonsense: {by_heart:.0%}")
print(f"right on real digits of the dev split: {share_right(model, x_dev, y_dev):.0%}")
show_guess(my_guess, 100 * by_heart, "% of its own nonsense")

# %% [markdown]
# The training loss falls to nearly nothing, as if all were well. On real digits the model does hardly better than
# guessing, which gives 10 %. **A falling training loss does not say that a model learns something true.** Only images
# that it has not seen can say that. (Zhang et al. 2017 showed the same for large networks on a million images:
# arXiv:1611.03530.)
#
# ## Reading failures
#
# Four runs of the same model, 50 steps each, on the same batches; only the learning rate differs. (A negative one
# steps *up* the hill, as a wrong sign in the gradient does.)


# %%
def batches_of(n, steps, size=64, seed=0):
    """As many batches as steps: epoch after epoch, each in a new order."""
    rng, batches = np.random.default_rng(seed), []
    while len(batches) < steps:
        order = rng.permutation(n)
        batches += [order[start : start + size] for start in range(0, n, size)]
    return batches[:steps]


runs = {
    "all is well (lr 1e-3)": 1e-3,
    "learning rate too high (0.1)": 0.1,
    "learning rate too low (3e-5)": 3e-5,
    "gradient with the wrong sign": -1e-3,
}
curves = {}
for name, lr in runs.items():
    curve = fit(tiny_vit, x_train, y_train, batches_of(len(x_train), 50), [lr] * 50)[1]
    curves[name] = np.convolve(curve, np.ones(5) / 5, mode="valid")
    print(f"{name}: begins at {curve[0]:.2f}, highest {max(curve):.2f}, ends at {curve[-1]:.2f}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 3.4))
for name, curve in curves.items():
    ax.plot(curve, label=name)
ax.axhline(np.log(10), color="black", linewidth=0.8, linestyle=":")
ax.set(xlabel="step", ylabel="training loss (mean of 5)", yscale="log")
ax.legend(fontsize=8)
show(figure, "Four training curves. The dotted line is ln 10, the loss of somebody who guesses.")

# %% [markdown]
# | What you see | What it may be | What to do |
# |---|---|---|
# | starts near ln K and falls quickly, then slowly | all is well | go on |
# | jumps up at first, then stays near ln K | learning rate too high | a tenth of it |
# | falls, but very slowly | learning rate too low | ten times more |
# | stays near ln K from the start | learning rate far too low, or wrong labels of many images | look at the labels |
# | rises, without end | the sign of the gradient, or of the step | check the gradient (lesson 3) |
# | training loss falls, dev loss rises | learning by heart | more data, augmentation, fewer epochs |
# | NaN ("not a number") | rate far too high, a log of 0, a division by 0 | clip, warm up, find the first NaN |
#
# (The fourth and the last two are not in the picture. **Augmentation** moves, turns and stretches the images a little,
# otherwise each time. To **clip** is to shorten a gradient that is too long.)
#
# ## The real thing
#
# `tinyvit.train` is the same loop with what a long run needs: augmentation, warm-up and a cosine schedule (lesson 11),
# clipping, checkpoints, a dev split; and the images of a batch are shared among processes, one per core. `TrainConfig`
# holds the settings. Four epochs are enough to see it work, at twice the usual rate, with digits that are shifted by up
# to one pixel. It says a line after each; that takes about half a minute on two cores.


# %%
class Lines(Progress):
    def epoch(self, metrics, best):
        print(f"epoch {metrics['epoch']}: dev accuracy {metrics['dev_accuracy']:.2%}", flush=True)


config = TrainConfig(
    model=tiny,
    epochs=4,
    lr=6e-3,
    warmup_epochs=0.3,
    augment="shift",
    output=str(Path(tempfile.mkdtemp()) / "run"),
)
history = train(config, progress=Lines())

# %% drawing=true
epochs = [row["epoch"] for row in history.epochs]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8))
axes[0].plot(epochs, [row["train_loss"] for row in history.epochs], "o-", label="train")
axes[0].plot(epochs, [row["dev_loss"] for row in history.epochs], "o-", label="dev")
axes[0].set(xlabel="epoch", ylabel="loss", xticks=epochs)
axes[0].legend()
axes[1].plot(epochs, [100 * row["dev_accuracy"] for row in history.epochs], "o-", color="C1")
axes[1].set(xlabel="epoch", ylabel="dev accuracy, %", xticks=epochs)
show(figure, "The dev loss is lower: its images are easier, and it is taken after the epoch.")

# %%
print(f"test accuracy after 4 epochs: {history.test.accuracy:.2%}")
wrong = np.flatnonzero(history.test.predictions != data.test.labels)[:12]

# %% drawing=true
figure, axes = plt.subplots(1, 12, figsize=(10, 1.5))
for ax, index in zip(axes, wrong, strict=True):
    ax.imshow(data.test.images[index, 0], cmap="gray")
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"{data.test.labels[index]},\nnot {history.test.predictions[index]}", fontsize=10)
show(figure, "Some that it got wrong: the true digit, and what the model said.")

# %% [markdown]
# The full runs, as commands for the terminal. They show a bar while they run, and leave a folder with figures:
#
# ```sh
# tinyvit train                  # 12 epochs, 2 minutes on 2 cores, above 99 %
# tinyvit train --recipe best    # 20 epochs, 7 minutes, about 99.6 %
# ```
#
# ## A CNN beside it
#
# Before there were ViTs, nearly all models for images were **convolutional networks**, CNNs. You can build one from
# parts you know: a convolution is a linear layer on patches that **overlap**. Take the 3 × 3 pixels around *every*
# pixel, and put the same linear layer on all of them. What comes out is again an image, a *feature map*, with as many
# numbers per pixel as the layer makes. Then 2 × 2 pixels are averaged into one, and the next convolution sees farther.


# %%
def windows(x):
    """(B, H, W, C) -> (B, H, W, 9C): the 3 x 3 pixels around each; outside the image all is 0."""
    H, W = x.shape[1:3]
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.concatenate([x[:, i : i + H, j : j + W] for i in range(3) for j in range(3)], axis=-1)


def windows_backward(dy):
    """A pixel stands in nine windows: nine gradients add up."""
    B, H, W, nine_C = dy.shape
    dx = np.zeros((B, H + 2, W + 2, nine_C // 9), dy.dtype)
    for place, part in enumerate(np.split(dy, 9, axis=-1)):
        i, j = divmod(place, 3)
        dx[:, i : i + H, j : j + W] += part
    return dx[:, 1:-1, 1:-1]


def halve(x):
    """(B, H, W, C) -> (B, H/2, W/2, C): the means of 2 x 2 pixels."""
    B, H, W, C = x.shape
    return x.reshape(B, H // 2, 2, W // 2, 2, C).mean((2, 4))


def halve_backward(dy):
    return dy.repeat(2, axis=1).repeat(2, axis=2) / 4


class CNN(Layer):
    """(B, 1, side, side) -> (B, 10): two convolutions, to 8 and 16 numbers per pixel; a head."""

    def __init__(self, rng, side=28):
        def matrix(m, n, size):
            return (size / np.sqrt(m) * rng.standard_normal((m, n))).astype(np.float32)

        self.conv1_weight, self.conv1_bias = matrix(9, 8, 1.4), np.zeros(8, np.float32)
        self.conv2_weight, self.conv2_bias = matrix(9 * 8, 16, 1.4), np.zeros(16, np.float32)
        self.head_weight = matrix((side // 4) ** 2 * 16, 10, 0.3)
        self.head_bias = np.zeros(10, np.float32)

    def forward(self, x, *, rng=None):
        x = windows(x.transpose(0, 2, 3, 1))  # (B, 1, 28, 28) -> (B, 28, 28, 9)
        x, conv1 = ops.linear_forward(x, self.conv1_weight, self.conv1_bias)  # -> (B, 28, 28, 8)
        x, gelu1 = ops.gelu_forward(x)
        x = windows(halve(x))  # -> (B, 14, 14, 72)
        x, conv2 = ops.linear_forward(x, self.conv2_weight, self.conv2_bias)  # -> (B, 14, 14, 16)
        x, gelu2 = ops.gelu_forward(x)
        x = halve(x)  # -> (B, 7, 7, 16)
        rows = x.reshape(len(x), -1)
        logits, head = ops.linear_forward(rows, self.head_weight, self.head_bias)  # -> (B, 10)
        return logits, (conv1, gelu1, conv2, gelu2, x.shape, head)

    def backward(self, dy, saved):
        conv1, gelu1, conv2, gelu2, shape, head = saved
        grads = {}
        dx, grads["head_weight"], grads["head_bias"] = ops.linear_backward(dy, head)
        dx = ops.gelu_backward(halve_backward(dx.reshape(shape)), gelu2)
        dx, grads["conv2_weight"], grads["conv2_bias"] = ops.linear_backward(dx, conv2)
        dx = ops.gelu_backward(halve_backward(windows_backward(dx)), gelu1)
        dx, grads["conv1_weight"], grads["conv1_bias"] = ops.linear_backward(dx, conv1)
        return windows_backward(dx).transpose(0, 3, 1, 2), grads

    def predict(self, x):
        return self.forward(x)[0]


small = CNN(np.random.default_rng(0), side=8)
report = check_gradients(small, [np.random.default_rng(1).standard_normal((2, 1, 8, 8))])
print(f"{len(report.inputs)} gradients, {'passed' if report.passed else 'FAILED'}. The worst:")
print(report.worst)

# %% [markdown]
# In tinyvit, [`ops/conv2d.py`](../tinyvit/ops/conv2d.py) does this in one op. The two can also be joined: with
# `tinyvit train --stem conv` the patches are cut from what two convolutions make of the image.
#
# ### "A ViT is simply better"
#
# So one reads at times. We give both the *same* few digits, without augmentation, and 80 steps on the same batches,
# with a short warm-up and then a rate that falls to 0. What share of the dev digits will each read? Guess before you
# run the cell.

# %%
my_guess = 95  # % of the dev digits that the ViT reads after 1,000 training digits


# %%
def small_cnn():
    return CNN(np.random.default_rng(0))


steps = np.arange(80)
rates = 3e-3 * np.minimum(1, (steps + 1) / 20) * (1 - steps / 80)
print("training digits      CNN      ViT")
for n in (300, 1000):
    batches = batches_of(n, 80)
    cnn = fit(small_cnn, x_train[:n], y_train[:n], batches, rates)[0]
    vit = fit(tiny_vit, x_train[:n], y_train[:n], batches, rates)[0]
    right = [share_right(model, x_dev, y_dev) for model in (cnn, vit)]
    print(f"{n:>15,}   {right[0]:>6.1%}   {right[1]:>6.1%}")
print(f"numbers:          {cnn.num_parameters():>6,}  {vit.num_parameters():>7,}")
show_guess(my_guess, 100 * right[1], "% read by the ViT, after 1,000 digits")

# %% [markdown]
# The CNN wins clearly, with an eighth of the numbers. It is **given** two facts about images: neighbouring pixels
# belong together, and what is worth seeing in one place is worth seeing in all. So it has the same filter everywhere.
# A ViT is given less of both, and must *learn* the rest, from data or from augmentation. (With 55,000 digits and
# augmentation, above, it came to 98 %.)
#
# ### "A CNN is blind to shifts"
#
# We move a digit by one pixel and look at two things: the first feature map, and the logits.

# %%
digit = x_dev[:1].astype(np.float64)
moved = np.roll(digit, 1, axis=3)  # one pixel to the right
exact = cnn.astype(np.float64)


def feature_map(x):
    x = windows(x.transpose(0, 2, 3, 1))
    return ops.linear_forward(x, exact.conv1_weight, exact.conv1_bias)[0]


before, after = feature_map(digit)[:, :, 1:-2], feature_map(moved)[:, :, 2:-1]  # without the border
change = exact.predict(moved) - exact.predict(digit)
print(f"largest difference to the old map, moved by one pixel: {np.abs(after - before).max():.0e}")
print(f"largest change of a logit: {np.abs(change).max():.2f}")

# %% [markdown]
# Not blind: the map **moves with the digit**, exactly, because the same filter stands everywhere. This is called
# *equivariant*. (Not at the border, where the windows see zeros; and behind a halving, for shifts by two pixels.) The
# logits do change: the head has its own weights for every place, so it sees where things are. A ViT has less of this
# for a start: its patches follow only shifts by whole patches, and then a position is added to each.

# %% [markdown]
# ## Hard, and optional: one image in another
#
# Images that nobody has seen, for nothing: **CutMix** (Yun et al. 2019, arXiv:1905.04899) pastes a rectangle of one training
# image into another. What is the label then? A share of each: if the rectangle covers a fifth of the pixels, the target is
# 0.8 for the one class and 0.2 for the other. Cross-entropy takes such a target as it is, $-\sum_k q_k \ln p_k$, and its gradient
# is $p - q$ as ever (lesson 4).
#
# ### Exercise 12.4: CutMix
#
# **Goal:** `images` is `(B, C, H, W)`, `labels` is `(B,)`. Image `i` takes from image `order[i]` the pixels within `box`, which is
# `(top, bottom, left, right)`: rows from `top` up to, and without, `bottom`, columns likewise. Return the new images, and the
# targets `(B, num_classes)`, whose rows add up to 1. Leave `images` as it is. ●●●, 12 minutes.


# %% exercise="12.4"
def cutmix(images, labels, order, box, num_classes):
    """(B, C, H, W), (B,), (B,), four whole numbers, a whole number -> (B, C, H, W), (B, num_classes)."""
    ### BEGIN SOLUTION
    top, bottom, left, right = box
    mixed = images.copy()
    mixed[:, :, top:bottom, left:right] = images[order, :, top:bottom, left:right]
    share = (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
    one_hot = np.eye(num_classes)
    return mixed, (1 - share) * one_hot[labels] + share * one_hot[labels[order]]
    ### END SOLUTION


# %%
check.cutmix(cutmix)

# %% [markdown] hints="12.4"
# Copy the images, and write into the copy, for all images at once: `mixed[:, :, top:bottom, left:right] = ...`. Row `k` of
# `np.eye(num_classes)` is the target of class `k`.
# ---
# The share is the area of the box over `H * W`. The targets are `(1 - share) * one_hot[labels] + share * one_hot[labels[order]]`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong or missing in the loop that you are handed. We train it on the same batch again and again.

# %%
broken = bug_hunt(12)
model, losses = broken(tiny_vit, x_few, y_few, [np.arange(32)] * 5, [1e-3] * 5)
print("losses:", *(f"{loss:.6f}" for loss in losses))
fresh = tiny_vit().parameters()
moved = max(np.abs(array - fresh[name]).max() for name, array in model.parameters().items())
print(f"the weights have moved by up to {moved:.0e}")

# %%
my_suspect = 10  # the number of the wrong line
check.suspect(12, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. The training loss of the real run is higher than its dev loss. Is something wrong?**
#
# <details><summary>Answer</summary>
#
# No. The training images are moved, turned and stretched at random, which makes them harder. The dev images are not.
# And the training loss is a mean over the epoch, in which the model got better all the time; the dev loss is measured
# at the end. In the first epoch this counts most.
#
# </details>
#
# **2. A model of 100 classes starts with a loss of 9.3. What do you think?**
#
# <details><summary>Answer</summary>
#
# It should start near $\ln 100 \approx 4.6$. At 9.3 it is not unsure, it is *sure and wrong*: its first logits are far
# too large. Look at the weights that the head begins with.
#
# </details>
#
# **3. You tried 30 learning rates and report the best test accuracy. Why is that number too good?**
#
# <details><summary>Answer</summary>
#
# You chose by the test set. The best of 30 is partly the luckiest of 30. Choose on the dev split, then test once.
#
# </details>
#
# ## What you can now do
#
# - Write a training loop, and test it on one batch before you spend an hour.
# - Read learning curves, and name what is wrong by their shape.
# - Keep dev and test apart, and say why.
# - Say what a CNN is given, and a ViT has to learn.
#
# Look into [`tinyvit/training/step.py`](../tinyvit/training/step.py) for one step, and
# [`tinyvit/training/loop.py`](../tinyvit/training/loop.py) for the whole run. Go on with
# [lesson 13](13_look_inside.ipynb).
