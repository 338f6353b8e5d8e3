/* Boxes of the stored picture and of the shown one, which the EXIF orientation
 * mirrors and turns. Boxes are x1, y1, x2, y2 as parts of width and height. */
#ifndef FCT_TAGS_REGION_TURN_H
#define FCT_TAGS_REGION_TURN_H

/* A point of the stored picture in the shown one; orientation 1 to 8, others count as 1. */
void fct_turn_point(int orientation, double x, double y, double out[2]);

/* A box of the stored picture in the shown one, and back. */
void fct_turn_to_shown(int orientation, const double stored[4], double shown[4]);
void fct_turn_to_stored(int orientation, const double shown[4], double stored[4]);

/* Intersection over union, 0 to 1. */
double fct_turn_iou(const double a[4], const double b[4]);

#endif
