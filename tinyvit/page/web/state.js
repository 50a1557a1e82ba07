// What the page shows now: one model, one image, what the model answered, and what has been chosen on the page.

export const state = {
  about: null, // the model in words: its config, the names of its classes
  engine: null, // who computes
  shape: null, // sizes that follow from the config, see `shapeOf`
  pixels: null, // (C, H, W) bytes of the image
  answer: null, // of `look`
  detail: null, // { token, backward } for what is chosen
  cover: null, // of `cover`, once the pen rests
  target: null, // the class to explain; null: the one that the model answers
  token: 0, // the token that asks (its query)
  other: 0, // the token that it looks at (its key and value)
  block: 0,
  head: 0,
  view: "head", // of the large map: of one "head", the "mean" of the heads, or "similarity"
  from: 0, // the first block that relevance counts
  off: new Set(), // heads that are switched off, as "block.head"
  inView: null, // the section before the reader
  seed: 0, // of what a task chooses at random
};

const SMALL = 56; // pixels of a map that stripes need

/** The sizes of a model: { C, H, W, P, rows, columns, prefix, N, D, d, depth, heads, classes }. */
export function shapeOf(config) {
  const [H, W] = [config.img_size].flat().length === 2 ? config.img_size : [config.img_size, config.img_size].flat();
  const P = config.patch_size, rows = H / P, columns = W / P, prefix = Number(config.class_token) + config.num_registers;
  const scale = Math.max(1, Math.ceil(SMALL / W)); // maps are painted this small; the browser enlarges them pixel by pixel
  return {
    map: { width: scale * W, height: scale * H },
    C: config.in_chans, H, W, P, rows, columns, prefix, N: prefix + rows * columns, D: config.embed_dim,
    d: config.embed_dim / config.num_heads, depth: config.depth, heads: config.num_heads, classes: config.num_classes,
  };
}

/** The part of an array that belongs to the first indices: row(a, i) of (n, m) has m numbers. */
export function row(array, ...indices) {
  let start = 0, size = array.length;
  indices.forEach((index, axis) => {
    size /= array.shape[axis];
    start += index * size;
  });
  return array.subarray(start, start + size);
}

/** Of (N) numbers, one a token, those of the patches. */
export const patchesOf = (values) => values.subarray(state.shape.prefix);

/** The mean over the first axis of (n, m). */
export function meanOf(array) {
  const [n] = array.shape, mean = new Float32Array(array.length / n);
  array.forEach((value, at) => { mean[at % mean.length] += value / n; });
  return mean;
}

/** Indices from the largest value to the smallest. */
export const order = (values) => [...values.keys()].sort((a, b) => values[b] - values[a]);

/** Whether the model names the class of an image; most sections are about that. */
export const classifies = () => state.about.task === "classify";
export const className = (k) => String(state.about.class_names?.[k] ?? k);
