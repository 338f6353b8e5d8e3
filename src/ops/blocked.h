/* Operators on blocked tensors other than convolution, and the conversions. All
 * work through fct_parallel(); none allocates or fails. */
#ifndef FCT_OPS_BLOCKED_H
#define FCT_OPS_BLOCKED_H

#include "kernels/kernels.h"
#include "ops/conv.h"
#include "ops/op.h"

/* n images of c channels, h x w. */
typedef struct fct_dims {
    int n, c, h, w;
} fct_dims;

/* Floats of a blocked tensor. */
size_t fct_blk_size(fct_dims d);

/* Dense N,C,H,W to blocked; lanes past C become 0. */
void fct_blk_from_planar(fct_dims d, const float *in, float *out);
/* Copies channels [c0, c0 + cn) to dense N,cn,H,W or (nhwc) N,H,W,cn, through 1 / (1 + exp(-x)) where asked. */
void fct_blk_to_planar(fct_dims d, const float *in, float *out, int c0, int cn, bool nhwc, bool sigmoid);

/* act(x * scale[c] + shift[c]); scale and shift both NULL or padded to whole
 * blocks, as is the slope of PReLU. y may be x. */
void fct_blk_affine(fct_dims d, const float *x, float *y, const float *scale, const float *shift, const fct_act *act,
                    const float *slope);
void fct_blk_binary(fct_dims d, fct_k_binary op, const float *a, const float *b, float *y); /* y may be a or b */
/* x * s with one factor per image and channel (s: n x c x 1 x 1, blocked). y may be x. */
void fct_blk_scale(fct_dims d, const float *x, const float *s, float *y);

/* A window over an input of ih x iw pixels, as kernels take it. */
fct_k_geom fct_blk_geom(const fct_window *w, int ih, int iw);
void fct_blk_pool(fct_dims d, const fct_window *w, bool max, bool include_pad, const float *in, float *out);
void fct_blk_global_pool(fct_dims d, bool max, const float *in, float *out);
/* r: as parsed for the N,C,H,W tensor; N and C are not resized. */
void fct_blk_resize(fct_dims d, const fct_resize *r, const float *in, float *out);
/* Copies src's blocks to block c0 / cb of dst, which has dst_c channels; c0 is a multiple of cb. */
void fct_blk_concat(fct_dims src, const float *in, float *out, int dst_c, int c0);

#endif
