/* The rules, in order:
 *  - a vote weighs its quality, at least LEAST; all votes together weigh at most
 *    TOTAL, older ones fade, so that a track can still be corrected after minutes;
 *  - nothing is decided before two votes, or one that is beyond doubt;
 *  - the heaviest candidate gets the name when it outweighs "nobody";
 *  - another candidate replaces a given name only with SWITCH times its weight,
 *    "nobody" only with DROP times: names do not flicker. */
#include "video/votes.h"
#include <string.h>

#define LEAST  0.05f
#define TOTAL  8.0f
#define SWITCH 1.5f
#define DROP   2.5f
#define SURE   0.15f /* above the threshold */

static fct_candidate *find(fct_votes *v, int64_t person) {
    for (int i = 0; i < v->n; i++)
        if (v->list[i].person_id == person) return &v->list[i];
    return NULL;
}

static fct_candidate *lightest_other(fct_votes *v) {
    fct_candidate *least = NULL;
    for (int i = 0; i < v->n; i++)
        if (v->list[i].person_id != v->chosen && (!least || v->list[i].weight < least->weight)) least = &v->list[i];
    return least;
}

static fct_candidate *find_or_add(fct_votes *v, const fct_match *m) {
    fct_candidate *c = find(v, m->person_id);
    if (c) return c;
    c = v->n < FCT_VOTES_MAX ? &v->list[v->n++] : lightest_other(v);
    *c = (fct_candidate){.person_id = m->person_id};
    memcpy(c->name, m->name, sizeof c->name);
    return c;
}

static void fade(fct_votes *v) {
    float total = v->nobody;
    for (int i = 0; i < v->n; i++) total += v->list[i].weight;
    if (total <= TOTAL) return;
    float f = TOTAL / total;
    v->nobody *= f;
    for (int i = 0; i < v->n; i++) v->list[i].weight *= f, v->list[i].similarity *= f;
}

static int64_t decide(const fct_votes *v) {
    const fct_candidate *best = NULL, *now = fct_votes_chosen(v);
    for (int i = 0; i < v->n; i++)
        if (!best || v->list[i].weight > best->weight) best = &v->list[i];
    if (now && v->nobody > DROP * now->weight && best == now) return 0;
    if (now && best->weight < SWITCH * now->weight) return now->person_id;
    return best && best->weight >= v->nobody ? best->person_id : 0;
}

/* Decides from the second vote on, or at the first one when it is a sure one. Returns whether the decision changed. */
bool fct_votes_add(fct_votes *v, const fct_match *m, float quality, float threshold) {
    float w = quality > LEAST ? quality : LEAST;
    if (m) {
        fct_candidate *c = find_or_add(v, m);
        c->weight += w;
        c->similarity += w * m->score;
    } else v->nobody += w;
    fade(v);
    v->count++;
    bool sure = m && m->score >= threshold + SURE && quality >= 0.3f;
    if (!v->decided && v->count < 2 && !sure) return false;
    int64_t before = v->chosen;
    v->decided = true;
    v->chosen = decide(v);
    return v->chosen != before;
}

void fct_votes_settle(fct_votes *v) {
    if (v->decided || !v->count) return;
    v->decided = true;
    v->chosen = decide(v);
}

const fct_candidate *fct_votes_chosen(const fct_votes *v) {
    for (int i = 0; i < v->n && v->chosen; i++)
        if (v->list[i].person_id == v->chosen) return &v->list[i];
    return NULL;
}
