// Transformer block, pre-norm: attention mixes tokens, then an MLP transforms each token by itself.
//
//     x = x + ls1(attn(norm1(x)))
//     x = x + ls2(mlp(norm2(x)))      (ls: layer scale, a learned gain of each feature, if there is any)
import { zeros } from "../array.js";
import { Attention } from "./attention.js";
import { Identity, Layer, prefixed } from "./layer.js";
import { LayerNorm } from "./layer_norm.js";
import { LayerScale } from "./layer_scale.js";
import { Mlp } from "./mlp.js";

/** (B, N, D) -> (B, N, D), or (B, Q, D) where only the first Q = numQueries tokens are wanted. */
export class Block extends Layer {
  constructor(config, { random }) {
    super();
    const { embed_dim: D, num_heads: h, layer_norm_eps: eps, qkv_bias: qkvBias, gelu, layer_scale: initValue } = config;
    const scale = () => (initValue === null ? new Identity() : new LayerScale(D, { initValue }));
    this.norm1 = new LayerNorm(D, { eps });
    this.attn = new Attention(D, h, { qkvBias, random });
    this.ls1 = scale();
    this.norm2 = new LayerNorm(D, { eps });
    this.mlp = new Mlp(D, config.hiddenDim, { gelu, random });
    this.ls2 = scale();
  }

  forward(x, { numQueries } = {}) {
    let attn, mlp;
    [x, attn] = branchForward(x, this.norm1, this.attn, this.ls1, { numQueries });
    [x, mlp] = branchForward(x, this.norm2, this.mlp, this.ls2);
    return [x, { attn, mlp }];
  }

  backward(dy, saved, watch) {
    const [dmiddle, dmlp] = branchBackward(dy, saved.mlp, this.norm2, this.mlp, this.ls2, watch);
    const [dx, dattn] = branchBackward(dmiddle, saved.attn, this.norm1, this.attn, this.ls1, watch);
    const ofAttn = { ...prefixed("norm1", dattn.norm), ...prefixed("attn", dattn.body), ...prefixed("ls1", dattn.scale) };
    const ofMlp = { ...prefixed("norm2", dmlp.norm), ...prefixed("mlp", dmlp.body), ...prefixed("ls2", dmlp.scale) };
    return [dx, { ...ofAttn, ...ofMlp }];
  }
}

/** One residual branch: norm, then attention or MLP, then layer scale. What it added to x is kept to be looked at. */
function branchForward(x, norm, bodyLayer, scaleLayer, options) {
  const [normed, normSaved] = norm.forward(x);
  const [mixed, body] = bodyLayer.forward(normed, options);
  const [branch, scale] = scaleLayer.forward(mixed);
  return [plusFirst(branch, x), { norm: normSaved, body, scale, branch }];
}

function branchBackward(dy, saved, normLayer, bodyLayer, scaleLayer, watch) {
  const [dscaled, scale] = scaleLayer.backward(dy, saved.scale, watch);
  const [dbranch, body] = bodyLayer.backward(dscaled, saved.body, watch);
  const [dx, norm] = normLayer.backward(dbranch, saved.norm);
  addToFirst(dx, dy); // the gradient takes both paths
  return [dx, { norm, body, scale }];
}

/** (B, Q, D), (B, N, D) -> (B, Q, D): x of the Q tokens that asked, N as a rule, plus what the branch wrote. */
function plusFirst(branch, x) {
  const [B, Q, D] = branch.shape, N = x.shape[1], y = zeros(B, Q, D);
  for (let b = 0; b < B; b++)
    for (let i = 0; i < Q * D; i++) y.data[b * Q * D + i] = branch.data[b * Q * D + i] + x.data[b * N * D + i];
  return y;
}

/** dx[:, :Q] += dy, in place: (B, N, D), (B, Q, D). */
function addToFirst(dx, dy) {
  const [B, Q, D] = dy.shape, N = dx.shape[1];
  for (let b = 0; b < B; b++) for (let i = 0; i < Q * D; i++) dx.data[b * N * D + i] += dy.data[b * Q * D + i];
}
