// Tokens before the first block: extra tokens go in front, position embeddings are added.
import { columnSum, reshape, zeros } from "../array.js";

/** (B, L, D), (1, T, D) -> (B, T + L, D): the same learned tokens before every image's patches. */
export function prependTokensForward(x, tokens) {
  const [B, L, D] = x.shape, T = tokens.shape[1], y = zeros(B, T + L, D);
  for (let b = 0; b < B; b++) {
    y.data.set(tokens.data, b * (T + L) * D);
    y.data.set(x.data.subarray(b * L * D, (b + 1) * L * D), (b * (T + L) + T) * D);
  }
  return [y, { numPrefix: T }];
}

/** (B, T + L, D) -> dx (B, L, D), dtokens (1, T, D), summed over the images that shared them. */
export function prependTokensBackward(dy, { numPrefix: T }) {
  const [B, N, D] = dy.shape, dx = zeros(B, N - T, D), dtokens = zeros(1, T, D);
  for (let b = 0; b < B; b++) {
    const from = b * N * D;
    dx.data.set(dy.data.subarray(from + T * D, from + N * D), b * (N - T) * D);
    for (let i = 0; i < T * D; i++) dtokens.data[i] += dy.data[from + i];
  }
  return [dx, dtokens];
}

/** (B, N, D), (1, N, D) -> (B, N, D). A sum passes its gradient on to both terms: nothing to remember. */
export function addPositionForward(x, posEmbed) {
  const y = zeros(...x.shape), size = posEmbed.data.length;
  for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[i] + posEmbed.data[i % size];
  return [y, null];
}

/** (B, N, D) -> dx (B, N, D), dposEmbed (1, N, D), summed over the images that shared it. */
export function addPositionBackward(dy) {
  const [B, N, D] = dy.shape;
  return [dy, reshape(columnSum(reshape(dy, B, N * D)), 1, N, D)];
}
