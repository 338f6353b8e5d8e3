/* Arguments of the kernels that resize pictures. */
#ifndef FCT_KERNELS_SAMPLE_ARGS_H
#define FCT_KERNELS_SAMPLE_ARGS_H

#include <stdint.h>

enum { FCT_K_SAMPLE_ONE = 2048 /* weight 1 */, FCT_K_SAMPLE_PAD = 64 };

/* A row of pixels, interpolated along the row and cut into planes: column x of plane c is
 *     (p (ONE - weight[x]) + q weight[x]) >> 4
 * with p byte at[c] of pixel index[x] and q that of pixel index[x] + next. Indices do not fall. */
typedef struct fct_k_across {
    const uint8_t *row;
    int width, bytes, at[3]; /* pixels of the row, bytes of each */
    const int32_t *index;    /* [n] */
    const int16_t *weight;   /* [n], 0 .. ONE */
    int n, next;             /* next: 1, or 0 in a row of one pixel */
    int16_t *out[3];         /* [n] each */
    uint16_t *planes;        /* scratch: 3 (width + PAD) */
} fct_k_across;

#endif
