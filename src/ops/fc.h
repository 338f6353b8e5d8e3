/* Fully connected layer with packed weights: y = W (s x + t) + b. */
#ifndef FCT_OPS_FC_H
#define FCT_OPS_FC_H

#include "facet/model.h"
#include "ops/packed.h"

/* All pointers are borrowed until fct_fc_create() returns. */
typedef struct fct_fc_spec {
    const char *name;    /* for error texts */
    int k, n;            /* inputs, outputs */
    const float *weight; /* [n][k], or [k][n] with weight_kn; NULL: fct_fc_attach() brings it */
    bool weight_kn;
    const float *row_scale;           /* [n] or NULL: multiplied into the weights */
    const float *bias;                /* [n] or NULL */
    int channels;                     /* 1, or what divides k: input i belongs to channel i / (k / channels) */
    const float *in_scale, *in_shift; /* [channels] or NULL */
    int blocked; /* 0: the input is a plain row; else its channels: a blocked C x H x W, k = C H W */
    bool half;   /* store the weights in fp16 where the CPU converts quickly */
} fct_fc_spec;

typedef struct fct_fc fct_fc;

/* *out is owned and, once complete, immutable: threads may share it. */
fct_status fct_fc_create(const fct_fc_spec *spec, fct_fc **out, fct_error *err);
void fct_fc_free(fct_fc *f);
size_t fct_fc_memory(const fct_fc *f);
const char *fct_fc_algorithm(const fct_fc *f); /* static */

/* As fct_conv_parts() and fct_conv_attach(). A layer made without weights must get
 * all its parts before it is run: fct_fc_complete(). */
int fct_fc_parts(const fct_fc *f, fct_packed_part parts[FCT_PACKED_PARTS]);
bool fct_fc_attach(fct_fc *f, const char *name, const void *data, size_t bytes);
bool fct_fc_complete(const fct_fc *f);

/* Bytes of scratch for that many rows: a plain input is padded to the vector length. */
size_t fct_fc_scratch(const fct_fc *f, int rows);
/* in: rows x k plain, or blocked images; out: rows x n, dense. Uses fct_parallel(). */
void fct_fc_run(const fct_fc *f, const float *in, int rows, float *out, void *scratch);

#endif
