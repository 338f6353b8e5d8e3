/* A training's whole state in one file. Everything else that matters (order of
 * the samples, their changes, sampled classes) follows from the seed and the
 * step, so that a resumed run is bit for bit the uninterrupted one.
 *
 * Little-endian: "FCTTRAIN", u32 version 1, u32 length of the network's
 * description, the description; u64 each: step, skipped steps, numbers of
 * parameters, statistics and centers; float32 arrays: parameters, momentum,
 * statistics, averaged parameters, averaged statistics, centers, their momentum;
 * SHA-256 of all before. */
#ifndef FCT_TRAIN_CHECKPOINT_H
#define FCT_TRAIN_CHECKPOINT_H

#include "train/net.h"

typedef struct fct_train_state {
    uint64_t step, skipped;
    size_t n_params, n_stats, n_centers;
    float *params, *momentum, *stats, *ema, *ema_stats, *centers, *center_momentum;
} fct_train_state;

/* Arrays for a network and n_centers numbers of class centers, zero. */
fct_status fct_train_state_create(const fct_net_spec *spec, size_t n_centers, fct_train_state *s, fct_error *err);
void fct_train_state_clear(fct_train_state *s);

/* Atomic: the old file or the new one is there, never a part. */
fct_status fct_checkpoint_write(const char *path, const char *network, const fct_train_state *s, fct_error *err);

/* Into arrays of fct_train_state_create(). FCT_ERR_MISMATCH where network or
 * sizes differ, FCT_ERR_FORMAT where the file is damaged. */
fct_status fct_checkpoint_read(const char *path, const char *network, fct_train_state *s, fct_error *err);

#endif
