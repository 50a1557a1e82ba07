// Architecture of a Vision Transformer, as in config.json; what this engine does not know is refused by name.

/** Fields of tinyvit's ViTConfig with their defaults, and the choices that this engine has where there are some. */
const FIELDS = {
  img_size: [224], patch_size: [16], in_chans: [3], num_classes: [1000], embed_dim: [768], depth: [12], num_heads: [12],
  mlp_ratio: [4], qkv_bias: [true], layer_norm_eps: [1e-6], class_token: [true], num_registers: [0], pre_norm: [false],
  final_norm: [true], fc_norm: [false], init_std: [0.02], layer_scale: [null],
  drop_rate: [0], drop_path_rate: [0], // at work in training alone
  gelu: ["erf", "tanh", "quick"], stem: ["patch", "conv"], pos_embed: ["learned", "sincos2d"],
  pool: ["cls", "mean", "cls+mean", "cls+dist", "map"],
};
const NO_FIELDS = ["model_type"]; // of the file around the config

export class ViTConfig {
  /** Throws where a field, or a choice, is not of this engine. */
  constructor(values) {
    for (const [name, value] of Object.entries(values)) {
      if (NO_FIELDS.includes(name)) continue;
      const choices = FIELDS[name];
      if (!choices) throw new Error(`the browser's engine does not know ${name}: look at this model with tinyvit look`);
      if (choices.length > 1 && !choices.includes(value))
        throw new Error(`the browser's engine has no ${name} "${value}": look at this model with tinyvit look`);
    }
    for (const [name, [value]] of Object.entries(FIELDS)) this[name] = values[name] ?? value;
    if (!(this.num_classes > 0)) throw new Error("this model has no classes (num_classes is 0): give a classifier");
  }

  /** Plain values for JSON, all fields of ViTConfig. */
  asDict() { return Object.fromEntries(Object.keys(FIELDS).map((name) => [name, this[name]])); }
  /** [H, W] in pixels. */
  get imageShape() { return Array.isArray(this.img_size) ? this.img_size : [this.img_size, this.img_size]; }
  /** Patches along [height, width]. */
  get gridSize() { return this.imageShape.map((side) => side / this.patch_size); }
  /** L. */
  get numPatches() { return this.gridSize[0] * this.gridSize[1]; }
  /** The class token, if there is one, and the registers, in front of the patches. */
  get numPrefixTokens() { return Number(this.class_token) + this.num_registers; }
  /** N = L + class token + registers. */
  get numTokens() { return this.numPrefixTokens + this.numPatches; }
  /** Queries of the last block: the tokens in front that the head pools; undefined: all tokens. */
  get numQueries() { return { cls: 1, "cls+dist": 2 }[this.pool]; }
  /** Input features of the head: D, or 2D. */
  get numPooled() { return this.embed_dim * (this.pool.includes("+") ? 2 : 1); }
  /** M, the width of the MLP. */
  get hiddenDim() { return Math.trunc(this.embed_dim * this.mlp_ratio); }
}
