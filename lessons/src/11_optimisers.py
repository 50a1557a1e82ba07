# %% [markdown]
# # Lesson 11: Optimisers and schedules
#
# *About 70 minutes. It opens [`tinyvit/optim/`](../tinyvit/optim/__init__.py).*
#
# The backward tells us for every weight: *up makes the loss larger, or smaller, and how fast*. An **optimiser** turns
# this gradient into a step. The simplest one, SGD, fits in one line. The one that trains transformers, AdamW, takes
# five. This lesson builds both, and says what each line is for.
#
# The picture shows the difficulty: a valley that is steep across and flat along. Three optimisers start at the same
# point and take 30 steps each.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

import tinyvit
from tinyvit.course import bug_hunt, check, play, show, show_guess
from tinyvit.optim import SGD, AdamW, decays, warmup_cosine

CURVATURE = np.array([1.0, 25.0])  # flat along the first axis, steep along the second


def valley(p):
    return 0.5 * (p**2 * CURVATURE).sum(-1)


def walk(make, lr, steps=30):
    p = np.array([-4.0, 1.0])
    optimiser, path = make({"p": p}), [p.copy()]
    for _ in range(steps):
        optimiser.step({"p": CURVATURE * p}, lr=lr)  # the gradient of the valley
        path.append(p.copy())
    return np.array(path)


paths = {
    "SGD, lr 0.07": walk(lambda p: SGD(p, momentum=0.0), 0.07),
    "SGD with momentum 0.7, lr 0.03": walk(lambda p: SGD(p, momentum=0.7), 0.03),
    "Adam, lr 0.3": walk(lambda p: AdamW(p, weight_decay=0.0), 0.3),
}
grid = np.stack(np.meshgrid(np.linspace(-4.6, 1.6, 120), np.linspace(-1.4, 1.4, 80)), -1)

# %% drawing=true
figure, axes = plt.subplots(1, 3, figsize=(12, 2.9), sharey=True)
for ax, (name, path), colour in zip(axes, paths.items(), ("C3", "C0", "C2"), strict=True):
    levels = [0.1, 0.5, 2, 5, 10, 20]
    ax.contour(grid[..., 0], grid[..., 1], valley(grid), levels=levels, colors="0.8")
    ax.plot(*path.T, ".-", color=colour, linewidth=1)
    ax.plot(0, 0, "k*", markersize=10)
    ax.set(title=f"{name}\nheight at the end: {valley(path[-1]):.4f}", xlabel="first weight")
axes[0].set_ylabel("second weight")
show(figure, "Thirty steps down a narrow valley to its lowest point, the star. Grey: equal height.")

# %% [markdown]
# ## SGD: one line
#
# Let $p$ be a weight, $g$ its gradient, and $\eta$ (`lr`) the **learning rate**. Then
#
# $$ p \leftarrow p - \eta \, g . $$
#
# The minus is there because the gradient points *up*. The name SGD, *stochastic gradient descent*, says that $g$ comes
# from a few images drawn by chance, not from all of them.
#
# **How large may $\eta$ be?** Take a valley of one weight, $f(p) = \frac12 c\,p^2$. Its gradient is $g = c\,p$. So
#
# $$ p \leftarrow p - \eta\, c\, p = (1 - \eta c)\, p . $$
#
# Every step multiplies $p$ by the same number $1 - \eta c$. The weight shrinks only if this number lies between $-1$
# and $1$, so $\eta$ must be smaller than $2/c$. The *steepest* direction sets this limit for all of them.

# %%
for lr in (0.01, 0.07, 0.09):
    flat, steep = 1 - lr * CURVATURE
    print(f"lr {lr}: each step, flat direction times {flat:+.2f}, steep one times {steep:+.2f}")

# %% [markdown]
# With 0.01 the flat direction hardly moves. With 0.07 the steep direction changes its sign in every step: that is the
# zigzag in the first picture. With 0.09 the steep factor is below $-1$, and the weight would fly away.
#
# ## Momentum: add up the steps
#
# Now let the weight roll. It has a **velocity** $u$, which remembers the gradients of the past:
#
# $$ u \leftarrow \mu\, u + g, \qquad p \leftarrow p - \eta\, u . $$
#
# $\mu$ (`momentum`) is a number such as 0.9. What does it do?
#
# - **The gradient stays the same.** Then $u$ becomes $g + \mu g + \mu^2 g + \dots = g / (1 - \mu)$. With $\mu = 0.9$
#   the steps become 10 times longer. (Why? Multiply the sum by $1 - \mu$: all terms cancel but the first.)
# - **The gradient changes its sign in every step.** Then the size of $u$ becomes
#   $g - \mu g + \mu^2 g - \dots = g / (1 + \mu)$. With $\mu = 0.9$ the steps become about half as long.
#
# So momentum is fast along the valley, and calm across it. Try it: where does a larger $\mu$ help, and where does the
# path leave the picture? (Drag the start, or move it with the arrow keys.)


# %% drawing=true
def walked(start, lr, momentum):
    p, velocity, path = np.array(start), np.zeros(2), [start]
    for _ in range(30):
        velocity = momentum * velocity + CURVATURE * p
        p = p - lr * velocity
        path.append(tuple(p))
    figure, ax = plt.subplots(figsize=(6, 2.9), layout="constrained")
    ax.contour(
        grid[..., 0], grid[..., 1], valley(grid), levels=[0.1, 0.5, 2, 5, 10, 20], colors="0.8"
    )
    ax.plot(*np.array(path).T, "C0.-", linewidth=1)
    ax.plot(0, 0, "k*", markersize=10)
    ax.set(xlim=(-4.6, 1.6), ylim=(-1.4, 1.4), xlabel="first weight", ylabel="second weight")
    ax.set_title(f"lr {lr:.3f}, momentum {momentum:.2f}: height at the end {valley(p):.2g}")
    return figure


play(
    walked,
    "Thirty steps of SGD with momentum down the valley of the first picture.",
    start=(-4.0, 1.0),
    lr=(0.0, 0.1, 0.03),
    momentum=(0.0, 0.99, 0.7),
)

# %% [markdown]
# ### Exercise 11.1: a step with momentum
#
# **Goal:** one step of SGD with momentum. `p`, `g` and `velocity` have the same shape, `lr` and `momentum` are numbers.
# Return the new `velocity` and the new `p`; do not change the arrays you were given. ●○○, 5 minutes.


# %% exercise="11.1"
def sgd_momentum_step(p, g, velocity, lr, momentum):
    """(...), (...), (...) and two numbers -> the new velocity (...) and the new p (...)."""
    ### BEGIN SOLUTION
    velocity = momentum * velocity + g
    return velocity, p - lr * velocity
    ### END SOLUTION


# %%
check.sgd_momentum_step(sgd_momentum_step)

# %% [markdown] hints="11.1"
# Two lines, in this order: first the velocity, then the weight. `velocity *= momentum` would change the array of the
# caller; `velocity = momentum * velocity + ...` makes a new one.
# ---
# `velocity = momentum * velocity + g`, then `p = p - lr * velocity`.

# %% [markdown]
# ## Adam: a step size for every weight
#
# In a large model some weights have much larger gradients than others, and no single learning rate suits all of them.
# **Adam** (Kingma and Ba 2015, arXiv:1412.6980) keeps two running averages for every weight:
#
# $$ m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 . $$
#
# $m$ is the average gradient. $v$ is the average *square* of the gradient, so $\sqrt v$ is its usual size ($v$ is not
# the velocity; that was $u$). Usual values are $\beta_1 = 0.9$ and $\beta_2 = 0.999$: roughly the mean of the last 10
# gradients, and of the last 1,000 squares.
#
# **The first steps need a correction.** Both averages start at 0, so at first they are too small. How much? Let the
# gradient be the same $g$ in every step:
#
# $$
# m_1 = (1 - \beta_1)\, g, \qquad
# m_2 = \beta_1 (1 - \beta_1)\, g + (1 - \beta_1)\, g = (1 - \beta_1^2)\, g, \qquad
# m_t = (1 - \beta_1^t)\, g .
# $$
#
# The average should be $g$, but $m_t$ is too small by the factor $1 - \beta_1^t$. So we divide by it; and $v$, for the
# same reason, by $1 - \beta_2^t$:
#
# $$ \hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t} . $$
#
# $t$ counts the steps from 1. Then
#
# $$ p \leftarrow p - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} . $$
#
# $\varepsilon$ (`eps`) is tiny, $10^{-8}$. It only prevents a division by zero.
#
# **The very first step.** There $\hat m = g$ and $\hat v = g^2$, so the weight moves by $\eta\, g / |g|$ (but for the
# tiny $\varepsilon$): by $\eta$, up or down. *The size of the gradient has gone.* Only its sign is left.

# %%
for factor in (0.001, 1.0, 1000.0):
    weights = {"p": np.zeros(4)}
    optimiser = AdamW(weights, weight_decay=0.0)
    for gradient in ([3.0, -0.5, 1.0, 2.0], [1.0, -0.4, -2.0, 2.0]):
        optimiser.step({"p": factor * np.array(gradient)}, lr=0.1)
    print(f"gradients times {factor:<6}: after two steps p = {np.round(weights['p'], 4)}")

# %% [markdown]
# This is why Adam leaves at once along the valley in the first picture: it does not care that the other direction is 25
# times steeper. (Then it rolls past the star, because its $m$ remembers the way. No optimiser is the best everywhere.)
#
# Multiply all gradients by 1,000, and nothing changes. Adam looks at how *steady* a gradient is, not at how large: the
# third weight got gradients of opposite signs, and came back a part of its way.
#
# ## Weight decay, and where it belongs
#
# We prefer small weights: a model that needs huge ones often has learned the training images by heart. The old recipe,
# **L2**, adds $\frac{\lambda}{2} p^2$ to the loss. Its gradient is $\lambda p$, so
#
# $$ g \leftarrow g + \lambda p . $$
#
# In plain SGD this gives $p - \eta (g + \lambda p) = (1 - \eta \lambda)\, p - \eta\, g$. The weight shrinks a little in
# every step. That is why it is called *weight decay*.
#
# In Adam something goes wrong. There $\lambda p$ goes into $m$, and is then divided by $\sqrt{\hat v}$ with the rest.
# A weight with large gradients is hardly pulled at all. A weight with tiny gradients is pulled far too much.
# **AdamW** (W for weight decay; Loshchilov and Hutter 2019, arXiv:1711.05101) takes the decay out of the gradient
# again, and lets it act on the weight directly:
#
# $$ p \leftarrow (1 - \eta \lambda)\, p - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} . $$
#
# This is called *decoupled* weight decay. The experiment below shows the difference.
#
# ### Exercise 11.2: a step of AdamW
#
# **Goal:** one step of AdamW. `p`, `g`, `m` and `v` have the same shape. `step` is 1 in the first step, `betas` is
# $(\beta_1, \beta_2)$. Return the new `m`, `v` and `p`; `m` and `v` as they are *before* the correction. ●●○,
# 15 minutes.


# %% exercise="11.2"
def adamw_step(p, g, m, v, step, lr, betas, eps, weight_decay):
    """Four arrays (...) -> the new m, v and p, each (...)."""
    beta1, beta2 = betas
    ### BEGIN SOLUTION
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    p = (1 - lr * weight_decay) * p - lr * m_hat / (np.sqrt(v_hat) + eps)
    return m, v, p
    ### END SOLUTION


# %%
check.adamw_step(adamw_step)

# %% [markdown] hints="11.2"
# Five lines: update `m`, update `v`, correct both into two *new* names, then make the new `p` from the old one. The
# corrected ones are used once and forgotten.
# ---
# `m_hat = m / (1 - beta1**step)`, `v_hat = v / (1 - beta2**step)`, and
# `p = (1 - lr * weight_decay) * p - lr * m_hat / (np.sqrt(v_hat) + eps)`.

# %% [markdown]
# **Which weights decay?** Only the matrices. A bias only shifts a result. The weight of a layer norm should stay near
# 1, not near 0. The class token and the positions are no matrices of weights either. The library's function `decays`
# decides it for every parameter: the name must end in `weight`, and there must be two axes.

# %%
model = tinyvit.VisionTransformer(tinyvit.preset("tiny"), rng=np.random.default_rng(0))
parameters = model.parameters()
some = ("patch_embed.proj.weight", "patch_embed.proj.bias", "norm.weight", "cls_token", "pos_embed")
for name in some:
    print(f"{name:<24} {parameters[name].shape!s:<12} decays: {decays(name, parameters[name])}")
decayed = sum(array.size for name, array in parameters.items() if decays(name, array))
print(f"{decayed:,} of {sum(array.size for array in parameters.values()):,} numbers decay")

# %% [markdown]
# ## The learning rate over time
#
# **Warm-up.** In its first step Adam moves *every* weight by the full $\eta$, on the word of a single batch. So we
# begin with a small rate, and raise it in a straight line during the first $w$ steps. Step $s$ (counted from 0) gets
#
# $$ \eta_s = \eta \cdot \frac{s + 1}{w} . $$
#
# **Cosine.** At the end we want small steps. A noisy gradient makes the weight tremble around the lowest point, and the
# larger the rate, the wider it trembles. So the rate falls from $\eta$ to $\eta_{\min}$, along half a wave of a cosine:
#
# $$
# \eta_s = \eta_{\min} + (\eta - \eta_{\min}) \cdot \frac{1 + \cos(\pi x)}{2}, \qquad x = \frac{s - w}{T - w} .
# $$
#
# $T$ is the number of all steps. $x$ runs from 0 to 1, and $\cos(\pi x)$ from $1$ to $-1$. From step $T$ on, the rate
# stays at $\eta_{\min}$.
#
# ### Exercise 11.3: the learning rate of a step
#
# **Goal:** the learning rate of one step, a number. `step` counts from 0, `total` is $T$, `warmup` is $w$ (it may be
# 0), `base` is $\eta$, `minimum` is $\eta_{\min}$. Use `math.cos` and `math.pi`. ●○○, 5 minutes.


# %% exercise="11.3"
def learning_rate(step, total, warmup, base, minimum):
    """Five numbers -> one number."""
    ### BEGIN SOLUTION
    if step < warmup:
        return base * (step + 1) / warmup
    if step >= total:
        return minimum
    progress = (step - warmup) / (total - warmup)
    return minimum + (base - minimum) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


# %%
check.learning_rate(learning_rate)

# %% [markdown] hints="11.3"
# Three parts of time: before `warmup`, from `total` on, and in between. So two `if`s, and the rest. If `warmup` is
# 0, no step is smaller, and nothing is divided by 0.
# ---
# In between: `progress = (step - warmup) / (total - warmup)`, and
# `minimum + (base - minimum) * (1 + math.cos(math.pi * progress)) / 2`.

# %% [markdown]
# Here is the library's schedule, and what it is good for: one weight in a valley ($c = 1$), with a gradient that is
# full of noise. Both schedules start at 3 and see the same noise. We run each 200 times and take the mean.

# %%
STEPS = 400
constant = np.full(STEPS, 0.3)
options = {"lr": 0.3, "total_steps": STEPS, "warmup_steps": 40, "min_lr": 0.003}
cosine = np.array([warmup_cosine(s, **options) for s in range(STEPS)])
noise = np.random.default_rng(11).standard_normal((STEPS, 200))  # 200 runs side by side
heights = {}
for name, rates in (("constant", constant), ("warm-up and cosine", cosine)):
    weights = {"p": np.full(200, 3.0)}
    optimiser = SGD(weights, momentum=0.0)
    heights[name] = []
    for step in range(STEPS):
        optimiser.step({"p": weights["p"] + noise[step]}, lr=rates[step])
        heights[name].append(0.5 * (weights["p"] ** 2).mean())
    print(f"{name}: mean height over the last 20 steps {np.mean(heights[name][-20:]):.4f}")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(10, 2.8))
for (name, height), rates in zip(heights.items(), (constant, cosine), strict=True):
    axes[0].plot(rates, label=name)
    axes[1].semilogy(height, label=name)
axes[0].set(title="learning rate", xlabel="step")
axes[1].set(title="height above the lowest point, mean of 200 runs", xlabel="step")
axes[1].legend()
show(figure, "With a constant rate the height trembles on. With the cosine it falls to the end.")

# %% [markdown]
# ## Is it right? Ten steps of PyTorch
#
# An optimiser has no gradient that finite differences could check. But there is another judge: the numbers of a
# library that thousands of people use. Here are the losses after each of ten steps of PyTorch's AdamW, on a small
# problem without any randomness. You do not need PyTorch: the numbers are written down here.
#
# <details><summary>The code that made them, with PyTorch 2.13</summary>
#
# ```python
# import numpy as np, torch
#
# x = torch.from_numpy(np.sin(np.arange(32.0)).reshape(8, 4))
# t = torch.from_numpy(np.cos(np.arange(24.0)).reshape(8, 3))
# weight = torch.full((4, 3), 0.5, dtype=torch.float64, requires_grad=True)
# bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
# groups = [{"params": [weight], "weight_decay": 0.05}, {"params": [bias], "weight_decay": 0.0}]
# optimizer = torch.optim.AdamW(groups, lr=0.1, betas=(0.9, 0.999), eps=1e-8)
# for step in range(10):
#     loss = ((x @ weight + bias - t) ** 2).mean()
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
#     print(f"{((x @ weight + bias - t) ** 2).mean().item():.15f}")
# ```
#
# </details>

# %%
PYTORCH = [
    0.783839522873138,
    0.657424866937151,
    0.568856468400761,
    0.514312431678560,
    0.490175391579682,
    0.490766039631192,
    0.506831752699415,
    0.527958821713307,
    0.545663619584931,
    0.555213471941207,
]

x = np.sin(np.arange(32.0)).reshape(8, 4)
target = np.cos(np.arange(24.0)).reshape(8, 3)
weights = {"weight": np.full((4, 3), 0.5), "bias": np.zeros(3)}
optimiser = AdamW(weights, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05)  # not of the bias
losses = []
for _ in range(10):
    y = x @ weights["weight"] + weights["bias"]
    dy = 2 * (y - target) / target.size  # the gradient of the mean square
    optimiser.step({"weight": x.T @ dy, "bias": dy.sum(0)}, lr=0.1)
    losses.append(((x @ weights["weight"] + weights["bias"] - target) ** 2).mean())

print("   PyTorch             tinyvit")
for theirs, ours in zip(PYTORCH, losses, strict=True):
    print(f"{theirs:.15f}   {ours:.15f}")
print(f"largest difference: {np.abs(np.array(losses) - PYTORCH).max():.0e}")

# %% [markdown]
# The same, to the last digits. (Look at the loss: after five steps it rises again. Nothing is broken. The average $m$
# still remembers the way down, and rolls past the lowest point. With a rate that falls, it would come to rest.)
#
# ## An experiment: the knob that does nothing
#
# Two weights start at 1. The loss asks nothing of them: their gradients jump between $+s$ and $-s$, and add up to
# nothing. One is *quiet* ($s = 0.0001$), the other is *loud* ($s = 10$). So only the weight decay moves them. We try
# three strengths $\lambda$, each ten times the one before, for 500 steps.
#
# Guess before you run the cell: with L2 in Adam, how much farther does the quiet weight shrink, when $\lambda$ is 100
# times larger?

# %%
my_guess = 100  # times as far, with 100 times the weight decay


# %%
def shrink(decay, *, decoupled, steps=500, lr=0.001):
    weights = {"weight": np.ones((1, 2))}
    optimiser = AdamW(weights, weight_decay=decay if decoupled else 0.0)
    for step in range(steps):
        gradient = np.array([[0.0001, 10.0]]) * (-1) ** step
        if not decoupled:
            gradient = gradient + decay * weights["weight"]  # L2
        optimiser.step({"weight": gradient}, lr=lr)
    return weights["weight"][0]


strengths = (0.01, 0.1, 1.0)
results = {
    "L2 in Adam": np.array([shrink(decay, decoupled=False) for decay in strengths]),
    "AdamW": np.array([shrink(decay, decoupled=True) for decay in strengths]),
}
for name, left in results.items():
    for decay, (quiet, loud) in zip(strengths, left, strict=True):
        print(f"{name:<10}  decay {decay:<4}  quiet 1 -> {quiet:.3f}   loud 1 -> {loud:.3f}")
lost = 1 - results["L2 in Adam"][:, 0]  # by the quiet weight
show_guess(my_guess, lost[-1] / lost[0], "times as far, with 100 times the decay")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True)
for ax, (name, left) in zip(axes, results.items(), strict=True):
    place = np.arange(3)
    ax.bar(place - 0.2, 1 - left[:, 0], 0.4, label="quiet weight")
    ax.bar(place + 0.2, 1 - left[:, 1], 0.4, label="loud weight")
    ax.set(title=name, xticks=place, xticklabels=strengths, xlabel="weight decay")
axes[0].set_ylabel("lost after 500 steps")
axes[1].legend(loc="upper left")
show(figure, "What the decay takes from two weights. With L2 the quiet one always loses the same.")

# %% [markdown]
# With L2 the knob does **nothing** for the quiet weight: 0.01 or 1, it loses the same. You know why: Adam does not see
# the size of a gradient, and here the gradient is almost only $\lambda p$. The weight just walks towards 0 by nearly
# `lr` in every step. The loud weight loses little even at the largest strength, because its pull is divided by 10.
#
# With AdamW both weights lose the same, and more with a larger knob. At strength 1 we can say how much without running
# anything: $(1 - 0.001 \cdot 1)^{500} \approx 0.606$ is left. (The table says 0.605. The gradients add up to
# nothing, but Adam's first few steps do not quite.)

# %% [markdown]
# ## Hard, and optional: a step in which all directions count alike
#
# Adam gives each number a step size of its own. **Muon** (Jordan et al. 2024) looks at the gradient of a weight as a *matrix*.
# Such a matrix stretches some directions much more than others, by its **singular values**; Muon's step makes them all
# about 1, so that rare directions learn as fast as common ones. No singular values need be computed for that. Take
#
# $$ X \leftarrow \tfrac{3}{2} X - \tfrac{1}{2} X X^\top X . $$
#
# It leaves the directions as they are, and does to each singular value $s$ what $s \leftarrow \frac{3}{2} s - \frac{1}{2} s^3$ does
# to a number: 1 stays 1, and all that lies between 0 and $\sqrt 3$ comes closer to it. (These are **Newton-Schulz** rounds.) To
# begin within those bounds, divide $X$ by its length, the root of the sum of its squares: no singular value is above that.
#
# ### Exercise 11.4: singular values near 1
#
# **Goal:** `x` is `(rows, columns)`. Divide it by its length and return it after so many rounds. ●●●, 8 minutes.


# %% exercise="11.4"
def orthogonalize(x, rounds):
    """(rows, columns), a whole number -> (rows, columns)."""
    ### BEGIN SOLUTION
    x = x / np.sqrt((x**2).sum())
    for _ in range(rounds):
        x = 1.5 * x - 0.5 * x @ x.T @ x
    return x
    ### END SOLUTION


# %%
check.orthogonalize(orthogonalize)

# %% [markdown] hints="11.4"
# The length is one number, of the whole array. Then a loop with one line, in which `@` is the matrix product.
# ---
# `x = x / np.sqrt((x**2).sum())`, and in the loop `x = 1.5 * x - 0.5 * x @ x.T @ x`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. We let it walk with a gradient that is always 1. Then
# each step of Adam is `lr` long, the first one too.

# %%
broken = bug_hunt(11)
p, m, v = np.zeros(1), np.zeros(1), np.zeros(1)
for step in range(1, 3001):
    before = p
    m, v, p = broken(p, np.ones(1), m, v, step, 0.001, (0.9, 0.999), 1e-8, 0.0)
    if step in (1, 2, 10, 100, 1000, 3000):
        length = (before - p).item() / 0.001
        print(f"step {step:>4}: {length:6.3f} lr long; m {m.item():.4f}, v {v.item():.4f}")

# %%
my_suspect = 6  # the number of the wrong line
check.suspect(11, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. You train with AdamW and multiply the loss by 10. What changes?**
#
# <details><summary>Answer</summary>
#
# Nothing (up to the tiny `eps`). $\hat m$ and $\sqrt{\hat v}$ both grow by 10, and the decay never looks at the
# gradient. With SGD, every step would be 10 times longer.
#
# </details>
#
# **2. How much memory does AdamW need besides the weights and their gradients? And SGD with momentum?**
#
# <details><summary>Answer</summary>
#
# AdamW keeps two numbers for every weight, $m$ and $v$. SGD with momentum keeps one, the velocity.
#
# </details>
#
# **3. Without the correction, how long is the very first step of Adam, with the usual betas?**
#
# <details><summary>Answer</summary>
#
# $m = 0.1\, g$ and $v = 0.001\, g^2$, so $m / \sqrt v = 0.1 / \sqrt{0.001} \approx 3.2$ in size: the first step would
# be three times *too long*. $m$ is 10 times too small, but $\sqrt v$, by which we divide, is 32 times too small.
#
# </details>
#
# ## What you can now do
#
# - Write SGD, momentum and AdamW, and say what each line is for.
# - Say why the steepest direction limits the learning rate, and how momentum and Adam help.
# - Explain why weight decay in Adam must not go through the gradient, and which weights it should leave alone.
# - Compute the learning rate of any step of a run.
#
# Open [`tinyvit/optim/adamw.py`](../tinyvit/optim/adamw.py): the same five lines, taken apart to work in place.
# [`schedule.py`](../tinyvit/optim/schedule.py) has the learning rate, [`flat.py`](../tinyvit/optim/flat.py) says which
# weights decay. Go on with [lesson 12](12_train_on_mnist.ipynb): all of it together, and a model that learns to read.
