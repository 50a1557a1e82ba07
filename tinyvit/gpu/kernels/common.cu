// What several kernels share. Every kernel is compiled for one model: names in capitals are constants that
// tinyvit/gpu/sources.py sets. A block of threads works on its own part and never waits for another block, and numbers
// are always added up in the same order, without atomics: two runs give the same bits.

#define WARP 32

// The sum of a number over the 32 threads of a warp; all of them get it.
__device__ float warp_sum(float value) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

__device__ float warp_max(float value) {
  for (int distance = WARP / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
  return value;
}

// In blocks of (32, SUM_ROWS) threads: what the threads of one column hold, added up from the first row to the last.
// All threads get the sum of their column.
#define SUM_ROWS 8
__device__ float sum_over_rows(float value) {
  __shared__ float part[SUM_ROWS][WARP];
  __syncthreads();  // the last sum has been read
  part[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  float total = 0.0f;
  for (int row = 0; row < SUM_ROWS; row++) total += part[row][threadIdx.x];
  return total;
}
