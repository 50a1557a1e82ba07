// MLP: two linear layers around a GELU, for each token by itself.
import { ACTIVATIONS } from "../ops/gelu.js";
import { Layer, prefixed } from "./layer.js";
import { Linear } from "./linear.js";

/** (B, N, D) -> (B, N, D), with M hidden features. */
export class Mlp extends Layer {
  constructor(embedDim, hiddenDim, { gelu = "erf", random }) {
    super();
    this.fc1 = new Linear(embedDim, hiddenDim, { random });
    this.gelu = ACTIVATIONS[gelu];
    this.fc2 = new Linear(hiddenDim, embedDim, { random });
  }

  forward(x) {
    let fc1, gelu, fc2;
    [x, fc1] = this.fc1.forward(x); // (B, N, D) -> (B, N, M)
    [x, gelu] = this.gelu.forward(x);
    [x, fc2] = this.fc2.forward(x); // (B, N, M) -> (B, N, D)
    return [x, { fc1, gelu, fc2 }];
  }

  backward(dy, saved, watch) {
    let dx, dfc1, dfc2;
    [dx, dfc2] = this.fc2.backward(dy, saved.fc2, watch);
    dx = this.gelu.backward(dx, saved.gelu);
    [dx, dfc1] = this.fc1.backward(dx, saved.fc1, watch);
    return [dx, { ...prefixed("fc1", dfc1), ...prefixed("fc2", dfc2) }];
  }
}
