// A run as it happens: its curves, what its weights make of a few digits epoch after epoch, and the patch embedding.
import { trouble } from "../asking.js";
import { curve, curveFigure } from "../curve.js";
import { $, legend, make, percent, say } from "../dom.js";
import { forAgainst, paint, picture, shares } from "../paint.js";
import { className, order, row, state } from "../state.js";
import { chosenLanguage, t } from "../texts.js";

let changes = 0, drawn; // what is drawn, so that strokes on the sheet do not draw the run anew
const run = { about: null, steps: [], epochs: [], measure: null, mapped: [], shown: null, maps: null, note: "" };
let loss, measure, slider, said, digits, missing, filters, block;

export const fits = () => Boolean(state.about.watching);

export function build() {
  loss = curveFigure("lossTitle");
  measure = curveFigure("measureTitle");
  slider = make("input", { type: "range", min: 0, max: 0, value: 0, "data-label": "epochLabel", input: () => fetchMaps(run.mapped[Number(slider.value)]) });
  said = make("span", { class: "v" });
  block = make("select", { change: changed });
  digits = make("div", { class: "digits" });
  missing = make("p", { class: "caption" });
  filters = make("div", { class: "filters", role: "img", "data-label": "filtersTitle" });
  $("run-body").append(make("div", { class: "two" }, loss.figure, measure.figure),
    make("figure", {}, make("figcaption", { "data-text": "epochsTitle" }), make("div", { class: "choosers" }, make("label", { class: "range" }, make("span", { "data-text": "epoch" }), slider, said), make("label", {}, make("span", { "data-text": "blockChoose" }), block)), digits, legend({ shares: "leastMost" }), missing),
    make("figure", {}, make("figcaption", { "data-text": "filtersTitle" }), filters, legend({ for: "filterUp", against: "filterDown" })), make("p", { class: "caption", id: "run-note" }));
  state.engine.events(listen);
}

function listen(event) {
  if (event.kind === "run") Object.assign(run, { about: event, steps: [], epochs: [], mapped: [] });
  if (event.kind === "steps") run.steps.push(...event.steps);
  if (event.kind === "epochs") Object.assign(run, { epochs: event.epochs, measure: event.measure });
  if (event.kind === "note") {
    run.note = event.text;
    say($("run-note"), run.note);
  }
  if (event.kind === "maps") {
    const followed = run.shown === null || run.shown === run.mapped.at(-1);
    run.mapped = event.epochs;
    slider.max = Math.max(0, run.mapped.length - 1);
    if (followed && run.mapped.length) {
      slider.value = slider.max;
      fetchMaps(run.mapped.at(-1));
    }
  }
  changed();
}
function changed() {
  changes += 1;
  render();
}

async function fetchMaps(epoch) {
  run.shown = epoch;
  try {
    const maps = await state.engine.maps(epoch);
    if (run.shown === epoch) run.maps = maps;
    changed();
  } catch (error) { trouble(error); }
}

export function render() {
  const wanted = [changes, chosenLanguage(), document.documentElement.dataset.theme].join();
  if (!run.about || wanted === drawn) return;
  drawn = wanted;
  const { epochs, steps, about, measure: key } = run;
  say($("run-name"), t("runName", { name: about.name, epoch: epochs.length, of: about.epochs }));
  const line = (key, name, kind) => ({ name: t(name), kind, points: epochs.filter((e) => e[key] != null).map((e) => [e.epoch, e[key]]) });
  const stepLine = { name: "", kind: "thin", points: steps.map(({ epoch, loss: value }) => [epoch, value]) };
  curve(loss.svg, [stepLine, line("train_loss", "trainLine", "first"), line("dev_loss", "devLine", "second")], { of: about.epochs, words: (v) => v.toFixed(2), fromZero: true });
  if (key) curve(measure.svg, [line(key, "devLine", "first")], { of: about.epochs, words: /accuracy|iou|precision/.test(key) ? percent : (v) => v.toFixed(2) });
  measure.figure.hidden = !key;
  const last = epochs.at(-1);
  if (last) loss.svg.setAttribute("aria-label", `${t("lossTitle")}: ${t("trainLine")} ${last.train_loss?.toFixed(2) ?? "–"}, ${t("devLine")} ${last.dev_loss?.toFixed(2) ?? "–"}`);
  say(said, run.shown === null ? "" : String(run.shown));
  say(missing, missingWords(epochs.map(({ epoch }) => epoch).filter((epoch) => !run.mapped.includes(epoch))));
  if (run.maps) renderMaps(run.maps);
}

/** Of which finished epochs there are no maps, and why: [1, 2, 3, 5] -> "... 1–3, 5 ...". */
function missingWords(epochs) {
  if (!run.mapped.length) return run.note ? "" : t(epochs.length ? "mapsNone" : "mapsLater");
  const ranges = [];
  for (const epoch of epochs) {
    if (epoch === ranges.at(-1)?.at(-1) + 1) ranges.at(-1)[1] = epoch;
    else ranges.push([epoch]);
  }
  return ranges.length ? t("mapsMissing", { epochs: ranges.map((ends) => ends.join("–")).join(", ") }) : "";
}

function renderMaps({ digits: images, attention, probs, filters: weights }) {
  const [count, C, H, W] = images.shape, [, depth, rows, columns] = attention.shape;
  if (block.options.length !== depth) {
    block.replaceChildren(...Array.from({ length: depth }, (_, b) => make("option", { value: b }, String(b + 1))));
    block.value = String(depth - 1);
  }
  const b = Number(block.value), name = (k) => (probs.shape[1] === state.shape.classes ? className(k) : String(k));
  const canvas = (size, ...layers) => {
    const node = make("canvas", { width: size, height: size });
    paint(node, ...layers);
    return node;
  };
  digits.replaceChildren(...Array.from({ length: count }, (_, i) => {
    const image = picture(row(images, i), { C, H, W }), best = probs && order(row(probs, i))[0];
    return make("div", {}, canvas(112, [image, 1]), depth ? canvas(112, [image, 1], [shares(row(attention, i, b), rows, columns), 0.72]) : "",
      make("span", { class: "caption" }, probs ? t("answerOne", { name: name(best), share: percent(row(probs, i)[best]) }) : ""));
  }));
  const [D, channels, P] = weights.shape;
  filters.replaceChildren(...Array.from({ length: D }, (_, i) => {
    const mean = new Float32Array(P * P);
    row(weights, i).forEach((value, at) => { mean[at % (P * P)] += value / channels; });
    return canvas(68, [forAgainst(mean, P, P), 1]);
  }));
}
