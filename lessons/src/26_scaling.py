# %% [markdown]
# # Lesson 26: Scaling: loss against width, data and compute
#
# *About 110 minutes. It opens [`tinyvit/course/scaling.py`](../tinyvit/course/scaling.py), the runs of this lesson, and
# once more [`tinyvit/config/costs.py`](../tinyvit/config/costs.py).*
#
# You have one computer and one evening. **How wide a model, how many images, how many steps?** Whoever trains for
# months on thousands of GPUs asks the same, and cannot try. So they train many small models, look for a rule, and
# read off it what the large one will do. Such a rule is called a **scaling law**. Here you do the same, at the size
# of a toy: 159 tiny ViTs on MNIST, about a second each, made ready for you. One dot is one training.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import VisionTransformer, check_gradients, ops
from tinyvit.course import bug_hunt, check, replace_failing, scaling, show, show_guess
from tinyvit.optim import AdamW

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several

runs = scaling.runs()
width, images, seen, seed, loss = map(np.array, zip(*runs, strict=True))
WIDTHS = np.array(scaling.WIDTHS)
params = {w: VisionTransformer(scaling.config(w)).num_parameters() for w in scaling.WIDTHS}
size = np.array([params[w] for w in width])  # parameters of each run's model
flops = np.array([scaling.work(w) for w in width]) * seen  # work of each run
fresh = images == seen  # each image was seen once
same_images = fresh & (images == scaling.STEPS * scaling.BATCH)  # 8,192 of them


# %% drawing=true
def in_parameters(ax):
    """Label an axis of parameters by a few round numbers."""
    ax.set_xticks([2e3, 1e4, 5e4], ["2,000", "10,000", "50,000"])
    ax.set_xlabel("parameters N")
    ax.minorticks_off()


COLOURS = dict(zip(scaling.WIDTHS, plt.cm.viridis(np.linspace(0, 0.95, len(WIDTHS))), strict=True))
figure, axes = plt.subplots(1, 3, figsize=(8.8, 2.9), sharey=True, layout="constrained")
for ax, chosen, x, what in (
    (axes[0], same_images, size, ""),
    (axes[1], fresh, images, "images D, each seen once"),
    (axes[2], fresh, flops, "compute C, FLOPs"),
):
    for w in scaling.WIDTHS:
        here = chosen & (width == w)
        ax.loglog(x[here], loss[here], ".", color=COLOURS[w], label=f"width {w}")
    ax.set_xlabel(what, fontsize=9)
    ax.set_yticks([0.2, 0.3, 0.5, 1.0, 2.0], ["0.2", "0.3", "0.5", "1", "2"])
    ax.minorticks_off()
in_parameters(axes[0])
axes[0].set_xlabel("parameters N, all with 8,192 images", fontsize=9)
axes[0].set_ylabel("loss on the dev split, nats")
axes[0].legend(fontsize=7)
show(
    figure,
    "All runs that saw each image once. Both axes are logarithmic. Left: loss against size. Middle: against images. "
    "Right: against work.",
)

# %% [markdown]
# Each model has two blocks of two heads and patches of 14 × 14 pixels, so there are four patches and a class token:
# five tokens. It is trained by AdamW with batches of 32; the learning rate warms up and comes down to 0 at the end of
# **this** run, however long it is. The loss is the mean cross-entropy on the 5,000 images of the dev split, in
# **nats** (a logarithm to base $e$, as always here). Each dot was made three times, with three seeds. In a terminal,
# `python -m tinyvit.course.scaling` makes the whole table again, in a few minutes of one core. Here is one of its rows,
# made now:

# %%
model = scaling.train(width=16, images=2048, seen=2048, seed=0)
made_ready = loss[fresh & (width == 16) & (images == 2048) & (seed == 0)][0]
print(f"loss {scaling.dev_loss(model):.4f}, in the table {made_ready:.4f}")

# %% [markdown]
# (They may differ a little: other processors round otherwise.)
#
# ## Letters
#
# Papers on scaling have letters of their own. In this lesson we take theirs:
#
# | Here | | Elsewhere in the course |
# |---|---|---|
# | $N$ | parameters of a model | $N$ is the number of tokens |
# | $D$ | images seen in training (in papers: tokens of text) | $D$ is `embed_dim` |
# | $C$ | compute: FLOPs of the whole training | |
# | $L$ | loss on images that were not trained on | $L$ is the number of patches |
# | $w$ | width, `embed_dim` | $D$ |
# | $T$ | tokens of an image, 5 here | $N$ |
#
# ## What costs what
#
# In lesson 10 you counted everything. For scaling, one counts what grows fastest. A block has these matrices:
# queries, keys and values $3 w^2$, behind the heads $w^2$, and the MLP, with a hidden layer of $4w$, $4w^2$ in and
# $4w^2$ out. Together $12 w^2$, so with a given `depth`
#
# $$ N \approx 12 \, w^2 \cdot \text{depth} . $$
#
# And the work? Forward, **each weight is used once for each token**: one multiplication and one addition, 2 FLOPs. So
# an image takes $2 N T$. Backward, a linear layer has *two* products of that size (lesson 2): $dx = dy \, W^T$ and
# $dW = x^T dy$. That is $4 N T$. So a training step takes, for each image,
#
# $$ 2 N T + 4 N T = 6 N T . $$
#
# This "six" stands in all papers on scaling. It leaves out the products between tokens, in which no weight takes part:
# queries with keys, and attention weights with values. Over all heads, each of the two has $T^2 w$ multiplications with
# an addition, $2 T^2 w$ FLOPs. Both are products of two things that need a gradient, so again the backward costs twice
# the forward.
#
# ### Exercise 26.1: cost of a training step
#
# **Goal:** three whole numbers: `width` is $w$, `depth` the number of blocks, `num_tokens` $T$. Return two whole
# numbers: `weights`, $N$ by the rule above, and `flops`, the FLOPs of a training step for one image, of these weights
# **and** of the products between tokens. ●○○, 8 minutes.


# %% exercise="26.1"
def training_cost(width, depth, num_tokens):
    """Three whole numbers -> two whole numbers."""
    ### BEGIN SOLUTION
    weights = 12 * depth * width**2
    between = 2 * 2 * depth * num_tokens**2 * width
    forward = 2 * weights * num_tokens + between
    return weights, 3 * forward
    ### END SOLUTION


# %%
check.training_cost(training_cost)

# %% [markdown] hints="26.1"
# First the forward: $2NT$ for the weights, and two products of $2T^2w$ in each block. Then
# times three: once forward, twice as much backward.
# ---
# `weights = 12 * depth * width**2`, and the FLOPs are
# `3 * (2 * weights * num_tokens + 4 * depth * num_tokens**2 * width)`.

# %%
ours, _ = replace_failing({"26.1": training_cost})
print("width   12 w² depth   parameters   share | 6 N T and attention   counted   share")
for w in scaling.WIDTHS:
    weights, work = ours["26.1"](w, 2, 5)
    print(
        f"{w:>5} {weights:>13,} {params[w]:>12,} {weights / params[w]:>7.0%} |"
        f" {work:>19,} {scaling.work(w):>9,} {work / scaling.work(w):>7.0%}"
    )
weights, _ = ours["26.1"](768, 12, 197)
print(f"ViT-B/16: {weights:,} of 86,567,656, {weights / 86_567_656:.0%}")

# %% [markdown]
# For ViT-B/16 the rule has 98 % of all parameters, for width 48 it has 83 %, **and for width 4 it has
# 28 %**: most of the rest is in the patch embedding, $196\,w$, which grows with $w$ and not with $w^2$. So when you
# read $N$ in a paper, ask what was counted. Kaplan et al. (2020, arXiv:2001.08361) left the embeddings out, Hoffmann
# et al. (2022, arXiv:2203.15556) came to another law, and Pearce and Song (2024, arXiv:2406.12907) find that much of
# the difference comes from this count, made with small models. From here on, our $N$ are **all** parameters, and our
# $C$ is the counted work, no rule of thumb.
#
# ### FLOPs are not seconds
#
# The count says: a step of width 48 has 58 times the FLOPs of a step of width 4. How many times as long does it take?

# %%
my_guess = 58  # times as long: a step of width 48 against one of width 4


# %%
def step_of(width):
    """A function that makes one training step of 32 images."""
    model = VisionTransformer(scaling.config(width), rng=np.random.default_rng(0))
    optimizer, rng = AdamW(model.parameters()), np.random.default_rng(0)
    pixels = rng.standard_normal((32, 1, 28, 28)).astype(np.float32)
    labels = rng.integers(0, 10, 32)

    def step():
        logits, saved = model.forward(pixels)
        _, loss_saved = ops.cross_entropy_forward(logits, labels=labels)
        _, grads = model.backward(ops.cross_entropy_backward(1.0, loss_saved), saved)
        optimizer.step(grads, lr=1e-3)

    return step


steps = {w: step_of(w) for w in scaling.WIDTHS}
seconds = dict.fromkeys(scaling.WIDTHS, np.inf)  # the fewest of 80 tries, which take turns
for _ in range(80):
    for w, step in steps.items():
        start = time.perf_counter()
        step()
        seconds[w] = min(seconds[w], time.perf_counter() - start)
for w, one in seconds.items():
    print(
        f"width {w:>2}: {1000 * one:5.2f} ms a step, {32 * scaling.work(w) / one / 1e9:6.2f} GFLOP/s"
    )
show_guess(my_guess, seconds[48] / seconds[4], "times as long")

# %% [markdown]
# When this was written it took about **twice** as long, and not 58 times. Small matrices keep the
# processor waiting: most of the time of a narrow step goes into calling many small functions, whose cost hardly
# depends on the width (lesson 14, `overhead`). The papers' models are so large that FLOPs and seconds go together.
# Ours are not, and we come back to it.
#
# ## A straight line on logarithmic axes
#
# Suppose that **twice the size takes the loss times the same factor**, wherever you begin. That is a **power law**:
#
# $$ L = A \, N^{-\alpha}, \qquad \text{so} \qquad \ln L = \ln A - \alpha \ln N . $$
#
# With $x = \ln N$ and $y = \ln L$ this is a straight line $y = m x + c$, of slope $m = -\alpha$. (That is what
# logarithmic axes are for: they draw $\ln N$ and $\ln L$.) Which line is best? **Least squares** takes the one with
# the smallest
#
# $$ S(m, c) = \sum_i (m x_i + c - y_i)^2 . $$
#
# At the smallest $S$, both derivatives are 0. First the one by $c$:
#
# $$ \frac{\partial S}{\partial c} = \sum_i 2 (m x_i + c - y_i) = 0 \quad \Rightarrow \quad
# m \sum_i x_i + n c = \sum_i y_i \quad \Rightarrow \quad c = \bar y - m \bar x , $$
#
# with $n$ points and the means $\bar x$, $\bar y$. So the best line goes through the point of the means. Put this $c$
# in, and write $\tilde x_i = x_i - \bar x$, $\tilde y_i = y_i - \bar y$:
#
# $$ S = \sum_i (m \tilde x_i - \tilde y_i)^2, \qquad
# \frac{\partial S}{\partial m} = \sum_i 2 \, \tilde x_i (m \tilde x_i - \tilde y_i) = 0 \quad \Rightarrow \quad
# m = \frac{\sum_i \tilde x_i \tilde y_i}{\sum_i \tilde x_i^2} . $$
#
# ### Exercise 26.2: the least-squares line
#
# **Goal:** `x` and `y` are `(n,)`. Return the slope $m$ and the intercept $c$, by these formulas (without
# `np.polyfit`). ●●○, 8 minutes.


# %% exercise="26.2"
def straight_line(x, y):
    """(n,), (n,) -> slope, intercept."""
    ### BEGIN SOLUTION
    dx, dy = x - x.mean(), y - y.mean()
    slope = (dx * dy).sum() / (dx**2).sum()
    return slope, y.mean() - slope * x.mean()
    ### END SOLUTION


# %%
check.straight_line(straight_line)

# %% [markdown] hints="26.2"
# Begin with `dx = x - x.mean()` and `dy = y - y.mean()`.
# ---
# `slope = (dx * dy).sum() / (dx**2).sum()`, and the intercept is `y.mean() - slope * x.mean()`.

# %% [markdown]
# ### How straight is straight?
#
# The usual measure is $R^2$: the share of the squares of $y$ (about its mean) that the line takes away,
#
# $$ R^2 = 1 - \frac{\sum_i (m x_i + c - y_i)^2}{\sum_i \tilde y_i^2} . $$
#
# 1 is perfect, 0 is no better than a constant. Now take three curves that are **no** power laws: a logarithm,
# $4 - \ln x$, which even becomes negative; a power law with a floor, $0.3 + 1/x$; and $e^{-3 \sqrt[4]{x}}$, which in
# the end falls faster than any power. Take eight points over one decade, from 1 to 10, on logarithmic axes, and fit a
# straight line. What is the **smallest** of the three $R^2$?

# %%
my_guess = 0.7  # the smallest of the three R²

# %%
ours, _ = replace_failing({"26.1": training_cost, "26.2": straight_line})


def r_squared(log_x, log_y):
    """(n,), (n,) -> R² of the least-squares line."""
    slope, intercept = ours["26.2"](log_x, log_y)
    off = slope * log_x + intercept - log_y
    return 1 - (off**2).sum() / ((log_y - log_y.mean()) ** 2).sum()


CURVES = {
    "4 - ln x": lambda x: 4 - np.log(x),
    "0.3 + 1/x": lambda x: 0.3 + 1 / x,
    "exp(-3 x^(1/4))": lambda x: np.exp(-3 * x**0.25),
}
points = np.geomspace(1, 10, 8)
straight = {}
for name, curve in CURVES.items():
    x, y = np.log(points), np.log(curve(points))
    slope, intercept = ours["26.2"](x, y)
    straight[name] = r_squared(x, y)
    told = np.exp(slope * np.log(1000) + intercept)
    print(
        f"{name:<16} R² {straight[name]:.3f}; at x = 1000 the line says {told:.2g}, it is {curve(1000):.2g}"
    )
show_guess(my_guess, min(straight.values()), "the smallest R²")

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.3), layout="constrained")
wide = np.geomspace(1, 1000, 60)
for ax, (name, curve) in zip(axes, CURVES.items(), strict=True):
    slope, intercept = ours["26.2"](np.log(points), np.log(curve(points)))
    true = curve(wide)
    ax.loglog(wide[true > 0], true[true > 0], color="0.7")
    ax.loglog(wide, np.exp(slope * np.log(wide) + intercept), "--", color="C3", linewidth=1)
    ax.loglog(points, curve(points), "o", color="C0", markersize=4)
    ax.set_title(f"{name}, R² = {straight[name]:.3f}", fontsize=9)
    ax.set_xlabel("x")
show(
    figure,
    "Dots: what was fitted, one decade. Dashed: the line. Grey: how the curve goes on, two decades further.",
)

# %% [markdown]
# **Nearly any smooth curve is a straight line on logarithmic axes, over one decade.** An $R^2$ of 0.98
# says nothing about a law; what the line says two decades further is wrong by a factor of nine, of a thousand, or has
# not even the right sign. So "a power law, $R^2 = 0.98$" is no finding, before somebody has
#
# 1. asked whether another form fits as well,
# 2. left out the largest model, predicted it, and compared.
#
# Both we do now.
#
# ## With a floor
#
# A loss cannot fall for ever. Some digits are unreadable, and with 8,192 images the best model in the world makes
# mistakes. So write
#
# $$ L = E + A \, N^{-\alpha} , $$
#
# where $E$ is the **floor**, what is left when the model is as large as you like. (Zhai et al. 2022, "Scaling Vision
# Transformers", arXiv:2106.04560, needed such a floor for their ViTs, and one more constant at the other end, as the
# smallest models are no worse than guessing. In Hoffmann's paper $E$ is called the irreducible loss.) Now $\ln L$ is
# no line, but $\ln(L - E)$ is: $\ln (L - E) = \ln A - \alpha \ln N$. If we knew $E$, we had the line of 26.2. We do
# not, so we **search**: try many, and take the best.
#
# Best by which measure? A trap lies here. The squares of $\ln(L - E)$ cannot be compared between one $E$ and another,
# since $E$ changes the scale: with $E$ close to the smallest loss, one logarithm runs away to $-\infty$; with a small
# $E$ all logarithms lie close together and so do the residuals. Judge what was measured, the same for all $E$:
#
# $$ \sum_i \big[ \ln (E + A N_i^{-\alpha}) - \ln L_i \big]^2 . $$
#
# ### Exercise 26.3: a power law with a floor
#
# **Goal:** `sizes` and `losses` are `(n,)`; `floors` `(k,)` are the $E$ to try, all below the smallest loss. For each
# of them fit a line to $\ln(L - E)$ (your own, or `np.polyfit(x, y, 1)`, which returns slope and intercept). Return
# `floor`, `factor`, `exponent`: the $E$, $A$, $\alpha$ with the smallest sum above. ●●○, 12 minutes.


# %% exercise="26.3"
def power_law(sizes, losses, floors):
    """(n,), (n,), (k,) -> three numbers."""
    ### BEGIN SOLUTION
    smallest = np.inf
    for floor in floors:
        slope, intercept = np.polyfit(np.log(sizes), np.log(losses - floor), 1)
        curve = floor + np.exp(intercept) * sizes**slope
        error = ((np.log(curve) - np.log(losses)) ** 2).sum()
        if error < smallest:
            smallest, best = error, (floor, np.exp(intercept), -slope)
    return best
    ### END SOLUTION


# %%
check.power_law(power_law)

# %% [markdown] hints="26.3"
# A loop over the floors, which remembers the smallest error so far and what belonged to
# it. Begin with `np.inf`, infinity.
# ---
# In the loop: `slope, intercept = np.polyfit(np.log(sizes), np.log(losses - floor), 1)`, then
# `curve = floor + np.exp(intercept) * sizes**slope`, then the sum of `(np.log(curve) - np.log(losses))**2`. The
# factor is `np.exp(intercept)`, the exponent `-slope`.

# %% [markdown]
# Now the test. Width 48 is **held out**: the law is fitted to the seven narrower models, all with 8,192
# images, once as a straight line and once with a floor. Then both say what width 48 will do.

# %%
ours |= replace_failing({"26.3": power_law})[0]
N = np.array([params[w] for w in scaling.WIDTHS])
table = np.array(
    [loss[same_images & (width == w)] for w in scaling.WIDTHS]
)  # (8, 3): widths, seeds
mean = table.mean(axis=1)


def with_floor(N, L):
    """(n,), (n,) -> E, A, α."""
    return ours["26.3"](N, L, np.linspace(0, 0.995 * L.min(), 60))


slope, intercept = ours["26.2"](np.log(N[:-1]), np.log(mean[:-1]))
E, A, alpha = with_floor(N[:-1], mean[:-1])
print(f"straight line: R² {r_squared(np.log(N[:-1]), np.log(mean[:-1])):.3f}, α = {-slope:.2f}")
print(f"with a floor:  E = {E:.3f}, A = {A:.3g}, α = {alpha:.2f}")
line_says = np.exp(intercept) * N[-1] ** slope
floor_says = E + A * N[-1] ** -alpha
print(f"width 48: the line says {line_says:.3f}, with a floor {floor_says:.3f};", end=" ")
print(f"measured {mean[-1]:.3f}, seeds {table[-1].min():.3f} to {table[-1].max():.3f}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(5.6, 2.8), layout="constrained")
wide = np.geomspace(N[0], 4 * N[-1], 60)
ax.loglog(
    wide, np.exp(intercept) * wide**slope, "--", color="C3", linewidth=1, label="straight line"
)
ax.loglog(wide, E + A * wide**-alpha, color="C0", linewidth=1, label="with a floor")
ax.axhline(E, color="C0", linewidth=0.8, linestyle=":")
ax.loglog(np.repeat(N[:-1], 3), table[:-1].ravel(), ".", color="0.3", label="fitted")
ax.loglog(N[[-1] * 3], table[-1], "*", color="C1", label="held out: width 48")
ax.set_ylabel("dev loss, nats")
ax.set_yticks([0.15, 0.2, 0.3, 0.4, 0.6, 0.8], ["0.15", "0.2", "0.3", "0.4", "0.6", "0.8"])
in_parameters(ax)
ax.legend(fontsize=8)
show(
    figure,
    "Loss against size, 8,192 images. Two laws fitted to the dots, and the model that neither has seen.",
)

# %% [markdown]
# The straight line does not even fit what it has seen: $R^2$ is 0.82. It promises 0.20, and 0.29 came. With a floor,
# what was said is right to about a percent. Two things keep us modest. First, the curve is flat there, and what is
# flat is easy to predict. Second, the floor is **not** that of MNIST. It is the floor *of 8,192 images in 256 steps*:
# larger models do not help here, more images do, as the middle of the first figure shows.
#
# ### How sure is the exponent?
#
# A fit returns numbers with many digits. Which of them are true? The **bootstrap** (Efron 1979) asks the data
# themselves. For each width there are three seeds. Draw three of the three **with replacement**, so that one may come
# twice and another not at all; take their mean; fit again. Do so 200 times. What lies between the 5 lowest and the 5
# highest percent of the exponents is a 90 % interval. How wide will it be?

# %%
my_guess = 0.1  # the width of the interval of α: its upper end less its lower end

# %%
rng = np.random.default_rng(0)
again = []
for _ in range(200):
    drawn = rng.integers(0, 3, table.shape)
    again.append(with_floor(N, np.take_along_axis(table, drawn, axis=1).mean(axis=1)))
floors, _, exponents = np.array(again).T
low, high = np.quantile(exponents, [0.05, 0.95])
print(f"all eight widths: E = {with_floor(N, mean)[0]:.3f}, α = {with_floor(N, mean)[2]:.2f}")
print(f"90 % interval of α: {low:.2f} to {high:.2f}")
print(f"90 % interval of E: {np.quantile(floors, 0.05):.3f} to {np.quantile(floors, 0.95):.3f}")
print(f"correlation of α and E: {np.corrcoef(exponents, floors)[0, 1]:.2f}")
for first in (1, 2, 3):
    E, _, alpha = with_floor(N[first:], mean[first:])
    print(f"without the {first} narrowest: E = {E:.3f}, α = {alpha:.2f}")
show_guess(my_guess, high - low, "width of the interval of α")

# %% [markdown]
# Wide: the seeds alone leave $\alpha$ anywhere from 1.2 to 1.6, though the curve goes through all dots. $E$ and
# $\alpha$ rise and fall **together**: a higher floor with a steeper way down fits about as well. And worse: leave out
# widths 4 and 6, and $\alpha$ is 1.04, **outside of its own interval**. The interval knows how the seeds differ, and
# takes the form of the law for granted. It does not know that the form may be wrong. If $\alpha$ depends on where you
# look, there is no power law, only a curve that one can be drawn through.
#
# ## Size and data in one law
#
# So far all runs had the same images. Hoffmann et al. fit one law to all of their runs (their *approach 3*):
#
# $$ L(N, D) = E + \frac{A}{N^\alpha} + \frac{B}{D^\beta} . $$
#
# The second term is what the model lacks in size, the third what it lacks in data (and steps: here an image is seen
# once, so more images are more steps). Even the largest model on endless data keeps $E$.
#
# There are five numbers now, and no search will do. We go downhill, so we need the **gradient**. Three steps of
# preparation:
#
# 1. **Logarithms.** $A$, $B$ and $E$ must be positive, and they are very different in size. So learn their logarithms,
#    $\theta = (\ln A, \alpha, \ln B, \beta, \ln E)$. With $x_i = \ln N_i$ and $z_i = \ln D_i$, the three terms
#    of run $i$ are $p_i = e^{\ln A - \alpha x_i}$, $q_i = e^{\ln B - \beta z_i}$ and $e^{\ln E}$.
# 2. **Residuals.** $r_i = \ln(p_i + q_i + E) - \ln L_i$: what the law says less what was measured, both as
#    logarithms, so that 1 % too much counts alike for all. (The logarithm of a sum of exponentials has a name:
#    *log-sum-exp*. You know it from lesson 4. Its derivative is a softmax.)
# 3. **The Huber loss.** Squares would give one bad run a great say. So only small residuals are squared, and from
#    $\delta$ on it is a straight line, which goes on with the same slope:
#
# $$ h(r) = \begin{cases} \frac12 r^2 & |r| \le \delta \\ \delta \, (|r| - \frac12 \delta) & |r| > \delta \end{cases}
# \qquad h'(r) = \begin{cases} r & |r| \le \delta \\ \pm \delta & |r| > \delta \end{cases} $$
#
# with the sign of $r$. (At $|r| = \delta$ both give $\frac12 \delta^2$: the pieces meet.) In short: $h'(r)$ is $r$,
# cut off at $-\delta$ and $\delta$.
#
# The backward, by the chain rule. Let $s_i = p_i + q_i + E$. The loss is $\sum_i h(r_i)$, so
#
# $$ \frac{\partial \, \text{loss}}{\partial \theta} = \sum_i h'(r_i) \, \frac{\partial \ln s_i}{\partial \theta}
# = \sum_i \frac{h'(r_i)}{s_i} \, \frac{\partial s_i}{\partial \theta} . $$
#
# $\ln A$ stands in $p_i$ alone, and $e^{\ln A - \alpha x}$ is its own derivative:
# $\partial s_i / \partial \ln A = p_i$. $\alpha$ stands there with the factor $-x_i$:
# $\partial s_i / \partial \alpha = -x_i \, p_i$. In the same way for $q_i$, and
# $\partial s_i / \partial \ln E = E$. So with $g_i = h'(r_i) / s_i$
#
# $$ d\theta = \Big( \sum_i g_i p_i, \; -\sum_i g_i p_i x_i, \; \sum_i g_i q_i, \; -\sum_i g_i q_i z_i, \; E \sum_i g_i \Big) . $$
#
# ### Exercise 26.4: the loss of a law, and its gradient
#
# **Goal:** `theta` is `(5,)`, in the order above; `log_sizes`, `log_images` and `log_losses` are `(n,)`; `delta` is a
# number. Return the loss $\sum_i h(r_i)$, one number, and `dtheta` `(5,)`. ●●○, 15 minutes.


# %% exercise="26.4"
def law_loss(theta, log_sizes, log_images, log_losses, delta):
    """(5,), (n,), (n,), (n,), a number -> one number, (5,)."""
    ### BEGIN SOLUTION
    log_A, alpha, log_B, beta, log_E = theta
    p, q = np.exp(log_A - alpha * log_sizes), np.exp(log_B - beta * log_images)
    total = p + q + np.exp(log_E)
    r = np.log(total) - log_losses
    near = np.abs(r) <= delta
    loss = np.where(near, r**2 / 2, delta * (np.abs(r) - delta / 2)).sum()
    g = np.clip(r, -delta, delta) / total
    gp, gq = g * p, g * q
    size_part = [gp.sum(), -(gp * log_sizes).sum()]
    images_part = [gq.sum(), -(gq * log_images).sum()]
    return loss, np.array([*size_part, *images_part, np.exp(log_E) * g.sum()])
    ### END SOLUTION


# %%
check.law_loss(law_loss)

# %% [markdown] hints="26.4"
# `log_A, alpha, log_B, beta, log_E = theta` takes theta apart.
# `np.where(condition, one, other)` chooses number by number, and `np.clip(r, -delta, delta)` is $h'(r)$.
# ---
# With `p = np.exp(log_A - alpha * log_sizes)`, `q` alike and `total = p + q + np.exp(log_E)`:
# `r = np.log(total) - log_losses`, and `g = np.clip(r, -delta, delta) / total`. Then `dtheta` is `np.array` of
# `(g * p).sum()`, `-(g * p * log_sizes).sum()`, the same two with `q` and `log_images`, and
# `np.exp(log_E) * g.sum()`.

# %%
ours |= replace_failing({"26.4": law_loss})[0]
log_N, log_D, log_L = np.log(size[fresh]), np.log(images[fresh]), np.log(loss[fresh])


def forward(theta):
    return ours["26.4"](theta, log_N, log_D, log_L, 0.1)


def backward(dloss, dtheta):
    return dloss * dtheta


print(check_gradients((forward, backward), {"theta": np.array([2.0, 0.4, 4.0, 0.5, -2.0])}))


# %% [markdown]
# Now fit: Adam (lesson 11) goes downhill from three places, as one alone may end in a poor valley, and the best end
# counts. $\delta = 0.001$, as in the paper. Width 48 is held out again.


# %%
def fit(chosen, steps=1500):
    """theta (5,) of the runs that are chosen."""
    data = log_N[chosen], log_D[chosen], log_L[chosen], 1e-3
    ends = []
    for start in ([2, 0.5, 4, 0.5, -2], [4, 1.0, 6, 1.0, -3], [1, 0.3, 8, 1.0, -1]):
        theta = {"theta": np.array(start, np.float64)}
        optimizer = AdamW(theta, weight_decay=0.0)
        for step in range(steps):
            _, dtheta = ours["26.4"](theta["theta"], *data)
            optimizer.step({"theta": dtheta}, lr=0.05 * (1 - step / steps))
        ends.append((ours["26.4"](theta["theta"], *data)[0], theta["theta"]))
    return min(ends, key=lambda end: end[0])[1]


def law(theta, log_sizes, log_images):
    log_A, alpha, log_B, beta, log_E = theta
    return np.exp(log_A - alpha * log_sizes) + np.exp(log_B - beta * log_images) + np.exp(log_E)


narrow = width[fresh] < 48
pairs = sorted(set(zip(width[fresh], images[fresh], strict=True)))
spread = [np.std(log_L[(width[fresh] == w) & (images[fresh] == D)], ddof=1) for w, D in pairs]
theta = fit(narrow)
says = law(theta, log_N, log_D)
off = says / loss[fresh] - 1
A, B, E = np.exp(theta[[0, 2, 4]])
print(f"L = {E:.3f} + {A:.3g} / N^{theta[1]:.2f} + {B:.3g} / D^{theta[3]:.2f}")
print(
    f"fitted to width 4 to 32, the law is off by {100 * np.abs(off[narrow]).mean():.1f} % on average"
)
print(f"on width 48, held out, by {100 * np.abs(off[~narrow]).mean():.1f} %")
print(f"seeds of one setting differ by {100 * np.mean(spread):.1f} % (standard deviation)")
print(f"with 8,192 images, E + B / D^β = {E + B / 8192 ** theta[3]:.3f}")
for w in scaling.WIDTHS:
    here = width[fresh] == w
    print(f"    width {w:>2}: {100 * off[here].mean():+5.1f} % on average")

# %% drawing=true
figure, ax = plt.subplots(figsize=(4, 3.3), layout="constrained")
for w in scaling.WIDTHS:
    here = width[fresh] == w
    marker = "*" if w == 48 else "."
    ax.loglog(loss[fresh][here], says[here], marker, color=COLOURS[w], label=f"width {w}")
ax.plot([0.15, 1.6], [0.15, 1.6], color="0.7", linewidth=0.8)
ax.set(xlabel="measured loss, nats", ylabel="what the law says")
for axis in (ax.xaxis, ax.yaxis):
    axis.set_ticks([0.2, 0.3, 0.5, 1.0], ["0.2", "0.3", "0.5", "1"])
ax.minorticks_off()
ax.legend(fontsize=7)
show(
    figure,
    "Each dot is a run: its loss, and what the law of five numbers says. Stars: width 48, held out.",
)

# %% [markdown]
# Five numbers describe more than a hundred runs, whose losses lie between 0.2 and 1.3, to about 4 %: about as much as
# seeds differ. This is the strength of such a law. And the floor of before has come apart: with 8,192 images, 0.29 is
# nearly all $B / D^\beta$, the price of so few images. What is left for endless data, 0.01, is far below all that was
# measured, so do not believe its digits.
#
# The weakness is in the last lines. Were it noise, each width would be off by about 0 on average. Width 8 is better
# than the law says, by 8 %, and so is width 48, which it has not seen. So the form is not quite right here.
#
# ## The best use of a budget
#
# Now the question of the beginning. Your **compute** is given, $C$ FLOPs. A wide model costs more for each image, so
# it sees fewer images. The table has five budgets, each double the one before. Within each, all runs cost the same:
# width 4 with thousands of images, ..., width 48 with a few hundred. Such a curve is called an **isoFLOP curve**
# (*iso*: the same).
#
# Near its lowest point, each curve looks like a parabola in $x = \ln N$. (Taylor, lesson 3: where the slope is 0, the
# first term that is left is the square.) So fit $a x^2 + b x + c$ and find the bottom. There the derivative is 0:
#
# $$ 2 a x + b = 0 \quad \Rightarrow \quad x = -\frac{b}{2a}, \qquad N_\text{best} = e^x . $$
#
# ### Exercise 26.5: the best size for a budget
#
# **Goal:** `sizes` and `losses` are `(n,)`, of one budget. `np.polyfit(x, y, 2)` returns $a$, $b$, $c$. Return the
# `size` at the bottom of the parabola, and the `loss` that the parabola has there. ●●○, 7 minutes.


# %% exercise="26.5"
def best_size(sizes, losses):
    """(n,), (n,) -> two numbers."""
    ### BEGIN SOLUTION
    a, b, c = np.polyfit(np.log(sizes), losses, 2)
    x = -b / (2 * a)
    return np.exp(x), a * x**2 + b * x + c
    ### END SOLUTION


# %%
check.best_size(best_size)

# %% [markdown] hints="26.5"
# The parabola lies over `np.log(sizes)`, so its bottom is a logarithm, too.
# ---
# `a, b, c = np.polyfit(np.log(sizes), losses, 2)`, `x = -b / (2 * a)`, and return `np.exp(x)` and
# `a * x**2 + b * x + c`.

# %% [markdown]
# The largest budget is 16 times the smallest. How many times as large is its best model? (Hoffmann et al. found for
# language models that size and data should grow alike, each with about the square root of the compute: 4 times.)

# %%
my_guess = 4  # times as large: the best model for 16 times the compute

# %%
ours |= replace_failing({"26.5": best_size})[0]
curves, best = {}, {}
for budget in scaling.BUDGETS:
    widths = [
        w
        for w in scaling.WIDTHS
        if np.any(fresh & (width == w) & (images == scaling.images_for(w, budget)))
    ]
    means = [
        loss[fresh & (width == w) & (images == scaling.images_for(w, budget))].mean()
        for w in widths
    ]
    sizes = np.array([params[w] for w in widths])
    curves[budget] = sizes, np.array(means)
    lowest = int(np.argmin(means))
    near = slice(max(lowest - 2, 0), lowest + 3)  # the parabola is fitted near the bottom alone
    best[budget] = ours["26.5"](sizes[near], curves[budget][1][near])
    print(
        f"{budget * 1024 * scaling.work(16):.1e} FLOPs: best of the measured width {widths[lowest]:>2};"
        f" by the parabola N = {best[budget][0]:,.0f}, loss {best[budget][1]:.3f}"
    )
show_guess(my_guess, best[16][0] / best[1][0], "times as large for 16 times the compute")
power, _ = ours["26.2"](
    np.log(scaling.BUDGETS), np.log([best[budget][0] for budget in scaling.BUDGETS])
)
print(f"best N grows like C to the power {power:.2f}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(6, 3.1), layout="constrained")
for index, (budget, (sizes, means)) in enumerate(curves.items()):
    colour = plt.cm.plasma(index / 5)
    ax.semilogx(
        sizes,
        means,
        "o",
        color=colour,
        markersize=4,
        label=f"{budget * 1024 * scaling.work(16):.1e} FLOPs",
    )
    lowest = int(np.argmin(means))
    near = slice(max(lowest - 2, 0), lowest + 3)
    x = np.linspace(*np.log(sizes[near][[0, -1]]), 40)
    ax.plot(
        np.exp(x),
        np.polyval(np.polyfit(np.log(sizes[near]), means[near], 2), x),
        color=colour,
        linewidth=1,
    )
    ax.plot(*best[budget], "x", color="black")
ax.set_ylabel("dev loss, nats")
in_parameters(ax)
ax.legend(fontsize=8)
show(
    figure,
    "IsoFLOP curves: along each, all models had the same work. Crosses: the bottoms of the parabolas.",
)

# %% [markdown]
# **1.6 times, and not 4.** The rest goes into images: about ten times as many. So "the square root each" is no law of
# nature. It was found for language models of 70 million to 16 billion parameters. Our digits want few parameters and
# many images. (And MNIST ends: after 55,000 different images there are no more.)
#
# Look at how flat the curves are near the crosses. (The parabolas do not hit each dot: they are an approximation.) A
# model somewhat smaller or larger than the best costs little. One of ten times the size costs a lot, because it has
# then seen too few images.
#
# ## Few images, again and again
#
# So far each image was seen once. But often there are no more. Here all runs have the same work for their width, 256
# steps of 32 images. What differs is how many **different** images there are: 300 come 27 times each, 3,000 come
# nearly 3 times, 8,192 once. With 8,192, wider was better. With 300, width 4 has a loss of 1.6.
# Width 32 has 32,298 parameters, more than 100 for each of the 300 images. What is its loss?

# %%
my_guess = 2.5  # loss of width 32 on 300 images, 27 times each

# %%
steps_alike = seen == scaling.STEPS * scaling.BATCH
few = {}
print("images     ", *(f"width {w:>2}" for w in (4, 8, 16, 32)))
for count in (300, 1000, 3000, 8192):
    few[count] = [loss[steps_alike & (images == count) & (width == w)] for w in (4, 8, 16, 32)]
    print(f"{count:>6,}     ", *(f"{one.mean():8.3f}" for one in few[count]))
show_guess(my_guess, few[300][-1].mean(), "nats, width 32 on 300 images")

# %% drawing=true
figure, ax = plt.subplots(figsize=(5.6, 2.8), layout="constrained")
for index, (count, each) in enumerate(few.items()):
    colour = plt.cm.viridis(index / 4)
    ax.plot(np.repeat([4, 8, 16, 32], 3), np.ravel(each), ".", color=colour)
    ax.plot([4, 8, 16, 32], [one.mean() for one in each], color=colour, label=f"{count:,} images")
ax.set(xscale="log", yscale="log", xlabel="width", ylabel="dev loss, nats", ylim=(0.25, 2.6))
ax.set_xticks([4, 8, 16, 32], ["4", "8", "16", "32"])
ax.set_yticks([0.3, 0.5, 1.0, 2.0], ["0.3", "0.5", "1", "2"])
ax.minorticks_off()
ax.legend(fontsize=7, ncols=2, loc="upper right", bbox_to_anchor=(1, 1.02))
show(figure, "Loss against width, 256 steps each. Each dot is a seed.")

# %% [markdown]
# **About half of that of width 4.** Many people expect the reverse: few data, so take a small model, or it learns them
# by heart. Here, wider was better in every row, down to 300 images. What few images cost stands in the columns: with
# 300 of them, each width is far worse than with 8,192.
#
# And look at the last two rows. **3,000 images that come nearly three times are as good as 8,192 fresh ones**, for
# all widths, within what seeds differ. (Muennighoff et al. 2023, arXiv:2305.16264, found for language models that up
# to about four rounds are nearly as good as fresh data.) Say what was measured, though: 256 steps. Whoever trains for
# hours on 300 images may see another picture.
#
# ## A surprise: who made the law?
#
# In the table, each width has a learning rate of its own, $0.4 / w$: near the best of each. A wide model wants a
# smaller one. (Yang et al. 2022, arXiv:2203.03466, derive how rates must change with width, so that one may tune a
# narrow model and train a wide one.) Somebody in a hurry tunes once, on the smallest model, and takes its rate, 0.1,
# for all. 8,192 images each, as in the first figure on the left. Width 48 had a loss of 0.29 with its own rate. And
# now?

# %%
my_guess = 0.3  # loss of width 48 with the learning rate of width 4

# %%
hurried = {}
for w in (4, 12, 24, 48):
    hurried[w] = scaling.dev_loss(scaling.train(w, 8192, 8192, seed=0, lr=0.1))
    print(
        f"width {w:>2}: its own rate {table[w == WIDTHS].mean():.3f}, the rate of width 4 {hurried[w]:.3f}"
    )
show_guess(my_guess, hurried[48], "nats, width 48 at the rate of width 4")

# %% drawing=true
figure, ax = plt.subplots(figsize=(5.6, 2.7), layout="constrained")
ax.loglog(N, mean, "o-", color="C0", markersize=4, label="each width with its own rate")
ax.loglog(
    [params[w] for w in hurried],
    hurried.values(),
    "o--",
    color="C3",
    markersize=4,
    label="one rate for all",
)
ax.set_ylabel("dev loss, nats")
ax.set_yticks([0.3, 0.4, 0.6, 0.8], ["0.3", "0.4", "0.6", "0.8"])
in_parameters(ax)
ax.legend(fontsize=8)
show(figure, "The same models, images and steps. What differs is who chose the learning rate.")

# %% [markdown]
# The dashed curve falls, lies flat, and **rises again: width 48 is worse than width 12.** (One run each, but seeds
# differ by far less.) Anybody who sees only that curve will say "beyond width 24 the model is too large for its
# data", and call it overfitting. But each image was seen once: nothing could be learned by heart. What
# is drawn there is the distance from the right learning rate.
#
# **A scaling curve is the curve of your tuning, as much as that of your models.** It has happened to the best: Kaplan
# et al. took one learning-rate schedule for all of their runs, and Hoffmann et al. name that as a reason why their
# own law is another one. In our table, each run's learning rate comes down to 0 at its own end.
#
# ## Hard, and optional: the best split, without a search
#
# The law of 26.4 knows the answer of 26.5, too. Work is about proportional to $N D$ ($6 T N D$ by the rule), so a
# budget says what the product is: $N D = P$. Put $D = P / N$ into the law:
#
# $$ L(N) = E + A \, N^{-\alpha} + B \Big( \frac{N}{P} \Big)^{\beta} . $$
#
# A larger $N$ makes the second term smaller and the third one larger. At the best $N$ the derivative is 0:
#
# $$ -\alpha A \, N^{-\alpha - 1} + \beta B \, N^{\beta - 1} P^{-\beta} = 0 . $$
#
# Multiply by $N$, bring one term to the other side, and solve for $N$. You should find a factor, a power of $P$, and a
# root of order $\alpha + \beta$ over both.
#
# ### Exercise 26.6: the best split
#
# **Goal:** `A`, `alpha`, `B`, `beta` are numbers; `products` `(k,)` are budgets $P = N D$. Return the best `sizes`
# and `images`, each `(k,)`. ●●●, 12 minutes.


# %% exercise="26.6"
def best_split(A, alpha, B, beta, products):
    """Four numbers, (k,) -> (k,), (k,)."""
    ### BEGIN SOLUTION
    power = alpha * A / (beta * B) * products**beta
    sizes = power ** (1 / (alpha + beta))
    return sizes, products / sizes
    ### END SOLUTION


# %%
check.best_split(best_split)

# %% [markdown] hints="26.6"
# Multiplied by $N$: $\alpha A \, N^{-\alpha} = \beta B \, N^{\beta} P^{-\beta}$. Now all powers of $N$ to one side.
# ---
# $N^{\alpha + \beta} = \frac{\alpha A}{\beta B} P^\beta$. So the sizes are
# `(alpha * A / (beta * B) * products**beta) ** (1 / (alpha + beta))`, and the images `products / sizes`.

# %%
ours |= replace_failing({"26.6": best_split})[0]
theta = fit(np.full(fresh.sum(), True))  # all widths
A, B, E = np.exp(theta[[0, 2, 4]])
each = np.mean(
    [scaling.work(w) / params[w] for w in scaling.WIDTHS]
)  # FLOPs for each parameter and image
budgets = np.array([budget * 1024 * scaling.work(16) for budget in scaling.BUDGETS])
sizes, split_images = ours["26.6"](A, theta[1], B, theta[3], budgets / each)
print(f"the law says: best N grows like C to the power {theta[3] / (theta[1] + theta[3]):.2f}")
for budget, one, two, (parabola, _) in zip(
    budgets, sizes, split_images, best.values(), strict=True
):
    print(
        f"{budget:.1e} FLOPs: N = {one:6,.0f}, D = {two:6,.0f}; the parabola says N = {parabola:6,.0f}"
    )

# %% [markdown]
# The two ways agree to about 20 %, which in a valley as flat as that costs next to nothing. But the
# power of $C$ is 0.27 by the one and 0.18 by the other, from the same runs. A thousand times the compute would then
# mean 6.5 times or 3.5 times the parameters. That is what extrapolation is like.
#
# ## One evening
#
# At last, in seconds. From the clock above you know how many images each width sees in a second of **your**
# processor, and the law says what comes of it. (Where the law is asked about more images than any run had, it is a
# guess.)

# %%
print("width    images in a second   loss by the law     images for the FLOPs   loss by the law")
clock, count = {}, {}
for w in scaling.WIDTHS:
    in_time, in_work = 32 / seconds[w], 16_384 * scaling.work(16) / scaling.work(w)
    clock[w], count[w] = (law(theta, np.log(params[w]), np.log(D)) for D in (in_time, in_work))
    print(f"{w:>5} {in_time:>20,.0f} {clock[w]:>17.3f} {in_work:>24,.0f} {count[w]:>17.3f}")
print(
    f"best for a second: width {min(clock, key=clock.get)};"
    f" best for the largest budget of FLOPs: width {min(count, key=count.get)}"
)

# %% [markdown]
# The one budget is a second, the other 4.4 GFLOPs: 16,384 images for width 16. By FLOPs, width 32 is a bad choice: it
# sees so few images that its loss is far above that of width 12. By the clock it is nearly as good as the best, for a
# step of a wide model takes hardly longer (on the machine where this was written). So the answer to the first question
# of this lesson depends on what you pay with. On a small machine you pay with seconds: **measure a step before you
# choose a width.**
#
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. Give it a run above the law and the same run below
# it.

# %%
broken = bug_hunt(26)
at = np.array([1.0, 0.5, 2.0, 0.5, -1.0]), np.array([3.0]), np.array([4.0])
law_says = np.log(law(*at))
for far in (0.01, 1.0):
    for sign in (-1, 1):
        its_loss, its_gradient = broken(*at, law_says - sign * far, 0.1)
        right = far**2 / 2 if far <= 0.1 else 0.1 * (far - 0.05)
        print(
            f"residual {sign * far:+.2f}: loss {its_loss:.5f}, by hand {right:.5f};"
            f" by ln E {its_gradient[4]:+.4f}"
        )

# %%
my_suspect = 6  # the number of the wrong line
check.suspect(26, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. A paper shows five models of sizes from $10^6$ to $10^7$ on a straight line, $R^2 = 0.99$, and says
# what $10^9$ will do. What do you ask?**
#
# <details><summary>Answer</summary>
#
# Whether a law with a floor, or a logarithm, fits as well: over one decade nearly everything does. Whether the
# largest model was held out and predicted. Whether each size had its own learning rate and a schedule of its own
# length. And how wide the interval of the exponent is: two decades further, a small error of the slope is a large one
# of the loss.
#
# </details>
#
# **2. Why can the fit not tell a large $E$ with a large $\alpha$ from a small $E$ with a small $\alpha$?**
#
# <details><summary>Answer</summary>
#
# Where we measured, both curves are nearly the same: one falls fast and is flat soon, the other falls slowly and goes
# on. They part only beyond the largest model, where there is no dot. That is where one wants to know.
#
# </details>
#
# **3. By the rule $C = 6NTD$, how does a training step's work change if the width is doubled? And if the
# patches have half the side?**
#
# <details><summary>Answer</summary>
#
# Twice the width: four times $N$, so four times the work. Half the side: four times as many tokens, so four times
# the work again, plus the products between tokens, which grow by 16.
#
# </details>
#
# ## What you can now do
#
# - Count parameters and work of a transformer by two rules, and say where the rules fail.
# - Fit a line, a power law with a floor, and a law of size and data, with a gradient of your own.
# - Find the best size for a budget, from measured curves and from a formula.
# - Not believe a straight line: hold out, compare forms, draw an interval, tune each point.
#
# Now read [`tinyvit/course/scaling.py`](../tinyvit/course/scaling.py): the plan of the runs and the training are one
# page. Change the plan, and make a table of your own.
#
# Go on with [lesson 27](27_the_paper_and_ten_claims.ipynb): the ViT paper side by side, and ten claims measured.
