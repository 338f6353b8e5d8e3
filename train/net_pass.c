/* The forward and the backward pass over all units; BatchNorm's arithmetic. */
#include "train/net_internal.h"
#include "base/thread.h"
#include <assert.h>
#include <string.h>

/* A stored input has been activated already; otherwise its reader applies scale, shift and slope. */
fct_net_view fct_net_input_view(const fct_net *net, int unit) {
    if (unit < 0) return (fct_net_view){net->input, true, {net->ones, net->zeros, net->ones, net->zeros}};
    const fct_unit_state *s = &net->unit[unit];
    if (s->y) return (fct_net_view){s->y, true, {net->ones, net->zeros, net->ones, net->zeros}};
    return (fct_net_view){s->x, false, {s->scale, s->shift, s->slope, s->mean}};
}

/* ---- Sums ------------------------------------------------------------------- */

void fct_net_add_stats(fct_net *net, int unit, int group, int rows, const fct_real *src, ptrdiff_t lds, fct_real *dst,
                       fct_real *scratch) {
    fct_unit_state *s = &net->unit[unit];
    int cs = s->cs_out;
    if (!net->train || unit < net->frozen_below) {
        for (int r = 0; src != dst && r < rows; r++) memcpy(dst + (size_t)r * cs, src + r * lds, cs * sizeof *dst);
        return;
    }
    double *sum = s->sums + (size_t)group * 3 * cs;
    memset(scratch, 0, 2 * (size_t)cs * sizeof *scratch);
    net->tk->stats(rows, cs, src, lds, dst, cs, scratch, scratch + cs);
    for (int c = 0; c < 2 * cs; c++) sum[c] += scratch[c];
}

void fct_net_sink_chunk(fct_net *net, const fct_net_sink *k, int group, size_t pixel, int rows, int q,
                        const fct_real *g, ptrdiff_t ldg, fct_real *sums) {
    fct_unit_state *s = &net->unit[k->unit];
    ptrdiff_t cs = s->cs_out;
    int c = q * FCT_CHUNK;
    size_t at = pixel * cs + c;
    if (!k->last) {
        for (int r = 0; r < rows; r++)
            for (int i = 0; i < FCT_CHUNK; i++)
                k->out[at + r * cs + i] = (k->add ? k->add[at + r * cs + i] : 0) + g[r * ldg + i];
        return;
    }
    fct_tk_act act = {s->scale + c, s->shift + c, s->slope + c, s->mean + c};
    memset(sums, 0, 3 * FCT_CHUNK * sizeof *sums);
    net->tk->act_back(rows, g, ldg, k->add ? k->add + at : NULL, cs, s->x + at, cs, &act, k->out + at, cs, sums);
    double *to = s->sums + (size_t)group * 3 * cs;
    for (int part = 0; part < 3; part++)
        for (int i = 0; i < FCT_CHUNK; i++) to[part * cs + c + i] += sums[part * FCT_CHUNK + i];
}

static void clear_sums(fct_unit_state *s) { memset(s->sums, 0, FCT_GROUPS * 3 * (size_t)s->cs_out * sizeof *s->sums); }

/* Adds the groups' sums, in order, into the first's. */
static void join_sums(fct_unit_state *s) {
    size_t n = 3 * (size_t)s->cs_out;
    for (int g = 1; g < FCT_GROUPS; g++)
        for (size_t i = 0; i < n; i++) s->sums[i] += s->sums[g * n + i];
}

/* ---- Forward ------------------------------------------------------------------ */

/* Computes scale and shift of y = gamma (x - mean) / sqrt(var + eps) + beta (Ioffe and Szegedy 2015, algorithm 1).
 * Running averages are kept as PyTorch keeps them, with the unbiased variance. */
static void set_norm(fct_net *net, int unit, const fct_real *params, fct_real *stats, bool batch, double momentum) {
    const fct_unit *u = &net->spec->unit[unit];
    fct_unit_state *s = &net->unit[unit];
    double m = (double)net->n * u->oh * u->ow;
    fct_real *run_mean = stats + u->stat, *run_var = run_mean + u->co;
    if (batch) join_sums(s);
    for (int c = 0; c < u->co; c++) {
        double mean = run_mean[c], var = run_var[c];
        if (batch) {
            mean = s->sums[c] / m;
            var = s->sums[s->cs_out + c] / m - mean * mean;
            if (!(var > 0)) var = 0;
            if (momentum > 0) {
                run_mean[c] += (fct_real)(momentum * (mean - run_mean[c]));
                run_var[c] += (fct_real)(momentum * (var * (m > 1 ? m / (m - 1) : 1) - run_var[c]));
            }
        }
        double invstd = 1 / sqrt(var + FCT_BN_EPS);
        s->mean[c] = (fct_real)mean;
        s->invstd[c] = (fct_real)invstd;
        s->gamma[c] = params[u->gamma + c];
        s->scale[c] = (fct_real)(s->gamma[c] * invstd);
        s->shift[c] = (fct_real)(params[u->beta + c] - s->gamma[c] * invstd * mean);
        if (u->prelu) s->slope[c] = params[u->slope + c];
    }
}

static void ident_stats_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    const fct_unit *u = &p->net->spec->unit[p->unit];
    fct_unit_state *s = &p->net->unit[p->unit];
    size_t per = (size_t)u->oh * u->ow, end = fct_group_first(p->net, g + 1) * per;
    for (size_t i = fct_group_first(p->net, g) * per; i < end; i += FCT_TILE_ROWS) {
        int rows = end - i < FCT_TILE_ROWS ? (int)(end - i) : FCT_TILE_ROWS;
        fct_real *x = s->x + i * s->cs_out;
        fct_net_add_stats(p->net, p->unit, g, rows, x, s->cs_out, x, p->net->scratch[worker].sums);
    }
}

/* Activates a unit's output, adds its residual and stores the sum for several readers. */
static void store_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    const fct_unit *u = &p->net->spec->unit[p->unit];
    fct_unit_state *s = &p->net->unit[p->unit];
    size_t per = (size_t)u->oh * u->ow, first = fct_group_first(p->net, g) * per, at = first * s->cs_out;
    int rows = (int)(fct_group_first(p->net, g + 1) * per - first);
    const fct_real *add = u->res >= 0 ? p->net->unit[u->res].y + at : NULL;
    fct_tk_act act = {s->scale, s->shift, s->slope, s->mean};
    (void)worker;
    p->net->tk->act_add(rows, s->cs_out, s->x + at, &act, add, s->y + at);
}

static fct_task_fn *const forward_task[] = {fct_conv_forward_task, fct_dw_forward_task, ident_stats_task};

const fct_real *fct_net_forward(fct_net *net, const fct_real *params, fct_real *stats, const fct_real *input, int n,
                                fct_net_mode mode) {
    assert(n >= 1 && n <= net->max_batch);
    net->n = n;
    net->input = input;
    net->train = mode.train;
    net->frozen_below = mode.frozen_below;
    bool pool = fct_parallel_begin();
    for (int i = 0; i < net->spec->n_units; i++) {
        const fct_unit *u = &net->spec->unit[i];
        fct_net_pass pass = {.net = net, .unit = i};
        if (u->op == FCT_UNIT_CONV) fct_conv_pack(net, i, params + u->w);
        if (u->op == FCT_UNIT_DW) fct_dw_pack(net, i, params + u->w);
        if (u->op == FCT_UNIT_IDENT) net->unit[i].x = net->unit[u->in].y;
        clear_sums(&net->unit[i]);
        fct_parallel(FCT_GROUPS, forward_task[u->op], &pass);
        set_norm(net, i, params, stats, mode.train && i >= mode.frozen_below, mode.momentum);
        if (u->stored) fct_parallel(FCT_GROUPS, store_task, &pass);
    }
    if (pool) fct_parallel_end();
    return net->unit[net->spec->n_units - 1].y;
}

/* ---- Backward ------------------------------------------------------------------ */

static fct_real *pool_take(fct_net *net) {
    assert(net->pool_free > 0);
    return net->pool[--net->pool_free];
}
static void pool_give(fct_net *net, fct_real *p) { net->pool[net->pool_free++] = p; }

/* Computes, once all of dz is summed, the gradients of gamma, beta and slope, and the coefficients of dx = a dz + b
 * x + c. For m values a channel and xh = (x - mean) invstd: dx = gamma invstd (dz - sum dz / m - xh sum(dz xh) / m). */
static void settle(fct_net *net, int unit, fct_real *grads) {
    const fct_unit *u = &net->spec->unit[unit];
    fct_unit_state *s = &net->unit[unit];
    double m = (double)net->n * u->oh * u->ow;
    join_sums(s);
    for (int c = 0; c < u->co; c++) {
        double sum = s->sums[c], dot = s->sums[s->cs_out + c] * s->invstd[c], gi = (double)s->gamma[c] * s->invstd[c];
        grads[u->beta + c] = (fct_real)sum;
        grads[u->gamma + c] = u->fixed_gamma ? 0 : (fct_real)dot;
        if (u->prelu) grads[u->slope + c] = (fct_real)s->sums[2 * s->cs_out + c];
        double b = -gi * s->invstd[c] * dot / m;
        s->a[c] = (fct_real)gi;
        s->b[c] = (fct_real)b;
        s->c[c] = (fct_real)(-gi * sum / m - b * s->mean[c]);
    }
    s->settled = true;
}

/* Gradients that come from no convolution (the loss, a residual alone) still
 * have to go back through the activation, in place. */
static void settle_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    const fct_unit *u = &p->net->spec->unit[p->unit];
    fct_unit_state *s = &p->net->unit[p->unit];
    size_t per = (size_t)u->oh * u->ow, first = fct_group_first(p->net, g) * per;
    int rows = (int)(fct_group_first(p->net, g + 1) * per - first);
    for (int q = 0; rows && q < s->cs_out / FCT_CHUNK; q++)
        fct_net_sink_chunk(p->net, &p->sink, g, first, rows, q, s->grad + first * s->cs_out + q * FCT_CHUNK, s->cs_out,
                           p->net->scratch[worker].sums);
}

static void ident_backward_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    const fct_unit *u = &p->net->spec->unit[p->unit];
    const fct_unit_state *s = &p->net->unit[p->unit];
    fct_net_scratch *t = &p->net->scratch[worker];
    size_t per = (size_t)u->oh * u->ow, end = fct_group_first(p->net, g + 1) * per;
    for (size_t i = fct_group_first(p->net, g) * per; p->sink.unit >= 0 && i < end; i += FCT_TILE_ROWS) {
        int rows = end - i < FCT_TILE_ROWS ? (int)(end - i) : FCT_TILE_ROWS;
        size_t at = i * s->cs_out;
        p->net->tk->bn_back(rows, s->cs_out, s->grad + at, s->x + at, s->cs_out, s->a, s->b, s->c,
                            (fct_tk_out){t->c, s->cs_out, FCT_CHUNK});
        for (int q = 0; q < s->cs_out / FCT_CHUNK; q++)
            fct_net_sink_chunk(p->net, &p->sink, g, i, rows, q, t->c + q * FCT_CHUNK, s->cs_out, t->sums);
    }
}

/* Prepares a unit to receive one more contribution to its gradient. */
static fct_net_sink open_sink(fct_net *net, int unit) {
    if (unit < 0 || unit < net->frozen_below) return (fct_net_sink){.unit = -1};
    fct_unit_state *s = &net->unit[unit];
    fct_net_sink k = {.unit = unit, .last = --s->waiting == 0, .add = s->grad};
    if (!s->grad) s->grad = pool_take(net);
    k.out = s->grad;
    if (k.last) clear_sums(s);
    return k;
}

/* A residual's gradient is that of the sum: the buffer is passed on where it is
 * the first contribution, else added. Returns true when passed on. */
static bool pass_residual(fct_net *net, int unit) {
    const fct_unit *u = &net->spec->unit[unit];
    if (u->res < 0 || u->res < net->frozen_below) return false;
    fct_unit_state *s = &net->unit[unit], *r = &net->unit[u->res];
    r->waiting--;
    if (!r->grad) {
        r->grad = s->grad;
        return true;
    }
    size_t n = (size_t)net->n * u->oh * u->ow * s->cs_out;
    for (size_t i = 0; i < n; i++) r->grad[i] += s->grad[i];
    return false;
}

static fct_task_fn *const backward_task[] = {fct_conv_backward_task, fct_dw_backward_task, ident_backward_task};

/* Settles the unit's own gradient first, then passes it to its input and its residual. */
static void backward_unit(fct_net *net, int unit, fct_real *grads) {
    const fct_unit *u = &net->spec->unit[unit];
    fct_unit_state *s = &net->unit[unit];
    fct_net_pass pass = {.net = net, .unit = unit};
    if (!s->settled) {
        clear_sums(s);
        pass.sink = (fct_net_sink){.unit = unit, .last = true, .out = s->grad};
        fct_parallel(FCT_GROUPS, settle_task, &pass);
        settle(net, unit, grads);
    }
    pass.sink = open_sink(net, u->in);
    fct_parallel(FCT_GROUPS, backward_task[u->op], &pass);
    if (u->op == FCT_UNIT_CONV) fct_conv_unpack_grad(net, unit, grads + u->w);
    if (u->op == FCT_UNIT_DW) fct_dw_unpack_grad(net, unit, grads + u->w);
    if (pass.sink.unit >= 0 && pass.sink.last) settle(net, u->in, grads);
    if (!pass_residual(net, unit)) pool_give(net, s->grad);
    s->grad = NULL;
}

/* Goes from the last unit to the first; a unit's gradient is complete once all its readers have added theirs. */
void fct_net_backward(fct_net *net, const fct_real *params, const fct_real *grad_out, fct_real *grads) {
    int last = net->spec->n_units - 1;
    fct_unit_state *s = &net->unit[last];
    (void)params;
    assert(net->backward && net->train);
    memset(grads, 0, net->spec->n_params * sizeof *grads);
    for (int i = 0; i <= last; i++) {
        net->unit[i].waiting = net->unit[i].readers;
        net->unit[i].settled = false;
        net->unit[i].grad = NULL;
    }
    s->grad = pool_take(net);
    memcpy(s->grad, grad_out, (size_t)net->n * s->cs_out * sizeof *grad_out);
    bool pool = fct_parallel_begin();
    for (int i = last; i >= 0 && i >= net->frozen_below; i--) backward_unit(net, i, grads);
    if (pool) fct_parallel_end();
}
