// What a model of another task makes of the image: patches painted back, a mask, boxes, or a digit made from noise.
import { ask, trouble } from "../asking.js";
import { $, later, make, number, percent, say } from "../dom.js";
import { paint, picture } from "../paint.js";
import { className, classifies, row, state } from "../state.js";
import { t } from "../texts.js";

const PIXELS = 504; // of a canvas
const FRAME = 90; // milliseconds of a step that is played
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#b2df8a"]; // Okabe and Ito 2008
let canvases, found, sampler;

export const fits = () => !classifies();

export function build() {
  const { task } = state.about, views = { mae: ["maeSeen", "maePainted", "maeWhole"], segment: ["segmentMask"], detect: ["detectBoxes"], generate: ["generateNoisy", "generateGuess"] }[task];
  $("task-title").dataset.text = `${task}Title`;
  $("task-lead").dataset.text = `${task}Lead`;
  canvases = views.map((label) => make("canvas", { width: PIXELS, height: Math.round((PIXELS * state.shape.H) / state.shape.W), role: "img", "data-label": label }));
  found = make("ul", { class: "found", "aria-live": "polite" });
  $("task-body").append(...(task === "generate" ? [buildSampler()] : []), make("div", { class: "row tall" }, ...canvases.map((canvas, i) => make("figure", {}, canvas, make("figcaption", { "data-text": views[i] })))), found);
  if (task === "mae") {
    $("task-body").append(make("button", { "data-text": "maeAgain", click: () => {
      state.seed += 1;
      ask("look");
    } }));
  }
}

export function words() {
  if (state.about.task === "generate") renderSample();
}

export function render() {
  const draw = { mae: renderMae, segment: renderMask, detect: renderBoxes }[state.about.task];
  draw?.(state.answer);
}

function renderMae({ painted, hidden }) {
  const { shape, image } = state, { H, W, P, columns } = shape;
  const seen = state.pixels.map((value, i) => (hidden[Math.floor((Math.floor(i / W) % H) / P) * columns + Math.floor((i % W) / P)] ? 96 : value));
  [picture(seen, shape), picture(painted, shape), image].forEach((each, i) => paint(canvases[i], [each, 1]));
}

function renderMask({ mask }) {
  const { H, W } = state.shape, classes = [...new Set(mask)].sort((a, b) => a - b), isGround = (k) => k === 0;
  const colours = new Map(classes.map((k) => [k, isGround(k) ? "#000000" : COLOURS[(k - 1) % COLOURS.length]]));
  const layer = new OffscreenCanvas(W, H), pen = layer.getContext("2d"), middle = new Map(classes.map((k) => [k, [0, 0, 0]]));
  mask.forEach((k, i) => {
    const x = i % W, y = Math.floor(i / W), sum = middle.get(k);
    [x, y, 1].forEach((value, at) => { sum[at] += value; });
    if (isGround(k)) return;
    pen.fillStyle = colours.get(k);
    pen.fillRect(x, y, 1, 1);
  });
  paint(canvases[0], [state.image, 1], [layer, 0.55]);
  for (const [k, [x, y, n]] of middle) if (!isGround(k)) label(className(k), (x / n + 0.5) / W, (y / n + 0.5) / H);
  found.replaceChildren(...classes.map((k) => {
    const square = make("i");
    square.style.background = colours.get(k);
    return make("li", {}, square, `${className(k)} ${percent(middle.get(k)[2] / mask.length)}`);
  }));
}

function renderBoxes({ boxes }) {
  const { H, W } = state.shape, pen = canvases[0].getContext("2d"), { width, height } = canvases[0];
  paint(canvases[0], [state.image, 1]);
  const items = Array.from({ length: boxes.shape[0] }, (_, i) => row(boxes, i)).map(([x0, y0, x1, y1, k, score]) => {
    Object.assign(pen, { strokeStyle: COLOURS[k % COLOURS.length], lineWidth: 4 });
    pen.strokeRect((x0 / W) * width, (y0 / H) * height, ((x1 - x0) / W) * width, ((y1 - y0) / H) * height);
    label(className(k), x0 / W + 0.03, Math.max(0.04, y0 / H));
    return t("boxFound", { name: className(k), share: percent(score), x0: number(x0), x1: number(x1), y0: number(y0), y1: number(y1) });
  });
  found.replaceChildren(...(items.length ? items : [t("nothingFound")]).map((text) => make("li", {}, text)));
}

/** A word on the first canvas; places are shares of its sides. */
function label(text, x, y) {
  const pen = canvases[0].getContext("2d"), { width, height } = canvases[0];
  Object.assign(pen, { font: `600 ${Math.round(width / 22)}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle", lineWidth: 5, strokeStyle: "#000", fillStyle: "#fff" });
  pen.strokeText(text, x * width, y * height);
  pen.fillText(text, x * width, y * height);
}

function buildSampler() {
  const { class_names: names, guidance = 1 } = state.about, soon = later(120, sample);
  sampler = { seed: 0, at: 0, answer: null,
    label: make("select", { change: sample }, ...names.map((name, k) => make("option", { value: k }, name))),
    guidance: make("input", { type: "range", min: 0, max: 8, step: 0.5, value: guidance, "data-label": "generateGuidance", input: () => { renderSample(); soon(); } }),
    step: make("input", { type: "range", min: 0, max: 1, value: 0, "data-label": "generateStep", input: () => renderSample(Number(sampler.step.value)) }),
    strength: make("span", { class: "v" }), place: make("span", { class: "v" }) };
  const field = (key, ...nodes) => make("label", { class: "range" }, make("span", { "data-text": key }), ...nodes);
  return make("div", { class: "choosers" }, field("generateClass", sampler.label), field("generateGuidance", sampler.guidance, sampler.strength), field("generateStep", sampler.step, sampler.place),
    make("button", { "data-text": "generatePlay", click: () => play(0) }), make("button", { "data-text": "generateAgain", click: () => {
      sampler.seed += 1;
      sample();
    } }));
}

export const begin = () => sample();
async function sample() {
  const asked = [Number(sampler.label.value), Number(sampler.guidance.value), sampler.seed];
  sampler.asked = asked;
  try {
    const answer = await state.engine.sample(...asked);
    if (sampler.asked !== asked) return;
    sampler.answer = answer;
    sampler.step.max = answer.frames.shape[0] - 1;
    document.body.dataset.drawn = asked.join();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) renderSample(answer.frames.shape[0] - 1);
    else play(0);
  } catch (error) { trouble(error); }
}
function play(at) {
  clearTimeout(sampler.timer);
  renderSample(at);
  if (at < Number(sampler.step.max)) sampler.timer = setTimeout(play, FRAME, at + 1);
}
function renderSample(at = sampler.at) {
  const { answer } = sampler, last = Number(sampler.step.max);
  Object.assign(sampler, { at });
  sampler.step.value = at;
  say(sampler.strength, number(Number(sampler.guidance.value)));
  say(sampler.place, t("generateAt", { n: at, of: last }));
  if (!answer) return;
  paint(canvases[0], [picture(row(answer.frames, at), state.shape), 1]);
  paint(canvases[1], [picture(row(answer.guesses, Math.min(at, last - 1)), state.shape), 1]);
  paint($("thumb"), [picture(row(answer.frames, last), state.shape), 1]);
}
