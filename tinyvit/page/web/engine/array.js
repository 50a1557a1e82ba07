// Arrays: a flat Float32Array and a shape, row-major as NumPy's. Every op takes such arrays and makes new ones.

/** Numbers in an array of this shape: [2, 3] -> 6. */
export const sizeOf = (shape) => shape.reduce((size, axis) => size * axis, 1);

/** A new array {data, shape} of zeros. */
export const zeros = (...shape) => ({ data: new Float32Array(sizeOf(shape)), shape });

/** The same numbers in another shape; nothing is copied. */
export const reshape = (x, ...shape) => ({ data: x.data, shape });

/** Part of the first axis, as a view: x[start:stop]. */
export function rows(x, start, stop) {
  const size = x.data.length / x.shape[0];
  return { data: x.data.subarray(start * size, stop * size), shape: [stop - start, ...x.shape.slice(1)] };
}

/** f of each number. */
export function mapped(x, f) {
  const y = zeros(...x.shape);
  for (let i = 0; i < y.data.length; i++) y.data[i] = f(x.data[i]);
  return y;
}

/** x + y, number by number. */
export function sum(x, y) {
  const z = zeros(...x.shape);
  for (let i = 0; i < z.data.length; i++) z.data[i] = x.data[i] + y.data[i];
  return z;
}

/** The sum over all leading axes: (..., D) -> (D), added up in float64. */
export function columnSum(x) {
  const D = x.shape.at(-1), sums = new Float64Array(D), y = zeros(D);
  for (let from = 0; from < x.data.length; from += D) for (let j = 0; j < D; j++) sums[j] += x.data[from + j];
  y.data.set(sums);
  return y;
}

/** <x, y> of two lists of numbers, in float64. */
export const dot = (x, y) => x.reduce((total, value, i) => total + value * y[i], 0);

/** The place of the largest of some numbers. */
export function argmax(numbers) {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i] > numbers[best]) best = i;
  return best;
}
