# %% [markdown]
# # Lesson 18: Your own ViT
#
# *About 85 minutes. It opens [`tinyvit/vit.py`](../tinyvit/vit.py) once more: now you have written your own.*
#
# In lessons 1 to 12 you wrote the parts: patches, linear layers, layer norm, GELU, attention, tokens, blocks,
# AdamW, a training loop. Each was checked by itself, and none has met the others. In this lesson they
# become **one model**. You write the four functions that are still missing between them. Then your model is checked,
# learns to read digits with your own loop, and gets a page to show, `my-vit.html`.
#
# The next cell reads the notebooks that lie beside this one and takes your functions out of them, those that pass
# their checks. They go into one file, `my_vit.py`: open it, it is yours. (`tinyvit lessons collect` does the same in a
# terminal.) Where yours is missing, or not right yet, the library's stands in, and the file says so.

# %%
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

import tinyvit
from tinyvit import check_gradients, ops
from tinyvit.course import (
    MyPage,
    bug_hunt,
    check,
    collect,
    load_functions,
    replace_failing,
    save_classifier,
    show,
    show_guess,
    write_page,
)
from tinyvit.images.own_image import prepare_digit

path, pieces, _ = collect(Path("."))
my = load_functions(path)  # now `my.layer_norm_forward` is yours

whose = {piece.exercise.number: bool(piece.own) for piece in pieces}
print(f"{sum(whose.values())} of {len(whose)} are yours")
for piece in pieces:
    if not piece.own:
        print(f"  {piece.exercise.number} {piece.exercise.name}: {piece.why}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(9, 2.2))
for lesson in range(1, 13):
    numbers = [number for number in whose if int(number.split(".")[0]) == lesson]
    for row, number in enumerate(numbers):
        ax.scatter(lesson, -row, s=260, color="C0" if whose[number] else "0.85")
        ax.text(
            lesson,
            -row,
            number,
            ha="center",
            va="center",
            fontsize=7,
            color="w" if whose[number] else "0.3",
        )
ax.set(xlim=(0.3, 12.7), ylim=(-3.6, 0.6))
ax.axis("off")
show(figure, "The functions of lessons 1 to 12: blue is yours, grey is the library's.")

# %% [markdown]
# ## From one head to many
#
# Your `attention_one_head` of lesson 7 takes queries, keys and values of *one* head, `(B, N, d)`. Your `split_heads` of
# lesson 8 makes `(B, h, N, d)`, one more axis. Heads do not talk to each other, and images do not, either. So a head of
# an image may be treated as an image of its own: **fold** the axes `B` and `h` into one batch of `B · h`, call the
# function once, and unfold what it returns.
#
# ### Exercise 18.1: many heads
#
# **Goal:** `q`, `k` and `v` are `(B, h, N, d)`. `one_head(q, k, v)` is a function like yours: it takes three arrays
# `(batch, N, d)` and returns `y` `(batch, N, d)` and `weights` `(batch, N, N)`. Return `y` `(B, h, N, d)` and `weights`
# `(B, h, N, N)`. ●●○, 8 minutes.


# %% exercise="18.1"
def many_heads(q, k, v, one_head):
    """(B, h, N, d), three times, and a function -> y (B, h, N, d), weights (B, h, N, N)."""
    ### BEGIN SOLUTION
    B, h, N, d = q.shape
    y, weights = one_head(q.reshape(B * h, N, d), k.reshape(B * h, N, d), v.reshape(B * h, N, d))
    return y.reshape(B, h, N, d), weights.reshape(B, h, N, N)
    ### END SOLUTION


# %%
check.many_heads(many_heads)

# %% [markdown] hints="18.1"
# Two neighbouring axes become one by a reshape, and two again by another: no number moves.
# ---
# `q.reshape(B * h, N, d)`, the same for `k` and `v`; behind the call `y.reshape(B, h, N, d)` and
# `weights.reshape(B, h, N, N)`.

# %% [markdown]
# ## Back through the split
#
# Your `attention_one_head_backward` gives `dq`, `dk` and `dv`. The linear layer in front of it wants the gradient of
# *its* output, `qkv`, `(B, N, 3D)`. `split_heads` moved numbers and changed none. So its backward moves the gradients to
# where the numbers came from:
#
# $$ \text{qkv}\;(B, N, 3hd) \;\to\; (B, N, 3, h, d) \;\to\; (3, B, h, N, d) \;\to\; q, k, v . $$
#
# ### Exercise 18.2: the backward of `split_heads`
#
# **Goal:** `dq`, `dk` and `dv` are `(B, h, N, d)`. Return `dqkv` `(B, N, 3hd)`: read the line above from right to left.
# ●●○, 8 minutes.


# %% exercise="18.2"
def split_heads_backward(dq, dk, dv):
    """(B, h, N, d), three times -> dqkv (B, N, 3 * h * d)."""
    ### BEGIN SOLUTION
    B, h, N, d = dq.shape
    parts = np.stack([dq, dk, dv])  # (3, B, h, N, d)
    return parts.transpose(1, 3, 0, 2, 4).reshape(B, N, 3 * h * d)
    ### END SOLUTION


# %%
check.split_heads_backward(split_heads_backward)

# %% [markdown] hints="18.2"
# `np.stack` makes one array `(3, B, h, N, d)` of the three. Which order of axes gives `(B, N, 3, h, d)`?
# ---
# `np.stack([dq, dk, dv]).transpose(1, 3, 0, 2, 4)`, then a reshape to `(B, N, 3 * h * d)`.

# %% [markdown]
# ## One part after another
#
# Every part of the model will be a function that takes `x` and returns two things: `y`, and *its own backward*, a
# function from `dy` to `dx` and a dict with the gradients of its weights, by name. A model is then a list of parts:
#
# - **forward**: give `x` to the first, what it returns to the second, and so on, and keep their backwards in a list;
# - **backward**: give `dy` to the **last** backward, what it hands back to the one before, and so on, to the first. Collect
#   the gradients on the way.
#
# ### Exercise 18.3: the backward of a whole model
#
# **Goal:** `steps` is the list of the backwards, in the order of the *forward*. Each takes `dy` and returns `dx, grads`;
# `grads` is a dict. Return the `dx` of the first part, and one dict with the gradients of all. No two parts use the
# same names. (`a | b` is a dict with what is in `a` and in `b`.) ●●○, 8 minutes.


# %% exercise="18.3"
def backward_through(dy, steps):
    """The gradient of the last output, a list of functions -> the gradient of the first input, all gradients."""
    ### BEGIN SOLUTION
    dx, grads = dy, {}
    for step in reversed(steps):
        dx, own = step(dx)
        grads = grads | own
    return dx, grads
    ### END SOLUTION


# %%
check.backward_through(backward_through)

# %% [markdown] hints="18.3"
# Go through `reversed(steps)`. What does each step get, and what becomes of the two things it returns?
# ---
# Begin with `dx, grads = dy, {}`; in the loop `dx, own = step(dx)` and `grads = grads | own`; at the end
# `return dx, grads`.

# %% [markdown]
# ## A step for all weights
#
# Your `adamw_step` of lesson 11 moves *one* array. The model has dozens, by name, and each has its own $m$ and $v$. Only
# matrices get weight decay. Biases, the gains of layer norm, positions and the class token do not: there is no
# reason why they should be near 0. (The matrices are the arrays of two axes.)
#
# ### Exercise 18.4: a step
#
# **Goal:** `parameters` and `grads` are dicts of arrays, by the same names; `state` has a pair `(m, v)` for each name.
# `adamw(p, g, m, v, weight_decay)` returns the new `m`, the new `v` and the new `p`. Return two new dicts: the new
# parameters, and the new state. An array of two axes gets the `weight_decay` that you are given, any other 0. ●●○, 10 minutes.


# %% exercise="18.4"
def step_all(parameters, grads, state, adamw, weight_decay):
    """Three dicts, a function, a number -> the new parameters and the new state, two dicts."""
    ### BEGIN SOLUTION
    new, kept = {}, {}
    for name, p in parameters.items():
        m, v = state[name]
        decay = weight_decay if p.ndim == 2 else 0.0
        m, v, new[name] = adamw(p, grads[name], m, v, decay)
        kept[name] = (m, v)
    return new, kept
    ### END SOLUTION


# %%
check.step_all(step_all)

# %% [markdown] hints="18.4"
# A loop over `parameters.items()`: the gradient and the pair have the same name. `p.ndim` is the number of axes.
# ---
# In the loop: `m, v, new[name] = adamw(p, grads[name], *state[name], weight_decay if p.ndim == 2 else 0.0)`, then
# `kept[name] = (m, v)`.

# %% [markdown]
# ## The model
#
# Here it is. Read it from the end: `forward` is the list of parts. Every `my.` is a function of yours, and so are the
# four from above. (Where one of yours is missing, the library's is used.) What the class takes from the library is its
# *weights*: their names, their first values, how they are saved.
#
# `same` gives a result the dtype of what came in. Images and weights are float32 here; after one function that makes
# float64 of them, all others would take twice the time.

# %%
glue = {
    "18.1": many_heads,
    "18.2": split_heads_backward,
    "18.3": backward_through,
    "18.4": step_all,
}
glue, glue_is_own = replace_failing(glue)


def same(y, x):
    return y.astype(x.dtype, copy=False)


def linear(w, name):
    def part(x):
        y, saved = my.linear_forward(x, w[f"{name}.weight"], w[f"{name}.bias"])

        def backward(dy):
            dx, dweight, dbias = my.linear_backward(dy, saved)
            return dx, {f"{name}.weight": dweight, f"{name}.bias": dbias}

        return same(y, x), backward

    return part


def layer_norm(w, name):
    def part(x):
        y, saved = my.layer_norm_forward(x, w[f"{name}.weight"], w[f"{name}.bias"])

        def backward(dy):
            dx, dweight, dbias = my.layer_norm_backward(dy, saved)
            return dx, {f"{name}.weight": dweight, f"{name}.bias": dbias}

        return same(y, x), backward

    return part


def gelu(x):
    y, saved = my.gelu_forward(x)
    return same(y, x), lambda dy: (my.gelu_backward(dy, saved), {})


def attention(num_heads):
    def part(qkv):
        q, k, v = my.split_heads(qkv, num_heads)  # (B, h, N, d)
        y, weights = glue["18.1"](q, k, v, my.attention_one_head)
        rows = [
            same(a.reshape(-1, *a.shape[2:]), qkv) for a in (q, k, v, weights)
        ]  # heads as images

        def backward(dy):
            dy = my.split_heads(np.concatenate([dy] * 3, axis=-1), num_heads)[
                0
            ]  # as the queries: (B, h, N, d)
            d = my.attention_one_head_backward(dy.reshape(rows[0].shape), rows)
            return glue["18.2"](*(dx.reshape(q.shape) for dx in d)), {}

        return same(my.join_heads(y), qkv), backward

    return part


def chain(x, parts):
    """One part after another: y, and the backward of them all."""
    steps = []
    for part in parts:
        x, backward = part(x)
        steps.append(backward)
    return x, lambda dy: glue["18.3"](dy, steps)


def block(w, name, num_heads):
    def part(x):
        attn = [layer_norm(w, f"{name}.norm1"), linear(w, f"{name}.attn.qkv"), attention(num_heads)]
        mlp = [
            layer_norm(w, f"{name}.norm2"),
            linear(w, f"{name}.mlp.fc1"),
            gelu,
            linear(w, f"{name}.mlp.fc2"),
        ]
        attn.append(linear(w, f"{name}.attn.proj"))
        y, backwards = my.block_forward(x, lambda x: chain(x, attn), lambda x: chain(x, mlp))

        def backward(dy):
            grads = {}

            def noting(branch_backward):
                def dx_alone(dy):
                    dx, own = branch_backward(dy)
                    grads.update(own)
                    return dx

                return dx_alone

            return my.block_backward(dy, *map(noting, backwards)), grads

        return y, backward

    return part


def patches(patch_size):
    def part(images):
        rows, _ = my.patchify_forward(images, patch_size=patch_size)
        shape = {"image_shape": images.shape[2:], "patch_size": patch_size}
        return rows, lambda dy: (my.unpatchify_forward(dy, **shape)[0], {})

    return part


def class_token_and_positions(w):
    def part(x):
        x, saved = my.prepend_tokens_forward(x, w["cls_token"])

        def backward(dy):
            dy, dpos_embed = my.add_position_backward(dy, None)
            dx, dcls_token = my.prepend_tokens_backward(dy, saved)
            return dx, {"cls_token": dcls_token, "pos_embed": dpos_embed}

        return x + w["pos_embed"], backward

    return part


def read_class_token(x):
    def backward(dy):
        dx = np.zeros_like(x)
        dx[:, 0] = dy
        return dx, {}

    return x[:, 0], backward


class MyViT(tinyvit.VisionTransformer):
    """The library keeps the weights; all that is done with them is mine."""

    def forward(self, x, *, rng=None):
        w, config = self.parameters(), self.config
        blocks = [block(w, f"blocks.{index}", config.num_heads) for index in range(config.depth)]
        begin = [
            patches(config.patch_size),
            linear(w, "patch_embed.proj"),
            class_token_and_positions(w),
        ]
        end = [layer_norm(w, "norm"), read_class_token, linear(w, "head")]
        return chain(x, [*begin, *blocks, *end])

    def backward(self, dy, backward):
        return backward(dy)


# %% [markdown]
# ## Is it right?
#
# Two questions, as always. Are its gradients those of its forward? And is its forward that of a ViT: the same numbers as
# the library's, with the same weights?

# %%
rng = np.random.default_rng(18)
small = replace(
    tinyvit.preset("tiny"),
    img_size=4,
    patch_size=2,
    embed_dim=8,
    depth=2,
    num_heads=2,
    num_classes=3,
)
small_vit = MyViT(small, rng=np.random.default_rng(1))
x_small = rng.standard_normal((2, 1, 4, 4))
report = check_gradients(small_vit, [x_small], rng=rng, step=3e-6)  # lesson 10 says why not 1e-5
print(f"{len(report.inputs)} gradients, {'passed' if report.passed else 'FAILED'}. The worst:")
print(report.worst)

exact = small_vit.astype(np.float64)
theirs = tinyvit.VisionTransformer.forward(exact, x_small)[0]
print(
    f"the library's logits differ from yours by {np.abs(exact.forward(x_small)[0] - theirs).max():.0e}"
)

# %% [markdown]
# ## An experiment: where do the seconds go?
#
# One step of training is a forward and a backward. Which of your functions takes the most time? The products of matrices
# are nearly all of the *work*, as you counted in lesson 10. Guess before you run the cell: write the function's name, in
# quotes.

# %%
my_guess = "linear_forward"  # the function that takes the most time

# %%
config = replace(
    tinyvit.preset("tiny"), embed_dim=48, depth=2, init_std=0.08
)  # a little smaller, for a minute's training
data = tinyvit.load_dataset("mnist")


def normalised(images):
    return ((images / 255 - data.mean) / data.std).astype(np.float32)


x_train, y_train = normalised(data.train.images), data.train.labels
x_dev, y_dev = normalised(data.dev.images), data.dev.labels


def seconds_by_function(model, steps=4):
    """Of each of your functions, in `steps` steps; what one calls counts for the one that was called first (but not for
    the block's, which only call others)."""
    spent, running = Counter(), []
    before = dict(vars(my))

    def timed(name, function):
        def call(*given, **named):
            if running:
                return function(*given, **named)
            running.append(name)
            begin = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                spent[name] += time.perf_counter() - begin
                running.pop()

        return call

    names = {piece.exercise.name for piece in pieces} - {"block_forward", "block_backward"}
    vars(my).update({name: timed(name, before[name]) for name in names})
    for step in range(steps):
        logits, saved = model.forward(x_train[32 * step : 32 * (step + 1)])
        model.backward(np.ones_like(logits), saved)
    vars(my).update(before)
    return spent


vit = MyViT(config, rng=np.random.default_rng(0))
spent = seconds_by_function(vit)
names, shares = zip(
    *[(name, s / sum(spent.values())) for name, s in spent.most_common(8)], strict=True
)
print(f"{names[0]}: {shares[0]:.0%}")
show_guess(my_guess, names[0], "takes the most time")

# %% drawing=true
figure, ax = plt.subplots(figsize=(7.5, 2.6))
ax.barh(names[::-1], [100 * share for share in shares[::-1]])
ax.set(xlabel="share of the time, %")
show(figure, "Where the time of a training step goes: the eight functions that take most of it.")

# %% [markdown]
# If you wrote 6.1 as the course does, it is `gelu_forward`, by far. There is hardly any work in it. But
# `np.vectorize(math.erf)` calls Python **for every single number**, and a matrix product does not. Work that is
# *counted* and time that is *measured* are two things.
#
# The cure keeps your function: we ask it once for 65,536 gates, between -8 and 8, and later look them up. A table is no
# longer exact. How far off is it?


# %%
def tabled(gelu_forward, per_unit=4096):
    """The same GELU, whose gates come from a table of its own values."""
    grid = np.arange(-8 * per_unit, 8 * per_unit) / per_unit
    gates = np.asarray(gelu_forward(grid)[1][1], np.float32)

    def forward(x):
        gate = gates[np.clip((x + 8) * per_unit + 0.5, 0, len(gates) - 1).astype(np.int32)]
        return x * gate, (x, gate)

    return forward


exact_gelu = my.gelu_forward
some = rng.standard_normal(10_000).astype(np.float32)
print(f"largest error: {np.abs(tabled(exact_gelu)(some)[0] - exact_gelu(some)[0]).max():.0e}")
my.gelu_forward = tabled(exact_gelu)
spent = seconds_by_function(vit)
print(f"gelu_forward now takes {spent['gelu_forward'] / sum(spent.values()):.0%} of the time")

# %% [markdown]
# ## Training, by your own loop
#
# Your loop of 12.3 makes an optimizer, and asks for the loss and its gradient. Both shall be yours, too. Python looks
# a name up when it needs it, so we only have to change what the names `AdamW` and `ops` mean in `my_vit.py`.
#
# Two epochs over all 55,000 digits, in batches of 25, with your warm-up and cosine. That takes about a minute on two cores.


# %%
class MyAdamW:
    """Your `adamw_step`, for all weights: by 18.4."""

    def __init__(self, parameters):
        self.parameters, self.steps = parameters, 0
        self.state = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in parameters.items()}

    def step(self, grads, lr):
        self.steps += 1

        def adamw(p, g, m, v, weight_decay):
            return my.adamw_step(p, g, m, v, self.steps, lr, (0.9, 0.999), 1e-8, weight_decay)

        new, self.state = glue["18.4"](self.parameters, grads, self.state, adamw, 0.05)
        for name, p in self.parameters.items():
            p[...] = new[name]  # in place: the model holds these arrays


my.AdamW = MyAdamW
my.ops = SimpleNamespace(
    **{**vars(ops), **{name: value for name, value in vars(my).items() if name in vars(ops)}}
)

order = np.random.default_rng(0)
batches = [
    batch for _ in range(2) for batch in my.epoch_batches(order.permutation(len(x_train)), 25)
]
rates = [
    my.learning_rate(step, len(batches), len(batches) // 15, 3.5e-3, 3.5e-5)
    for step in range(len(batches))
]
begin = time.perf_counter()
vit, losses = my.training_loop(
    lambda: MyViT(config, rng=np.random.default_rng(0)), x_train, y_train, batches, rates
)
seconds = time.perf_counter() - begin

logits = np.concatenate(
    [vit.forward(x_dev[start : start + 500])[0] for start in range(0, len(x_dev), 500)]
)
accuracy = my.accuracy(logits, y_dev)
print(f"loss {np.mean(losses[:50]):.2f} -> {np.mean(losses[-50:]):.3f} in {len(losses):,} steps")
print(f"right on {accuracy:.2%} of {len(y_dev):,} digits it has never seen")

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 2.6))
ax.plot(np.convolve(losses, np.ones(30) / 30, mode="valid"))
ax.axhline(np.log(10), color="black", linewidth=0.8, linestyle=":")
ax.set(xlabel="step", ylabel="training loss (mean of 30)", yscale="log")
show(figure, "Your training curve. The dotted line is ln 10, the loss of somebody who guesses.")

# %% [markdown]
# Every number in this model was learned through gradients that you derived.
#
# ## Show it
#
# First a digit of your own: the first four lines draw it. Change them, or put a photo in their place, as in lesson 0.

# %%
drawing = Image.new("L", (280, 280), "white")
pen = ImageDraw.Draw(drawing)
pen.arc((80, 40, 200, 150), 130, 450, fill="black", width=24)
pen.arc((80, 130, 200, 245), 0, 360, fill="black", width=24)

digit, _ = prepare_digit(drawing)
scores = vit.forward(normalised(digit[None]))[0][0]
weights = vit.attention(normalised(digit[None]))[-1][0]  # (h, N, N), of the last block
print(f"it says {scores.argmax()}")

mine = MyPage(
    pieces=pieces,
    glue=glue_is_own,
    accuracy=accuracy,
    num_images=len(y_dev),
    num_parameters=vit.num_parameters(),
    losses=losses,
    seconds=seconds,
    report=report,
    digit=digit,
    attention=weights,
    answer=str(scores.argmax()),
)
write_page("my-vit.html", mine)
save_classifier("my-vit", vit, data)

# %% drawing=true
figure, axes = plt.subplots(1, 5, figsize=(10, 2.2))
axes[0].imshow(digit[0], cmap="gray")
for index, ax in enumerate(axes[1:]):
    ax.imshow(digit[0], cmap="gray", extent=(0, 4, 4, 0))
    ax.imshow(weights[index, 0, 1:].reshape(4, 4), alpha=0.6, cmap="inferno", extent=(0, 4, 4, 0))
    ax.set(title=f"head {index + 1}")
for ax in axes:
    ax.set(xticks=[], yticks=[])
show(
    figure,
    "Your digit, and what the class token takes from each patch, in each head of the last block.",
)

# %% [markdown]
# `my-vit.html` lies beside this notebook. It is one file that needs no network: open it in a browser, send it to a friend.
# And your model is an ordinary model folder now. In a terminal, in the folder of this notebook,
#
# ```sh
# tinyvit look my-vit
# ```
#
# opens it in the page where you can draw digits, and see what each head looks at.

# %% [markdown]
# ## Hard, and optional: a soup of models
#
# Train your model three times, from the same start and with other learning rates, and you have three models. Which one do you take? Perhaps
# their **mean**, weight by weight: a **model soup** (Wortsman et al. 2022, arXiv:2203.05482). It costs nothing at use, unlike an ensemble. Not every
# mean is good, so the soup is cooked greedily: begin with the best model, try the others from the best to the worst, and keep one in if the
# mean of all that were kept, with it, is not worse on the dev split.
#
# ### Exercise 18.5: a greedy soup
#
# **Goal:** `models` is a tuple of dicts of arrays, by the same names; `score(model)` is a number, the larger the better. Return a dict, the
# soup: the mean of those that were kept. ●●●, 12 minutes.


# %% exercise="18.5"
def greedy_soup(models, score):
    """A tuple of dicts of arrays, a function -> a dict of arrays."""

    ### BEGIN SOLUTION
    def mean(chosen):
        return {name: np.mean([model[name] for model in chosen], axis=0) for name in chosen[0]}

    best, *others = sorted(models, key=score, reverse=True)
    kept = [best]
    for model in others:
        if score(mean([*kept, model])) >= score(mean(kept)):
            kept = [*kept, model]
    return mean(kept)
    ### END SOLUTION


# %%
check.greedy_soup(greedy_soup)

# %% [markdown] hints="18.5"
# `sorted(models, key=score, reverse=True)` begins with the best. Write a function that gives the mean of a list of models, name by name.
# ---
# In a loop over all but the first: `if score(mean([*kept, model])) >= score(mean(kept)): kept = [*kept, model]`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. With a weight decay of 0 nothing is wrong. Here all
# gradients are 0, so whatever moves is moved by the decay alone.

# %%
broken = bug_hunt(18)
ones = {"weight": np.ones((2, 2)), "bias": np.ones(2), "cls_token": np.ones((1, 1, 2))}
nothing = {name: np.zeros_like(p) for name, p in ones.items()}
state = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in ones.items()}


def one_step(p, g, m, v, weight_decay):
    return my.adamw_step(p, g, m, v, 1, 0.1, (0.9, 0.999), 1e-8, weight_decay)


for decay in (0.0, 0.5):
    new, _ = broken(ones, nothing, state, one_step, decay)
    print(f"decay {decay}:", ", ".join(f"{name} 1 -> {p.mean():.2f}" for name, p in new.items()))

# %%
my_suspect = 5  # the number of the wrong line
check.suspect(18, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. The gradient check used `small_vit`, with the exact GELU. Would it pass with the table?**
#
# <details><summary>Answer</summary>
#
# No. A table is a staircase: between two of its steps nothing changes, and a finite difference with a tiny step sees
# either no slope of the gate or far too much. The backward uses the slope of the smooth function. For training that is
# the better one; for a check it is a difference. So check first, then make it fast.
#
# </details>
#
# **2. The backward of attention called `split_heads` on three copies of `dy`, and took the first. Why does that work?**
#
# <details><summary>Answer</summary>
#
# `join_heads` puts the heads of a token beside each other, in the order in which `split_heads` cuts them. So to undo it is
# to cut `dy` as queries are cut. Three copies are made since `split_heads` wants 3D numbers; two are thrown away.
#
# </details>
#
# **3. Lesson 12's models came to 98 %. What would bring yours there?**
#
# <details><summary>Answer</summary>
#
# More epochs, and digits that are shifted a little each time: both need time, not other functions. Try `range(4)`
# in place of `range(2)`.
#
# </details>
#
# ## What you can now do
#
# - Put parts with a forward and a backward together into a model, and walk back through it.
# - Check a whole model twice: against differences, and against another's forward.
# - Find out what takes the time, rather than guess.
# - Show a Vision Transformer that you wrote yourself.
#
# This ends part one. Read [`tinyvit/vit.py`](../tinyvit/vit.py) again, and see how much of it you know by heart. What
# follows is what people do with such a model, and what goes wrong.
