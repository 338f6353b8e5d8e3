/* Quality of a face's picture from its five landmarks and the aligned crop.
 *
 * Each part is 0 at "useless" and 1 at "ideal", linear between:
 *   size       distance of the eyes in pixels of the picture: 8 to 48
 *   sharpness  energy of the 3x3 Laplacian of the aligned 112 x 112 gray crop
 *              relative to its variance. A crop enlarged from few pixels, blurred
 *              or compressed hard has little: 0.01 to 0.12
 *   pose       cosine-like: yaw from the nose's place between the eyes (where the
 *              68 landmarks gave a pose, from that), pitch from its height between
 *              eyes and mouth
 *   exposure   mean brightness (40 to 90 from below, 215 to 180 from above),
 *              standard deviation (12 to 35), share of pixels below 4 or above 251
 *              (30 % to 5 %)
 *   landmarks  mean distance of the aligned points from the template in units of
 *              the eyes' distance: 0.35 to 0.12; large for false alarms, hidden
 *              parts and profiles
 * score = sqrt(size^0.5 * pose * sharpness^0.5 * exposure^0.5 * landmarks^0.5),
 * which is 1 only where all are and falls to 0 with any. */
#include "facet/face.h"
#include "image/image_internal.h"
#include "base/error.h"
#include <math.h>

#define SIDE   112
#define MARGIN 16 /* hair and background at the crop's edge say nothing */

static float ramp(float v, float zero, float one) {
    float r = (v - zero) / (one - zero);
    return !(r > 0) ? 0 : r > 1 ? 1 : r;
}

static float eye_distance(const float k[5][2]) { return fct_length(k[1][0] - k[0][0], k[1][1] - k[0][1]); }

/* Yaw and pitch as cosines. Coordinates along the line of the eyes (u) and
 * across it (v), in units of the eyes' distance: in a frontal face the nose lies
 * at u = 0.5 and at half of the height between eyes and mouth. */
static float pose_part(const fct_face *f) {
    if (f->has_pose) {
        const float degree = 0.01745329252f;
        return ramp(cosf(f->pose[0] * degree) * cosf(f->pose[1] * degree), 0.5f, 0.95f);
    }
    const float(*k)[2] = f->kps;
    float d = eye_distance(k), ux = (k[1][0] - k[0][0]) / d, uy = (k[1][1] - k[0][1]) / d;
    float nx = k[2][0] - k[0][0], ny = k[2][1] - k[0][1];
    float mx = (k[3][0] + k[4][0]) / 2 - k[0][0], my = (k[3][1] + k[4][1]) / 2 - k[0][1];
    float side = (nx * ux + ny * uy) / d - 0.5f, down = (ny * ux - nx * uy) / d, mouth = (my * ux - mx * uy) / d;
    float height = mouth > 0.1f ? down / mouth : 0;
    return ramp(fabsf(side), 0.5f, 0.12f) * ramp(fabsf(height - 0.5f), 0.45f, 0.18f);
}

/* Distance of the aligned points from the template. */
static float landmark_part(const float kps[5][2], const double m[6]) {
    static const float at[5][2] = {
        {38.29f, 51.70f}, {73.53f, 51.50f}, {56.03f, 71.74f}, {41.55f, 92.37f}, {70.73f, 92.20f}};
    float sum = 0;
    for (int i = 0; i < 5; i++) {
        double x = m[0] * (double)kps[i][0] + m[1] * (double)kps[i][1] + m[2];
        double y = m[3] * (double)kps[i][0] + m[4] * (double)kps[i][1] + m[5];
        sum += fct_length((float)x - at[i][0], (float)y - at[i][1]);
    }
    return ramp(sum / 5 / 35.2f, 0.35f, 0.12f);
}

static void light_parts(const uint8_t *gray, fct_quality *q) {
    double sum = 0, squares = 0, laplace = 0;
    int n = 0, clipped = 0;
    for (int y = MARGIN; y < SIDE - MARGIN; y++)
        for (int x = MARGIN; x < SIDE - MARGIN; x++, n++) {
            const uint8_t *p = gray + y * SIDE + x;
            int edge = 4 * p[0] - p[-1] - p[1] - p[-SIDE] - p[SIDE];
            sum += p[0];
            squares += p[0] * p[0];
            laplace += edge * edge;
            clipped += p[0] < 4 || p[0] > 251;
        }
    double mean = sum / n, variance = squares / n - mean * mean;
    float deviation = (float)sqrt(fmax(0, variance));
    q->exposure = ramp((float)mean, 40, 90) * ramp((float)mean, 215, 180) * ramp(deviation, 12, 35) *
                  ramp((float)clipped / (float)n, 0.30f, 0.05f);
    q->sharpness = ramp((float)(laplace / n / (variance + 20)), 0.01f, 0.12f);
}

static const char *worst_part(const fct_quality *q) {
    const struct {
        float part;
        const char *text;
    } parts[] = {
        {q->landmarks, "the face is partly hidden or its features were not found well"},
        {q->pose, "the face is turned away"},
        {q->size, "the face is small"},
        {q->sharpness, "the face is blurred"},
        {q->exposure, "the face is too dark, too bright or without contrast"},
    };
    int worst = 0;
    for (int i = 1; i < 5; i++)
        if (parts[i].part < parts[worst].part) worst = i;
    return parts[worst].part < 0.45f ? parts[worst].text : "";
}

fct_status fct_face_quality(fct_view picture, const fct_face *face, fct_quality *out, fct_error *err) {
    uint8_t rgb[SIDE * SIDE * 3], gray[SIDE * SIDE];
    double m[6];
    *out = (fct_quality){.worst = ""};
    if (!face->has_kps) return fct_fail(err, FCT_ERR_ARG, "a face without landmarks");
    fct_status s = fct_align_matrix(face->kps, SIDE, m, err);
    if (!s) s = fct_warp_rgb(picture, m, rgb, SIDE, SIDE, SIDE * 3, err);
    if (s) return s;
    fct_convert_row(rgb, FCT_PIX_RGB, gray, FCT_PIX_GRAY, SIDE * SIDE);
    out->size = ramp(eye_distance(face->kps), 8, 48);
    out->pose = pose_part(face);
    out->landmarks = landmark_part(face->kps, m);
    light_parts(gray, out);
    out->score = sqrtf(out->pose * sqrtf(out->size * out->sharpness * out->exposure * out->landmarks));
    out->worst = worst_part(out);
    return FCT_OK;
}
