// Draw a digit, or give a picture: the image, cut into patches, and a bar for each class that the model can answer.
import { explain, show, trouble } from "../asking.js";
import { $, make, percent, say } from "../dom.js";
import { cut, paint, picture } from "../paint.js";
import { DIGIT, Sheet } from "../sheet.js";
import { className, classifies, order, state } from "../state.js";
import { marked, t } from "../texts.js";

const MOST = 10; // classes that are shown
const SURE = 0.8;
const CENTRED = ["classify", "mae"]; // tasks whose images are one digit, where MNIST has it
const SIZE = 56; // of an example's canvas
const SHEET = 280;
let sheet, bars, done = () => ""; // what was done to the image, in words

export const fits = () => state.about.task !== "generate";

export function build() {
  const { about, shape } = state;
  Object.assign($("sheet"), { width: SHEET, height: Math.round((SHEET * shape.H) / shape.W) });
  for (const id of ["sheet", "stamps"]) $(id).style.aspectRatio = `${shape.W} / ${shape.H}`;
  $("stamps").height = Math.round(($("stamps").width * shape.H) / shape.W);
  document.querySelector(".flow").classList.toggle("short", !classifies());
  if (about.drawn) sheet = new Sheet($("sheet"), strokes);
  if (!sheet || !classifies()) $("h-draw").lastElementChild.dataset.text = "pictureTitle";
  if (!sheet) {
    $("sheet").removeAttribute("tabindex");
    $("sheet").setAttribute("role", "img");
    $("sheet").dataset.label = "pictureLabel";
  }
  if (about.multi_label) document.querySelector("[data-text=classesNote]").dataset.text = "classesNoteMany";
  for (const id of ["clear", "undo"]) $(id).hidden = !sheet;
  $("clear").addEventListener("click", () => sheet.clear());
  $("undo").addEventListener("click", () => sheet.undo());
  bars = Array.from({ length: classifies() ? Math.min(MOST, shape.classes) : 0 }, () => {
    const node = make("button", { class: "class", click: () => explain(node.k) }, make("span", { class: "c" }), make("span", { class: "bar" }), make("span", { class: "n" }));
    return node;
  });
  $("classes").append(...bars);
  openPictures();
}

/** The first image: the fourth example, a 3 among digits, or where there is none a ball before a wall. */
export async function begin() {
  const { about, shape } = state;
  $("examples").hidden = !about.examples;
  const buttons = await Promise.all(Array.from({ length: Math.min(14, about.examples) }, (_, index) => example(index)));
  $("examples").append(...buttons);
  if (buttons.length) return (buttons[3] ?? buttons[0]).click();
  return take(about.drawn ? new Uint8Array(shape.C * shape.H * shape.W) : ball(shape));
}
function ball({ C, H, W }) {
  return Uint8Array.from({ length: C * H * W }, (_, i) => {
    const c = Math.floor(i / (H * W)), x = ((i % W) + 0.5) / W, y = ((Math.floor(i / W) % H) + 0.5) / H;
    const isBall = Math.hypot((x - 0.45) * W, (y - 0.55) * H) < 0.28 * Math.min(W, H);
    return isBall ? [220, 120, 40][c] - 90 * (x - 0.3) : [120, 150, 170][c] * (1 - 0.5 * y);
  });
}
async function example(index) {
  const canvas = make("canvas", { width: SIZE, height: SIZE });
  const { pixels } = await state.engine.example(index), bytes = Uint8Array.from(pixels);
  paint(canvas, [picture(bytes, state.shape), 1]);
  const button = make("button", { "data-label": "example", "data-n": index + 1, "aria-pressed": false, "aria-label": t("example", { n: index + 1 }), click: () => {
    press(button);
    take(bytes);
  } }, canvas);
  return button;
}
function press(button) {
  for (const other of $("examples").children) other.setAttribute("aria-pressed", other === button);
}

function take(bytes, words) {
  const image = picture(bytes, state.shape);
  if (sheet) sheet.show({ image, pixels: bytes });
  else paint($("sheet"), [image, 1]);
  return shown(bytes, words);
}
function strokes() {
  const { C, H, W } = state.shape, isCentred = CENTRED.includes(state.about.task), of = Math.min(H, W), n = Math.round(of * DIGIT);
  press(null);
  return shown(sheet.pixels(H, W, isCentred) ?? new Uint8Array(C * H * W), isCentred && sheet.strokes.length ? () => t("sheetCentred", { n, of }) : undefined);
}
function shown(pixels, words = () => "") {
  done = sheet && !pixels.some(Boolean) ? () => t("sheetEmpty") : words;
  say($("done"), done());
  state.target = null;
  return show(pixels);
}

function openPictures() {
  const open = async (file) => {
    if (!file) return;
    try {
      const { pixels, metadata } = await state.engine.image(file);
      press(null);
      await take(Uint8Array.from(pixels), () => metadata.done);
    } catch (error) { trouble(error); }
  };
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => { open($("file").files[0]); });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => open([...event.clipboardData.files][0]));
}

/** The classes that are its answer: the likeliest, or in an image of several all that are rather there than not. */
export const answersOf = (probs) => (state.about.multi_label ? order(probs).filter((k) => probs[k] >= 0.5) : order(probs).slice(0, 1));

/** "3 with 98 %", or two classes where the model is not sure, or all that are in an image of several. */
export function answerWords(probs) {
  const [best, second] = order(probs), word = (k) => t("answerOne", { name: className(k), share: percent(probs[k]) });
  if (state.about.multi_label) return t("saysAll", { list: answersOf(probs).slice(0, 5).map(word).join(", ") || t("saysNone") });
  return probs[best] > SURE || second === undefined ? t("says", { answer: word(best) }) : t("unsure", { answer: word(best), second: word(second) });
}

export function words() {
  say($("done"), done());
  const { N, C, P, H, W, rows, columns, D } = state.shape;
  $("cut").replaceChildren(...marked(t("cut", { H, W, patches: rows * columns, P, tokens: N, numbers: D, pixels: C * P * P })));
  $("classes").style.setProperty("--names", `${Math.min(16, Math.max(1, ...Array.from({ length: Math.min(100, state.shape.classes) }, (_, k) => className(k).length)))}ch`);
}

export function render() {
  const { probs, metadata } = state.answer, { rows, columns, classes } = state.shape, target = Number(metadata.target);
  cut($("stamps"), state.image, rows, columns);
  if (!classifies()) return;
  say($("says"), answerWords(probs));
  const shown = classes <= MOST ? [...probs.keys()] : order(probs).slice(0, MOST);
  if (!shown.includes(target)) shown[MOST - 1] = target;
  bars.forEach((node, i) => {
    const k = (node.k = shown[i]), [name, bar, share] = node.children;
    node.setAttribute("aria-pressed", k === target);
    say(name, className(k));
    bar.style.setProperty("--p", `${100 * probs[k]}%`);
    say(share, percent(probs[k]));
  });
}

/** Digits choose the class to explain. */
export function key(event) {
  if (classifies() && /^\d$/.test(event.key) && Number(event.key) < Math.min(10, state.shape.classes)) explain(Number(event.key));
}
