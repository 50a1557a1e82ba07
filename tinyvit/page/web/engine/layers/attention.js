// Multi-head self-attention: one product makes all queries, keys and values, one product mixes the heads' outputs.
import { attentionBackward, attentionForward } from "../ops/attention.js";
import { Layer, prefixed } from "./layer.js";
import { Linear } from "./linear.js";

/** (B, N, D) -> (B, N, D), or (B, Q, D) where only the first Q = numQueries tokens ask. */
export class Attention extends Layer {
  constructor(embedDim, numHeads, { qkvBias = true, random }) {
    super();
    this.numHeads = numHeads;
    this.qkv = new Linear(embedDim, 3 * embedDim, { bias: qkvBias, random });
    this.proj = new Linear(embedDim, embedDim, { random });
  }

  forward(x, { numQueries } = {}) {
    let qkv, attention, proj;
    [x, qkv] = this.qkv.forward(x); // (B, N, D) -> (B, N, 3D)
    [x, attention] = attentionForward(x, { numHeads: this.numHeads, numQueries }); // -> (B, Q, D)
    [x, proj] = this.proj.forward(x);
    return [x, { qkv, attention, proj }];
  }

  backward(dy, saved, watch) {
    let dx, dproj, dqkv, dweights;
    [dx, dproj] = this.proj.backward(dy, saved.proj, watch);
    watch?.heads.unshift(dx); // the last block's backward comes first
    [dx, dweights] = attentionBackward(dx, saved.attention);
    watch?.attention.unshift(dweights);
    [dx, dqkv] = this.qkv.backward(dx, saved.qkv, watch);
    watch?.normed.unshift(dx);
    return [dx, { ...prefixed("qkv", dqkv), ...prefixed("proj", dproj) }];
  }
}
