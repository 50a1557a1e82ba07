# %% [markdown]
# # Lesson 6: GELU and the MLP
#
# *About 45 minutes. It opens [`tinyvit/ops/gelu.py`](../tinyvit/ops/gelu.py),
# [`tinyvit/ops/erf.py`](../tinyvit/ops/erf.py) and [`tinyvit/layers/mlp.py`](../tinyvit/layers/mlp.py).*
#
# Linear layers can only draw straight lines, however many you put one after another. Between two of them we need
# something that **bends**. In a Vision Transformer this is GELU: a soft gate that lets large numbers through and stops
# very negative ones. (The dotted line is ReLU, the older, hard gate: open above 0, and shut below.)

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

from tinyvit import check_gradients, ops
from tinyvit.course import bug_hunt, check, show, show_guess

rng = np.random.default_rng(6)
x = np.linspace(-4, 4, 401)
y, saved = ops.gelu_forward(x)

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 3))
axes[0].plot(x, saved.gate, color="C2")
axes[0].set(title="the gate Φ(x)", xlabel="x")
axes[1].plot(x, np.maximum(x, 0), ":", color="gray", label="ReLU: max(x, 0)")
axes[1].plot(x, y, label="GELU: x Φ(x)")
axes[1].set(title="GELU", xlabel="x", ylim=(-0.5, 4))
axes[1].legend()
show(figure, "Left: how much of x passes, from 0 (nothing) to 1 (all). Right: x times its gate.")

# %% [markdown]
# ## The forward
#
# How wide should the gate be open for a number $x$? GELU's answer: draw many numbers from the normal distribution (the
# bell curve, with mean 0 and variance 1). Open the gate by the **share of them that is below $x$**. It is called
# $\Phi(x)$, "phi".
#
# - $\Phi(0) = 0.5$: half of all numbers are below 0.
# - $\Phi(2) = 0.977$: nearly all are below 2, so a 2 passes nearly untouched.
# - $\Phi(-2) = 0.023$: few are below $-2$, so nearly nothing passes.
#
# A share is an area under the bell curve $\varphi$ ($\int$ is the area from one end to the other):
#
# $$ \varphi(t) = \frac{1}{\sqrt{2\pi}}\, e^{-t^2/2}, \qquad \Phi(x) = \int_{-\infty}^x \varphi(t)\, dt . $$
#
# No formula of school mathematics gives this area, so it has a function of its own, the **error function** erf. Python
# has it as `math.erf`. With it,
#
# $$
# \Phi(x) = \tfrac12 \Big( 1 + \mathrm{erf}\big( x / \sqrt2 \big) \Big), \qquad \mathrm{GELU}(x) = x \, \Phi(x) .
# $$
#
# ### Exercise 6.1: the forward
#
# **Goal:** GELU of every number. `x` has any shape, `y` and `gate` have the same. Return `y, (x, gate)`, where `gate`
# is $\Phi(x)$. `math.erf` takes one number, `np.vectorize(math.erf)` takes an array; `ops.erf` does too. ●○○, 5
# minutes.


# %% exercise="6.1"
def gelu_forward(x):
    """(...) -> y (...), and saved: x (...), gate (...)."""
    ### BEGIN SOLUTION
    gate = (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2
    return x * gate, (x, gate)
    ### END SOLUTION


# %%
check.gelu_forward(gelu_forward)

# %% [markdown] hints="6.1"
# First the gate, which is between 0 and 1. Then `x` times the gate. erf itself goes from -1 to 1.
# ---
# `gate = (1 + ops.erf(x / math.sqrt(2))) / 2`, then `return x * gate, (x, gate)`.

# %% [markdown]
# ## The backward
#
# $y = x\,\Phi(x)$ is a product of two things that both change with $x$. The product rule gives two parts:
#
# $$ y' = 1 \cdot \Phi(x) + x \cdot \Phi'(x) . $$
#
# And what is $\Phi'$? $\Phi(x)$ is the area under $\varphi$ up to $x$. Move $x$ a little to the right by $h$: the area
# grows by a thin strip, $h$ wide and $\varphi(x)$ high. So $\Phi'(x) = \varphi(x)$, and
#
# $$ dx = dy \, \big( \Phi(x) + x \, \varphi(x) \big) . $$
#
# ### Exercise 6.2: the backward
#
# **Goal:** `dy` has the shape of `x`; `saved` is what 6.1 returned. Return `dx`, in the same shape. ●○○, 6 minutes.


# %% exercise="6.2"
def gelu_backward(dy, saved):
    """(...) -> (...)."""
    x, gate = saved
    ### BEGIN SOLUTION
    bell = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return dy * (gate + x * bell)
    ### END SOLUTION


# %%
check.gelu_backward(gelu_backward)

# %% [markdown] hints="6.2"
# Φ(x) is there already: it is the gate. What is missing is the bell curve φ(x). `dy` multiplies both parts.
# ---
# `bell = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)`, then `dy * (gate + x * bell)`.

# %% [markdown]
# ## Is it right?

# %%
print(check_gradients(ops.OPS["gelu"], {"x": rng.standard_normal((3, 7))}, rng=rng))

# %% [markdown]
# ## Two GELUs
#
# The paper that introduced GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415) also gives a formula without erf, for
# where erf is slow to compute (tanh is a curve that rises smoothly from -1 to 1):
#
# $$ \mathrm{GELU}(x) \approx \frac{x}{2} \Big( 1 + \tanh\big( \sqrt{2/\pi}\, (x + 0.044715\, x^3) \big) \Big) . $$
#
# Both are in use. PyTorch (unless told otherwise), and the ViTs of two well-known collections of models, timm and
# Hugging Face, have the **erf** form. Google's original ViT (written in JAX) and GPT-2 have the **tanh** form. How far
# apart are they?

# %%
x = np.linspace(-8, 8, 16001)
difference = ops.gelu_tanh_forward(x)[0] - ops.gelu_forward(x)[0]
worst = np.abs(difference).argmax()
print(f"they differ most at x = {x[worst]:.2f}, by {abs(difference[worst]):.6f}")

# %% drawing=true
figure, ax = plt.subplots(figsize=(6, 2.6))
ax.plot(x, difference)
ax.set(xlabel="x", ylabel="tanh form - erf form", xlim=(-6, 6))
show(figure, "The two forms of GELU never differ by as much as 0.0005.")

# %% [markdown]
# That is little, but far more than the rounding of float32 (about 0.0000001). If you load trained weights, take the
# form that they were trained with. And if you compare two programs and they agree to three digits but not to six, look
# here.
#
# ## The MLP
#
# MLP stands for *multi-layer perceptron*, an old name for linear layers with something that bends between them. In a
# transformer it treats **every token by itself**:
#
# $$
# \underset{D}{x} \;\xrightarrow{\text{linear}}\; \underset{M}{h} \;\xrightarrow{\text{GELU}}\; \underset{M}{a}
# \;\xrightarrow{\text{linear}}\; \underset{D}{y} .
# $$
#
# $M$ is often $4D$. The first layer asks $M$ questions about the token, GELU keeps those that were answered with "yes",
# and the second layer makes a new token from them. The backward needs nothing new: go through the same three from the
# last to the first, as in [`tinyvit/layers/mlp.py`](../tinyvit/layers/mlp.py).


# %%
def mlp_forward(x, weight1, bias1, weight2, bias2, *, bend=True):
    h, saved1 = ops.linear_forward(x, weight1, bias1)
    a, saved_gelu = ops.gelu_forward(h) if bend else (h, None)
    y, saved2 = ops.linear_forward(a, weight2, bias2)
    return y, (saved1, saved_gelu, saved2)


def mlp_backward(dy, saved):
    saved1, saved_gelu, saved2 = saved
    da, dweight2, dbias2 = ops.linear_backward(dy, saved2)
    dh = ops.gelu_backward(da, saved_gelu) if saved_gelu else da
    dx, dweight1, dbias1 = ops.linear_backward(dh, saved1)
    return dx, dweight1, dbias1, dweight2, dbias2


shapes = {"x": (2, 3, 4), "weight1": (4, 8), "bias1": (8,), "weight2": (8, 4), "bias2": (4,)}
inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
print(check_gradients((mlp_forward, mlp_backward), inputs, rng=rng))

# %% [markdown]
# ## An experiment: 301 numbers that can do no more than 2
#
# We let an MLP learn a curve, $\sin 2x$, once with GELU and once without. Input and output are one number each, and
# $M = 100$, so both have $100 + 100 + 100 + 1 = 301$ numbers to learn. To learn means here: move every number a small
# step against its gradient, 8,000 times.
#
# Guess before you run the cell: how close will the one *without* GELU come? (The mean squared error of always saying 0 is
# about a half.)

# %%
my_guess = 0.2  # mean squared error without GELU

# %%
x = np.linspace(-3, 3, 60)[:, None]
wanted = np.sin(2 * x)


def learn(bend, steps=8000, lr=0.002):
    rng = np.random.default_rng(0)
    shapes = ((1, 100), (100,), (100, 1), (1,))
    scales = (1, 1, 0.1, 0)
    parameters = [s * rng.standard_normal(shape) for s, shape in zip(scales, shapes, strict=True)]
    for _ in range(steps):
        y, saved = mlp_forward(x, *parameters, bend=bend)
        dy = 2 * (y - wanted) / len(x)  # of the mean of (y - wanted)²
        _, *gradients = mlp_backward(dy, saved)
        parameters = [p - lr * g for p, g in zip(parameters, gradients, strict=True)]
    return mlp_forward(x, *parameters, bend=bend)[0]


with_gelu, without = learn(True), learn(False)
slope, height = np.polyfit(x[:, 0], wanted[:, 0], 1)
line = slope * x + height
results = {"with GELU": with_gelu, "without GELU": without, "the best straight line": line}
for name, y in results.items():
    print(f"{name:23} mean squared error {((y - wanted) ** 2).mean():.4f}")
print(f"without GELU and the best line differ by {np.abs(without - line).max():.0e}")
show_guess(my_guess, ((without - wanted) ** 2).mean(), "mean squared error without GELU")

# %% drawing=true
figure, ax = plt.subplots(figsize=(6, 3))
ax.plot(x, wanted, "k.", markersize=4, label="wanted")
ax.plot(x, with_gelu, label="with GELU")
ax.plot(x, without, label="without GELU")
ax.set(xlabel="x", ylabel="y")
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
show(figure, "Without GELU, an MLP with 301 numbers draws the straight line that needs 2.")

# %% [markdown]
# With GELU it follows the curve in the middle; at the two ends it would need many more steps. Without GELU it learned
# *the best straight line*, up to rounding, which has 2 numbers: slope and height. More training would not change that.
# Two linear layers are one:
#
# $$ (x\,W_1 + b_1)\,W_2 + b_2 = x\,(W_1 W_2) + (b_1 W_2 + b_2) . $$
#
# The bracket $W_1 W_2$ is a matrix that one layer could have had from the start. So all the power of depth comes from
# what stands between the linear layers.

# %% [markdown]
# ## Hard, and optional: how bent is it?
#
# The slope of GELU changes with $x$, and how fast it does is its **curvature**, the slope of the slope $y'$. Where it is 0
# the curve turns from bending up to bending down. ReLU is bent in one place only. Where does GELU turn?
#
# ### Exercise 6.3: the curvature
#
# **Goal:** the slope of $y' = \Phi(x) + x \, \varphi(x)$, for every number of `x` `(...)`. No formula is given: what is
# $\varphi'$? ●●●, 10 minutes.


# %% exercise="6.3"
def gelu_curvature(x):
    """(...) -> (...)."""
    ### BEGIN SOLUTION
    bell = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return bell * (2 - x * x)
    ### END SOLUTION


# %%
check.gelu_curvature(gelu_curvature)

# %% [markdown] hints="6.3"
# Three slopes add up: that of $\Phi$, which is $\varphi$, and the two of the product $x \, \varphi(x)$. For $\varphi'$,
# $e$ to something has the slope of that something in front.
# ---
# $\varphi'(x) = -x \, \varphi(x)$, so $y'' = \varphi + \varphi - x^2 \varphi = \varphi(x) \, (2 - x^2)$. GELU turns
# at $\pm\sqrt 2$.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. Where on the axis is it right, and where is it not?

# %%
broken = bug_hunt(6)
x = np.array([-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0])
y, saved = ops.gelu_forward(x)
print("x     ", *(f"{number:8.1f}" for number in x))
print("right ", *(f"{number:8.4f}" for number in ops.gelu_backward(np.ones(7), saved)))
print("broken", *(f"{number:8.4f}" for number in broken(np.ones(7), (x, saved.gate))))

# %%
my_suspect = 3  # the number of the wrong line
check.suspect(6, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. ReLU never falls. Does GELU fall anywhere?**
#
# <details><summary>Answer</summary>
#
# Yes. Look at the first picture: from the left it goes down, to about $-0.17$ at $x \approx -0.75$, and then up. Where
# it falls, its slope $\Phi(x) + x\,\varphi(x)$ is negative.
#
# </details>
#
# **2. What is the slope of GELU at 0?**
#
# <details><summary>Answer</summary>
#
# $\Phi(0) + 0 \cdot \varphi(0) = 0.5$.
#
# </details>
#
# **3. A ViT-B/16 has $D = 768$ and $M = 3072$. How many learned numbers has one MLP?**
#
# <details><summary>Answer</summary>
#
# Two matrices of $768 \cdot 3072$, and biases of 3072 and 768: 4,722,432. GELU itself has none.
#
# </details>
#
# ## What you can now do
#
# - Say what GELU does to a number, and derive its slope.
# - Tell the two forms of GELU apart, and say which model uses which.
# - Explain why an MLP needs something that bends.
#
# Open [`tinyvit/ops/gelu.py`](../tinyvit/ops/gelu.py) for both forms. NumPy has no erf:
# [`tinyvit/ops/erf.py`](../tinyvit/ops/erf.py) makes one from polynomials.
# [`tinyvit/layers/mlp.py`](../tinyvit/layers/mlp.py) is the MLP with its weights.
#
# Go on with [lesson 7](07_attention.ipynb).
