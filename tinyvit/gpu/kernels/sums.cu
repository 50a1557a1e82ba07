// Sums of columns, in two stages: many blocks each add up a part of the rows, then one launch adds the parts up, for all
// biases and norms of a model. Blocks of (32, SUM_ROWS) threads.

// x (rows, columns) -> partial (gridDim.y, columns)
extern "C" __global__ void column_partials(const float* x, float* partial, int rows, int columns) {
  int column = blockIdx.x * WARP + threadIdx.x;
  float sum = 0.0f;
  if (column < columns)
    for (int row = blockIdx.y * SUM_ROWS + threadIdx.y; row < rows; row += gridDim.y * SUM_ROWS)
      sum += x[(long long)row * columns + column];
  sum = sum_over_rows(sum);
  if (column < columns && threadIdx.y == 0) partial[(long long)blockIdx.y * columns + column] = sum;
}

// tiles (gridDim.x, 5): up to 32 columns each of some matrix. Their columns: the address of the first number, how many
// rows, how far apart they lie, how many columns, and the address where the sums go.
extern "C" __global__ void column_sums(const long long* tiles) {
  const long long* tile = tiles + 5 * blockIdx.x;
  const float* source = (const float*)tile[0];
  float* sums = (float*)tile[4];
  bool mine = threadIdx.x < tile[3];
  float sum = 0.0f;
  if (mine)
    for (long long row = threadIdx.y; row < tile[1]; row += SUM_ROWS) sum += source[row * tile[2] + threadIdx.x];
  sum = sum_over_rows(sum);
  if (mine && threadIdx.y == 0) sums[threadIdx.x] = sum;
}
