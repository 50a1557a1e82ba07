"""Are the kernels' checks any good? Each kernel is broken in several ways, by one line each, and each must be caught."""

import numpy as np
import pytest

from tests.support import emulator, others_slow
from tests.support import kernel_cases as cases
from tinyvit.gpu.sources import FOLDER

pytestmark = pytest.mark.skipif(emulator.COMPILER is None, reason="no g++ to compile the kernels for the CPU")

# (which cases should see it, of which config, what is replaced, by what)
SABOTAGES = [
    # common.cu
    ("layer_norm", "small", "for (int distance = WARP / 2;", "for (int distance = WARP / 4;"),
    ("cross_entropy", "small", "value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));", "break;"),
    ("sums", "small", "  __syncthreads();\n  float total = 0.0f;\n  for (int row", "  float total = 0.0f;\n  for (int row"),
    ("sums", "small", "for (int row = 0; row < SUM_ROWS; row++) total", "for (int row = 1; row < SUM_ROWS; row++) total"),
    # layer_norm.cu
    ("layer_norm_of_some_rows", "small", "residual + at * every", "residual + at"),
    ("layer_norm_of_a_table", "small", "(long long)(row % bias_rows) * EMBED_DIM", "0"),
    ("layer_norm", "small", "(values[k] - row_mean) * (values[k] - row_mean)", "values[k] * values[k]"),
    ("layer_norm", "small", "/ EMBED_DIM + eps", "/ (EMBED_DIM - 1) + eps"),
    ("layer_norm", "small", "* weight[i] + shift[i]", "* weight[i]"),
    ("layer_norm", "small", "      x[at + i] = values[k];\n", ""),
    ("layer_norm", "small", "- x_hat[k] * mean_product", ""),
    ("layer_norm", "small", "dy[at + i] * weight[i] - mean_dx_hat", "dy[at + i] * weight[i]"),
    ("layer_norm", "small", "      if (down) gradient += down[i];", "      if (0) gradient += down[i];"),
    ("layer_norm_of_some_rows", "small", "row % every == 0 ?", "1 ?"),
    ("layer_norm_of_some_rows", "small", "(long long)(row / every) * EMBED_DIM", "(long long)row * EMBED_DIM"),
    ("layer_norm", "small", "  __syncthreads();\n  for (int i = threadIdx.y * WARP", "  for (int i = threadIdx.y * WARP"),
    ("layer_norm", "small", "  __syncthreads();  // the last sums have been read\n", ""),
    ("layer_norm_of_many_rows", "small", "row += gridDim.x * NORM_WARPS", "row += rows"),
    ("layer_norm_of_many_rows", "small", "        bias_sum[k] += gradient;\n", "        bias_sum[k] = gradient;\n"),
    ("layer_norm_of_rows_that_are_nearly_constant", "small", "values[k] -= first;", "values[k] -= 0.0f;"),
    ("layer_norm_of_rows_that_are_nearly_constant", "small", "float first = branch[at]", "float first = 0.999f * branch[at]"),
    ("layer_norm", "small", "x[at + i] - x[at] - mean[row]", "x[at + i] - mean[row]"),
    # attention.cu
    ("attention", "small", "  __syncthreads();\n  if (pair >= pairs || t >= num_queries) return;", "  if (pair >= pairs || t >= num_queries) return;"),
    ("attention", "small", "total = total * shrink + weight;", "total += weight;"),
    ("attention", "small", "sum[j] = sum[j] * shrink +", "sum[j] = sum[j] +"),
    ("attention_with_large_scores", "small", "expf(score - higher)", "expf(score)"),
    ("attention", "small", "out[j] = sum[j] / total", "out[j] = sum[j]"),
    ("attention", "small", "(bias ? bias[j] : 0.0f)", "0.0f"),
    ("attention", "small", "(dot(b, &second[mine][s * HEAD_DIM]) - row_dot[mine][t]) * scale", "(dot(b, &second[mine][s * HEAD_DIM]) - row_dot[mine][t])"),
    ("attention", "small", "(dot(b, &second[mine][s * HEAD_DIM]) - row_dot[mine][t])", "dot(b, &second[mine][s * HEAD_DIM])"),
    ("attention", "small", "(dot(b, &second[mine][s * HEAD_DIM]) - row_dot[mine][s])", "dot(b, &second[mine][s * HEAD_DIM])"),
    ("attention", "small", "      da[j] = db[j] = 0.0f;\n", ""),
    ("attention", "small", "  __syncthreads();\n  if (here) {", "  if (here) {"),
    ("attention", "small", "  __syncthreads();\n  if (token) {\n    for (int s = 0; s < num_queries", "  if (token) {\n    for (int s = 0; s < num_queries"),
    ("attention", "small", "  __syncthreads();\n  if (token) {  // I am a query", "  if (token) {  // I am a query"),
    ("attention_of_the_class_token", "small", "for (int s = 0; s < num_queries; s++)", "for (int s = 0; s < NUM_TOKENS; s++)"),
    ("attention_of_the_class_token", "small", "    for (int j = 0; j < HEAD_DIM; j++) da[j] = 0.0f;\n", ""),
    ("attention", "small", "drows[2 * OUT_WIDTH + j] = db[j];", ""),
    # softmax.cu
    ("attention", "wide", "x[i] += bias[i % columns]", "x[i] += bias[0]"),
    ("attention_with_large_scores", "wide", "expf(mine[i] - highest)", "expf(mine[i])"),
    ("attention", "wide", "mine[i] /= total", "mine[i] /= total + 0.001f"),
    ("attention", "wide", "mine[i] * (down[i] - dot)", "mine[i] * down[i]"),
    ("attention", "wide", "x + (long long)row * stride", "x + (long long)row * columns"),
    ("attention", "wide", "y + (long long)row * stride", "y + (long long)row * columns"),
    # gelu.cu
    ("gelu", "small", "0.5f + 0.5f * erff(0.7071067812f * x)", "1.0f / (1.0f + expf(-1.702f * x))"),
    ("gelu", "small", "gate + x * 0.3989422804f * expf(-0.5f * x * x)", "gate"),
    ("gelu", "longer", "(1.0f + 3.0f * 0.044715f * x * x)", "(1.0f + 0.044715f * x * x)"),
    ("gelu", "longer", "0.044715f * x * x * x", "0.0447f * x * x * x"),
    ("gelu", "small", "float value = x[i] + bias[i % columns];", "float value = x[i];"),
    ("gelu", "small", "gelu_slope(x[at] + bias[column])", "gelu_slope(x[at])"),
    ("gelu", "small", "      dx[at] = gradient;\n", ""),
    # sums.cu
    ("sums", "small", "row += gridDim.y * SUM_ROWS)\n      sum += x", "row += rows)\n      sum += x"),
    ("sums", "small", "source[row * tile[2] + threadIdx.x]", "source[row * tile[3] + threadIdx.x]"),
    ("sums", "small", "bool mine = threadIdx.x < tile[3];", "bool mine = threadIdx.x < tile[3] - 1;"),
    # cross_entropy.cu
    ("cross_entropy", "small", "row[k] + bias[k] - highest - log_total", "row[k] - highest - log_total"),
    ("cross_entropy", "small", "- target) / batch", "- target)"),
    ("cross_entropy", "small", "+ smoothing / classes;", ";"),
    ("cross_entropy", "small", "- smoothing * sum / classes) / batch", ") / batch"),
    ("cross_entropy", "small", "logf(warp_sum(total))", "logf(total)"),
    # images.cu
    ("patchify", "small", "/ GRID_WIDTH * PATCH_SIZE + i", "/ GRID_WIDTH + i"),
    ("patchify", "longer", "*column = patch % GRID_WIDTH * PATCH_SIZE", "*column = patch % GRID_WIDTH"),
    ("patchify", "small", "(image * IN_CHANS + channel) * IMAGE_HEIGHT", "(image * IN_CHANS) * IMAGE_HEIGHT"),
    ("augment_patchify", "small", "*step % steps_per_epoch * batch", "0"),
    ("augment_patchify", "small", "fmaxf(x, -1.0f)", "fmaxf(x, 0.0f)"),
    ("augment_patchify", "small", "lower_left = pixel_or_zero(source, top + 1, left)", "lower_left = pixel_or_zero(source, top, left)"),
    ("augment_patchify", "small", "value = upper + (lower - upper) * below;", "value = upper;"),
    ("augment_patchify", "small", "- offsets[channel]", "- offsets[0]"),
    ("augment_patchify", "small", "labels[image] = all_labels[order[place]];", "labels[image] = all_labels[place];"),
    # tokens.cu
    ("mean_pool", "longer", "y[at] = sum / (NUM_TOKENS - NUM_PREFIX);", "y[at] = sum / NUM_TOKENS;"),
    ("mean_pool", "longer", "for (int token = NUM_PREFIX; token < NUM_TOKENS", "for (int token = 0; token < NUM_TOKENS"),
    ("mean_pool", "longer", "dx[at] = token < NUM_PREFIX ? 0.0f : ", "dx[at] = "),
    # adamw.cu
    ("adamw", "small", "if (i < n_decay)", "if (i < n)"),
    ("adamw", "small", "weight -= now[1] *", "weight -= now[0] *"),
    ("adamw", "small", "schedule + 4 * *step", "schedule"),
    ("adamw_clipped_and_averaged", "small", "sum += g[i] * g[i]", "sum += g[i]"),
    ("adamw_clipped_and_averaged", "small", "float gradient = g[i] * shorten", "float gradient = g[i]"),
    ("adamw_with_short_gradients", "small", "max_norm == 0.0f || ratio >= 1.0f ? 1.0f : ratio", "ratio"),
    ("adamw_clipped_and_averaged", "small", "(1.0f - now[3]) * weight;", "(1.0f - now[3]) * w[0];"),
    ("adamw", "small", "  *step += 1;\n", ""),
]  # fmt: skip
SLOW = [index for index in range(len(SABOTAGES)) if index % 12]  # each is compiled for itself


@pytest.mark.parametrize("index", [*range(0, len(SABOTAGES), 12), *others_slow(SLOW, fast=0)])
def test_a_broken_kernel_is_caught(index):
    name, config, old, new = SABOTAGES[index]
    results = []
    with np.errstate(all="ignore"):
        try:
            for order in emulator.ORDERS:
                device = emulator.Emulator(cases.CONFIGS[config], order=order, sabotage=[(old, new)])
                results.append(cases.run_case(name, device, cases.CONFIGS[config]))
        except (AssertionError, RuntimeError):
            return
    same = all(np.array_equal(one, two) for other in results[1:] for one, two in zip(results[0], other, strict=True))
    assert not same, f"nobody noticed: {old!r} became {new!r}"


def test_every_file_of_kernels_is_sabotaged():
    texts = {path.stem: path.read_text() for path in FOLDER.glob("*.cu")}
    assert set(texts) == {name for _, _, old, _ in SABOTAGES for name in texts if old in texts[name]}
