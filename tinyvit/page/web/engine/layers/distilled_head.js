// DeiT's two classifiers: one on the class token, one on the distillation token; the logits are averaged.
import { mapped, zeros } from "../array.js";
import { halves, sideBySide } from "../ops/pool.js";
import { Layer, prefixed } from "./layer.js";
import { Linear } from "./linear.js";

/** (B, 2D), the rows of both tokens side by side -> (B, K), the mean of what each row's linear layer says. */
export class DistilledHead extends Layer {
  constructor(numPooled, numClasses, { random }) {
    super();
    this.cls = new Linear(numPooled / 2, numClasses, { random });
    this.dist = new Linear(numPooled / 2, numClasses, { random });
  }

  forward(x) {
    const [ofCls, ofDist] = halves(x), y = zeros(x.shape[0], this.cls.weight.shape[1]);
    const [yCls, cls] = this.cls.forward(ofCls), [yDist, dist] = this.dist.forward(ofDist);
    for (let i = 0; i < y.data.length; i++) y.data[i] = (yCls.data[i] + yDist.data[i]) / 2;
    return [y, { cls, dist }];
  }

  backward(dy, saved, watch) {
    const half = mapped(dy, (d) => d / 2);
    const [dcls, cls] = this.cls.backward(half, saved.cls, watch);
    const [ddist, dist] = this.dist.backward(half, saved.dist, watch);
    return [sideBySide(dcls, ddist), { ...prefixed("cls", cls), ...prefixed("dist", dist) }];
  }
}
