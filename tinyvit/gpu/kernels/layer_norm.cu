// Layer norm, with what stands in front of it: the bias of a linear layer, and the residual addition.
//
//   x = residual + branch + bias,   x_hat = (x - x[0] - mean) * rstd,   y = x_hat * weight + shift
//
// `mean` is that of x - x[0]: where all of a row is nearly alike, a mean of x would be rounded to more than x varies by.
// One warp works on one row; EMBED_DIM numbers lie in its registers, thread i holding i, i + 32, i + 64, ...
// tinyvit/ops/layer_norm.py derives the backward.

#define PER_THREAD ((EMBED_DIM + WARP - 1) / WARP)
#define NORM_WARPS 8

// branch (rows, D); bias (bias_rows, D), row r takes bias[r % bias_rows]; residual (rows * every, D), of which every
// `every`-th row is used, or null; weight, shift (D,) -> x, y (rows, D), mean, rstd (rows,)
extern "C" __global__ void layer_norm_forward(const float* branch, const float* bias, const float* residual,
                                              const float* weight, const float* shift, float* x, float* y, float* mean,
                                              float* rstd, int rows, int bias_rows, int every, float eps) {
  int row = blockIdx.x * NORM_WARPS + threadIdx.y;
  if (row >= rows) return;  // the whole warp leaves
  long long at = (long long)row * EMBED_DIM;
  const float* added = bias + (long long)(row % bias_rows) * EMBED_DIM;
  const float* old = residual ? residual + at * every : 0;

  float first = branch[at] + added[0];
  if (old) first += old[0];

  float values[PER_THREAD], sum = 0.0f;
  for (int k = 0; k < PER_THREAD; k++) {
    int i = threadIdx.x + WARP * k;
    values[k] = 0.0f;
    if (i < EMBED_DIM) {
      values[k] = branch[at + i] + added[i];
      if (old) values[k] += old[i];
      x[at + i] = values[k];
      values[k] -= first;
    }
    sum += values[k];
  }
  float row_mean = warp_sum(sum) / EMBED_DIM, squares = 0.0f;
  for (int k = 0; k < PER_THREAD; k++) {
    int i = threadIdx.x + WARP * k;
    if (i < EMBED_DIM) squares += (values[k] - row_mean) * (values[k] - row_mean);
  }
  float row_rstd = 1.0f / sqrtf(warp_sum(squares) / EMBED_DIM + eps);
  for (int k = 0; k < PER_THREAD; k++) {
    int i = threadIdx.x + WARP * k;
    if (i < EMBED_DIM) y[at + i] = (values[k] - row_mean) * row_rstd * weight[i] + shift[i];
  }
  if (threadIdx.x == 0) {
    mean[row] = row_mean;
    rstd[row] = row_rstd;
  }
}

// What the warps of a block hold for each column, added up from the first warp to the last.
__device__ void store_column_sums(const float* mine, float* sums) {
  __shared__ float part[NORM_WARPS][EMBED_DIM];
  __syncthreads();  // the last sums have been read
  for (int k = 0; k < PER_THREAD; k++) {
    int i = threadIdx.x + WARP * k;
    if (i < EMBED_DIM) part[threadIdx.y][i] = mine[k];
  }
  __syncthreads();
  for (int i = threadIdx.y * WARP + threadIdx.x; i < EMBED_DIM; i += NORM_WARPS * WARP) {
    float total = 0.0f;
    for (int warp = 0; warp < NORM_WARPS; warp++) total += part[warp][i];
    sums[(long long)blockIdx.x * EMBED_DIM + i] = total;
  }
}

// dy, x (rows, D) and what the forward saved -> dx (rows, D): the gradient of x, and so of branch and residual.
// dresidual (rows / every, D) is the gradient of the residual, for every `every`-th row; or null.
// dweight, dshift, dbias (blocks, D): one row of partial sums for each block of threads.
extern "C" __global__ void layer_norm_backward(const float* dy, const float* x, const float* weight, const float* mean,
                                               const float* rstd, const float* dresidual, float* dx, float* dweight,
                                               float* dshift, float* dbias, int rows, int every) {
  float weight_sum[PER_THREAD], shift_sum[PER_THREAD], bias_sum[PER_THREAD];
  for (int k = 0; k < PER_THREAD; k++) weight_sum[k] = shift_sum[k] = bias_sum[k] = 0.0f;

  for (int row = blockIdx.x * NORM_WARPS + threadIdx.y; row < rows; row += gridDim.x * NORM_WARPS) {
    long long at = (long long)row * EMBED_DIM;
    float x_hat[PER_THREAD], mean_dx_hat = 0.0f, mean_product = 0.0f;  // dx_hat = dy * weight
    for (int k = 0; k < PER_THREAD; k++) {
      int i = threadIdx.x + WARP * k;
      if (i < EMBED_DIM) {
        x_hat[k] = (x[at + i] - x[at] - mean[row]) * rstd[row];
        weight_sum[k] += dy[at + i] * x_hat[k];
        shift_sum[k] += dy[at + i];
        mean_dx_hat += dy[at + i] * weight[i];
        mean_product += dy[at + i] * weight[i] * x_hat[k];
      }
    }
    mean_dx_hat = warp_sum(mean_dx_hat) / EMBED_DIM;
    mean_product = warp_sum(mean_product) / EMBED_DIM;
    const float* down = dresidual && row % every == 0 ? dresidual + (long long)(row / every) * EMBED_DIM : 0;
    for (int k = 0; k < PER_THREAD; k++) {
      int i = threadIdx.x + WARP * k;
      if (i < EMBED_DIM) {
        float gradient = (dy[at + i] * weight[i] - mean_dx_hat - x_hat[k] * mean_product) * rstd[row];
        if (down) gradient += down[i];  // the gradient of both branches
        dx[at + i] = gradient;
        bias_sum[k] += gradient;
      }
    }
  }
  store_column_sums(weight_sum, dweight);
  store_column_sums(shift_sum, dshift);
  store_column_sums(bias_sum, dbias);
}
