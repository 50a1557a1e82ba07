// What if: the image moved a little against the logit (an adversarial step), and the model without some of its heads.
import { onRest, show, switchHead, trouble } from "../asking.js";
import { $, later, legend, make, say, signed } from "../dom.js";
import { forAgainst, paint, picture } from "../paint.js";
import { className, classifies, order, state } from "../state.js";
import { formula, t } from "../texts.js";
import { answerWords, answersOf } from "./draw.js";
import { drawLine, line } from "./stream.js";

const MOST = 64; // grey levels of 255
const SHOWN = 10; // logits
let slider, moved, canvases, toggles, lines, verdict;

export const fits = classifies;

export function build() {
  buildAdversarial();
  toggles = [];
  if (state.shape.depth) buildHeads();
  else $("without").hidden = true;
}

function buildAdversarial() {
  slider = make("input", { type: "range", min: 0, max: MOST, value: 16, "data-label": "epsilonLabel", input: () => { words(); soon(); } });
  slider.output = make("span", { class: "v" });
  canvases = ["stepLabel", "movedLabel"].map((label) => make("canvas", { ...state.shape.map, role: "img", "data-label": label }));
  verdict = make("p", { class: "sentence", "aria-live": "polite" });
  moved = make("button", { "data-text": "useMoved", disabled: "", click: () => show(moved.pixels) });
  $("adversarial").append(make("figcaption", { "data-text": "adversarialTitle" }), make("p", { class: "words", "data-text": "adversarialWords" }), make("p", { class: "formula" }, formula("pixel′ = pixel − ε · sign(∂logit / ∂pixel)")),
    make("label", { class: "range" }, make("span", { "data-text": "epsilon" }), slider, slider.output), make("div", { class: "pair" }, ...canvases), legend({ for: "brighter", against: "darker" }), verdict, moved);
  onRest(attack);
}

const soon = later(60, () => attack());
async function attack() {
  const { answer, engine } = state, epsilon = Number(slider.value);
  try {
    const { pixels } = await engine.adversarial(answer.metadata.number, Number(answer.metadata.target), epsilon);
    const bytes = Uint8Array.from(pixels), then = await engine.look(bytes, state);
    if (answer !== state.answer || epsilon !== Number(slider.value)) return;
    moved.pixels = bytes;
    moved.disabled = false;
    const { H, W, C } = state.shape, step = new Float32Array(H * W);
    bytes.forEach((value, i) => { step[i % (H * W)] += (value - state.pixels[i]) / C; });
    paint(canvases[0], [forAgainst(step, H, W, MOST), 1]);
    paint(canvases[1], [picture(bytes, state.shape), 1]);
    const target = Number(answer.metadata.target), values = { before: signed(answer.logits[target]), after: signed(then.logits[target]), name: className(target), answer: answerWords(then.probs) };
    const [was, is] = [answer, then].map(({ probs }) => answersOf(probs).sort()), isSame = was.join() === is.join();
    say(verdict, t(was.includes(target) ? (isSame ? "notFooled" : "fooled") : isSame ? "otherHolds" : "otherMoves", values));
  } catch (error) {
    if (answer === state.answer) trouble(error);
  }
}

function buildHeads() {
  const { depth, heads, classes } = state.shape, indices = (n) => [...Array(n).keys()];
  const grid = make("div", { class: "toggles", role: "group", "data-label": "withoutTitle" });
  grid.style.gridTemplateColumns = `max-content repeat(${heads}, minmax(1.9rem, 3.2rem))`;
  for (const block of indices(depth)) {
    grid.append(make("span", { class: "side", "data-text": "block", "data-n": block + 1 }));
    for (const head of indices(heads)) {
      const node = make("button", { role: "switch", "data-label": "cellHead", "data-block": block + 1, "data-head": head + 1, click: () => switchHead(`${block}.${head}`) }, String(head + 1));
      toggles.push([`${block}.${head}`, node]);
      grid.append(node);
    }
  }
  lines = Array.from({ length: Math.min(SHOWN, classes) }, () => line());
  $("without").append(make("figcaption", { "data-text": "withoutTitle" }), make("p", { class: "words", "data-text": "withoutWords" }), grid, make("p", { class: "sentence", id: "without-said", "aria-live": "polite" }),
    make("div", { class: "changes" }, ...lines.map(({ node }) => node)), legend({ for: "rises", against: "falls" }));
}

export function words() {
  slider.output.textContent = t("greyLevels", { n: slider.value });
}

export function render() {
  if (!toggles.length) return;
  const { logits, logits_all_heads: before } = state.answer, change = logits.map((value, k) => (before ? value - before[k] : 0));
  for (const [name, node] of toggles) node.setAttribute("aria-checked", !state.off.has(name));
  const shown = logits.length <= SHOWN ? [...logits.keys()] : order(change.map(Math.abs)).slice(0, SHOWN);
  const low = Math.min(0, ...change), high = Math.max(0, ...change);
  lines.forEach((each, i) => drawLine(each, t("logitOf", { name: className(shown[i]) }), change[shown[i]], low, high || 1));
  const most = order(change.map(Math.abs))[0];
  say($("without-said"), before ? t("withoutSaid", { n: state.off.size, name: className(most), value: signed(change[most]), answer: answerWords(state.answer.probs) }) : t("withoutNone"));
}
