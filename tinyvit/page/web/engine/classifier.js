// A classifier in the page: looks at images that are drawn, and answers questions about those it saw last.
import { ViTConfig } from "./config.js";
import { withoutHeads } from "./looking/heads.js";
import { ownImage } from "./own_image.js";
import * as read from "./query.js";
import { Seen } from "./seen.js";
import { VisionTransformer } from "./vit.js";

const KEPT = 8; // looks that can be asked about

/** As tinyvit/page/classifier.py, under the same names; an answer is [arrays, metadata]. */
export class Classifier {
  /**
   * about: what the page is told; arrays: the weights by name; examples: {images (n, C, H, W), labels (n)} of bytes.
   * Throws where the config has what this engine has not, or where the weights do not fit it.
   */
  constructor(about, arrays, examples = null) {
    Object.assign(this, { about: { ...about, engine: "your browser" }, examples, seen: new Map(), number: 0 });
    this.config = new ViTConfig(about.config);
    this.model = new VisionTransformer(this.config);
    this.model.adopt(arrays);
  }

  /** verb: the name of a route, query: its fields, body: bytes, where there are some. */
  async answer(verb, query, body) {
    if (verb === "look") return this.look(query, body);
    if (verb === "example") return this.example(query);
    if (verb === "image") return ownImage(body, this.config, this.about);
    if (["token", "cover", "backward", "adversarial"].includes(verb)) return this.asked(query)[verb](query);
    throw new Error(`the browser's engine has no answer to "${verb}": it classifies`);
  }

  look(query, body) {
    const { in_chans: C, imageShape } = this.config, shape = [C, ...imageShape], pixels = new Uint8Array(body);
    const size = shape.reduce((n, axis) => n * axis, 1);
    if (pixels.length !== size) throw new Error(`an image of ${shape} has ${size} bytes, got ${pixels.length}`);
    const off = read.heads(query, "off", this.config), images = normalize(pixels, shape, this.about);
    const start = performance.now(), { fill, multi_label: multiLabel } = this.about;
    const seen = new Seen(withoutHeads(this.model, off), pixels, images, { fill, multiLabel });
    const target = seen.target(query), arrays = seen.everything(target);
    if (off.length) arrays.logits_all_heads = { ...this.model.predict(images), shape: [this.config.num_classes] };
    const milliseconds = (performance.now() - start).toFixed(2);
    this.seen.set(++this.number, seen);
    this.seen.delete(this.number - KEPT);
    return [arrays, { number: String(this.number), target: String(target), milliseconds }];
  }

  example(query) {
    const count = this.examples?.images.shape[0] ?? 0;
    if (!count) throw new Error("this model has no examples here: draw, or drop an image");
    const index = read.whole(query, "index", count), { images, labels } = this.examples, shape = images.shape.slice(1);
    const size = images.data.length / count, own = images.data.subarray(index * size, (index + 1) * size);
    const data = Float32Array.from(own);
    return [{ pixels: { data, shape } }, { done: "", label: String(this.about.class_names[labels.data[index]]) }];
  }

  asked(query) {
    const number = read.whole(query, "number"), seen = this.seen.get(number);
    if (!seen) throw new Error(`look ${number} is no longer known, or never was: look at the image again`);
    return seen;
  }
}

/** Pixels of 0 to 255 -> (1, C, H, W), (pixels / 255 - mean) / std of each channel, rounded as NumPy does in float32. */
export function normalize(pixels, shape, { mean, std }) {
  const f = Math.fround, perChannel = pixels.length / shape[0];
  const scale = std.map((s) => f(1 / (255 * s))), shift = mean.map((m, c) => f(m / std[c]));
  const channel = (i) => Math.floor(i / perChannel);
  return { data: Float32Array.from(pixels, (v, i) => f(v * scale[channel(i)]) - shift[channel(i)]), shape: [1, ...shape] };
}
