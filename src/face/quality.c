/* Quality of a face's picture: measures taken from its box, its five landmarks and
 * the aligned 112 x 112 gray face without a margin of 16 pixels (hair and
 * background at a crop's edge say nothing), and grades made of them. This is the
 * one judge: enrollment's warnings, the camera's hints and the best shot of a
 * track all come from here. docs/decisions/0053-enrollment.md has the figures by
 * which the limits were chosen.
 *
 * A grade is 0 at "useless" and 1 at "ideal", linear between:
 *   size       distance of the eyes, 8 to 48 pixels
 *   sharpness  detail, 0.01 to 0.12
 *   pose       turn 0.5 to 0.12 times nod 0.45 to 0.18 (without their signs); where
 *              the 68 landmarks gave a pose, the product of the cosines of pitch
 *              and yaw, 0.5 to 0.95
 *   exposure   brightness (40 to 90 from below, 215 to 180 from above) times
 *              contrast (12 to 35) times clipped (0.30 to 0.05)
 *   landmarks  misfit, 0.35 to 0.12
 * score = sqrt(pose * sqrt(size * sharpness * exposure * landmarks)), which is 1
 * only where all are and falls to 0 with any. */
#include "facet/face.h"
#include "image/image_internal.h"
#include "base/error.h"
#include <math.h>

#define SIDE   112
#define MARGIN 16

static float ramp(float v, float zero, float one) {
    float r = (v - zero) / (one - zero);
    return !(r > 0) ? 0 : r > 1 ? 1 : r;
}

/* ---- Measures --------------------------------------------------------------------- */

static void measure_box(fct_view picture, const fct_face *f, fct_quality *q) {
    const float *b = f->box;
    float w = b[2] - b[0], h = b[3] - b[1];
    if (!(w > 0 && h > 0)) return;
    float x = fmaxf(-b[0], b[2] - (float)picture.width) / w, y = fmaxf(-b[1], b[3] - (float)picture.height) / h;
    q->side = fminf(w, h);
    q->outside = fminf(1, fmaxf(0, fmaxf(x, y)));
}

/* Measures where the nose stands, along the line of the eyes and across it, in units of the eyes' distance: in a
 * frontal face the nose lies in the middle along it, and half way from the eyes to the mouth across it. */
static void measure_pose(const float k[5][2], fct_quality *q) {
    float d = q->eyes, ux = (k[1][0] - k[0][0]) / d, uy = (k[1][1] - k[0][1]) / d;
    float nx = k[2][0] - k[0][0], ny = k[2][1] - k[0][1];
    float mx = (k[3][0] + k[4][0]) / 2 - k[0][0], my = (k[3][1] + k[4][1]) / 2 - k[0][1];
    float down = (ny * ux - nx * uy) / d, mouth = (my * ux - mx * uy) / d;
    q->turn = (nx * ux + ny * uy) / d - 0.5f;
    q->nod = mouth > 0.1f ? down / mouth - 0.5f : -0.5f;
}

/* Mean distance of the points from the template under the alignment's matrix. */
static float measure_misfit(const float kps[5][2], const double m[6]) {
    static const float at[5][2] = {
        {38.29f, 51.70f}, {73.53f, 51.50f}, {56.03f, 71.74f}, {41.55f, 92.37f}, {70.73f, 92.20f}};
    float sum = 0;
    for (int i = 0; i < 5; i++) {
        double x = m[0] * (double)kps[i][0] + m[1] * (double)kps[i][1] + m[2];
        double y = m[3] * (double)kps[i][0] + m[4] * (double)kps[i][1] + m[5];
        sum += fct_length((float)x - at[i][0], (float)y - at[i][1]);
    }
    return sum / 5 / 35.2f; /* the template's distance of the eyes */
}

static void measure_light(const uint8_t *gray, fct_quality *q) {
    enum { WIDTH = SIDE - 2 * MARGIN };
    double laplace = 0;
    int n = WIDTH * WIDTH, sum = 0, squares = 0, clipped = 0;
    for (int y = MARGIN; y < SIDE - MARGIN; y++) {
        const uint8_t *p = gray + y * SIDE + MARGIN;
        int edges = 0; /* of a row: at most 80 x 1020^2 */
        for (int x = 0; x < WIDTH; x++) {
            const int v = p[x], edge = 4 * v - p[x - 1] - p[x + 1] - p[x - SIDE] - p[x + SIDE];
            sum += v;
            squares += v * v;
            edges += edge * edge;
            clipped += v < 4 || v > 251;
        }
        laplace += edges;
    }
    double mean = (double)sum / n, variance = fmax(0, (double)squares / n - mean * mean);
    q->brightness = (float)mean;
    q->contrast = (float)sqrt(variance);
    q->clipped = (float)clipped / (float)n;
    /* Measures sharpness after Pech-Pacheco et al. (2000), relative to the variance so that contrast does not
     * matter; 20 stands for noise, which would count as detail where there is nothing else. */
    q->detail = (float)(laplace / n / (variance + 20));
}

/* ---- Grades ------------------------------------------------------------------------- */

static float grade_pose(const fct_face *f, const fct_quality *q) {
    const float degree = 0.01745329252f;
    if (f->has_pose) return ramp(cosf(f->pose[0] * degree) * cosf(f->pose[1] * degree), 0.5f, 0.95f);
    return ramp(fabsf(q->turn), 0.5f, 0.12f) * ramp(fabsf(q->nod), 0.45f, 0.18f);
}

static float whole_grade(const fct_quality *q) {
    return sqrtf(q->pose_grade * sqrtf(q->size_grade * q->sharpness_grade * q->exposure_grade * q->landmark_grade));
}

static void grade(const fct_face *f, fct_quality *q) {
    q->size_grade = ramp(q->eyes, 8, 48);
    q->sharpness_grade = ramp(q->detail, 0.01f, 0.12f);
    q->pose_grade = grade_pose(f, q);
    q->exposure_grade = ramp(q->brightness, 40, 90) * ramp(q->brightness, 215, 180) * ramp(q->contrast, 12, 35) *
                        ramp(q->clipped, 0.30f, 0.05f);
    q->landmark_grade = ramp(q->misfit, 0.35f, 0.12f);
    q->score = whole_grade(q);
}

void fct_quality_scale(fct_quality *q, float factor) {
    q->side *= factor;
    q->eyes *= factor;
    q->size_grade = ramp(q->eyes, 8, 48);
    q->score = whole_grade(q);
}

/* Measures what can be measured without a network, and makes one grade of it. rgb: the aligned face. */
static void judge(fct_view picture, const fct_face *face, const double m[6], fct_view rgb, fct_quality *out) {
    uint8_t gray[SIDE * SIDE];
    fct_quality q = {.detection = face->score};
    for (int y = 0; y < SIDE; y++)
        fct_convert_row(fct_view_row(rgb, y), FCT_PIX_RGB, gray + y * SIDE, FCT_PIX_GRAY, SIDE);
    q.eyes = fct_length(face->kps[1][0] - face->kps[0][0], face->kps[1][1] - face->kps[0][1]);
    q.misfit = measure_misfit(face->kps, m);
    measure_box(picture, face, &q);
    measure_pose(face->kps, &q);
    measure_light(gray, &q);
    grade(face, &q);
    *out = q;
}

static fct_status matrix_of(const fct_face *face, double m[6], fct_error *err) {
    if (!face->has_kps) return fct_fail(err, FCT_ERR_ARG, "a face without landmarks");
    return fct_align_matrix(face->kps, SIDE, m, err);
}

fct_status fct_face_quality(fct_view picture, const fct_face *face, fct_quality *out, fct_error *err) {
    uint8_t rgb[SIDE * SIDE * 3];
    double m[6];
    *out = (fct_quality){0};
    fct_status s = matrix_of(face, m, err);
    if (!s) s = fct_warp_rgb(picture, m, rgb, SIDE, SIDE, SIDE * 3, err);
    if (!s) judge(picture, face, m, (fct_view){rgb, SIDE, SIDE, SIDE * 3, FCT_PIX_RGB}, out);
    return s;
}

fct_status fct_face_quality_aligned(fct_view picture, const fct_face *face, fct_view crop, fct_quality *out,
                                    fct_error *err) {
    double m[6];
    *out = (fct_quality){0};
    if (!crop.data || crop.width != SIDE || crop.height != SIDE || crop.format != FCT_PIX_RGB)
        return fct_fail(err, FCT_ERR_ARG, "an aligned face of %d x %d pixels in format %d, not %d x %d in RGB",
                        crop.width, crop.height, (int)crop.format, SIDE, SIDE);
    fct_status s = matrix_of(face, m, err);
    if (!s) judge(picture, face, m, crop, out);
    return s;
}
