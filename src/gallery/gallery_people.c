/* Listing, renaming and removing people and faces. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <string.h>

/* ---- Lists ------------------------------------------------------------------------ */

/* A growing array of structs. */
typedef struct list {
    void *items;
    size_t item_size;
    int n, cap;
} list;

static void *list_add(list *l, fct_error *err) {
    if (l->n == l->cap) {
        int cap = l->cap < 64 ? 64 : l->cap > INT_MAX / 2 ? 0 : l->cap * 2;
        void *items = cap ? fct_realloc_array(l->items, (size_t)cap, l->item_size) : NULL;
        if (!items) return fct_fail_nomem(err, "list of the gallery", 0), NULL;
        l->items = items;
        l->cap = cap;
    }
    void *item = (char *)l->items + (size_t)l->n++ * l->item_size;
    memset(item, 0, l->item_size);
    return item;
}

/* Reads all rows of q, one item each, and finalizes q. */
typedef fct_status read_item_fn(const fct_db *db, sqlite3_stmt *q, void *item, fct_error *err);
static fct_status read_list(const fct_db *db, sqlite3_stmt *q, list *l, read_item_fn *fn, fct_error *err) {
    fct_status s = FCT_OK;
    for (bool row = true; !s;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        void *item = list_add(l, err);
        s = item ? fn(db, q, item, err) : FCT_ERR_NOMEM;
    }
    sqlite3_finalize(q);
    if (s) {
        fct_free(l->items);
        *l = (list){.item_size = l->item_size};
    }
    return s;
}

#define PERSON_SELECT "SELECT id, name, created, (SELECT count(*) FROM face WHERE person_id = person.id) FROM person "

static fct_status read_person(const fct_db *db, sqlite3_stmt *q, void *item, fct_error *err) {
    fct_person *p = item;
    const char *why, *name;
    fct_status s = fct_db_text(db, q, 1, &name, err);
    if (s) return s;
    p->id = sqlite3_column_int64(q, 0);
    if (!name || !fct_name_valid(name, &why))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the name of person %lld is damaged", db->path, (long long)p->id);
    memcpy(p->name, name, strlen(name) + 1);
    p->created = sqlite3_column_int64(q, 2);
    p->faces = sqlite3_column_int(q, 3);
    return FCT_OK;
}

fct_status fct_gallery_people(fct_gallery *g, fct_person **out, int *n, fct_error *err) {
    *out = NULL;
    *n = 0;
    list l = {.item_size = sizeof **out};
    sqlite3_stmt *q;
    fct_mutex_lock(&g->lock);
    fct_status s = fct_db_query(&g->db, &q, err, PERSON_SELECT "ORDER BY name", "");
    if (!s) s = read_list(&g->db, q, &l, read_person, err);
    fct_mutex_unlock(&g->lock);
    *out = l.items;
    *n = l.n;
    return s;
}

void fct_gallery_people_free(fct_person *p) { fct_free(p); }

static float column_float(sqlite3_stmt *q, int column) {
    double v = sqlite3_column_double(q, column);
    return v >= -3e38 && v <= 3e38 ? (float)v : 0; /* of a damaged file */
}

/* Schema 1 does not say how crops were cut. */
const char *fct_gallery_face_columns(const fct_db *db) {
    return db->schema > 1 ? "SELECT id, person_id, face.created, x1, y1, x2, y2, score, quality, source, cut"
                          : "SELECT id, person_id, face.created, x1, y1, x2, y2, score, quality, source, "
                            "iif(face_id IS NULL, NULL, 0)";
}

fct_status fct_gallery_read_face(const fct_db *db, sqlite3_stmt *q, fct_stored_face *f, fct_error *err) {
    memset(f, 0, sizeof *f);
    f->id = sqlite3_column_int64(q, 0);
    f->person_id = sqlite3_column_int64(q, 1);
    f->created = sqlite3_column_int64(q, 2);
    for (int i = 0; i < 4; i++) f->box[i] = column_float(q, 3 + i);
    f->score = column_float(q, 7);
    f->quality = column_float(q, 8);
    f->has_crop = sqlite3_column_type(q, 10) != SQLITE_NULL;
    int cut = sqlite3_column_int(q, 10);
    f->crop_cut = cut == FCT_CROP_ALIGNED || cut == FCT_CROP_LOOSE ? (fct_crop_cut)cut : FCT_CROP_UNKNOWN;
    const char *source;
    fct_status s = fct_db_text(db, q, 9, &source, err);
    if (!s && source) fct_text_clean(source, f->source, sizeof f->source);
    return s;
}

static fct_status read_face(const fct_db *db, sqlite3_stmt *q, void *item, fct_error *err) {
    return fct_gallery_read_face(db, q, item, err);
}

static fct_status query_faces(const fct_db *db, sqlite3_stmt **q, int64_t person_id, fct_error *err) {
    char sql[300];
    sqlite3_snprintf((int)sizeof sql, sql,
                     "%s FROM face LEFT JOIN crop ON face_id = id WHERE person_id = ? ORDER BY id",
                     fct_gallery_face_columns(db));
    return fct_db_query(db, q, err, sql, "i", person_id);
}

fct_status fct_gallery_faces(fct_gallery *g, int64_t person_id, fct_stored_face **out, int *n, fct_error *err) {
    *out = NULL;
    *n = 0;
    list l = {.item_size = sizeof **out};
    sqlite3_stmt *q;
    int64_t exists;
    fct_mutex_lock(&g->lock);
    fct_status s = fct_db_int(&g->db, &exists, err, "SELECT count(*) FROM person WHERE id = ?", "i", person_id);
    if (!s && !exists) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", g->path, (long long)person_id);
    if (!s) s = query_faces(&g->db, &q, person_id, err);
    if (!s) s = read_list(&g->db, q, &l, read_face, err);
    fct_mutex_unlock(&g->lock);
    *out = l.items;
    *n = l.n;
    return s;
}

void fct_gallery_faces_free(fct_stored_face *f) { fct_free(f); }

fct_status fct_gallery_find(fct_gallery *g, const char *name, fct_person *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    if (!name) return fct_fail(err, FCT_ERR_ARG, "no name to look for");
    list l = {.item_size = sizeof *out};
    sqlite3_stmt *q;
    fct_mutex_lock(&g->lock);
    fct_status s = fct_db_query(&g->db, &q, err, PERSON_SELECT "WHERE name = ?", "t", name);
    if (!s) s = read_list(&g->db, q, &l, read_person, err);
    fct_mutex_unlock(&g->lock);
    if (!s && l.n) *out = *(fct_person *)l.items;
    bool found = l.n > 0;
    fct_free(l.items);
    return s || found ? s : fct_fail(err, FCT_ERR_NOT_FOUND, "%s: nobody is called %s", g->path, name);
}

/* ---- Changes ------------------------------------------------------------------------ */

/* What became of a statement that names one row by its id. */
static fct_status expect_row(const fct_db *db, const char *what, int64_t id, fct_error *err) {
    if (sqlite3_changes(db->h) > 0) return FCT_OK;
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no %s %lld", db->path, what, (long long)id);
}

static fct_status rename_person(const fct_db *db, int64_t id, const char *name, fct_error *err) {
    int64_t holder;
    fct_status s = fct_db_int(db, &holder, err, "SELECT id FROM person WHERE name = ?", "t", name);
    if (!s && holder && holder != id)
        return fct_fail(err, FCT_ERR_EXISTS, "%s: person %lld is already called %s", db->path, (long long)holder, name);
    if (!s) s = fct_db_run(db, err, "UPDATE person SET name = ? WHERE id = ?", "ti", name, id);
    if (!s) s = expect_row(db, "person", id, err);
    return s ? s : fct_gallery_log_change(db, FCT_CHANGE_PERSON, id, err);
}

fct_status fct_gallery_rename(fct_gallery *g, int64_t person_id, const char *name, fct_error *err) {
    const char *why;
    if (!name || !fct_name_valid(name, &why))
        return fct_fail(err, FCT_ERR_ARG, "the person's name %s", name ? why : "is missing");
    fct_status s = fct_gallery_write_begin(g, err);
    return s ? s : fct_gallery_write_end(g, rename_person(&g->db, person_id, name, err), err);
}

fct_status fct_gallery_delete_person(const fct_db *db, int64_t id, fct_error *err) {
    fct_status s = fct_db_run(db, err, "DELETE FROM person WHERE id = ?", "i", id);
    if (!s) s = expect_row(db, "person", id, err);
    if (!s) s = fct_gallery_log_change(db, FCT_CHANGE_PERSON, id, err);
    return s ? s : fct_gallery_unpin_if_empty(db, err);
}

fct_status fct_gallery_remove_person(fct_gallery *g, int64_t person_id, fct_error *err) {
    fct_status s = fct_gallery_write_begin(g, err);
    return s ? s : fct_gallery_write_end(g, fct_gallery_delete_person(&g->db, person_id, err), err);
}

static fct_status remove_face(const fct_db *db, int64_t id, fct_error *err) {
    fct_status s = fct_db_run(db, err, "DELETE FROM face WHERE id = ?", "i", id);
    if (!s) s = expect_row(db, "face", id, err);
    if (!s) s = fct_gallery_log_change(db, FCT_CHANGE_FACE, id, err);
    return s ? s : fct_gallery_unpin_if_empty(db, err);
}

fct_status fct_gallery_remove_face(fct_gallery *g, int64_t face_id, fct_error *err) {
    fct_status s = fct_gallery_write_begin(g, err);
    return s ? s : fct_gallery_write_end(g, remove_face(&g->db, face_id, err), err);
}
