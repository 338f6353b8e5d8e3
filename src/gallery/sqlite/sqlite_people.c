/* People and the model in SQLite. */
#include "base/error.h"
#include "gallery/sqlite/sqlite_store.h"
#include <string.h>

/* ---- The model ------------------------------------------------------------------ */

fct_status fct_sqlite_get_model(fct_store *st, fct_store_model *out, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    sqlite3_stmt *q;
    bool row = false;
    const char *id = NULL;
    memset(out, 0, sizeof *out);
    fct_status s = fct_db_query(db, &q, err, "SELECT model_id, dim FROM model", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) s = fct_db_text(db, q, 0, &id, err);
    if (!s && row) {
        out->dim = sqlite3_column_int64(q, 1);
        if (out->dim == 0) out->dim = -1; /* 0 would be "none" */
        if (id && strlen(id) < sizeof out->id) memcpy(out->id, id, strlen(id) + 1);
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_sqlite_set_model(fct_store *st, const fct_store_model *m, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = fct_db_run(db, err, "DELETE FROM model", "");
    if (!s && m->dim)
        s = fct_db_run(db, err, "INSERT INTO model(id, model_id, dim) VALUES(1, ?, ?)", "ti", m->id, m->dim);
    if (!s) s = fct_sqlite_log(db, FCT_CHANGE_ALL, 0, err);
    return s ? s : fct_sqlite_log_trim(db, err);
}

fct_status fct_sqlite_unpin_if_empty(const fct_db *db, fct_error *err) {
    int64_t any;
    fct_status s = fct_db_int(db, &any, err, "SELECT EXISTS(SELECT 1 FROM face)", "");
    if (s || any) return s;
    s = fct_db_run(db, err, "DELETE FROM model", "");
    return s ? s : fct_sqlite_log(db, FCT_CHANGE_ALL, 0, err);
}

/* ---- Reading people -------------------------------------------------------------- */

/* Gives each row of q to the visitor. */
static fct_status visit_people(const fct_db *db, sqlite3_stmt *q, fct_person_fn *fn, void *ctx, fct_error *err) {
    fct_status s = FCT_OK;
    for (bool row = true; !s;) {
        fct_store_person p = {0};
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = fct_db_text(db, q, 1, &p.name, err);
        p.id = sqlite3_column_int64(q, 0);
        p.created = sqlite3_column_int64(q, 2);
        p.faces = sqlite3_column_int64(q, 3);
        if (!s) s = fn(ctx, &p, err);
    }
    return s;
}

#define COUNT "(SELECT count(*) FROM face WHERE person_id = person.id)"

fct_status fct_sqlite_people(fct_store *st, const fct_people_query *want, fct_person_fn *fn, void *ctx,
                             fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    char sql[200];
    const char *which = want->ids ? "WHERE id = ?1" : want->names ? "WHERE name = ?1" : "";
    sqlite3_snprintf((int)sizeof sql, sql, "SELECT id, name, created, %s FROM person %s ORDER BY %s",
                     want->count_faces ? COUNT : "0", which, want->by_name ? "name" : "id");
    sqlite3_stmt *q;
    fct_status s = fct_db_query(db, &q, err, sql, "");
    if (!want->ids && !want->names) {
        if (!s) s = visit_people(db, q, fn, ctx, err);
    } else {
        for (size_t i = 0; i < want->n && !s; i++) {
            s = want->ids ? fct_db_bind(db, q, err, "i", want->ids[i]) : fct_db_bind(db, q, err, "t", want->names[i]);
            if (!s) s = visit_people(db, q, fn, ctx, err);
        }
    }
    sqlite3_finalize(q);
    return s;
}

/* ---- Changing people ---------------------------------------------------------------- */

static fct_status add_person(const fct_db *db, fct_store_person *p, fct_error *err) {
    fct_status s = fct_db_int(db, &p->id, err, "SELECT id FROM person WHERE name = ?", "t", p->name);
    p->is_new = !s && !p->id;
    if (!p->is_new) return s;
    s = fct_db_run(db, err, "INSERT INTO person(name, created) VALUES(?, ?)", "ti", p->name, p->created);
    if (s) return s;
    p->id = sqlite3_last_insert_rowid(db->h);
    return fct_sqlite_log(db, FCT_CHANGE_PERSON, p->id, err);
}

fct_status fct_sqlite_people_add(fct_store *st, fct_store_person *p, size_t n, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    bool any = false;
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        s = add_person(db, &p[i], err);
        any |= p[i].is_new;
    }
    return s || !any ? s : fct_sqlite_log_trim(db, err);
}

fct_status fct_sqlite_person_rename(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    int64_t holder;
    *found = false;
    fct_status s = fct_db_int(db, &holder, err, "SELECT id FROM person WHERE name = ?", "t", name);
    if (!s && holder && holder != id)
        return fct_fail(err, FCT_ERR_EXISTS, "%s: person %lld is already called %s", db->path, (long long)holder, name);
    if (!s) s = fct_db_run(db, err, "UPDATE person SET name = ? WHERE id = ?", "ti", name, id);
    if (!s) *found = sqlite3_changes(db->h) > 0;
    if (!s && *found) s = fct_sqlite_log(db, FCT_CHANGE_PERSON, id, err);
    return s ? s : fct_sqlite_log_trim(db, err);
}

fct_status fct_sqlite_people_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    *removed = 0;
    for (size_t i = 0; i < n && !s; i++) {
        s = fct_db_run(db, err, "DELETE FROM person WHERE id = ?", "i", ids[i]);
        if (s || sqlite3_changes(db->h) < 1) continue;
        ++*removed;
        s = fct_sqlite_log(db, FCT_CHANGE_PERSON, ids[i], err);
    }
    if (!s && *removed) s = fct_sqlite_unpin_if_empty(db, err);
    return s ? s : fct_sqlite_log_trim(db, err);
}
