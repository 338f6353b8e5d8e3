/* Convolution as a blocked matrix product, for every kernel size and stride.
 *
 * The pixels of the output are cut into blocks, the sum over input channels and
 * taps into chunks. For each pair the input under the taps is gathered into
 * rows that stay in L2 (1x1 convolutions of stride 1 read the input in place),
 * then multiplied with one panel of weights after another, each of which stays
 * in L1 meanwhile. The last chunk applies the epilogue.
 *
 * As 16-bit integers: each block's pixels are scaled and rounded once a chunk
 * (conv_args.h has the bound), the products then cost half.
 *
 * Small images of a batch share pixel blocks; such blocks are summed in scratch
 * memory and scattered with the epilogue. */
#include "ops/conv_int.h"
#include "ops/conv_panel.h"
#include "ops/int16.h"
#include <math.h>
#include <string.h>

enum { PIXELS_MOST = 192, PIXELS_LEAST = 24, SHARED_AREA = 64 };

/* Groups smaller than a channel block are multiplied a block at a time, with
 * zeros for the weights between groups. */
static bool small_groups(const fct_conv *c) {
    const fct_conv_spec *s = &c->s;
    const int icg = s->ic / s->groups;
    return s->groups > 1 && icg == s->oc / s->groups && icg < c->cb && c->cb % icg == 0 && s->ic % c->cb == 0;
}

/* Takes a single group, groups small enough to share a block of channels, and groups of whole blocks. */
static bool can(const fct_conv *c) {
    const fct_conv_spec *s = &c->s;
    if (s->planar_in) return false;
    return s->groups == 1 || small_groups(c) || (s->ic / s->groups % c->cb == 0 && s->oc / s->groups % c->cb == 0);
}
static int group_count(const fct_conv *c) { return small_groups(c) ? c->icb : c->s.groups; }
static bool can_1x1(const fct_conv *c) { return can(c) && c->s.kh * c->s.kw == 1; }
static bool can_kxk(const fct_conv *c) { return can(c) && c->s.kh * c->s.kw > 1; }
static bool can_half(const fct_conv *c) { return can(c) && fct_conv_half_pays(c); }
static bool can_1x1_int16(const fct_conv *c) { return can_1x1(c) && c->s.groups == 1; }
static bool can_kxk_int16(const fct_conv *c) { return can_kxk(c) && c->s.groups == 1; }

static int taps(const fct_conv *c) { return c->s.kh * c->s.kw; }
static int group_ic(const fct_conv *c) { return c->s.ic / group_count(c); }
static int group_blocks(const fct_conv *c) { return c->ocb / group_count(c); }
static size_t depth(const fct_conv *c) { return (size_t)group_ic(c) * taps(c); }
static int k_blocks(const fct_conv *c) { return fct_blocks(group_ic(c), c->cb) * taps(c); }

/* Says where the sum over k blocks kb0 .. kb1 - 1 has its whole blocks and its tails. */
static fct_int16_depth depth_of(const fct_conv *c, int kb0, int kb1) {
    const int whole = group_ic(c) / c->cb * taps(c), full = (kb1 < whole ? kb1 : whole) - kb0;
    fct_int16_depth d = {.cb = c->cb, .full = full > 0 ? full : 0, .tail = group_ic(c) % c->cb};
    d.tail_blocks = kb1 - kb0 - d.full;
    d.group = fct_int16_group(c->cb, depth(c), taps(c) == 1);
    return d;
}

/* ---- Weights: [group][panel][k][panel lanes], k = [channel block][tap][channel] ----
 * As integers: the scales of all output channels first, then the weights. */

/* Weights of output channel o of a group of ours for input channels c0 .. c0 + n - 1
 * to w[tap][channel], step floats apart. Those that o does not read are zeros. */
static void pack_lane(const fct_conv *c, int group, int o, int c0, int n, float *w, size_t step) {
    const int own_ic = c->s.ic / c->s.groups, own_oc = c->s.oc / c->s.groups, t = taps(c);
    const float *row = c->weight + ((size_t)group * (c->s.oc / group_count(c)) + o) * own_ic * t;
    const bool exists = o < c->s.oc / group_count(c);
    const int first = exists ? o / own_oc * own_ic - c0 : n; /* of the n that o reads */
    const int from = first < 0 ? 0 : first < n ? first : n, end = exists ? first + own_ic : n;
    const int to = end < from ? from : end < n ? end : n;
    for (int tap = 0; tap < t; tap++) {
        float *at = w + (size_t)tap * n * step;
        for (int i = 0; i < from; i++) at[i * step] = 0;
        for (int i = from; i < to; i++) at[i * step] = row[(size_t)(i - first) * t + tap];
        for (int i = to; i < n; i++) at[i * step] = 0;
    }
}

/* Puts a panel's weights in the order in which the kernel reads them: a block of input channels after the other, all
 * taps of each. */
static void pack_panel(const fct_conv *c, int group, fct_panel panel, float *w) {
    const int icg = group_ic(c), lanes = panel.count * c->cb;
    for (int c0 = 0; c0 < icg; c0 += c->cb) {
        const int n = icg - c0 < c->cb ? icg - c0 : c->cb;
        for (int l = 0; l < lanes; l++) pack_lane(c, group, panel.first * c->cb + l, c0, n, w + l, lanes);
        w += (size_t)n * taps(c) * lanes;
    }
}

static size_t int16_scales(const fct_conv *c) { return ((size_t)c->ocb * c->cb * sizeof(float) + 63) / 64 * 64; }

/* Elements of one output channel. */
static size_t lane_count(const fct_conv *c, fct_conv_store store) {
    const fct_int16_depth d = depth_of(c, 0, k_blocks(c));
    return store == FCT_CONV_INT16 ? fct_int16_count(&d) : depth(c);
}

typedef struct gemm_packing {
    const fct_conv *c;
    fct_conv_store store;
    void *packed;
    float *wide; /* not for FCT_CONV_FLOAT: per worker, one panel */
    size_t wide_size;
} gemm_packing;

/* Packs one panel of weights in the form that the algorithm keeps. */
static void pack_task(void *ctx, int index, int worker) {
    const gemm_packing *k = ctx;
    const fct_conv *c = k->c;
    const int panels = fct_panel_total(c->k, group_blocks(c)), group = index / panels;
    const fct_panel panel = fct_panel_at(c->k, group_blocks(c), index % panels);
    const size_t at = ((size_t)group * group_blocks(c) + panel.first) * c->cb * depth(c);
    float *wide = k->wide ? k->wide + k->wide_size * (size_t)worker : (float *)k->packed + at;
    pack_panel(c, group, panel, wide);
    if (k->store == FCT_CONV_HALF)
        c->k->float_to_half((uint16_t *)k->packed + at, wide, panel.count * c->cb * depth(c));
    if (k->store == FCT_CONV_INT16) {
        const fct_int16_depth d = depth_of(c, 0, k_blocks(c));
        const size_t lane = (size_t)panel.first * c->cb;
        const int lanes = panel.count * c->cb;
        int16_t *to = (int16_t *)((char *)k->packed + int16_scales(c)) + lane * fct_int16_count(&d);
        fct_int16_weights(c->k, &d, wide, lanes, lanes, to, lanes, (float *)k->packed + lane);
    }
}

/* Size of the packed weights, scales included. */
static size_t packed_bytes(const fct_conv_algo *a, const fct_conv *c) {
    const size_t n = (size_t)group_blocks(c) * c->cb * lane_count(c, a->store) * group_count(c);
    return n * fct_conv_width(a->store) + (a->store == FCT_CONV_INT16 ? int16_scales(c) : 0);
}

/* Packs the panels of all groups on all threads. */
static fct_status pack(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err) {
    gemm_packing k = {.c = c, .store = a->store, .wide_size = (size_t)c->k->gemm_mv * c->cb * depth(c)};
    const bool wide = a->store != FCT_CONV_FLOAT;
    *bytes = packed_bytes(a, c);
    k.packed = fct_weights_alloc(*bytes);
    if (wide) k.wide = fct_aligned_alloc(k.wide_size * sizeof(float) * (size_t)fct_parallel_width());
    if (k.packed && a->store == FCT_CONV_INT16) memset(k.packed, 0, int16_scales(c));
    if (!k.packed || (wide && !k.wide)) {
        fct_weights_free(k.packed, *bytes);
        fct_aligned_free(k.wide);
        return fct_fail_nomem(err, "packed weights", *bytes);
    }
    fct_parallel(group_count(c) * fct_panel_total(c->k, group_blocks(c)), pack_task, &k);
    fct_aligned_free(k.wide);
    *packed = k.packed;
    return FCT_OK;
}

/* ---- Plan ---------------------------------------------------------------- */

/* Whether the products can read the input where it lies: a 1x1 window of stride 1 needs no gathering. */
static bool in_place(const fct_conv_plan *p) {
    const fct_conv_spec *s = &p->c->s;
    return taps(p->c) == 1 && s->sh == 1 && s->sw == 1 && p->oh == p->ih && p->ow == p->iw && !s->in_scale &&
           !p->gemm.shared;
}

static fct_conv_store store(const fct_conv_plan *p) { return p->algo->store; }
static bool is_half(const fct_conv_plan *p) { return store(p) == FCT_CONV_HALF; }
static bool is_int16(const fct_conv_plan *p) { return store(p) == FCT_CONV_INT16; }

/* Offsets in floats within a worker's scratch. rows16: the rows as integers, scale: that of each pixel. */
typedef struct gemm_layout {
    size_t raw, add, half, rows16, scale, total;
} gemm_layout;

/* Lays out what a worker needs besides input and output. */
static gemm_layout scratch_layout(const fct_conv_plan *p) {
    const fct_conv *c = p->c;
    const size_t cb = (size_t)c->cb, pixels = (size_t)p->gemm.pixels, chunk = (size_t)p->gemm.chunk;
    gemm_layout l = {0};
    size_t at = in_place(p) ? 0 : chunk * pixels * cb;
    l.raw = at;
    if (p->gemm.shared) at += group_blocks(c) * pixels * cb;
    l.add = at;
    if (c->s.add_up2 && !p->gemm.shared) at += c->k->gemm_mv * pixels * cb;
    l.half = at;
    if (is_half(p)) at += c->k->gemm_mv * cb * chunk * cb;
    l.rows16 = at;
    if (is_int16(p)) at += chunk * pixels * cb / 2;
    l.scale = at;
    if (is_int16(p)) at += pixels;
    l.total = (at + 15) / 16 * 16;
    return l;
}

static int round_up(int v, int to) { return (v + to - 1) / to * to; }

/* Decides how the work is cut. A chunk of the sum is so long that a panel of its weights stays in L1; a block of
 * pixels is so large that its rows stay in L2. Where blocks are fewer than the threads want, the panels of output
 * channels are shared out as well. */
static void plan_blocks(const fct_conv *c, fct_conv_plan *p) {
    const int area = p->oh * p->ow, kb = k_blocks(c);
    p->gemm.shared = p->n > 1 && area < SHARED_AREA;
    /* two thirds of L1 for the usual panel of two blocks */
    const int chunk_channels = (int)(fct_cpu_get_caches().l1d * 2 / 3 / (2 * fct_conv_width(store(p)) * (size_t)c->cb));
    const int chunks = (kb * c->cb + chunk_channels - 1) / chunk_channels;
    p->gemm.chunk = (kb + chunks - 1) / chunks;
    if (is_int16(p)) p->gemm.chunk = round_up(p->gemm.chunk, fct_int16_group(c->cb, depth(c), taps(c) == 1));
    const int pool = p->gemm.shared ? area * p->n : area;
    int count = (pool + PIXELS_MOST - 1) / PIXELS_MOST;
    if (is_int16(p) && p->threads > 1) { /* every split of the panels would make integers of the same pixels again */
        const int enough = 3 * p->threads, possible = pool / PIXELS_LEAST;
        if (count < enough) count = enough < possible ? enough : possible > count ? possible : count;
        count = round_up(count, p->threads);
    }
    p->gemm.pixels = (pool + count - 1) / count;
    if (!is_int16(p)) p->gemm.pixels = round_up(p->gemm.pixels, 12);
    p->gemm.blocks = (pool + p->gemm.pixels - 1) / p->gemm.pixels * (p->gemm.shared ? 1 : p->n);
    const int panels = fct_panel_total(c->k, group_blocks(c));
    int splits = 1;
    const int tasks = (is_int16(p) ? 1 : 3) * p->threads;
    while (p->gemm.blocks * group_count(c) * splits < tasks && splits < panels && p->threads > 1) splits++;
    p->gemm.splits = splits;
}

/* The cut, the scratch that it needs, and what it will cost. */
static double prepare(const fct_conv *c, fct_conv_plan *p) {
    plan_blocks(c, p);
    p->scratch = scratch_layout(p).total * sizeof(float) * (size_t)p->threads;
    const double pixels = (double)p->n * p->oh * p->ow, macs = pixels * c->ocb * c->cb * depth(c);
    const double weights = (double)depth(c) * c->ocb * c->cb * fct_conv_width(store(p));
    double gather = in_place(p) ? 0 : pixels * depth(c) / (c->cb == 16 ? 30e9 : 16e9);
    if (is_int16(p)) gather += pixels * depth(c) / (c->cb == 16 ? 20e9 : 11e9);
    const double widen = is_half(p) ? weights / 3e10 * p->gemm.blocks : 0;
    if (is_int16(p) && !fct_conv_int16_pays(c, (int)depth(c), 0)) return INFINITY;
    /* prefetching hides the stream of weights almost wholly behind so much arithmetic */
    return fct_conv_cost(c, store(p), macs, gather + widen, weights) - weights * (macs > weights * 16 ? 2e-11 : 0);
}

/* ---- Run ------------------------------------------------------------------ */

typedef struct gemm_job {
    const fct_conv_plan *p;
    const float *in, *add;
    float *out, *scratch;
} gemm_job;

/* A task: a block of pixels (of one image, or of the pool) and part of a group's panels. */
typedef struct gemm_part {
    const gemm_job *j;
    float *scratch;
    gemm_layout l;
    int image, p0, n; /* pixels p0 .. p0 + n - 1 of image, or of the pool */
    int group, panel0, panel1;
} gemm_part;

/* The addend's coarse pixels, spread to n fine ones. */
static void spread_add(const gemm_part *t, int block0, int blocks, float *dst) {
    const fct_conv_plan *p = t->j->p;
    const int cb = p->c->cb, ow = p->ow, aw = (ow + 1) / 2;
    const float *plane = t->j->add + ((size_t)t->image * p->c->ocb + block0) * p->add_plane;
    for (int b = 0; b < blocks; b++, plane += p->add_plane)
        for (int i = 0; i < t->n; i++, dst += cb) {
            const int y = (t->p0 + i) / ow, x = (t->p0 + i) % ow;
            memcpy(dst, plane + ((size_t)(y / 2) * aw + x / 2) * cb, (size_t)cb * sizeof *dst);
        }
}

/* Sets where the panel's sums go and what is added to them. */
static void set_output(const gemm_part *t, fct_k_gemm *g, int block0) {
    const fct_conv_plan *p = t->j->p;
    const fct_conv *c = p->c;
    const size_t at = (size_t)t->p0 * c->cb, first = (size_t)t->image * c->ocb + block0;
    if (p->gemm.shared) {
        g->c = t->scratch + t->l.raw + (size_t)(block0 - t->group * group_blocks(c)) * t->n * c->cb;
        g->c_stride = (size_t)t->n * c->cb;
        return;
    }
    g->c = t->j->out + first * p->out_plane + at;
    g->c_stride = p->out_plane;
    if (!t->j->add) return;
    g->add = c->s.add_up2 ? t->scratch + t->l.add : t->j->add + first * p->add_plane + at;
    g->add_stride = c->s.add_up2 ? (size_t)t->n * c->cb : p->add_plane;
}

/* Finds the place and number, in bytes, of a panel's weights for k blocks kb0 .. kb1 - 1. */
static const char *chunk_weights(const fct_conv_plan *p, int group, fct_panel panel, int kb0, int kb1, size_t *bytes) {
    const fct_conv *c = p->c;
    const size_t lanes = (size_t)panel.count * c->cb, width = fct_conv_width(store(p));
    const fct_int16_depth before = depth_of(c, 0, kb0), these = depth_of(c, kb0, kb1);
    size_t k0 = (size_t)before.full * c->cb + (size_t)before.tail_blocks * before.tail;
    size_t count = (size_t)these.full * c->cb + (size_t)these.tail_blocks * these.tail;
    if (is_int16(p)) k0 = fct_int16_count(&before), count = fct_int16_count(&these);
    *bytes = count * lanes * width;
    const size_t at = (group * (size_t)group_blocks(c) + panel.first) * c->cb * lane_count(c, store(p)) + k0 * lanes;
    return (const char *)p->packed + (is_int16(p) ? int16_scales(c) : 0) + at * width;
}

/* Sets the weights of panel i and those to prefetch: the next panel's, or the first one's of the next chunk. */
static void set_weights(const gemm_part *t, fct_k_gemm *g, int i, int kb0, int kb1) {
    const fct_conv_plan *p = t->j->p;
    const fct_conv *c = p->c;
    const int gb = group_blocks(c), total = k_blocks(c);
    const fct_panel panel = fct_panel_at(c->k, gb, i);
    size_t bytes;
    const char *at = chunk_weights(p, t->group, panel, kb0, kb1, &bytes);
    g->w = (const float *)(const void *)at;
    if (is_half(p)) {
        c->k->half_to_float(t->scratch + t->l.half, (const uint16_t *)(const void *)at, bytes / sizeof(uint16_t));
        g->w = t->scratch + t->l.half;
    } else if (is_int16(p)) {
        g->w16 = (const int16_t *)(const void *)at;
        g->w_scale = (const float *)p->packed + (size_t)panel.first * c->cb;
    }
    if (++i == t->panel1) {
        i = t->panel0;
        kb0 = kb1;
        kb1 = kb0 + p->gemm.chunk < total ? kb0 + p->gemm.chunk : total;
    }
    if (kb0 >= total || t->panel1 - t->panel0 == 0) return;
    g->ahead = chunk_weights(p, t->group, fct_panel_at(c->k, gb, i), kb0, kb1, &g->ahead_bytes);
}

/* Multiplies panel i with k blocks kb0 .. kb1 - 1, whose rows are g->b. */
static void run_panel(const gemm_part *t, fct_k_gemm g, int i, int kb0, int kb1) {
    const fct_conv_plan *p = t->j->p;
    const fct_conv *c = p->c;
    const fct_panel panel = fct_panel_at(c->k, group_blocks(c), i);
    const int block0 = t->group * group_blocks(c) + panel.first;
    const fct_int16_depth d = depth_of(c, kb0, kb1);
    const bool last = kb1 == k_blocks(c), finish = last && !p->gemm.shared && c->epilogue.act != FCT_K_ACT_SIGMOID;
    const fct_k_epilogue e = fct_conv_epilogue_at(c, block0);
    g.full = d.full;
    g.tail_blocks = d.tail_blocks;
    g.tail = d.tail;
    g.group = d.group;
    g.mv = panel.count;
    g.load = kb0 > 0;
    set_weights(t, &g, i, kb0, kb1);
    set_output(t, &g, block0);
    if (finish) g.e = &e;
    if (finish && g.add && c->s.add_up2) spread_add(t, block0, panel.count, t->scratch + t->l.add);
    if (is_int16(p)) c->k->conv_gemm_int16(&g);
    else c->k->conv_gemm(&g);
}

/* Turns rows g->b of k blocks kb0 .. kb1 - 1 into integers. */
static void quantize(const gemm_part *t, fct_k_gemm *g, int kb0, int kb1) {
    const fct_conv *c = t->j->p->c;
    const fct_int16_depth d = depth_of(c, kb0, kb1);
    int16_t *rows = (int16_t *)(t->scratch + t->l.rows16);
    float *scale = t->scratch + t->l.scale;
    const size_t stride = (size_t)t->n * c->cb;
    c->k->conv_quantize(&(fct_k_quantize){.cb = c->cb,
                                          .src = g->b,
                                          .src_stride = g->b_stride,
                                          .n = t->n,
                                          .full = d.full,
                                          .tail_blocks = d.tail_blocks,
                                          .tail = d.tail,
                                          .group = d.group,
                                          .dst = rows,
                                          .dst_stride = stride,
                                          .scale = scale});
    g->b16 = rows;
    g->b_scale = scale;
    g->b_stride = stride;
}

/* The epilogue of sums in scratch or, for sigmoid, in place. */
static void scatter(const gemm_part *t) {
    const fct_conv_plan *p = t->j->p;
    const fct_conv *c = p->c;
    const int area = p->oh * p->ow, gb = group_blocks(c), cb = c->cb;
    for (int i = t->panel0; i < t->panel1; i++) {
        const fct_panel panel = fct_panel_at(c->k, gb, i);
        for (int b = panel.first; b < panel.first + panel.count; b++) {
            const fct_k_epilogue e = fct_conv_epilogue_at(c, t->group * gb + b);
            int at = 0;
            while (at < t->n) {
                gemm_part run = *t;
                const int pixel = t->p0 + at;
                if (p->gemm.shared) run.image = pixel / area;
                run.p0 = p->gemm.shared ? pixel % area : pixel;
                run.n = area - run.p0 < t->n - at ? area - run.p0 : t->n - at;
                const size_t out_at = (((size_t)run.image * c->ocb + t->group * gb + b) * area + run.p0) * cb;
                const float *raw =
                    p->gemm.shared ? t->scratch + t->l.raw + ((size_t)b * t->n + at) * cb : t->j->out + out_at;
                const float *add = t->j->add ? t->j->add + out_at : NULL;
                if (add && c->s.add_up2) {
                    float coarse[16 * FCT_CB_MAX]; /* a few pixels at a time */
                    run.n = run.n < 16 ? run.n : 16;
                    spread_add(&run, t->group * gb + b, 1, coarse);
                    c->k->conv_epilogue(&e, raw, coarse, t->j->out + out_at, run.n);
                } else {
                    c->k->conv_epilogue(&e, raw, add, t->j->out + out_at, run.n);
                }
                at += run.n;
            }
        }
    }
}

/* Computes one block of pixels: chunk by chunk the rows are gathered, then every panel of weights is multiplied with
 * them. */
static void run_part(const gemm_part *t) {
    const fct_conv_plan *p = t->j->p;
    const fct_conv *c = p->c;
    const int kbs = k_blocks(c), chunk = p->gemm.chunk, first_block = t->group * fct_blocks(group_ic(c), c->cb);
    fct_k_pack pk = {.g = fct_conv_geom(p), .image_stride = fct_conv_in_size(p), .plane = p->in_plane};
    pk.in = t->j->in + t->image * pk.image_stride + first_block * pk.plane;
    pk.scale = c->scale ? c->scale + (size_t)first_block * c->cb : NULL;
    pk.shift = c->scale ? c->shift + (size_t)first_block * c->cb : NULL;
    fct_k_gemm g = {.cb = c->cb, .n = t->n};
    for (int kb = 0; kb < kbs; kb += chunk) {
        const int end = kb + chunk < kbs ? kb + chunk : kbs;
        if (in_place(p)) {
            g.b = pk.in + kb * pk.plane + (size_t)t->p0 * c->cb;
            g.b_stride = pk.plane;
        } else {
            g.b = t->scratch;
            g.b_stride = (size_t)t->n * c->cb;
            c->k->conv_pack(&pk, kb, end, t->p0, t->n, t->scratch);
        }
        if (is_int16(p)) quantize(t, &g, kb, end);
        for (int i = t->panel0; i < t->panel1; i++) run_panel(t, g, i, kb, end);
    }
    if (p->gemm.shared || c->epilogue.act == FCT_K_ACT_SIGMOID) scatter(t);
}

/* Finds the block, group and panels that a task number stands for. */
static void task(void *ctx, int index, int worker) {
    const gemm_job *j = ctx;
    const fct_conv_plan *p = j->p;
    const int splits = p->gemm.splits, groups = group_count(p->c),
              panels = fct_panel_total(p->c->k, group_blocks(p->c));
    const int split = index % splits, block = index / splits / groups, area = p->oh * p->ow;
    gemm_part t = {.j = j, .l = scratch_layout(p), .group = index / splits % groups};
    t.scratch = j->scratch + t.l.total * worker;
    t.panel0 = panels * split / splits;
    t.panel1 = panels * (split + 1) / splits;
    const int per_image = p->gemm.shared ? p->gemm.blocks : p->gemm.blocks / p->n;
    const int pool = p->gemm.shared ? area * p->n : area;
    t.image = block / per_image;
    t.p0 = block % per_image * p->gemm.pixels;
    t.n = pool - t.p0 < p->gemm.pixels ? pool - t.p0 : p->gemm.pixels;
    run_part(&t);
}

static void run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch) {
    gemm_job j = {p, in, add, out, scratch};
    fct_parallel(p->gemm.blocks * group_count(p->c) * p->gemm.splits, task, &j);
}

const fct_conv_algo fct_conv_algo_gemm_1x1 = {.name = "gemm-1x1",
                                              .exact = true,
                                              .store = FCT_CONV_FLOAT,
                                              .bands = true,
                                              .can = can_1x1,
                                              .pack = pack,
                                              .prepare = prepare,
                                              .run = run,
                                              .bytes = packed_bytes};
const fct_conv_algo fct_conv_algo_gemm = {.name = "direct",
                                          .exact = true,
                                          .store = FCT_CONV_FLOAT,
                                          .bands = true,
                                          .can = can_kxk,
                                          .pack = pack,
                                          .prepare = prepare,
                                          .run = run,
                                          .bytes = packed_bytes};
const fct_conv_algo fct_conv_algo_gemm_half = {.name = "direct-half",
                                               .exact = false,
                                               .store = FCT_CONV_HALF,
                                               .bands = true,
                                               .can = can_half,
                                               .pack = pack,
                                               .prepare = prepare,
                                               .run = run,
                                               .bytes = packed_bytes};
const fct_conv_algo fct_conv_algo_gemm_1x1_int16 = {.name = "gemm-1x1-int16",
                                                    .exact = false,
                                                    .store = FCT_CONV_INT16,
                                                    .bands = true,
                                                    .can = can_1x1_int16,
                                                    .pack = pack,
                                                    .prepare = prepare,
                                                    .run = run,
                                                    .bytes = packed_bytes};
const fct_conv_algo fct_conv_algo_gemm_int16 = {.name = "direct-int16",
                                                .exact = false,
                                                .store = FCT_CONV_INT16,
                                                .bands = true,
                                                .can = can_kxk_int16,
                                                .pack = pack,
                                                .prepare = prepare,
                                                .run = run,
                                                .bytes = packed_bytes};
