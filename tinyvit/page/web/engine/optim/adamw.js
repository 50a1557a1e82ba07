// AdamW: a step size for each parameter, from the mean and mean square of its gradient; decoupled weight decay.
//
//     m = β1 m + (1 - β1) g,   v = β2 v + (1 - β2) g²
//     p = p - lr (m / (1 - β1ᵗ) / (√(v / (1 - β2ᵗ)) + eps) + weight_decay p)      in step t
//
// Source: Loshchilov, Hutter 2019, "Decoupled Weight Decay Regularization", arXiv:1711.05101.

const BETA1 = 0.9, BETA2 = 0.999, EPS = 1e-8;

export class AdamW {
  /** parameters: the live arrays by name, changed in place. */
  constructor(parameters, { weightDecay = 0.05 } = {}) {
    Object.assign(this, { parameters, weightDecay, steps: 0, m: {}, v: {} });
    for (const [name, { data }] of Object.entries(parameters)) {
      this.m[name] = new Float32Array(data.length);
      this.v[name] = new Float32Array(data.length);
    }
  }

  /** One step against the gradient; `grads` is keyed like the parameters. */
  step(grads, { lr }) {
    this.steps++;
    const correction1 = 1 - BETA1 ** this.steps, correction2 = Math.sqrt(1 - BETA2 ** this.steps);
    for (const [name, parameter] of Object.entries(this.parameters)) {
      const p = parameter.data, g = grads[name].data, m = this.m[name], v = this.v[name];
      const kept = decays(name, parameter) ? 1 - lr * this.weightDecay : 1;
      for (let i = 0; i < p.length; i++) {
        m[i] = BETA1 * m[i] + (1 - BETA1) * g[i];
        v[i] = BETA2 * v[i] + (1 - BETA2) * g[i] * g[i];
        p[i] = kept * p[i] - (lr / correction1) * (m[i] / (Math.sqrt(v[i]) / correction2 + EPS));
      }
    }
  }
}

/** Whether weight decay applies: to weight matrices only, not to biases, norms, layer scale, tokens and positions. */
const decays = (name, { shape }) => name.endsWith("weight") && shape.length === 2;
