/* Measuring an embedder on pairs and on all pairs of a labeled set. */
#ifndef FCT_TRAIN_EVAL_H
#define FCT_TRAIN_EVAL_H

#include "facet/evaluate.h"
#include "train/dataset.h"
#include "train/net.h"

enum { FCT_EVAL_FARS = 4 };
extern const double fct_eval_far[FCT_EVAL_FARS]; /* 1e-2, 1e-3, 1e-4, 1e-5 */

typedef struct fct_eval_result {
    double accuracy, deviation; /* over ten folds, each with the threshold best on the other nine; 0..1 */
    size_t genuine, impostor;   /* of all pairs */
    double tar[FCT_EVAL_FARS];  /* at the least threshold with FAR at most fct_eval_far; NaN: too few impostors */
    double threshold[FCT_EVAL_FARS];
} fct_eval_result;

typedef struct fct_pairs {
    uint32_t *a, *b;
    uint8_t *same;
    size_t n;
} fct_pairs;

/* Reads "a,b,same" with names of the data set's samples. */
fct_status fct_pairs_read(const char *path, const fct_dataset *d, fct_pairs *out, fct_error *err);
void fct_pairs_clear(fct_pairs *p);

/* Embeds all pictures of d (their central square) into unit vectors
 * [d->n][dim]; a picture that cannot be read gets a zero vector, counted in
 * *bad. mirror: sum with the mirrored picture's. net: for forward passes, batch
 * at most max_batch. */
fct_status fct_eval_embed(const fct_dataset *d, const fct_net_spec *spec, fct_net *net, int max_batch,
                          const float *params, float *stats, bool mirror, float *out, size_t *bad, fct_error *err);

/* Accuracy of pairs (may be NULL) and TAR over all pairs. */
fct_status fct_eval_measure(const fct_dataset *d, const float *rows, int dim, const fct_pairs *pairs,
                            fct_eval_result *out, fct_error *err);

/* Scores of all pairs of labeled samples. *out is owned: fct_scores_free(). */
fct_status fct_eval_all_pairs(const fct_dataset *d, const float *rows, int dim, fct_scores **out, fct_error *err);

#endif
