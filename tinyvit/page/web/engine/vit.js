// The Vision Transformer once more, in the browser: images -> tokens -> logits, and every gradient back.
//
//     images (B,C,H,W) -patchify-> (B,L,C*P*P) -linear-> (B,L,D) -cls, pos-> tokens (B,N,D)
//       -> [ x + attn(norm1 x) ; x + mlp(norm2 x) ] * depth -> norm -> cls row (B,D) -head-> logits (B,K)
//
// Line for line tinyvit/vit.py, under the same names; tests/page hold both to the same numbers. Source: Dosovitskiy et
// al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929, section 3.1.
import { zeros } from "./array.js";
import { AttentionPool } from "./layers/attention_pool.js";
import { Block } from "./layers/block.js";
import { DistilledHead } from "./layers/distilled_head.js";
import { NO_DRAWS, spreadTo, truncatedNormal } from "./layers/init.js";
import { Identity, Layer, prefixed } from "./layers/layer.js";
import { LayerNorm } from "./layers/layer_norm.js";
import { Linear } from "./layers/linear.js";
import { PatchEmbed } from "./layers/patch_embed.js";
import { Pool } from "./layers/pool.js";
import { sincos2d } from "./ops/positions.js";
import * as tokens from "./ops/tokens.js";

export class VisionTransformer extends Layer {
  static fixed = ["sincos"]; // a constant table, not a parameter

  /** `config`: a ViTConfig. Weights are drawn from `random`; without it they are zeros, to be filled by `adopt`. */
  constructor(config, { random = NO_DRAWS } = {}) {
    super();
    const { embed_dim: D, layer_norm_eps: eps, numPrefixTokens: numPrefix } = config;
    const norm = (isThere) => (isThere ? new LayerNorm(D, { eps }) : new Identity());
    this.config = config;
    if (config.class_token) this.cls_token = truncatedNormal(random, [1, 1, D]);
    if (config.num_registers) this.reg_token = truncatedNormal(random, [1, config.num_registers, D]);
    if (config.pos_embed === "learned") this.pos_embed = truncatedNormal(random, [1, config.numTokens, D]);
    else this.sincos = sincos2d(D, config.gridSize, { numPrefix });
    this.patch_embed = new PatchEmbed(config, { random });
    this.norm_pre = norm(config.pre_norm);
    this.blocks = Array.from({ length: config.depth }, () => new Block(config, { random }));
    this.norm = norm(config.final_norm && !config.fc_norm);
    this.pool = config.pool === "map" ? new AttentionPool(config, { random }) : new Pool(config.pool, { numPrefix });
    this.fc_norm = norm(config.fc_norm);
    const Head = config.pool === "cls+dist" ? DistilledHead : Linear;
    this.head = new Head(config.numPooled, config.num_classes, { random });
    if (random !== NO_DRAWS) spreadTo(config.init_std, this.parameters());
  }

  /** (B, C, H, W) -> (B, K). Of the last block the tokens that are pooled alone, or with `allTokens` all of them. */
  forward(x, { allTokens = false } = {}) {
    let embed, norm, pool, fcNorm, head;
    [x, embed] = this.embed(x);
    const blocks = this.blocks.map((block, index) => {
      const isLast = index === this.blocks.length - 1 && !allTokens;
      const [y, saved] = block.forward(x, { numQueries: isLast ? this.config.numQueries : undefined });
      x = y;
      return saved;
    });
    [x, norm] = this.norm.forward(x);
    [x, pool] = this.pool.forward(x); // (B, N, D) -> (B, D)
    [x, fcNorm] = this.fc_norm.forward(x);
    [x, head] = this.head.forward(x); // (B, D) -> (B, K)
    return [x, { embed, blocks, norm, pool, fcNorm, head }];
  }

  /** dlogits (B, K) -> dimages (B, C, H, W) and the gradient of every parameter: the forward, read bottom-up. */
  backward(dy, saved, watch) {
    let dx, dhead, dfcNorm, dpool, dnorm;
    [dx, dhead] = this.head.backward(dy, saved.head, watch);
    [dx, dfcNorm] = this.fc_norm.backward(dx, saved.fcNorm);
    [dx, dpool] = this.pool.backward(dx, saved.pool, watch);
    [dx, dnorm] = this.norm.backward(dx, saved.norm);
    const grads = { ...prefixed("head", dhead), ...prefixed("fc_norm", dfcNorm), ...prefixed("pool", dpool) };
    Object.assign(grads, prefixed("norm", dnorm));
    for (let index = this.blocks.length - 1; index >= 0; index--) {
      const [dblock, own] = this.blocks[index].backward(dx, saved.blocks[index], watch);
      Object.assign(grads, prefixed(`blocks.${index}`, own));
      dx = dblock;
    }
    const [dimages, own] = this.embedBackward(dx, saved.embed, watch);
    return [dimages, Object.assign(grads, own)];
  }

  /** Logits (B, K) alone. */
  predict(x) { return this.forward(x)[0]; }

  /** Patches to tokens, the class token and the registers in front, positions added. */
  embed(x) {
    let patchEmbed, prepend, position, normPre;
    [x, patchEmbed] = this.patch_embed.forward(x); // (B, C, H, W) -> (B, L, D)
    [x, prepend] = tokens.prependTokensForward(x, this.prefixTokens()); // (B, L, D) -> (B, N, D)
    [x, position] = tokens.addPositionForward(x, this.pos_embed ?? this.sincos);
    [x, normPre] = this.norm_pre.forward(x);
    return [x, { patchEmbed, prepend, position, normPre, x }];
  }

  embedBackward(dy, saved, watch) {
    let dx, dnormPre, pos_embed, dprefix, dpatchEmbed;
    [dx, dnormPre] = this.norm_pre.backward(dy, saved.normPre);
    [dx, pos_embed] = tokens.addPositionBackward(dx, saved.position);
    [dx, dprefix] = tokens.prependTokensBackward(dx, saved.prepend);
    [dx, dpatchEmbed] = this.patch_embed.backward(dx, saved.patchEmbed, watch);
    const grads = { ...prefixed("patch_embed", dpatchEmbed), ...prefixed("norm_pre", dnormPre) };
    if (this.pos_embed) grads.pos_embed = pos_embed;
    if (this.cls_token) grads.cls_token = part(dprefix, 0, 1);
    if (this.reg_token) grads.reg_token = part(dprefix, dprefix.shape[1] - this.config.num_registers, dprefix.shape[1]);
    return [dx, grads];
  }

  /** The class token and the registers, those that there are: (1, T, D). */
  prefixTokens() {
    const prefix = zeros(1, this.config.numPrefixTokens, this.config.embed_dim);
    let at = 0;
    for (const some of [this.cls_token, this.reg_token])
      if (some) {
        prefix.data.set(some.data, at);
        at += some.data.length;
      }
    return prefix;
  }
}

/** x[:, start:stop] of (1, T, D). */
const part = (x, start, stop) => {
  const D = x.shape[2];
  return { data: x.data.slice(start * D, stop * D), shape: [1, stop - start, D] };
};
