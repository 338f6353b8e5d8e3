/* Convolution: creation, choice of algorithm, dispatch. */
#include "ops/conv_int.h"
#include <math.h>
#include <string.h>

static const fct_conv_algo *const algos[] = {
    &fct_conv_algo_reference,      &fct_conv_algo_gemm_1x1,   &fct_conv_algo_gemm,        &fct_conv_algo_gemm_half,
    &fct_conv_algo_gemm_1x1_int16, &fct_conv_algo_gemm_int16, &fct_conv_algo_dw,          &fct_conv_algo_stem,
    &fct_conv_algo_wino4,          &fct_conv_algo_wino4_half, &fct_conv_algo_wino4_int16, &fct_conv_algo_wino6,
};
enum { LOW_MEMORY_SPARE = 256 << 10 }; /* bytes by which a layer's packed weights may then exceed the raw ones */
#define ALGO_COUNT ((int)(sizeof algos / sizeof *algos))

static fct_status bad(const fct_conv_spec *s, const char *what, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: convolution with %s", s->name ? s->name : "conv", what);
}

static bool in_range(int v, int lo, int hi) { return v >= lo && v <= hi; }

/* Bounds everything that a file can ask for, so that the arithmetic on sizes below cannot overflow. */
static fct_status check_spec(const fct_conv_spec *s, fct_error *err) {
    const int most = 1 << 20;
    if (!in_range(s->ic, 1, most) || !in_range(s->oc, 1, most)) return bad(s, "channels out of range", err);
    if (s->groups < 1 || s->ic % s->groups || s->oc % s->groups)
        return bad(s, "groups that do not divide its channels", err);
    if (!in_range(s->kh, 1, 64) || !in_range(s->kw, 1, 64)) return bad(s, "a kernel out of range (1 to 64)", err);
    if (!in_range(s->sh, 1, 64) || !in_range(s->sw, 1, 64)) return bad(s, "strides out of range (1 to 64)", err);
    if (!in_range(s->dh, 1, 64) || !in_range(s->dw, 1, 64)) return bad(s, "dilations out of range (1 to 64)", err);
    if (!in_range(s->pad_top, 0, 4096) || !in_range(s->pad_bottom, 0, 4096) || !in_range(s->pad_left, 0, 4096) ||
        !in_range(s->pad_right, 0, 4096))
        return bad(s, "padding out of range (0 to 4096)", err);
    if (!s->in_scale != !s->in_shift) return bad(s, "only one of input scale and shift", err);
    if (s->act.kind == FCT_ACT_PRELU && !s->act.slope) return bad(s, "a PReLU without slopes", err);
    return FCT_OK;
}

/* Copies n floats of src (zeros if NULL) to a new array of padded floats, with zeros past n. */
static float *copy_padded(const float *src, size_t n, size_t padded) {
    float *p = fct_aligned_alloc(padded * sizeof *p);
    if (!p) return NULL;
    memset(p, 0, padded * sizeof *p);
    if (src) memcpy(p, src, n * sizeof *p);
    return p;
}

/* Translates the activation into the kernels' terms: ReLU and Clip are both a clamp, LeakyReLU and PReLU both a
 * slope. */
static void set_epilogue(fct_conv *c) {
    const fct_act *a = &c->s.act;
    fct_k_epilogue *e = &c->epilogue;
    *e = (fct_k_epilogue){.cb = c->cb, .bias = c->bias, .slope = c->slope, .add_after = c->s.add == FCT_ADD_AFTER_ACT};
    switch (a->kind) {
    case FCT_ACT_NONE:
        e->act = FCT_K_ACT_NONE;
        break;
    case FCT_ACT_RELU:
        e->act = FCT_K_ACT_CLAMP, e->lo = 0, e->hi = INFINITY;
        break;
    case FCT_ACT_CLIP:
        e->act = FCT_K_ACT_CLAMP, e->lo = a->a, e->hi = a->b;
        break;
    case FCT_ACT_LEAKY:
    case FCT_ACT_PRELU:
        e->act = FCT_K_ACT_SLOPE;
        break;
    case FCT_ACT_SIGMOID:
        e->act = FCT_K_ACT_SIGMOID;
        break;
    }
}

/* Copies the vectors, padded with zeros to whole blocks. The weights stay where they are until fct_conv_settle(). */
static fct_status copy_arrays(fct_conv *c, const fct_conv_spec *s, fct_error *err) {
    const size_t ip = (size_t)c->icb * c->cb, op = (size_t)c->ocb * c->cb;
    c->weight = s->weight;
    c->bias = copy_padded(s->bias, (size_t)s->oc, op);
    bool ok = c->bias != NULL;
    if (s->act.kind == FCT_ACT_PRELU || s->act.kind == FCT_ACT_LEAKY) {
        c->slope = copy_padded(s->act.kind == FCT_ACT_PRELU ? s->act.slope : NULL, (size_t)s->oc, op);
        ok = ok && c->slope;
        for (int i = 0; ok && s->act.kind == FCT_ACT_LEAKY && i < s->oc; i++) c->slope[i] = s->act.a;
    }
    if (s->in_scale) {
        c->scale = copy_padded(s->in_scale, (size_t)s->ic, ip);
        c->shift = copy_padded(s->in_shift, (size_t)s->ic, ip);
        ok = ok && c->scale && c->shift;
    }
    return ok ? FCT_OK : fct_fail_nomem(err, "vectors of a convolution", op * sizeof(float));
}

/* Copies the spec and its vectors; weights are packed later, when a plan has chosen an algorithm. */
fct_status fct_conv_create_at(const fct_kernel_table *k, const fct_conv_spec *s, fct_conv **out, fct_error *err) {
    *out = NULL;
    fct_status st = check_spec(s, err);
    if (st) return st;
    size_t weights;
    if (!fct_mul_size((size_t)s->oc * (size_t)(s->ic / s->groups), (size_t)s->kh * s->kw, &weights) ||
        weights > SIZE_MAX / 64)
        return bad(s, "too many weights", err);
    fct_conv *c = fct_calloc(1, sizeof *c);
    if (!c) return fct_fail_nomem(err, "a convolution", sizeof *c);
    c->s = *s;
    c->k = k;
    c->cb = k->cb;
    c->icb = fct_blocks(s->ic, c->cb);
    c->ocb = fct_blocks(s->oc, c->cb);
    fct_mutex_init(&c->lock);
    st = copy_arrays(c, s, err);
    c->s.name = st ? NULL : fct_strdup(s->name ? s->name : "conv");
    if (!st && !c->s.name) st = fct_fail_nomem(err, "a convolution's name", 0);
    if (st) {
        fct_conv_free(c);
        return st;
    }
    c->s.bias = c->bias;
    c->s.act.slope = c->slope;
    c->s.in_scale = c->scale;
    c->s.in_shift = c->shift;
    set_epilogue(c);
    *out = c;
    return FCT_OK;
}

fct_status fct_conv_create(const fct_conv_spec *spec, fct_conv **out, fct_error *err) {
    return fct_conv_create_at(fct_kernels(), spec, out, err);
}

static size_t weight_bytes(const fct_conv *c) {
    return (size_t)c->s.oc * (size_t)(c->s.ic / c->s.groups) * (size_t)(c->s.kh * c->s.kw) * sizeof(float);
}

void fct_conv_free(fct_conv *c) {
    if (!c) return;
    for (int i = 0; i < ALGO_COUNT; i++)
        if (!c->lent[i]) fct_weights_free(c->packed[i], c->packed_bytes[i]);
    fct_weights_free(c->own_weight, weight_bytes(c));
    fct_aligned_free(c->bias);
    fct_aligned_free(c->slope);
    fct_aligned_free(c->scale);
    fct_aligned_free(c->shift);
    fct_free((char *)c->s.name);
    fct_mutex_destroy(&c->lock);
    fct_free(c);
}

bool fct_conv_is_planar(const fct_conv *c) { return c->s.planar_in; }

size_t fct_conv_memory(const fct_conv *c) {
    fct_conv *m = (fct_conv *)c; /* the lock is the only thing touched */
    fct_mutex_lock(&m->lock);
    size_t sum = c->weight ? weight_bytes(c) : 0;
    for (int i = 0; i < ALGO_COUNT; i++) sum += c->packed_bytes[i];
    fct_mutex_unlock(&m->lock);
    return sum;
}

static const char raw_name[] = "raw";

int fct_conv_parts(const fct_conv *c, fct_packed_part parts[FCT_PACKED_PARTS]) {
    int n = 0;
    if (c->weight) parts[n++] = (fct_packed_part){raw_name, c->weight, weight_bytes(c)};
    for (int i = 0; i < ALGO_COUNT; i++) {
        if (!c->packed[i]) continue;
        if (!algos[i]->bytes || algos[i]->bytes(algos[i], c) != c->packed_bytes[i]) return -1;
        parts[n++] = (fct_packed_part){algos[i]->name, c->packed[i], c->packed_bytes[i]};
    }
    return n;
}

bool fct_conv_attach(fct_conv *c, const char *name, const void *data, size_t bytes) {
    if (!strcmp(name, raw_name)) {
        if (c->weight || bytes != weight_bytes(c)) return false;
        c->weight = data;
        c->lent_weight = true;
        return true;
    }
    for (int i = 0; i < ALGO_COUNT; i++) {
        const fct_conv_algo *a = algos[i];
        if (strcmp(name, a->name) != 0) continue;
        if (c->packed[i] || !a->bytes || !a->can(c) || (c->s.precision == FCT_PRECISION_EXACT && !a->exact) ||
            bytes != a->bytes(a, c))
            return false;
        c->packed[i] = (void *)(uintptr_t)data; /* read-only: packed weights are never written again */
        c->packed_bytes[i] = bytes;
        return c->lent[i] = true;
    }
    return false;
}

/* Whether c can run this algorithm, given its shape, its precision and what is left of its weights. */
static bool usable(const fct_conv *c, int i) {
    if (!algos[i]->can(c)) return false;
    if (c->s.precision == FCT_PRECISION_EXACT && !algos[i]->exact) return false;
    /* Winograd's weights are two or four times the raw ones */
    if (c->s.low_memory && algos[i]->bytes && algos[i]->bytes(algos[i], c) > weight_bytes(c) + LOW_MEMORY_SPARE)
        return false;
    return c->weight || c->packed[i];
}

int fct_conv_algorithms(const fct_conv *c, const char **names, int cap) {
    int n = 0;
    for (int i = 0; i < ALGO_COUNT && n < cap; i++)
        if (usable(c, i)) names[n++] = algos[i]->name;
    return n;
}

/* Sizes of the output; refuses what does not fit or overflows. */
static fct_status plan_shape(const fct_conv *c, fct_conv_plan *p, fct_error *err) {
    const fct_conv_spec *s = &c->s;
    if (!in_range(p->n, 1, 1 << 20) || !in_range(p->ih, 1, 1 << 20) || !in_range(p->iw, 1, 1 << 20))
        return bad(s, "an input out of range", err);
    int h = p->ih + s->pad_top + s->pad_bottom - ((s->kh - 1) * s->dh + 1);
    int w = p->iw + s->pad_left + s->pad_right - ((s->kw - 1) * s->dw + 1);
    if (h < 0 || w < 0) return bad(s, "a kernel larger than its padded input", err);
    p->oh = h / s->sh + 1;
    p->ow = w / s->sw + 1;
    size_t in, out, area_in = (size_t)p->ih * p->iw, area_out = (size_t)p->oh * p->ow;
    if (!fct_mul_size((size_t)p->n * c->icb * c->cb, area_in, &in) || in > SIZE_MAX / 64 || area_in > INT32_MAX / 64 ||
        !fct_mul_size((size_t)p->n * c->ocb * c->cb, area_out, &out) || out > SIZE_MAX / 64 ||
        area_out > INT32_MAX / 64 || (size_t)p->n * area_out > INT32_MAX / 64)
        return bad(s, "an input too large", err);
    fct_conv_set_planes(p);
    p->pad_top = s->pad_top;
    return FCT_OK;
}

/* Chooses the algorithm that promises the shortest time and fills p for it; returns its index. */
static int choose(const fct_conv *c, fct_conv_plan *p, const char *name) {
    int best = -1;
    double best_cost = 0;
    fct_conv_plan trial = *p;
    for (int i = 0; i < ALGO_COUNT; i++) {
        if (!usable(c, i) || (name && strcmp(name, algos[i]->name) != 0)) continue;
        trial.algo = algos[i];
        double cost = algos[i]->prepare(c, &trial);
        if (best >= 0 && cost >= best_cost) continue;
        best = i;
        best_cost = cost;
        *p = trial;
    }
    return best;
}

/* Raw weights are kept where they are small: later plans for other shapes may
 * then choose another algorithm. Large ones would double the memory. */
static bool keeps_weight(const fct_conv *c) { return !c->s.low_memory && weight_bytes(c) <= (size_t)256 << 10; }

bool fct_conv_parts_stay(const fct_conv *c) { return !c->weight || keeps_weight(c); }

static void drop_weight(fct_conv *c) {
    fct_weights_free(c->own_weight, weight_bytes(c));
    c->weight = c->own_weight = NULL;
}

fct_status fct_conv_settle(fct_conv *c, fct_error *err) {
    fct_status s = FCT_OK;
    fct_mutex_lock(&c->lock);
    if (c->weight && !c->own_weight && !c->lent_weight) {
        c->own_weight = fct_weights_alloc(weight_bytes(c));
        if (c->own_weight) memcpy(c->own_weight, c->weight, weight_bytes(c));
        c->weight = c->own_weight;
        if (!c->weight) s = fct_fail_nomem(err, c->s.name, weight_bytes(c));
    }
    fct_mutex_unlock(&c->lock);
    return s;
}

fct_status fct_conv_plan_create(fct_conv *c, int n, int ih, int iw, const char *algorithm, fct_conv_plan **out,
                                fct_error *err) {
    *out = NULL;
    fct_conv_plan p = {.c = c, .n = n, .ih = ih, .iw = iw, .threads = fct_threads()};
    fct_status s = plan_shape(c, &p, err);
    if (s) return s;
    fct_conv_plan *made = fct_calloc(1, sizeof *made);
    if (!made) return fct_fail_nomem(err, "a convolution's plan", sizeof *made);
    fct_mutex_lock(&c->lock);
    int i = choose(c, &p, algorithm);
    if (i < 0)
        s = fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: algorithm %s cannot do this convolution", c->s.name,
                     algorithm ? algorithm : "");
    if (!s && !c->packed[i]) s = algos[i]->pack(algos[i], c, &c->packed[i], &c->packed_bytes[i], err);
    if (!s) p.packed = c->packed[i];
    if (!s && !algorithm && !keeps_weight(c)) drop_weight(c);
    fct_mutex_unlock(&c->lock);
    if (s) {
        fct_free(made);
        return s;
    }
    *made = p;
    *out = made;
    return FCT_OK;
}

void fct_conv_plan_free(fct_conv_plan *p) { fct_free(p); }

void fct_conv_plan_out(const fct_conv_plan *p, int *oh, int *ow) {
    *oh = p->oh;
    *ow = p->ow;
}

size_t fct_conv_plan_in(const fct_conv_plan *p) { return fct_conv_in_size(p); }

size_t fct_conv_plan_weights(const fct_conv_plan *p) {
    int i = 0;
    while (algos[i] != p->algo) i++;
    return p->c->packed_bytes[i];
}

size_t fct_conv_plan_scratch(const fct_conv_plan *p) { return p->scratch; }
const char *fct_conv_plan_algorithm(const fct_conv_plan *p) { return p->algo->name; }

void fct_conv_run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch) {
    p->algo->run(p, in, p->c->s.add ? add : NULL, out, scratch);
}
