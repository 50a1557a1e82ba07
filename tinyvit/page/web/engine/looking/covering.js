// Covering (occlusion): patches are painted over, and the logit of the class is asked again. Tried, not estimated.
//
// Source: Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901, section 4.2.
import { zeros } from "../array.js";

const MAX_WINDOWS = 64; // as many forwards as an image of 8 x 8 patches takes; larger grids are covered in windows
const BATCH = 8; // images of one forward

/** Rectangles of patches that tile a grid: of 1 patch where there are at most 64, else of a quarter of the longer side. */
export class Windows {
  constructor([rows, columns]) {
    this.size = rows * columns <= MAX_WINDOWS ? 1 : Math.ceil(Math.max(rows, columns) / 4);
    const right = Math.ceil(columns / this.size);
    this.count = Math.ceil(rows / this.size) * right;
    this.shape = [rows, columns];
    this.ofPatch = Array.from({ length: rows * columns }, (_, patch) =>
      Math.floor(Math.floor(patch / columns) / this.size) * right + Math.floor((patch % columns) / this.size));
    this.patches = new Float32Array(this.count); // in each window
    for (const window of this.ofPatch) this.patches[window]++;
  }

  /** Sums of a map over each window. */
  sums(map) {
    const sums = new Float32Array(this.count);
    this.ofPatch.forEach((window, patch) => { sums[window] += map.data[patch]; });
    return sums;
  }

  /** Values of windows as a map (rows, columns): each patch has an equal part of its window's. */
  asMap(values) {
    return { data: Float32Array.from(this.ofPatch, (window) => values[window] / this.patches[window]), shape: this.shape };
  }
}

/** By how much the logit of a class falls when each window by itself is painted over; 0 where that changes nothing. */
export function covering(model, images, target, { fill, windows }) {
  const K = model.config.num_classes, size = images.data.length, falls = new Float32Array(windows.count), tried = [];
  for (let window = 0; window < windows.count; window++) {
    const copy = covered(model.config, images.data, window, fill, windows);
    if (copy.some((value, i) => value !== images.data[i])) tried.push([window, copy]);
  }
  const whole = model.predict(images).data[target];
  for (let first = 0; first < tried.length; first += BATCH) {
    const some = tried.slice(first, first + BATCH), batch = zeros(some.length, ...images.shape.slice(1));
    some.forEach(([, copy], i) => batch.data.set(copy, i * size));
    const logits = model.predict(batch);
    some.forEach(([window], i) => { falls[window] = whole - logits.data[i * K + target]; });
  }
  return falls;
}

/** Pixels (C, H, W) painted over with `fill` (C) where a window is. */
function covered(config, pixels, window, fill, windows) {
  const [H, W] = config.imageShape, P = config.patch_size, columns = W / P;
  return pixels.map((value, i) => {
    const y = Math.floor(i / W) % H, x = i % W, patch = Math.floor(y / P) * columns + Math.floor(x / P);
    return windows.ofPatch[patch] === window ? fill[Math.floor(i / (H * W))] : value;
  });
}
