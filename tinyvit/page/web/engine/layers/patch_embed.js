// Patch embedding: patches become tokens by one linear layer for all (in effect a strided convolution).
import { patchifyBackward, patchifyForward } from "../ops/patchify.js";
import { ConvStem, STEM_CHANS } from "./conv_stem.js";
import { Identity, Layer, prefixed } from "./layer.js";
import { Linear } from "./linear.js";

/** (B, C, H, W) -> (B, L, D). With the stem "conv", patches are cut from its feature map instead of the image. */
export class PatchEmbed extends Layer {
  constructor(config, { random }) {
    super();
    const { patch_size: P, in_chans: C, embed_dim: D, stem, gelu, pre_norm: preNorm } = config;
    this.patchSize = P;
    this.stem = stem === "conv" ? new ConvStem(C, { gelu, random }) : new Identity();
    this.proj = new Linear((stem === "conv" ? STEM_CHANS : C) * P * P, D, { bias: !preNorm, random });
  }

  forward(x) {
    let stem, patchify, proj;
    [x, stem] = this.stem.forward(x);
    [x, patchify] = patchifyForward(x, { patchSize: this.patchSize }); // -> (B, L, C*P*P), or (B, L, S*P*P)
    [x, proj] = this.proj.forward(x); // -> (B, L, D)
    return [x, { stem, patchify, proj }];
  }

  backward(dy, saved, watch) {
    let dx, dproj, dstem;
    [dx, dproj] = this.proj.backward(dy, saved.proj, watch);
    dx = patchifyBackward(dx, saved.patchify);
    [dx, dstem] = this.stem.backward(dx, saved.stem, watch);
    return [dx, { ...prefixed("stem", dstem), ...prefixed("proj", dproj) }];
  }
}
