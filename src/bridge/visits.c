#include "bridge/visits.h"

#include <stdio.h>
#include <string.h>

brg_visit *brg_visits_find(brg_visits *v, const char *id) {
    for (int i = 0; i < BRG_VISITS_MOST; i++)
        if (strcmp(v->at[i].id, id) == 0) return &v->at[i];
    return NULL;
}

/* A free place, or that of the visit of which nothing was heard for longest. */
static brg_visit *make_room(brg_visits *v) {
    brg_visit *oldest = v->at;
    for (int i = 0; i < BRG_VISITS_MOST; i++) {
        if (!*v->at[i].id) return &v->at[i];
        if (v->at[i].heard < oldest->heard) oldest = &v->at[i];
    }
    return oldest;
}

void brg_visits_hear(brg_visits *v, const brg_event *e, uint64_t now) {
    brg_visit *x = brg_visits_find(v, e->id);
    if (!x && (!e->is_person || e->has_sub_label)) return;
    if (!x) {
        x = make_room(v);
        *x = (brg_visit){.look_at = now};
        memcpy(x->id, e->id, sizeof x->id);
        memcpy(x->camera, e->camera, sizeof x->camera);
    }
    x->heard = now;
    x->has_snapshot |= e->has_snapshot;
    x->changed = true;
    x->ended |= e->type == BRG_END;
    x->closed |= e->has_sub_label || !e->is_person; /* somebody named it; or it was a mistake of Frigate's */
}

/* Whether there is anything to be learned from another snapshot. */
static bool wants_look(const brg_visit *x) {
    if (!*x->id || x->closed || !x->has_snapshot) return false;
    return x->ended ? !x->looked_end : x->changed && x->looks < BRG_LOOKS_MOST;
}

brg_visit *brg_visits_due(brg_visits *v, uint64_t now) {
    brg_visit *best = NULL;
    for (int i = 0; i < BRG_VISITS_MOST; i++) {
        brg_visit *x = &v->at[i];
        if (!wants_look(x) || x->look_at > now) continue;
        if (!best || x->look_at < best->look_at) best = x;
    }
    return best;
}

void brg_visit_begin(brg_visit *x) {
    x->begun = true;
    x->begun_ended = x->ended;
    x->changed = false;
}

/* What every look does at its end, with or without a picture. */
static void count_look(brg_visit *x, uint64_t now) {
    if (!x->begun) brg_visit_begin(x);
    x->begun = false;
    x->looks++;
    x->looked_end = x->begun_ended;
    x->look_at = now + BRG_LOOK_EVERY_MS;
}

void brg_visit_missed(brg_visit *x, uint64_t now) {
    count_look(x, now);
    x->changed = true;
}

void brg_visit_saw(brg_visit *x, bool face, const char *name, double score, uint64_t now) {
    count_look(x, now);
    x->faces += face;
    if (!name) return;
    brg_candidate *c = NULL;
    for (int i = 0; i < x->n_names && !c; i++)
        if (strcmp(x->names[i].name, name) == 0) c = &x->names[i];
    if (!c) {
        if (x->n_names == BRG_CANDIDATES) return;
        c = &x->names[x->n_names++];
        *c = (brg_candidate){0};
        snprintf(c->name, sizeof c->name, "%s", name);
    }
    c->hits++;
    if (score > c->score) c->score = score;
}

/* Whether a comes before b: more snapshots, then the better score. */
static bool is_better(const brg_candidate *a, const brg_candidate *b) {
    return a->hits != b->hits ? a->hits > b->hits : a->score > b->score;
}

brg_verdict brg_visit_decide(const brg_visits *v, const brg_visit *x, const brg_candidate **who) {
    const brg_candidate *best = NULL, *second = NULL;
    *who = NULL;
    if (x->closed) return BRG_WAIT;
    for (int i = 0; i < x->n_names; i++) {
        const brg_candidate *c = &x->names[i];
        if (!best || is_better(c, best)) {
            second = best;
            best = c;
        } else if (!second || is_better(c, second)) second = c;
    }
    bool over = x->ended && (x->looked_end || !x->has_snapshot);
    /* Before the end, a name must be the only one, or have been given three times as often as the next. */
    bool sure = best && best->hits >= v->needed && (!second || best->hits >= 3 * second->hits);
    if (best && (over || sure)) {
        *who = best;
        return BRG_NAMED;
    }
    return over ? BRG_UNKNOWN : BRG_WAIT;
}

brg_visit *brg_visits_decided(brg_visits *v, uint64_t now) {
    const brg_candidate *who;
    for (int i = 0; i < BRG_VISITS_MOST; i++) {
        brg_visit *x = &v->at[i];
        if (*x->id && !x->closed && x->answer_at <= now && brg_visit_decide(v, x, &who) != BRG_WAIT) return x;
    }
    return NULL;
}

bool brg_visit_failed(brg_visit *x, uint64_t now) {
    x->failures++;
    x->answer_at = now + ((uint64_t)500 << x->failures);
    x->closed |= x->failures == BRG_FAILURES_MOST;
    return !x->closed;
}

void brg_visits_sweep(brg_visits *v, uint64_t now) {
    for (int i = 0; i < BRG_VISITS_MOST; i++) {
        brg_visit *x = &v->at[i];
        if (!*x->id) continue;
        if (now - x->heard > BRG_SILENT_MS) x->ended = true; /* its end was missed */
        if (x->ended && (x->closed || now - x->heard > 2 * (uint64_t)BRG_SILENT_MS)) *x = (brg_visit){0};
    }
}

int brg_visits_open(const brg_visits *v) {
    int n = 0;
    for (int i = 0; i < BRG_VISITS_MOST; i++) n += *v->at[i].id && !v->at[i].closed;
    return n;
}
