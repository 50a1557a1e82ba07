// One look into a model: a forward that forgets nothing, and for a class you choose, the backward of its logit.
import { argmax, sum, zeros } from "../array.js";

/** Runs the model on images (1, C, H, W), all rows of the last block too. */
export function look(model, images) {
  const [logits, saved] = model.forward(images, { allTokens: true });
  return new Look(model, images, logits, saved);
}

/** Activations of a model on the way from one image to its logits. Nothing of it may be written to. */
export class Look {
  constructor(model, images, logits, saved) {
    Object.assign(this, { model, images, logits, saved });
    this.gradients = new Map(); // by class
    this.attention = saved.blocks.map((block) => block.attn.body.attention.weights); // (1, h, N, N) for each block
    this.branches = saved.blocks.map((block) => [block.attn.branch, block.mlp.branch]); // as added to the stream
    this.states = [saved.embed.x]; // the residual stream (1, N, D) before the first block and after each
    for (const [attn, mlp] of this.branches) this.states.push(sum(sum(this.states.at(-1), attn), mlp));
  }

  /** The class that the model answers. */
  get answer() { return argmax(this.logits.data); }

  /** The gradient of the logit to explain with respect to the logits: 1 at its class, 0 elsewhere (1, K). */
  dlogits(target) {
    const dlogits = zeros(...this.logits.shape);
    dlogits.data[target] = 1;
    return dlogits;
  }

  /**
   * Gradients of the logit of a class: images (1, C, H, W), and for each block attention (1, h, N, N), that of the
   * attention weights, heads (1, N, D), of what its heads wrote, and normed (1, N, D), of what its attention was given.
   */
  backward(target) {
    if (!this.gradients.has(target)) {
      const watch = { attention: [], heads: [], normed: [] };
      const [images] = this.model.backward(this.dlogits(target), this.saved, watch);
      this.gradients.set(target, { images, ...watch });
    }
    return this.gradients.get(target);
  }
}
