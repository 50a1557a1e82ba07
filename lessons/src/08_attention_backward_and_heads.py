# %% [markdown]
# # Lesson 8: Attention backward, and many heads
#
# *About 80 minutes. It opens [`tinyvit/ops/attention.py`](../tinyvit/ops/attention.py), all of it.*
#
# The forward of attention is three lines (lesson 7). Its backward is the same three lines, read from the last to the
# first. After that we cut every token into several **heads**, so that it can ask several questions at once. This is
# only moving numbers around, and yet it is where home-made transformers easily go wrong.

# %%
import matplotlib.pyplot as plt
import numpy as np

from tinyvit import check_gradients, ops
from tinyvit.course import bug_hunt, check, show, show_guess
from tinyvit.ops import Op

rng = np.random.default_rng(8)
num_heads, N, d = 3, 4, 2
colors = plt.get_cmap("tab20c").colors

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=(2, 1))
for kind, letter in enumerate("qkv"):
    for head in range(num_heads):
        color = {"facecolor": colors[4 * kind + head], "edgecolor": "white"}
        left = (kind * num_heads + head) * d
        for token in range(N):
            for a in range(d):
                corner = (kind * (d + 1) + a, head * (N + 1) + token)
                axes[0].add_patch(plt.Rectangle((left + a, token), 1, 1, **color))
                axes[1].add_patch(plt.Rectangle(corner, 1, 1, **color))
        axes[0].text(left + d / 2, -0.15, f"{letter}\nhead\n{head}", ha="center")
        if kind == 0:
            middle = head * (N + 1) + N / 2
            axes[1].text(-0.4, middle, f"head {head}", ha="right", va="center")
    axes[1].text(kind * (d + 1) + d / 2, -0.4, letter, ha="center")
axes[0].set(xlim=(-0.1, 18.1), ylim=(N + 0.5, -1.5), title="qkv: (N, 3D), a row is a token")
axes[1].set(xlim=(-4, 9), ylim=(15, -2), title="q, k, v: each (h, N, d)")
for ax in axes:
    ax.axis("off")
show(figure, "Four tokens, three heads of two numbers: as the linear layer gives them, and cut.")

# %% [markdown]
# ## The backward, from the last line to the first
#
# The forward of one head was
#
# $$
# s = \frac{q\,k^T}{\sqrt d}, \qquad w = \mathrm{softmax}(s) \text{ row by row}, \qquad y = w\,v .
# $$
#
# We are given $dy$: how the loss changes with each number of $y$. We want $dq$, $dk$ and $dv$.
#
# **Step 1: $y = w\,v$.** Written out for one number, $y_{ia} = \sum_j w_{ij} v_{ja}$. It is a product, so each factor
# gets the other one:
#
# $$
# dw_{ij} = \sum_a dy_{ia} \, v_{ja}, \qquad dv_{ja} = \sum_i w_{ij} \, dy_{ia} .
# $$
#
# In the first, the sum runs over the *last* axis of both: that is $dw = dy\,v^T$. In the second, it runs over the
# *first* axis of both: that is $dv = w^T dy$. In words: token $j$ gets back from everybody who took from it, as much as
# they took.
#
# **Step 2: softmax.** Lesson 4 has done it. For every row $i$ by itself:
#
# $$ ds_{ij} = w_{ij} \Big( dw_{ij} - \sum_m dw_{im} \, w_{im} \Big) . $$
#
# **Step 3: $s = q\,k^T / \sqrt d$.** For one number, $s_{ij} = \frac{1}{\sqrt d} \sum_a q_{ia} k_{ja}$. A product
# again, and each factor gets the other one, and the $1/\sqrt d$ too:
#
# $$
# dq_{ia} = \frac{1}{\sqrt d} \sum_j ds_{ij} \, k_{ja}, \qquad
# dk_{ja} = \frac{1}{\sqrt d} \sum_i ds_{ij} \, q_{ia} .
# $$
#
# As matrices: $dq = ds\,k / \sqrt d$ and $dk = ds^T q / \sqrt d$.
#
# Where does a transpose belong? Look at which letter is summed. If you are unsure, let the three lengths $Q$ (who
# asks), $N$ (who answers) and $d$ be different in your head: then only one product fits. In the exercise $Q = N$, so
# $w$ and $ds$ are square, and a transpose that is forgotten there gives *no* error, only wrong numbers.
#
# ### Exercise 8.1: the backward of one head
#
# **Goal:** `dy` is `(B, N, d)`; `saved` is `q, k, v` `(B, N, d)` and `weights` `(B, N, N)`. Return `dq, dk, dv`, each
# `(B, N, d)`. You may call `ops.softmax_backward(dweights, ops.SoftmaxSaved(weights))`: it takes what softmax's forward
# saved, and `SoftmaxSaved` wraps the weights in that. ●●○, 15 minutes.


# %% exercise="8.1"
def attention_one_head_backward(dy, saved):
    """(B, N, d) -> dq, dk, dv, each (B, N, d)."""
    q, k, v, weights = saved
    ### BEGIN SOLUTION
    dv = weights.swapaxes(1, 2) @ dy
    dweights = dy @ v.swapaxes(1, 2)
    dscores = weights * (dweights - (dweights * weights).sum(-1, keepdims=True))
    dscores = dscores / np.sqrt(q.shape[-1])
    return dscores @ k, dscores.swapaxes(1, 2) @ q, dv
    ### END SOLUTION


# %%
check.attention_one_head_backward(attention_one_head_backward)

# %% [markdown] hints="8.1"
# Five lines: `dv` and `dweights` from `y = weights @ v`; `dscores` from softmax; `dq` and `dk` from the scores.
# `x.swapaxes(1, 2)` transposes and leaves the batch alone.
# ---
# `dv = weights.swapaxes(1, 2) @ dy`, `dweights = dy @ v.swapaxes(1, 2)`,
# `dscores = weights * (dweights - (dweights * weights).sum(-1, keepdims=True))`, divide it by `np.sqrt(q.shape[-1])`,
# then `dq = dscores @ k` and `dk = dscores.swapaxes(1, 2) @ q`.

# %% [markdown]
# ## Many heads
#
# With one head, a token has one set of weights: it can ask one question. But a patch may want to know where the line
# goes on, *and* what the opposite side of the picture looks like. So we cut its $D$ numbers into $h$ parts of
# $d = D / h$ numbers, the **heads**. Each head does attention by itself, with its own weights. In the end the results
# stand side by side again: $h \cdot d = D$ numbers. This takes as many multiplications as one head of $D$ numbers:
# there are $h$ times as many scores, and each is a sum of $D/h$ products, not of $D$. Only the memory of the weights
# grows: each head has its own table.
#
# One linear layer makes all of it at once: `qkv` is `(B, N, 3D)`. In a row stand, from left to right, as in the picture
# at the top: all queries (head 0, head 1, ...), all keys, all values. To cut it up takes two moves:
#
# 1. `reshape` *names* what is there, from the slowest to the fastest: `(B, N, 3, h, d)`. Nothing moves.
# 2. `transpose` or `swapaxes` puts the axes into the order that `@` wants: batch and heads first, then `(N, d)`.
#
# `reshape` alone must never be used to swap two axes. It would go through the numbers in their old order and fill them
# into the new shape: the shape is right, and every number is in the wrong place.
#
# ### Exercise 8.2: cut into heads
#
# **Goal:** `qkv` is `(B, N, 3D)`; return `q, k, v`, each `(B, h, N, d)`, where `h` is `num_heads` and `D = h * d`.
# ●●○, 15 minutes.


# %% exercise="8.2"
def split_heads(qkv, num_heads):
    """(B, N, 3D) -> q, k, v, each (B, h, N, d)."""
    B, N, width = qkv.shape
    ### BEGIN SOLUTION
    d = width // (3 * num_heads)
    parts = qkv.reshape(B, N, 3, num_heads, d)
    q, k, v = parts.transpose(2, 0, 3, 1, 4)  # (3, B, h, N, d)
    return q, k, v
    ### END SOLUTION


# %%
check.split_heads(split_heads)

# %% [markdown] hints="8.2"
# Within a row, what changes fastest is the place in a head (d), then the head (h), then q, k or v (3). So the reshape
# is to `(B, N, 3, h, d)`. Then the 3 goes to the front, and the heads before the tokens.
# ---
# `qkv.reshape(B, N, 3, num_heads, width // (3 * num_heads)).transpose(2, 0, 3, 1, 4)` is `(3, B, h, N, d)`, and an
# array can be unpacked along its first axis: `q, k, v = ...`.

# %% [markdown]
# ### Exercise 8.3: and back
#
# **Goal:** `y` is `(B, h, N, d)`; return the heads side by side, `(B, N, h * d)`. ●○○, 4 minutes.


# %% exercise="8.3"
def join_heads(y):
    """(B, h, N, d) -> (B, N, h * d)."""
    ### BEGIN SOLUTION
    B, h, N, d = y.shape
    return y.swapaxes(1, 2).reshape(B, N, h * d)
    ### END SOLUTION


# %%
check.join_heads(join_heads)

# %% [markdown] hints="8.3"
# Only axes that are neighbours can be joined by `reshape`. First bring `h` next to `d`, then join them.
# ---
# `y.swapaxes(1, 2)` is `(B, N, h, d)`; reshape that to `(B, N, h * d)`.

# %% [markdown]
# And their backward? Moving numbers around computes nothing: the gradient goes the same way back. The backward of
# `split_heads` puts `dq`, `dk`, `dv` where `q`, `k`, `v` came from, and the backward of `join_heads` cuts `dy` into
# heads.
#
# One thing comes after the heads in a transformer: a linear layer from $D$ to $D$ numbers, which **mixes** what they
# brought. It is a plain linear layer (lesson 2); [`tinyvit/layers/attention.py`](../tinyvit/layers/attention.py) puts
# the three together: the linear layer that makes `qkv`, the attention, the linear layer that mixes.
#
# ## Is it right?

# %%
inputs = {"qkv": rng.standard_normal((2, 5, 18))}
print(check_gradients(ops.OPS["attention"], inputs, options={"num_heads": 3}, rng=rng))

# %% [markdown]
# A second look, without finite differences. Softmax does not change when a whole row of scores is shifted, so each row
# of `dscores` must add up to 0. And when the same vector is added to every *key*, nothing changes (lesson 7), so `dk`
# must add up to 0 over the tokens. For `dq` and `dv` there is no such rule.

# %%
_, saved = ops.attention_forward(inputs["qkv"], num_heads=3)
dqkv = ops.attention_backward(rng.standard_normal((2, 5, 6)), saved)
for name, part in zip(("dq", "dk", "dv"), np.split(dqkv, 3, axis=-1), strict=True):
    print(f"{name}: the sum over the tokens reaches {np.abs(part.sum(1)).max():.0e}")

# %% [markdown]
# ## An experiment: heads cut the wrong way
#
# Now a mistake on purpose: heads and `d` are swapped, in the reshape **and** on the way back. A head gets every $h$-th
# number instead of $d$ neighbours. Guess before you run the cell: will the gradient check find it?

# %%
my_guess = "yes"  # does the gradient check find it? "yes" or "no"


# %%
def comb_order(num_heads, D):
    """Where the wrong reshape takes its numbers from: every h-th one."""
    return np.arange(D).reshape(D // num_heads, num_heads).T.reshape(-1)


def comb_forward(qkv, *, num_heads):
    B, N, width = qkv.shape
    parts = qkv.reshape(B, N, 3, -1, num_heads)  # d before h: the mistake
    q, k, v = parts.transpose(2, 0, 4, 1, 3)  # (3, B, h, N, d)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    weights, _ = ops.softmax_forward(scores)
    y = (weights @ v).transpose(0, 2, 3, 1)  # (B, N, d, h): the same mistake on the way back
    y = y.reshape(B, N, width // 3)
    return y, (q, k, v, weights)


def comb_backward(dy, saved):
    q, k, v, weights = saved
    B, h, N, d = q.shape
    dy = dy.reshape(B, N, d, h).transpose(0, 3, 1, 2)
    dscores = ops.softmax_backward(dy @ v.swapaxes(-1, -2), ops.SoftmaxSaved(weights)) / np.sqrt(d)
    parts = np.stack([dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dy])
    return parts.transpose(1, 3, 0, 4, 2).reshape(B, N, 3 * h * d)


report = check_gradients(Op(comb_forward, comb_backward), inputs, options={"num_heads": 3}, rng=rng)
print(report)

qkv = inputs["qkv"]
right, wrong = ops.attention_forward(qkv, num_heads=3)[0], comb_forward(qkv, num_heads=3)[0]
print(f"shapes {right.shape} and {wrong.shape}")
print(f"numbers reach {np.abs(right).max():.2f}")
print(f"right and wrong differ by up to {np.abs(right - wrong).max():.2f}")
show_guess(my_guess, "no" if report.passed else "yes", "does the gradient check find it?")

# %% [markdown]
# It **passes**, and the output is a different one. A gradient check asks: does the backward belong to *this* forward?
# It does. Whether it is the forward that we meant, the check cannot know.
#
# Worse: training does not find it either. Let us put the columns of `qkv` into another order, before the right
# attention, and take the same order out again after it:

# %%
order = comb_order(3, 6)
columns = np.concatenate([order, order + 6, order + 12])  # of q, of k and of v
sorted_y = ops.attention_forward(qkv[..., columns], num_heads=3)[0]
back = np.empty_like(sorted_y)
back[..., order] = sorted_y
print("order of the columns:", order)
off = np.abs(back - wrong).max()
print(f"right attention between the two orders, and the wrong one: they differ by {off:.0e}")

# %% [markdown]
# Up to the order of columns, the two are the **same function**. The columns of `qkv` come from a linear layer with
# random weights, and a random matrix with its columns in another order is as good as before. The same holds for the
# rows of the linear layer that mixes the heads, which reads `y`. So a model with the wrong heads learns just as well.
# The mistake shows on the day when somebody loads weights that were trained with the right order: then every head gets
# numbers that belong to other heads.
#
# So two kinds of tests are needed: gradient checks, for the backward; and a comparison with **known numbers**, for the
# forward. Here the known numbers are those of `check.split_heads`; tinyvit's own tests compare with slow loops and with
# PyTorch.

# %% [markdown]
# ## Hard, and optional: the backward in pieces
#
# Lesson 7's optional exercise never held all scores of a query. The backward need not, either, and that is what made long
# texts possible: **FlashAttention** (Dao et al. 2022, arXiv:2205.14135) keeps of the $N \times N$ weights nothing but one
# number a row, the logarithm of the sum under its softmax, $l_i = \ln \sum_j e^{s_{ij}}$. With it, the weights of *any* piece of
# the keys can be computed again: $w_{ij} = e^{s_{ij} - l_i}$.
#
# One thing seems to need a whole row, the sum in softmax's backward, $\sum_j w_{ij} \, dw_{ij}$. But $dw_{ij} = dy_i \cdot v_j$, so it is
# $dy_i \cdot \sum_j w_{ij} v_j = dy_i \cdot y_i$, and the answer $y$ is there.
#
# ### Exercise 8.4: attention backward, one piece of the keys at a time
#
# **Goal:** one image, one head. `dy`, `y` and `q` are `(N, d)`, `log_sums` $l$ is `(N,)`, and `pieces` is a tuple of pairs `k, v`, each
# `(n, d)`, with another `n` in each. Return `dq` `(N, d)`, and `dk` and `dv` of all pieces, one below the other. ●●●, 20 minutes.


# %% exercise="8.4"
def backward_in_pieces(dy, y, q, log_sums, pieces):
    """(N, d), (N, d), (N, d), (N,), a tuple of pairs (n, d), (n, d) -> dq (N, d), dk and dv (sum of n, d)."""
    ### BEGIN SOLUTION
    scale = 1 / np.sqrt(q.shape[1])
    row_sums = (dy * y).sum(-1, keepdims=True)
    dq, dk, dv = np.zeros_like(q), [], []
    for k, v in pieces:
        weights = np.exp(q @ k.T * scale - log_sums[:, None])
        dscores = weights * (dy @ v.T - row_sums)
        dq = dq + dscores @ k * scale
        dk.append(dscores.T @ q * scale)
        dv.append(weights.T @ dy)
    return dq, np.concatenate(dk), np.concatenate(dv)
    ### END SOLUTION


# %%
check.backward_in_pieces(backward_in_pieces)

# %% [markdown] hints="8.4"
# Before the loop, $dy_i \cdot y_i$ of each row. In the loop, compute the weights of the piece again, and then 8.1 as you know it.
# `dq` adds up over the pieces; each piece has its own `dk` and `dv`.
# ---
# `weights = np.exp(q @ k.T * scale - log_sums[:, None])`, `dscores = weights * (dy @ v.T - row_sums)`. Then `dscores @ k * scale`,
# `dscores.T @ q * scale` and `weights.T @ dy`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. Which of its three gradients are wrong? And do they
# keep the rule that you saw above, that `dk` adds up to 0 over the tokens?

# %%
broken = bug_hunt(8)
q, k, v, dy = rng.standard_normal((4, 1, 5, 3))
_, saved = ops.attention_forward(np.concatenate([q, k, v], axis=-1), num_heads=1)
right = np.split(ops.attention_backward(dy, saved), 3, axis=-1)
found = broken(dy, (q, k, v, saved.weights.reshape(1, 5, 5)))
for name, one, other in zip(("dq", "dk", "dv"), found, right, strict=True):
    print(f"{name}: off by up to {np.abs(one - other).max():.0e}", end=", ")
    print(f"its sum over the tokens reaches {np.abs(one.sum(1)).max():.0e}")

# %%
my_suspect = 5  # the number of the wrong line
check.suspect(8, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. A token has $D = 768$ numbers and there are 12 heads. How long is a query of one head, and what are its scores
# divided by?**
#
# <details><summary>Answer</summary>
#
# $d = 768 / 12 = 64$ numbers, so the scores are divided by $\sqrt{64} = 8$. Not by $\sqrt{768}$: a score is a sum of 64
# products.
#
# </details>
#
# **2. Why do we save the weights, and not the scores?**
#
# <details><summary>Answer</summary>
#
# The backward of softmax is written in terms of its output, the weights; $dv = w^T dy$ needs the weights too. The
# scores appear nowhere in the backward.
#
# </details>
#
# **3. Nobody looks at token $j$: all weights in its column are 0. Which of its gradients are 0?**
#
# <details><summary>Answer</summary>
#
# $dv_j$ is 0, as $dv = w^T dy$ sums over column $j$. $dk_j$ is 0 too: $ds_{ij}$ has the factor $w_{ij}$. But $dq_j$
# need not be 0: token $j$ itself can still look at others.
#
# </details>
#
# ## What you can now do
#
# - Derive the backward of a product of matrices, and know which factor is transposed.
# - Write attention's backward from its forward, bottom to top.
# - Cut tokens into heads, and put them together again.
# - Say what a gradient check cannot see.
#
# Open [`tinyvit/ops/attention.py`](../tinyvit/ops/attention.py). Its backward writes `dq`, `dk` and `dv` straight into
# their places in one array `dqkv`: the three are *views*, made by the same `split_heads` that cut up `qkv`. So the
# backward of the cutting costs nothing.
#
# Go on with [lesson 9](09_tokens_and_positions.ipynb).
