// node ask.mjs FOLDER: what the page's classifier answers to the questions of a folder, for test_classifier.py.
//
// A case is a folder with about.json, weights.safetensors, pixels.safetensors, questions.json: [[verb, query], ...];
// answers are written beside them, 0.safetensors, 1.safetensors ...
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { Classifier } from "../../tinyvit/page/web/engine/classifier.js";
import { parse, serialize } from "../../tinyvit/page/web/engine/safetensors.js";

const read = (path) => parse(new Uint8Array(readFileSync(path)).buffer).arrays;
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

for (const name of readdirSync(process.argv[2])) {
  const folder = `${process.argv[2]}/${name}`, body = read(`${folder}/pixels.safetensors`).pixels.data;
  const classifier = new Classifier(json(`${folder}/about.json`), read(`${folder}/weights.safetensors`));
  for (const [number, [verb, query]] of json(`${folder}/questions.json`).entries()) {
    let answer;
    try {
      const [arrays, metadata = {}] = await classifier.answer(verb, query, body);
      answer = serialize(arrays, metadata);
    } catch (error) {
      answer = serialize({}, { error: error.message });
    }
    writeFileSync(`${folder}/${number}.safetensors`, new Uint8Array(answer));
  }
}
