// The residual stream: the logit as the sum of what each part wrote, and the head asked after each block.
import { $, make, percent, say, term } from "../dom.js";
import { softmaxForward } from "../engine/ops/softmax.js";
import { className, classifies, order, row, state } from "../state.js";
import { marked, t } from "../texts.js";

const MOST = 10; // classes that have a column
const FEW = 5; // columns where there are more classes than that
let lines, cells, names;

export const fits = classifies;

export function build() {
  const { depth, classes } = state.shape, columns = classes <= MOST ? classes : FEW;
  lines = Array.from({ length: 2 * depth + 3 }, (_, i) => line(i === 2 * depth + 2));
  $("parts").append(...lines.map(({ node }) => node));
  $("lens").style.gridTemplateColumns = `auto repeat(${columns}, minmax(1.3rem, 1fr))`;
  cells = Array.from({ length: depth + 1 }, () => Array.from({ length: columns }, () => make("span", { class: "q" })));
  names = Array.from({ length: columns }, () => make("span", { class: "c" }));
  cells.forEach((row_, b) => $("lens").append(make("span", { class: "k", "data-text": b ? "lensAfter" : "lensStart", "data-n": b }), ...row_));
  $("lens").append(make("span", { class: "k" }, "%"), ...names);
}

/** A line of a sum: name, bar from zero, number. */
export function line(sum = false) {
  const bar = make("i"), track = make("span", { class: "track" }, bar), name = make("span", { class: "k" }), value = make("span", { class: "v" });
  return { node: make("div", { class: sum ? "part sum" : "part" }, name, track, value), bar, track, name, value };
}
/** `low` and `high`: the ends of the axis that all lines of a sum share. */
export function drawLine({ node, bar, track, name, value }, words, v, low, high) {
  const span = high - low || 1, zero = (100 * -low) / span, length = (100 * Math.abs(v)) / span;
  node.classList.toggle("minus", v < 0);
  Object.assign(bar.style, { left: `${v < 0 ? zero - length : zero}%`, width: `${length}%` });
  track.style.setProperty("--zero", `${zero}%`);
  say(name, words);
  say(value, term(v));
}

export function words() {
  $("stream-lead").replaceChildren(...marked(t(state.about.config.pool === "cls" ? "streamLead" : "streamLeadMean")));
}

export function render() {
  const { parts, lens, logits, metadata } = state.answer, { depth } = state.shape, target = Number(metadata.target);
  const low = Math.min(0, ...parts, logits[target]), high = Math.max(0, ...parts, logits[target]);
  lines.forEach((each, i) => {
    const block = Math.ceil(i / 2), sum = i === 2 * depth + 2;
    const name = sum ? t("partSum", { name: className(target) }) : i === 0 ? t("partToken") : i === 2 * depth + 1 ? t("partConstant") : t(i % 2 ? "partAttention" : "partMlp", { n: block });
    drawLine(each, name, sum ? logits[target] : parts[i], low, high);
  });
  const shown = logits.length <= MOST ? [...logits.keys()] : order(logits).slice(0, FEW);
  const said = state.about.multi_label ? lens.map((v) => 1 / (1 + Math.exp(-v))) : softmaxForward({ data: lens, shape: lens.shape })[0].data;
  Object.assign(said, { shape: lens.shape });
  cells.forEach((cellsOfBlock, b) => {
    const probs = row(said, b), best = order(probs)[0];
    cellsOfBlock.forEach((cell, i) => {
      const share = probs[shown[i]];
      cell.className = shown[i] === best ? "q top" : "q";
      cell.style.setProperty("--p", share);
      cell.title = `${className(shown[i])}: ${percent(share)}`;
      say(cell, share > 0.045 ? String(Math.round(100 * share)) : "·");
    });
  });
  names.forEach((cell, i) => {
    cell.className = shown[i] === target ? "c t" : "c";
    say(cell, className(shown[i]));
  });
}
