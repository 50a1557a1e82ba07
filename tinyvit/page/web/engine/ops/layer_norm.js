// Layer norm: each token is moved to mean 0 and scaled to variance 1, then scaled and shifted by learned parameters.
//
//     xHat = (x - mean) * rstd,   rstd = 1 / sqrt(variance + eps),   y = xHat * weight + bias
import { zeros } from "../array.js";

/** (..., D), (D), (D) -> (..., D). */
export function layerNormForward(x, weight, bias, { eps = 1e-6 } = {}) {
  const D = weight.data.length, R = x.data.length / D;
  const y = zeros(...x.shape), xHat = zeros(R, D), rstd = zeros(R);
  for (let r = 0, from = 0; r < R; r++, from += D) {
    let mean = 0, variance = 0;
    for (let j = 0; j < D; j++) mean += x.data[from + j] / D;
    for (let j = 0; j < D; j++) variance += (x.data[from + j] - mean) ** 2 / D;
    const scale = 1 / Math.sqrt(variance + eps);
    rstd.data[r] = scale;
    for (let j = 0; j < D; j++) {
      const value = (x.data[from + j] - mean) * scale;
      xHat.data[from + j] = value;
      y.data[from + j] = value * weight.data[j] + bias.data[j];
    }
  }
  return [y, { xHat, rstd, weight }];
}

/**
 * (..., D) -> dx (..., D), dweight (D), dbias (D). With g = dy * weight, x reaches y along three paths: directly,
 * through the mean, and through rstd:   dx = rstd (g - mean(g) - xHat mean(g xHat)).
 */
export function layerNormBackward(dy, { xHat, rstd, weight }) {
  const D = weight.data.length, R = rstd.data.length, dx = zeros(...dy.shape);
  const ofWeight = new Float64Array(D), ofBias = new Float64Array(D);
  for (let r = 0, from = 0; r < R; r++, from += D) {
    let direct = 0, stretch = 0; // mean(g), mean(g xHat)
    for (let j = 0; j < D; j++) {
      const d = dy.data[from + j], value = xHat.data[from + j], g = d * weight.data[j];
      ofBias[j] += d;
      ofWeight[j] += d * value;
      direct += g / D;
      stretch += (g * value) / D;
    }
    for (let j = 0; j < D; j++)
      dx.data[from + j] = rstd.data[r] * (dy.data[from + j] * weight.data[j] - direct - xHat.data[from + j] * stretch);
  }
  const dweight = zeros(D), dbias = zeros(D);
  dweight.data.set(ofWeight);
  dbias.data.set(ofBias);
  return [dx, dweight, dbias];
}
