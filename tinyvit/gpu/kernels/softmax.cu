// What attention needs beside matrix products where the sequences are too long for attention.cu.

// x (rows, columns) += bias (columns,), in place
extern "C" __global__ void add_bias(float* x, const float* bias, long long size, int columns) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) x[i] += bias[i % columns];
}

// In place, one warp for each row of (rows, columns), `stride` numbers apart: y = exp(x - max) / sum(exp(x - max))
// tinyvit/ops/softmax.py derives the backward.
extern "C" __global__ void softmax_forward(float* x, int rows, int columns, int stride) {
  int row = blockIdx.x * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  float* mine = x + (long long)row * stride;
  float highest = -3.0e38f, total = 0.0f;
  for (int i = threadIdx.x; i < columns; i += WARP) highest = fmaxf(highest, mine[i]);
  highest = warp_max(highest);
  for (int i = threadIdx.x; i < columns; i += WARP) total += mine[i] = expf(mine[i] - highest);
  total = warp_sum(total);
  for (int i = threadIdx.x; i < columns; i += WARP) mine[i] /= total;
}

// dy becomes dx, in place: dx = y (dy - sum(dy y))
extern "C" __global__ void softmax_backward(float* dy, const float* y, int rows, int columns, int stride) {
  int row = blockIdx.x * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  float* down = dy + (long long)row * stride;
  const float* mine = y + (long long)row * stride;
  float dot = 0.0f;
  for (int i = threadIdx.x; i < columns; i += WARP) dot += down[i] * mine[i];
  dot = warp_sum(dot);
  for (int i = threadIdx.x; i < columns; i += WARP) down[i] = mine[i] * (down[i] - dot);
}
