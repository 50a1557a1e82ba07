// One step of training: the gradients of a batch, clipping, the optimizer's update.
import { rows } from "../array.js";
import { crossEntropyBackward, crossEntropyForward } from "../ops/cross_entropy.js";
import { clipByGlobalNorm } from "../optim/clipping.js";

const MICRO_BATCH = 16; // images at once: what they leave in memory for the backward still fits into the cache

/** One training step on images (B, C, H, W) and labels (B); returns the loss before it. */
export function trainStep(model, optimizer, images, labels, { lr, clipGrad = 0 }) {
  const [loss, grads] = lossAndGradients(model, images, labels);
  if (clipGrad) clipByGlobalNorm(grads, clipGrad);
  optimizer.step(grads, { lr });
  return loss;
}

/** The mean loss, and its gradient by every parameter: the sum of those of the batch's pieces, each by its share. */
function lossAndGradients(model, images, labels) {
  const B = images.shape[0];
  let loss = 0, grads = null;
  for (let start = 0; start < B; start += MICRO_BATCH) {
    const stop = Math.min(start + MICRO_BATCH, B), share = (stop - start) / B;
    const [logits, saved] = model.forward(rows(images, start, stop));
    const [some, lossSaved] = crossEntropyForward(logits, { labels: labels.subarray(start, stop) });
    const [, own] = model.backward(crossEntropyBackward(share, lossSaved), saved);
    loss += share * some;
    if (grads) add(grads, own);
    else grads = own;
  }
  return [loss, grads];
}

function add(grads, own) {
  for (const [name, { data }] of Object.entries(grads)) for (let i = 0; i < data.length; i++) data[i] += own[name].data[i];
}
