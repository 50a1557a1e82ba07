// One head, forward and backward, with the numbers of this image: from the score of two tokens to the gradients of q, k, v.
import { choose, chooseHead, explain } from "../asking.js";
import { $, legend, make, number, percent, say, sentence, signed } from "../dom.js";
import { Strips } from "../charts.js";
import { forAgainst, ghost, shares } from "../paint.js";
import { PatchMap, tokenName } from "../patches.js";
import { className, classifies, order, patchesOf, row, state } from "../state.js";
import { formula, marked, t } from "../texts.js";
import * as norm from "./norm.js";

const SHOWN = 3; // tokens in the table, beside the one that is chosen
let charts, cursor, maps, said, selects, table;

export const fits = () => classifies() && state.shape.depth > 0;

export function build() {
  charts = {};
  cursor = { at: 0, held: false };
  maps = {};
  said = {};
  selects = {};
  buildChoosers();
  $("steps").before(legend({ plain: "forwardNumber", for: "gradientUp", against: "gradientDown" }));
  const chooseOther = (token, kept) => choose("other", token, kept);
  const chart = (name, label) => (parent) => { charts[name] = new Strips(parent, { label, cursor, moved: render }); };
  const map = (name, label) => (parent) => { maps[name] = new PatchMap(parent, { label, which: "other", choose: chooseOther }); };
  step("score", "score_ij = q_i · k_j / √d", null, "attention", chart("score", "scoreChart"));
  step("weights", "w_ij = exp(score_ij) / Σ_m exp(score_im)\ny_i = Σ_j w_ij v_j", null, "softmax", map("weights", "weightsMap"), chart("weights", "weightsChart"));
  step("dy", "dy_i = ∂logit / ∂y_i", null, "linear", chart("dy", "dyChart"));
  step("dv", "y_i = Σ_j w_ij v_j", "dv_j = Σ_i w_ij dy_i", "attention", chart("dv", "dvChart"));
  step("dweights", "y_i = Σ_j w_ij v_j", "dw_ij = dy_i · v_j", "attention", map("dweights", "dweightsMap"), chart("dweights", "dweightsChart"));
  step("dscores", "∂w_m / ∂score_j = w_m ([m\u00a0=\u00a0j] − w_j)", "dscore_j = w_j (dw_j − Σ_m w_m dw_m)", "softmax", map("dscores", "dscoresMap"), (parent) => {
    table = make("tbody");
    parent.append(make("div", { class: "scroll", tabindex: 0, role: "group", "data-label": "tableLabel" }, make("table", {}, make("thead", {}, make("tr", {}, ...["tableToken", "tableWeight", "tableDweight", "tableMore", "tableDscore"].map((key) => make("th", { scope: "col", "data-text": key })))), table)));
  });
  step("dqk", "score_ij = q_i · k_j / √d", "dq_i = Σ_j dscore_ij k_j / √d\n⇒ dk_j = Σ_i dscore_ij q_i / √d", "attention", chart("dq", "dqChart"), chart("dk", "dkChart"));
  norm.build(step, render);
}

/** One step: its rule, one line of derivation, a link to the file that computes it, what is seen, and a sentence. */
function step(name, forward, backward, file, ...parts) {
  const seen = make("div", { class: parts.length > 1 && name !== "dqk" ? "seen both" : "seen" });
  for (const part of parts) {
    const box = make("div", {});
    part(box);
    seen.append(box);
  }
  said[name] = make("p", { class: "sentence", "aria-live": name === "dweights" ? "polite" : null });
  const rule = make("div", { class: "rule" },
    make("h3", {}, make("span", { class: backward || name === "dy" ? "way back" : "way", "data-text": backward || name === "dy" ? "wayBack" : "wayForward" }), make("span", { "data-text": `${name}Title` })),
    make("p", { class: "formula" }, ...marked(formula(forward))), backward ? make("p", { class: "formula result" }, ...marked(formula(`⇒ ${backward}`))) : "",
    make("p", { class: "words", "data-text": `${name}Words` }), make("a", { class: "source", href: `source/ops/${file}.py`, target: "_blank" }, `ops/${file}.py`));
  $("steps").append(make("li", { class: "step" }, rule, make("div", { class: "real" }, seen, said[name])));
}

function buildChoosers() {
  const { depth, heads, N, classes } = state.shape, indices = (n) => [...Array(n).keys()];
  const select = (name, values, change) => {
    selects[name] = make("select", { change: () => change(Number(selects[name].value)) }, ...values.map((value) => make("option", { value })));
    $("choosers").append(make("label", {}, make("span", { "data-text": `${name}Choose` }), selects[name]));
  };
  if (classes <= 1000) select("class", indices(classes), (k) => explain(k));
  select("block", indices(depth), (block) => chooseHead(block, state.head));
  select("head", indices(heads), (head) => chooseHead(state.block, head));
  select("token", indices(N), (token) => choose("token", token, true));
  select("other", indices(N), (token) => choose("other", token, true));
}

/** What is explained here: a head, whatever map is the large one above. */
export const chosen = () => t("cellHead", { block: state.block + 1, head: state.head + 1 });

/** Names in the selects. */
export function words() {
  const write = (name, text) => [...(selects[name]?.options ?? [])].forEach((option, i) => say(option, text(i)));
  write("class", className);
  write("block", (i) => String(i + 1));
  write("head", (i) => String(i + 1));
  write("token", tokenName);
  write("other", tokenName);
}

export function render() {
  const { backward: b } = state.detail, { rows, columns, d } = state.shape, { other: j, image, answer } = state;
  if (!b) return;
  const target = Number(answer.metadata.target), chosen = { class: target, block: state.block, head: state.head, token: state.token, other: j };
  for (const [name, select] of Object.entries(selects)) select.value = chosen[name];
  const known = { who: tokenName(state.token), other: tokenName(j), block: state.block + 1, head: state.head + 1, name: className(target) };
  const v = row(b.v, j), k = row(b.k, j)
  const arrives = b.dy.some(Boolean), [c] = cursor.held ? [cursor.at] : order(b.dy.map(Math.abs)); // the feature that is marked
  cursor.at = c;
  const products = (x, y, scale = 1) => x.map((value, c) => value * y[c] * scale);
  const write = (name, key, values) => said[name].replaceChildren(...marked(sentence(t(key, { ...known, ...values }))));

  charts.score.draw([{ name: "rowQ", values: b.q, plain: true }, { name: "rowK", values: k, plain: true }, { name: "rowTerms", values: products(b.q, k, d ** -0.5) }]);
  write("score", "scoreSaid", { d, score: signed(b.scores[j]), weight: percent(b.weights[j]) });
  maps.weights.draw([[image, 1], [shares(patchesOf(b.weights), rows, columns), 0.72]], (i) => percent(b.weights[i]));
  charts.weights.draw([{ name: "rowV", values: v, plain: true }, { name: "rowWeighted", values: v.map((value) => value * b.weights[j]), plain: true }, { name: "rowY", values: mixed(b), plain: true }]);
  const [first] = order(b.weights);
  write("weights", first === j ? "weightsSaidMost" : "weightsSaid", { first: tokenName(first), most: percent(b.weights[first]), weight: percent(b.weights[j]) });

  charts.dy.draw([{ name: "rowDy", values: b.dy }]);
  write("dy", !arrives ? "dweightsNone" : b.dy[c] < 0 ? "dyFalls" : "dyRises", { n: c + 1, value: signed(b.dy[c]) });
  charts.dv.draw([{ name: "rowDy", values: b.dy }, { name: "rowDvRow", values: row(b.dv_row, j) }, { name: "rowDv", values: row(b.dv, j) }]);
  write("dv", "dvSaid", { weight: percent(b.weights[j]) });

  const shade = [ghost(state.pixels, state.shape), 0.35], over = (values) => [[forAgainst(patchesOf(values), rows, columns), 1], shade];
  maps.dweights.draw(over(b.dweights), (i) => signed(b.dweights[i]));
  charts.dweights.draw([{ name: "rowDy", values: b.dy }, { name: "rowV", values: v, plain: true }, { name: "rowProduct", values: products(b.dy, v) }]);
  write("dweights", !arrives ? "dweightsNone" : b.dweights[j] < 0 ? "dweightsFalls" : "dweightsRises", { value: signed(b.dweights[j]) });

  const average = b.weights.reduce((sum, w, m) => sum + w * b.dweights[m], 0);
  maps.dscores.draw(over(b.dscores), (i) => signed(b.dscores[i]));
  fillTable(b, average, j);
  write("dscores", !arrives ? "dweightsNone" : b.dweights[j] < average ? "dscoresWorse" : "dscoresBetter", { weight: number(b.weights[j]), dweight: number(b.dweights[j]), average: signed(average), taken: average < 0 ? `(${number(average)})` : number(average), value: signed(b.dscores[j]) });

  charts.dq.draw([{ name: "rowDq", values: b.dq }]);
  charts.dk.draw([{ name: "rowDkRow", values: row(b.dk_row, j) }, { name: "rowDk", values: row(b.dk, j) }]);
  write("dqk", "dqkSaid", { n: c + 1, dq: signed(b.dq[c]), dk: signed(row(b.dk_row, j)[c]) });
  norm.render(b, write);
}

/** y (d): all values, mixed by the weights. */
function mixed({ v, weights }) {
  const y = new Float32Array(v.shape[1]);
  v.forEach((value, at) => { y[at % y.length] += value * weights[Math.floor(at / y.length)]; });
  return y;
}

/** The arithmetic of softmax's backward for the tokens that it moves most, the chosen one, and all together. */
function fillTable(b, average, chosen) {
  const largest = order(b.dscores.map(Math.abs)).filter((i) => i !== chosen).slice(0, SHOWN), sum = (values) => values.reduce((a, v) => a + v, 0);
  const line = (cells, kind) => make("tr", { class: kind }, make("th", { scope: "row" }, cells[0]), ...cells.slice(1).map((text) => make("td", {}, text)));
  const small = (value) => (Math.abs(value) < 5e-6 ? "0" : signed(value)); // rounding of float32 is no news
  table.replaceChildren(
    ...[chosen, ...largest].map((i) => line([tokenName(i), percent(b.weights[i]), signed(b.dweights[i]), signed(b.dweights[i] - average), signed(b.dscores[i])], i === chosen ? "chosen" : "")),
    line([t("tableAll", { n: b.weights.length }), percent(sum(b.weights)), t("tableMean", { value: signed(average) }), "", small(sum(b.dscores))], "sum"),
  );
}
