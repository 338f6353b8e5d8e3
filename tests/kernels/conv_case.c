#include "conv_case.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t next(uint32_t *s) { return *s = *s * 1664525u + 1013904223u; }
static int pick(uint32_t *s, int lo, int hi) { return lo + (int)((next(s) >> 8) % (uint32_t)(hi - lo + 1)); }
static float uniform(uint32_t *s) { return (float)(next(s) >> 8) / 8388608.0f - 1; }

static float *random_array(size_t n, float scale, float offset, uint32_t *s) {
    float *p = malloc((n + 1) * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = uniform(s) * scale + offset;
    return p;
}

conv_case conv_case_random(uint32_t *s) {
    static const int kernels[] = {1, 1, 2, 3, 3, 3, 3, 5};
    conv_case t = {pick(s, 1, 3),
                   pick(s, 1, 70),
                   pick(s, 1, 70),
                   1,
                   kernels[pick(s, 0, 7)],
                   pick(s, 1, 2),
                   1,
                   0,
                   pick(s, 5, 24),
                   pick(s, 5, 24),
                   (fct_act_kind)pick(s, 0, 5),
                   (fct_add_kind)pick(s, 0, 2),
                   0};
    t.pad = pick(s, 0, t.k / 2);
    if (pick(s, 0, 3) == 0) t.oc = t.groups = t.ic;
    if (pick(s, 0, 2) == 0) t.flags |= CASE_SCALE;
    if (t.add && pick(s, 0, 2) == 0) t.flags |= CASE_UP2;
    if (t.groups == 1 && pick(s, 0, 5) == 0) {
        t.flags |= CASE_PLANAR;
        t.ic = pick(s, 1, 4);
    }
    return t;
}

const char *conv_case_name(const conv_case *t) {
    static char text[160];
    snprintf(text, sizeof text, "n%d ic%d oc%d g%d k%d s%d d%d p%d %dx%d act%d add%d flags%d", t->n, t->ic, t->oc,
             t->groups, t->k, t->stride, t->dilation, t->pad, t->ih, t->iw, t->act, t->add, t->flags);
    return text;
}

typedef struct data {
    fct_conv_spec s;
    float *weight, *bias, *slope, *scale, *shift, *in, *add;
    int oh, ow, ah, aw;
} data;

static void make(const conv_case *t, fct_precision precision, data *d) {
    uint32_t seed = 7;
    const int span = (t->k - 1) * t->dilation + 1;
    memset(d, 0, sizeof *d);
    d->oh = (t->ih + 2 * t->pad - span) / t->stride + 1;
    d->ow = (t->iw + 2 * t->pad - span) / t->stride + 1;
    d->ah = t->flags & CASE_UP2 ? (d->oh + 1) / 2 : d->oh;
    d->aw = t->flags & CASE_UP2 ? (d->ow + 1) / 2 : d->ow;
    d->weight = random_array((size_t)t->oc * (t->ic / t->groups) * t->k * t->k, 1, 0, &seed);
    d->bias = random_array((size_t)t->oc, 1, 0, &seed);
    d->slope = random_array((size_t)t->oc, .5f, .3f, &seed);
    d->scale = random_array((size_t)t->ic, .5f, 1, &seed);
    d->shift = random_array((size_t)t->ic, 1, 0, &seed);
    d->in = random_array((size_t)t->n * t->ic * t->ih * t->iw, 1, 0, &seed);
    d->add = random_array((size_t)t->n * t->oc * d->ah * d->aw, 3, 0, &seed);
    const int k = t->k;
    d->s = (fct_conv_spec){
        .name = "case",
        .ic = t->ic,
        .oc = t->oc,
        .groups = t->groups,
        .kh = k,
        .kw = k,
        .sh = t->stride,
        .sw = t->stride,
        .dh = t->dilation,
        .dw = t->dilation,
        .pad_top = t->pad,
        .pad_left = t->pad,
        .pad_bottom = t->pad,
        .pad_right = t->pad,
        .weight = d->weight,
        .bias = d->bias,
        .act = {t->act, t->act == FCT_ACT_CLIP ? -1.5f : .2f, 2.5f, t->act == FCT_ACT_PRELU ? d->slope : NULL},
        .add = t->add,
        .add_up2 = (t->flags & CASE_UP2) != 0,
        .planar_in = (t->flags & CASE_PLANAR) != 0,
        .precision = precision};
    if (t->flags & CASE_SCALE) d->s.in_scale = d->scale, d->s.in_shift = d->shift;
}

static void discard(data *d) {
    free(d->weight), free(d->bias), free(d->slope), free(d->scale), free(d->shift), free(d->in), free(d->add);
}

fct_conv *conv_case_create(const conv_case *t, const fct_kernel_table *k, fct_precision precision) {
    data d;
    fct_conv *c = NULL;
    make(t, precision, &d);
    fct_conv_create_at(k, &d.s, &c, NULL);
    discard(&d);
    return c;
}

/* Sum of one output before bias, from the definition. */
static double plain_sum(const conv_case *t, const data *d, int n, int o, int y, int x) {
    const int icg = t->ic / t->groups, c0 = o / (t->oc / t->groups) * icg;
    double sum = 0;
    for (int c = 0; c < icg; c++)
        for (int ky = 0; ky < t->k; ky++)
            for (int kx = 0; kx < t->k; kx++) {
                int iy = y * t->stride + ky * t->dilation - t->pad, ix = x * t->stride + kx * t->dilation - t->pad;
                if (iy < 0 || iy >= t->ih || ix < 0 || ix >= t->iw) continue;
                double v = d->in[(((size_t)n * t->ic + c0 + c) * t->ih + iy) * t->iw + ix];
                if (d->s.in_scale) v = v * d->scale[c0 + c] + d->shift[c0 + c];
                sum += v * d->weight[(((size_t)o * icg + c) * t->k + ky) * t->k + kx];
            }
    return sum;
}

static double plain_output(const conv_case *t, const data *d, int n, int o, int y, int x) {
    const int half = t->flags & CASE_UP2 ? 2 : 1;
    const double add = d->add[(((size_t)n * t->oc + o) * d->ah + y / half) * d->aw + x / half];
    double v = plain_sum(t, d, n, o, y, x) + d->bias[o];
    if (t->add == FCT_ADD_BEFORE_ACT) v += add;
    switch (t->act) {
    case FCT_ACT_NONE:
        break;
    case FCT_ACT_RELU:
        v = v > 0 ? v : 0;
        break;
    case FCT_ACT_LEAKY:
        v = v < 0 ? .2f * v : v;
        break;
    case FCT_ACT_PRELU:
        v = v < 0 ? d->slope[o] * v : v;
        break;
    case FCT_ACT_CLIP:
        v = v < -1.5 ? -1.5 : v > 2.5 ? 2.5 : v;
        break;
    case FCT_ACT_SIGMOID:
        v = 1 / (1 + exp(-v));
        break;
    }
    return t->add == FCT_ADD_AFTER_ACT ? v + add : v;
}

/* All outputs of a case, [n][oc][oh][ow]; kept until another case is asked for. */
static const double *plain_outputs(const conv_case *t, const data *d) {
    static conv_case of;
    static double *kept;
    if (kept && !memcmp(&of, t, sizeof of)) return kept;
    free(kept);
    double *r = kept = malloc((size_t)t->n * t->oc * d->oh * d->ow * sizeof *kept);
    of = *t;
    for (int n = 0; n < t->n; n++)
        for (int o = 0; o < t->oc; o++)
            for (int y = 0; y < d->oh; y++)
                for (int x = 0; x < d->ow; x++) *r++ = plain_output(t, d, n, o, y, x);
    return kept;
}

/* Blocked copy with guards of 64 floats on both sides; lanes past channels hold 1e3. */
#define GUARD       64
#define GUARD_VALUE (-12345.5f)

static float *guarded(size_t size) {
    float *p = fct_aligned_alloc((size + 2 * GUARD) * sizeof *p);
    for (int i = 0; i < GUARD; i++) p[i] = p[GUARD + size + i] = GUARD_VALUE;
    return p + GUARD;
}

static bool guards_hold(const float *p, size_t size) {
    bool ok = true;
    for (int i = 1; i <= GUARD; i++) ok = ok && p[-i] == GUARD_VALUE && p[size + i - 1] == GUARD_VALUE;
    return ok;
}

static float *block(const float *src, int n, int channels, size_t area, int cb, size_t *size) {
    const int blocks = fct_blocks(channels, cb);
    *size = (size_t)n * blocks * cb * area;
    float *p = guarded(*size);
    for (size_t i = 0; i < *size; i++) p[i] = 1000;
    for (int b = 0; b < n; b++)
        for (int c = 0; c < channels; c++)
            for (size_t i = 0; i < area; i++)
                p[((((size_t)b * blocks + c / cb) * area) + i) * cb + c % cb] =
                    src[((size_t)b * channels + c) * area + i];
    return p;
}

static double compare(const conv_case *t, const data *d, const float *out, int cb) {
    const int blocks = fct_blocks(t->oc, cb);
    const double *ref = plain_outputs(t, d);
    double diff = 0, norm = 0;
    for (int n = 0; n < t->n; n++)
        for (int o = 0; o < t->oc; o++)
            for (int y = 0; y < d->oh; y++)
                for (int x = 0; x < d->ow; x++) {
                    double r = *ref++;
                    double v = out[((((size_t)n * blocks + o / cb) * d->oh + y) * d->ow + x) * cb + o % cb];
                    diff += (v - r) * (v - r);
                    norm += r * r;
                }
    double e = sqrt(diff / (norm > 0 ? norm : 1));
    return isfinite(e) ? e : 1e9;
}

static double run_plan(const conv_case *t, const data *d, const fct_conv_plan *p, int cb) {
    size_t in_size, add_size, out_size, area = (size_t)t->ih * t->iw;
    const bool planar = t->flags & CASE_PLANAR;
    float *in = block(d->in, t->n, t->ic, area, planar ? 1 : cb, &in_size);
    float *add = block(d->add, t->n, t->oc, (size_t)d->ah * d->aw, cb, &add_size);
    out_size = (size_t)t->n * fct_blocks(t->oc, cb) * cb * d->oh * d->ow;
    float *out = guarded(out_size);
    float *scratch = guarded(fct_conv_plan_scratch(p) / sizeof(float) + 1);
    for (size_t i = 0; i < out_size; i++) out[i] = NAN;
    memset(scratch, 0xff, fct_conv_plan_scratch(p));
    fct_conv_run(p, in, add, out, scratch);
    double e = compare(t, d, out, cb);
    if (!guards_hold(out, out_size) || !guards_hold(scratch, fct_conv_plan_scratch(p) / sizeof(float) + 1)) e = 1e9;
    for (size_t i = 0; i < out_size; i++)
        if (!isfinite(out[i])) e = 1e9;
    fct_aligned_free(in - GUARD);
    fct_aligned_free(add - GUARD);
    fct_aligned_free(out - GUARD);
    fct_aligned_free(scratch - GUARD);
    return e;
}

double conv_case_error(const conv_case *t, const fct_kernel_table *k, fct_precision precision, const char *algorithm) {
    data d;
    fct_conv *c = NULL;
    fct_conv_plan *p = NULL;
    double e = 1e9;
    int oh, ow;
    make(t, precision, &d);
    if (!fct_conv_create_at(k, &d.s, &c, NULL) && !fct_conv_plan_create(c, t->n, t->ih, t->iw, algorithm, &p, NULL)) {
        fct_conv_plan_out(p, &oh, &ow);
        if (oh == d.oh && ow == d.ow) e = run_plan(t, &d, p, k->cb);
    }
    fct_conv_plan_free(p);
    fct_conv_free(c);
    discard(&d);
    return e;
}
