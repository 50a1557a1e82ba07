// What a classifier said of one image, and everything that can be asked about it afterwards, as named arrays.
import { adversarialStep } from "./looking/adversarial.js";
import { rankCorrelation } from "./looking/agreement.js";
import { attentionGradients } from "./looking/attention_gradients.js";
import { covering, Windows } from "./looking/covering.js";
import { look } from "./looking/look.js";
import { attributionMaps } from "./looking/maps.js";
import { normGradients } from "./looking/norm_gradients.js";
import { onGrid, readers } from "./looking/readers.js";
import { relevanceByBlock } from "./looking/relevance.js";
import { logitLens, logitParts, tokenSimilarity } from "./looking/stream.js";
import { softmaxForward } from "./ops/softmax.js";
import * as read from "./query.js";

/** One look of a model at one image; as tinyvit/page/seen.py. */
export class Seen {
  /** pixels: 0 to 255; images: the same, normalised, (1, C, H, W); fill: C numbers, what is painted, normalised. */
  constructor(model, pixels, images, { fill, multiLabel }) {
    Object.assign(this, { model, config: model.config, pixels, fill, look: look(model, images) });
    const { logits } = this.look;
    if (!logits.data.every(Number.isFinite)) throw new Error("the model's answer is no number: its weights are damaged");
    this.probs = multiLabel ? logits.data.map((x) => 1 / (1 + Math.exp(-x))) : softmaxForward(logits)[0].data;
  }

  /** The class to explain: the one given, or else the one that the model answers. */
  target(query) {
    return query.target == null ? this.look.answer : read.whole(query, "target", this.config.num_classes);
  }

  /** What the page draws with every stroke. */
  everything(target) {
    const { config } = this, grads = this.look.backward(target);
    const { input_gradient: _, relevance: __, ...maps } = this.maps(target); // it draws these two from what follows
    const relevance = relevanceByBlock(this.look.attention, grads.attention, readers(this.look));
    return {
      ...maps,
      logits: vector(this.look.logits.data),
      probs: vector(this.probs),
      lens: logitLens(this.look),
      parts: logitParts(this.look, target),
      relevance: stacked(relevance.map((row) => onGrid(row, config)), config.gridSize),
      dimage: { data: grads.images.data, shape: grads.images.shape.slice(1) },
    };
  }

  maps(target, from = 0) { return attributionMaps(this.look, target, { fill: this.fill, from }); }

  /** Where one token looks, and which tokens are like it. */
  token(query) {
    const { num_heads: h, numTokens: N } = this.config, token = read.whole(query, "token", N);
    const row = (weights, head) => weights.data.slice((head * N + token) * N, (head * N + token + 1) * N);
    const ofBlock = (weights) => stacked(Array.from({ length: h }, (_, head) => vector(row(weights, head))), [N]);
    const attention = stacked(this.look.attention.map(ofBlock), [h, N]);
    return [{ attention, similarity: stacked(this.look.states.map((state) => vector(tokenSimilarity(state, token))), [N]) }];
  }

  /** Covering, tried patch by patch, and how far each map agrees with it. */
  cover(query) {
    const target = this.target(query), from = query.from == null ? 0 : read.whole(query, "from", this.config.depth);
    const windows = new Windows(this.config.gridSize), maps = this.maps(target, from);
    const falls = covering(this.model, this.look.images, target, { fill: this.fill, windows });
    const agreement = Object.values(maps).map((map) => rankCorrelation(windows.sums(map), falls));
    const cover = windows.asMap(falls), names = Object.keys(maps).map((name) => name.replaceAll("_", " ")).join(",");
    return [{ cover, agreement: vector(agreement) }, { names, window: String(windows.size) }];
  }

  /** The gradient of a logit on its way down through one head and the norm before it. */
  backward(query) {
    const target = this.target(query), grads = this.look.backward(target), { depth, num_heads: h, numTokens: N } = this.config;
    const block = read.whole(query, "block", depth), head = read.whole(query, "head", h), token = read.whole(query, "token", N);
    const { rstd, ...ofNorm } = normGradients(this.look, grads, block, token);
    const named = Object.entries(ofNorm).map(([name, row]) => [`norm_${name}`, vector(row)]);
    const ofHead = attentionGradients(this.look, grads, block, head, token);
    return [{ ...ofHead, ...Object.fromEntries(named) }, { rstd: String(Number(rstd.toPrecision(9))), target: String(target) }];
  }

  /** The image after a step against a class. */
  adversarial(query) {
    const target = this.target(query), { images } = this.look.backward(target);
    const data = adversarialStep(this.pixels, images.data, read.whole(query, "epsilon", 256));
    return [{ pixels: { data, shape: images.shape.slice(1) } }, { target: String(target) }];
  }
}

const vector = (numbers) => ({ data: Float32Array.from(numbers), shape: [numbers.length] });

/** Arrays of one shape, one behind the other: (n, ...). */
function stacked(arrays, shape) {
  const size = shape.reduce((n, axis) => n * axis, 1), data = new Float32Array(arrays.length * size);
  arrays.forEach((array, i) => data.set(array.data, i * size));
  return { data, shape: [arrays.length, ...shape] };
}
