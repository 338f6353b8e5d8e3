/* Winograd transform of the output, with the epilogue. */
#include "kernels/wino_v.h"

/* The epilogue's vectors of one block. */
typedef struct consts {
    vf bias, slope, lo, hi, scale;
} consts;

/* PReLU as max(x, 0) + slope min(x, 0): two instructions and no branch per lane. */
ALWAYS_INLINE vf activate(const fct_k_epilogue *e, const consts *c, vf x) {
    if (e->act == FCT_K_ACT_CLAMP) return V_MIN(V_MAX(x, c->lo), c->hi);
    if (e->act == FCT_K_ACT_SLOPE) return V_FMA(c->slope, V_MIN(x, V_ZERO()), V_MAX(x, V_ZERO()));
    return x;
}

/* Finishes and stores column x of a tile: n rows; out and add are step floats apart per row. */
ALWAYS_INLINE void finish_column(const int N, const fct_k_epilogue *e, const consts *c, const vf *y, float *out,
                                 size_t step, const float *add, const ptrdiff_t *add_row) {
    vf r[FCT_WINO_ALPHA_MAX];
    UNROLL for (int i = 0; i < N; i++) r[i] = V_FMA(y[i], c->scale, c->bias);
    if (add && !e->add_after) UNROLL for (int i = 0; i < N; i++) r[i] += V_LOAD(add + add_row[i]);
    UNROLL for (int i = 0; i < N; i++) r[i] = activate(e, c, r[i]);
    if (add && e->add_after) UNROLL for (int i = 0; i < N; i++) r[i] += V_LOAD(add + add_row[i]);
    UNROLL for (int i = 0; i < N; i++) V_STORE(out + i * step, r[i]);
}

/* Transforms one tile into dst, `step` floats per row. ax: the addend's offset per column, ar: per row. */
ALWAYS_INLINE void transform(const int F, const int MY, const int MX, const fct_k_wino_out *t, const consts *c,
                             const float *m, float *dst, size_t step, const float *add, const ptrdiff_t *ar,
                             const ptrdiff_t *ax) {
    vf half[FCT_WINO_ALPHA_MAX][FCT_WINO_ALPHA_MAX];
    const size_t stride = t->point_stride;
    UNROLL for (int a = 0; a < MY + 2; a++) {
        vf d[FCT_WINO_ALPHA_MAX];
        UNROLL for (int b = 0; b < MX + 2; b++) d[b] = V_LOAD(m + (a * (F + 2) + b) * stride);
        w_out(F, MX, d, half[a]);
    }
    UNROLL for (int x = 0; x < MX; x++) {
        vf d[FCT_WINO_ALPHA_MAX], y[FCT_WINO_ALPHA_MAX];
        UNROLL for (int a = 0; a < MY + 2; a++) d[a] = half[a][x];
        w_out(F, MY, d, y);
        finish_column(MY, t->e, c, y, dst + x * CB, step, add ? add + ax[x] : NULL, ar);
    }
}

static int least(int a, int b) { return a < b ? a : b; }

/* Computes the offsets of the addend's rows and columns for a tile. Those outside the output repeat the last one
 * inside, so that no load leaves the tensor. */
static void add_offsets(const fct_k_wino_out *t, const fct_k_tile *tile, ptrdiff_t *row, ptrdiff_t *column) {
    const int shift = t->add_up2, width = t->add_up2 ? (t->g.ow + 1) / 2 : t->g.ow;
    for (int i = 0; i < t->my; i++) row[i] = (ptrdiff_t)(least(tile->y + i, t->g.oh - 1) >> shift) * width * CB;
    for (int i = 0; i < t->mx; i++) column[i] = (ptrdiff_t)(least(tile->x + i, t->g.ow - 1) >> shift) * CB;
}

/* Writes a tile that lies inside the output directly. One that reaches over its edge goes through a buffer, of which
 * only the part inside is stored. */
ALWAYS_INLINE void transform_all(const int F, const int MY, const int MX, const fct_k_wino_out *t, int v) {
    const fct_k_epilogue *e = t->e;
    const consts c = {V_LOAD(e->bias + v * VL), e->act == FCT_K_ACT_SLOPE ? V_LOAD(e->slope + v * VL) : V_ZERO(),
                      V_SET1(e->lo), V_SET1(e->hi), V_SET1(t->scale)};
    const size_t row = (size_t)t->g.ow * CB;
    float whole[FCT_WINO_ALPHA_MAX * FCT_WINO_ALPHA_MAX * CB];
    ptrdiff_t add_row[FCT_WINO_ALPHA_MAX], add_column[FCT_WINO_ALPHA_MAX];
    for (int i = 0; i < t->n; i++) {
        const fct_k_tile *tile = &t->tiles[i];
        float *dst = t->out + tile->image * t->image_stride + ((size_t)tile->y * t->g.ow + tile->x) * CB + v * VL;
        const float *m = t->m + (size_t)i * CB + v * VL, *add = NULL;
        if (t->add) {
            add = t->add + tile->image * t->add_image_stride + v * VL;
            add_offsets(t, tile, add_row, add_column);
        }
        if (tile->y + MY <= t->g.oh && tile->x + MX <= t->g.ow) {
            transform(F, MY, MX, t, &c, m, dst, row, add, add_row, add_column);
            continue;
        }
        transform(F, MY, MX, t, &c, m, whole, MX * CB, add, add_row, add_column);
        for (int y = 0; y < least(MY, t->g.oh - tile->y); y++)
            for (int x = 0; x < least(MX, t->g.ow - tile->x); x++)
                V_STORE(dst + y * row + (size_t)x * CB, V_LOAD(whole + (y * MX + x) * CB));
    }
}

#define DEFINE(F, MY, MX)                                                                                              \
    static void out_##F##MY##MX(const fct_k_wino_out *t) {                                                             \
        for (int v = 0; v < VPB; v++) transform_all(F, MY, MX, t, v);                                                  \
    }
W_PAIRS(DEFINE)

void KFN(wino_out)(const fct_k_wino_out *t) {
#define CASE(F, MY, MX)                                                                                                \
    case F * 100 + MY * 10 + MX:                                                                                       \
        out_##F##MY##MX(t);                                                                                            \
        break;
    switch (t->family * 100 + t->my * 10 + t->mx) { W_PAIRS(CASE) }
}
