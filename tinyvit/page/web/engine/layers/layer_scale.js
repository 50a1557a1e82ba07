// `layer_scale` with its gamma (D), which starts at one small value for every feature.
import { layerScaleBackward, layerScaleForward } from "../ops/layer_scale.js";
import { full } from "./init.js";
import { Layer } from "./layer.js";

/** (..., D) -> (..., D). */
export class LayerScale extends Layer {
  constructor(embedDim, { initValue }) {
    super();
    this.gamma = full([embedDim], initValue);
  }

  forward(x) { return layerScaleForward(x, this.gamma); }

  backward(dy, saved) {
    const [dx, gamma] = layerScaleBackward(dy, saved);
    return [dx, { gamma }];
  }
}
