// The residual stream read as a sum: what the embedding, each attention and each MLP wrote into the logit of a class.
//
//     logit = Σ over parts <dx, part> + constant
//
// Sources: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; nostalgebraist 2020, the logit lens.
import { dot } from "../array.js";
import { readout } from "./readout.js";

/** Direct contribution of each part of the stream to the logit of a class: (2 * depth + 2), in sum the logit. */
export function logitParts(seen, target) {
  const [dx, constant] = readout(seen, target), parts = [seen.states[0], ...seen.branches.flat()];
  const terms = [...parts.map((part) => dot(dx.data, part.data)), constant];
  return { data: Float32Array.from(terms), shape: [terms.length] };
}

/** Logits of the stream before and after each block: (depth + 1, K), the last of them the model's own. */
export function logitLens(seen) {
  const { model } = seen, K = model.config.num_classes;
  const answers = seen.states.map((state) =>
    [model.norm, model.pool, model.fc_norm, model.head].reduce((x, layer) => layer.forward(x)[0], state));
  return { data: Float32Array.from(answers.flatMap(({ data }) => [...data])), shape: [answers.length, K] };
}

/** Cosine of one token with each, (1, N, D) -> (N); 0 for a token of zeros. */
export function tokenSimilarity(state, token) {
  const [, N, D] = state.shape, row = (i) => state.data.subarray(i * D, (i + 1) * D);
  const lengths = Array.from({ length: N }, (_, i) => Math.sqrt(dot(row(i), row(i))));
  return Float32Array.from(lengths, (length, i) => dot(row(i), row(token)) / Math.max(length * lengths[token], 1e-38));
}
