// Files beside the page, for workers, which may not open any where the page was opened from disk: they ask the page.

/** In a worker: a function name -> promise of an ArrayBuffer, which asks through `port`. */
export function askingFor(port) {
  const waiting = new Map();
  port.onmessage = ({ data: { name, bytes, error } }) => {
    const [resolve, reject] = waiting.get(name);
    return bytes ? resolve(bytes) : reject(new Error(error));
  };
  return (name) => new Promise((resolve, reject) => {
    waiting.set(name, [resolve, reject]);
    port.postMessage(name);
  });
}

/** In the page: a port for a worker, through which it gets what `open` finds. */
export function servingFiles(open) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = async ({ data: name }) => {
    try {
      const bytes = await open(name);
      port1.postMessage({ name, bytes }, [bytes]);
    } catch (error) {
      port1.postMessage({ name, error: error.message });
    }
  };
  return port2;
}
