// Single heads: how one came to its scores, and the model without some.
import { headOf } from "../ops/attention.js";
import { VisionTransformer } from "../vit.js";

/** The score of two tokens, q · k / √d, as the sum over features that it is: q, k and terms, each (d). */
export function scoreTerms(seen, block, head, { query, key }) {
  const { qkv } = seen.saved.blocks[block].attn.body.attention, views = headOf(qkv, 0, head, seen.model.config.num_heads);
  const q = rowOf(views.q, query), k = rowOf(views.k, key);
  return { q, k, terms: q.map((value, c) => value * k[c] * q.length ** -0.5) };
}

/** Row i of a view, as numbers of its own. */
export const rowOf = ({ data, offset, rowStride, columns }, i) =>
  data.slice(offset + i * rowStride, offset + i * rowStride + columns);

/**
 * A model in which some heads, [block, head] from 0, write nothing: their rows of proj's weight are zeros.
 * Source: Michel, Levy, Neubig 2019, "Are Sixteen Heads Really Better than One?", arXiv:1905.10650, section 3.
 */
export function withoutHeads(model, heads) {
  if (!heads.length) return model;
  const { config } = model, arrays = { ...model.parameters() }, size = config.embed_dim ** 2 / config.num_heads;
  for (const [block, head] of heads) {
    const name = `blocks.${block}.attn.proj.weight`, { data, shape } = arrays[name];
    arrays[name] = { data: data.slice().fill(0, head * size, (head + 1) * size), shape };
  }
  const twin = new VisionTransformer(config);
  twin.adopt(arrays);
  return twin;
}
