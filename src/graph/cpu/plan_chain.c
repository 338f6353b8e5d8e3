#include "graph/cpu/plan_chain.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include <stdio.h>
#include <string.h>

fct_chain_rule fct_chains;

/* ---- What can be a stage ------------------------------------------------------------ */

static bool is_max_pool(const fct_step *s) { return s->node && s->win.kh > 0 && fct_node_is(s->node, FCT_OP_MAX_POOL); }

/* The step as a stage; false where it cannot be one. */
static bool stage_of(const fct_plan *p, const fct_step *s, fct_chain_stage *out) {
    int step;
    if (s->conv ? !fct_conv_has_bands(s->conv, &step) : !is_max_pool(s)) return false;
    const fct_dims o = fct_plan_dims(&p->shapes.views[s->value]);
    *out = (fct_chain_stage){.conv = s->conv, .win = s->win, .ih = s->d.h, .iw = s->d.w, .ow = o.w, .channels = o.c};
    if (!s->conv) return true;
    const fct_fused *f = s->node->fused;
    out->win = (fct_window){.kh = f->kh,
                            .kw = f->kw,
                            .sh = f->sh,
                            .sw = f->sw,
                            .dh = f->dh,
                            .dw = f->dw,
                            .top = f->pad[0],
                            .left = f->pad[1],
                            .bottom = f->pad[2],
                            .right = f->pad[3],
                            .oh = o.h,
                            .ow = o.w};
    return true;
}

/* How often each slot is read, by steps, by slots that share its memory, and as an output. Owned; NULL = no memory. */
static int *count_readers(const fct_plan *p) {
    int *n = fct_calloc((size_t)p->n_slots + 1, sizeof *n);
    for (int i = 0; n && i < p->n_steps; i++)
        for (int k = 0; k < p->steps[i].n_in; k++)
            if (p->steps[i].in[k] >= 0) n[p->steps[i].in[k]]++;
    for (int i = 0; n && i < p->n_slots; i++)
        if (p->slots[i].root != i) n[p->slots[i].root]++;
    for (int i = 0; n && i < p->net->g->n_outputs; i++) n[p->outputs[i]]++;
    return n;
}

/* ---- Where to cut ----------------------------------------------------------------------- */

/* Steps first .. first + n - 1 read each other's results and nobody else does. cost[i]: bytes that go to memory and
 * back if those up to i are done in the best way, the last of whose chains begins at from[i]. */
typedef struct chain_run {
    int first, n;
    fct_chain_stage stages[FCT_CHAIN_MOST];
    double cost[FCT_CHAIN_MOST];
    int from[FCT_CHAIN_MOST];
} chain_run;

/* Bytes of a tensor of one image that its readers will not find in the caches. A chain costs a little as well. */
static double traffic(const fct_plan *p, const fct_step *s) {
    const double bytes = (double)p->slots[s->out].bytes / s->d.n;
    return bytes > (double)fct_cpu_get_caches().l2 * p->threads / 4 ? bytes : 0;
}

static bool may_join(const chain_run *r, int from, int n, int threads) {
    if (n == 1 || fct_chains == FCT_CHAIN_ALWAYS) return true;
    return fct_chain_fits(r->stages + from, n, threads);
}

/* The cheapest way to cut the run into chains and single steps. */
static void find_cuts(const fct_plan *p, chain_run *r) {
    const double each = 8 << 10;
    for (int i = 0; i < r->n; i++) {
        const double out = fct_chains == FCT_CHAIN_ALWAYS ? 1e6 : traffic(p, &p->steps[r->first + i]);
        r->cost[i] = -1;
        for (int from = i; from >= 0; from--) {
            const int n = i - from + 1;
            if (!may_join(r, from, n, p->threads)) break;
            const double cost = (from ? r->cost[from - 1] : 0) + out + (n > 1 ? each * n : 0);
            if (r->cost[i] >= 0 && cost >= r->cost[i]) continue;
            r->cost[i] = cost;
            r->from[i] = from;
        }
    }
}

/* ---- Replacing --------------------------------------------------------------------------- */

static fct_status run_chain(const fct_step *s, const fct_run *r) {
    const float *adds[FCT_CHAIN_MOST];
    for (int i = 1; i < s->n_in; i++) adds[i - 1] = s->in[i] >= 0 ? fct_run_data(r, s->in[i]) : NULL;
    fct_chain_run(s->chain, fct_run_data(r, s->in[0]), adds, fct_run_data(r, s->out), r->scratch);
    return FCT_OK;
}

/* Makes steps at .. at + n - 1 one, in the place of the last. */
static fct_status make_chain(fct_plan *p, int at, const fct_chain_stage *stages, int n, fct_error *err) {
    fct_step *steps = &p->steps[at], *last = &steps[n - 1];
    int *in = fct_alloc((size_t)(n + 1) * sizeof *in);
    if (!in) return fct_fail_nomem(err, "a chain of layers", 0);
    fct_chain *chain;
    const fct_status s = fct_chain_create(stages, n, steps->d.n, &chain, err);
    if (s) {
        fct_free(in);
        return s;
    }
    double macs = 0;
    in[0] = steps->in[0];
    for (int i = 0; i < n; i++) {
        in[1 + i] = steps[i].n_in > 1 ? steps[i].in[1] : -1;
        macs += steps[i].macs;
        fct_free(steps[i].in);
        steps[i].in = NULL;
        steps[i].n_in = 0;
        steps[i].conv = NULL; /* the chain's now */
        steps[i].run = NULL;
        if (i < n - 1) p->slots[steps[i].out].bytes = 0; /* never made */
    }
    last->run = run_chain;
    last->in = in;
    last->n_in = n + 1;
    last->d = steps->d;
    last->chain = chain;
    last->scratch = fct_chain_scratch(chain);
    last->algorithm = "chain";
    last->macs = macs;
    snprintf(last->label, sizeof last->label, "Chain of %d", n);
    return FCT_OK;
}

/* Finds the steps that can follow each other from `first` on. */
static void find_run(const fct_plan *p, const int *readers, int first, chain_run *r) {
    r->first = first;
    r->n = 0;
    while (first + r->n < p->n_steps && r->n < FCT_CHAIN_MOST) {
        const fct_step *s = &p->steps[first + r->n], *before = s - 1;
        if (r->n && (s->in[0] != before->out || readers[before->out] != 1)) break;
        if (!stage_of(p, s, &r->stages[r->n])) break;
        r->n++;
    }
}

/* Cuts a run into chains, from its end. */
static fct_status cut_run(fct_plan *p, chain_run *r, fct_error *err) {
    fct_status s = FCT_OK;
    find_cuts(p, r);
    for (int end = r->n; end > 0 && !s; end = r->from[end - 1]) {
        const int from = r->from[end - 1], n = end - from;
        if (n > 1) s = make_chain(p, r->first + from, r->stages + from, n, err);
    }
    return s;
}

/* Drops the steps that chains have taken in; slots remember the steps that make them by number. */
static fct_status drop_steps(fct_plan *p, fct_error *err) {
    int *place = fct_alloc((size_t)p->n_steps * sizeof *place + 1), n = 0;
    if (!place) return fct_fail_nomem(err, "plan", 0);
    for (int i = 0; i < p->n_steps; i++) {
        place[i] = n;
        if (p->steps[i].run) p->steps[n++] = p->steps[i];
    }
    for (int i = 0; i < p->n_slots; i++)
        if (p->slots[i].first >= 0 && p->slots[i].first < p->n_steps) p->slots[i].first = place[p->slots[i].first];
    p->n_steps = n;
    fct_free(place);
    return FCT_OK;
}

fct_status fct_plan_chains(fct_plan *p, fct_error *err) {
    if (fct_chains == FCT_CHAIN_NEVER) return FCT_OK;
    int *readers = count_readers(p);
    fct_status s = readers ? FCT_OK : fct_fail_nomem(err, "plan", 0);
    for (int i = 0; !s && i < p->n_steps;) {
        chain_run r;
        find_run(p, readers, i, &r);
        if (r.n > 1) s = cut_run(p, &r, err);
        i += r.n ? r.n : 1;
    }
    fct_free(readers);
    return s ? s : drop_steps(p, err);
}
