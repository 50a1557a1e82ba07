// The worker that trains, beside the page so that drawing never waits for it: orders in, progress out.
//
// Page -> worker: {files: a port}, then {order: "start" (or go on), "pause", "reset" or "weights", seed}.
// Worker -> page: {progress: {...}} several times a second, {weights: a safetensors file, about}, or {error: one sentence}.
import { askingFor } from "../files.js";
import { serialize } from "../safetensors.js";
import { readDigits } from "./digits.js";
import { Learner } from "./learner.js";

const TELL = 250; // milliseconds between two messages while it learns
const LOOK = 100; // steps between two looks at held-out digits
const QUICK = 200; // of them in such a look; all of them at the end of an epoch
const SHOWN = 6; // digits whose attention is shown

let openFile, material, learner, history, isRunning = false;

onmessage = async ({ data: { files, order, seed = 0 } }) => {
  if (files) {
    openFile = askingFor(files);
    return;
  }
  try {
    await orders[order](seed);
  } catch (error) {
    isRunning = false;
    postMessage({ error: error.message });
  }
};

const orders = {
  async start(seed) {
    if (isRunning) return;
    isRunning = true;
    material ??= await opened();
    learner ??= begun(seed);
    run();
  },
  pause() { isRunning = false; },
  reset() {
    isRunning = false;
    learner = null;
    postMessage({ progress: null });
  },
  weights() {
    if (!learner) throw new Error("nothing has been learned yet: start first");
    const { about } = material, parameters = learner.model.parameters();
    const count = Object.values(parameters).reduce((n, { data }) => n + data.length, 0);
    const own = { ...about, name: "learned in this page", config: learner.config.asDict(), parameters: count };
    postMessage({ weights: serialize(parameters, { format: "pt" }), about: own });
  },
};

async function opened() {
  const [about, digits] = await Promise.all([openFile("digits.json"), openFile("digits.safetensors.gz")]);
  return { about: JSON.parse(new TextDecoder().decode(about)), digits: await readDigits(digits) };
}

function begun(seed) {
  const { about, digits } = material;
  history = { losses: [], looks: [], seconds: 0 };
  return new Learner(digits, { ...about, seed });
}

/** Steps until it is done or told to stop; between two messages it listens. */
async function run() {
  const current = learner;
  while (isRunning && current === learner && !current.isDone) {
    const start = performance.now();
    while (performance.now() - start < TELL && !current.isDone) {
      if (current.step === 0) looked(current.evaluate(QUICK)); // it can only guess
      history.losses.push(current.takeStep());
      if (current.step % current.stepsPerEpoch === 0) looked(current.evaluate());
      else if (current.step % LOOK === 0) looked(current.evaluate(QUICK));
    }
    history.seconds += (performance.now() - start) / 1000;
    tell();
    await new Promise((listen) => setTimeout(listen));
  }
  if (current === learner && current.isDone) isRunning = false;
  if (current === learner) tell();
}

const looked = ({ loss, accuracy }) => history.looks.push({ step: learner.step, loss, accuracy });

function tell() {
  const { digits, about } = material, { step, totalSteps, stepsPerEpoch, recipe } = learner;
  const shown = Array.from({ length: SHOWN }, (_, i) => i), [H, W] = digits.size;
  const images = { data: digits.heldOut.pixels.slice(0, SHOWN * H * W), shape: [SHOWN, 1, H, W] };
  const progress = {
    totalSteps, stepsPerEpoch, isRunning, isDone: learner.isDone, seconds: history.seconds,
    images: step * recipe.batchSize, losses: history.losses.splice(0), looks: history.looks.splice(0),
    digits: images, classes: about.class_names, ...learner.maps(shown),
  };
  postMessage({ progress });
}
