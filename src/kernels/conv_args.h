/* Arguments of the convolution kernels.
 *
 * A "block" is cb channels of one pixel, contiguous. cb stands in every struct
 * for the C versions, which serve all block sizes; a vector level uses its own,
 * which must be the same. */
#ifndef FCT_KERNELS_CONV_ARGS_H
#define FCT_KERNELS_CONV_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fct_k_act {
    FCT_K_ACT_NONE = 0,
    FCT_K_ACT_CLAMP,  /* min(max(x, lo), hi): ReLU with hi = infinity */
    FCT_K_ACT_SLOPE,  /* x < 0 ? slope[channel] x : x */
    FCT_K_ACT_SIGMOID /* 1 / (1 + exp(-x)) */
} fct_k_act;

/* What happens to a sum before it is stored: bias, addend, activation, addend.
 * bias and slope point at the first channel of the block at hand. */
typedef struct fct_k_epilogue {
    int cb;
    fct_k_act act;
    float lo, hi;
    const float *bias;  /* never NULL */
    const float *slope; /* FCT_K_ACT_SLOPE only */
    bool add_after;     /* the addend, if any, comes after the activation */
} fct_k_epilogue;

/* Geometry of a convolution's input side. */
typedef struct fct_k_geom {
    int cb;
    int ih, iw, oh, ow;
    int kh, kw, sh, sw, dh, dw, pad_top, pad_left;
} fct_k_geom;

/* Product of a panel of weights and a row of pixels:
 *     c[block][pixel][lane] (+)= sum over k of w[k][block][lane] b[k / cb][pixel][k % cb]
 * The k blocks of b hold cb channels each, but for the last tail_blocks of them,
 * of which only the first `tail` channels are used and present in w. */
typedef struct fct_k_gemm {
    int cb;
    const float *w;            /* [k][mv][cb] */
    const float *b;            /* [k blocks][n][cb] */
    size_t b_stride;           /* floats from one k block to the next */
    int full, tail_blocks, tail;
    int mv, n;                 /* channel blocks in the panel (1..gemm_mv); pixels */
    float *c;                  /* [mv][n][cb] */
    size_t c_stride;           /* floats from one channel block to the next */
    bool load;                 /* sums start from c, else from 0 */
    const fct_k_epilogue *e;   /* at the panel's first block; NULL: c gets the bare sums; not sigmoid */
    const float *add;          /* laid out as c, with its own stride; NULL: none; may be c */
    size_t add_stride;
    const void *ahead;         /* weights needed next: ahead_bytes of them are prefetched meanwhile; may be NULL */
    size_t ahead_bytes;
} fct_k_gemm;

/* Gathers the input pixels under taps as rows for conv_gemm. */
typedef struct fct_k_pack {
    fct_k_geom g;
    const float *in;             /* first block of the first image */
    size_t image_stride;         /* floats */
    const float *scale, *shift;  /* at in's first channel, or NULL: x scale + shift inside, 0 outside */
} fct_k_pack;

/* Depthwise convolution, or one of small groups, of one block of channels of one
 * image; dilation 1. Output lane l reads the input lanes l ^ r, r < group: the
 * lanes of its group, in an order that a vector can be shuffled into. */
typedef struct fct_k_dw {
    fct_k_geom g;
    int group;               /* channels per group: 1, 2 or 4 */
    const float *in;         /* [ih][iw][cb] */
    const float *w;          /* [kh][kw][group: r][cb] */
    const fct_k_epilogue *e; /* at this block */
    const float *add;        /* [oh][ow][cb] or NULL; may be out */
    float *out;              /* [oh][ow][cb] */
} fct_k_dw;

/* One output row, or part of one, of a convolution that reads planar rows.
 * Tap and channel k of output pixel x is at b[offset[k] + x * step]. */
typedef struct fct_k_stem {
    int cb;
    const float *w;            /* [k][mv][cb] */
    int k, mv, n;              /* n pixels; b is readable for n rounded up to a multiple of 12 */
    const float *b;
    const int *offset;
    int step;
    float *c;                  /* [mv][..][cb] */
    size_t c_stride;
    const fct_k_epilogue *e;   /* not NULL */
    const float *add;          /* NULL or laid out as c; may be c */
} fct_k_stem;

/* Direct convolution of one image and one block of output channels. Weights:
 * [ic per group][kh][kw][cb lanes of output]; output lane l reads the input
 * channels first[l] .. first[l] + ic_group - 1. */
typedef struct fct_k_direct {
    fct_k_geom g;
    int ic_group, oc_lanes;    /* input channels per group; valid lanes of this block */
    int first[16];
    bool planar;               /* in is [ic][ih][iw], else blocked */
    const float *in;           /* the image */
    const float *scale, *shift; /* [ic] or NULL */
    const float *w;
    const fct_k_epilogue *e;   /* at this block */
    const float *add;          /* NULL, or the addend's block plane */
    bool add_up2;              /* addend is [ceil(oh / 2)][ceil(ow / 2)] */
    float *out;                /* this block's plane, [oh][ow][cb] */
} fct_k_direct;

#endif
