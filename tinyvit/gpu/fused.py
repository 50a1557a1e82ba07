"""The ops of a ViT, fused: each takes in the bias of the linear layer in front of it, which needs no launch then.

Contracts are those of `tinyvit/ops`: `forward` gives a result and what is saved, `backward` takes the gradient of the
result and what was saved. What they cost is one launch each, where nothing else is said. Three things differ:

- gradients of parameters are written where they belong, to the `out` that `backward` is given;
- those of biases and norms come in two stages (`ColumnSums`): they are complete after `sums.run()`;
- R is all leading axes as one: x is (R, D) everywhere.
"""

from typing import NamedTuple

from ..backend import Array
from ..config import ViTConfig
from .device import Device, Heads
from .sources import pairs_per_block, threads_per_pair
from .sums import ColumnSums
from .workspace import Workspace

THREADS = 256  # of a block, where each thread works by itself
WARPS = 8  # of a block, where each warp or row of threads works by itself: NORM_WARPS and SUM_ROWS of the kernels
MOST_PARTS = 256  # of a long sum, each added up by a block of its own


class LinearSaved(NamedTuple):
    x: Array  # (R, in)
    weight: Array  # (in, out)


class LayerNormSaved(NamedTuple):
    x: Array  # (R, D), what was normalised
    mean: Array  # (R,)
    rstd: Array  # (R,)
    weight: Array  # (D,)


class AttentionSaved(NamedTuple):
    qkv: Array  # (B*N, 3D)
    bias: Array | None  # (3D,)
    y: Array  # (B*Q, D)
    weights: Array  # (B, h, Q, N); where heads fit into shared memory, of each row the log-sum-exp alone, (B, h, Q)
    num_queries: int


class GeluSaved(NamedTuple):
    x: Array  # (R, M), without its bias
    bias: Array  # (M,)


class FusedOps:
    """The ops for one model, on one device."""

    def __init__(self, device: Device, config: ViTConfig):
        self.device, self.config = device, config
        self.memory = Workspace(device)
        self.sums = ColumnSums(device)
        self._pairs = pairs_per_block(config)

    def linear_forward(self, x: Array, weight: Array) -> tuple[Array, LinearSaved]:
        """(R, in) -> (R, out), without the bias."""
        y = self.memory.empty(len(x), weight.shape[1])
        self.device.matmul(x, weight, y)
        return y, LinearSaved(x, weight)

    def linear_backward(self, dy: Array, saved: LinearSaved, out: Array, *, need_dx: bool = True) -> Array:
        """(R, out) -> dx (R, in), unless nobody needs it; dweight goes to `out`. Two launches."""
        self.device.matmul(saved.x, dy, out, transpose_a=True)
        if not need_dx:
            return None
        dx = self.memory.empty(*saved.x.shape)
        self.device.matmul(dy, saved.weight, dx, transpose_b=True)
        return dx

    def layer_norm_forward(
        self, branch: Array, bias: Array, residual: Array | None, weight: Array, shift: Array, *, every: int = 1
    ) -> tuple[tuple[Array, Array], LayerNormSaved]:
        """x = residual + branch + bias, y = norm(x) -> (x, y). All (R, D), but of residual (R * every, D) each row
        number 0, every, 2 * every ... is used, and a bias (n, D) is repeated.
        """
        rows, D = branch.shape
        x, y = self.memory.empty(rows, D), self.memory.empty(rows, D)
        mean, rstd = self.memory.empty(rows), self.memory.empty(rows)
        arrays = (branch, bias, residual, weight, shift, x, y, mean, rstd)
        numbers = (rows, bias.size // D, every, self.config.layer_norm_eps)
        self.device.launch("layer_norm_forward", (-(-rows // WARPS),), (32, WARPS), *arrays, *numbers)
        return (x, y), LayerNormSaved(x, mean, rstd, weight)

    def layer_norm_backward(
        self, dy: Array, saved: LayerNormSaved, dresidual: Array | None, out: tuple[Array, Array, Array | None]
    ) -> Array:
        """dy (R, D) -> dx (R, D), the gradient of branch and residual; dweight, dshift and dbias go to `out`.

        `dresidual` (R / every, D) is what comes to x by the residual road, to each `every`-th row.
        """
        x, mean, rstd, weight = saved
        rows, D = x.shape
        parts = self._parts(rows)
        dx = self.memory.empty(rows, D)
        partial = [self.memory.empty(parts, D) for _ in range(3)]
        every = rows // len(dresidual) if dresidual is not None else 1
        arrays = (dy, x, weight, mean, rstd, dresidual, dx, *partial)
        self.device.launch("layer_norm_backward", (parts,), (32, WARPS), *arrays, rows, every)
        for part, array in zip(partial, out, strict=True):
            if array is not None:
                self.sums.add(part, array)
        return dx

    def attention_forward(
        self, qkv: Array, bias: Array | None, *, num_queries: int | None = None
    ) -> tuple[Array, AttentionSaved]:
        """(B*N, 3D), (3D,) -> (B*Q, D). Long sequences take four launches."""
        N, h, D = self.config.num_tokens, self.config.num_heads, self.config.embed_dim
        B, Q = len(qkv) // N, num_queries or N
        scale = self.config.head_dim**-0.5
        y = self.memory.empty(B * Q, D)
        if self._pairs:
            lse = self.memory.empty(B, h, Q)
            self.device.launch("attention_forward", *self._pair_grid(B), qkv, bias, y, lse, B * h, Q, scale)
            return y, AttentionSaved(qkv, bias, y, lse, Q)
        if bias is not None:
            self.device.launch("add_bias", *self._grid(qkv.size), qkv, bias, qkv.size, 3 * D)
        weights = self.memory.empty(B, h, Q, N)
        q, k, v = (self._heads(qkv, i, N) for i in range(3))
        self.device.matmul_heads(_first_rows(q, Q), k, _plain(weights), transpose_b=True, scale=scale)
        self.device.launch("softmax_forward", (-(-B * h * Q // WARPS),), (32, WARPS), weights, B * h * Q, N)
        self.device.matmul_heads(_plain(weights), v, self._heads(y, 0, Q))
        return y, AttentionSaved(qkv, bias, y, weights, Q)

    def attention_backward(self, dy: Array, saved: AttentionSaved, out: Array | None) -> Array:
        """(B*Q, D) -> dqkv (B*N, 3D); dbias goes to `out`. Two launches, and six for long sequences."""
        qkv, bias, y, weights, Q = saved
        B, h = weights.shape[:2]
        scale = self.config.head_dim**-0.5
        dqkv = self.memory.empty(*qkv.shape)
        if self._pairs:
            arrays = (qkv, bias, y, weights, dy, dqkv)
            self.device.launch("attention_backward", *self._pair_grid(B), *arrays, B * h, Q, scale)
        else:
            N = weights.shape[3]
            q, k, v = (self._heads(qkv, i, N) for i in range(3))
            dq, dk, dv = (self._heads(dqkv, i, N) for i in range(3))
            dout, dscores = self._heads(dy, 0, Q), self.memory.empty(*weights.shape)
            if Q < N:
                dqkv.fill(0.0)  # who did not ask gets no gradient for its query
            self.device.matmul_heads(_plain(weights), dout, dv, transpose_a=True)
            self.device.matmul_heads(dout, v, _plain(dscores), transpose_b=True)
            rows = (-(-B * h * Q // WARPS),), (32, WARPS)
            self.device.launch("softmax_backward", *rows, dscores, weights, B * h * Q, N)
            self.device.matmul_heads(_plain(dscores), k, _first_rows(dq, Q), scale=scale)
            self.device.matmul_heads(_plain(dscores), _first_rows(q, Q), dk, transpose_a=True, scale=scale)
            self.memory.free(dscores)
        if out is not None:
            self.column_sum(dqkv, out)
        return dqkv

    def gelu_forward(self, x: Array, bias: Array) -> tuple[Array, GeluSaved]:
        """(R, M), (M,) -> (R, M)."""
        y = self.memory.empty(*x.shape)
        self.device.launch("gelu_forward", *self._grid(x.size), x, bias, y, x.size, x.shape[1])
        return y, GeluSaved(x, bias)

    def gelu_backward(self, dy: Array, saved: GeluSaved, out: Array) -> Array:
        """(R, M) -> dx (R, M); dbias goes to `out`."""
        x, bias = saved
        rows, columns = x.shape
        parts = self._parts(rows)
        dx, partial = self.memory.empty(rows, columns), self.memory.empty(parts, columns)
        grid, block = (-(-columns // 32), parts), (32, WARPS)
        self.device.launch("gelu_backward", grid, block, dy, x, bias, dx, partial, rows, columns)
        self.sums.add(partial, out)
        return dx

    def cross_entropy(
        self, logits: Array, bias: Array, labels: Array, out: tuple[Array, Array], *, label_smoothing: float
    ) -> Array:
        """(B, K), (K,), int32 (B,) -> dlogits (B, K), forward and backward in one; loss (1,) and dbias go to `out`."""
        B, K = logits.shape
        losses, dlogits = self.memory.empty(B, 1), self.memory.empty(B, K)
        arrays = (logits, bias, labels, losses, dlogits)
        self.device.launch("cross_entropy", (-(-B // WARPS),), (32, WARPS), *arrays, B, K, label_smoothing)
        self.sums.add(losses, out[0])
        self.sums.add(dlogits, out[1])
        return dlogits

    def mean_pool_forward(self, x: Array) -> Array:
        """(B*N, D) -> (B, D): the mean of the patches."""
        y = self.memory.empty(len(x) // self.config.num_tokens, x.shape[1])
        self.device.launch("mean_pool_forward", *self._grid(y.size), x, y, y.size)
        return y

    def mean_pool_backward(self, dy: Array) -> Array:
        """(B, D) -> (B*N, D)."""
        dx = self.memory.empty(len(dy) * self.config.num_tokens, dy.shape[1])
        self.device.launch("mean_pool_backward", *self._grid(dx.size), dy, dx, dx.size)
        return dx

    def column_sum(self, x: Array, out: Array) -> None:
        """The sum of all rows of (R, n) goes to `out`, (n,)."""
        rows, columns = x.shape
        partial = self.memory.empty(self._parts(rows), columns)
        grid = (-(-columns // 32), len(partial))
        self.device.launch("column_partials", grid, (32, WARPS), x, partial, rows, columns)
        self.sums.add(partial, out)

    def _heads(self, x: Array, index: int, rows: int) -> Heads:
        """Of (B * rows, k * D), the D columns number `index`, as a matrix (rows, d) for each head of each image."""
        h, d, width = self.config.num_heads, self.config.head_dim, x.shape[1]
        return Heads(x, index * h * d, rows * width, d, width, (len(x) // rows, h, rows, d))

    def _pair_grid(self, batch: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        grid = (-(-batch * self.config.num_heads // self._pairs),)
        return grid, (threads_per_pair(self.config), self._pairs)

    @staticmethod
    def _grid(size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Blocks and threads for `size` numbers, one thread each."""
        return (-(-size // THREADS),), (THREADS,)

    @staticmethod
    def _parts(rows: int) -> int:
        return min(MOST_PARTS, -(-rows // WARPS))


def _plain(x: Array) -> Heads:
    """(B, h, rows, columns) without gaps."""
    _, h, rows, columns = x.shape
    return Heads(x, 0, h * rows * columns, rows * columns, columns, x.shape)


def _first_rows(heads: Heads, rows: int) -> Heads:
    images, h, _, columns = heads.shape
    return heads._replace(shape=(images, h, rows, columns))
