// Matrix products, in blocks: nearly all of a model's time is spent in this file.
//
// A processor is fast on numbers that it has at hand. So both factors are first copied ("packed") into the order in
// which they will be read, in float64, and then 4 x 3 numbers of the product are summed up at a time in 12 local
// variables: each number that is read is used three or four times, and all of them fit into a processor's 16 registers.
// After Goto, van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication". Packing takes any strides, so a
// transpose, or one head of many, costs nothing more.

const HEIGHT = 4, WIDTH = 3; // rows and columns of the product that are summed up at a time: a tile
const DEPTH = 256; // of the sum, before it is written out: what has been packed stays in the cache

const packedA = new Float64Array(HEIGHT * DEPTH);
let packedB = new Float64Array(WIDTH * DEPTH * 64);
const tile = new Float64Array(HEIGHT * WIDTH);

/** A matrix in a flat array: entry (i, j) is data[offset + i * rowStride + j * columnStride]. */
export function matrix(data, rows, columns, { offset = 0, rowStride = columns, columnStride = 1 } = {}) {
  return { data, rows, columns, offset, rowStride, columnStride };
}

/** An array (..., D) as a matrix (R, D), all leading axes as one. */
export const asMatrix = (x) => matrix(x.data, x.data.length / x.shape.at(-1), x.shape.at(-1));

/** The same numbers with rows and columns exchanged. */
export const transposed = (m) =>
  ({ ...m, rows: m.columns, columns: m.rows, rowStride: m.columnStride, columnStride: m.rowStride });

/** c = a @ b, or c += a @ b: (M, K), (K, N) -> (M, N). Sums are taken in float64. */
export function matmul(a, b, c, { add = false } = {}) {
  const K = a.columns, panels = Math.ceil(b.columns / WIDTH);
  if (packedB.length < panels * WIDTH * DEPTH) packedB = new Float64Array(panels * WIDTH * DEPTH);
  const columns = transposed(b);
  for (let first = 0; first < K; first += DEPTH) {
    const depth = Math.min(DEPTH, K - first), adding = add || first > 0;
    for (let panel = 0; panel < panels; panel++)
      pack(columns, panel * WIDTH, WIDTH, first, depth, packedB, panel * WIDTH * depth);
    for (let i = 0; i < a.rows; i += HEIGHT) {
      pack(a, i, HEIGHT, first, depth, packedA, 0);
      for (let panel = 0; panel < panels; panel++) {
        multiply(panel * WIDTH * depth, depth);
        write(c, i, panel * WIDTH, adding);
      }
    }
  }
}

/** Copy `count` rows from `row` on, so that each step of the sum finds its numbers side by side; 0 past the end. */
function pack({ data, rows, offset, rowStride, columnStride }, row, count, first, depth, packed, at) {
  for (let i = 0; i < count; i++) {
    let from = offset + (row + i) * rowStride + first * columnStride;
    const inside = row + i < rows;
    for (let k = 0, to = at + i; k < depth; k++, from += columnStride, to += count) packed[to] = inside ? data[from] : 0;
  }
}

/** tile = the product of two packed panels: 12 sums, each over `depth` products. */
function multiply(b, depth) {
  const A = packedA, B = packedB;
  let s00 = 0, s01 = 0, s02 = 0, s10 = 0, s11 = 0, s12 = 0, s20 = 0, s21 = 0, s22 = 0, s30 = 0, s31 = 0, s32 = 0;
  for (let a = 0, end = depth * HEIGHT; a < end; a += HEIGHT, b += WIDTH) {
    const b0 = B[b], b1 = B[b + 1], b2 = B[b + 2];
    let ai = A[a];
    s00 += ai * b0; s01 += ai * b1; s02 += ai * b2;
    ai = A[a + 1];
    s10 += ai * b0; s11 += ai * b1; s12 += ai * b2;
    ai = A[a + 2];
    s20 += ai * b0; s21 += ai * b1; s22 += ai * b2;
    ai = A[a + 3];
    s30 += ai * b0; s31 += ai * b1; s32 += ai * b2;
  }
  tile[0] = s00; tile[1] = s01; tile[2] = s02;
  tile[3] = s10; tile[4] = s11; tile[5] = s12;
  tile[6] = s20; tile[7] = s21; tile[8] = s22;
  tile[9] = s30; tile[10] = s31; tile[11] = s32;
}

/** Put the tile into c at (row, column), or add it; what lies past the edge is left out. */
function write({ data, rows, columns, offset, rowStride, columnStride }, row, column, adding) {
  const height = Math.min(HEIGHT, rows - row), width = Math.min(WIDTH, columns - column);
  for (let i = 0; i < height; i++) {
    let to = offset + (row + i) * rowStride + column * columnStride;
    for (let j = 0; j < width; j++, to += columnStride) {
      const value = tile[i * WIDTH + j];
      data[to] = adding ? data[to] + value : value;
    }
  }
}
