// A sheet to draw a digit on, by pointer or by keyboard, and the digit as MNIST's makers would have put it.

const PEN = 1 / 13; // width of the pen, as a share of the sheet
export const DIGIT = 20 / 28; // the longer side of a digit, as a share of the image
const STEP = 1 / 28; // of the pen that the arrow keys move

export class Sheet {
  constructor(canvas, onChange) {
    Object.assign(this, { canvas, onChange, strokes: [], given: null, at: [0.5, 0.5], down: false });
    this.pen = canvas.getContext("2d", { willReadFrequently: true });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.strokes.push([this.place(event)]);
      this.changed();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      for (const part of event.getCoalescedEvents?.() ?? [event]) this.strokes.at(-1).push(this.place(part));
      this.changed();
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, () => this.redraw());
    this.redraw();
  }

  place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  }

  /** Arrows move the pen; space puts it down and lifts it. */
  key(event) {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (event.key === " ") {
      this.down = !this.down;
      if (this.down) this.strokes.push([[...this.at]]);
    } else if (x || y) {
      this.at = [this.at[0] + x * STEP, this.at[1] + y * STEP].map((v) => Math.max(PEN / 2, Math.min(1 - PEN / 2, v)));
      if (this.down) this.strokes.at(-1).push([...this.at]);
    } else return;
    event.preventDefault();
    if (this.down) this.changed();
    else this.redraw();
  }

  changed() {
    this.redraw();
    this.onChange();
  }
  clear() {
    this.show(null);
    this.onChange();
  }
  undo() {
    this.strokes.pop();
    this.down = false;
    this.changed();
  }
  /** A finished digit, { image: a canvas, pixels }, to be drawn on; or null. */
  show(given) {
    Object.assign(this, { given, strokes: [], down: false });
    this.redraw();
  }

  ink() {
    const { pen, canvas: { width, height } } = this;
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, width, height);
    pen.imageSmoothingEnabled = false;
    if (this.given) pen.drawImage(this.given.image, 0, 0, width, height);
    Object.assign(pen, { strokeStyle: "#fff", lineWidth: width * PEN, lineCap: "round", lineJoin: "round" });
    for (const points of this.strokes) {
      pen.beginPath();
      points.forEach(([x, y]) => pen.lineTo(x * width, y * height));
      if (points.length === 1) pen.lineTo(points[0][0] * width + 0.1, points[0][1] * height);
      pen.stroke();
    }
  }

  redraw() {
    this.ink();
    if (!this.canvas.matches(":focus-visible")) return;
    const { pen, canvas: { width, height } } = this; // where the keyboard's pen is, open while it is lifted
    Object.assign(pen, { strokeStyle: "#4fc3a5", fillStyle: "#4fc3a5", lineWidth: 3 });
    pen.beginPath();
    pen.arc(this.at[0] * width, this.at[1] * height, (width * PEN) / 2, 0, 2 * Math.PI);
    if (this.down) pen.fill();
    else pen.stroke();
  }

  /** (H * W) bytes, the sheet as it is, or the digit in a box of 20 of 28, centred by its mass; null if that is empty. */
  pixels(H, W, isCentred) {
    if (this.given && !this.strokes.length) return this.given.pixels;
    this.ink();
    const { width, height } = this.canvas, { data } = this.pen.getImageData(0, 0, width, height);
    this.redraw();
    if (!isCentred) return Uint8Array.from(reduced(data, width, { left: 0, top: 0, width, height }, W, H));
    let left = width, right = 0, top = height, bottom = 0;
    for (let at = 0; at < width * height; at++) {
      if (!data[4 * at]) continue;
      const x = at % width, y = Math.floor(at / width);
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x + 1), Math.min(top, y), Math.max(bottom, y + 1)];
    }
    if (left >= right) return null;
    const scale = (Math.min(H, W) * DIGIT) / Math.max(right - left, bottom - top);
    const w = Math.max(1, Math.round((right - left) * scale)), h = Math.max(1, Math.round((bottom - top) * scale));
    return centred(reduced(data, width, { left, top, width: right - left, height: bottom - top }, w, h), w, h, H, W);
  }
}

function reduced(data, stride, box, w, h) { // each new pixel is the mean of what it covers: (h, w)
  const small = new Float32Array(w * h), overlap = (at, from, to) => Math.min(at + 1, to) - Math.max(at, from);
  for (let i = 0; i < w * h; i++) {
    const x = i % w, y = Math.floor(i / w);
    const [x1, x2, y1, y2] = [(x * box.width) / w, ((x + 1) * box.width) / w, (y * box.height) / h, ((y + 1) * box.height) / h];
    let sum = 0;
    for (let r = Math.floor(y1); r < Math.ceil(y2); r++) {
      for (let c = Math.floor(x1); c < Math.ceil(x2); c++) sum += overlap(c, x1, x2) * overlap(r, y1, y2) * data[4 * ((box.top + r) * stride + box.left + c)];
    }
    small[i] = sum / ((x2 - x1) * (y2 - y1));
  }
  return small;
}

function centred(small, w, h, H, W) { // the centre of mass goes to the centre of the image, as far as it has room
  let mass = 0, cx = 0, cy = 0;
  small.forEach((v, i) => { mass += v; cx += v * ((i % w) + 0.5); cy += v * (Math.floor(i / w) + 0.5); });
  const place = (centre, length, size) => Math.max(0, Math.min(size - length, Math.round(size / 2 - centre / mass)));
  const x0 = place(cx, w, W), y0 = place(cy, h, H), out = new Uint8Array(H * W), brightest = Math.max(...small);
  small.forEach((v, i) => { out[(y0 + Math.floor(i / w)) * W + x0 + (i % w)] = Math.round((255 * v) / brightest); });
  return out;
}
