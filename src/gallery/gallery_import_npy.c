/* Faces from a NumPy matrix and a list of names. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "text/csv_reader.h"
#include "gallery/gallery_impl.h"
#include "gallery/gallery_npy.h"
#include <string.h>

typedef struct npy_import {
    fct_enroller enroller;
    int64_t collection_id; /* where people go; 0 = the default */
    const char *model_id, *npy_path, *csv_path;
    fct_npy matrix;
    fct_csv csv;
    const char *names; /* the CSV file's bytes, without a byte-order mark */
    size_t names_size;
    float *embedding; /* [dim] */
    int64_t now;
    int added;
} npy_import;

static fct_status bad_line(const npy_import *im, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: line %ld %s", im->csv_path, im->csv.line, why);
}

/* The next name; passes over a heading. */
static fct_status next_name(npy_import *im, bool first, bool *found, fct_error *err) {
    const char *why;
    fct_csv *c = &im->csv;
    *found = fct_csv_next(c, &why);
    if (why) return bad_line(im, why, err);
    bool heading = first && *found && strcmp(c->field[0], "name") == 0 &&
                   (c->n == 1 || (c->n == 2 && strcmp(c->field[1], "source") == 0));
    return heading ? next_name(im, false, found, err) : FCT_OK;
}

static fct_status import_row(npy_import *im, size_t row, fct_error *err) {
    const char *why, *name = im->csv.field[0];
    char clean[FCT_NAME_MAX + 1];
    fct_status s = fct_name_clean(name, clean, &why);
    if (s) return s == FCT_ERR_NOMEM ? fct_fail_nomem(err, "name", 0) : bad_line(im, "holds no valid name", err);
    fct_npy_row(&im->matrix, row, im->embedding);
    fct_enrollment f = {.model_id = im->model_id,
                        .embedding = im->embedding,
                        .dim = im->matrix.dim,
                        .source = im->csv.n > 1 ? im->csv.field[1] : NULL};
    if (fct_faces_check(&f, 1, NULL))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: row %zu is zero or not finite", im->npy_path, row);
    return fct_enroller_put(&im->enroller, name, &f, im->now, NULL, err);
}

static fct_status import_rows(npy_import *im, fct_error *err) {
    bool found;
    fct_status s = FCT_OK;
    for (size_t row = 0; row < im->matrix.n && !s; row++) {
        s = next_name(im, row == 0, &found, err);
        if (!s && !found)
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: has %zu names, %s has %zu rows", im->csv_path, row, im->npy_path,
                         im->matrix.n);
        if (!s) s = import_row(im, row, err);
    }
    if (!s) s = next_name(im, im->matrix.n == 0, &found, err);
    if (!s && found)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: has more names than %s has rows (%zu)", im->csv_path, im->npy_path,
                     im->matrix.n);
    return s ? s : fct_enroller_flush(&im->enroller, err);
}

/* Reading CSV ends fields where they stand, so that each try has a copy. */
static fct_status import_all(void *ctx, fct_store *st, fct_error *err) {
    npy_import *im = ctx;
    char *csv = fct_alloc(im->names_size + 1);
    if (!csv) return fct_fail_nomem(err, "names", im->names_size);
    memcpy(csv, im->names, im->names_size);
    csv[im->names_size] = 0;
    im->csv = (fct_csv){.p = csv, .end = csv + im->names_size, .next = 1};
    im->enroller = (fct_enroller){.st = st, .collection_id = im->collection_id};
    fct_status s = import_rows(im, err);
    im->added = im->enroller.added;
    fct_enroller_clear(&im->enroller);
    fct_free(csv);
    return s;
}

static fct_status import_files(fct_gallery *g, npy_import *im, const uint8_t *npy, size_t npy_size, const char *csv,
                               size_t csv_size, fct_error *err) {
    fct_status s = fct_npy_read(npy, npy_size, im->npy_path, FCT_INDEX_DIM_MAX, &im->matrix, err);
    if (s) return s;
    if (csv_size >= 3 && memcmp(csv, "\xef\xbb\xbf", 3) == 0) csv += 3, csv_size -= 3; /* byte-order mark */
    im->names = csv;
    im->names_size = csv_size;
    im->embedding = fct_realloc_array(NULL, (size_t)im->matrix.dim, sizeof *im->embedding);
    if (!im->embedding) return fct_fail_nomem(err, "embedding", 0);
    return fct_gallery_write(g, import_all, im, err);
}

/* A device may have no end. */
static fct_status check_regular(const char *path, fct_error *err) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (!st.exists || st.is_dir || st.is_file) return FCT_OK; /* reading it tells the rest */
    return fct_fail(err, FCT_ERR_IO, "%s: is not a regular file", path);
}

fct_status fct_gallery_import_npy(fct_gallery *g, const char *model_id, const char *npy_path, const char *csv_path,
                                  int *added, fct_error *err) {
    if (added) *added = 0;
    if (!npy_path || !csv_path) return fct_fail(err, FCT_ERR_ARG, "import: no path");
    fct_status s = fct_model_check(model_id, 1, err);
    if (s) return s;
    npy_import im = {.model_id = model_id,
                     .npy_path = npy_path,
                     .csv_path = csv_path,
                     .collection_id = fct_gallery_home(g),
                     .now = fct_time_unix()};
    uint8_t *npy = NULL, *csv = NULL;
    size_t npy_size, csv_size;
    s = check_regular(npy_path, err);
    if (!s) s = fct_file_read(npy_path, SIZE_MAX / 4, &npy, &npy_size, err);
    if (!s) s = fct_file_read(csv_path, (size_t)256 << 20, &csv, &csv_size, err);
    if (!s) s = import_files(g, &im, npy, npy_size, (const char *)csv, csv_size, err);
    if (!s && added) *added = im.added;
    fct_free(im.embedding);
    fct_free(npy);
    fct_free(csv);
    return s;
}
