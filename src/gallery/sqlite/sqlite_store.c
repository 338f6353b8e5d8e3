/* Opening, closing and describing a store in a file of SQLite. */
#include "gallery/sqlite/sqlite_store.h"
#include "base/alloc.h"
#include "base/error.h"

static void close_store(fct_store *head) {
    fct_sqlite_store *st = (fct_sqlite_store *)head;
    sqlite3_finalize(st->version_stmt);
    fct_db_file_close(&st->file);
    fct_free(st);
}

static fct_status begin(fct_store *st, fct_store_mode mode, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    return mode == FCT_STORE_WRITE ? fct_db_begin_write(db, err) : fct_db_begin_read(db, err);
}

static fct_status end(fct_store *st, fct_status s, fct_error *err) { return fct_db_end(fct_sqlite_db(st), s, err); }

static fct_status version(fct_store *head, int64_t *out, fct_error *err) {
    fct_sqlite_store *st = (fct_sqlite_store *)head;
    bool row;
    fct_status s = FCT_OK;
    *out = 0;
    if (!st->version_stmt) s = fct_db_query(&st->file.db, &st->version_stmt, err, "PRAGMA data_version", "");
    if (!s) s = fct_db_step(&st->file.db, st->version_stmt, &row, err);
    if (!s && row) *out = sqlite3_column_int64(st->version_stmt, 0);
    sqlite3_reset(st->version_stmt);
    return s;
}

static fct_status describe(fct_store *st, int64_t *people, int64_t *faces, int *schema, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    *schema = db->schema;
    *faces = 0;
    fct_status s = fct_db_int(db, people, err, "SELECT count(*) FROM person", "");
    return s ? s : fct_db_int(db, faces, err, "SELECT count(*) FROM face", "");
}

static fct_status check(fct_store *st, fct_error *err) { return fct_db_check(fct_sqlite_db(st), err); }

static fct_status backup(fct_store *st, const char *path, fct_error *err) {
    return fct_db_backup(fct_sqlite_db(st), path, err);
}

static fct_status open_reader(fct_store *head, fct_store **out, fct_error *err);

static const fct_store_ops sqlite_ops = {
    FCT_STORE_TABLE(fct_sqlite), .close = close_store, .reader = open_reader, .begin = begin,  .end = end,
    .version = version,          .describe = describe, .check = check,        .backup = backup};

/* A store whose file is not open yet; owned, NULL = out of memory. */
static fct_sqlite_store *make_store(void) {
    fct_sqlite_store *st = fct_calloc(1, sizeof *st);
    if (st) st->head.ops = &sqlite_ops;
    return st;
}

/* Gives the store away where its file could be opened, else frees it. */
static fct_status give(fct_sqlite_store *st, fct_status s, fct_store **out) {
    st->head.place = st->file.path;
    if (s) close_store(&st->head);
    else *out = &st->head;
    return s;
}

static fct_status open_reader(fct_store *head, fct_store **out, fct_error *err) {
    const fct_sqlite_store *from = (fct_sqlite_store *)head;
    *out = NULL;
    fct_sqlite_store *st = make_store();
    if (!st) return fct_fail_nomem(err, "gallery", sizeof *st);
    return give(st, fct_db_file_reader(&from->file, &st->file, err), out);
}

fct_status fct_sqlite_store_open(const char *path, const fct_gallery_opts *o, fct_store **out, fct_error *err) {
    *out = NULL;
    fct_sqlite_store *st = make_store();
    if (!st) return fct_fail_nomem(err, "gallery", sizeof *st);
    return give(st, fct_db_file_open(&st->file, &fct_gallery_kind, path, o->busy_ms, o->read_only, o->must_exist, err),
                out);
}
