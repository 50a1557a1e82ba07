// node learn.mjs FOLDER: the losses of some training steps, and the weights after them, for test_learning.py.
import { readFileSync, writeFileSync } from "node:fs";
import { rows } from "../../tinyvit/page/web/engine/array.js";
import { ViTConfig } from "../../tinyvit/page/web/engine/config.js";
import { AdamW } from "../../tinyvit/page/web/engine/optim/adamw.js";
import { warmupCosine } from "../../tinyvit/page/web/engine/optim/schedule.js";
import { parse, serialize } from "../../tinyvit/page/web/engine/safetensors.js";
import { trainStep } from "../../tinyvit/page/web/engine/training/step.js";
import { VisionTransformer } from "../../tinyvit/page/web/engine/vit.js";

const folder = process.argv[2];
const read = (name) => parse(new Uint8Array(readFileSync(`${folder}/${name}.safetensors`)).buffer).arrays;
const { config, batchSize, steps, clipGrad, weightDecay, ...schedule } = JSON.parse(readFileSync(`${folder}/run.json`, "utf8"));

const model = new VisionTransformer(new ViTConfig(config));
model.adopt(read("weights"));
const optimizer = new AdamW(model.parameters(), { weightDecay }), { images, labels } = read("digits");
const losses = new Float32Array(steps);
for (let step = 0; step < steps; step++) {
  const [start, stop] = [step * batchSize, (step + 1) * batchSize], lr = warmupCosine(step, schedule);
  losses[step] = trainStep(model, optimizer, rows(images, start, stop), labels.data.subarray(start, stop), { lr, clipGrad });
}
const after = { losses: { data: losses, shape: [steps] }, ...model.parameters() };
writeFileSync(`${folder}/after.safetensors`, new Uint8Array(serialize(after)));
