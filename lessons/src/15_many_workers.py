# %% [markdown]
# # Lesson 15: Many workers
#
# *About 90 minutes. It opens [`tinyvit/training/parallel/`](../tinyvit/training/parallel/__init__.py).*
#
# One processor takes too long. So we take many: each gets a part of the batch, finds the gradient of its part, and then
# all of them put their gradients together. This is called **data parallelism**. It works because of one fact about
# sums, and it goes wrong in a few ways that no error message tells you about.
#
# You need one computer. First one loop plays all the workers. Later we start real processes.

# %%
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from tinyvit import VisionTransformer, load_dataset, preset
from tinyvit.config.costs import model_costs
from tinyvit.course import bug_hunt, check, show, show_guess
from tinyvit.optim import SGD, AdamW, FlatArrays
from tinyvit.training import TrainConfig, loss_and_gradients
from tinyvit.training.parallel import Team

data = load_dataset("mnist")
x_train = ((data.train.images[:10_000] / 255 - data.mean) / data.std).astype(np.float32)
y_train = data.train.labels[:10_000]


def new_model(seed=0):
    return VisionTransformer(preset("tiny"), rng=np.random.default_rng(seed))


parts = [slice(0, 5), slice(5, 13), slice(13, 24)]
model = new_model()
gradients = [
    loss_and_gradients(model, x_train[part], y_train[part])[1]["head.bias"] for part in parts
]
whole = loss_and_gradients(model, x_train[:24], y_train[:24])[1]["head.bias"]

# %% drawing=true
figure = plt.figure(figsize=(10, 2.6))
grid = figure.add_gridspec(3, 24)
for worker, part in enumerate(parts):
    for place, index in enumerate(range(part.start, part.stop)):
        ax = figure.add_subplot(grid[worker, place])
        ax.imshow(x_train[index, 0], cmap="gray")
        ax.set(xticks=[], yticks=[])
        for edge in ax.spines.values():
            edge.set(color=f"C{worker}", linewidth=2)
ax = figure.add_subplot(grid[:, 13:])
for worker, part in enumerate(parts):
    label = f"worker {worker}, {part.stop - part.start} images"
    ax.plot(gradients[worker], "o", markersize=5, label=label)
ax.bar(range(10), whole, color="0.8", label="the whole batch")
ax.set(xticks=range(10), xlabel="class", title="gradient of the head's ten biases")
ax.legend(fontsize=7)
show(
    figure,
    "24 images, cut among three workers. Each finds a gradient of its own; grey is that of all 24 together.",
)

# %% [markdown]
# Most dots are far from the grey bars. Yet the bars can be computed from the dots alone. How?
#
# ## Cut the batch
#
# A batch of $n$ images is to be shared by $W$ workers. Worker $r$ takes the images from `start` up to, but not
# including, `stop`. We want two things:
#
# - every image is taken by exactly one worker;
# - the sizes differ by one at most. All wait for the slowest, so one large part costs everybody's time.
#
# ### Exercise 15.1: a part for everyone
#
# **Goal:** cut $n$ images among $W$ workers. `n` and `workers` are whole numbers, the result is a list of `workers`
# pairs `(start, stop)`. It does not matter who gets one image more. If there are more workers than images, some parts
# are empty. ●○○, 5 minutes.


# %% exercise="15.1"
def shards(n, workers):
    """Two whole numbers -> a list of pairs (start, stop), one for each worker."""
    ### BEGIN SOLUTION
    return [(n * rank // workers, n * (rank + 1) // workers) for rank in range(workers)]
    ### END SOLUTION


# %%
check.shards(shards)

# %% [markdown] hints="15.1"
# Think of the places where you cut, not of the sizes. There are `workers + 1` of them: the first is 0, the last is `n`,
# and the others lie as evenly as whole numbers can.
# ---
# Cut number $r$ is at $n r / W$, rounded down: `n * rank // workers`. Worker `rank` goes from cut `rank` to cut
# `rank + 1`.

# %% [markdown]
# ## Why the gradients can be averaged
#
# **Step 1: the loss.** The loss of a batch is the mean of the losses $\ell_i$ of its images:
#
# $$ L = \frac1n \sum_{i=1}^{n} \ell_i . $$
#
# **Step 2: sort the sum by workers.** Worker $r$ has the $n_r$ images of the set $S_r$, and
# $L_r = \frac1{n_r} \sum_{i \in S_r} \ell_i$ is the loss of its part. Each image is in one set only, so
#
# $$
# L = \frac1n \sum_{r} \sum_{i \in S_r} \ell_i
#   = \frac1n \sum_{r} n_r L_r
#   = \sum_r \frac{n_r}{n} \, L_r .
# $$
#
# **Step 3: take the gradient.** The gradient of a sum is the sum of the gradients, and a constant factor stays:
#
# $$ \nabla L = \sum_r \frac{n_r}{n} \, \nabla L_r . $$
#
# This is the whole theory of data parallelism. The weight $n_r / n$ is the worker's **share** of the images. Only with
# equal parts is it $1/W$ for all, and the plain mean is right.
#
# Two conditions hide in step 1. All workers must use the **same parameters**, and an image's loss must not depend on
# the other images of its batch. Layer norm looks at one token only (lesson 5), so a Vision Transformer is safe. Batch
# norm is not: it would see another batch on every worker.
#
# ### Exercise 15.2: put them together
#
# **Goal:** the gradient of the whole batch. `parts` is a list with one dict for each worker: name -> gradient of its
# own mean loss, an array. `sizes` is a list with the number of images of each. Return one such dict. The parts stay as
# they are. ●○○, 5 minutes.


# %% exercise="15.2"
def average_gradients(parts, sizes):
    """A list of dicts of arrays, and a list of whole numbers -> a dict of arrays of the same shapes."""
    ### BEGIN SOLUTION
    shares = [size / sum(sizes) for size in sizes]
    return {
        name: sum(share * part[name] for share, part in zip(shares, parts, strict=True))
        for name in parts[0]
    }
    ### END SOLUTION


# %%
check.average_gradients(average_gradients)

# %% [markdown] hints="15.2"
# Go through the names. For each, add up the arrays of all parts, each multiplied by the part's share of the images.
# Begin with a new array (or with 0), so that no part is changed.
# ---
# `shares = [size / sum(sizes) for size in sizes]`, then for every name
# `sum(share * part[name] for share, part in zip(shares, parts))`.

# %% [markdown]
# ## Data parallelism in one loop
#
# In practice each worker multiplies by its share **before** it sends anything. Then what is left to do is a plain sum.
# That is an operation which every network library has, under the name **all-reduce**: each gives an array, and each
# gets the sum of all.
#
# `loss_and_gradients(..., share=s)` does the multiplication for us: it returns the gradient of $s \cdot L_r$. Here is
# one step with $W$ workers, in float64, beside the gradient of the whole batch.


# %%
def rows_of(n, rank, workers):
    """The images of one worker."""
    return slice(n * rank // workers, n * (rank + 1) // workers)


def part_of_step(model, images, labels, rank, workers):
    """What one worker computes: its share of the loss, and its share of the gradient."""
    rows = rows_of(len(images), rank, workers)
    share = (rows.stop - rows.start) / len(images)
    loss, grads = loss_and_gradients(model, images[rows], labels[rows], share=share)
    return share * loss, grads


def all_reduce(everybodys):
    """A list of dicts -> their sum."""
    return {name: sum(grads[name] for grads in everybodys) for name in everybodys[0]}


def largest_difference(grads, others):
    """The largest difference of two gradients, relative to the largest number."""
    size = max(np.abs(grad).max() for grad in grads.values())
    return max(np.abs(grads[name] - others[name]).max() for name in grads) / size


model = new_model().astype(np.float64)
images, labels = x_train[:23].astype(np.float64), y_train[:23]
alone = loss_and_gradients(model, images, labels)[1]
for workers in (2, 3, 5, 23):
    together = all_reduce(
        [part_of_step(model, images, labels, rank, workers)[1] for rank in range(workers)]
    )
    print(
        f"{workers:>2} workers: largest relative difference {largest_difference(alone, together):.0e}"
    )

whole_parts = [
    loss_and_gradients(model, images[rows], labels[rows])[1]
    for rows in (slice(0, 3), slice(3, 10), slice(10, 23))
]
unweighted = {name: sum(part[name] for part in whole_parts) / 3 for name in alone}
print(f"parts of 3, 7 and 13, plain mean: {largest_difference(alone, unweighted):.0e}")

# %% [markdown]
# This is our gradient check. The formula is exact, so the difference is only rounding, whatever the number of workers.
# The plain mean of unequal parts is wrong, and by far more than rounding. (Goyal et al. 2017, arXiv:1706.02677, name
# this trap in section 3: divide by the size of the whole batch, not by that of each worker's part.)
#
# ## An experiment: one forgets
#
# Now let them train. Every worker has **its own copy** of the model and its own optimiser. Nobody ever sends
# parameters. The copies begin equal (the same seed), and all get the same summed gradient. So they take the same step,
# and are equal again.
#
# Then the same again with a mistake: worker 2 sends its gradient to the others as it should, but makes its own step
# with its own gradient. Guess before you run the cell: will the loss still fall?

# %%
my_guess = "no"  # does the loss still fall? "yes" or "no"


# %%
def train_together(workers, steps, *, forgetful=None):
    """Train `workers` copies; returns the loss of every step, and how far worker 2's copy is from worker 0's."""
    rng = np.random.default_rng(1)
    copies = [new_model() for _ in range(workers)]
    optimizers = [AdamW(copy.parameters()) for copy in copies]
    losses, distances = [], []
    for _ in range(steps):
        chosen = rng.permutation(len(x_train))[:47]
        results = [
            part_of_step(copy, x_train[chosen], y_train[chosen], rank, workers)
            for rank, copy in enumerate(copies)
        ]
        everybodys = [grads for _, grads in results]
        total = all_reduce(everybodys)
        for rank, optimizer in enumerate(optimizers):
            optimizer.step(everybodys[rank] if rank == forgetful else total, lr=1e-3)
        losses.append(sum(float(loss) for loss, _ in results))
        distances.append(distance(copies[0], copies[2]))
    return losses, distances


def distance(model, other):
    """Between two models: the length of the difference, relative to the length of the first."""
    one, two = (
        np.concatenate([array.ravel() for array in m.parameters().values()]) for m in (model, other)
    )
    return np.linalg.norm(one - two) / np.linalg.norm(one)


runs = {
    "all use the sum": train_together(3, 60),
    "worker 2 forgets": train_together(3, 60, forgetful=2),
}
for name, (losses, distances) in runs.items():
    first, last = np.mean(losses[:10]), np.mean(losses[-10:])
    print(
        f"{name}: mean loss of the first 10 steps {first:.2f}, of the last {last:.2f}; "
        f"distance of the copies at the end {100 * distances[-1]:.2g} %"
    )
show_guess(my_guess, "yes" if last < first else "no", "does the loss still fall?")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8))
for (name, (losses, distances)), style in zip(runs.items(), ("-", "--"), strict=True):
    axes[0].plot(np.convolve(losses, np.ones(8) / 8, mode="valid"), style, label=name)
    axes[1].plot([100 * value for value in distances], style, label=name)
axes[0].set(xlabel="step", ylabel="loss of the batch, mean of 8")
axes[1].set(xlabel="step", ylabel="% apart", title="distance of worker 2's copy")
axes[0].legend()
show(
    figure,
    "Left: the loss falls in both runs. Right: what the loss does not tell, the copies drift apart.",
)

# %% [markdown]
# The loss falls all the same, only more slowly. Without the other curve beside it you would suspect nothing: each copy
# learns, and the gradient of a model that is a little different still points downhill. But the gradients are those of
# different models, so the formula does not hold any more, and what you save at the end is only one of the copies.
#
# **Compare the copies**, not only the loss. When all is right, their distance is exactly 0.
#
# ## Real processes
#
# A worker that computes at the same time as the others must be a process of its own. A fresh process knows nothing of
# your notebook. So what it is to do must stand in a file that it can import: tinyvit has
# [`worker.py`](../tinyvit/training/parallel/worker.py) for it. The main process starts this file as often as needed.
# For each step it writes one short line into the input of each worker. The parameters and gradients lie in memory that
# all of them see, so nothing big has to be sent.
#
# `Team` is the class that does it. `tinyvit train` uses it with one worker per core (eight at most, and fewer for very
# small steps), and so did `train` in lesson 12. `gradients(0)` computes the gradient of the first step of a run.

# %%
by_workers = {}
for workers in (1, 2, 4):
    team = Team(TrainConfig(workers=workers, augment="none"), data, new_model())
    try:
        team.compute(0)
        by_workers[workers] = team.grads.vector.copy()
        print(f"workers={workers}: this process and {len(team.processes())} more")
    finally:
        team.close()  # leave no process behind

for workers in (2, 4):
    difference = np.abs(by_workers[workers] - by_workers[1])
    print(
        f"{workers} workers and 1: largest relative difference {difference.max() / np.abs(by_workers[1]).max():.0e}; "
        f"{(difference > 0).mean():.0%} of {difference.size:,} numbers are not the same bits"
    )

# %% [markdown]
# Look at the last two lines. The gradients agree to 3 in ten million, and float32 has about seven digits. Yet most
# numbers are **not the same bits**. Nothing is wrong. A computer rounds after every addition, so the order of additions
# matters:

# %%
print(f"(0.1 + 0.2) + 0.3 = {(0.1 + 0.2) + 0.3}\n0.1 + (0.2 + 0.3) = {0.1 + (0.2 + 0.3)}")

# %% [markdown]
# Another number of workers is another order of additions. So compare a run on 4 workers with a run on 2 within a
# tolerance, not bit by bit. The *same* number of workers can give the same bits every time, if the order is always the
# same: `Team` adds up in the order of the workers, not in the order in which they are ready.
#
# Within one run it is stricter: all copies must get **the same bits**. Otherwise they drift.
#
# ## One vector
#
# On several computers, gradients travel through a network. Each message has a price of its own, the **latency**,
# however small it is. We take 20 microseconds here, as `tinyvit bench --cluster` does. How many messages does the
# gradient of the tiny model need?

# %%
model = new_model()
arrays = model.parameters()
flat = FlatArrays(arrays)
print(f"{len(arrays)} arrays, the smallest has {min(a.size for a in arrays.values())} numbers")
print(f"one vector of {flat.vector.size:,} numbers, {flat.vector.nbytes / 1e6:.2f} MB")
print(
    f"latency of an all-reduce for each array: {len(arrays) * 20:,} µs at least; of one for all: 20 µs at least"
)

# %% [markdown]
# So we put all of them into one vector, one after the other. `FlatArrays`, in
# [`optim/flat.py`](../tinyvit/optim/flat.py), is a dict of arrays that are all views of one `vector`. Fill the dict,
# and send the vector.
#
# ## All-reduce on a ring
#
# How do $W$ computers add up $W$ vectors of $n$ numbers, so that each gets the sum? The first idea: all send to worker
# 0, it adds up, and sends the sum to all. Worker 0 receives $(W-1)\,n$ numbers and sends as many. The others wait. With
# 64 workers that is 63 times the vector, through one cable, in each direction.
#
# On a **ring**, all cables work at the same time. Each worker sends only to its right neighbour. Cut every vector into
# $W$ pieces.
#
# - **Reduce-scatter.** In step $s = 0, 1, \dots, W-2$, worker $r$ sends piece $r - s$ (counted modulo $W$) to worker
#   $r + 1$, which *adds* it to its own. In the next step it sends on just what it has received and added to. After
#   $W - 1$ steps every piece has visited every worker, and each worker holds **one** piece that is complete: worker $r$
#   has piece $r + 1$.
# - **All-gather.** Around once more: in step $s$, worker $r$ sends piece $r + 1 - s$, and the neighbour *replaces* its
#   own by it.
#
# Here is how many workers' numbers are in each piece, for $W = 4$.

# %%
rank, piece = np.mgrid[:4, :4]
states = [("before", np.ones((4, 4)))]
for step in range(3):
    travelled = (rank - piece) % 4  # from worker c, where piece c sets out
    states.append((f"scatter, step {step}", np.where(travelled <= step + 1, 1 + travelled, 1)))
for step in range(3):
    complete = (rank + 1 - piece) % 4 <= step + 1
    states.append((f"gather, step {step}", np.where(complete, 4, states[3][1])))

# %% drawing=true
figure, axes = plt.subplots(1, 7, figsize=(12, 2.2), sharey=True)
for ax, (title, counts) in zip(axes, states, strict=True):
    ax.imshow(counts, cmap="Blues", vmin=0, vmax=6)
    for row in range(4):
        for column in range(4):
            ax.text(column, row, int(counts[row, column]), ha="center", va="center", fontsize=9)
    ax.set_title(title, fontsize=9)
    ax.set(xticks=range(4), yticks=range(4), xlabel="piece")
axes[0].set_ylabel("worker")
show(
    figure,
    "How many workers' numbers are in each piece. After three steps each worker has one complete piece, after six all.",
)

# %% [markdown]
# **What does it cost?** A piece has $n / W$ numbers. Each worker sends one piece in every step, and there are $W - 1$
# steps in each of the two halves:
#
# $$ 2\,(W - 1) \cdot \frac nW = 2\,\frac{W-1}{W}\, n . $$
#
# This is less than $2n$, **however many workers there are**. It is the least that any method can do with (Patarasuk and
# Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations").
#
# ### Exercise 15.3: the first half of the ring
#
# **Goal:** the reduce-scatter. `pieces` is `(W, W, m)`: `pieces[r, c]` is piece `c` of worker `r`. Return the state
# after all $W - 1$ steps, of the same shape. An unfinished piece keeps the sum that it has reached. Leave `pieces` as
# it is. ●●○, 10 minutes.


# %% exercise="15.3"
def reduce_scatter(pieces):
    """(W, W, m) -> (W, W, m), with piece r + 1 of worker r complete."""
    ### BEGIN SOLUTION
    state = pieces.copy()
    workers = len(state)
    for step in range(workers - 1):
        for rank in range(workers):
            piece, right = (rank - step) % workers, (rank + 1) % workers
            state[right, piece] += state[rank, piece]
    return state
    ### END SOLUTION


# %%
check.reduce_scatter(reduce_scatter)

# %% [markdown] hints="15.3"
# Two loops: over the steps, and in each step over all workers. Real workers send at the same time; here one after the
# other is just as good, because in one step a worker never sends the piece that it receives.
# ---
# `state[(rank + 1) % workers, piece] += state[rank, piece]` with `piece = (rank - step) % workers`, for `step` in
# `range(workers - 1)`.

# %% [markdown]
# The second half, and a count of what is sent. To see that only complete pieces are used, we make all others NaN at the
# beginning: if one of them were sent, the end would show it.


# %%
def all_gather(state):
    """(W, W, m), with piece r + 1 of worker r complete -> all complete, and how many numbers each worker sent."""
    state, workers, sent = state.copy(), len(state), 0
    for step in range(workers - 1):
        for rank in range(workers):
            piece, right = (rank + 1 - step) % workers, (rank + 1) % workers
            state[right, piece] = state[rank, piece]
        sent += state.shape[-1]
    return state, sent


rng = np.random.default_rng(15)
for workers in (2, 4, 8, 60):
    pieces = rng.standard_normal((workers, workers, 840 // workers))
    scattered = np.full_like(pieces, np.nan)
    for rank in range(workers):
        piece = (rank + 1) % workers
        scattered[rank, piece] = pieces[:, piece].sum(0)
    gathered, sent = all_gather(scattered)
    right = np.array_equal(gathered, np.broadcast_to(pieces.sum(0), pieces.shape))
    print(
        f"{workers:>2} workers, 840 numbers: all have the sum: {right}; each sent {2 * sent:>5,} in both halves, "
        f"worker 0 without a ring {840 * (workers - 1):>6,}"
    )

# %% [markdown]
# Note one more thing: each piece is completed by **one** worker, and the others copy it. So all get the same bits.
#
# ## MPI: the same on many computers
#
# MPI is a standard for programs that run as many processes and send each other messages. You write **one** script.
# `mpiexec -n 2` starts it twice, on one computer or on several. Each process asks for its number, its **rank**, and
# takes its part of the work. `Allreduce` adds up, by a ring or by another method that suits the size. This is the whole
# script:

# %%
SCRIPT = """\
import numpy as np
from mpi4py import MPI

from tinyvit import VisionTransformer, preset
from tinyvit.optim import FlatArrays
from tinyvit.training import loss_and_gradients

world = MPI.COMM_WORLD
rank, size = world.Get_rank(), world.Get_size()

images, labels = np.load("images.npy"), np.load("labels.npy")
rows = slice(len(labels) * rank // size, len(labels) * (rank + 1) // size)
share = (rows.stop - rows.start) / len(labels)

model = VisionTransformer(preset("tiny"), rng=np.random.default_rng(0)).astype(np.float64)  # equal on all ranks
_, grads = loss_and_gradients(model, images[rows], labels[rows], share=share)
flat = FlatArrays(grads)
flat.add(grads)
world.Allreduce(MPI.IN_PLACE, flat.vector, op=MPI.SUM)

print(f"rank {rank} of {size}: images {rows.start} to {rows.stop - 1}, length of the sum {np.linalg.norm(flat.vector)}")
if rank == 0:
    np.save("gradient.npy", flat.vector)
"""

# %% [markdown]
# The next cell writes it into a file and starts it. Most of the cell is for computers without MPI: there it says so,
# and the lesson goes on.


# %%
def find_mpiexec():
    """The command that starts ranks, or None. In a virtual environment it lies beside Python."""
    if importlib.util.find_spec("mpi4py") is None:
        return None
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


def start_ranks(mpiexec, count, folder):
    """Run the script; returns what it printed, or None if that did not work."""
    try:
        version = subprocess.run(
            [mpiexec, "--version"], capture_output=True, text=True, timeout=30
        ).stdout
        more = ["--oversubscribe"] if "Open MPI" in version or "OpenRTE" in version else []
        command = [mpiexec, *more, "-n", str(count), sys.executable, "step.py"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"mpiexec did not work here: {error}")
        return None
    if done.returncode:
        print(f"mpiexec did not work here:\n{done.stderr.strip()}")
        return None
    return done.stdout


with tempfile.TemporaryDirectory() as folder:
    Path(folder, "step.py").write_text(SCRIPT)
    np.save(Path(folder, "images.npy"), images)
    np.save(Path(folder, "labels.npy"), labels)
    if mpiexec := find_mpiexec():
        printed = start_ranks(mpiexec, 2, folder)
    else:
        printed = None
        print(
            "mpi4py or mpiexec is not installed here. The solved notebook shows what the two ranks print."
        )
    if printed:
        print("\n".join(sorted(printed.splitlines())))
        of_ranks, of_one = np.load(Path(folder, "gradient.npy")), FlatArrays(alone)
        of_one.add(alone)
        difference = np.abs(of_ranks - of_one.vector).max() / np.abs(of_one.vector).max()
        print(f"largest relative difference from one process: {difference:.0e}")

# %% [markdown]
# If you do not have it: `python -m pip install -e '.[mpi]'`, in the folder of tinyvit. It brings mpi4py and, except on
# Windows, the MPI library MPICH. The real thing is a whole training run:
#
# ```sh
# mpiexec -n 4 tinyvit train --distributed
# ```
#
# It does with each batch what the script does. Only rank 0 prints and saves.
#
# ## Is it worth it?
#
# Let $T$ be the time in which one computer does a step. $W$ computers, each with a $W$-th of the batch, need
#
# $$
# T(W) = \underbrace{\frac TW}_{\text{compute}}
#   + \underbrace{2\,(W-1)\,\lambda}_{\text{latency of the ring's messages}}
#   + \underbrace{2\,\frac{W-1}{W} \cdot \frac{4 P}{b}}_{\text{bytes over bandwidth}} .
# $$
#
# $\lambda$ is the latency, $P$ the number of parameters (float32: 4 bytes each; not the side of a patch here), and $b$
# the bandwidth in bytes per second. Networks are sold in **bits** per second, and a byte has 8 bits.
#
# ### Exercise 15.4: the time of a step
#
# **Goal:** this formula. `compute` is $T$ and `latency` is $\lambda$, both in seconds. `gigabits` is the bandwidth in
# $10^9$ bits per second. Five numbers in, one number of seconds out. ●○○, 5 minutes.


# %% exercise="15.4"
def step_seconds(compute, workers, parameters, gigabits, latency):
    """Five numbers -> the seconds of a step."""
    ### BEGIN SOLUTION
    bytes_sent = 2 * (workers - 1) / workers * 4 * parameters
    return compute / workers + 2 * (workers - 1) * latency + 8 * bytes_sent / (gigabits * 1e9)
    ### END SOLUTION


# %%
check.step_seconds(step_seconds)

# %% [markdown] hints="15.4"
# Three terms. In the last, count bits on both sides: a number has 4 bytes, a byte has 8 bits, and the network moves
# `gigabits * 1e9` bits per second.
# ---
# `compute / workers + 2 * (workers - 1) * latency + 2 * (workers - 1) / workers * 32 * parameters / (gigabits * 1e9)`.

# %% [markdown]
# Two models, a batch of 128 images. These curves are **computed from the formula, not measured**, and with these
# numbers:
#
# - the tiny model on CPUs: we suppose 40 ms a step for one of them (`tinyvit bench --cluster` measures yours);
# - ViT-B/16 on accelerators: we suppose that each does $50 \cdot 10^{12}$ operations per second. The operations of the
#   forward are counted (lesson 10), and the backward takes about twice as many.
#
# Guess first: how many times as fast is the tiny model with 128 computers, and 100 Gbit/s between them?

# %%
my_guess = 100  # times as fast as one computer, the tiny model, with 128

# %%
LATENCY = 20e-6
costs = {name: model_costs(preset(name)).values() for name in ("tiny", "vit_base_patch16_224")}
parameters = {name: sum(cost.parameters for cost in parts) for name, parts in costs.items()}
operations = 128 * 3 * sum(cost.flops for cost in costs["vit_base_patch16_224"])
compute = {"tiny": 0.040, "vit_base_patch16_224": operations / 50e12}


def speed_up(name, workers, gigabits, messages):
    wire = 2 * (workers - 1) / workers * 32 * parameters[name] / (gigabits * 1e9)
    return compute[name] / (compute[name] / workers + messages * LATENCY + wire)


workers = np.arange(1, 129)
curves = {}
for name in compute:
    for gigabits in (10, 100):
        curve = curves[name, gigabits] = speed_up(name, workers, gigabits, 2 * (workers - 1))
        best = curve.argmax()
        print(
            f"{name}, {1000 * compute[name]:.0f} ms alone, {gigabits:>3} Gbit/s: speed-up with 2 workers "
            f"{curve[1]:.2f}, with 128 {curve[-1]:.2f}; best {curve[best]:.2f} with {workers[best]}"
        )
show_guess(my_guess, curves["tiny", 100][-1], "times as fast with 128 (computed)")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True)
for ax, name in zip(axes, compute, strict=True):
    ax.plot(workers, workers, ":", color="black", label="W times as fast")
    for gigabits in (10, 100):
        ax.plot(workers, curves[name, gigabits], label=f"ring, {gigabits} Gbit/s")
    ax.plot(
        workers,
        speed_up(name, workers, 100, 2 * np.log2(workers)),
        "--",
        label="fewer messages, 100 Gbit/s",
    )
    ax.set(
        title=name,
        xlabel="workers",
        xscale="log",
        yscale="log",
        xticks=2 ** np.arange(8),
        yticks=[0.5, 1, 4, 16, 64],
    )
    ax.set_xticklabels(2 ** np.arange(8))
    ax.set_yticklabels([0.5, 1, 4, 16, 64])
    ax.minorticks_off()
axes[0].set_ylabel("speed-up")
axes[0].legend(fontsize=8)
show(
    figure,
    "Computed speed-up for one batch of 128 images. Below 1, more computers are slower than one.",
)

# %% [markdown]
# - **The tiny model** is quickest with about 30 workers. From there on it gets **slower**: there is little left to
#   compute, and each further worker brings two more messages. The dashed line is another algorithm, with about
#   $2 \log_2 W$ messages, one after the other (Thakur, Rabenseifner and Gropp 2005, "Optimization of Collective
#   Communication Operations in MPICH"). It helps much, but that line bends away from the dotted one, too.
# - **ViT-B/16** has 86.6 million parameters, 346 MB of gradients. At 10 Gbit/s *two* accelerators are slower than one,
#   and so is any number of them. With two, each sends 346 MB. That takes 277 ms, and one alone does the whole step in
#   253. At 100 Gbit/s they are never more than about four times as fast. Latency hardly matters here, bandwidth does.
#
# What counts is the time of computing beside that of sending. The faster the processors, the better the network has to
# be. There are two ways out. The first: send the gradients of the last layers while the backward still works on the
# first ones (PyTorch does: Li et al. 2020, arXiv:2006.15704). The second: give every worker more images, so that there
# is more to compute for the same bytes.
#
# ```sh
# tinyvit bench --cluster    # up to 1,024 ranks, each with 128 images of its own; compute is measured on your machine
# ```
#
# This command counts about $2 \log_2 W$ rounds of messages, as the dashed line does; your `step_seconds` counts the
# ring's $2\,(W - 1)$. The bytes are the same in both. On a ring, a sum grows by **one** worker in each round. The other
# algorithm works like a tree: in each round all workers exchange in pairs, always with another partner, so the sums
# grow from 1 worker to 2, to 4, to 8. It needs far fewer rounds, but a worker has to reach others all over the network;
# on the ring it sends to one neighbour only. Where the bytes decide, as for ViT-B/16, there is hardly a difference.
#
# ## When every worker brings its own 128 images
#
# Take the second way: each of $W$ workers has a batch of 128, so that a step is made from $128\,W$ images. That is the
# **effective batch**. It is not the same training any more:
#
# | | 128 images, shared by $W$ | 128 images for each of $W$ |
# |---|---|---|
# | images in a step | 128 | $128\,W$ |
# | steps in an epoch | as before | divided by $W$ |
# | noise (standard deviation) of the gradient | as before | divided by $\sqrt W$ |
# | learning rate | as before | has to be thought about |
# | loss curve | the same, within rounding | another one |
#
# With $W$ times fewer steps, each as long as before, one gets less far. So the steps should be longer. By how much? Let
# plain SGD make $k$ steps of rate $\eta$ on $k$ batches, with gradients $g_0, \dots, g_{k-1}$:
#
# $$ p_k = p_0 - \eta\,(g_0 + g_1 + \dots + g_{k-1}) . $$
#
# One step of rate $\eta'$ on all $k$ batches at once uses the mean of their gradients, all taken at $p_0$:
#
# $$ p' = p_0 - \eta'\, \frac{g'_0 + g'_1 + \dots + g'_{k-1}}{k} . $$
#
# If the parameters move little during the $k$ steps, then $g'_j \approx g_j$, and the two agree for $\eta' = k\,\eta$.
# This is the **linear scaling rule**: *k times the batch, k times the learning rate* (Goyal et al. 2017,
# arXiv:1706.02677, section 2.1). With it, and with warm-up, they trained a ResNet-50 on 256 GPUs with 8,192 images a
# step.
#
# The rule stands on an "if". Let us try it with a small and with a larger learning rate.


# %%
def train_sgd(batch_size, lr, images=4096):
    """Plain SGD over the same images in the same order; returns the loss of every 512 images."""
    model = new_model()
    optimizer = SGD(model.parameters(), momentum=0.0)
    order = np.random.default_rng(1).permutation(len(x_train))[:images]
    losses = []
    for chosen in order.reshape(-1, batch_size):
        loss, grads = loss_and_gradients(model, x_train[chosen], y_train[chosen])
        optimizer.step(grads, lr=lr)
        losses.append(float(loss))
    return np.reshape(losses, (images // 512, -1)).mean(1)


curves = {}
for lr in (0.003, 0.02):
    for batch_size, rate in ((32, lr), (128, lr), (128, 4 * lr)):
        curve = curves[lr, batch_size, rate] = train_sgd(batch_size, rate)
        print(f"batch {batch_size:>3}, lr {rate:<5g}: loss of the last 512 images {curve[-1]:.2f}")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(10, 3), sharey=True)
for ax, lr in zip(axes, (0.003, 0.02), strict=True):
    for batch_size, rate, style in ((32, lr, "-"), (128, lr, "--"), (128, 4 * lr, "-.")):
        label = f"batch {batch_size}, lr {rate:g}"
        ax.plot(512 * np.arange(1, 9), curves[lr, batch_size, rate], style, label=label)
    ax.set(
        xlabel="images seen", title="small learning rate" if lr < 0.01 else "larger learning rate"
    )
    ax.legend(fontsize=8)
axes[0].set_ylabel("training loss")
show(
    figure,
    "Four times the batch. Left: four times the rate brings the curve nearly back. Right: it does not.",
)

# %% [markdown]
# On the left the rule helps: without it, the larger batch is far behind after the same number of images, and with it,
# most of the gap is gone. On the right it helps no more. The parameters move far in four steps, the gradients change on
# the way, and the "if" does not hold. Goyal et al. write that the rule breaks down while the network changes rapidly,
# as it does early in training. So they begin with a warm-up (section 2.2).
#
# The derivation is for SGD. The size of Adam's step does not depend on the size of the gradient (lesson 11), and the
# argument does not carry over. Malladi et al. 2022 (arXiv:2205.10287) derive $\sqrt k$ in place of $k$ for it.
#
# tinyvit takes the first column of the table: `--batch-size` is the whole batch, and workers and ranks share it. So you
# never have to change the learning rate when you change the number of workers.

# %% [markdown]
# ## Hard, and optional: the second half of the ring
#
# After 15.3, worker $r$ has one complete piece, $r + 1$. In the second half the complete pieces travel on, until everybody
# has all of them. No plan is given: draw the ring for four workers on paper, and say who passes on what in each step.
#
# ### Exercise 15.5: gather
#
# **Goal:** `pieces` is `(W, W, m)`: row $r$ is what worker $r$ has, and only its piece $r + 1$ counts. (Numbers count
# round: behind piece $W - 1$ comes piece 0.) In each of $W - 1$ steps, every worker sends one piece to its right neighbour,
# which puts it in the place of its own. Return the state in the end, `(W, W, m)`: all rows are alike. ●●●, 10 minutes.


# %% exercise="15.5"
def all_gather(pieces):
    """(W, W, m), piece r + 1 of worker r complete -> (W, W, m), all complete."""
    ### BEGIN SOLUTION
    state = pieces.copy()
    workers = len(state)
    for step in range(workers - 1):
        for rank in range(workers):
            piece, right = (rank + 1 - step) % workers, (rank + 1) % workers
            state[right, piece] = state[rank, piece]
    return state
    ### END SOLUTION


# %%
check.all_gather(all_gather)

# %% [markdown] hints="15.5"
# It is the same walk as in 15.3, one piece further on: what a worker has just been given, it passes on in the next step.
# Nothing is added up any more.
# ---
# In step $s$ worker $r$ sends piece $r + 1 - s$: `piece = (rank + 1 - step) % workers`, and
# `state[(rank + 1) % workers, piece] = state[rank, piece]`.

# %% [markdown]
# ## Bug hunt
#
# One of these lines is wrong in the half ring that you are handed. Every number is 1, so a complete piece shows how many
# workers there are, and it should stand in row $r$, at piece $r + 1$.

# %%
broken = bug_hunt(15)
for workers in (2, 3, 4):
    print(f"{workers} workers:")
    print(broken(np.ones((workers, workers, 1)))[:, :, 0])

# %%
my_suspect = 6  # the number of the wrong line
check.suspect(15, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. Worker 2 begins with another seed than the rest. All of them add up their gradients correctly, and use plain SGD.
# Will the copies become equal?**
#
# <details><summary>Answer</summary>
#
# No. All subtract the same numbers in every step, so the difference of two copies stays what it was at the beginning.
# Nothing ever pulls them together. That is why rank 0 often sends its parameters to all before the first step. In
# tinyvit, every rank makes them from the same seed.
#
# </details>
#
# **2. A network sends 1 GB in a second. How long does the ring take at least to add up 100 million numbers of float32,
# with 4 workers, and with 400?**
#
# <details><summary>Answer</summary>
#
# 400 MB of gradients. With 4 workers each sends $2 \cdot \frac34 \cdot 400 = 600$ MB: 0.6 s. With 400 workers it is
# $2 \cdot \frac{399}{400} \cdot 400 = 798$ MB: 0.8 s, plus the latency of 798 messages. The bytes hardly grow, the
# messages do.
#
# </details>
#
# **3. The losses of a run with 2 workers and of a run with 4 differ in the seventh digit. Is that a bug? What if they
# differ in the second digit, in the first step?**
#
# <details><summary>Answer</summary>
#
# The seventh digit is rounding: the sums were taken in another order. In later steps such differences may grow. But the
# second digit in the *first* step is no rounding. Look at the shares, for images that are lost or counted twice, and
# for workers that draw different random numbers.
#
# </details>
#
# ## What you can now do
#
# - Derive why the gradient of a batch is the weighted mean of the gradients of its parts, and check it to rounding.
# - Add up vectors on a ring, and say how many numbers each worker sends.
# - Write a step for MPI, and start it on several processes.
# - Estimate when more computers help, and name what changes when the batch grows with them.
#
# Look into [`tinyvit/training/parallel/`](../tinyvit/training/parallel/__init__.py): `part.py` is what one worker does with a
# batch, `team.py` adds the parts up, `workers.py` and `worker.py` are the two ends of the pipe, and `mpi.py` has the
# ranks.
#
# Go on with [lesson 16](16_a_real_vit.ipynb).
