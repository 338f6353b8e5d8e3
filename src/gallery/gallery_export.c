/* Writing a gallery as text: see docs/gallery-format.md. On a connection of its
 * own, in one read transaction: one state of the gallery, and nobody waits. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "text/base64.h"
#include "gallery/gallery_impl.h"
#include <string.h>

typedef struct export_writer {
    const fct_db *db;
    FILE *f;
    char *text; /* room for base 64 */
    size_t cap;
    bool crops;
} export_writer;

/* A string from the gallery has no control characters. */
static void put_string(export_writer *w, const char *key, const char *value) {
    fprintf(w->f, "\"%s\":\"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') putc('\\', w->f);
        putc(*value, w->f);
    }
    putc('"', w->f);
}

/* SQLite's printf, whose decimal point is a point in every locale. */
static void put_number(export_writer *w, double v) {
    char s[64];
    sqlite3_snprintf((int)sizeof s, s, "%.9g", v);
    fputs(s, w->f);
}

static fct_status put_base64(export_writer *w, const char *key, const void *data, size_t n, fct_error *err) {
    size_t size = fct_base64_size(n);
    if (size > w->cap) {
        char *text = fct_realloc(w->text, size);
        if (!text) return fct_fail_nomem(err, "export", size);
        w->text = text;
        w->cap = size;
    }
    fct_base64_encode(data, n, w->text);
    fprintf(w->f, ",\"%s\":\"", key);
    fwrite(w->text, 1, size, w->f);
    putc('"', w->f);
    return FCT_OK;
}

static fct_status write_header(export_writer *w, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    const char *id = NULL;
    char clean[65];
    fct_status s = fct_db_query(w->db, &q, err, "SELECT model_id, dim FROM model", "");
    if (!s) s = fct_db_step(w->db, q, &row, err);
    if (!s && row) s = fct_db_text(w->db, q, 0, &id, err);
    if (!s) {
        fprintf(w->f, "{\"facet_gallery\":1");
        if (id) {
            fct_text_clean(id, clean, sizeof clean);
            putc(',', w->f);
            put_string(w, "model", clean);
            fprintf(w->f, ",\"dim\":%d", sqlite3_column_int(q, 1));
        }
        fprintf(w->f, "}\n");
    }
    sqlite3_finalize(q);
    return s;
}

/* The name of a row's person, checked. */
static fct_status read_name(const export_writer *w, sqlite3_stmt *q, int column, const char **name, fct_error *err) {
    const char *why;
    fct_status s = fct_db_text(w->db, q, column, name, err);
    if (!s && (!*name || !fct_name_valid(*name, &why)))
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: a name is damaged", w->db->path);
    return s;
}

static fct_status write_person(export_writer *w, sqlite3_stmt *q, fct_error *err) {
    const char *name;
    fct_status s = read_name(w, q, 0, &name, err);
    if (s) return s;
    putc('{', w->f);
    put_string(w, "name", name);
    fprintf(w->f, ",\"created\":%lld}\n", (long long)sqlite3_column_int64(q, 1));
    return FCT_OK;
}

static fct_status write_face(export_writer *w, sqlite3_stmt *q, fct_error *err) {
    const char *name, *source;
    const void *embedding, *crop;
    size_t size, crop_size;
    int cut = sqlite3_column_int(q, 11);
    char clean[FCT_SOURCE_MAX];
    fct_status s = read_name(w, q, 0, &name, err);
    if (!s) s = fct_db_text(w->db, q, 8, &source, err);
    if (s) return s;
    putc('{', w->f);
    put_string(w, "name", name);
    fprintf(w->f, ",\"created\":%lld,\"box\":[", (long long)sqlite3_column_int64(q, 1));
    for (int i = 0; i < 4; i++) {
        if (i) putc(',', w->f);
        put_number(w, sqlite3_column_double(q, 2 + i));
    }
    fprintf(w->f, "],\"score\":");
    put_number(w, sqlite3_column_double(q, 6));
    fprintf(w->f, ",\"quality\":");
    put_number(w, sqlite3_column_double(q, 7));
    if (source) {
        fct_text_clean(source, clean, sizeof clean);
        putc(',', w->f);
        put_string(w, "source", clean);
    }
    s = fct_db_blob(w->db, q, 9, &embedding, &size, err);
    if (!s) s = put_base64(w, "embedding", embedding, size, err);
    if (!s) s = fct_db_blob(w->db, q, 10, &crop, &crop_size, err);
    if (!s && crop) s = put_base64(w, "crop", crop, crop_size, err);
    if (!s && crop && (cut == FCT_CROP_ALIGNED || cut == FCT_CROP_LOOSE)) fprintf(w->f, ",\"crop_cut\":%d", cut);
    fprintf(w->f, "}\n");
    return s;
}

typedef fct_status write_row_fn(export_writer *w, sqlite3_stmt *q, fct_error *err);
static fct_status write_rows(export_writer *w, const char *sql, write_row_fn *fn, fct_error *err) {
    sqlite3_stmt *q;
    fct_status s = fct_db_query(w->db, &q, err, sql, "");
    for (bool row = true; !s;) {
        s = fct_db_step(w->db, q, &row, err);
        if (s || !row) break;
        s = fn(w, q, err);
    }
    sqlite3_finalize(q);
    return s;
}

static fct_status write_all(export_writer *w, fct_error *err) {
    fct_status s = write_header(w, err);
    if (!s) s = write_rows(w, "SELECT name, created FROM person ORDER BY id", write_person, err);
    if (s) return s;
    /* A person's faces together: importing is faster so. */
    char sql[400];
    sqlite3_snprintf((int)sizeof sql, sql,
                     "SELECT name, face.created, x1, y1, x2, y2, score, quality, source, embedding, %s "
                     "FROM person JOIN face ON person_id = person.id %s ORDER BY person_id, face.id",
                     !w->crops           ? "NULL, NULL"
                     : w->db->schema > 1 ? "jpeg, cut"
                                         : "jpeg, 0",
                     w->crops ? "LEFT JOIN crop ON face_id = face.id" : "");
    return write_rows(w, sql, write_face, err);
}

static fct_status write_file(const fct_db *db, const char *path, bool crops, fct_error *err) {
    export_writer w = {.db = db, .f = fct_fopen(path, "wb"), .crops = crops};
    if (!w.f) return fct_fail(err, FCT_ERR_IO, "%s: cannot be written", path);
    fct_status s = fct_db_begin_read(db, err);
    if (!s) s = fct_db_end(db, write_all(&w, err), err);
    bool bad = ferror(w.f) || fct_sys_flush(w.f);
    bad |= fclose(w.f) != 0;
    if (!s && bad) s = fct_fail(err, FCT_ERR_IO, "%s: writing failed: is the disk full?", path);
    fct_free(w.text);
    return s;
}

fct_status fct_gallery_export(fct_gallery *g, const char *path, bool crops, fct_error *err) {
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "export: no path");
    if (strcmp(path, g->path) == 0) return fct_fail(err, FCT_ERR_ARG, "%s: is the gallery itself", path);
    char *part = fct_asprintf("%s.part", path);
    if (!part) return fct_fail_nomem(err, "path", 0);
    fct_db db;
    fct_status s = fct_gallery_open_reader(&db, g->path, g->busy_ms, err);
    if (!s) {
        s = write_file(&db, part, crops, err);
        if (!s) s = fct_file_rename(part, path, err);
        if (s) fct_file_remove(part, NULL);
        fct_db_close(&db);
    }
    fct_free(part);
    return s;
}
