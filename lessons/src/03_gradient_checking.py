# %% [markdown]
# # Lesson 3: Gradient checking
#
# *About 75 minutes. It opens [`tinyvit/gradcheck/check.py`](../tinyvit/gradcheck/check.py).*
#
# A wrong backward does not crash. It returns an array of the right shape, with numbers that look like numbers. The
# model may even learn, only worse. So we need a judge that does not believe us.
#
# The judge is an old idea: **nudge the input a little, see how far the output moves**. That needs the forward only, and
# the forward can be tested by itself (lesson 1). If the backward says the same, we believe it.
#
# It sounds like one line of code. But there are three ways to fool yourself, and this lesson walks into all three.

# %%
from numbers import Real

import matplotlib.pyplot as plt
import numpy as np

from tinyvit import check_gradients, ops
from tinyvit.course import bug_hunt, check, play, replace_failing, show, show_guess
from tinyvit.gradcheck import check_exact
from tinyvit.ops import Op

rng = np.random.default_rng(3)


def curve(x):
    return np.exp(x) - 2 * x


point, wide = 1.0, 0.8
near = np.linspace(-0.1, 2.0, 100)

# %% drawing=true
figure, ax = plt.subplots(figsize=(7, 3.6))
ax.plot(near, curve(near), color="black", label="f")
slopes = {
    "the true slope": np.exp(point) - 2,
    "one-sided, from x to x + h": (curve(point + wide) - curve(point)) / wide,
    "central, from x - h to x + h": (curve(point + wide) - curve(point - wide)) / (2 * wide),
}
for (label, slope), style in zip(slopes.items(), ("C0-", "C1--", "C2--"), strict=True):
    ax.plot(near, curve(point) + slope * (near - point), style, label=f"{label}: {slope:.2f}")
three = np.array([point - wide, point, point + wide])
ax.plot(three, curve(three), "ko")
ax.set(xticks=three, xticklabels=["x - h", "x", "x + h"], ylim=(0, 3.5))
ax.legend()
show(figure, "The slope of f at x, and two guesses at it. The one from both sides is closer.")

# %% [markdown]
# ## One side or both?
#
# School says: the slope of $f$ at $x$ is what $\frac{f(x + h) - f(x)}{h}$ comes to when $h$ goes to 0. On a computer
# $h$ cannot go to 0. So how wrong is it for some small $h$? Write $f$ near $x$ as a sum, its **Taylor series**: the
# value, plus the slope $f'$ times the step, plus smaller and smaller terms for how the slope itself changes ($f''$ is
# the slope of $f'$, and $f'''$ that of $f''$):
#
# $$ f(x + h) = f(x) + h f'(x) + \frac{h^2}{2} f''(x) + \frac{h^3}{6} f'''(x) + \dots $$
#
# **One-sided.** Subtract $f(x)$ and divide by $h$:
#
# $$ \frac{f(x + h) - f(x)}{h} = f'(x) + \frac{h}{2} f''(x) + \dots $$
#
# The error shrinks like $h$.
#
# **Central.** The same sum with $-h$ in place of $h$:
#
# $$ f(x - h) = f(x) - h f'(x) + \frac{h^2}{2} f''(x) - \frac{h^3}{6} f'''(x) + \dots $$
#
# Subtract the second from the first, and divide by $2h$. The terms $f(x)$ and $\frac{h^2}{2} f''(x)$ are the same in
# both, so they go away:
#
# $$ \frac{f(x + h) - f(x - h)}{2h} = f'(x) + \frac{h^2}{6} f'''(x) + \dots $$
#
# The error shrinks like $h^2$. An $h$ ten times smaller makes it **a hundred** times smaller:

# %%
print("   h       one-sided error    central error")
for h in (0.1, 0.01, 0.001):
    true = np.exp(point) - 2
    one_sided = (curve(point + h) - curve(point)) / h
    central = (curve(point + h) - curve(point - h)) / (2 * h)
    print(f"{h:6}   {abs(one_sided - true):12.1e}   {abs(central - true):14.1e}")

# %% [markdown]
# ### Exercise 3.1: the central difference
#
# **Goal:** the gradient of a function, without any calculus. `f` takes an array and returns one number. `x` is an array
# of any shape, `h` is the step. Return an array of the shape of `x`: at each place, the central difference when **only
# that number** is nudged. Leave `x` itself as it is: nudge a copy. ●●○, 8 minutes.


# %% exercise="3.1"
def central_difference(f, x, h):
    """A function of an array, the array (...), the step -> the gradient (...)."""
    ### BEGIN SOLUTION
    x = x.copy()
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        up = f(x)
        x[index] = kept - h
        down = f(x)
        x[index] = kept
        gradient[index] = (up - down) / (2 * h)
    return gradient
    ### END SOLUTION


# %%
check.central_difference(central_difference)

# %% [markdown] hints="3.1"
# A loop over all places of `x`. `for index in np.ndindex(x.shape)` visits them all, whatever the number of axes. In the
# loop: change that one number, call `f`, and put the number back.
# ---
# Work on `x.copy()`. Remember `kept = x[index]`. Then `up = f(x)` with `x[index] = kept + h`, and `down = f(x)` with
# `x[index] = kept - h`. The result at `index` is `(up - down) / (2 * h)`.

# %% [markdown]
# ## First trap: a smaller h is better, until it is not
#
# The error shrinks like $h^2$. So $h = 10^{-12}$ must be wonderful? We take the slope of $\sin$ at 200 points, with $h$
# from 1 down to $10^{-15}$, and draw the worst error. Guess first: which $h$ is the best?

# %%
my_guess = 1e-12  # the best h of a central difference in float64

# %%
steps = 10.0 ** np.arange(-15, 0.1, 0.5)
points = rng.uniform(0, 6, 200)


def worst_error(kind, h, dtype):
    x = points.astype(dtype)
    up, down = x + dtype(h), x - dtype(h) if kind == "central" else x
    width = dtype(2 * h) if kind == "central" else dtype(h)
    return np.abs((np.sin(up) - np.sin(down)) / width - np.cos(x.astype(np.float64))).max()


errors = {}
for kind, dtype in (("one-sided", np.float64), ("central", np.float64), ("central", np.float32)):
    label = f"{kind}, {dtype.__name__}"
    errors[label] = np.array([worst_error(kind, h, dtype) for h in steps])
    best = errors[label].argmin()
    found = f"best h {steps[best]:.0e}, error there {errors[label][best]:.0e}"
    print(f"{label:20}: {found}; at h = 1e-12 {errors[label][6]:.0e}")
show_guess(my_guess, steps[errors["central, float64"].argmin()], "the best h")


# %% drawing=true
def with_step(log10_h):
    h, at = 10.0**log10_h, 1.0
    up, down = np.sin(at + h), np.sin(at - h)
    slope = (up - down) / (2 * h)
    figure, (left, ax) = plt.subplots(
        1, 2, figsize=(10, 3.8), width_ratios=(2, 3), layout="constrained"
    )
    near = at + h * np.linspace(-2, 2, 100)
    left.plot(
        (near - at) / h, np.sin(near) - np.sin(at), color="black", label="sin, as a float64 has it"
    )
    left.plot([-2, 2], [-2 * h * slope, 2 * h * slope], "C2--", label="central difference")
    left.plot([-1, 0, 1], [down - np.sin(at), 0, up - np.sin(at)], "ko")
    left.set(xticks=[-1, 0, 1], xticklabels=["x - h", "x", "x + h"])
    left.set_title(f"h = {h:.1e}, x = 1\nslope {slope:.10f}\nright {np.cos(at):.10f}", fontsize=10)
    left.legend(fontsize=8)
    for (label, error), style in zip(errors.items(), ("C1s-", "C2o-", "C3^-"), strict=True):
        ax.loglog(steps, error, style, markersize=4, label=label)
    ax.axvline(h, color="black", linestyle=":")
    ax.set(xlabel="h", ylabel="worst error of the slope", ylim=(1e-12, 10))
    ax.legend()
    return figure


play(
    with_step,
    "Left, the curve near x, as wide as h. Right, the error against h: from the right it falls, then rounding makes "
    "it rise again.",
    log10_h=(-15.0, 0.0, -0.5),
)

# %% [markdown]
# A **V**. At $h = 10^{-12}$ the central difference in float64 is worse than at $h = 0.01$. In float32 it is useless
# there: $x + h$ is rounded back to $x$, and the difference is 0.
#
# Why? A float64 keeps about 16 digits. So $f(x+h)$ is wrong by about $10^{-16}$, and $f(x-h)$ too. These two numbers
# are nearly the same; when we subtract them, the digits they share go away, and the wrong ones stay. Then we divide
# by $2h$, and that makes the small mistake large:
#
# $$ \text{error} \approx \underbrace{\frac{h^2}{6} |f'''|}_{\text{falls with } h}
#    + \underbrace{\frac{10^{-16} |f|}{h}}_{\text{rises as } h \text{ shrinks}} . $$
#
# The best $h$ is where the two are about equal: $h^3 \approx 10^{-16}$, so $h \approx 10^{-5}$. This is the
# step of [`gradcheck/check.py`](../tinyvit/gradcheck/check.py).
#
# ## Second trap: float32
#
# Networks are trained in float32, which keeps about 7 digits. Look at its V again: the error never gets below
# $10^{-5}$, and its best $h$ is around 0.01. At our $h = 10^{-5}$:

# %%
for dtype in (np.float32, np.float64):
    error = worst_error("central", 1e-5, dtype)
    print(f"{dtype.__name__}: the worst error at h = 1e-5 is {error:.0e}")

# %% [markdown]
# With float32, a *right* backward looks wrong, and a slightly wrong one can hide. So: **we check in float64, and train
# in float32.** The formulas are the same.
#
# ## From one number to an array
#
# An **op**, one step of a model such as `linear`, does not return one number. It returns an array `y`. What should we
# compare? Take a random array `dy` in the shape of `y`, and make one number out of it:
#
# $$ \ell(x) = \sum_j dy_j \, y_j(x) . $$
#
# When $y_j$ moves, $\ell$ moves $dy_j$ times as much. So $dy$ stands for what the next op would pass back, the
# **upstream gradient**, and `backward(dy, saved)` must be the gradient of $\ell$ with respect to $x$. We can compare it
# number by number with the central difference of 3.1.
#
# **And when `x` is large?** A layer with 100,000 weights would need 200,000 forwards. There is a cheaper question. Move
# *all* numbers of `x` at once, along a random direction $v$: from $x$ to $x + h v$. By the chain rule,
#
# $$ \text{slope of } \ell \text{ along } v = \sum_i dx_i \, v_i . $$
#
# The left side is a central difference: **two** forwards, whatever the size. The right side is the backward's. If some
# $dx_i$ is wrong, the sum is wrong, unless the errors cancel by chance; and with a random $v$ that is as good as
# impossible.
#
# ### Exercise 3.2: two numbers that must agree
#
# **Goal:** ask the backward and the forward for the slope of $\ell$ along `v`. `forward(x)` returns `y, saved`, and
# `backward(dy, saved)` returns `dx`. `x` and `v` have the same shape, `dy` has the shape of `y`, `h` is the step.
# Return two numbers: what the backward says, and what the forward says (by a central difference). ●●○, 8 minutes.


# %% exercise="3.2"
def directional_check(forward, backward, x, dy, v, h):
    """Two functions, x (...), dy (as y), v (...), the step -> backward's slope, forward's slope."""
    ### BEGIN SOLUTION
    _, saved = forward(x)
    analytic = (backward(dy, saved) * v).sum()
    up = (dy * forward(x + h * v)[0]).sum()
    down = (dy * forward(x - h * v)[0]).sum()
    return analytic, (up - down) / (2 * h)
    ### END SOLUTION


# %%
check.directional_check(directional_check)

# %% [markdown] hints="3.2"
# The first number needs one forward (for `saved`) and the backward. The second number needs two forwards and no
# backward: how far does the sum of `dy * y` move from `x - h * v` to `x + h * v`? (`forward` returns two things; `y` is
# the first.)
# ---
# First: `(backward(dy, saved) * v).sum()`. Second: with `up = (dy * forward(x + h * v)[0]).sum()` and `down` the same
# with a minus, it is `(up - down) / (2 * h)`.

# %% [markdown]
# ## How close is close?
#
# The two numbers never agree exactly. Is a difference of 0.001 much? If the gradient is 1000, it is nothing. If the
# gradient is 0.001, it is everything. So we look at the **relative error**:
#
# $$ \frac{|a - b|}{\max(|a|, |b|)} . $$
#
# In float64, with central differences, a right backward lands at $10^{-9}$ or so, or below. A wrong one lands around
# 1, or at least far above $10^{-6}$. So the library draws the line at $10^{-6}$. (It does one thing more: where both $a$
# and $b$ are below the typical size of the numbers that it compares, it divides by that size.)
#
# ## The judge at work
#
# `check_gradients` does all this: float64, a random `dy`, central differences, number by number for small inputs and
# along directions for large ones. An op is for it a pair, `Op(forward, backward)`; `ops.OPS` has all of them by name.
# ("Difference quotient" in its reports is the central difference.) Here it judges the linear layer of lesson 2, and
# then a copy that we broke: the gradient of the bias is averaged over the rows, where it should be added up.

# %%
shapes = {"x": (4, 3), "weight": (3, 2), "bias": (2,)}
inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
print(check_gradients(ops.OPS["linear"], inputs, rng=rng))


def averaging_backward(dy, saved):
    dx, dweight, dbias = ops.linear_backward(dy, saved)
    return dx, dweight, dbias / len(dy)


print(check_gradients(Op(ops.linear_forward, averaging_backward), inputs, rng=rng))

# %% [markdown]
# It names the input, the place, and both numbers. When one is four times the other and you have four rows, you know
# where to look.
#
# ## An experiment: the third trap, a gradient of ones
#
# Many people check with the simplest loss there is: $\ell = \sum_j y_j$, the sum of all outputs. Then `dy` is 1
# everywhere. What could be wrong with that?
#
# Take a small op that turns positive numbers into **shares**: $y_i = x_i / S$ with $S = \sum_j x_j$. Its backward:
# $x_i$ acts on its own share directly, and on *every* share through $S$. With
# $\partial y_j / \partial x_i = \frac{[i = j]}{S} - \frac{x_j}{S^2}$ (where $[i = j]$ is 1 if $i = j$, else 0) and
# $x_j / S = y_j$:
#
# $$
# dx_i = \sum_j dy_j \Big( \frac{[i = j]}{S} - \frac{y_j}{S} \Big)
# = \frac{1}{S} \Big( dy_i - \sum_j dy_j \, y_j \Big) .
# $$
#
# Besides the right one, here are four broken ones. The last does not even try. Guess: how many does a check with ones
# catch?

# %%
my_guess = 3  # broken ones that a check with ones catches, 0 to 4


# %%
def shares_forward(x):
    total = x.sum(-1, keepdims=True)
    y = x / total
    return y, (y, total)


def right(dy, saved):
    y, total = saved
    return (dy - (dy * y).sum(-1, keepdims=True)) / total


def plain_mean(dy, saved):
    _, total = saved
    return (dy - dy.mean(-1, keepdims=True)) / total


def no_total(dy, saved):
    y, _ = saved
    return dy - (dy * y).sum(-1, keepdims=True)


def turned_sign(dy, saved):
    return -right(dy, saved)


def zeros(dy, saved):
    return np.zeros_like(dy)


x = rng.uniform(0.5, 2, (3, 5))
y, saved = shares_forward(x)
other_y, _ = shares_forward(rng.uniform(0.5, 2, (3, 5)))
print(f"sum of all shares: {y.sum():.6f}; with another x: {other_y.sum():.6f}\n")
print(f"{'':12} {'dx under ones':>14}   check with ones:      check with a random dy:")
caught = 0
for backward in (right, plain_mean, no_total, turned_sign, zeros):
    largest = np.abs(backward(np.ones_like(y), saved)).max()
    report = check_gradients(Op(shares_forward, backward), {"x": x}, rng=rng)
    verdicts = ["passed" if ok else "CAUGHT" for ok in (largest < 1e-6, report.passed)]
    words = f"{verdicts[0]:20}  {verdicts[1]}, error {report.error:.0e}"
    print(f"{backward.__name__:12} {largest:14.0e}   {words}")
    caught += largest >= 1e-6
show_guess(my_guess, int(caught), "caught with ones, of four")

# %% [markdown]
# Under ones, **all four broken ones pass, even the one that returns zeros**. Each row of shares adds up to 1, whatever
# $x$ is. So the sum of the outputs cannot move, its true gradient is 0, and the check asks a question whose answer is
# "nothing". A random `dy` catches all four.
#
# This is no rare case. Two ops that you will write soon have outputs with a fixed sum: softmax (lesson 4), and layer
# norm (lesson 5) as long as it is not trained. There too, a check with ones says "right" to many wrong backwards.
#
# **A check that cannot fail is worth nothing.** Whenever you write one, break the code on purpose and see it fail.
#
# How much of a mistake does a random direction see? We break a **single** number of a gradient with 10,000 of them, and
# make it 1 % too large. The op is $y = x^2$, so $dx = 2x \, dy$.

# %%
x = rng.uniform(1, 2, (100, 100))


def square_forward(x):
    return x * x, x


def square_backward(dy, saved):
    return 2 * saved * dy


def one_number_off(dy, saved):
    dx = 2 * saved * dy
    dx[40, 70] *= 1.01
    return dx


for backward in (square_backward, one_number_off):
    print(check_gradients(Op(square_forward, backward), {"x": x}, rng=rng))

# %% [markdown]
# Caught: one number of ten thousand, one percent off. The relative error is small now, because the other 9,999 numbers
# are right and fill the sum. But it is still more than ten thousand times that of the right backward. This is what
# float64 and a good $h$ buy.

# %% [markdown]
# ## Hard, and optional: a slope without a difference
#
# All three traps come from a subtraction. There is a way without one. $f$ takes complex numbers, too, if it is made of
# `+`, `*`, `exp` and their like. Let $i^2 = -1$, and put $x + ih$ into the Taylor series above in place of $x + h$. Which
# part of the result is the slope, times $h$? And how large is the first term that is wrong?
#
# ### Exercise 3.3: the complex step
#
# **Goal:** `f` takes an array, real or complex, and returns one number; `x` is `(...)`. Return the gradient, `(...)`,
# right to the last digits. Since nothing is subtracted, $h$ may be as small as $10^{-30}$. (`x.astype(complex)` is a
# complex copy, `1e-30j` is $10^{-30} i$, and `z.imag` the imaginary part.) ●●●, 10 minutes.


# %% exercise="3.3"
def complex_step(f, x):
    """A function of an array, the array (...) -> the gradient (...)."""
    ### BEGIN SOLUTION
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        z = x.astype(complex)
        z[index] += 1e-30j
        gradient[index] = f(z).imag / 1e-30
    return gradient
    ### END SOLUTION


# %%
check.complex_step(complex_step)

# %% [markdown] hints="3.3"
# $f(x + ih) = f(x) + i h f'(x) - \frac{h^2}{2} f''(x) - i \frac{h^3}{6} f'''(x) + \dots$ The imaginary part is
# $h f'(x)$, and the first wrong term is $h^2$ times smaller.
# ---
# As in 3.1, place by place: `z = x.astype(complex)`, `z[index] += 1e-30j`, and `f(z).imag / 1e-30`.

# %% [markdown]
# ## And what our own code computes, without a difference
#
# The complex step needs an $f$ that takes complex numbers. Some of our ops will compare numbers, and complex ones have no
# order. So give each number its slope to carry along: a **dual number** $a + a' \varepsilon$ is a value $a$ and a slope $a'$, with the rule
# $\varepsilon^2 = 0$. (Clifford 1873. Taylor's series then stops by itself: $f(a + a' \varepsilon) = f(a) + f'(a) \, a'
# \varepsilon$, and nothing is left out.) A product, with $\varepsilon^2 = 0$:
#
# $$ (a + a' \varepsilon)(b + b' \varepsilon) = ab + (a'b + ab') \, \varepsilon . $$
#
# That is the product rule, and nobody had to differentiate. For the quotient, call it $c + c' \varepsilon$. It must satisfy
# $(c + c' \varepsilon)(b + b' \varepsilon) = a + a' \varepsilon$, so $cb = a$ and $c'b + cb' = a'$.
#
# ### Exercise 3.4: a quotient that carries its slope (optional)
#
# **Goal:** `x` and `y` are pairs of arrays, value and slope: $a, a'$ and $b, b'$. Return the pair of $x / y$, for arrays of any
# shapes that NumPy can divide. ●●○, 5 minutes.


# %% exercise="3.4"
def dual_quotient(x, y):
    """Two pairs: value (...), slope (...) -> the pair of x / y."""
    ### BEGIN SOLUTION
    (a, da), (b, db) = x, y
    return a / b, (da * b - a * db) / b**2
    ### END SOLUTION


# %%
check.dual_quotient(dual_quotient)

# %% [markdown] hints="3.4"
# $c = a / b$. Solve $c'b + cb' = a'$ for $c'$.
# ---
# $c' = (a' - c b') / b = (a'b - ab') / b^2$.

# %% [markdown]
# Now the point. NumPy can compute with arrays of *objects*: for `x * y` it asks each object for its own `*`, for
# `x @ y` for its `*` and `+`. So a class with these rules goes through our ops **as they are**, the very lines that train:

# %%
# The course's, where yours is not right yet.
ours, _ = replace_failing({"3.4": dual_quotient})


class Dual:
    """A value and its slope."""

    def __init__(self, value, slope=0.0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        other = dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        other = dual(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other):
        other = dual(other)
        return Dual(*ours["3.4"]((self.value, self.slope), (other.value, other.slope)))

    def __sub__(self, other):
        return self + dual(other) * -1.0

    __radd__, __rmul__ = __add__, __mul__


def dual(x):
    return x if isinstance(x, Dual) else Dual(x)


def moving(x, v):
    """An array of dual numbers, whose slopes are v."""
    return np.array([Dual(*pair) for pair in zip(x.flat, v.flat, strict=True)]).reshape(x.shape)


def slopes(y):
    return np.array([entry.slope for entry in y.flat]).reshape(y.shape)


Real.register(Dual)  # our ops ask whether an object is a real number
x, v, dy = rng.uniform(0.5, 2, (3, 2, 5))
_, saved = shares_forward(x)
print(f"shares: the backward says {(right(dy, saved) * v).sum():.17f}")
print(f"        its forward says  {(slopes(shares_forward(moving(x, v))[0]) * dy).sum():.17f}")
weight, dy = rng.standard_normal((5, 3)), rng.standard_normal((2, 3))
_, saved = ops.linear_forward(x, weight)
print(f"linear: the backward says {(ops.linear_backward(dy, saved)[0] * v).sum():.17f}")
print(
    f"        its forward says  {(slopes(ops.linear_forward(moving(x, v), weight)[0]) * dy).sum():.17f}"
)

# %% [markdown]
# No $h$, no V, and the numbers agree but for rounding in the last digits. `check_exact` does this with all operations that
# our ops need ([`dual.py`](../tinyvit/gradcheck/dual.py)), and holds backwards to $10^{-13}$. Does that matter? Here is a linear layer whose
# gradient is too large by a factor of $1 + 10^{-10}$. (Nobody would notice in training. But it is a mistake, and one that
# central differences cannot see.)


# %%
def slightly_off(dy, saved):
    dx, dweight, dbias = ops.linear_backward(dy, saved)
    return dx * (1 + 1e-10), dweight, dbias


for judge in (check_gradients, check_exact):
    for backward in (ops.linear_backward, slightly_off):
        report = judge(Op(ops.linear_forward, backward), inputs, rng=rng)
        verdict = "passed" if report.passed else "CAUGHT"
        print(f"{judge.__name__:16} {backward.__name__:16} {verdict}, error {report.error:.0e}")

# %% [markdown]
# ## Bug hunt
#
# A judge can be broken, too. This `central_difference` has one wrong or missing line. Its error is small, but look where
# it is, and how it changes with $h$.

# %%
broken = bug_hunt(3)
x = np.array([1.0, 2.0, 3.0, 4.0])


def product(x):
    return x.prod()


print("right      ", x.prod() / x)  # the slope is the product of the others
for h in (1e-1, 1e-2, 1e-3):
    print(f"h = {h:<7}", broken(product, x, h))

# %%
my_suspect = 10  # the number of the wrong line
check.suspect(3, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. Your check fails with a relative error of 0.5 exactly, at every number. What do you look for?**
#
# <details><summary>Answer</summary>
#
# A factor of 2: $|a - 2a| / |2a| = 0.5$. A forgotten 2 from a square, perhaps, or something that is counted twice.
#
# </details>
#
# **2. The forward has a mistake. Does the gradient check find it?**
#
# <details><summary>Answer</summary>
#
# No. It says only that backward and forward belong together. A right backward of a wrong forward passes. The forward
# needs tests of its own: compare its values with a slow loop, or with numbers computed by hand.
#
# </details>
#
# **3. A function has a corner: $f(x) = |x|$. What does the central difference say at $x = 0$?**
#
# <details><summary>Answer</summary>
#
# $(|h| - |-h|) / 2h = 0$, although there is no slope at 0: it is $-1$ on the left and $1$ on the right. At a corner, a
# check can fail for a good backward. Keep test inputs away from corners.
#
# </details>
#
# ## What you can now do
#
# - Compute any gradient without calculus, and say how wrong it is.
# - Choose $h$, and explain both arms of the V.
# - Check a backward of any size with a few forwards.
# - Say why a gradient of ones proves nothing, and test the test.
#
# Open [`tinyvit/gradcheck/check.py`](../tinyvit/gradcheck/check.py): `_difference_quotients` is your 3.1, `_along_directions` is
# your 3.2. The rest is care: clear reports, and a relative error that does not blow up for a number near 0.
#
# Go on with [lesson 4](04_softmax_and_cross_entropy.ipynb).
