# %% [markdown]
# # Lesson 5: Layer norm
#
# *About 70 minutes. It opens [`tinyvit/ops/layer_norm.py`](../tinyvit/ops/layer_norm.py).*
#
# A transformer adds something to its tokens again and again. Without care, some tokens grow huge and some fade away,
# and what comes next can work with neither. **Layer norm** brings every token back to the same scale before each step:
# it moves the token's numbers to mean 0, and stretches them to variance 1.
#
# The forward takes four lines. In the backward, a number takes *three roads* through the formula, and whoever forgets one
# of them gets gradients that look right. At the end we find that layer norm forgives a mistake which ruins others.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinyvit
from tinyvit import check_gradients, ops
from tinyvit.course import bug_hunt, check, play, show, show_guess
from tinyvit.ops import Op

rng = np.random.default_rng(5)
spreads, centres = np.array([0.2, 0.5, 1, 2, 4, 8]), np.array([0, 3, -2, 1, 0, 5])
tokens = rng.standard_normal((6, 24)) * spreads[:, None] + centres[:, None]
normed = ops.layer_norm_forward(tokens, np.ones(24), np.zeros(24))[0]

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, rows, title in zip(
    axes, (tokens, normed), ("six tokens of 24 numbers", "the same, after layer norm"), strict=True
):
    ax.eventplot(rows, colors=[f"C{i}" for i in range(6)], linelengths=0.7)
    ax.set(title=title, yticks=range(6), xlabel="value")
    ax.set_yticklabels([f"token {i}" for i in range(6)])
show(figure, "Each line is one number of a token. Layer norm gives all the same centre and spread.")

# %% [markdown]
# ## The forward
#
# One token is a vector $x$ of $D$ numbers. Layer norm computes
#
# $$
# \mu = \frac1D \sum_i x_i, \qquad
# \sigma^2 = \frac1D \sum_i (x_i - \mu)^2, \qquad
# \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad
# y_i = \hat x_i \, w_i + b_i .
# $$
#
# - $\mu$ is the mean, and $\sigma^2$ the **variance**: the mean of the squared distances from it. Its root $\sigma$ is
#   the *standard deviation*, which says how far a number usually is from the mean.
# - $\varepsilon$ (`eps`) is tiny. It matters only when all numbers of a token are nearly equal: then the variance is
#   nearly 0, and we must not divide by 0.
# - $w$ (`weight`) and $b$ (`bias`) are learned, $D$ numbers each, and shared by all tokens. With them the model can
#   undo the normalisation where it hurts.
# - Every token is normalised **by itself**. Nothing here looks at the other tokens, or at the other images of the
#   batch. (Batch norm, an older layer, does, which is why it behaves differently in training and in use. Layer norm has
#   no such switch.)
#
# We write $r = 1/\sqrt{\sigma^2 + \varepsilon}$ and call it `rstd`, the reciprocal of the standard deviation.
#
# ### Exercise 5.1: the forward
#
# **Goal:** normalise over the last axis. `x` is `(..., D)`, `weight` and `bias` are `(D,)`, `y` is `(..., D)`.
# Return `y, (x_hat, rstd, weight)`: the result, and what the backward will need. ●○○, 5 minutes.


# %% exercise="5.1"
def layer_norm_forward(x, weight, bias, *, eps=1e-6):
    """(..., D), (D,), (D,) -> y (..., D), and saved: x_hat (..., D), rstd (..., 1), weight (D,)."""
    ### BEGIN SOLUTION
    mean = x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)
    x_hat = (x - mean) * rstd
    return x_hat * weight + bias, (x_hat, rstd, weight)
    ### END SOLUTION


# %%
check.layer_norm_forward(layer_norm_forward)

# %% [markdown] hints="5.1"
# Mean and variance of each token: `x.mean(-1)` loses the last axis, and `(2, 3)` does not fit to `(2, 3, 5)` any more.
# `keepdims=True` keeps it as an axis of length 1, and NumPy stretches it where it is needed.
# ---
# `rstd = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)`, then `x_hat = (x - mean) * rstd`, and at last
# `y = x_hat * weight + bias`.

# %% [markdown]
# ## The backward, in small steps
#
# We are given $dy$: how the loss changes with each $y_i$. We want $dx$, $dw$ and $db$.
#
# **Step 1: the easy ones.** From $y_i = \hat x_i w_i + b_i$:
#
# $$ db_i = dy_i, \qquad dw_i = dy_i \, \hat x_i, \qquad d\hat x_i = dy_i \, w_i . $$
#
# All tokens share $w$ and $b$, so their gradients **add up** over all tokens (lesson 2).
#
# **Step 2: the three roads.** How does $\hat x_j = (x_j - \mu)\, r$ depend on $x_i$? Turn $x_i$ up a little, and
#
# 1. $x_j$ itself changes, but only for $j = i$: this gives $r$;
# 2. the mean rises by $1/D$, so *every* $\hat x_j$ falls by $r/D$;
# 3. the variance changes, so *every* $\hat x_j$ is stretched by another $r$.
#
# For the third road we need $\partial r / \partial x_i$. The variance first. A square $(x_j - \mu)^2$ moves
# $2 (x_j - \mu)$ times as much as what is squared, and that moves by 1 if $j = i$ (written $[i = j]$: 1 if so, else 0),
# and always by $-1/D$, through $\mu$:
#
# $$
# \frac{\partial \sigma^2}{\partial x_i}
# = \frac1D \sum_j 2 (x_j - \mu) \Big([i = j] - \frac1D\Big)
# = \frac2D (x_i - \mu),
# $$
#
# because $\sum_j (x_j - \mu) = 0$. And $r = (\sigma^2 + \varepsilon)^{-1/2}$, so
#
# $$
# \frac{\partial r}{\partial x_i}
# = -\tfrac12 (\sigma^2 + \varepsilon)^{-3/2} \cdot \frac2D (x_i - \mu)
# = -\frac{r^3}{D} (x_i - \mu)
# = -\frac{r^2}{D} \hat x_i .
# $$
#
# **Step 3: add the roads.** The third road changes $\hat x_j$ by $(x_j - \mu) \frac{\partial r}{\partial x_i}$. With
# $(x_j - \mu)\, r = \hat x_j$ this is $-\frac{r}{D}\, \hat x_j \hat x_i$. So
#
# $$
# dx_i = \sum_j d\hat x_j \Big( r\,[i = j] - \frac rD - \frac rD\, \hat x_j \hat x_i \Big)
# = r \Big( d\hat x_i
#   - \underbrace{\tfrac1D \textstyle\sum_j d\hat x_j}_{\text{mean of } d\hat x}
#   - \hat x_i \underbrace{\tfrac1D \textstyle\sum_j d\hat x_j \hat x_j}_{\text{mean of } d\hat x \cdot \hat x} \Big) .
# $$
#
# Read it aloud: *take the gradient, remove what would only shift the token, remove what would only stretch it, scale
# by $r$.* Layer norm undoes shifts and stretches, so a gradient that asks for them asks for nothing.
#
# ### Exercise 5.2: the backward
#
# **Goal:** `dy` is `(..., D)`, `saved` is what 5.1 returned. Return `dx` `(..., D)`, `dweight` `(D,)` and `dbias`
# `(D,)`. ●●○, 10 minutes.


# %% exercise="5.2"
def layer_norm_backward(dy, saved):
    """(..., D) -> dx (..., D), dweight (D,), dbias (D,)."""
    x_hat, rstd, weight = saved
    ### BEGIN SOLUTION
    tokens = tuple(range(dy.ndim - 1))  # all axes but the last
    dbias = dy.sum(tokens)
    dweight = (dy * x_hat).sum(tokens)
    dx_hat = dy * weight
    shift = dx_hat.mean(-1, keepdims=True)
    stretch = (dx_hat * x_hat).mean(-1, keepdims=True)
    return (dx_hat - shift - x_hat * stretch) * rstd, dweight, dbias
    ### END SOLUTION


# %%
check.layer_norm_backward(layer_norm_backward)

# %% [markdown] hints="5.2"
# `dweight` and `dbias` belong to numbers that all tokens share: sum over every axis but the last. `dx` belongs to each
# token alone: its two means run over the last axis only, with `keepdims=True`.
# ---
# First `dx_hat = dy * weight`. Then the two means of the formula: that of `dx_hat`, and that of the product
# `dx_hat * x_hat` (not the product of two means). Both are taken off `dx_hat`, the second one times `x_hat`.
# ---
# With `dx_hat = dy * weight`:
# `dx = (dx_hat - dx_hat.mean(-1, keepdims=True) - x_hat * (dx_hat * x_hat).mean(-1, keepdims=True)) * rstd`.

# %% [markdown]
# ## Is it right?
#
# Lesson 3 gave us a judge: compare with central differences, in float64, under a **random** upstream gradient. Here it
# judges the library's layer norm; when yours pass, put `(layer_norm_forward, layer_norm_backward)` in the place of
# `ops.OPS["layer_norm"]`.

# %%
inputs = {"x": rng.standard_normal((2, 3, 5)), "weight": rng.uniform(0.5, 2, 5)}
inputs["bias"] = rng.standard_normal(5)
print(check_gradients(ops.OPS["layer_norm"], inputs, rng=rng))

# %% [markdown]
# ## Drag a token
#
# A token of three numbers is a point in space. Layer norm takes off its mean, so what is left lies in a plane; there it
# puts the point on a circle, all of whose points have variance 1. The picture is that plane. The upstream gradient is
# always the same, and `dx` is what the backward makes of it. The part along the line from the middle would only stretch
# the token; the part that would only shift it points out of the plane. Both are removed, so `dx` runs along the circle.

# %% drawing=true
plane = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt(
    [[2], [6]]
)  # two directions whose three numbers add up to 0
upstream = np.array([1.2, 0.1, 0.9])


def backward_of(token):
    x = np.asarray(token) @ plane
    y, saved = ops.layer_norm_forward(x, np.ones(3), np.zeros(3))
    dx = ops.layer_norm_backward(upstream, saved)[0]
    along = y * (upstream * y).mean()
    figure, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
    ax.add_patch(plt.Circle((0, 0), 3**0.5, fill=False, color="0.6"))
    ax.plot([0, token[0]], [0, token[1]], color="0.8")
    ax.plot(*token, "ko", label="token, without its mean")
    ax.plot(*(plane @ y), "ks", fillstyle="none", label="after layer norm")
    arrows = {
        "upstream gradient, without the shift": upstream,
        "its stretch, removed": along,
        "dx": dx,
    }
    for (name, arrow), colour in zip(arrows.items(), ("C0", "C3", "C2"), strict=True):
        ax.quiver(
            *token,
            *(plane @ arrow),
            color=colour,
            angles="xy",
            scale_units="xy",
            scale=1,
            label=name,
        )
    ax.set(xlim=(-4, 4), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    ax.set_title(
        f"removed: shift {upstream.mean():.2f}, stretch {(upstream * y).mean():+.2f};  rstd {saved.rstd.item():.2f}"
    )
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


play(
    backward_of,
    "A token of three numbers, seen in the plane where their sum is 0. The further out it lies, the shorter dx is.",
    token=(0.9, 1.6),
)

# %% [markdown]
# Drag the token outwards: `rstd` falls, and `dx` with it. Drag it around: where the gradient points straight away from
# the middle, nothing is left of it.
#
# ## Hard, and optional: derive one alone
#
# Many newer transformers leave the mean alone. **RMS norm** (Zhang and Sennrich 2019, arXiv:1910.07467) only divides by
# the root of the mean square:
#
# $$ y_i = x_i \, r \, w_i , \qquad r = \Big( \frac1D \sum_j x_j^2 + \varepsilon \Big)^{-1/2} . $$
#
# ### Exercise 5.3: RMS norm, backward
#
# **Goal:** no formula is given. How many roads are there? Derive them as in steps 1 to 3. `dy` is `(..., D)`, and `saved`
# is `x` `(..., D)`, `r` `(..., 1)`, `weight` `(D,)`. Return `dx` `(..., D)` and `dweight` `(D,)`. ●●●, 15 minutes.


# %% exercise="5.3"
def rms_norm_backward(dy, saved):
    """(..., D) -> dx (..., D), dweight (D,)."""
    x, r, weight = saved
    ### BEGIN SOLUTION
    dx_hat = dy * weight
    along = (dx_hat * x).mean(-1, keepdims=True)
    dx = r * (dx_hat - x * r**2 * along)
    dweight = (dy * x * r).sum(tuple(range(dy.ndim - 1)))
    return dx, dweight
    ### END SOLUTION


# %%
check.rms_norm_backward(rms_norm_backward)

# %% [markdown] hints="5.3"
# There are two roads: $x_i$ itself, and through $r$, which changes with every number of the token. No mean is taken off,
# so the shift's road is not there.
# ---
# $\partial r / \partial x_i = -\tfrac12 (\dots)^{-3/2} \cdot \frac2D x_i = -\frac{r^3}{D} x_i$.
# ---
# With `dx_hat = dy * weight`: `dx = r * (dx_hat - x * r**2 * (dx_hat * x).mean(-1, keepdims=True))`, and `dweight` is
# `dy * x * r`, summed over every axis but the last.

# %% [markdown]
# ## The third road, forgotten
#
# We break the backward on purpose: the third road, through $r$, is left out. Lesson 3's trap is here, too. The numbers
# of a normalised token add up to 0, whatever $x$ is (as long as all weights are equal), so the sum of the outputs cannot
# change. Under a gradient of ones, the right `dx` and the broken one are both 0; a random `dy` tells them apart.


# %%
def forgetful_backward(dy, saved):
    _, dweight, dbias = ops.layer_norm_backward(dy, saved)
    dx_hat = dy * saved.weight  # the library's saved has names
    rstd = saved.rstd.reshape(*dy.shape[:-1], 1)  # and its rstd is flat
    dx = (dx_hat - dx_hat.mean(-1, keepdims=True)) * rstd
    return dx, dweight, dbias


x = rng.standard_normal((4, 8))
y, saved = ops.layer_norm_forward(x, np.ones(8), np.zeros(8))
ones = np.ones_like(y)
right, wrong = ops.layer_norm_backward(ones, saved)[0], forgetful_backward(ones, saved)[0]
for name, dx in (("right", right), ("broken", wrong)):
    print(f"under a gradient of ones, the {name} dx reaches {np.abs(dx).max():.0e}")

print(check_gradients(Op(ops.layer_norm_forward, forgetful_backward), inputs, rng=rng))

# %% [markdown]
# How wrong is it? Here are both gradients for the token where they differ most.

# %%
dy = rng.standard_normal(y.shape)
right, wrong = ops.layer_norm_backward(dy, saved)[0], forgetful_backward(dy, saved)[0]
worst = np.abs(right - wrong).sum(-1).argmax()

# %% drawing=true
figure, ax = plt.subplots(figsize=(7, 2.6))
place = np.arange(8)
ax.bar(place - 0.2, right[worst], 0.4, label="all three roads")
ax.bar(place + 0.2, wrong[worst], 0.4, label="the third road forgotten")
ax.axhline(0, color="black", linewidth=0.8)
ax.set(xlabel="place in the token", ylabel="dx")
ax.legend()
show(figure, "dx of one token. The wrong one still asks for a stretch, and layer norm undoes it.")

# %% [markdown]
# Two facts about the true `dx` can be seen without any formula: its numbers add up to 0 (no shift), and it is
# perpendicular to `x_hat`: the sum of the products is 0 (no stretch; not quite, because of `eps`).

# %%
x_hat = saved.x_hat
for name, dx in (("right", right), ("wrong", wrong)):
    shift, stretch = np.abs(dx.sum(-1)).max(), np.abs((dx * x_hat).sum(-1)).max()
    print(f"{name}: sum of dx {shift:.0e}, sum of dx * x_hat {stretch:.0e}")

# %% [markdown]
# ## An experiment: a step a hundred times too long
#
# One linear layer learns to read digits, as in lesson 2: 300 steps of `W - lr * dW`, where `lr` says how long a step is.
# The loss is the squared distance to what is wanted. Once we train it as it is, and once with a layer norm behind it:
#
# $$ \text{image} \;\xrightarrow{W}\; 10 \text{ numbers} \;\xrightarrow{\text{layer norm}}\; 10 \text{ numbers} . $$
#
# Without layer norm, `lr = 0.01` is a good choice, and at 0.1 the numbers grow from step to step until they overflow
# (NaN). Guess before you run the cell: **with** layer norm, and `lr = 1`, how many new digits are read? (By chance:
# 10 %.)

# %%
my_guess = 10  # % of new digits, with layer norm and lr = 1

# %%
digits = tinyvit.load_dataset("mnist")
images, labels = digits.train.images[:10000].reshape(-1, 784) / 255, digits.train.labels[:10000]
new_images, new_labels = digits.dev.images.reshape(-1, 784) / 255, digits.dev.labels
weight, bias = np.ones(10), np.zeros(10)
wanted = ops.layer_norm_forward(np.eye(10), weight, bias)[0]  # row k: what to say for a k


def train(lr, normed, steps=300):
    """Returns W, the last dW, and the length of W behind every step."""
    rng = np.random.default_rng(0)  # the same start and the same images every time
    W, lengths = rng.standard_normal((784, 10)) / 28, []
    for _ in range(steps):
        pick = rng.integers(0, len(images), 100)
        y = images[pick] @ W
        if normed:
            y, saved = ops.layer_norm_forward(y, weight, bias)
        dy = 2 * (y - wanted[labels[pick]]) / 100
        if normed:
            dy, *_ = ops.layer_norm_backward(dy, saved)
        dW = images[pick].T @ dy
        W = W - lr * dW
        lengths.append(np.linalg.norm(W))
    return W, dW, lengths


step_sizes = 10.0 ** np.arange(-3, 5)
accuracy = {"without layer norm": [], "with layer norm": []}
print(f"{'lr':<22}" + "".join(f"{lr:>8g}" for lr in step_sizes))
for name, normed in (("without layer norm", False), ("with layer norm", True)):
    with np.errstate(all="ignore"):
        for lr in step_sizes:
            W = train(lr, normed)[0]
            accuracy[name].append(100 * ((new_images @ W).argmax(1) == new_labels).mean())
    print(f"{name:<22}" + "".join(f"{one:>8.1f}" for one in accuracy[name]))
show_guess(my_guess, accuracy["with layer norm"][3], "% of new digits, with layer norm, lr = 1")

# %% drawing=true
figure, ax = plt.subplots(figsize=(7, 2.8))
for name, marker in (("without layer norm", "s--"), ("with layer norm", "o-")):
    ax.semilogx(step_sizes, accuracy[name], marker, label=name)
ax.axhline(10, color="gray", linestyle=":")
ax.set(xlabel="lr: how long a step is", ylabel="new digits read, %", ylim=(0, 100))
ax.legend()
show(figure, "Accuracy after 300 steps of eight lengths. The dotted line is chance.")

# %% [markdown]
# `lr = 1` does no harm. Even at 10,000, nothing explodes. Why?
#
# Make $W$ a hundred times longer. The ten numbers grow a hundredfold, layer norm divides it out again, and the loss is
# the same. So there is nothing to win along $W$: its gradient stands **perpendicular** to $W$, as `dx` stands to
# `x_hat`. And a step at a right angle makes $W$ longer, by Pythagoras:
#
# $$ |W - \text{lr} \, dW|^2 = |W|^2 + \text{lr}^2 \, |dW|^2 . $$
#
# But a longer $W$ has a *shorter* gradient: $c$ times as long, $c$ times shorter (question 1 below). So a step that is
# far too long makes $W$ long, and then every further step turns it only a little. **The wrong `lr` mends itself.**

# %%
W, dW, _ = train(1, True)
W = W + dW  # as it was before the last step
print(f"cosine of W and dW: {(W * dW).sum() / np.linalg.norm(W) / np.linalg.norm(dW):.0e}")
for lr in (0.01, 1, 100, 10_000):
    W, dW, lengths = train(lr, True)
    turn = np.degrees(np.arctan(lr * np.linalg.norm(dW) / np.linalg.norm(W)))
    print(f"lr {lr:<6g} |W| from 3.2 to {lengths[0]:9.1f} in one step,", end=" ")
    print(f"{lengths[-1]:9.1f} in the end; the last step turns it by {turn:.4f}°")

# %% [markdown]
# The cosine is 0, but for rounding and `eps`. All this helps up to a point: at 100 and beyond, the first step makes $W$ so
# long that the others hardly turn it. No explosion, but no learning either, and the model is left with what one single
# step has taught it. (This is called *scale invariance*;
# Arora, Li and Lyu 2018, arXiv:1812.03981, study it for batch norm. In a ViT most layer norms stand *before* the linear
# layers, so do not try `lr = 1` there.)

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. You know two facts about a true `dx`.

# %%
broken = bug_hunt(5)
x, dy = rng.standard_normal((2, 4, 6))
weight, bias = rng.uniform(0.5, 2, 6), np.zeros(6)
_, saved = ops.layer_norm_forward(x, weight, bias)
x_hat, rstd = saved.x_hat, saved.rstd.reshape(4, 1)
found = broken(dy, (x_hat, rstd, weight))
names, wanted = ("dx", "dweight", "dbias"), ops.layer_norm_backward(dy, saved)
for name, one, right in zip(names, found, wanted, strict=True):
    print(f"{name}: off by up to {np.abs(one - right).max():.0e}")
dx = found[0]
shift, stretch = np.abs(dx.sum(-1)).max(), np.abs((dx * x_hat).sum(-1)).max()
print(f"sum of dx {shift:.0e}, sum of dx * x_hat {stretch:.0e}")

# %%
my_suspect = 8  # the number of the wrong line
check.suspect(5, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. All numbers of a token are multiplied by 100. What happens to the output of layer norm?**
#
# <details><summary>Answer</summary>
#
# Nothing (up to the tiny `eps`): mean and standard deviation grow by 100 too, and divide it out again. What happens to
# `dx`? It becomes 100 times *smaller*, because `rstd` does.
#
# </details>
#
# **2. How many learned numbers has the layer norm of a ViT-B/16, where a token has 768 numbers?**
#
# <details><summary>Answer</summary>
#
# 2 · 768 = 1,536, whatever the number of tokens: all of them share `weight` and `bias`.
#
# </details>
#
# **3. Why do we save `x_hat` and `rstd`, and not `x`?**
#
# <details><summary>Answer</summary>
#
# Every formula of the backward is in terms of `x_hat` and `rstd`. From `x` we would have to compute both again.
#
# </details>
#
# ## What you can now do
#
# - Say what layer norm does to a token, and what it does not look at.
# - Derive a backward in which one number takes several roads, and add the roads up.
# - Explain why a gradient of ones proves nothing here.
# - Say why a step that is far too long mends itself in front of a layer norm.
#
# Open [`tinyvit/ops/layer_norm.py`](../tinyvit/ops/layer_norm.py): the same forward and backward, with the means
# written as matrix products, because those are several times faster than `x.mean(-1)`.
#
# Go on with [lesson 6](06_gelu_and_mlp.ipynb).
