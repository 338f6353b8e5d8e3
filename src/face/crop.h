/* Pixels to a network's input: geometry, rounding to the 8-bit picture that the
 * reference would have made, normalization and the change to planes in one pass.
 *
 * Tensors are planar R, G, B float32: dst[3][height][width] = (x - mean) / std. */
#ifndef FCT_FACE_CROP_H
#define FCT_FACE_CROP_H

#include "facet/image.h"
#include "pack/pack.h"

/* Size of the picture inside the network's input, and the one scale of both
 * axes: the picture's longer side (relative to the input's) fills its axis. */
void fct_letterbox_size(int picture_w, int picture_h, int net_w, int net_h, int *w, int *h, float *scale);

/* Resizes v to w x h (bilinear in 11-bit fixed point, as OpenCV's INTER_LINEAR on
 * bytes) into the upper left of dst[3][net_h][net_w]; black outside. Needs
 * 1 <= w <= net_w, 1 <= h <= net_h. Any pixel format. Uses the pool. */
fct_status fct_letterbox_tensor(fct_view v, int w, int h, int net_w, int net_h, fct_norm norm, float *dst,
                                fct_error *err);

/* n crops of size x size, crop i of views[i] under the forward matrix m[i]
 * (picture to crop), bilinear, black outside the picture; bit by bit as OpenCV's
 * warpAffine does it. dst[n][3][size][size]; views are checked by the caller
 * (fct_view_check()), size is at most 1024. Uses the pool for all of them together. */
void fct_warp_tensors(const fct_view *views, const double (*m)[6], int n, int size, fct_norm norm, float *dst);

#endif
