// Pooling: many tokens become one vector for the classifier: the class token, the mean of the patches, or both.
import { zeros } from "../array.js";

/** (B, N, D) -> (B, T*D), the first T = numTokens rows of each image side by side. */
export function clsPoolForward(x, { numTokens = 1 } = {}) {
  const [B, N, D] = x.shape, y = zeros(B, numTokens * D);
  for (let b = 0; b < B; b++) y.data.set(x.data.subarray(b * N * D, (b * N + numTokens) * D), b * numTokens * D);
  return [y, { shape: x.shape, numTokens }];
}

/** (B, T*D) -> (B, N, D). The other tokens were not looked at: their gradient is zero. */
export function clsPoolBackward(dy, { shape, numTokens }) {
  const [B, N, D] = shape, dx = zeros(B, N, D), size = numTokens * D;
  for (let b = 0; b < B; b++) dx.data.set(dy.data.subarray(b * size, (b + 1) * size), b * N * D);
  return dx;
}

/** (B, N, D) -> (B, D), the mean of the rows behind the first numPrefix. */
export function meanPoolForward(x, { numPrefix }) {
  const [B, N, D] = x.shape, y = zeros(B, D), sums = new Float64Array(D);
  for (let b = 0; b < B; b++) {
    sums.fill(0);
    for (let i = numPrefix; i < N; i++) for (let j = 0; j < D; j++) sums[j] += x.data[(b * N + i) * D + j];
    for (let j = 0; j < D; j++) y.data[b * D + j] = sums[j] / (N - numPrefix);
  }
  return [y, { shape: x.shape, numPrefix }];
}

/** (B, D) -> (B, N, D). Each of the n = N - T patches had a share of 1/n in the mean. */
export function meanPoolBackward(dy, { shape, numPrefix }) {
  const [B, N, D] = shape, dx = zeros(B, N, D);
  for (let b = 0; b < B; b++)
    for (let i = numPrefix; i < N; i++)
      for (let j = 0; j < D; j++) dx.data[(b * N + i) * D + j] = dy.data[b * D + j] / (N - numPrefix);
  return dx;
}

/** (B, N, D) -> (B, 2D), the first row and the mean of the rows behind the first numPrefix, side by side. */
export function clsMeanPoolForward(x, { numPrefix }) {
  const [first] = clsPoolForward(x), [mean, saved] = meanPoolForward(x, { numPrefix });
  return [sideBySide(first, mean), saved];
}

/** (B, 2D) -> (B, N, D). */
export function clsMeanPoolBackward(dy, { shape, numPrefix }) {
  const [dfirst, dmean] = halves(dy), [B, N, D] = shape, dx = meanPoolBackward(dmean, { shape, numPrefix });
  for (let b = 0; b < B; b++) for (let j = 0; j < D; j++) dx.data[b * N * D + j] += dfirst.data[b * D + j];
  return dx; // a sum: without a prefix the first row is a patch, too
}

/** (B, D), (B, D) -> (B, 2D). */
export function sideBySide(x, y) {
  const [B, D] = x.shape, z = zeros(B, 2 * D);
  for (let b = 0; b < B; b++) {
    z.data.set(x.data.subarray(b * D, (b + 1) * D), 2 * b * D);
    z.data.set(y.data.subarray(b * D, (b + 1) * D), (2 * b + 1) * D);
  }
  return z;
}

/** (B, 2D) -> (B, D), (B, D). */
export function halves(z) {
  const B = z.shape[0], D = z.shape[1] / 2, x = zeros(B, D), y = zeros(B, D);
  for (let b = 0; b < B; b++) {
    x.data.set(z.data.subarray(2 * b * D, (2 * b + 1) * D), b * D);
    y.data.set(z.data.subarray((2 * b + 1) * D, 2 * (b + 1) * D), b * D);
  }
  return [x, y];
}
