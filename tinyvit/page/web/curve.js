// Learning curves as SVG: lines over epochs, each with its name and last value at its end.
import { make, svgElement as element } from "./dom.js";

const [W, H, LEFT, RIGHT, TOP, BOTTOM] = [520, 220, 52, 118, 12, 26];
const MOST = 600; // points of a line; more are thinned out

/** A figure for `curve`, under a title (a key): { svg, figure }. */
export function curveFigure(title) {
  const svg = element("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "data-label": title });
  return { svg, figure: make("figure", {}, make("figcaption", { "data-text": title }), svg) };
}

/** `lines`: { name, kind: "first" | "second" | "thin", points: [[epoch, value], ...] }; `words(value)` for the axis. */
export function curve(svg, lines, { of, words, fromZero = false }) {
  const drawn = lines.filter(({ points }) => points.length);
  if (!drawn.length) return svg.replaceChildren();
  const values = drawn.flatMap(({ points }) => points.map(([, value]) => value)), start = Math.min(...drawn.map(({ points }) => points[0][0]));
  const low = fromZero ? 0 : Math.min(...values), high = Math.max(...values), span = high - low || 1, first = Math.min(1, start);
  const x = (epoch) => LEFT + ((epoch - first) / Math.max(1e-9, of - first)) * (W - LEFT - RIGHT), y = (value) => H - BOTTOM - ((value - low) / span) * (H - TOP - BOTTOM);
  const nodes = [low, low + span / 2, high].flatMap((tick) => [
    element("path", { class: "grid", d: `M${LEFT} ${y(tick)}H${W - RIGHT}` }), element("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, words(tick)),
  ]);
  nodes.push(element("text", { x: x(first), y: H - 6 }, String(Math.round(first))), element("text", { x: W - RIGHT, y: H - 6, "text-anchor": "end" }, String(of)));
  const ends = [];
  for (const { name, kind, points } of drawn) {
    const every = Math.ceil(points.length / MOST), some = points.filter((_, i) => i % every === 0 || i === points.length - 1);
    nodes.push(element("path", { class: `line ${kind}`, d: some.map(([e, v], i) => `${i ? "L" : "M"}${x(e).toFixed(1)} ${y(v).toFixed(1)}`).join("") }));
    if (kind === "thin") continue;
    nodes.push(...some.map(([e, v]) => element("circle", { class: kind, cx: x(e), cy: y(v), r: 2.6 })));
    const [epoch, value] = points.at(-1);
    ends.push({ name, kind, value, x: x(epoch) + 8, y: y(value) + 4 });
  }
  ends.sort((a, b) => a.y - b.y).forEach((end, i) => { if (i) end.y = Math.max(end.y, ends[i - 1].y + 14); });
  nodes.push(...ends.map((end) => element("text", { class: end.kind, x: end.x, y: end.y }, `${end.name} ${words(end.value)}`)));
  return svg.replaceChildren(...nodes);
}
