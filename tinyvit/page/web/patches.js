// A map over the patches of the image, on which a token is chosen: by pointing, by a click that stays, or by arrow keys.
import { make, say } from "./dom.js";
import { paint } from "./paint.js";
import { state } from "./state.js";
import { t } from "./texts.js";

/** "the class token", "register 2", "row 3, column 4". */
export function tokenName(token) {
  const { prefix, columns } = state.shape, at = token - prefix;
  if (at >= 0) return t("tokenPatch", { row: Math.floor(at / columns) + 1, column: (at % columns) + 1 });
  return token === 0 && state.about.config.class_token ? t("tokenClass") : t("tokenRegister", { n: token + 1 - Number(state.about.config.class_token) });
}

/** A frame around a patch; none around tokens that stand for no patch. */
export function frame(mark, token) {
  const { rows, columns, prefix } = state.shape, at = token - prefix;
  mark.hidden = at < 0;
  if (at < 0) return;
  Object.assign(mark.style, { left: `${(100 * (at % columns)) / columns}%`, top: `${(100 * Math.floor(at / columns)) / rows}%`, width: `${100 / columns}%`, height: `${100 / rows}%` });
}

/** The token below a pointer, or null. */
function below(event, node) {
  const { rows, columns, prefix } = state.shape, box = node.getBoundingClientRect();
  const i = Math.floor(((event.clientY - box.top) / box.height) * rows), j = Math.floor(((event.clientX - box.left) / box.width) * columns);
  return i < 0 || j < 0 || i >= rows || j >= columns ? null : prefix + i * columns + j;
}

/** Pointing shows a token as long as the pointer is there, a click keeps it: `choose(token, kept)`, token null: the kept one. */
export function pointable(node, choose) {
  const point = (event, kept) => {
    const token = below(event, node);
    if (token !== null) choose(token, kept);
  };
  node.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event, false));
  node.addEventListener("pointerleave", () => choose(null, false));
  node.addEventListener("pointerdown", (event) => point(event, true));
}

export class PatchMap {
  /** `label`: a key; `which`: "token" (who asks) or "other" (who is looked at); `choose` as for `pointable`. */
  constructor(parent, { label, which, choose }) {
    const { prefix } = state.shape;
    Object.assign(this, { which, choose });
    this.canvas = make("canvas", state.shape.map);
    this.marks = { token: make("i", { class: "mark" }), other: make("i", { class: "mark other" }) };
    this.node = make("div", { class: "map", role: "slider", tabindex: 0, "data-label": label, "aria-valuemin": 1, "aria-valuemax": state.shape.N }, this.canvas, this.marks.token, this.marks.other);
    this.buttons = Array.from({ length: prefix }, (_, token) => make("button", { class: "token", click: () => choose(token, true) }));
    pointable(this.node, choose);
    this.node.addEventListener("keydown", (event) => this.key(event));
    parent.append(this.node, ...(prefix ? [make("div", { class: "row prefix" }, ...this.buttons)] : []));
  }

  key(event) {
    const { rows, columns, prefix } = state.shape;
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    const at = state[this.which] - prefix, within = (v, end) => Math.max(0, Math.min(end - 1, v));
    if (at < 0) return this.choose(prefix + Math.floor(rows / 2) * columns + Math.floor(columns / 2), true);
    this.choose(prefix + within(Math.floor(at / columns) + y, rows) * columns + within((at % columns) + x, columns), true);
  }

  /** Layers as `paint` takes them; `words(token)` says the value of a token. */
  draw(layers, words, showOther = this.which === "other") {
    paint(this.canvas, ...layers);
    frame(this.marks.token, state.token);
    if (showOther) frame(this.marks.other, state.other);
    else this.marks.other.hidden = true;
    this.buttons.forEach((button, token) => {
      say(button, `${tokenName(token)} ${words(token)}`);
      button.setAttribute("aria-pressed", token === state[this.which]);
    });
    const chosen = state[this.which];
    this.node.setAttribute("aria-valuenow", chosen + 1);
    this.node.setAttribute("aria-valuetext", `${tokenName(chosen)}: ${words(chosen)}`);
  }
}
