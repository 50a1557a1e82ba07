// GELU: x times Φ(x), a smooth gate that lets large values through and small ones hardly.
//
//     exact:  y = x Φ(x)                                                y' = Φ(x) + x φ(x),  φ = exp(-x²/2) / √(2π)
//     tanh:   y = x (1 + tanh(u)) / 2,  u = √(2/π) (x + 0.044715 x³)    y' = gate + x gate (1 - gate) 2u'
//     quick:  y = x σ(1.702 x)                                          y' = gate + x 1.702 gate (1 - gate)
import { zeros } from "../array.js";
import { normalCdf } from "./erf.js";

const TANH_CUBIC = 0.044715;
const TANH_SCALE = Math.sqrt(2 / Math.PI);
const QUICK_SCALE = 1.702;
const BELL = 1 / Math.sqrt(2 * Math.PI);

const gelu = pair(normalCdf, (x, gate) => gate + x * BELL * Math.exp(-0.5 * x * x));
const geluTanh = pair(
  (x) => 0.5 + 0.5 * Math.tanh(TANH_SCALE * x * (1 + TANH_CUBIC * x * x)),
  (x, gate) => gate + x * gate * (1 - gate) * 2 * TANH_SCALE * (1 + 3 * TANH_CUBIC * x * x),
);
const geluQuick = pair(
  (x) => 0.5 + 0.5 * Math.tanh(0.5 * QUICK_SCALE * x),
  (x, gate) => gate * (1 + QUICK_SCALE * x * (1 - gate)),
);

/** The three forms by the config's word for them. */
export const ACTIVATIONS = { erf: gelu, tanh: geluTanh, quick: geluQuick };

/** forward (...) -> (...), y = x gate(x), and backward (...) -> (...), dx = dy y'(x), of one gate and its slope y'. */
function pair(gateOf, slopeOf) {
  return {
    forward(x) {
      const y = zeros(...x.shape), gate = zeros(...x.shape);
      for (let i = 0; i < y.data.length; i++) {
        gate.data[i] = gateOf(x.data[i]);
        y.data[i] = x.data[i] * gate.data[i];
      }
      return [y, { x, gate }];
    },
    backward(dy, { x, gate }) {
      const dx = zeros(...dy.shape);
      for (let i = 0; i < dx.data.length; i++) dx.data[i] = dy.data[i] * slopeOf(x.data[i], gate.data[i]);
      return dx;
    },
  };
}
