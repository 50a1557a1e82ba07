# %% [markdown]
# # Lesson 23: The same blocks read text
#
# *About 110 minutes. It opens [`tinyvit/tasks/tag.py`](../tinyvit/tasks/tag.py),
# [`tinyvit/ops/embedding.py`](../tinyvit/ops/embedding.py) and
# [`tinyvit/tasks/sentiment.py`](../tinyvit/tasks/sentiment.py).*
#
# A block of a Transformer has never seen an image. It gets tokens, rows of $D$ numbers, and does not ask where they
# come from. The Transformer was made for text, in fact, and the V in ViT was the news. So we go back: we take your
# ViT, change the **stem**, the part that makes tokens, and let it read. Everything behind the stem stays as it is.

# %%
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from tinyvit import VisionTransformer, ViTConfig, check_gradients, load_dataset, ops
from tinyvit.course import bug_hunt, check, replace_failing, show, show_guess
from tinyvit.datasets.lexicon import word_dataset
from tinyvit.datasets.sentences import GROUPS, TAGS, sentences, tag_codes
from tinyvit.datasets.words import encoded
from tinyvit.layers import Attention, DenseHead, EncoderWithHead, Layer, Linear, spread_to
from tinyvit.layers.attention import AttentionLayerSaved
from tinyvit.ops import AttentionSaved
from tinyvit.optim import AdamW
from tinyvit.plots.tagged import plot_tagged

threadpool_limits(1)  # for matrices as small as ours, one core is faster than several

T, K = 24, len(TAGS)  # places of a sentence, tags


def made(n, names_known, frames_known, seed):
    """n sentences; names, and the frames that they are put into, are those of training or are new."""
    name_part, frame_part = ("train" if known else "test" for known in (names_known, frames_known))
    rng = np.random.default_rng(seed)
    return sentences(n, name_part=name_part, frame_part=frame_part, rng=rng)


train = made(4000, True, True, seed=0)
tests = {group: made(500, *known, seed=1) for group, known in GROUPS.items()}

# %% drawing=true
COLOURS = {"PER": "#c6def1", "LOC": "#d9cdea", "ORG": "#f6dfb8", "DATE": "#c9e4de", "": "#eeeeee"}
digit = max(load_dataset("mnist").dev.images[:50], key=np.mean)[None] / 255
patches = ops.patchify_forward(digit, patch_size=7)[0].reshape(16, 7, 7)
example = next(s for s in train if 11 <= len(s.words) <= 12 and len(set(s.tags)) > 4)
figure, axes = plt.subplots(2, 16, figsize=(13, 1.9))
for place, (ax, patch) in enumerate(zip(axes[0], patches, strict=True)):
    ax.imshow(patch, cmap="gray", vmin=0, vmax=1)
    ax.axis("off")
    box = axes[1, place]
    box.axis("off")
    if place < len(example.words):
        tag = TAGS[example.tags[place]]
        style = {"boxstyle": "round", "facecolor": COLOURS[tag[2:]], "edgecolor": "none"}
        box.text(0.5, 0.6, example.words[place], ha="center", fontsize=8, bbox=style)
        box.text(0.5, 0.0, tag, ha="center", fontsize=7, color="grey")
show(
    figure,
    "Above, a digit as 16 patches; below, a sentence as words, with their tags. Each patch, each word "
    "becomes one token.",
)

# %% [markdown]
# The sentence comes with a task, **named-entity recognition**: find the names of people, places, organisations, and
# dates. Each word gets a tag of its own, in the **BIO** scheme: `B-PER` is the **b**eginning of a person, `I-PER` is
# **i**nside one, and `O` is **o**utside of any. Why B and I? Two people may stand side by side. With B, one sees where
# the second begins. (Ramshaw and Marcus 1995, who made such tags, wrote B only there. With a B at every beginning it is
# called *IOB2*: Tjong Kim Sang and Veenstra 1999.) We have four kinds, so 9 tags.
#
# Our sentences are made: *frames* such as "{PER} joined {ORG} in {DATE} ." are filled with made-up names. That is
# easier than a newspaper, and has one great advantage: we know exactly what is new in a test sentence. Nothing, or
# the names, or the frame, or both.
#
# ## A word is a row of a table
#
# A network calculates with numbers, and a word is none. So number the words, the **vocabulary**, and give each a row
# of $D$ learned numbers, in a table $E$ of the shape `(V, D)`. This is an **embedding** (Bengio et al. 2003). The
# number of a word, its **id**, is only the name of a row: id 7 is not more than id 3.
#
# Two ids are special. 0 means *no word here*. 1 means *a word that is not in the table*: we give rows to the words
# that came at least twice in training.

# %%
counts = Counter(word for sentence in train for word in sentence.words)
vocabulary = {}
for word, times in counts.items():
    if times > 1:
        vocabulary[word] = len(vocabulary) + 2
V = len(vocabulary) + 2


def ids_of(some):
    """Sentences -> ids of words, (n, 1, 1, T): an image one pixel high, with one channel."""
    ids = np.zeros((len(some), 1, 1, T), int)
    for row, sentence in zip(ids[:, 0, 0], some, strict=True):
        row[: len(sentence.words)] = [vocabulary.get(word, 1) for word in sentence.words]
    return ids


print(f"{len(counts):,} different words, {len(vocabulary):,} of them at least twice: V = {V:,}")
print(" ".join(example.words))
print(ids_of([example])[0, 0, 0])

# %% [markdown]
# **Forward.** The token in place $r$ is the row that its id names. In NumPy that is one pair of brackets,
# `table[ids]`, for ids of any shape:
#
# $$ y_r = E_{\text{id}_r} . $$
#
# **Backward.** Upstream comes `dy`, a row for each place. What is the gradient of row $v$ of the table? It was used
# in all places whose id is $v$. A number that was used several times gets the **sum** of the gradients of its uses
# (lesson 2: the bias). So
#
# $$ dE_v = \sum_{r\,:\;\text{id}_r = v} dy_r . $$
#
# If "the" stands in 40 places, its row is pulled 40 times. A word that does not come gets 0. This way of putting rows
# to the places they came from, and adding them up there, is called **scatter-add**.
#
# The same thing as a product, to be sure: write id $v$ as a **one-hot** row, all zeros and a 1 in place $v$. Then
# $y = \text{onehot} \cdot E$ is a linear layer, and lesson 2 says $dE = \text{onehot}^\top \cdot dy$. Row $v$ of that
# picks the $dy_r$ with a 1 in column $v$, and adds them up. It is the same formula. Only nobody multiplies by
# thousands of zeros.
#
# **The trap.** `dtable[ids] += dy` looks like that sum, and is not. Python makes `dtable[ids] = dtable[ids] + dy` of
# it: read all rows (still 0), add `dy`, write all rows back. Where the same id comes twice, two rows are written to
# one place, and **the last one stays**. `np.add.at(dtable, ids, dy)` goes on place by place, and adds.
#
# ### Exercise 23.1: the backward of a table
#
# **Goal:** `dy` is `(..., D)`, `ids` is `(...)`, whole numbers, the same one possibly many times. Return the gradient
# of the table, `(num_rows, D)`. ●●○, 8 minutes.


# %% exercise="23.1"
def embedding_backward(dy, ids, num_rows):
    """(..., D), (...), V -> dtable (V, D)."""
    ### BEGIN SOLUTION
    dtable = np.zeros((num_rows, dy.shape[-1]))
    np.add.at(dtable, ids, dy)
    return dtable
    ### END SOLUTION


# %%
check.embedding_backward(embedding_backward)

# %% [markdown] hints="23.1"
# Begin with zeros of the shape `(num_rows, dy.shape[-1])`. What must happen to row `v` if `v` comes three times in
# `ids`?
# ---
# `dtable = np.zeros((num_rows, dy.shape[-1]))`, then `np.add.at(dtable, ids, dy)`, which changes `dtable` itself.

# %% [markdown]
# Now the gradient check of lesson 3, on your function and on the trap, each with ids that come once, and with an id
# that comes twice. (Cells that use your functions take the course's where yours are not right yet.)

# %%
rng = np.random.default_rng(23)
ours, _ = replace_failing({"23.1": embedding_backward})


def lookup_forward(table, *, ids):
    return table[ids], (ids, len(table))


def trap(dy, ids, num_rows):
    dtable = np.zeros((num_rows, dy.shape[-1]), dy.dtype)
    dtable[ids] += dy
    return dtable


table = rng.standard_normal((6, 3))
for name, function in (("yours", ours["23.1"]), ("the trap", trap)):
    for ids in ([[0, 3], [5, 2]], [[0, 3], [3, 2]]):
        pair = (lookup_forward, lambda dy, saved, function=function: function(dy, *saved))
        options = {"ids": np.array(ids)}
        report = check_gradients(pair, {"table": table}, options=options, rng=rng)
        print(f"{name:9} ids {ids}: {'passed' if report.passed else 'FAILED'}")

# %% [markdown]
# The trap passes as long as no id comes twice. **A gradient check sees only what its inputs have in them**: this one
# needs a word that repeats. How often is that, really? Take a batch of 32 sentences. Of how many words would `+=`
# throw the gradient away?

# %%
my_guess = 10  # % of the words of a batch, whose gradient is lost by +=

# %%
batch = ids_of(train[:32])
words = batch[batch > 0]
rows_used = len(np.unique(words))
print(f"{len(words)} words of 32 sentences lie in {rows_used} rows of the table")
show_guess(my_guess, 100 * (1 - rows_used / len(words)), "% of the words are lost")

# %% [markdown]
# Would you notice in training? We will try it, further down.
#
# ## Padding
#
# A batch is an array, and sentences are not equally long. So all get $T$ = 24 places, and behind the last word there
# is **padding**, id 0. Ours have about 9 words on average: most of the batch is nothing at all! And attention
# does not know. Each word asks *all* tokens, those of the padding, too, and takes something from each.
#
# We want the weights of padding to be 0, and the others to add up to 1. A softmax never gives 0 to a number. But it
# does to $-\infty$, for $e^{-\infty} = 0$. So write $-\infty$ into the **scores** of padding, *before* the softmax,
# and all comes out right by itself. With $m_j$ = 1 for a word, 0 for padding:
#
# $$ w_{ij} = \frac{m_j\, e^{s_{ij}}}{\sum_k m_k\, e^{s_{ik}}} . $$
#
# Mind which axis: $i$ asks, $j$ is asked. The mask is about $j$, the **last** axis of the scores. What padding itself
# asks does no harm, as nobody reads its answer.
#
# Two traps, both because of $\infty$:
#
# 1. The softmax takes off the largest score of a row first, so that nothing overflows (lesson 4). Take the largest of
#    the **words**. If padding has the largest by far, all words become $e^{-\text{a lot}} = 0$.
# 2. If a sentence has **no word at all**, the largest score is $-\infty$, and $-\infty - (-\infty)$ is NaN, *not a
#    number*. One NaN in a batch, and all weights of the model are NaN after the next step. So in such a sentence let no
#    token take anything: all its weights are 0.
#
# ### Exercise 23.2: a softmax that leaves padding out
#
# **Goal:** `scores` is `(B, h, Q, N)`; `there` is `(B, N)`, True for words, False for padding. Return the weights
# `(B, h, Q, N)`. Where a sentence has no word, they are 0. ●●○, 10 minutes.


# %% exercise="23.2"
def padded_softmax(scores, there):
    """(B, h, Q, N), (B, N) -> (B, h, Q, N)."""
    ### BEGIN SOLUTION
    scores = np.where(there[:, None, None, :], scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    exps = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
    total = exps.sum(axis=-1, keepdims=True)
    return exps / np.where(total > 0, total, 1.0)
    ### END SOLUTION


# %%
check.padded_softmax(padded_softmax)

# %% [markdown] hints="23.2"
# `there[:, None, None, :]` is `(B, 1, 1, N)` and meets the scores. `np.where(mask, a, b)` takes `a` where the mask is
# True, `b` elsewhere.
# ---
# `scores = np.where(there[:, None, None, :], scores, -np.inf)`, then a softmax whose `top` becomes 0 where it is not
# `np.isfinite`, and whose sum becomes 1 where it is 0.

# %% [markdown]
# What does padding do to a sentence of six words? We add 0, 2, 6 and 18 paddings, all the same vector, and look how
# far the answers of the six words move.

# %%
ours |= replace_failing({"23.2": padded_softmax})[0]


def attend(qkv, there):
    """One head: (B, N, 3d) -> (B, N, d), and the weights (B, 1, N, N)."""
    q, k, v = np.split(qkv, 3, axis=-1)
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    weights = ours["23.2"](scores[:, None], there)
    return weights[:, 0] @ v, weights


six, padding = rng.standard_normal((1, 6, 24)), rng.standard_normal((1, 1, 24))
alone, _ = attend(six, np.full((1, 6), True))
for count in (0, 2, 6, 18):
    qkv = np.concatenate([six, np.repeat(padding, count, axis=1)], axis=1)
    there = np.arange(6 + count)[None] < 6
    everyone, all_weights = attend(qkv, np.full(there.shape, True))
    masked, masked_weights = attend(qkv, there)
    moved = [np.abs(y[:, :6] - alone).max() for y in (everyone, masked)]
    print(f"{count:2} paddings: answers move by {moved[0]:.2f}; with the mask by {moved[1]:.0e}")

# %% drawing=true
figure, axes = plt.subplots(1, 2, figsize=(7, 2.6))
for ax, weights, title in (
    (axes[0], all_weights, "everyone is asked"),
    (axes[1], masked_weights, "padding is left out"),
):
    ax.imshow(weights[0, 0, :6], cmap="Greens", vmin=0, vmax=0.5)
    ax.axvline(5.5, color="C3", linewidth=1)
    ax.set(
        title=title, xlabel="is asked: 6 words | 18 paddings", ylabel="asks", xticks=[], yticks=[]
    )
show(
    figure,
    "Attention weights of six words, one row for each. Right of the red line is padding.",
)

# %% [markdown]
# Without a mask an answer depends on how much nothing stands behind the sentence. With it, it does not.
#
# **And the backward?** Lesson 8 said of a softmax: $ds_{ij} = w_{ij} \big( dw_{ij} - \sum_k w_{ik}\, dw_{ik} \big)$.
# Where $w_{ij} = 0$, there is $ds_{ij} = 0$, whatever comes from above. So the gradient of padding's scores is 0 by
# itself, and in the sum its terms are 0 as well. Nothing has to be changed: attention's backward, as it is, belongs
# to your forward. The check agrees, one of its three sentences being empty:

# %%
there = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0]], bool)


def attend_forward(qkv, *, there):
    y, weights = attend(qkv, there)
    return y, AttentionSaved(qkv, weights)


pair = (attend_forward, ops.attention_backward)
inputs = {"qkv": rng.standard_normal((3, 5, 12))}
print(check_gradients(pair, inputs, options={"there": there}, rng=rng))

# %% [markdown]
# ## The loss of words
#
# The head gives each place $K$ logits: `(B, T, K)`. Each word has a cross-entropy of its own (lesson 4). In the true
# tags `(B, T)` padding has -1, and does not count. How are the words of a batch averaged? There are two ways:
#
# - over **all words** of the batch: then long sentences count more;
# - over the words of **each sentence**, then over the sentences: then all sentences count alike.
#
# We take the second. It has a practical reason, too: in lesson 15, a batch was cut into pieces for several workers,
# and the mean of the pieces' means was the batch's. With the first way that fails, as soon as one piece has longer
# sentences.
#
# Let sentence $b$ have $n_b$ words. The loss is a sum in which each word has a **share**:
#
# $$ \text{loss} = \sum_{b,t} a_{bt} \,\big( -\ln p_{bt,\,\text{tag}_{bt}} \big), \qquad
# a_{bt} = \begin{cases} \dfrac{1}{B\, n_b} & \text{a word} \\[4pt] 0 & \text{padding} \end{cases} $$
#
# The shares have no logits in them. So each word's logits get the gradient of lesson 4, times the word's share:
#
# $$ d\text{logit}_{btk} = a_{bt} \,\big( p_{btk} - [k = \text{tag}_{bt}] \big) . $$
#
# A sentence without a word has $n_b = 0$. Divide by 1 then: all its shares are 0 anyhow.
#
# (A trap of NumPy: -1 as an index means *the last one*. So `np.eye(K)[tags]` gives padding the one-hot row of the
# last tag, and nothing complains. The share of 0 takes it away, if you do not forget it.)
#
# ### Exercise 23.3: the loss and its gradient
#
# **Goal:** `logits` is `(B, T, K)`; `tags` is `(B, T)`, whole numbers, -1 for padding. Return the loss, one number,
# and `dlogits` `(B, T, K)`. Logits may be in the hundreds. ●●○, 12 minutes.


# %% exercise="23.3"
def tag_loss(logits, tags):
    """(B, T, K), (B, T) -> one number, dlogits (B, T, K)."""
    ### BEGIN SOLUTION
    there = tags >= 0
    shares = there / np.maximum(there.sum(axis=1, keepdims=True), 1) / len(tags)
    shifted = logits - logits.max(axis=2, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    onehot = np.eye(logits.shape[2])[tags]
    loss = -(shares[:, :, None] * onehot * log_probs).sum()
    dlogits = shares[:, :, None] * (np.exp(log_probs) - onehot)
    return loss, dlogits
    ### END SOLUTION


# %%
check.tag_loss(tag_loss)

# %% [markdown] hints="23.3"
# `there = tags >= 0` is True for words. `there.sum(axis=1, keepdims=True)` are the $n_b$, `(B, 1)`. The logarithm of
# a softmax is `shifted - np.log(np.exp(shifted).sum(...))`, where `shifted` is the logits minus each word's largest.
# ---
# `shares = there / np.maximum(there.sum(axis=1, keepdims=True), 1) / len(tags)`, `onehot = np.eye(K)[tags]`. The loss
# is `-(shares[:, :, None] * onehot * log_probs).sum()`, `dlogits` is
# `shares[:, :, None] * (np.exp(log_probs) - onehot)`.

# %%
ours |= replace_failing({"23.3": tag_loss})[0]


def loss_forward(logits, *, tags):
    loss, dlogits = ours["23.3"](logits, tags)
    return np.asarray(loss), dlogits


pair = (loss_forward, lambda dloss, dlogits: dloss * dlogits)
inputs = {"logits": rng.standard_normal((3, 4, 5))}
tags = np.array([[2, 0, 4, -1], [1, -1, -1, -1], [3, 3, 0, 1]])
print(check_gradients(pair, inputs, options={"tags": tags}, rng=rng))

# %% [markdown]
# ## Change the stem
#
# Now take a ViT, and put the table where the patch embedding was. A text is **an image one pixel high**, whose
# patches are words. All that is new stands below: a stem with your backward, attention with your softmax, and a head
# that asks each token for its tag. Positions, blocks, norms and their backwards are the ViT's own. (No class token:
# we do not want one answer, but one for each word.)

# %%
config = ViTConfig(
    img_size=(1, T),
    patch_size=1,
    in_chans=16,
    num_classes=0,
    embed_dim=48,
    depth=2,
    num_heads=4,
    mlp_ratio=2.0,
    stem="words",
    class_token=False,
    pool="mean",
    init_std=0.1,
)
D = config.embed_dim


def same(y, x):
    """As float32, if a function of yours made float64 of it."""
    return np.ascontiguousarray(y, dtype=x.dtype)


class WordTable(Layer):
    """Ids (B, 1, 1, T) -> rows of the table (B, T, D)."""

    def __init__(self, table_backward, rng):
        self.proj = Linear(V, D, bias=False, rng=rng)  # its weight (V, D) is the table
        self.table_backward = table_backward
        spread_to(0.1, self.parameters())

    def check(self, x, shape, dtype):
        """The ViT asks its stem whether it can take x; this one takes all ids."""

    def forward(self, x, *, rng=None):
        ids = x[:, 0, 0]
        return self.proj.weight[ids], ids

    def backward(self, dy, ids):
        return None, {"proj.weight": same(self.table_backward(dy, ids, V), dy)}


class PaddedAttention(Attention):
    """Attention that leaves padding out; its backward is that of `Attention`."""

    there = None  # (B, T), which places hold words: to be set before each forward

    def __init__(self, attention):
        vars(self).update(vars(attention))  # the same weights

    def forward(self, x, *, rng=None, num_queries=None):
        qkv, qkv_saved = self.qkv.forward(x)
        B, N, _ = x.shape
        q, k, v = qkv.reshape(B, N, 3, self.num_heads, -1).transpose(2, 0, 3, 1, 4)  # (B, h, N, d)
        scores = q @ k.swapaxes(2, 3) * q.shape[3] ** -0.5
        weights = same(ours["23.2"](scores, PaddedAttention.there), qkv)
        y, proj_saved = self.proj.forward((weights @ v).swapaxes(1, 2).reshape(x.shape))
        return y, AttentionLayerSaved(qkv_saved, AttentionSaved(qkv, weights), proj_saved)


# %% [markdown]
# There is a second stem, that of `tinyvit train --task tag`. It needs no vocabulary. It has a row for each
# **character in each place**: "A in place 1", "n in place 2", and adds up those of a word (its first 12 characters,
# and its last 4, counted from the end). A sum of rows for parts of a word: this is the idea of fastText (Bojanowski
# et al. 2017, arXiv:1607.04606). In array terms, a word is a pixel with 16 channels. We train it first.


# %%
def letters_of(some):
    """Sentences -> characters of words, (n, 16, 1, T)."""
    return encoded([sentence.words for sentence in some], T)


def tags_of(some):
    """(n, T), -1 for padding."""
    return tag_codes([sentence.tags for sentence in some], T)


STEPS = 400


def trained(stem, *, masked=True, table_backward=None, seed=0):
    rng = np.random.default_rng(seed)
    encoder = VisionTransformer(config, rng=rng)
    if stem is ids_of:
        encoder.patch_embed = WordTable(table_backward or ours["23.1"], rng)
    if masked:
        for block in encoder.blocks:
            block.attn = PaddedAttention(block.attn)
    model = EncoderWithHead(encoder, DenseHead(D, K, num_prefix=0, rng=rng))
    x, tags = stem(train), tags_of(train)
    optimizer = AdamW(model.parameters())
    for step in range(STEPS):
        chosen = rng.integers(0, len(train), 32)
        PaddedAttention.there = tags[chosen] >= 0
        logits, saved = model.forward(x[chosen])
        _, dlogits = ours["23.3"](logits, tags[chosen])
        _, grads = model.backward(same(dlogits, logits), saved)
        warmup, cosine = min(1, (step + 1) / 30), 0.5 + 0.5 * np.cos(np.pi * step / STEPS)
        optimizer.step(grads, lr=6e-3 * warmup * cosine)
    return model


def logits_of(model, stem, some):
    PaddedAttention.there = tags_of(some) >= 0
    return model.forward(stem(some))[0]


reader = trained(letters_of)
truth = tags_of(tests["seen"])
said = logits_of(reader, letters_of, tests["seen"]).argmax(axis=2)

# %% drawing=true
names = [[TAGS[tag] for tag in sentence.tags] for sentence in tests["seen"]]
order = [i for i in range(40) if len(names[i]) < 13][:7]
drawn = [
    (tests["seen"][i].words, names[i], [TAGS[tag] for tag in said[i, : len(names[i])]])
    for i in order
]
show(
    plot_tagged(drawn),
    "Seven test sentences and the entities that the model found in them, with the true tags where it was wrong.",
)

# %% [markdown]
# It reads! Four hundred steps, and the blocks are the ones that read digits. How good is it? The simplest number is
# the share of words with the right tag. A number must be compared with something (lesson 19), so here is a lazy
# rival, who says `O` of every word.

# %%
is_word = truth >= 0
accuracy = 100 * (said == truth)[is_word].mean()
lazy = 100 * (truth == 0)[is_word].mean()
print(f"words with the right tag: {accuracy:.1f} %; who says O everywhere: {lazy:.1f} %")

# %% [markdown]
# The rival has found not one name, and about two thirds of the words right. So what does the model's number mean?
# Nobody wants tags of words. One wants **entities**: "Ann Lee", from this word to that one, a person. An entity is
# right if **first word, last word and kind** are right, all three. Half of a name is not a name. That is how the
# field counts (Tjong Kim Sang and De Meulder 2003, the shared task of CoNLL).
#
# ## From tags to entities
#
# Go from left to right, and remember whether an entity is open. Each tag does up to two things:
#
# - if one is open and this tag **does not continue** it, close it. An entity of the kind PER is continued by `I-PER`,
#   and by nothing else: not by `O`, not by `B-PER`, not by `I-LOC`;
# - if none is open now and the tag is not `O`, open one.
#
# A model may say `I-PER` behind `O`, which makes no sense. As the field's own evaluation does, we let it begin an
# entity. And do not forget who is still open at the end.
#
# ### Exercise 23.4: entities
#
# **Goal:** `tags` is a list of strings such as `["O", "B-PER", "I-PER", "B-LOC"]`. Return a list of entities, from
# left to right, each `(start, stop, kind)`: the place of its first word, the place **behind** its last one (as in a
# slice), and its kind, such as `"PER"`. Here it is `[(1, 3, "PER"), (3, 4, "LOC")]`. ●●○, 10 minutes.


# %% exercise="23.4"
def entities(tags):
    """A list of tags -> a list of (start, stop, kind)."""
    ### BEGIN SOLUTION
    found, start, kind = [], 0, ""
    for place, tag in enumerate([*tags, "O"]):
        if kind and tag != f"I-{kind}":
            found.append((start, place, kind))
            kind = ""
        if tag != "O" and not kind:
            start, kind = place, tag[2:]
    return found
    ### END SOLUTION


# %%
check.entities(entities)

# %% [markdown] hints="23.4"
# Two variables say what is open: `start` and `kind`, and `kind = ""` that nothing is. If the loop goes over
# `[*tags, "O"]`, the last entity is closed by that `O`.
# ---
# In the loop over `place, tag`: `if kind and tag != f"I-{kind}"`, append `(start, place, kind)` and set `kind = ""`.
# Then `if tag != "O" and not kind`, set `start, kind = place, tag[2:]`.

# %% [markdown]
# Now count. Let *found* be the number of entities that the model says, *true* of those there are, *right* of those
# that are both.
#
# $$ \text{precision} = \frac{\text{right}}{\text{found}}, \qquad \text{recall} = \frac{\text{right}}{\text{true}}, \qquad
# F_1 = \frac{2\,\text{right}}{\text{found} + \text{true}} . $$
#
# Precision: how much of what it says is so? Recall: how much of what is there does it find? Each is easy to have
# alone (say little; say everything). $F_1$ wants both. It is their *harmonic mean*: $\frac{1}{F_1}$ is the mean of
# $\frac1P = \frac{\text{found}}{\text{right}}$ and $\frac1R = \frac{\text{true}}{\text{right}}$, and that is the
# formula above, turned over.
#
# You have seen how many words the model gets right. And of whole entities, what is its $F_1$?

# %%
my_guess = 90  # % F1 of whole entities

# %%
ours |= replace_failing({"23.4": entities})[0]


def entity_scores(truth, said):
    """Precision, recall and F1 of whole entities."""
    right = found = true = 0
    for row, mine in zip(truth, said, strict=True):
        is_true, is_said = (
            {tuple(one) for one in ours["23.4"]([TAGS[tag] for tag in some[row >= 0]])}
            for some in (row, mine)
        )
        right, found, true = (
            right + len(is_true & is_said),
            found + len(is_said),
            true + len(is_true),
        )
    return np.array([right / max(found, 1), right / max(true, 1), 2 * right / max(found + true, 1)])


of_reader = 100 * entity_scores(truth, said)
of_lazy = 100 * entity_scores(truth, 0 * said)
for name, right, scores in (("model", accuracy, of_reader), ("O everywhere", lazy, of_lazy)):
    print(
        f"{name:13} words right {right:.1f} %, entities: precision {scores[0]:.1f} %,"
        f" recall {scores[1]:.1f} %, F1 {scores[2]:.1f} %"
    )
show_guess(my_guess, of_reader[2], "% F1 of whole entities")

# %% [markdown]
# 95 of 100 words, and far fewer of the entities: one wrong word spoils a whole name, and the many easy words, "the"
# and ".", flatter. The lazy rival falls from two thirds to **nothing**, as it should.
#
# ## The classification report
#
# Where is it wrong? Take tags one by one: each of the $K$ classes has its own precision, recall and $F_1$, with
# $\text{found}_k$ the number of words that were said to be $k$, and *support*, the number that are. Then three ways to
# make one number of $K$:
#
# - **macro average**: the plain mean over the classes. Rare ones count like common ones.
# - **weighted average**: the mean weighted by support.
# - **micro average**: first add up the *counts* of all classes, then divide.
#
# Look at the last one closely. Each word has one true tag and is said to have one. So both $\sum_k \text{found}_k$
# and $\sum_k \text{support}_k$ are the number of all words, $n$. Then micro precision, micro recall and micro $F_1$
# are all $\frac{\sum_k \text{right}_k}{n}$. That is the **accuracy**, under three new names! Who reports "micro-F1 of
# 0.95" over all tags, `O` among them, has reported accuracy.
#
# A class that is never said has found = 0, and 0/0 counts as 0. So divide by 1 at least.
#
# ### Exercise 23.5: the numbers of a report
#
# **Goal:** `labels` and `predictions` are `(n,)`, whole numbers below `num_classes` = $K$. Return `scores` `(K, 3)`,
# precision, recall and F1 of each class; `support` `(K,)`; and `averages` `(3, 3)`, whose rows are micro, macro,
# weighted. ●●○, 12 minutes.


# %% exercise="23.5"
def report_numbers(labels, predictions, num_classes):
    """(n,), (n,), K -> scores (K, 3), support (K,), averages (3, 3)."""
    ### BEGIN SOLUTION
    right = np.bincount(labels[labels == predictions], minlength=num_classes)
    found = np.bincount(predictions, minlength=num_classes)
    support = np.bincount(labels, minlength=num_classes)
    precision = right / np.maximum(found, 1)
    recall = right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(found + support, 1)
    scores = np.stack([precision, recall, f1], axis=1)
    micro = np.full(3, right.sum() / len(labels))
    weighted = support @ scores / len(labels)
    return scores, support, np.stack([micro, scores.mean(axis=0), weighted])
    ### END SOLUTION


# %%
check.report_numbers(report_numbers)

# %% [markdown] hints="23.5"
# `np.bincount(labels, minlength=K)` counts how often 0, 1, ... K-1 come. Count three things: labels, predictions, and
# the labels where both agree.
# ---
# `right = np.bincount(labels[labels == predictions], minlength=K)`; precision is `right / np.maximum(found, 1)`, F1
# `2 * right / np.maximum(found + support, 1)`; `np.stack([precision, recall, f1], axis=1)` is `(K, 3)`, and the
# weighted average `support @ scores / n`.

# %%
ours |= replace_failing({"23.5": report_numbers})[0]


def print_report(labels, predictions):
    scores, support, averages = ours["23.5"](labels, predictions, K)
    print(f"{'':12} precision  recall      F1  support")
    rows = [*zip(TAGS, scores, support, strict=True)]
    rows += [
        (name, row, len(labels))
        for name, row in zip(("micro", "macro", "weighted"), averages, strict=True)
    ]
    for name, row, count in rows:
        print(f"{name:12} {row[0]:9.3f} {row[1]:7.3f} {row[2]:7.3f} {count:8}")


print("model")
print_report(truth[is_word].astype(int), said[is_word])
print("\nO everywhere")
print_report(truth[is_word].astype(int), 0 * said[is_word])
print(f"\naccuracy: {accuracy / 100:.3f} and {lazy / 100:.3f}")

# %% [markdown]
# The micro row is the accuracy, three times. The macro row of the lazy rival says it all: eight of nine classes
# have 0.
#
# ## New names
#
# Now the honest part. All these names stood in training. In a newspaper, tomorrow's names are new. We train the table
# of words, too, with as many steps, and ask both models about sentences whose names, or frames, or both, were never
# seen.

# %%
by_table = trained(ids_of)


def scores_of(model, stem):
    """Share of words right, and F1 of entities, in each of the four groups of sentences: (4, 2), in %."""
    rows = []
    for some in tests.values():
        truth, said = tags_of(some), logits_of(model, stem, some).argmax(axis=2)
        right = (said == truth)[truth >= 0].mean()
        rows.append((100 * right, 100 * entity_scores(truth, said)[2]))
    return np.array(rows)


of_groups = {"letters": scores_of(reader, letters_of), "table": scores_of(by_table, ids_of)}
known = {
    group: 100 * np.mean([word in vocabulary for sentence in some for word in sentence.words])
    for group, some in tests.items()
}
for row, group in enumerate(tests):
    letters, table_row = of_groups["letters"][row], of_groups["table"][row]
    print(
        f"{group:17} words in the table {known[group]:.0f} %;  F1 with letters {letters[1]:.1f} %,"
        f" with the table {table_row[1]:.1f} %;  words right {letters[0]:.1f} %, {table_row[0]:.1f} %"
    )

# %% drawing=true
figure, ax = plt.subplots(figsize=(8, 2.7))
places = np.arange(len(tests))
for shift, (name, rows), colour in zip((-0.2, 0.2), of_groups.items(), ("C0", "C1"), strict=True):
    ax.bar(places + shift, rows[:, 1], 0.36, color=colour, label=f"{name}: F1 of entities")
    ax.plot(places + shift, rows[:, 0], "_", color="black", markersize=22)
ax.plot([], [], "_", color="black", markersize=14, label="words right")
ax.set(xticks=places, xticklabels=tests, ylabel="%", ylim=(0, 105))
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
show(
    figure,
    "F1 of whole entities (bars) and share of words with the right tag (lines), by what is new in the sentences.",
)

# %% [markdown]
# To the table all new words are **the same** word, row 1: "Ann" and "Oslo" and "1987" alike. Only their neighbours
# can help. And with new frames it breaks down altogether, for then the neighbours are new, too. The stem of letters
# sees that a word is written large, ends in -ton, or has four digits, and knows the rows of those. So it falls far
# less.
#
# With 4,000 sentences and some seconds, do not expect more. `tinyvit train --task tag` trains on 20,000 for four
# epochs: F1 of 97.7 % on known names and frames, 93.7 % on new names, 81.9 % on new frames (the README says so, three
# seeds).
#
# ## Two surprises
#
# **The trap in training.** The gradient without repeated words: wrong, and by much, as you have measured. What does a
# model learn by it? The same model, batches and steps as the table's above.

# %%
trapped = scores_of(trained(ids_of, table_backward=trap), ids_of)
print("F1, four groups, right gradient:", of_groups["table"][:, 1].round(1))
print("F1, four groups, with the trap: ", trapped[:, 1].round(1))

# %% [markdown]
# No harm that one run could show. AdamW divides each gradient by its usual size, so a row that is pulled by one word
# in place of forty moves about as far; only its direction is noisier. Remember it when you look at a curve that
# falls: **training forgives; a gradient check does not.** Only the check tells you that your backward is wrong.
#
# **No mask at all.** The same model once more, without your mask: each word asks all 24 places, and padding has
# places of its own in the table and in the positions. How much of a word's attention will go to padding after
# training, on average over words, heads and blocks? (A sentence has about 9 words, so who looks at all places alike
# gives about 60 % to padding. But the model may learn to leave it.)

# %%
my_guess = 5  # % of a word's attention that goes to padding

# %%
unmasked = trained(ids_of, masked=False)
some = tests["seen"][:200]
there = tags_of(some) >= 0
to_padding = [
    (weights * ~there[:, None, None, :]).sum(axis=3).transpose(0, 2, 1)[there].mean()
    for weights in unmasked.encoder.attention(ids_of(some))
]
print("attention to padding, block by block:", [f"{100 * share:.0f} %" for share in to_padding])
show_guess(my_guess, 100 * np.mean(to_padding), "% of a word's attention goes to padding")

# %% drawing=true
shown = next(i for i, sentence in enumerate(some) if len(sentence.words) == 8)
figure, axes = plt.subplots(1, 2, figsize=(9, 2.7))
for number, weights in enumerate(unmasked.encoder.attention(ids_of(some[shown : shown + 1]))):
    axes[number].imshow(weights[0, :, :8].mean(axis=0), cmap="Greens", vmin=0, vmax=0.4)
    axes[number].axvline(7.5, color="C3", linewidth=1)
    axes[number].set(
        title=f"block {number + 1}", xlabel="is asked: 8 words | 16 paddings", xticks=[]
    )
    axes[number].set(yticks=range(8), yticklabels=some[shown].words if number == 0 else [])
show(
    figure,
    "Attention of the model without a mask, mean of its heads: what each of eight words looks at.",
)

# %% [markdown]
# More than half of all attention goes to nothing, about as much as if nobody had learned to look away. Attention must
# add up to 1, so a head that finds nothing of use needs somewhere to look, and padding, always the same, is a good
# place for it: in block 1, single places of padding are dark for several words. (Large models do this with
# their first tokens, "attention sinks": Xiao et al. 2023, arXiv:2309.17453. ViTs do it with unimportant patches, which
# is why registers were invented: Darcet et al. 2023, arXiv:2309.16588.)
#
# Does it read worse for it? One run of each would not tell. Here are two, each with the same first weights and the
# same batches with and without the mask:

# %%
for seed in (0, 1):
    with_mask = of_groups["table"] if seed == 0 else scores_of(trained(ids_of, seed=1), ids_of)
    model = unmasked if seed == 0 else trained(ids_of, masked=False, seed=1)
    for name, rows in (("with the mask", with_mask), ("without it", scores_of(model, ids_of))):
        print(
            f"seed {seed}, {name:13} F1, four groups: {rows[:, 1].round(1)}, mean {rows[:, 1].mean():.1f}"
        )

# %% [markdown]
# In both the mask is ahead on average, by another amount each time, and not in every group: it seems to help here, and
# two runs cannot say how much. What is certain is the other thing: a model without a mask has learned its answers with
# just this much padding, 24 places, always. Give it another number of places, and all answers move, as in the table
# of 0, 2, 6 and 18 above. With the mask they do not, and one may cut each batch to its longest sentence and save the
# time. `tinyvit train --task tag` always has 24 places, and no mask: it is simpler, and it trains on five times as
# many sentences, for longer.
#
# ## Tokens can be letters
#
# One more stem, the last: each **letter** is a token, and a word is a text of up to 16. The question: is the word
# *good* or *bad*, such as "hopeful" or "dismal"? This is **sentiment**, of single words. Now one answer is wanted, so
# the class token is back: it is an ordinary classifier, to its last line.

# %%
spelled = word_dataset()
classifier_config = ViTConfig(
    img_size=(1, 16),
    patch_size=1,
    in_chans=1,
    num_classes=2,
    embed_dim=32,
    depth=2,
    num_heads=4,
    mlp_ratio=2.0,
    stem="words",
    drop_rate=0.2,
    init_std=0.1,
)
rng = np.random.default_rng(0)
speller = VisionTransformer(classifier_config, rng=rng)
optimizer = AdamW(speller.parameters(), weight_decay=0.3)
codes, labels = spelled.train.images[:], spelled.train.labels[:]
for step in range(STEPS):
    chosen = rng.integers(0, len(codes), 64)
    hidden = (rng.random((64, 1, 1, 16)) < 0.15) & (codes[chosen] > 0)  # hide some letters
    logits, saved = speller.forward(np.where(hidden, np.uint8(1), codes[chosen]), rng=rng)
    _, loss_saved = ops.cross_entropy_forward(logits, labels=labels[chosen])
    _, grads = speller.backward(ops.cross_entropy_backward(1.0, loss_saved), saved)
    warmup, cosine = min(1, (step + 1) / 30), 0.5 + 0.5 * np.cos(np.pi * step / STEPS)
    optimizer.step(grads, lr=4e-3 * warmup * cosine)

new = np.concatenate([spelled.dev.images[:], spelled.test.images[:]])
is_good = np.concatenate([spelled.dev.labels[:], spelled.test.labels[:]])
right = speller.predict(new).argmax(axis=1) == is_good
majority = max(is_good.mean(), 1 - is_good.mean())
print(f"{len(codes):,} words to learn from; of {len(new):,} new ones it knows {right.mean():.1%},")
print(f"and who says the commoner class always, {majority:.1%}")

# %% [markdown]
# Some points above the majority: that is little. Be fair: what tells from its letters alone that "gloom" is bad? A
# beginning such as "dis-", an end such as "-less"; the rest is what one has met before, and it has met 1,484 words.
# (1,020 words leave 1.5 points to luck, one standard deviation.) `tinyvit train --task sentiment` trains longer, and
# ends about 9 points above the majority on new words. Large language models know more because they have met billions
# of words *in sentences*, not because their blocks are others.
#
# ## Hard, and optional: the best path
#
# Tags are chosen word by word, and nothing keeps the model from saying `O I-PER`, or `B-LOC I-ORG`. In BIO, `I-PER`
# may stand only behind `B-PER` or `I-PER`. So ask for more: of all rows of tags **that are allowed**, give the one
# whose scores add up to the most. With 9 tags and 9 words there are $9^9$, 387 million, rows. It can be done with
# $9 \cdot 9 \cdot 9$ sums: **Viterbi's algorithm** (1967).
#
# The idea: let $\text{best}_{t,j}$ be the largest sum of an allowed row of tags up to word $t$ that **ends with** tag
# $j$. Such a row came from some tag $i$ at the word before, and up to there it must be the best that ends with $i$
# (otherwise take that one, and be better). Hence
#
# $$ \text{best}_{0,j} = \begin{cases} s_{0,j} & j \text{ may be first} \\ -\infty & \text{else} \end{cases} \qquad
# \text{best}_{t,j} = s_{t,j} + \max_{i \,:\; i \to j \text{ allowed}} \text{best}_{t-1,i} . $$
#
# Remember for each $(t, j)$ which $i$ was the largest. At the last word take the $j$ with the largest sum, and walk
# back along what you remembered. The scores are log-probabilities, as those of independent words add up. Plain logits
# do as well: the logarithm of a softmax takes the same number off all tags of a word, so off every row.
#
# ### Exercise 23.6: the best path
#
# **Goal:** `scores` is `(T, K)`. `allowed` is `(K, K)`: `allowed[i, j]` says whether tag `j` may follow tag `i`.
# `first` is `(K,)`: which tags may begin. Return the tags `(T,)`. ●●●, optional, 20 minutes.


# %% exercise="23.6"
def best_tags(scores, allowed, first):
    """(T, K), (K, K), (K,) -> (T,)."""
    ### BEGIN SOLUTION
    best, came_from = np.where(first, scores[0], -np.inf), []
    for row in scores[1:]:
        ways = np.where(allowed, best[:, None], -np.inf)
        came_from.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + row
    tags = [best.argmax()]
    for places in came_from[::-1]:
        tags.append(places[tags[-1]])
    return np.array(tags[::-1])
    ### END SOLUTION


# %%
check.best_tags(best_tags)

# %% [markdown] hints="23.6"
# `best[:, None]` is `(K, 1)`: row `i` of `np.where(allowed, best[:, None], -np.inf)` has the best sum that ends with
# `i`, wherever `j` may follow. Its `max(axis=0)` and `argmax(axis=0)` are over `i`.
# ---
# In a loop over `scores[1:]`: `ways = np.where(allowed, best[:, None], -np.inf)`; keep `ways.argmax(axis=0)` in a
# list; `best = ways.max(axis=0) + row`. At the end begin with `best.argmax()`, go through the list from its end, and
# turn the tags round.

# %%
ours |= replace_failing({"23.6": best_tags})[0]
may_begin = np.array([tag[0] != "I" for tag in TAGS])
allowed = np.array([[tag[0] != "I" or before[2:] == tag[2:] for tag in TAGS] for before in TAGS])
for group, some in tests.items():
    logits, truth = logits_of(reader, letters_of, some), tags_of(some)
    said, paths = logits.argmax(axis=2), np.zeros(truth.shape, int)
    broken_rules = 0
    for row, scores in enumerate(logits):
        count = len(some[row].words)
        paths[row, :count] = ours["23.6"](scores[:count], allowed, may_begin)
        mine = said[row, :count]
        broken_rules += not (may_begin[mine[0]] and allowed[mine[:-1], mine[1:]].all())
    before, after = (100 * entity_scores(truth, tags)[2] for tags in (said, paths))
    print(
        f"{group:17} {100 * broken_rules / len(some):.0f} % of sentences break a rule;"
        f" F1 {before:.1f} %, by the best path {after:.1f} %"
    )

# %% [markdown]
# Some points for free: nothing was trained for it. What may follow what can also be *learned*, a score for each pair
# of tags: that is a conditional random field, and its best row is found by the same loop (for names: Lample et al.
# 2016, arXiv:1603.01360).
#
# ## Bug hunt
#
# One of these lines is wrong in the function that you are handed. It gets two predictions of the same ten labels. In
# the first, two classes are mixed up, equally often. The second says 0 too often.

# %%
broken = bug_hunt(23)
labels = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
for predictions in ([0, 0, 0, 0, 1, 1, 2, 1, 2, 2], [0, 0, 0, 0, 0, 0, 1, 0, 2, 2]):
    scores, support, averages = broken(labels, np.array(predictions), 3)
    print("F1 of the classes:", scores[:, 2].round(3), "averages of F1:", averages[:, 2].round(3))
    by_hand = (scores[:, 2] * [0.4, 0.3, 0.3]).sum()
    print(
        f"   0.4, 0.3 and 0.3 of the labels are 0, 1 and 2, so the weighted one should be {by_hand:.3f}"
    )

# %%
my_suspect = 10  # the number of the wrong line
check.suspect(23, my_suspect)

# %% [markdown]
# ## Three questions
#
# **1. A word does not come in a batch, so its row has the gradient 0. Does AdamW move the row all the same?**
#
# <details><summary>Answer</summary>
#
# Yes. The running mean of its gradients is not 0 if it came a short time ago, and weight decay shrinks it in each
# step. Plain SGD without momentum and decay would leave it alone. (Frameworks have optimizers for tables, such as
# PyTorch's `SparseAdam`, that only touch the rows that came.)
#
# </details>
#
# **2. An empty sentence has the share 0 in the loss. Why must its attention not be NaN all the same?**
#
# <details><summary>Answer</summary>
#
# 0 times NaN is NaN. Its gradient is 0, and on the way back that is multiplied by the weights of the softmax: NaN. It
# is added to the gradients of weights that all sentences share, and after one step the model is gone.
#
# </details>
#
# **3. The text says "Ann Lee Jones", a person. The model finds "Ann Lee". What do the words say of it, and what the
# entities?**
#
# <details><summary>Answer</summary>
#
# Two of three words are right. Of the entities none: what was found is not right, which costs precision, and what is
# true was not found, which costs recall. A near miss counts as two mistakes, more than saying nothing, which costs
# recall alone.
#
# </details>
#
# ## What you can now do
#
# - Send gradients through a table, and say why `+=` is not enough, and which check sees it.
# - Mask padding in attention and loss, and say what happens to those who do not.
# - Judge a tagger by whole entities, write a classification report, and say which of its rows is accuracy in disguise.
# - Turn a ViT into a reader of words or letters, by its stem alone.
#
# The long runs: `tinyvit train --task tag` and `tinyvit train --task sentiment`; then
# `tinyvit predict RUN letter.txt` finds the names in a text of yours, line by line.
