// Rows of small bars over one axis, with one cursor through them all: the numbers at the cursor stand beside the bars.
import { make, say, signed } from "./dom.js";
import { colour, largest } from "./paint.js";
import { marked, spoken, t } from "./texts.js";

let stripes; // of what is against: a pattern, and the colour that it was made of

function against(pen) {
  const ink = colour("against");
  if (stripes?.ink !== ink) {
    const tile = new OffscreenCanvas(6, 6), brush = tile.getContext("2d");
    brush.fillStyle = ink;
    brush.fillRect(0, 0, 6, 6);
    Object.assign(brush, { strokeStyle: colour("card"), lineWidth: 1.4 });
    for (const x of [-3, 3, 9]) {
      brush.moveTo(x - 4, 7);
      brush.lineTo(x + 4, -1);
    }
    brush.stroke();
    stripes = { ink, pattern: pen.createPattern(tile, "repeat") };
  }
  return stripes.pattern;
}

/** `values` as bars from a zero line, `most` as high as there is room, `at` marked; values of the forward are plain, gradients purple and orange. */
export function bars(canvas, values, { plain, most, at }) {
  const pen = canvas.getContext("2d"), { width, height } = canvas, n = values.length, w = width / n;
  const below = values.some((value) => value < 0), zero = below ? height / 2 : height - 1, scale = (below ? height / 2 : height) - 2;
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = colour("faint");
  pen.fillRect(Math.floor(at * w), 0, Math.max(2, Math.ceil(w)), height);
  pen.fillStyle = colour("line");
  pen.fillRect(0, Math.round(zero), width, 1);
  const gap = w > 4 ? Math.min(3, w * 0.2) : 0;
  values.forEach((value, i) => {
    const length = (Math.min(1, Math.abs(value / most)) || 0) * scale;
    pen.fillStyle = plain ? colour("teal") : value < 0 ? against(pen) : colour("for");
    pen.fillRect(i * w + gap / 2, value < 0 ? zero : zero - length, Math.max(1, w - gap), length);
  });
}

/** One slider whose rows are drawn together, those of one kind to one scale. */
export class Strips {
  /** `label`: the key of what it is called; `cursor`: { at, held }, the feature that is marked in all charts that share it, and whether a person chose it; `moved` draws them. */
  constructor(parent, { label, cursor, moved }) {
    Object.assign(this, { cursor, moved, rows: [], canvases: [] });
    this.node = make("div", { class: "strips", role: "slider", tabindex: 0, "data-label": label, "aria-valuemin": 1 });
    this.place = make("p", { class: "caption place", "aria-hidden": "true" });
    this.node.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.point(event));
    this.node.addEventListener("pointerdown", (event) => this.point(event));
    this.node.addEventListener("keydown", (event) => this.key(event));
    parent.append(this.node);
    new ResizeObserver(() => this.size()).observe(this.node);
  }

  point(event) {
    const box = this.canvases[0]?.getBoundingClientRect();
    if (box && event.clientX >= box.left && event.clientX < box.right) this.move(Math.floor(((event.clientX - box.left) / box.width) * this.length));
  }
  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -8, PageUp: 8, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    this.move(this.cursor.at + step);
  }
  move(at) {
    Object.assign(this.cursor, { at: Math.max(0, Math.min(this.length - 1, at)), held: true });
    this.moved();
  }
  get length() {
    return this.rows[0]?.values.length ?? 0;
  }

  /** `rows`: { name: a key, values, plain }, from top to bottom. */
  draw(rows) {
    this.rows = rows.map((row) => ({ ...row, most: Math.max(...rows.filter(({ plain }) => plain === row.plain).map(({ values }) => largest(values))) }));
    if (this.canvases.length !== rows.length) this.build();
    this.paint();
  }
  build() {
    this.canvases = this.rows.map(() => make("canvas", { height: 92, width: 600 }));
    this.names = this.rows.map(() => make("span", { class: "name" }));
    this.values = this.rows.map(() => make("span", { class: "v" }));
    this.node.replaceChildren(...this.rows.flatMap((_, i) => [this.names[i], this.canvases[i], this.values[i]]), this.place);
    this.size();
  }
  size() {
    const { clientWidth = 0, clientHeight = 0 } = this.canvases[0] ?? {}, scale = Math.min(2, devicePixelRatio), width = Math.round(clientWidth * scale);
    if (!width || width === this.canvases[0].width) return;
    for (const canvas of this.canvases) Object.assign(canvas, { width, height: Math.round(clientHeight * scale) });
    this.paint();
  }
  paint() {
    if (!this.length) return;
    const { at } = this.cursor, place = t("feature", { n: at + 1 }), said = [];
    this.rows.forEach(({ name, values, plain, most }, i) => {
      bars(this.canvases[i], values, { plain, most, at });
      if (this.names[i].dataset.said !== t(name)) this.names[i].replaceChildren(...marked(t(name)));
      this.names[i].dataset.said = t(name);
      say(this.values[i], signed(values[at]));
      said.push(`${spoken(t(name))} ${signed(values[at])}`);
    });
    say(this.place, place);
    this.node.setAttribute("aria-valuemax", this.length);
    this.node.setAttribute("aria-valuenow", at + 1);
    this.node.setAttribute("aria-valuetext", `${place}: ${said.join(", ")}`);
  }
}
