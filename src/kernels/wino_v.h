/* One-dimensional Winograd transforms on vectors; see wino_args.h and, for the
 * matrices they factor, wino_c.c. Points come in pairs +-a: the even and the odd
 * half of each polynomial are computed once. F, M are compile-time constants. */
#ifndef FCT_KERNELS_WINO_V_H
#define FCT_KERNELS_WINO_V_H

#include "kernels/vec.h"

#define W_P 0.70710678118654752440f /* sqrt(1/2) */
#define W_Q 1.41421356237309504880f /* sqrt(2) */

ALWAYS_INLINE vf w_fma(float a, vf x, vf y) { return V_FMA(V_SET1(a), x, y); }
ALWAYS_INLINE vf w_mul(float a, vf x) { return V_SET1(a) * x; }

/* Sets r[j] and r[j + 1] to e + a o and e - a o, the values at a pair of points. */
ALWAYS_INLINE void w_pair(vf *r, vf e, float a, vf o) {
    r[0] = w_fma(a, o, e);
    r[1] = w_fma(-a, o, e);
}

/* Input transform of family 4, one axis: the M + 2 inputs d of a tile to the values r at its points. */
ALWAYS_INLINE void w_in_4(const int M, const vf *d, vf *r) {
    if (M == 4) {
        r[0] = w_fma(-2.5f, d[3], d[5] + d[1]);
        r[1] = w_fma(-2.5f, d[2], d[4] + d[0]);
        w_pair(r + 2, w_fma(2, d[2], -d[4]), W_P, w_fma(2, d[1], -d[3]));
        w_pair(r + 4, w_fma(-.5f, d[2], d[4]), W_Q, w_fma(-.5f, d[1], d[3]));
    } else if (M == 3) {
        r[0] = w_fma(-.5f, d[2], w_fma(-W_Q, d[3], w_fma(W_P, d[1], d[4])));
        r[1] = w_fma(-W_P, d[1], w_fma(-2, d[2], w_fma(W_Q, d[3], d[0])));
        r[2] = w_fma(1.5f * W_Q, d[1] - d[3], w_mul(1.5f, d[2]));
        r[3] = w_fma(-.5f * W_Q, d[1] + d[3], w_mul(1.5f, d[2]));
        r[4] = w_fma(-W_Q, d[1], w_mul(2 * W_Q, d[3]));
    } else {
        r[0] = w_fma(-.5f, d[1], d[3]);
        r[1] = w_fma(-2, d[2], d[0]);
        w_pair(r + 2, w_mul(1.5f, d[2]), 1.5f * W_P, d[1]);
    }
}

/* Input transform of family 6, one axis. */
ALWAYS_INLINE void w_in_6(const int M, const vf *d, vf *r) {
    if (M == 6) {
        r[0] = w_fma(5.25f, d[3] - d[5], d[7] - d[1]);
        r[1] = w_fma(5.25f, d[4] - d[2], d[0] - d[6]);
        const vf e1 = w_fma(-4.25f, d[4], d[6] + d[2]), o1 = w_fma(-4.25f, d[3], d[5] + d[1]);
        r[2] = e1 + o1;
        r[3] = e1 - o1;
        w_pair(r + 4, w_fma(-1.25f, d[4], w_fma(.25f, d[2], d[6])), 2, w_fma(-1.25f, d[3], w_fma(.25f, d[1], d[5])));
        w_pair(r + 6, w_fma(-5, d[4], w_fma(4, d[2], d[6])), .5f, w_fma(-5, d[3], w_fma(4, d[1], d[5])));
    } else if (M == 4) {
        r[0] = w_fma(-5, d[3], w_fma(4, d[1], d[5]));
        r[1] = w_fma(-1.25f, d[2], w_fma(.25f, d[4], d[0]));
        w_pair(r + 2, w_fma(.75f, d[4], w_mul(-3, d[2])), .75f, w_fma(-4, d[1], d[3]));
        w_pair(r + 4, w_mul(3.75f, d[4] - d[2]), 7.5f, d[3] - d[1]);
    } else {
        r[0] = d[3] - d[1];
        r[1] = d[0] - d[2];
        w_pair(r + 2, w_mul(-2.25f, d[2]), -2.25f, d[1]);
    }
}

ALWAYS_INLINE void w_in(const int F, const int M, const vf *d, vf *r) {
    if (F == 4) w_in_4(M, d, r);
    else w_in_6(M, d, r);
}

/* Output transform of family 4, one axis: the values m at the points to M outputs y. */
ALWAYS_INLINE void w_out_4(const int M, const vf *m, vf *y) {
    const vf a = m[2] + m[3], b = m[2] - m[3];
    if (M == 4) {
        const vf c = m[4] + m[5], d = m[4] - m[5];
        y[0] = (m[1] + a) + c;
        y[1] = w_fma(W_P, b, w_mul(W_Q, d));
        y[2] = w_fma(.5f, a, c + c);
        y[3] = w_fma(.5f * W_P, b, w_fma(2 * W_Q, d, m[0]));
    } else if (M == 3) {
        y[0] = (m[1] + a) + m[4];
        y[1] = w_fma(W_P, b, w_mul(W_Q, m[4]));
        y[2] = w_fma(.5f, a, w_fma(2, m[4], m[0]));
    } else {
        y[0] = m[1] + a;
        y[1] = w_fma(W_P, b, m[0]);
    }
}

/* Output transform of family 6, one axis. */
ALWAYS_INLINE void w_out_6(const int M, const vf *m, vf *y) {
    const vf a = m[2] + m[3], b = m[2] - m[3];
    if (M == 2) {
        y[0] = m[1] + a;
        y[1] = b + m[0];
        return;
    }
    const vf c = m[4] + m[5], d = m[4] - m[5];
    if (M == 4) {
        y[0] = (m[1] + a) + c;
        y[1] = w_fma(2, d, b);
        y[2] = w_fma(4, c, a);
        y[3] = w_fma(8, d, b) + m[0];
        return;
    }
    const vf e = m[6] + m[7], f = m[6] - m[7];
    y[0] = (m[1] + a) + (c + e);
    y[1] = w_fma(2, d, w_fma(.5f, f, b));
    y[2] = w_fma(4, c, w_fma(.25f, e, a));
    y[3] = w_fma(8, d, w_fma(.125f, f, b));
    y[4] = w_fma(16, c, w_fma(.0625f, e, a));
    y[5] = w_fma(32, d, w_fma(.03125f, f, b)) + m[0];
}

ALWAYS_INLINE void w_out(const int F, const int M, const vf *m, vf *y) {
    if (F == 4) w_out_4(M, m, y);
    else w_out_6(M, m, y);
}

/* All pairs of tile sizes of both families: X(family, my, mx) */
/* clang-format off */
#define W_PAIRS(X) \
    X(4, 4, 4) X(4, 4, 3) X(4, 4, 2) X(4, 3, 4) X(4, 3, 3) X(4, 3, 2) X(4, 2, 4) X(4, 2, 3) \
    X(4, 2, 2) X(6, 6, 6) X(6, 6, 4) X(6, 6, 2) X(6, 4, 6) X(6, 4, 4) X(6, 4, 2) X(6, 2, 6) \
    X(6, 2, 4) X(6, 2, 2)
/* clang-format on */

#endif
