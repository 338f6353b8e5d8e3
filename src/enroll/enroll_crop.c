/* Embedding the pictures that a gallery stores. Whether a picture is aligned is
 * looked up where it is recorded, and else found out by detecting the face in it:
 * an unaligned crop that is embedded as if it were aligned gives an embedding of
 * nobody. */
#include "facet/enroll.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* How far the landmarks of an aligned crop may lie from the template, on average, in
 * distances of the eyes. Detectors differ by 0.02 to 0.06; those of a crop cut by a
 * box lie 0.3 and more away. */
#define ALIGNED_WITHIN 0.12f

/* Side of the embedder's input. */
static fct_status input_side(const fct_pack *p, int *side, fct_error *err) {
    fct_tensor_info in;
    const fct_model *m = fct_pack_model(p, FCT_TASK_EMBED);
    *side = 112;
    if (!m) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no embedder in this pack", fct_pack_name(p));
    fct_status s = fct_model_input(m, 0, &in, err);
    if (!s && in.dims[2] > 0) *side = (int)in.dims[2];
    return s;
}

/* From an aligned crop of one size to one of another. The template of multiples of
 * 128 has 16 more in width than that of 112, half of them on each side
 * (fct_align_matrix); both begin at the same height. */
static fct_status fit(fct_view v, int side, fct_image **out, fct_error *err) {
    double from = v.width % 112 ? v.width / 128.0 : v.width / 112.0, to = side % 112 ? side / 128.0 : side / 112.0;
    double from_x = v.width % 112 ? 8 * from : 0, to_x = side % 112 ? 8 * to : 0, k = to / from;
    return fct_image_warp(v, (double[6]){k, 0, to_x - k * from_x, 0, k, 0}, side, side, out, err);
}

static fct_status embed_aligned(const fct_pack *p, fct_analyzer *a, fct_view v, float *out, fct_error *err) {
    int side;
    fct_image *fitted = NULL;
    fct_status s = input_side(p, &side, err);
    if (s || (v.width == side && v.height == side)) return s ? s : fct_embed_aligned(a, &v, 1, out, err);
    s = fit(v, side, &fitted, err);
    if (s) return s;
    v = fct_image_view(fitted);
    s = fct_embed_aligned(a, &v, 1, out, err);
    fct_image_free(fitted);
    return s;
}

/* The picture in the middle of a black one of twice its size: detectors want to see
 * something around a face. */
static fct_status surround(fct_view v, fct_image **out, fct_error *err) {
    fct_status s = fct_image_create(2 * v.width, 2 * v.height, FCT_PIX_RGB, out, err);
    if (!s) fct_draw_image(*out, v, v.width / 2, v.height / 2);
    return s;
}

/* The face whose box holds the middle of the picture best: neighbors may look into a crop. */
static const fct_face *middle_face(const fct_faces *faces, float width, float height) {
    const fct_face *best = NULL;
    float least = 0;
    for (int i = 0; i < fct_faces_count(faces); i++) {
        const fct_face *f = fct_faces_at(faces, i);
        float w = f->box[2] - f->box[0], x = (f->box[0] + f->box[2] - width) / 2,
              y = (f->box[1] + f->box[3] - height) / 2;
        float off = (x * x + y * y) / (w * w + 1);
        if (f->has_kps && f->embedding && (!best || off < least)) best = f, least = off;
    }
    return best;
}

/* Not hypot(), which would need a newer C library (glibc 2.35). */
static double length(double x, double y) { return sqrt(x * x + y * y); }

/* Whether landmarks lie where an aligned crop of this size has them: then the
 * alignment's own transform hardly moves them. */
static bool is_aligned(fct_view crop, const float kps[5][2]) {
    double m[6];
    int side = crop.width;
    if (crop.height != side || (side % 112 && side % 128) || fct_align_matrix(kps, side, m, NULL)) return false;
    double sum = 0, eyes = length((double)(kps[1][0] - kps[0][0]), (double)(kps[1][1] - kps[0][1]));
    for (int i = 0; i < 5; i++) {
        double x = (double)kps[i][0], y = (double)kps[i][1];
        sum += length(m[0] * x + m[1] * y + m[2] - x, m[3] * x + m[4] * y + m[5] - y);
    }
    return sum / 5 < (double)ALIGNED_WITHIN * eyes;
}

static fct_status embed_found(const fct_pack *p, fct_analyzer *a, fct_view crop, const fct_face *f, float *out,
                              fct_error *err) {
    float kps[5][2];
    for (int i = 0; i < 5; i++) {
        kps[i][0] = f->kps[i][0] - (float)(crop.width / 2);
        kps[i][1] = f->kps[i][1] - (float)(crop.height / 2);
    }
    if (is_aligned(crop, kps)) return embed_aligned(p, a, crop, out, err);
    memcpy(out, f->embedding, (size_t)f->embedding_dim * sizeof *out);
    return FCT_OK;
}

/* Looks for the face in a stored crop of unknown cut, with a border around it, as the detector expects. */
static fct_status embed_detected(const fct_pack *p, fct_analyzer *a, fct_view crop, float *out, fct_error *err) {
    fct_image *whole = NULL;
    fct_faces *faces = NULL;
    fct_status s = surround(crop, &whole, err);
    if (!s) s = fct_analyze(a, fct_image_view(whole), &faces, err);
    if (!s) {
        const fct_face *f = middle_face(faces, 2 * (float)crop.width, 2 * (float)crop.height);
        s = f ? embed_found(p, a, crop, f, out, err)
              : fct_fail(err, FCT_ERR_NOT_FOUND,
                         "no face can be found in its picture, and nothing says that it is aligned");
    }
    fct_faces_free(faces);
    fct_image_free(whole);
    return s;
}

fct_status fct_embed_crop(const fct_pack *p, fct_analyzer *a, const void *jpeg, size_t len, fct_crop_cut cut,
                          float *out, fct_error *err) {
    fct_image *im;
    if (!p || !a || !jpeg || !out) return fct_fail(err, FCT_ERR_ARG, "a picture to embed: something is missing");
    fct_status s = fct_image_decode(jpeg, len, "its picture", NULL, &im, err);
    if (s) return s;
    fct_view v = fct_image_view(im);
    s = cut == FCT_CROP_ALIGNED && v.width == v.height ? embed_aligned(p, a, v, out, err)
                                                       : embed_detected(p, a, v, out, err);
    fct_image_free(im);
    return s;
}
