// Starts the engine's workers, as modules, and opens the files that they ask for, beside the page on its server.
import { servingFiles } from "./files.js";

const FOLDER = new URL("../files/", import.meta.url);

/** The worker that answers questions. */
export const startEngine = () => started(new Worker(new URL("worker.js", import.meta.url), { type: "module" }));

/** The worker that trains. */
export const startLearner = () =>
  started(new Worker(new URL("training/worker.js", import.meta.url), { type: "module" }));

/** A file beside the page, as an ArrayBuffer. */
export async function openFile(name) {
  const reply = await fetch(new URL(name, FOLDER));
  if (!reply.ok) throw new Error(`there is no ${name} beside the page: make it anew with tinyvit look --static`);
  return reply.arrayBuffer();
}

function started(worker) {
  const port = servingFiles(openFile);
  worker.postMessage({ files: port }, [port]);
  return worker;
}
