// Maps over the patches: five answers to "what in this image speaks for that class?", by five methods.
import { mapped, zeros } from "../array.js";
import { onGrid, readers, through } from "./readers.js";
import { relevanceByBlock } from "./relevance.js";
import { attentionRollout } from "./rollout.js";

/**
 * Maps (rows, columns) by name, as in tinyvit/looking/maps.py, and with `from` the relevance from that block on; a model
 * without blocks has the last two alone. `fill`: C numbers, what a pixel is measured against, normalised.
 */
export function attributionMaps(seen, target, { fill, from = 0 }) {
  const { config } = seen.model, row = readers(seen), grads = seen.backward(target), maps = {};
  if (config.depth) {
    maps.last_attention = onGrid(Float32Array.from(through(row, seen.attention.at(-1))), config);
    maps.rollout = onGrid(attentionRollout(seen.attention, row), config);
    maps.relevance = onGrid(relevanceByBlock(seen.attention, grads.attention, row)[from], config);
  }
  const perChannel = seen.images.data.length / config.in_chans, product = zeros(...seen.images.shape);
  for (let i = 0; i < product.data.length; i++)
    product.data[i] = grads.images.data[i] * (seen.images.data[i] - fill[Math.floor(i / perChannel)]);
  maps.input_gradient = patchSums(mapped(grads.images, Math.abs), config);
  maps.gradient_x_input = patchSums(product, config);
  return maps;
}

/** The sum over all pixels and channels of each patch: (1, C, H, W) -> (rows, columns). */
function patchSums(images, config) {
  const [, C, H, W] = images.shape, P = config.patch_size, sums = zeros(...config.gridSize), columns = W / P;
  for (let pixel = 0; pixel < C * H * W; pixel++) {
    const y = Math.floor(pixel / W) % H, x = pixel % W;
    sums.data[Math.floor(y / P) * columns + Math.floor(x / P)] += images.data[pixel];
  }
  return sums;
}
