#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evaluate/evaluate_impl.h"
#include <float.h>
#include <string.h>

enum { HARDEST_MOST = 4096, KEEP_LEAST = 64 };

void fct_scores_opts_init(fct_scores_opts *o) { *o = (fct_scores_opts){sizeof *o, (size_t)1 << 21, 48}; }

void fct_scores_free(fct_scores *s) {
    if (!s) return;
    for (int i = 0; i < 2; i++) {
        fct_kept_clear(&s->kept[i]);
        fct_free(s->hardest[i].at);
    }
    fct_free(s->pictures);
    fct_free(s->good);
    fct_free(s);
}

fct_status fct_scores_create(const fct_scores_opts *opts, fct_scores **out, fct_error *err) {
    fct_scores_opts o;
    fct_scores_opts_init(&o);
    *out = NULL;
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    if (o.keep < KEEP_LEAST || o.keep > UINT32_MAX)
        return fct_fail(err, FCT_ERR_ARG, "scores: keep is %zu, at least %d wanted", o.keep, KEEP_LEAST);
    if (o.hardest > HARDEST_MOST)
        return fct_fail(err, FCT_ERR_ARG, "scores: hardest is %zu, at most %d wanted", o.hardest, HARDEST_MOST);
    if (o.hardest > o.keep / 2) o.hardest = o.keep / 2; /* what is hardest is kept in any case */
    fct_scores *s = fct_calloc(1, sizeof *s);
    if (!s) return fct_fail_nomem(err, "scores", sizeof *s);
    for (int i = 0; i < 2; i++) {
        s->kept[i] = (fct_kept){.genuine = i == 1, .most = o.keep};
        s->hardest[i] = (fct_hardest_list){.at = fct_calloc(o.hardest + 1, sizeof(fct_comparison)), .most = o.hardest};
        if (s->hardest[i].at) continue;
        fct_scores_free(s);
        return fct_fail_nomem(err, "scores", o.hardest * sizeof(fct_comparison));
    }
    *out = s;
    return FCT_OK;
}

/* Whether x is harder than y; the numbers of the pictures settle a draw, so that the list is the same in every run. */
static bool harder(const fct_comparison *x, const fct_comparison *y) {
    if (x->score != y->score) return (x->score < y->score) == x->same;
    return x->a != y->a ? x->a < y->a : x->b < y->b;
}

/* Puts a comparison into its place in the list of the hardest, which most do not get into. */
static void put_hardest(fct_hardest_list *l, const fct_comparison *c) {
    if (l->n == l->most && (l->n == 0 || !harder(c, &l->at[l->n - 1]))) return;
    size_t i = l->n < l->most ? l->n++ : l->n - 1;
    for (; i > 0 && harder(c, &l->at[i - 1]); i--) l->at[i] = l->at[i - 1];
    l->at[i] = *c;
}

fct_status fct_scores_note_person(fct_scores *s, uint32_t person, fct_error *err) {
    if (person >= FCT_PERSON_MAX)
        return fct_fail(err, FCT_ERR_ARG, "scores: person %u, numbers below %u wanted", person, FCT_PERSON_MAX);
    size_t had = s->cap_people;
    if (person >= had) {
        uint32_t *p = fct_grow(s->pictures, &s->cap_people, (size_t)person + 1, sizeof *p);
        if (!p) return fct_fail_nomem(err, "people", 0);
        s->pictures = p;
        memset(p + had, 0, (s->cap_people - had) * sizeof *p);
    }
    s->pictures[person]++;
    return FCT_OK;
}

fct_status fct_scores_put(fct_scores *s, const fct_comparison *c, fct_error *err) {
    bool made = !isnan(c->score);
    float score = made ? fminf(fmaxf(c->score, -FLT_MAX), FLT_MAX) : FCT_FAILED;
    fct_kept_item item = {score, c->person_a, c->person_b, fct_pair_mark(c->a, c->b)};
    if (made) put_hardest(&s->hardest[c->same], c);
    return fct_kept_add(&s->kept[c->same], &item, err);
}

fct_status fct_scores_add(fct_scores *s, const fct_comparison *c, size_t n, fct_error *err) {
    if (s->all_pairs || s->kept[0].finished || s->kept[1].finished)
        return fct_fail(err, FCT_ERR_ARG, "scores: %s", s->all_pairs ? "all pairs are there already" : "were used");
    fct_status st = FCT_OK;
    for (size_t i = 0; i < n && !st; i++) {
        st = fct_scores_note_person(s, c[i].person_a, err);
        if (!st) st = fct_scores_note_person(s, c[i].person_b, err);
        if (!st) st = fct_scores_put(s, &c[i], err);
        s->used = true;
    }
    return st;
}

fct_status fct_scores_finish(fct_scores *s, fct_error *err) {
    fct_status st = fct_kept_finish(&s->kept[0], err);
    return st ? st : fct_kept_finish(&s->kept[1], err);
}

void fct_scores_stat(const fct_scores *s, fct_scores_info *out) {
    const fct_kept *m = &s->kept[0], *g = &s->kept[1];
    *out = (fct_scores_info){.genuine = g->n,
                             .impostor = m->n,
                             .failed_genuine = g->failed,
                             .failed_impostor = m->failed,
                             .sampled = g->limited || m->limited};
    for (size_t i = 0; i < s->cap_people; i++) out->people += s->pictures[i] > 0;
}

size_t fct_scores_hardest(fct_scores *s, bool same, const fct_comparison **out) {
    *out = s->hardest[same].at;
    return s->hardest[same].n;
}
