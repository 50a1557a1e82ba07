# %% [markdown]
# # Lesson 4: Softmax and cross-entropy
#
# *About 90 minutes. It opens [`tinyvit/ops/softmax.py`](../tinyvit/ops/softmax.py) and
# [`tinyvit/ops/cross_entropy.py`](../tinyvit/ops/cross_entropy.py).*
#
# A model that looks at a digit ends with ten numbers, one for each class (here: each digit). They are called **logits**.
# They can be anything: 3.1, -0.4, 250. Two questions are open:
#
# - How do ten scores become ten probabilities? **Softmax** does it.
# - How bad is the answer? **Cross-entropy** says it, with one number: the loss.
#
# Each of them has a trap for computers (numbers that are too large), and a derivative that takes some care. Put
# together, most of it goes away, and the gradient is so simple that it looks like a mistake.

# %%
import matplotlib.pyplot as plt
import numpy as np

from tinyvit import check_gradients, ops
from tinyvit.course import bug_hunt, check, show, show_guess
from tinyvit.ops import Op

rng = np.random.default_rng(4)
logits, label = np.array([[1.0, 2.5, -1.0, 3.0, 0.5]]), np.array([1])
loss, saved = ops.cross_entropy_forward(logits, labels=label)
pull = -ops.cross_entropy_backward(1.0, saved)

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained")
panels = (
    ("the logits", logits[0]),
    ("the probabilities", saved.probs[0]),
    ("where the loss pulls the logits", pull[0]),
)
for ax, (title, values) in zip(axes, panels, strict=True):
    ax.bar(range(5), values, color=["C1" if i == label[0] else "C0" for i in range(5)])
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(title=title, xlabel="class", xticks=range(5))
show(figure, "Class 1 (orange) is right, but 3 has more. The loss pulls 1 up, all others down.")

# %% [markdown]
# ## Softmax
#
# One row $x$ has $N$ scores. We want $N$ shares that are positive and add up to 1:
#
# $$ y_i = \frac{e^{x_i}}{\sum_j e^{x_j}} . $$
#
# - $e^x$ makes every score positive, and keeps the order: a larger score gives a larger share.
# - The division makes the shares add up to 1.
#
# **Only differences count.** Add the same number $c$ to all scores of the row. Then
#
# $$ \frac{e^{x_i + c}}{\sum_j e^{x_j + c}} = \frac{e^c \, e^{x_i}}{e^c \sum_j e^{x_j}} = y_i . $$
#
# Nothing changes. This is more than a nice fact: it saves us. Look at what a computer says about $e^{1000}$:

# %%
with np.errstate(over="ignore", invalid="ignore"):
    row = np.array([1000.0, 999.0, 998.0])
    print("exp:               ", np.exp(row))
    print("exp / sum of exp:  ", np.exp(row) / np.exp(row).sum())
    print("largest taken off: ", np.exp(row - 1000) / np.exp(row - 1000).sum())

# %% [markdown]
# `inf / inf` is `nan`, "not a number", and from there on every number of the model becomes `nan`. So we first subtract
# the row's largest score from all its scores. Then the largest is 0, and no $e^x$ is larger than 1.
#
# ### Exercise 4.1: softmax
#
# **Goal:** softmax over the last axis, also for scores of 1000. `x` is `(..., N)`, `y` is `(..., N)`. Return
# `y, (y,)`: the result, and what the backward will need. It needs the result only. ●○○, 5 minutes.


# %% exercise="4.1"
def softmax_forward(x):
    """(..., N) -> y (..., N), and saved: y."""
    ### BEGIN SOLUTION
    y = np.exp(x - x.max(-1, keepdims=True))
    y = y / y.sum(-1, keepdims=True)
    return y, (y,)
    ### END SOLUTION


# %%
check.softmax_forward(softmax_forward)

# %% [markdown] hints="4.1"
# Every row has its own maximum and its own sum. Both run over the last axis, and `keepdims=True` keeps it as an axis of
# length 1, so that NumPy can stretch it over the row.
# ---
# `y = np.exp(x - x.max(-1, keepdims=True))`, then `y = y / y.sum(-1, keepdims=True)`.

# %% [markdown]
# ## Softmax, backward
#
# We are given $dy$. How does $y_j$ depend on $x_i$? Write $e_j = e^{x_j}$ and $S = \sum_j e_j$, so $y_j = e_j / S$.
#
# **Step 1.** Turn $x_i$ up a little. $e_j$ changes only for $j = i$, and by $e_i$ (the slope of $e^x$ is $e^x$). $S$
# changes by $e_i$ too. We write $[i = j]$ for 1 if $i = j$, and 0 if not.
#
# **Step 2.** The rule for a quotient, $(u / v)' = u'/v - u v'/v^2$:
#
# $$
# \frac{\partial y_j}{\partial x_i} = \frac{[i = j]\, e_j}{S} - \frac{e_j \, e_i}{S^2} = y_j \big( [i = j] - y_i \big) .
# $$
#
# So every score moves **every** share: its own up, all others down.
#
# **Step 3.** Add up what each $y_j$ passes back:
#
# $$
# dx_i = \sum_j dy_j \, y_j \big( [i = j] - y_i \big) = y_i \Big( dy_i - \sum_j dy_j \, y_j \Big) .
# $$
#
# The sum is an **average** of $dy$, weighted with the shares. Read it aloud: *turning up a score makes the loss grow if
# its share costs more than the average share.*
#
# ### Exercise 4.2: softmax, backward
#
# **Goal:** `dy` is `(..., N)`, `saved` is what 4.1 returned. Return `dx` `(..., N)`. ●●○, 5 minutes.


# %% exercise="4.2"
def softmax_backward(dy, saved):
    """(..., N) -> dx (..., N)."""
    (y,) = saved
    ### BEGIN SOLUTION
    average = (dy * y).sum(-1, keepdims=True)
    return y * (dy - average)
    ### END SOLUTION


# %%
check.softmax_backward(softmax_backward)

# %% [markdown] hints="4.2"
# No loop and no N x N table is needed. First the weighted average of `dy`, one number for each row (`keepdims=True`).
# Then one line.
# ---
# `average = (dy * y).sum(-1, keepdims=True)`, then `dx = y * (dy - average)`.

# %% [markdown]
# ## Cross-entropy: how surprised are you?
#
# (You are half way: a good place for a break.)
#
# The model gives the right class the probability $p$. The loss of this image is its **surprise**:
#
# $$ \text{loss} = -\log p \qquad \text{(the natural logarithm, often written ln at school).} $$

# %%
for p in (1.0, 0.9, 0.5, 0.1, 0.001):
    print(f"p = {p:<6}  surprise {abs(np.log(p)):.2f}")

# %% [markdown]
# A model that is sure and right pays nearly nothing. One that is sure and wrong pays a lot. The loss of a batch is the
# mean over its $B$ images.
#
# A good number to know: a model that knows nothing gives each of 10 classes $p = 0.1$, and its loss is
# $\log 10 \approx 2.30$. If a fresh model starts far above that, something is wrong.
#
# **Again a trap.** When the right logit is far below the others, its $p$ is rounded to 0, and $\log 0 = -\infty$. So
# we do not compute $p$ first. We take the logarithm *in one piece*. With $x$ for the logits, and $k$ for the right class:
#
# $$
# \log p_k = \log \frac{e^{x_k}}{\sum_j e^{x_j}} = x_k - \log \sum_j e^{x_j} .
# $$
#
# The last term is called **log-sum-exp**. Here too we take off the maximum $m$ of the row, as in softmax:
#
# $$
# \log p_k = (x_k - m) - \log \sum_j e^{x_j - m} .
# $$
#
# One term of the sum is $e^0 = 1$, so the logarithm never sees a 0.

# %%
row = np.array([0.0, -800.0])  # the second class is right
p = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
print("p:", p)
with np.errstate(divide="ignore"):
    print("surprise, softmax first and then log:", -np.log(p[1]))
z = row - row.max()
print("surprise, in one piece:              ", -(z[1] - np.log(np.exp(z).sum())))

# %% [markdown]
# ### Exercise 4.3: cross-entropy
#
# **Goal:** the mean surprise of a batch. `logits` is `(B, K)`, `labels` is `(B,)`, the number of the right class of
# each image. Return `loss, (probs, labels)`: one number, and for the backward the probabilities `(B, K)` and the
# labels. ●●○, 10 minutes.


# %% exercise="4.3"
def cross_entropy_forward(logits, labels):
    """(B, K), (B,) integers -> loss, one number, and saved: probs (B, K), labels (B,)."""
    ### BEGIN SOLUTION
    shifted = logits - logits.max(1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    loss = -log_probs[np.arange(len(labels)), labels].mean()
    return loss, (np.exp(log_probs), labels)
    ### END SOLUTION


# %%
check.cross_entropy_forward(cross_entropy_forward)

# %% [markdown] hints="4.3"
# First all `log_probs`, `(B, K)`, by the formula in one piece: `shifted` is the logits minus the maximum of their row,
# and the logarithm of the sum is taken off that. Then pick one number in each row.
# ---
# Picking: `log_probs[rows, columns]` with two lists of length `B` picks `B` numbers, one at each pair. With
# `log_probs = [[-1, -2, -3], [-4, -5, -6]]` and `labels = [2, 0]`, `log_probs[[0, 1], [2, 0]]` is `[-3, -4]`. The
# columns are the labels, and the rows are 0, 1, 2, ...: `np.arange(B)`.
# ---
# `shifted = logits - logits.max(1, keepdims=True)`,
# `log_probs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))`,
# and the loss is `-log_probs[np.arange(len(labels)), labels].mean()`. The probabilities are `np.exp(log_probs)`.

# %% [markdown]
# ## The backward: everything goes away
#
# We could go back step by step: first through $-\log p$, whose slope is $-1/p$, and then through softmax with 4.2. But
# look at the loss of one image, in one piece:
#
# $$ \text{loss} = -x_k + \log \sum_j e^{x_j} . $$
#
# **Step 1.** The slope of $-x_k$ with respect to $x_i$ is $-1$ for $i = k$, and 0 for every other: $-[i = k]$.
#
# **Step 2.** Write $S = \sum_j e^{x_j}$. The slope of $\log S$ with respect to $S$ is $1/S$, and that of $S$ with
# respect to $x_i$ is $e^{x_i}$. Together: $e^{x_i} / S$. We know this number: it is the softmax, $p_i$.
#
# **Step 3.** Add:
#
# $$ \frac{\partial\, \text{loss}}{\partial x_i} = p_i - [i = k] . $$
#
# That is all. **What the model said, minus the truth**, $p - t$. (The truth $t$ is a row: 1 for the right class and 0 for
# all others. Many books call it $y$.) For a batch, the mean divides by $B$.
#
# It is not only shorter. Let the right logit be far below the other, and go back both ways:

# %%
print("right logit     step by step         p - truth")
for x in (-1.0, -10.0, -100.0, -800.0):
    logits, labels = np.array([[x, 0.0]]), np.array([0])
    probs, softmax_saved = ops.softmax_forward(logits)
    with np.errstate(divide="ignore", invalid="ignore"):
        dprobs = np.array([[-1 / probs[0, 0], 0.0]])
        by_steps = ops.softmax_backward(dprobs, softmax_saved)[0, 0]
    _, saved = ops.cross_entropy_forward(logits, labels=labels)
    in_one = ops.cross_entropy_backward(1.0, saved)[0, 0]
    print(f"{x:11}   {by_steps:14.6f}    {in_one:14.6f}")

# %% [markdown]
# Step by step, an infinite slope meets a share of 0, and the result is `nan`. In one piece, the gradient is $-1$, as it
# should be. And for one image no number of the gradient is ever larger than 1, or smaller than $-1$, whatever the loss
# is: so it is with every $p_i - [i = k]$.
#
# ### Exercise 4.4: cross-entropy, backward
#
# **Goal:** `dloss` is one number (how much the loss itself counts; usually 1), `saved` is what 4.3 returned. Return
# `dlogits` `(B, K)`. Do not change `probs` in place. ●●○, 5 minutes.


# %% exercise="4.4"
def cross_entropy_backward(dloss, saved):
    """One number -> dlogits (B, K)."""
    probs, labels = saved
    ### BEGIN SOLUTION
    dlogits = probs.copy()
    dlogits[np.arange(len(labels)), labels] -= 1
    return dlogits * dloss / len(labels)
    ### END SOLUTION


# %%
check.cross_entropy_backward(cross_entropy_backward)

# %% [markdown] hints="4.4"
# Start with a copy of `probs`. In each row, one number needs a 1 taken off: the one of the right class. The forward
# picked the same places, with `np.arange(B)` for the rows. Then think of `dloss`, and of the mean over the batch.
# ---
# `dlogits = probs.copy()`, `dlogits[np.arange(len(labels)), labels] -= 1`, and at last times `dloss`, divided by `B`.

# %% [markdown]
# ## Is it right?
#
# The judge of lesson 3 looks at both. And it looks at a softmax backward that takes the plain mean of $dy$, where the
# average weighted with the shares should be. Below that: what a check with a gradient of ones would see.

# %%
scores = {"x": rng.standard_normal((3, 5))}
print("softmax:", check_gradients(ops.OPS["softmax"], scores, rng=rng))
batch = {"logits": rng.standard_normal((3, 5))}
options = {"labels": rng.integers(0, 5, 3)}
print("cross-entropy:", check_gradients(ops.OPS["cross_entropy"], batch, options=options, rng=rng))


def plain_mean_backward(dy, saved):
    return saved.y * (dy - dy.mean(-1, keepdims=True))  # the library's saved has names


broken = Op(ops.softmax_forward, plain_mean_backward)
print("broken softmax:", check_gradients(broken, scores, rng=rng))

y, saved = ops.softmax_forward(scores["x"])
for backward in (ops.softmax_backward, plain_mean_backward):
    largest = np.abs(backward(np.ones_like(y), saved)).max()
    print(f"under ones, {backward.__name__} reaches {largest:.0e}")

# %% [markdown]
# Under ones, right and broken are both 0 (up to rounding): shares add up to 1, and no score can change that.
#
# ## An experiment: the more wrong, the less it learns
#
# Why this odd loss? There is a simpler one. Take the squared distance between the probabilities and the truth:
#
# $$ \tfrac12 \sum_i (p_i - t_i)^2 . $$
#
# It is nearly 0 when the model is right and sure, and large when it is wrong. What more could we want? Take two classes:
# the right one has the logit $x$, the other one has 0. At $x = -10$ the model is very sure, and wrong. Guess before you
# run the cell: at which $x$, from -12 to 6, does the squared distance pull the hardest?

# %%
my_guess = -12  # the logit at which the squared distance pulls hardest


# %%
def pulls(x):
    """Minus the gradient of the right logit x: of cross-entropy, and of the squared distance."""
    logits = np.stack([x, np.zeros_like(x)], axis=1)
    truth = np.array([1.0, 0.0])
    probs, saved = ops.softmax_forward(logits)
    squared = ops.softmax_backward(probs - truth, saved)  # d distance / d probs is probs - truth
    return (truth - probs)[:, 0], -squared[:, 0]


x = np.linspace(-12, 6, 200)
entropy, squared = pulls(x)
for place in (-12.0, -8.0, 0.0):
    one, other = pulls(np.array([place]))
    print(f"pull at {place:5}: cross-entropy {one[0]:.4f}, squared distance {other[0]:.6f}")
print(f"the squared distance pulls hardest at {x[squared.argmax()]:.1f}")
show_guess(my_guess, x[squared.argmax()], "the squared distance pulls hardest at")

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 3.2))
ax.plot(x, entropy, label="cross-entropy")
ax.plot(x, squared, label="squared distance")
ax.set(xlabel="logit of the right class (the other one is 0)", ylabel="pull on that logit")
ax.text(-11.8, 0.52, "sure, and wrong")
ax.text(3.0, 0.52, "sure, and right")
ax.legend(loc="upper right")
show(figure, "How hard each loss pulls the right logit up. One lets go where it is most wrong.")

# %% [markdown]
# Cross-entropy pulls harder, the more wrong the model is. The squared distance pulls hardest near 0, where the model
# can hardly decide, and a model that is very sure and very wrong feels **almost nothing**. Why? The gradient of the
# distance goes back through softmax, is multiplied by the tiny share, and is gone. Cross-entropy has $-1/p$ in front,
# which is huge exactly where $p$ is tiny; the huge and the tiny number cancel, and $p - t$ is left.
#
# Does it matter? Start at $x = -8$ and take 100 steps downhill on both.

# %%
paths = {"cross-entropy": [-8.0], "squared distance": [-8.0]}
for which, path in enumerate(paths.values()):
    for _ in range(100):
        path.append(path[-1] + 0.5 * pulls(np.array(path[-1:]))[which][0])
shares = {name: 1 / (1 + np.exp(-np.array(path))) for name, path in paths.items()}
for name, share in shares.items():
    print(f"{name:17} after 100 steps: x = {paths[name][-1]:6.2f}, right class {share[-1]:.4f}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 2.8))
for name, share in shares.items():
    ax.plot(share, label=name)
ax.set(xlabel="step", ylabel="probability of the right class")
ax.legend()
show(figure, "The same start and step size. One loss gets out of its mistake, the other stays.")

# %% [markdown]
# ## Hard, and optional: shares that may be 0
#
# Softmax gives everybody something: $e^x$ is never 0. **Sparsemax** (Martins & Astudillo 2016, arXiv:1602.02068) asks another
# question: of all rows of shares (none below 0, sum 1), which one is *nearest* to the scores? The answer takes the
# same amount $\tau$ off all scores, and cuts what falls below 0:
#
# $$ p_i = \max(z_i - \tau, 0) , \qquad \tau \text{ such that } \sum_i p_i = 1 . $$
#
# Say that $k$ scores stay above 0. They are the $k$ largest, $u_1 \ge u_2 \ge \dots \ge u_k$, and from
# $\sum_{j \le k} (u_j - \tau) = 1$ follows $\tau = \big(\sum_{j \le k} u_j - 1\big) / k$. And which $k$? The $k$-th must itself stay
# above 0, $u_k > \tau$, which is $1 + k\,u_k > \sum_{j \le k} u_j$. That holds for the first few $k$, and then never again: count them.
#
# ### Exercise 4.5: sparsemax
#
# **Goal:** `scores` is `(..., K)`. Return the shares of each row, `(..., K)`. ●●●, 15 minutes.


# %% exercise="4.5"
def sparsemax(scores):
    """(..., K) -> shares (..., K)."""
    ### BEGIN SOLUTION
    u = np.sort(scores, axis=-1)[..., ::-1]
    sums = u.cumsum(-1)
    k = np.arange(1, scores.shape[-1] + 1)
    count = (1 + k * u > sums).sum(-1, keepdims=True)
    tau = (np.take_along_axis(sums, count - 1, -1) - 1) / count
    return np.maximum(scores - tau, 0)
    ### END SOLUTION


# %%
check.sparsemax(sparsemax)

# %% [markdown] hints="4.5"
# Sort each row, the largest first; `cumsum(-1)` has the sums of the first 1, 2, ..., K. Count in how many places
# `1 + k * u > sums`, with `k = 1, 2, ..., K`.
# ---
# `count` is `(..., 1)`. The sum of the first `count` is `np.take_along_axis(sums, count - 1, -1)`; less 1, over `count`, it is
# $\tau$.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. A batch of ordinary rows comes out right to the last
# digit. So does each row below, alone. Why not both together?

# %%
broken = bug_hunt(4)
ordinary = rng.standard_normal((2, 5))
batches = {
    "two ordinary rows": ordinary,
    "a row of small scores": ordinary[:1] - 2000,
    "a row of large scores": ordinary[:1],
    "both": np.concatenate([ordinary[:1] - 2000, ordinary[:1]]),
}
for name, logits in batches.items():
    labels = np.zeros(len(logits), int)
    right = ops.cross_entropy_forward(logits, labels=labels)[0]
    with np.errstate(all="ignore"):
        print(f"{name:22} right {right:.6f}, broken {broken(logits, labels)[0]:.6f}")

# %%
my_suspect = 2  # the number of the wrong line
check.suspect(4, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. ImageNet has 1,000 classes. What loss do you expect from a model that knows nothing?**
#
# <details><summary>Answer</summary>
#
# $\log 1000 \approx 6.9$: every class has $p = 1/1000$.
#
# </details>
#
# **2. What do the numbers in one row of `dlogits` add up to, and why?**
#
# <details><summary>Answer</summary>
#
# To 0: the probabilities add up to 1, and so does the truth. It must be so: adding the same number to all logits
# changes nothing, so the loss cannot ask for it.
#
# </details>
#
# **3. All logits are multiplied by 10. Does the model choose another class? What happens to its probabilities?**
#
# <details><summary>Answer</summary>
#
# The largest logit stays the largest, so the choice is the same. But the model becomes much more sure: logits of 0 and
# 1 give 27 % and 73 %, logits of 0 and 10 give 0.005 % and 99.995 %. If it is wrong, its loss is now much larger.
#
# </details>
#
# ## What you can now do
#
# - Turn scores into probabilities, at any size of the scores.
# - Say what a loss of 2.30 means for ten classes.
# - Derive $p - t$ in three steps, and say why it is better than going back step by step.
# - Explain why we do not train a classifier on squared distances of probabilities.
#
# Open [`tinyvit/ops/softmax.py`](../tinyvit/ops/softmax.py): it takes the maximum off only where a score is large
# enough to be a danger, because looking for it in every row takes time. And
# [`tinyvit/ops/cross_entropy.py`](../tinyvit/ops/cross_entropy.py): its labels are given by name (`labels=labels`), and
# they can be probabilities too, so the truth may be soft, such as 90 % this class and a little of every other.
#
# Go on with [lesson 5](05_layer_norm.ipynb).
