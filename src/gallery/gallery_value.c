#include "base/error.h"
#include "base/hash.h"
#include "gallery/gallery_impl.h"
#include "text/utf8.h"
#include <limits.h>
#include <math.h>
#include <string.h>

void fct_embedding_pack(const float *v, int dim, uint8_t *out) {
    for (int i = 0; i < dim; i++) {
        uint32_t u;
        memcpy(&u, &v[i], 4);
        for (int b = 0; b < 4; b++) out[4 * i + b] = (uint8_t)(u >> (8 * b));
    }
}

bool fct_embedding_unpack(const void *data, size_t size, int dim, float *out) {
    if (!data || size != (size_t)dim * 4) return false;
    const uint8_t *p = data;
    bool zero = true;
    for (int i = 0; i < dim; i++, p += 4) {
        uint32_t u = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        memcpy(&out[i], &u, 4);
        if (!isfinite(out[i])) return false;
        if (out[i] != 0) zero = false;
    }
    return !zero;
}

int64_t fct_face_checksum(const void *embedding, size_t embedding_size, const void *crop, size_t crop_size) {
    fct_sha256 h;
    uint8_t d[32];
    uint64_t v = 0;
    fct_sha256_init(&h);
    fct_sha256_update(&h, embedding, embedding_size);
    if (crop) fct_sha256_update(&h, crop, crop_size);
    fct_sha256_final(&h, d);
    for (int i = 0; i < 8; i++) v = v << 8 | d[i];
    return (int64_t)v;
}

double fct_embedding_cosine(const float *a, const float *b, int dim) {
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < dim; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* Length in bytes of the UTF-8 character at s, which a NUL ends; 0 when it is not
 * one. *code: its code point. */
static int utf8_char(const char *s, uint32_t *code) {
    int n = fct_utf8_length(s, strnlen(s, 4));
    if (n) *code = (uint32_t)fct_utf8_next(&s, s + n);
    return n;
}

/* Unicode's category Cc, and the two that break lines without being in it. */
static bool is_control(uint32_t cp) { return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029; }

bool fct_name_valid(const char *name, const char **why) {
    size_t len = strnlen(name, FCT_NAME_MAX + 1);
    *why = len == 0 ? "is empty" : len > FCT_NAME_MAX ? "is longer than 200 bytes" : NULL;
    const char *s = name;
    uint32_t cp;
    for (size_t i = 0; !*why && i < len;) {
        int n = utf8_char(s + i, &cp);
        if (!n) *why = "is not UTF-8";
        else if (is_control(cp)) *why = "has a control character";
        i += n;
    }
    return !*why;
}

void fct_text_clean(const char *src, char *out, size_t cap) {
    const char *s = src;
    size_t used = 0;
    while (*s) {
        uint32_t cp = 0;
        int n = utf8_char(s, &cp);
        bool good = n && !is_control(cp);
        size_t put = good ? (size_t)n : 1;
        if (used + put >= cap) break;
        if (good) memcpy(out + used, s, put);
        else out[used] = '?';
        used += put;
        s += n ? n : 1;
    }
    out[used] = 0;
}

/* ---- Records of the store ----------------------------------------------------------- */

fct_status fct_face_unpack(const fct_store *st, const fct_store_face *f, int dim, float *out, fct_error *err) {
    if (fct_embedding_unpack(f->embedding, f->embedding_size, dim, out)) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged; restore it from a copy (the embedding of face %lld)", st->place,
                    (long long)f->id);
}

fct_status fct_person_check(const fct_store *st, const fct_store_person *p, fct_error *err) {
    const char *why;
    if (p->name && fct_name_valid(p->name, &why)) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged; restore it from a copy (the name of person %lld)", st->place,
                    (long long)p->id);
}

fct_status fct_model_read(fct_store *st, fct_store_model *out, fct_error *err) {
    fct_status s = st->ops->get_model(st, out, err);
    if (s || !out->dim) return s;
    if (out->id[0] && out->dim >= 1 && out->dim <= FCT_INDEX_DIM_MAX) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: the entry of its model is damaged", st->place);
}

/* A number of a damaged file may be none that a float can hold. */
static float to_float(double v) { return v >= -3e38 && v <= 3e38 ? (float)v : 0; }

void fct_person_show(const fct_store_person *from, fct_person *out) {
    memset(out, 0, sizeof *out);
    out->id = from->id;
    out->created = from->created;
    out->faces = from->faces < INT_MAX ? (int)from->faces : INT_MAX;
    out->collection_id = from->collection_id;
    out->expires = from->expires;
    memcpy(out->name, from->name, strlen(from->name) + 1);
}

void fct_face_show(const fct_store_face *from, fct_stored_face *out) {
    memset(out, 0, sizeof *out);
    out->id = from->id;
    out->person_id = from->person_id;
    out->created = from->created;
    for (int i = 0; i < 4; i++) out->box[i] = to_float(from->box[i]);
    out->score = to_float(from->score);
    out->quality = to_float(from->quality);
    out->has_crop = from->has_crop;
    bool known = from->crop_cut == FCT_CROP_ALIGNED || from->crop_cut == FCT_CROP_LOOSE;
    out->crop_cut = known ? (fct_crop_cut)from->crop_cut : FCT_CROP_UNKNOWN;
    if (from->source) fct_text_clean(from->source, out->source, sizeof out->source);
}
