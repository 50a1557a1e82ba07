// A table of positions that is not learned: sines and cosines, half of them of the column, half of the row.
import { zeros } from "../array.js";

/**
 * (1, numPrefix + rows * columns, D); the prefix tokens have no place: zeros.
 *     angle = position / 10000^(i / (D/4)),  i = 0 .. D/4 - 1;  [sin, cos] of the column's angles, then of the row's
 */
export function sincos2d(D, [rows, columns], { numPrefix = 0 } = {}) {
  const table = zeros(1, numPrefix + rows * columns, D), quarter = D / 4;
  for (let patch = 0; patch < rows * columns; patch++) {
    const places = [patch % columns, Math.floor(patch / columns)];
    places.forEach((place, axis) => {
      for (let i = 0; i < quarter; i++) {
        const angle = place * 10000 ** (-i / quarter), at = (numPrefix + patch) * D + 2 * axis * quarter + i;
        table.data[at] = Math.sin(angle);
        table.data[at + quarter] = Math.cos(angle);
      }
    });
  }
  return table;
}
