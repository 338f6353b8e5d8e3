#include "video/kalman.h"
#include <math.h>

/* Standard deviations relative to the box's height, per thirtieth of a second. */
#define POSITION_NOISE (1.0 / 60)
#define VELOCITY_NOISE (1.0 / 120)
#define MEASURE_NOISE  (1.0 / 30)
#define SIZE_FADE      0.9 /* of the growth rate per thirtieth of a second without a detection */

static double square(double v) { return v * v; }

static void to_axes(const float box[4], double z[4]) {
    z[0] = ((double)box[0] + (double)box[2]) / 2;
    z[1] = ((double)box[1] + (double)box[3]) / 2;
    z[2] = fmax(1, (double)box[2] - (double)box[0]);
    z[3] = fmax(1, (double)box[3] - (double)box[1]);
}

static double height_of(const fct_motion *m) { return fmax(1, m->axis[3].x); }

void fct_motion_start(fct_motion *m, const float box[4], double time) {
    double z[4];
    to_axes(box, z);
    m->time = time;
    for (int i = 0; i < 4; i++)
        m->axis[i] = (fct_kalman){.x = z[i], .pxx = square(2 * MEASURE_NOISE * z[3]), .pvv = square(z[3] / 10)};
}

/* Moves the box on to a time, with growing uncertainty. Time counts in thirtieths of a second, and growth in size
 * fades, so that a lost face does not fill the picture. */
void fct_motion_predict(fct_motion *m, double time) {
    double dt = (time - m->time) * 30, h = height_of(m);
    if (!(dt > 0)) return;
    m->time = time;
    for (int i = 0; i < 4; i++) {
        fct_kalman *k = &m->axis[i];
        k->x += k->v * dt;
        k->pxx += dt * (2 * k->pxv + dt * k->pvv) + square(POSITION_NOISE * h) * dt;
        k->pxv += dt * k->pvv;
        k->pvv += square(VELOCITY_NOISE * h) * dt;
        if (i >= 2) {
            k->v *= pow(SIZE_FADE, dt);
            k->x = fmax(1, k->x);
        }
    }
}

void fct_motion_correct(fct_motion *m, const float box[4], float score) {
    double z[4], trust = fmin(1, fmax(0.2, (double)score));
    to_axes(box, z);
    double r = square(MEASURE_NOISE * height_of(m) / trust);
    for (int i = 0; i < 4; i++) {
        fct_kalman *k = &m->axis[i];
        double s = k->pxx + r, gx = k->pxx / s, gv = k->pxv / s, d = z[i] - k->x;
        k->x += gx * d;
        k->v += gv * d;
        k->pvv -= gv * k->pxv;
        k->pxv *= 1 - gx;
        k->pxx *= 1 - gx;
    }
}

void fct_motion_box(const fct_motion *m, float box[4]) {
    for (int i = 0; i < 2; i++) {
        box[i] = (float)(m->axis[i].x - m->axis[i + 2].x / 2);
        box[i + 2] = (float)(m->axis[i].x + m->axis[i + 2].x / 2);
    }
}

float fct_box_iou(const float a[4], const float b[4]) {
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (!(w > 0) || !(h > 0)) return 0;
    float both = w * h, sum = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]);
    return both / (sum - both);
}
