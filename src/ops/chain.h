/* Operators on blocked tensors in a row, each of which reads only what the one before it wrote, done a few rows at a
 * time: rows go through all stages while they are in the cache, and what lies between the stages is never a whole
 * tensor. docs/decisions/0023-chains.md.
 *
 * The rows of the last stage are shared out among threads in strips. A strip goes through its rows in groups; of every
 * stage a buffer holds the rows that the next stage still needs. Where two strips meet, both compute the rows that
 * their windows share. Every pixel is computed as it is without a chain, so that results are the same to the bit. */
#ifndef FCT_OPS_CHAIN_H
#define FCT_OPS_CHAIN_H

#include "ops/conv.h"
#include "ops/op.h"

enum { FCT_CHAIN_MOST = 24 }; /* stages */

/* One operator. Windows are those of the convolution too. */
typedef struct fct_chain_stage {
    fct_conv_plan *conv; /* NULL: a maximum pool */
    fct_window win;
    int ih, iw, ow, channels; /* the input's size; the output's width and channels; its height is win.oh */
} fct_chain_stage;

typedef struct fct_chain fct_chain;

/* Whether these stages can be a chain that is worth it: buffers stay in L2, and threads (how many) do not compute
 * many rows twice. n is at least 1; more stages never fit where fewer with the same last one do not. */
bool fct_chain_fits(const fct_chain_stage *stages, int n, int threads);

/* *out is owned. It takes the convolutions' plans over unless it fails. FCT_ERR_NOMEM. */
fct_status fct_chain_create(const fct_chain_stage *stages, int n, int images, fct_chain **out, fct_error *err);
void fct_chain_free(fct_chain *c);            /* NULL is harmless */
size_t fct_chain_scratch(const fct_chain *c); /* bytes */
size_t fct_chain_weights(const fct_chain *c); /* bytes, packed, of all stages */

/* Computes. in: the first stage's input, of all images; adds: the second input of each stage or NULL (whole tensors);
 * out: the last stage's, which must overlap none of them. scratch: 64-byte aligned. Uses fct_parallel(). */
void fct_chain_run(const fct_chain *c, const float *in, const float *const *adds, float *out, void *scratch);

#endif
