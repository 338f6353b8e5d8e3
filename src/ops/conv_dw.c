/* Depthwise convolution, and groups of two or four channels: one task is some
 * rows of one block of channels. */
#include "ops/conv_int.h"
#include <string.h>

static int group(const fct_conv *c) { return c->s.ic / c->s.groups; }

/* Each group of 1, 2 or 4 channels must lie within one block, and the kernel knows no dilation, scaled input or
 * sigmoid. */
static bool can(const fct_conv *c) {
    const fct_conv_spec *s = &c->s;
    return s->oc == s->ic && (group(c) == 1 || group(c) == 2 || group(c) == 4) && !s->planar_in && !s->in_scale &&
           !s->add_up2 && s->dh == 1 && s->dw == 1 && s->act.kind != FCT_ACT_SIGMOID;
}

static size_t packed_bytes(const fct_conv_algo *a, const fct_conv *c) {
    return (size_t)c->s.kh * c->s.kw * group(c) * c->ocb * c->cb * sizeof(float);
}

/* [block][kh][kw][r][cb]: see fct_k_dw */
static fct_status pack(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err) {
    const size_t taps = (size_t)c->s.kh * c->s.kw, g = (size_t)group(c);
    *bytes = packed_bytes(a, c);
    float *w = *packed = fct_weights_alloc(*bytes);
    if (!w) return fct_fail_nomem(err, "packed weights", *bytes);
    memset(w, 0, *bytes);
    for (size_t o = 0; o < (size_t)c->s.oc; o++)
        for (size_t i = 0; i < taps; i++)
            for (size_t r = 0; r < g; r++)
                w[((o / c->cb * taps + i) * g + r) * c->cb + o % c->cb] = c->weight[(o * g + ((o ^ r) % g)) * taps + i];
    return FCT_OK;
}

/* Rows are cut into bands where there are fewer channel blocks than threads. */
static double prepare(const fct_conv *c, fct_conv_plan *p) {
    p->scratch = 0;
    int bands = p->threads > 1 ? 2 * p->threads : 1; /* rows, as the convolutions before and after share them out */
    if (bands > p->oh / 3) bands = p->oh < 6 ? 1 : p->oh / 3;
    p->dw.bands = bands;
    return (double)p->n * p->oh * p->ow * c->ocb * c->s.kh * c->s.kw * group(c) * 1e-10;
}

typedef struct depthwise_job {
    const fct_conv_plan *p;
    const float *in, *add;
    float *out;
} depthwise_job;

static void task(void *ctx, int index, int worker) {
    const depthwise_job *j = ctx;
    const fct_conv_plan *p = j->p;
    const fct_conv *c = p->c;
    const int bands = p->dw.bands, block = index % c->ocb, band = index / c->ocb % bands;
    const int plane = index / c->ocb / bands * c->ocb + block;
    const fct_k_epilogue e = fct_conv_epilogue_at(c, block);
    const fct_k_dw d = {.g = fct_conv_geom(p),
                        .group = group(c),
                        .in = j->in + plane * p->in_plane,
                        .w = (const float *)p->packed + (size_t)block * c->s.kh * c->s.kw * group(c) * c->cb,
                        .e = &e,
                        .add = j->add ? j->add + plane * p->add_plane : NULL,
                        .out = j->out + plane * p->out_plane};
    c->k->conv_dw(&d, p->oh * band / bands, p->oh * (band + 1) / bands);
}

static void run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch) {
    depthwise_job j = {p, in, add, out};
    fct_parallel(p->n * p->c->ocb * p->dw.bands, task, &j);
}

const fct_conv_algo fct_conv_algo_dw = {.name = "depthwise",
                                        .exact = true,
                                        .bands = true,
                                        .can = can,
                                        .pack = pack,
                                        .prepare = prepare,
                                        .run = run,
                                        .bytes = packed_bytes};
