// What is added to every patch after the first matrix product, and how the head gets one vector for each image.

// table (N, D): the class token and the registers with their positions, then the patches' bias with theirs.
// reg_token may be null where there are no registers.
extern "C" __global__ void token_table(const float* cls_token, const float* reg_token, const float* bias,
                                       const float* pos_embed, float* table) {
  int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= NUM_TOKENS * EMBED_DIM) return;
  int token = at / EMBED_DIM, i = at % EMBED_DIM;
  const float* row = token == 0 ? cls_token : token < NUM_PREFIX ? reg_token + (token - 1) * EMBED_DIM : bias;
  table[at] = row[i] + pos_embed[at];
}

// x (B, N, D) -> y (B, D): the mean over the patches
extern "C" __global__ void mean_pool_forward(const float* x, float* y, int size) {
  int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= size) return;
  const float* image = x + (long long)(at / EMBED_DIM) * NUM_TOKENS * EMBED_DIM + at % EMBED_DIM;
  float sum = 0.0f;
  for (int token = NUM_PREFIX; token < NUM_TOKENS; token++) sum += image[token * EMBED_DIM];
  y[at] = sum / (NUM_TOKENS - NUM_PREFIX);
}

// dy (B, D) -> dx (B, N, D)
extern "C" __global__ void mean_pool_backward(const float* dy, float* dx, long long size) {
  long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= size) return;
  long long image = at / (NUM_TOKENS * EMBED_DIM);
  int token = at / EMBED_DIM % NUM_TOKENS, i = at % EMBED_DIM;
  dx[at] = token < NUM_PREFIX ? 0.0f : dy[image * EMBED_DIM + i] / (NUM_TOKENS - NUM_PREFIX);
}
