# %% [markdown]
# # Lesson 10: The whole ViT
#
# *About 95 minutes. It opens [`tinyvit/layers/block.py`](../tinyvit/layers/block.py) and
# [`tinyvit/vit.py`](../tinyvit/vit.py).*
#
# All parts are there: patches, linear layers, layer norm, GELU and the MLP, attention, tokens and positions. In this
# lesson we put them together. There is one new idea, and it is a plus sign: each part **adds** something to its
# tokens, and never replaces them. The straight line in the picture is the road past the part. It is called a **residual
# connection**. At the end we cut it, and see what dies.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import tinyvit
from tinyvit import check_gradients, ops
from tinyvit.config.costs import model_costs
from tinyvit.course import bug_hunt, check, play, replace_failing, show, show_guess

rng = np.random.default_rng(10)

# %% drawing=true
figure, ax = plt.subplots(figsize=(9, 2.3))
arrow = {"arrowstyle": "->", "linewidth": 2.5, "color": "C0"}
ax.annotate("", (12.6, 0), (0.3, 0), arrowprops=arrow)
box = {"boxstyle": "round,pad=0.4", "fc": "white", "ec": "C1"}
circle = {"boxstyle": "circle,pad=0.1", "fc": "w"}
for start, names in ((1, ("norm1", "attention")), (7, ("norm2", "MLP"))):
    ax.plot([start, start, start + 4.5, start + 4.5], [0, 1, 1, 0.25], color="C1", linewidth=1.5)
    for x, name in zip((start + 1.15, start + 3.1), names, strict=True):
        ax.text(x, 1, name, ha="center", va="center", bbox=box)
    ax.text(start + 4.5, 0, "+", ha="center", va="center", fontsize=14, bbox=circle)
ax.text(0, 0, "x", ha="center", va="center", fontsize=14)
ax.text(12.9, 0, "y", ha="center", va="center", fontsize=14)
ax.text(6.4, -0.45, "the straight road", ha="center", color="C0")
ax.set(xlim=(-0.3, 13.2), ylim=(-0.7, 1.5))
ax.axis("off")
show(figure, "One transformer block. Two branches leave the straight road and are added to it.")

# %% [markdown]
# ## The block
#
# A block has two steps. First the tokens talk to each other, then each thinks for itself:
#
# $$ u = x + \text{attention}(\text{norm}_1(x)), \qquad y = u + \text{MLP}(\text{norm}_2(u)) . $$
#
# Layer norm stands **inside** the branch, before the attention and before the MLP ("pre-norm"; the first transformers
# had it behind each plus sign, "post-norm"). So the straight road is really straight: nothing but plus signs from the
# first block to the last. The tokens may grow on their way. Therefore one more layer norm comes at the end, once.
#
# ### Exercise 10.1: the block
#
# **Goal:** `x` is `(B, N, D)`. You get two functions, the branches: `attn_branch(x)` is layer norm and attention,
# `mlp_branch(x)` is layer norm and MLP. Both take `(B, N, D)` and return two things: what is to be added, `(B, N, D)`, and
# a function, the branch's own backward. Return `y, (attn_backward, mlp_backward)`. ●○○, 5 minutes.


# %% exercise="10.1"
def block_forward(x, attn_branch, mlp_branch):
    """(B, N, D) -> y (B, N, D), and the two backwards."""
    ### BEGIN SOLUTION
    branch, attn_backward = attn_branch(x)
    u = x + branch
    branch, mlp_backward = mlp_branch(u)
    return u + branch, (attn_backward, mlp_backward)
    ### END SOLUTION


# %%
check.block_forward(block_forward)

# %% [markdown] hints="10.1"
# Two steps, and each has a plus sign: the first makes $u$ of $x$, the second makes $y$ of $u$. The MLP's branch begins at
# $u$, not at $x$.
# ---
# `branch, attn_backward = attn_branch(x)`, `u = x + branch`, the same with `mlp_branch` and `u`, and then
# `return u + branch, (attn_backward, mlp_backward)`.

# %% [markdown]
# ### The gradient takes both roads
#
# Take one step, $y = x + f(x)$. Turn $x_i$ up by a tiny $\delta$. Then $y_i$ changes by $\delta$, on the straight road.
# And every $y_j$ changes by $\delta \cdot \partial f_j / \partial x_i$, through the branch. Both count:
#
# $$
# dx_i = dy_i + \sum_j dy_j \frac{\partial f_j}{\partial x_i} .
# $$
#
# The sum is just what the branch's own backward gives. So: $dx = dy + f_{\text{backward}}(dy)$. The same $dy$ goes into
# both roads, and where the roads meet again, we add.
#
# A block has two such steps. Backward, we meet the last one first.
#
# ### Exercise 10.2: the backward of a block
#
# **Goal:** `dy` is `(B, N, D)`. You get two functions: `attn_backward(d)` is the backward of the whole attention
# branch, its layer norm included, and `mlp_backward(d)` that of the MLP branch. Both take and return `(B, N, D)`.
# Return `dx` `(B, N, D)`. ●●○, 8 minutes.


# %% exercise="10.2"
def block_backward(dy, attn_backward, mlp_backward):
    """(B, N, D) -> dx (B, N, D)."""
    ### BEGIN SOLUTION
    du = dy + mlp_backward(dy)
    return du + attn_backward(du)
    ### END SOLUTION


# %%
check.block_backward(block_backward)

# %% [markdown] hints="10.2"
# Start at the end: $y = u + \text{MLP branch}(u)$. What is $du$? Then go on with $u = x + \text{attention branch}(x)$,
# where $du$ plays the part of $dy$.
# ---
# `du = dy + mlp_backward(dy)`, then `dx = du + attn_backward(du)`.

# %% [markdown]
# ## The whole model, down
#
# Now the parts become a model. All of them have the same form: a forward returns its result and what the backward will
# need, `y, saved = ops.NAME_forward(...)`.
#
# | | Part | Tokens |
# |---|---|---|
# | 1 | `ops.linear_forward(x, weight, bias)`: patches become tokens | `(B, L, CPP)` → `(B, L, D)` |
# | 2 | `ops.prepend_tokens_forward(x, tokens)`: the class token in front | → `(B, N, D)` |
# | 3 | `ops.add_position_forward(x, pos_embed)` | `(B, N, D)` |
# | 4 | the blocks, one after another | `(B, N, D)` |
# | 5 | `ops.layer_norm_forward(x, weight, bias)`: the one at the end | `(B, N, D)` |
# | 6 | `ops.cls_pool_forward(x)`: only the class token's row | → `(B, D)` |
# | 7 | `ops.linear_forward(x, weight, bias)`: the **head** of the model, no relative of attention's heads | → `(B, K)` |
#
# ### Exercise 10.3: a whole ViT, forward
#
# **Goal:** `patches` is `(B, L, C*P*P)`. `p` is a dict with the arrays `"proj.weight"` and `"proj.bias"` (part 1),
# `"cls_token"`, `"pos_embed"`, `"norm.weight"` and `"norm.bias"` (part 5), `"head.weight"` and `"head.bias"` (part 7).
# `blocks` is a tuple of functions; each takes `x` and returns two things, its `y` and its backward. Return
# `logits, saved`, where `saved` has seven things, one for each part in this order; for part 4 it is the list of the
# blocks' backwards. ●●○, 12 minutes.


# %% exercise="10.3"
def model_forward(patches, p, blocks):
    """(B, L, C*P*P), a dict of arrays, a tuple of functions -> logits (B, K), and saved: seven things."""
    ### BEGIN SOLUTION
    x, embed = ops.linear_forward(patches, p["proj.weight"], p["proj.bias"])
    x, prepend = ops.prepend_tokens_forward(x, p["cls_token"])
    x, position = ops.add_position_forward(x, p["pos_embed"])
    backwards = []
    for block in blocks:
        x, backward = block(x)
        backwards.append(backward)
    x, norm = ops.layer_norm_forward(x, p["norm.weight"], p["norm.bias"])
    x, pool = ops.cls_pool_forward(x)
    logits, head = ops.linear_forward(x, p["head.weight"], p["head.bias"])
    return logits, (embed, prepend, position, backwards, norm, pool, head)
    ### END SOLUTION


# %%
check.model_forward(model_forward)

# %% [markdown] hints="10.3"
# The table, read from top to bottom: one line of code for each part, and a loop for part 4. Every line takes the `x` that
# the line before has made.
# ---
# `x, embed = ops.linear_forward(patches, p["proj.weight"], p["proj.bias"])`, then parts 2 and 3 in the same way. For part
# 4, `backwards = []`, and for each block `x, backward = block(x)` and `backwards.append(backward)`. At the end
# `return logits, (embed, prepend, position, backwards, norm, pool, head)`.

# %% [markdown]
# ## And up
#
# The backward has the **same lines, from bottom to top**, and each takes what its forward has saved:
# `ops.NAME_backward(dy, saved)`. The linear layers and the layer norm return `dx, dweight, dbias`, positions return
# `dx, dpos_embed`, the class token `dx, dtokens`, and the pool `dx` alone. A block's backward takes `dy` and returns `dx`.
#
# ### Exercise 10.4: a whole ViT, backward
#
# **Goal:** `dlogits` is `(B, K)`, `saved` is what 10.3 returned. Return `dpatches` `(B, L, C*P*P)` and a dict `grads`
# with a gradient for each name in `p`. ●●●, 15 minutes. (Hard, and worth it: this is what the course is about.)


# %% exercise="10.4"
def model_backward(dlogits, saved):
    """(B, K) -> dpatches (B, L, C*P*P), and a dict of gradients."""
    embed, prepend, position, backwards, norm, pool, head = saved
    ### BEGIN SOLUTION
    grads = {}
    dx, grads["head.weight"], grads["head.bias"] = ops.linear_backward(dlogits, head)
    dx = ops.cls_pool_backward(dx, pool)
    dx, grads["norm.weight"], grads["norm.bias"] = ops.layer_norm_backward(dx, norm)
    for backward in reversed(backwards):
        dx = backward(dx)
    dx, grads["pos_embed"] = ops.add_position_backward(dx, position)
    dx, grads["cls_token"] = ops.prepend_tokens_backward(dx, prepend)
    dpatches, grads["proj.weight"], grads["proj.bias"] = ops.linear_backward(dx, embed)
    return dpatches, grads
    ### END SOLUTION


# %%
check.model_backward(model_backward)

# %% [markdown] hints="10.4"
# Put your forward beside it and begin at its last line: the head. Where forward went through the blocks from the first to
# the last, backward begins with the last one.
# ---
# `dx, grads["head.weight"], grads["head.bias"] = ops.linear_backward(dlogits, head)`, then the pool, then the norm in the
# same way. Then `for backward in reversed(backwards): dx = backward(dx)`, then the positions, the class token, and the
# first linear layer.

# %% [markdown]
# ## Your model beside the library's
#
# We give your four functions the weights of a real model, and the library's layer norm, attention and MLP for branches.
# (Where one of yours is missing, or not right yet, the library's stands in.) Then both get the same images and the same
# random upstream gradient.

# %%
tiny = tinyvit.preset("tiny")
model = tinyvit.VisionTransformer(tiny, rng=np.random.default_rng(0)).astype(np.float64)
data = tinyvit.load_dataset("mnist")
images = (data.train.images[:16] / 255 - data.mean) / data.std  # (16, 1, 28, 28)

mine = {
    "10.1": block_forward,
    "10.2": block_backward,
    "10.3": model_forward,
    "10.4": model_backward,
}
mine, is_own = replace_failing(mine)
for number, function in mine.items():
    print(f"{number} {function.__name__}: {'yours' if is_own[number] else 'the library stands in'}")


def branch(norm, body):
    """Layer norm, then attention or MLP, and the backward of both."""

    def forward(x):
        x, norm_saved = norm.forward(x)
        y, body_saved = body.forward(x)
        return y, lambda dy: norm.backward(body.backward(dy, body_saved)[0], norm_saved)[0]

    return forward


def whole(block):
    branches = branch(block.norm1, block.attn), branch(block.norm2, block.mlp)

    def forward(x):
        y, backwards = mine["10.1"](x, *branches)
        return y, lambda dy: mine["10.2"](dy, *backwards)

    return forward


weights = model.parameters()
p = {name.removeprefix("patch_embed."): array for name, array in weights.items()}
patches, cut = ops.patchify_forward(images, patch_size=tiny.patch_size)
dlogits = rng.standard_normal((16, 10))
logits, saved = mine["10.3"](patches, p, tuple(whole(block) for block in model.blocks))
dpatches, my_grads = mine["10.4"](dlogits, saved)

wanted, saved = model.forward(images)
dwanted, grads = model.backward(dlogits, saved)
dimages = ops.patchify_backward(dpatches, cut)
print(f"logits differ from model.forward by {np.abs(logits - wanted).max():.0e}")
print(f"dimages differ from model.backward by {np.abs(dimages - dwanted).max():.0e}")
for name in ("pos_embed", "cls_token", "head.weight"):
    print(f"d{name} differs by {np.abs(my_grads[name] - grads[name]).max():.0e}")
asking = saved.features.blocks[-1].attention_weights.shape[2]
print(f"tokens: {patches.shape[1] + 1}; tokens that ask in the library's last block: {asking}")

# %% [markdown]
# The numbers agree: this is a Vision Transformer. But look at the last line: in the library's last block only **one**
# token asks the others, in ours all 17.
#
# The head looks at the class token's row only. After the last attention, the tokens do not talk to each other any more:
# layer norm, MLP and head work on each row by itself. So what the last block makes of the other 16 tokens is never
# looked at, and need not be computed. The 16 tokens themselves are needed: the class token still asks for their keys
# and values. (See `_blocks` in [`vit.py`](../tinyvit/vit.py). With `pool="mean"` the rows of all patches are
# looked at, and the library computes them all.)
#
# ## Is it right?
#
# A whole model is checked as an op is: its images and all its parameters, against finite differences. A small one will
# do.

# %%
small = replace(tiny, img_size=4, patch_size=2, embed_dim=8, depth=2, num_heads=2, num_classes=3)
small_model = tinyvit.VisionTransformer(small, rng=np.random.default_rng(1))
report = check_gradients(small_model, [rng.standard_normal((2, 1, 4, 4))], rng=rng)
print(f"{len(report.inputs)} gradients, {'passed' if report.passed else 'FAILED'}. The worst:")
print(report.worst)

# %% [markdown]
# (Why not 1e-9, as in lesson 3? The tokens of a fresh model are tiny, some hundredths, and layer norm magnifies them.
# Beside them a step of 1e-5 is not so small. With `step=3e-6` the error is about a tenth of this one, as a central
# difference promises: it comes from the step, not from the backward.)
#
# ## Counting parameters by hand
#
# How large is **ViT-B/16**, the usual "base" model? It takes images of 224 × 224 pixels in 3 colours, and patches of
# 16 × 16. So there are $L = 14 \cdot 14 = 196$ patches and $N = 197$ tokens. Tokens have $D = 768$ numbers, the MLP is
# $M = 3072$ wide, there are 12 blocks, and $K = 1000$ classes. A linear layer from $m$ to $n$ numbers has $m \cdot n$
# weights and $n$ biases.
#
# | Part | Numbers | |
# |---|---|---:|
# | patch embedding | $3 \cdot 16 \cdot 16 \cdot 768 + 768$ | 590,592 |
# | class token | $768$ | 768 |
# | positions | $197 \cdot 768$ | 151,296 |
# | *one block:* two layer norms | $2 \cdot 2 \cdot 768$ | 3,072 |
# | queries, keys, values | $768 \cdot 3 \cdot 768 + 3 \cdot 768$ | 1,771,776 |
# | what mixes attention's heads | $768 \cdot 768 + 768$ | 590,592 |
# | MLP, first layer | $768 \cdot 3072 + 3072$ | 2,362,368 |
# | MLP, second layer | $3072 \cdot 768 + 768$ | 2,360,064 |
# | **12 blocks** | $12 \cdot 7{,}087{,}872$ | 85,054,464 |
# | last layer norm | $2 \cdot 768$ | 1,536 |
# | head of the model | $768 \cdot 1000 + 1000$ | 769,000 |
# | **together** | | **86,567,656** |
#
# The number of attention's heads does not appear: they share the 768 numbers, they do not add any.
#
# ### Exercise 10.5: count
#
# **Goal:** the same for any ViT with a class token and learned positions. All arguments are whole numbers, given by
# name: `img_size` and `patch_size` in pixels (square), `in_chans`, `num_classes`, `embed_dim` ($D$), `depth` (blocks),
# `hidden_dim` ($M$). Return a whole number (divide by `//`, not `/`). ●●○, 15 minutes.


# %% exercise="10.5"
def count_parameters(*, img_size, patch_size, in_chans, num_classes, embed_dim, depth, hidden_dim):
    """-> how many learned numbers a ViT has."""
    ### BEGIN SOLUTION
    D, M = embed_dim, hidden_dim
    L = (img_size // patch_size) ** 2

    def linear(m, n):
        return m * n + n

    embedding = linear(in_chans * patch_size**2, D) + D + (L + 1) * D
    block = 2 * 2 * D + linear(D, 3 * D) + linear(D, D) + linear(D, M) + linear(M, D)
    return embedding + depth * block + 2 * D + linear(D, num_classes)
    ### END SOLUTION


# %%
check.count_parameters(count_parameters)

# %% [markdown] hints="10.5"
# Write a little function for a linear layer first: `m * n + n`. There are six linear layers in the table.
# Then go through the table line by line. Which lines count once for each block?
# ---
# With `linear(m, n)`: a block is `4 * D + linear(D, 3 * D) + linear(D, D) + linear(D, M) + linear(M, D)`. The rest is
# `linear(in_chans * patch_size**2, D) + D + (L + 1) * D`, then `2 * D` and `linear(D, num_classes)`; `//` divides whole
# numbers and leaves a whole number.

# %% [markdown]
# The library's count. `attn` is two rows of our table and `mlp` is two, times 12; `reg_token` are the registers of
# lesson 9, of which there are none here.

# %%
base = tinyvit.preset("vit_base_patch16_224")
costs = model_costs(base)
for part, cost in costs.items():
    print(f"{part:<22}{cost.parameters:>12,}")
print(f"{'together':<22}{sum(cost.parameters for cost in costs.values()):>12,}")

# %% [markdown]
# ## Counting the work
#
# Work is counted in **FLOPs**: floating-point operations. Nearly all of them are in matrix products, so only those are
# counted. A product of an $(a, b)$ with a $(b, c)$ matrix has $a \cdot c$ results. Each is a sum of $b$ products: $b$
# multiplications, and about as many additions. So it takes $2\,a\,b\,c$ FLOPs.
#
# (Careful: many papers count one multiplication with its addition as *one*, a **MAC**, and some call even that a
# "FLOP". ViT-B/16 then has half the number.)
#
# One image with $C$ colours, patches of $P \times P$ pixels and $h$ heads of $d$ numbers, in MACs:
#
# | Part | Product | MACs | ViT-B/16 |
# |---|---|---|---:|
# | patch embedding | $(L, CP^2) \cdot (CP^2, D)$ | $L \, C P^2 D$ | 115,605,504 |
# | *one block:* queries, keys, values | $(N, D) \cdot (D, 3D)$ | $3 N D^2$ | 348,585,984 |
# | queries with keys, all heads | $h$ times $(N, d) \cdot (d, N)$ | $N^2 D$ | 29,805,312 |
# | weights with values, all heads | $h$ times $(N, N) \cdot (N, d)$ | $N^2 D$ | 29,805,312 |
# | what mixes attention's heads | $(N, D) \cdot (D, D)$ | $N D^2$ | 116,195,328 |
# | MLP, both layers | $(N, D) \cdot (D, M)$ and back | $2 N D M$ | 929,562,624 |
# | **12 blocks** | | | 17,447,454,720 |
# | head of the model | $(1, D) \cdot (D, K)$ | $D K$ | 768,000 |
# | **together** | | | **17,563,828,224** |
#
# Again the number of attention's heads, $h$, drops out, because $h \cdot d = D$.
#
# ### Exercise 10.6: count the work
#
# **Goal:** the FLOPs (2 for each MAC) of one image's forward, where every block brings all its $N = L + 1$ tokens. The
# arguments are those of 10.5. Return a whole number. ●●○, 10 minutes.


# %% exercise="10.6"
def count_flops(*, img_size, patch_size, in_chans, num_classes, embed_dim, depth, hidden_dim):
    """-> floating-point operations of one image's forward."""
    ### BEGIN SOLUTION
    D, M = embed_dim, hidden_dim
    L = (img_size // patch_size) ** 2
    N = L + 1
    block = 3 * N * D**2 + 2 * N**2 * D + N * D**2 + 2 * N * D * M
    return 2 * (L * in_chans * patch_size**2 * D + depth * block + D * num_classes)
    ### END SOLUTION


# %%
check.count_flops(count_flops)

# %% [markdown] hints="10.6"
# Go through the table: the column "MACs" has the formulas. Add up, and do not forget what counts for each block, and
# that a MAC is two FLOPs.
# ---
# A block has `4 * N * D**2 + 2 * N**2 * D + 2 * N * D * M` MACs; the rest is `L * in_chans * patch_size**2 * D` and
# `D * num_classes`.

# %% [markdown]
# The library knows that the last block brings one token only. So it counts less than our table: there, the two products
# between tokens, the mixing and the MLP have 1 row in place of 197.

# %%
N, D, M = 197, 768, 3072
saved_macs = (N - 1) * (2 * N * D + D * D + 2 * D * M)
library = sum(cost.flops for cost in costs.values()) // 2
print(f"all tokens in all blocks  {library + saved_macs:>15,} MACs")
less = saved_macs / (library + saved_macs)
print(f"one token from the last   {library:>15,} MACs, {less:.1%} less")

# %% [markdown]
# ## A surprise: where the work is
#
# "Attention is slow, because its work grows with the *square* of the number of tokens." You may have read that. Of
# the work of a ViT-B/16, what share do the products between tokens take? Guess before you run the cell.

# %%
my_guess = 50  # % of the work, products between tokens, at 224 pixels


# %%
def shares(N):
    """Of a block's work: products between tokens, attention's linear layers, MLP."""
    macs = np.array([2 * N**2 * D, 4 * N * D**2, 2 * N * D * M])
    return macs / macs.sum()


sizes = np.arange(32, 1600, 16.0)  # floats: integers of a browser would overflow
table = np.array([shares((size // 16) ** 2 + 1) for size in sizes])
names = ("products between tokens", "attention's linear layers", "MLP")
print(", ".join(f"{name} {share:.0%}" for name, share in zip(names, shares(197), strict=True)))
show_guess(my_guess, 100 * shares(197)[0], "% of the work, products between tokens")

# %% drawing=true
figure, ax = plt.subplots(figsize=(7.5, 3))
ax.stackplot(sizes, table.T, labels=names, colors=["C3", "C1", "C0"], alpha=0.8)
ax.axvline(224, color="black", linestyle="--")
ax.text(234, 0.93, "224 pixels", va="center")
ax.set(xlabel="pixels along a side of the image", ylabel="share of the work")
ax.set(xlim=(32, 1584), ylim=(0, 1))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(figure, "A ViT-B/16 block's work. The share of the products between tokens grows.")

# %% [markdown]
# At 224 pixels it is **4 %**. About two thirds of the work, and of the parameters, are in the plain MLP. The square is
# there, but it needs many tokens to win. When do the products between tokens take half? With $M = 4D$ the linear layers
# take $4ND^2 + 8ND^2 = 12ND^2$, the products between tokens $2N^2D$. They are equal for $N = 6D$: 4,608 tokens, an
# image of about 1,086 pixels along each side.
#
# ## An experiment: cut the straight roads
#
# Now a deep model: 24 blocks, fresh weights. We run it twice, once as it is, and once without the straight roads, so
# that each branch *replaces* the tokens. Then we send a random gradient back. Many people expect that without the
# straight roads the gradient fades away on its way to the first block. Guess: how much of it arrives? (You need not
# read the function: it goes through all blocks and back, and measures three things on its way.)

# %%
my_guess = 1  # length of the gradient below block 1, in % of its length above block 24, without straight roads

# %%
deep_config = replace(tiny, depth=24)
deep = tinyvit.VisionTransformer(deep_config, rng=np.random.default_rng(3)).astype(np.float64)
start = deep.patch_embed.forward(images)[0]
start = ops.prepend_tokens_forward(start, deep.cls_token)[0] + deep.pos_embed  # (16, 17, 64)
size = np.linalg.norm


def down_and_up(x, dy, *, straight):
    """Per block: how unlike the tokens are, how large dx is, dW of queries and keys / of values.

    `straight` is what the straight roads are multiplied by: 1 as they are, 0 cut.
    """
    branches, unlike, gradients, asking = [], [], [], []
    for block in deep.blocks:
        for norm, body in ((block.norm1, block.attn), (block.norm2, block.mlp)):
            branch, norm_saved = norm.forward(x)
            branch, body_saved = body.forward(branch)
            x = straight * x + branch
            branches.append((norm, body, norm_saved, body_saved))
        mean = x.mean(1, keepdims=True)  # of the tokens of an image
        unlike.append(size(x - mean) / size(x))
    for norm, body, norm_saved, body_saved in reversed(branches):
        dbranch, dbody = body.backward(dy, body_saved)
        dbranch = norm.backward(dbranch, norm_saved)[0]
        dy = straight * dy + dbranch
        if "qkv.weight" in dbody:  # the attention branch: a block ends here
            dq, dk, dv = np.split(dbody["qkv.weight"], 3, axis=1)
            asking.append(np.hypot(size(dq), size(dk)) / size(dv))
            gradients.append(size(dy))
    return unlike, gradients[::-1], asking[::-1]


dy = rng.standard_normal(start.shape)
with_roads = down_and_up(start, dy, straight=1)
without = down_and_up(start, dy, straight=0)
for name, (_, gradients, _) in (("with", with_roads), ("without", without)):
    steps = ", ".join(f"{gradients[block]:.0f}" for block in (23, 16, 8, 1, 0))
    print(f"{name} straight roads: dy {size(dy):.0f}, dx of blocks 24, 17, 9, 2, 1: {steps}")
show_guess(my_guess, 100 * without[1][0] / size(dy), "% of the gradient's length arrive")

# %% [markdown]
# It does **not** fade away. Without the straight roads it is smaller than with them, but from block 24 down to block 1
# it even grows. Each branch begins with a layer norm. Backward, layer norm divides by the spread of the token (`rstd`,
# lesson 5), so where a branch has made the tokens small, the gradient is made large again. Whoever looks only at the
# size of the gradient finds nothing to worry about.
#
# So what dies? Look at the tokens. The left picture shows how far the 17 tokens of an image are from their mean,
# compared with their size. The right picture shows the gradient of the weights that make queries and keys, compared
# with the gradient of those that make values.

# %%
print("how unlike the tokens are behind blocks 1 to 5:")
for name, (unlike, *_) in (("with", with_roads), ("without", without)):
    print(f"{name:>10} straight roads:", ", ".join(f"{one:.0e}" for one in unlike[:5]))


# %% drawing=true
def with_weaker_roads(straight):
    weaker = down_and_up(start, dy, straight=straight)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.1), layout="constrained")
    titles = ("how unlike the tokens are", "dW of queries and keys / of values")
    for ax, place, title in zip(axes, (0, 2), titles, strict=True):
        ax.semilogy(
            range(1, 25), with_roads[place], "o-", markersize=4, label="with straight roads"
        )
        label = f"straight roads times {straight:.2f}" if straight else "without"
        ax.semilogy(range(1, 25), weaker[place], "s-", markersize=4, label=label)
        ax.set(title=title, xlabel="block", ylim=(1e-17, 10))
    axes[0].legend()
    return figure


play(
    with_weaker_roads,
    "Without straight roads, tokens become the same; queries and keys stop learning.",
    straight=(0.0, 1.0, 0.0),
)

# %% [markdown]
# After five blocks, all tokens of an image are **the same**, down to the last digit of a float64. The reason: attention
# takes averages. In a fresh model each token takes nearly the same average of all tokens. If the average *replaces* the
# token, all tokens become nearly alike. In the next block they ask nearly the same questions, so they become still more
# alike, and quickly: from block to block, the difference gets more than twice as many zeros. (Dong and others found and
# studied this in 2021, arXiv:2103.03404.)
#
# Where something lay in the image is lost then, whatever the size of the gradient. And queries and keys cannot learn to
# make it better. If all values are the same vector $v$, then
#
# $$ y_i = \sum_j w_{ij} v_j = v \sum_j w_{ij} = v , $$
#
# because each row of weights adds up to 1. So $y$ does not depend on the weights $w_{ij}$ at all, and the gradient of
# queries and keys is zero. The right picture says so: what is left there is rounding.
#
# The plus sign keeps each token itself, and adds what it heard. Thanks to it, block 24 still knows one patch from
# another.

# %% [markdown]
# ## Bug hunt
#
# One of these two lines is wrong in the function that you are handed. It is given two branches whose backwards only
# multiply, so that you can reckon with it.

# %%
broken = bug_hunt(10)
dy = np.ones((1, 1, 1))
for a, m in ((0, 0), (0, 2), (3, 0), (3, 2)):
    found = broken(dy, lambda d, a=a: a * d, lambda d, m=m: m * d).item()
    print(f"attention times {a}, MLP times {m}: dx = {found:.0f}, right is {(1 + a) * (1 + m)}")

# %%
my_suspect = 3  # the number of the wrong line
check.suspect(10, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. `dy` is ones everywhere, and the branch of one step has only zeros as weights. What is `dx`?**
#
# <details><summary>Answer</summary>
#
# Ones everywhere: the branch's backward gives 0, and the straight road passes `dy` on as it is. A block whose branches
# give zeros does nothing to its tokens, and nothing to the gradient.
#
# </details>
#
# **2. We use patches of 8 × 8 pixels in place of 16 × 16, for the same image. What happens to the parameters of the
# blocks, and to the work of a block?**
#
# <details><summary>Answer</summary>
#
# The parameters stay the same: all tokens share them. There are four times as many patches, so the work of the linear
# layers grows about 4 times, and that of the products between tokens about 16 times.
#
# </details>
#
# **3. Why does the last block need the keys and values of all tokens, but only one query?**
#
# <details><summary>Answer</summary>
#
# A query gives one row of the result. Only the class token's row is looked at later. But this row is a sum over the
# values of *all* tokens, and its weights come from the keys of all tokens.
#
# </details>
#
# ## What you can now do
#
# - Write a residual block, forward and backward: both roads, the last branch first.
# - Write a whole ViT, and its backward as its forward, read upwards.
# - Count the parameters and the work of any ViT on a sheet of paper.
# - Say what the straight roads are for, and why the size of a gradient does not tell it.
#
# Open [`tinyvit/layers/block.py`](../tinyvit/layers/block.py): one branch forward, one branch backward, and a line that
# says "the gradient takes both roads". Then [`tinyvit/vit.py`](../tinyvit/vit.py): the whole model on one screen. Go on
# with [lesson 11](11_optimisers.ipynb): what to do with all these gradients.
