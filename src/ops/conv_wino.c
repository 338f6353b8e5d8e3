/* 3x3 convolution of stride 1 by Winograd F(m x m, 3 x 3).
 *
 * Many tiles: each task takes a block of tiles that fits L2 through all steps
 * (input transform, products point by point for one panel of output channels,
 * that panel's output transform). Few tiles for the threads at hand: one block;
 * the input transform is shared out by channels, then the panels are, so that
 * every byte of weights is read by one core.
 *
 * Weights are packed by conv_wino_pack.c. Those in fp16 are widened one panel and
 * point at a time into L1. Where they are integers, each tile's values at a point are
 * made integers too. Floats that stay in L2 are multiplied at all points in one call;
 * there, where at most half of the last block's channels are used, two tiles share it
 * (wino_args.h), and every class of tiles is filled up to an even number. */
#include "ops/conv_panel.h"
#include "ops/conv_wino.h"
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

/* Some virtual machines hide the cache. */
static size_t l2_size(void) {
    const size_t cache = fct_cpu_get_caches().l2, least = (size_t)256 << 10;
    return cache < least ? least : cache;
}

static size_t line_up(size_t floats) { return (floats + 15) / 16 * 16; }

/* Finds where the parts of a worker's scratch begin: transformed input V, products M, and what the stored form of
 * the weights needs besides. */
static wino_layout scratch_layout(const fct_conv_plan *p) {
    const fct_conv *c = p->c;
    const int f = p->algo->tile, n = fct_wino_points(f);
    const size_t tiles = (size_t)p->wino.tiles, cb = (size_t)c->cb;
    const size_t widest = (size_t)fct_panel_at(c->k, c->ocb, 0).count; /* the first panel is */
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

/* Whether at most half of a last block of channels is used. */
static bool has_half(const fct_conv *c, int channels) {
    return c->k->wino_half && channels % c->cb != 0 && channels % c->cb <= c->cb / 2;
}

/* Bytes of transformed weights that do not stay in L2 are read again for every block of tiles. */
static bool is_streamed(const fct_conv *c, const fct_conv_plan *p) {
    const size_t bytes = fct_wino_lanes(c) * (size_t)c->s.ic * fct_wino_points(p->algo->tile);
    return bytes * fct_conv_width(p->algo->store) > l2_size() / 2;
}

/* Which kernels multiply, and whether tiles go in pairs. */
static void plan_kernels(const fct_conv *c, fct_conv_plan *p) {
    p->wino.at_once = p->algo->store == FCT_CONV_FLOAT && !is_streamed(c, p);
    p->wino.half_in = p->wino.at_once && has_half(c, c->s.ic);
    p->wino.half_out = p->wino.at_once && c->ocb > 1 && has_half(c, c->s.oc);
}

static fct_wino_tiling tiling_of(const fct_conv_plan *p) {
    return fct_wino_tile(p->algo->tile, p->n, p->oh, p->ow, p->wino.half_in || p->wino.half_out);
}

/* Decides how many tiles make a block: so many that V and M of a block stay in L2. With fewer blocks than threads
 * there is one block, whose steps are shared out instead. */
static void plan_blocks(const fct_conv *c, fct_conv_plan *p, const fct_wino_tiling *t) {
    const int total = t->first[4], n = fct_wino_points(t->family);
    const size_t l2 = l2_size();
    /* streamed weights want few and large blocks; others leave L2 to what the neighbors wrote and read */
    const size_t budget = is_streamed(c, p) ? l2 : l2 / 4;
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
    tiles += (p->wino.half_in || p->wino.half_out) && tiles % 2;
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

/* Maps on which 16-bit integers gain for fewer channels than elsewhere. From 64 channels on, whose groups are coarser
 * (int16.h), only large maps are worth the error: networks of landmarks have such layers early and amplify it. */
static bool is_large_map(const fct_conv *c, const fct_conv_plan *p) {
    return c->s.ic >= 32 && p->oh * p->ow >= (c->s.ic < 64 ? 1000 : 3000);
}

/* The cut, the scratch that it needs, and what it will cost: products, transforms, and the stream of weights,
 * which is read once for each block. */
static double prepare(const fct_conv *c, fct_conv_plan *p) {
    const int f = p->algo->tile, n = fct_wino_points(f);
    plan_kernels(c, p);
    const fct_wino_tiling t = tiling_of(p);
    plan_blocks(c, p, &t);
    const wino_layout l = scratch_layout(p);
    const size_t workers = (size_t)p->threads;
    p->scratch = (p->wino.shared ? l.shared + l.own * workers : (l.shared + l.own) * workers) * sizeof(float);
    const fct_conv_store s = p->algo->store;
    double weights = (double)n * c->ocb * c->cb * c->s.ic * fct_conv_width(s);
    const double products = fct_wino_products(&t);
    const double icb = c->icb - (p->wino.half_in ? .5 : 0), ocb = c->ocb - (p->wino.half_out ? .5 : 0);
    /* a transformed value of one channel block, in or out */
    const double transform = f == 4 ? 1.3e-9 : c->cb == 16 ? 4e-9 : 1.6e-9;
    double other = products * (icb + ocb) * transform;
    if (s == FCT_CONV_HALF) other += weights / 3e10 * p->wino.blocks;
    if (s == FCT_CONV_INT16) other += products * c->icb * c->cb / (c->cb == 16 ? 20e9 : 11e9);
    if (weights > (double)fct_cpu_get_caches().l2 / 2) weights *= p->wino.blocks;
    if (s == FCT_CONV_INT16 && !fct_conv_int16_pays(c, c->s.ic, is_large_map(c, p))) return INFINITY;
    return fct_conv_cost(c, s, products * c->s.ic * ocb * c->cb, other, weights);
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
    t.half = p->wino.half_in && channel_block == c->icb - 1;
    t.in = j->in + channel_block * p->in_plane;
    t.image_stride = fct_conv_in_size(p);
    t.scale = c->scale ? c->scale + (size_t)channel_block * c->cb : NULL;
    t.shift = c->scale ? c->shift + (size_t)channel_block * c->cb : NULL;
    for (int class = 0, at; class < 4; class ++) {
        t.n = class_part(b, class, &at);
        if (t.n <= 0) continue;
        fct_wino_class_size(&j->tiling, class, &t.my, &t.mx);
        t.tiles = b->list + at;
        t.v = b->v + (size_t)channel_block * b->n * c->cb + (size_t)at * (t.half ? c->cb / 2 : c->cb);
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
    const fct_int16_depth d = fct_wino_depth(c);
    const int at = index * j->p->wino.group;
    block g = *b;
    g.first += at;
    g.list += at;
    g.n = b->n - at < j->p->wino.group ? b->n - at : j->p->wino.group;
    for (int i = 0; i < c->icb; i++) transform_in(&g, i);
    for (int i = 0; i < fct_wino_points(j->tiling.family); i++) {
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

/* Computes, for all points of the transform, the products of all tiles with one panel of weights that stay in L2. */
static void multiply_at_once(const block *b, fct_panel panel) {
    const wino_job *j = b->j;
    const fct_conv *c = j->p->c;
    const int points = fct_wino_points(j->tiling.family), ic = c->s.ic;
    int part[FCT_WINO_ALPHA_MAX * FCT_WINO_ALPHA_MAX][2];
    for (int i = 0; i < points; i++) {
        part[i][1] = point_part(b, i, &part[i][0]);
        if (part[i][1] < 0) part[i][1] = 0;
    }
    const float *weights = (const float *)(const void *)j->weights;
    c->k->wino_gemm(&(fct_k_wino_gemm){
        .cb = c->cb,
        .points = points,
        .u = weights + (size_t)panel.first * c->cb * points * ic,
        .v = b->v,
        .m = b->m,
        .v_point = j->l.v_point,
        .v_block = (size_t)b->n * c->cb,
        .m_point = j->l.m_point,
        .m_block = (size_t)b->n * c->cb,
        .full = ic / c->cb,
        .tail = ic % c->cb,
        .mv = panel.count,
        .half_in = j->p->wino.half_in,
        .half_out = j->p->wino.half_out && panel.first + panel.count == c->ocb,
        .part = part,
    });
}

/* Computes, for every point of the transform, the products of all tiles with one panel of weights. */
static void multiply(const block *b, fct_panel panel) {
    const wino_job *j = b->j;
    const fct_conv *c = j->p->c;
    const int alpha = fct_wino_alpha(j->tiling.family);
    const size_t lanes = (size_t)panel.count * c->cb, count = fct_wino_lane_count(c, j->store);
    const size_t size = lanes * count * fct_conv_width(j->store);
    const size_t lane0 = (size_t)panel.first * c->cb * fct_wino_points(j->tiling.family);
    const char *at = j->weights + lane0 * count * fct_conv_width(j->store);
    const fct_int16_depth d = fct_wino_depth(c);
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
                            .half = p->wino.half_out && channel_block == c->ocb - 1,
                            .point_stride = j->l.m_point,
                            .scale = j->scale,
                            .e = &e,
                            .out = j->out + channel_block * p->out_plane,
                            .image_stride = fct_conv_out_size(p),
                            .add = j->add ? j->add + channel_block * p->add_plane : NULL,
                            .add_image_stride = p->add_plane * c->ocb,
                            .add_up2 = c->s.add_up2,
                            .pool2 = p->pool2};
        for (int class = 0, at; class < 4; class ++) {
            t.n = class_part(b, class, &at);
            const int real = fct_wino_end(&j->tiling, class) - b->first - at; /* the class may be filled up */
            t.n = t.n < real ? t.n : real;
            if (t.n <= 0) continue;
            fct_wino_class_size(&j->tiling, class, &t.my, &t.mx);
            t.tiles = b->list + at;
            t.m = b->m + (size_t)i * b->n * c->cb + (size_t)at * (t.half ? c->cb / 2 : c->cb);
            c->k->wino_out(&t);
        }
    }
}

static void run_panel(const block *b, int index) {
    const fct_conv *c = b->j->p->c;
    const fct_panel panel = fct_panel_at(c->k, c->ocb, index);
    if (b->j->p->wino.at_once) multiply_at_once(b, panel);
    else multiply(b, panel);
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
    fct_wino_list(&j->tiling, first, n, b.list);
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
    j.tiling = tiling_of(p);
    j.l = scratch_layout(p);
    j.scale = ((const fct_wino_header *)p->packed)->scale;
    j.scales = (const float *)(const void *)((const char *)p->packed + FCT_WINO_HEADER);
    j.weights = (const char *)p->packed + fct_wino_weights_at(c, j.tiling.family, j.store);
    if (!p->wino.shared) {
        fct_parallel(p->wino.blocks, block_task, &j);
        return;
    }
    const block all = shared_block(&j, 0);
    fct_wino_list(&j.tiling, 0, all.n, all.list);
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
                                              .pack = fct_wino_pack,                                                   \
                                              .prepare = prepare,                                                      \
                                              .run = run,                                                              \
                                              .bytes = fct_wino_packed_bytes};
WINO(wino4, "wino-f43", FCT_CONV_FLOAT, 4, can)
WINO(wino4_half, "wino-f43-half", FCT_CONV_HALF, 4, can_half)
WINO(wino4_int16, "wino-f43-int16", FCT_CONV_INT16, 4, can)
WINO(wino6, "wino-f63", FCT_CONV_FLOAT, 6, can)
