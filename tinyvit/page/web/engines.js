// Who computes: Python on this machine, or this browser. Both answer the same questions with the same named arrays.
import { parse } from "./engine/safetensors.js";
import { startEngine } from "./engine/start.js";
import { keptLearned } from "./learned.js";

/** Python if it answers, else the browser itself (also asked for by ?engine=browser). */
export async function openEngine() {
  const wanted = new URLSearchParams(location.search).get("engine"), learned = keptLearned();
  if (wanted !== "browser" && !learned && !globalThis.tinyvit) { // which the page without Python has, see engine/start_from_scripts.js
    const reply = await fetch("about").catch(() => null);
    if (reply?.ok && reply.headers.get("Content-Type")?.includes("json")) return new PythonEngine(await reply.json());
  }
  const engine = new BrowserEngine();
  engine.about = (await (learned ? engine.send("adopt", { about: learned.about }, learned.weights) : engine.send("about"))).about;
  return engine;
}

/** { arrays: { name: { data, shape } }, metadata } -> { name: a typed array with its shape, ..., metadata }. */
function named({ arrays, metadata }) {
  const answer = { metadata };
  for (const [name, { data, shape }] of Object.entries(arrays)) answer[name] = Object.assign(data, { shape });
  return answer;
}

/** The questions. Each one is `call(verb, query, body)`, which an engine answers with named arrays. */
class Engine {
  look = (pixels, { target, off }) => this.call("look", { target, off: off.size ? [...off].join() : null }, pixels);
  token = (number, token) => this.call("token", { number, token });
  cover = (number, target, from) => this.call("cover", { number, target, from });
  backward = (number, { target, block, head, token }) => this.call("backward", { number, target, block, head, token });
  adversarial = (number, target, epsilon) => this.call("adversarial", { number, target, epsilon });
  example = (index) => this.call("example", { index });
  image = async (file) => this.call("image", {}, await file.arrayBuffer());
  task = (pixels, seed) => this.call("task", { seed }, pixels);
  sample = (label, guidance, seed) => this.call("sample", { label, guidance, seed });
  maps = (epoch) => this.call("maps", { epoch });
}

class PythonEngine extends Engine {
  constructor(about) {
    super();
    this.about = about;
  }

  async call(verb, query, body) {
    const given = Object.entries(query).filter(([, value]) => value != null);
    const address = given.length ? `${verb}?${new URLSearchParams(given)}` : verb;
    const reply = await fetch(address, body === undefined ? {} : { method: "POST", body });
    if (!reply.ok) throw new Error((await reply.json().catch(() => null))?.error ?? `${reply.status} ${reply.statusText}`);
    return named(parse(await reply.arrayBuffer()));
  }

  /** What happens in the run that is watched: `listen` gets one object after another. */
  events(listen) {
    const source = new EventSource("events");
    source.onmessage = ({ data }) => listen(JSON.parse(data));
  }
}

class BrowserEngine extends Engine {
  constructor() {
    super();
    this.worker = startEngine();
    this.waiting = new Map(); // id -> [resolve, reject]
    this.sent = 0;
    this.listeners = [];
    this.worker.onerror = (event) => this.waiting.forEach(([, reject]) => reject(new Error(event.message || "the browser's engine did not start")));
    this.worker.onmessage = ({ data }) => {
      if (data.event) return this.listeners.forEach((listen) => listen(data.event));
      const [resolve, reject] = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      return data.error ? reject(new Error(data.error)) : resolve(data);
    };
  }

  send(verb, query = {}, body = undefined) {
    const id = ++this.sent;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, [resolve, reject]);
      this.worker.postMessage({ id, verb, query, body });
    });
  }

  async call(verb, query, body) {
    return named(await this.send(verb, query, body));
  }

  events(listen) {
    this.listeners.push(listen);
  }
}
