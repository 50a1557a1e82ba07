// The safetensors format: 8 bytes of length, a JSON header of names, shapes and places, then the numbers.

const ARRAYS = { F32: Float32Array, U8: Uint8Array };

/** ArrayBuffer -> { arrays: {name: {data, shape}}, metadata }. Throws on what is not such a file. */
export function parse(buffer) {
  const length = buffer.byteLength < 8 ? Infinity : Number(new DataView(buffer).getBigUint64(0, true));
  if (length > buffer.byteLength - 8) throw new Error("this is no safetensors file: it is shorter than it says");
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(text);
  const arrays = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    const count = shape.reduce((n, axis) => n * axis, 1), from = 8 + length + start;
    const Numbers = ARRAYS[dtype];
    if (!Numbers) throw new Error(`${name} is ${dtype}, and the page reads F32 and U8: convert the model to float32`);
    const isWhole = end - start === count * Numbers.BYTES_PER_ELEMENT && 8 + length + end <= buffer.byteLength;
    if (!isWhole) throw new Error(`${name} is cut off: copy the file again`);
    arrays[name] = { data: new Numbers(buffer.slice(from, 8 + length + end)), shape };
  }
  return { arrays, metadata };
}

/** The inverse, of float32 arrays: an ArrayBuffer. */
export function serialize(arrays, metadata = {}) {
  const header = Object.keys(metadata).length ? { __metadata__: metadata } : {};
  let size = 0;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    header[name] = { dtype: "F32", shape, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (new TextEncoder().encode(text).length % 8)) % 8); // numbers begin at a multiple of 8
  const head = new TextEncoder().encode(text), bytes = new Uint8Array(8 + head.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const { data } of Object.values(arrays)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes.buffer;
}
