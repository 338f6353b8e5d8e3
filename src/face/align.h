/* Geometry of a face's crops. Matrices are forward (picture to crop), 2 x 3,
 * row-major, double. */
#ifndef FCT_FACE_ALIGN_H
#define FCT_FACE_ALIGN_H

#include "facet/face.h"

/* Crop of size x size around a box, for landmarks and attributes: the longer
 * side times 1.5 fills it. False where the box has no extent or is not finite. */
bool fct_align_box_matrix(const float box[4], int size, double m[6]);

/* Crop of size x size, any size, that shows an aligned face with surroundings: ArcFace's template of 112 pixels with
 * 8 more on every side fills it. False where no face fits the landmarks. */
bool fct_align_wide_matrix(const float kps[5][2], int size, double m[6]);

/* Box of five points, widened to about the box a detector gives. */
void fct_align_box_of_points(const float kps[5][2], float box[4]);

#endif
