// The backward of one attention head, number by number: from the gradient of what it wrote to those of q, k and v.
//
//     y = Σ_j weights_j v_j             dv_j = weights_j dy        dweights_j = dy · v_j
//     weights = softmax(scores)         dscores_j = weights_j (dweights_j - Σ weights dweights)
//     scores_j = q · k_j / √d           dq = Σ_j dscores_j k_j / √d        dk_j = dscores_j q / √d
import { zeros } from "../array.js";
import { asMatrix, matmul, matrix, transposed } from "../matmul.js";
import { byHead, headOf } from "../ops/attention.js";
import { softmaxBackward } from "../ops/softmax.js";

/** Row i of a view, as numbers of its own. */
const rowOf = ({ data, offset, rowStride, columns }, i) => data.slice(offset + i * rowStride, offset + i * rowStride + columns);

/** Of one token that asks, under the names of tinyvit/looking/attention_gradients.py; dk and dv of all that ask. */
export function attentionGradients(seen, grads, block, head, token) {
  const h = seen.model.config.num_heads, { qkv } = seen.saved.blocks[block].attn.body.attention;
  const views = headOf(qkv, 0, head, h), dheads = byHead(grads.heads[block], 0, head, h);
  const { rows: N, columns: d } = views.q, scale = d ** -0.5;
  const of = (x) => ({ data: x.data.slice(head * N * N, (head + 1) * N * N), shape: [N, N] });
  const weights = of(seen.attention[block]), dweights = of(grads.attention[block]);
  const dscores = softmaxBackward(dweights, { y: weights });
  const row = (x) => ({ data: x.data.slice(token * N, (token + 1) * N), shape: [N] });
  const product = (a, b, factor = 1) => {
    const c = zeros(a.rows, b.columns);
    matmul(a, b, asMatrix(c));
    return { data: c.data.map((value) => value * factor), shape: c.shape };
  };
  const vector = (data) => ({ data, shape: [data.length] }), column = (x) => matrix(row(x).data, N, 1);
  const q = vector(rowOf(views.q, token)), dy = vector(rowOf(dheads, token));
  const scores = product(views.k, matrix(q.data, d, 1), scale), dq = product(transposed(column(dscores)), views.k, scale);
  const identity = (view) => ({ data: Float32Array.from({ length: N * d }, (_, at) =>
    view.data[view.offset + Math.floor(at / d) * view.rowStride + (at % d)]), shape: [N, d] });
  return {
    q, k: identity(views.k), v: identity(views.v), dy,
    scores: vector(scores.data), weights: row(weights), dweights: row(dweights), dscores: row(dscores),
    dq: vector(dq.data),
    dk_row: product(column(dscores), matrix(q.data, 1, d), scale),
    dv_row: product(column(weights), matrix(dy.data, 1, d)),
    dk: product(transposed(asMatrix(dscores)), views.q, scale),
    dv: product(transposed(asMatrix(weights)), dheads),
  };
}
