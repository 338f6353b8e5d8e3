#include "graph/cpu/plan_memory.h"
#include "base/alloc.h"
#include "base/error.h"
#include "ops/limits.h"
#include <limits.h>
#include <stdlib.h>

#define ALIGN 64

/* The slot whose memory a slot uses in the end. */
static int root_of(const fct_plan *p, int s) {
    while (p->slots[s].root != s) s = p->slots[s].root;
    return s;
}

/* Last readers, over all slots that share memory. */
static void lifetimes(fct_plan *p) {
    for (int i = 0; i < p->n_slots; i++) p->slots[i].root = root_of(p, i);
    for (int i = 0; i < p->n_steps; i++)
        for (int k = 0; k < p->steps[i].n_in; k++) {
            int s = p->steps[i].in[k];
            if (s >= 0) p->slots[p->slots[s].root].last = i;
        }
    for (int i = 0; i < p->net->g->n_outputs; i++) p->slots[p->slots[p->outputs[i]].root].last = INT_MAX;
}

/* Results take the memory of inputs that nobody reads afterwards. */
static void share_in_place(fct_plan *p) {
    for (int i = p->begin; i < p->end; i++) {
        const fct_step *st = &p->steps[i];
        if (st->in_place < 0 || st->out < 0 || p->slots[st->out].root != st->out) continue;
        int a = root_of(p, st->in[st->in_place]), o = st->out;
        fct_slot *s = &p->slots[a];
        if (s->input >= 0 || s->fixed || s->last != i || s->bytes < p->slots[o].bytes) continue;
        bool twice = false; /* the same memory as another operand */
        for (int k = 0; k < st->n_in; k++) twice |= k != st->in_place && st->in[k] >= 0 && root_of(p, st->in[k]) == a;
        if (twice) continue;
        s->last = p->slots[o].last;
        p->slots[o].root = a;
    }
    for (int i = 0; i < p->n_slots; i++) p->slots[i].root = root_of(p, i);
}

/* Largest first, then oldest. */
static int by_size(const void *a, const void *b) {
    const fct_slot *x = *(fct_slot *const *)a, *y = *(fct_slot *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* Lowest offset at which s fits among the placed ones its life overlaps with. */
static size_t fit(fct_slot *const *placed, int n, const fct_slot *s, size_t size) {
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const fct_slot *o = placed[i];
            if (o->last < s->first || o->first > s->last) continue;
            if (at < o->offset + o->bytes && o->offset < at + size) {
                at = (o->offset + o->bytes + ALIGN - 1) / ALIGN * ALIGN;
                moved = true;
            }
        }
    }
    return at;
}

/* What the front makes and later steps read. */
static void find_live(fct_plan *p) {
    for (int i = 0; i < p->n_slots; i++) {
        const fct_slot *s = &p->slots[i];
        if (s->root == i && s->input < 0 && !s->fixed && s->first < p->begin && s->last >= p->begin)
            p->front.live[p->front.n_live++] = (fct_live){i, s->bytes / (size_t)p->front.images};
    }
}

fct_status fct_plan_place(fct_plan *p, fct_error *err) {
    lifetimes(p);
    if (p->front.one) find_live(p);
    share_in_place(p);
    fct_slot **order = fct_alloc((size_t)p->n_slots * sizeof *order);
    int n = 0;
    size_t scratch = 0;
    if (!order) return fct_fail_nomem(err, "plan", 0);
    for (int i = 0; i < p->n_slots; i++) {
        fct_slot *s = &p->slots[i];
        if (s->root != i || s->input >= 0 || s->fixed || s->first >= p->end || (p->begin && s->last < p->begin))
            continue;
        if (s->last < s->first) s->last = s->first;       /* made, never read */
        if (s->first < p->begin) s->first = p->begin - 1; /* the front as a whole */
        s->bytes = (s->bytes + ALIGN - 1) / ALIGN * ALIGN;
        if (s->bytes > SIZE_MAX / 4 || s->bytes > ((size_t)1 << 40)) {
            fct_free(order);
            return fct_fail_nomem(err, "tensor", s->bytes);
        }
        order[n++] = s;
    }
    qsort(order, (size_t)n, sizeof *order, by_size);
    for (int i = 0; i < n; i++) {
        order[i]->offset = fit(order, i, order[i], order[i]->bytes);
        if (order[i]->offset + order[i]->bytes > p->arena) p->arena = order[i]->offset + order[i]->bytes;
    }
    fct_free(order);
    for (int i = p->begin; i < p->end; i++)
        if (p->steps[i].scratch > scratch) scratch = p->steps[i].scratch;
    p->scratch_at = p->arena;
    p->arena += (scratch + ALIGN - 1) / ALIGN * ALIGN;
    p->front.at = p->arena;
    if (p->front.one) p->arena += p->front.one->arena * (size_t)p->front.places;
    if (p->arena > fct_work_limits.arena)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: a run takes %.1f GB of memory, more than %.1f", p->net->g->file,
                        (double)p->arena * 1e-9, (double)fct_work_limits.arena * 1e-9);
    return FCT_OK;
}
