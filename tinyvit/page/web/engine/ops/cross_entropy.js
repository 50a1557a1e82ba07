// Cross-entropy: how surprised the model is by the truth, in nats, averaged over the batch.
//
//     loss = -1/R Σ_r log_probs[r, label_r],   log_probs = logits - log Σ_j exp(logits_j)
//     dlogits = (probs - onehot) * dloss / R: what the model said minus what it should have said
import { zeros } from "../array.js";

/** (R, K) and labels, R whole numbers -> the loss, a number. */
export function crossEntropyForward(logits, { labels }) {
  const [R, K] = logits.shape, probs = zeros(R, K);
  let loss = 0;
  for (let r = 0, from = 0; r < R; r++, from += K) {
    let largest = -Infinity, total = 0;
    for (let k = 0; k < K; k++) if (logits.data[from + k] > largest) largest = logits.data[from + k];
    for (let k = 0; k < K; k++) total += Math.exp(logits.data[from + k] - largest);
    for (let k = 0; k < K; k++) probs.data[from + k] = Math.exp(logits.data[from + k] - largest) / total;
    loss += (Math.log(total) - (logits.data[from + labels[r]] - largest)) / R;
  }
  return [loss, { probs, labels }];
}

/** A number -> (R, K). */
export function crossEntropyBackward(dloss, { probs, labels }) {
  const [R, K] = probs.shape, dlogits = zeros(R, K);
  for (let i = 0; i < R * K; i++) dlogits.data[i] = (probs.data[i] * dloss) / R;
  for (let r = 0; r < R; r++) dlogits.data[r * K + labels[r]] -= dloss / R;
  return dlogits;
}
