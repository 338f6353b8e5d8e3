/* 3x3 convolution of stride 1 by Winograd F(m x m, 3 x 3).
 *
 * Many tiles: each task takes a block of tiles that fits L2 through all steps
 * (input transform, products point by point for one panel of output channels,
 * that panel's output transform). Few tiles for the threads at hand: one block;
 * the input transform is shared out by channels, then the panels are, so that
 * every byte of weights is read by one core.
 *
 * Weights: [panel][point][input channel][panel lanes], in fp32, fp16 or as 16-bit
 * integers. The fp16 ones are scaled by a power of two so that all that matter are
 * normal numbers; they are widened one panel and point at a time into L1. The
 * integers have a scale per point and output channel, before the weights, [panel]
 * [point][panel lanes]; each tile's values at a point are made integers too. */
#include "ops/conv_int.h"
#include "ops/conv_panel.h"
#include "ops/int16.h"
#include "ops/wino_tiles.h"
#include <math.h>
#include <string.h>

enum { FAMILY_MOST_TILES = 1024, TILES_WORTH_WEIGHTS = 24 };

/* Winograd as used here is for 3x3 windows of stride 1 alone. */
static bool can(const fct_conv *c) {
    const fct_conv_spec *s = &c->s;
    return s->kh == 3 && s->kw == 3 && s->sh == 1 && s->sw == 1 && s->dh == 1 && s->dw == 1 && s->groups == 1 &&
           !s->planar_in && s->act.kind != FCT_ACT_SIGMOID;
}

static bool can_half(const fct_conv *c) { return can(c) && fct_conv_half_pays(c); }

static int points(int f) { return fct_wino_alpha(f) * fct_wino_alpha(f); }

/* ---- Weights ------------------------------------------------------------- */

/* The packed array begins with this; weights follow at HEADER bytes. */
typedef struct wino_header {
    float scale;
} wino_header; /* of the sums, to undo that of the weights */
enum { HEADER = 64 };

/* A power of two by which weights are multiplied before they become fp16, so that those which matter are normal
 * numbers. */
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

/* Says how the sum over input channels falls into blocks and groups. */
static fct_int16_depth depth_of(const fct_conv *c) {
    const int cb = c->cb, ic = c->s.ic;
    return (fct_int16_depth){cb, ic / cb, ic % cb != 0, ic % cb, fct_int16_group(cb, (size_t)ic, false)};
}
/* Elements of one output channel at one point. */
static size_t lane_count(const fct_conv *c, fct_conv_store store) {
    const fct_int16_depth d = depth_of(c);
    return store == FCT_CONV_INT16 ? fct_int16_count(&d) : (size_t)c->s.ic;
}
static size_t lanes_padded(const fct_conv *c) { return (size_t)c->ocb * c->cb; }
/* Where the weights begin. */
static size_t weights_at(const fct_conv *c, int f, fct_conv_store store) {
    const size_t scales = lanes_padded(c) * points(f) * sizeof(float);
    return HEADER + (store == FCT_CONV_INT16 ? (scales + 63) / 64 * 64 : 0);
}

typedef struct wino_packing {
    const fct_conv *c;
    int family;
    fct_conv_store store;
    float scale;
    void *packed;
    float *u; /* per worker: one panel, [point][ic][lanes] */
    size_t u_size;
} wino_packing;

/* The transformed weights of one panel of output channels, in the form that the algorithm keeps. */
static void pack_panel(void *ctx, int index, int worker) {
    const wino_packing *k = ctx;
    const fct_conv *c = k->c;
    const fct_panel panel = fct_panel_at(c->k, c->ocb, index);
    const int lanes = panel.count * c->cb, ic = c->s.ic, all = points(k->family);
    const size_t first = (size_t)panel.first * c->cb * all, count = lane_count(c, k->store);
    char *const to = (char *)k->packed + weights_at(c, k->family, k->store) + first * count * fct_conv_width(k->store);
    float *u = k->u ? k->u + k->u_size * (size_t)worker : (float *)(void *)to;
    float taps[9 * 4 * FCT_CB_MAX];
    for (int i = 0; i < ic; i++) {
        for (int l = 0; l < lanes; l++) {
            const int o = panel.first * c->cb + l;
            for (int t = 0; t < 9; t++) taps[t * lanes + l] = o < c->s.oc ? c->weight[((size_t)o * ic + i) * 9 + t] : 0;
        }
        c->k->wino_weights(k->family, taps, lanes, k->scale, u + (size_t)i * lanes, (size_t)ic * lanes);
    }
    if (k->store == FCT_CONV_HALF) c->k->float_to_half((uint16_t *)(void *)to, u, (size_t)lanes * ic * all);
    if (k->store != FCT_CONV_INT16) return;
    const fct_int16_depth d = depth_of(c);
    float *scales = (float *)((char *)k->packed + HEADER) + first;
    for (int p = 0; p < all; p++)
        fct_int16_pack(&d, u + (size_t)p * ic * lanes, lanes, (int16_t *)(void *)to + (size_t)p * count * lanes,
                       scales + (size_t)p * lanes);
}

/* Size of the packed weights with their header and scales. */
static size_t packed_bytes(const fct_conv_algo *a, const fct_conv *c) {
    return weights_at(c, a->tile, a->store) +
           lanes_padded(c) * lane_count(c, a->store) * points(a->tile) * fct_conv_width(a->store);
}

static fct_status pack(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err) {
    *bytes = packed_bytes(a, c);
    const bool wide = a->store != FCT_CONV_FLOAT;
    wino_packing k = {
        .c = c, .family = a->tile, .store = a->store, .scale = weight_scale(c, a->store == FCT_CONV_HALF)};
    k.u_size = (size_t)4 * c->cb * c->s.ic * points(a->tile);
    k.packed = fct_aligned_alloc(*bytes);
    if (wide) k.u = fct_aligned_alloc(k.u_size * sizeof(float) * (size_t)fct_threads());
    if (!k.packed || (wide && !k.u)) {
        fct_aligned_free(k.packed);
        fct_aligned_free(k.u);
        return fct_fail_nomem(err, "packed weights", *bytes);
    }
    memset(k.packed, 0, weights_at(c, a->tile, a->store));
    ((wino_header *)k.packed)->scale = 1 / k.scale;
    fct_parallel(fct_panel_total(c->k, c->ocb), pack_panel, &k);
    fct_aligned_free(k.u);
    *packed = k.packed;
    return FCT_OK;
}

/* ---- Plan ----------------------------------------------------------------- */

/* Sizes in floats. A line between points keeps them out of the same cache set. */
typedef struct wino_layout {
    size_t v_point, m_point; /* from one point to the next */
    size_t v, m, half;       /* parts of a worker's scratch */
    size_t v16_point, v16;   /* V as integers, all tiles of a block; v16_point in integers. v then holds a few tiles */
    size_t scale;            /* of each of its tiles: [point][tile] */
    size_t list;             /* its list of tiles */
    size_t shared, own;      /* where the block is shared, what all workers share and what each has */
} wino_layout;

static size_t line_up(size_t floats) { return (floats + 15) / 16 * 16; }

/* Finds where the parts of a worker's scratch begin: transformed input V, products M, and what the stored form of
 * the weights needs besides. */
static wino_layout scratch_layout(const fct_conv_plan *p) {
    const fct_conv *c = p->c;
    const int f = p->algo->tile, n = points(f);
    const size_t tiles = (size_t)p->wino.tiles, cb = (size_t)c->cb, widest = (size_t)c->k->gemm_mv;
    const fct_conv_store s = p->algo->store;
    wino_layout l;
    l.v_point = line_up(c->icb * (s == FCT_CONV_INT16 ? (size_t)p->wino.group : tiles) * cb) + 16;
    l.m_point = line_up(widest * tiles * cb) + 16;
    l.v = l.v_point * n;
    l.m = l.m_point * n;
    l.half = s == FCT_CONV_HALF ? line_up(widest * cb * c->s.ic) : 0;
    l.v16_point = 2 * line_up(c->icb * tiles * cb / 2) + 32;
    l.v16 = s == FCT_CONV_INT16 ? l.v16_point / 2 * n : 0;
    l.scale = s == FCT_CONV_INT16 ? line_up(tiles * n) : 0;
    l.list = line_up(tiles * sizeof(fct_k_tile) / sizeof(float) + 1);
    l.shared = l.v16 + l.scale + l.list + (s == FCT_CONV_INT16 ? 0 : l.v);
    l.own = l.m + l.half + (s == FCT_CONV_INT16 ? l.v : 0);
    return l;
}

/* Decides how many tiles make a block: so many that V and M of a block stay in L2. With fewer blocks than threads
 * there is one block, whose steps are shared out instead. */
static void plan_blocks(const fct_conv *c, fct_conv_plan *p, const fct_wino_tiling *t) {
    const int total = t->first[4], n = points(t->family);
    const size_t cache = fct_cpu_get_caches().l2, l2 = cache < (256u << 10) ? 256u << 10 : cache;
    /* weights that do not stay in L2 are read again for every block: then better few and large ones */
    const bool streamed = lanes_padded(c) * (size_t)c->s.ic * n * fct_conv_width(p->algo->store) > l2 / 2;
    const size_t budget = streamed ? l2 : l2 / 2;
    const bool integers = p->algo->store == FCT_CONV_INT16;
    const size_t value = integers ? sizeof(int16_t) : sizeof(float);
    const size_t per_tile = (size_t)n * c->cb * ((size_t)c->icb * value + 2 * sizeof(float));
    int most = (int)(budget / per_tile);
    if (most < total) most = most / 12 * 12;
    most = most < 12 ? 12 : most > FAMILY_MOST_TILES ? FAMILY_MOST_TILES : most;
    int count = (total + most - 1) / most;
    /* a block for each thread even if fewer would do: what a core makes it then reads in the next layer; the
     * weights must be worth reading once for each of them */
    if (count < p->threads && total >= TILES_WORTH_WEIGHTS * p->threads) count = p->threads;
    if (p->threads > 1 && count > 1) count = (count + p->threads - 1) / p->threads * p->threads;
    int tiles = (total + count - 1) / count;
    /* threads want equal blocks more than whole register tiles */
    if (count > 1 && p->threads == 1) tiles = (tiles + 5) / 6 * 6;
    p->wino.tiles = tiles;
    p->wino.blocks = (total + tiles - 1) / tiles;
    p->wino.shared = p->wino.blocks < p->threads;
    if (p->wino.shared) {
        p->wino.tiles = total;
        p->wino.blocks = 1;
    }
    if (!integers) return;
    int group = (int)(l2 / 4 / ((size_t)n * c->cb * c->icb * sizeof(float)));
    const int share = p->wino.shared ? (total + p->threads - 1) / p->threads : p->wino.tiles;
    group = group < 8 ? 8 : group / 8 * 8; /* the kernel reads eight at a time */
    p->wino.group = group < share ? group : share;
}

/* The cut, the scratch that it needs, and what it will cost: products, transforms, and the stream of weights,
 * which is read once for each block. */
static double prepare(const fct_conv *c, fct_conv_plan *p) {
    const int f = p->algo->tile, n = points(f);
    const fct_wino_tiling t = fct_wino_tile(f, p->n, p->oh, p->ow);
    plan_blocks(c, p, &t);
    const wino_layout l = scratch_layout(p);
    const size_t workers = (size_t)p->threads;
    p->scratch = (p->wino.shared ? l.shared + l.own * workers : (l.shared + l.own) * workers) * sizeof(float);
    const fct_conv_store s = p->algo->store;
    double weights = (double)n * c->ocb * c->cb * c->s.ic * fct_conv_width(s);
    const double products = fct_wino_products(&t);
    /* a transformed value of one channel block, in or out */
    const double transform = f == 4 ? 1.3e-9 : c->cb == 16 ? 4e-9 : 1.6e-9;
    double other = products * (c->icb + c->ocb) * transform;
    if (s == FCT_CONV_HALF) other += weights / 3e10 * p->wino.blocks;
    if (s == FCT_CONV_INT16) other += products * c->icb * c->cb / (c->cb == 16 ? 20e9 : 11e9);
    if (weights > (double)fct_cpu_get_caches().l2 / 2) weights *= p->wino.blocks;
    if (s == FCT_CONV_INT16 && !fct_conv_int16_pays(c, c->s.ic, c->s.ic >= 32 && p->oh * p->ow >= 3000))
        return INFINITY;
    return fct_conv_cost(c, s, products * c->s.ic * c->ocb * c->cb, other, weights);
}

/* ---- Run ------------------------------------------------------------------- */

typedef struct wino_job {
    const fct_conv_plan *p;
    const float *in, *add;
    float *out;
    fct_wino_tiling tiling;
    wino_layout l;
    float scale;
    fct_conv_store store;
    const char *weights;
    const float *scales; /* FCT_CONV_INT16 */
    float *scratch;
} wino_job;

/* Tiles first .. first + n - 1 of the list. */
typedef struct block {
    const wino_job *j;
    int first, n;
    fct_k_tile *list;
    float *v, *m, *half, *scale;
    int16_t *v16;
} block;

/* The block of n tiles from `first` on, its parts in two pieces of scratch. */
static block block_at(const wino_job *j, int first, int n, float *shared, float *own) {
    const wino_layout *l = &j->l;
    block b = {.j = j, .first = first, .n = n, .m = own, .half = l->half ? own + l->m : NULL};
    b.v16 = (int16_t *)shared;
    b.scale = shared + l->v16;
    b.list = (fct_k_tile *)(shared + l->v16 + l->scale);
    b.v = l->v16 ? own + l->m + l->half : shared + l->v16 + l->scale + l->list;
    return b;
}

static void list_tiles(const wino_job *j, int first, int n, fct_k_tile *list) {
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

/* The input transform of one block of channels, class of tiles by class: tiles at the right and lower edge are
 * smaller. */
static void transform_in(const block *b, int channel_block) {
    const wino_job *j = b->j;
    const fct_conv_plan *p = j->p;
    const fct_conv *c = p->c;
    fct_k_wino_in t = {.g = fct_conv_geom(p), .family = j->tiling.family, .point_stride = j->l.v_point};
    t.in = j->in + channel_block * p->in_plane;
    t.image_stride = fct_conv_in_size(p);
    t.scale = c->scale ? c->scale + (size_t)channel_block * c->cb : NULL;
    t.shift = c->scale ? c->shift + (size_t)channel_block * c->cb : NULL;
    for (int class = 0, at; class < 4; class ++) {
        t.n = class_part(b, class, &at);
        if (t.n <= 0) continue;
        fct_wino_class_size(&j->tiling, class, &t.my, &t.mx);
        t.tiles = b->list + at;
        t.v = b->v + ((size_t)channel_block * b->n + at) * c->cb;
        c->k->wino_in(&t);
    }
}

/* Finds the tiles of the block that have point i: from *first on; returns how many. */
static int point_part(const block *b, int i, int *first) {
    const int alpha = fct_wino_alpha(b->j->tiling.family);
    int last;
    fct_wino_range(&b->j->tiling, i / alpha, i % alpha, first, &last);
    *first = *first > b->first ? *first - b->first : 0;
    last = last < b->first + b->n ? last - b->first : b->n;
    return last - *first;
}

/* Transforms group `index` of the block's tiles and turns them into integers. */
static void transform_group(const block *b, int index) {
    const wino_job *j = b->j;
    const fct_conv *c = j->p->c;
    const fct_int16_depth d = depth_of(c);
    const int at = index * j->p->wino.group;
    block g = *b;
    g.first += at;
    g.list += at;
    g.n = b->n - at < j->p->wino.group ? b->n - at : j->p->wino.group;
    for (int i = 0; i < c->icb; i++) transform_in(&g, i);
    for (int i = 0; i < points(j->tiling.family); i++) {
        int first;
        const int n = point_part(&g, i, &first);
        if (n <= 0) continue;
        c->k->conv_quantize(&(fct_k_quantize){.cb = c->cb,
                                              .src = g.v + i * j->l.v_point + (size_t)first * c->cb,
                                              .src_stride = (size_t)g.n * c->cb,
                                              .n = n,
                                              .full = d.full,
                                              .tail_blocks = d.tail_blocks,
                                              .tail = d.tail,
                                              .group = d.group,
                                              .dst = b->v16 + i * j->l.v16_point + (size_t)(at + first) * c->cb,
                                              .dst_stride = (size_t)b->n * c->cb,
                                              .scale = b->scale + (size_t)i * b->n + at + first});
    }
}
static int group_count(const block *b) { return (b->n + b->j->p->wino.group - 1) / b->j->p->wino.group; }

/* Computes, for every point of the transform, the products of all tiles with one panel of weights. */
static void multiply(const block *b, fct_panel panel) {
    const wino_job *j = b->j;
    const fct_conv *c = j->p->c;
    const int alpha = fct_wino_alpha(j->tiling.family);
    const size_t lanes = (size_t)panel.count * c->cb, count = lane_count(c, j->store);
    const size_t size = lanes * count * fct_conv_width(j->store);
    const size_t lane0 = (size_t)panel.first * c->cb * points(j->tiling.family);
    const char *at = j->weights + lane0 * count * fct_conv_width(j->store);
    const fct_int16_depth d = depth_of(c);
    fct_k_gemm g = {.cb = c->cb,
                    .full = d.full,
                    .tail_blocks = d.tail_blocks,
                    .tail = d.tail,
                    .group = d.group,
                    .mv = panel.count,
                    .b_stride = (size_t)b->n * c->cb,
                    .c_stride = (size_t)b->n * c->cb};
    for (int i = 0; i < alpha * alpha; i++, at += size) {
        int first;
        g.n = point_part(b, i, &first);
        if (g.n <= 0) continue;
        g.c = b->m + i * j->l.m_point + (size_t)first * c->cb;
        g.ahead = at + size; /* at the very end: past it, harmless for a prefetch */
        g.ahead_bytes = size;
        if (j->store == FCT_CONV_INT16) {
            g.w16 = (const int16_t *)(const void *)at;
            g.w_scale = j->scales + lane0 + i * lanes;
            g.b16 = b->v16 + i * j->l.v16_point + (size_t)first * c->cb;
            g.b_scale = b->scale + (size_t)i * b->n + first;
            c->k->conv_gemm_int16(&g);
            continue;
        }
        g.b = b->v + i * j->l.v_point + (size_t)first * c->cb;
        g.w = (const float *)(const void *)at;
        if (b->half) {
            c->k->half_to_float(b->half, (const uint16_t *)(const void *)at, lanes * count);
            g.w = b->half;
        }
        c->k->conv_gemm(&g);
    }
}

/* Transforms the products of one panel back to pixels and applies the epilogue. */
static void transform_out(const block *b, fct_panel panel) {
    const wino_job *j = b->j;
    const fct_conv_plan *p = j->p;
    const fct_conv *c = p->c;
    for (int i = 0; i < panel.count; i++) {
        const int channel_block = panel.first + i;
        const fct_k_epilogue e = fct_conv_epilogue_at(c, channel_block);
        fct_k_wino_out t = {.g = fct_conv_geom(p),
                            .family = j->tiling.family,
                            .point_stride = j->l.m_point,
                            .scale = j->scale,
                            .e = &e,
                            .out = j->out + channel_block * p->out_plane,
                            .image_stride = fct_conv_out_size(p),
                            .add = j->add ? j->add + channel_block * p->add_plane : NULL,
                            .add_image_stride = p->add_plane * c->ocb,
                            .add_up2 = c->s.add_up2};
        for (int class = 0, at; class < 4; class ++) {
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

/* Takes a block of tiles through all steps. */
static void block_task(void *ctx, int index, int worker) {
    const wino_job *j = ctx;
    const fct_conv_plan *p = j->p;
    float *s = j->scratch + (j->l.shared + j->l.own) * (size_t)worker;
    const int first = index * p->wino.tiles, rest = j->tiling.first[4] - first;
    const int n = rest < p->wino.tiles ? rest : p->wino.tiles;
    const block b = block_at(j, first, n, s, s + j->l.shared);
    list_tiles(j, first, n, b.list);
    if (j->store == FCT_CONV_INT16)
        for (int i = 0; i < group_count(&b); i++) transform_group(&b, i);
    else
        for (int i = 0; i < p->c->icb; i++) transform_in(&b, i);
    for (int i = 0; i < fct_panel_total(p->c->k, p->c->ocb); i++) run_panel(&b, i);
}

/* The one block of all tiles, as a worker sees it that shares it with others. */
static block shared_block(const wino_job *j, int worker) {
    return block_at(j, 0, j->tiling.first[4], j->scratch, j->scratch + j->l.shared + j->l.own * (size_t)worker);
}
static void in_task(void *ctx, int index, int worker) {
    const block b = shared_block(ctx, worker);
    transform_in(&b, index);
}
static void group_task(void *ctx, int index, int worker) {
    const block b = shared_block(ctx, worker);
    transform_group(&b, index);
}
static void panel_task(void *ctx, int index, int worker) {
    const block b = shared_block(ctx, worker);
    run_panel(&b, index);
}

/* Many blocks are tasks of their own. A single block is shared: first its input transform, then its panels. */
static void run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch) {
    const fct_conv *c = p->c;
    wino_job j = {.p = p, .in = in, .add = add, .out = out, .scratch = scratch, .store = p->algo->store};
    j.tiling = fct_wino_tile(p->algo->tile, p->n, p->oh, p->ow);
    j.l = scratch_layout(p);
    j.scale = ((const wino_header *)p->packed)->scale;
    j.scales = (const float *)(const void *)((const char *)p->packed + HEADER);
    j.weights = (const char *)p->packed + weights_at(c, j.tiling.family, j.store);
    if (!p->wino.shared) {
        fct_parallel(p->wino.blocks, block_task, &j);
        return;
    }
    const block all = shared_block(&j, 0);
    list_tiles(&j, 0, all.n, all.list);
    if (j.store == FCT_CONV_INT16) fct_parallel(group_count(&all), group_task, &j);
    else fct_parallel(c->icb, in_task, &j);
    fct_parallel(fct_panel_total(c->k, c->ocb), panel_task, &j);
}

#define WINO(id, text, how, outputs, test)                                                                             \
    const fct_conv_algo fct_conv_algo_##id = {.name = text,                                                            \
                                              .store = how,                                                            \
                                              .bands = true,                                                           \
                                              .tile = outputs,                                                         \
                                              .can = test,                                                             \
                                              .pack = pack,                                                            \
                                              .prepare = prepare,                                                      \
                                              .run = run,                                                              \
                                              .bytes = packed_bytes};
WINO(wino4, "wino-f43", FCT_CONV_FLOAT, 4, can)
WINO(wino4_half, "wino-f43-half", FCT_CONV_HALF, 4, can_half)
WINO(wino4_int16, "wino-f43-int16", FCT_CONV_INT16, 4, can)
WINO(wino6, "wino-f63", FCT_CONV_FLOAT, 6, can)
