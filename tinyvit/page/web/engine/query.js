// The query of a question, {block: "3", off: "3.0,3.1"}: read as what it is said to be, or refused in a sentence.

/** A whole number from 0 to count - 1. */
export function whole(query, name, count = Infinity) {
  const given = String(query[name] ?? "");
  if (!/^\d{1,15}$/.test(given)) throw new Error(`${name} must be a whole number, got "${given.slice(0, 20)}"`);
  if (Number(given) >= count) throw new Error(`there is no ${name} ${given}: they are numbered from 0 to ${count - 1}`);
  return Number(given);
}

/** Heads as block.head, "3.0,3.1", each [block, head]; none where there is nothing. */
export function heads(query, name, config) {
  return String(query[name] ?? "").split(",").filter(Boolean).map((part) => {
    const [, block, head] = /^(\d{1,4})\.(\d{1,4})$/.exec(part) ?? [];
    if (!(block < config.depth && head < config.num_heads)) throw new Error(`there is no head ${part.slice(0, 20)}`);
    return [Number(block), Number(head)];
  });
}
