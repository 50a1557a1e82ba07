// A model that was trained in this page: kept for a page that shows it, and as files that Python opens.

const KEY = "learned"; // in this tab's storage, until it is closed

/** Keeps a model for the page that is opened next: what is known about it, and its weights, an ArrayBuffer. */
export function keepLearned(about, weights) {
  const bytes = new Uint8Array(weights), pieces = [];
  for (let start = 0; start < bytes.length; start += 8192) pieces.push(String.fromCharCode(...bytes.subarray(start, start + 8192)));
  sessionStorage.setItem(KEY, JSON.stringify({ about, weights: btoa(pieces.join("")) }));
}

export const forgetLearned = () => sessionStorage.removeItem(KEY);

/** { about, weights }, or null. */
export function keptLearned() {
  try {
    const { about, weights } = JSON.parse(sessionStorage.getItem(KEY));
    return { about, weights: Uint8Array.from(atob(weights), (character) => character.charCodeAt(0)).buffer };
  } catch {
    return null; // nothing is kept, or this browser keeps nothing
  }
}

/** The files of a model's folder, as Python writes them, [name, content] each. */
export function filesOf({ config, class_names: names, mean, std }, weights) {
  const [height, width] = [config.img_size, config.img_size].flat();
  const processor = {
    image_processor_type: "ViTImageProcessor", do_resize: true, size: { height, width }, do_rescale: true,
    rescale_factor: 1 / 255, do_normalize: true, image_mean: mean, image_std: std, dataset: "mnist", class_names: names,
  };
  const json = (values) => JSON.stringify(values, null, 2);
  return [
    ["model.safetensors", weights],
    ["config.json", json({ model_type: "tinyvit", ...config })],
    ["preprocessor_config.json", json(processor)],
  ];
}
