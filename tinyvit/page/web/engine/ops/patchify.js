// Patchify: an image becomes a row of patches, as a page becomes a row of stamps: values only move.
//
//     patches[b, (i, j), (c, u, v)] = images[b, c, i*P + u, j*P + v]
import { zeros } from "../array.js";

/** (B, C, H, W) -> (B, L, C*P*P), with L = (H/P) * (W/P). */
export function patchifyForward(images, { patchSize }) {
  const [B, C, H, W] = images.shape, P = patchSize;
  const patches = zeros(B, (H / P) * (W / P), C * P * P);
  eachPixel(images.shape, P, (pixel, number) => { patches.data[number] = images.data[pixel]; });
  return [patches, { shape: images.shape, patchSize }];
}

/** (B, L, C*P*P) -> (B, C, H, W): each number's gradient goes back to where the number came from. */
export function patchifyBackward(dpatches, { shape, patchSize }) {
  const dimages = zeros(...shape);
  eachPixel(shape, patchSize, (pixel, number) => { dimages.data[pixel] = dpatches.data[number]; });
  return dimages;
}

/** Where each pixel is, in the images and in the patches. */
function eachPixel([B, C, H, W], P, f) {
  const columns = W / P, size = C * P * P;
  let pixel = 0;
  for (let b = 0; b < B; b++)
    for (let c = 0; c < C; c++)
      for (let y = 0; y < H; y++)
        for (let x = 0; x < W; x++, pixel++) {
          const patch = (b * (H / P) + Math.floor(y / P)) * columns + Math.floor(x / P);
          f(pixel, patch * size + (c * P + (y % P)) * P + (x % P));
        }
}
