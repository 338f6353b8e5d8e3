#include "index/index_impl.h"
#include <string.h>

int fct_hit_compare(const void *pa, const void *pb) {
    const fct_hit *a = pa, *b = pb;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    if (a->person_id != b->person_id) return a->person_id < b->person_id ? -1 : 1;
    return (a->face_id > b->face_id) - (a->face_id < b->face_id);
}

void fct_topk_init(fct_topk *t, fct_hit *hits, int k, float threshold, bool faces) {
    *t = (fct_topk){hits, 0, k, threshold, faces};
}

/* Moves the hit at position i up to where it belongs. */
static void sift(fct_topk *t, int i, fct_hit hit) {
    while (i > 0 && fct_hit_compare(&hit, &t->hits[i - 1]) < 0) {
        t->hits[i] = t->hits[i - 1];
        i--;
    }
    t->hits[i] = hit;
}

void fct_topk_put(fct_topk *t, fct_hit hit) {
    int at = t->faces ? t->n : 0;
    while (at < t->n && t->hits[at].person_id != hit.person_id) at++;
    if (at < t->n) { /* the person is listed: keep the nearer face */
        if (fct_hit_compare(&hit, &t->hits[at]) < 0) sift(t, at, hit);
    } else if (t->n < t->k) {
        sift(t, t->n++, hit);
    } else if (fct_hit_compare(&hit, &t->hits[t->n - 1]) < 0) {
        sift(t, t->n - 1, hit);
    }
    if (t->n == t->k && t->hits[t->n - 1].score > t->floor) t->floor = t->hits[t->n - 1].score;
}
