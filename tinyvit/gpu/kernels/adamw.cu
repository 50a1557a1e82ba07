// The optimizer, over all parameters as one vector. What depends on the step stands in a table on the device, and the
// number of the step does, too: nothing of a recorded step has to change from one step to the next.

// g (n,) -> partial (gridDim.x,): sums of squares, for the length of the gradient. Blocks of (32, SUM_ROWS) threads.
extern "C" __global__ void square_partials(const float* g, float* partial, int n) {
  float sum = 0.0f;
  int threads = WARP * SUM_ROWS;
  for (int i = blockIdx.x * threads + threadIdx.y * WARP + threadIdx.x; i < n; i += gridDim.x * threads) sum += g[i] * g[i];
  sum = warp_sum(sum_over_rows(sum));
  if (threadIdx.x == 0 && threadIdx.y == 0) partial[blockIdx.x] = sum;
}

// tinyvit/optim/adamw.py has the formula. schedule (steps, 4): the learning rate, the rate with both corrections, eps
// with its correction, the decay of the average. The first n_decay numbers are pulled towards zero. The gradient is made
// shorter if it is longer than max_norm (0: never). gain = 1 - beta, rounded once. average may be null.
extern "C" __global__ void adamw(float* w, const float* g, float* m, float* v, float* average, const float* schedule,
                                 const int* step, const float* partial, int partials, float max_norm, float beta1,
                                 float beta2, float gain1, float gain2, float weight_decay, int n_decay, int n) {
  const float* now = schedule + 4 * *step;
  float squares = 0.0f;
  for (int i = threadIdx.x; i < partials; i += WARP) squares += partial[i];
  squares = warp_sum(squares);  // every warp computes the same
  float ratio = max_norm / (sqrtf(squares) + 1e-6f);
  float shorten = max_norm == 0.0f || ratio >= 1.0f ? 1.0f : ratio;  // a NaN stays one, and is seen
  int i = (blockIdx.x * blockDim.y + threadIdx.y) * WARP + threadIdx.x;
  if (i >= n) return;
  float gradient = g[i] * shorten, weight = w[i];
  if (i < n_decay) weight *= 1.0f - now[0] * weight_decay;
  float mean = m[i] = beta1 * m[i] + gain1 * gradient;
  float square = v[i] = beta2 * v[i] + gain2 * (gradient * gradient);
  w[i] = weight -= now[1] * (mean / (sqrtf(square) + now[2]));
  if (average) average[i] = now[3] * average[i] + (1.0f - now[3]) * weight;
}

// The end of a step: its loss is written down, and the next one begins.
extern "C" __global__ void next_step(const float* loss, float* losses, int* step) {
  losses[*step] = *loss;
  *step += 1;
}
