"""Word embedding: a word becomes a token, the sum of a learned row for each of its characters in its place."""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..config.vit import CODES
from ..errors import UserError
from ..ops import EmbeddingSaved, embedding_backward, embedding_forward
from ..ops.floats import check_input_shape
from .layer import Grads, Layer
from .linear import Linear


class WordEmbedSaved(NamedTuple):
    embedding: EmbeddingSaved


class WordEmbed(Layer):
    """Words (B, C, 1, T), codes of the C places of each of T words, -> (B, T, D). With C = 1, a token is a letter, say.

    So a text is an image one pixel high, of T words as patches. Its projection is that of patches, of C one-hot vectors
    of 128 side by side: a row of the weight for each pair of a place and a code is added up, and no zero is multiplied
    by. A word never seen is made of rows that are known.
    Source: Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", arXiv:1607.04606, section 3.2, on
    the sum over parts of a word; here they are single characters with their places.
    """

    def __init__(self, in_chans: int, embed_dim: int, *, rng: np.random.Generator):
        self.in_chans = in_chans
        self.proj = Linear(in_chans * CODES, embed_dim, bias=False, rng=rng)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, WordEmbedSaved]:
        xp = array_module(x)
        codes = x[:, :, 0].swapaxes(1, 2).astype(xp.int32)  # (B, T, C)
        ids = codes + CODES * xp.arange(self.in_chans, dtype=xp.int32)
        rows, embedding = embedding_forward(self.proj.weight, ids=ids)  # (B, T, C, D)
        return rows.sum(axis=2), WordEmbedSaved(embedding)

    def backward(self, dy: Array, saved: WordEmbedSaved) -> tuple[Any, Grads]:
        """(B, T, D) -> None, as codes are names and no numbers, and the gradient of the rows."""
        shape = *saved.embedding.ids.shape, dy.shape[-1]
        drows = array_module(dy).broadcast_to(dy[:, :, None], shape)  # each term of a sum has the sum's gradient
        return None, {"proj.weight": embedding_backward(drows, saved.embedding)}

    @staticmethod
    def check(x: Array, shape: tuple[int, int, int], dtype: Any) -> None:
        """Check that `x` is a batch of words of one `shape` (C, 1, T): integers.

        Raises:
            TypeError: it is no array.
            UserError: it has another shape or dtype.
        """
        check_input_shape(x, shape)
        if x.dtype.kind not in "iu":
            raise UserError(f"words are codes, integers, got {x.dtype}: encode them with tinyvit.datasets.words")
