// Watch it learn: a small model of random weights learns digits in this page, and what it makes of some of them moves.
import { trouble } from "../asking.js";
import { curve, curveFigure } from "../curve.js";
import { $, legend, make, percent, say } from "../dom.js";
import { startLearner } from "../engine/start.js";
import { filesOf, forgetLearned, keepLearned } from "../learned.js";
import { paint, picture, shares } from "../paint.js";
import { order, row, state } from "../state.js";
import { chosenLanguage, t } from "../texts.js";

const SMOOTH = 20; // steps of which the mean loss is drawn
const run = { losses: [], looks: [], now: null, seed: 0 };
let learner, loss, accuracy, digits, said, buttons, wanted;

export const fits = () => Boolean(state.about.learns);

export function build() {
  [loss, accuracy] = ["learningLoss", "learningAccuracy"].map(curveFigure);
  digits = make("div", { class: "digits" });
  said = make("p", { class: "sentence", "aria-live": "polite" });
  const button = (text, click, disabled) => make("button", { "data-text": text, click, disabled: disabled && "" });
  buttons = {
    start: button("learningStart", () => tell(run.now?.isRunning ? "pause" : "start")),
    reset: button("learningReset", reset, true),
    show: button("learningShow", () => weightsFor(shown), true),
    save: button("learningSave", () => weightsFor(saved), true),
    back: button("learningBack", back),
  };
  buttons.back.hidden = !state.about.learned;
  $("learning-body").append(make("div", { class: "row" }, ...Object.values(buttons)), said,
    make("div", { class: "two" }, loss.figure, accuracy.figure),
    make("figure", {}, make("figcaption", { "data-text": "learningDigits" }), digits, legend({ shares: "leastMost" })));
}

function tell(order) {
  learner ??= opened();
  learner.postMessage({ order, seed: run.seed });
}

function opened() {
  const worker = startLearner();
  worker.onerror = (event) => trouble(new Error(event.message || "the browser could not start to learn"));
  worker.onmessage = ({ data: { progress, weights, about, error } }) => {
    if (error) return trouble(new Error(error));
    if (weights) return wanted?.(about, weights);
    if (progress) {
      run.losses.push(...progress.losses);
      run.looks.push(...progress.looks);
    }
    run.now = progress;
    return words();
  };
  return worker;
}

function reset() {
  Object.assign(run, { losses: [], looks: [], now: null, seed: run.seed + 1 });
  tell("reset");
  words();
}

function weightsFor(action) {
  wanted = action;
  tell("weights");
}

/** The page opens anew, with what was learned in the place of its model. */
function shown(about, weights) {
  keepLearned({ ...about, learns: true, learned: true }, weights);
  location.reload();
}

function back() {
  forgetLearned();
  location.reload();
}

function saved(about, weights) {
  for (const [name, content] of filesOf(about, weights)) {
    const address = URL.createObjectURL(new Blob([content]));
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }
}

/** It is drawn anew for what it learned and for another language; what is drawn on the sheet changes nothing here. */
export function words() {
  const { now, losses, looks } = run, running = Boolean(now?.isRunning);
  buttons.start.dataset.text = now?.isDone ? "learningDone" : running ? "learningPause" : now ? "learningGoOn" : "learningStart";
  say(buttons.start, t(buttons.start.dataset.text));
  buttons.start.disabled = Boolean(now?.isDone);
  for (const name of ["reset", "show", "save"]) buttons[name].disabled = !now;
  const last = looks.at(-1);
  say(said, now ? t("learningNow", { images: now.images.toLocaleString(chosenLanguage()), seconds: now.seconds.toFixed(0), share: percent(last?.accuracy ?? 0) }) : t("learningIdle"));
  const epochs = now ? now.totalSteps / now.stepsPerEpoch : 1, place = (step) => step / (now?.stepsPerEpoch ?? 1);
  curve(loss.svg, [{ name: t("trainLine"), kind: "first", points: smoothed(losses, place) }], { of: epochs, words: (v) => v.toFixed(2), fromZero: true });
  curve(accuracy.svg, [{ name: "", kind: "second", points: looks.map((look) => [place(look.step), look.accuracy]) }], { of: epochs, words: percent, fromZero: true });
  if (now) renderDigits(now);
  else digits.replaceChildren();
}

/** Mean losses of some steps each. */
function smoothed(losses, place) {
  const points = [];
  for (let stop = SMOOTH; stop <= losses.length; stop += SMOOTH)
    points.push([place(stop), losses.slice(stop - SMOOTH, stop).reduce((sum, value) => sum + value, 0) / SMOOTH]);
  return points;
}

function renderDigits({ digits: images, attention, probs, classes }) {
  const shaped = ({ data, shape }) => Object.assign(data, { shape });
  const [pixels, maps, answers] = [images, attention, probs].map(shaped), [count, C, H, W] = pixels.shape;
  const [, depth, rows, columns] = maps.shape;
  digits.replaceChildren(...Array.from({ length: count }, (_, i) => {
    const image = picture(row(pixels, i), { C, H, W }), of = row(answers, i), best = order(of)[0];
    const node = make("canvas", { width: 112, height: 112 });
    paint(node, [image, 1], [shares(row(maps, i, depth - 1), rows, columns), 0.6]);
    return make("div", {}, node, make("span", { class: "caption" }, t("answerOne", { name: classes[best], share: percent(of[best]) })));
  }));
}
