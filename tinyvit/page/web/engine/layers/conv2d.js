// `conv2d` with its weight (C*k*k, O) and bias (O).
import { zeros } from "../array.js";
import { conv2dBackward, conv2dForward } from "../ops/conv2d.js";
import { truncatedNormal } from "./init.js";
import { Layer } from "./layer.js";

/** (B, C, H, W) -> (B, O, H', W'), by windows of k x k. Initial weights as He et al. 2015, arXiv:1502.01852. */
export class Conv2d extends Layer {
  constructor(inChans, outChans, kernelSize, { stride = 1, padding = 0, random }) {
    super();
    Object.assign(this, { stride, padding });
    const fanIn = inChans * kernelSize ** 2;
    this.weight = truncatedNormal(random, [fanIn, outChans], Math.sqrt(2 / fanIn));
    this.bias = zeros(outChans);
  }

  forward(x) { return conv2dForward(x, this.weight, this.bias, this); }

  backward(dy, saved) {
    const [dx, weight, bias] = conv2dBackward(dy, saved);
    return [dx, { weight, bias }];
  }
}
