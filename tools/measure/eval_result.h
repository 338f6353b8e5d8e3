/* All that is measured of one pack on a set. */
#ifndef FACET_CLI_EVAL_RESULT_H
#define FACET_CLI_EVAL_RESULT_H

#include "measure/eval_set.h"

enum {
    EVAL_RATES_MOST = 9, /* false accept rates of 1e-1 to 1e-9 */
    EVAL_FPIRS_MOST = 4, /* 1e-1 to 1e-4 */
    EVAL_RANKS = 50,     /* of the cumulative match characteristic */
    EVAL_BINS = 64,      /* of the distribution of scores */
    EVAL_SURE = 30       /* errors from which on a rate is taken for known: the rule of 30 */
};

/* The rates of one group at the threshold to use. */
typedef struct eval_group {
    const char *name; /* borrowed from the set */
    size_t photos, people;
    fct_scores_info info;
    fct_operating_point point;
} eval_group;

typedef struct eval_result {
    const eval_set *set;   /* borrowed */
    char name[80], id[65]; /* of the pack; "" for scores */
    float pack_threshold;  /* NaN for scores */
    int dim;
    float *rows;           /* [photos][dim], zeros where no face was found; owned */
    int *faces;            /* [photos] number of faces, -1 = could not be read; owned */
    size_t failed, unread; /* photos without a face; of them not to be read */
    fct_scores *scores;
    fct_scores_info info;
    fct_operating_point points[EVAL_RATES_MOST]; /* the first n_points are possible */
    int n_points;
    double false_accept;          /* for which the threshold is recommended; NaN = none can be */
    fct_operating_point use, own; /* rates at that threshold, and at the pack's own */
    double equal_error;
    float equal_at;
    double accuracy, deviation; /* of pairs in folds; NaN = all pairs were compared */
    fct_curve_point *curve;     /* owned (fct_curve_free) */
    size_t n_curve;
    float low, high;                                /* ends of the distribution */
    double genuine[EVAL_BINS], impostor[EVAL_BINS]; /* shares */
    fct_identification *searches;                   /* NULL = none are possible */
    fct_identification_info searched;
    fct_rate ranks[3]; /* 1, 5 and 10 */
    double cmc[EVAL_RANKS];
    fct_operating_point fpirs[EVAL_FPIRS_MOST], search_use;
    int n_fpirs;
    fct_curve_point *search_curve;
    size_t n_search_curve;
    eval_group *groups; /* [n_groups] */
    size_t n_groups;
} eval_result;

#endif
