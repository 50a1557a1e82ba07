// Layer norm's backward for one token: the three paths on which each feature acts, and what they add up to.
import { Strips } from "../charts.js";
import { number, signed } from "../dom.js";

let input, paths;

export function build(step) {
  step("norm", "x̂ = (x − mean) · rstd\nrstd = 1 / √(variance + ε)", null, "layer_norm", (parent) => { input = new Strips(parent, { label: "normChart", unit: "feature" }); });
  step("paths", "y = x̂ · weight + bias", "dx = rstd · (dx̂ − mean(dx̂) − x̂ · mean(dx̂ · x̂))", "layer_norm", (parent) => { paths = new Strips(parent, { label: "pathsChart", unit: "feature", moved: () => again?.() }); });
}

let again;
export function render(b, write) {
  input.draw([{ name: "rowX", values: b.norm_x, plain: true }, { name: "rowXHat", values: b.norm_x_hat, plain: true }]);
  write("norm", "normSaid", { rstd: number(Number(b.metadata.rstd)) });
  const rows = { rowDxHat: b.norm_dx_hat, rowDirect: b.norm_direct, rowMean: b.norm_through_mean, rowRstd: b.norm_through_rstd, rowDx: b.norm_dx };
  const most = Math.max(...["rowDirect", "rowMean", "rowRstd", "rowDx"].flatMap((name) => Array.from(rows[name], Math.abs)));
  paths.draw(Object.entries(rows).map(([name, values]) => ({ name, values, most: name === "rowDxHat" ? undefined : most })));
  const sum = (values) => values.reduce((a, value) => a + value, 0), size = Math.sqrt(sum(b.norm_dx.map((v) => v * v))) || 1;
  const small = (value) => (Math.abs(value) < 1e-3 * size ? "0" : signed(value)); // what float32 leaves over
  again = () => {
    const at = paths.at, value = (name) => signed(rows[name][at]);
    write("paths", "pathsSaid", { n: at + 1, direct: value("rowDirect"), mean: value("rowMean"), rstd: value("rowRstd"), dx: value("rowDx"), sum: small(sum(b.norm_dx)), dot: small(sum(b.norm_dx.map((v, i) => v * b.norm_x_hat[i]))) });
  };
  again();
}
