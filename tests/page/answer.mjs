// node answer.mjs FOLDER: what the page's engine says of the cases in a folder, for test_engine.py.
//
// A case is a folder with config.json, weights.safetensors and given.safetensors; got.safetensors is written beside them,
// or refused.txt.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { ViTConfig } from "../../tinyvit/page/web/engine/config.js";
import { parse, serialize } from "../../tinyvit/page/web/engine/safetensors.js";
import { VisionTransformer } from "../../tinyvit/page/web/engine/vit.js";

const read = (path) => parse(new Uint8Array(readFileSync(path)).buffer).arrays;

function answer(folder) {
  const model = new VisionTransformer(new ViTConfig(JSON.parse(readFileSync(`${folder}/config.json`, "utf8"))));
  model.adopt(read(`${folder}/weights.safetensors`));
  const { images, dlogits } = read(`${folder}/given.safetensors`);
  const [logits, saved] = model.forward(images), [dimages, grads] = model.backward(dlogits, saved);
  writeFileSync(`${folder}/got.safetensors`, new Uint8Array(serialize({ logits, dimages, ...grads })));
}

for (const name of readdirSync(process.argv[2])) {
  const folder = `${process.argv[2]}/${name}`;
  try {
    answer(folder);
  } catch (error) {
    writeFileSync(`${folder}/refused.txt`, error.message);
  }
}
