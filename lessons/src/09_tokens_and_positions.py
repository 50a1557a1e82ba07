# %% [markdown]
# # Lesson 9: Tokens and positions
#
# *About 65 minutes. It opens [`tinyvit/ops/tokens.py`](../tinyvit/ops/tokens.py),
# [`positions.py`](../tinyvit/ops/positions.py) and [`pool.py`](../tinyvit/ops/pool.py).*
#
# We can cut an image into patches (lesson 1), make a token of each (lesson 2), and let the tokens talk to each other
# (lessons 7 and 8). Two things are still missing. Attention does not know **where** a patch lay. And at the end there
# are many tokens, but we want **one** answer.
#
# The picture shows what goes wrong without positions: the model below gives the same answer for both images.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import tinyvit
from tinyvit import check_gradients, ops
from tinyvit.course import bug_hunt, check, show, show_guess

rng = np.random.default_rng(9)
digit = tinyvit.load_dataset("mnist").train.images[7:8] / 255  # (1, 1, 28, 28)
patches, cut = ops.patchify_forward(digit, patch_size=7)  # (1, 16, 49): 4 x 4 patches
order = rng.permutation(16)
shuffled = ops.patchify_backward(patches[:, order], cut)  # an image again: lesson 1, read backwards


def new_model(*, positions, pool="cls"):
    """A fresh ViT for 28 x 28 digits, always with the same weights, with positions or without."""
    config = replace(tinyvit.preset("tiny"), pool=pool)
    model = tinyvit.VisionTransformer(config, rng=np.random.default_rng(0)).astype(np.float64)
    if not positions:
        model.pos_embed[:] = 0
    return model


blind = new_model(positions=False)

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), width_ratios=[1, 1, 1.7], layout="constrained")
titles = ("a digit", "its 16 patches, shuffled")
for ax, image, title in zip(axes[:2], (digit, shuffled), titles, strict=True):
    ax.imshow(image[0, 0], cmap="gray_r")
    ax.set(title=title, xticks=np.arange(0, 29, 7) - 0.5, yticks=np.arange(0, 29, 7) - 0.5)
    ax.tick_params(labelbottom=False, labelleft=False, length=0)
    ax.grid(color="C0", linewidth=0.8)
place = np.arange(10)
axes[2].bar(place - 0.2, blind.predict(digit)[0], 0.4, label="digit")
axes[2].bar(place + 0.2, blind.predict(shuffled)[0], 0.4, label="shuffled")
axes[2].set(title="logits of a model without positions", xlabel="class", xticks=place)
axes[2].axhline(0, color="black", linewidth=0.8)
axes[2].legend()
show(figure, "Without positions, a ViT gives the same ten logits for both images.")

# %% [markdown]
# ## One token for the answer
#
# The patches give $L$ tokens. The **classifier**, the last linear layer, makes the logits, and wants one vector of $D$
# numbers. To make one vector of many tokens is called **pooling**. There are two usual ways:
#
# - **the class token**: put one more token in front. It stands for no patch. It is learned, and it is the same for
#   every image. In each block it takes from the patches what it can use, through attention. At the end, the classifier
#   looks at this row only (`pool="cls"`).
# - **the mean**: take the mean of the patches' rows at the end (`pool="mean"`).
#
# The class token is a choice, not a law. The ViT paper (Dosovitskiy and others 2021, arXiv:2010.11929, appendix D.3)
# found that both do about equally well, each with its own learning rate (lesson 11).
#
# Some models put even more learned tokens in front, called **registers** (Darcet and others 2024, arXiv:2309.16588).
# They are scratch paper: the blocks may keep things there, and the classifier never reads them. Without them, large
# models were seen to keep such things in patches of the plain background, which spoilt their attention maps.
#
# The backward of both is short. With the class token, all of the gradient goes to row 0, and the other rows get zeros:
# nobody looked at them. With the mean, each of the $L$ patches had a share of $1/L$, so each gets $dy/L$.
#
# New tokens enter the model in the same way, whatever they are for. With $T$ new tokens, the list gets longer:
#
# $$ (B, L, D) \;\text{and}\; (1, T, D) \;\longrightarrow\; (B, T + L, D) . $$
#
# ### Exercise 9.1: tokens in front
#
# **Goal:** put the same new tokens in front of every image's patches. `x` is `(B, L, D)`, `tokens` is `(1, T, D)`.
# Return `y` `(B, T + L, D)` and the number `T`, which the backward will need. ●○○, 5 minutes.


# %% exercise="9.1"
def prepend_tokens_forward(x, tokens):
    """(B, L, D), (1, T, D) -> y (B, T + L, D), and saved: T."""
    ### BEGIN SOLUTION
    B, T = x.shape[0], tokens.shape[1]
    return np.concatenate([np.repeat(tokens, B, axis=0), x], axis=1), T
    ### END SOLUTION


# %%
check.prepend_tokens_forward(prepend_tokens_forward)

# %% [markdown] hints="9.1"
# `np.concatenate` puts arrays one behind the other, but it does not stretch them: `tokens` has one image, `x` has `B`.
# Repeat the tokens `B` times first. Which axis counts the tokens of an image?
# ---
# `np.repeat(tokens, B, axis=0)` is `(B, T, D)`. Then `np.concatenate([..., x], axis=1)`.

# %% [markdown]
# ### Backward
#
# The forward only moves numbers. So the backward only moves gradients: each row of `dy` goes back to where the row
# came from. The last $L$ rows are the patches' `dx`. The first $T$ rows belong to `tokens`. But every image used the
# **same** tokens, so their gradients add up over the images (lesson 2):
#
# $$ dx_{b,l} = dy_{b,\,T+l}, \qquad dtokens_t = \sum_b dy_{b,t} . $$
#
# ### Exercise 9.2: and back
#
# **Goal:** `dy` is `(B, T + L, D)`. Return `dx` `(B, L, D)` and `dtokens` `(1, T, D)`. ●○○, 5 minutes.


# %% exercise="9.2"
def prepend_tokens_backward(dy, T):
    """(B, T + L, D) -> dx (B, L, D), dtokens (1, T, D)."""
    ### BEGIN SOLUTION
    return dy[:, T:], dy[:, :T].sum(0, keepdims=True)
    ### END SOLUTION


# %%
check.prepend_tokens_backward(prepend_tokens_backward)

# %% [markdown] hints="9.2"
# Cut `dy` in two along the axis of the tokens: the first `T` rows, and the others. One of the two parts is shared.
# ---
# `dy[:, T:]` and `dy[:, :T].sum(0, keepdims=True)`; `keepdims=True`, because `tokens` has a first axis of length 1.

# %% [markdown]
# ## Why positions are needed
#
# Look at what every part of a ViT does with the *order* of the tokens:
#
# - linear layers, GELU and layer norm work on each token by itself: shuffle the tokens, and the results are shuffled in
#   the same way;
# - attention sums over all tokens: $y_i = \sum_j w_{ij} v_j$. A sum does not know the order of its terms. Shuffle the
#   tokens, and again the results are only shuffled;
# - the class token stays in front, and takes a sum over the patches. The mean is a sum too. Both **lose the order**.
#
# So without positions the logits cannot depend on the order of the patches. We measure it, for both ways to pool, as
# the largest change of a logit compared with the largest logit.


# %%
def change(model, image, other):
    logits, others = model.predict(image), model.predict(other)
    return np.abs(others - logits).max() / np.abs(logits).max()


for pool in ("cls", "mean"):
    for positions in (False, True):
        moved = change(new_model(positions=positions, pool=pool), digit, shuffled)
        which = "with" if positions else "without"
        print(f'pool="{pool}", {which} positions: logits change by {moved:.0e}')

# %% [markdown]
# Without positions, only rounding is left. With positions, the logits change. These positions have not even been
# trained: they are small random numbers. That is enough to tell the places apart.
#
# The remedy is one addition. A table `pos_embed` has one row of $D$ numbers for each place, the class token's place
# included. It is added to the tokens: $y_{b,n} = x_{b,n} + p_n$.
#
# ### Exercise 9.3: the gradient of the table
#
# **Goal:** the forward is `y = x + pos_embed`, with `x` `(B, N, D)` and `pos_embed` `(1, N, D)`. Given `dy`
# `(B, N, D)`, return `dx` `(B, N, D)` and `dpos_embed` `(1, N, D)`. A sum has nothing to remember: `saved` is empty.
# ●○○, 5 minutes.


# %% exercise="9.3"
def add_position_backward(dy, saved):
    """(B, N, D) -> dx (B, N, D), dpos_embed (1, N, D)."""
    ### BEGIN SOLUTION
    return dy, dy.sum(0, keepdims=True)
    ### END SOLUTION


# %%
check.add_position_backward(add_position_backward)

# %% [markdown] hints="9.3"
# A sum passes its gradient on to both terms. Which of the two terms is shared by several images?
# ---
# `dx = dy`, and `dpos_embed = dy.sum(0, keepdims=True)`: one sum over the images, for each place and each number.

# %% [markdown]
# ## Positions without learning
#
# A table can also be **computed**. Think of clocks. One hand that turns by $\omega$ at each step shows the place $n$ as
# the point $(\sin \omega n, \cos \omega n)$. A fast hand tells neighbours apart, but soon comes round again. A slow
# hand tells far places apart. With many hands, from fast to slow, we have both.
#
# What makes this useful: compare two places $n$ and $m$ by the dot product of their hands. School trigonometry says
#
# $$ \sin \omega n \, \sin \omega m + \cos \omega n \, \cos \omega m = \cos \omega (n - m) . $$
#
# So the product depends on the **difference** $n - m$ only, not on the place. Attention compares tokens by dot products
# (lesson 7), so it can find "near me" everywhere in the same way.
#
# An image has two directions. Half of the $D$ numbers show the column, the other half the row. The place in column
# "col" and row "row" gets the position
#
# $$
# \omega_i = \frac{1}{10000^{\,i/(D/4)}}, \quad i = 0, \dots, D/4 - 1, \qquad
# p = \big[\sin \omega\,\text{col}, \;\; \cos \omega\,\text{col}, \;\; \sin \omega\,\text{row}, \;\;
# \cos \omega\,\text{row}\big] .
# $$
#
# Each of the four parts has $D/4$ numbers, one for each $\omega_i$: all sines of the column, then all its cosines, ...
# With $D = 64$ the slowest hand comes round once in about 35,000 patches: no image is that wide.
#
# ### Exercise 9.4: sine-cosine positions
#
# **Goal:** `embed_dim` is $D$, a multiple of 4; `grid_size` is `(rows, columns)`. Return the table
# `(1, rows * columns, D)`, places in reading order: row 0 from left to right, then row 1, ... Rows and columns are
# counted from 0. ●●○, 20 minutes.


# %% exercise="9.4"
def sincos2d(embed_dim, grid_size):
    """D, (rows, columns) -> (1, rows * columns, D)."""
    ### BEGIN SOLUTION
    height, width = grid_size
    row = np.repeat(np.arange(height), width)[:, None]  # (L, 1): 0 0 0 1 1 1 ...
    col = np.tile(np.arange(width), height)[:, None]  # (L, 1): 0 1 2 0 1 2 ...
    omega = 10000.0 ** (-np.arange(embed_dim // 4) / (embed_dim // 4))  # (D/4,)
    x, y = col * omega, row * omega  # all angles, (L, D/4)
    return np.concatenate([np.sin(x), np.cos(x), np.sin(y), np.cos(y)], axis=1)[None]
    ### END SOLUTION


# %%
check.sincos2d(sincos2d)

# %% [markdown] hints="9.4"
# Make the list of all columns first, in reading order, as an array `(L, 1)`, and the same for the rows. Times `omega`,
# `(D/4,)`, this gives all angles, `(L, D/4)`, in one go.
# ---
# `col = np.tile(np.arange(width), height)[:, None]` and `row = np.repeat(np.arange(height), width)[:, None]`. The table
# is `np.concatenate([np.sin(col * omega), np.cos(col * omega), np.sin(row * omega), np.cos(row * omega)], axis=1)`,
# and `[None]` puts the first axis in front.

# %% [markdown]
# How alike are two positions? For one patch of an 8 × 8 grid we draw the cosine similarity (the dot product of the two
# vectors, divided by their lengths) with all 64 places.


# %%
def similarity(table, place):
    vectors = table / np.linalg.norm(table, axis=-1, keepdims=True)  # (L, D), each of length 1
    return (vectors @ vectors[place]).reshape(8, 8)


fixed = ops.sincos2d(64, (8, 8))[0]  # (64, 64)
fresh = 0.02 * rng.standard_normal((64, 64))  # how learned positions begin
for place in (18, 45):
    product = fixed[place] @ fixed[place + 1]
    print(f"place {place}: dot product with its right neighbour {product:.6f}")

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3), layout="constrained")
for ax, table, place, title in zip(
    axes,
    (fresh, fixed, fixed),
    (18, 18, 45),
    ("learned, untrained", "sine-cosine", "sine-cosine, another patch"),
    strict=True,
):
    drawn = ax.imshow(similarity(table, place), vmin=-0.3 if table is fresh else 0.7, vmax=1)
    ax.plot(place % 8, place // 8, "rx")
    ax.set(title=title, xlabel="patch column")
    figure.colorbar(drawn, ax=ax, shrink=0.7)
axes[0].set_ylabel("patch row")
show(figure, "Similarity of one patch's position (red cross) with all others; mind the two scales.")

# %% [markdown]
# Learned positions begin as noise, and know nothing of near and far. Training must teach them. (The centre of figure 7
# in the ViT paper shows trained ones: there, neighbours are alike.) Sine-cosine positions know it from the start, and
# every patch stands to its right neighbour as every other patch does to its own.
#
# ## Another image size?
#
# Nothing else in a ViT minds how many tokens there are. The position table does: it has one row for each place. A model
# for 28 × 28 pixels and patches of 7 × 7 has 16 places; an image of 56 × 56 pixels has 64.

# %%
big = rng.standard_normal((1, 64, 64))  # the 64 patches of a larger image, as tokens
model = new_model(positions=True)
tokens = ops.prepend_tokens_forward(big, model.cls_token)[0]
print("tokens", tokens.shape, "  pos_embed", model.pos_embed.shape)
try:
    ops.add_position_forward(tokens, model.pos_embed)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# So a ViT with learned positions does not take "any image size" by itself. Its 4 × 4 table would have to be resampled
# to 8 × 8, as one enlarges a picture. A computed table has it easier: compute a larger one. (This only makes the shapes
# fit. Whether the model does well on the new size is another question, and must be measured.)
#
# ## Is it right?
#
# The judge of lesson 3, on the library's functions. Put your own in their place when they pass, as a pair: in the first
# call `(prepend_tokens_forward, prepend_tokens_backward)`, in the second
# `(ops.add_position_forward, add_position_backward)`.

# %%
inputs = {"x": rng.standard_normal((2, 3, 5)), "tokens": rng.standard_normal((1, 2, 5))}
print(check_gradients(ops.OPS["prepend_tokens"], inputs, rng=rng))
inputs = {"x": rng.standard_normal((2, 3, 5)), "pos_embed": rng.standard_normal((1, 3, 5))}
print(check_gradients(ops.OPS["add_position"], inputs, rng=rng))

# %% [markdown]
# ## An experiment: which image is harder to learn?
#
# Our model **has** positions now. We damage the digit in two ways:
#
# - **A:** the 16 patches change places; inside, each patch stays as it is;
# - **B:** the 16 patches stay where they are; inside each, the 49 pixels change places, in all patches in the same way.

# %%
pixel_order = rng.permutation(49)
scrambled = ops.patchify_backward(patches[:, :, pixel_order], cut)

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(8, 2.6))
images = {"the digit": digit, "A": shuffled, "B": scrambled}
for ax, (title, image) in zip(axes, images.items(), strict=True):
    ax.imshow(image[0, 0], cmap="gray_r")
    ax.set(title=title, xticks=np.arange(0, 29, 7) - 0.5, yticks=np.arange(0, 29, 7) - 0.5)
    ax.tick_params(labelbottom=False, labelleft=False, length=0)
    ax.grid(color="C0", linewidth=0.8)
show(figure, "A: patches have changed places. B: the pixels inside each patch have changed places.")

# %% [markdown]
# Imagine that *every* image of the world were damaged in this way, always with the same order. For people, reading
# would be hopeless. How much harder is it for a ViT?
#
# A fresh model has random weights, so one order of its numbers is as good as another. For each damage we build a
# **twin** of our model: the same numbers, some of them only in another order. In twin A, the rows of the position table
# change places. In twin B, the rows of the first linear layer do (one row for each pixel of a patch). Guess before you
# run the cell: how far is twin B's answer for the damaged digit from our model's answer for the good one?

# %%
my_guess = 20  # how far off are the logits of twin B, in % of the largest

# %%
model, twin_a, twin_b = (new_model(positions=True) for _ in range(3))
twin_a.pos_embed[:, 1:] = model.pos_embed[:, 1:][:, order]  # the class token keeps its row 0
twin_b.patch_embed.proj.weight[:] = model.patch_embed.proj.weight[pixel_order]  # (49, D)

wanted = model.predict(digit)
for name, image, twin in (("A", shuffled, twin_a), ("B", scrambled, twin_b)):
    off = [np.abs(m.predict(image) - wanted).max() / np.abs(wanted).max() for m in (model, twin)]
    print(f"{name}: our model changes its logits by {off[0]:.0e}, its twin by {off[1]:.0e}")
show_guess(my_guess, 100 * off[1], "% off, twin B")

# %% [markdown]
# By **nothing** but rounding, both times. For each model that reads good images there is a twin that reads the damaged
# ones exactly as well, and the twin is just as likely to be drawn at the start. So a ViT has no reason to learn worse
# from images that no person can read.
#
# This says what positions are, and what they are not. They tell one **patch** from another. They do not say that two
# patches are neighbours (before training, "learned" positions are only names for the places). And they say nothing at
# all about **pixels**: where a pixel lies inside its patch is known to the first linear layer only. What is near
# what, a ViT must learn from examples.

# %% [markdown]
# ## Hard, and optional: positions that turn
#
# Many newer transformers add no positions. They **turn** queries and keys before they are compared: **rotary embedding** (RoPE,
# Su et al. 2021, arXiv:2104.09864). Features 0 and 1 are a point in a plane, 2 and 3 another, and so on. In token $n$ the pair
# $i$ is turned by an angle $\theta_{ni}$, that of sines and cosines above, position times speed:
#
# $$ \begin{pmatrix} y_{2i} \\ y_{2i+1} \end{pmatrix} =
#    \begin{pmatrix} \cos \theta & -\sin \theta \\ \sin \theta & \cos \theta \end{pmatrix}
#    \begin{pmatrix} x_{2i} \\ x_{2i+1} \end{pmatrix} . $$
#
# When a query is turned by $\theta_m$ and a key by $\theta_n$, their dot product knows nothing but the difference $\theta_m - \theta_n$:
# attention looks at *how far* and not at *where*. And the backward? A linear map passes back through its transpose, and
# the transpose of a rotation is the rotation by the opposite angle.
#
# ### Exercise 9.5: rotary embedding, both ways
#
# **Goal:** `x` and `dy` are `(..., N, D)`, `angles` is `(N, D / 2)`: a pair $(1, 0)$ turns to $(\cos \theta, \sin \theta)$. Return `y`
# and `dx`, each `(..., N, D)`. ●●●, 10 minutes.


# %% exercise="9.5"
def rotary(x, dy, angles):
    """(..., N, D), (..., N, D), (N, D / 2) -> y, dx, each (..., N, D)."""

    ### BEGIN SOLUTION
    def turned(x, angles):
        a, b = x[..., 0::2], x[..., 1::2]
        y = np.empty_like(x)
        y[..., 0::2] = a * np.cos(angles) - b * np.sin(angles)
        y[..., 1::2] = a * np.sin(angles) + b * np.cos(angles)
        return y

    return turned(x, angles), turned(dy, -angles)
    ### END SOLUTION


# %%
check.rotary(rotary)

# %% [markdown] hints="9.5"
# `x[..., 0::2]` are the features 0, 2, 4, ... and `x[..., 1::2]` their partners. Write a function that turns, and call it twice.
# ---
# With `a, b` these two: `a * cos - b * sin` goes to the even places, `a * sin + b * cos` to the odd ones. `dx` is `dy` turned by
# `-angles`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. Which half of the vectors is off? And which patches get
# the same position, though they lie in different places?

# %%
broken = bug_hunt(9)
right, found = ops.sincos2d(8, (3, 3))[0], broken(8, (3, 3))[0]  # (9, 8)
off = np.abs(found - right).max(0)
print("off by up to, number by number:", *(f"{one:.2f}" for one in off))
same = [(i, j) for i in range(9) for j in range(i) if np.allclose(found[i], found[j])]
print("places with the same vector:", same)

# %%
my_suspect = 3  # the number of the wrong line
check.suspect(9, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. 16 patches can be laid in $16! \approx 2 \cdot 10^{13}$ orders. Which of them can a model without positions tell
# apart?**
#
# <details><summary>Answer</summary>
#
# None. All of these images get the same logits, up to rounding.
#
# </details>
#
# **2. The class token is the same for every image. How can its row be different for each image at the end?**
#
# <details><summary>Answer</summary>
#
# Through attention. In every block, its row gets a weighted sum of all tokens' values, and the patches' values depend
# on the image.
#
# </details>
#
# **3. We add one and the same vector to all rows of the position table, the class token's row included. Can the model
# still tell the places apart?**
#
# <details><summary>Answer</summary>
#
# Yes. The differences between the rows are the same as before, and they are what tells one place from another. (The
# logits do change, because all tokens change.)
#
# </details>
#
# ## What you can now do
#
# - Put class token and registers in front, take the gradient back out, and say who shares what.
# - Show that a ViT without positions cannot see the order of its patches.
# - Write sine-cosine positions, and say why their dot product depends on the difference of the places only.
# - Say what positions mark, and why another image size needs another table.
#
# Open [`tinyvit/ops/tokens.py`](../tinyvit/ops/tokens.py) (tokens in front, positions),
# [`positions.py`](../tinyvit/ops/positions.py) (the same sine-cosine table, with zeros for the class token) and
# [`pool.py`](../tinyvit/ops/pool.py) (class token or mean, forward and backward).
#
# Go on with [lesson 10](10_the_whole_vit.ipynb).
