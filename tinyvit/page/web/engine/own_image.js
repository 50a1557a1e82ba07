// An image file that was dropped, pasted or chosen, as the model takes it, and what was done to it.

/** The bytes of an image file -> [{pixels (C, H, W)}, {done}]. */
export async function ownImage(body, config, { drawn }) {
  const [H, W] = config.imageShape, C = config.in_chans;
  if (C !== 1 && C !== 3) throw new Error(`this model takes ${C} channels, and an image file has 1 or 3`);
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([body]));
  } catch {
    throw new Error("the file is no image that this browser can read: choose a PNG or a JPEG");
  }
  const done = [`resized from ${bitmap.width} x ${bitmap.height} to ${W} x ${H} pixels`];
  const context = new OffscreenCanvas(W, H).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // behind what is transparent
  context.fillRect(0, 0, W, H);
  context.imageSmoothingQuality = "high";
  const scale = Math.min(W / bitmap.width, H / bitmap.height);
  const width = bitmap.width * scale, height = bitmap.height * scale;
  if (drawn) context.drawImage(bitmap, (W - width) / 2, (H - height) / 2, width, height);
  else context.drawImage(bitmap, 0, 0, W, H);
  const { data: rgba } = context.getImageData(0, 0, W, H), pixels = new Float32Array(C * H * W);
  for (let i = 0; i < H * W; i++) {
    const [r, g, b] = rgba.subarray(4 * i, 4 * i + 3);
    if (C === 1) pixels[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    else [pixels[i], pixels[H * W + i], pixels[2 * H * W + i]] = [r, g, b];
  }
  if (C === 1) done.push("made grey");
  if (drawn && C === 1 && middle(pixels) > 127) {
    pixels.forEach((value, i) => { pixels[i] = 255 - value; });
    done.push("inverted, so that it is light on dark");
  }
  return [{ pixels: { data: pixels, shape: [C, H, W] } }, { done: done.join(", ") }];
}

/** The median. */
const middle = (values) => values.slice().sort()[values.length >> 1];
