// Attention pooling: one learned query attends to all patches, and an MLP with a residual follows.
//
//     y = proj(attention(query of the latent, keys and values of the tokens)),   y = y + mlp(norm(y))
import { reshape, sum, zeros } from "../array.js";
import { attentionBackward, attentionForward } from "../ops/attention.js";
import { truncatedNormal } from "./init.js";
import { Layer, prefixed } from "./layer.js";
import { LayerNorm } from "./layer_norm.js";
import { Linear } from "./linear.js";
import { Mlp } from "./mlp.js";

/** (B, N, D) -> (B, D). */
export class AttentionPool extends Layer {
  constructor(config, { random }) {
    super();
    const { embed_dim: D, num_heads: h, gelu, layer_norm_eps: eps } = config;
    Object.assign(this, { numHeads: h, numPrefix: config.numPrefixTokens });
    this.latent = truncatedNormal(random, [1, 1, D]);
    this.qkv = new Linear(D, 3 * D, { random }); // the latent's queries, the tokens' keys and values
    this.proj = new Linear(D, D, { random });
    this.norm = new LayerNorm(D, { eps });
    this.mlp = new Mlp(D, config.hiddenDim, { gelu, random });
  }

  forward(x) {
    const patches = withoutPrefix(x, this.numPrefix), [B, N, D] = patches.shape;
    const [qkv] = this.qkv.forward(patches), [ofLatent] = this.qkv.forward(this.latent);
    for (let b = 0; b < B; b++) qkv.data.set(ofLatent.data.subarray(0, D), b * N * 3 * D); // asks in the first's place
    const [heads, attention] = attentionForward(qkv, { numHeads: this.numHeads, numQueries: 1 }); // (B, 1, D)
    const [y, proj] = this.proj.forward(heads);
    const [normed, norm] = this.norm.forward(y);
    const [branch, mlp] = this.mlp.forward(normed);
    return [reshape(sum(y, branch), B, D), { patches, attention, proj, norm, mlp }];
  }

  backward(dy, saved, watch) {
    const [B, D] = dy.shape, d = reshape(dy, B, 1, D);
    const [dnormed, dmlp] = this.mlp.backward(d, saved.mlp, watch);
    const [dbranch, dnorm] = this.norm.backward(dnormed, saved.norm);
    const [dheads, dproj] = this.proj.backward(sum(d, dbranch), saved.proj, watch);
    const [dqkv] = attentionBackward(dheads, saved.attention); // (B, N, 3D)
    const dquery = takeQueries(dqkv); // (1, 1, 3D), and zeros where it was
    const [dx, dkv] = this.qkv.backward(dqkv, { x: saved.patches, weight: this.qkv.weight, hasBias: true }, watch);
    const grads = { ...prefixed("proj", dproj), ...prefixed("norm", dnorm), ...prefixed("mlp", dmlp) };
    if (!watch) {
      const [latent, dq] = this.qkv.backward(dquery, { x: this.latent, weight: this.qkv.weight, hasBias: true });
      const [weight, bias] = [sum(dq.weight, dkv.weight), sum(dq.bias, dkv.bias)];
      Object.assign(grads, { latent, ...prefixed("qkv", { weight, bias }) });
    }
    return [withPrefix(dx, this.numPrefix), grads];
  }
}

/** The gradient of the latent's query, summed over the images, and taken out of dqkv. */
function takeQueries(dqkv) {
  const [B, N, width] = dqkv.shape, D = width / 3, dquery = zeros(1, 1, width);
  for (let b = 0; b < B; b++)
    for (let j = 0; j < D; j++) {
      dquery.data[j] += dqkv.data[b * N * width + j];
      dqkv.data[b * N * width + j] = 0;
    }
  return dquery;
}

/** x[:, T:], a copy. */
function withoutPrefix(x, T) {
  const [B, N, D] = x.shape, y = zeros(B, N - T, D);
  for (let b = 0; b < B; b++) y.data.set(x.data.subarray((b * N + T) * D, (b + 1) * N * D), b * (N - T) * D);
  return y;
}

/** The other way round, with zeros in front. */
function withPrefix(x, T) {
  const [B, L, D] = x.shape, y = zeros(B, T + L, D);
  for (let b = 0; b < B; b++) y.data.set(x.data.subarray(b * L * D, (b + 1) * L * D), (b * (T + L) + T) * D);
  return y;
}
