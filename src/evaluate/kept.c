/* Comparisons of one kind, kept one by one while they are few. Of more than that the
 * hardest half is kept exactly, since the rates that matter (a FAR of 1e-4) are made
 * of it, and of the others a sample: those with the smallest marks. Both are what they
 * are whatever order the comparisons come in. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evaluate/evaluate_impl.h"
#include <stdlib.h>

/* A total order, so that what is kept is the same in every run. */
static int compare_rest(const fct_kept_item *x, const fct_kept_item *y) {
    if (x->mark != y->mark) return x->mark < y->mark ? -1 : 1;
    if (x->person_a != y->person_a) return x->person_a < y->person_a ? -1 : 1;
    return (x->person_b > y->person_b) - (x->person_b < y->person_b);
}

static int by_falling_score(const void *a, const void *b) {
    const fct_kept_item *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : compare_rest(x, y);
}

static int by_rising_score(const void *a, const void *b) {
    const fct_kept_item *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score) - (x->score < y->score) : compare_rest(x, y);
}

static void sort_hardest_first(const fct_kept *k, fct_kept_item *items, size_t n) {
    if (n) qsort(items, n, sizeof *items, k->genuine ? by_rising_score : by_falling_score);
}

/* Leaves every second of the possible marks, until the sample fits. */
static void thin_sample(fct_kept *k) {
    while (k->n_sample > k->most / 2) {
        size_t left = 0;
        k->sample_marks /= 2;
        for (size_t i = 0; i < k->n_sample; i++)
            if (k->sample[i].mark < k->sample_marks) k->sample[left++] = k->sample[i];
        k->n_sample = left;
    }
}

static fct_status put_sample(fct_kept *k, const fct_kept_item *item, fct_error *err) {
    if (item->mark >= k->sample_marks) return FCT_OK;
    fct_kept_item *p = fct_grow(k->sample, &k->cap_sample, k->n_sample + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "sample of comparisons", 0);
    k->sample = p;
    k->sample[k->n_sample++] = *item;
    if (k->n_sample > k->most / 2) thin_sample(k);
    return FCT_OK;
}

/* Moves the easier half to the sample. */
static fct_status split(fct_kept *k, fct_error *err) {
    size_t half = k->most / 2;
    sort_hardest_first(k, k->hard, k->n_hard);
    k->limit = k->hard[half - 1];
    if (!k->limited) k->sample_marks = UINT64_C(1) << 32;
    k->limited = true;
    fct_status s = FCT_OK;
    for (size_t i = half; i < k->n_hard && !s; i++) s = put_sample(k, &k->hard[i], err);
    k->n_hard = half;
    return s;
}

fct_status fct_kept_add(fct_kept *k, const fct_kept_item *item, fct_error *err) {
    k->n++;
    k->finished = false;
    k->failed += item->score == FCT_FAILED;
    int (*compare)(const void *, const void *) = k->genuine ? by_rising_score : by_falling_score;
    if (k->limited && compare(item, &k->limit) > 0) return put_sample(k, item, err);
    fct_kept_item *p = fct_grow(k->hard, &k->cap_hard, k->n_hard + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "comparisons", 0);
    k->hard = p;
    k->hard[k->n_hard++] = *item;
    return k->n_hard > k->most ? split(k, err) : FCT_OK;
}

fct_status fct_kept_finish(fct_kept *k, fct_error *err) {
    if (k->finished) return FCT_OK;
    fct_status s = k->limited ? split(k, err) : FCT_OK; /* half of the places, wherever the last split was */
    if (s) return s;
    size_t n = k->n_hard, all = n + k->n_sample;
    fct_kept_item *p = fct_grow(k->hard, &k->cap_hard, all, sizeof *p);
    if (!p && all) return fct_fail_nomem(err, "comparisons", all * sizeof *p);
    if (p) k->hard = p;
    sort_hardest_first(k, k->hard, n);
    for (size_t i = 0; i < k->n_sample; i++) k->hard[n + i] = k->sample[i];
    sort_hardest_first(k, k->hard + n, k->n_sample);
    k->exact = n;
    k->scale = k->n_sample ? (double)(k->n - n) / (double)k->n_sample : 1;
    k->n_hard = all;
    k->n_sample = 0;
    k->finished = true;
    return FCT_OK;
}

void fct_kept_clear(fct_kept *k) {
    fct_free(k->hard);
    fct_free(k->sample);
    *k = (fct_kept){.genuine = k->genuine, .most = k->most};
}

double fct_kept_weight(const fct_kept *k, size_t i) {
    return i <= k->exact ? (double)i : (double)k->exact + (double)(i - k->exact) * k->scale;
}

size_t fct_kept_errors(const fct_kept *k, float threshold) {
    size_t low = 0, high = k->n_hard;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool matches = k->hard[middle].score >= threshold;
        if (matches != k->genuine) low = middle + 1;
        else high = middle;
    }
    return low;
}
