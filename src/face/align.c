/* Alignment: the similarity transform from five landmarks to ArcFace's template. */
#include "face/align.h"
#include "base/error.h"
#include <math.h>

/* The places of the landmarks in a crop of 112 pixels: left eye, right eye, nose, left and right corner of the
 * mouth, as seen in the picture. */
static const double template_112[5][2] = {
    {38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}};

/* Point i of the template for a crop of the given size. The original keeps the
 * template in float32, so its rounding is part of it. */
static void template_point(int size, int i, double p[2]) {
    bool by_112 = size % 112 == 0;
    double ratio = by_112 ? size / 112.0 : size / 128.0;
    p[0] = (double)((float)template_112[i][0] * (float)ratio + (by_112 ? 0 : 8 * (float)ratio));
    p[1] = (double)((float)template_112[i][1] * (float)ratio);
}

/* In the plane, Umeyama's solution has a closed form. With centered points s, d
 * the best rotation and scale together are [[a, -b], [b, a]] with
 *     a = sum(s . d) / sum |s|^2,  b = sum(s x d) / sum |s|^2,
 * the minimum over proper similarities. Umeyama's sign matrix (eq. 39, 43) says
 * the same by way of the SVD: where mirrored points would fit better, the best
 * *proper* transform is still taken, a face is never mirrored. */
static bool fit_similarity(const double src[5][2], const double dst[5][2], double m[6]) {
    double sm[2] = {0, 0}, dm[2] = {0, 0}, var = 0, a = 0, b = 0;
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++) {
            sm[k] += src[i][k] / 5;
            dm[k] += dst[i][k] / 5;
        }
    for (int i = 0; i < 5; i++) {
        double sx = src[i][0] - sm[0], sy = src[i][1] - sm[1], dx = dst[i][0] - dm[0], dy = dst[i][1] - dm[1];
        var += sx * sx + sy * sy;
        a += sx * dx + sy * dy;
        b += sx * dy - sy * dx;
    }
    a /= var;
    b /= var;
    double det = a * a + b * b;
    if (!isfinite(det) || !(det > 0) || !(var > 1e-12)) return false;
    double fit[6] = {a, -b, dm[0] - a * sm[0] + b * sm[1], b, a, dm[1] - b * sm[0] - a * sm[1]};
    for (int i = 0; i < 6; i++) m[i] = fit[i];
    return isfinite(m[2]) && isfinite(m[5]);
}

/* Fits the landmarks to the template of the crop's size. InsightFace has two templates, and the size decides which
 * one holds. */
fct_status fct_align_matrix(const float kps[5][2], int size, double m[6], fct_error *err) {
    double src[5][2], dst[5][2];
    for (int i = 0; i < 6; i++) m[i] = 0;
    if (size < 1 || (size % 112 && size % 128))
        return fct_fail(err, FCT_ERR_ARG, "a crop of %d x %d: the size must be divisible by 112 or by 128", size, size);
    for (int i = 0; i < 5; i++) {
        if (!isfinite(kps[i][0]) || !isfinite(kps[i][1]))
            return fct_fail(err, FCT_ERR_ARG, "landmark %d is not finite", i);
        src[i][0] = (double)kps[i][0];
        src[i][1] = (double)kps[i][1];
        template_point(size, i, dst[i]);
    }
    if (!fit_similarity(src, dst, m)) {
        for (int i = 0; i < 6; i++) m[i] = 0;
        return fct_fail(err, FCT_ERR_ARG, "the five landmarks coincide or lie so that no face fits them");
    }
    return FCT_OK;
}

bool fct_align_wide_matrix(const float kps[5][2], int size, double m[6]) {
    double src[5][2], dst[5][2];
    bool finite = size > 0;
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++) {
            finite = finite && isfinite(kps[i][k]);
            src[i][k] = (double)kps[i][k];
            dst[i][k] = (template_112[i][k] + 8) * size / 128;
        }
    return finite && fit_similarity(src, dst, m);
}

/* The distance of the eyes alone would not do: in a face that is turned away they lie close together. */
float fct_faces_enlargement(const fct_faces *faces) {
    double most = 1, m[6];
    for (int i = 0; i < fct_faces_count(faces); i++) {
        const fct_face *f = fct_faces_at(faces, i);
        if (f->has_kps && !fct_align_matrix(f->kps, 112, m, NULL)) most = fmax(most, hypot(m[0], m[3]));
    }
    return (float)fmin(most, 64);
}

fct_status fct_align(fct_view picture, const float kps[5][2], int size, fct_image **out, fct_error *err) {
    double m[6];
    fct_image *crop = NULL;
    *out = NULL;
    fct_status s = fct_align_matrix(kps, size, m, err);
    if (!s) s = fct_image_warp(picture, m, size, size, &crop, err);
    if (s || fct_image_view(crop).format == FCT_PIX_RGB) {
        *out = crop;
        return s;
    }
    s = fct_image_convert(fct_image_view(crop), FCT_PIX_RGB, out, err);
    fct_image_free(crop);
    return s;
}

bool fct_align_box_matrix(const float box[4], int size, double m[6]) {
    /* float32 up to the shifts, as NumPy computes it from a float32 box. */
    float w = box[2] - box[0], h = box[3] - box[1], side = fmaxf(w, h);
    if (!isfinite(w) || !isfinite(h) || !(side > 0)) return false;
    float s = (float)size / (side * 1.5f), tx = (box[2] + box[0]) / 2 * s, ty = (box[3] + box[1]) / 2 * s;
    double fit[6] = {(double)s, 0, size / 2.0 - (double)tx, 0, (double)s, size / 2.0 - (double)ty};
    for (int i = 0; i < 6; i++) {
        if (!isfinite(fit[i])) return false;
        m[i] = fit[i];
    }
    return true;
}

/* On an upright face the points span about 0.45 of the detector's box each way. */
void fct_align_box_of_points(const float kps[5][2], float box[4]) {
    float x1 = kps[0][0], y1 = kps[0][1], x2 = x1, y2 = y1;
    for (int i = 1; i < 5; i++) {
        x1 = fminf(x1, kps[i][0]);
        x2 = fmaxf(x2, kps[i][0]);
        y1 = fminf(y1, kps[i][1]);
        y2 = fmaxf(y2, kps[i][1]);
    }
    float half = 1.1f * fmaxf(x2 - x1, y2 - y1), cx = (x1 + x2) / 2, cy = (y1 + y2) / 2;
    box[0] = cx - half;
    box[1] = cy - half;
    box[2] = cx + half;
    box[3] = cy + half;
}
