/* First layers: few channels in planar rows, broadcast one value per tap. */
#include "kernels/tile.h"
#include <string.h>

ALWAYS_INLINE void stem_sums(const int MV, const int NR, const int STEP, const fct_k_stem *s, const float *b,
                             sums acc) {
    const float *w = s->w;
    const int step = STEP ? STEP : s->step;
    clear(MV, NR, acc);
    for (int k = 0; k < s->k; k++, w += MV * CB) {
        const float *p = b + s->offset[k];
        /* one pointer and constant offsets, not a sum in a register per pixel */
        __asm__("" : "+r"(p));
        vf wv[MV_MAX * VPB];
        UNROLL for (int v = 0; v < MVV; v++) wv[v] = V_LOAD(w + v * VL);
        UNROLL for (int j = 0; j < NR; j++) {
            const vf x = V_SET1(p[j * step]);
            UNROLL for (int v = 0; v < MVV; v++) acc[v][j] = V_FMA(wv[v], x, acc[v][j]);
        }
    }
}

/* The last pixels of a row are computed as a whole tile, of which only the pixels inside the row are kept. */
ALWAYS_INLINE void stem_rest(const int MV, const int NR, const fct_k_stem *s, int x, sums acc) {
    float raw[MV_MAX * NR_MAX * CB];
    store(MV, NR, acc, raw, NR * CB);
    for (int m = 0; m < MV; m++) {
        fct_k_epilogue e = *s->e;
        e.bias += m * CB;
        if (e.slope) e.slope += m * CB;
        const size_t at = m * s->c_stride + (size_t)x * CB;
        KFN(conv_epilogue)(&e, raw + m * NR * CB, s->add ? s->add + at : NULL, s->c + at, s->n - x);
    }
}

/* Computes one output row in register tiles of NR pixels; the last, narrower tile is handled apart. STEP 0 stands
 * for a stride that is known only at run time. */
ALWAYS_INLINE void stem_row(const int MV, const int NR, const int STEP, const fct_k_stem *s) {
    for (int x = 0; x < s->n; x += NR) {
        sums acc;
        stem_sums(MV, NR, STEP, s, s->b + (ptrdiff_t)x * s->step, acc);
        const size_t at = (size_t)x * CB;
        if (x + NR > s->n) {
            stem_rest(MV, NR, s, x, acc);
        } else {
            finish(MV, NR, acc, s->e, s->add ? s->add + at : NULL, s->c_stride);
            store(MV, NR, acc, s->c + at, s->c_stride);
        }
    }
}

/* Picks the version compiled for the panel's height and the stride; strides above 2 share the general one. */
void KFN(conv_stem)(const fct_k_stem *s) {
    const int key = s->mv * 4 + (s->step < 3 ? s->step : 0);
    switch (key) {
    case 5:
        stem_row(1, NR1, 1, s);
        break;
    case 6:
        stem_row(1, NR1, 2, s);
        break;
    case 4:
        stem_row(1, NR1, 0, s);
        break;
    case 9:
        stem_row(2, NR2, 1, s);
        break;
    case 10:
        stem_row(2, NR2, 2, s);
        break;
    case 8:
        stem_row(2, NR2, 0, s);
        break;
#if MV_MOST > 2
    case 13:
        stem_row(3, NR3, 1, s);
        break;
    case 14:
        stem_row(3, NR3, 2, s);
        break;
    case 12:
        stem_row(3, NR3, 0, s);
        break;
#endif
    default:
        fct_k_conv_stem_c(s);
        break;
    }
}
