// The training loop: a small Vision Transformer learns digits, a step at a time, and tells how it goes.
import { argmax, rows } from "../array.js";
import { ViTConfig } from "../config.js";
import { Random } from "../layers/init.js";
import { look } from "../looking/look.js";
import { onGrid, readers, through } from "../looking/readers.js";
import { crossEntropyForward } from "../ops/cross_entropy.js";
import { softmaxForward } from "../ops/softmax.js";
import { AdamW } from "../optim/adamw.js";
import { warmupCosine } from "../optim/schedule.js";
import { VisionTransformer } from "../vit.js";
import { batchOf, inOrder } from "./batches.js";
import { trainStep } from "./step.js";

/** The tiny model of `tinyvit train` with three blocks of four, to be quick. */
const MODEL = {
  img_size: 28, patch_size: 7, in_chans: 1, num_classes: 10, embed_dim: 64, depth: 3, num_heads: 4, mlp_ratio: 2, init_std: 0.08,
};
/** Small batches make many steps, and many steps learn fast. */
export const RECIPE = { epochs: 2, batchSize: 8, lr: 2e-3, minLr: 1e-5, warmupSteps: 60, weightDecay: 0.1, clipGrad: 1 };

export class Learner {
  /** digits: of `readDigits`; mean, std: of pixels in 0..1, one number each in a list. */
  constructor(digits, { mean, std, seed = 0, recipe = RECIPE, model = MODEL }) {
    Object.assign(this, { digits, recipe, options: { size: digits.size, mean, std }, random: new Random(seed) });
    this.config = new ViTConfig(model);
    this.model = new VisionTransformer(this.config, { random: this.random });
    this.optimizer = new AdamW(this.model.parameters(), { weightDecay: recipe.weightDecay });
    this.stepsPerEpoch = Math.floor(digits.train.labels.length / recipe.batchSize);
    this.totalSteps = recipe.epochs * this.stepsPerEpoch;
    this.step = 0;
  }

  get isDone() { return this.step >= this.totalSteps; }

  /** One step; returns its loss. Each epoch sees all digits once, in an order of its own. */
  takeStep() {
    const { batchSize, clipGrad, ...schedule } = this.recipe, place = this.step % this.stepsPerEpoch;
    if (place === 0) this.order = this.random.permutation(this.digits.train.labels.length);
    const chosen = this.order.subarray(place * batchSize, (place + 1) * batchSize);
    const { images, labels } = batchOf(this.digits.train, chosen, this.options);
    const lr = warmupCosine(this.step, { ...schedule, totalSteps: this.totalSteps });
    this.step++;
    return trainStep(this.model, this.optimizer, images, labels, { lr, clipGrad });
  }

  /** Loss and accuracy, 0 to 1, on the held-out digits, the first `count` of them. */
  evaluate(count = Infinity) {
    const { heldOut } = this.digits, n = Math.min(count, heldOut.labels.length);
    let loss = 0, right = 0;
    for (const chosen of inOrder(n, 50)) {
      const { images, labels } = batchOf(heldOut, chosen, this.options), logits = this.model.predict(images);
      loss += (crossEntropyForward(logits, { labels })[0] * labels.length) / n;
      labels.forEach((label, i) => { right += argmax(rows(logits, i, i + 1).data) === label; });
    }
    return { loss, accuracy: right / n };
  }

  /** What the head's token looks at in each block, mean of the heads, for the held-out digits `chosen`, and the answers. */
  maps(chosen) {
    const { config } = this, [rowCount, columns] = config.gridSize, K = config.num_classes;
    const attention = new Float32Array(chosen.length * config.depth * rowCount * columns), probs = new Float32Array(chosen.length * K);
    chosen.forEach((example, n) => {
      const seen = look(this.model, batchOf(this.digits.heldOut, [example], this.options).images), row = readers(seen);
      seen.attention.forEach((weights, block) =>
        attention.set(onGrid(Float32Array.from(through(row, weights)), config).data, (n * config.depth + block) * rowCount * columns));
      probs.set(softmaxForward(seen.logits)[0].data, n * K);
    });
    return {
      attention: { data: attention, shape: [chosen.length, config.depth, rowCount, columns] },
      probs: { data: probs, shape: [chosen.length, K] },
    };
  }
}
