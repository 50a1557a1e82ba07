"""Attention on the device: in one kernel where the keys and values of a head fit into shared memory, else in four."""

from typing import NamedTuple

from ..backend import Array
from ..config import ViTConfig
from .device import Device
from .heads import Heads
from .launching import Launching, per_number, per_row
from .sources import pairs_per_block, threads_per_pair


class AttentionSaved(NamedTuple):
    qkv: Array  # (B*N, 3D)
    bias: Array | None  # (3D,)
    y: Array  # (B*Q, D)
    weights: Array  # (B, h, Q, stride); where heads fit into shared memory, each row's log-sum-exp alone, (B, h, Q)
    num_queries: int


class FusedAttention(Launching):
    """Attention forward and backward."""

    def __init__(self, device: Device, config: ViTConfig):
        super().__init__(device, config)
        self._pairs = pairs_per_block(config)

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
            self.device.launch("add_bias", *per_number(qkv.size), qkv, bias, qkv.size, 3 * D)
        weights = self.memory.empty(B, h, Q, _stride(N))
        q, k, v = (self._heads(qkv, i, N) for i in range(3))
        self.device.matmul_heads(_first_rows(q, Q), k, _plain(weights, N), transpose_b=True, scale=scale)
        self.device.launch("softmax_forward", *per_row(B * h * Q), weights, B * h * Q, N, _stride(N))
        self.device.matmul_heads(_plain(weights, N), v, self._heads(y, 0, Q))
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
            N = self.config.num_tokens
            q, k, v = (self._heads(qkv, i, N) for i in range(3))
            dq, dk, dv = (self._heads(dqkv, i, N) for i in range(3))
            dout, dscores = self._heads(dy, 0, Q), self.memory.empty(*weights.shape)
            if Q < N:
                self.device.zero(dqkv)  # who did not ask gets no gradient for its query
            self.device.matmul_heads(_plain(weights, N), dout, dv, transpose_a=True)
            self.device.matmul_heads(dout, v, _plain(dscores, N), transpose_b=True)
            self.device.launch("softmax_backward", *per_row(B * h * Q), dscores, weights, B * h * Q, N, _stride(N))
            self.device.matmul_heads(_plain(dscores, N), k, _first_rows(dq, Q), scale=scale)
            self.device.matmul_heads(_plain(dscores, N), _first_rows(q, Q), dk, transpose_a=True, scale=scale)
            self.memory.free(dscores)
        if out is not None:
            self.column_sum(dqkv, out)
        return dqkv

    def _heads(self, x: Array, index: int, rows: int) -> Heads:
        """Of (B * rows, k * D), the D columns number `index`, as a matrix (rows, d) for each head of each image."""
        h, d, width = self.config.num_heads, self.config.head_dim, x.shape[1]
        return Heads(x, index * h * d, rows * width, d, width, (len(x) // rows, h, rows, d))

    def _pair_grid(self, batch: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        grid = (-(-batch * self.config.num_heads // self._pairs),)
        return grid, (threads_per_pair(self.config), self._pairs)


def _stride(columns: int) -> int:
    """Elements from one row to the next: every row begins at a multiple of 16 bytes."""
    return -(-columns // 4) * 4


def _plain(x: Array, columns: int) -> Heads:
    """The first `columns` of (B, h, rows, stride)."""
    B, h, rows, stride = x.shape
    return Heads(x, 0, h * rows * stride, rows * stride, stride, (B, h, rows, columns))


def _first_rows(heads: Heads, rows: int) -> Heads:
    images, h, _, columns = heads.shape
    return heads._replace(shape=(images, h, rows, columns))
