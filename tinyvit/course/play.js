// A figure with its controls. The page sends what was chosen; Python answers with a PNG. While it draws, only the newest
// choice waits, so that a slow figure follows the hand and does not trail behind it.

const STEP = 0.02; // of the picture, for the arrow keys
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
const PAD_PIXELS = 280;
const PEN_PIXELS = 22;

export default {
  render({ model, el }) {
    const picture = new Image();
    const wrong = document.createElement("p");
    wrong.setAttribute("role", "status");
    wrong.style.color = "var(--jp-error-color1, #b42318)";
    picture.alt = model.get("caption");
    picture.style.maxWidth = "100%";
    let url = "";
    const paint = (bytes) => {
      URL.revokeObjectURL(url);
      picture.src = url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    };
    paint(model.get("first"));

    let isDrawing = false;
    let waiting = {};
    const ask = (chosen) => {
      waiting = { ...waiting, ...chosen };
      if (isDrawing || !Object.keys(waiting).length) return;
      isDrawing = true;
      model.send(waiting);
      waiting = {};
    };
    const answered = (message, buffers) => {
      wrong.textContent = message.wrong;
      if (!message.wrong) paint(buffers[0]);
      isDrawing = false;
      ask({});
    };
    model.on("msg:custom", answered);

    for (const control of model.get("controls")) {
      if (control.kind === "slider") el.append(slider(control, ask));
      if (control.kind === "pad") el.append(pad(control, ask));
      if (control.kind === "point") dragging(picture, control, ask);
    }
    const caption = document.createElement("p");
    caption.textContent = model.get("caption");
    caption.style.fontStyle = "italic";
    el.append(picture, wrong, caption);
    return () => {
      model.off("msg:custom", answered);
      URL.revokeObjectURL(url);
    };
  },
};

function slider({ name, label, low, high, step, first }, ask) {
  const line = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "range", min: low, max: high, step, value: first });
  const number = document.createElement("output");
  const shown = (value) => String(Number(value.toPrecision(3)));
  line.style.cssText = "display: flex; gap: 0.6em; align-items: center; max-width: 36em";
  input.style.flex = "1";
  number.textContent = shown(first);
  input.addEventListener("input", () => {
    number.textContent = shown(input.valueAsNumber);
    ask({ [name]: input.valueAsNumber });
  });
  line.append(label, input, number);
  return line;
}

function dragging(picture, { name, label }, ask) {
  let place = [0.5, 0.5];
  const move = (right, down) => {
    place = [right, down].map((part) => Math.min(1, Math.max(0, part)));
    ask({ [name]: place });
  };
  const follow = (event) => {
    const box = picture.getBoundingClientRect();
    move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  picture.draggable = false;
  picture.tabIndex = 0;
  picture.title = `drag, or move with the arrow keys: ${label}`;
  picture.style.cssText += "; touch-action: none; cursor: crosshair";
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    follow(event);
  });
  picture.addEventListener("pointermove", (event) => event.buttons && follow(event));
  picture.addEventListener("keydown", (event) => {
    const step = MOVES[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would go to another cell
    move(place[0] + step[0], place[1] + step[1]);
  });
}

function pad({ name, label, image }, ask) {
  const box = document.createElement("div");
  const canvas = Object.assign(document.createElement("canvas"), { width: PAD_PIXELS, height: PAD_PIXELS });
  const clear = Object.assign(document.createElement("button"), { textContent: "clear", type: "button" });
  const pen = canvas.getContext("2d");
  const send = () => ask({ [name]: canvas.toDataURL("image/png") });
  const empty = () => {
    pen.fillStyle = "white";
    pen.fillRect(0, 0, PAD_PIXELS, PAD_PIXELS);
  };
  const before = new Image();
  before.onload = () => pen.drawImage(before, 0, 0, PAD_PIXELS, PAD_PIXELS);
  before.src = image;
  empty();
  Object.assign(pen, { lineWidth: PEN_PIXELS, lineCap: "round", lineJoin: "round" });
  const at = (event) => [event.offsetX, event.offsetY];
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `pad to draw on: ${label}`);
  canvas.style.cssText = "border: 1px solid gray; touch-action: none; cursor: crosshair; display: block";
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    pen.lineTo(...at(event));
    pen.stroke();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    pen.lineTo(...at(event));
    pen.stroke();
    send();
  });
  canvas.addEventListener("pointerup", send);
  clear.addEventListener("click", () => {
    empty();
    send();
  });
  box.append(canvas, clear);
  return box;
}
