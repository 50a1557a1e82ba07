// Readers: the tokens that the head reads, as shares, and rows over tokens as maps over the patches.

/** The share with which the head reads each token: (N), in sum 1. */
export function readers(seen) {
  const { config } = seen.model, { numTokens: N, numPatches: L, numPrefixTokens: prefix } = config;
  const shares = new Float32Array(N);
  if (config.pool === "map") {
    const { weights } = seen.saved.pool.attention, h = weights.shape[1]; // (1, h, 1, L)
    for (let head = 0; head < h; head++)
      for (let l = 0; l < L; l++) shares[prefix + l] += weights.data[head * L + l] / h;
  } else if (config.pool === "mean") {
    shares.fill(1 / L, prefix);
  } else if (config.pool === "cls+mean") {
    shares[0] = 0.5;
    for (let i = prefix; i < N; i++) shares[i] += 0.5 / L;
  } else {
    shares.fill(1 / config.numQueries, 0, config.numQueries);
  }
  return shares;
}

/** The patches of (N) as a map (rows, columns); what goes to class token and registers is left out. */
export function onGrid(row, config) {
  return { data: row.slice(config.numPrefixTokens), shape: config.gridSize };
}

/** A row times the mean over the heads of f(weights, place): (N), (1, h, N, N) -> (N). */
export function through(row, weights, f = (weight) => weight) {
  const N = row.length, h = weights.shape[1], y = new Float64Array(N);
  for (let at = 0, head = 0; head < h; head++)
    for (let i = 0; i < N; i++) {
      if (!row[i]) { at += N; continue; }
      for (let j = 0; j < N; j++, at++) y[j] += (row[i] * f(weights.data[at], at)) / h;
    }
  return y;
}
