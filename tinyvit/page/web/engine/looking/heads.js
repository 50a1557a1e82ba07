// The model without some of its heads.
import { VisionTransformer } from "../vit.js";

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
