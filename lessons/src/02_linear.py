# %% [markdown]
# # Lesson 2: Linear layers and the chain rule
#
# *About 65 minutes. It opens [`tinyvit/ops/linear.py`](../tinyvit/ops/linear.py).*
#
# Nearly all the learned numbers of a transformer stand in **linear layers**. A linear layer is many neurons side by
# side. One neuron is simple: it multiplies each number it gets by a **weight**, adds everything up, and adds one more
# number, the **bias**.
#
# Here is one neuron that has not even been trained. Its weights are the average picture of a zero, minus the average
# picture of a one. It says "zero" when its output is positive. Its bias puts that border half way between the two.

# %%
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

import tinyvit
from tinyvit import ops
from tinyvit.course import bug_hunt, check, show, show_guess

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several
rng = np.random.default_rng(2)
digits = tinyvit.load_dataset("mnist")
images, labels = digits.train.images[:10000].reshape(-1, 784) / 255, digits.train.labels[:10000]
zero, one = images[labels == 0].mean(0), images[labels == 1].mean(0)
weight = zero - one  # 784 weights, one for each pixel
bias = -(zero + one) @ weight / 2
dev = digits.dev  # 5,000 images that are kept apart from the training
new_images, new_labels = dev.images.reshape(-1, 784) / 255, dev.labels
for label, name in ((0, "zero"), (1, "one")):
    y = new_images[new_labels == label] @ weight + bias
    print(f"new images of a {name}: {((y > 0) == (label == 0)).mean():.1%} are on its own side")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3), width_ratios=[1, 2], layout="constrained")
drawn = axes[0].imshow(weight.reshape(28, 28), cmap="RdBu", vmin=-0.8, vmax=0.8)
axes[0].set_title("the weights")
axes[0].set_axis_off()
figure.colorbar(drawn, ax=axes[0])
for label, name, color in ((0, "zero", "C0"), (1, "one", "C3")):
    y = new_images[new_labels == label] @ weight + bias
    axes[1].hist(y, bins=40, range=(-60, 80), color=color, alpha=0.7, label=f"images of a {name}")
axes[1].axvline(0, color="black", linewidth=0.8)
axes[1].set(xlabel="output of the neuron", ylabel="images")
axes[1].legend()
show(figure, "One neuron. Blue pixels speak for a zero, red ones for a one; their sum decides.")

# %% [markdown]
# ## From one neuron to a layer
#
# **One neuron.** It gets $x_1, \dots, x_n$, and has one weight for each, and one bias:
#
# $$ y = \sum_i x_i w_i + b . $$
#
# **Many neurons.** They all get the same $x$. Neuron $j$ has its own weights $w_{1j}, w_{2j}, \dots$ and its own bias
# $b_j$. We put the weights of each neuron in one *column* of a table `weight` of shape `(in, out)`. (PyTorch keeps them
# in a row, and its table is `(out, in)`.)
#
# $$ y_j = \sum_i x_i w_{ij} + b_j . $$
#
# This sum is a matrix product: `y = x @ weight + bias`.
#
# **Many rows.** In a ViT, `x` has the shape `(B, N, D)`: $B$ images, each with $N$ tokens, each of $D$ numbers. (A
# *token* is what a patch has become: a vector.) The layer does the same with every token. The weights are the same for
# all of them. No token sees another one. So we may think of `x` as a long list of $B \cdot N$ rows:
#
# $$ y_{rj} = \sum_i x_{ri} w_{ij} + b_j \qquad \text{for every row } r . $$
#
# NumPy does this by itself: `x @ weight` takes the last axis of `x`, and leaves all the others as they are.
#
# ### Exercise 2.1: the forward
#
# **Goal:** a linear layer for any number of leading axes. `x` is `(..., in)`, `weight` is `(in, out)`, `bias` is
# `(out,)`, `y` is `(..., out)`. Return `y, (x, weight)`: the result, and what the backward will need. ●○○, 3 minutes.


# %% exercise="2.1"
def linear_forward(x, weight, bias):
    """(..., in), (in, out), (out,) -> y (..., out), and saved: x, weight."""
    ### BEGIN SOLUTION
    return x @ weight + bias, (x, weight)
    ### END SOLUTION


# %%
check.linear_forward(linear_forward)

# %% [markdown] hints="2.1"
# `weight` is `(in, out)`: its first axis is as long as the last axis of `x`. That is what `@` wants; nothing needs to
# be turned. And NumPy adds `bias` to each row by itself.
# ---
# `y = x @ weight + bias`, and `saved` is `(x, weight)`.

# %% [markdown]
# ## The chain rule, with small numbers
#
# Take a neuron with one input, $x = 3$, $w = 2$, $b = 1$, and let the loss be $y^2$. Then
#
# $$ y = x w + b = 7, \qquad \text{loss} = y^2 = 49 . $$
#
# What happens to the loss if we turn $w$ up a little, by $h$? Two steps:
#
# - $y$ becomes $3 (2 + h) + 1 = 7 + 3h$. So $y$ moves 3 times as much as $w$. (3 is $x$.)
# - The derivative of $y^2$ is $2y = 14$. So the loss moves 14 times as much as $y$. This is $dy$.
#
# Together the loss moves $14 \cdot 3 = 42$ times as much as $w$. That is the **chain rule**: *what happens on the road
# is multiplied.*
#
# $$ dw = dy \cdot x = 42, \qquad dx = dy \cdot w = 28, \qquad db = dy \cdot 1 = 14 . $$


# %%
def loss_of(x, w, b):
    return (x * w + b) ** 2


h = 0.0001
print("turn up w:", (loss_of(3, 2 + h, 1) - loss_of(3, 2, 1)) / h)
print("turn up x:", (loss_of(3 + h, 2, 1) - loss_of(3, 2, 1)) / h)
print("turn up b:", (loss_of(3, 2, 1 + h) - loss_of(3, 2, 1)) / h)

# %% [markdown]
# (The small rest comes from $h$, which is small but not 0.)
#
# ## A gradient has the shape of what it belongs to
#
# The gradient of `weight` answers one question for each weight: *how does the loss move if I turn up this one?* As many
# weights, as many answers. So `dweight` has the shape of `weight`, `dx` has the shape of `x`, and `dbias` has the shape
# of `bias`. Always: the loss is a single number, so there is one answer for each number that can be turned up.
#
# ## Gradients add
#
# Now $w$ is used in *two* places, as a weight of a layer is used by all tokens:
#
# $$ y_1 = 3 w, \qquad y_2 = 5 w, \qquad \text{loss} = y_1 \cdot y_2 . $$
#
# Turn up $w$ by $h$. Then $y_1$ moves by $3h$ **and** $y_2$ moves by $5h$. Both move the loss, so we add:
#
# $$ dw = dy_1 \cdot 3 + dy_2 \cdot 5 . $$
#
# What are $dy_1$ and $dy_2$? The loss is $y_1 y_2$, so $dy_1 = y_2 = 5w$, and $dy_2 = y_1 = 3w$. This gives
#
# $$ dw = 5w \cdot 3 + 3w \cdot 5 = 30 w . $$
#
# Now the other way, without any chain rule: the loss is $3w \cdot 5w = 15 w^2$, and its
# derivative is $30 w$. The same.
#
# *What happens on one road is multiplied. Different roads are added.* A number that is used in many places is pulled by
# all of them. (Added, not averaged: two pulls are more than one.)
#
# ## The backward
#
# Now the whole layer. We are given $dy_{rj}$ for each row $r$ and output $j$. The forward was
#
# $$ y_{rj} = \sum_i x_{ri} w_{ij} + b_j . $$
#
# For each number we ask: *where is it used*, and *how strongly does it pull there?*
#
# **Bias $b_j$:** it is used in output $j$ of every row, with factor 1. Add over the rows:
#
# $$ db_j = \sum_r dy_{rj} . $$
#
# **Weight $w_{ij}$:** it is used in output $j$ of every row, with factor $x_{ri}$. Add over the rows:
#
# $$ dw_{ij} = \sum_r x_{ri} dy_{rj} . $$
#
# **Input $x_{ri}$:** it is used in its own row only, but by every neuron $j$, with factor $w_{ij}$. Add over the
# neurons:
#
# $$ dx_{ri} = \sum_j dy_{rj} w_{ij} . $$
#
# **As matrix products.** A product `A @ B` sums over the *last* axis of `A` and the *first* axis of `B`. In $dx$ we sum
# over $j$, the last axis of `dy`, but $j$ is the last axis of `weight` too. So `weight` must be transposed, and we get
# `dx = dy @ weight.T`. In $dw$ we sum over $r$, the first axis of both. So `x` must be transposed:
# `dweight = x.T @ dy`. (All this for two axes. With more of them, `.T` turns round **all** axes.)
#
# The shapes must fit as well, with $R$ rows:
#
# | gradient | product | shapes |
# |---|---|---|
# | `dx` | `dy @ weight.T` | `(R, out) @ (out, in)` gives `(R, in)` |
# | `dweight` | `x.T @ dy` | `(in, R) @ (R, out)` gives `(in, out)` |
# | `dbias` | sum of the rows of `dy` | `(R, out)` gives `(out,)` |
#
# ### Exercise 2.2: the backward
#
# **Goal:** `dy` is `(..., out)`, `saved` is what 2.1 returned. Return `dx` `(..., in)`, `dweight` `(in, out)` and
# `dbias` `(out,)`. Mind the leading axes: there may be one, two or three. ●●○, 10 minutes.


# %% exercise="2.2"
def linear_backward(dy, saved):
    """(..., out) -> dx (..., in), dweight (in, out), dbias (out,)."""
    x, weight = saved
    ### BEGIN SOLUTION
    dx = dy @ weight.T
    x_rows = x.reshape(-1, x.shape[-1])  # all leading axes as one
    dy_rows = dy.reshape(-1, dy.shape[-1])
    return dx, x_rows.T @ dy_rows, dy_rows.sum(axis=0)
    ### END SOLUTION


# %%
check.linear_backward(linear_backward)

# %% [markdown] hints="2.2"
# All tokens of all images share `weight` and `bias`. Make one list of rows of them first, with
# `dy.reshape(-1, dy.shape[-1])`, and the same with `x`. Then the table of the lesson (which product, which shapes) is
# all you need.
# ---
# `dx = dy @ weight.T` works with any leading axes. With the rows: `dweight = x_rows.T @ dy_rows`, and
# `dbias = dy_rows.sum(axis=0)`.

# %% [markdown]
# ## Is it right?
#
# We watch one single weight. Two images with four tokens each: it is used in eight places. We compute the pull of each
# place, add the pulls, and compare with the turn-it-up-a-little test. (Lesson 3 makes a real tool of this test.)

# %%
x, weight = rng.standard_normal((2, 4, 5)), rng.standard_normal((5, 3))
bias = rng.standard_normal(3)
wanted = rng.standard_normal((2, 4, 3))


def squared_loss(x, weight):
    return ((ops.linear_forward(x, weight, bias)[0] - wanted) ** 2).sum()


y, saved = ops.linear_forward(x, weight, bias)
dy = 2 * (y - wanted)
dx, dweight, dbias = ops.linear_backward(dy, saved)

pulls = (x[:, :, 0] * dy[:, :, 2]).ravel()  # on the weight from input 0 to output 2
turned_up = weight.copy()
turned_up[0, 2] += h
measured = (squared_loss(x, turned_up) - squared_loss(x, weight)) / h
print(f"the sum of its eight pulls        {pulls.sum():.4f}")
print(f"what linear_backward says         {dweight[0, 2]:.4f}")
print(f"turn it up a little, and measure  {measured:.4f}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(7, 2.8))
names = [f"image {b}\ntoken {n}" for b in range(2) for n in range(4)]
ax.bar(names + ["sum"], [*pulls, pulls.sum()], color=["C0"] * 8 + ["C1"])
ax.axhline(0, color="black", linewidth=0.8)
ax.set(ylabel="pull on the weight")
ax.tick_params(axis="x", labelsize=8)
show(figure, "One weight is pulled by every token, up or down. Its gradient is the sum of all.")

# %% [markdown]
# ## An experiment: a wrong gradient that learns
#
# When `in` and `out` are different, a forgotten `.T` stops with an error. When they are equal, it does not: the shape
# of `dy @ weight` is right. Only its numbers are wrong. How bad is that?
#
# We train three linear layers in a row, 784 → 32 → 32 → 10, to tell digits apart. The layer in the middle is square. To
# train means: take some images, compute the gradients, and move every weight a small step *against* its gradient, so
# that the loss falls. The loss is the squared distance to the wanted output: 1 for the right digit, 0 for the others.
#
# We train it three times from the same start:
#
# - **right:** with the right backward;
# - **forgotten .T:** the middle layer passes `dy @ weight` down to the first layer;
# - **frozen:** the first layer is not trained at all, only the other two.
#
# The wrong gradient is not a little wrong: at the start it points in a direction that has *nothing* to do with the
# right one. Guess before you run the cell: what will the accuracy on new images be, with the forgotten `.T`? (By
# chance: 10 %.)

# %%
my_guess = 15  # % of new images that are read, with the forgotten .T


# %%
def forgetful_backward(dy, saved):
    _, dweight, dbias = ops.linear_backward(dy, saved)
    return dy @ saved.weight, dweight, dbias  # no .T (the library's saved has names)


def cosine(a, b):
    """1: same direction; 0: nothing in common."""
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def train(middle_backward, *, trained=(0, 1, 2), steps=500, lr=0.01):
    rng = np.random.default_rng(0)  # the same start and the same images every time
    layers = [  # divided by the root, so that y is about as large as x
        [rng.standard_normal((n_in, n_out)) / np.sqrt(n_in), np.zeros(n_out)]
        for n_in, n_out in ((784, 32), (32, 32), (32, 10))
    ]
    losses, directions = [], []
    for _ in range(steps):
        pick = rng.integers(0, len(images), 100)
        x = images[pick] - 0.13  # the mean of all pixels
        first, saved_first = ops.linear_forward(x, *layers[0])
        middle, saved_middle = ops.linear_forward(first, *layers[1])
        y, saved_last = ops.linear_forward(middle, *layers[2])
        error = y - np.eye(10)[labels[pick]]
        losses.append((error**2).sum() / 100)

        dmiddle, *grads_last = ops.linear_backward(2 * error / 100, saved_last)
        dfirst, *grads_middle = middle_backward(dmiddle, saved_middle)
        _, *grads_first = ops.linear_backward(dfirst, saved_first)
        directions.append(cosine(dfirst, ops.linear_backward(dmiddle, saved_middle)[0]))
        grads = grads_first, grads_middle, grads_last
        for index in trained:
            layers[index][0] -= lr * grads[index][0]
            layers[index][1] -= lr * grads[index][1]

    y = new_images - 0.13
    for weight, bias in layers:
        y, _ = ops.linear_forward(y, weight, bias)
    return losses, directions, (y.argmax(1) == new_labels).mean()


runs = {
    "right": train(ops.linear_backward),
    "forgotten .T": train(forgetful_backward),
    "frozen": train(ops.linear_backward, trained=(1, 2)),
}
for name, (losses, _, accuracy) in runs.items():
    print(f"{name:12}  loss at the end {np.mean(losses[-50:]):.2f}   accuracy {accuracy:.1%}")
directions = runs["forgotten .T"][1]
early, late = np.mean(directions[:20]), np.mean(directions[-20:])
print(f"cosine of wrong and right gradient: {early:.2f} at the start, {late:.2f} at the end")
show_guess(my_guess, 100 * runs["forgotten .T"][2], "% of new images, with the forgotten .T")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
smooth = np.ones(20) / 20  # mean of 20 steps
for name, (losses, _, _) in runs.items():
    axes[0].plot(np.convolve(losses, smooth, "valid"), label=name)
axes[0].set(xlabel="step", ylabel="loss", ylim=(0, None))
axes[0].legend()
axes[1].plot(np.convolve(directions, smooth, "valid"), color="C1")
axes[1].set(xlabel="step", ylabel="cosine", ylim=(-0.2, 1), title="wrong against right gradient")
axes[1].axhline(0, color="black", linewidth=0.8)
show(figure, "Left: losses. Right: cosine of wrong and right gradient. Both: means of 20 steps.")

# %% [markdown]
# It learns, nearly as well as the right one. Its first layer really learns: the frozen one is far behind. (The curves
# begin at different heights because already their first point is a mean of 20 steps.)
#
# How can that be? Look at the picture on the right. At the start the wrong gradient has nothing in common with the
# right one (cosine 0). But the layers learn together. The first layer moves where the wrong gradient pulls, the others
# adapt to it, and after a while the wrong gradient points *partly* in the right direction.
#
# If this is the reason, then the wrong gradient must fail when the others are not allowed to adapt. We train the first
# layer alone:

# %%
for name, backward in (("right", ops.linear_backward), ("forgotten .T", forgetful_backward)):
    losses, _, _ = train(backward, trained=(0,), steps=50)
    start, end = losses[0], losses[-1]
    print(f"first layer alone, {name:12}  loss {start:.1f} at step 1, {end:,.1f} at step 50")

# %% [markdown]
# Now the loss explodes. Lillicrap and others described this adapting in 2016, with random numbers in the place of
# `weight.T` ("Random synaptic feedback weights support error backpropagation for deep learning", Nature Communications
# 7, 13276).
#
# What do we learn from it? **"The loss falls" does not prove that a gradient is right.** Somebody with this mistake
# would be pleased, and would look for the missing two percent in the wrong places. The test of one number finds it at
# once:

# %%
x, weight = rng.standard_normal((2, 4, 3)), rng.standard_normal((3, 3))
bias = rng.standard_normal(3)
y, saved = ops.linear_forward(x, weight, bias)
dy = 2 * (y - wanted)
turned_up = x.copy()
turned_up[0, 0, 0] += h
measured = (squared_loss(turned_up, weight) - squared_loss(x, weight)) / h
print(f"turn it up, and measure {measured:8.3f}")
print(f"right                   {ops.linear_backward(dy, saved)[0][0, 0, 0]:8.3f}")
print(f"forgotten .T            {forgetful_backward(dy, saved)[0][0, 0, 0]:8.3f}")

# %% [markdown]
# ## Hard, and optional: a small addition to a large layer
#
# Who fine-tunes a large model does not want the gradient of each large $W$ (and AdamW's two more arrays of its size). **LoRA**
# (Hu et al. 2021, arXiv:2106.09685) leaves $W$ as it is, and learns an addition $AB$ of two thin matrices:
#
# $$ y = x\,(W + A B) = x W + (x A) B , \qquad A \text{ is } (\text{in}, r), \quad B \text{ is } (r, \text{out}), \quad r \ll \text{in} . $$
#
# For a layer of 768 by 768 and $r = 4$ that is 6,144 numbers to learn in place of 589,824. Seen from $B$, this is a linear
# layer whose input is $xA$. Seen from $A$, it is one whose output is $xA$: what comes back to that?
#
# ### Exercise 2.3: the gradients of two thin matrices
#
# **Goal:** `dy` is `(..., out)`, `x` is `(..., in)`, `a` is `(in, r)`, `b` is `(r, out)`. Return `da` `(in, r)` and `db` `(r, out)`.
# No array of `in` by `out` is needed. ●●●, 10 minutes.


# %% exercise="2.3"
def lora_backward(dy, x, a, b):
    """(..., out), (..., in), (in, r), (r, out) -> da (in, r), db (r, out)."""
    ### BEGIN SOLUTION
    x_rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    da = x_rows.T @ (dy_rows @ b.T)
    db = (x_rows @ a).T @ dy_rows
    return da, db
    ### END SOLUTION


# %%
check.lora_backward(lora_backward)

# %% [markdown] hints="2.3"
# It is 2.2 twice. In $(xA)B$, the layer $B$ has the input $xA$. It passes $dy\,B^\top$ back to $xA$, and that is the output of the
# layer $A$, whose input is $x$.
# ---
# With all leading axes as one: `da = x.T @ (dy @ b.T)` and `db = (x @ a).T @ dy`. Mind the brackets: `x.T @ dy` would be
# the large array.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. Which? Compare what it returns with what it should.

# %%
broken = bug_hunt(2)
names = ("dx", "dweight", "dbias")
for rows in (1, 2, 8):
    x, dy = rng.standard_normal((rows, 3)), rng.standard_normal((rows, 4))
    right = ops.linear_backward(dy, ops.linear_forward(x, np.ones((3, 4)), np.zeros(4))[1])
    pairs = zip(names, broken(dy, (x, np.ones((3, 4)))), right, strict=True)
    print(f"{rows} tokens:", ", ".join(f"{n} {(a / b).mean():.3f} times" for n, a, b in pairs))

# %%
my_suspect = 6  # the number of the wrong line
check.suspect(2, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. In a ViT-B/16, one linear layer makes 3072 numbers of 768. `x` is `(8, 197, 768)`. Which shape has `dweight`, and
# how many learned numbers has the layer?**
#
# <details><summary>Answer</summary>
#
# `(768, 3072)`, the shape of `weight`, whatever the batch and the number of tokens. Learned are 768 · 3072 weights and
# 3072 biases, 2,362,368 numbers.
#
# </details>
#
# **2. You put every image into the batch twice, and the loss is the sum over the images. What happens to `dweight`, and
# what to the `dx` of one image?**
#
# <details><summary>Answer</summary>
#
# `dweight` doubles: twice as many rows pull. `dx` of one image stays as it is, because its row is used only once. (This
# is why a loss is usually divided by the number of images: then `dweight` does not grow with the batch.)
#
# </details>
#
# **3. Two linear layers follow each other, with nothing between them. Can they compute something that one layer
# cannot?**
#
# <details><summary>Answer</summary>
#
# No. With weights $V, W$ and biases $a, b$: $(x V + a) W + b = x (V W) + (a W + b)$, and this is one layer with weight
# $V W$ and bias $a W + b$. So the three layers of our experiment can do no more than one. A network needs something
# that is *not* linear between its linear layers. Lesson 6 is about that.
#
# </details>
#
# ## What you can now do
#
# - Say what a linear layer does to `(B, N, D)`, and how many learned numbers it has.
# - Say which shape a gradient must have, before you compute it.
# - Derive a backward with two rules: multiply along a road, add over the roads.
# - Explain why a falling loss does not prove that a gradient is right.
#
# Open [`tinyvit/ops/linear.py`](../tinyvit/ops/linear.py): the same forward and backward. It turns `x` into one list of
# rows in the forward already, because one large product is faster than many small ones.
#
# Go on with [lesson 3](03_gradient_checking.ipynb).
