// Batches of a split: shuffled for training, in order for evaluation, normalised.
import { zeros } from "../array.js";
import { normalize } from "../classifier.js";

/** Images (n, 1, H, W) and labels (n) of the examples `chosen`. */
export function batchOf({ pixels, labels }, chosen, { size: [H, W], mean, std }) {
  const images = zeros(chosen.length, 1, H, W), place = H * W;
  chosen.forEach((example, i) => {
    const own = pixels.subarray(example * place, (example + 1) * place);
    images.data.set(normalize(own, [1, H, W], { mean, std }).data, i * place);
  });
  return { images, labels: Uint8Array.from(chosen, (example) => labels[example]) };
}

/** 0 .. n-1 in pieces of `length`, the last one may be short. */
export function inOrder(n, length) {
  const pieces = [];
  for (let start = 0; start < n; start += length)
    pieces.push(Array.from({ length: Math.min(length, n - start) }, (_, i) => start + i));
  return pieces;
}
