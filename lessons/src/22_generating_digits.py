# %% [markdown]
# # Lesson 22: Generating digits
#
# *About 90 minutes. After it you can read [`tasks/flow_matching.py`](../tinyvit/tasks/flow_matching.py),
# [`layers/dit_block.py`](../tinyvit/layers/dit_block.py) and
# [`evaluation/sampling.py`](../tinyvit/evaluation/sampling.py).*
#
# Until now a model looked at digits. Now it makes some that nobody has written. Look at the picture: from left to
# right, digits drown in noise. That way is easy to go. **Whoever can go it backwards makes digits out of noise.**

# %%
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import check_gradients
from tinyvit.config import ViTConfig
from tinyvit.course import bug_hunt, check, replace_failing, show, show_guess, trained_model
from tinyvit.datasets import load_dataset
from tinyvit.layers import Attention, DiT, time_features
from tinyvit.optim import AdamW

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several

rng = np.random.default_rng(0)
dataset = load_dataset("mnist")
DIGITS = np.array([0, 1, 7])  # three kinds of digits, so that a model learns them while you wait


def digits_of(split):
    """Images from -1 to 1, (n, 1, 28, 28), and classes: 0, 1, 2 for the digits 0, 1, 7."""
    chosen = np.isin(split.labels, DIGITS)
    images = (split.images[chosen] / 127.5 - 1).astype(np.float32)
    return images, np.searchsorted(DIGITS, split.labels[chosen])


images, classes = digits_of(dataset.train)
dev_images, dev_classes = digits_of(dataset.dev)
print(f"{len(images):,} images to learn from, {len(dev_images)} dev images")

# %% drawing=true
figure, axes = plt.subplots(2, 5, figsize=(3.7, 1.7))
noise = rng.standard_normal((2, 28, 28))
for row, digit, static in zip(
    axes, (images[classes == 0][0, 0], images[classes == 2][0, 0]), noise, strict=True
):
    for ax, t in zip(row, np.linspace(0, 1, 5), strict=True):
        ax.imshow(
            (1 - t) * digit + t * static, cmap="gray", vmin=-1.5, vmax=1.5, interpolation="nearest"
        )
        ax.axis("off")
for ax, t in zip(axes[0], np.linspace(0, 1, 5), strict=True):
    ax.set_title(f"t = {t:.2g}", fontsize=9)
show(
    figure,
    "Two digits on the straight way to noise: the time t runs from 0, the image, to 1, nothing but noise.",
)

# %% [markdown]
# ## The straight path
#
# Take an image, a point with 784 numbers, and draw *noise*: 784 numbers from the standard normal distribution. Walk
# from the one to the other on a straight line, in one unit of time. At the time $t$ you are at
#
# $$ x_t = (1 - t)\,\text{image} + t\,\text{noise} . $$
#
# The *velocity* is what $x_t$ changes by per unit of time. Differentiate by $t$:
#
# $$ v = \frac{dx_t}{dt} = \text{noise} - \text{image} . $$
#
# There is no $t$ left: on a straight line the velocity is the same all the way. (This way of making images is called
# *flow matching*, Lipman et al. 2023, arXiv:2210.02747, with straight lines also *rectified flow*, Liu et al. 2023,
# arXiv:2209.03003. *Diffusion models* walk on curved lines, for reasons of their own.)
#
# ### Exercise 22.1: on the way
#
# **Goal:** `images` and `noise` are `(B, ...)`: behind B there may be any axes, or none. `times` is `(B,)`, a time for
# each image. Return `x` and `velocity`, both of the shape of the images. ●●○, 8 minutes.


# %% exercise="22.1"
def noisy(images, noise, times):
    """(B, ...), (B, ...), (B,) -> x and velocity, both (B, ...)."""
    ### BEGIN SOLUTION
    t = times.reshape(len(times), *[1] * (images.ndim - 1))
    return (1 - t) * images + t * noise, noise - images
    ### END SOLUTION


# %%
check.noisy(noisy)

# %% [markdown] hints="22.1"
# NumPy lays axes over each other from the last one. So `(B,)` must become `(B, 1, 1, 1)` before it meets
# `(B, C, H, W)`: as many axes of length 1 as the images have behind B.
# ---
# `t = times.reshape(len(times), *[1] * (images.ndim - 1))`, then both formulas as they stand above.

# %% [markdown]
# ## What is to be learned
#
# To walk backwards, from noise to an image, somebody must tell us the velocity at the place where we are. But at one
# place **many lines cross**: lines from other images to other noise, each with its own velocity. We see $x$ and $t$,
# and not which line it is. So a model $f(x, t)$ can say only one velocity for all of them. Which one? Take one place
# and time, and let $v$ be the velocity of a line through it, drawn at random. With the *mean squared error* (MSE), a
# model that says $c$ pays on average
#
# $$ L(c) = E\big[(v - c)^2\big] . $$
#
# ($E[\ldots]$, the *expectation*, is the mean over all draws. Each of the 784 numbers has an error of its own; look at
# one.) Differentiate by $c$, and set it to 0:
#
# $$ \frac{dL}{dc} = E\big[-2\,(v - c)\big] = -2\,\big(E[v] - c\big) = 0 \quad\Rightarrow\quad c = E[v] . $$
#
# **What the MSE asks for is the mean of the velocities of all lines through this place at this time**: the *conditional
# mean*, $E[v \mid x, t]$. And that is enough. Think of all lines as a crowd of walkers. If at each place you only know
# the mean velocity of those who pass it, you know how many people flow from here to there per minute, and so where the
# crowd stands a moment later. Somebody who always walks with the mean velocity of the place is no longer on a straight
# line, but many of them are spread like the crowd at each moment: like noise at $t = 1$, and like images at $t = 0$.
# (The paper proves this in its theorem 1. Below you can watch it.)
#
# ## The best answer, by hand
#
# Let us have few images, and of two numbers each, so that one can draw them: `data` are the pixels of a handwritten 8
# that have ink. Then $E[v \mid x, t]$ has a formula. A line goes through $x$ at the time $t$ and began at the data
# point $a$. Its noise must have been what solves $x = (1 - t)\,a + t\,\text{noise}$, so
#
# $$ \text{noise} = \frac{x - (1 - t)\,a}{t}, \qquad v = \text{noise} - a = \frac{x - a}{t} . $$
#
# How likely is it that the line began at $a$ and not at another point? As likely as this noise is. The density of a
# standard normal distribution is a constant times $e^{-\text{noise}^2/2}$, where $\text{noise}^2$ is the sum of the
# squares of its numbers. So $a$ has the weight
#
# $$ w_a = \frac{e^{s_a}}{\sum_b e^{s_b}}, \qquad s_a = -\frac{\lVert x - (1 - t)\,a \rVert^2}{2\,t^2} . $$
#
# That is softmax (lesson 4) over the data points. The mean velocity is the mean of $(x - a)/t$ with these weights:
#
# $$ E[v \mid x, t] = \sum_a w_a\,\frac{x - a}{t} = \frac{x - \sum_a w_a\,a}{t} , $$
#
# for the weights add up to 1. A query $x$, scores, a softmax, a weighted mean: it is attention, over the data.
#
# ### Exercise 22.2: the best velocity
#
# **Goal:** `x` is `(n, d)`, `data` is `(m, d)`, `t` is one number above 0. Return $E[v \mid x, t]$ for each row of `x`,
# `(n, d)`. For a small `t` scores are far below 0, and every $e^{s}$ becomes 0: take the largest score of each row off
# first, as in lesson 4. ●●○, 15 minutes.


# %% exercise="22.2"
def best_velocity(x, t, data):
    """(n, d), a number, (m, d) -> (n, d)."""
    ### BEGIN SOLUTION
    differences = x[:, None] - (1 - t) * data  # (n, m, d)
    scores = -(differences**2).sum(-1) / (2 * t**2)  # (n, m)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights = weights / weights.sum(1, keepdims=True)
    return (x - weights @ data) / t
    ### END SOLUTION


# %%
check.best_velocity(best_velocity)

# %% [markdown] hints="22.2"
# `x[:, None] - (1 - t) * data` is `(n, m, d)`: each row of `x` beside each data point. Square it, sum over the last
# axis.
# ---
# `scores = -(differences**2).sum(-1) / (2 * t**2)`, `weights` is the softmax over axis 1, the mean of the data is
# `weights @ data`, and the velocity `(x - mean) / t`.

# %%
# The course's, where yours is not right yet.
ours, _ = replace_failing({"22.1": noisy, "22.2": best_velocity})
eight = dataset.train.images[np.flatnonzero(dataset.train.labels == 8)[3], 0]
rows, columns = np.nonzero(eight > 100)
data = np.stack([(columns - 13.5) / 8, (13.5 - rows) / 8], axis=1)  # (m, 2): x to the right, y up
print(f"{len(data)} data points")

# %% drawing=true
grid = np.stack(np.meshgrid(np.linspace(-2, 2, 10), np.linspace(-2, 2, 10)), axis=-1)
grid = grid.reshape(-1, 2)
figure, axes = plt.subplots(1, 2, figsize=(5, 2.6))
for ax, t in zip(axes, (1.0, 0.1), strict=True):
    arrows = -ours["22.2"](grid, t, data)
    ax.scatter(*data.T, s=6, color="C1")
    lengths = np.linalg.norm(arrows, axis=1, keepdims=True)
    ax.quiver(
        *grid.T,
        *(arrows / lengths).T,
        np.log(lengths[:, 0]),
        cmap="viridis_r",
        scale=14,
        width=0.008,
    )
    ax.set(title=f"t = {t}", xticks=[], yticks=[], aspect="equal")
show(
    figure,
    "Where one goes at each place, against the best velocity, for time runs back from 1 to 0 (dark: fast). "
    "At first all go towards the middle of the 8, at last each to the ink near it.",
)

# %% [markdown]
# At $t = 1$ the noise tells nothing about the image: all weights are equal, and everybody walks towards the mean of all
# data. Only on the way is it decided where one goes.
#
# ## Walking back: Euler's steps
#
# At $t = 1$ we stand at a draw of noise. We know the velocity $v(x, t)$, and walk back to $t = 0$ in small steps. In a
# short time $\Delta t$ we get $\Delta t\,v$ further, and here $\Delta t$ is negative:
#
# $$ x \leftarrow x + (t_\text{then} - t_\text{now})\; v(x, t_\text{now}) . $$
#
# This is *Euler's method*, and $x$ at the end is a *sample*.
#
# ### Exercise 22.3: Euler
#
# **Goal:** `velocity(x, t)` gives the velocity, in the shape of `x`, at one time `t`. Begin with `noise` at $t = 1$,
# make `steps` steps of equal length, and return `x` at $t = 0$. Never ask at $t = 0$. Leave `noise` as it is. ●●○, 8
# minutes.


# %% exercise="22.3"
def euler(velocity, noise, steps):
    """A function, (...), a whole number -> (...)."""
    ### BEGIN SOLUTION
    x = noise
    for step in range(steps):
        now, then = 1 - step / steps, 1 - (step + 1) / steps
        x = x + (then - now) * velocity(x, now)
    return x
    ### END SOLUTION


# %%
check.euler(euler)

# %% [markdown] hints="22.3"
# Step number 0 goes from 1 to 1 - 1/steps, and step number `step` from `1 - step / steps` to `1 - (step + 1) / steps`.
# ---
# In the loop `x = x + (then - now) * velocity(x, now)`. With `x += ...` the caller's noise would change, too.

# %%
ours |= replace_failing({"22.3": euler})[0]
start = rng.standard_normal((500, 2))
visited = []


def watched_velocity(x, t):
    visited.append(x)
    return ours["22.2"](x, t, data)


end = ours["22.3"](watched_velocity, start, 100)
ways = np.stack([*visited, end])  # (101, 500, 2)
walked = np.linalg.norm(np.diff(ways, axis=0), axis=2).sum(0)
print(
    f"the ways are {(walked / np.linalg.norm(end - start, axis=1)).mean():.2f} times as long as straight ones"
)

# %% drawing=true
figure, axes = plt.subplots(1, 5, figsize=(10, 2.2))
for ax, step in zip(axes, (0, 50, 80, 95, 100), strict=True):
    ax.scatter(*ways[step].T, s=3)
    ax.set(
        title=f"t = {1 - step / 100:.2g}",
        xlim=(-3, 3),
        ylim=(-3, 3),
        xticks=[],
        yticks=[],
        aspect="equal",
    )
show(figure, "500 points of noise walk with the best velocity, and become an 8.")

figure, axes = plt.subplots(1, 2, figsize=(6, 2.9))
ends = data[rng.integers(len(data), size=25)]
for one, other in zip(start[:25], ends, strict=True):
    axes[0].plot(*np.stack([one, other]).T, color="C0", linewidth=0.6)
for point in range(25):
    axes[1].plot(*ways[:, point].T, color="C0", linewidth=0.6)
for ax, title in zip(axes, ("what is learned from", "where one walks"), strict=True):
    ax.scatter(*data.T, s=6, color="C1", zorder=2)
    ax.set(title=title, xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[], aspect="equal")
show(
    figure,
    "Left: straight lines between noise and data drawn at random. Right: the ways with the best velocity.",
)

# %% [markdown]
# The lines on the left cross all over. Those on the right are bent, and two who are at one place at one time never
# part, since a place and a time have only one velocity. (*Rectified flow* goes on from here: it learns a second time,
# with the pairs of noise and sample on the right, and its ways are straighter.)
#
# ## A surprise
#
# Now digits: 300 of the training images are the data, and each has 784 numbers. The formula is the same. It has the
# least mean squared error that any model can have on these 300 images. Suppose that a network came to this best loss,
# and you draw 30 digits with it. **How many of them are copies of a training image?** (A copy shall be what differs
# from it by less than 0.01, where black is 0 and white is 1: the root of the mean squared difference over the pixels.)

# %%
my_guess = 3  # of 30 digits are copies of a training image

# %%
few = images[:300].reshape(300, -1).astype(np.float64)


def best_for_digits(x, t):
    return np.concatenate([ours["22.2"](one[None], t, few) for one in x])  # one by one: less memory


def nearest(x, among):
    """The root of the mean squared difference from the nearest image, in parts of the way from black to white."""
    x, among = x.reshape(len(x), -1), among.reshape(len(among), -1)
    squares = (x**2).sum(1)[:, None] - 2 * x @ among.T + (among**2).sum(1)
    return np.sqrt(np.maximum(squares.min(1), 0) / x.shape[1]) / 2


copies = ours["22.3"](best_for_digits, rng.standard_normal((30, 784)), 30)
far = nearest(copies, few)
show_guess(my_guess, int((far < 0.01).sum()), "of 30 digits are copies of a training image")

# %% drawing=true
figure, axes = plt.subplots(2, 7, figsize=(5, 1.5))
for column, sample in enumerate(copies[:7]):
    twin = few[((few - sample) ** 2).sum(1).argmin()]
    for ax, one in zip(axes[:, column], (sample, twin), strict=True):
        ax.imshow(one.reshape(28, 28), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        ax.axis("off")
show(
    figure,
    "Above: digits made with the best velocity. Below: the nearest of the 300 training images to each.",
)

# %% [markdown]
# All. It must be so: in the last step, where $t$ is small, one weight is 1 and all others are 0, and the step lands on
# that data point. **The perfect answer to this loss on the training images is a machine that copies.** Whatever is new
# in a digit that a network makes comes from what the network *cannot* do: be as sharp as this formula. (On this see
# Scarvelis et al. 2023, arXiv:2310.12395, and Kamb and Ganguli 2024, arXiv:2412.20292.) Remember it when somebody wants
# the training loss as low as it can be; we shall measure it on the dev images below.
#
# ## The network
#
# A *Diffusion Transformer* (DiT; Peebles and Xie 2023, arXiv:2212.09748) is a ViT with a patch embedding, positions and
# blocks, as you know it. Three things are new.
#
# **It gives an image**, not a class: at the end each token becomes the pixels of its patch. Ours says the *image* that
# it sees behind the noise. The velocity follows, for $\text{noise} - \text{image} = (x - \text{image})/t$. (To say the
# velocity itself works as well with large models. A small one finds it hard to carry 49 numbers of noise through a
# token: Li and He 2025, arXiv:2511.13720.)
#
# **It is told the time.** One number $t$ would be a poor input: a linear layer can only multiply it. As with positions
# in lesson 9, it becomes cosines and sines of many frequencies, so that near times look alike, and those far apart do
# not; then comes a small MLP.

# %% drawing=true
figure, ax = plt.subplots(figsize=(6, 1.8))
features = time_features(np.linspace(0, 1, 60), 24).T
ax.imshow(
    features, aspect="auto", cmap="RdBu_r", extent=(0, 1, 23.5, -0.5), interpolation="nearest"
)
ax.set(xlabel="time t", ylabel="feature")
show(
    figure,
    "A time as 24 numbers, a column for each time: cosines above, sines below, fast to slow.",
)

# %% [markdown]
# **It is told the class**, by a row of a table, one for each class. The vectors of time and class are added up: the
# *condition*, `(B, D)`, one vector for each image. And now the question is how the condition gets into every block.
#
# ## adaLN-Zero
#
# A layer norm ends with a weight and a bias, the same for all images (lesson 5). In an *adaptive layer norm* (adaLN)
# they are each image's own: a linear layer makes them of its condition, and calls them *scale* and *shift*. A third
# vector, the *gate*, multiplies what the branch adds to the residual stream. With $h$ for the normalised tokens, a
# branch is
#
# $$ u = h\,(1 + \text{scale}) + \text{shift}, \qquad v = \text{body}(u), \qquad y = \text{gate}\cdot v, \qquad x \leftarrow x + y . $$
#
# The body is attention or an MLP. You know both backwards; here it is one linear layer, $v = u\,W$. Shift, scale and
# gate are `(B, D)`, and all tokens of an image share them.
#
# Walk backwards. $dy$ is given, `(B, N, D)`. In a product, the derivative by one factor is the other factor. So, for
# each image $b$, token $n$ and feature $i$,
#
# $$ dv_{bni} = dy_{bni}\,\text{gate}_{bi} . $$
#
# The gate of feature $i$ is used once for each token of its image, and gradients of all uses add up:
#
# $$ d\text{gate}_{bi} = \sum_n dy_{bni}\,v_{bni} . $$
#
# A linear layer (lesson 2): $du = dv\,W^\top$, and $dW = u^\top dv$, summed over all tokens of all images. The last
# line is a product and a sum again. What do $h$, scale and shift get of $du$? That is yours.

# %%


def branch_forward(h, shift, scale, gate, weight):
    """(B, N, D), three times (B, D), (D, D) -> y (B, N, D), saved."""
    u = (
        h * (1 + scale[:, None]) + shift[:, None]
    )  # (B, D) -> (B, 1, D): the same for all tokens of an image
    v = u @ weight
    return v * gate[:, None], (h, scale, u, weight, v, gate)


# %% [markdown]
# ### Exercise 22.4: the branch, backwards
#
# **Goal:** `dy` is `(B, N, D)`, `saved` as `branch_forward` above returns it. Return `dh` `(B, N, D)`, `dshift`,
# `dscale`, `dgate`, all `(B, D)`, and `dweight` `(D, D)`. ●●○, 15 minutes.


# %% exercise="22.4"
def branch_backward(dy, saved):
    """(B, N, D), saved -> dh, dshift, dscale, dgate, dweight."""
    ### BEGIN SOLUTION
    h, scale, u, weight, v, gate = saved
    dgate = (dy * v).sum(1)
    dv = dy * gate[:, None]
    D = dv.shape[-1]
    dweight = u.reshape(-1, D).T @ dv.reshape(-1, D)
    du = dv @ weight.T
    dscale = (du * h).sum(1)
    return du * (1 + scale[:, None]), du.sum(1), dscale, dgate, dweight
    ### END SOLUTION


# %%
check.branch_backward(branch_backward)

# %% [markdown] hints="22.4"
# $u = h\,(1 + \text{scale}) + \text{shift}$, so $dh = du\,(1 + \text{scale})$; scale gets $du\,h$ and shift gets $du$,
# each summed over the tokens of its image, which is axis 1.
# ---
# `dgate = (dy * v).sum(1)`, `dv = dy * gate[:, None]`, `dweight = u.reshape(-1, D).T @ dv.reshape(-1, D)`,
# `du = dv @ weight.T`, `dscale = (du * h).sum(1)`, `dshift = du.sum(1)`, `dh = du * (1 + scale[:, None])`.

# %% [markdown]
# The gradient check of lesson 3 on what you wrote:

# %%
ours |= replace_failing({"22.4": branch_backward})[0]
h, weight = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 4))
shift, scale, gate = rng.standard_normal((3, 2, 4))
inputs = {"h": h, "shift": shift, "scale": scale, "gate": gate, "weight": weight}
print(check_gradients((branch_forward, ours["22.4"]), inputs, rng=rng))

# %% [markdown]
# ### Why Zero
#
# The linear layer that makes scale, shift and gate starts with a weight and a bias of **zeros**. So do the scales,
# shifts and gates: the norm is a plain one, each branch adds nothing, and each block hands on its input as it is. A
# deep stack of such blocks starts as the *identity*, whatever the condition is, and each block opens its gate as far as
# it helps. In the paper this start gave clearly better images than adaLN without it.
#
# It has a price for whoever wants to check the gradients. Here is a small DiT, as fresh as it starts, under a random
# upstream gradient. **What share of all its gradients is exactly 0?**

# %%
my_guess = 30  # % of the gradients of a fresh DiT that are exactly 0

# %%
small = ViTConfig(
    img_size=4,
    patch_size=2,
    in_chans=1,
    num_classes=3,
    embed_dim=8,
    depth=2,
    num_heads=2,
    mlp_ratio=2.0,
)
fresh = DiT(small, rng=rng).astype(np.float64)
x = rng.standard_normal((3, 1, 4, 4))
known = {"times": np.array([0.2, 0.5, 0.9]), "labels": np.array([0, 2, 3])}
y, saved = fresh.forward(x, **known)
_, grads = fresh.backward(rng.standard_normal(y.shape), saved)
everything = np.concatenate([g.ravel() for g in grads.values()])
show_guess(
    my_guess,
    float(100 * (everything == 0).mean()),
    "% of the gradients of a fresh DiT that are exactly 0",
)

# %% [markdown]
# The last layer starts at zero too: only its own weight and bias get a gradient, and nothing comes down to the rest.
# (Then how does it learn? After one step the last layer is not zero any more, after two the gates are open a little,
# and then all gradients flow.) Zeros agree with zeros, so a check of a fresh model would pass whatever the backward of
# attention is. Let us see: in `Broken` it gives zeros. A cure: **shake** the weights first, every one of them to some
# number away from 0.

# %%


class Broken(Attention):
    def backward(self, dy, saved):
        dx, grads = super().backward(dy, saved)
        return 0 * dx, {name: 0 * grad for name, grad in grads.items()}


def verdict(model):
    report = check_gradients(model, [x], options=known, rng=rng, full_up_to=20)
    return f"{'passed' if report.passed else 'FAILED'}, relative error {report.worst.error:.0e}"


def shake(model):
    for array in model.parameters().values():
        array[...] = rng.uniform(0.2, 0.6, array.shape) * rng.choice([-1.0, 1.0], array.shape)


for name in ("right", "broken"):
    model = DiT(small, rng=rng).astype(np.float64)
    for block in model.blocks:
        block.attn.__class__ = Attention if name == "right" else Broken
    told = verdict(model)
    shake(model)
    print(f"attention's backward {name:7} fresh: {told};  shaken: {verdict(model)}")

# %% [markdown]
# ## Train it
#
# The loop is that of lesson 12, with another loss. Each image of a batch gets its own noise and its own time. The model
# says an image, and the velocity is off by $(\text{image} - \text{said})/t$: its mean square is the loss. (Near $t = 0$
# that would divide by nearly nothing; we divide by 0.1 at least.)
#
# Two small things are new. **The times** are not drawn evenly but as $t = 1/(1 + e^{-z})$, with $z$ normal of mean 0.8
# and standard deviation 0.8: more often where there is much noise and it is decided what the image shows (Esser et al.
# 2024, arXiv:2403.03206). **An EMA**: the weights of the last steps jump about, and an *exponential moving average* is
# calmer:
#
# $$ \text{average} \leftarrow 0.98\;\text{average} + 0.02\;\text{weights} $$
#
# after each step. The weights of $k$ steps ago count $0.02 \cdot 0.98^k$ in it, so that it looks back about
# $1/0.02 = 50$ steps. The model learns with its weights, and is used with their average.
#
# And of every ten labels one is replaced by 3, "not known". Why, you will see.

# %%
config = ViTConfig(
    img_size=28,
    patch_size=7,
    in_chans=1,
    num_classes=3,
    embed_dim=64,
    depth=3,
    num_heads=4,
    mlp_ratio=4.0,
)
UNKNOWN, STEPS = 3, 500
model, averaged = (
    DiT(config, rng=np.random.default_rng(0)),
    DiT(config, rng=np.random.default_rng(0)),
)
parameters, average = model.parameters(), averaged.parameters()  # by name, the live arrays
optimizer = AdamW(parameters, weight_decay=0.0)
rng, losses = np.random.default_rng(1), []
for step in range(STEPS):
    chosen = rng.integers(len(images), size=64)
    times = (1 / (1 + np.exp(-(0.8 + 0.8 * rng.standard_normal(64))))).astype(np.float32)
    noise = rng.standard_normal((64, 1, 28, 28)).astype(np.float32)
    labels = np.where(rng.random(64) < 0.1, UNKNOWN, classes[chosen])
    x, _ = ours["22.1"](images[chosen], noise, times)
    said, saved = model.forward(x, times=times, labels=labels)
    least = np.maximum(times, np.float32(0.1))[:, None, None, None]
    error = (said - images[chosen]) / least  # of the velocity
    losses.append(float((error**2).mean()))
    _, grads = model.backward(2 * error / (least * error.size), saved)
    optimizer.step(grads, lr=2e-3 * min(1, (step + 1) / 50))
    decay = min(
        0.98, (1 + step) / (10 + step)
    )  # shorter at first, so that the random start is soon forgotten
    for name, array in average.items():
        array *= decay
        array += (1 - decay) * parameters[name]
print(f"loss {np.mean(losses[:10]):.2f} at first, {np.mean(losses[-50:]):.2f} at last")

# %% drawing=true
figure, ax = plt.subplots(figsize=(5, 1.8))
ax.plot(np.convolve(losses, np.ones(20) / 20, mode="valid"))
ax.set(xlabel="step", ylabel="loss", yscale="log")
show(
    figure,
    "The loss, mean of 20 steps. It does not come near 0: no one can know which line goes through a place.",
)

# %% [markdown]
# The loss stays well above 0, and should: it is the mean squared error of the best velocity, which is the spread of the
# lines that cross at a place, and what the model does not know, on top. How do the copying machine and the network
# compare, on the 300 images that the machine has, and on 300 dev images that neither has seen? The same times and noise
# for both:

# %%


def losses_of(said_velocity, some):
    """The mean loss over 300 images, each with its own noise and time."""
    chance = np.random.default_rng(7)
    squares = []
    for image in some:
        t = float(np.maximum(1 / (1 + np.exp(-(0.8 + 0.8 * chance.standard_normal()))), 0.1))
        noise = chance.standard_normal(image.shape)
        x = (1 - t) * image + t * noise
        squares.append(((said_velocity(x, t) - (noise - image)) ** 2).mean())
    return np.mean(squares)


def velocity(x, times, labels):
    """Of the trained network: (B, 1, 28, 28), (B,), (B,) -> (B, 1, 28, 28)."""
    said, _ = averaged.forward(x, times=times, labels=labels)
    return (x - said) / times[:, None, None, None]


def by_network(x, t):
    return velocity(x[None].astype(np.float32), np.full(1, t, np.float32), np.full(1, UNKNOWN))[0]


def by_copies(x, t):
    return best_for_digits(x.reshape(1, -1), t).reshape(x.shape)


print("                       the 300 training images   300 dev images")
for name, function in (("the copying machine", by_copies), ("the network", by_network)):
    seen, unseen = (losses_of(function, some[:300]) for some in (images, dev_images))
    print(f"  {name:21}{seen:20.3f}{unseen:21.3f}")

# %% [markdown]
# The copying machine wins on its own images, and loses on those that nobody has shown it. (The network was not told the
# class here. It has seen the 300 images, too, about twice, among all the others.)
#
# ## Classifier-free guidance
#
# The trained network can be asked in two ways: with the class, $v_\text{told}$, and with the label "not known",
# $v_\text{free}$. Their difference is what the class adds. *Classifier-free guidance* (Ho and Salimans 2022,
# arXiv:2207.12598) adds more of it:
#
# $$ v = v_\text{free} + g\,(v_\text{told} - v_\text{free}) . $$
#
# With the guidance $g = 0$ nobody asks for a class; $g = 1$ is $v_\text{told}$; $g > 1$ goes further in the same
# direction. (In the paper's own letters $w = g - 1$.)
#
# ### Exercise 22.5: guidance
#
# **Goal:** `velocity(x, times, labels)` wants a time and a label for each image, `(B,)` both. `t` is one number,
# `labels` are `(B,)`, and `unknown` is the label that means "not known". Return $v$, in the shape of `x`. ●●○, 8
# minutes.


# %% exercise="22.5"
def guided(velocity, x, t, labels, unknown, guidance):
    """A function, (B, ...), a number, (B,), a whole number, a number -> (B, ...)."""
    ### BEGIN SOLUTION
    times = np.full(len(x), t)
    told = velocity(x, times, labels)
    free = velocity(x, times, np.full_like(labels, unknown))
    return free + guidance * (told - free)
    ### END SOLUTION


# %%
check.guided(guided)

# %% [markdown] hints="22.5"
# `np.full(len(x), t)` is `t` for each image, and `np.full_like(labels, unknown)` as many labels that say "not known".
# ---
# Call `velocity` twice, with `labels` and with those, and return `free + guidance * (told - free)`.

# %% [markdown]
# Now 60 digits of each kind from the same noise, with several guidances, in 16 Euler steps. The classifier of lesson 0
# says what it reads. It does not know what was ordered. **Without guidance, $g = 1$, how many per cent does it read as
# what was ordered?**

# %%
my_guess = 99  # % of the digits without guidance are read as what was ordered

# %%
ours |= replace_failing({"22.5": guided})[0]
judge = trained_model()
wanted = np.repeat(np.arange(3), 60)
start = np.random.default_rng(3).standard_normal((180, 1, 28, 28)).astype(np.float32)


def network(x, times, labels):
    return velocity(x, times.astype(np.float32), labels)


def samples(guidance, *, steps=16, start=start, labels=wanted):
    def flow(x, t):
        return ours["22.5"](network, x, t, labels, UNKNOWN, guidance).astype(np.float32)

    return ours["22.3"](flow, start, steps).astype(np.float32)


def as_ordered(made, labels=wanted):
    """% that the classifier reads as what was ordered."""
    pixels = np.clip((made + 1) * 127.5, 0, 255)
    read = judge.model.predict(judge.normalised(pixels)).argmax(1)
    return 100 * (read == DIGITS[labels]).mean()


def spread(made):
    """How much the digits of one kind differ: the standard deviation of a pixel among them, mean over pixels."""
    return np.mean([made[wanted == k].std(0).mean() for k in range(3)])


made = {guidance: samples(guidance) for guidance in (0, 1, 2, 4)}
show_guess(
    my_guess, as_ordered(made[1]), "% of the digits without guidance are read as what was ordered"
)
real = np.concatenate([dev_images[dev_classes == k][:60] for k in range(3)])
print("                  read as ordered    spread    distance from the nearest training image")
for name, some in {**{f"guidance {g}": one for g, one in made.items()}, "dev images": real}.items():
    print(
        f"  {name:14}{as_ordered(some):15.0f} %{spread(some):12.3f}{nearest(some, images).mean():20.3f}"
    )

# %% drawing=true
figure, axes = plt.subplots(6, 9, figsize=(4.4, 3.1))
for row, (guidance, kind) in zip(axes, [(g, k) for g in (1, 2) for k in range(3)], strict=True):
    for ax, one in zip(row, made[guidance][wanted == kind], strict=False):
        ax.imshow(one[0], cmap="gray", vmin=-0.9, vmax=1, interpolation="nearest")
        ax.axis("off")
    row[0].text(-8, 18, f"g = {guidance}" if kind == 0 else "", ha="right", fontsize=9)
show(
    figure,
    "Digits that nobody wrote: 0, 1 and 7 with the guidances 1 and 2. A column begins with the same noise.",
)

# %% [markdown]
# Without guidance the network often makes something between the kinds: of 180 digits, 85 % are read as ordered (with a
# standard error of $\sqrt{0.85 \cdot 0.15 / 180}$, 3 points). Guidance makes them clearer, and has a price: the digits
# of one kind become more alike, as the spread says. Much more guidance helps no more. And the last column answers the
# question from above: **these digits are no copies**. The copying machine had less than 0.01 there. They are even
# further from all training images than real digits of other people are. That is not only to their credit: a broken
# stroke is far from everything.
#
# ## Better steps
#
# Euler's step keeps to the velocity of its beginning, and misses the bend of the way. How much? With
# $v' = \frac{d}{dt} v(x_t, t)$ along the way, Taylor's formula (lesson 3) says where a step of length $h$ should end,
# and Euler's does not have the second term:
#
# $$ x_{t+h} = x_t + h\,v + \tfrac{1}{2} h^2 v' + \ldots $$
#
# So each step is wrong by about $\frac{1}{2}h^2 v'$, and $1/h$ steps together by a multiple of $h$: twice as many
# steps, half the error. The *midpoint method* asks twice in a step: it goes half a step to try, asks there, comes back
# and makes the whole step with what it heard. For the velocity in the middle is $v + \frac{1}{2} h\,v' + \ldots$, and
# $h$ times that has just the term that was missing. What is left is of order $h^3$ in a step, $h^2$ in all.
#
# ### Exercise 22.6: by the midpoint (optional)
#
# **Goal:** as Exercise 22.3, with the midpoint method: `steps` steps, each of which asks twice, at its beginning and in
# its middle. ●●●, 15 minutes.


# %% exercise="22.6"
def midpoint(velocity, noise, steps):
    """A function, (...), a whole number -> (...)."""
    ### BEGIN SOLUTION
    x = noise
    for step in range(steps):
        now, then = 1 - step / steps, 1 - (step + 1) / steps
        half = x + (then - now) / 2 * velocity(x, now)
        x = x + (then - now) * velocity(half, (now + then) / 2)
    return x
    ### END SOLUTION


# %%
check.midpoint(midpoint)

# %% [markdown] hints="22.6"
# Half of Euler's step gives a point `half`, which is used for nothing but to ask for the velocity there, at the time in
# the middle of the step.
# ---
# `half = x + (then - now) / 2 * velocity(x, now)`, then `x = x + (then - now) * velocity(half, (now + then) / 2)`.

# %% [markdown]
# Time is counted in questions to the network. Both methods get 16 of them: Euler 16 steps, the midpoint 8. How far from
# the end of the true way do they come out? (We take 256 questions by the midpoint for the true one.) **By which factor
# is the midpoint's error smaller?**

# %%
my_guess = 16  # times smaller

# %%
ours |= replace_failing({"22.6": midpoint})[0]
ten = start[::18]
ten_labels = wanted[::18]


def plain(x, t):
    return network(x, np.full(len(x), t), ten_labels)


true = ours["22.6"](plain, ten, 128)
questions = np.array([4, 8, 16, 32, 64])
errors = np.array(
    [
        [np.sqrt(((one(plain, ten, int(n)) - true) ** 2).mean()) for n in counts]
        for one, counts in ((ours["22.3"], questions), (ours["22.6"], questions // 2))
    ]
)
show_guess(
    my_guess, float(errors[0, 2] / errors[1, 2]), "times smaller, for the same number of questions"
)

# %% drawing=true
figure, ax = plt.subplots(figsize=(5, 2.2))
for error, name in zip(errors, ("Euler", "midpoint"), strict=True):
    ax.loglog(questions, error, "o-", label=name)
ax.set(xlabel="questions to the network", ylabel="error of a pixel")
ax.set_xticks(questions, labels=questions)
ax.set_yticks([0.04, 0.08, 0.16], labels=[0.04, 0.08, 0.16])
ax.minorticks_off()
ax.legend()
show(
    figure,
    "How far from the true end the two methods come out, root of the mean square over pixels from -1 to 1.",
)

# %% [markdown]
# A little better, and no more. On paper Euler's error is a multiple of $h$, and the midpoint's of $h^2$: with steps of 1/16
# and of 1/8 that is 1/16 and 1/64. Is Taylor wrong? Try both methods on a velocity that is as smooth as can be: $x$ turns
# in a circle.

# %%


def turning(x, t):
    return x @ np.array([[0.0, 1.0], [-1.0, 0.0]])


point = np.array([[1.0, 0.0]])
goal = np.array([[np.cos(1), -np.sin(1)]])  # turned by 1, backwards
print("questions      Euler   midpoint       Euler, digits   midpoint, digits")
for n, digits in zip(questions, errors.T, strict=True):
    off = [
        np.abs(ours[name](turning, point, int(k)) - goal).max()
        for name, k in (("22.3", n), ("22.6", n // 2))
    ]
    print(f"{n:9}{off[0]:11.5f}{off[1]:11.5f}{digits[0]:20.3f}{digits[1]:19.3f}")

# %% [markdown]
# On the circle Euler's error halves with twice the questions, and the midpoint's becomes a quarter, as promised. On the
# way to a digit neither keeps that promise. Taylor's formula holds for steps so short that the way hardly bends in
# them, and these ways bend sharply where it is decided which digit it will be. **The order of a method says how the
# error falls in the end, and not how large it is for the few steps that you can afford.**
#
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed.

# %%
broken = bug_hunt(22)
h, weight = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 4))
shift, scale, gate = rng.standard_normal((3, 2, 4))
names = ("dh", "dshift", "dscale", "dgate", "dweight")
for what, size in (("any shift and scale", 1.0), ("a shift and a scale of 0", 0.0)):
    y, saved = branch_forward(h, size * shift, size * scale, gate, weight)
    dy = rng.standard_normal(y.shape)
    pairs = zip(broken(dy, saved), ours["22.4"](dy, saved), strict=True)
    off = [
        f"{name} {np.abs(one - right).max():.0e}"
        for name, (one, right) in zip(names, pairs, strict=True)
    ]
    print(f"{what}, off by: {', '.join(off)}")

# %%
my_suspect = 8  # the number of the wrong line
check.suspect(22, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. With steps = 1, what does Euler's method give, whatever the noise, if the velocity is the best one?**
#
# <details><summary>Answer</summary>
#
# The mean of all data. At $t = 1$ all weights are equal, the velocity is $x - \text{mean}$, and one step of length 1
# lands on the mean. That is why a sample needs several steps though every line is straight.
#
# </details>
#
# **2. Why does each block have a linear layer of its own for shift, scale and gate, and the condition only one
# gradient?**
#
# <details><summary>Answer</summary>
#
# All blocks get the same condition, and each makes of it what it needs. So on the way back each block says what it
# wants of the condition, and what is used several times gets the sum of all gradients.
#
# </details>
#
# **3. A friend trains the same network for days on 300 images, until its training loss is as low as the copying
# machine's. Are the digits better?**
#
# <details><summary>Answer</summary>
#
# They look better, for they are copies of the 300. The loss on dev images tells: 0.39 for the copying machine, 0.28 for
# the network that was trained for 500 steps on all.
#
# </details>
#
# ## What you can now do
#
# - Say why a mean squared error on velocities is enough to make images, and what its best answer is.
# - Let a condition steer a Transformer by adaLN-Zero, forward and backward, and check it with shaken weights.
# - Draw samples by Euler's method or the midpoint's, with and without guidance.
# - Measure whether a model makes something new.
#
# All ten digits take some minutes: `tinyvit train --task generate`, then
# `tinyvit sample RUN --label 7 --output sevens.png`.
