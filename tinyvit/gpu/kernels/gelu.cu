// GELU, with the bias of the linear layer in front of it: y = gelu(x + bias). GELU_TANH chooses the form.
// tinyvit/ops/gelu.py derives both backwards.

__device__ float gelu_gate(float x) {
#if GELU_TANH
  return 0.5f + 0.5f * tanhf(0.7978845608f * (x + 0.044715f * x * x * x));
#else
  return 0.5f + 0.5f * erff(0.7071067812f * x);
#endif
}

__device__ float gelu_slope(float x) {
  float gate = gelu_gate(x);
#if GELU_TANH
  return gate * (1.0f + x * (1.0f - gate) * 2.0f * 0.7978845608f * (1.0f + 3.0f * 0.044715f * x * x));
#else
  return gate + x * 0.3989422804f * expf(-0.5f * x * x);
#endif
}

// x (rows, columns), bias (columns,) -> y (rows, columns); size = rows * columns
extern "C" __global__ void gelu_forward(const float* x, const float* bias, float* y, long long size, int columns) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= size) return;
  float value = x[i] + bias[i % columns];
  y[i] = value * gelu_gate(value);
}

// dy (rows, columns) -> dx (rows, columns), and dbias (gridDim.y, columns): one row of partial sums for each part of the
// rows. Blocks of (32, SUM_ROWS) threads; a thread goes down its column.
extern "C" __global__ void gelu_backward(const float* dy, const float* x, const float* bias, float* dx, float* dbias,
                                         int rows, int columns) {
  int column = blockIdx.x * WARP + threadIdx.x;
  float sum = 0.0f;
  if (column < columns)
    for (int row = blockIdx.y * SUM_ROWS + threadIdx.y; row < rows; row += gridDim.y * SUM_ROWS) {
      long long at = (long long)row * columns + column;
      float gradient = dy[at] * gelu_slope(x[at] + bias[column]);
      dx[at] = gradient;
      sum += gradient;
    }
  sum = sum_over_rows(sum);
  if (column < columns && threadIdx.y == 0) dbias[(long long)blockIdx.y * columns + column] = sum;
}
