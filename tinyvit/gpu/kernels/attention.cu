// Attention for short sequences: all keys and values of a head fit into the shared memory of a block, and the scores are
// never written down. A block works on PAIRS (image, head) pairs; in each, thread t works on token t.
// tinyvit/ops/attention.py derives the backward. qkv (B, N, 3D) is read where it lies, its bias (3D,) is added on the way.

#define QKV_WIDTH (3 * NUM_HEADS * HEAD_DIM)
#define OUT_WIDTH (NUM_HEADS * HEAD_DIM)

// The first `tokens` rows of a head, `width` numbers apart, with their bias (or null), into shared memory.
__device__ void load_head(const float* rows, int tokens, int width, const float* bias, float scale, float* to) {
  for (int i = threadIdx.x; i < tokens * HEAD_DIM; i += blockDim.x) {
    int token = i / HEAD_DIM, j = i % HEAD_DIM;
    to[i] = (rows[(long long)token * width + j] + (bias ? bias[j] : 0.0f)) * scale;
  }
}

__device__ float dot(const float* a, const float* b) {
  float sum = 0.0f;
  for (int j = 0; j < HEAD_DIM; j++) sum += a[j] * b[j];
  return sum;
}

// y (B, Q, D), and of each row of scores the log of the sum of their exponentials: lse (B, h, Q). The first Q =
// num_queries tokens ask. Softmax is computed while the scores come in ("online"): when a larger score turns up, what
// was summed so far is made smaller by as much.
extern "C" __global__ void attention_forward(const float* qkv, const float* bias, float* y, float* lse, int pairs,
                                             int num_queries, float scale) {
  __shared__ float keys[PAIRS][NUM_TOKENS * HEAD_DIM], values[PAIRS][NUM_TOKENS * HEAD_DIM];
  int mine = threadIdx.y, t = threadIdx.x, pair = blockIdx.x * PAIRS + mine;
  int image = pair / NUM_HEADS, column = (pair % NUM_HEADS) * HEAD_DIM;
  const float* rows = qkv + (long long)image * NUM_TOKENS * QKV_WIDTH + column;
  if (pair < pairs) {
    const float* key_bias = bias ? bias + OUT_WIDTH + column : 0;
    const float* value_bias = bias ? bias + 2 * OUT_WIDTH + column : 0;
    load_head(rows + OUT_WIDTH, NUM_TOKENS, QKV_WIDTH, key_bias, 1.0f, keys[mine]);
    load_head(rows + 2 * OUT_WIDTH, NUM_TOKENS, QKV_WIDTH, value_bias, 1.0f, values[mine]);
  }
  __syncthreads();
  if (pair >= pairs || t >= num_queries) return;

  float query[HEAD_DIM], sum[HEAD_DIM], highest = -3.0e38f, total = 0.0f;
  for (int j = 0; j < HEAD_DIM; j++) {
    query[j] = (rows[(long long)t * QKV_WIDTH + j] + (bias ? bias[column + j] : 0.0f)) * scale;
    sum[j] = 0.0f;
  }
  for (int s = 0; s < NUM_TOKENS; s++) {
    float score = dot(query, &keys[mine][s * HEAD_DIM]);
    float higher = fmaxf(highest, score), shrink = expf(highest - higher), weight = expf(score - higher);
    highest = higher;
    total = total * shrink + weight;
    for (int j = 0; j < HEAD_DIM; j++) sum[j] = sum[j] * shrink + weight * values[mine][s * HEAD_DIM + j];
  }
  float* out = y + ((long long)image * num_queries + t) * OUT_WIDTH + column;
  for (int j = 0; j < HEAD_DIM; j++) out[j] = sum[j] / total;
  lse[(long long)pair * num_queries + t] = highest + logf(total);
}

// dy (B, Q, D) -> dqkv (B, N, 3D). The weights are computed again from the scores and lse. With dweights = dy v^T, softmax
// gives dscores = weights * (dweights - dot), where dot = sum of weights * dweights of the row = dy . y.
// First thread t is query t and makes its dq; then it is key and value t, and makes their dk and dv.
extern "C" __global__ void attention_backward(const float* qkv, const float* bias, const float* y, const float* lse,
                                              const float* dy, float* dqkv, int pairs, int num_queries, float scale) {
  __shared__ float first[PAIRS][NUM_TOKENS * HEAD_DIM], second[PAIRS][NUM_TOKENS * HEAD_DIM];
  __shared__ float row_lse[PAIRS][NUM_TOKENS], row_dot[PAIRS][NUM_TOKENS];
  int mine = threadIdx.y, t = threadIdx.x, pair = blockIdx.x * PAIRS + mine;
  int image = pair / NUM_HEADS, column = (pair % NUM_HEADS) * HEAD_DIM;
  bool here = pair < pairs, token = here && t < NUM_TOKENS, asks = here && t < num_queries;
  const float* rows = qkv + (long long)image * NUM_TOKENS * QKV_WIDTH + column;
  float* drows = dqkv + ((long long)image * NUM_TOKENS + t) * QKV_WIDTH + column;
  const float* up = dy + (long long)image * num_queries * OUT_WIDTH + column;
  const float* out = y + (long long)image * num_queries * OUT_WIDTH + column;
  const float* query_bias = bias ? bias + column : 0;
  const float* key_bias = bias ? bias + OUT_WIDTH + column : 0;
  const float* value_bias = bias ? bias + 2 * OUT_WIDTH + column : 0;
  float a[HEAD_DIM], b[HEAD_DIM], da[HEAD_DIM], db[HEAD_DIM];

  if (here) {
    load_head(rows + OUT_WIDTH, NUM_TOKENS, QKV_WIDTH, key_bias, 1.0f, first[mine]);
    load_head(rows + 2 * OUT_WIDTH, NUM_TOKENS, QKV_WIDTH, value_bias, 1.0f, second[mine]);
  }
  if (asks) {
    row_dot[mine][t] = dot(up + (long long)t * OUT_WIDTH, out + (long long)t * OUT_WIDTH);
    row_lse[mine][t] = lse[(long long)pair * num_queries + t];
  }
  __syncthreads();
  if (token) {  // I am a query: a is mine, b what came down to me
    for (int j = 0; j < HEAD_DIM; j++) da[j] = 0.0f;
    if (asks) {
      for (int j = 0; j < HEAD_DIM; j++) {
        a[j] = (rows[(long long)t * QKV_WIDTH + j] + (bias ? query_bias[j] : 0.0f)) * scale;
        b[j] = up[(long long)t * OUT_WIDTH + j];
      }
      for (int s = 0; s < NUM_TOKENS; s++) {
        float weight = expf(dot(a, &first[mine][s * HEAD_DIM]) - row_lse[mine][t]);
        float dscore = weight * (dot(b, &second[mine][s * HEAD_DIM]) - row_dot[mine][t]) * scale;
        for (int j = 0; j < HEAD_DIM; j++) da[j] += dscore * first[mine][s * HEAD_DIM + j];
      }
    }
    for (int j = 0; j < HEAD_DIM; j++) {
      drows[j] = da[j];
      a[j] = first[mine][t * HEAD_DIM + j];  // now I am a key
      b[j] = second[mine][t * HEAD_DIM + j];  // and a value
      da[j] = db[j] = 0.0f;
    }
  }
  __syncthreads();
  if (here) {
    load_head(rows, num_queries, QKV_WIDTH, query_bias, scale, first[mine]);
    load_head(up, num_queries, OUT_WIDTH, 0, 1.0f, second[mine]);
  }
  __syncthreads();
  if (token) {
    for (int s = 0; s < num_queries; s++) {
      float weight = expf(dot(a, &first[mine][s * HEAD_DIM]) - row_lse[mine][s]);
      float dscore = weight * (dot(b, &second[mine][s * HEAD_DIM]) - row_dot[mine][s]);
      for (int j = 0; j < HEAD_DIM; j++) {
        da[j] += dscore * first[mine][s * HEAD_DIM + j];  // the query in shared memory is scaled already
        db[j] += weight * second[mine][s * HEAD_DIM + j];
      }
    }
    for (int j = 0; j < HEAD_DIM; j++) {
      drows[OUT_WIDTH + j] = da[j];
      drows[2 * OUT_WIDTH + j] = db[j];
    }
  }
}
