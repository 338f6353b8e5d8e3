/* The reference algorithm: plain sums, for any convolution; the judge of the others. */
#include "ops/conv_int.h"
#include <string.h>

static bool can(const fct_conv *c) { return true; }

static size_t packed_bytes(const fct_conv_algo *a, const fct_conv *c) {
    return (size_t)(c->s.ic / c->s.groups) * c->s.kh * c->s.kw * c->ocb * c->cb * sizeof(float);
}

/* [ocb][ic per group][kh][kw][cb] */
static fct_status pack(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err) {
    const size_t k = (size_t)(c->s.ic / c->s.groups) * c->s.kh * c->s.kw;
    *bytes = packed_bytes(a, c);
    float *w = *packed = fct_weights_alloc(*bytes);
    if (!w) return fct_fail_nomem(err, "packed weights", *bytes);
    memset(w, 0, *bytes);
    for (int o = 0; o < c->s.oc; o++)
        for (size_t i = 0; i < k; i++) w[((size_t)(o / c->cb) * k + i) * c->cb + o % c->cb] = c->weight[o * k + i];
    return FCT_OK;
}

/* The expected time is far above that of all other algorithms, so that this one is chosen only where none of them
 * applies. */
static double prepare(const fct_conv *c, fct_conv_plan *p) {
    p->scratch = 0;
    double macs = (double)p->n * p->oh * p->ow * c->s.oc * (c->s.ic / c->s.groups) * c->s.kh * c->s.kw;
    return macs * 2e-9;
}

typedef struct reference_job {
    const fct_conv_plan *p;
    const float *in, *add;
    float *out;
} reference_job;

static void task(void *ctx, int index, int worker) {
    const reference_job *j = ctx;
    const fct_conv_plan *p = j->p;
    const fct_conv *c = p->c;
    const int ocb = c->ocb, image = index / ocb, block = index % ocb, oc_group = c->s.oc / c->s.groups;
    const fct_k_epilogue e = fct_conv_epilogue_at(c, block);
    fct_k_direct d = {.g = fct_conv_geom(p), .ic_group = c->s.ic / c->s.groups, .planar = c->s.planar_in, .e = &e};
    d.oc_lanes = c->s.oc - block * c->cb < c->cb ? c->s.oc - block * c->cb : c->cb;
    for (int l = 0; l < d.oc_lanes; l++) d.first[l] = (block * c->cb + l) / oc_group * d.ic_group;
    d.in = j->in + image * fct_conv_in_size(p);
    d.scale = c->scale;
    d.shift = c->shift;
    d.w = (const float *)p->packed + (size_t)block * c->cb * d.ic_group * c->s.kh * c->s.kw;
    d.add_up2 = c->s.add_up2;
    if (j->add) d.add = j->add + ((size_t)image * ocb + block) * p->add_plane;
    d.out = j->out + ((size_t)image * ocb + block) * p->out_plane;
    for (int y = 0; y < p->oh; y++) c->k->conv_direct(&d, y);
}

static void run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch) {
    reference_job j = {p, in, add, out};
    fct_parallel(p->n * p->c->ocb, task, &j);
}

const fct_conv_algo fct_conv_algo_reference = {.name = "reference",
                                               .exact = true,
                                               .can = can,
                                               .pack = pack,
                                               .prepare = prepare,
                                               .run = run,
                                               .bytes = packed_bytes};
