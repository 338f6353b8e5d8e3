/* Runs a network of fixed input size over crops of faces, as many at once as it
 * takes. One thread at a time. */
#ifndef FCT_FACE_RUNNER_H
#define FCT_FACE_RUNNER_H

#include "graph/arena.h"
#include "pack/pack.h"

typedef struct fct_runner fct_runner;

/* One crop to run: m maps picture pixels to crop pixels. */
typedef struct fct_crop {
    fct_view picture;
    double m[6];
    void *user; /* for the caller */
} fct_crop;

/* out_len: values per crop that the network has to give. *out is owned; it
 * borrows net, its model and the arena. */
fct_status fct_runner_create(const fct_pack_net *net, int out_len, fct_arena *arena, fct_runner **out, fct_error *err);
void fct_runner_free(fct_runner *r);
int fct_runner_size(const fct_runner *r);     /* side of the crops, pixels */
int fct_runner_values(const fct_runner *r);   /* out_len */
bool fct_runner_aligned(const fct_runner *r); /* whether the manifest asks for aligned crops; see fct_pack_net */

/* Calls row(crop, values) for each crop in order; values are borrowed for that call. */
typedef void fct_runner_row(const fct_crop *crop, const float *values, void *ctx);
fct_status fct_runner_run(fct_runner *r, const fct_crop *crops, int n, fct_runner_row *row, void *ctx, fct_error *err);

#endif
