// Layer norm's backward for one token: the three paths on which each feature acts, and what they add up to.
import { Strips } from "../charts.js";
import { number, signed } from "../dom.js";
import { order } from "../state.js";

let cursor, input, paths;

export function build(step, moved) {
  cursor = { at: 0, held: false };
  step("norm", "x̂ = (x − mean) · rstd\nrstd = 1 / √(variance + eps)", null, "layer_norm", (parent) => { input = new Strips(parent, { label: "normChart", cursor, moved }); });
  step("paths", "y = x̂ · weight + bias", "dx = rstd · (dx̂ − mean(dx̂) − x̂ · mean(dx̂ · x̂))", "layer_norm", (parent) => { paths = new Strips(parent, { label: "pathsChart", cursor, moved }); });
}

export function render(b, write) {
  const [at] = cursor.held ? [cursor.at] : order(b.norm_dx.map(Math.abs));
  cursor.at = at;
  input.draw([{ name: "rowX", values: b.norm_x, plain: true }, { name: "rowXHat", values: b.norm_x_hat, plain: true }]);
  write("norm", "normSaid", { rstd: number(Number(b.metadata.rstd)) });
  const rows = [["rowDxHat", b.norm_dx_hat], ["rowDirect", b.norm_direct], ["rowMean", b.norm_through_mean], ["rowRstd", b.norm_through_rstd], ["rowDx", b.norm_dx]];
  paths.draw(rows.map(([name, values]) => ({ name, values })));
  const sum = (values) => values.reduce((a, value) => a + value, 0), size = Math.sqrt(sum(b.norm_dx.map((v) => v * v))) || 1;
  const small = (value) => (Math.abs(value) < 1e-3 * size ? "0" : signed(value)); // what float32 leaves over
  const [direct, mean, rstd, dx] = rows.slice(1).map(([, values]) => signed(values[at]));
  write("paths", "pathsSaid", { n: at + 1, direct, mean, rstd, dx, sum: small(sum(b.norm_dx)), dot: small(sum(b.norm_dx.map((v, i) => v * b.norm_x_hat[i]))) });
}
