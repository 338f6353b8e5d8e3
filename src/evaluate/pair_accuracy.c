/* Accuracy of pairs with folds: the threshold of all other folds judges a fold. */
#include "base/alloc.h"
#include "base/error.h"
#include "evaluate/evaluate_impl.h"
#include <stdlib.h>

enum { FOLDS_MOST = 100 };

typedef struct folded_pair {
    float score; /* NaN = a wrong answer whatever the threshold */
    uint8_t same, fold;
} folded_pair;

static int rising(const void *a, const void *b) {
    float x = ((const folded_pair *)a)->score, y = ((const folded_pair *)b)->score;
    return (x > y) - (x < y);
}

/* The lowest of the scores which, as the least that matches, answers most pairs outside the fold rightly.
 * pairs [n] are comparable and sorted by rising score. */
static float best_threshold(const folded_pair *pairs, size_t n, int fold) {
    long right = 0, best = -1;
    float threshold = INFINITY;
    for (size_t i = 0; i < n; i++) right += pairs[i].fold != fold && pairs[i].same; /* everything matches */
    for (size_t i = 0; i < n;) {
        bool elsewhere = false; /* the score is one of the other folds' */
        size_t next = i;
        for (; next < n && pairs[next].score == pairs[i].score; next++) elsewhere |= pairs[next].fold != fold;
        if (elsewhere && right > best) best = right, threshold = pairs[i].score;
        for (; i < next; i++) /* from here on these are taken for different people */
            if (pairs[i].fold != fold) right += pairs[i].same ? -1 : 1;
    }
    return threshold;
}

static double judge(const folded_pair *pairs, size_t n, int fold, float threshold, size_t in_fold) {
    size_t right = 0;
    for (size_t i = 0; i < n; i++)
        right += pairs[i].fold == fold && (pairs[i].score >= threshold) == (pairs[i].same != 0);
    return (double)right / (double)in_fold;
}

fct_status fct_pair_accuracy(const float *scores, const bool *same, const uint8_t *fold, size_t n, int folds,
                             double *mean, double *deviation, fct_error *err) {
    size_t in_fold[FOLDS_MOST] = {0}, comparable = 0;
    double sum = 0, squares = 0, used = 0;
    *mean = *deviation = 0;
    if (folds < 2 || folds > FOLDS_MOST) return fct_fail(err, FCT_ERR_ARG, "%d folds, 2 to 100 wanted", folds);
    folded_pair *pairs = fct_calloc(n + 1, sizeof *pairs);
    if (!pairs) return fct_fail_nomem(err, "pairs", n * sizeof *pairs);
    for (size_t i = 0; i < n; i++) {
        if (fold[i] >= folds) {
            fct_free(pairs);
            return fct_fail(err, FCT_ERR_ARG, "pair %zu is of fold %d of %d", i, fold[i], folds);
        }
        in_fold[fold[i]]++;
        if (!isnan(scores[i])) pairs[comparable++] = (folded_pair){scores[i], same[i], fold[i]};
    }
    qsort(pairs, comparable, sizeof *pairs, rising);
    for (int k = 0; k < folds; k++) {
        if (!in_fold[k]) continue;
        double a = judge(pairs, comparable, k, best_threshold(pairs, comparable, k), in_fold[k]);
        sum += a, squares += a * a, used++;
    }
    fct_free(pairs);
    *mean = used ? sum / used : NAN;
    *deviation = used ? sqrt(fmax(0, squares / used - *mean * *mean)) : NAN;
    return FCT_OK;
}
