#include "train/teacher.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { HEAD = 24 };

static uint64_t number(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* Unit length, or zero. */
static bool clean_row(float *row, int dim) {
    double sq = 0;
    for (int k = 0; k < dim; k++) sq += (double)row[k] * row[k];
    bool ok = isfinite(sq);
    float inv = ok && sq > 0 ? (float)(1 / sqrt(sq)) : 0;
    for (int k = 0; k < dim; k++) row[k] = inv > 0 ? row[k] * inv : 0;
    return ok;
}

static fct_status parse(const char *path, const fct_map *m, const fct_dataset *d, fct_teacher *out, size_t *bad,
                        fct_error *err) {
    if (m->size < HEAD || memcmp(m->data, "FCTTEACH", 8) || number(m->data + 8, 4) != 1)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: not a file of teacher embeddings", path);
    uint64_t dim = number(m->data + 12, 4), n = number(m->data + 16, 8);
    if (dim < 1 || dim > 4096 || n > (m->size - HEAD) / (dim * 4) || HEAD + n * dim * 4 != m->size)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: cut off: %llu rows of %llu expected", path, (unsigned long long)n,
                        (unsigned long long)dim);
    if (n != d->n)
        return fct_fail(err, FCT_ERR_MISMATCH, "%s: %llu rows for %zu pictures", path, (unsigned long long)n, d->n);
    out->rows = fct_aligned_alloc((size_t)(n * dim * 4));
    if (!out->rows) return fct_fail_nomem(err, "teacher embeddings", (size_t)(n * dim * 4));
    memcpy(out->rows, m->data + HEAD, (size_t)(n * dim * 4));
    out->n = (size_t)n;
    out->dim = (int)dim;
    for (size_t i = 0; i < n; i++) *bad += !clean_row(out->rows + i * dim, (int)dim);
    return FCT_OK;
}

fct_status fct_teacher_read(const char *path, const fct_dataset *d, fct_teacher *out, size_t *bad, fct_error *err) {
    fct_map m;
    *out = (fct_teacher){0};
    *bad = 0;
    fct_status s = fct_map_copy(path, SIZE_MAX, &m, err);
    if (s) return s;
    s = parse(path, &m, d, out, bad, err);
    fct_map_close(&m);
    return s;
}

/* The file is a header of 24 bytes, then the rows as floats. */
fct_status fct_teacher_write(const char *path, const fct_teacher *t, fct_error *err) {
    size_t body = t->n * (size_t)t->dim * 4;
    uint8_t *data = fct_alloc(HEAD + body);
    if (!data) return fct_fail_nomem(err, "teacher embeddings", body);
    memcpy(data, "FCTTEACH", 8);
    for (int i = 0; i < 4; i++) data[8 + i] = (uint8_t)(1 >> (8 * i)), data[12 + i] = (uint8_t)(t->dim >> (8 * i));
    for (int i = 0; i < 8; i++) data[16 + i] = (uint8_t)((uint64_t)t->n >> (8 * i));
    memcpy(data + HEAD, t->rows, body);
    fct_status s = fct_file_write_atomic(path, data, HEAD + body, err);
    fct_free(data);
    return s;
}

void fct_teacher_add_classes(const fct_teacher *t, const fct_dataset *d, float *rows) {
    for (size_t i = 0; i < t->n; i++) {
        int label = d->sample[i].label;
        for (int k = 0; label >= 0 && k < t->dim; k++) rows[(size_t)label * t->dim + k] += t->rows[i * t->dim + k];
    }
}

void fct_teacher_clear(fct_teacher *t) {
    fct_aligned_free(t->rows);
    *t = (fct_teacher){0};
}
