/* What resize and warp share: which bytes of a source pixel become the channels
 * of the result, and how a job is cut into bands for the thread pool. */
#ifndef FCT_IMAGE_SAMPLING_H
#define FCT_IMAGE_SAMPLING_H

#include "image/image_internal.h"

/* A pixel of `bytes` bytes becomes n channels; channel c is byte at[c]. */
typedef struct fct_channel_map {
    int bytes, n, at[4];
} fct_channel_map;

/* Unchanged, or to R G B. */
fct_channel_map fct_channel_map_same(fct_pixel from);
fct_channel_map fct_channel_map_rgb(fct_pixel from);

/* Calls CALL(bytes, n, c0, c1, c2, c3) with the layout's members as constants,
 * so that each common pair of formats gets a loop of its own. */
#define FCT_CHANNEL_MAP_SWITCH(l, CALL)                                                                                \
    do {                                                                                                               \
        if ((l).bytes == 3 && (l).n == 3 && (l).at[0] == 0) CALL(3, 3, 0, 1, 2, 0);                                    \
        else if ((l).bytes == 3 && (l).n == 3) CALL(3, 3, 2, 1, 0, 0);                                                 \
        else if ((l).bytes == 4 && (l).n == 3 && (l).at[0] == 0) CALL(4, 3, 0, 1, 2, 0);                               \
        else if ((l).bytes == 4 && (l).n == 3) CALL(4, 3, 2, 1, 0, 0);                                                 \
        else if ((l).bytes == 4) CALL(4, 4, 0, 1, 2, 3);                                                               \
        else if ((l).n == 3) CALL(1, 3, 0, 0, 0, 0);                                                                   \
        else CALL(1, 1, 0, 0, 0, 0);                                                                                   \
    } while (0)

/* Number of bands for a job of rows x width pixels: 1 below what a thread's
 * wake-up is worth. */
int fct_bands(int rows, int width);

/* First row of band i of n. */
static inline int fct_band_start(int rows, int i, int n) { return (int)((int64_t)rows * i / n); }

#endif
