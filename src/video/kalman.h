/* Constant-velocity Kalman filter of one coordinate (Kalman 1960). A box is four
 * of them: center x, center y, width, height, with diagonal noise as in SORT
 * (Bewley et al. 2016). Time is counted in thirtieths of a second, so that rates
 * of 10 and of 60 frames behave alike. */
#ifndef FCT_VIDEO_KALMAN_H
#define FCT_VIDEO_KALMAN_H

#include <stdbool.h>

typedef struct fct_kalman {
    double x, v, pxx, pxv, pvv;
} fct_kalman;

/* Filter of a box; times in seconds. */
typedef struct fct_motion {
    fct_kalman axis[4]; /* center x, center y, width, height */
    double time;
} fct_motion;

void fct_motion_start(fct_motion *m, const float box[4], double time);
/* Moves the box to a later time; the change of size fades while nothing is seen. */
void fct_motion_predict(fct_motion *m, double time);
/* Corrects the box of the current time by a measurement. score 0..1: how far a
 * detection is trusted. */
void fct_motion_correct(fct_motion *m, const float box[4], float score);
void fct_motion_box(const fct_motion *m, float box[4]);

/* Intersection over union, 0 where a box has no area. */
float fct_box_iou(const float a[4], const float b[4]);

#endif
