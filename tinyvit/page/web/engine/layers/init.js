// Weight initialisation: truncated normal, standard deviation 0.02; and the random numbers that it draws.
import { zeros } from "../array.js";

const INIT_STD = 0.02; // the ViT papers' and timm's

/** Stands in for a generator where a model is built only to be filled. */
export const NO_DRAWS = { normal: () => 0 };

/** A generator of random numbers, the same for the same seed: "mulberry32", by T. Ettinger, in the public domain. */
export class Random {
  constructor(seed) { this.state = seed >>> 0; }

  /** From 0 to 1. */
  uniform() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Normally distributed: Box, Muller 1958. */
  normal() { return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform()); }

  /** 0 .. n-1 in some order: Fisher, Yates 1938. */
  permutation(n) {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(this.uniform() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

/** Draw from a normal distribution of standard deviation `std`, truncated at two standard deviations. */
export function truncatedNormal(random, shape, std = INIT_STD) {
  const x = zeros(...shape);
  for (let i = 0; i < x.data.length; i++) {
    let value;
    do value = random.normal(); while (Math.abs(value) > 2);
    x.data[i] = value * std;
  }
  return x;
}

/** Scale fresh weight matrices, drawn with INIT_STD, to `std`; tokens, positions and convolutions keep theirs. */
export function spreadTo(std, parameters) {
  for (const [name, { data, shape }] of Object.entries(parameters))
    if (shape.length === 2 && !name.includes(".stem.")) data.forEach((w, i) => { data[i] = (w * std) / INIT_STD; });
}

/** An array full of one number. */
export function full(shape, value) {
  const x = zeros(...shape);
  x.data.fill(value);
  return x;
}
