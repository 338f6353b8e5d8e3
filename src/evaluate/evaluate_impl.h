/* Inside of fct_scores: comparisons that are kept, and drawing people anew. */
#ifndef FCT_EVALUATE_IMPL_H
#define FCT_EVALUATE_IMPL_H

#include "facet/evaluate.h"
#include <math.h>

#define FCT_PERSON_MAX ((uint32_t)1 << 24)
#define FCT_FAILED     (-INFINITY) /* score of a comparison that could not be made: worse than any */

/* A pseudo-random number of a number (splitmix64). */
static inline uint64_t fct_mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The mark of a pair of pictures, whichever is named first. */
static inline uint32_t fct_pair_mark(uint32_t a, uint32_t b) {
    return (uint32_t)fct_mix(a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a);
}

/* ---- kept.c: comparisons of one kind -------------------------------------------- */

typedef struct fct_kept_item {
    float score;
    uint32_t person_a, person_b;
    uint32_t mark; /* pseudo-random, made of the pictures' numbers: decides about the sample */
} fct_kept_item;

/* All of them as long as they are few; then the hardest half exactly and a sample of
 * the rest. Which ones that are does not depend on the order in which they came. */
typedef struct fct_kept {
    bool genuine; /* the lowest scores are the hardest; else the highest */
    size_t most;  /* items kept */
    uint64_t n;   /* that came */
    uint64_t failed;
    fct_kept_item *hard; /* [n_hard]; what is not harder than limit goes into the sample */
    size_t n_hard, cap_hard;
    fct_kept_item limit;
    bool limited;
    fct_kept_item *sample; /* [n_sample] with mark < sample_marks */
    size_t n_sample, cap_sample;
    uint64_t sample_marks;
    /* After fct_kept_finish(): all items from the hardest to the easiest, hard[0..n_hard-1], of which each from
     * exact on stands for scale ones. */
    size_t exact;
    double scale;
    bool finished;
} fct_kept;

fct_status fct_kept_add(fct_kept *k, const fct_kept_item *item, fct_error *err);
fct_status fct_kept_finish(fct_kept *k, fct_error *err);
void fct_kept_clear(fct_kept *k);
/* Whether a comparison that was made is only to be counted: neither among the hardest nor in the sample. Most of many
 * pairs are, and so this is asked first. */
static inline bool fct_kept_is_passed_over(const fct_kept *k, float score, uint32_t mark) {
    return k->limited && mark >= k->sample_marks && (k->genuine ? score > k->limit.score : score < k->limit.score);
}
/* How many comparisons the first i items stand for. */
double fct_kept_weight(const fct_kept *k, size_t i);
/* Number of items at least as high (impostors) as the threshold, or lower than it (genuine): those that it decides
 * wrongly. */
size_t fct_kept_errors(const fct_kept *k, float threshold);

/* ---- scores.c ------------------------------------------------------------------- */

typedef struct fct_hardest_list {
    fct_comparison *at; /* [n], the hardest first */
    size_t n, most;
} fct_hardest_list;

struct fct_scores {
    fct_kept kept[2]; /* of impostors and of genuine pairs */
    fct_hardest_list hardest[2];
    uint32_t *pictures; /* [cap_people] by person, owned: how many (of all pairs), or how often they occurred */
    uint32_t *good;     /* [cap_people] of all pairs: pictures with a face; owned */
    size_t cap_people;  /* at least one more than the highest number of a person */
    bool all_pairs;     /* the pairs are those of all pictures */
    bool used;
};

/* Notes that people occur; all_pairs counts their pictures. */
fct_status fct_scores_note_person(fct_scores *s, uint32_t person, fct_error *err);
/* Adds one comparison whose people are noted. */
fct_status fct_scores_put(fct_scores *s, const fct_comparison *c, fct_error *err);
fct_status fct_scores_finish(fct_scores *s, fct_error *err);

/* ---- resample.c: people drawn with replacement ---------------------------------------- */

/* One draw: how often each person was drawn. Depends on the seed and the number of the draw alone. */
void fct_resample_draw(const uint32_t *people, size_t n_people, uint64_t seed, uint64_t number, uint16_t *weights,
                       size_t cap_people);
/* The middle `confidence` of n values (reordered; NaN values are left out) as low and high of a rate. */
void fct_resample_interval(double *values, size_t n, double confidence, fct_rate *out);
fct_status fct_interval_check(const fct_interval_opts *opts, fct_interval_opts *out, fct_error *err);

/* ---- eval_panels.c: scores of many rows against many ---------------------------------------- */

/* Unit vectors in the layout of the score kernel (kernels/score.inc). */
typedef struct fct_panels {
    float *data; /* [panels][dim][16], owned (fct_aligned_free) */
    size_t n, panels;
    int dim;
} fct_panels;

/* rows [n][dim] or those listed in pick [n]; bad ones become zeros. */
fct_status fct_panels_make(const float *rows, const size_t *pick, size_t n, int dim, fct_panels *out, fct_error *err);
void fct_panels_clear(fct_panels *p);
/* Whether a row can be compared: finite and not zero. */
bool fct_panels_row_good(const float *row, int dim);
/* Scores of m probes [m][dim] of unit length with panels first..first+count-1 into out [m][16 * count], on the pool. */
void fct_panels_score(const fct_panels *p, size_t first, size_t count, const float *probes, int m, float *out);
/* Copies a row at unit length; a bad one becomes zeros. */
void fct_panels_unit(const float *row, int dim, float *out);

#endif
