// The page: opens an engine, builds the sections that its model has something to say to, and draws them when it answers.
import { ask, onChange, onTrouble, trouble } from "./asking.js";
import { $, make, say } from "./dom.js";
import { openEngine } from "./engines.js";
import { colour, forgetColours, paint, picture } from "./paint.js";
import * as backward from "./sections/backward.js";
import * as draw from "./sections/draw.js";
import * as learning from "./sections/learning.js";
import * as run from "./sections/run.js";
import * as stream from "./sections/stream.js";
import * as task from "./sections/task.js";
import * as tokens from "./sections/tokens.js";
import * as whatIf from "./sections/what_if.js";
import * as why from "./sections/why.js";
import { className, classifies, shapeOf, state } from "./state.js";
import { chooseLanguage, chosenLanguage, keep, read, t, translate } from "./texts.js";
import { tokenName } from "./patches.js";

const SECTIONS = { draw, task, tokens, why, stream, backward, "what-if": whatIf, learning, run };
let shown = [];

async function start() {
  theme();
  words();
  $("language").addEventListener("click", () => {
    chooseLanguage(chosenLanguage() === "en" ? "zh" : "en");
    words();
    ask("nothing");
  });
  state.engine = await openEngine();
  state.about = state.engine.about;
  state.shape = shapeOf(state.about.config);
  Object.assign(state, { block: Math.max(0, state.shape.depth - 1), other: state.shape.prefix });
  const { prefix, rows, columns } = state.shape; // who asks at first is read by the head
  if (!state.about.config.pool.startsWith("cls")) state.token = prefix + Math.floor(rows / 2) * columns + Math.floor(columns / 2);
  shown = Object.entries(SECTIONS).filter(([, section]) => section.fits());
  for (const id of Object.keys(SECTIONS)) $(id).hidden = !shown.some(([name]) => name === id);
  for (const [, section] of shown) section.build();
  links();
  $("all-on").addEventListener("click", () => { state.off.clear(); ask("look"); });
  words();
  onChange(render);
  follow();
  if (draw.fits()) await draw.begin();
  else task.begin();
}

/** Numbers before the titles of the sections, and links to them. */
function links() {
  shown.forEach(([id], at) => {
    const title = $(`h-${id}`), key = title.querySelector("span").dataset.text;
    title.querySelector("b").textContent = at + 1;
    $("links").append(make("li", {}, make("a", { href: `#${id}`, "data-title": key }, String(at + 1), make("span", { class: "unseen", "data-text": key }))));
  });
}

/** Which section is before the reader: the bar names what is chosen there, and knows how much room it takes. */
function follow() {
  const seen = new IntersectionObserver((entries) => {
    const entry = entries.findLast(({ isIntersecting }) => isIntersecting);
    if (!entry) return;
    state.inView = entry.target.id;
    for (const link of $("links").querySelectorAll("a")) link.toggleAttribute("aria-current", link.hash === `#${state.inView}`);
    if (state.answer && classifies()) renderChosen();
  }, { rootMargin: "-50% 0px" });
  shown.forEach(([id]) => seen.observe($(id)));
  const sized = new ResizeObserver((entries) => entries.forEach(({ target }) => document.documentElement.style.setProperty(`--${target.id}`, `${target.offsetHeight}px`)));
  for (const id of ["bar", "choosers"]) sized.observe($(id));
}

function render() {
  if (!state.answer) return;
  state.image = picture(state.pixels, state.shape);
  for (const [, section] of shown) section.render?.();
  paint($("thumb"), [state.image, 1]);
  if (classifies()) renderFrame(state.answer);
  document.body.dataset.drawn = state.answer.metadata.number ?? ""; // the number of the answer that is drawn in full
}

/** What stays in view above the sections: the answer, and what is chosen. */
function renderFrame({ metadata, probs }) {
  const target = Number(metadata.target);
  for (const chip of document.querySelectorAll(".explained")) say(chip, t("explained", { name: className(target) }));
  say($("engine"), t("spent", { engine: engineName(), time: Math.round(Number(metadata.milliseconds)) || "< 1" }));
  say($("now-answer"), draw.answerWords(probs));
  renderChosen();
  $("all-on").hidden = !state.off.size;
  say($("all-on"), t("allOn", { n: state.off.size }));
}
function renderChosen() {
  const section = state.inView === "backward" ? backward : tokens;
  say($("now-chosen"), state.shape.depth ? t("nowAsking", { token: tokenName(state.token), chosen: section.chosen() }) : "");
}
const engineName = () => (state.about.engine === "your browser" ? t("engineBrowser") : t("enginePython", { library: state.about.engine.split(" ")[0] }));

/** All words in the chosen language. */
function words() {
  document.documentElement.lang = { en: "en", zh: "zh-CN" }[chosenLanguage()];
  document.title = t("pageTitle");
  translate(document);
  if (!state.about) return;
  const { parameters, name } = state.about, { depth, heads, rows, columns, H, W, C } = state.shape;
  $("model").textContent = t("model", { name, parameters: parameters.toLocaleString(chosenLanguage()), depth, heads, rows, columns, size: `${H} × ${W}${C === 3 ? " × 3" : ""}` });
  for (const [, section] of shown) section.words?.();
}

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (name) => {
    document.documentElement.dataset.theme = name;
    forgetColours();
    colour("ink"); // a theme is in force once its colours can be asked for
    ask("nothing");
  };
  set(read("theme") ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", () => read("theme") ?? set(dark.matches ? "dark" : "light"));
  $("theme").addEventListener("click", () => {
    const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    keep("theme", name);
    set(name);
  });
}

onTrouble((error) => {
  $("trouble").hidden = !error;
  if (error) say($("trouble"), error.message);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, select, textarea")) return;
  for (const [, section] of shown) section.key?.(event);
});
start().catch(trouble);
