#include "photos/face_check.h"

#include "shell/cli.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_FACE = 48, CROP = 112 };

static void add(cli_face_check *out, const char *format, ...) FCT_PRINTF(2, 3);
static void add(cli_face_check *out, const char *format, ...) {
    if (out->n == FACE_CHECK_MOST) return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(out->faults[out->n++], sizeof out->faults[0], format, ap);
    va_end(ap);
}

/* Where the nose stands between the eyes, along the line through them: 0.5 =
 * frontal, outside 0..1 = profile. */
static float nose_position(const fct_face *f) {
    float ex = f->kps[1][0] - f->kps[0][0], ey = f->kps[1][1] - f->kps[0][1], length = ex * ex + ey * ey;
    float nx = f->kps[2][0] - f->kps[0][0], ny = f->kps[2][1] - f->kps[0][1];
    return length > 0 ? (nx * ex + ny * ey) / length : 0.5f;
}

/* Mean level, and variance of the Laplacian in units of the crop's own variance,
 * so that contrast does not matter (after Pech-Pacheco et al., 2000). */
static void measure_crop(fct_view v, double *mean, double *sharpness) {
    double sum = 0, squares = 0, edges = 0;
    int n = 0;
    for (int y = 1; y < v.height - 1; y++) {
        const uint8_t *p = v.data + y * v.stride;
        for (int x = 1; x < v.width - 1; x++, n++) {
            int laplacian = 4 * p[x] - p[x - 1] - p[x + 1] - p[x - v.stride] - p[x + v.stride];
            sum += p[x];
            squares += p[x] * p[x];
            edges += laplacian * laplacian;
        }
    }
    *mean = sum / n;
    double variance = squares / n - *mean * *mean;
    *sharpness = variance > 1 ? edges / n / variance : 0;
}

static void check_crop(fct_view picture, const fct_face *face, cli_face_check *out) {
    fct_image *crop = NULL, *gray = NULL;
    if (fct_align(picture, face->kps, CROP, &crop, NULL)) return;
    if (!fct_image_convert(fct_image_view(crop), FCT_PIX_GRAY, &gray, NULL)) {
        double mean, sharpness;
        measure_crop(fct_image_view(gray), &mean, &sharpness);
        if (mean < 40) add(out, "very dark");
        if (mean > 225) add(out, "overexposed");
        if (sharpness < 0.01) add(out, "blurred");
    }
    fct_image_free(gray);
    fct_image_free(crop);
}

void cli_face_check_photo(fct_view picture, const fct_face *face, cli_face_check *out) {
    const float *b = face->box;
    float w = b[2] - b[0], h = b[3] - b[1], side = fminf(w, h);
    if (side < SMALL_FACE) add(out, "small (%.0f pixels)", side);
    if (face->score < 0.6f) add(out, "hard to see (score %.2f)", face->score);
    float beyond = fmaxf(fmaxf(-b[0], b[2] - (float)picture.width) / w, fmaxf(-b[1], b[3] - (float)picture.height) / h);
    if (beyond > 0.15f) add(out, "cut off by the picture's edge");
    if (!face->has_kps) return;
    float nose = nose_position(face);
    if (nose < 0.15f || nose > 0.85f) add(out, "turned to the side");
    check_crop(picture, face, out);
}

fct_status cli_face_check_people(fct_gallery *g, const char *name, const char *model_id, const fct_face *face,
                                 float threshold, cli_face_check *out, fct_error *err) {
    fct_gallery_info info;
    fct_status st = fct_gallery_stat(g, &info, err);
    if (st || info.people == 0) return st;
    fct_match *matches = cli_alloc((size_t)info.people, sizeof *matches);
    int n;
    st = fct_gallery_search(g, model_id, face->embedding, face->embedding_dim, -1, info.people, matches, &n, err);
    for (int i = 0; i < n && !st; i++)
        if (strcmp(matches[i].name, name) == 0 && matches[i].score < threshold)
            add(out, "unlike the other photos of %.60s (cosine %.2f)", name, matches[i].score);
    for (int i = 0; i < n && !st && matches[i].score >= threshold; i++)
        if (strcmp(matches[i].name, name)) {
            add(out, "like %.60s (cosine %.2f)", matches[i].name, matches[i].score);
            break;
        }
    free(matches);
    return st;
}
