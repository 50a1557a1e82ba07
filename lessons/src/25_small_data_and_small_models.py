# %% [markdown]
# # Lesson 25: Small data and small models
#
# *About 110 minutes. It opens [`tinyvit/ops/conv2d.py`](../tinyvit/ops/conv2d.py),
# [`tinyvit/ops/distillation.py`](../tinyvit/ops/distillation.py) and
# [`tinyvit/tasks/distill.py`](../tinyvit/tasks/distill.py).*
#
# Our models have learned from 55,000 digits, each with a label. Somebody has sat down and written those labels. Mostly
# nobody has. Below are **300 digits**, as many as you could label in an evening. What can be learned from so few?

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import VisionTransformer, check_gradients, load_dataset, ops, preset
from tinyvit.course import bug_hunt, check, replace_failing, show, show_guess, trained_model
from tinyvit.optim import AdamW

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several

data = load_dataset("mnist")
pixels, labels = data.train.images[:2000] / 255, data.train.labels[:2000]
pixels_dev, labels_dev = data.dev.images[:2000] / 255, data.dev.labels[:2000]


def normalised(pixels):
    return ((pixels - data.mean) / data.std).astype(np.float32)


x_dev = normalised(pixels_dev)

# %% drawing=true
mosaic = 1 - pixels[:300, 0].reshape(10, 30, 28, 28).transpose(0, 2, 1, 3).reshape(280, 840)
figure, ax = plt.subplots(figsize=(9, 3.1), layout="constrained")
ax.imshow(mosaic, cmap="gray", interpolation="nearest")
ax.axis("off")
show(figure, "The first 300 digits of MNIST: all that most models of this lesson will ever see.")

# %% [markdown]
# Lesson 12 ended with a defeat. After 1,000 digits, a small CNN read 90 % of the dev digits and a ViT with eight times
# as many numbers 64 %. That is no accident of MNIST: trained on ImageNet's 1.3 million images alone, large ViTs lose to
# ResNets, which are CNNs, and with 300 million images they win (Dosovitskiy et al. 2021, arXiv:2010.11929, figure 3). A
# ViT needs data. There are three things to do if there is none: **give** the model what you know of images, **make**
# more images, or let another model **teach** it.
#
# ## What a CNN is given
#
# A **convolution** is a linear layer on patches (lesson 2 on lesson 1) with two changes: the patches **overlap**, one
# around each pixel, and they are small, here $3 \times 3$ pixels. Such a patch is called a *window*, the weights of one
# output a *kernel*, or *filter*. With $B$ images of $C$ channels, $O$ outputs and the pixel in row $i$ and column $j$:
#
# $$ y_{b,o,i,j} = \text{bias}_o + \sum_{c} \sum_{u=0}^{2} \sum_{v=0}^{2} x_{b,\,c,\,i+u-1,\,j+v-1} \; w_{(c,u,v),\,o} . $$
#
# Read the indices: for $u = v = 1$ it is the pixel itself, for $u = 0$ the row above, for $v = 2$ the column to the
# right. Beyond the edge $x$ is 0 (*zero padding*), so $y$ has as many rows and columns as $x$. The rows of the weight
# are ordered as the numbers of a patch are: channel first, then row, then column.
#
# Here are four kernels that nobody has trained, and what they make of a digit.

# %%
kernels = {
    "mean of the window": np.full((3, 3), 1 / 9),
    "right less left": np.tile([-1.0, 0.0, 1.0], (3, 1)),
    "below less above": np.tile([[-1.0], [0.0], [1.0]], (1, 3)),
    "middle less mean": np.eye(9)[4].reshape(3, 3) - 1 / 9,
}
weight = np.stack([kernel.ravel() for kernel in kernels.values()], axis=1)  # (9, 4)
maps, _ = ops.conv2d_forward(pixels[3:4], weight, np.zeros(4), padding=1)  # (1, 4, 28, 28)

# %% drawing=true
figure, axes = plt.subplots(1, 5, figsize=(9, 2.1), layout="constrained")
axes[0].imshow(pixels[3, 0], cmap="gray_r")
axes[0].set_title("the digit", fontsize=9)
axes[0].add_patch(plt.Rectangle((12.5, 9.5), 3, 3, fill=False, edgecolor="C3", linewidth=1.5))
for ax, name, one in zip(axes[1:], kernels, maps[0], strict=True):
    ax.imshow(one, cmap="RdBu_r", vmin=-abs(one).max(), vmax=abs(one).max())
    ax.set_title(name, fontsize=9)
for ax in axes:
    ax.axis("off")
show(
    figure,
    "A digit with one of its 784 windows in red, and what four kernels make of it: red is positive, blue negative.",
)

# %% [markdown]
# Each of these pictures is a *feature map*. Its numbers are all made **by the same nine weights**. This is called
# *weight sharing*.
#
# Two things are left to say. With a **stride** $s$ only every $s$-th window is taken, along both axes, beginning with
# the first: row $i$ of $y$ has its windows around row $s \cdot i$ of $x$. So $y$ is smaller, with
# $H' = \lceil H / s \rceil$ rows ($\lceil \; \rceil$: rounded up). And how does one compute all this without four loops?
# Copy first, then multiply. All pixels that the windows have in place $(u, v)$ are one slice of the padded image:
#
# `padded[:, :, u : u + H : stride, v : v + W : stride]`
#
# Nine such slices make the *columns* $(B, 9C, H'W')$: in each column one window. Then one matrix product does the rest:
# `weight.T @ columns`. (In papers and libraries the copying is called *im2col*.)
#
# ### Exercise 25.1: a convolution
#
# **Goal:** `x` is `(B, C, H, W)`, `weight` is `(9*C, O)` with channels first, `bias` is `(O,)`, `stride` a whole number
# from 1 on. The windows are $3 \times 3$, beyond the edge $x$ is 0. Return `y` `(B, O, H', W')`. ●●○, 15 minutes.


# %% exercise="25.1"
def convolution(x, weight, bias, stride):
    """(B, C, H, W), (9*C, O), (O,), a whole number -> (B, O, H', W')."""
    ### BEGIN SOLUTION
    B, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    places = []
    for u in range(3):
        for v in range(3):
            places.append(padded[:, :, u : u + H : stride, v : v + W : stride])
    windows = np.stack(places, axis=2)
    height, width = windows.shape[3:]
    y = weight.T @ windows.reshape(B, 9 * C, height * width)
    return y.reshape(B, len(bias), height, width) + bias[:, None, None]
    ### END SOLUTION


# %%
check.convolution(convolution)

# %% [markdown] hints="25.1"
# `np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))` puts a border of zeros around each image. Then collect the nine slices in
# a list, row by row, and `np.stack` them on a new axis **behind** the channels: `(B, C, 9, H', W')`.
# ---
# `windows = np.stack(places, axis=2)`, `height, width = windows.shape[3:]`, then
# `weight.T @ windows.reshape(B, 9 * C, height * width)`, back to `(B, O, height, width)`, and `+ bias[:, None, None]`.

# %% [markdown]
# ## The head start, counted
#
# Let a layer lead from a map of $16 \times 14 \times 14$ numbers to one of $32 \times 7 \times 7$. How many parameters
# has it, as a convolution with stride 2, and as a linear layer from all numbers to all? And for comparison: an
# attention layer on 49 tokens of 32 numbers.

# %%
kinds = {
    "convolution": 9 * 16 * 32 + 32,
    "linear, all to all": (16 * 14 * 14) * (32 * 7 * 7) + 32 * 7 * 7,
    "attention, 49 tokens": 32 * 3 * 32 + 3 * 32 + 32 * 32 + 32,
}
for name, count in kinds.items():
    print(f"{name:22} {count:>9,}")

# %% [markdown]
# A convolution can do nothing that the linear layer cannot, for it is one: one with zeros for all pixels outside the
# window, and with the same weights in every place. It is *given* what the large one would have to learn from data:
# neighbours belong together, and what is worth seeing here is worth seeing there. Such a thing that a model takes for
# granted is an **inductive bias**.
#
# The last line is worth a thought. Attention is no larger. It shares its weights, too: all tokens go through the same
# `qkv`. So sharing alone is not the difference. Attention does not know **who is whose neighbour**: the weights of its
# mixture are made from what the tokens contain, and its positions are learned numbers like all others.
#
# ## Backward
#
# The columns went through a linear layer. So lesson 2 has nearly everything. Call a number of the columns
# $a_{b,n,m}$, where $n = (c,u,v)$ is the place in the window and $m = (i, j)$ says which window. The formula above is
#
# $$ y_{b,o,m} = \text{bias}_o + \sum_n a_{b,n,m} \, w_{n,o} . $$
#
# **The weights.** $w_{n,o}$ is used in every image $b$ and every window $m$. Each use has the slope $a_{b,n,m}$, and the
# gradients of all uses add up:
#
# $$ dw_{n,o} = \sum_b \sum_m a_{b,n,m} \, dy_{b,o,m}, \qquad d\text{bias}_o = \sum_b \sum_m dy_{b,o,m} . $$
#
# **The columns.** $a_{b,n,m}$ is used once for each output $o$, with slope $w_{n,o}$, so
# $da_{b,n,m} = \sum_o w_{n,o}\, dy_{b,o,m}$: in array code, `weight @ dy`.
#
# **The pixels.** A pixel was *copied* into up to nine columns, as it lies in up to nine windows. What is copied is used
# several times, so its gradients **add up**. Where the forward took a slice of the padded image, the backward adds to
# the same slice:
#
# `dpadded[:, :, u : u + H : stride, v : v + W : stride] += ...`
#
# At the end the border is cut off: nobody asks how the loss depends on zeros that we put there.
#
# ### Exercise 25.2: the backward of a convolution
#
# **Goal:** `dy` is `(B, O, H', W')`; `x`, `weight`, `stride` are as before. Return `dx` `(B, C, H, W)`, `dweight`
# `(9*C, O)` and `dbias` `(O,)`. ●●○, 18 minutes.


# %% exercise="25.2"
def convolution_backward(dy, x, weight, stride):
    """(B, O, H', W'), (B, C, H, W), (9*C, O), a whole number -> (B, C, H, W), (9*C, O), (O,)."""
    ### BEGIN SOLUTION
    B, C, H, W = x.shape
    height, width = dy.shape[2:]
    dy = dy.reshape(B, -1, height * width)
    dwindows = (weight @ dy).reshape(B, C, 9, height, width)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dpadded = np.zeros_like(padded)
    places = []
    for place in range(9):
        u, v = divmod(place, 3)
        window = np.s_[:, :, u : u + H : stride, v : v + W : stride]
        places.append(padded[window])
        dpadded[window] += dwindows[:, :, place]
    columns = np.stack(places, axis=2).reshape(B, 9 * C, height * width)
    dweight = (columns @ dy.swapaxes(1, 2)).sum(0)
    return dpadded[:, :, 1:-1, 1:-1], dweight, dy.sum((0, 2))
    ### END SOLUTION


# %%
check.convolution_backward(convolution_backward)

# %% [markdown] hints="25.2"
# Make the columns as in 25.1, and `dy` a `(B, O, H'*W')`. Begin `dpadded` with zeros of the padded shape (`np.zeros_like`
# keeps the dtype too), and add to it nine times, in the same loop in which you take the nine slices.
# ---
# `dweight` is `(columns @ dy.swapaxes(1, 2)).sum(0)`, `dbias` is `dy.sum((0, 2))`, `weight @ dy` is the gradient of the
# columns: reshape it to `(B, C, 9, H', W')`, and `dpadded[the slice of (u, v)] += dwindows[:, :, 3 * u + v]`. Then
# `dx = dpadded[:, :, 1:-1, 1:-1]`.

# %%
ours, _ = replace_failing({"25.1": convolution, "25.2": convolution_backward})
rng = np.random.default_rng(0)


def forward(x, weight, bias, *, stride):
    return ours["25.1"](x, weight, bias, stride), (x, weight, stride)


def backward(dy, saved):
    return ours["25.2"](dy, *saved)


shapes = {"x": (2, 2, 5, 4), "weight": (18, 3), "bias": (3,)}
inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
for stride in (1, 2):
    print(check_gradients((forward, backward), inputs, options={"stride": stride}))

# %% [markdown]
# ## What moves along
#
# Move a digit one pixel to the right: $x'_{i,j} = x_{i,j-1}$. Put that into the formula (stride 1, away from the edge),
# and on the right stands the same sum with $j - 1$ in place of $j$:
#
# $$ y'_{i,j} = y_{i,j-1} . $$
#
# The map moves along, and nothing else happens. A function that does so is **equivariant** under shifts. With a stride
# of $s$ there is a window for every $s$-th pixel only. If the digit moves by $s$ pixels the map moves by one place; for a
# shift in between there is no window that sees what another one saw before.
#
# And now look at a ViT's first layer once more. Patches of $7 \times 7$ pixels, side by side, the same linear layer for
# each: **that is a convolution, too**, with windows of 7 and a stride of 7.

# %%
tiny = replace(preset("tiny"), embed_dim=32, depth=2, init_std=0.15)
vit = VisionTransformer(tiny, rng=np.random.default_rng(0))
proj = vit.patch_embed.proj
tokens, _ = vit.patch_embed.forward(x_dev[:5])  # (5, 16, 32)
as_map, _ = ops.conv2d_forward(x_dev[:5], proj.weight, proj.bias, stride=7)  # (5, 32, 4, 4)
difference = np.abs(as_map.reshape(5, 32, 16).swapaxes(1, 2) - tokens).max()
print(f"patch embedding and a convolution with stride 7 differ by {difference:.0e}")

# %% [markdown]
# So what does a ViT's first layer do when the digit moves by 1, 2, ..., 8 pixels? For how many of these eight shifts
# are the new tokens just the old ones, in other places?

# %%
my_guess = 2  # of the eight shifts by 1 to 8 pixels, those that the patch embedding follows exactly

# %%
canvas = np.zeros((2, 1, 56, 56))  # room to move
canvas[:, :, 7:35, 7:35] = pixels_dev[:2]
filters = {3: rng.standard_normal((9, 8)), 7: proj.weight.astype(np.float64)}


def first_layer(images, kernel_size, stride):
    """(B, 1, 56, 56) -> feature maps; beyond the edge all is black."""
    weight, padding = filters[kernel_size], 1 if kernel_size == 3 else 0
    bias = np.zeros(weight.shape[1])
    return ops.conv2d_forward(images, weight, bias, stride=stride, padding=padding)[0]


def apart(new, old):
    """How far a new map is from an old one in the place where that fits best, in lengths of the new one."""
    moved = [np.roll(old, places, axis=-1) for places in range(9)]
    return min(np.linalg.norm(new - one) for one in moved) / np.linalg.norm(new)


layers = {"3 x 3, stride 1": (3, 1), "3 x 3, stride 2": (3, 2), "patches, stride 7": (7, 7)}
print("shift by (pixels)  ", *(f"{shift:>5}" for shift in range(1, 9)), "  another digit")
for name, sizes in layers.items():
    old, other = first_layer(canvas, *sizes)
    shifts = [first_layer(np.roll(canvas[:1], shift, axis=3), *sizes)[0] for shift in range(1, 9)]
    row = [apart(new, old) for new in shifts]
    print(f"{name:18} ", *(f"{one:>5.2f}" for one in row), f"  {apart(other, old):.2f}")
followed = sum(one < 1e-12 for one in row)  # by the patches, which are the last row
show_guess(my_guess, followed, "of eight shifts followed exactly")

# %% [markdown]
# 0.00 is exact here, to rounding. The convolution with stride 1 follows all shifts, with stride 2 every other one, the
# patches only that by a whole patch, 7. After a shift by 3 pixels, **the tokens of this digit, a 1, are farther from
# what they were than the tokens of another digit**, the 2 of the last column. (And this is only the first layer. Next a
# ViT adds a position to each token, and then not even the shift by 7 is left. A CNN's head sees places, too:
# *equivariant* maps do not make the answer *invariant*, that is, the same.)
#
# So a ViT must see a digit in one place and in the next, to learn that it is the same. It needs more images. Let us make
# some.
#
# ## More images, for nothing
#
# A 7 that is moved by two pixels is another image for the model, and still a 7. To train on changed copies is **data
# augmentation**. The change is drawn anew each time an image comes. It is nearly as old as CNNs (LeCun et al. 1998
# trained their LeNet-5 on distorted digits, too), and ViTs need it more: Steiner et al. 2021 (arXiv:2106.10270) found
# that augmentation and regularisation, with more training, can be worth as much as ten times the data.
#
# One thing must hold: **the label must stay true.** That is no question of mathematics. You must know what is in the
# images. Photos of cats may be mirrored. Digits?

# %%
teacher = trained_model()  # it reads 99 % of the digits
some, truth = pixels_dev[:500], labels_dev[:500]
changes = {
    "as it is": some,
    "moved by 2": np.roll(some, (2, -2), axis=(2, 3)),  # digits have a wide black border
    "mirrored": some[:, :, :, ::-1],
    "upside down": some[:, :, ::-1],
    "turned by 180°": some[:, :, ::-1, ::-1],
}

# %% [markdown]
# If a change keeps all labels, a good model should go on reading what it has read. Of 500 digits, what share does the
# shipped model read as their label when they are turned by 180°?

# %%
my_guess = 20  # % of the digits that are read as their label when turned by 180°

# %%
read = {}
for name, images in changes.items():
    read[name] = teacher.model.predict(teacher.normalised(255 * images)).argmax(axis=1)
    print(f"{name:16} {100 * (read[name] == truth).mean():5.1f} % read as their label")
turned = read["turned by 180°"]
show_guess(my_guess, 100 * (turned == truth).mean(), "% read as their label, turned by 180°")
for digit in (6, 9):
    said = np.bincount(turned[truth == digit], minlength=10)
    print(
        f"a {digit} that is turned is mostly read as {said.argmax()}: {said.max()} of {said.sum()}"
    )

# %% drawing=true
figure, axes = plt.subplots(3, 10, figsize=(9, 3), layout="constrained")
for digit in range(10):
    index = np.flatnonzero(truth == digit)[0]
    for row, name in enumerate(("as it is", "mirrored", "turned by 180°")):
        ax = axes[row, digit]
        ax.imshow(changes[name][index, 0], cmap="gray_r", interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        wrong = read[name][index] != digit
        ax.set_title(f"{read[name][index]}", fontsize=9, color="C3" if wrong else "0.3", pad=2)
for ax, name in zip(axes[:, 0], ("as it is", "mirrored", "turned"), strict=True):
    ax.set_ylabel(name, fontsize=9)
show(
    figure,
    "A digit of each class, mirrored, and turned; above each, what the shipped model reads (red: not its label).",
)

# %% [markdown]
# A turned 6 **is** a 9. To train on it with the label 6 is to train on a false label. A mirrored 2 is no digit at all. A
# shift keeps every label, as long as nothing leaves the image: so it is a shift.
#
# ### Three mistakes that nobody notices
#
# All three run, and train.
#
# - **`np.roll`** moves an image, and what leaves it on one side comes in on the other. With a black border of 4 pixels no
#   harm is done, until the shift is larger than that, or the images are photos.
# - **One shift for the whole batch.** Each image shall have its own. Otherwise a step sees all its digits moved the same
#   way, and is pulled that way as one.
# - **Zeros where black is meant.** After normalising, black is not 0, it is $-\text{mean}/\text{std}$, and a border of
#   zeros is a grey frame. Move first and normalise then, or say what black is.
#
# ### Exercise 25.3: shifts
#
# **Goal:** `images` is `(B, C, H, W)`; `down` and `right` are whole numbers `(B,)`, one for each image; negative is up,
# and left. Return the moved images in a new array of the same shape. What moves in has the value `black`. ●●○, 12
# minutes.


# %% exercise="25.3"
def shifted(images, down, right, black):
    """(B, C, H, W), (B,), (B,), a number -> (B, C, H, W)."""
    ### BEGIN SOLUTION
    H, W = images.shape[2:]
    most = max(np.abs(down).max(), np.abs(right).max())
    border = ((0, 0), (0, 0), (most, most), (most, most))
    padded = np.pad(images, border, constant_values=black)
    moved = np.empty_like(images)
    for i in range(len(images)):
        top, left = most - down[i], most - right[i]
        moved[i] = padded[i, :, top : top + H, left : left + W]
    return moved
    ### END SOLUTION


# %%
check.shifted(shifted)

# %% [markdown] hints="25.3"
# Put a black border around all images, as wide as the largest shift (`np.pad(..., constant_values=black)`). Each moved
# image is then a window of `H` by `W` pixels of its padded one. Where does that window begin if nothing is moved?
# ---
# With a border of `most` pixels, the image itself begins at row `most`. For a digit that moves **down** the window must
# begin higher: `top = most - down[i]`, `left = most - right[i]`, and
# `moved[i] = padded[i, :, top : top + H, left : left + W]`.

# %% [markdown]
# ## Is the head start closed?
#
# Now the experiment. Two models with **about the same number of parameters**, 20,000: a ViT with patches of 7 pixels, and
# a CNN of two convolutions with stride 2 (yours, if it passes its check) and a linear layer. Both take the same 400
# steps of 32 images, with the same optimiser and the same learning rate, once with the images as they are, once with
# each image moved by up to 2 pixels, anew in every step. And since with 300 digits much is left to luck, there are two
# seeds of each: other first weights, another order, other shifts.

# %%
ours, _ = replace_failing({"25.1": convolution, "25.2": convolution_backward, "25.3": shifted})


class CNN:
    """(B, 1, 28, 28) -> (B, 10): to 16 maps of 14 x 14, to 32 maps of 7 x 7, a head."""

    def __init__(self, rng):
        self.arrays = {}
        for name, (size, out) in {"conv1": (9, 16), "conv2": (144, 32), "head": (1568, 10)}.items():
            scale = 0.3 if name == "head" else np.sqrt(2)
            weight = scale / np.sqrt(size) * rng.standard_normal((size, out))
            self.arrays[f"{name}.weight"] = weight.astype(np.float32)
            self.arrays[f"{name}.bias"] = np.zeros(out, np.float32)

    def parameters(self):
        return self.arrays

    def forward(self, x):
        saved = []
        for name in ("conv1", "conv2"):
            weight, bias = self.arrays[f"{name}.weight"], self.arrays[f"{name}.bias"]
            y = ours["25.1"](x, weight, bias, 2)
            saved += [(x, weight, 2)]
            x, gelu = ops.gelu_forward(y)
            saved += [gelu]
        head = self.arrays["head.weight"], self.arrays["head.bias"]
        logits, linear = ops.linear_forward(x.reshape(len(x), -1), *head)
        return logits, (*saved, x.shape, linear)

    def backward(self, dlogits, saved):
        conv1, gelu1, conv2, gelu2, shape, linear = saved
        grads = {}
        dx, grads["head.weight"], grads["head.bias"] = ops.linear_backward(dlogits, linear)
        dx = ops.gelu_backward(dx.reshape(shape), gelu2)
        dx, grads["conv2.weight"], grads["conv2.bias"] = ours["25.2"](dx, *conv2)
        dx = ops.gelu_backward(dx, gelu1)
        dx, grads["conv1.weight"], grads["conv1.bias"] = ours["25.2"](dx, *conv1)
        return dx, grads

    def predict(self, x):
        return self.forward(x)[0]


def a_vit(rng):
    return VisionTransformer(tiny, rng=rng)


def train(model, draw, dlogits_of, steps=400):
    """`draw()` gives the images and numbers of a batch, `dlogits_of(logits, numbers)` the gradient of its loss."""
    optimizer = AdamW(model.parameters())
    for step in range(steps):
        images, chosen = draw()
        logits, saved = model.forward(images)
        _, grads = model.backward(dlogits_of(logits, chosen), saved)
        optimizer.step(grads, lr=8e-3 * min(1, (step + 1) / 20) * (1 - step / steps))
    return model


def from_labels(logits, chosen):
    _, saved = ops.cross_entropy_forward(logits, labels=labels[chosen])
    return ops.cross_entropy_backward(1.0, saved)


def read_after(make, count, most, seed, steps=400):
    """% of the dev digits that a model reads which has learned the first `count` digits, moved by up to `most`."""
    rng = np.random.default_rng(seed)

    def draw():
        chosen = rng.integers(0, count, 32)
        images = pixels[chosen]
        if most:
            images = ours["25.3"](images, *rng.integers(-most, most + 1, (2, 32)), 0.0)
        return normalised(images), chosen

    model = train(make(rng), draw, from_labels, steps)
    return 100 * (model.predict(x_dev).argmax(axis=1) == labels_dev).mean()


print(f"parameters: CNN {sum(a.size for a in CNN(rng).parameters().values()):,}", end=", ")
print(f"ViT {vit.num_parameters():,}")

# %% [markdown]
# First the ViT. How much does it read after 300 digits that are moved by up to 2 pixels? (Lesson 12's read 64 % after
# 1,000 that were not.)

# %%
my_guess = 70  # % of the dev digits read by the ViT, after 300 digits with shifts

# %%
runs = {}


def run(name, make, count, most, seeds=2, steps=400):
    runs[name] = [read_after(make, count, most, seed, steps) for seed in range(seeds)]
    mean = np.mean(runs[name])
    print(f"{name:31} mean {mean:.1f} %, each:", *(f"{one:.1f}" for one in runs[name]))
    return mean


run("ViT, 300", a_vit, 300, 0)
vit_shifts = run("ViT, 300 + shifts", a_vit, 300, 2)
run("ViT, 300 + shifts, 1,200 steps", a_vit, 300, 2, seeds=1, steps=1200)
show_guess(my_guess, vit_shifts, "% read by the ViT, 300 digits with shifts")

# %% [markdown]
# And the CNN? Its layers follow shifts by themselves, that was its head start. So what can it learn from shifted copies?
# By how many points does it get better with the same shifts?

# %%
my_guess = 1  # points that the CNN gains from shifts

# %%
cnn = run("CNN, 300", CNN, 300, 0)
cnn_shifts = run("CNN, 300 + shifts", CNN, 300, 2)
run("CNN, 1,000", CNN, 1000, 0, seeds=1)
show_guess(my_guess, cnn_shifts - cnn, "points that the CNN gains from shifts")

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
for at, (name, percents) in enumerate(runs.items()):
    color = "C1" if name.startswith("CNN") else "C0"
    ax.barh(at, np.mean(percents), color=color, alpha=0.5)
    ax.plot(percents, [at] * len(percents), "o", color=color, markersize=5)
ax.axvline(10, color="black", linewidth=0.8, linestyle=":")
ax.set(
    yticks=range(len(runs)), yticklabels=runs, xlabel="read, % of 2,000 dev digits", xlim=(0, 100)
)
ax.invert_yaxis()
show(figure, "All trainings: a dot is a seed, a bar their mean. Dotted: somebody who guesses.")

# %% [markdown]
# **No, it is not closed.** In 400 steps, shifts lift the ViT by 6 points and the CNN by nearly 10: whoever was ahead is
# farther ahead. (The two seeds of a ViT are some points apart, and 2,000 dev digits leave one point or two to luck.)
# Shifts make the task harder, and the ViT needs time for it. With three times the steps it reads 85 % (a single run), a
# little more than the CNN that sees no shifts. So that much of the head start can be made up: by augmentation **and**
# patience.
#
# But look at the CNN. To move along with shifts was just what it was *given*, and still they bring it nearly 10 points.
# To it, 300 digits that are moved are worth about as much as 1,000 that are not (those were a single run). Most people
# guess that it gains nothing. Why does it? **Its maps move along, its answer does not stay.** Above the maps is a
# linear head with weights for each of its 49 places. If a 7 moves by two pixels, its strokes lie on other weights, and
# those have not learned of sevens there. Shifts teach the head what the convolutions cannot tell it.
#
# (And the shift is not all. For so few digits one would also turn and stretch them a little, as `tinyvit train` does,
# and start from a model that has seen other images: lessons 16 and 20.)
#
# ## A small model with a large teacher
#
# The second kind of need: there is enough data, but the model must be small, for a watch or a web page. Train it on the
# labels, and it comes so far. Hinton, Vinyals and Dean 2015 (arXiv:1503.02531) go another way: a large trained model,
# the **teacher**, answers all images, and the small one, the **student**, learns to give the same *probabilities*. This
# is **distillation**.
#
# What can be learned from probabilities that is not in the labels? Most digits are so easy for a teacher that one
# probability is nearly 1 and the others are nearly 0. To see the small ones, the logits $z$ are divided by a
# **temperature** $T$ before the softmax: $p = \text{softmax}(z / T)$. At $T = 1$ nothing changes; the higher $T$, the
# more alike the probabilities become. Here is the dev digit of which the shipped model is least sure.

# %%
said = teacher.model.predict(teacher.normalised(255 * pixels_dev[:500]))
likeliest = ops.softmax_forward(said)[0].max(axis=1)
unsure = likeliest.argmin()
softened = {T: ops.softmax_forward(said / T)[0] for T in (1, 4, 16)}
print("label:", labels_dev[unsure])
for T, probs in softened.items():
    print(f"T = {T:>2}: ", *(f"{digit}: {p:.3f} " for digit, p in enumerate(probs[unsure])))
likeness = np.stack([softened[4][truth == digit].mean(axis=0) for digit in range(10)])
np.fill_diagonal(likeness, np.nan)
second = np.nanargmax(likeness, axis=1)
print("second likeliest:", *(f"{one} -> {other} " for one, other in enumerate(second)))

# %% drawing=true
figure, axes = plt.subplots(
    1, 4, figsize=(10, 2.5), layout="constrained", width_ratios=[1, 1.3, 1.3, 1.4]
)
axes[0].imshow(pixels_dev[unsure, 0], cmap="gray_r")
axes[0].set_title("the digit", fontsize=9)
axes[0].axis("off")
for ax, T in zip(axes[1:3], (1, 4), strict=True):
    ax.bar(range(10), softened[T][unsure])
    ax.set(xticks=range(10), ylim=(0, 1))
    ax.set_title(f"the teacher's answer, T = {T}", fontsize=9)
axes[3].imshow(likeness, cmap="Greens")
axes[3].set(
    xticks=range(10), yticks=range(10), xlabel="is given this much", ylabel="digits of class"
)
axes[3].set_title("all digits, T = 4, without the diagonal", fontsize=9)
show(
    figure,
    "What the teacher says of the digit it is least sure of, and of all digits: which class looks like which.",
)

# %% [markdown]
# The label says: a 3. The teacher says: a 3, or else a 7, and surely no 0. The square on the right shows for all
# classes what comes second. Row 3 has its darkest place at 5, row 5 at 3, row 9 at 4: which digit looks like which. No
# label says that. Hinton calls it **dark knowledge**.
#
# So student and teacher are both softened by the same temperature. With the student's logits $z$ and the teacher's $v$:
#
# $$ p = \text{softmax}(z / T), \qquad q = \text{softmax}(v / T) . $$
#
# ## The loss, and why there is a T²
#
# How far is $p$ from $q$? The usual measure is the KL divergence, $\sum_k q_k (\ln q_k - \ln p_k)$: it is 0 where both
# say the same, and larger otherwise. (Lesson 24 held old answers with it.) $q \ln q$ has no $z$ in it. What remains,
# $-\sum_k q_k \ln p_k$, is the cross-entropy of lesson 4 with the target $q$, and its gradient by what goes into the
# softmax is $p - q$. Into the softmax goes $z / T$, with the inner derivative $1/T$:
#
# $$ \frac{\partial\, \text{KL}}{\partial z_k} = \frac{1}{T} (p_k - q_k) . $$
#
# How large is that at a high temperature? For small $x$, $e^x \approx 1 + x$. So with $K$ classes, and logits whose mean
# over the classes is 0 (softmax does not mind what is added to all of them),
#
# $$ p_k = \frac{e^{z_k/T}}{\sum_j e^{z_j/T}} \approx \frac{1 + z_k/T}{K + \sum_j z_j / T} = \frac1K \Big(1 +
#    \frac{z_k}{T}\Big), \qquad p_k - q_k \approx \frac{z_k - v_k}{K\,T} . $$
#
# With the $1/T$ from above, the gradient falls as $1/T^2$. At $T = 8$ it would be 64 times smaller, and beside the
# labels nobody would hear the teacher. Therefore the loss is multiplied by $T^2$: **the temperature then changes what is
# taught, and not how loudly.** The teacher's part of the gradient is $T^2 \cdot \frac1T (p - q) = T (p - q)$.
#
# The whole loss weighs the teacher by $\alpha$ and the labels by the rest, in the mean over the batch:
#
# $$ L = \frac1B \sum_b \Big[ \alpha \, T^2 \sum_k q_{bk} \ln \frac{q_{bk}}{p_{bk}} \; - \; (1 - \alpha) \ln
#    \text{softmax}(z_b)_{\text{label}} \Big] . $$
#
# In the second part the logits stay as they are: a label is not softened.
#
# ### Exercise 25.4: a loss with a teacher
#
# **Goal:** `logits` and `teacher_logits` are `(B, K)`, `labels` `(B,)`; `temperature` is $T$, and `alpha` from 0 to 1.
# Return the loss, one number, and `dlogits` `(B, K)`. ●●○, 15 minutes.


# %% exercise="25.4"
def distillation_loss(logits, teacher_logits, labels, temperature, alpha):
    """(B, K), (B, K), (B,), two numbers -> one number, (B, K)."""
    ### BEGIN SOLUTION
    B, K = logits.shape
    p, _ = ops.softmax_forward(logits / temperature)
    q, _ = ops.softmax_forward(teacher_logits / temperature)
    teaching = temperature**2 * (q * np.log(q / p)).sum() / B
    dteaching = temperature * (p - q) / B
    probs, _ = ops.softmax_forward(logits)
    target = np.eye(K)[labels]
    loss = -(target * np.log(probs)).sum() / B
    dloss = (probs - target) / B
    return alpha * teaching + (1 - alpha) * loss, alpha * dteaching + (1 - alpha) * dloss
    ### END SOLUTION


# %%
check.distillation_loss(distillation_loss)

# %% [markdown] hints="25.4"
# Three softmaxes: the student's and the teacher's with `/ temperature`, and the student's once more without. Each of
# `ops.softmax_forward`'s calls gives two things.
# ---
# Teacher: `temperature**2 * (q * np.log(q / p)).sum() / B`, gradient `temperature * (p - q) / B`. Labels: with
# `target = np.eye(K)[labels]`, `-(target * np.log(probs)).sum() / B`, gradient `(probs - target) / B`. Then `alpha` times
# the first plus `1 - alpha` times the second, both times.

# %%
ours, _ = replace_failing(
    {"25.1": convolution, "25.2": convolution_backward, "25.4": distillation_loss}
)
z, v = rng.standard_normal((2, 3, 5))


def forward(logits):
    return ours["25.4"](logits, v, np.array([0, 3, 2]), 4.0, 0.7)


def backward(dloss, dlogits):
    return dloss * dlogits


print(check_gradients((forward, backward), {"logits": z}))
print("length of the teacher's gradient")
for T in (1.0, 2.0, 4.0, 8.0, 16.0, 64.0):
    length = np.linalg.norm(ours["25.4"](z, v, np.array([0, 3, 2]), T, 1.0)[1])
    print(f"  T = {T:>2.0f}: {length:.3f}, without T² it would be {length / T**2:.5f}")

# %% [markdown]
# On all of MNIST, `tinyvit train --task distill` lets the shipped model teach a student of 28,202 parameters, without
# augmentation, at $T = 8$ and $\alpha = 0.9$. In 12 epochs it came to 98.73 % on the test set; the same student from
# labels alone came to 98.24 %. (One run each, with other seeds. That is more than a quarter fewer errors, for a teacher
# that we have anyway.)
#
# ## The student that never saw a 3
#
# How much is in those small probabilities? Hinton and his co-authors made a cruel test. Take **all threes out** of the
# training digits. The student never sees one. The teacher's answers for the others still speak of threes: "a 5, and if
# not, then a 3". Then show the student threes.
#
# It will not say "3" very often: in all its life 3 was never the right answer, so its bias for class 3 is far too low.
# One number, then, is put right: something is added to all logits of class 3, so much that a tenth of 1,000 dev digits
# are called 3. For that no label is needed, only the knowledge that a tenth of all digits are threes. **Of the threes
# among 1,000 other digits, how many does the student read?**
#
# Beside it there are two rivals that learned the same digits without a teacher: from the labels, and from softened
# labels, 91 % for the label and 1 % for each other class (*label smoothing*), in case softness alone does it. Their
# biases are put right in the same way.

# %%
my_guess = 10  # % of the threes read by a student that never saw one

# %%
without = np.flatnonzero(labels != 3)
x_all = teacher.normalised(255 * pixels)
v_all = np.concatenate([teacher.model.predict(x_all[i : i + 500]) for i in range(0, 2000, 500)])


def from_teacher(logits, chosen):
    return ours["25.4"](logits, v_all[chosen], labels[chosen], 4.0, 1.0)[1].astype(np.float32)


def from_soft_labels(logits, chosen):
    _, saved = ops.cross_entropy_forward(logits, labels=labels[chosen], label_smoothing=0.1)
    return ops.cross_entropy_backward(1.0, saved)


def taught(dlogits_of, seed):
    """A CNN that has learned 2,000 digits without the threes."""
    rng = np.random.default_rng(seed)

    def draw():
        chosen = rng.choice(without, 32)
        return x_all[chosen], chosen

    return train(CNN(rng), draw, dlogits_of, steps=350)


def threes(logits, bias):
    """% of the threes and of all digits that are read, among the second 1,000 dev digits."""
    answers = (logits + bias * np.eye(10)[3])[1000:].argmax(axis=1)
    right = answers == labels_dev[1000:]
    return 100 * right[labels_dev[1000:] == 3].mean(), 100 * right.mean()


after = {}
for name, dlogits_of in (
    ("labels", from_labels),
    ("soft labels", from_soft_labels),
    ("teacher", from_teacher),
):
    logits = taught(dlogits_of, 0).predict(x_dev)
    lacking = np.delete(logits[:1000], 3, axis=1).max(axis=1) - logits[:1000, 3]
    bias = np.quantile(lacking, 0.1)  # with this, a tenth of the first 1,000 is called 3
    before, after[name] = threes(logits, 0.0), threes(logits, bias)
    print(f"from {name:12} threes {before[0]:5.1f} %, all {before[1]:5.1f} %", end="; ")
    print(f"bias + {bias:.1f}: threes {after[name][0]:5.1f} %, all {after[name][1]:5.1f} %")
show_guess(my_guess, after["teacher"][0], "% of the threes, the bias put right")

# %% [markdown]
# Before its bias is put right, the student reads some threes even so. After it, nearly nine of ten, **of a digit that
# it has never seen and whose label it was never told**. It knows threes from what the teacher said of fives, eights and
# twos: how much of a 3 there is in each. Hinton's student came to 98.6 % of the threes in the same test (section 3 of
# the paper; it had all other digits of MNIST, and ours 1,800).
#
# The rivals show what that is worth. One number puts right the student of the labels, too, if it can: then it reads 8 %
# of the threes, no more than by chance. It has learned that a 3 is never an answer, and nothing about which images are
# far from one. Softened labels help more than one would think: to say "1 % of everything" means to keep the class
# alive, and then what is like no other digit may be called a 3. But between that and the teacher there are almost 50
# points, and they are in the small probabilities.
#
# ## Hard, and optional: what a hot teacher teaches
#
# Look at the two approximations above once more, and put them into the gradient of one image:
#
# $$ T (p_k - q_k) \approx T \cdot \frac{z_k - v_k}{K\,T} = \frac{1}{K} (z_k - v_k) . $$
#
# The temperature is gone. And of which loss is this the gradient? Of a square:
#
# $$ \frac{1}{2K} \sum_k (z_k - v_k)^2 . $$
#
# Both losses are 0 where $z = v$, and their slopes agree, so they are the same in the limit. **At an endless
# temperature, distillation is a regression of the teacher's logits.** But mind the condition: the mean of
# the logits over the classes was 0. For other logits take their mean off first, $\tilde z_k = z_k - \frac1K \sum_j z_j$,
# and likewise $\tilde v$. That makes one step more backward: $z_k$ stands in all $\tilde z_j$. With
# $d_j = \frac1K (\tilde z_j - \tilde v_j)$, the gradient by $\tilde z_j$, the chain rule gives
#
# $$ \frac{\partial L}{\partial z_k} = \sum_j d_j \frac{\partial \tilde z_j}{\partial z_k} = d_k - \frac1K \sum_j d_j . $$
#
# What is the sum of all $d_j$? Then you know what is left.
#
# ### Exercise 25.5: distillation at an endless temperature (optional)
#
# **Goal:** `logits` and `teacher_logits` are `(B, K)`, of any mean. Return what loss and gradient of distillation
# ($\alpha = 1$) come to when $T$ grows without end: the loss, the mean over the batch, one number, and `dlogits`
# `(B, K)`. ●●●, 15 minutes.


# %% exercise="25.5"
def hot_distillation(logits, teacher_logits):
    """(B, K), (B, K) -> one number, (B, K)."""
    ### BEGIN SOLUTION
    B, K = logits.shape
    apart = logits - teacher_logits
    apart = apart - apart.mean(1, keepdims=True)
    dlogits = apart / (B * K)
    return (dlogits * apart).sum() / 2, dlogits
    ### END SOLUTION


# %%
check.hot_distillation(hot_distillation)

# %% [markdown] hints="25.5"
# Both have a mean of 0 over the classes, so their difference has, too, and the second term of the chain rule is 0. It is
# enough to take the mean of each row off the difference.
# ---
# `apart = logits - teacher_logits`, less `apart.mean(1, keepdims=True)`. The gradient is `apart / (B * K)`, the loss
# `(apart**2).sum() / (2 * B * K)`.

# %%
ours, _ = replace_failing({"25.4": distillation_loss, "25.5": hot_distillation})
z, v = 3 * rng.standard_normal((2, 4, 10))
limit_loss, limit = ours["25.5"](z, v)
for T in (1.0, 4.0, 16.0, 64.0, 256.0):
    loss, dlogits = ours["25.4"](z, v, np.zeros(4, int), T, 1.0)
    off = np.linalg.norm(dlogits - limit) / np.linalg.norm(limit)
    print(f"T = {T:>3.0f}: loss {loss:.3f}, gradient {off:7.2%} off")
print(f"in the limit: {limit_loss:.3f}")

# %% [markdown]
# The error falls as $1/T$, as that of $e^x \approx 1 + x$ should. At $T = 4$ we are far from the limit, and that is meant:
# a low temperature attends to the classes that the teacher finds likely, an endless one to all logits alike, the
# unlikely ones included, of which the teacher was never asked to be right. (Section 2.1 of the paper says so.)
#
# ## Bug hunt
#
# One of these lines is wrong, or left out, in the function that you are handed. Its gradient is checked against its own
# loss, for several temperatures and weights.

# %%
broken = bug_hunt(25)
z, v = rng.standard_normal((2, 4, 5))
for T, alpha in ((1.0, 0.5), (4.0, 1.0), (4.0, 0.5), (4.0, 0.0)):

    def forward(logits, T=T, alpha=alpha):
        return broken(logits, v, np.array([0, 3, 2, 4]), T, alpha)

    found = check_gradients((forward, backward), {"logits": z})
    print(f"T = {T:.0f}, alpha = {alpha}: {'passed' if found.passed else 'FAILED'}")

# %%
my_suspect = 10  # the number of the wrong line
check.suspect(25, my_suspect)

# %% [markdown]
# ## With your own pictures
#
# Few photos of your own? Do not begin at nothing: `tinyvit finetune` takes a model that has seen others (lesson 16), and
# its images are moved and turned anew each time. Where a small model is wanted, a large one may teach it:
#
# ```sh
# tinyvit train --task distill                                   # a student of the shipped model
# tinyvit train --task distill --alpha 0                         # the same student from labels alone
# tinyvit train --task distill --distillation hard               # the teacher's likeliest class as a label
# tinyvit train --stem conv                                      # two convolutions in front of the patches
# ```
#
# The last line but one is what DeiT does (Touvron et al. 2021, arXiv:2012.12877): the teacher's decision is a second
# label, learned by a *distillation token* of its own. Its teacher is a CNN, and with it a ViT learned ImageNet
# without any further images.
#
# ## Three questions
#
# **1. Would you train a reader of "left" and "right" arrows with mirrored images?**
#
# <details><summary>Answer</summary>
#
# Only if the label is mirrored with the image: a left arrow becomes a right one, and then it is even good data. If each
# image is mirrored half of the time and keeps its label, half of all labels are wrong, and nothing can be learned.
#
# </details>
#
# **2. Somebody raises the temperature from 1 to 10 and forgets the $T^2$. With $\alpha = 0.5$, what will happen?**
#
# <details><summary>Answer</summary>
#
# The teacher's gradient becomes smaller by about $T^2 = 100$, that of the labels stays. The student learns from the
# labels alone, and it looks as if distillation did not help.
#
# </details>
#
# **3. In place of our head, a CNN takes the mean of each of its last maps over all places, and puts the linear layer on
# these means. What does it win, and what does it lose?**
#
# <details><summary>Answer</summary>
#
# If a map moves along, its mean stays, as long as nothing leaves the image. So for shifts by a whole stride the answer
# is *invariant*, and no shifted copies are needed for that. It loses all knowledge of **where** something was seen: a
# loop above a stroke and a loop below one, a 9 and a 6, can only be told apart by filters that see both at once.
#
# </details>
#
# ## What you can now do
#
# - Write a convolution, forward and backward, and count what it saves.
# - Say by which shifts a layer is equivariant, and show it.
# - Choose changes that keep the label, and make them without the three quiet mistakes.
# - Derive the loss of distillation, and say what its $T^2$ is for.
# - Put a student to a test that no label could have prepared it for.
#
# Now read [`tinyvit/ops/conv2d.py`](../tinyvit/ops/conv2d.py) and
# [`tinyvit/ops/distillation.py`](../tinyvit/ops/distillation.py): your functions, for windows of any size and with all
# checks. Go on with [lesson 26](26_scaling.ipynb): about 150 tiny models, and a rule for how large the next one should be.
