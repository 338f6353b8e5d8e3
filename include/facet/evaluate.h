/* facet/evaluate.h: how well scores tell people apart.
 *
 * Scores of comparisons come in, each with whether both sides are one person
 * (genuine) or two (impostor); error rates come out, in the terms of ISO/IEC 19795-1:
 *
 *   FMR, FNMR   false match rate, false non-match rate: of the comparisons that were made
 *   FAR, FRR    false accept rate, false reject rate: of all attempts. A picture in
 *               which no face was found (a failure to acquire) is an attempt that is
 *               rejected, whoever it is: with a share FTA of genuine attempts that
 *               fail, FRR = FTA + FNMR (1 - FTA)
 *   TAR         true accept rate, 1 - FRR
 *   FPIR, FNIR  the same for searches of a probe in a gallery: the share of strangers for
 *               whom somebody is reported, and of known people who are not reported
 *   DIR         detection and identification rate at rank 1, 1 - FNIR
 *
 * Scores are cosines or anything else that is larger for more alike pairs; a pair
 * matches where its score is at least the threshold.
 *
 * Confidence intervals are percentiles of a bootstrap by person: pictures of one
 * person resemble each other, so that people are drawn and not pairs (a pair of two
 * people counts as often as both were drawn; this errs on the wide side where most
 * people occur in one pair only). A seed makes them repeatable, whatever the number
 * of threads. Where no error was seen, the limit is that of the rule of 3.
 *
 * One object belongs to one thread at a time. */
#ifndef FACET_EVALUATE_H
#define FACET_EVALUATE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Scores of pairs ----------------------------------------------------------- */

typedef struct fct_scores fct_scores;

typedef struct fct_scores_opts {
    size_t size;    /* sizeof this struct; set by fct_scores_opts_init() */
    size_t keep;    /* most comparisons of each kind that are kept one by one, 16 bytes each, at least 64. Of more
                       than that, the hardest half stays exact and the others are a random sample of the other
                       half, which the rates of common errors are estimated from (default 2097152) */
    size_t hardest; /* worst genuine pairs and nearest impostors to remember, at most 4096 (default 48) */
} fct_scores_opts;
FCT_API void fct_scores_opts_init(fct_scores_opts *o);

/* *out is owned: fct_scores_free(). */
FCT_API fct_status fct_scores_create(const fct_scores_opts *opts, fct_scores **out, fct_error *err);
FCT_API void fct_scores_free(fct_scores *s);

/* One comparison. */
typedef struct fct_comparison {
    float score; /* NaN = could not be made: no face in one of the pictures */
    bool same;   /* one person */
    uint32_t a, b;
    uint32_t person_a, person_b; /* what the bootstrap draws, numbered from 0, below 2^24; equal numbers make
                                    the pair a unit of its own */
} fct_comparison;
/* Adds n comparisons. a and b are the caller's numbers of the pictures; they come
 * back in fct_scores_hardest(). */
FCT_API fct_status fct_scores_add(fct_scores *s, const fct_comparison *c, size_t n, fct_error *err);

/* Adds all pairs of n embeddings [n][dim] of any length, compared by cosine, picture i
 * being number i and of people[i] (numbered from 0, below 2^24). A row that is zero
 * or not finite stands for a picture without a face. Runs on the pool; needs
 * n * dim floats of memory and no more for more pairs. Once per object, and not
 * together with fct_scores_add(). */
FCT_API fct_status fct_scores_add_all(fct_scores *s, const float *rows, const uint32_t *people, size_t n, int dim,
                                      fct_error *err);

typedef struct fct_scores_info {
    uint64_t genuine, impostor;               /* attempts of each kind, failures included */
    uint64_t failed_genuine, failed_impostor; /* of them, comparisons that could not be made */
    uint32_t people;                          /* different ones that occurred */
    bool sampled;                             /* more comparisons than are kept */
} fct_scores_info;
FCT_API void fct_scores_stat(const fct_scores *s, fct_scores_info *out);

/* The worst genuine comparisons (same: lowest scores first) or the nearest impostors
 * (highest first); those that could not be made are not among them. Returns how many,
 * at most opts.hardest; *out is borrowed until the object is changed or freed. */
FCT_API size_t fct_scores_hardest(fct_scores *s, bool same, const fct_comparison **out);

/* ---- Rates ----------------------------------------------------------------------- */

typedef struct fct_interval_opts {
    size_t size;       /* sizeof this struct; set by fct_interval_opts_init() */
    int replicates;    /* of the bootstrap; 0 = no intervals, at most 100000 (default 1000) */
    double confidence; /* 0.5 to 0.999 (default 0.95) */
    uint64_t seed;     /* (default 1) */
} fct_interval_opts;
FCT_API void fct_interval_opts_init(fct_interval_opts *o);

/* A share with its interval. All are NaN where there was nothing to count; low and
 * high are NaN where no interval was asked for. */
typedef struct fct_rate {
    double value, low, high;
} fct_rate;

typedef struct fct_operating_point {
    double wanted;              /* the FAR or FPIR that was asked for; NaN where a threshold was */
    bool possible;              /* false: not even one error is allowed among so few; all that follows is NaN */
    float threshold;            /* the least score that matches */
    uint64_t errors;            /* false accepts at this threshold, or strangers for whom somebody was reported */
    fct_rate false_accept, fmr; /* of this threshold */
    fct_rate tar, fnmr;         /* the interval is that of choosing the threshold anew for the FAR wanted */
} fct_operating_point;

/* The lowest thresholds whose FAR is at most false_accept[0..n-1] (0 to 1). An error count
 * below about 30 makes a rate uncertain by more than 30 % (the rule of 30): errors
 * tells. out: [n], caller-owned. opts NULL = defaults. */
FCT_API fct_status fct_scores_at_far(fct_scores *s, const double *false_accept, int n, const fct_interval_opts *opts,
                                     fct_operating_point *out, fct_error *err);
/* Rates at a threshold that is given. */
FCT_API fct_status fct_scores_at_threshold(fct_scores *s, float threshold, const fct_interval_opts *opts,
                                           fct_operating_point *out, fct_error *err);

/* A threshold and its rates: of pairs FAR and FRR, of searches FPIR and FNIR. */
typedef struct fct_curve_point {
    float threshold;
    double accepts, rejects; /* false ones, as shares */
} fct_curve_point;

/* The receiver operating characteristic from the highest threshold, at which
 * nothing matches (threshold INFINITY), to the lowest score. most: points at most,
 * thinned out evenly over the logarithms of both rates; 0 = one for each different
 * score. *out is owned: fct_curve_free(). Needs comparisons of both kinds: FCT_ERR_ARG. */
FCT_API fct_status fct_scores_curve(fct_scores *s, size_t most, fct_curve_point **out, size_t *n, fct_error *err);
FCT_API void fct_curve_free(fct_curve_point *p);

/* Equal error rate: where FAR and FRR cross, and the score there (may be NULL). NaN
 * without comparisons of both kinds. */
FCT_API double fct_scores_equal_error(fct_scores *s, float *threshold);

/* Accuracy of pairs as in the protocol of LFW: pairs of fold k are judged by the
 * threshold that is best on all others. scores: [n], NaN = could not be compared, which
 * counts as a wrong answer; fold: [n], 0..folds-1, folds 2 to 100. Of equally good thresholds
 * the lowest is taken. Gives mean and standard deviation over the folds that have pairs. */
FCT_API fct_status fct_pair_accuracy(const float *scores, const bool *same, const uint8_t *fold, size_t n, int folds,
                                     double *mean, double *deviation, fct_error *err);

/* ---- Searches in a gallery ----------------------------------------------------------- */

typedef struct fct_identification fct_identification;

typedef struct fct_identification_opts {
    size_t size;           /* sizeof this struct; set by fct_identification_opts_init() */
    int gallery_pictures;  /* of each known person, enrolled; the others are probes (default 1) */
    double stranger_share; /* of the people, at least, who are not enrolled: 0 to 0.9 (default 0.25) */
    uint64_t seed;         /* of who that is (default 1) */
} fct_identification_opts;
FCT_API void fct_identification_opts_init(fct_identification_opts *o);

/* Divides the people of n embeddings [n][dim] (as for fct_scores_add_all()) and
 * searches. Known people have more than gallery_pictures pictures: the first ones with a face
 * are enrolled, all others are searched. Everybody else is a stranger; where that
 * are too few, known people chosen by the seed become strangers. A probe without a
 * face is a miss of a known person, and no false alarm of a stranger; so is a
 * probe of somebody of whom no picture could be enrolled. FCT_ERR_ARG: nobody is left to enroll.
 * *out is owned: fct_identification_free(). */
FCT_API fct_status fct_identification_run(const float *rows, const uint32_t *people, size_t n, int dim,
                                          const fct_identification_opts *opts, fct_identification **out,
                                          fct_error *err);
FCT_API void fct_identification_free(fct_identification *x);

typedef struct fct_identification_info {
    uint32_t known, enrolled;     /* people to be found, pictures of them in the gallery */
    uint32_t not_enrolled;        /* known people without a usable picture (failure to enroll) */
    uint32_t strangers;           /* people */
    size_t probes, failed_probes; /* of known people; of them without a face */
    size_t others, failed_others; /* probes of strangers; of them without a face */
} fct_identification_info;
FCT_API void fct_identification_stat(const fct_identification *x, fct_identification_info *out);

/* Cumulative match characteristic: the share of probes of known people whose person is
 * among the first `rank`, whatever the score. Somebody who scores the same comes first. */
FCT_API fct_status fct_identification_at_rank(fct_identification *x, int rank, const fct_interval_opts *opts,
                                              fct_rate *out, fct_error *err);

/* The lowest thresholds whose FPIR is at most fpir[0..n-1]: false_accept and fmr of the
 * points are FPIR with and without probes that failed, tar and fnmr DIR and
 * FNIR (of rank 1), the latter without probes that failed. */
FCT_API fct_status fct_identification_at_fpir(fct_identification *x, const double *fpir, int n,
                                              const fct_interval_opts *opts, fct_operating_point *out, fct_error *err);
/* Rates at a threshold that is given. */
FCT_API fct_status fct_identification_at_threshold(fct_identification *x, float threshold,
                                                   const fct_interval_opts *opts, fct_operating_point *out,
                                                   fct_error *err);
/* FNIR over FPIR, as fct_scores_curve(). */
FCT_API fct_status fct_identification_curve(fct_identification *x, size_t most, fct_curve_point **out, size_t *n,
                                            fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
