// `linear` with its weight (in, out) and bias (out).
import { zeros } from "../array.js";
import { linearBackward, linearForward, linearInputBackward } from "../ops/linear.js";
import { truncatedNormal } from "./init.js";
import { Layer } from "./layer.js";

/** (..., in) -> (..., out). */
export class Linear extends Layer {
  constructor(inFeatures, outFeatures, { bias = true, random }) {
    super();
    this.weight = truncatedNormal(random, [inFeatures, outFeatures]);
    this.bias = bias ? zeros(outFeatures) : null;
  }

  forward(x) { return linearForward(x, this.weight, this.bias); }

  backward(dy, saved, watch) {
    if (watch) return [linearInputBackward(dy, saved.weight), {}];
    const [dx, weight, bias] = linearBackward(dy, saved);
    return [dx, bias ? { weight, bias } : { weight }];
  }
}
