# %% [markdown]
# # Lesson 7: Attention
#
# *About 60 minutes. It opens [`tinyvit/ops/attention.py`](../tinyvit/ops/attention.py).*
#
# Until now every token was alone. Linear layers and layer norm treat each token by itself: a patch with the upper
# end of a "7" knows nothing of the patch with the lower end. **Attention** is where tokens talk to each other.
#
# Every token asks a question. All tokens answer. The token that asked takes home an *average* of the answers, in which
# the tokens that fit the question best count most.

# %%
import matplotlib.pyplot as plt
import numpy as np

from tinyvit import check_gradients, ops
from tinyvit.course import bug_hunt, check, play, show, show_guess

rng = np.random.default_rng(7)
image = np.zeros((1, 1, 28, 28))
image[0, 0, 4:7, 5:23] = 1  # the bar of a seven
for row in range(7, 25):  # and its leg
    image[0, 0, row, 23 - (row - 4) // 2 - 3 : 23 - (row - 4) // 2] = 1
patches = ops.patchify_forward(image, patch_size=4)[0]  # (1, 49, 16)
asking = 1 * 7 + 3  # a patch in the bar
weights = ops.softmax_forward(patches @ patches.swapaxes(1, 2) / 16**0.5)[0]


# %% drawing=true
def asked_by(place, temperature):
    column, row = (min(6, int((side + 0.5) // 4)) for side in place)
    scores = patches[0, 7 * row + column] @ patches[0].T / 16**0.5
    shares = ops.softmax_forward(scores / temperature)[0]
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
    axes[0].imshow(image[0, 0], cmap="gray_r")
    axes[1].imshow(shares.reshape(7, 7), cmap="viridis", vmin=0, extent=(-0.5, 27.5, 27.5, -0.5))
    axes[0].set_title("49 patches; the red one asks")
    axes[1].set_title(f"how much it takes from each, at most {shares.max():.2f}")
    for ax in axes:
        corner = 4 * column - 0.5, 4 * row - 0.5
        ax.add_patch(plt.Rectangle(corner, 4, 4, fill=False, edgecolor="red", linewidth=2))
        ax.set(xticks=np.arange(-0.5, 28, 4), yticks=np.arange(-0.5, 28, 4))
        ax.tick_params(labelbottom=False, labelleft=False)
        ax.grid(alpha=0.4)
    return figure


play(
    asked_by,
    "A patch of a seven asks: who looks like me? Those of the bar, near or far.",
    place=(13.0, 5.0),
    temperature=(0.1, 3.0, 1.0),
)

# %% [markdown]
# ## Queries, keys and values
#
# In the picture, tokens were compared as they are. A real transformer first makes **three** vectors out of every token
# $x_i$, with three linear layers (lesson 2) that are learned:
#
# - the **query** $q_i$: what token $i$ is looking for;
# - the **key** $k_j$: what token $j$ can be found by;
# - the **value** $v_j$: what token $j$ hands over.
#
# Think of a library. The query is what you ask for, the keys are the titles on the books, the values are what is
# written inside. A title is for being found, a text is for being read: so it is good that they are not the same.
#
# All three are vectors of $d$ numbers. There are $N$ tokens, so `q`, `k` and `v` of one image are $N \times d$.
#
# ## The forward, in three steps
#
# **Step 1: scores.** How well does the key of token $j$ fit the query of token $i$? Take their dot product: it is large
# when both point the same way.
#
# $$ s_{ij} = \frac{1}{\sqrt d} \sum_{a=1}^{d} q_{ia} \, k_{ja} . $$
#
# The factor $1/\sqrt d$ gets its own section below. All scores are one matrix product, $q\,k^T / \sqrt d$.
#
# **Step 2: weights.** Row $i$ holds the scores of everybody who answers token $i$. Softmax (lesson 4) turns the row
# into weights that are positive and add up to 1:
#
# $$ w_{ij} = \frac{e^{s_{ij}}}{\sum_m e^{s_{im}}} . $$
#
# These weights are computed afresh for every image. Do not mix them up with the weights of a linear layer: those are
# learned, and the same for all images.
#
# **Step 3: the average.** Token $i$ takes $w_{ij}$ of every value $v_j$:
#
# $$ y_i = \sum_j w_{ij} \, v_j , \qquad \text{for all tokens at once:} \quad y = w\,v . $$
#
# ### By hand
#
# Two tokens, $d = 1$. Let $q = (2, 0)$, $k = (1, 0)$ and $v = (10, 20)$. With $d = 1$ the factor is 1.
#
# - Token 0 has $q_0 = 2$. Its scores are $2 \cdot 1 = 2$ and $2 \cdot 0 = 0$. Softmax: $e^2 = 7.389$ and $e^0 = 1$, so
#   the weights are $7.389 / 8.389 = 0.881$ and $0.119$. It takes home $0.881 \cdot 10 + 0.119 \cdot 20 = 11.19$.
# - Token 1 has $q_1 = 0$. Its scores are 0 and 0, its weights 0.5 and 0.5. It takes home the plain mean, $15$.
#
# ### Exercise 7.1: one head
#
# **Goal:** all three steps, for a batch of images. `q`, `k` and `v` are `(B, N, d)`. Return `y` `(B, N, d)` and
# `weights` `(B, N, N)`, where row `i` belongs to the token that asks. You may call `ops.softmax_forward`. (One such
# attention is a **head**. Lesson 8 has several, side by side.) ●●○, 10 minutes.


# %% exercise="7.1"
def attention_one_head(q, k, v):
    """(B, N, d), three times -> y (B, N, d), weights (B, N, N)."""
    ### BEGIN SOLUTION
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    weights, _ = ops.softmax_forward(scores)
    return weights @ v, weights
    ### END SOLUTION


# %%
check.attention_one_head(attention_one_head)

# %% [markdown] hints="7.1"
# One line for each of the three steps: scores, weights, `y`. `@` multiplies the last two axes and leaves the batch
# alone. `k` is `(B, N, d)`; to multiply it from the right, its last two axes must change places: `k.swapaxes(1, 2)` is
# `(B, d, N)`. (`k.T` would turn the batch around too.) `ops.softmax_forward` returns two things.
# ---
# `scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])`, then `weights, _ = ops.softmax_forward(scores)`, then
# `y = weights @ v`.

# %% [markdown]
# The library's attention takes queries, keys and values side by side in one array, and can have many heads (lesson 8).
# With one head it must agree with the example that we did by hand:

# %%
q, k, v = np.array([[2, 0], [1, 0], [10, 20]], dtype=float).reshape(3, 1, 2, 1)  # each (B, N, d)
y, saved = ops.attention_forward(np.concatenate([q, k, v], axis=-1), num_heads=1)
print("weights\n", saved.weights[0, 0].round(3))
print("y", y[0, :, 0].round(2))

# %% [markdown]
# ## What the weights mean
#
# The weights of one image are an $N \times N$ table, the **attention map**. Row $i$ is where token $i$ looks. In the
# picture at the top we took one row, and laid its 49 numbers out as the 7 × 7 patches they belong to.
#
# - A **row** always adds up to 1. A token cannot look at nothing.
# - A **column** may add up to anything. It tells how popular a token is.
# - The table need not be symmetric: I may look at you while you look at somebody else.
#
# In the picture at the top, another patch asks when you click on it. The *temperature* divides the scores before softmax:
# below 1, the largest weight takes more; above 1, all become more alike.
#
# One warning. A weight says how much of a *value* is taken. It does not say how important a patch is for the model's
# decision: the value may be small, or a later layer may throw it away.

# %%
table = weights[0]
print(f"rows add up to    {table.sum(1).min():.3f} ... {table.sum(1).max():.3f}")
print(f"columns add up to {table.sum(0).min():.3f} ... {table.sum(0).max():.3f}")
print(f"an equal share would be 1/49 = {1 / 49:.3f}")
print(f"the largest weight of the red patch is {table[asking].max():.3f}")

# %% [markdown]
# ## Why $1/\sqrt d$?
#
# Suppose that all numbers in $q$ and $k$ are independent, with mean 0 and variance 1. The product of two of them has
# mean 0 too, and its variance is the mean of $q^2 k^2$: as the two are independent, that is the mean of $q^2$ times the
# mean of $k^2$, which is 1. A score without the factor is a sum of $d$ such products. Variances of independent numbers
# add up, so its variance is $d$, and its spread (standard deviation) is $\sqrt d$. Dividing by $\sqrt d$ brings the
# spread back to 1, whatever $d$ is. (If you have not met variances yet, believe the table below.)
#
# Let us measure this, and what softmax makes of it. 50 tokens answer, so an equal share would be 0.02.

# %%
print("   d   spread of scores      mean of the largest weight     size of the gradient")
print("       plain   / sqrt(d)     plain   / sqrt(d)              plain   / sqrt(d)")
largest = {"plain": [], "divided by sqrt(d)": []}
widths = (1, 4, 16, 64, 256, 1024)
for d in widths:
    plain = rng.standard_normal((200, 1, d)) @ rng.standard_normal((200, d, 50))
    spreads, tops, sizes = [], [], []
    for name, scores in (("plain", plain), ("divided by sqrt(d)", plain / np.sqrt(d))):
        shares, softmax_saved = ops.softmax_forward(scores)
        gradient = ops.softmax_backward(rng.standard_normal(shares.shape), softmax_saved)
        spreads.append(scores.std())
        tops.append(shares.max(-1).mean())
        sizes.append(np.median(np.linalg.norm(gradient, axis=-1)))
        largest[name].append(tops[-1])
    print(f"{d:4}   {spreads[0]:5.2f}   {spreads[1]:5.2f}", end="")
    print(f"         {tops[0]:5.2f}   {tops[1]:5.2f}", end="")
    print(f"                  {sizes[0]:.0e}   {sizes[1]:.0e}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(6, 3))
for name, tops in largest.items():
    ax.plot(widths, tops, "o-", label=name)
ax.axhline(1 / 50, color="gray", linestyle=":", label="equal share")
ax.set(xscale="log", xlabel="d, numbers in a query", ylabel="largest weight", ylim=(0, 1))
ax.set_xticks(widths, [str(d) for d in widths])
ax.legend()
show(figure, "Without the factor, one token gets nearly all when d is large. With it, none does.")

# %% [markdown]
# The plain spread grows like $\sqrt d$: about 1, 2, 4, 8, 16, 32. (Only about, as 200 queries are few.)
#
# Without the factor and with large $d$, one token takes nearly all, before anything was learned. And in the last two
# columns is the real harm: the gradient that softmax hands back to the scores (its length in a typical row, the median
# of 200). Where one weight is nearly 1 and the others are nearly 0, the weights hardly move when the scores move a
# little, so this gradient nearly vanishes. The model is stuck with the random choice that it was born with.
#
# ## Is it right?
#
# Lesson 8 derives the backward. The library has it already, and finite differences can judge it without knowing how it
# was derived:

# %%
inputs = {"qkv": rng.standard_normal((2, 5, 9))}
print(check_gradients(ops.OPS["attention"], inputs, options={"num_heads": 1}, rng=rng))

# %% [markdown]
# ## An experiment: twice as sharp, how much more work?
#
# We cut an image into patches of 16 × 16 pixels. Now the image gets twice as wide and twice as high, and the patches
# stay as they are. Many people would say: four times the patches, so four times the work. Guess before you run the
# cell: how many times as many weights does attention have to compute, and to remember?

# %%
my_guess = 4  # times as many weights, for an image twice as wide and twice as high

# %%
d = 64
counts, tables, inputs = [], [], []
print("side   tokens   q, k and v     weights    memory of the weights   multiplications")
for side in (112, 224, 448, 896):
    N = (side // 16) ** 2
    qkv = rng.standard_normal((1, N, 3 * d)).astype(np.float32)
    y, saved = ops.attention_forward(qkv, num_heads=1)
    counts.append(N)
    tables.append(saved.weights.size)
    inputs.append(qkv.size)
    print(f"{side:4}   {N:6}   {qkv.size:10,}   {saved.weights.size:9,}", end="")
    print(f"   {saved.weights.nbytes / 1e6:18.2f} MB", end="")
    print(f"   {2 * N * N * d:15,}")  # q kᵀ and weights @ v: N * N * d each
show_guess(my_guess, tables[1] / tables[0], "times as many weights")

# %% drawing=true
figure, ax = plt.subplots(figsize=(6, 3))
ax.loglog(counts, tables, "o-", label="weights of one head: like N²")
ax.loglog(counts, inputs, "s--", label="its queries, keys and values: like N")
ax.set(xlabel="N, tokens", ylabel="numbers to remember")
ax.set_xticks(counts, [str(count) for count in counts])
ax.minorticks_off()
ax.legend()
show(figure, "Equal steps are equal factors. The weights start as the smaller part, and overtake.")

# %% [markdown]
# Each line of the table has 4 times the tokens of the line above it, and **16** times the weights, the memory and the
# multiplications. "Attention costs grow in proportion to the tokens" is a common mistake. Every token asks *every*
# token, so they grow with the **square**: $N^2$ scores, each a sum of $d$ products, and once more as much for $w\,v$.
#
# This is why a ViT looks at patches and not at pixels. An image of 224 × 224 has 196 patches of 16 × 16, and about
# 38 thousand weights per head. With every pixel as a token it would have 50,176 tokens, and 2.5 *billion* weights.
#
# The linear layers, in contrast, treat every token by itself, so their work does grow in proportion to $N$.
#
# ## One more: attention knows no order
#
# We shuffle the tokens. What happens to what each of them takes home?

# %%
qkv = rng.standard_normal((1, 6, 12))
order = rng.permutation(6)
y, y_shuffled = (ops.attention_forward(tokens, num_heads=1)[0] for tokens in (qkv, qkv[:, order]))
print("order of the tokens:", order)
print(f"largest difference, each token with itself: {np.abs(y_shuffled - y[:, order]).max():.0e}")

# %% [markdown]
# It stays the same, up to rounding: the results are shuffled as the tokens were, and nothing else changes. To
# attention, tokens are a bag, not a row. In a picture and in the same picture with its patches mixed up, each patch
# takes home the same. If the place of a patch is to matter, it has to be written *into* the token. That is what the
# position embeddings of a ViT are for (lesson 9).

# %% [markdown]
# ## Hard, and optional: never hold all scores
#
# With 50,176 tokens, one row of weights is short, but all rows are 2.5 billion numbers. Fast programs never hold them all
# (**FlashAttention**, Dao and others 2022, arXiv:2205.14135). A query goes through the keys and values in *pieces*, and
# keeps only three things: the largest score so far, the sum of all `exp(score - largest)` so far, and the same sum with
# each one times its value. What must happen to the two sums when a piece brings a larger score?
#
# ### Exercise 7.2: attention, piece by piece
#
# **Goal:** one query `q` `(d,)`. `pieces` is a tuple of pairs `k, v`, each `(n, d)`, with another `n` in each. Return what
# the query takes home, `(d,)`, as if all pieces were one. Look at each piece once, in one loop. Scores may be large
# (`exp` of 1000 is inf). ●●●, 15 minutes.


# %% exercise="7.2"
def attention_in_pieces(q, pieces):
    """(d,), a tuple of pairs (n, d), (n, d) -> (d,)."""
    ### BEGIN SOLUTION
    largest, total, y = -np.inf, 0.0, 0.0
    for k, v in pieces:
        scores = k @ q / np.sqrt(len(q))
        before, largest = largest, max(largest, scores.max())
        shrink = np.exp(before - largest)
        shares = np.exp(scores - largest)
        total = total * shrink + shares.sum()
        y = y * shrink + shares @ v
    return y / total
    ### END SOLUTION


# %%
check.attention_in_pieces(attention_in_pieces)

# %% [markdown] hints="7.2"
# All that was summed up so far has `exp(score - old largest)` in it, and should have `exp(score - new largest)`. The two
# differ by one factor, the same for all.
# ---
# The factor is `exp(old largest - new largest)`, at most 1. Begin with `-np.inf` as the largest: then the factor of the
# first piece is 0.
# ---
# In the loop: `scores = k @ q / np.sqrt(len(q))`, the new `largest`, `shrink = np.exp(before - largest)`,
# `shares = np.exp(scores - largest)`, `total = total * shrink + shares.sum()`, `y = y * shrink + shares @ v`. At the end
# `y / total`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. It is right for some shapes, and for others not.

# %%
broken = bug_hunt(7)
for N, d in ((4, 4), (9, 9), (4, 16), (16, 4)):
    q, k, v = rng.standard_normal((3, 1, N, d))
    right = ops.softmax_forward(q @ k.swapaxes(1, 2) / np.sqrt(d))[0]
    weights = broken(q, k, v)[1]
    print(f"N = {N:>2}, d = {d:>2}: rows add up to {weights.sum(-1).mean():.3f},", end=" ")
    print(f"largest weight {weights.max():.3f}, right {right.max():.3f}")

# %%
my_suspect = 2  # the number of the wrong line
check.suspect(7, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. All queries are 0. What does every token take home?**
#
# <details><summary>Answer</summary>
#
# All scores are 0, so all weights are $1/N$: everybody takes home the plain mean of all values.
#
# </details>
#
# **2. We add the same vector $c$ to every key. What happens to `y`?**
#
# <details><summary>Answer</summary>
#
# Nothing. The scores of row $i$ all change by the same number, $q_i \cdot c / \sqrt d$, and softmax does not change
# when all scores of a row are shifted together (lesson 4). So the bias of the layer that makes the keys does nothing.
#
# </details>
#
# **3. Can a number in `y` be larger than all numbers in `v`?**
#
# <details><summary>Answer</summary>
#
# No. Every $y_i$ is an average of values with positive weights that add up to 1. An average is never above the largest
# or below the smallest of what it is made of.
#
# </details>
#
# ## What you can now do
#
# - Say what queries, keys and values are for, and compute attention by hand.
# - Read an attention map: rows ask, columns answer.
# - Explain $1/\sqrt d$, and what happens without it.
# - Say what doubling the side of an image costs.
#
# Open [`tinyvit/ops/attention.py`](../tinyvit/ops/attention.py) and read `attention_forward`: the same three steps, for
# all heads at once. What the heads are, and how the backward works, comes in
# [lesson 8](08_attention_backward_and_heads.ipynb).
