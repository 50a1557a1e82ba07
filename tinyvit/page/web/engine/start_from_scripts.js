// Starts the engine's workers in the page without Python, which may have been opened from disk: there a browser loads
// classic scripts and nothing else. So the code of each worker, and each file that it asks for, comes as a script that
// puts it into `tinyvit`; `tinyvit look --static` writes them (tinyvit/page/static.py).
import { servingFiles } from "./files.js";

/** The worker that answers questions. */
export const startEngine = () => started("engine");

/** The worker that trains. */
export const startLearner = () => started("learner");

/** A file beside the page, as an ArrayBuffer. */
export async function openFile(name) {
  await loaded(`files/${name}.js`);
  const text = atob(globalThis.tinyvit.files[name]);
  delete globalThis.tinyvit.files[name]; // it is not needed twice
  return Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;
}

/** Runs a script beside the page. */
function loaded(path) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = path;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`there is no ${path} beside the page: make it anew with tinyvit look --static`));
    document.head.append(script);
  });
}

function started(name) {
  const code = new Blob([`(${globalThis.tinyvit.workers[name]})();`], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(code)), port = servingFiles(openFile);
  worker.postMessage({ files: port }, [port]);
  return worker;
}
