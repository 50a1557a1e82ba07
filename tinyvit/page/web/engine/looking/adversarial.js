// Adversarial images by the fast gradient sign method: every pixel moves one small step against a class.
//
//     x' = clip(x - epsilon sign(dlogit / dx), 0, 255)
//
// Source: Goodfellow, Shlens, Szegedy 2015, "Explaining and Harnessing Adversarial Examples", arXiv:1412.6572.

/** Pixels 0 to 255, their gradient, both (C, H, W), epsilon in grey levels -> pixels. Where it is 0 a pixel stays. */
export const adversarialStep = (pixels, dimage, epsilon) =>
  Float32Array.from(pixels, (value, i) => Math.min(255, Math.max(0, value - epsilon * Math.sign(dimage[i]))));
