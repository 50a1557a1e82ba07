/* A Vision Transformer trained with tinyvit: its forward, in C99, with no library but math.h.

       void vit_forward(const float *image, float *output);

   image   C x H x W values, channel after channel, row after row: @IMAGE@
   output  @OUTPUT@

   Compile it with `cc -O3 -std=c99 -c FILE.c`, and link with -lm. Buffers are static: one image at a time.

   C channels, H W image, P patch, S channels that patches are cut from, L patches, T tokens in front of them, N = T + L
   tokens, Q tokens that are read after the last block, D features of a token, d of each head, M hidden features of the
   MLP, FIRST tokens that are pooled as they are, POOLED inputs of the head, K outputs. The weight of a linear layer is
   (in, out), row after row; functions have the names of tinyvit's ops, where each is derived. */
#include <math.h>

@SIZES@
static const float EPS = @EPS@; /* of layer norm */

@WEIGHTS@
/* y = x @ weight + bias: (rows, in), (in, out), (out) -> (rows, out) */
static void linear(float *y, const float *x, int rows, int in, int out, const float *weight, const float *bias)
{
    for (int row = 0; row < rows; row++, x += in, y += out) {
        for (int o = 0; o < out; o++)
            y[o] = bias ? bias[o] : 0.0f;
        for (int i = 0; i < in; i++)
            for (int o = 0; o < out; o++)
                y[o] += x[i] * weight[i * out + o];
    }
}

/* Each row is moved to mean 0 and scaled to variance 1, then scaled and shifted: (rows, D) -> (rows, D) */
static void layer_norm(float *y, const float *x, int rows, const float *weight, const float *bias)
{
    for (int row = 0; row < rows; row++, x += D, y += D) {
        float mean = 0.0f, variance = 0.0f;
        for (int i = 0; i < D; i++)
            mean += x[i];
        mean /= D;
        for (int i = 0; i < D; i++)
            variance += (x[i] - mean) * (x[i] - mean);
        float rstd = 1.0f / sqrtf(variance / D + EPS);
        for (int i = 0; i < D; i++)
            y[i] = (x[i] - mean) * rstd * weight[i] + bias[i];
    }
}

/* x times a gate between 0 and 1 */
static void gelu(float *x, int count)
{
    for (int i = 0; i < count; i++)
#if GELU_ERF
        x[i] *= 0.5f * (1.0f + erff(x[i] * 0.70710678f)); /* the normal distribution's share below x */
#endif
#if GELU_TANH
        x[i] *= 0.5f * (1.0f + tanhf(0.79788456f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
#endif
#if GELU_QUICK
        x[i] *= 0.5f * (1.0f + tanhf(0.5f * 1.702f * x[i])); /* the logistic function of 1.702 x */
#endif
}

/* Scores become positive shares that add up to one: (count) */
static void softmax(float *x, int count)
{
    float max = x[0], sum = 0.0f;
    for (int i = 1; i < count; i++)
        max = x[i] > max ? x[i] : max;
    for (int i = 0; i < count; i++)
        sum += x[i] = expf(x[i] - max);
    for (int i = 0; i < count; i++)
        x[i] /= sum;
}

/* y = softmax(q k^T / sqrt(d)) v of each head: queries (rows, D), keys and values (count, D) -> (rows, D).
   The rows of q lie q_step values apart, those of k and v kv_step. */
static void attention(float *y, const float *q, int rows, int q_step, const float *k, const float *v, int count, int kv_step)
{
    float weights[N];
    for (int row = 0; row < rows; row++)
        for (int first = 0; first < D; first += d) { /* feature of a head */
            const float *query = q + row * q_step + first;
            float *mixed = y + row * D + first;
            for (int token = 0; token < count; token++) {
                const float *key = k + token * kv_step + first;
                weights[token] = 0.0f;
                for (int i = 0; i < d; i++)
                    weights[token] += query[i] * key[i];
                weights[token] /= sqrtf(d);
            }
            softmax(weights, count);
            for (int i = 0; i < d; i++)
                mixed[i] = 0.0f;
            for (int token = 0; token < count; token++)
                for (int i = 0; i < d; i++)
                    mixed[i] += weights[token] * v[token * kv_step + first + i];
        }
}

/* A linear layer widens every token by itself, GELU follows, a linear layer narrows it: (rows, D) -> (rows, D) */
static void mlp(float *y, const float *x, int rows, const float *fc1_weight, const float *fc1_bias,
                const float *fc2_weight, const float *fc2_bias)
{
    static float hidden[M];
    for (int row = 0; row < rows; row++) {
        linear(hidden, x + row * D, 1, D, M, fc1_weight, fc1_bias);
        gelu(hidden, M);
        linear(y + row * D, hidden, 1, M, D, fc2_weight, fc2_bias);
    }
}

/* x = x + gamma * branch, gamma the layer scale if there is one: (rows, D) */
static void residual(float *x, const float *branch, int rows, const float *gamma)
{
    for (int i = 0; i < rows * D; i++)
        x[i] += gamma ? gamma[i % D] * branch[i] : branch[i];
}

#if BLOCKS
/* Attention mixes the tokens, then an MLP transforms each by itself: (N, D), of which the first `rows` are wanted */
static void block(float *x, const Block *b, int rows)
{
    static float a[N * D], qkv[N * 3 * D], branch[N * D];
    layer_norm(a, x, N, b->norm1_weight, b->norm1_bias);
    linear(qkv, a, N, D, 3 * D, b->qkv_weight, b->qkv_bias);
    attention(a, qkv, rows, 3 * D, qkv + D, qkv + 2 * D, N, 3 * D);
    linear(branch, a, rows, D, D, b->proj_weight, b->proj_bias);
    residual(x, branch, rows, b->ls1_gamma);
    layer_norm(a, x, rows, b->norm2_weight, b->norm2_bias);
    mlp(branch, a, rows, b->fc1_weight, b->fc1_bias, b->fc2_weight, b->fc2_bias);
    residual(x, branch, rows, b->ls2_gamma);
}

#endif
#if CONV_STEM
/* Windows of 3 x 3, zeros beyond the edge: (chans, H, W), (chans * 9, S), (S) -> (S, H, W) */
static void conv2d(float *y, const float *x, int chans, const float *weight, const float *bias)
{
    for (int o = 0; o < S; o++)
        for (int row = 0; row < H; row++)
            for (int column = 0; column < W; column++) {
                float sum = bias[o];
                for (int c = 0; c < chans; c++)
                    for (int u = 0; u < 3; u++)
                        for (int v = 0; v < 3; v++) {
                            int i = row + u - 1, j = column + v - 1;
                            if (i >= 0 && i < H && j >= 0 && j < W)
                                sum += x[(c * H + i) * W + j] * weight[((c * 3 + u) * 3 + v) * S + o];
                        }
                y[(o * H + row) * W + column] = sum;
            }
}

#endif
/* Patches, each flattened channel first, become tokens: (S, H, W) -> (L, D); S channels are C without a stem */
static void patch_embed(float *tokens, const float *image)
{
    static float patch[S * P * P];
    for (int i = 0; i < H / P; i++)
        for (int j = 0; j < W / P; j++, tokens += D) {
            for (int c = 0; c < S; c++)
                for (int u = 0; u < P; u++)
                    for (int v = 0; v < P; v++)
                        patch[(c * P + u) * P + v] = image[(c * H + i * P + u) * W + j * P + v];
            linear(tokens, patch, 1, S * P * P, D, patch_embed_proj_weight, patch_embed_proj_bias);
        }
}

#if MEAN
/* The mean of the patches: (N, D) -> (D) */
static void mean_pool(float *y, const float *x)
{
    for (int i = 0; i < D; i++) {
        y[i] = 0.0f;
        for (int token = T; token < N; token++)
            y[i] += x[token * D + i];
        y[i] /= L;
    }
}

#endif
#if MAP
/* A learned query attends to the patches, and an MLP with a residual follows: (N, D) -> (D) */
static void attention_pool(float *y, const float *x)
{
    static float kv[L * 2 * D], a[D], branch[D];
    linear(kv, x + T * D, L, D, 2 * D, pool_kv_weight, pool_kv_bias);
    attention(a, pool_query, 1, D, kv, kv + D, L, 2 * D);
    linear(y, a, 1, D, D, pool_proj_weight, pool_proj_bias);
    layer_norm(a, y, 1, pool_norm_weight, pool_norm_bias);
    mlp(branch, a, 1, pool_mlp_fc1_weight, pool_mlp_fc1_bias, pool_mlp_fc2_weight, pool_mlp_fc2_bias);
    residual(y, branch, 1, 0);
}

#endif
/* (C, H, W) -> (K) */
void vit_forward(const float *image, float *output)
{
    static float x[N * D], pooled[2 * D];
#if NORMALISE
    static float normalised[C * H * W];
    for (int i = 0; i < C * H * W; i++)
        normalised[i] = image[i] * pixel_scale[i / (H * W)] - pixel_shift[i / (H * W)];
    image = normalised;
#endif
#if CONV_STEM
    static float map1[S * H * W], map2[S * H * W];
    conv2d(map1, image, C, patch_embed_stem_conv1_weight, patch_embed_stem_conv1_bias);
    gelu(map1, S * H * W);
    conv2d(map2, map1, S, patch_embed_stem_conv2_weight, patch_embed_stem_conv2_bias);
    gelu(map2, S * H * W);
    image = map2;
#endif
#if PREFIX
    for (int i = 0; i < T * D; i++)
        x[i] = prefix_tokens[i]; /* the class token and the registers */
#endif
    patch_embed(x + T * D, image);
    for (int i = 0; i < N * D; i++)
        x[i] += pos_embed[i];
#if PRE_NORM
    layer_norm(x, x, N, norm_pre_weight, norm_pre_bias);
#endif
#if BLOCKS
    for (int b = 0; b < DEPTH; b++)
        block(x, &blocks[b], b < DEPTH - 1 ? N : Q);
#endif
#if NORM
    layer_norm(x, x, Q, norm_weight, norm_bias);
#endif
#if CLS
    for (int i = 0; i < FIRST * D; i++)
        pooled[i] = x[i]; /* the class token; the distillation token beside it, if there is one */
#endif
#if MEAN
    mean_pool(pooled + POOLED - D, x);
#endif
#if MAP
    attention_pool(pooled, x);
#endif
#if FC_NORM
    layer_norm(pooled, pooled, 1, fc_norm_weight, fc_norm_bias);
#endif
#if HEAD
    linear(output, pooled, 1, POOLED, K, head_weight, head_bias);
#endif
#if DISTILLED
    static float dist[K];
    linear(output, pooled, 1, D, K, head_cls_weight, head_cls_bias);
    linear(dist, pooled + D, 1, D, K, head_dist_weight, head_dist_bias);
    for (int k = 0; k < K; k++)
        output[k] = 0.5f * (output[k] + dist[k]);
#endif
#if FEATURES
    for (int i = 0; i < POOLED; i++)
        output[i] = pooled[i];
#endif
#if TWO_FEATURES
    for (int i = 0; i < D; i++)
        output[i] = 0.5f * (pooled[i] + pooled[D + i]);
#endif
}
