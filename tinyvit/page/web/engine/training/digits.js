// The digits that lie beside the page to be learned: 16 grey levels, two pixels a byte, packed by gzip.
import { parse } from "../safetensors.js";

const LEVEL = 17; // 15 * 17 = 255

/** The bytes of digits.safetensors.gz -> { train, heldOut, size: [H, W] }, each { pixels (n, H*W) of 0 to 255, labels (n) }. */
export async function readDigits(bytes) {
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { arrays, metadata } = parse(await new Response(unpacked).arrayBuffer());
  const split = (name) => ({ pixels: unpackNibbles(arrays[`${name}.images`].data), labels: arrays[`${name}.labels`].data });
  return { train: split("train"), heldOut: split("held_out"), size: metadata.size.split("x").map(Number) };
}

/** Two pixels a byte, the first in the upper half. */
function unpackNibbles(packed) {
  const pixels = new Uint8Array(2 * packed.length);
  packed.forEach((byte, i) => {
    pixels[2 * i] = (byte >> 4) * LEVEL;
    pixels[2 * i + 1] = (byte & 15) * LEVEL;
  });
  return pixels;
}
