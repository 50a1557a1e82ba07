// The normal distribution's Φ, the share of normally distributed numbers below x, which the exact GELU needs.
//
//     Φ(x) = (1 + erf(x/√2)) / 2 = (1 + tanh(x P(x²))) / 2
//
// with the polynomial P that tinyvit/ops/erf.py fits: within 2e-7.

const P = [1.75616977e-9, -1.3226331e-7, 3.96474388e-6, -5.53061909e-5, -3.259498e-5, 3.6333084e-2, 7.97884941e-1];
const END = 6; // beyond, tanh is -1 or 1

/** Φ of one number. */
export function normalCdf(x) {
  const t = x > END ? END : x < -END ? -END : x, s = t * t;
  const p = (((((P[0] * s + P[1]) * s + P[2]) * s + P[3]) * s + P[4]) * s + P[5]) * s + P[6];
  return 0.5 + 0.5 * Math.tanh(t * p);
}
