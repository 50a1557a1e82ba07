# %% [markdown]
# # Lesson 12: Train it on MNIST
#
# *About 45 minutes. It opens [`tinyvit/training/`](../tinyvit/training).*
#
# All the parts are there: a model, its gradients, an optimiser. Now we put them together, and let the model learn to
# read digits. Training is a short loop. What takes experience is to see from its curves whether all is well. So we
# break things on purpose, too, and look at the curves of each failure.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from tinyvit import VisionTransformer, load_dataset, preset, train
from tinyvit.course import check, show
from tinyvit.optim import AdamW
from tinyvit.training import TrainConfig, loss_and_gradients

data = load_dataset("mnist")
x_train = ((data.train.images / 255 - data.mean) / data.std).astype(np.float32)
y_train = data.train.labels
x_dev = ((data.dev.images[:1000] / 255 - data.mean) / data.std).astype(np.float32)
y_dev = data.dev.labels[:1000]

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
# - **dev**: we look at these while we work: to choose the learning rate, the number of epochs, the best checkpoint;
# - **test**: looked at once, at the very end.
#
# Why so strict? Whoever tries twenty settings and keeps the one that does best on the test set has trained on the test
# set, with twenty guesses. The number looks good and means nothing.
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
# ## First of all: over-fit one batch
#
# Before you train for minutes, do this, always. Take **one** small batch and train on it again and again. A model
# with 139,018 numbers can learn 32 images by heart. If it can't, something is wrong: a gradient, a shape, a learning
# rate. It takes two seconds, and it finds many bugs.
#
# At the beginning all ten classes are equally likely to the model, so the loss is near $\ln 10 \approx 2.30$. That is
# the next thing to look at. A first loss far above $\ln K$ means that the first logits are too large: look at the
# initialisation, and at the scale of the images. (Wrong labels do not show here. They too begin near $\ln K$.)


# %%
def fit(x, y, steps, *, lr=1e-3, batch_size=64, seed=0, spoil=lambda grads: grads):
    """Train a fresh tiny ViT; returns it and the loss of every step."""
    rng = np.random.default_rng(seed)
    model = VisionTransformer(preset("tiny"), rng=rng)
    optimizer = AdamW(model.parameters())
    losses = []
    for _ in range(steps):
        chosen = rng.permutation(len(x))[:batch_size]
        loss, grads = loss_and_gradients(model, x[chosen], y[chosen])
        optimizer.step(spoil(grads), lr=lr)
        losses.append(float(loss))
    return model, losses


model, losses = fit(x_train[:32], y_train[:32], 60)
print(f"first loss {losses[0]:.2f} (ln 10 is {np.log(10):.2f}), after 60 steps on the same 32 images {losses[-1]:.4f}")
right = (model.predict(x_train[:32]).argmax(-1) == y_train[:32]).mean()
others = (model.predict(x_dev).argmax(-1) == y_dev).mean()
print(f"right on the 32 images: {100 * right:.0f} %; on 1,000 others: {100 * others:.0f} %")

# %% [markdown]
# It knows the 32 images by heart. On images it has never seen it is much worse: learning by heart is not learning.
#
# ## An experiment: labels that mean nothing
#
# Now we give each of 64 images a **random** label. There is nothing to learn: the label of an image says nothing
# about the image. What will the training loss do?

# %%
random_labels = np.random.default_rng(1).integers(0, 10, 64)
model, nonsense = fit(x_train[:64], random_labels, 120)
by_heart = (model.predict(x_train[:64]).argmax(-1) == random_labels).mean()
on_dev = (model.predict(x_dev).argmax(-1) == y_dev).mean()
print(f"training loss {nonsense[0]:.2f} -> {nonsense[-1]:.3f}; right on its own nonsense: {100 * by_heart:.0f} %")
print(f"right on real digits of the dev split: {100 * on_dev:.0f} %")

# %% [markdown]
# The training loss falls to nearly nothing, as if all were well. On real digits the model does hardly better than
# guessing, which gives 10 %. **A falling training loss does not say that a model learns something true.** Only images
# that it has not seen can say that. (Zhang et al. 2017 showed the same for large networks on a million images:
# arXiv:1611.03530.)
#
# ## Reading failures
#
# Four runs of the same model, 150 steps each, and one thing different each time.

# %%
runs = {
    "all is well (lr 1e-3)": fit(x_train, y_train, 150)[1],
    "learning rate too high (0.1)": fit(x_train, y_train, 150, lr=0.1)[1],
    "learning rate too low (1e-6)": fit(x_train, y_train, 150, lr=1e-6)[1],
    "gradient with the wrong sign": fit(
        x_train, y_train, 150, spoil=lambda grads: {name: -grad for name, grad in grads.items()}
    )[1],
}

figure, ax = plt.subplots(figsize=(8, 3.4))
for name, curve in runs.items():
    smooth = np.convolve(curve, np.ones(10) / 10, mode="valid")
    ax.plot(smooth, label=f"{name}: ends at {smooth[-1]:.2f}")
ax.axhline(np.log(10), color="black", linewidth=0.8, linestyle=":")
ax.set(xlabel="step", ylabel="training loss (mean of 10)", yscale="log")
ax.legend(fontsize=8)
show(figure, "Four training curves. The dotted line is ln 10, the loss of somebody who only guesses.")

# %% [markdown]
# | What you see | What it may be | What to do |
# |---|---|---|
# | starts near ln K and falls quickly, then slowly | all is well | go on |
# | jumps up at first, then stays near ln K | learning rate too high | a tenth of it |
# | stays near ln K from the start | learning rate too low, or wrong labels | ten times more; look at the labels |
# | rises, without end | the sign of the gradient, or of the step | check the gradient (lesson 3) |
# | training loss falls, dev loss rises | learning by heart | more data, augmentation, fewer epochs |
# | NaN | a learning rate far too high, a log of 0, a division by 0 | clip gradients, warm up, look for the first NaN |
#
# ## The real thing
#
# `tinyvit.train` is the same loop with what a long run needs: augmentation (the images are moved, turned and stretched
# a little each time), warm-up and a cosine schedule, clipping, checkpoints, a dev split, and one process per core.
# Three epochs are enough to see it work.

# %%
config = TrainConfig(epochs=3, warmup_epochs=0.3, output=str(Path(tempfile.mkdtemp()) / "run"))
history = train(config)

# %%
epochs = [row["epoch"] for row in history.epochs]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8))
axes[0].plot(epochs, [row["train_loss"] for row in history.epochs], "o-", label="train")
axes[0].plot(epochs, [row["dev_loss"] for row in history.epochs], "o-", label="dev")
axes[0].set(xlabel="epoch", ylabel="loss", xticks=epochs)
axes[0].legend()
axes[1].plot(epochs, [100 * row["dev_accuracy"] for row in history.epochs], "o-", color="C1")
axes[1].set(xlabel="epoch", ylabel="dev accuracy, %", xticks=epochs)
show(figure, "Three epochs. The dev loss is lower: its images are easier, and it is taken when the epoch is over.")

# %%
print(f"test accuracy after 3 epochs: {100 * history.test.accuracy:.2f} %")
wrong = np.flatnonzero(history.test.predictions != data.test.labels)[:12]
figure, axes = plt.subplots(1, 12, figsize=(10, 1.4))
for ax, index in zip(axes, wrong, strict=True):
    ax.imshow(data.test.images[index, 0], cmap="gray")
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"{data.test.labels[index]}, not {history.test.predictions[index]}", fontsize=7)
show(figure, "Some that it got wrong: the true digit, and what the model said.")

# %% [markdown]
# The full runs, as commands for the terminal. They print the same and leave a folder with figures:
#
# ```sh
# tinyvit train                  # 12 epochs, 2 minutes on 2 cores, above 99 %
# tinyvit train --recipe best    # 30 epochs, 13 minutes, about 99.45 %
# ```
#
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
# too large. Look at the initialisation of the head.
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
#
# Look into [`tinyvit/training/step.py`](../tinyvit/training/step.py) for one step, and
# [`tinyvit/training/trainer.py`](../tinyvit/training/trainer.py) for the whole run.
