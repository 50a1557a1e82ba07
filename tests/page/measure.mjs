// node measure.mjs FOLDER [IMAGES [SEED]]: how fast the page's learner learns, in a line of JSON now and then. FOLDER
// holds digits.json and digits.safetensors.gz, as tinyvit/page/digits.py makes them. One thread; seconds of processor time.
import { readFileSync } from "node:fs";
import { readDigits } from "../../tinyvit/page/web/engine/training/digits.js";
import { Learner, RECIPE } from "../../tinyvit/page/web/engine/training/learner.js";

const [folder, images = Infinity, seed = 0] = process.argv.slice(2);
const digits = await readDigits(new Uint8Array(readFileSync(`${folder}/digits.safetensors.gz`)));
const learner = new Learner(digits, { ...JSON.parse(readFileSync(`${folder}/digits.json`, "utf8")), seed: Number(seed) });
let spent = 0;
while (!learner.isDone && learner.step * RECIPE.batchSize < Number(images)) {
  const start = process.cpuUsage(), loss = learner.takeStep(), { user, system } = process.cpuUsage(start);
  spent += (user + system) / 1e6;
  if (learner.step % 250 === 0)
    console.log(JSON.stringify({ images: learner.step * RECIPE.batchSize, seconds: spent, loss, ...learner.evaluate() }));
}
