// Layer scale: a learned gain for each feature of a residual branch, small at first.
//
//     y = x * gamma        dx = dy * gamma,  dgamma = the sum of dy * x over all rows
import { columnSum, zeros } from "../array.js";

/** (..., D), (D) -> (..., D). */
export function layerScaleForward(x, gamma) {
  return [times(x, gamma), { x, gamma }];
}

/** (..., D) -> dx (..., D), dgamma (D). */
export function layerScaleBackward(dy, { x, gamma }) {
  const product = zeros(...dy.shape);
  for (let i = 0; i < product.data.length; i++) product.data[i] = dy.data[i] * x.data[i];
  return [times(dy, gamma), columnSum(product)];
}

function times(x, gamma) {
  const y = zeros(...x.shape), D = gamma.data.length;
  for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[i] * gamma.data[i % D];
  return y;
}
