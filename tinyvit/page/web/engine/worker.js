// The browser's engine, beside the page so that drawing never waits for it: questions in, named arrays out.
//
// Page -> worker: {id, verb, query, body}, and once {files: a port}, through which it asks the page for files.
// Worker -> page: {id, arrays, metadata}, or {id, about}, or {id, error: one sentence}.
import { Classifier } from "./classifier.js";
import { askingFor } from "./files.js";
import { parse } from "./safetensors.js";

let openFile, classifier; // a promise of one

onmessage = async ({ data: { files, id, verb, query, body } }) => {
  if (files) {
    openFile = askingFor(files);
    return;
  }
  try {
    if (verb === "adopt") classifier = adopted(query, body);
    classifier ??= opened();
    const current = await classifier;
    if (verb === "about" || verb === "adopt") return postMessage({ id, about: current.about });
    const [arrays, metadata = {}] = await current.answer(verb, query, body);
    postMessage({ id, arrays, metadata });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};

/** The model that lies beside the page. */
async function opened() {
  const names = ["about.json", "model.safetensors", "examples.safetensors"];
  const [about, weights, examples] = await Promise.all(names.map(openFile));
  const { images, labels } = parse(examples).arrays;
  return new Classifier(JSON.parse(new TextDecoder().decode(about)), parse(weights).arrays, { images, labels });
}

/** Another model, trained in the page: {about} and its weights as a safetensors file; examples, if they are of its size. */
async function adopted({ about }, body) {
  const before = await (classifier ?? opened()).catch(() => null), own = new Classifier(about, parse(body).arrays);
  const sizeOf = ({ config }) => [config.in_chans, ...config.imageShape].join();
  if (before && sizeOf(before) === sizeOf(own)) own.examples = before.examples;
  own.about.examples = own.examples?.images.shape[0] ?? 0;
  return own;
}
