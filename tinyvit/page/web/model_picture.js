// The whole model as a picture, drawn from its config: image, patches, tokens; one block; what is read at the end.
import { label, make, svgElement } from "./dom.js";
import { state } from "./state.js";
import { chosenLanguage, t } from "./texts.js";

const HEIGHT = 120, MIDDLE = 40; // of the picture; of the line on which tokens travel, in units of 1/16 rem
const SIDE = 44; // of an image, and of a column of numbers
const [ARROW, NAMED] = [16, 46]; // lengths of arrows; one with a name is longer
const LINE = 14; // from one line of words to the next
const FEW = 9; // tokens or logits that are drawn
const POOLED = { cls: "pooledClass", mean: "pooledMean", "cls+mean": "pooledBoth", "cls+dist": "pooledTwo", map: "pooledMap" };

/** Words of several lines as words of a sentence. */
const oneLine = (words) => words.replace(/-\n/g, "").replace(/\n/g, chosenLanguage() === "zh" ? "" : " ");
/** What the answer is read from. */
export const pooled = () => oneLine(t(POOLED[state.about.config.pool]));

/** Draws from left to right: `x` is where the next part begins, `said` what stands there. */
class Pen {
  constructor() {
    Object.assign(this, { x: 1, nodes: [], said: [] });
  }
  add(name, attributes, text) {
    const node = svgElement(name, attributes, text);
    this.nodes.push(node);
    return node;
  }
  rect(x, y, width, height, kind) {
    return this.add("rect", { x, y, width, height, rx: Math.min(5, width / 4, height / 4), class: kind });
  }
  /** Words around (x, y), line by line. */
  words(words, x, y, kind = "") {
    const lines = words.split("\n");
    lines.forEach((line, i) => this.add("text", { x, y: y + 4 + LINE * (i - (lines.length - 1) / 2), "text-anchor": "middle", class: kind }, line));
  }
  say(words) {
    this.said.push(oneLine(words));
  }
  arrow(name) {
    const length = name ? NAMED : ARROW, end = this.x + length - 3;
    this.add("path", { class: "way", d: `M${this.x + 3} ${MIDDLE}H${end}m-4 -4l4 4l-4 4` });
    if (name) {
      this.words(name, this.x + length / 2, MIDDLE - 20);
      this.say(name);
    }
    this.x += length;
  }
  /** A part of `width` with words below; `draw(left)` draws what is `inner` wide, in its middle. */
  part(width, inner, words, draw) {
    draw(this.x + (width - inner) / 2);
    this.words(words, this.x + width / 2, MIDDLE + SIDE / 2 + 12 + (LINE / 2) * (words.split("\n").length - 1));
    this.say(words);
    this.x += width;
  }
  box(x, y, width, height, words) {
    this.rect(x, y, width, height, "box");
    this.words(words, x + width / 2, y + height / 2, "ink");
  }
  norm() {
    this.box(this.x, MIDDLE - 18, 40, 36, t("pictureNorm"));
    this.say(t("pictureNorm"));
    this.x += 40;
  }
  /** `count` small squares in `rows` rows, as large as there is room. */
  squares(x, y, width, count, rows = 1) {
    const columns = Math.ceil(count / rows), step = Math.min(11 - rows, width / columns), size = 0.72 * step;
    return Array.from({ length: count }, (_, i) => this.add("rect", { x: x + step * (i % columns), y: y + step * (Math.floor(i / columns) - (rows - 1) / 2) - size / 2, width: size, height: size, class: "square" }));
  }
  svg() {
    const width = Math.ceil(this.x + 1), node = svgElement("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
    node.style.width = `${width / 16}rem`;
    node.append(...this.nodes);
    return node;
  }
}

/** Image -> patches -> tokens. */
function beginning({ stem, class_token: hasClass, num_registers: registers, embed_dim: D, pre_norm: preNorm }, { H, W, rows, columns, N, prefix }) {
  const pen = new Pen(), [height, width] = [H, W].map((size) => (SIDE * size) / Math.max(H, W)), top = MIDDLE - height / 2;
  pen.part(64, width, t("pictureImage", { H, W }), (x) => pen.rect(x, top, width, height, "image"));
  pen.arrow(stem === "conv" && t("pictureConv"));
  pen.part(54, width, t("picturePatches", { n: rows * columns }), (x) => {
    pen.rect(x, top, width, height, "image");
    const cuts = [...Array(columns - 1).keys()].map((i) => `M${x + (width * (i + 1)) / columns} ${top}v${height}`);
    pen.add("path", { class: "cut", d: [...cuts, ...[...Array(rows - 1).keys()].map((i) => `M${x} ${top + (height * (i + 1)) / rows}h${width}`)].join("") });
  });
  pen.arrow(t("pictureLinear"));
  const shown = Math.min(N, FEW), inner = 8 * shown - 3, first = pen.x + 5;
  if (hasClass) {
    pen.add("text", { x: first, y: 12, class: "class-token" }, t("pictureClass"));
    pen.say(t("pictureClass"));
  }
  if (registers) {
    const words = t(registers > 1 ? "pictureRegisters" : "tokenRegister", { n: registers });
    pen.words(words, pen.x + 42, MIDDLE + SIDE / 2 + 12 + 2 * LINE, "register");
    pen.say(words);
  }
  pen.part(84, inner, t("pictureTokens", { n: N, D }), () => {
    const kindOf = (i) => (i >= Math.min(prefix, FEW / 2) ? "" : hasClass && !i ? "class-token" : "register");
    for (let i = 0; i < shown; i++) pen.rect(first + 8 * i, MIDDLE - SIDE / 2, 5, SIDE, `token ${kindOf(i)}`);
  });
  if (preNorm) {
    pen.arrow();
    pen.norm();
  }
  return pen;
}

/** One block: the tokens go by, and what attention and MLP make of them is added. */
function block({ num_heads: heads, depth }) {
  const pen = new Pen(), low = MIDDLE + 43, half = 20;
  pen.arrow();
  const left = pen.x, end = left + 282, blocks = t("pictureBlocks", { n: depth });
  pen.rect(left, 1, end - left, HEIGHT - 2, "frame");
  pen.add("text", { x: left + 10, y: 18, class: "ink" }, blocks);
  const squares = { blocks: pen.squares(left + 90, 14, end - left - 100, depth) };
  pen.add("path", { class: "way", d: `M${left} ${MIDDLE}H${end}` });
  const branch = (from, width, words) => { // down, through layer norm, through what `words` says, and up to a +
    const at = left + from, norm = at + 8, main = norm + 48, plus = main + width + 13;
    pen.add("path", { class: "way", d: `M${at} ${MIDDLE}V${low}H${plus}V${MIDDLE + 12}m-4 4l4 -4l4 4` });
    pen.box(norm, low - half, 40, 2 * half, t("pictureNorm"));
    pen.box(main, low - half, width, 2 * half, words);
    pen.add("circle", { class: "box", cx: plus, cy: MIDDLE, r: 8 });
    pen.add("path", { class: "way", d: `M${plus - 4} ${MIDDLE}h8m-4 -4v8` });
    return main;
  };
  const attention = branch(10, 68, `${t("pictureAttention")}\n`);
  branch(160, 42, t("pictureMlp"));
  const rows = heads > 8 ? 2 : 1, width = Math.min((11 - rows) * Math.ceil(heads / rows), 60);
  squares.heads = pen.squares(attention + 34 - width / 2 + 1, low + 9, width, heads, rows);
  pen.x = end;
  return { pen, squares };
}

/** Tokens -> what is read of them -> logits. */
function ending({ final_norm: finalNorm, fc_norm: normAfter, pool, num_classes: classes }) {
  const pen = new Pen(), parts = [...(finalNorm ? ["norm"] : []), "pool"];
  for (const part of normAfter ? parts.reverse() : parts) {
    pen.arrow();
    if (part === "norm") pen.norm();
    else pen.part(78, 5, t(POOLED[pool]), (x) => pen.rect(x, MIDDLE - SIDE / 2, 5, SIDE, pool.startsWith("cls") ? "token class-token" : "token"));
  }
  pen.arrow(t("pictureLinear"));
  const shown = Math.min(classes, 10), step = SIDE / shown;
  pen.part(52, 14, t("pictureLogits", { n: classes }), (x) => {
    for (let k = 0; k < shown; k++) pen.rect(x, MIDDLE - SIDE / 2 + step * k, 14, 0.7 * Math.min(step, 14), "token");
  });
  return pen;
}

export class ModelPicture {
  constructor(parent) {
    this.node = parent.appendChild(make("div", { class: "model-picture", role: "img" }));
  }
  /** Draws it anew, in the chosen language. */
  draw() {
    const { config } = state.about, before = beginning(config, state.shape), middle = block(config), after = ending(config);
    this.node.replaceChildren(before.svg(), middle.pen.svg(), after.svg());
    this.squares = middle.squares;
    this.words = { before: before.said.join(", "), after: after.said.join(", "), depth: config.depth, heads: config.num_heads };
    this.marked = null;
  }
  /** Marks a block and some of its heads; `words` names them. */
  mark(block, heads, words) {
    if (this.marked === words) return;
    this.marked = words;
    this.squares.blocks.forEach((square, i) => square.classList.toggle("chosen", i === block));
    this.squares.heads.forEach((square, i) => square.classList.toggle("chosen", heads.includes(i)));
    label(this.node, t("pictureSaid", { ...this.words, chosen: words }));
  }
}
