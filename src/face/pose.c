/* Pose: the camera that turns the mean shape into the points that were found. */
#include "face/pose.h"
#include <math.h>

#include "face/meanshape.inc"

/* Solves a symmetric positive definite 4 x 4 system for two right-hand sides by
 * Cholesky's decomposition; a is overwritten. The mean shape is fixed, so the
 * matrix is well conditioned and the pivots are positive. */
static void solve(double a[4][4], double b[4][2]) {
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j <= i; j++) {
            double s = a[i][j];
            for (int k = 0; k < j; k++) s -= a[i][k] * a[j][k];
            a[i][j] = i == j ? sqrt(s) : s / a[j][j];
        }
    }
    for (int c = 0; c < 2; c++) {
        for (int i = 0; i < 4; i++) {
            for (int k = 0; k < i; k++) b[i][c] -= a[i][k] * b[k][c];
            b[i][c] /= a[i][i];
        }
        for (int i = 3; i >= 0; i--) {
            for (int k = i + 1; k < 4; k++) b[i][c] -= a[k][i] * b[k][c];
            b[i][c] /= a[i][i];
        }
    }
}

/* Rows 0 and 1 of the 3 x 4 camera; the last row is not needed. */
static void fit_camera(const float (*points)[3], double rows[2][3]) {
    double a[4][4] = {{0}}, b[4][2] = {{0}};
    for (int p = 0; p < 68; p++) {
        double x[4] = {(double)mean_shape[p][0], (double)mean_shape[p][1], (double)mean_shape[p][2], 1};
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) a[i][j] += x[i] * x[j];
            for (int c = 0; c < 2; c++) b[i][c] += x[i] * (double)points[p][c];
        }
    }
    solve(a, b);
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < 3; i++) rows[c][i] = b[i][c];
}

static bool normalize(double v[3]) {
    double n = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (!isfinite(n) || !(n > 0)) return false;
    for (int i = 0; i < 3; i++) v[i] /= n;
    return true;
}

bool fct_pose_estimate(const float (*points)[3], float pose[3]) {
    static const double degrees = 57.295779513082323;
    double r[3][3];
    fit_camera(points, r);
    if (!normalize(r[0]) || !normalize(r[1])) return false;
    for (int i = 0; i < 3; i++) { /* r2 = r0 x r1 */
        int j = (i + 1) % 3, k = (i + 2) % 3;
        r[2][i] = r[0][j] * r[1][k] - r[0][k] * r[1][j];
    }
    double sy = sqrt(r[0][0] * r[0][0] + r[1][0] * r[1][0]);
    bool gimbal = sy < 1e-6;
    double pitch = gimbal ? atan2(-r[1][2], r[1][1]) : atan2(r[2][1], r[2][2]);
    double roll = gimbal ? 0 : atan2(r[1][0], r[0][0]);
    pose[0] = (float)(pitch * degrees);
    pose[1] = (float)(atan2(-r[2][0], sy) * degrees);
    pose[2] = (float)(roll * degrees);
    return true;
}
