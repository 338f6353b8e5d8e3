/* Arguments of the convolution kernels.
 *
 * A "block" is cb channels of one pixel, contiguous. cb stands in every struct
 * for the C versions, which serve all block sizes; a vector level uses its own,
 * which must be the same. */
#ifndef FCT_KERNELS_CONV_ARGS_H
#define FCT_KERNELS_CONV_ARGS_H

#include <math.h>
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

/* 16-bit integers for conv_gemm_int16. It sums the products of a group of k blocks
 * in 32 bits, and the groups in floats. A pixel, and an output channel's weights,
 * are scaled so that none of their groups exceeds the Euclidean norm
 * FCT_INT16_NORM and no value FCT_INT16_MOST: then no group's sum can leave 32 bits
 * (Cauchy-Schwarz, rounding included); what it wraps around on the way comes back.
 * Groups of 32 channels bring the relative error of a sum to about 6e-5 whatever
 * the values, a third of that of fp16; of 64 to 9e-5. */
enum { FCT_INT16_MOST = 32700 };
#define FCT_INT16_NORM 46000.0f

typedef struct fct_k_quantize {
    int cb;
    const float *src;               /* [k blocks][n][cb] */
    size_t src_stride;              /* floats from one k block to the next */
    int n, full, tail_blocks, tail; /* as in fct_k_gemm; lanes past the tail become 0 */
    int group;                      /* k blocks of a group, counted from the first */
    int16_t *dst;                   /* [k blocks][n][cb] */
    size_t dst_stride;
    float *scale; /* [n]: value = integer * scale */
} fct_k_quantize;

/* Weights for conv_gemm_int16, of up to 64 output channels. */
typedef struct fct_k_int16_weights {
    int cb, full, tail_blocks, tail, group; /* as in fct_k_gemm */
    int lanes;                              /* a multiple of cb */
    const float *src;                       /* [k][lanes], the k of tail blocks without gaps */
    size_t src_stride;                      /* floats from one k to the next */
    int16_t *dst;                           /* [k in pairs][lanes][2]; an odd last k of a block is paired with zeros */
    size_t dst_stride;                      /* integers from one pair of k to the next */
    float *scale; /* [lanes]: weight = integer * scale; not finite for a lane with a weight that is not */
} fct_k_int16_weights;

/* Integers per unit of weight of a lane, by the sum of squares of the group with the most, the greatest square, and the
 * sum of all: 0 for weights that are nothing, NAN where one is not finite. */
static inline float fct_k_int16_factor(float most_sum, float most, float all) {
    const float by_norm = FCT_INT16_NORM / sqrtf(most_sum), by_value = FCT_INT16_MOST / sqrtf(most);
    if (!isfinite(all)) return NAN;
    return most > 1e-30f ? by_norm < by_value ? by_norm : by_value : 0;
}

/* Product of a panel of weights and a row of pixels:
 *     c[block][pixel][lane] (+)= sum over k of w[k][block][lane] b[k / cb][pixel][k % cb]
 * The k blocks of b hold cb channels each, but for the last tail_blocks of them,
 * of which only the first `tail` channels are used and present in w. */
typedef struct fct_k_gemm {
    int cb;
    const float *w;           /* [k][mv][cb] */
    const float *b;           /* [k blocks][n][cb] */
    const int16_t *w16, *b16; /* conv_gemm_int16: [k / 2][mv][cb][2], a k block's last pair filled up with 0; as b */
    const float *w_scale, *b_scale; /* conv_gemm_int16: [mv][cb], [n]; products are multiplied with both */
    size_t b_stride;                /* elements from one k block to the next */
    int full, tail_blocks, tail;
    int group;               /* conv_gemm_int16: k blocks of a group */
    int mv, n;               /* channel blocks in the panel (1..gemm_mv); pixels */
    float *c;                /* [mv][n][cb] */
    size_t c_stride;         /* floats from one channel block to the next */
    bool load;               /* sums start from c, else from 0 */
    const fct_k_epilogue *e; /* at the panel's first block; NULL: c gets the bare sums; not sigmoid */
    const float *add;        /* laid out as c, with its own stride; NULL: none; may be c */
    size_t add_stride;
    const void *ahead; /* weights needed next, of which ahead_bytes are prefetched; may be NULL */
    size_t ahead_bytes;
} fct_k_gemm;

/* Gathers the input pixels under taps as rows for conv_gemm. */
typedef struct fct_k_pack {
    fct_k_geom g;
    const float *in;            /* first block of the first image */
    size_t image_stride, plane; /* floats from one image, and one block of channels, to the next */
    const float *scale, *shift; /* at in's first channel, or NULL: x scale + shift inside, 0 outside */
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
    const float *w; /* [k][mv][cb] */
    int k, mv, n;   /* n pixels; b is readable for n rounded up to a multiple of 12 */
    const float *b;
    const int *offset;
    int step;
    float *c; /* [mv][..][cb] */
    size_t c_stride;
    const fct_k_epilogue *e; /* not NULL */
    const float *add;        /* NULL or laid out as c; may be c */
} fct_k_stem;

/* Direct convolution of one image and one block of output channels. Weights:
 * [ic per group][kh][kw][cb lanes of output]; output lane l reads the input
 * channels first[l] .. first[l] + ic_group - 1. */
typedef struct fct_k_direct {
    fct_k_geom g;
    int ic_group, oc_lanes; /* input channels per group; valid lanes of this block */
    int first[16];
    bool planar;                /* in is [ic][ih][iw], else blocked */
    const float *in;            /* the image */
    const float *scale, *shift; /* [ic] or NULL */
    const float *w;
    const fct_k_epilogue *e; /* at this block */
    const float *add;        /* NULL, or the addend's block plane */
    bool add_up2;            /* addend is [ceil(oh / 2)][ceil(ow / 2)] */
    float *out;              /* this block's plane, [oh][ow][cb] */
} fct_k_direct;

#endif
