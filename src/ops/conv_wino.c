/* 3x3 convolution of stride 1 by Winograd F(m x m, 3 x 3).
 *
 * Many tiles: each task takes a block of tiles that fits L2 through all steps
 * (input transform, products point by point for one panel of output channels,
 * that panel's output transform). Few tiles for the threads at hand: one block;
 * the input transform is shared out by channels, then the panels are, so that
 * every byte of weights is read by one core.
 *
 * Weights: [panel][point][input channel][panel lanes], in fp32 or fp16. The fp16
 * ones are scaled by a power of two so that all that matter are normal numbers;
 * they are widened one panel and point at a time into L1. */
#include "ops/conv_int.h"
#include "ops/conv_panel.h"
#include "ops/wino_tiles.h"
#include <math.h>
#include <string.h>

/* p->t */
enum { T_TILES, T_BLOCKS, T_SHARED };

enum { FAMILY_MOST_TILES = 1024 };

static bool can(const fct_conv *c) {
    const fct_conv_spec *s = &c->s;
    return s->kh == 3 && s->kw == 3 && s->sh == 1 && s->sw == 1 && s->dh == 1 && s->dw == 1 && s->groups == 1 &&
           !s->planar_in && s->act.kind != FCT_ACT_SIGMOID;
}

static bool can_half(const fct_conv *c) { return can(c) && fct_conv_half_pays(c); }

static int family(const fct_conv_algo *a) { return a == &fct_conv_algo_wino6 ? 6 : 4; }
static bool is_half(const fct_conv_algo *a) { return a == &fct_conv_algo_wino4_half; }
static int points(int f) { return fct_wino_alpha(f) * fct_wino_alpha(f); }

/* ---- Weights ------------------------------------------------------------- */

/* The packed array begins with this; weights follow at HEADER bytes. */
typedef struct header { float scale; } header; /* of the sums, to undo that of the weights */
enum { HEADER = 64 };

static float weight_scale(const fct_conv *c, bool half) {
    if (!half) return 1;
    float most = 0;
    const size_t n = (size_t)c->s.oc * c->s.ic * 9;
    for (size_t i = 0; i < n; i++) most = fabsf(c->weight[i]) > most ? fabsf(c->weight[i]) : most;
    int exponent;
    frexpf(most, &exponent);
    /* a transformed weight is at most 9 times the largest: 9 * 2^12 < 65504 */
    return most > 0 && most < 1e30f ? ldexpf(1, 12 - exponent) : 1;
}

typedef struct packing {
    const fct_conv *c;
    int family;
    bool half;
    float scale;
    void *packed;
    float *u;       /* per worker: one panel, [point][ic][lanes] */
    size_t u_size;
} packing;

static void pack_panel(void *ctx, int index, int worker) {
    const packing *k = ctx;
    const fct_conv *c = k->c;
    const fct_panel panel = fct_panel_at(c->k, c->ocb, index);
    const int lanes = panel.count * c->cb, ic = c->s.ic;
    const size_t at = (size_t)panel.first * c->cb * ic * points(k->family), n = (size_t)lanes * ic * points(k->family);
    float *u = k->half ? k->u + k->u_size * (size_t)worker : (float *)((char *)k->packed + HEADER) + at;
    float taps[9 * 4 * FCT_CB_MAX];
    for (int i = 0; i < ic; i++) {
        for (int l = 0; l < lanes; l++) {
            const int o = panel.first * c->cb + l;
            for (int t = 0; t < 9; t++) taps[t * lanes + l] = o < c->s.oc ? c->weight[((size_t)o * ic + i) * 9 + t] : 0;
        }
        c->k->wino_weights(k->family, taps, lanes, k->scale, u + (size_t)i * lanes, (size_t)ic * lanes);
    }
    if (k->half) c->k->float_to_half((uint16_t *)((char *)k->packed + HEADER) + at, u, n);
}

static size_t packed_bytes(const fct_conv *c, int f, bool half) {
    return HEADER + (size_t)c->ocb * c->cb * c->s.ic * points(f) * (half ? sizeof(uint16_t) : sizeof(float));
}
static size_t bytes_4(const fct_conv *c) { return packed_bytes(c, 4, false); }
static size_t bytes_4_half(const fct_conv *c) { return packed_bytes(c, 4, true); }
static size_t bytes_6(const fct_conv *c) { return packed_bytes(c, 6, false); }

static fct_status pack(fct_conv *c, int f, bool half, void **packed, size_t *bytes, fct_error *err) {
    *bytes = packed_bytes(c, f, half);
    packing k = {.c = c, .family = f, .half = half, .scale = weight_scale(c, half)};
    k.u_size = (size_t)4 * c->cb * c->s.ic * points(f);
    k.packed = fct_aligned_alloc(*bytes);
    if (half) k.u = fct_aligned_alloc(k.u_size * sizeof(float) * (size_t)fct_threads());
    if (!k.packed || (half && !k.u)) {
        fct_aligned_free(k.packed);
        fct_aligned_free(k.u);
        return fct_fail_nomem(err, "packed weights", *bytes);
    }
    memset(k.packed, 0, HEADER);
    ((header *)k.packed)->scale = 1 / k.scale;
    fct_parallel(fct_panel_total(c->k, c->ocb), pack_panel, &k);
    fct_aligned_free(k.u);
    *packed = k.packed;
    return FCT_OK;
}

static fct_status pack_4(fct_conv *c, void **p, size_t *n, fct_error *err) { return pack(c, 4, false, p, n, err); }
static fct_status pack_4_half(fct_conv *c, void **p, size_t *n, fct_error *err) { return pack(c, 4, true, p, n, err); }
static fct_status pack_6(fct_conv *c, void **p, size_t *n, fct_error *err) { return pack(c, 6, false, p, n, err); }

/* ---- Plan ----------------------------------------------------------------- */

/* Sizes in floats. A line between points keeps them out of the same cache set. */
typedef struct layout {
    size_t v_point, m_point; /* from one point to the next */
    size_t v, m, half;       /* parts of a worker's scratch */
    size_t list;             /* its list of tiles */
} layout;

static size_t line_up(size_t floats) { return (floats + 15) / 16 * 16; }

static layout scratch_layout(const fct_conv_plan *p) {
    const fct_conv *c = p->c;
    const int f = family(p->algo), n = points(f);
    const size_t tiles = (size_t)p->t[T_TILES], cb = (size_t)c->cb, widest = (size_t)c->k->gemm_mv;
    layout l;
    l.v_point = line_up(c->icb * tiles * cb) + 16;
    l.m_point = line_up(widest * tiles * cb) + 16;
    l.v = l.v_point * n;
    l.m = l.m_point * n;
    l.half = is_half(p->algo) ? line_up(widest * cb * c->s.ic) : 0;
    l.list = line_up(tiles * sizeof(fct_k_tile) / sizeof(float) + 1);
    return l;
}

static void plan_blocks(const fct_conv *c, fct_conv_plan *p, const fct_wino_tiling *t) {
    const int total = t->first[4], n = points(t->family);
    const size_t l2 = fct_cpu_get_caches().l2, budget = (l2 < (256u << 10) ? 256u << 10 : l2) / 2;
    const size_t per_tile = (size_t)n * c->cb * sizeof(float) * (size_t)(c->icb + 2);
    int most = (int)(budget / per_tile) / 12 * 12;
    most = most < 12 ? 12 : most > FAMILY_MOST_TILES ? FAMILY_MOST_TILES : most;
    int count = (total + most - 1) / most;
    if (p->threads > 1 && count > 1) count = (count + p->threads - 1) / p->threads * p->threads;
    int tiles = (total + count - 1) / count;
    if (count > 1) tiles = (tiles + 5) / 6 * 6;
    p->t[T_TILES] = tiles;
    p->t[T_BLOCKS] = (total + tiles - 1) / tiles;
    p->t[T_SHARED] = p->t[T_BLOCKS] < p->threads;
    if (p->t[T_SHARED]) {
        p->t[T_TILES] = total;
        p->t[T_BLOCKS] = 1;
    }
}

static double prepare(const fct_conv *c, fct_conv_plan *p) {
    const int f = family(p->algo), n = points(f);
    const fct_wino_tiling t = fct_wino_tile(f, p->n, p->oh, p->ow);
    plan_blocks(c, p, &t);
    const layout l = scratch_layout(p);
    const size_t workers = (size_t)p->threads;
    p->scratch = (p->t[T_SHARED] ? l.v + l.list + (l.m + l.half) * workers : (l.v + l.m + l.half + l.list) * workers) *
                 sizeof(float);
    double weights = (double)n * c->ocb * c->cb * c->s.ic * (is_half(p->algo) ? 2 : 4);
    const double products = fct_wino_products(&t);
    /* a transformed value of one channel block, in or out */
    const double transform = f == 4 ? 1.3e-9 : c->cb == 16 ? 4e-9 : 1.6e-9;
    double other = products * (c->icb + c->ocb) * transform;
    if (is_half(p->algo)) other += weights / 3e10 * p->t[T_BLOCKS];
    if (weights > (double)fct_cpu_get_caches().l2 / 2) weights *= p->t[T_BLOCKS];
    return fct_conv_cost(c, products * c->s.ic * c->ocb * c->cb, other, weights);
}

/* ---- Run ------------------------------------------------------------------- */

typedef struct job {
    const fct_conv_plan *p;
    const float *in, *add;
    float *out;
    fct_wino_tiling tiling;
    layout l;
    float scale;
    const char *weights;
    float *v, *shared_m;  /* T_SHARED: all tiles' input; panels' scratch of the workers */
    fct_k_tile *list;
    float *scratch;
} job;

/* Tiles first .. first + n - 1 of the list. */
typedef struct block {
    const job *j;
    int first, n;
    const fct_k_tile *list;
    float *v, *m, *half;
} block;

static void list_tiles(const job *j, int first, int n, fct_k_tile *list) {
    for (int i = 0; i < n; i++) list[i] = fct_wino_place(&j->tiling, first + i);
}

/* The part of a class that lies in the block: its first tile within the block and its length. */
static int class_part(const block *b, int class, int *at) {
    const int *first = b->j->tiling.first;
    const int from = first[class] > b->first ? first[class] : b->first;
    const int end = b->first + b->n, to = first[class + 1] < end ? first[class + 1] : end;
    *at = from - b->first;
    return to - from;
}

static void transform_in(const block *b, int channel_block) {
    const job *j = b->j;
    const fct_conv_plan *p = j->p;
    const fct_conv *c = p->c;
    fct_k_wino_in t = {.g = fct_conv_geom(p), .family = j->tiling.family, .point_stride = j->l.v_point};
    t.in = j->in + (size_t)channel_block * p->ih * p->iw * c->cb;
    t.image_stride = fct_conv_in_size(p);
    t.scale = c->scale ? c->scale + (size_t)channel_block * c->cb : NULL;
    t.shift = c->scale ? c->shift + (size_t)channel_block * c->cb : NULL;
    for (int class = 0, at; class < 4; class++) {
        t.n = class_part(b, class, &at);
        if (t.n <= 0) continue;
        fct_wino_class_size(&j->tiling, class, &t.my, &t.mx);
        t.tiles = b->list + at;
        t.v = b->v + ((size_t)channel_block * b->n + at) * c->cb;
        c->k->wino_in(&t);
    }
}

static void multiply(const block *b, fct_panel panel) {
    const job *j = b->j;
    const fct_conv *c = j->p->c;
    const int alpha = fct_wino_alpha(j->tiling.family), ic = c->s.ic;
    const size_t lanes = (size_t)panel.count * c->cb, size = lanes * ic;
    size_t at = (size_t)panel.first * c->cb * ic * points(j->tiling.family);
    fct_k_gemm g = {.cb = c->cb, .full = ic / c->cb, .tail_blocks = ic % c->cb != 0, .tail = ic % c->cb,
                    .mv = panel.count, .b_stride = (size_t)b->n * c->cb, .c_stride = (size_t)b->n * c->cb};
    for (int i = 0; i < alpha * alpha; i++, at += size) {
        int first, last;
        fct_wino_range(&j->tiling, i / alpha, i % alpha, &first, &last);
        first = first > b->first ? first - b->first : 0;
        last = last < b->first + b->n ? last - b->first : b->n;
        if (last <= first) continue;
        g.n = last - first;
        g.b = b->v + i * j->l.v_point + (size_t)first * c->cb;
        g.c = b->m + i * j->l.m_point + (size_t)first * c->cb;
        g.w = (const float *)j->weights + at;
        if (b->half) {
            c->k->half_to_float(b->half, (const uint16_t *)j->weights + at, size);
            g.w = b->half;
        }
        const size_t width = b->half ? sizeof(uint16_t) : sizeof(float);
        g.ahead = j->weights + (at + size) * width; /* at the very end: past it, harmless for a prefetch */
        g.ahead_bytes = size * width;
        c->k->conv_gemm(&g);
    }
}

static void transform_out(const block *b, fct_panel panel) {
    const job *j = b->j;
    const fct_conv_plan *p = j->p;
    const fct_conv *c = p->c;
    const size_t plane = (size_t)p->oh * p->ow * c->cb, add_plane = fct_conv_add_plane(p);
    for (int i = 0; i < panel.count; i++) {
        const int channel_block = panel.first + i;
        const fct_k_epilogue e = fct_conv_epilogue_at(c, channel_block);
        fct_k_wino_out t = {.g = fct_conv_geom(p), .family = j->tiling.family, .point_stride = j->l.m_point,
            .scale = j->scale, .e = &e, .out = j->out + channel_block * plane, .image_stride = fct_conv_out_size(p),
            .add = j->add ? j->add + channel_block * add_plane : NULL, .add_image_stride = add_plane * c->ocb,
            .add_up2 = c->s.add_up2};
        for (int class = 0, at; class < 4; class++) {
            t.n = class_part(b, class, &at);
            if (t.n <= 0) continue;
            fct_wino_class_size(&j->tiling, class, &t.my, &t.mx);
            t.tiles = b->list + at;
            t.m = b->m + ((size_t)i * b->n + at) * c->cb;
            c->k->wino_out(&t);
        }
    }
}

static void run_panel(const block *b, int index) {
    const fct_conv *c = b->j->p->c;
    const fct_panel panel = fct_panel_at(c->k, c->ocb, index);
    multiply(b, panel);
    transform_out(b, panel);
}

/* A block of tiles through all steps. */
static void block_task(void *ctx, int index, int worker) {
    const job *j = ctx;
    const fct_conv_plan *p = j->p;
    const layout *l = &j->l;
    float *s = j->scratch + (l->v + l->m + l->half + l->list) * (size_t)worker;
    const int first = index * p->t[T_TILES], rest = j->tiling.first[4] - first;
    const int n = rest < p->t[T_TILES] ? rest : p->t[T_TILES];
    fct_k_tile *list = (fct_k_tile *)(s + l->v + l->m + l->half);
    list_tiles(j, first, n, list);
    const block b = {j, first, n, list, s, s + l->v, l->half ? s + l->v + l->m : NULL};
    for (int i = 0; i < p->c->icb; i++) transform_in(&b, i);
    for (int i = 0; i < fct_panel_total(p->c->k, p->c->ocb); i++) run_panel(&b, i);
}

static block shared_block(const job *j, int worker) {
    float *s = j->shared_m + (j->l.m + j->l.half) * (size_t)worker;
    return (block){j, 0, j->tiling.first[4], j->list, j->v, s, j->l.half ? s + j->l.m : NULL};
}
static void in_task(void *ctx, int index, int worker) {
    const block b = shared_block(ctx, worker);
    transform_in(&b, index);
}
static void panel_task(void *ctx, int index, int worker) {
    const block b = shared_block(ctx, worker);
    run_panel(&b, index);
}

static void run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch) {
    const fct_conv *c = p->c;
    job j = {.p = p, .in = in, .add = add, .out = out, .scratch = scratch};
    j.tiling = fct_wino_tile(family(p->algo), p->n, p->oh, p->ow);
    j.l = scratch_layout(p);
    j.scale = ((const header *)p->packed)->scale;
    j.weights = (const char *)p->packed + HEADER;
    if (!p->t[T_SHARED]) {
        fct_parallel(p->t[T_BLOCKS], block_task, &j);
        return;
    }
    j.v = scratch;
    j.list = (fct_k_tile *)(j.v + j.l.v);
    j.shared_m = j.v + j.l.v + j.l.list;
    list_tiles(&j, 0, j.tiling.first[4], j.list);
    fct_parallel(c->icb, in_task, &j);
    fct_parallel(fct_panel_total(c->k, c->ocb), panel_task, &j);
}

const fct_conv_algo fct_conv_algo_wino4 = {"wino-f43", false, can, pack_4, prepare, run, bytes_4};
const fct_conv_algo fct_conv_algo_wino4_half = {"wino-f43-half", false, can_half, pack_4_half, prepare, run,
                                               bytes_4_half};
const fct_conv_algo fct_conv_algo_wino6 = {"wino-f63", false, can, pack_6, prepare, run, bytes_6};
