// A linear layer: every output is a weighted sum of all inputs, plus a bias.
//
//     y = x @ weight + bias        dx = dy @ weight.T,  dweight = x.T @ dy,  dbias = the sum of dy's rows
import { columnSum, zeros } from "../array.js";
import { asMatrix, matmul, transposed } from "../matmul.js";

/** (..., in), (in, out), (out) or null -> (..., out). */
export function linearForward(x, weight, bias = null) {
  const y = zeros(...x.shape.slice(0, -1), weight.shape[1]);
  if (bias) for (let from = 0; from < y.data.length; from += bias.data.length) y.data.set(bias.data, from);
  matmul(asMatrix(x), asMatrix(weight), asMatrix(y), { add: bias !== null });
  return [y, { x, weight, hasBias: bias !== null }];
}

/** (..., out) -> dx (..., in), dweight (in, out), dbias (out) or null. */
export function linearBackward(dy, { x, weight, hasBias }) {
  const dweight = zeros(...weight.shape);
  matmul(transposed(asMatrix(x)), asMatrix(dy), asMatrix(dweight));
  return [linearInputBackward(dy, weight), dweight, hasBias ? columnSum(dy) : null];
}

/** dx alone, where the weight is no variable: half of the work. */
export function linearInputBackward(dy, weight) {
  const dx = zeros(...dy.shape.slice(0, -1), weight.shape[0]);
  matmul(asMatrix(dy), transposed(asMatrix(weight)), asMatrix(dx));
  return dx;
}
