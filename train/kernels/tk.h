/* The trainer's kernels: what the forward and backward passes spend their time
 * in. One table per CPU level; all levels come from one source,
 * tk_impl.h, written with vector types of the level's width.
 *
 * Tensors are NHWC with channels padded to FCT_CHUNK. "ld" is the distance
 * between rows (pixels) in numbers. Kernels have no state, do not allocate and
 * do not fail. Distances may be anything; pointers need the alignment of a
 * number only, but are fastest on 64 bytes. */
#ifndef FCT_TRAIN_TK_H
#define FCT_TRAIN_TK_H

#include "train/real.h"
#include <stdbool.h>
#include <stddef.h>

/* Where a kernel that writes pixels puts them: pixel r, chunk q goes to
 * p + r * row + q * chunk. A plain NHWC tile has chunk = FCT_CHUNK. */
typedef struct fct_tk_out {
    fct_real *p;
    ptrdiff_t row, chunk;
} fct_tk_out;

/* Per-channel numbers of a lazy activation y = prelu(scale x + shift): slope 1
 * where there is no PReLU. mean: of x, for the backward sums. */
typedef struct fct_tk_act {
    const fct_real *scale, *shift, *slope, *mean;
} fct_tk_act;

typedef struct fct_tk {
    const char *level;
    int nr; /* columns of a packed panel of B */

    /* C[i][j] = (add ? C[i][j] : 0) + sum over l < k of A[i am + l ak] B[l][j],
     * i < m, j < n; n is a multiple of FCT_CHUNK. B lies in panels of nr
     * columns: B[l][j] = b[(j / nr) panel + l bk + j % nr]; its last panel may
     * be narrower. */
    void (*gemm)(int m, int n, int k, const fct_real *a, ptrdiff_t am, ptrdiff_t ak, const fct_real *b, ptrdiff_t bk,
                 ptrdiff_t panel, fct_real *c, ptrdiff_t ldc, bool add);

    /* out = prelu(scale x + shift), rows x cs. */
    void (*act)(int rows, int cs, const fct_real *x, ptrdiff_t ldx, const fct_tk_act *p, fct_tk_out out);

    /* y = prelu(scale x + shift) + add, dense rows x cs. */
    void (*act_add)(int rows, int cs, const fct_real *x, const fct_tk_act *p, const fct_real *add, fct_real *y);

    /* Copies rows x cs of src to dst (not when equal); sum[c] += x,
     * sq[c] += x^2. */
    void (*stats)(int rows, int cs, const fct_real *src, ptrdiff_t lds, fct_real *dst, ptrdiff_t ldd, fct_real *sum,
                  fct_real *sq);

    /* BatchNorm's gradient with respect to its input: out = a dz + b x + c. */
    void (*bn_back)(int rows, int cs, const fct_real *dz, const fct_real *x, ptrdiff_t ld, const fct_real *a,
                    const fct_real *b, const fct_real *c, fct_tk_out out);

    /* Back through prelu(z), z = scale x + shift, for one chunk of channels:
     * g += skip (may be NULL); dz = g prelu'(z); sums[0..15] += dz,
     * sums[16..31] += dz (x - mean), sums[32..47] += g min(z, 0). dz may be
     * skip. */
    void (*act_back)(int rows, const fct_real *g, ptrdiff_t ldg, const fct_real *skip, ptrdiff_t lds, const fct_real *x,
                     ptrdiff_t ldx, const fct_tk_act *p, fct_real *dz, ptrdiff_t ldz, fct_real *sums);

    /* Depthwise convolution of one output row and one chunk: in[i] is the i-th
     * of k padded input rows [.][16], w [k k][16]; out pixel j at out + j ldo. */
    void (*dw_fwd)(int ow, int k, int stride, const fct_real *const *in, const fct_real *w, fct_real *out,
                   ptrdiff_t ldo);
    /* dw[k k][16] += gradient of the weights; dx: gradient of that row [ow][16]. */
    void (*dw_wgrad)(int ow, int k, int stride, const fct_real *const *in, const fct_real *dx, fct_real *dw);
    /* One kernel row w [k][16] of dx [ow][16] added to a padded input row g. */
    void (*dw_scatter)(int ow, int k, int stride, const fct_real *dx, const fct_real *w, fct_real *g);
} fct_tk;

/* The best table of this build and CPU (FCT_CPU caps it). Static. */
const fct_tk *fct_tk_get(void);
/* All tables of this build that this CPU can run, lowest first; returns their
 * number, at most cap. For tests. */
int fct_tk_all(const fct_tk **out, int cap);

#endif
