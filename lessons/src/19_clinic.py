# %% [markdown]
# # Lesson 19: The clinic
#
# *About 70 minutes. It opens nothing new: you need all that you have learned.*
#
# Ten training runs lie in beds A to J. Each has **one fault**, and you are the doctor. The eleventh is healthy, to compare
# with. All are the same small ViT, trained for 300 steps of 32 digits, and here is what most people look at first.

# %%
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import check_gradients
from tinyvit.course import check, clinic, replace_failing, show, show_guess

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several

letters = list("ABCDEFGHIJ")
healthy = clinic.patient("healthy")
patients = {letter: clinic.patient(letter) for letter in letters}


def smooth(losses):
    return np.convolve(losses, np.ones(20) / 20, mode="valid")


# %% drawing=true
figure, axes = plt.subplots(2, 5, figsize=(9, 3.2), sharex=True, sharey=True)
for ax, (letter, patient) in zip(axes.ravel(), patients.items(), strict=True):
    ax.plot(smooth(healthy.losses), color="0.8")
    ax.plot(smooth(patient.losses), color="C0")
    ax.set_title(letter)
axes[0, 0].set(ylabel="loss", ylim=(0, 2.8))
axes[1, 2].set_xlabel("step")
show(figure, "The training loss of the ten runs, mean of 20 steps. Grey: the healthy run.")

# %% [markdown]
# Four of the curves look healthy. They are not. And those that look ill look alike: "it does not learn" is a complaint,
# not a diagnosis. A doctor does not guess from a face; a doctor **measures**, the cheap things first.
#
# | | the diagnosis, as you will write it | what was done |
# |---|---|---|
# | the data | `"wrong labels"` | the labels belong to other images |
# | | `"not shuffled"` | first all zeros, then all ones, ... |
# | | `"too few images"` | there are only 100, seen again and again |
# | | `"dev images differ"` | the dev images are prepared in another way |
# | the step | `"rate too high"` | the learning rate is 0.1 |
# | | `"rate too low"` | the learning rate is 0.000003 |
# | | `"weight decay too strong"` | 200 times as strong |
# | the model | `"wrong backward"` | one term of one formula is missing |
# | | `"gradient stops"` | it does not come down to the lower layers |
# | | `"no positions"` | the tokens are not told where they come from |
#
# Every patient has: `losses`, one for each step; `batch(step)`, the images and labels that its loop took; `before` and
# `after`, its model before the training and now; `gradients(step)`, a dict as you know it, for that batch and the model of
# now; `dev_images` and `dev_labels`. Do not open `tinyvit/course/clinic.py` before you are done.
#
# ## First: what does somebody reach who is blind?
#
# A loss of 2.3 means nothing by itself. It must be compared with the loss of somebody who **does not look at the images**
# and only knows how often each class comes: for every image, that one answers with the same probabilities, the shares
# $p_k$ of the classes. Of all images, a share $p_k$ is of class $k$, and costs $-\ln p_k$. So the mean is
#
# $$ L = -\sum_k p_k \ln p_k . $$
#
# (This is the *entropy* of the labels. With $K$ classes that come equally often it is $\ln K$; with others it is less. A
# model above it has learned less than counting.)
#
# ### Exercise 19.1: the loss of who does not look
#
# **Goal:** `labels` is `(n,)`, whole numbers. Return $L$, one number. A class that never comes costs nothing. ●●○, 8 minutes.


# %% exercise="19.1"
def loss_without_looking(labels):
    """(n,) -> one number."""
    ### BEGIN SOLUTION
    _, counts = np.unique(labels, return_counts=True)
    shares = counts / len(labels)
    return float(-(shares * np.log(shares)).sum())
    ### END SOLUTION


# %%
check.loss_without_looking(loss_without_looking)

# %% [markdown] hints="19.1"
# `np.unique(labels, return_counts=True)` gives two arrays: the classes that come, and how often each does.
# ---
# With `shares = counts / len(labels)` it is `-(shares * np.log(shares)).sum()`.

# %% [markdown]
# Now look at what goes in. The first picture shows the first images of step 150 and their labels, the second compares two
# losses: the mean of the last 30 steps, and that of somebody who does not look.

# %% drawing=true
figure, axes = plt.subplots(5, 13, figsize=(8, 3.5))
for ax in axes.ravel():
    ax.axis("off")
for index, letter in enumerate(letters):
    images, labels = patients[letter].batch(150)
    row, left = index % 5, 7 * (index // 5)
    for ax, image, label in zip(axes[row, left : left + 6], images, labels, strict=False):
        ax.imshow(image[0], cmap="gray")
        ax.set_title(label, fontsize=8, pad=1)
    axes[row, left].text(
        -0.4, 0.5, letter, transform=axes[row, left].transAxes, ha="right", weight="bold"
    )
show(figure, "Six images that each patient's loop took in step 150, and their labels.")

# %%
# The course's, where yours is not right yet.
ours, _ = replace_failing({"19.1": loss_without_looking})
blind = [ours["19.1"](patient.batch(150)[1]) for patient in patients.values()]
everyone = [
    ours["19.1"](np.concatenate([p.batch(step)[1] for step in range(300)]))
    for p in patients.values()
]
print("entropy of the labels within one batch")
print(*(f"{letter} {one:z.2f}  " for letter, one in zip(letters, blind, strict=True)))

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 2.6))
ax.bar(letters, [patient.losses[-30:].mean() for patient in patients.values()], color="C0")
ax.plot(letters, everyone, "_", color="black", markersize=28)
ax.set(ylabel="loss, last 30 steps")
show(
    figure,
    "Bars: the loss at the end. Black: the loss of somebody who only knows how often each class comes.",
)

# %% [markdown]
# Within one batch, all patients but one have labels of entropy near 2, as 32 digits should. One has 0: a batch of one class. Whoever
# sees only zeros learns to say "zero", and forgets it when the ones come. **Write down what you suspect**, and go on: two
# patients with the same complaint can still have different faults.
#
# ## Second: do the weights move?
#
# A step should change the weights a little, and 300 steps a good deal. How much is much? A change of 0.1 is nothing for a
# weight of 100, and everything for one of 0.01. So compare lengths. The length of an array is the root of the sum of its
# squares, and the change of a weight $w$ is
#
# $$ \frac{\lVert w_\text{after} - w_\text{before} \rVert}{\lVert w_\text{after} \rVert} . $$
#
# ### Exercise 19.2: how much the weights have changed
#
# **Goal:** `before` and `after` are dicts of arrays, by the same names. Return a dict: for every name that number, and 0
# where nothing has changed. (Zeros that stayed zeros would be 0 / 0.) ●●○, 8 minutes.


# %% exercise="19.2"
def changes(before, after):
    """Two dicts of arrays -> a dict of numbers."""
    ### BEGIN SOLUTION
    found = {}
    for name, new in after.items():
        moved = np.sqrt(((new - before[name]) ** 2).sum())
        found[name] = float(moved / np.sqrt((new**2).sum())) if moved > 0 else 0.0
    return found
    ### END SOLUTION


# %%
check.changes(changes)

# %% [markdown] hints="19.2"
# A loop over `after.items()`. `np.sqrt((x**2).sum())` is the length of any array, whatever its number of axes.
# ---
# `moved = np.sqrt(((new - before[name]) ** 2).sum())`; the number is `moved / np.sqrt((new**2).sum())` if `moved > 0`,
# and 0 otherwise.

# %%
ours, _ = replace_failing({"19.2": changes})
weights = [
    "patch_embed.proj.weight",
    "blocks.0.mlp.fc1.weight",
    "blocks.1.mlp.fc1.weight",
    "head.weight",
]
beds = {"healthy": healthy, **patients}
table = np.array(
    [
        [ours["19.2"](p.before.parameters(), p.after.parameters())[name] for p in beds.values()]
        for name in weights
    ]
)
lengths = np.array(
    [
        [
            np.linalg.norm(p.after.parameters()[name]) / np.linalg.norm(p.before.parameters()[name])
            for p in beds.values()
        ]
        for name in weights
    ]
)

# %% drawing=true
figure, axes = plt.subplots(2, 1, figsize=(10, 3.8), sharex=True)
for ax, numbers in zip(axes, (table, lengths), strict=True):
    ax.imshow(np.log(np.maximum(numbers, 1e-3)), cmap="RdBu_r", vmin=-4, vmax=4, aspect="auto")
    for (row, column), number in np.ndenumerate(numbers):
        ax.text(column, row, f"{number:.2g}", ha="center", va="center", fontsize=8)
    ax.set(
        xticks=range(len(beds)),
        xticklabels=list(beds),
        yticks=range(len(weights)),
        yticklabels=weights,
    )
axes[0].set_title("change of four weights", fontsize=9)
axes[1].set_title("their length now, over their length before the training", fontsize=9)
figure.tight_layout()
show(
    figure,
    "How far four weights have moved in each patient, and whether they have grown or shrunk.",
)

# %% [markdown]
# Compare with the healthy run, number by number. One patient has hardly moved at all. One has lost nearly all of its
# weights: what pulls weights to zero, whatever the gradients say? (Its change is far above 1, for it is divided by the
# length of the little that is left.) And one has moved at the top, and hardly at the bottom.
#
# ## Third: does the gradient arrive?
#
# The backward walks from the loss down to the images. If something on the way swallows the gradient, all below gets nothing.
# The loss goes down all the same, for the head learns, and the last blocks learn with it. So look at the gradient **block
# by block**.
#
# ### Exercise 19.3: the gradient of each block
#
# **Goal:** `grads` is a dict of arrays. Names of block 0 begin with `"blocks.0."`, and so on. Return an array `(depth,)`:
# the length of the gradient of each block, as if all its arrays were one long one. ●●○, 8 minutes.


# %% exercise="19.3"
def gradients_by_block(grads, depth):
    """A dict of arrays, a whole number -> (depth,)."""
    ### BEGIN SOLUTION
    norms = np.zeros(depth)
    for index in range(depth):
        squares = [(g**2).sum() for name, g in grads.items() if name.startswith(f"blocks.{index}.")]
        norms[index] = np.sqrt(sum(squares))
    return norms
    ### END SOLUTION


# %%
check.gradients_by_block(gradients_by_block)

# %% [markdown] hints="19.3"
# `name.startswith(f"blocks.{index}.")` tells whether an array is of that block. Mind the last dot: there may be a block 10.
# ---
# Of each block take `np.sqrt(sum((g**2).sum() for name, g in grads.items() if name.startswith(...)))`.

# %%
ours, _ = replace_failing({"19.3": gradients_by_block})
print("length of the gradient      block 0   block 1")
for name, patient in beds.items():
    first, second = ours["19.3"](patient.gradients(), 2)
    print(f"  {name:24}{first:9.4f} {second:9.4f}")

# %% [markdown]
# One zero is exactly zero, and that is no small gradient: it is a broken way. (Some patients have small gradients in both
# blocks. They are content: with what?) Look back at the picture of the weights: with a gradient of zero the lower layers
# have moved by a few percent all the same. That was weight decay, which asks no gradient.
#
# ## Fourth: train against dev
#
# A model that is good on what it was trained on, and bad on the dev images, has learned the wrong thing, or is asked the
# wrong thing.

# %%


def right(patient, images, labels):
    return float((patient.after.predict(images).argmax(1) == labels).mean())


accuracies = []
for patient in beds.values():
    images, labels = map(np.concatenate, zip(*map(patient.batch, range(270, 300)), strict=True))
    dev = right(patient, patient.dev_images, patient.dev_labels)
    accuracies.append((100 * right(patient, images, labels), 100 * dev))

# %% drawing=true
figure, ax = plt.subplots(figsize=(9, 2.8))
for index, (seen, dev) in enumerate(accuracies):
    ax.bar(index - 0.2, seen, 0.4, color="C0")
    ax.bar(index + 0.2, dev, 0.4, color="C1")
ax.set(xticks=range(len(beds)), xticklabels=list(beds), ylabel="right, %")
ax.legend(["images of the last 30 steps", "dev images"])
show(figure, "Accuracy of each patient on the images of its last 30 steps, and on its dev images.")

figure, axes = plt.subplots(1, 11, figsize=(11, 1.3))
for ax, (name, patient) in zip(axes, beds.items(), strict=True):
    ax.imshow(patient.dev_images[3, 0], cmap="gray")
    ax.set_title(name, fontsize=9)
    ax.axis("off")
show(figure, "The fourth dev image, as each patient's evaluation takes it.")

# %% [markdown]
# Three have a gap, and each for another reason: what was it trained on in those steps, and what is it asked? Whoever looks
# at the images themselves, for a second, saves an afternoon.
#
# ## Fifth: what no curve shows
#
# Three patients have no gap, and curves like the healthy one's. Now ask what the *formulas* promise. With positions, a model can
# tell where a patch came from, so other places give other logits. Without them it sees a bag of patches: attention adds up
# over tokens, and a sum has no order.
#
# ### Exercise 19.4: move the patches
#
# **Goal:** `images` is `(B, C, H, W)`. Its patches of `patch_size` by `patch_size` pixels are counted row by row. Return
# images of the same shape, in which place `i` holds the patch that was at place `order[i]`. ●●○, 10 minutes.


# %% exercise="19.4"
def move_patches(images, order, patch_size):
    """(B, C, H, W), (L,), a whole number -> (B, C, H, W)."""
    ### BEGIN SOLUTION
    moved = np.empty_like(images)
    P, width = patch_size, images.shape[3] // patch_size
    for place, source in enumerate(order):
        row, column = divmod(place, width)
        old_row, old_column = divmod(source, width)
        patch = images[:, :, old_row * P : old_row * P + P, old_column * P : old_column * P + P]
        moved[:, :, row * P : row * P + P, column * P : column * P + P] = patch
    return moved
    ### END SOLUTION


# %%
check.move_patches(move_patches)

# %% [markdown] hints="19.4"
# A loop over the places. With `width = W // P` patches in a row, `divmod(place, width)` is the row and the column of one.
# ---
# `for place, source in enumerate(order)`: the patch of a place is `[:, :, row * P : row * P + P, column * P : column * P + P]`.
# Copy that of `source`, from `images`, to that of `place`, in a new array.

# %%
ours, _ = replace_failing({"19.4": move_patches})
order = np.random.default_rng(0).permutation(16)
four = healthy.dev_images[:4]
moved = ours["19.4"](four, order, 7)
print("largest change of a logit when the patches move:")
for name, patient in beds.items():
    some = patient.dev_images[:100]
    change = np.abs(
        patient.after.predict(ours["19.4"](some, order, 7)) - patient.after.predict(some)
    ).max()
    print(f"  {name:8}{change:10.6f}")

# %% drawing=true
figure, axes = plt.subplots(1, 8, figsize=(9, 1.3))
for ax, image in zip(axes, np.stack([four, moved], axis=1).reshape(8, 28, 28), strict=True):
    ax.imshow(image, cmap="gray")
    ax.axis("off")
show(figure, "Four digits, and beside each the same digit with its patches in other places.")

# %% [markdown]
# One patient does not mind at all: what is left is rounding. (Others mind little. They look at little.) And now the
# sharpest tool that you have: the gradient check of lesson 3, on each patient's own model.

# %%
x = healthy.dev_images[:2].astype(np.float64)
reports = {
    name: check_gradients(patient.after, [x], full_up_to=1) for name, patient in beds.items()
}
for name, report in reports.items():
    print(
        f"  {name:8} {'passed' if report.passed else 'FAILED'}, relative error {report.worst.error:.0e}"
    )

# %% [markdown]
# ## A surprise
#
# Two fail. You have met one of them. In the other, one of three terms is missing in the backward of **every** layer norm
# of its blocks: its gradients are wrong by nearly 100 %. The healthy run reads about 80 % of the dev digits. And this one?
# (You have seen its bar above, and found nothing to stop at. Do not look back: what would you expect of such a model?)

# %%
my_guess = 20  # % of the dev digits that the model with the wrong backward reads

# %%
failed = [name for name, report in reports.items() if not report.passed]
ill = next(name for name in failed if np.any(patients[name].gradients()["cls_token"]))
print(
    f"patient {ill}: loss {patients[ill].losses[-30:].mean():.2f}, dev accuracy {patients[ill].dev_accuracy:.1%}"
)
print(f"healthy:   loss {healthy.losses[-30:].mean():.2f}, dev accuracy {healthy.dev_accuracy:.1%}")
accuracy = 100 * patients[ill].dev_accuracy
show_guess(my_guess, accuracy, "% of the dev digits, with a wrong backward")

# %% [markdown]
# It learns. Nobody who looks at curves would ever stop here. It is only a little worse, as if the learning rate
# were not quite right, and one would start to tune it. That is how wrong gradients live for years in programs that people
# use: a descent forgives nearly every direction that still goes down. **A curve that falls proves nothing about a
# backward.** A gradient check does, and takes seconds.
#
# ## Your diagnosis
#
# ### Exercise 19.5: ten diagnoses
#
# **Goal:** return a dict with one of the ten diagnoses of the table above for each letter. Each comes once. The check tells
# which letters to look at again. ●●●, 15 minutes.


# %% exercise="19.5"
def diagnoses():
    """Nothing -> a dict, one diagnosis for each letter."""
    ### BEGIN SOLUTION
    return {
        "A": "not shuffled",
        "B": "weight decay too strong",
        "C": "dev images differ",
        "D": "rate too low",
        "E": "wrong backward",
        "F": "too few images",
        "G": "rate too high",
        "H": "wrong labels",
        "I": "gradient stops",
        "J": "no positions",
    }
    ### END SOLUTION


# %%
check.diagnoses(diagnoses)

# %% [markdown] hints="19.5"
# Begin with the sure ones: a batch of one class; a loss near 0 and a bad dev accuracy; weights that did not move; weights
# that shrank; a block without a gradient; logits that do not mind where patches are.
# ---
# Three are left then. One has images whose labels are others' in `batch(150)`. One has dev images that you would not read
# either. One fails the gradient check, and all else is well. And the last one jumps about, for its steps are too long.

# %% [markdown]
# ## The doctor's list
#
# In this order, for it goes from seconds to minutes:
#
# 1. **Look at a batch**, images and labels, as the loop gets them, and at a dev image, as the evaluation gets it.
# 2. **The first loss** should be near $\ln K$. The last one is compared with that of who does not look.
# 3. **Learn 100 images by heart.** A healthy model comes to a loss of 0. One that cannot has a fault in the model or the
#    step, not in the data. (Patient F did just that, without being asked.)
# 4. **Weights**: do they move, do they grow, do they shrink? **Gradients**, block by block: does one of them get none?
# 5. **Train against dev.**
# 6. **What the formulas promise**: gradient check, places of patches, one image alone or in a batch.
#
# ## Three questions
#
# **1. Patient H's loss stays at 2.3. Would it come down if H were trained for a hundred epochs?**
#
# <details><summary>Answer</summary>
#
# Yes. There is nothing to understand, but a large enough model learns labels by heart, even those of others (Zhang et al.
# 2017, arXiv:1611.03530). A training loss that falls proves neither that the labels are right nor that it will help on dev.
#
# </details>
#
# **2. Patient A had a loss below that of who does not look for most of the time. Why is that no sign of learning?**
#
# <details><summary>Answer</summary>
#
# Within a batch of one class, who does not look has a loss of 0, not 2.3: the right comparison is with the labels it saw
# lately. A is worse than that.
#
# </details>
#
# **3. Patient I passes no gradient below its last block, and has a dev accuracy not far from healthy. How?**
#
# <details><summary>Answer</summary>
#
# Its patch embedding and its first block are random, and random features are features: they mix pixels in fixed ways, and
# the last block and the head choose among them. With a deeper model the price would be higher.
#
# </details>
#
# ## What you can now do
#
# - Say what a loss is to be compared with.
# - Measure whether weights move and gradients arrive.
# - Tell ten common faults apart, by evidence.
# - Never again take a falling curve for a proof.
#
# Go on with [lesson 20](20_masked_autoencoders.ipynb): a model that learns without labels.
