// Every word of the page, in English and Chinese, from one table; and how words get into the page.
import { backward } from "./texts/backward.js";
import { draw } from "./texts/draw.js";
import { learning } from "./texts/learning.js";
import { look } from "./texts/look.js";
import { modelPicture } from "./texts/model_picture.js";
import { run } from "./texts/run.js";
import { task } from "./texts/task.js";

const LANGUAGES = ["en", "zh"];
export const TEXTS = { ...draw, ...look, ...modelPicture, ...backward, ...run, ...learning, ...task }; // key: [English, Chinese]

const store = globalThis.localStorage;
let language = read("language") ?? (/^zh\b/i.test(globalThis.navigator?.language ?? "") ? "zh" : "en");

/** What was chosen before; nothing where a browser keeps nothing, as for pages opened from disk. */
export function read(name) {
  try { return store?.getItem(name) ?? null; } catch { return null; }
}
export function keep(name, value) {
  try { store?.setItem(name, value); } catch { /* then it is asked again next time */ }
}

export const chosenLanguage = () => language;
export function chooseLanguage(name) {
  language = name;
  keep("language", name);
}

const NUMBERED = /\{(\w+):((?:[^{}|]|\{\w+\})*)\|((?:[^{}|]|\{\w+\})*)\}/g;

/** The text of `key`: {name} becomes `values.name`, {n:patch|patches} what fits the number; no line ends within "7 × 7" or before "%". */
export function t(key, values = {}) {
  const text = TEXTS[key][LANGUAGES.indexOf(language)].replace(NUMBERED, (_, name, one, many) => (Number(values[name]) === 1 ? one : many));
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]).replace(/ (?=[×%])|(?<=×) /g, "\u00a0");
}

/** Several things in a row: "a, b, and c". */
export const listed = (things) => new Intl.ListFormat(language).format(things);

/** A formula whose lines end before + and −, or after =, and nowhere else. */
export const formula = (text) => text.replace(/(?<!=) (?![+−])/g, "\u00a0");

/** Text -> nodes: *stressed*, `code`, w_ij with its indices below, and ● for the dot of what depends on the class. */
export function marked(text) {
  return text.split(/(\*[^*]+\*|`[^`]+`|_[a-z]{1,2}(?![a-z])|●)/).filter(Boolean).map((piece) => {
    const tag = { "*": "em", "`": "code", "_": "sub", "●": "i" }[piece[0]];
    if (!tag) return piece;
    const node = document.createElement(tag);
    if (tag === "i") node.className = "dot";
    else if (tag === "em") node.append(...marked(piece.slice(1, -1)));
    else node.textContent = piece.slice(1, tag === "sub" ? undefined : -1);
    return node;
  });
}
/** The same for readers aloud. */
export const spoken = (text) => text.replace(/[*`●]/g, "").replace(/_/g, " ");

/** Fills every element of `root` that names its text: data-text, data-label (aria-label) and data-title. */
export function translate(root) {
  const all = (name) => [...(root.matches?.(`[data-${name}]`) ? [root] : []), ...root.querySelectorAll(`[data-${name}]`)];
  for (const node of all("text")) node.replaceChildren(...marked(t(node.dataset.text, node.dataset)));
  for (const node of all("label")) node.setAttribute("aria-label", t(node.dataset.label, node.dataset));
  for (const node of all("title")) node.title = t(node.dataset.title, node.dataset);
}
