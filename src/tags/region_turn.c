#include "tags/region_turn.h"

#include <math.h>

void fct_turn_point(int orientation, double x, double y, double out[2]) {
    double mx = 1 - x, my = 1 - y;
    const double at[9][2] = {{x, y}, {x, y},  {mx, y},  {mx, my}, {x, my}, /* 5 to 8 swap the sides */
                             {y, x}, {my, x}, {my, mx}, {y, mx}};
    int o = orientation >= 1 && orientation <= 8 ? orientation : 1;
    out[0] = at[o][0];
    out[1] = at[o][1];
}

void fct_turn_to_shown(int orientation, const double stored[4], double shown[4]) {
    double a[2], b[2];
    fct_turn_point(orientation, stored[0], stored[1], a);
    fct_turn_point(orientation, stored[2], stored[3], b);
    for (int i = 0; i < 2; i++) {
        shown[i] = fmin(a[i], b[i]);
        shown[i + 2] = fmax(a[i], b[i]);
    }
}

/* A quarter turn to the right is undone by one to the left; all other orientations undo themselves. */
void fct_turn_to_stored(int orientation, const double shown[4], double stored[4]) {
    fct_turn_to_shown(orientation == 6 ? 8 : orientation == 8 ? 6 : orientation, shown, stored);
}

double fct_turn_iou(const double a[4], const double b[4]) {
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (!(w > 0 && h > 0)) return 0;
    double all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h;
    return all > 0 ? w * h / all : 0;
}
