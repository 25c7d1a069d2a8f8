/* The steps of one LSTM or GRU direction in bfloat16, forward and backward, for processors with AVX-512 BF16.
 *
 * oneDNN's backward pass forms the weights' gradient step by step and takes most of the training time at the small
 * batches of a CPU. Here a step does only what must be sequential: one product with the recurrent weights and the
 * pointwise gates. Everything else is left to a few large products over all steps (see recurrence.py).
 *
 * Gate order of the LSTM: input, forget, cell, output. T steps, N utterances, H units (a multiple of 64). bfloat16 is uint16_t.
 * A packed matrix has blocks of 64 outputs; inside a block, for each pair of inputs, 64 x 2 bfloat16 values.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64
#define ROWS 6

static inline __m512 load_bf16(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}

static inline void store_bf16(uint16_t *p, __m512 x) {
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(x));
}

/* exp by 2^n times a polynomial on [-ln2/2, ln2/2]; relative error below 1e-6, far under bfloat16's step. */
static inline __m512 exponential(__m512 x) {
    x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-80.0f)), _mm512_set1_ps(80.0f));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.0f / 720);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 120));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 24));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 6));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, n);
}

static inline __m512 sigmoid(__m512 x) {
    __m512 one = _mm512_set1_ps(1.0f);
    return _mm512_div_ps(one, _mm512_add_ps(one, exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

static inline __m512 hyperbolic_tangent(__m512 x) {
    __m512 two = _mm512_set1_ps(2.0f);
    return _mm512_fmsub_ps(two, sigmoid(_mm512_mul_ps(two, x)), _mm512_set1_ps(1.0f));
}

/* rows x 64 outputs of one block: out[r][0..63] = sum over k of a[r][k] * b[k][0..63]. */
#define PRODUCT(rows)                                                                                         \
    static void product_##rows(int inputs, int outputs, const uint16_t *a, const uint16_t *b, float *out) {    \
        __m512 sum[rows][4];                                                                                   \
        for (int r = 0; r < rows; r++)                                                                         \
            for (int v = 0; v < 4; v++) sum[r][v] = _mm512_setzero_ps();                                       \
        for (int k = 0; k < inputs; k += 2, b += 2 * BLOCK) {                                                  \
            __m512bh w0 = (__m512bh)_mm512_loadu_si512(b), w1 = (__m512bh)_mm512_loadu_si512(b + 32);          \
            __m512bh w2 = (__m512bh)_mm512_loadu_si512(b + 64), w3 = (__m512bh)_mm512_loadu_si512(b + 96);     \
            for (int r = 0; r < rows; r++) {                                                                   \
                int32_t pair;                                                                                  \
                memcpy(&pair, a + (size_t)r * inputs + k, 4);                                                  \
                __m512bh x = (__m512bh)_mm512_set1_epi32(pair);                                                \
                sum[r][0] = _mm512_dpbf16_ps(sum[r][0], x, w0);                                                \
                sum[r][1] = _mm512_dpbf16_ps(sum[r][1], x, w1);                                                \
                sum[r][2] = _mm512_dpbf16_ps(sum[r][2], x, w2);                                                \
                sum[r][3] = _mm512_dpbf16_ps(sum[r][3], x, w3);                                                \
            }                                                                                                  \
        }                                                                                                      \
        for (int r = 0; r < rows; r++)                                                                         \
            for (int v = 0; v < 4; v++) _mm512_storeu_ps(out + (size_t)r * outputs + 16 * v, sum[r][v]);       \
    }
PRODUCT(1) PRODUCT(2) PRODUCT(3) PRODUCT(4) PRODUCT(5) PRODUCT(6)
typedef void (*product_function)(int, int, const uint16_t *, const uint16_t *, float *);
static const product_function PRODUCTS[ROWS + 1] = {0,         product_1, product_2, product_3,
                                                    product_4, product_5, product_6};

/* out [n, outputs] = a [n, inputs] * packed. */
static void multiply(int n, int inputs, int outputs, const uint16_t *a, const uint16_t *packed, float *out) {
    for (int j = 0; j < outputs; j += BLOCK, packed += (size_t)inputs * BLOCK)
        for (int row = 0; row < n; row += ROWS) {
            int rows = n - row < ROWS ? n - row : ROWS;
            PRODUCTS[rows](inputs, outputs, a + (size_t)row * inputs, packed, out + (size_t)row * outputs + j);
        }
}

/* gates [T, N, 4H]: in, what the inputs add to each gate; out, the activated gates.
 * packed: recurrent weights, H inputs, 4H outputs. Writes hidden [T, N, H] and cells (float) [T, N, H]. */
int lstm_forward(int steps, int n, int units, uint16_t *gates, const uint16_t *packed, uint16_t *hidden, float *cells) {
    int width = 4 * units;
    float *recurrent = calloc((size_t)n * width, sizeof(float));
    if (!recurrent) return 1;
    for (int t = 0; t < steps; t++) {
        if (t > 0) multiply(n, units, width, hidden + (size_t)(t - 1) * n * units, packed, recurrent);
        for (int row = 0; row < n; row++) {
            uint16_t *gate = gates + ((size_t)t * n + row) * width;
            const float *add = recurrent + (size_t)row * width;
            size_t at = ((size_t)t * n + row) * units;
            for (int u = 0; u < units; u += 16) {
                __m512 a[4];
                for (int g = 0; g < 4; g++)
                    a[g] = _mm512_add_ps(load_bf16(gate + g * units + u), _mm512_loadu_ps(add + g * units + u));
                __m512 in = sigmoid(a[0]), forget = sigmoid(a[1]), new = hyperbolic_tangent(a[2]), out = sigmoid(a[3]);
                __m512 cell = _mm512_mul_ps(in, new);
                if (t > 0) cell = _mm512_fmadd_ps(forget, _mm512_loadu_ps(cells + at - (size_t)n * units + u), cell);
                _mm512_storeu_ps(cells + at + u, cell);
                store_bf16(hidden + at + u, _mm512_mul_ps(out, hyperbolic_tangent(cell)));
                store_bf16(gate + u, in);
                store_bf16(gate + units + u, forget);
                store_bf16(gate + 2 * units + u, new);
                store_bf16(gate + 3 * units + u, out);
            }
        }
    }
    free(recurrent);
    return 0;
}

/* gates: in, the activated gates of lstm_forward; out, the loss's gradient at each gate before its activation.
 * packed: the transposed recurrent weights, 4H inputs, H outputs. output_gradient: bfloat16 [T, N, H]. */
int lstm_backward(int steps, int n, int units, uint16_t *gates, const uint16_t *packed, const float *cells,
                  const uint16_t *output_gradient) {
    int width = 4 * units;
    float *from_next = calloc((size_t)n * units, sizeof(float)), *cell_gradient = calloc((size_t)n * units, sizeof(float));
    if (!from_next || !cell_gradient) {
        free(from_next);
        free(cell_gradient);
        return 1;
    }
    const __m512 one = _mm512_set1_ps(1.0f);
    for (int t = steps - 1; t >= 0; t--) {
        for (int row = 0; row < n; row++) {
            uint16_t *gate = gates + ((size_t)t * n + row) * width;
            size_t at = ((size_t)t * n + row) * units;
            for (int u = 0; u < units; u += 16) {
                float *carried = cell_gradient + (size_t)row * units + u;
                __m512 in = load_bf16(gate + u), forget = load_bf16(gate + units + u);
                __m512 new = load_bf16(gate + 2 * units + u), out = load_bf16(gate + 3 * units + u);
                __m512 tanh_cell = hyperbolic_tangent(_mm512_loadu_ps(cells + at + u));
                __m512 before = t > 0 ? _mm512_loadu_ps(cells + at - (size_t)n * units + u) : _mm512_setzero_ps();
                __m512 dh = _mm512_add_ps(load_bf16(output_gradient + at + u),
                                          _mm512_loadu_ps(from_next + (size_t)row * units + u));
                __m512 dc = _mm512_fmadd_ps(_mm512_mul_ps(dh, out), _mm512_fnmadd_ps(tanh_cell, tanh_cell, one),
                                            _mm512_loadu_ps(carried));
                _mm512_storeu_ps(carried, _mm512_mul_ps(dc, forget));
                __m512 slope_in = _mm512_mul_ps(in, _mm512_sub_ps(one, in));
                __m512 slope_forget = _mm512_mul_ps(forget, _mm512_sub_ps(one, forget));
                __m512 slope_out = _mm512_mul_ps(out, _mm512_sub_ps(one, out));
                store_bf16(gate + u, _mm512_mul_ps(_mm512_mul_ps(dc, new), slope_in));
                store_bf16(gate + units + u, _mm512_mul_ps(_mm512_mul_ps(dc, before), slope_forget));
                store_bf16(gate + 2 * units + u, _mm512_mul_ps(_mm512_mul_ps(dc, in), _mm512_fnmadd_ps(new, new, one)));
                store_bf16(gate + 3 * units + u, _mm512_mul_ps(_mm512_mul_ps(dh, tanh_cell), slope_out));
            }
        }
        if (t > 0) multiply(n, width, units, gates + (size_t)t * n * width, packed, from_next);
    }
    free(from_next);
    free(cell_gradient);
    return 0;
}

/* One GRU direction whose reset gate works after the product (`linear_before_reset` in ONNX). Gate order: reset, update, new.
 * gates [T, N, 3H]: in, what the inputs add to each gate; out, the activated gates. packed: recurrent weights, H inputs, 3H
 * outputs; bias (float) [3H] beside them. Writes hidden [T, N, H] and products [T, N, H], what the reset gate scales. */
int gru_forward(int steps, int n, int units, uint16_t *gates, const uint16_t *packed, const float *bias, uint16_t *products,
                uint16_t *hidden) {
    int width = 3 * units;
    float *recurrent = calloc((size_t)n * width, sizeof(float)), *state = calloc((size_t)n * units, sizeof(float));
    if (!recurrent || !state) {
        free(recurrent);
        free(state);
        return 1;
    }
    for (int t = 0; t < steps; t++) {
        if (t > 0) multiply(n, units, width, hidden + (size_t)(t - 1) * n * units, packed, recurrent);
        for (int row = 0; row < n; row++) {
            uint16_t *gate = gates + ((size_t)t * n + row) * width;
            const float *add = recurrent + (size_t)row * width;
            size_t at = ((size_t)t * n + row) * units;
            for (int u = 0; u < units; u += 16) {
                float *carried = state + (size_t)row * units + u;
                __m512 a[3];
                for (int g = 0; g < 3; g++)
                    a[g] = _mm512_add_ps(_mm512_loadu_ps(add + g * units + u), _mm512_loadu_ps(bias + g * units + u));
                __m512 reset = sigmoid(_mm512_add_ps(a[0], load_bf16(gate + u)));
                __m512 update = sigmoid(_mm512_add_ps(a[1], load_bf16(gate + units + u)));
                __m512 new = hyperbolic_tangent(_mm512_fmadd_ps(reset, a[2], load_bf16(gate + 2 * units + u)));
                __m512 before = _mm512_loadu_ps(carried);
                __m512 now = _mm512_fmadd_ps(update, _mm512_sub_ps(before, new), new);
                _mm512_storeu_ps(carried, now);
                store_bf16(hidden + at + u, now);
                store_bf16(products + at + u, a[2]);
                store_bf16(gate + u, reset);
                store_bf16(gate + units + u, update);
                store_bf16(gate + 2 * units + u, new);
            }
        }
    }
    free(recurrent);
    free(state);
    return 0;
}

/* gates: in, the activated gates of gru_forward; out, the loss's gradient at each gate before its activation. Writes inner
 * [T, N, 3H], the gradient at the products with the recurrent weights. packed: the transposed recurrent weights, 3H inputs,
 * H outputs. output_gradient: bfloat16 [T, N, H]. */
int gru_backward(int steps, int n, int units, uint16_t *gates, const uint16_t *packed, const uint16_t *products,
                 const uint16_t *hidden, const uint16_t *output_gradient, uint16_t *inner) {
    int width = 3 * units;
    float *from_next = calloc((size_t)n * units, sizeof(float)), *kept = calloc((size_t)n * units, sizeof(float));
    if (!from_next || !kept) {
        free(from_next);
        free(kept);
        return 1;
    }
    const __m512 one = _mm512_set1_ps(1.0f);
    for (int t = steps - 1; t >= 0; t--) {
        for (int row = 0; row < n; row++) {
            uint16_t *gate = gates + ((size_t)t * n + row) * width, *in = inner + ((size_t)t * n + row) * width;
            size_t at = ((size_t)t * n + row) * units;
            for (int u = 0; u < units; u += 16) {
                size_t place = (size_t)row * units + u;
                __m512 reset = load_bf16(gate + u), update = load_bf16(gate + units + u);
                __m512 new = load_bf16(gate + 2 * units + u);
                __m512 before = t > 0 ? load_bf16(hidden + at - (size_t)n * units + u) : _mm512_setzero_ps();
                __m512 dh = _mm512_add_ps(load_bf16(output_gradient + at + u), _mm512_loadu_ps(from_next + place));
                dh = _mm512_add_ps(dh, _mm512_loadu_ps(kept + place));
                _mm512_storeu_ps(kept + place, _mm512_mul_ps(dh, update));
                __m512 by_new = _mm512_mul_ps(_mm512_mul_ps(dh, _mm512_sub_ps(one, update)), _mm512_fnmadd_ps(new, new, one));
                __m512 by_update = _mm512_mul_ps(_mm512_mul_ps(dh, _mm512_sub_ps(before, new)),
                                                 _mm512_mul_ps(update, _mm512_sub_ps(one, update)));
                __m512 by_reset = _mm512_mul_ps(_mm512_mul_ps(by_new, load_bf16(products + at + u)),
                                                _mm512_mul_ps(reset, _mm512_sub_ps(one, reset)));
                store_bf16(in + u, by_reset);
                store_bf16(in + units + u, by_update);
                store_bf16(in + 2 * units + u, _mm512_mul_ps(by_new, reset));
                store_bf16(gate + u, by_reset);
                store_bf16(gate + units + u, by_update);
                store_bf16(gate + 2 * units + u, by_new);
            }
        }
        if (t > 0) multiply(n, width, units, inner + (size_t)t * n * width, packed, from_next);
    }
    free(from_next);
    free(kept);
    return 0;
}
