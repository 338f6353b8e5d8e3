/* Storing faces. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "gallery/gallery_impl.h"
#include <math.h>
#include <string.h>

#define DUPLICATE_COSINE 0.9999

/* ---- A person's faces -------------------------------------------------------- */

void fct_face_set_clear(fct_face_set *s) {
    fct_free(s->ids);
    fct_free(s->embeddings);
    memset(s, 0, sizeof *s);
}

fct_status fct_face_set_add(fct_face_set *s, int64_t id, const float *embedding, fct_error *err) {
    if (s->n == s->cap) {
        int cap = s->cap ? s->cap * 2 : 16;
        int64_t *ids = cap > 0 ? fct_realloc_array(s->ids, (size_t)cap, sizeof *ids) : NULL;
        if (!ids) return fct_fail_nomem(err, "faces of a person", 0);
        s->ids = ids;
        float *all = fct_realloc_array(s->embeddings, (size_t)cap, (size_t)s->dim * sizeof *all);
        if (!all) return fct_fail_nomem(err, "faces of a person", 0);
        s->embeddings = all;
        s->cap = cap;
    }
    s->ids[s->n] = id;
    memcpy(s->embeddings + (size_t)s->n * s->dim, embedding, (size_t)s->dim * sizeof *embedding);
    s->n++;
    return FCT_OK;
}

int64_t fct_face_set_find(const fct_face_set *s, const float *embedding) {
    for (int i = 0; i < s->n; i++)
        if (fct_embedding_cosine(s->embeddings + (size_t)i * s->dim, embedding, s->dim) > DUPLICATE_COSINE)
            return s->ids[i];
    return 0;
}

static fct_status load_face(const fct_db *db, sqlite3_stmt *q, float *buf, fct_face_set *out, fct_error *err) {
    int64_t id = sqlite3_column_int64(q, 0);
    const void *blob;
    size_t size;
    fct_status s = fct_db_blob(db, q, 1, &blob, &size, err);
    if (s) return s;
    if (!fct_embedding_unpack(blob, size, out->dim, buf))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the embedding of face %lld is damaged", db->path, (long long)id);
    return fct_face_set_add(out, id, buf, err);
}

fct_status fct_face_set_load(const fct_db *db, int64_t person_id, int dim, fct_face_set *out, fct_error *err) {
    *out = (fct_face_set){.dim = dim};
    float *buf = fct_realloc_array(NULL, (size_t)dim, sizeof *buf);
    if (!buf) return fct_fail_nomem(err, "embedding", 0);
    sqlite3_stmt *q;
    fct_status s =
        fct_db_query(db, &q, err, "SELECT id, embedding FROM face WHERE person_id = ? ORDER BY id", "i", person_id);
    for (bool row = true; !s;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = load_face(db, q, buf, out, err);
    }
    sqlite3_finalize(q);
    fct_free(buf);
    if (s) fct_face_set_clear(out);
    return s;
}

/* ---- Checks before anything is written ------------------------------------------ */

fct_status fct_model_check(const char *model_id, int dim, fct_error *err) {
    size_t len = model_id ? strnlen(model_id, 65) : 0;
    if (len < 1 || len > 64) return fct_fail(err, FCT_ERR_ARG, "a model id has 1 to 64 characters");
    for (size_t i = 0; i < len; i++)
        if (model_id[i] <= ' ' || model_id[i] > '~') return fct_fail(err, FCT_ERR_ARG, "a model id is printable ASCII");
    if (dim < 1 || dim > FCT_INDEX_DIM_MAX)
        return fct_fail(err, FCT_ERR_ARG, "dimension %d is not in 1..%d", dim, FCT_INDEX_DIM_MAX);
    return FCT_OK;
}

static bool is_usable(const float *v, int dim) {
    bool zero = true;
    for (int i = 0; i < dim; i++) {
        if (!isfinite(v[i])) return false;
        if (v[i] != 0) zero = false;
    }
    return !zero;
}

static fct_status check_face(const fct_enrollment *f, const fct_enrollment *first, int i, fct_error *err) {
    fct_status s = fct_model_check(f->model_id, f->dim, err);
    if (s) return s;
    if (f->dim != first->dim || strcmp(f->model_id, first->model_id) != 0)
        return fct_fail(err, FCT_ERR_MISMATCH, "face %d is of another model than face 0", i);
    if (!f->embedding || !is_usable(f->embedding, f->dim))
        return fct_fail(err, FCT_ERR_ARG, "the embedding of face %d is missing, zero or not finite", i);
    if (!isfinite(f->box[0]) || !isfinite(f->box[1]) || !isfinite(f->box[2]) || !isfinite(f->box[3]) ||
        !isfinite(f->score) || !isfinite(f->quality))
        return fct_fail(err, FCT_ERR_ARG, "box, score or quality of face %d is not finite", i);
    if (f->crop && (f->crop_len < 1 || f->crop_len > FCT_CROP_MAX))
        return fct_fail(err, f->crop_len ? FCT_ERR_LIMIT : FCT_ERR_ARG, "the crop of face %d has %zu bytes", i,
                        f->crop_len);
    if (f->crop_cut < FCT_CROP_UNKNOWN || f->crop_cut > FCT_CROP_LOOSE)
        return fct_fail(err, FCT_ERR_ARG, "the crop of face %d is cut in no known way (%d)", i, (int)f->crop_cut);
    return FCT_OK;
}

fct_status fct_enrollment_check(const char *name, const fct_enrollment *faces, int n, fct_error *err) {
    const char *why;
    if (!name || !fct_name_valid(name, &why))
        return fct_fail(err, FCT_ERR_ARG, "the person's name %s", name ? why : "is missing");
    if (!faces || n < 1) return fct_fail(err, FCT_ERR_ARG, "no face to enroll");
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) s = check_face(&faces[i], &faces[0], i, err);
    return s;
}

/* ---- The transaction ---------------------------------------------------------------- */

/* The first enrollment pins the model, others must agree with it. */
static fct_status pin_model(const fct_db *db, const fct_enrollment *f, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    fct_status s = fct_db_query(db, &q, err, "SELECT model_id, dim FROM model", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    const char *id = NULL;
    if (!s && row) s = fct_db_text(db, q, 0, &id, err);
    if (!s && row) {
        int64_t dim = sqlite3_column_int64(q, 1);
        if (!id || strcmp(id, f->model_id) != 0 || dim != f->dim)
            s = fct_fail(err, FCT_ERR_MISMATCH,
                         "%s: its faces were made by model %.12s (%d values), not by %.12s (%d values)", db->path,
                         id ? id : "?", (int)dim, f->model_id, f->dim);
    }
    sqlite3_finalize(q);
    if (s || row) return s;
    s = fct_db_run(db, err, "INSERT INTO model(id, model_id, dim) VALUES(1, ?, ?)", "ti", f->model_id, (int64_t)f->dim);
    return s ? s : fct_gallery_log_change(db, FCT_CHANGE_ALL, 0, err);
}

fct_status fct_gallery_get_person(const fct_db *db, const char *name, int64_t created, int64_t *id, fct_error *err) {
    fct_status s = fct_db_int(db, id, err, "SELECT id FROM person WHERE name = ?", "t", name);
    if (s || *id) return s;
    s = fct_db_run(db, err, "INSERT INTO person(name, created) VALUES(?, ?)", "ti", name, created);
    if (s) return s;
    *id = sqlite3_last_insert_rowid(db->h);
    return fct_gallery_log_change(db, FCT_CHANGE_PERSON, *id, err);
}

static fct_status insert_face(const fct_db *db, int64_t person, const fct_enrollment *f, int64_t created, uint8_t *blob,
                              int64_t *id, fct_error *err) {
    char source[FCT_SOURCE_MAX];
    size_t size = (size_t)f->dim * 4, crop_len = f->crop ? f->crop_len : 0;
    if (f->source) fct_text_clean(f->source, source, sizeof source);
    fct_embedding_pack(f->embedding, f->dim, blob);
    fct_status s =
        fct_db_run(db, err,
                   "INSERT INTO face(person_id, created, x1, y1, x2, y2, score, quality, source, embedding, checksum) "
                   "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "iiddddddtbi", person, created, (double)f->box[0], (double)f->box[1], (double)f->box[2],
                   (double)f->box[3], (double)f->score, (double)f->quality, f->source ? source : NULL,
                   (const void *)blob, size, fct_face_checksum(blob, size, f->crop, crop_len));
    if (s) return s;
    *id = sqlite3_last_insert_rowid(db->h);
    if (f->crop)
        s = fct_db_run(db, err, "INSERT INTO crop(face_id, cut, jpeg) VALUES(?, ?, ?)", "iib", *id,
                       (int64_t)f->crop_cut, f->crop, crop_len);
    return s ? s : fct_gallery_log_change(db, FCT_CHANGE_FACE, *id, err);
}

void fct_enroller_clear(fct_enroller *e) {
    fct_face_set_clear(&e->known);
    fct_free(e->blob);
    memset(e, 0, sizeof *e);
}

/* Makes name the person that faces go to. */
static fct_status choose_person(fct_enroller *e, const char *name, int64_t created, fct_error *err) {
    fct_status s = fct_gallery_get_person(e->db, name, created, &e->person, err);
    fct_face_set_clear(&e->known);
    if (!s) s = fct_face_set_load(e->db, e->person, e->dim, &e->known, err);
    if (s) e->name[0] = 0;
    else memcpy(e->name, name, strlen(name) + 1);
    return s;
}

fct_status fct_enroller_put(fct_enroller *e, const char *name, const fct_enrollment *f, int64_t created, int64_t *id,
                            fct_error *err) {
    fct_status s = fct_enrollment_check(name, f, 1, err);
    if (!s && !e->blob) {
        s = pin_model(e->db, f, err);
        e->dim = f->dim;
        if (!s && !(e->blob = fct_alloc((size_t)f->dim * 4))) s = fct_fail_nomem(err, "embedding", 0);
    }
    if (!s && strcmp(e->name, name) != 0) s = choose_person(e, name, created, err);
    if (s) return s;
    *id = fct_face_set_find(&e->known, f->embedding);
    if (*id) return FCT_OK;
    s = insert_face(e->db, e->person, f, created, e->blob, id, err);
    if (!s) s = fct_face_set_add(&e->known, *id, f->embedding, err);
    e->added++;
    return s;
}

static fct_status enroll(const fct_db *db, const char *name, const fct_enrollment *faces, int n, int64_t *ids,
                         int *added, fct_error *err) {
    fct_enroller e = {.db = db};
    int64_t now = fct_time_unix();
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) s = fct_enroller_put(&e, name, &faces[i], now, &ids[i], err);
    *added = e.added;
    fct_enroller_clear(&e);
    return s;
}

fct_status fct_gallery_enroll(fct_gallery *g, const char *name, const fct_enrollment *faces, int n, int64_t *face_ids,
                              int *added, fct_error *err) {
    int count = 0;
    if (added) *added = 0;
    if (face_ids && n > 0) memset(face_ids, 0, (size_t)n * sizeof *face_ids);
    fct_status s = fct_enrollment_check(name, faces, n, err);
    if (s) return s;
    int64_t *ids = fct_realloc_array(NULL, (size_t)n, sizeof *ids);
    if (!ids) return fct_fail_nomem(err, "enrollment", 0);
    s = fct_gallery_write_begin(g, err);
    if (!s) s = fct_gallery_write_end(g, enroll(&g->db, name, faces, n, ids, &count, err), err);
    if (!s) {
        if (face_ids) memcpy(face_ids, ids, (size_t)n * sizeof *ids);
        if (added) *added = count;
    }
    fct_free(ids);
    return s;
}
