// Softmax, cross-entropy and its gradient in one go, with the bias of the head. One warp for each image.
//
//   loss = -sum(targets log_probs) / B,   dlogits = (probs - targets) / B,   targets = (1 - smoothing) onehot + smoothing / K
//
// tinyvit/ops/cross_entropy.py derives the gradient.
//
// logits (B, K), bias (K,), labels (B,) -> losses (B,), each image's share of the mean, and dlogits (B, K)
extern "C" __global__ void cross_entropy(const float* logits, const float* bias, const int* labels, float* losses,
                                         float* dlogits, int batch, int classes, float smoothing) {
  int image = blockIdx.x * blockDim.y + threadIdx.y;
  if (image >= batch) return;
  const float* row = logits + (long long)image * classes;
  float highest = -3.0e38f, total = 0.0f, sum = 0.0f;
  for (int k = threadIdx.x; k < classes; k += WARP) highest = fmaxf(highest, row[k] + bias[k]);
  highest = warp_max(highest);
  for (int k = threadIdx.x; k < classes; k += WARP) {
    total += expf(row[k] + bias[k] - highest);
    sum += row[k] + bias[k] - highest;
  }
  float log_total = logf(warp_sum(total)), label_logit = row[labels[image]] + bias[labels[image]] - highest;
  sum = warp_sum(sum);
  for (int k = threadIdx.x; k < classes; k += WARP) {
    float target = (k == labels[image] ? 1.0f - smoothing : 0.0f) + smoothing / classes;
    dlogits[(long long)image * classes + k] = (expf(row[k] + bias[k] - highest - log_total) - target) / batch;
  }
  if (threadIdx.x == 0)
    losses[image] = (log_total - (1.0f - smoothing) * label_logit - smoothing * sum / classes) / batch;
}
