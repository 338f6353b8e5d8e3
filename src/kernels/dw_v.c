/* Depthwise convolutions: lanes are channels. A tile is up to eight pixels of a
 * row; every tap is one load of weights and one FMA with a memory operand per
 * pixel, which keeps loads and FMAs in balance. Groups of two or four channels
 * shuffle the lanes of what they loaded. Where there are registers enough, 3x3
 * windows of stride 1 are done in tiles of two rows, which load every input once
 * for up to six products. */
#include "kernels/tile.h"

enum { DW_TILE = 8 };

/* Rows ky0 .. ky1 - 1 and columns kx0 .. kx1 - 1 of the kernel are inside the
 * input. p: the input under tap (0, 0) of the first pixel. */
typedef struct window {
    int ky0, ky1, kx0, kx1;
} window;

/* Adds one tap to a tile, with `step` floats from pixel to pixel; w points at its weights for this vector. */
ALWAYS_INLINE void tap(const int N, const int G, vf *acc, const float *p, size_t step, const float *w) {
    const vf w0 = V_LOAD(w);
    if (G == 1) {
        UNROLL for (int j = 0; j < N; j++) acc[j] = V_FMA(V_LOAD(p + j * step), w0, acc[j]);
        return;
    }
    const vf w1 = V_LOAD(w + CB), w2 = V_LOAD(w + (G > 2 ? 2 : 0) * CB), w3 = V_LOAD(w + (G > 2 ? 3 : 0) * CB);
    UNROLL for (int j = 0; j < N; j++) {
        const vf x = V_LOAD(p + j * step);
        acc[j] = V_FMA(V_XOR1(x), w1, V_FMA(x, w0, acc[j]));
        if (G > 2) acc[j] = V_FMA(V_XOR3(x), w3, V_FMA(V_XOR2(x), w2, acc[j]));
    }
}

/* The epilogue of N pixels of a row, from their sums to the output. */
ALWAYS_INLINE void dw_finish(const int N, const fct_k_dw *d, vf *acc, size_t at, int v) {
    const fct_k_epilogue *e = d->e;
    const vf bias = V_LOAD(e->bias + v * VL);
    const float *const add = d->add ? d->add + at : NULL;
    float *const out = d->out + at;
    UNROLL for (int j = 0; j < N; j++) acc[j] += bias;
    if (add && !e->add_after) UNROLL for (int j = 0; j < N; j++) acc[j] += V_LOAD(add + j * CB);
    if (e->act == FCT_K_ACT_CLAMP) {
        const vf lo = V_SET1(e->lo), hi = V_SET1(e->hi);
        UNROLL for (int j = 0; j < N; j++) acc[j] = V_MIN(V_MAX(acc[j], lo), hi);
    } else if (e->act == FCT_K_ACT_SLOPE) {
        const vf zero = V_ZERO(), slope = V_LOAD(e->slope + v * VL);
        UNROLL for (int j = 0; j < N; j++) acc[j] = V_FMA(slope, V_MIN(acc[j], zero), V_MAX(acc[j], zero));
    }
    if (add && e->add_after) UNROLL for (int j = 0; j < N; j++) acc[j] += V_LOAD(add + j * CB);
    UNROLL for (int j = 0; j < N; j++) V_STORE(out + j * CB, acc[j]);
}

ALWAYS_INLINE void dw_tile(const int N, const int KW, const int SW, const int G, const fct_k_dw *d, const float *p,
                           window k, size_t at, int v) {
    const fct_k_geom *g = &d->g;
    const int kw = KW ? KW : g->kw;
    const size_t step = (size_t)(SW ? SW : g->sw) * CB;
    vf acc[DW_TILE];
    UNROLL for (int j = 0; j < N; j++) acc[j] = V_ZERO();
    for (int ky = k.ky0; ky < k.ky1; ky++) {
        const float *row = p + (ptrdiff_t)ky * g->iw * CB, *w = d->w + ky * kw * G * CB + v * VL;
        if (KW) UNROLL for (int kx = 0; kx < KW; kx++) tap(N, G, acc, row + kx * CB, step, w + kx * G * CB);
        else
            for (int kx = k.kx0; kx < k.kx1; kx++) tap(N, G, acc, row + (ptrdiff_t)kx * CB, step, w + kx * G * CB);
    }
    dw_finish(N, d, acc, at, v);
}

/* Computes pixels x0 .. x1 - 1 of row y, all taps of which are inside. */
ALWAYS_INLINE void dw_inner(const int KW, const int SW, const int G, const fct_k_dw *d, const float *row, window k,
                            size_t at, int x0, int x1, int v) {
    const fct_k_geom *g = &d->g;
    const ptrdiff_t step = (ptrdiff_t)(SW ? SW : g->sw) * CB;
#define AT(x) d, row + (x)*step, k, at + (size_t)(x)*CB, v
    int x = x0;
    for (; x + 8 <= x1; x += 8) dw_tile(8, KW, SW, G, AT(x));
    if (x + 4 <= x1) {
        dw_tile(4, KW, SW, G, AT(x));
        x += 4;
    }
    if (x + 2 <= x1) {
        dw_tile(2, KW, SW, G, AT(x));
        x += 2;
    }
    if (x < x1) dw_tile(1, KW, SW, G, AT(x));
#undef AT
}

typedef void inner_fn(const fct_k_dw *d, const float *row, window k, size_t at, int x0, int x1, int v);
#define INNER(name, KW, SW, G)                                                                                         \
    static void name(const fct_k_dw *d, const float *row, window k, size_t at, int x0, int x1, int v) {                \
        dw_inner(KW, SW, G, d, row, k, at, x0, x1, v);                                                                 \
    }
INNER(inner_3_1, 3, 1, 1)
INNER(inner_3_2, 3, 2, 1)
INNER(inner_any_1, 0, 1, 1)
INNER(inner_any, 0, 0, 1)
INNER(pairs_3_1, 3, 1, 2)
INNER(pairs_any, 0, 0, 2)
INNER(fours_any, 0, 0, 4)

/* Picks the loop for pixels away from the edges: common kernel widths and strides have one of their own. */
static inner_fn *choose_inner(const fct_k_dw *d) {
    const fct_k_geom *g = &d->g;
    if (d->group == 4) return fours_any;
    if (d->group == 2) return g->kw == 3 && g->sw == 1 ? pairs_3_1 : pairs_any;
    if (g->kw == 3 && g->sw == 1) return inner_3_1;
    if (g->kw == 3 && g->sw == 2) return inner_3_2;
    return g->sw == 1 ? inner_any_1 : inner_any;
}

/* Computes one pixel at an edge. */
static void dw_edge(const fct_k_dw *d, const float *p, window k, size_t at, int v) {
    if (d->group == 1) dw_tile(1, 0, 0, 1, d, p, k, at, v);
    else if (d->group == 2) dw_tile(1, 0, 0, 2, d, p, k, at, v);
    else dw_tile(1, 0, 0, 4, d, p, k, at, v);
}

static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }

static void dw_row(const fct_k_dw *d, int y, inner_fn *inner, int v) {
    const fct_k_geom *g = &d->g;
    const int top = y * g->sh - g->pad_top;
    window k = {most(0, -top), least(g->kh, g->ih - top), 0, g->kw};
    const float *row = d->in + ((ptrdiff_t)top * g->iw - g->pad_left) * CB + v * VL;
    size_t at = (size_t)y * g->ow * CB + v * VL;
    /* first and last + 1 pixel with all columns inside */
    const int x0 = least(g->ow, (g->pad_left + g->sw - 1) / g->sw);
    const int reach = g->iw + g->pad_left - g->kw;
    const int x1 = most(x0, reach < 0 ? 0 : least(g->ow, reach / g->sw + 1));
    for (int x = 0; x < g->ow; x++) {
        if (x == x0) {
            inner(d, row, k, at, x0, x1, v);
            x = x1;
            if (x >= g->ow) break;
        }
        const int left = x * g->sw - g->pad_left;
        window edge = {k.ky0, k.ky1, most(0, -left), least(g->kw, g->iw - left)};
        dw_edge(d, row + (ptrdiff_t)x * g->sw * CB, edge, at + (size_t)x * CB, v);
    }
}

#if defined(__AVX512F__) || defined(__aarch64__)
#define PAIRS /* nine weights and a tile of two rows do not fit 16 registers */
/* Pixels of a register tile, and columns that are done from top to bottom before the next: six rows of 4 KB or less,
 * so that the two that the next pair reads again are still in L1. */
enum { PAIR_TILE = 6, PAIR_COLUMNS = 10 * PAIR_TILE };

/* N pixels of two rows, 3x3, stride 1; columns KX0 .. KX1 - 1 of the kernel are inside. p: the input under tap (0, 0)
 * of the upper row's first pixel. Sums are in the order of dw_tile(). */
ALWAYS_INLINE void pair_tile(const int N, const int KX0, const int KX1, const fct_k_dw *d, const float *p, size_t at,
                             const vf *w, int v) {
    const size_t row = (size_t)d->g.iw * CB;
    vf upper[PAIR_TILE], lower[PAIR_TILE];
    UNROLL for (int j = 0; j < N; j++) upper[j] = lower[j] = V_ZERO();
    UNROLL for (int r = 0; r < 4; r++) {
        vf x[PAIR_TILE + 2];
        UNROLL for (int j = KX0; j < N + KX1 - 1; j++) x[j] = V_LOAD(p + r * row + j * CB);
        UNROLL for (int kx = KX0; kx < KX1; kx++) {
            if (r < 3) UNROLL for (int j = 0; j < N; j++) upper[j] = V_FMA(x[j + kx], w[r * 3 + kx], upper[j]);
            if (r > 0) UNROLL for (int j = 0; j < N; j++) lower[j] = V_FMA(x[j + kx], w[r * 3 - 3 + kx], lower[j]);
        }
    }
    dw_finish(N, d, upper, at, v);
    dw_finish(N, d, lower, at + (size_t)d->g.ow * CB, v);
}

/* Whether a width has no other edges than one column of padding on both sides. */
static bool paired(const fct_k_dw *d) {
    const fct_k_geom *g = &d->g;
    return d->group == 1 && g->kh == 3 && g->kw == 3 && g->sh == 1 && g->sw == 1 && g->pad_left == 1 &&
           g->ow == g->iw && g->ow > 1;
}

/* Columns x .. end - 1 of rows y and y + 1, all input rows of which are inside. */
static void dw_pair(const fct_k_dw *d, int y, int x, int end, int v) {
    const fct_k_geom *g = &d->g;
    const int inside = least(end, g->ow - 1);
    const float *p = d->in + ((ptrdiff_t)(y - g->pad_top) * g->iw - 1) * CB + v * VL;
    const size_t at = (size_t)y * g->ow * CB + v * VL;
    vf w[9];
    UNROLL for (int i = 0; i < 9; i++) w[i] = V_LOAD(d->w + i * CB + v * VL);
    if (x == 0) pair_tile(1, 1, 3, d, p, at, w, v), x = 1;
#define AT d, p + (size_t)x *CB, at + (size_t)x *CB, w, v
    for (; x + PAIR_TILE <= inside; x += PAIR_TILE) pair_tile(PAIR_TILE, 0, 3, AT);
    for (; x + 2 <= inside; x += 2) pair_tile(2, 0, 3, AT);
    for (; x < inside; x++) pair_tile(1, 0, 3, AT);
    if (end == g->ow) pair_tile(1, 0, 2, AT);
#undef AT
}
#else
#endif

static void dw_rows(const fct_k_dw *d, int y0, int y1) {
    inner_fn *inner = choose_inner(d);
    for (int y = y0; y < y1; y++)
        for (int v = 0; v < VPB; v++) dw_row(d, y, inner, v);
}

void KFN(conv_dw)(const fct_k_dw *d, int y0, int y1) {
#ifdef PAIRS
    const fct_k_geom *g = &d->g;
    if (paired(d)) {
        const int first = most(y0, g->pad_top); /* rows before it, and the last ones, see padding */
        const int pairs = most(0, least(y1, g->ih + g->pad_top - 2) - first) / 2;
        dw_rows(d, y0, least(y1, first));
        for (int x = 0; x < g->ow; x += PAIR_COLUMNS)
            for (int i = 0; i < pairs * VPB; i++)
                dw_pair(d, first + i / VPB * 2, x, least(x + PAIR_COLUMNS, g->ow), i % VPB);
        y0 = most(y0, first + 2 * pairs);
    }
#endif
    dw_rows(d, y0, y1);
}

/* Shares finish() with the convolutions, so that an epilogue on its own gives the same bits. */
void KFN(conv_epilogue)(const fct_k_epilogue *e, const float *raw, const float *add, float *out, int n) {
    if (e->act == FCT_K_ACT_SIGMOID) {
        fct_k_conv_epilogue_c(e, raw, add, out, n);
        return;
    }
    for (int i = 0; i < n; i++) {
        sums acc;
        UNROLL for (int v = 0; v < VPB; v++) acc[v][0] = V_LOAD(raw + (size_t)i * CB + v * VL);
        finish(1, 1, acc, e, add ? add + (size_t)i * CB : NULL, 0);
        store(1, 1, acc, out + (size_t)i * CB, 0);
    }
}
