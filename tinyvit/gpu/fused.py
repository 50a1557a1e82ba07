"""The ops of a ViT, fused: each takes in the bias of the linear layer in front of it, which needs no launch then.

Contracts are those of `tinyvit/ops`: `forward` gives a result and what is saved, `backward` takes the gradient of the
result and what was saved. What they cost is one launch each, where nothing else is said. Three things differ:

- gradients of parameters are written where they belong, to the `out` that `backward` is given;
- those of biases and norms come in two stages (`ColumnSums`): they are complete after `sums.run()`;
- R is all leading axes as one: x is (R, D) everywhere.
"""

from typing import Any, NamedTuple

from ..backend import Array
from .attention import FusedAttention
from .launching import WARPS, parts_of, per_number, per_row


class LinearSaved(NamedTuple):
    x: Array  # (R, in)
    weight: Array  # (in, out)


class LayerNormSaved(NamedTuple):
    x: Array  # (R, D), what was normalised
    mean: Array  # (R,), of x less the first number of its row
    rstd: Array  # (R,)
    weight: Array  # (D,)


class GeluSaved(NamedTuple):
    x: Array  # (R, M), without its bias
    bias: Array  # (M,)


class FusedOps(FusedAttention):
    """The ops for one model, on one device."""

    def linear_forward(self, x: Array, weight: Array) -> tuple[Array, LinearSaved]:
        """(R, in) -> (R, out), without the bias."""
        y = self.memory.empty(len(x), weight.shape[1])
        self.device.matmul(x, weight, y)
        return y, LinearSaved(x, weight)

    def linear_backward(self, dy: Array, saved: LinearSaved, out: Array, *, need_dx: bool = True) -> Any:
        """(R, out) -> dx (R, in), unless it is not needed; dweight goes to `out`. Two launches."""
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
        self.device.launch("layer_norm_forward", *per_row(rows), *arrays, *numbers)
        return (x, y), LayerNormSaved(x, mean, rstd, weight)

    def layer_norm_backward(
        self, dy: Array, saved: LayerNormSaved, dresidual: Array | None, out: tuple[Array, Array, Array | None]
    ) -> Array:
        """dy (R, D) -> dx (R, D), the gradient of branch and residual; dweight, dshift and dbias go to `out`.

        `dresidual` (R / every, D) is the gradient of the residual, for each `every`-th row of x.
        """
        x, mean, rstd, weight = saved
        rows, D = x.shape
        parts = parts_of(rows)
        dx = self.memory.empty(rows, D)
        partial = [self.memory.empty(parts, D) for _ in range(3)]
        every = rows // len(dresidual) if dresidual is not None else 1
        arrays = (dy, x, weight, mean, rstd, dresidual, dx, *partial)
        self.device.launch("layer_norm_backward", (parts,), (32, WARPS), *arrays, rows, every)
        for part, array in zip(partial, out, strict=True):
            if array is not None:
                self.sums.add(part, array)
        return dx

    def gelu_forward(self, x: Array, bias: Array) -> tuple[Array, GeluSaved]:
        """(R, M), (M,) -> (R, M)."""
        y = self.memory.empty(*x.shape)
        self.device.launch("gelu_forward", *per_number(x.size), x, bias, y, x.size, x.shape[1])
        return y, GeluSaved(x, bias)

    def gelu_backward(self, dy: Array, saved: GeluSaved, out: Array) -> Array:
        """(R, M) -> dx (R, M); dbias goes to `out`."""
        x, bias = saved
        rows, columns = x.shape
        parts = parts_of(rows)
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
        self.device.launch("cross_entropy", *per_row(B), *arrays, B, K, label_smoothing)
        self.sums.add(losses, out[0])
        self.sums.add(dlogits, out[1])
        return dlogits

    def mean_pool_forward(self, x: Array) -> Array:
        """(B*N, D) -> (B, D): the mean of the patches."""
        y = self.memory.empty(len(x) // self.config.num_tokens, x.shape[1])
        self.device.launch("mean_pool_forward", *per_number(y.size), x, y, y.size)
        return y

    def mean_pool_backward(self, dy: Array) -> Array:
        """(B, D) -> (B*N, D)."""
        dx = self.memory.empty(len(dy) * self.config.num_tokens, dy.shape[1])
        self.device.launch("mean_pool_backward", *per_number(dx.size), dy, dx, dx.size)
        return dx
