// Attention: every token asks every token a question; how well it fits their keys decides what their answers weigh.
//
//     weights = softmax(q kᵀ / √d),   y = weights @ v,   for each of h heads by itself
import { zeros } from "../array.js";
import { matmul, matrix, transposed } from "../matmul.js";
import { softmaxBackward, softmaxForward } from "./softmax.js";

/** (B, N, 3D) -> (B, Q, D), D = h * d. All tokens answer, but only the first Q = numQueries ask: by default all N. */
export function attentionForward(qkv, { numHeads, numQueries = qkv.shape[1] }) {
  const [B, N, width] = qkv.shape, h = numHeads, Q = numQueries, D = width / 3, scale = (D / h) ** -0.5;
  const scores = zeros(B, h, Q, N), y = zeros(B, Q, D);
  eachHead(B, h, (b, head) => {
    const { q, k } = headOf(qkv, b, head, h, Q);
    matmul(q, transposed(k), square(scores, b, head));
  });
  for (let i = 0; i < scores.data.length; i++) scores.data[i] *= scale;
  const [weights] = softmaxForward(scores);
  eachHead(B, h, (b, head) => matmul(square(weights, b, head), headOf(qkv, b, head, h, Q).v, byHead(y, b, head, h)));
  return [y, { qkv, weights }]; // weights (B, h, Q, N), row i: how much token i takes from each token
}

/**
 * (B, Q, D) -> dqkv (B, N, 3D), and on the way dweights (B, h, Q, N). The forward read bottom-up:
 *     y = weights @ v           dweights = dy @ vᵀ          dv = weightsᵀ @ dy
 *     weights = softmax(scores) dscores = softmaxBackward(dweights)
 *     scores = q @ kᵀ / √d      dq = dscores @ k / √d       dk = dscoresᵀ @ q / √d
 */
export function attentionBackward(dy, { qkv, weights }) {
  const [B, h, Q] = weights.shape, D = qkv.shape[2] / 3, scale = (D / h) ** -0.5;
  const dqkv = zeros(...qkv.shape), dweights = zeros(...weights.shape);
  eachHead(B, h, (b, head) => {
    const { v } = headOf(qkv, b, head, h, Q), { v: dv } = headOf(dqkv, b, head, h, Q), d = byHead(dy, b, head, h);
    matmul(d, transposed(v), square(dweights, b, head));
    matmul(transposed(square(weights, b, head)), d, dv);
  });
  const dscores = softmaxBackward(dweights, { y: weights });
  for (let i = 0; i < dscores.data.length; i++) dscores.data[i] *= scale;
  eachHead(B, h, (b, head) => {
    const { q, k } = headOf(qkv, b, head, h, Q), { q: dq, k: dk } = headOf(dqkv, b, head, h, Q);
    matmul(square(dscores, b, head), k, dq);
    matmul(transposed(square(dscores, b, head)), q, dk);
  });
  return [dqkv, dweights];
}

/** Queries (Q, d), keys and values (N, d) of one head of one image, as views of (B, N, 3D). */
export function headOf(qkv, b, head, h, Q = qkv.shape[1]) {
  const [, N, width] = qkv.shape, D = width / 3, d = D / h;
  const start = b * N * width + head * d;
  const view = (part, rows) => matrix(qkv.data, rows, d, { offset: start + part * D, rowStride: width });
  return { q: view(0, Q), k: view(1, N), v: view(2, N) };
}

/** One head's part of (B, N, D), as a view (N, d). */
export function byHead(x, b, head, h) {
  const [, N, D] = x.shape;
  return matrix(x.data, N, D / h, { offset: b * N * D + (head * D) / h, rowStride: D });
}

/** The matrix (Q, N) of one image and head in (B, h, Q, N). */
function square(x, b, head) {
  const [, h, Q, N] = x.shape;
  return matrix(x.data, Q, N, { offset: (b * h + head) * Q * N });
}

function eachHead(B, h, f) {
  for (let b = 0; b < B; b++) for (let head = 0; head < h; head++) f(b, head);
}
