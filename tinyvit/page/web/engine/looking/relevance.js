// Gradient-weighted relevance: rollout that counts only the attention that raises the logit of the chosen class.
//
//     R = (I + A_last) ... (I + A_first) - I,    A = mean over the heads of max(0, weights * dweights)
//
// Source: Chefer, Gur, Wolf 2021, "Generic Attention-model Explainability", arXiv:2103.15679, equations 5 and 6.
import { through } from "./readers.js";

/** Relevance of every token begun at each block in turn: depth rows (N); the first is that of the whole model. */
export function relevanceByBlock(attention, dattention, row) {
  const maps = [];
  let relevance = row;
  for (let block = attention.length - 1; block >= 0; block--) {
    const { data: dweights } = dattention[block];
    const helpful = through(relevance, attention[block], (weight, at) => Math.max(weight * dweights[at], 0));
    relevance = Float32Array.from(relevance, (value, i) => value + helpful[i]);
    maps.unshift(relevance.map((value, i) => value - row[i]));
  }
  return maps;
}
