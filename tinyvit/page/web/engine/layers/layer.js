// A layer owns parameters and settings, never activations: those travel in `saved`.
//
// Every array that is a property of a layer is a parameter, and every property that is a layer, or a list of layers,
// holds more; they are called as in the weights' file. A subclass has
//     forward(x) -> [y, saved]     and     backward(dy, saved, watch) -> [dx, grads],
// grads by the parameters' names. Who looks instead of learning passes a `watch` (see looking/look.js): then there are
// no gradients of linear weights, and what is asked for on the way is written into it.

export class Layer {
  /** The live arrays by dotted name; writing into one changes the model. */
  parameters() {
    const found = {};
    this.visit((owner, key, name) => { found[name] = owner[key]; });
    return found;
  }

  /** Make the arrays of a weights' file the parameters. Throws where names or shapes are others. */
  adopt(tensors) {
    const own = this.parameters(), given = Object.keys(tensors);
    const odd = [...Object.keys(own).filter((name) => !tensors[name]), ...given.filter((name) => !own[name])];
    const wrong = "the weights do not fit the config";
    if (odd.length) throw new Error(`${wrong}: ${odd.slice(0, 3).join(", ")} missing or unexpected`);
    for (const [name, { shape }] of Object.entries(own))
      if (String(tensors[name].shape) !== String(shape))
        throw new Error(`${wrong}: ${name} is (${tensors[name].shape}), not (${shape})`);
    this.visit((owner, key, name) => { owner[key] = tensors[name]; });
  }

  visit(f, path = "") {
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Layer) value.visit(f, `${path}${key}.`);
      else if (key === "blocks") value.forEach((block, index) => block.visit(f, `${path}${key}.${index}.`));
      else if (value?.data instanceof Float32Array && !this.constructor.fixed?.includes(key)) f(this, key, path + key);
    }
  }
}

/** Does nothing, in the place of a part that a model has not got. */
export class Identity extends Layer {
  forward(x) { return [x, null]; }
  backward(dy) { return [dy, {}]; }
}

/** {"weight": dw} of the part called `name`, as {"name.weight": dw}. */
export const prefixed = (name, grads) =>
  Object.fromEntries(Object.entries(grads).map(([key, grad]) => [`${name}.${key}`, grad]));
