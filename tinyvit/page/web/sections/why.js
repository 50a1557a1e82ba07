// Why this answer: maps of what mattered, from what is only seen to what is tried, and how well each agrees with the trial.
import { onRest, trouble } from "../asking.js";
import { $, legend, make, say } from "../dom.js";
import { forAgainst, ghost, paint, shares } from "../paint.js";
import { classifies, row, state } from "../state.js";
import { TEXTS, marked, t } from "../texts.js";

// name: [title, formula (or the key of one in words), words, does it depend on the class?, its name among the agreements]
const CARDS = {
  last_attention: ["lastAttention", "A", "lastAttentionWords", false, "last attention"],
  rollout: ["rollout", "∏ (A + I) / 2", "rolloutWords", false, "rollout"],
  relevance: ["relevance", "R ← R + (A ⊙ dA)⁺ R", "relevanceWords", true, "relevance"],
  dimage: ["inputGradient", "∂logit / ∂pixel", "inputGradientWords", true, "input gradient"],
  gradient_x_input: ["gradientInput", "∑ ∂logit / ∂pixel · pixel", "gradientInputWords", true, "gradient x input"],
  cover: ["covering", "coveringFormula", "coveringWords", true, null],
};
const ATTENTION = ["last_attention", "rollout", "relevance"];
let cards;

export const fits = classifies;

export function build() {
  const { depth, map } = state.shape;
  cards = {};
  for (const [name, [title, formula, words, depends, agreement]] of Object.entries(CARDS)) {
    if (!depth && ATTENTION.includes(name)) continue;
    const canvas = make("canvas", { ...map, role: "img", "data-label": title });
    const agree = make("p", { class: "agree" });
    const node = make("div", {}, make("div", { class: "picture" }, canvas),
      make("h3", {}, make("span", { "data-text": title }), ...(depends ? [" ", make("i", { class: "dot" })] : [])),
      make("p", { class: "formula", "data-text": formula in TEXTS && formula }, formula), agreement ? agree : "", make("p", { "data-text": words }));
    if (name === "relevance" && depth > 1) node.append(fromBlock(depth));
    cards[name] = { canvas, agree, agreement };
    $("cards").append(node);
  }
  $("why").append(legend({ ...(depth && { shares: "leastMost" }), for: "speaksFor", against: "speaksAgainst" }));
  onRest(cover);
}

export function words() {
  const lead = [t("whyLead"), ...(state.shape.depth ? [t("whyBlind")] : [])];
  $("why-lead").replaceChildren(...marked(lead.join(" ")));
}

/** The slider of the first block that relevance counts: early blocks may overpower the late ones. */
function fromBlock(depth) {
  const number = make("span", {}, "1");
  const slider = make("input", { type: "range", min: 1, max: depth, value: 1, "data-label": "fromLabel", input: () => {
    state.from = Number(slider.value) - 1;
    number.textContent = slider.value;
    state.cover = null;
    render();
    cover();
  } });
  return make("label", {}, make("span", { "data-text": "from" }), slider, number);
}

/** Each patch is painted over in turn: that many forward passes, so only when the pen rests. */
async function cover() {
  const { answer, from } = state;
  if (state.cover?.of === answer) return;
  try {
    const found = await state.engine.cover(answer.metadata.number, Number(answer.metadata.target), state.shape.depth ? from : null);
    if (answer !== state.answer || from !== state.from) return;
    state.cover = { ...found, of: answer };
    render();
  } catch (error) {
    if (answer === state.answer) trouble(error);
  }
}

export function render() {
  const { answer, shape: { H, W, C, rows, columns }, image } = state;
  const map = (values) => [[image, 1], [shares(values, rows, columns), 0.72]];
  const shade = [ghost(state.pixels, state.shape), 0.35];
  for (const [name, { canvas, agree, agreement }] of Object.entries(cards)) {
    if (name === "relevance") paint(canvas, ...map(row(answer.relevance, state.from)));
    else if (name === "dimage") paint(canvas, [forAgainst(overChannels(answer.dimage, C, H * W), H, W), 1], shade);
    else if (name === "gradient_x_input") paint(canvas, [forAgainst(answer.gradient_x_input, rows, columns), 1], shade);
    else if (name !== "cover") paint(canvas, ...map(answer[name]));
    else if (state.cover) paint(canvas, [forAgainst(state.cover.cover, rows, columns), 1], shade);
    canvas.classList.toggle("stale", name === "cover" && state.cover?.of !== answer);
    if (agreement) say(agree, agreementWords(agreement));
  }
}
function overChannels(dimage, C, size) {
  const sum = new Float32Array(size);
  dimage.forEach((value, i) => { sum[i % size] += value / C; });
  return sum;
}
function agreementWords(name) {
  if (state.cover?.of !== state.answer) return t("agrees", { value: "…" });
  const value = state.cover.agreement[state.cover.metadata.names.split(",").indexOf(name)];
  return Number.isFinite(value) ? t("agrees", { value: value.toFixed(2).replace("-", "−") }) : t("agreesFlat");
}
