/* A trainable network: convolutions, each followed by BatchNorm and often
 * PReLU, with residual additions; forward and backward.
 *
 * What makes it fast: only the raw outputs x of the convolutions are stored.
 * y = prelu(scale x + shift), the BatchNorm and PReLU that follow, is applied
 * where the next layer loads its input, in tiles that stay in the cache, both
 * forward and backward; the gradient of a BatchNorm is applied where the
 * backward pass loads it. A layer so reads its input once and writes its output
 * once forward, and reads three tensors and writes one backward.
 *
 * Everything is computed in FCT_GROUPS fixed shares of the batch whose sums are
 * added in order: results do not depend on the number of threads. */
#ifndef FCT_TRAIN_NET_H
#define FCT_TRAIN_NET_H

#include "facet/base.h"
#include "train/kernels/tk.h"
#include "train/rng.h"
#include <stdint.h>

#define FCT_GROUPS        16
#define FCT_NET_MAX_UNITS 256

typedef enum fct_unit_op {
    FCT_UNIT_CONV = 0, /* dense k x k */
    FCT_UNIT_DW = 1,   /* depthwise k x k */
    FCT_UNIT_IDENT = 2 /* nothing: a BatchNorm on its own */
} fct_unit_op;

/* One convolution with what follows it:
 * y = prelu(bn(conv(input))) + residual. Parameters lie at offsets into flat
 * arrays that the caller owns. */
typedef struct fct_unit {
    char name[24];
    fct_unit_op op;
    int in, res;         /* units whose y is input and residual; -1: the picture (in), none (res) */
    int ci, co, k, s, p; /* channels, kernel, stride, padding */
    int ih, iw, oh, ow;
    bool prelu;
    bool fixed_gamma;   /* gamma stays as it is (the embedding's BatchNorm) */
    bool stored;        /* y is kept as a tensor, not computed on loading */
    bool flat;          /* the kernel covers the whole input: a matrix product of flattened pictures */
    int stage;          /* spatial stage, 0 = first; for fine-tuning the last ones */
    size_t w, w_n;      /* weights [co][ci][k][k], or [co][1][k][k] */
    size_t gamma, beta; /* [co] */
    size_t slope;       /* [co], with prelu only */
    size_t stat;        /* running mean [co], then variance [co], in the array of statistics */
} fct_unit;

/* A named part of the flat array, for checkpoints, export and weight decay. */
typedef struct fct_param {
    char name[40];
    size_t offset, count;
    bool decay;
    int unit;
} fct_param;

typedef struct fct_net_spec {
    fct_unit unit[FCT_NET_MAX_UNITS];
    int n_units;
    int size, channels, dim; /* input side, input channels, embedding's length */
    size_t n_params, n_stats;
    double macs;      /* of one picture */
    fct_param *param; /* owned */
    int n_param;
    char *text; /* what it was made from, presets expanded; owned */
} fct_net_spec;

/* Reads a description: statements separated by ';' or line ends.
 *   input S [C]    side and channels of the input (default 112 3); first if at all
 *   conv C K S     K x K convolution to C channels, stride S, BatchNorm, PReLU; "linear" after it: no PReLU
 *   dw K S         depthwise; "linear" likewise
 *   down C E S     bottleneck: 1x1 to E, depthwise 3x3 stride S, 1x1 to C, linear (Sandler et al. 2018)
 *   res E N        N such bottlenecks of stride 1 with a residual
 *   ires C S N     N IResNet blocks (BN, 3x3, BN, PReLU, 3x3 stride S at the first, BN; shortcut 1x1)
 *   bn             a BatchNorm on its own
 *   gdc            global depthwise convolution, linear (Chen et al. 2018, MobileFaceNets)
 *   linear D       fully connected to D, BatchNorm with fixed gamma: the embedding; last
 * or a preset: "mobilefacenet [width=1] [blocks=4,6,2] [stem=64] [dim=256]",
 * "iresnet [width=0.5] [blocks=1,2,2,1] [dim=256]".
 * FCT_ERR_FORMAT names the statement and the fault. */
fct_status fct_net_spec_parse(const char *text, fct_net_spec *out, fct_error *err);
void fct_net_spec_clear(fct_net_spec *s);

/* He initialization (He et al. 2015): weights normal with variance 2 / fan-in,
 * gamma 1, beta 0, slope 0.25; statistics 0 and 1. */
void fct_net_init(const fct_net_spec *s, fct_rng *rng, fct_real *params, fct_real *stats);

typedef struct fct_net fct_net;

/* Memory for up to max_batch pictures; backward false: forward only. spec is
 * borrowed until fct_net_free(). tk: kernels, NULL = the best. */
fct_status fct_net_create(const fct_net_spec *spec, int max_batch, bool backward, const fct_tk *tk, fct_net **out,
                          fct_error *err);
void fct_net_free(fct_net *net);
size_t fct_net_memory(const fct_net *net); /* bytes */

/* input: [n][size][size][channels]. train: normalize by the batch's statistics
 * and move stats towards them by momentum (0 = leave them); else by stats.
 * Units below frozen_below use stats even then. Returns the embeddings,
 * [n][fct_pad(dim)], borrowed until the next call. Uses fct_parallel(). */
typedef struct fct_net_mode {
    bool train;
    double momentum;
    int frozen_below;
} fct_net_mode;
const fct_real *fct_net_forward(fct_net *net, const fct_real *params, fct_real *stats, const fct_real *input, int n,
                                fct_net_mode mode);

/* After a forward pass in train mode: grad_out [n][fct_pad(dim)] is the loss's
 * gradient by the embeddings (borrowed for the call); grads [n_params] is
 * overwritten. Parameters of units below frozen_below get gradient 0. */
void fct_net_backward(fct_net *net, const fct_real *params, const fct_real *grad_out, fct_real *grads);

#endif
