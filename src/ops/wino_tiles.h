/* How a Winograd convolution cuts its output into tiles.
 *
 * Each axis takes as many tiles of the family's full size as fit and at most one
 * kind of smaller tile for the rest, which uses a subset of the points. Tiles
 * are listed by class in the order (small y, full x), (full, full), (full y,
 * small x), (small, small): the tiles that have a given point are then always
 * one contiguous range. */
#ifndef FCT_OPS_WINO_TILES_H
#define FCT_OPS_WINO_TILES_H

#include "kernels/kernels.h"

typedef struct fct_wino_axis {
    int full, full_count, small, small_count;
} fct_wino_axis;

/* size: output pixels, at least 1; family: 4 or 6 */
fct_wino_axis fct_wino_split(int family, int size);

typedef struct fct_wino_tiling {
    int family;
    fct_wino_axis y, x;
    int images;
    int first[5]; /* first tile of each class; [4] is the total */
} fct_wino_tiling;

/* even: classes with an odd number of tiles are filled up by their last tile again. */
fct_wino_tiling fct_wino_tile(int family, int images, int oh, int ow, bool even);

/* The tile after the last one of a class that is not there to fill it up. */
int fct_wino_end(const fct_wino_tiling *t, int class);

/* Size of the tiles of a class (0..3). */
void fct_wino_class_size(const fct_wino_tiling *t, int class, int *my, int *mx);

/* The places of tiles first .. first + n - 1 of the whole list. */
void fct_wino_list(const fct_wino_tiling *t, int first, int n, fct_k_tile *list);

/* Tiles *first .. *last - 1 have point (a, b). */
void fct_wino_range(const fct_wino_tiling *t, int a, int b, int *first, int *last);

/* Multiplications of all tiles per pair of channels. */
double fct_wino_products(const fct_wino_tiling *t);

#endif
