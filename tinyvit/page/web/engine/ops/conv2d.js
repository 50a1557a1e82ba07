// A convolution: one small linear layer, moved over the image, that sees a window of k x k pixels at a time.
//
//     y[b, o, i, j] = Σ_{c,u,v} x[b, c, s*i + u - p, s*j + v - p] weight[(c, u, v), o] + bias[o]
//
// Copy every window into a column of its own ("im2col"), and y = weight.T @ columns + bias. Backwards
//     dweight = Σ_b columns @ dy.T,   dbias = Σ_{b,i,j} dy,   dcolumns = weight @ dy
// and every copy's gradient is added to the pixel that it was copied from.
import { zeros } from "../array.js";
import { asMatrix, matmul, matrix, transposed } from "../matmul.js";

/** (B, C, H, W), (C*k*k, O), (O) -> (B, O, H', W'), with H' = (H + 2p - k) / s + 1, rounded down, and W' likewise. */
export function conv2dForward(x, weight, bias, { stride = 1, padding = 0 } = {}) {
  const windows = windowsOf(x.shape, weight.shape[0], stride, padding), [B] = x.shape, O = weight.shape[1];
  const y = zeros(B, O, windows.height, windows.width), places = windows.height * windows.width;
  for (let b = 0; b < B; b++) {
    for (let o = 0; o < O; o++) y.data.fill(bias.data[o], (b * O + o) * places, (b * O + o + 1) * places);
    matmul(transposed(asMatrix(weight)), columnsOf(x, b, windows), image(y, b), { add: true });
  }
  return [y, { x, weight, windows }];
}

/** (B, O, H', W') -> dx (B, C, H, W), dweight (C*k*k, O), dbias (O). */
export function conv2dBackward(dy, { x, weight, windows }) {
  const [B, O] = dy.shape, dx = zeros(...x.shape), dweight = zeros(...weight.shape), dbias = zeros(O);
  const places = windows.height * windows.width;
  const dcolumns = matrix(new Float32Array(weight.shape[0] * places), weight.shape[0], places);
  for (let b = 0; b < B; b++) {
    matmul(columnsOf(x, b, windows), transposed(image(dy, b)), asMatrix(dweight), { add: true });
    matmul(asMatrix(weight), image(dy, b), dcolumns);
    eachCopy(x.shape, b, windows, (pixel, copy) => { dx.data[pixel] += dcolumns.data[copy]; });
    for (let o = 0; o < O; o++) {
      let sum = 0;
      for (let i = (b * O + o) * places; i < (b * O + o + 1) * places; i++) sum += dy.data[i];
      dbias.data[o] += sum;
    }
  }
  return [dx, dweight, dbias];
}

/** One image (O, H'*W') of a batch (B, O, H', W'). */
function image(y, b) {
  const [, O, height, width] = y.shape;
  return matrix(y.data, O, height * width, { offset: b * O * height * width });
}

function windowsOf([, C, H, W], fanIn, stride, padding) {
  const k = Math.round(Math.sqrt(fanIn / C)), along = (size) => Math.floor((size + 2 * padding - k) / stride) + 1;
  return { k, stride, padding, height: along(H), width: along(W) };
}

/** The columns (C*k*k, H'*W') of one image; beyond its edge the image is 0. */
function columnsOf(x, b, windows) {
  const rows = x.shape[1] * windows.k ** 2, places = windows.height * windows.width;
  const columns = matrix(new Float32Array(rows * places), rows, places);
  eachCopy(x.shape, b, windows, (pixel, copy) => { columns.data[copy] = x.data[pixel]; });
  return columns;
}

/** Every pixel that a window sees: its place in the images, and in the columns. */
function eachCopy([, C, H, W], b, { k, stride, padding, height, width }, f) {
  let copy = 0;
  for (let c = 0; c < C; c++)
    for (let u = 0; u < k; u++)
      for (let v = 0; v < k; v++)
        for (let i = 0; i < height; i++)
          for (let j = 0; j < width; j++, copy++) {
            const row = stride * i + u - padding, column = stride * j + v - padding;
            if (row >= 0 && row < H && column >= 0 && column < W) f(((b * C + c) * H + row) * W + column, copy);
          }
}
