// The backward of one token's layer norm as the three terms that it is: direct, through the mean, through rstd.
//
//     dx = rstd dx_hat  -  rstd mean(dx_hat)  -  rstd x_hat mean(dx_hat * x_hat),      dx_hat = dy * weight
import { dot } from "../array.js";

/** Of the norm1 of a block, under the names of tinyvit/looking/norm_gradients.py: each (D), but rstd, a number. */
export function normGradients(seen, grads, block, token) {
  const { xHat, rstd, weight } = seen.saved.blocks[block].attn.norm, D = weight.data.length, scale = rstd.data[token];
  const row = (x) => x.data.slice(token * D, (token + 1) * D);
  const x_hat = row(xHat), dy = row(grads.normed[block]), dx_hat = dy.map((value, j) => value * weight.data[j]);
  const mean = dx_hat.reduce((sum, value) => sum + value, 0) / D, stretch = dot(dx_hat, x_hat) / D;
  const direct = dx_hat.map((value) => scale * value), through_mean = new Float32Array(D).fill(-scale * mean);
  const through_rstd = x_hat.map((value) => -scale * value * stretch);
  const dx = direct.map((value, j) => value + through_mean[j] + through_rstd[j]);
  return { x: row(seen.states[block]), x_hat, dy, dx_hat, direct, through_mean, through_rstd, dx, rstd: scale };
}
