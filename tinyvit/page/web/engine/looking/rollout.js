// Attention rollout: how much of each input token reaches what the head reads, residuals counted in.
//
//     rollout = R_last ... R_2 R_1,    R = (mean of the heads + I) / 2, whose rows add up to one
//
// Source: Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers", arXiv:2005.00928, section 3.
import { through } from "./readers.js";

/** The rollout of some blocks, first to last, of a weighted sum `row` (N) of its rows: (N). */
export function attentionRollout(attention, row) {
  return attention.reduceRight((rollout, weights) => {
    const mixed = through(rollout, weights);
    return Float32Array.from(rollout, (share, i) => (share + mixed[i]) / 2);
  }, row);
}
