/* Creation of a network's memory. */
#include "train/net_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include <string.h>

typedef struct sizes {
    size_t a, dx, c, image, ring, dx_ring, g_row, zero, sums; /* scratch of a thread, in numbers */
    size_t dw, grad, cs;                                      /* weights' gradient, a tensor's gradient, channels */
} sizes;

static void raise_to(size_t *m, size_t v) {
    if (v > *m) *m = v;
}

/* Allocates n numbers, unless an earlier allocation failed, and keeps count of the memory. */
static fct_real *take(fct_net *net, size_t n, bool *ok) {
    fct_real *p = *ok ? fct_aligned_alloc(n * sizeof *p) : NULL;
    if (!p) *ok = false;
    else net->memory += n * sizeof *p;
    return p;
}

static fct_real *take_zero(fct_net *net, size_t n, bool *ok) {
    fct_real *p = take(net, n, ok);
    if (p) memset(p, 0, n * sizeof *p);
    return p;
}

/* Derives a unit's strides and sizes, and counts who reads its inputs. */
static void shape_unit(fct_net *net, int i) {
    const fct_unit *u = &net->spec->unit[i];
    fct_unit_state *s = &net->unit[i];
    s->cs_in = u->in < 0 ? u->ci : fct_pad(u->ci);
    s->cs_out = fct_pad(u->co);
    s->direct = u->op == FCT_UNIT_CONV && u->in >= 0 && (u->flat || (u->k == 1 && u->s == 1 && u->p == 0));
    s->kk = u->op == FCT_UNIT_CONV ? u->k * u->k * s->cs_in : 0;
    s->kp = fct_pad(s->kk);
    s->in_row = (size_t)(u->flat ? u->ih * u->iw : 1) * s->cs_in;
    if (u->in >= 0) net->unit[u->in].readers++;
    if (u->res >= 0) net->unit[u->res].readers++;
}

/* Raises the sizes of the memory that all units share to what this one needs. */
static void measure_unit(const fct_net *net, int i, sizes *m) {
    const fct_unit *u = &net->spec->unit[i];
    const fct_unit_state *s = &net->unit[i];
    size_t chunk_rows = (size_t)s->cs_out, width = (size_t)u->iw + 2 * u->p + u->k;
    raise_to(&m->cs, (size_t)s->cs_out);
    raise_to(&m->sums, 3 * (size_t)s->cs_out);
    raise_to(&m->grad, (size_t)net->max_batch * u->oh * u->ow * s->cs_out);
    if (u->op == FCT_UNIT_CONV) {
        raise_to(&m->a, (size_t)FCT_TILE_ROWS * (s->kp + FCT_CHUNK));
        raise_to(&m->dx, (size_t)FCT_TILE_ROWS * (s->cs_out + FCT_CHUNK));
        raise_to(&m->c, (size_t)FCT_TILE_ROWS * (s->kp > s->cs_out ? s->kp : s->cs_out));
        if (!s->direct) raise_to(&m->image, (size_t)u->ih * u->iw * s->cs_in);
        raise_to(&m->dw, (size_t)u->co * s->kp);
    } else if (u->op == FCT_UNIT_DW) {
        raise_to(&m->ring, u->k * chunk_rows * width);
        raise_to(&m->dx_ring, (u->k + 1) * chunk_rows * ((size_t)u->ow + 2 * u->k));
        raise_to(&m->g_row, FCT_CHUNK * width);
        raise_to(&m->zero, FCT_CHUNK * ((size_t)u->ow + 2 * u->k));
        raise_to(&m->dw, chunk_rows * u->k * u->k);
    } else raise_to(&m->c, (size_t)FCT_TILE_ROWS * s->cs_out);
}

/* Allocates what a unit keeps between the passes: packed weights, its output, sums. */
static bool allocate_unit(fct_net *net, int i) {
    const fct_unit *u = &net->spec->unit[i];
    fct_unit_state *s = &net->unit[i];
    bool ok = true;
    size_t nr = (size_t)net->tk->nr, cs = (size_t)s->cs_out, outputs = (size_t)net->max_batch * u->oh * u->ow * cs;
    size_t wf = u->op == FCT_UNIT_CONV ? (cs + nr) * s->kk : cs * u->k * u->k;
    size_t wb = u->op == FCT_UNIT_CONV ? ((size_t)s->kp + nr) * u->co : wf;
    if (u->op != FCT_UNIT_IDENT) {
        s->wf = take_zero(net, wf, &ok);
        if (net->backward) s->wb = take_zero(net, wb, &ok);
        s->x = take(net, outputs, &ok);
    }
    if (u->stored) s->y = take(net, outputs, &ok);
    s->coef = take_zero(net, 9 * cs, &ok);
    s->sums = fct_calloc(FCT_GROUPS * 3 * cs, sizeof *s->sums);
    if (!ok || !s->sums) return false;
    fct_real **part[9] = {&s->scale, &s->shift, &s->slope, &s->mean, &s->invstd, &s->gamma, &s->a, &s->b, &s->c};
    for (int k = 0; k < 9; k++) *part[k] = s->coef + k * cs;
    for (size_t c = 0; c < cs; c++) s->slope[c] = 1;
    return true;
}

/* Gives each thread memory of its own, large enough for every unit. */
static bool allocate_scratch(fct_net *net, const sizes *m) {
    bool ok = true;
    net->scratch = fct_calloc((size_t)net->n_scratch, sizeof *net->scratch);
    if (!net->scratch) return false;
    for (int i = 0; i < net->n_scratch; i++) {
        fct_net_scratch *t = &net->scratch[i];
        t->a = take(net, m->a, &ok);
        t->dx = take(net, m->dx, &ok);
        t->c = take(net, m->c, &ok);
        t->image = take(net, m->image, &ok);
        t->grad_image = take(net, m->image, &ok);
        t->ring = take(net, m->ring, &ok);
        t->dx_ring = take(net, m->dx_ring, &ok);
        t->g_row = take(net, m->g_row, &ok);
        t->zero = take(net, m->zero, &ok);
        t->sums = take(net, m->sums, &ok);
    }
    return ok;
}

static bool allocate(fct_net *net) {
    sizes m = {0};
    bool ok = true;
    for (int i = 0; i < net->spec->n_units; i++) shape_unit(net, i);
    for (int i = 0; i < net->spec->n_units; i++) {
        measure_unit(net, i, &m);
        if (!allocate_unit(net, i)) return false;
    }
    net->ones = take_zero(net, m.cs, &ok);
    net->zeros = take_zero(net, m.cs, &ok);
    for (size_t c = 0; ok && c < m.cs; c++) net->ones[c] = 1;
    if (net->backward) {
        net->dw_size = m.dw;
        net->dw = take(net, FCT_GROUPS * m.dw, &ok);
        for (; ok && net->pool_free < FCT_GRAD_BUFFERS; net->pool_free++)
            net->pool[net->pool_free] = take(net, m.grad, &ok);
    }
    return ok && allocate_scratch(net, &m);
}

fct_status fct_net_create(const fct_net_spec *spec, int max_batch, bool backward, const fct_tk *tk, fct_net **out,
                          fct_error *err) {
    *out = NULL;
    if (max_batch < 1 || max_batch > 4096)
        return fct_fail(err, FCT_ERR_ARG, "batch of %d: 1 to 4096 expected", max_batch);
    fct_net *net = fct_calloc(1, sizeof *net);
    if (!net) return fct_fail_nomem(err, "network", sizeof *net);
    net->spec = spec;
    net->tk = tk ? tk : fct_tk_get();
    net->max_batch = max_batch;
    net->backward = backward;
    net->n_scratch = fct_threads();
    if (!allocate(net)) {
        fct_net_free(net);
        return fct_fail_nomem(err, "network's activations", 0);
    }
    *out = net;
    return FCT_OK;
}

static void free_scratch(fct_net_scratch *t) {
    fct_real *p[] = {t->a, t->dx, t->c, t->image, t->grad_image, t->ring, t->dx_ring, t->g_row, t->zero, t->sums};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) fct_aligned_free(p[i]);
}

void fct_net_free(fct_net *net) {
    if (!net) return;
    for (int i = 0; i < net->spec->n_units; i++) {
        fct_unit_state *s = &net->unit[i];
        if (net->spec->unit[i].op != FCT_UNIT_IDENT) fct_aligned_free(s->x);
        fct_aligned_free(s->wf);
        fct_aligned_free(s->wb);
        fct_aligned_free(s->y);
        fct_aligned_free(s->coef);
        fct_free(s->sums);
    }
    for (int i = 0; net->scratch && i < net->n_scratch; i++) free_scratch(&net->scratch[i]);
    for (int i = 0; i < FCT_GRAD_BUFFERS; i++) fct_aligned_free(net->pool[i]);
    fct_aligned_free(net->dw);
    fct_aligned_free(net->ones);
    fct_aligned_free(net->zeros);
    fct_free(net->scratch);
    fct_free(net);
}

size_t fct_net_memory(const fct_net *net) { return net->memory; }
