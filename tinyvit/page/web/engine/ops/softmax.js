// Softmax: a row of scores becomes a row of positive shares that add up to one.
//
//     y_i = exp(x_i) / Σ_j exp(x_j)        dx_i = y_i (dy_i - Σ_j dy_j y_j)
import { zeros } from "../array.js";

/** (..., N) -> (..., N), rows over the last axis; each row's maximum is taken off first, so that nothing overflows. */
export function softmaxForward(x) {
  const N = x.shape.at(-1), y = zeros(...x.shape);
  for (let from = 0; from < x.data.length; from += N) {
    let largest = -Infinity, total = 0;
    for (let j = 0; j < N; j++) if (x.data[from + j] > largest) largest = x.data[from + j];
    for (let j = 0; j < N; j++) total += y.data[from + j] = Math.exp(x.data[from + j] - largest);
    for (let j = 0; j < N; j++) y.data[from + j] /= total;
  }
  return [y, { y }];
}

/** (..., N) -> (..., N): each score is told how much more than the row's average its share costs. */
export function softmaxBackward(dy, { y }) {
  const N = y.shape.at(-1), dx = zeros(...y.shape);
  for (let from = 0; from < y.data.length; from += N) {
    let average = 0;
    for (let j = 0; j < N; j++) average += dy.data[from + j] * y.data[from + j];
    for (let j = 0; j < N; j++) dx.data[from + j] = y.data[from + j] * (dy.data[from + j] - average);
  }
  return dx;
}
