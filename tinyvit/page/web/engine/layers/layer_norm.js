// `layer_norm` with its weight and bias (D).
import { zeros } from "../array.js";
import { layerNormBackward, layerNormForward } from "../ops/layer_norm.js";
import { full } from "./init.js";
import { Layer } from "./layer.js";

/** (..., D) -> (..., D). */
export class LayerNorm extends Layer {
  constructor(embedDim, { eps = 1e-6 } = {}) {
    super();
    this.eps = eps;
    this.weight = full([embedDim], 1);
    this.bias = zeros(embedDim);
  }

  forward(x) { return layerNormForward(x, this.weight, this.bias, { eps: this.eps }); }

  backward(dy, saved) {
    const [dx, weight, bias] = layerNormBackward(dy, saved);
    return [dx, { weight, bias }];
  }
}
