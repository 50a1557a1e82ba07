# %% [markdown]
# # Lesson 0: Start here
#
# *About 30 minutes. It opens the door to [`tinyvit`](../tinyvit/__init__.py).*
#
# In this course you write a **Vision Transformer** yourself: a network that looks at an image and says what is on it.
# You write its forward pass, and every one of its gradients, by hand, in plain NumPy. Nothing is hidden. You need
# Python, a little NumPy, the calculus of school (what a derivative is, and the chain rule), and to have seen a matrix
# product. Every other word is explained where you first need it, so don't mind those that you do not know today.
#
# First, let us see one at work. The next cell loads a model that has learned to read handwritten digits. It was trained
# with the code that you are about to understand, and it is right on 9,949 of 10,000 digits it had never seen.

# %%
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from tinyvit import load_dataset
from tinyvit.course import check, play, show, show_guess, trained_model
from tinyvit.images.own_image import prepare_digit
from tinyvit.plots import plot_overlay

digits = load_dataset("mnist").test
trained = trained_model()
images = digits.images[:10]
logits = trained.model.predict(trained.normalised(images))  # ten scores for each image

# %% drawing=true
figure, axes = plt.subplots(1, 10, figsize=(10, 1.5))
for ax, image, guess in zip(axes, images, logits.argmax(-1), strict=True):
    ax.imshow(image[0], cmap="gray")
    ax.set(title=f"“{guess}”", xticks=[], yticks=[])
show(figure, "Ten digits of the test set, and what the model says they are.")

# %% [markdown]
# ## The whole model in one picture
#
# A transformer was made for text: it takes a row of words. A **Vision** Transformer makes a row of "words" out of an
# image, called *tokens*. It cuts the image into small squares, the *patches*, and makes each one a token, a vector.
# From then on it is a transformer like any other:
#
# ```
# image                 28 x 28 pixels
#   |  cut into patches             49 patches of 4 x 4 pixels               lesson 1
#   |  a linear layer               49 tokens, vectors of 64 numbers         lesson 2
#   |  one more token, positions    50 tokens                                lesson 9
#   |
#   |  block, 4 times over:                                                  lesson 10
#   |     layer norm                                                         lesson 5
#   |     attention: tokens talk to each other                               lessons 7, 8
#   |     layer norm
#   |     MLP: each token thinks for itself                                  lesson 6
#   |
#   |  layer norm, then look at the one extra token                           lesson 10
#   |  a linear layer               10 numbers, one for each digit           lesson 2
# "7"                   the largest of them                                  lesson 4
# ```
#
# The numbers are those of the model above. Let us ask it for them.

# %%
config = trained.model.config
print(f"{config.num_patches} patches of {config.patch_size} x {config.patch_size} pixels")
print(f"{config.num_tokens} tokens of {config.embed_dim} numbers, {config.depth} blocks")
print(f"{trained.model.num_parameters():,} numbers were learned")

# %% [markdown]
# ## Your own digit
#
# Here is a digit that is not from any data set: the first four lines draw it. Change them, or put a photo of your own
# in the place of all four, `drawing = Image.open("my_digit.png")`, and run the cell again. `prepare_digit` turns any
# picture of a digit into what the model has seen in training: light on black, 28 x 28 pixels, in the middle.

# %%
drawing = Image.new("L", (280, 280), "white")
pen = ImageDraw.Draw(drawing)
pen.arc((70, 40, 210, 170), 170, 405, fill="black", width=26)
pen.line([(192, 138), (80, 240), (220, 240)], fill="black", width=26, joint="curve")

digit, what_was_done = prepare_digit(drawing)
scores = trained.model.predict(trained.normalised(digit[None]))[0]  # [None]: a batch of one image
probs = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()  # softmax, lesson 4


# %% drawing=true
def reading(drawing):
    seen, _ = prepare_digit(drawing)
    scores = trained.model.predict(trained.normalised(seen[None]))[0]
    probs = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.8))
    axes[0].imshow(drawing, cmap="gray")
    axes[1].imshow(seen[0], cmap="gray")
    axes[2].bar(range(10), probs)
    axes[2].set(xticks=range(10), ylim=(0, 1), title="how sure the model is")
    for ax, title in zip(axes, ("your drawing", "what the model sees"), strict=False):
        ax.set(title=title, xticks=[], yticks=[])
    return figure


play(
    reading,
    "A drawing, the same as the model sees it, and the probability of each digit.",
    drawing=drawing,
)

# %% [markdown]
# What did it look at? A transformer can be asked. The extra token is called the **class token**, because the answer is
# read from it. The picture below shows how much it took from each patch: in the last block, and, on the right, an
# estimate for all blocks together. Lesson 13 says what such pictures mean, and what they do not mean.

# %%
attention = trained.model.attention(trained.normalised(digit[None]))

# %% drawing=true
figure = plot_overlay(digit, attention, grid=config.grid_size)
show(figure, "The digit, and what the class token takes from each patch: last block, all blocks.")

# %% [markdown]
# ## How the exercises work
#
# In every lesson there are two to eight functions for you to write. Each comes in two cells: in the first you write,
# the second **checks**. A check calls your function with inputs of its own. It says one of five things: nothing written
# yet, stopped with an error, wrong shape, wrong values (with the worst place, and often a guess at the reason), or
# passed.
#
# Nothing is lost if you skip an exercise: the cells after it use the library's own version. If you are stuck:
#
# - `check.hint("0.1")` prints a hint, and a second one when you ask again; the hints are below each exercise, too;
# - `check.solution("0.1")` prints one way to write it;
# - `check.progress()` shows what you have done so far. It is remembered when you close the notebook.
#
# A few signs, and then you can start:
#
# - In a shape, `...` stands for any number of axes, also none: `(..., 3)` may be `(3,)`, `(2, 3)` or `(5, 2, 3)`.
# - What stands behind `*,` in the head of a function is given by name. `(y,)` is a tuple of one; the comma makes it.
# - ●○○ is easy, ●●○ takes some thought, ●●● takes more.
# - Before an experiment stands a line `my_guess = None`. Write your guess in place of `None`, a number or a word, run it,
#   and the cell after it shows your guess beside what came out. It stays in your notebook.
# - From lesson 1 on, each lesson has a **bug hunt**: a function that is wrong in one line, and you are the detective.
# - Code that only draws a picture need not be read. In JupyterLab it is folded away; a click on the three dots opens it.
#
# ### Exercise 0.1: a warm-up
#
# **Goal:** `image` holds whole numbers (uint8) from 0 (black) to 255 (white), in any shape. Return numbers from 0 to 1
# in the same shape, where black and white have changed places: white becomes 0, black becomes 1. ●○○, 3 minutes.
#
# Run the two cells as they are first, to see what a check says before you have written anything. Then try a wrong
# answer on purpose, such as `return image / 255`.


# %% exercise="0.1"
def invert_and_scale(image):
    """uint8 (...) -> float (...), between 0 and 1."""
    ### BEGIN SOLUTION
    return (255 - image) / 255
    ### END SOLUTION


# %%
check.invert_and_scale(invert_and_scale)

# %% [markdown] hints="0.1"
# NumPy works on all pixels at once: `255 - image` is an array in which every pixel was taken from 255.
# ---
# `(255 - image) / 255`.

# %% [markdown]
# ## An experiment: what is easy for you is not easy for it
#
# The model reads 99.5 % of the test set. You would think that it has understood what a digit is. Now take the first
# 2,000 of these digits (it reads 99.0 % of them), and move them by two pixels, or swap black and white. You still read
# nearly all of them without trouble. Which of the two is harder for the model, and how many does it still read? Guess
# before you run the cell.

# %%
my_guess = 80  # % of the digits that it reads when black and white are swapped

# %%
some, labels = digits.images[:2000], digits.labels[:2000]
changes = {
    "as they are": some,
    "two pixels to the right": np.roll(some, 2, axis=-1),
    "black and white swapped": 255 - some,
}
for name, changed in changes.items():
    guesses = trained.model.predict(trained.normalised(changed)).argmax(-1)
    right = 100 * (guesses == labels).mean()
    print(f"{name:<26} {right:5.1f} % right")
show_guess(my_guess, right, "% of the digits, black and white swapped")

# %% [markdown]
# Moving the digits does no harm. The model was trained on digits that were moved about (by up to 1.5 pixels each way),
# turned and stretched. Black on white it has never seen, and there it is no better than guessing (10 %). **A network
# learns what it was shown**, and little else. Keep that in mind in lesson 12, where you train one yourself. (It is also
# why `prepare_digit` had to swap the colours of your drawing.)
#
# ## Hard, and optional: where the ink is
#
# Who made MNIST moved every digit so that its **centre of ink** (of mass, they said) lies in the middle of the image (LeCun et
# al. 1998), and `prepare_digit` does the same to yours. That centre is a mean of places, in which every pixel counts by its
# ink $p$:
#
# $$ \text{row} = \frac{\sum_{r, c} r \, p_{rc}}{\sum_{r, c} p_{rc}} , \qquad
#    \text{column} = \frac{\sum_{r, c} c \, p_{rc}}{\sum_{r, c} p_{rc}} . $$
#
# ### Exercise 0.2: the centre of ink
#
# **Goal:** `image` is `(..., H, W)`, numbers from 0 (no ink) to 1. Rows and columns are counted from 0. Return the centres
# `(..., 2)`: row, column. No image is empty. ●●○, 8 minutes.


# %% exercise="0.2"
def centre_of_ink(image):
    """(..., H, W) -> (..., 2): row, column."""
    ### BEGIN SOLUTION
    H, W = image.shape[-2:]
    total = image.sum(axis=(-2, -1))
    row = (image * np.arange(H)[:, None]).sum(axis=(-2, -1)) / total
    column = (image * np.arange(W)).sum(axis=(-2, -1)) / total
    return np.stack([row, column], axis=-1)
    ### END SOLUTION


# %%
check.centre_of_ink(centre_of_ink)

# %% [markdown] hints="0.2"
# `np.arange(W)` holds the columns, and `image * np.arange(W)` multiplies each pixel by its column. Rows need one axis more:
# `np.arange(H)[:, None]` is `(H, 1)`.
# ---
# `(image * np.arange(W)).sum(axis=(-2, -1)) / image.sum(axis=(-2, -1))` is the column. Both together:
# `np.stack([row, column], axis=-1)`.

# %% [markdown]
# ## Three questions
#
# **1. The model has 135,818 learned numbers. Where are they?**
#
# <details><summary>Answer</summary>
#
# Nearly all are in matrices: those of the linear layers inside the blocks. Lesson 10 counts every one.
#
# </details>
#
# **2. Why does the course check gradients all the time?**
#
# <details><summary>Answer</summary>
#
# Because a network with a wrong gradient often learns something all the same, only worse. You would not notice by
# looking. Lesson 3 builds a test that does.
#
# </details>
#
# **3. Does the model see the digit as a whole at first?**
#
# <details><summary>Answer</summary>
#
# No. It sees 49 squares of 16 pixels. Only attention brings them together.
#
# </details>
#
# ## What you can now do
#
# - Run a trained Vision Transformer on a picture of your own.
# - Name its parts, and say which lesson builds which.
# - Use a check, a hint and a solution, and write down a guess before you look.
#
# From the command line the same model answers to `tinyvit predict data/mnist-vit my_digit.png`. Go on with
# [lesson 1](01_patches.ipynb).
