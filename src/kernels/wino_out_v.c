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

/* Where tiles go and what is added to them: one, or half a block of each of two. step, add_step: floats from one row to
 * the next. */
typedef struct tile_output {
    float *out[2]; /* NULL: not stored */
    size_t step[2];
    const float *add[2]; /* NULL: none */
    size_t add_step[2];
} tile_output;

ALWAYS_INLINE vf load_add(const bool H, const tile_output *o, int y, int x) {
    const float *p = o->add[0] + y * o->add_step[0] + x * CB;
#if HALVES
    if (H) return V_PAIR(p, o->add[1] + y * o->add_step[1] + x * CB);
#endif
    return V_LOAD(p);
}

ALWAYS_INLINE void store(const bool H, const tile_output *o, int y, int x, vf r) {
#if HALVES
    if (H) {
        V_STORE(o->out[0] + y * o->step[0] + x * CB, V_LOWER(r));
        if (o->out[1]) V_STORE(o->out[1] + y * o->step[1] + x * CB, V_UPPER(r));
        return;
    }
#endif
    V_STORE(o->out[0] + y * o->step[0] + x * CB, r);
}

/* Finishes column x of a tile: N rows. */
ALWAYS_INLINE void finish_column(const int N, const bool H, const fct_k_epilogue *e, const consts *c, const vf *y,
                                 const tile_output *o, int x, vf *r) {
    UNROLL for (int i = 0; i < N; i++) r[i] = V_FMA(y[i], c->scale, c->bias);
    if (o->add[0] && !e->add_after) UNROLL for (int i = 0; i < N; i++) r[i] += load_add(H, o, i, x);
    UNROLL for (int i = 0; i < N; i++) r[i] = activate(e, c, r[i]);
    if (o->add[0] && e->add_after) UNROLL for (int i = 0; i < N; i++) r[i] += load_add(H, o, i, x);
}

/* POOL: of each 2 x 2 pixels the greatest is stored, found in the order in which blk_pool() finds it. */
ALWAYS_INLINE void transform(const int F, const int MY, const int MX, const bool H, const bool POOL,
                             const fct_k_wino_out *t, const consts *c, const float *m, const tile_output *o) {
    vf half[FCT_WINO_ALPHA_MAX][FCT_WINO_ALPHA_MAX];
    const size_t stride = t->point_stride;
    UNROLL for (int a = 0; a < MY + 2; a++) {
        vf d[FCT_WINO_ALPHA_MAX];
        UNROLL for (int b = 0; b < MX + 2; b++) d[b] = V_LOAD(m + (a * (F + 2) + b) * stride);
        w_out(F, MX, d, half[a]);
    }
    vf left[FCT_WINO_ALPHA_MAX];
    UNROLL for (int x = 0; x < MX; x++) {
        vf d[FCT_WINO_ALPHA_MAX], y[FCT_WINO_ALPHA_MAX], r[FCT_WINO_ALPHA_MAX];
        UNROLL for (int a = 0; a < MY + 2; a++) d[a] = half[a][x];
        w_out(F, MY, d, y);
        finish_column(MY, H, t->e, c, y, o, x, r);
        if (!POOL) UNROLL for (int i = 0; i < MY; i++) store(H, o, i, x, r[i]);
        else if (x % 2 == 0) UNROLL for (int i = 0; i < MY; i++) left[i] = r[i];
        else
            UNROLL for (int i = 0; i < MY; i += 2)
                store(H, o, i / 2, x / 2, V_MAX(V_MAX(V_MAX(left[i], r[i]), left[i + 1]), r[i + 1]));
    }
}

static int least(int a, int b) { return a < b ? a : b; }

/* Copies VL lanes of a tile's addend to [my][mx][CB], where it is coarse or the tile reaches over the edge. Pixels
 * outside the output repeat the last one inside, so that no load leaves the tensor. */
static void copy_add(const fct_k_wino_out *t, const fct_k_tile *tile, const float *add, float *dst) {
    const int shift = t->add_up2, width = t->add_up2 ? (t->g.ow + 1) / 2 : t->g.ow;
    for (int y = 0; y < t->my; y++) {
        const float *row = add + (ptrdiff_t)(least(tile->y + y, t->g.oh - 1) >> shift) * width * CB;
        for (int x = 0; x < t->mx; x++, dst += CB)
            V_STORE(dst, V_LOAD(row + (ptrdiff_t)(least(tile->x + x, t->g.ow - 1) >> shift) * CB));
    }
}

enum { WHOLE = FCT_WINO_ALPHA_MAX * FCT_WINO_ALPHA_MAX * CB };

/* Whether a tile lies inside the output and can be written directly. One that reaches over its edge goes through a
 * buffer, of which only the part inside is stored. */
ALWAYS_INLINE bool is_inside(const int MY, const int MX, const fct_k_wino_out *t, const fct_k_tile *tile) {
    return tile->y + MY <= t->g.oh && tile->x + MX <= t->g.ow;
}
ALWAYS_INLINE float *place_of(const fct_k_wino_out *t, const fct_k_tile *tile) {
    const int s = t->pool2;
    return t->out + tile->image * t->image_stride + ((size_t)(tile->y >> s) * (t->g.ow >> s) + (tile->x >> s)) * CB;
}

/* whole, held: buffers for what cannot be written or read in place. */
ALWAYS_INLINE void set_output(const int MY, const int MX, const fct_k_wino_out *t, int i, int v, float *whole,
                              float *held, tile_output *o, int k) {
    const fct_k_tile *tile = &t->tiles[i];
    const bool inside = is_inside(MY, MX, t, tile);
    o->out[k] = inside ? place_of(t, tile) + v * VL : whole;
    o->step[k] = inside ? (size_t)(t->g.ow >> t->pool2) * CB : (size_t)MX * CB;
    o->add[k] = NULL;
    if (!t->add) return;
    const float *add = t->add + tile->image * t->add_image_stride + v * VL;
    const bool direct = inside && !t->add_up2;
    o->add[k] = direct ? add + ((size_t)tile->y * t->g.ow + tile->x) * CB : held;
    o->add_step[k] = direct ? (size_t)t->g.ow * CB : (size_t)MX * CB;
    if (!direct) copy_add(t, tile, add, held);
}

/* Stores what of a tile in the buffer is inside the output. */
ALWAYS_INLINE void store_inside(const int MY, const int MX, const fct_k_wino_out *t, int i, int v, const float *whole) {
    const fct_k_tile *tile = &t->tiles[i];
    float *dst = place_of(t, tile) + v * VL;
    if (is_inside(MY, MX, t, tile)) return;
    for (int y = 0; y < least(MY, t->g.oh - tile->y); y++)
        for (int x = 0; x < least(MX, t->g.ow - tile->x); x++)
            V_STORE(dst + ((size_t)y * t->g.ow + x) * CB, V_LOAD(whole + (y * MX + x) * CB));
}

ALWAYS_INLINE void transform_all(const int F, const int MY, const int MX, const bool POOL, const fct_k_wino_out *t,
                                 int v) {
    const fct_k_epilogue *e = t->e;
    const consts c = {V_LOAD(e->bias + v * VL), e->act == FCT_K_ACT_SLOPE ? V_LOAD(e->slope + v * VL) : V_ZERO(),
                      V_SET1(e->lo), V_SET1(e->hi), V_SET1(t->scale)};
    float whole[WHOLE], held[WHOLE];
    tile_output o;
    for (int i = 0; i < t->n; i++) {
        set_output(MY, MX, t, i, v, whole, held, &o, 0);
        transform(F, MY, MX, false, POOL, t, &c, t->m + (size_t)i * CB + v * VL, &o);
        store_inside(MY, MX, t, i, v, whole);
    }
}

#if HALVES
/* Two tiles at a time, whose half blocks lie side by side; a last one alone has no partner to be stored. */
ALWAYS_INLINE void transform_pairs(const int F, const int MY, const int MX, const bool POOL, const fct_k_wino_out *t) {
    const fct_k_epilogue *e = t->e;
    const consts c = {V_TWICE(e->bias), e->act == FCT_K_ACT_SLOPE ? V_TWICE(e->slope) : V_ZERO(), V_SET1(e->lo),
                      V_SET1(e->hi), V_SET1(t->scale)};
    float whole[2][WHOLE], held[2][WHOLE];
    tile_output o;
    for (int i = 0; i < t->n; i += 2) {
        const int two = i + 1 < t->n;
        for (int k = 0; k < 2; k++) set_output(MY, MX, t, i + k * two, 0, whole[k], held[k], &o, k);
        if (!two) o.out[1] = NULL;
        transform(F, MY, MX, true, POOL, t, &c, t->m + (size_t)i * (CB / 2), &o);
        for (int k = 0; k <= two; k++) store_inside(MY, MX, t, i + k, 0, whole[k]);
    }
}
#endif

ALWAYS_INLINE void transform_any(const int F, const int MY, const int MX, const bool POOL, const fct_k_wino_out *t) {
#if HALVES
    if (t->half) {
        transform_pairs(F, MY, MX, POOL, t);
        return;
    }
#endif
    for (int v = 0; v < VPB; v++) transform_all(F, MY, MX, POOL, t, v);
}

#define CAN_POOL(F, MY, MX) ((F) == 4 && (MY) % 2 == 0 && (MX) % 2 == 0)
#define DEFINE(F, MY, MX)                                                                                              \
    static void out_##F##MY##MX(const fct_k_wino_out *t) {                                                             \
        if (CAN_POOL(F, MY, MX) && t->pool2) transform_any(F, MY, MX, CAN_POOL(F, MY, MX), t);                         \
        else transform_any(F, MY, MX, false, t);                                                                       \
    }
W_PAIRS(DEFINE)

void KFN(wino_out)(const fct_k_wino_out *t) {
#define CASE(F, MY, MX)                                                                                                \
    case F * 100 + MY * 10 + MX:                                                                                       \
        out_##F##MY##MX(t);                                                                                            \
        break;
    switch (t->family * 100 + t->my * 10 + t->mx) { W_PAIRS(CASE) }
}
