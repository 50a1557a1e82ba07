// Pooling before the head: the tokens that become the one vector that is classified.
import * as ops from "../ops/pool.js";
import { Layer } from "./layer.js";

/** (B, N, D) -> (B, D), or (B, 2D) where two vectors stand side by side; "map" has parameters: attention_pool.js. */
export class Pool extends Layer {
  constructor(kind, { numPrefix }) {
    super();
    this.op = {
      cls: { forward: (x) => ops.clsPoolForward(x), backward: ops.clsPoolBackward },
      mean: { forward: (x) => ops.meanPoolForward(x, { numPrefix }), backward: ops.meanPoolBackward },
      "cls+mean": { forward: (x) => ops.clsMeanPoolForward(x, { numPrefix }), backward: ops.clsMeanPoolBackward },
      "cls+dist": { forward: (x) => ops.clsPoolForward(x, { numTokens: 2 }), backward: ops.clsPoolBackward },
    }[kind];
  }

  forward(x) { return this.op.forward(x); }
  backward(dy, saved) { return [this.op.backward(dy, saved), {}]; }
}
