// Convolutional stem: two 3 x 3 convolutions before the image is cut into patches.
import { ACTIVATIONS } from "../ops/gelu.js";
import { Conv2d } from "./conv2d.js";
import { Layer, prefixed } from "./layer.js";

export const STEM_CHANS = 8; // S

/** (B, C, H, W) -> (B, S, H, W). */
export class ConvStem extends Layer {
  constructor(inChans, { gelu, random }) {
    super();
    this.conv1 = new Conv2d(inChans, STEM_CHANS, 3, { padding: 1, random });
    this.conv2 = new Conv2d(STEM_CHANS, STEM_CHANS, 3, { padding: 1, random });
    this.gelu = ACTIVATIONS[gelu];
  }

  forward(x) {
    let conv1, gelu1, conv2, gelu2;
    [x, conv1] = this.conv1.forward(x); // (B, C, H, W) -> (B, S, H, W)
    [x, gelu1] = this.gelu.forward(x);
    [x, conv2] = this.conv2.forward(x);
    [x, gelu2] = this.gelu.forward(x);
    return [x, { conv1, gelu1, conv2, gelu2 }];
  }

  backward(dy, saved) {
    let dx, dconv1, dconv2;
    dx = this.gelu.backward(dy, saved.gelu2);
    [dx, dconv2] = this.conv2.backward(dx, saved.conv2);
    dx = this.gelu.backward(dx, saved.gelu1);
    [dx, dconv1] = this.conv1.backward(dx, saved.conv1);
    return [dx, { ...prefixed("conv1", dconv1), ...prefixed("conv2", dconv2) }];
  }
}
