// Questions to the engine: one in flight, and of what was asked meanwhile only the newest counts.
import { later } from "./dom.js";
import { classifies, order, state } from "./state.js";

const REST = 180; // milliseconds without a new question until what costs more is asked
const listeners = { change: [], rest: [], trouble: [] };
export const onChange = (listener) => listeners.change.push(listener); // the answer or what is chosen has changed
export const onRest = (listener) => listeners.rest.push(listener); // and then nothing for a while
export const onTrouble = (listener) => listeners.trouble.push(listener); // an Error, or null: over

const wanted = new Set(); // "look": a new answer; "detail": only of another token or head; "nothing": only drawn again
let busy = false;

export async function ask(what) {
  wanted.add(what);
  if (busy) return;
  busy = true;
  try {
    while (wanted.size) {
      const now = new Set(wanted);
      wanted.clear();
      await answer(now);
      listeners.change.forEach((listener) => listener());
    }
    trouble(null);
  } catch (error) {
    trouble(error);
  }
  busy = false;
  if (wanted.size) ask(wanted.values().next().value);
  else rest();
}
export const trouble = (error) => listeners.trouble.forEach((listener) => listener(error));
const rest = later(REST, () => !busy && state.answer && listeners.rest.forEach((listener) => listener(state.answer)));

async function answer(now) {
  if (!state.pixels || state.about.task === "generate" || (now.size === 1 && now.has("nothing"))) return;
  if (!classifies()) return Object.assign(state, { answer: await state.engine.task(state.pixels, state.seed) });
  let looked = state.answer;
  if (now.has("look") || !looked) looked = await state.engine.look(state.pixels, state);
  let detail;
  try {
    detail = await detailOf(looked);
  } catch (error) {
    if (looked !== state.answer) throw error;
    looked = await state.engine.look(state.pixels, state); // it was long ago, and is no longer kept
    detail = await detailOf(looked);
  }
  Object.assign(state, { answer: looked, detail });
  if (!otherChosen && detail.backward) state.other = order(detail.backward.dscores.map(Math.abs))[0]; // the one that matters most
}

async function detailOf(looked) {
  const { engine, shape, token, block, head } = state, { number, target } = looked.metadata;
  if (!shape.depth) return { token: await engine.token(number, token), backward: null };
  const [seen, backward] = await Promise.all([engine.token(number, token), engine.backward(number, { target, block, head, token })]);
  return { token: seen, backward };
}

/** A new image; `target` stays chosen only if `keepTarget`. */
export function show(pixels) {
  state.pixels = pixels;
  return ask("look");
}
export function explain(k) {
  state.target = state.target === k ? null : k;
  return ask("look");
}
export function chooseHead(block, head) {
  Object.assign(state, { block, head });
  return ask("detail");
}
export function switchHead(name) {
  if (!state.off.delete(name)) state.off.add(name);
  return ask("look");
}

let otherChosen = false; // by a person
const kept = { token: null, other: null }; // what a click has chosen, while the pointer shows something else
/** Chooses who asks ("token") or who is looked at ("other"); null: back to what a click chose. */
export function choose(which, token, keep) {
  if (keep) kept[which] = null;
  else if (token === null) {
    token = kept[which];
    kept[which] = null;
    if (token === null) return;
  } else kept[which] ??= state[which];
  otherChosen ||= which === "other";
  if (token === state[which]) return;
  state[which] = token;
  ask(which === "token" ? "detail" : "nothing");
}
