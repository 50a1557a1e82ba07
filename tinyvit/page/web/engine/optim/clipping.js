// Gradient norm clipping: one bad batch may turn the model, but not throw it.
//
// Source: Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063; with PyTorch's 1e-6 against division by zero.

/** Scale all gradients, in place, so that their length as one vector is at most maxNorm; returns the length before. */
export function clipByGlobalNorm(grads, maxNorm) {
  let total = 0;
  for (const { data } of Object.values(grads)) for (let i = 0; i < data.length; i++) total += data[i] * data[i];
  const norm = Math.sqrt(total), scale = Math.min(maxNorm / (norm + 1e-6), 1);
  if (scale < 1) for (const { data } of Object.values(grads)) for (let i = 0; i < data.length; i++) data[i] *= scale;
  return norm;
}
