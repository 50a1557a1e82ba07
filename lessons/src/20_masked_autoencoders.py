# %% [markdown]
# # Lesson 20: Masked autoencoders
#
# *About 100 minutes. It opens [`tinyvit/tasks/mae.py`](../tinyvit/tasks/mae.py) and
# [`tinyvit/ops/masking.py`](../tinyvit/ops/masking.py).*
#
# Until now somebody had to write a label on every image. Labels cost money; images do not. Can a model learn from images
# **alone**? Here is an old game: hide most of an image, and let the model paint what is missing. The truth is there for
# free, for it was hidden by us. Try it yourself: which digits are these?

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import VisionTransformer, ViTConfig, check_gradients, ops
from tinyvit.course import bug_hunt, check, replace_failing, show, show_guess
from tinyvit.datasets import load_dataset
from tinyvit.layers import Block, Layer, LayerNorm, Linear, prefixed, spread_to
from tinyvit.ops.positions import sincos2d
from tinyvit.optim import AdamW

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several

mnist = load_dataset("mnist")
P, L, V = 7, 16, 4  # pixels of a patch's side, patches of an image, visible ones


def normalised(pixels):
    return ((pixels / 255 - mnist.mean) / mnist.std).astype(np.float32)


def as_patches(images):
    """(B, 1, 28, 28) -> (B, L, P * P)."""
    return ops.patchify_forward(images, patch_size=P)[0]


def as_images(patches):
    """(B, L, P * P) -> (B, 28, 28)."""
    return ops.unpatchify_forward(patches, image_shape=(28, 28), patch_size=P)[0][:, 0]


some = normalised(mnist.dev.images[:10])
noise = np.random.default_rng(3).random((10, L))
covers = noise > np.sort(noise, axis=1)[:, V - 1 : V]  # all but the V smallest of each image

# %% drawing=true
figure, axes = plt.subplots(1, 10, figsize=(10, 1.2))
covered = as_images(np.where(covers[:, :, None], 1.0, as_patches(some)))
for ax, image in zip(axes, covered, strict=True):
    ax.imshow(image, cmap="gray", vmin=-0.42, vmax=2.8)
    ax.axis("off")
show(
    figure,
    "Ten digits; twelve of the sixteen patches of each are covered in grey. The truth comes further down.",
)

# %% [markdown]
# To guess well you need to know how digits are built: what bends here usually closes there. A model that paints well must
# know that, too. This is the **masked autoencoder**, MAE (He et al. 2022, arXiv:2111.06377):
#
# ```
# image -> 16 patches -> 4 of them -> ENCODER -> 4 tokens
#                                       4 tokens + 12 mask tokens, put back in place -> DECODER -> pixels of 16 patches
# ```
#
# - The **encoder** is your ViT. It gets the visible patches only, so it also saves most of its work.
# - The **mask token** is one learned vector. It stands wherever a patch is hidden, and says "paint here". Positions are
#   added to all tokens, or the decoder could not tell one hidden place from another.
# - The **decoder** is small. After the training it is thrown away: the encoder is what we want.
#
# ## Hide: a shuffle and its way back
#
# Every image needs its own random set of visible patches. The usual trick: draw a random number for each patch and sort.
# `np.argsort` does not give the sorted numbers but **where they stood**: with the numbers `0.7 0.1 0.9 0.4` it is `1 3 0 2`,
# for the smallest stood at place 1. So it is a random order of the patches, a *shuffle*:
#
# | | place 0 | place 1 | place 2 | place 3 |
# |---|---|---|---|---|
# | `shuffle`, which patch stands here now? | 1 | 3 | 0 | 2 |
# | `restore`, where in the shuffle is this patch? | 2 | 0 | 3 | 1 |
#
# The first `num_visible` of the shuffle are kept, the others hidden. Later we need the way back: patch 0 stands at
# place 2 of the shuffle, patch 1 at place 0. This second row is the **inverse** of the first: `shuffle[restore[i]] = i`.
# And how do you find an inverse? Sort the shuffle itself: the smallest number in it is patch 0, and argsort says where it stands.
# So the inverse is argsort once more.
#
# ### Exercise 20.1: random masking
#
# **Goal:** `noise` is `(B, L)`, random numbers. In each image the `num_visible` patches with the **smallest** numbers stay
# visible. Return three arrays: `keep` `(B, num_visible)`, the numbers of the visible patches, in the order of the shuffle;
# `restore` `(B, L)`; and `hidden` `(B, L)`, floats like `noise`: 1 for a hidden patch, 0 for a visible one, in the
# order of the *patches*. ●●○, 10 minutes.


# %% exercise="20.1"
def random_masking(noise, num_visible):
    """(B, L), a whole number -> keep (B, num_visible), restore (B, L), hidden (B, L)."""
    ### BEGIN SOLUTION
    shuffle = np.argsort(noise, axis=1)
    restore = np.argsort(shuffle, axis=1)
    hidden = (restore >= num_visible).astype(noise.dtype)
    return shuffle[:, :num_visible], restore, hidden
    ### END SOLUTION


# %%
check.random_masking(random_masking)

# %% [markdown] hints="20.1"
# `axis=1` sorts the patches of each image by themselves. A patch is hidden if its place in the shuffle is `num_visible` or more.
# ---
# `shuffle = np.argsort(noise, axis=1)`, `restore = np.argsort(shuffle, axis=1)`; `keep` is `shuffle[:, :num_visible]`,
# `hidden` is `restore >= num_visible`, as floats.

# %% [markdown]
# ## Fill in
#
# Out of the encoder come tokens of the visible patches, in the order of the shuffle. Behind them we write the mask token as
# often as patches are hidden, and have `L` tokens, still shuffled. Then each goes home: in place `i` belongs the token
# that stands at `restore[i]`. `np.take_along_axis(tokens, restore[:, :, None], axis=1)` does just that, image by image:
#
# $$ y_{b,i} = \text{shuffled}_{b,\,\text{restore}_{b,i}} . $$
#
# ### Exercise 20.2: fill in and put back
#
# **Goal:** `x` is `(B, V, D)`, `mask_token` `(D,)`, `restore` `(B, L)`. Return the tokens `(B, L, D)` of all patches, in
# the order of the patches, with the mask token where a patch is hidden. ●●○, 8 minutes.


# %% exercise="20.2"
def fill_in(x, mask_token, restore):
    """(B, V, D), (D,), (B, L) -> (B, L, D)."""
    ### BEGIN SOLUTION
    B, V, D = x.shape
    masks = np.broadcast_to(mask_token, (B, restore.shape[1] - V, D))
    shuffled = np.concatenate([x, masks], axis=1)
    return np.take_along_axis(shuffled, restore[:, :, None], axis=1)
    ### END SOLUTION


# %%
check.fill_in(fill_in)

# %% [markdown] hints="20.2"
# `np.broadcast_to(mask_token, (B, L - V, D))` is the mask token, as often as needed. `np.concatenate` puts it behind `x`.
# ---
# `shuffled = np.concatenate([x, np.broadcast_to(mask_token, (B, L - V, D))], axis=1)`, then
# `np.take_along_axis(shuffled, restore[:, :, None], axis=1)`.

# %% [markdown]
# ## And back
#
# `fill_in` calculates nothing: it only copies. So its backward follows two rules that you know.
#
# **A number that was moved:** its gradient moves back the same way. Token $i$ of the output came from place
# $\text{restore}_i$ of the shuffled row. So the gradient of place $j$ of the shuffled row stands in `dy` at the $i$ with
# $\text{restore}_i = j$. That is the inverse of `restore`, hence argsort once more:
#
# $$ d\text{shuffled}_{b,j} = dy_{b,\,\text{argsort}(\text{restore}_b)_j} . $$
#
# The first $V$ of these belong to `x`.
#
# **A number that was used many times** gets the sum of the gradients of all its uses (lesson 2: the bias). The mask token
# stands in all other places, in every image:
#
# $$ d\text{mask} = \sum_b \sum_{j \ge V} d\text{shuffled}_{b,j} . $$
#
# ### Exercise 20.3: the backward of `fill_in`
#
# **Goal:** `dy` is `(B, L, D)`. Return `dx` `(B, num_visible, D)` and `dmask_token` `(D,)`. ●●○, 10 minutes.


# %% exercise="20.3"
def fill_in_backward(dy, restore, num_visible):
    """(B, L, D), (B, L), a whole number -> dx (B, num_visible, D), dmask_token (D,)."""
    ### BEGIN SOLUTION
    shuffle = np.argsort(restore, axis=1)
    dshuffled = np.take_along_axis(dy, shuffle[:, :, None], axis=1)
    dx = dshuffled[:, :num_visible]
    dmask_token = dshuffled[:, num_visible:].sum(axis=(0, 1))
    return dx, dmask_token
    ### END SOLUTION


# %%
check.fill_in_backward(fill_in_backward)

# %% [markdown] hints="20.3"
# First undo the order: `np.take_along_axis(dy, ..., axis=1)` with the inverse of `restore`. Then cut in two.
# ---
# With `dshuffled = np.take_along_axis(dy, np.argsort(restore, axis=1)[:, :, None], axis=1)` it is
# `dshuffled[:, :num_visible]` and `dshuffled[:, num_visible:].sum(axis=(0, 1))`.

# %% [markdown]
# The gradient check of lesson 3, on your pair. (Cells that use your functions take the course's where yours are not right
# yet.)

# %%
rng = np.random.default_rng(20)
ours, _ = replace_failing({"20.1": random_masking, "20.2": fill_in, "20.3": fill_in_backward})


def filled_forward(x, mask_token, *, restore):
    return ours["20.2"](x, mask_token, restore), (restore, x.shape[1])


def filled_backward(dy, saved):
    return ours["20.3"](dy, *saved)


inputs = {"x": rng.standard_normal((2, 3, 4)), "mask_token": rng.standard_normal(4)}
restore = rng.random((2, 7)).argsort(axis=1)
pair = (filled_forward, filled_backward)
print(check_gradients(pair, inputs, options={"restore": restore}, rng=rng))

# %% [markdown]
# ## The loss: hidden patches only
#
# The decoder paints all patches, but the visible ones are no test: the model has seen them. So the loss is the mean squared
# error of the **hidden** patches. With $h_{b,l}$ = 1 for a hidden patch, $H = \sum h$ hidden patches in the batch, and $S$
# pixels in each:
#
# $$ \text{loss} = \frac{1}{H\,S} \sum_{b,l} h_{b,l} \sum_s (y_{b,l,s} - t_{b,l,s})^2 . $$
#
# A square $e^2$ has the derivative $2e$, and each $y$ stands in one term alone:
#
# $$ dy_{b,l,s} = \frac{2}{H\,S}\; h_{b,l}\, (y_{b,l,s} - t_{b,l,s}) . $$
#
# ### Exercise 20.4: the loss and its gradient
#
# **Goal:** `y` and `target` are `(B, L, S)`, `hidden` is `(B, L)`. Return the loss, one number, and `dy` `(B, L, S)`.
# ●●○, 8 minutes.


# %% exercise="20.4"
def masked_loss(y, target, hidden):
    """(B, L, S), (B, L, S), (B, L) -> one number, dy (B, L, S)."""
    ### BEGIN SOLUTION
    error = (y - target) * hidden[:, :, None]
    count = hidden.sum() * y.shape[2]
    loss = (error**2).sum() / count
    dy = 2 * error / count
    return loss, dy
    ### END SOLUTION


# %%
check.masked_loss(masked_loss)

# %% [markdown] hints="20.4"
# `hidden[:, :, None]` is `(B, L, 1)` and multiplies a whole patch. The number of what is averaged is `hidden.sum() * S`.
# ---
# `error = (y - target) * hidden[:, :, None]`, `count = hidden.sum() * y.shape[2]`; the loss is `(error**2).sum() / count`, and
# `dy` is `2 * error / count`.

# %% [markdown]
# **The target** $t$ is not the plain pixels. The paper found that features become better if each patch is first brought to
# mean 0 and variance 1, as layer norm does with a token: then what counts is the *drawing* in a patch, and not how
# bright it is. A black patch has variance 0, and $\sqrt{0.05 + \text{variance}}$ keeps a division by nearly 0 away.

# %%
ours |= replace_failing({"20.4": masked_loss})[0]


def statistics(patches):
    """Mean and standard deviation of each patch, (B, L, 1)."""
    return patches.mean(-1, keepdims=True), np.sqrt(patches.var(-1, keepdims=True) + 0.05)


def pixel_targets(images):
    patches = as_patches(images)
    mean, std = statistics(patches)
    return (patches - mean) / std


# %% [markdown]
# ## The decoder, and a training
#
# The decoder below is all that is new in the model. Read its backward from the end: it is the forward, line by line, turned round.

# %%
config = ViTConfig(
    img_size=28,
    patch_size=P,
    in_chans=1,
    num_classes=0,
    embed_dim=48,
    depth=2,
    num_heads=4,
    mlp_ratio=2.0,
    init_std=0.1,
)
D = config.embed_dim


def same(y, x):
    """As float32, if a function of yours made float64 of it."""
    return np.ascontiguousarray(y, dtype=x.dtype)


class Decoder(Layer):
    """Tokens of the visible patches (B, V, D) -> a row for each of all patches (B, L, out)."""

    fixed = ("positions",)

    def __init__(self, out, rng):
        self.mask_token = rng.standard_normal(D).astype(np.float32)
        self.positions = sincos2d(D, config.grid_size)[0].astype(np.float32)
        self.block, self.norm = Block(D, 4, 2 * D, rng=rng), LayerNorm(D)
        self.pred = Linear(D, out, rng=rng)
        spread_to(0.1, self.parameters())

    def forward(self, x, restore):
        x = same(ours["20.2"](x, self.mask_token, restore), x) + self.positions
        x, block = self.block.forward(x)
        x, norm = self.norm.forward(x)
        y, pred = self.pred.forward(x)
        return y, (restore, block, norm, pred)

    def backward(self, dy, saved):
        restore, block, norm, pred = saved
        dx, dpred = self.pred.backward(dy, pred)
        dx, dnorm = self.norm.backward(dx, norm)
        dx, dblock = self.block.backward(dx, block)
        visible, dmask_token = ours["20.3"](dx, restore, V)
        grads = prefixed("block", dblock) | prefixed("norm", dnorm) | prefixed("pred", dpred)
        return same(visible, dx), grads | {"mask_token": same(dmask_token, dx)}


class Masked(Layer):
    """An encoder that sees some patches, and a decoder that says something of all of them."""

    def __init__(self, out, seed=0):
        rng = np.random.default_rng(seed)
        self.encoder, self.decoder = VisionTransformer(config, rng=rng), Decoder(out, rng)

    def forward(self, images, keep, restore):
        ids = np.concatenate(
            [np.zeros((len(keep), 1), int), keep + 1], axis=1
        )  # the class token, too
        tokens, encoder = self.encoder.forward_features(images, ids=ids)
        y, decoder = self.decoder.forward(same(tokens[:, 1:], tokens), restore)
        return y, (encoder, decoder)

    def backward(self, dy, saved):
        encoder, decoder = saved
        dtokens, ddecoder = self.decoder.backward(dy, decoder)
        dtokens = np.pad(dtokens, ((0, 0), (1, 0), (0, 0)))  # nothing comes to the class token
        dimages, dencoder = self.encoder.backward_features(dtokens, encoder)
        return dimages, prefixed("encoder", dencoder) | prefixed("decoder", ddecoder)


def batches(steps, size, seed):
    """Images, keep, restore, hidden of each step."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        images = normalised(mnist.train.images[rng.integers(0, len(mnist.train.images), size)])
        yield images, *ours["20.1"](rng.random((size, L)).astype(np.float32), V)


STEPS = 1500
mae = Masked(P * P)
optimizer = AdamW(mae.parameters(), weight_decay=0.05)
losses = []
for step, (images, keep, restore, hidden) in enumerate(batches(STEPS, 32, seed=1)):
    y, saved = mae.forward(images, keep, restore)
    loss, dy = ours["20.4"](y, pixel_targets(images), hidden)
    _, grads = mae.backward(same(dy, y), saved)
    warmup, cosine = min(1, (step + 1) / 30), 0.5 + 0.5 * np.cos(np.pi * step / STEPS)
    optimizer.step(grads, lr=3e-3 * warmup * cosine)
    losses.append(float(loss))

# %% [markdown]
# A loss must be compared with something (lesson 19). Who paints every hidden patch in its mean brightness says $y = 0$, for the
# targets have mean 0. What does that one reach?

# %%
dev = normalised(mnist.dev.images[:1000])
keep, restore, hidden = ours["20.1"](rng.random((1000, L)).astype(np.float32), V)
painted = mae.forward(dev, keep, restore)[0]
of_mae, _ = ours["20.4"](painted, pixel_targets(dev), hidden)
of_mean, _ = ours["20.4"](0 * painted, pixel_targets(dev), hidden)
print(
    f"loss on hidden patches of 1,000 dev digits: {of_mae:.3f}; of their mean brightness {of_mean:.3f}"
)

# %% drawing=true
figure, axes = plt.subplots(3, 10, figsize=(10, 3.4))
keep, restore, _ = ours["20.1"](noise, V)
patches = as_patches(some)
mean, std = statistics(patches)
paint = mae.forward(some, keep, restore)[0] * std + mean
rows = (
    np.where(covers[:, :, None], 1.0, patches),
    np.where(covers[:, :, None], paint, patches),
    patches,
)
for line, row in zip(axes, rows, strict=True):
    for ax, image in zip(line, as_images(row), strict=True):
        ax.imshow(image, cmap="gray", vmin=-0.42, vmax=2.8)
        ax.axis("off")
show(figure, "What the model sees, four patches of each digit; what it paints; the truth.")

# %% [markdown]
# (The mean brightness reaches 0.51, and not 1, though targets have variance 1: two in five patches are all black, and a
# black patch has targets of 0.)
#
# The model knows where strokes go, and it is not sharp. It cannot be: from these four patches the missing ones do not follow, and
# under a squared error the best answer is the **mean** of all that could be there. A mean of several strokes is a grey cloud.
# (Each hidden patch is shown at the brightness and contrast of the true one, as in the paper's figures: the model is asked for neither.)
#
# ## What is it good for?
#
# Painting was only the exercise. Now somebody labels 100 digits, ten of each class. We fine-tune the encoder on them, with a
# fresh head on the mean of its tokens, and beside it the same ViT from random weights. Both get 150 steps, at which both know
# their 100 digits by heart; three draws of the 100 digits tell how much is luck. And one opponent that has learned
# nothing at all: **the nearest neighbour**. It compares the pixels with those of the 100 digits, and says the label
# of the most similar one.

# %%
my_guess = "MAE"  # who reads most: "MAE", "random" or "pixels"

# %%
x_dev, y_dev = normalised(mnist.dev.images[:2000]), mnist.dev.labels[:2000]


def hundred(draw):
    """Ten training digits of each class."""
    rng, labels = np.random.default_rng(draw), mnist.train.labels
    chosen = [rng.choice(np.flatnonzero(labels == k), 10, replace=False) for k in range(10)]
    chosen = np.concatenate(chosen)
    return normalised(mnist.train.images[chosen]), labels[chosen]


def fine_tuned(state, x, y, seed):
    """% of the dev digits that are read after 150 steps, and the last loss; `state` is what to begin with."""
    rng = np.random.default_rng(seed)
    model = VisionTransformer(replace(config, num_classes=10, pool="mean"), rng=rng)
    model.load_state_dict(state, strict=False)
    optimizer = AdamW(model.parameters(), weight_decay=0.05)
    for step in range(150):
        rows = rng.permutation(len(x))[:50]
        logits, saved = model.forward(x[rows])
        loss, loss_saved = ops.cross_entropy_forward(logits, labels=y[rows])
        _, grads = model.backward(ops.cross_entropy_backward(1.0, loss_saved), saved)
        optimizer.step(grads, lr=3e-3 * min(1, (step + 1) / 20) * (1 - step / 150))
    return 100 * (model.predict(x_dev).argmax(axis=1) == y_dev).mean(), float(loss)


def nearest(queries, bank, labels, k=1):
    """The label that comes most often among the k rows of `bank` nearest to each query."""
    distances = (bank**2).sum(axis=1) - 2 * queries @ bank.T  # and |query|², the same for all
    votes = labels[np.argpartition(distances, k - 1, axis=1)[:, :k]]
    return np.array([np.bincount(vote, minlength=10).argmax() for vote in votes])


read = {"MAE": [], "random": [], "pixels": []}
for draw in range(3):
    x, y = hundred(draw)
    for name, state in (("MAE", mae.encoder.state_dict()), ("random", {})):
        percent, loss = fine_tuned(state, x, y, seed=draw)
        read[name].append(percent)
        print(f"draw {draw}, {name:6}: last loss {loss:.3f}, {percent:.1f} % of 2,000 dev digits")
    by_pixels = nearest(x_dev.reshape(2000, -1), x.reshape(100, -1), y)
    read["pixels"].append(100 * (by_pixels == y_dev).mean())
    print(f"draw {draw}, pixels: {read['pixels'][-1]:.1f} %")
mean_of = {name: np.mean(percents) for name, percents in read.items()}
for name, percent in mean_of.items():
    print(f"{name:6} on average {percent:.1f} %")
show_guess(my_guess, max(mean_of, key=mean_of.get), "reads most")

# %% [markdown]
# Two things are true at once. Learning without labels **helps**: the same ViT, the same 100 labels, the same steps, and
# many points more, in each of the three draws. And it is **not enough**: a comparison of pixels, without any
# learning, beats both. Digits are centred and of one size, so pixels are hard to beat; with photos they are not. And our pretraining took seconds.
# Who reports only the first comparison tells no lie, and misleads. `tinyvit train --task mae` pretrains for minutes;
# `tinyvit finetune --model RUN --labels 100` then measures the same at its size, and prints a linear probe besides.
#
# ## Why paint pixels?
#
# Nobody needs the pixels. So why not predict, for the hidden patches, what an *encoder* says of them, its **features**? That is
# the idea of a **joint-embedding** architecture, such as JEPA (Assran et al. 2023, arXiv:2301.08243): the encoder sees
# the visible patches, a small predictor says the tokens of the hidden ones, and the target are the tokens that the encoder
# makes of the whole image. The loss is your `masked_loss`, only the target has changed:
#
# ```
# visible patches -> ENCODER -> predictor -> tokens of the hidden patches  --+
# whole image     -> ENCODER ------------->  tokens of the hidden patches  --+-> how far are they apart?
# ```
#
# I-JEPA, the method of that paper, has safeguards that come up below. We leave them out and train in the plainest way:
# the gradient goes down **both** branches. For the loss looks at $y - t$, the gradient
# of $t$ is that of $y$ with the other sign.


# %%
def loss_of(jepa, images, keep, restore, hidden, *, extra=None, both=True):
    """The loss of a batch, all gradients, and the features (B, D) of the whole images."""
    y, saved = jepa.forward(images, keep, restore)
    tokens, tokens_saved = jepa.encoder.forward_features(images)
    features = tokens[:, 1:].mean(axis=1)
    loss, dy = ours["20.4"](y, tokens[:, 1:], hidden)
    dtokens = np.zeros_like(tokens)
    if both:
        dtokens[:, 1:] -= dy
    if extra is not None:  # a loss of the features, with its gradient
        dtokens[:, 1:] += extra(features)[1][:, None] / L
    _, grads = jepa.backward(same(dy, y), saved)
    _, more = jepa.encoder.backward_features(dtokens, tokens_saved)
    for name, gradient in prefixed("encoder", more).items():
        grads[name] = grads[name] + gradient
    return float(loss), grads, features


def trained_jepa(steps, **options):
    """The model, and of each step its loss and the features of its batch."""
    jepa = Masked(D)
    optimizer = AdamW(jepa.parameters(), weight_decay=0.05)
    history = []
    for step, batch in enumerate(batches(steps, 64, seed=2)):
        loss, grads, features = loss_of(jepa, *batch, **options)
        optimizer.step(grads, lr=2e-3 * min(1, (step + 1) / 30))
        history.append((loss, features))
    return jepa, history


plain, plain_history = trained_jepa(200)
first, last = plain_history[0][0], np.mean([loss for loss, _ in plain_history[-20:]])
print(f"the loss fell from {first:.2f} to {last:.4f}")

# %% [markdown]
# What a loss! MAE's ended above 0.3. Now judge the features, as is usual: by their neighbours. Each of 1,000 dev
# digits is compared, feature by feature (the mean of its tokens, $D$ = 48 numbers), with 2,000 labelled training digits, and
# gets the label that most of the 10 nearest have. (This is *k-NN*, k nearest neighbours.)

# %%
my_guess = 80  # % of the dev digits that the features of this model read

# %%
bank, bank_labels = normalised(mnist.train.images[:2000]), mnist.train.labels[:2000]


def features_of(encoder, images):
    """(B, 1, 28, 28) -> (B, D), the mean of the tokens of the patches."""
    return encoder.forward_features(images)[0][:, 1:].mean(axis=1)


def knn(queries, bank):
    return 100 * (nearest(queries, bank, bank_labels, k=10) == y_dev[: len(queries)]).mean()


def by_features(encoder):
    return knn(features_of(encoder, dev), features_of(encoder, bank))


untrained = Masked(D).encoder
scores = {
    "pixels": knn(dev.reshape(1000, -1), bank.reshape(2000, -1)),
    "untrained": by_features(untrained),
    "JEPA": by_features(plain.encoder),
    "MAE": by_features(mae.encoder),
}
print({name: f"{percent:.1f} %" for name, percent in scores.items()})
show_guess(my_guess, scores["JEPA"], "% read by the features of the model whose loss is nearly 0")

# %% [markdown]
# The model with the excellent loss is no better than one that has **never been trained**. What happened? Look at
# how much the features of different images differ: the standard deviation of each of the 48 numbers over the images.


# %%
def spread(z):
    """Mean over the numbers of their standard deviation over images, as a share of the features' size."""
    return z.std(axis=0).mean() / np.sqrt((z**2).mean())


spreads = [spread(features) for _, features in plain_history]
print(f"spread of the features: {spreads[0]:.2f} at the first step, {spreads[-1]:.3f} at the last")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8))
axes[0].semilogy([loss for loss, _ in plain_history], color="C0", label="loss")
axes[0].semilogy(spreads, color="C1", label="spread of the features")
axes[0].set(xlabel="step")
axes[0].legend()
chosen = [np.flatnonzero(y_dev[:1000] == k)[0] for k in (0, 1, 4, 7)]
for row, index in enumerate(chosen):
    axes[1].plot(features_of(untrained, dev[index : index + 1])[0] + 4, color=f"C{row}", lw=0.8)
    axes[1].plot(features_of(plain.encoder, dev[index : index + 1])[0] - 1, color=f"C{row}", lw=0.8)
axes[1].set(xlabel="number of the feature", yticks=[])
axes[1].text(0, 6.2, "untrained", fontsize=8)
axes[1].text(0, 2.2, "trained", fontsize=8)
show(
    figure,
    "Left: loss and spread fall together. Right: the features of a 0, 1, 4 and 7, untrained and trained.",
)

# %% [markdown]
# On the right there are four curves below, too: they lie on one another. The model says **the same of every image**. Then
# a prediction of it is easy, and the loss is 0. This is **collapse**. Nothing was broken: gradients, code and optimizer did
# what they were asked. *The loss had a solution that we did not want, and descent found it.* A MAE cannot do that, for
# its targets are pixels, and pixels do not come from the model.
#
# ## Measure it: the effective rank
#
# Spread sees one kind of collapse. There is another: features that differ a lot, but all in **one direction**, as if 48
# numbers were one number said 48 times. To see it we ask along how many directions they vary.
#
# Take off the mean of each of the $D$ numbers over the $n$ images, $c = z - \bar z$. The **covariance**
#
# $$ C_{ij} = \frac1n \sum_b c_{b,i}\, c_{b,j} \qquad (D, D) $$
#
# says how numbers $i$ and $j$ vary together; $C_{ii}$ is the variance of number $i$. Now turn the axes so that no two of
# the new numbers vary together. That can always be done. The variances along these new axes are called the **eigenvalues**
# $\lambda_1 \ldots \lambda_D$ of $C$, and `np.linalg.eigvalsh(C)` gives them. Their shares add up to 1, so we can ask for
# their entropy, as in lesson 19:
#
# $$ p_i = \frac{\lambda_i}{\sum_j \lambda_j}, \qquad \text{effective rank} = e^{-\sum_i p_i \ln p_i} . $$
#
# If all variance lies in one direction, the entropy is 0, and the rank is $e^0 = 1$. If $k$ directions share it equally, the
# entropy is $\ln k$, and the rank is $k$ (Roy and Vetterli 2007; for features: RankMe, Garrido et al. 2023,
# arXiv:2210.02885; both take the roots of our $\lambda$).
#
# ### Exercise 20.5: the effective rank
#
# **Goal:** `features` is `(n, D)`. Return the effective rank, one number. Where an eigenvalue is 0, rounding may make it
# $-10^{-18}$: leave out the shares that are not above 0. ●●○, 10 minutes.


# %% exercise="20.5"
def effective_rank(features):
    """(n, D) -> one number from 1 to D."""
    ### BEGIN SOLUTION
    centred = features - features.mean(axis=0)
    covariance = centred.T @ centred / len(features)
    eigenvalues = np.linalg.eigvalsh(covariance)
    shares = eigenvalues / eigenvalues.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))
    ### END SOLUTION


# %%
check.effective_rank(effective_rank)

# %% [markdown] hints="20.5"
# Three steps: take off the mean of each column; eigenvalues of `centred.T @ centred / n`; exp of the entropy of their shares.
# ---
# `shares = np.linalg.eigvalsh(C)`, divided by their sum; `shares = shares[shares > 0]`; then
# `np.exp(-(shares * np.log(shares)).sum())`.

# %%
ours |= replace_failing({"20.5": effective_rank})[0]


def report(name, encoder):
    features = features_of(encoder, dev).astype(np.float64)
    rank = ours["20.5"](features)
    print(
        f"{name:24} spread {spread(features):.3f}  rank {rank:4.1f} of {D}"
        f"  k-NN {by_features(encoder):.1f} %"
    )


report("untrained", untrained)
report("JEPA", plain.encoder)
report("MAE", mae.encoder)

# %% [markdown]
# The spread betrays the collapse, and the rank does **not**: it only looks at shares, and a cloud of points that has shrunk
# to a dot still has its shape. So no single number is enough.
#
# ## Hard, and optional: keep the features apart
#
# What helps? The targets can be taken as given, so that no gradient goes down their branch (*stop-gradient*; Chen and He
# 2020, SimSiam, arXiv:2011.10566). They can come from a slow copy of the encoder (I-JEPA, DINO: Caron et al. 2021,
# arXiv:2104.14294). Or one writes down what one wants, and adds it to the loss, as VICReg does (Bardes et al. 2021, arXiv:2105.04906):
# each number should have a **standard deviation** of at least 1, and no two numbers should **vary together**:
#
# $$ \text{loss} = \frac1D \sum_j \max(0,\, 1 - s_j) \;+\; \frac1D \sum_{i \ne j} C_{ij}^2,
# \qquad s_j = \sqrt{C_{jj} + \varepsilon} . $$
#
# The backward, step by step. First through $C$: each $c_{b,j}$ stands in row $j$ and in column $j$ of $C$, hence
# $dc = \frac1n\, c\,(dC + dC^\top)$. Then:
#
# - second term: $dC_{ij} = \frac2D C_{ij}$ for $i \ne j$ and 0 on the diagonal. It is symmetric, so
#   $dc = \frac{4}{D n}\, c\, O$, where $O$ is $C$ with zeros on the diagonal;
# - first term: where $s_j < 1$, $ds_j = -\frac1D$, and $\frac{\partial s_j}{\partial C_{jj}} = \frac{1}{2 s_j}$. So
#   $dC_{jj} = -\frac{1}{2 D s_j}$ and $dc_{b,j} = -\frac{1}{D n s_j} c_{b,j}$. Where $s_j \ge 1$ it is 0.
#
# And through $c = z - \bar z$: that takes the mean over the images off $dc$. But each column of $c$ adds up to 0, hence those of
# $dc$, too: nothing is left to take off, and $dz = dc$.
#
# ### Exercise 20.6: variance and covariance
#
# **Goal:** `z` is `(n, D)`. Return the loss, one number, and `dz` `(n, D)`. ●●●, optional, 20 minutes.


# %% exercise="20.6"
def variance_and_covariance(z, *, eps=1e-4):
    """(n, D) -> one number, dz (n, D)."""
    ### BEGIN SOLUTION
    n, D = z.shape
    c = z - z.mean(axis=0)
    C = c.T @ c / n
    std = np.sqrt(np.diag(C) + eps)
    off = C - np.diag(np.diag(C))
    loss = np.maximum(0, 1 - std).sum() / D + (off**2).sum() / D
    dz = 4 * c @ off / (D * n) - (std < 1) * c / (D * n * std)
    return loss, dz
    ### END SOLUTION


# %%
check.variance_and_covariance(variance_and_covariance)

# %% [markdown] hints="20.6"
# `np.diag(C)` is the diagonal of a matrix, `np.diag` of a row is a matrix with that diagonal: so `C - np.diag(np.diag(C))` is $O$.
# ---
# With `std = np.sqrt(np.diag(C) + eps)` and `off = C - np.diag(np.diag(C))` the gradient is
# `4 * c @ off / (D * n) - (std < 1) * c / (D * n * std)`.

# %%
ours |= replace_failing({"20.6": variance_and_covariance})[0]


def both_terms_forward(z):
    loss, dz = ours["20.6"](z)
    return np.asarray(loss), dz


z = rng.standard_normal((6, 4)) * [0.3, 0.8, 1.5, 0.5]
pair = (both_terms_forward, lambda dloss, dz: dloss * dz)
print(check_gradients(pair, {"z": z}, rng=rng))

# %% [markdown]
# The same JEPA again, 200 steps, with a stop-gradient and your loss of the features.

# %%
apart, apart_history = trained_jepa(200, extra=lambda features: ours["20.6"](features), both=False)
print(f"the loss fell from {apart_history[0][0]:.2f} to {apart_history[-1][0]:.2f}")
report("untrained", untrained)
report("JEPA", plain.encoder)
report("JEPA, kept apart", apart.encoder)
report("MAE", mae.encoder)
print(f"pixels: k-NN {scores['pixels']:.1f} %")

# %% [markdown]
# The loss is hundreds of times **larger**, and now nearly every direction is used. Is that a better model? Its k-NN lies a few
# points above that of the untrained one. (One run, and 1,000 digits leave 1.6 points to luck.) So *not collapsed is not yet
# learned*: keeping features apart forbids the empty answer, and does not say which answer is good. MAE's features, whose rank is no
# higher than the untrained one's, read far more; and the pixels stay ahead of them all.
#
# (This project tried JEPA and DINO with slow copies, too, with an encoder of four blocks. Both collapsed: the table is in
# [`tinyvit/bench/README.md`](../tinyvit/bench/README.md). That is why `tinyvit train` has a MAE, and no JEPA.)
#
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. It is tried with five ways of putting
# four tokens back.

# %%
broken = bug_hunt(20)
dy = rng.standard_normal((1, 4, 2))
for restore in ([0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0], [1, 2, 0, 3], [1, 2, 3, 0]):
    restore = np.array([restore])
    dx, dmask_token = broken(dy, restore, 3)
    right = ops.scatter_tokens_backward(dy, ops.ScatterTokensSaved(restore.argsort(1)[:, :3]))
    off = [np.abs(dx - right[0]).max(), np.abs(dmask_token - right[1].ravel()).max()]
    print(f"restore {restore[0]}: dx is off by up to {off[0]:.1f}, dmask_token by {off[1]:.1f}")

# %%
my_suspect = 2  # the number of the wrong line
check.suspect(20, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. If hidden patches were replaced by mask tokens already *before* the encoder, the model would be simpler. What would
# be lost?**
#
# <details><summary>Answer</summary>
#
# Time: the encoder would work on 16 tokens instead of 4. And likeness: it would only ever see images full of mask tokens, and later be
# used on images without any.
#
# </details>
#
# **2. DINO predicts for each image a share for each of 256 groups, and its loss is a cross-entropy. In this project's attempt
# the loss went to 5.5, and $\ln 256 = 5.545$. What does the model say?**
#
# <details><summary>Answer</summary>
#
# $\ln K$ is the cross-entropy of equal shares, $1/K$ for each (lesson 4): it says "every group, equally" of every image. A
# collapse with a high loss. So neither a low loss nor a high one tells.
#
# </details>
#
# **3. The term with the standard deviations alone, without the covariances: what could the model still do?**
#
# <details><summary>Answer</summary>
#
# Say one number 48 times. If all numbers are the same, each can have a standard deviation of 1, and the effective rank is 1. (Try it: multiply
# `off` by 0.) The covariances forbid it.
#
# </details>
#
# ## What you can now do
#
# - Shuffle, undo a shuffle, and send gradients back through both.
# - Train a ViT without labels, and measure what that brings, beside opponents that cost nothing.
# - Say why a loss of 0.002 can be bad news, and measure collapse: by spread and by rank, for either can miss it.
# - Tell a model that has not collapsed from one that has learned.
#
# Go on with [lesson 21](21_segmentation_and_boxes.ipynb): one encoder, a class for each pixel, and boxes.
