"""Is the check any good? Every op's backward is broken in several ways, and each must be caught."""

import numpy as np
import pytest

from tinyvit.backend import row_mean
from tinyvit.gradcheck import check_exact, check_gradients
from tinyvit.gradcheck.cases import op_cases
from tinyvit.ops import OPS, softmax_backward, softmax_forward


def each(change):
    """A sabotage that changes every gradient."""

    def sabotage(backward, dy, saved):
        grads = backward(dy, saved)
        if isinstance(grads, tuple):
            return tuple(None if grad is None else change(grad) for grad in grads)
        return change(grads)

    return sabotage


def only(position, change):
    """A sabotage that changes one gradient of several."""

    def sabotage(backward, dy, saved):
        grads = list(backward(dy, saved))
        if grads[position] is not None:
            grads[position] = change(grads[position])
        return tuple(grads)

    return sabotage


def one_entry(grad):
    grad = grad.copy()
    grad.reshape(-1)[grad.size // 2] += 1e-4
    return grad


EVERYWHERE = {
    "zeros": each(lambda grad: 0 * grad),
    "wrong sign": each(lambda grad: -grad),
    "one per cent too large": each(lambda grad: 1.01 * grad),
    "one entry a little off": each(one_entry),
    "NaN": each(lambda grad: grad * np.nan),
    "wrong shape": each(lambda grad: grad[None]),
    "a missing axis": each(lambda grad: grad.sum(0)),
    "wrong dtype": each(lambda grad: grad.astype(np.float32)),
    "another dy": lambda backward, dy, saved: backward(np.ones_like(dy), saved),
    "reversed batch": each(lambda grad: grad[::-1] if len(grad) > 1 else 2 * grad),
    "no gradient": lambda backward, dy, saved: (),
}


def _conv_that_overwrites(backward, dy, saved):
    x, weight, k, stride, padding = saved
    padded = np.zeros((*x.shape[:2], *(size + 2 * padding for size in x.shape[2:])))
    pulls = np.einsum("ro,boij->brij", weight, dy).reshape(*x.shape[:2], k, k, *dy.shape[2:])
    for u, v in np.ndindex(k, k):
        H, W = dy.shape[2:]
        padded[:, :, u : u + stride * H : stride, v : v + stride * W : stride] = pulls[:, :, u, v]
    dx = padded[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]]
    return dx, *backward(dy, saved)[1:]


def _norm_without_stretch(backward, dy, saved):
    dx_hat = (dy * saved.weight).reshape(saved.x_hat.shape)
    return ((dx_hat - row_mean(dx_hat)) * saved.rstd).reshape(dy.shape), *backward(dy, saved)[1:]


def _norm_without_shift(backward, dy, saved):
    dx_hat = (dy * saved.weight).reshape(saved.x_hat.shape)
    dx = saved.rstd * (dx_hat - saved.x_hat * row_mean(dx_hat * saved.x_hat))
    return dx.reshape(dy.shape), *backward(dy, saved)[1:]


def _resampled_back(backward, dy, saved):
    """Rows that sum to one on the way back too: what an interpolation to the old grid would do."""
    rows, columns = (R / R.sum(0) for R in (saved.rows, saved.columns))
    return backward(dy, saved._replace(rows=rows, columns=columns))


def _read_by_column(backward, dy, saved):
    prefix, patches = np.split(dy, [saved.num_prefix], axis=1)
    B, _, D = dy.shape
    grid = patches.reshape(B, len(saved.columns), len(saved.rows), D).swapaxes(1, 2)
    return backward(np.concatenate([prefix, grid.reshape(patches.shape)], axis=1), saved)


def _giou_without_hull(backward, dy, saved):
    """The hull's sides do not move with the box; its area still counts."""
    boxes, target, hull = saved.boxes, saved.target, saved.hull
    area = hull.prod(axis=1, keepdims=True)
    inter = saved.inter.prod(axis=1, keepdims=True)
    union = sum((x[:, 2:] - x[:, :2]).prod(axis=1, keepdims=True) for x in (boxes, target)) - inter
    moved = union / area**2 * hull[:, ::-1]
    edges = np.concatenate([(boxes[:, :2] < target[:, :2]) * -moved, (boxes[:, 2:] > target[:, 2:]) * moved], axis=1)
    return backward(dy, saved) - dy * saved.weights * edges


def _last_id_wins(backward, dy, saved):
    dweight = np.zeros((saved.num_rows, dy.shape[-1]))
    dweight[saved.ids] = dy
    return dweight


PARTICULAR = {
    "linear: weight not transposed back": ("linear", only(1, lambda dw: dw.T.reshape(dw.shape).copy())),
    "linear: bias gradient averaged": ("linear", only(2, lambda db: db / 5)),
    "conv2d: windows that overlap overwrite each other": ("conv2d", _conv_that_overwrites),
    "conv2d: kernel turned round": ("conv2d", only(0, lambda dx: dx[..., ::-1, ::-1].copy())),
    "conv2d: weight turned round": ("conv2d", lambda b, dy, s: (b(dy, s._replace(weight=s.weight[::-1]))[0], *b(dy, s)[1:])),
    "conv2d: channels last in the weight": ("conv2d", only(1, lambda dw: dw.reshape(3, -1, dw.shape[1]).swapaxes(0, 1).reshape(dw.shape) if len(dw) == 27 else dw)),
    "conv2d: off by one pixel": ("conv2d", only(0, lambda dx: np.roll(dx, 1, -1))),
    "conv2d: weight's gradient of the first image alone": ("conv2d", lambda b, dy, s: (b(dy, s)[0], b(dy[:1], s._replace(x=s.x[:1]))[1], b(dy, s)[2])),
    "conv2d: bias gradient of one row": ("conv2d", lambda b, dy, s: (*b(dy, s)[:2], dy[:, :, 0].sum((0, 2)))),
    "layer_norm: rstd's road forgotten": ("layer_norm", _norm_without_stretch),
    "layer_norm: the mean's road forgotten": ("layer_norm", _norm_without_shift),
    "layer_norm: weight forgotten": ("layer_norm", lambda b, dy, s: b(dy, s._replace(weight=1 + 0 * s.weight))),
    "layer_norm: weight and bias gradients swapped": ("layer_norm", lambda b, dy, s: (b(dy, s)[0], *b(dy, s)[:0:-1])),
    "softmax: passes dy through": ("softmax", lambda b, dy, s: dy),
    "softmax: as if each share stood alone": ("softmax", lambda b, dy, s: dy * s.y * (1 - s.y)),
    "softmax: average over the wrong axis": ("softmax", lambda b, dy, s: s.y * (dy - (dy * s.y).sum(-2, keepdims=True))),
    "attention: 1/sqrt(d) forgotten": ("attention", lambda b, dy, s: np.concatenate([2 * b(dy, s)[..., : -dy.shape[-1]], b(dy, s)[..., -dy.shape[-1] :]], -1)),
    "attention: queries and keys swapped": ("attention", lambda b, dy, s: np.concatenate([np.split(b(dy, s), 3, -1)[i] for i in (1, 0, 2)], -1)),
    "attention: weights not transposed for v": ("attention", lambda b, dy, s: b(dy, s._replace(weights=s.weights.swapaxes(-1, -2)))),
    "attention: as if only the first token asked": ("attention", lambda b, dy, s: b(dy[:, :1], s._replace(weights=s.weights[:, :, :1]))),
    "gelu: only the gate": ("gelu", lambda b, dy, s: dy * s.gate),
    "gelu_tanh: the other form's gradient": ("gelu_tanh", lambda b, dy, s: OPS["gelu"].backward(dy, s)),
    "cross_entropy: mean forgotten": ("cross_entropy", lambda b, dy, s: b(dy, s) * len(s.probs)),
    "cross_entropy: the mean taken twice where there are weights": ("cross_entropy", lambda b, dy, s: b(dy, s._replace(divisor=len(s.probs)))),
    "cross_entropy: rows of weight 0 pushed all the same": ("cross_entropy", lambda b, dy, s: b(dy, s) + (s.targets.sum(1, keepdims=True) == 0) * dy / 9),
    "cross_entropy: weights forgotten for what the model said": ("cross_entropy", lambda b, dy, s: (s.probs - s.targets) * dy / s.divisor),
    "cross_entropy: weights forgotten for the targets": ("cross_entropy", lambda b, dy, s: b(dy, s._replace(targets=s.targets / s.targets.max(1, keepdims=True).clip(1e-9)))),
    "cross_entropy: targets forgotten": ("cross_entropy", lambda b, dy, s: s.probs * dy / len(s.probs)),
    "gather_tokens: into the first places": ("gather_tokens", lambda b, dy, s: b(dy, s._replace(ids=np.sort(s.ids, 1)))),
    "gather_tokens: as if all images chose alike": ("gather_tokens", lambda b, dy, s: b(dy, s._replace(ids=np.repeat(s.ids[:1], len(dy), 0)))),
    "scatter_tokens: the mask token's gradient from all places": ("scatter_tokens", lambda b, dy, s: (b(dy, s)[0], dy.sum((0, 1), keepdims=True))),
    "scatter_tokens: the mask token's gradient of one image": ("scatter_tokens", lambda b, dy, s: (b(dy, s)[0], b(dy[:1], s._replace(ids=s.ids[:1]))[1])),
    "embedding: the last of equal ids wins": ("embedding", _last_id_wins),
    "embedding: equal ids averaged": ("embedding", lambda b, dy, s: b(dy, s) / np.bincount(s.ids.reshape(-1), minlength=s.num_rows).clip(1)[:, None]),
    "embedding: places read in another order": ("embedding", lambda b, dy, s: b(dy, s._replace(ids=s.ids.T))),
    "embedding: ids as if they were places": ("embedding", lambda b, dy, s: b(dy, s._replace(ids=np.arange(s.ids.size).reshape(s.ids.shape) % s.num_rows))),
    "modulate: 1 + scale without the 1": ("modulate", lambda b, dy, s: (dy * s.scale[:, None], *b(dy, s)[1:])),
    "modulate: shift and scale swapped": ("modulate", lambda b, dy, s: (b(dy, s)[0], *b(dy, s)[:0:-1])),
    "modulate: the scale's gradient of the first token": ("modulate", lambda b, dy, s: (*b(dy, s)[:2], (dy * s.x)[:, 0])),
    "modulate: averaged over the tokens": ("modulate", lambda b, dy, s: (b(dy, s)[0], dy.mean(1), (dy * s.x).mean(1))),
    "modulate: as if the images shared the scale": ("modulate", lambda b, dy, s: (*b(dy, s)[:2], 0 * s.scale + (dy * s.x).sum((0, 1)))),
    "gate: the gate forgotten": ("gate", lambda b, dy, s: (dy, b(dy, s)[1])),
    "gate: another image's gate": ("gate", lambda b, dy, s: (b(dy, s._replace(gate=s.gate[::-1]))[0], b(dy, s)[1])),
    "gate: averaged over the tokens": ("gate", only(1, lambda dgate: dgate / 4)),
    "silu: only the gate": ("silu", lambda b, dy, s: dy * s.gate),
    "silu: sigmoid's derivative": ("silu", lambda b, dy, s: dy * s.gate * (1 - s.gate)),
    "silu: GELU's quick form": ("silu", lambda b, dy, s: OPS["gelu_quick"].backward(dy, s)),
    "distillation: the inner derivative's 1/T forgotten": ("distillation", lambda b, dy, s: b(dy, s) * 3.0),
    "distillation: T forgotten": ("distillation", lambda b, dy, s: b(dy, s._replace(scale=s.scale / np.max(s.scale) / len(s.error)))),
    "distillation: the teacher forgotten": ("distillation", lambda b, dy, s: b(dy, s._replace(error=s.error - s.error.clip(None, 0)))),
    "distillation: teacher and student swapped": ("distillation", lambda b, dy, s: b(dy, s._replace(error=-s.error))),
    "distillation: weights forgotten": ("distillation", lambda b, dy, s: b(dy, s._replace(scale=np.mean(s.scale) + 0 * s.scale))),
    "mse: the square's 2 forgotten": ("mse", lambda b, dy, s: b(dy, s) / 2),
    "mse: a sum over the features": ("mse", lambda b, dy, s: b(dy, s) * s.error.shape[-1]),
    "mse: weights forgotten": ("mse", lambda b, dy, s: b(dy, s._replace(weights=s.error.shape[-1] / s.error.size))),
    "focal: the easy's discount taken for a constant": ("focal", lambda b, dy, s: -dy * s.scale * s.sign * s.wrong ** (s.gamma + 1)),
    "focal: a power too few": ("focal", lambda b, dy, s: -dy * s.scale * s.sign * s.wrong ** max(0, s.gamma - 1) * (s.gamma * (1 - s.wrong) * s.surprise + s.wrong)),
    "focal: no for yes": ("focal", lambda b, dy, s: b(dy, s._replace(sign=-s.sign))),
    "focal: sign of the noes forgotten": ("focal", lambda b, dy, s: b(dy, s._replace(sign=0 * s.sign + 1))),
    "focal: weights and alpha forgotten": ("focal", lambda b, dy, s: b(dy, s._replace(scale=0 * s.scale + 1 / len(s.scale)))),
    "giou: plain IoU": ("giou", lambda b, dy, s: b(dy, s._replace(hull=1e9 * s.hull))),
    "giou: the hull's road forgotten": ("giou", _giou_without_hull),
    "giou: boxes that do not touch pushed all the same": ("giou", lambda b, dy, s: b(dy, s._replace(inter=s.inter + 1e-3))),
    "giou: width for height": ("giou", lambda b, dy, s: b(dy, s)[:, [1, 0, 3, 2]]),
    "giou: low edges for high ones": ("giou", lambda b, dy, s: b(dy, s)[:, [2, 3, 0, 1]]),
    "giou: whose edge it is forgotten": ("giou", lambda b, dy, s: b(dy, s._replace(target=s.boxes))),
    "giou: weights forgotten": ("giou", lambda b, dy, s: b(dy, s._replace(weights=1 / len(s.boxes)))),
    "sigmoid: passes dy through": ("sigmoid", lambda b, dy, s: dy),
    "sigmoid: tanh's derivative": ("sigmoid", lambda b, dy, s: dy * (1 - s.y**2)),
    "binary_cross_entropy: averaged over the images alone": ("binary_cross_entropy", lambda b, dy, s: b(dy, s) * s.probs.shape[1]),
    "binary_cross_entropy: targets forgotten": ("binary_cross_entropy", lambda b, dy, s: s.probs * dy / s.probs.size),
    "binary_cross_entropy: through the sigmoid once more": ("binary_cross_entropy", lambda b, dy, s: b(dy, s) * s.probs * (1 - s.probs)),
    "dropout: scale forgotten": ("dropout", lambda b, dy, s: dy * (s.scale > 0)),
    "dropout: mask forgotten": ("dropout", lambda b, dy, s: dy * s.scale.max()),
    "drop_path: mask forgotten": ("drop_path", lambda b, dy, s: dy * s.scale.max()),
    "gelu_quick: only the gate": ("gelu_quick", lambda b, dy, s: dy * s.gate),
    "gelu_quick: the scale forgotten": ("gelu_quick", lambda b, dy, s: dy * s.gate * (1 + s.x * (1 - s.gate))),
    "gelu_quick: the other form's gradient": ("gelu_quick", lambda b, dy, s: OPS["gelu"].backward(dy, s)),
    "cls_mean_pool: the first row forgotten": ("cls_mean_pool", lambda b, dy, s: OPS["mean_pool"].backward(dy[:, s.shape[2] :], s)),
    "cls_mean_pool: a first row that is a patch, too": ("cls_mean_pool", lambda b, dy, s: np.concatenate([dy[:, None, : s.shape[2]], b(dy, s)[:, 1:]], axis=1)),
    "cls_mean_pool: halves swapped": ("cls_mean_pool", lambda b, dy, s: b(np.roll(dy, s.shape[2], axis=1), s)),
    "mean_pool: share forgotten": ("mean_pool", lambda b, dy, s: b(dy, s) * (s.shape[1] - s.num_first)),
    "mean_pool: prefix counted in": ("mean_pool", lambda b, dy, s: b(dy, s._replace(num_first=0))),
    "cls_pool: spread over all tokens": ("cls_pool", lambda b, dy, s: np.broadcast_to(dy[:, None, : s.shape[2]], s.shape) + 0.0),
    "cls_pool: one token of several": ("cls_pool", lambda b, dy, s: b(dy, s) * (np.arange(s.shape[1]) < max(1, s.num_first - 1))[:, None]),
    "prepend_tokens: not summed over the batch": ("prepend_tokens", lambda b, dy, s: (b(dy, s)[0], dy[:1, : s.num_prefix])),
    "add_position: averaged over the batch": ("add_position", only(1, lambda grad: grad / 3)),
    "resample_positions: resampled back instead of transposed": ("resample_positions", _resampled_back),
    "resample_positions: rows resampled and columns left": ("resample_positions", lambda b, dy, s: b(dy, s._replace(rows=0 * s.rows + np.eye(*s.rows.shape)))),
    "resample_positions: columns resampled and rows left": ("resample_positions", lambda b, dy, s: b(dy, s._replace(columns=0 * s.columns + np.eye(*s.columns.shape)))),
    "resample_positions: no gradient for the prefix": ("resample_positions", lambda b, dy, s: b(np.concatenate([0 * dy[:, : s.num_prefix], dy[:, s.num_prefix :]], 1), s)),
    "resample_positions: the new grid read column by column": ("resample_positions", _read_by_column),
    "resample_positions: new patches in the wrong order": ("resample_positions", lambda b, dy, s: b(np.concatenate([dy[:, : s.num_prefix], dy[:, : s.num_prefix - 1 if s.num_prefix else None : -1]], 1), s)),
    "layer_scale: gamma forgotten": ("layer_scale", lambda b, dy, s: (dy, b(dy, s)[1])),
    "patchify: rows and columns of a patch swapped": ("patchify", lambda b, dy, s: b(dy.reshape(*dy.shape[:2], -1, s.patch_size, s.patch_size).swapaxes(-1, -2).reshape(dy.shape), s)),
    "unpatchify: patches in the wrong order": ("unpatchify", lambda b, dy, s: b(dy, s)[:, ::-1]),
}  # fmt: skip


def caught(name, sabotage, check):
    """Whether the sabotaged op fails on at least one of its samples."""
    forward, backward = OPS[name]
    for case in op_cases(name):
        rng = np.random.default_rng(1)
        _, inputs, options = case.build(rng)
        pair = (forward, lambda dy, saved: sabotage(backward, dy, saved))
        if not check(pair, inputs, options=options, rng=rng).passed:
            return True
    return False


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("sabotage", EVERYWHERE)
def test_a_broken_backward_of_any_op_is_caught(name, sabotage):
    assert caught(name, EVERYWHERE[sabotage], check_gradients)
    assert caught(name, EVERYWHERE[sabotage], check_exact)


@pytest.mark.parametrize("sabotage", PARTICULAR)
def test_the_mistakes_people_make_are_caught(sabotage):
    assert caught(*PARTICULAR[sabotage], check_gradients)
    assert caught(*PARTICULAR[sabotage], check_exact)


def test_dy_of_ones_would_let_a_zero_gradient_pass():
    """Why upstream gradients are random here: for softmax, dy of ones has the gradient zero, right or wrong."""
    _, saved = softmax_forward(np.random.default_rng(0).standard_normal((3, 5)))
    np.testing.assert_allclose(softmax_backward(np.ones((3, 5)), saved), 0, atol=1e-15)
