// Learning-rate schedule: linear warm-up, then half a cosine down.
//
// Sources: Goyal et al. 2017, arXiv:1706.02677 (warm-up); Loshchilov, Hutter 2017, SGDR, arXiv:1608.03983 (cosine).

/** Learning rate of step 0, 1, ..., totalSteps - 1. */
export function warmupCosine(step, { lr, totalSteps, warmupSteps = 0, minLr = 0 }) {
  if (step < warmupSteps) return (lr * (step + 1)) / warmupSteps; // the first step already moves
  if (step >= totalSteps) return minLr;
  const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
  return minLr + (lr - minLr) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
