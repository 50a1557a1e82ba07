// Where each token looks: one map for every block and head, their mean, and which tokens have become alike.
import { choose, chooseHead } from "../asking.js";
import { $, label, make, percent, say, sentence } from "../dom.js";
import { paint, shares, viridis } from "../paint.js";
import { ModelPicture, pooled } from "../model_picture.js";
import { PatchMap, frame, pointable, tokenName } from "../patches.js";
import { classifies, meanOf, order, patchesOf, row, state } from "../state.js";
import { listed, marked, t } from "../texts.js";

const VEIL = 0.72; // how far a map covers the image below it
let focus, cells, model;

export const fits = () => classifies() && state.shape.depth > 0;

export function build() {
  const { depth, heads, rows, columns, map } = state.shape, shown = [...Array(heads).keys(), "mean", "similarity"];
  model = new ModelPicture($("model-picture"));
  if (!state.about.config.class_token) document.querySelector("[data-text=focusHint]").dataset.text = "focusHintNoClass";
  focus = new PatchMap($("focus"), { label: "focusLabel", which: "token", choose: chooseToken });
  const size = Math.max(44, Math.min(104, Math.floor(660 / shown.length))), width = Math.min(2 * size, map.width);
  $("heads").style.gridTemplateColumns = `max-content repeat(${shown.length}, minmax(${heads > 6 ? 2.75 : 2.25}rem, ${size / 16}rem))`;
  $("heads").append(make("span"), ...shown.map((view) => make("span", { class: "head", "data-text": typeof view === "number" ? "head" : view, "data-n": view + 1 })));
  cells = [];
  for (let block = 0; block < depth; block++) {
    $("heads").append(make("span", { class: "side", "data-text": "block", "data-n": block + 1 }));
    for (const view of shown) {
      const canvas = make("canvas", { width, height: Math.round((width * rows) / columns) }), mark = make("i", { class: "mark" });
      const frameOf = make("span", { class: "map" }, canvas, mark), share = make("i", { class: "share" }), most = make("span", { class: "peak" });
      const cell = make("button", { class: "cell", click: () => pick(block, view) }, frameOf, most, share);
      pointable(frameOf, (token) => choose("token", token, false)); // a click chooses the head
      cells.push({ block, view, cell, canvas, mark, most, share });
      $("heads").append(cell);
    }
  }
  pointable($("stamps"), chooseToken);
  const scale = $("scale").getContext("2d");
  for (let x = 0; x < 256; x++) {
    scale.fillStyle = `rgb(${viridis(x / 255)})`;
    scale.fillRect(x, 0, 1, 1);
  }
}
const chooseToken = (token, kept) => choose("token", token, kept);

function pick(block, view) {
  state.view = typeof view === "number" ? "head" : view;
  chooseHead(block, typeof view === "number" ? view : state.head);
}

function valuesOf({ attention, similarity }, block, view) { // (N)
  if (view === "similarity") return row(similarity, block + 1);
  const heads = row(attention, block);
  return view === "mean" ? meanOf(Object.assign(heads.slice(), { shape: attention.shape.slice(1) })) : row(attention, block, view);
}

export function words() {
  const { heads, depth, d, prefix } = state.shape, { class_token, num_registers } = state.about.config;
  const beside = [class_token && t("tokensClass"), num_registers && t("tokensRegisters", { n: num_registers }), t("tokensRead", { from: pooled() })].filter(Boolean);
  model.draw();
  $("tokens-lead").replaceChildren(...marked([t("tokensLead", { depth }), ...beside].join(" ")));
  $("head-lead").replaceChildren(...marked(t("headLead", { heads, d, all: heads * depth })));
  $("share-note").textContent = t(!prefix ? "similarityNote" : num_registers ? "shareNoteRegisters" : "shareNote");
}

export function render() {
  const seen = state.detail.token, { rows, columns, prefix, heads } = state.shape, { token, block } = state;
  const shown = state.view === "head" ? state.head : state.view;
  model.mark(block, { head: [state.head], mean: [...Array(heads).keys()], similarity: [] }[state.view], chosen());
  for (const { block: b, view, cell, canvas, mark, most, share } of cells) {
    const values = valuesOf(seen, b, view), peak = valueWords(Math.max(...patchesOf(values)), view);
    paint(canvas, [state.image, 1], [shares(patchesOf(values), rows, columns), VEIL]);
    say(most, peak);
    const off = state.off.has(`${b}.${view}`), said = t(view === "similarity" ? "peakAlike" : "peakShare", { most: peak });
    label(cell, `${nameOf(b, view)}: ${off ? `${t("cellOff")}, ` : ""}${said}`);
    frame(mark, token);
    share.hidden = !prefix;
    share.classList.toggle("none", view === "similarity");
    share.style.setProperty("--p", `${100 * values.subarray(0, prefix).reduce((sum, value) => sum + value, 0)}%`);
    cell.setAttribute("aria-pressed", b === block && view === shown);
    cell.classList.toggle("off", off);
  }
  const values = valuesOf(seen, block, shown), alike = state.view === "similarity";
  focus.draw([[state.image, 1], [shares(patchesOf(values), rows, columns), 0.66]], (j) => (alike ? t("cosine", { value: valueWords(values[j], state.view) }) : percent(values[j])));
  say($("reading"), sentence(reading(values, alike)));
}

const valueWords = (value, view) => (view === "similarity" ? value.toFixed(2).replace("-", "−") : percent(value));
const nameOf = (block, view) => t({ mean: "cellMean", similarity: "cellSimilarity" }[view] ?? "cellHead", { block: block + 1, head: view + 1 });
/** "block 4, head 1": whose map is the large one. */
export const chosen = () => nameOf(state.block, state.view === "head" ? state.head : state.view);

function reading(values, alike) {
  const valueOf = (j) => ({ name: tokenName(j), value: valueWords(values[j], state.view) });
  const most = order(values).filter((j) => j !== state.token).slice(0, 2).map((j) => t(alike ? "readingAlike" : "readingShare", valueOf(j)));
  if (alike && !most.length) return ""; // there is no other token
  const list = listed(alike ? most : [...most, t("readingItself", valueOf(state.token))]);
  const said = { who: tokenName(state.token), block: state.block + 1, head: state.head + 1, list };
  return t(alike ? "readingSimilarity" : state.view === "mean" ? "readingMean" : "readingHead", said);
}

/** C chooses the class token. */
export function key(event) {
  if (event.key.toLowerCase() === "c" && state.about.config.class_token) choose("token", 0, true);
}
