# %% [markdown]
# # Lesson 13: Look inside
#
# *About 90 minutes. It opens [`tinyvit/looking`](../tinyvit/looking/README.md).*
#
# The model of lesson 0 reads 99.49 % of the test set. What does it look at? In this lesson you look inside in several
# ways. Each way answers one question, and each is easily taken for the answer to another one. So we measure what these
# pictures are worth. At the end we use what we have learned to fool the model.
#
# First, attention maps: for each block and each head, how much the class token takes from each patch.

# %%
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import VisionTransformer, load_dataset, looking, ops, plots, preset
from tinyvit.course import bug_hunt, check, play, show, show_guess, trained_model
from tinyvit.optim import AdamW
from tinyvit.training import loss_and_gradients

rng = np.random.default_rng(13)
trained = trained_model()
model, config = trained.model, trained.model.config
data = load_dataset("mnist")
pixels, labels = (
    data.dev.images[:200] / 255,
    data.dev.labels[:200],
)  # (200, 1, 28, 28), from 0 (black) to 1 (white)


def feed(pixels):
    """Pixels from 0 to 1 -> what the model was trained on."""
    return trained.normalised(255 * pixels)


def draw(ax, image, heat=None, **options):
    """The digit (28, 28), or a map (7, 7), one number per patch, with the outline of the digit on it."""
    if heat is None:
        ax.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    else:
        ax.imshow(heat, extent=(-0.5, 27.5, 27.5, -0.5), interpolation="nearest", **options)
        ax.contour(image, levels=[0.5], colors="white", linewidths=0.4, antialiased=False)
    ax.set(xticks=[], yticks=[])


chosen = [int(np.flatnonzero(labels == digit)[1]) for digit in (2, 4, 8)]
attention = model.attention(feed(pixels))  # four arrays (200, 4, 50, 50)
one = chosen[0]

# %% drawing=true
figure, axes = plt.subplots(4, 4, figsize=(4.2, 4.2), layout="constrained")
for row, weights in zip(axes, attention, strict=True):
    for ax, of_head in zip(row, weights[one], strict=True):
        draw(ax, pixels[one, 0], of_head[0, 1:].reshape(7, 7))
for number in range(4):
    axes[0, number].set_title(f"head {number + 1}", fontsize=9)
    axes[number, 0].set_ylabel(f"block {number + 1}", fontsize=9)
show(
    figure,
    "What the class token takes from each patch of a 2. Each map has its own colours: bright is its largest.",
)

# %% [markdown]
# ## What an attention map says
#
# `model.attention(images)` gives one array $(B, h, N, N)$ for each block: $B$ images, $h$ heads, $N$ tokens. Row $i$
# says how much token $i$ takes from each of the $N$ tokens, and adds up to 1 (lesson 7). Token 0 is the class token, so
# row 0, without its first number, is a map over the 49 patches.
#
# The heads differ, and so do the blocks. How much of the class token's attention goes to patches that are completely
# black?

# %%
patches, cut = ops.patchify_forward(pixels, patch_size=4)  # (200, 49, 16)
ink = patches.sum(-1)  # (200, 49)
black = ink == 0
print(f"{black.mean():.0%} of the patches are black")
for block, weights in enumerate(attention, start=1):
    of_class_token = weights[:, :, 0, 1:].mean(1)  # (200, 49), mean of the heads
    print(
        f"block {block}: {(of_class_token * black).sum(-1).mean():.0%} of the attention goes to them"
    )

# %% [markdown]
# In block 1 it is 44 %. "Everywhere alike" would give 61 %: each of the 50 tokens would get 1/50, and 63 % of the 49
# patches are black. From block 2 on, most goes to the ink.
# Before you read more into such a map, remember two things.
#
# - A weight says how much of a **value** is taken, not what it does to the answer (lesson 7).
# - From block 2 on, a token **is no longer its patch**. It has already taken from others. What the class token takes
#   from token 20 in block 4 may have come from anywhere.
#
# ## Attention rollout: follow the mixing through all blocks
#
# The second problem can be met with a simple model of the model. Forget everything but the mixing. In block $b$, token
# $i$ keeps itself (the straight road of lesson 10) and adds what attention brings. Lesson 7 wrote $w$ for the attention
# weights. Here $W$ will be a matrix that was learned, so we write $A$ and $a_{ij}$ for them. With $A_b$, the mean of
# the heads' maps in block $b$:
#
# $$ \text{tokens} \;\longrightarrow\; (I + A_b)\,\text{tokens}, \qquad I \text{ the identity}. $$
#
# We want shares. Each row of $I + A_b$ adds up to 2, so we divide each row by its sum, and call the result $R_b$. After
# block 1 the tokens are $R_1 x$, after block 2 they are $R_2 (R_1 x) = (R_2 R_1)\, x$, and after the last one
#
# $$ R = R_{\text{last}} \cdots R_2 \, R_1 . $$
#
# The first block stands on the right, because it acts first. Row 0 of $R$ says how much of each *input* token has
# arrived at the class token. This is **attention rollout** (Abnar and Zuidema 2020, arXiv:2005.00928, section 3).
#
# By hand, two tokens and one block. Token 0 takes all from token 1, token 1 takes all from itself:
#
# $$
# A = \begin{pmatrix} 0 & 1 \\ 0 & 1 \end{pmatrix}, \qquad
# I + A = \begin{pmatrix} 1 & 1 \\ 0 & 2 \end{pmatrix}, \qquad
# R = \begin{pmatrix} 0.5 & 0.5 \\ 0 & 1 \end{pmatrix} .
# $$
#
# A second block with the same map leaves token 0 with half of that half: row 0 of $R R$ is $(0.25,\; 0.75)$.
#
# ### Exercise 13.1: attention rollout
#
# **Goal:** `attention` is a list, one array `(B, h, N, N)` per block, the first block first. Return the rollout
# `(B, N, N)`. ●●○, 6 minutes.


# %% exercise="13.1"
def attention_rollout(attention):
    """A list of (B, h, N, N) -> (B, N, N)."""
    ### BEGIN SOLUTION
    identity = np.eye(attention[0].shape[-1])
    rollout = identity
    for weights in attention:
        mixing = weights.mean(1) + identity
        mixing = mixing / mixing.sum(-1, keepdims=True)
        rollout = mixing @ rollout
    return rollout
    ### END SOLUTION


# %%
check.attention_rollout(attention_rollout)

# %% [markdown] hints="13.1"
# Begin with the identity. For each block: the mean over the heads' axis, plus the identity, each row divided by its
# sum. Then multiply. On which side must the later block stand?
# ---
# `mixing = weights.mean(1) + np.eye(N)`, `mixing = mixing / mixing.sum(-1, keepdims=True)`, and in each block
# `rollout = mixing @ rollout`.

# %%
rollout = looking.attention_rollout(attention)  # the library's: (200, 50, 50)
print(f"rows of the rollout add up to {rollout.sum(-1).min():.6f} ... {rollout.sum(-1).max():.6f}")

# %% drawing=true
figure, axes = plt.subplots(3, 3, figsize=(3.8, 3.9), layout="constrained")
for column, index in zip(axes.T, chosen, strict=True):
    draw(column[0], pixels[index, 0])
    draw(column[1], pixels[index, 0], attention[-1][index].mean(0)[0, 1:].reshape(7, 7))
    draw(column[2], pixels[index, 0], rollout[index, 0, 1:].reshape(7, 7))
for ax, title in zip(axes[:, 0], ("digit", "last block", "rollout"), strict=True):
    ax.set_ylabel(title, fontsize=9)
show(
    figure,
    "Three digits, the class token's attention in the last block (mean of the heads), and the rollout.",
)

# %% [markdown]
# Rollout is not the truth either. It leaves out the values, the MLPs and the layer norms, and it believes that the
# straight road and attention always bring half each. But it answers a wider question than one block's map: from which
# patches of the *image* can something have come?
#
# ## How far do tokens look?
#
# A convolution with a 3 × 3 kernel looks at its neighbours. A ViT may look anywhere. Does it? For one head, take the
# distance from patch $i$ to patch $j$ in pixels, centre to centre, and average it with the attention weights $a_{ij}$
# ($P$ is the side of a patch):
#
# $$
# \text{distance} = \text{mean over } i \text{ of } \sum_j a_{ij} \, \mathrm{dist}(i, j),
# \qquad \mathrm{dist}(i, j) = P \sqrt{(\text{row}_i - \text{row}_j)^2 + (\text{col}_i - \text{col}_j)^2} .
# $$
#
# The class token has no place, so its row and its column are left out, and each row that is left is divided by its new
# sum. Over $j$ it is a sum, because the $a_{ij}$ of a row add up to 1: the sum is a mean already, with unequal shares.
# The ViT paper shows this **mean attention distance** in figure 7, right (arXiv:2010.11929).
#
# ### Exercise 13.2: mean attention distance
#
# **Goal:** `weights` is `(B, h, N, N)`, class token first; `grid_size` is `(rows, columns)` of patches, in reading
# order; `patch_size` is in pixels. Return `(h,)`: for each head, the mean over all images and patches. ●●○, 8 minutes.


# %% exercise="13.2"
def mean_attention_distance(weights, grid_size, patch_size):
    """(B, h, N, N), (rows, columns), P -> (h,), in pixels."""
    ### BEGIN SOLUTION
    rows, columns = grid_size
    place = np.arange(rows * columns)
    down = place[:, None] // columns - place // columns  # (L, L)
    across = place[:, None] % columns - place % columns
    distance = patch_size * np.sqrt(down**2 + across**2)
    shares = weights[:, :, 1:, 1:]
    shares = shares / shares.sum(-1, keepdims=True)
    return (shares * distance).sum(-1).mean((0, 2))
    ### END SOLUTION


# %%
check.mean_attention_distance(mean_attention_distance)

# %% [markdown] hints="13.2"
# Number the patches 0, 1, 2, ... in reading order. Row and column of each come from `//` and `%`. A table `(L, L)` of
# all differences comes from `place[:, None] - place`.
# ---
# `down = place[:, None] // columns - place // columns`, the same for `across` with `%`, and
# `distance = patch_size * np.sqrt(down**2 + across**2)`. Then `shares = weights[:, :, 1:, 1:]`, divided by
# `shares.sum(-1, keepdims=True)`, and `(shares * distance).sum(-1).mean((0, 2))`.

# %% [markdown]
# What should we compare with? A head that looks **everywhere alike** has a distance too: the mean of all distances. And
# a head that looks only at the eight patches around has a small one.

# %%
place = np.arange(49)
down, across = place[:, None] // 7 - place // 7, place[:, None] % 7 - place % 7
distance = 4 * np.hypot(down, across)  # (49, 49)
uniform, nearest = distance.mean(), distance[(distance > 0) & (distance < 8)].mean()
of_blocks = []
for block, weights in enumerate(attention, start=1):
    shares = weights[:, :, 1:, 1:] / weights[:, :, 1:, 1:].sum(-1, keepdims=True)
    of_blocks.append((shares * distance).sum(-1).mean((0, 2)))
    print(f"block {block}: {', '.join(f'{head:.1f}' for head in of_blocks[-1])} pixels")

# %% drawing=true
figure, ax = plt.subplots(figsize=(5, 2.7))
for block, of_heads in enumerate(of_blocks, start=1):
    ax.plot([block] * 4, of_heads, "o", color="C0", alpha=0.7)
ax.axhline(uniform, color="C3", linestyle="--", label=f"everywhere alike: {uniform:.1f}")
ax.axhline(nearest, color="C2", linestyle=":", label=f"the eight neighbours only: {nearest:.1f}")
ax.set(xlabel="block", ylabel="mean attention distance, pixels", xticks=(1, 2, 3, 4), ylim=(0, 16))
ax.legend(fontsize=8, loc="lower right")
show(
    figure, "Each dot is a head. No head looks only at its neighbours, not even in the first block."
)

# %% [markdown]
# All heads are somewhat nearer than "everywhere alike", and all are far from "neighbours only". Nothing says that a
# model must look near first and far later: in this one, two heads of block 1 look as far as those of block 4. (The ViT
# paper found the same in its large models: beside heads that stay near, some look at most of the image already in the
# lowest layers.)
#
# ## Are neighbours alike?
#
# Attention knows where a patch lies only from its position embedding (lesson 9). How alike are two of them? The
# **cosine similarity** of two vectors is their dot product, divided by both lengths:
#
# $$ \cos(p, q) = \frac{p \cdot q}{\lVert p \rVert \, \lVert q \rVert} . $$
#
# It is 1 when they point the same way, 0 when they are perpendicular, and says nothing about their lengths.
#
# ### Exercise 13.3: all similarities at once
#
# **Goal:** `pos_embed` is `(1, N, D)`, the class token's row first. Leave that row out, and return the cosine
# similarity of each patch's position with that of every patch (itself too), `(L, L)` with $L = N - 1$. ●○○, 4 minutes.


# %% exercise="13.3"
def position_similarity(pos_embed):
    """(1, N, D) -> (L, L)."""
    ### BEGIN SOLUTION
    patches = pos_embed[0, 1:]
    directions = patches / np.linalg.norm(patches, axis=-1, keepdims=True)
    return directions @ directions.T
    ### END SOLUTION


# %%
check.position_similarity(position_similarity)

# %% [markdown] hints="13.3"
# First give every row the length 1. Then the cosine is only a dot product, and all dot products are one matrix product.
# ---
# `patches = pos_embed[0, 1:]`, `directions = patches / np.linalg.norm(patches, axis=-1, keepdims=True)`, and
# `directions @ directions.T`.

# %% drawing=true
figure = plots.plot_position_similarity(model.sincos, grid=config.grid_size)
figure.suptitle("")
figure.set_size_inches(4, 3.4)
show(figure, "49 small maps, one for each patch: how alike its position is to all others.")

# %%
table = model.sincos[0, 1:]  # 32 pairs of sine and cosine: each row has the length sqrt(32)
print(f"the least alike pair of places: {(table @ table.T).min() / 32:.2f}")

# %% [markdown]
# Every map is brightest at its own place, and falls off in all directions: neighbours are alike. But be careful. In
# *this* model the positions were **computed** (sine and cosine, lesson 9). The picture shows a choice that we made, and
# nothing that was learned. In the ViT paper (figure 7, centre) the positions were learned, and there too, near patches
# came out most alike.
#
# Will learned positions always come out so? We train a small model with learned positions, patches of 7 × 7 pixels, for
# 200 steps. Guess first: which places will be most alike?

# %%
my_guess = "neighbours"  # which are more alike: "neighbours", side by side, or "corners"?

# %%
learner = VisionTransformer(preset("tiny"), rng=np.random.default_rng(0))
optimizer = AdamW(learner.parameters())
batches = np.random.default_rng(0).integers(
    0, len(data.train), (200, 64)
)  # 200 batches of 64 images
with threadpool_limits(1):  # the products are small: one core is enough
    for batch in batches:
        images = trained.normalised(data.train.images[batch])
        loss, grads = loss_and_gradients(learner, images, data.train.labels[batch])
        optimizer.step(grads, lr=2e-3)

table = learner.pos_embed[0, 1:] / np.linalg.norm(
    learner.pos_embed[0, 1:], axis=-1, keepdims=True
)  # (16, D)
alike = (table @ table.T).reshape(4, 4, 4, 4)  # row, column; row, column
side_by_side = np.mean([alike[row, col, row, col + 1] for row in range(4) for col in range(3)])
corners = np.mean([alike[0, 0, 0, 3], alike[0, 0, 3, 0], alike[0, 0, 3, 3], alike[0, 3, 3, 0]])
print(f"mean similarity of patches side by side {side_by_side:.2f}, of the corners {corners:.2f}")
show_guess(my_guess, "corners" if corners > side_by_side else "neighbours", "which are more alike?")
squares = (
    data.train.images[:1000, 0].reshape(1000, 4, 7, 4, 7).max((2, 4))
)  # the lightest pixel of each patch
print(
    f"of 1,000 images, a corner is completely black in {(squares[:, ::3, ::3] == 0).mean():.0%},",
    end=" ",
)
print(f"one of the four middle patches in {(squares[:, 1:3, 1:3] == 0).mean():.0%}")

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(6, 2), layout="constrained")
for ax, (row, col) in zip(axes, ((0, 0), (3, 3), (1, 1)), strict=True):
    drawn = ax.imshow(alike[row, col], vmin=-0.7, vmax=0.7)
    ax.plot(col, row, "rx")
    ax.set(xticks=[], yticks=[])
figure.colorbar(drawn, ax=axes)
show(
    figure,
    "How alike one place (red cross) is to all 16, for two corners and a place in the middle.",
)

# %% [markdown]
# The **corners** are most alike, and they are as far apart as can be. Patches side by side are hardly alike at all. A
# likely reason: in four of five digits, a corner is black. To tell the corners apart is of little use, so training
# moves their positions in the same way. Learned positions say what is worth knowing about a place *in these data*.
# That neighbours are alike is not built in. (200 steps are a short training, and photos are not digits.)
#
# What our model did learn is how to *use* its positions. A black image shows it: all its patches are the same, so in
# block 1 only the positions are left to tell them apart.

# %%
in_the_dark = model.attention(feed(np.zeros((1, 1, 28, 28))))[0][0]  # (4, 50, 50)
asking = 3 * 7 + 3  # the patch in the middle

# %% drawing=true
figure, axes = plt.subplots(1, 4, figsize=(7, 2.1), layout="constrained")
for head, (ax, weights) in enumerate(zip(axes, in_the_dark, strict=True), start=1):
    ax.imshow(weights[1 + asking, 1:].reshape(7, 7))
    ax.plot(3, 3, "rx")
    ax.set(xticks=[], yticks=[], title=f"head {head}")
show(
    figure, "Block 1 on a black image: how much the middle patch (red cross) takes from each patch."
)

# %% [markdown]
# No head takes most from the patch itself, whose position is most alike. Queries and keys are made by learned matrices
# (lesson 7), and these have learned directions: from this patch, head 1 looks below and to the right, head 2 above,
# head 3 to the left and below, head 4 far away, to the corners.
#
# ## From the answer back to the attention
#
# So far nobody asked about the *answer*. The maps are the same, whether we ask "why a 4?" or "why not a 9?". Gradients
# can tell: how does the logit of class $c$ change if one attention weight changes a little?
#
# One head computes $y_i = \sum_j a_{ij} v_j$. With $dy_i$, the gradient of the logit with respect to $y_i$:
#
# $$ da_{ij} = \sum_m dy_{im} \, v_{jm} = dy_i \cdot v_j . $$
#
# That is step 1 of lesson 8. It does not go on through softmax: we ask about the weight itself, as if somebody could
# turn it. After the heads comes the linear layer `proj`, $\text{out} = [y^{(1)}, \dots, y^{(h)}]\, W + \text{bias}$,
# where the brackets say that the heads' results stand side by side. So we go back through it first (lesson 2):
#
# $$ [dy^{(1)}, \dots, dy^{(h)}] = d\text{out} \; W^T . $$
#
# ### Exercise 13.4: the gradient of the attention weights
#
# **Goal:** `dy` is `(B, N, D)`, the gradient of what `proj` gave; `weight` is that of `proj`, `(D, D)`, in the order
# (in, out); `v` is `(B, h, N, d)` with `D = h * d`. Return `dweights` `(B, h, N, N)`. ●●○, 8 minutes.


# %% exercise="13.4"
def attention_gradient(dy, weight, v):
    """(B, N, D), (D, D), (B, h, N, d) -> (B, h, N, N)."""
    ### BEGIN SOLUTION
    B, h, N, d = v.shape
    dheads = (dy @ weight.T).reshape(B, N, h, d).swapaxes(1, 2)  # (B, h, N, d)
    return dheads @ v.swapaxes(-1, -2)
    ### END SOLUTION


# %%
check.attention_gradient(attention_gradient)

# %% [markdown] hints="13.4"
# Three steps: back through the linear layer; cut the last axis into heads (`reshape`, then `swapaxes`, as in lesson 8);
# all dot products of a $dy_i$ with a $v_j$ are one matrix product.
# ---
# `dheads = (dy @ weight.T).reshape(B, N, h, d).swapaxes(1, 2)`, then `dheads @ v.swapaxes(-1, -2)`.

# %% [markdown]
# Now through the whole model. We run the blocks one by one and keep what they saved. Then we go down from the logit of
# one class, block by block (lesson 10). In each block we stop on the way: behind the MLP's branch, where the gradient
# enters `proj`. (What a block saved has one part for each branch, `attn` and `mlp`. In each of them, `norm` belongs to
# the layer norm, and `body` to what comes after it. `np.einsum` multiplies and adds up as the letters say: those that
# stand in front of the arrow only, here `d`, are summed over.)


# %%
def to_heads(x):
    """(B, N, D) -> (B, h, N, d)."""
    return x.reshape(*x.shape[:2], config.num_heads, -1).swapaxes(1, 2)


def first_tokens(model, x):
    """(B, 1, 28, 28) -> (B, N, D): what goes into the first block."""
    tokens = ops.prepend_tokens_forward(model.patch_embed.forward(x)[0], model.cls_token)[0]
    return tokens + model.sincos.astype(x.dtype)


def attention_and_gradient(model, x, classes):
    """The attention weights of every block, and the gradient of each image's logit of `classes` (B,) by them."""
    tokens, all_saved = first_tokens(model, x), []
    for block in model.blocks:
        tokens, saved = block.forward(tokens)
        all_saved.append(saved)
    norm_saved = model.norm.forward(tokens)[1]

    dtokens = np.zeros_like(tokens)
    dtokens[:, 0] = model.head.weight[:, classes].T  # only the class token reaches the head
    dtokens = model.norm.backward(dtokens, norm_saved)[0]
    gradients = []
    for block, saved in zip(model.blocks[::-1], all_saved[::-1], strict=True):
        branch = block.mlp.backward(dtokens, saved.mlp.body)[0]
        between = dtokens + block.norm2.backward(branch, saved.mlp.norm)[0]  # both roads
        dheads = to_heads(block.attn.proj.backward(between, saved.attn.body.proj)[0])
        v = to_heads(np.split(saved.attn.body.attention.qkv, 3, axis=-1)[2])
        gradients.append(
            np.einsum("bhid,bhjd->bhij", dheads, v)
        )  # all dot products of dy_i with v_j
        dtokens = block.backward(dtokens, saved)[0]
    return [saved.attention_weights for saved in all_saved], gradients[::-1]


# %% [markdown]
# ### Is it right?
#
# Finite differences (lesson 3), in float64. We add a small random change to the attention weights of *one* block, and
# see how the logit changes.


# %%
def logit(model, x, label, changed_block, change):
    """The logit of `label`, with `change` (1, h, N, N) added to the attention weights of one block."""
    tokens = first_tokens(model, x)
    for number, block in enumerate(model.blocks):
        qkv = block.attn.qkv.forward(block.norm1.forward(tokens)[0])[0]
        weights = ops.attention_forward(qkv, num_heads=config.num_heads)[1].weights
        weights = weights + change if number == changed_block else weights
        heads = weights @ to_heads(np.split(qkv, 3, axis=-1)[2])
        tokens = tokens + block.attn.proj.forward(heads.swapaxes(1, 2).reshape(tokens.shape))[0]
        tokens = tokens + block.mlp.forward(block.norm2.forward(tokens)[0])[0]
    return model.head.forward(model.norm.forward(tokens)[0])[0][0, 0, label]


precise, x, label = model.astype(np.float64), feed(pixels[[one]]).astype(np.float64), labels[one]
gradients = attention_and_gradient(precise, x, labels[[one]])[1]
print(
    f"logit of the model {precise.predict(x)[0, label]:.10f}, block by block {logit(precise, x, label, 0, 0):.10f}"
)
for number, gradient in enumerate(gradients):
    change = 1e-5 * rng.standard_normal(gradient.shape)
    up, down = (logit(precise, x, label, number, sign * change) for sign in (1, -1))
    measured, predicted = (up - down) / 2, (gradient * change).sum()
    print(f"block {number + 1}: relative error {abs(measured - predicted) / abs(measured):.0e}")

# %% [markdown]
# ### A map for each class
#
# A large gradient alone does not matter where there is no attention, and attention alone does not matter where the
# logit does not care. So multiply them. Keep what speaks *for* the class (the positive part), take the mean of the
# heads, and follow it through the blocks as rollout does:
#
# $$
# \bar A_b = \text{mean over heads of } \max(0, \; dA_b \odot A_b), \qquad
# R \leftarrow R + \bar A_b \, R, \quad \text{beginning with } R = I ,
# $$
#
# where $\odot$ multiplies number by number. This is the method of Chefer, Gur and Wolf 2021 for self-attention
# (arXiv:2103.15679). Here it is asked about the model's first answer, and about its second.


# %%
def relevance(model, x, classes):
    """What each token does for the logit of `classes`: (B, N)."""
    R = np.eye(config.num_tokens)
    for weights, gradient in zip(*attention_and_gradient(model, x, classes), strict=True):
        R = R + np.maximum(0, weights * gradient).mean(1) @ R
    return R[:, 0]


order = model.predict(feed(pixels)).argsort(-1)
first, second = order[:, -1], order[:, -2]

# %% drawing=true
figure, axes = plt.subplots(2, 3, figsize=(3.8, 3), layout="constrained")
for column, index in zip(axes.T, chosen, strict=True):
    for ax, answer in zip(column, (first, second), strict=True):
        heat = relevance(model, feed(pixels[[index]]), answer[[index]])[0, 1:]
        draw(ax, pixels[index, 0], heat.reshape(7, 7))
        ax.set_title(f"for {answer[index]}", fontsize=9)
for ax, title in zip(axes[:, 0], ("first answer", "second answer"), strict=True):
    ax.set_ylabel(title, fontsize=9)
show(
    figure,
    "The relevance map of each digit, for the class that the model names first, and for its second choice.",
)

# %% [markdown]
# Rollout gives one map, whichever class you ask about. These maps differ from class to class: asked about a 7,
# the 4 has its brightest patch at another place.
#
# ## Down to the pixels
#
# Go on down, and you reach the image. `model.backward` gives `dimages`: how a logit changes with each pixel. Its size
# is the **saliency map** (Simonyan et al. 2013, arXiv:1312.6034). We give `dlogits` a 1 for the class we ask about.


# %%
def logit_gradient(pixels, classes):
    """The gradient of each image's logit of `classes` by its pixels: (B, 1, 28, 28)."""
    logits, saved = model.forward(feed(pixels))
    dlogits = np.eye(config.num_classes, dtype=logits.dtype)[classes]
    return (
        model.backward(dlogits, saved)[0] / trained.std
    )  # pixels were divided by std on their way in


dlogit = logit_gradient(pixels, labels)

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(5, 1.8), layout="constrained")
for ax, index in zip(axes, chosen, strict=True):
    draw(ax, pixels[index, 0], np.abs(dlogit[index, 0]), cmap="magma")
show(figure, "How strongly the logit of the true class depends on each pixel. Bright: strongly.")

# %% [markdown]
# A bright pixel would change the logit if it changed **a little**. It need not be where the ink is: a pixel that is
# black can matter because it is black.
#
# ## An experiment: what are the maps worth?
#
# Here is a test that is often made. Paint the patches black that a map marks as most important, and look at the
# accuracy. If the map shows what the model uses, the accuracy must fall fast, much faster than with random patches.
# We make this test for the last block's attention, for rollout, and for the relevance map.
#
# And we add two rules that know **nothing of the model**: random patches *with ink*, and the patches with the *most*
# ink. Where do you expect them? With the 8 patches black that the last block's attention names, 47 % are still right. How
# many are with the 8 patches of the most ink black?

# %%
my_guess = 80  # % still right, the 8 patches with most ink painted black

# %%
rules = {
    "random patches": rng.random(ink.shape),
    "random patches with ink": rng.random(ink.shape) + ~black,
    "patches with most ink": ink,
    "attention, last block": attention[-1].mean(1)[:, 0, 1:],
    "rollout": rollout[:, 0, 1:],
    "relevance (with gradient)": relevance(model, feed(pixels), first)[:, 1:],
}
counts = (0, 2, 4, 6, 8, 10, 12)


def accuracy_without(scores, count):
    """Paint the `count` patches of each image with the largest scores black."""
    painted = patches.copy()
    np.put_along_axis(painted, scores.argsort(-1)[:, ::-1][:, :count, None], 0, axis=1)
    images = ops.patchify_backward(painted, cut)
    return (model.predict(feed(images)).argmax(-1) == labels).mean()


curves = {}
print(f"{'painted black':<28}" + "".join(f"{count:>6}" for count in counts))
for name, scores in rules.items():
    curves[name] = [100 * accuracy_without(scores, count) for count in counts]
    print(f"{name:<28}" + "".join(f"{accuracy:>6.0f}" for accuracy in curves[name]))
show_guess(
    my_guess, curves["patches with most ink"][counts.index(8)], "% right, 8 patches of most ink"
)

# %% drawing=true
figure, ax = plt.subplots(figsize=(5.2, 2.9))
for (name, curve), style in zip(curves.items(), (":", "--", "-.", "-", "-", "-"), strict=True):
    ax.plot(counts, curve, style, label=name)
ax.set(xlabel="patches painted black", ylabel="accuracy, %", ylim=(0, 103))
ax.legend(fontsize=7, loc="lower left")
show(
    figure,
    "200 dev images. Solid: maps from inside the model. Dashed or dotted: rules that know nothing of the model.",
)

# %% [markdown]
# Look at the column of 8 patches. Against random patches (97 %), attention looks excellent (47 %). But most patches are
# black, and to paint a black patch black does nothing. Random patches **with ink** are a fairer opponent: 82 %. And
# "the most ink", which anybody can compute without a model, comes to 52 %. That is nearly as low as the three maps (42
# to 48 %), and with 2 patches it does more harm than attention. (200 images are few. A share near one half is uncertain
# by about $\sqrt{0.5 \cdot 0.5 / 200} \approx 3.5$ %.)
#
# So this test mostly shows that the class token looks at the ink. It does not show *why* the answer was 4 and not 9.
# **An attention map is not proof of a reason, and it is not an outline of the object.** It is a measurement of one step
# in the middle of a long computation. (For text models, Jain and Wallace 2019 found other attention weights that give
# the same answers: "Attention is not Explanation", arXiv:1902.10186. Wiegreffe and Pinter 2019 answered with
# "Attention is not not Explanation", arXiv:1908.04626.)
#
# ## Fooling the model
#
# Now we turn the gradient around. Which small change of the image does the **most harm**? Small means: no pixel moves
# by more than $\varepsilon$. Let $g$ be the gradient of the loss by the pixels. For a small change $\delta$,
#
# $$ \text{loss}(x + \delta) \approx \text{loss}(x) + \sum_i g_i \, \delta_i , \qquad |\delta_i| \le \varepsilon . $$
#
# Each term can be chosen by itself. It is largest when $\delta_i$ is as large as allowed and has the sign of $g_i$:
#
# $$ \delta_i = \varepsilon \, \mathrm{sign}(g_i), \qquad \sum_i g_i \, \delta_i = \varepsilon \sum_i |g_i| . $$
#
# This is the **fast gradient sign method**, FGSM (Goodfellow et al. 2014, arXiv:1412.6572). A pixel must stay between
# 0 and 1, so the result is clipped.
#
# ### Exercise 13.5: FGSM
#
# **Goal:** `images` is `(B, C, H, W)` with pixels from 0 to 1, `gradient` is that of the loss, in the same shape,
# `epsilon` is a number. Return the changed images, pixels from 0 to 1. ●○○, 3 minutes.


# %% exercise="13.5"
def fgsm(images, gradient, epsilon):
    """(B, C, H, W), (B, C, H, W), a number -> (B, C, H, W)."""
    ### BEGIN SOLUTION
    return np.clip(images + epsilon * np.sign(gradient), 0, 1)
    ### END SOLUTION


# %%
check.fgsm(fgsm)

# %% [markdown] hints="13.5"
# We want a *larger* loss, so go up the gradient. Every pixel moves by the same amount, only the sign differs. What must
# hold for the pixels in the end?
# ---
# `np.clip(images + epsilon * np.sign(gradient), 0, 1)`.

# %% [markdown]
# The other side of the contest is noise of **the same size**: every pixel moves by $\varepsilon$ too, with a sign that
# a coin decides. (The same size *before* clipping: a black pixel cannot become blacker. The last two lines below say
# what is left of it.) Guess before you run the cell: at $\varepsilon = 0.1$, a tenth of the way from black to white,
# what is the accuracy with either?

# %%
my_guess = 95  # % right at epsilon 0.1, with the signs of the gradient


# %%
def loss_gradient(pixels, labels):
    logits, saved = model.forward(feed(pixels))
    _, loss_saved = ops.cross_entropy_forward(logits, labels=labels)
    return model.backward(ops.cross_entropy_backward(1.0, loss_saved), saved)[0] / trained.std


def moved(signs, epsilon):
    return np.clip(pixels + epsilon * signs, 0, 1)


signs = {
    "random signs": rng.choice([-1.0, 1.0], pixels.shape),
    "signs of the gradient": np.sign(loss_gradient(pixels, labels)),
}
epsilons = (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
curves = {}
print(f"{'epsilon':<24}" + "".join(f"{epsilon:>6}" for epsilon in epsilons))
for name, sign in signs.items():
    guesses = [model.predict(feed(moved(sign, epsilon))).argmax(-1) for epsilon in epsilons]
    curves[name] = [100 * (guess == labels).mean() for guess in guesses]
    print(f"{name:<24}" + "".join(f"{accuracy:>6.1f}" for accuracy in curves[name]))
for name, sign in signs.items():
    left = np.abs(moved(sign, 0.1) - pixels).mean()
    print(f"{name}: at epsilon 0.1, clipping leaves a mean step of {left:.3f}")
show_guess(
    my_guess, curves["signs of the gradient"][epsilons.index(0.1)], "% right, signs of the gradient"
)

# %% drawing=true
figure, ax = plt.subplots(figsize=(5, 2.6))
for name, curve in curves.items():
    ax.plot(epsilons, curve, "o-", markersize=4, label=name)
ax.set(
    xlabel="epsilon: how far each pixel moves, before clipping", ylabel="accuracy, %", ylim=(0, 103)
)
ax.legend(fontsize=8)
show(
    figure,
    "Accuracy on 200 dev images. Before clipping, both changes are of the same size; only the signs differ.",
)

# %% [markdown]
# Up to $\varepsilon = 0.1$, noise does almost nothing: 99.5 % are still right. With the signs of the gradient, only
# 58.5 % are left, and at 0.15 only 26 %. Both have moved every pixel by the same amount, before clipping. Here are some
# of the images.

# %%
fooled = np.flatnonzero(
    model.predict(feed(moved(signs["signs of the gradient"], 0.1))).argmax(-1) != labels
)[:5]


# %% drawing=true
def misread(epsilon):
    figure, axes = plt.subplots(3, 5, figsize=(4.2, 2.9), layout="constrained")
    versions = {"no change": pixels} | {name: moved(sign, epsilon) for name, sign in signs.items()}
    for row, (name, images) in zip(axes, versions.items(), strict=True):
        guesses = model.predict(feed(images[fooled])).argmax(-1)
        for ax, image, guess in zip(row, images[fooled], guesses, strict=True):
            draw(ax, image[0])
            ax.set_title(f"“{guess}”", fontsize=8)
        row[0].set_ylabel(name.replace(" of ", "\nof "), fontsize=6)
    return figure


play(
    misread,
    "Five digits that are misread at epsilon 0.1, and what the model says. Noise of the same size is harmless.",
    epsilon=(0.0, 0.3, 0.1),
)

# %% [markdown]
# ### Why signs matter so much
#
# The formula above says it. With the signs of the gradient, all terms of $\sum_i g_i \delta_i$ are positive, and the
# sum is $\varepsilon \sum_i |g_i|$. With random signs, the terms are positive and negative and mostly cancel. The sum
# has mean 0, and (variances add up, as in lesson 7) the spread $\varepsilon \sqrt{\sum_i g_i^2}$. So the gradient's
# signs are stronger by the factor
#
# $$ \frac{\sum_i |g_i|}{\sqrt{\sum_i g_i^2}} , \qquad \text{at most } \sqrt n \text{ for } n \text{ pixels}. $$
#
# It reaches $\sqrt n$ when all $|g_i|$ are equal: then it is $n / \sqrt n$. No single pixel does much harm.
# **Many tiny steps, all in the bad direction, make a large one.** We test both formulas on the logit of the true class,
# with a small $\varepsilon$, and without clipping:

# %%
total, spread = np.abs(dlogit).sum((1, 2, 3)), np.sqrt((dlogit**2).sum((1, 2, 3)))
print(f"factor between both: mean {np.mean(total / spread):.0f}, at most {784**0.5:.0f}")
epsilon = 0.01
before = model.predict(feed(pixels))[np.arange(200), labels]
for name, sign, predicted in (
    ("against the gradient", -np.sign(dlogit), total),
    ("random signs", signs["random signs"], spread),
):
    after = model.predict(feed(pixels + epsilon * sign))[
        np.arange(200), labels
    ]  # not clipped, to test the formula
    size = np.sqrt(np.mean((after - before) ** 2))
    print(
        f"{name:<22} the logit moves by {size:.3f}, formula {epsilon * np.sqrt(np.mean(predicted**2)):.3f}"
    )

# %% [markdown]
# For random signs the formula is right. Against the gradient it is too low by about a sixth, because the logit is not
# quite a straight line. (Clipping makes both changes smaller: a black pixel cannot become blacker.)
#
# The model is right on 99.49 % of the test images, and a change that would not fool you fools it. Accuracy on images
# from the usual source says nothing about images that somebody has made *against* the model.

# %% [markdown]
# ## Hard, and optional: gradients along the way
#
# A gradient says what a tiny nudge would change. When the model is sure, that is next to nothing, although the pixels are the
# very reason. **Integrated gradients** (Sundararajan et al. 2017, arXiv:1703.01365) ask not at $x$ alone but all along the straight way
# from a **baseline** $b$, say a black image, to $x$. By the chain rule, along $x(t) = b + t (x - b)$,
#
# $$ f(x) - f(b) = \int_0^1 \frac{d}{dt} f(x(t)) \, dt = \sum_i (x_i - b_i) \int_0^1 \frac{\partial f}{\partial x_i} (x(t)) \, dt . $$
#
# So what pixel $i$ contributes is $x_i - b_i$ times the **mean** of its gradient along the way, and the contributions of all
# pixels add up to exactly what is to be explained. In $n$ steps, take the gradient in the middle of each.
#
# ### Exercise 13.6: integrated gradients
#
# **Goal:** `gradient(x)` gives the gradient of $f$ at `x`, in its shape. `x` and `baseline` are `(...)`, `steps` is $n$. Return the
# contributions `(...)`. ●●●, 10 minutes.


# %% exercise="13.6"
def integrated_gradients(gradient, x, baseline, steps):
    """A function, (...), (...), a whole number -> (...)."""
    ### BEGIN SOLUTION
    way = x - baseline
    total = np.zeros_like(way)
    for step in range(steps):
        total = total + gradient(baseline + (step + 0.5) / steps * way)
    return total / steps * way
    ### END SOLUTION


# %%
check.integrated_gradients(integrated_gradients)

# %% [markdown] hints="13.6"
# The middles of the steps are at $t = 0.5/n, 1.5/n, \dots$ Add up `gradient(baseline + t * (x - baseline))`, and take the mean.
# ---
# `t = (step + 0.5) / steps` for `step` in `range(steps)`; in the end `total / steps * (x - baseline)`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the rollout that you are handed. It agrees with the right one more often than not.

# %%
broken = bug_hunt(13)
one, two = (ops.softmax_forward(2 * rng.standard_normal((1, 2, 4, 4)))[0] for _ in range(2))
for name, blocks in (
    ("one block", [one]),
    ("twice the same", [one, one]),
    ("two blocks", [one, two]),
):
    right, found = looking.attention_rollout(blocks), broken(blocks)
    print(f"{name:<16} off by up to {np.abs(found - right).max():.0e},", end=" ")
    print(f"rows add up to {found.sum(-1).min():.3f}")

# %%
my_suspect = 7  # the number of the wrong line
check.suspect(13, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. You ask rollout for the reason why the model did *not* say 9. What do you get?**
#
# <details><summary>Answer</summary>
#
# The same map as for every other class. Rollout is computed from the attention weights only, and no class appears in
# it. A map with gradients can be asked about the 9.
#
# </details>
#
# **2. Somebody shows that accuracy falls when the most attended patches are removed, faster than with random patches.
# Is that evidence that attention explains the answers?**
#
# <details><summary>Answer</summary>
#
# Not yet. Random patches are mostly background. First compare with rules that know nothing of the model but choose as
# cleverly: here, the patches with the most ink. In our test they did nearly as well.
#
# </details>
#
# **3. An image has 224 × 224 × 3 numbers in place of 28 × 28. All $|g_i|$ are equal, as large as before. How much more
# does FGSM change the loss at the same $\varepsilon$, by the linear formula? And random signs?**
#
# <details><summary>Answer</summary>
#
# There are 150,528 / 784 = 192 times as many terms. FGSM: 192 times as much. Random signs: $\sqrt{192} \approx 14$
# times as much.
#
# </details>
#
# ## What you can now do
#
# - Read attention maps, rollout, relevance and saliency maps, and say which question each of them answers.
# - Go back by hand from a logit to any number inside the model, and test it with finite differences.
# - Test a nice picture against a rule that knows nothing of the model.
# - Fool a model, and explain with one sum why it works.
#
# Open [`tinyvit/looking`](../tinyvit/looking/README.md): rollout, relevance and gradients in a few lines each, and covering, which
# tries what they estimate. `tinyvit look --score RUN` compares them on a model that you have trained, and
# `tinyvit plot RUN` draws its attention. Then look at `attention` in [`tinyvit/vit.py`](../tinyvit/vit.py).
#
# Go on with [lesson 14](14_numpy_to_cupy.ipynb).
