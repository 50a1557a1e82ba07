// Small helpers for the page's elements and for numbers in words.

export const $ = (id) => document.getElementById(id);

/** An element: attributes that are functions are listeners, `false` and `null` are left out. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** An element of an SVG picture. */
export function svgElement(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** What colours stand for, keys by kind: `shares` from dark to bright, `plain` teal, `for` purple, `against` striped orange. */
export function legend(keys) {
  const parts = Object.entries(keys).map(([kind, key]) => make("span", {}, make("i", { class: `swatch ${kind}` }), make("span", { "data-text": key })));
  return make("p", { class: "legend" }, ...parts);
}

/** Writes text only where it changed, so that screen readers are not told twice. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The same for what is read aloud in the place of a picture. */
export function label(node, text) {
  if (node.ariaLabel !== text) node.ariaLabel = text;
}

/** A sentence begins with a capital letter, where its language has any. */
export const sentence = (text) => text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());

/** Of many calls within `wait` milliseconds, the last one. */
export function later(wait, action) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), wait);
  };
}

/** 0.1834 -> "18.3 %", with as many digits as help, and no line's end before the sign. */
export function percent(share) {
  const value = 100 * share;
  return `${value > 99.95 || value < 0.05 ? value.toFixed(0) : value.toFixed(1)}\u00a0%`;
}

/** 0.414 -> "0.41", 0.00312 -> "0.0031", 0.000000312 -> "3.1 · 10⁻⁷". */
function magnitude(value) {
  const size = Math.abs(value);
  if (!size) return "0";
  if (size >= 100) return size.toFixed(0);
  if (size >= 0.0995) return size.toFixed(2);
  if (size >= 1e-5) return size.toPrecision(2);
  const [digits, power] = size.toExponential(1).split("e-");
  return `${digits} · 10⁻${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
}
/** With a sign: "+0.41", "−0.08"; `number` is silent about plus. */
export const signed = (value) => (value < 0 ? "−" : value > 0 ? "+" : "") + magnitude(value);
/** With a sign and two places, for the terms of a sum. */
export const term = (value) => (Math.abs(value) < 0.005 ? "0" : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2));
export const number = (value) => (value < 0 ? "−" : "") + magnitude(value);
