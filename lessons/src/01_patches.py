# %% [markdown]
# # Lesson 1: Images to patches
#
# *About 70 minutes. It opens [`tinyvit/ops/patchify.py`](../tinyvit/ops/patchify.py).*
#
# A transformer reads a row of vectors, as you read a row of words. An image is not a row of anything. So the first step
# of a Vision Transformer cuts the image into small squares, the **patches**, and lays them in a row, as a page is read:
# left to right, then top to bottom. This step is called **patchify**.
#
# Nothing is computed here. Numbers only move to another place. That makes patchify the best place to meet a *backward*
# for the first time.

# %%
import matplotlib.pyplot as plt
import numpy as np

import tinyvit
from tinyvit import ops
from tinyvit.course import bug_hunt, check, show, show_guess

rng = np.random.default_rng(1)

# %% drawing=true
row, column = np.mgrid[:24, :36]  # a picture, painted by hand
sky = np.stack([0.5 + 0.01 * row, 0.7 + 0.01 * row, 1 - 0 * row])  # (3, 24, 36): red, green, blue
sky[:, row > 17] = [[0.3], [0.65], [0.25]]  # grass
sky[:, (row - 5) ** 2 + (column - 29) ** 2 < 12] = [[1], [0.85], [0.1]]  # sun
sky[:, (row > 10) & (row < 20) & (column > 5) & (column < 19)] = [[0.75], [0.25], [0.2]]  # wall
sky[:, (row < 11) & (row > 3) & (abs(column - 12) < row - 2)] = [[0.35], [0.2], [0.15]]  # roof
sky[:, (row > 13) & (row < 20) & (column > 13) & (column < 17)] = [[0.95], [0.9], [0.6]]  # door

patches = ops.patchify_forward(sky[None], patch_size=12)[0]
layout = [["image"] * 6, list("012345")]
figure, axes = plt.subplot_mosaic(layout, figsize=(9, 4.6), height_ratios=[2.2, 1])
axes["image"].imshow(sky.transpose(1, 2, 0))
axes["image"].vlines([11.5, 23.5], -0.5, 23.5, color="white", linewidth=3)
axes["image"].hlines(11.5, -0.5, 35.5, color="white", linewidth=3)
for index, patch in enumerate(patches[0]):
    axes[str(index)].imshow(patch.reshape(3, 12, 12).transpose(1, 2, 0))
    axes[str(index)].set_title(f"patch {index}")
for ax in axes.values():
    ax.set_axis_off()
show(figure, "A house in the sun, cut into six patches of 12 times 12 pixels, laid in a row.")

# %% [markdown]
# ## Shapes first
#
# We write these sizes with the same letters in the whole course:
#
# | letter | meaning | in the picture above |
# |---|---|---|
# | $B$ | images in the batch (we always work on several at once) | 1 |
# | $C$ | channels: 3 for red, green, blue; 1 for grey | 3 |
# | $H, W$ | height and width in pixels | 24, 36 |
# | $P$ | side of a patch in pixels | 12 |
# | $L$ | patches of an image | 6 |
#
# An image has $H/P$ rows of patches, and $W/P$ patches in each row. So
#
# $$
# L = \frac HP \cdot \frac WP , \qquad
# \text{images } (B, C, H, W) \quad\to\quad \text{patches } (B, L, C \cdot P \cdot P) .
# $$
#
# **A common mistake.** The ViT called ViT-B/16 takes images of 224 by 224 pixels with 3 channels, and $P = 16$. That
# makes 14 rows of 14 patches. It is easy to think that the image becomes one vector of 14 · 14 · 3 = 588 numbers. Let
# us measure.

# %%
image = np.zeros((1, 3, 224, 224))
before, _ = ops.patchify_forward(image, patch_size=16)
print("shape of the patches:", before.shape)
print("numbers in the image:", image.size, "  numbers in the patches:", before.size)
print("14 * 14 * 3 =", 14 * 14 * 3)

image[0, 0, 100, 100] = 1  # turn on one number of one pixel
after, _ = ops.patchify_forward(image, patch_size=16)
changed = (after != before).any(axis=-1)
print(f"one pixel changes {changed.sum()} vector of {changed.size}, number {changed.argmax()}")

# %% [markdown]
# It is not one vector. It is $L = 14 \cdot 14 = 196$ vectors. Each of them has $C \cdot P \cdot P$ numbers, and
# $3 \cdot 16 \cdot 16 = 768$: all pixels of one square, with all their channels. Nothing is lost. And one pixel lives
# in exactly one vector: row 100 is in patch row 6 (100 // 16), column 100 in patch column 6, and $6 \cdot 14 + 6 = 90$.
# (As we do in NumPy, we count from 0.)
#
# Here is a real digit with $P = 7$. It becomes 16 vectors of 49 numbers.

# %%
digit = tinyvit.load_dataset("mnist").train.images[7:8] / 255  # (1, 1, 28, 28)
patches, _ = ops.patchify_forward(digit, patch_size=7)
print(digit.shape, "->", patches.shape)

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=[1, 2])
axes[0].imshow(digit[0, 0], cmap="gray_r", vmax=2.5)  # light, so that the numbers can be read
for line in (6.5, 13.5, 20.5):
    axes[0].axhline(line, color="C1")
    axes[0].axvline(line, color="C1")
for index in range(16):
    axes[0].text(7 * (index % 4) + 3, 7 * (index // 4) + 3, index, ha="center", va="center")
axes[0].set_axis_off()
axes[1].imshow(patches[0], cmap="gray_r", aspect="auto")
axes[1].set(xlabel="place in the vector", ylabel="patch", yticks=range(16))
show(figure, "A digit of 28 by 28 pixels, and what the transformer gets: 16 vectors of 49 numbers.")

# %% [markdown]
# ## The forward
#
# In memory the pixels of an image stand in rows: first the whole top row, then the next. A patch needs 12 pixels of the
# first row, then 12 of the second row, and so on. Three steps bring them together:
#
# 1. **Split.** Row number 17 with $P = 12$ is row 5 of patch row 1, because $17 = 1 \cdot 12 + 5$. So we split the axis
#    $H$ into $(H/P, P)$: *which patch*, then *where in the patch*. The same for $W$. This is a `reshape`:
#    $(B, C, H, W) \to (B, C, H/P, P, W/P, P)$.
# 2. **Move.** We want the two axes "which patch" in front, and the three axes "where in the patch" behind them, channel
#    first: $(B, H/P, W/P, C, P, P)$. This is a `transpose`.
# 3. **Join.** The two axes in front become $L$, and the three behind become $C \cdot P \cdot P$. Again a `reshape`.
#
# As a formula, with patch row $i$, patch column $j$, and $u, v$ for the place inside the patch:
#
# $$ \text{patches}[b, (i, j), (c, u, v)] = \text{images}[b, c, iP + u, jP + v] . $$
#
# The pairs and triples in brackets are places on one joined axis: $(i, j)$ is patch number $i \cdot W/P + j$.
#
# Every forward of this course returns two things: its result, and `saved`, what its backward will need. Patchify needs
# to remember three sizes.
#
# ### Exercise 1.1: cut
#
# **Goal:** cut images into patches. `images` is `(B, C, H, W)`, `patches` is `(B, L, C*P*P)`.
# Return `patches, (H, W, P)`. ●○○, 10 minutes.


# %% exercise="1.1"
def patchify_forward(images, *, patch_size):
    """(B, C, H, W) -> patches (B, L, C*P*P), and saved: H, W, P."""
    B, C, H, W = images.shape
    P = patch_size
    ### BEGIN SOLUTION
    pieces = images.reshape(B, C, H // P, P, W // P, P)
    pieces = pieces.transpose(0, 2, 4, 1, 3, 5)  # (B, H/P, W/P, C, P, P)
    return pieces.reshape(B, (H // P) * (W // P), C * P * P), (H, W, P)
    ### END SOLUTION


# %%
check.patchify_forward(patchify_forward)

# %% [markdown] hints="1.1"
# Split the axes: `pieces = images.reshape(B, C, H // P, P, W // P, P)`. Give these six axes the numbers 0 to 5. Which
# of them say *which patch*, and which say *where in the patch*? `transpose` takes the axis numbers in their new order.
# ---
# You have B (0), C (1), H/P (2), P (3), W/P (4), P (5). You want `(B, H/P, W/P, C, P, P)`: for each of these, look up
# its number. The first P is the one that belongs to H. After that, one more `reshape` joins the axes.
# ---
# Axes 2 and 4 say which patch; 1, 3 and 5 say where in it. So `pieces.transpose(0, 2, 4, 1, 3, 5)`, and then
# `.reshape(B, (H // P) * (W // P), C * P * P)`.

# %% [markdown]
# ## The way back
#
# **Unpatchify** puts the patches together again. It takes the three steps in the opposite order, and each one undone:
# split $L$ and $C \cdot P \cdot P$, move the axes back, join.
#
# One trap: the axes must go *back to where they came from*. After the split they stand as $(B, H/P, W/P, C, P, P)$. We
# want $(B, C, H/P, P, W/P, P)$. The order of patchify, used once more, does not give that.
#
# ### Exercise 1.2: paste
#
# **Goal:** put patches together. `patches` is `(B, L, C*P*P)`, `image_shape` is `(H, W)`, `images` is `(B, C, H, W)`.
# Return `images, P`. ●○○, 8 minutes.


# %% exercise="1.2"
def unpatchify_forward(patches, *, image_shape, patch_size):
    """(B, L, C*P*P) -> images (B, C, H, W), and saved: P."""
    B, _, size = patches.shape
    H, W = image_shape
    P = patch_size
    C = size // (P * P)
    ### BEGIN SOLUTION
    pieces = patches.reshape(B, H // P, W // P, C, P, P)
    pieces = pieces.transpose(0, 3, 1, 4, 2, 5)  # (B, C, H/P, P, W/P, P)
    return pieces.reshape(B, C, H, W), P
    ### END SOLUTION


# %%
check.unpatchify_forward(unpatchify_forward)

# %% [markdown] hints="1.2"
# Write down the six axes you have, with their numbers 0 to 5, and the six axes you want. For each axis you want, look
# up its number: these numbers, in this order, are what `transpose` needs.
# ---
# You have `(B, H/P, W/P, C, P, P)`: `patches.reshape(B, H // P, W // P, C, P, P)`. You want C (3), then H/P (1), P (4),
# W/P (2), P (5): `.transpose(0, 3, 1, 4, 2, 5)`, and then `.reshape(B, C, H, W)`.

# %% [markdown]
# ## The backward
#
# What is a backward? At the very end of a model stands the **loss**: one number that says how bad the answer is. We
# want to know, for every number on the way: if I turn it up a little, how much does the loss change? That is its
# **gradient**. We write $dx$ for the gradient of the loss with respect to $x$. It has as many numbers as $x$. (At
# school $dx$ is a tiny step. Here it is short for $\partial\,\text{loss} / \partial x$. The round $\partial$ is the $d$
# of a slope when there are several variables: one of them moves, the others stand still.)
#
# We find gradients from the end to the start. So when it is patchify's turn, somebody gives us `dpatches`: how the loss
# changes with each number of the patches. We want `dimages`: how it changes with each pixel.
#
# **Step 1: write the forward as a sum.** Put all pixels in one long column $x$, and all numbers of the patches in one
# long column $p$. Then
#
# $$ p_k = \sum_n M_{kn} x_n , $$
#
# where $\sum_n$ adds up over all pixels $n$, and $M_{kn}$ is 1 if number $k$ of the patches comes from pixel $n$, and 0
# if not. Each row of $M$ has exactly one 1, because each number comes from one pixel. Each column has exactly one 1,
# because each pixel goes to one place. Such an $M$ is called a **permutation matrix**. Here it is for an image of 2 by
# 6 pixels and $P = 2$.

# %%
pixels = np.arange(12).reshape(1, 1, 2, 6)
print("the image:\n", pixels[0, 0])
print("its three patches:\n", ops.patchify_forward(pixels, patch_size=2)[0][0])

units = np.eye(12).reshape(12, 1, 2, 6)  # twelve images, in each of them one pixel is 1
M = ops.patchify_forward(units, patch_size=2)[0].reshape(12, 12).T  # column n: where pixel n goes
print("M.T @ M is the identity, 1 on the diagonal, else 0:", np.array_equal(M.T @ M, np.eye(12)))

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.4))
titles = ("M: pixels to patches", "M.T: patches to pixels")
for ax, matrix, title in zip(axes, (M, M.T), titles, strict=True):
    ax.imshow(matrix, cmap="gray_r", vmax=1.3)
    ax.set(title=title, xticks=range(12), yticks=range(12))
axes[0].set(xlabel="pixel n", ylabel="number k of the patches")
axes[1].set(xlabel="number k of the patches", ylabel="pixel n")
show(figure, "Every row and column has one black square. Mirrored at the diagonal, M leads back.")

# %% [markdown]
# **Step 2: the chain rule.** Turn pixel $x_n$ up a little. Then $p_k$ changes $M_{kn}$ times as much, and the loss
# changes $dp_k$ times as much as $p_k$. Add this up for all $k$:
#
# $$ dx_n = \sum_k dp_k \frac{\partial p_k}{\partial x_n} = \sum_k dp_k M_{kn}
#    \qquad \text{in one line:} \qquad dx = M^{\mathsf T} dp . $$
#
# In the forward we went along a *row* of $M$ and added up, over $n$. Now we go down a *column*, over $k$.
# $M^{\mathsf T}$ is the **transpose**: $M$ with its columns written as rows.
#
# **Step 3: look at the transpose.** $M$ takes pixel $n$ to place $k$. $M^{\mathsf T}$ takes what is in place $k$ to
# pixel $n$. So $M^{\mathsf T}$ undoes $M$, and the cell above has shown it: $M^{\mathsf T} M$ is the identity.
#
# We have found it: **the backward of a re-arrangement is the re-arrangement back.** You have already written it:
#
# ```python
# def patchify_backward(dpatches, saved):
#     H, W, P = saved
#     return unpatchify_forward(dpatches, image_shape=(H, W), patch_size=P)[0]
# ```
#
# ## Is it right?
#
# We can test a gradient by hand. Take any loss that depends on the patches, here a sum with random factors. Turn one
# pixel up by a little, and see by how much the loss changes for each unit of that. (Lesson 3 makes a real tool of it.)

# %%
images = rng.standard_normal((2, 3, 4, 6))
patches, saved = ops.patchify_forward(images, patch_size=2)
factors = rng.standard_normal(patches.shape)  # the loss: the sum of factors * patches
dimages = ops.patchify_backward(factors, saved)  # so dpatches is factors

step = 0.001
for place in ((0, 0, 0, 0), (0, 2, 1, 3), (1, 1, 3, 5)):
    moved = images.copy()
    moved[place] += step
    change = (factors * (ops.patchify_forward(moved, patch_size=2)[0] - patches)).sum()
    measured = change / step
    print(f"pixel {place}: measured {measured:+.6f}, dimages says {dimages[place]:+.6f}")

# %% [markdown]
# ## An experiment: the broken patchify that passes four tests
#
# Somebody is in a hurry and thinks: the shape `(B, L, C*P*P)` is what I need, so I reshape to it. One line, no
# `transpose`. We give it four tests:
#
# 1. Does the result have the right shape?
# 2. Are all the pixels there, each of them once?
# 3. Does the way back give exactly the same image?
# 4. Is the gradient right, by the hand-made test from above, for *every* pixel?
#
# Guess before you run the cell: how many of the four will fail?

# %%
my_guess = 2  # tests that fail, 0 to 4


# %%
def hasty_forward(images, P):
    B, C, H, W = images.shape
    return images.reshape(B, (H // P) * (W // P), C * P * P)


def hasty_backward(dpatches, image_shape):  # the re-arrangement back
    return dpatches.reshape(image_shape)


digits = tinyvit.load_dataset("mnist").train.images[:100] / 255
right, _ = ops.patchify_forward(digits, patch_size=7)
hasty = hasty_forward(digits, 7)

small = rng.standard_normal((1, 3, 4, 6))
factors = rng.standard_normal(hasty_forward(small, 2).shape)
slopes = np.zeros_like(small)
for place in np.ndindex(small.shape):
    moved = small.copy()
    moved[place] += step
    slopes[place] = (factors * (hasty_forward(moved, 2) - hasty_forward(small, 2))).sum() / step

tests = {
    "1. right shape": hasty.shape == right.shape,
    "2. all pixels there": np.array_equal(np.sort(hasty, axis=None), np.sort(right, axis=None)),
    "3. exact way back": np.array_equal(hasty_backward(hasty, digits.shape), digits),
    "4. right gradient": np.allclose(slopes, hasty_backward(factors, small.shape)),
}
for name, passed in tests.items():
    print(f"{name:<20} {'passed' if passed else 'FAILED'}")
show_guess(my_guess, list(tests.values()).count(False), "tests that fail")

# %% [markdown]
# None fails. And still it is wrong. Let us *look* at the patches, in place 0 to 15, drawn as squares:

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
axes[0].imshow(digits[7, 0], cmap="gray_r")
axes[0].set_title("the digit")
titles = ("its patches", "its hasty patches")
for ax, patches, title in zip(axes[1:], (right, hasty), titles, strict=True):
    wall = np.full((4 * 8 - 1, 4 * 8 - 1), 0.4)  # the patches, with a grey line between them
    for index, patch in enumerate(patches[7]):
        top, left = 8 * (index // 4), 8 * (index % 4)
        wall[top : top + 7, left : left + 7] = patch.reshape(7, 7)
    ax.imshow(wall, cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(title)
for ax in axes:
    ax.set_axis_off()
show(figure, "The hasty patches are no squares: each is 49 pixels in a line, folded up.")

# %%
pixel_row = np.broadcast_to(np.arange(28)[:, None], (1, 1, 28, 28))
right_rows, _ = ops.patchify_forward(pixel_row, patch_size=7)
for name, rows in (("right", right_rows), ("hasty", hasty_forward(pixel_row, 7))):
    print(f"{name}: patch 0 has its 49 pixels from {len(np.unique(rows[0, 0]))} rows of the image")

by_hand = digits[:, 0, 7:14, 7:14].reshape(100, 49)  # patch 5: second row of patches, second in it
print("right: patch 5 is the square cut out by hand:", np.array_equal(right[:, 5], by_hand))
print("hasty: patch 5 is the square cut out by hand:", np.array_equal(hasty[:, 5], by_hand))

# %% [markdown]
# The hasty patchify is a permutation too. Every permutation keeps all the pixels, has an exact way back, and has a
# right gradient. So tests 2, 3 and 4 cannot tell one permutation from another. They ask whether the way back fits the
# way there, and not whether the way there is the one we want.
#
# What tells them apart is one patch, compared with a square that was cut out **by hand**. Keep this for the whole
# course: *a right gradient of a wrong formula is still a wrong model.* We need to test the forward by itself.

# %% [markdown]
# ## Hard, and optional: patches that overlap
#
# Our patches lie side by side. They may also overlap, as in CvT (Wu et al. 2021, arXiv:2103.15808): each begins
# $S$ pixels after the last one, and $S$, the **stride**, is smaller than $P$. Then one pixel is in several patches. What is
# its gradient? It acts on the loss through each of its copies, and what comes back along all of them **adds up**. You
# will meet this rule in every lesson: what was copied in the forward is summed in the backward.
#
# ### Exercise 1.3: the backward of overlapping patches
#
# **Goal:** `dpatches` is `(B, L, C*P*P)`, and `shape` is `(B, C, H, W)`. The patches are counted row by row; there are
# `(H - P) // stride + 1` rows of them, and as many columns as that gives with `W`. Return `dimages` `(B, C, H, W)`. Pixels
# that no patch holds have the gradient 0. ●●●, 15 minutes.


# %% exercise="1.3"
def overlapping_backward(dpatches, shape, patch_size, stride):
    """(B, L, C*P*P), (B, C, H, W), two whole numbers -> (B, C, H, W)."""
    ### BEGIN SOLUTION
    B, C, H, W = shape
    P = patch_size
    rows, cols = (H - P) // stride + 1, (W - P) // stride + 1
    pieces = dpatches.reshape(B, rows, cols, C, P, P)
    dimages = np.zeros(shape)
    for i in range(rows):
        for j in range(cols):
            top, left = i * stride, j * stride
            dimages[:, :, top : top + P, left : left + P] += pieces[:, i, j]
    return dimages
    ### END SOLUTION


# %%
check.overlapping_backward(overlapping_backward)

# %% [markdown] hints="1.3"
# Begin with zeros. Each patch **adds** its numbers at its place. Two loops over rows and columns of patches are fine.
# ---
# With `pieces = dpatches.reshape(B, rows, cols, C, P, P)`: patch `(i, j)` is `pieces[:, i, j]`, `(B, C, P, P)`, and its first
# pixel is in row `i * stride` and column `j * stride`.

# %% [markdown]
# ## Bug hunt
#
# `bug_hunt(1)` prints a function as it should be, its lines numbered, and hands you one in which **one of these lines is
# wrong**, or missing. You cannot see its code, but you can call it. Find the line by what comes out: try images of
# several shapes. Then name your suspect.

# %%
broken = bug_hunt(1)
for shape in ((4, 4), (8, 8), (4, 8)):
    image = rng.standard_normal((1, 1, *shape))
    patches, _ = ops.patchify_forward(image, patch_size=2)
    back, _ = broken(patches, image_shape=shape, patch_size=2)
    print(shape, "comes back as it was:", np.array_equal(back, image))

# %%
my_suspect = 6  # the number of the wrong line
check.suspect(1, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. Images of 32 by 32 pixels with 3 channels, and $P = 4$: how many vectors, and how long is each?**
#
# <details><summary>Answer</summary>
#
# $L = (32/4) \cdot (32/4) = 64$ vectors of $3 \cdot 4 \cdot 4 = 48$ numbers. Together these are
# $64 \cdot 48 = 3072$, as many as in the image: $3 \cdot 32 \cdot 32 = 3072$.
#
# </details>
#
# **2. What is the backward of unpatchify?**
#
# <details><summary>Answer</summary>
#
# Patchify. Unpatchify is $M^{\mathsf T}$, so its backward is the transpose of that, and this is $M$ again.
#
# </details>
#
# **3. Suppose patches overlapped, so that some pixels were in two patches. What would change in the backward?**
#
# <details><summary>Answer</summary>
#
# The column of $M$ for such a pixel has two 1s. So $dx_n = \sum_k dp_k M_{kn}$ has two terms: the pixel gets the *sum*
# of the two gradients. And $M^{\mathsf T}$ would no longer undo $M$. Lesson 2 is about such sums.
#
# </details>
#
# ## What you can now do
#
# - Say what a ViT makes of an image: $L$ vectors of $C \cdot P \cdot P$ numbers.
# - Cut and paste patches with `reshape` and `transpose`, and explain why `reshape` alone is not enough.
# - Derive the backward of a re-arrangement, and say why it is the re-arrangement back.
#
# Open [`tinyvit/ops/patchify.py`](../tinyvit/ops/patchify.py): the same two functions, each with its backward, and a
# clear message for images that do not divide into patches.
#
# Go on with [lesson 2](02_linear.ipynb).
