#include "graph/cpu/plan_front.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/thread.h"
#include "graph/cpu/plan_build.h"
#include "graph/cpu/plan_memory.h"
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

bool fct_front_always;

/* ---- Where to cut ------------------------------------------------------------- */

/* Whether step i does for a batch of n what it does for one, n times, with its results one after the other. */
static bool same_step(const fct_plan *p, const fct_plan *one, int i, int n) {
    const fct_step *a = &p->steps[i], *b = &one->steps[i];
    if (!a->by_image || a->run != b->run || a->node != b->node || a->value != b->value || a->out != b->out ||
        a->n_in != b->n_in)
        return false;
    if (memcmp(a->in, b->in, (size_t)a->n_in * sizeof *a->in)) return false;
    return p->slots[a->out].bytes == (size_t)n * one->slots[b->out].bytes;
}

/* What a step reads and writes besides its weights. */
static size_t activations(const fct_plan *p, const fct_step *s) {
    size_t bytes = p->slots[s->out].bytes;
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i] >= 0) bytes += p->slots[p->slots[s->in[i]].root].bytes;
    return bytes;
}

static size_t weights(const fct_step *s) {
    return s->conv ? fct_conv_plan_weights(s->conv) : s->chain ? fct_chain_weights(s->chain) : 0;
}

/* The steps before the first whose weights weigh more than an image's activations:
 * from there on a batch saves more by reading weights once than it loses. */
static int cut_of(const fct_plan *p, const fct_plan *one, int n) {
    const size_t most = fct_front_always ? 0 : fct_cpu_get_caches().l2 / 2;
    int cut = 0;
    bool worth = false;
    for (; cut < p->n_steps && cut < one->n_steps && same_step(p, one, cut, n); cut++) {
        const fct_step *s = &one->steps[cut];
        const size_t bytes = activations(one, s);
        if (weights(s) > bytes && !fct_front_always) break;
        worth |= bytes * (size_t)n > most;
    }
    return worth ? cut : 0;
}

fct_status fct_front_create(fct_plan *p, const fct_tensor_view *inputs, fct_error *err) {
    fct_plan *one;
    if (p->net->g->n_inputs != 1 || inputs->rank < 2 || inputs->dims[0] < 2 || inputs->dims[0] > INT_MAX) return FCT_OK;
    fct_tensor_view v = *inputs;
    int n = (int)v.dims[0];
    v.dims[0] = 1;
    if (fct_plan_build(p->net, &v, &one, NULL)) return FCT_OK; /* a network for this batch only */
    int cut = cut_of(p, one, n);
    if (!cut) {
        fct_plan_free(one);
        return FCT_OK;
    }
    one->end = cut;
    p->begin = cut;
    p->front = (fct_front){one, NULL, 0, n, p->threads < n ? p->threads : n, 0};
    fct_status s = fct_plan_place(one, err);
    if (s) return s;
    if (!(p->front.live = fct_alloc((size_t)p->n_slots * sizeof *p->front.live))) return fct_fail_nomem(err, "plan", 0);
    return FCT_OK;
}

/* ---- Running -------------------------------------------------------------------- */

typedef struct front_job {
    const fct_plan *p;
    const fct_tensor_view *input;
    char *arena;
    double *times;
    atomic_int failed;
    fct_status status;
    fct_error *err;
} front_job;

/* One image through the front in its own arena; what later steps read is copied to its place in the batch. */
static fct_status run_image(const front_job *j, int image, int place, fct_error *err) {
    const fct_front *f = &j->p->front;
    const fct_plan *one = f->one;
    fct_tensor_view v = *j->input;
    v.dims[0] = 1;
    v.data = (float *)v.data + (size_t)image * (size_t)fct_view_count(&v);
    char *arena = j->arena + f->at + (size_t)place * one->arena;
    fct_status s = fct_plan_run_steps(one, &v, arena, j->times, err);
    if (s) return s;
    const fct_run from = {one, arena, NULL, &v, err}, to = {j->p, j->arena, NULL, j->input, err};
    for (int i = 0; i < f->n_live; i++) {
        size_t bytes = f->live[i].bytes;
        memcpy((char *)fct_run_data(&to, f->live[i].slot) + (size_t)image * bytes, fct_run_data(&from, f->live[i].slot),
               bytes);
    }
    return FCT_OK;
}

/* An image on whatever thread is free; after a failure the others stop. */
static void run_task(void *ctx, int i, int worker) {
    front_job *j = ctx;
    fct_error err = {0};
    if (atomic_load(&j->failed)) return;
    fct_status s = run_image(j, i, worker, &err);
    if (!s || atomic_exchange(&j->failed, 1)) return;
    j->status = s;
    if (j->err) *j->err = err;
}

/* Runs as many images at a time as there are threads, and the rest one by one on all threads. */
fct_status fct_front_run(const fct_plan *p, const fct_tensor_view *input, char *arena, double *times, fct_error *err) {
    front_job j = {.p = p, .input = input, .arena = arena, .times = times, .err = err};
    int n = p->front.images, width = fct_parallel_width(),
        together = times || width > p->front.places ? 0 : n - n % width;
    if (width > 1 && together) fct_parallel(together, run_task, &j);
    else together = 0;
    for (int i = together; i < n && !j.status; i++) j.status = run_image(&j, i, 0, err);
    return j.status;
}
