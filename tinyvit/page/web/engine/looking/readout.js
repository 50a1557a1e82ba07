// Readout: the logit of a class as a linear function of the residual stream's last state.
//
// Norm, pooling and head are linear but for the norm's scale 1 / standard deviation and, in attention pooling, the
// weights of the attention and what the MLP wrote. With these held at the values that this image gave them,
//     logit = <dx, x> + constant
// exactly. Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits".
import { dot, reshape, zeros } from "../array.js";
import { AttentionPool } from "../layers/attention_pool.js";
import { LayerNorm } from "../layers/layer_norm.js";
import { matmul, matrix, transposed } from "../matmul.js";
import { byHead } from "../ops/attention.js";

const LOOKING = { attention: [], heads: [], normed: [] }; // no gradients of weights

/** dx (1, N, D) and constant: what was added to the stream, a head's output say, added <dx, it> to the logit. */
export function readout(seen, target) {
  const { model, saved } = seen, dlogits = seen.dlogits(target);
  let constant = model.head.forward(zeros(1, model.config.numPooled))[0].data[target], more, dx; // the head's bias
  [dx] = model.head.backward(dlogits, saved.head, LOOKING); // (1, K) -> (1, D)
  [dx, more] = throughNorm(model.fc_norm, dx, saved.fcNorm);
  constant += more;
  [dx, more] = throughPool(model.pool, dx, saved.pool); // -> (1, N, D)
  constant += more;
  [dx, more] = throughNorm(model.norm, dx, saved.norm);
  return [dx, constant + more];
}

/** y = (x - mean) * rstd * weight + bias, rstd fixed, backwards: dx, and what the bias adds. */
function throughNorm(norm, dy, saved) {
  if (!(norm instanceof LayerNorm)) return [dy, 0]; // there is none in this place
  const dx = zeros(...dy.shape), D = norm.weight.data.length;
  let ofBias = 0;
  saved.rstd.data.forEach((rstd, r) => {
    let mean = 0;
    for (let j = 0; j < D; j++) mean += (dy.data[r * D + j] * norm.weight.data[j]) / D;
    for (let j = 0; j < D; j++) {
      dx.data[r * D + j] = (dy.data[r * D + j] * norm.weight.data[j] - mean) * rstd;
      ofBias += dy.data[r * D + j] * norm.bias.data[j];
    }
  });
  return [dx, ofBias];
}

/** (1, D) -> dx (1, N, D), and what else the pool adds; of `AttentionPool`, through its values alone. */
function throughPool(pool, dy, saved) {
  if (!(pool instanceof AttentionPool)) return [pool.backward(dy, saved)[0], 0];
  const { qkv, mlp, proj, numHeads: h, numPrefix } = pool, D = dy.shape[1], { weights } = saved.attention;
  const L = weights.shape[3], [wrote] = mlp.fc2.forward(saved.mlp.fc2.x); // (1, 1, D)
  const [dheads] = proj.backward(reshape(dy, 1, 1, D), saved.proj, LOOKING), dv = zeros(1, L, D);
  for (let head = 0; head < h; head++)
    matmul(matrix(weights.data, L, 1, { offset: head * L }), byHead(dheads, 0, head, h), byHead(dv, 0, head, h));
  const ofValues = matrix(qkv.weight.data, D, D, { offset: 2 * D, rowStride: 3 * D }), dx = zeros(1, numPrefix + L, D);
  matmul(matrix(dv.data, L, D), transposed(ofValues), matrix(dx.data, L, D, { offset: numPrefix * D }));
  const bias = qkv.bias.data.subarray(2 * D), ofBias = dv.data.reduce((sum, d, i) => sum + d * bias[i % D], 0);
  return [dx, dot(dy.data, wrote.data) + dot(dy.data, proj.bias.data) + ofBias];
}
