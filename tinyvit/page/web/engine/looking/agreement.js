// Agreement of two maps: Spearman's rank correlation, which asks for the order of patches alone.
//
// Source: Spearman 1904, "The Proof and Measurement of Association between Two Things".
import { dot } from "../array.js";

/** 1 where two lists are in the same order, -1 in reverse; NaN where all values of one are equal. */
export function rankCorrelation(a, b) {
  const [x, y] = [ranks(a), ranks(b)], length = Math.sqrt(dot(x, x) * dot(y, y));
  return length ? dot(x, y) / length : NaN;
}

/** Ranks, less their mean; equal values share the mean of theirs. */
function ranks(values) {
  const order = [...values.keys()].sort((i, j) => values[i] - values[j]), found = new Float64Array(values.length);
  for (let start = 0, stop; start < order.length; start = stop) {
    for (stop = start + 1; stop < order.length && values[order[stop]] === values[order[start]];) stop++;
    for (let i = start; i < stop; i++) found[order[i]] = (start + stop - 1) / 2 - (order.length - 1) / 2;
  }
  return found;
}
