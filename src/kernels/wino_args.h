/* Winograd convolution F(m x m, 3 x 3): arguments and points.
 *
 * A family is a list of interpolation points; a tile of m output pixels per axis
 * uses the first m + 2 of it, so that one set of transformed weights serves
 * every tile size, and a tile may be of different size on its two axes. With
 * the weights' rows scaled as s (1, a, a^2) they depend on the point a alone;
 * the Lagrange denominators, divided by s, stay in the input transform.
 *   family 4: infinity, 0, +-sqrt(1/2), +-sqrt(2);  sizes 4, 3, 2
 *   family 6: infinity, 0, +-1, +-2, +-1/2;         sizes 6, 4, 2
 * The points of family 4 keep the error at 1.4 times that of direct sums,
 * against 3.5 for 0, +-1, +-2 (Alam et al., arXiv 2201.10369, on the choice). */
#ifndef FCT_KERNELS_WINO_ARGS_H
#define FCT_KERNELS_WINO_ARGS_H

#include "kernels/conv_args.h"

enum { FCT_WINO_ALPHA_MAX = 8 };

static inline int fct_wino_alpha(int family) { return family + 2; } /* points per axis */

/* Top left output pixel of a tile. */
typedef struct fct_k_tile {
    int image, y, x;
} fct_k_tile;

/* Input transform of one channel block: tile i's value at point (a, b) goes to
 * v[(a alpha + b) point_stride + i cb]. All tiles are my x mx; rows and columns
 * outside the input are zero.
 *
 * Half a block of channels (where the kernel table has wino_half): only the first
 * cb / 2 lanes count, and tile i has those alone, at i cb / 2. Two tiles then are
 * transformed as one; n is even. */
typedef struct fct_k_wino_in {
    fct_k_geom g;
    int family, my, mx, n;
    bool half;
    const fct_k_tile *tiles;
    const float *in;            /* this block's plane of image 0 */
    size_t image_stride;        /* floats */
    const float *scale, *shift; /* of this block, or NULL */
    float *v;
    size_t point_stride;
} fct_k_wino_in;

/* The products of some tiles at all points: for each point p and tile i of its part
 *     m[p][block][i][lane] = sum over k of u[p][k][block][lane] v[p][k / cb][i][k % cb]
 * with the sums in the order of k. Halves as above: of the last block of v, which is
 * there if tail > 0, and of the last one of m; parts then begin at even tiles and
 * have an even number of them. */
typedef struct fct_k_wino_gemm {
    int cb, points;
    const float *u; /* [points][full * cb + tail][mv][cb] */
    const float *v;
    float *m;
    size_t v_point, v_block, m_point, m_block; /* floats from one to the next */
    int full, tail;                            /* whole k blocks; channels of one more, or 0 */
    int mv;                                    /* blocks of m, 1 .. 3 and at most gemm_mv */
    bool half_in, half_out;                    /* half_out: mv is at least 2 */
    const int (*part)[2];                      /* [points]: first tile, number of tiles, which may be 0 */
} fct_k_wino_gemm;

/* Output transform of one channel block; m as v above. Pixels outside the output are dropped.
 * Half a block: the other lanes of the output become 0; n may be odd. */
typedef struct fct_k_wino_out {
    fct_k_geom g;
    int family, my, mx, n;
    bool half;
    const fct_k_tile *tiles;
    const float *m;
    size_t point_stride;
    float scale;             /* of the sums, undoes that of the weights */
    const fct_k_epilogue *e; /* at this block; not sigmoid */
    float *out;              /* this block's plane of image 0 */
    size_t image_stride;
    const float *add; /* likewise, or NULL; may be out */
    size_t add_image_stride;
    bool add_up2; /* addend is [ceil(oh / 2)][ceil(ow / 2)] */
    bool pool2;   /* out is [oh / 2][ow / 2]: the greatest of each 2 x 2 pixels. Family 4; sizes, rows and columns of
                     tiles are even, there is no addend */
} fct_k_wino_out;

#endif
