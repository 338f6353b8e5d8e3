/* What the parts of the network share; see net.h. */
#ifndef FCT_TRAIN_NET_INTERNAL_H
#define FCT_TRAIN_NET_INTERNAL_H

#include "train/net.h"

#define FCT_TILE_ROWS    96 /* pixels of a tile: tiles of input, output and gradient fit the second-level cache */
#define FCT_GRAD_BUFFERS 6  /* gradients alive at once: a unit's, its input's, the residual's and shortcuts' */
#define FCT_BN_EPS       1e-5

/* Memory and coefficients of one unit. cs: channels padded to whole chunks. */
typedef struct fct_unit_state {
    int cs_in, cs_out;
    int kk, kp;        /* CONV: numbers in one row of the input matrix; padded */
    bool direct;       /* CONV: rows of that matrix are pixels (or whole pictures) of the input as they lie */
    size_t in_row;     /* direct: numbers from one row to the next */
    fct_real *wf, *wb; /* weights packed for the forward and the backward product */
    fct_real *coef;    /* one block that holds the arrays below, [cs_out] each */
    fct_real *scale, *shift, *slope, *mean, *invstd, *gamma, *a, *b, *c;
    fct_real *x, *y;      /* raw output; y, where stored. IDENT: x is the input's y */
    double *sums;         /* [FCT_GROUPS][3 cs_out] */
    fct_real *grad;       /* dz, or what has arrived of the gradient by y; from the pool; NULL = nothing yet */
    int readers, waiting; /* units that will add to grad: in all, still to come in this pass */
    bool settled;         /* grad is dz and the sums are complete */
} fct_unit_state;

/* Scratch memory of one thread. */
typedef struct fct_net_scratch {
    fct_real *a, *dx, *c;                    /* tiles: input matrix, output's gradient, product */
    fct_real *image, *grad_image;            /* activated input and gradient of one picture */
    fct_real *ring, *dx_ring, *g_row, *zero; /* depthwise rows */
    fct_real *sums;
} fct_net_scratch;

struct fct_net {
    const fct_net_spec *spec;
    const fct_tk *tk;
    int max_batch, n, n_scratch, frozen_below;
    bool backward, train;
    const fct_real *input;
    fct_unit_state unit[FCT_NET_MAX_UNITS];
    fct_net_scratch *scratch;
    fct_real *pool[FCT_GRAD_BUFFERS];
    int pool_free;
    fct_real *dw; /* [FCT_GROUPS][largest weight matrix, padded] */
    size_t dw_size;
    fct_real *ones, *zeros; /* an identity activation: [largest cs] */
    size_t memory;
};

/* The part of the batch that is group g's: pictures [first, last). */
static inline int fct_group_first(const fct_net *net, int g) { return (int)((long)net->n * g / FCT_GROUPS); }

/* How a unit reads another's output: as it lies in memory, or to be activated
 * on loading. */
typedef struct fct_net_view {
    const fct_real *x;
    bool ready;
    fct_tk_act act;
} fct_net_view;
fct_net_view fct_net_input_view(const fct_net *net, int unit); /* unit -1: the picture */

/* Where the gradient of a unit's output goes: a tile of it at a time. */
typedef struct fct_net_sink {
    int unit;            /* -1: it is not wanted */
    bool last;           /* the last contribution: goes back through the activation */
    const fct_real *add; /* earlier contributions, or NULL */
    fct_real *out;
} fct_net_sink;

/* Adds rows pixels from pixel on, chunk q, of a gradient g to the sink, on
 * behalf of group group. sums: 3 FCT_CHUNK numbers of scratch. */
void fct_net_sink_chunk(fct_net *net, const fct_net_sink *s, int group, size_t pixel, int rows, int q,
                        const fct_real *g, ptrdiff_t ldg, fct_real *sums);

/* The passes of one unit and one group; fct_task_fn with an fct_net_pass. */
typedef struct fct_net_pass {
    fct_net *net;
    int unit;
    fct_net_sink sink;
} fct_net_pass;
void fct_conv_forward_task(void *pass, int group, int worker);
void fct_conv_backward_task(void *pass, int group, int worker);
void fct_dw_forward_task(void *pass, int group, int worker);
void fct_dw_backward_task(void *pass, int group, int worker);

/* Packs a unit's weights out of the flat array; adds up the groups' gradients
 * into it. */
void fct_conv_pack(fct_net *net, int unit, const fct_real *w);
void fct_conv_unpack_grad(const fct_net *net, int unit, fct_real *grad);
void fct_dw_pack(fct_net *net, int unit, const fct_real *w);
void fct_dw_unpack_grad(const fct_net *net, int unit, fct_real *grad);

/* sum and sum of squares of rows x cs pixels into the group's sums; copies src
 * to dst where they differ. */
void fct_net_add_stats(fct_net *net, int unit, int group, int rows, const fct_real *src, ptrdiff_t lds, fct_real *dst,
                       fct_real *scratch);

#endif
