/* Batches of augmented pictures, prepared by worker threads ahead of their use.
 *
 * The order is an endless stream of positions: epoch e is a permutation of the
 * samples drawn from (seed, e); batch b takes positions b n .. b n + n - 1. Every
 * picture's changes are drawn from (seed, epoch, place): a run that starts at
 * batch b sees what the uninterrupted one saw. */
#ifndef FCT_TRAIN_LOADER_H
#define FCT_TRAIN_LOADER_H

#include "train/augment.h"
#include "train/dataset.h"

typedef struct fct_loader_opts {
    int batch, out_size, workers; /* workers: at least 1 */
    uint64_t seed;
    fct_augment augment;
    double ramp;  /* degradations reach full strength after this many epochs (0 = at once) */
    bool balance; /* every place draws an identity first, then one of its pictures */
    bool labeled; /* only pictures with an identity */
    int mixed;    /* the first so many pictures of a batch are mixed with a later one each, and have no label; below
                     batch */
    void (*on_bad)(void *user, const char *text); /* or NULL: told once of each picture that is left out, by a worker */
    void *user;
} fct_loader_opts;

typedef struct fct_batch {
    float *input;     /* [n][out_size][out_size][3] */
    uint8_t *pixels;  /* the same as bytes, for a teacher */
    int *label;       /* [n] */
    uint32_t *sample; /* [n]: index in the data set */
    int n;
} fct_batch;

typedef struct fct_loader fct_loader;

/* data is borrowed until fct_loader_free(). */
fct_status fct_loader_create(const fct_dataset *data, const fct_loader_opts *o, long first_batch, fct_loader **out,
                             fct_error *err);
void fct_loader_free(fct_loader *l);

/* The next batch; waits for it. Borrowed until the next call. One thread at a time. */
const fct_batch *fct_loader_next(fct_loader *l);

/* Pictures that could not be decoded so far: another sample took their place. */
size_t fct_loader_bad(fct_loader *l);

size_t fct_loader_epoch_size(const fct_loader *l); /* positions in an epoch */

#endif
