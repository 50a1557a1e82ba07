// Numbers to colours. Viridis for shares, purple and striped orange for and against: all told apart without red and green.

const rgb = (hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
const between = (a, b, share) => a.map((value, at) => value + (b[at] - value) * share);
const STOPS = ["440154", "482475", "414487", "355f8d", "2a788e", "21918c", "22a884", "44bf70", "7ad151", "bddf26", "fde725"].map(rgb);
const VIRIDIS = Array.from({ length: 256 }, (_, at) => {
  const place = at / 25.5, stop = Math.min(9, Math.floor(place));
  return between(STOPS[stop], STOPS[stop + 1], place - stop);
});
export const viridis = (share) => VIRIDIS[Math.round(255 * Math.max(0, Math.min(1, share)))] ?? VIRIDIS[0];

/** A colour of the theme as "#rrggbb". Asked once a theme: `forgetColours` where the theme changes. */
let colours = {};
export const colour = (name) => (colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
export const forgetColours = () => {
  colours = {};
  ramp = null;
};
const parts = (name) => rgb(colour(name).slice(1));

/** A canvas whose pixel i has the colour colourOf(i), [r, g, b] or [r, g, b, a]. */
function filled({ canvas, pen, image }, colourOf) {
  const { data } = image;
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b, a = 255] = colourOf(at / 4);
    data[at] = r;
    data[at + 1] = g;
    data[at + 2] = b;
    data[at + 3] = a;
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}
function sheet(width, height) {
  const canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d");
  return { canvas, pen, image: pen.createImageData(width, height) };
}
const sheets = {}; // of maps: each is painted at once, so one of a kind and size serves them all
const shared = (kind, width, height) => (sheets[`${kind} ${width} ${height}`] ??= sheet(width, height));

/** (C, H, W) bytes as they are. */
export function picture(pixels, { C, H, W }) {
  const size = H * W;
  return filled(sheet(W, H), (i) => (C === 3 ? [pixels[i], pixels[i + size], pixels[i + 2 * size]] : [pixels[i], pixels[i], pixels[i]]));
}

/** The bright parts of a digit, or the dark ones of a photograph, as a shade over other maps. */
export function ghost(pixels, { C, H, W }) {
  const size = H * W, shade = parts("muted");
  return filled(shared("ghost", W, H), (i) => [...shade, C === 3 ? 0.6 * (255 - (pixels[i] + pixels[i + size] + pixels[i + 2 * size]) / 3) : pixels[i]]);
}

/** Shares, dark: least, bright: most in this map. */
export function shares(values, rows, columns) {
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  return filled(shared("shares", columns, rows), (i) => viridis((values[i] - low) / span));
}

export const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);

/** The colour of a value between `-most` and `most`: orange against, purple for. */
let ramp = null; // 255 colours against, the neutral one, 255 for
function signedColour(value, most) {
  ramp ??= Array.from({ length: 511 }, (_, at) => between(parts("neutral"), parts(at < 255 ? "against" : "for"), Math.abs((at - 255) / 255) ** 0.75));
  return ramp[255 + Math.round(255 * Math.max(-1, Math.min(1, value / most)))] ?? ramp[255];
}

/** For (purple) and against (orange, striped where there is room), as far as the largest of either sign. */
export function forAgainst(values, rows, columns, most = largest(values)) {
  const coarse = rows * columns < 400, scale = coarse ? 8 : 1, neutral = parts("neutral");
  const cells = Array.from(values, (value) => signedColour(value, most));
  return filled(shared("signed", columns * scale, rows * scale), (i) => {
    const x = i % (columns * scale), y = Math.floor(i / (columns * scale)), at = Math.floor(y / scale) * columns + Math.floor(x / scale);
    return coarse && values[at] < 0 && (x + y) % 4 === 0 ? between(cells[at], neutral, 0.55) : cells[at];
  });
}

/** `layers`: [canvas, opacity] ..., stretched over the whole of `canvas`, pixels kept square. */
export function paint(canvas, ...layers) {
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (const [layer, opacity] of layers) {
    pen.globalAlpha = opacity;
    pen.drawImage(layer, 0, 0, canvas.width, canvas.height);
  }
  pen.globalAlpha = 1;
}

/** An image cut into its patches, with gaps between them. */
export function cut(canvas, image, rows, columns) {
  const pen = canvas.getContext("2d"), w = canvas.width / columns, h = canvas.height / rows, gap = Math.max(1, 0.045 * w);
  const [from, to] = [image.width / columns, image.height / rows];
  pen.imageSmoothingEnabled = false;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) pen.drawImage(image, j * from, i * to, from, to, j * w + gap, i * h + gap, w - 2 * gap, h - 2 * gap);
  }
}
