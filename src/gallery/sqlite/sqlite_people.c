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
    fct_status s =
        fct_db_run(db, err, "DELETE FROM negative WHERE NOT EXISTS(SELECT 1 FROM model WHERE model_id = ? AND dim = ?)",
                   "ti", m->id, m->dim);
    if (!s) s = fct_db_run(db, err, "DELETE FROM model", "");
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
    if (!s) s = fct_db_run(db, err, "DELETE FROM negative", "");
    return s ? s : fct_sqlite_log(db, FCT_CHANGE_ALL, 0, err);
}

/* ---- Reading people -------------------------------------------------------------- */

/* Columns of a query for people. What was not asked for, or is not there in an older
 * file, stands there as a constant, so that each column has one place. */
enum { COL_ID, COL_NAME, COL_CREATED, COL_FACES, COL_COLLECTION, COL_EXPIRES, COL_LABEL, COL_DETAILS, COL_KEY };

#define COUNT "(SELECT count(*) FROM face WHERE person_id = person.id)"
#define KEY   "(SELECT sealed FROM person_key WHERE person_id = person.id)"

/* Pages are read along the table, which is in the order of ids: the index of collections is kept out of it by the plus
 * sign, since all of a collection's people would have to be sorted for each page. */
static void make_query(const fct_db *db, const fct_people_query *want, char *sql, int cap) {
    bool old = fct_sqlite_is_old(db), any = !want->collection_id;
    const char *which = want->ids ? "id = ?1" : want->names ? "name = ?1" : "1";
    const char *of = any ? "" : old ? "AND ?2 = 1" : want->most ? "AND +collection_id = ?2" : "AND collection_id = ?2";
    char after[40] = "", most[40] = "";
    if (want->after) sqlite3_snprintf((int)sizeof after, after, "AND id > %lld", (long long)want->after);
    if (want->most) sqlite3_snprintf((int)sizeof most, most, " LIMIT %lld", (long long)want->most);
    sqlite3_snprintf(cap, sql, "SELECT id, name, created, %s, %s, %s, %s FROM person WHERE %s %s %s ORDER BY %s%s",
                     want->count_faces ? COUNT : "0", old ? "1, 0, NULL" : "collection_id, expires, label",
                     want->parts & FCT_PERSON_DETAILS && !old ? "details" : "NULL",
                     want->parts & FCT_PERSON_KEY && !old ? KEY : "NULL", which, of, after,
                     want->by_name ? "name, id" : "id", most);
}

static fct_status read_person(const fct_db *db, sqlite3_stmt *q, fct_store_person *p, fct_error *err) {
    *p = (fct_store_person){.id = sqlite3_column_int64(q, COL_ID),
                            .created = sqlite3_column_int64(q, COL_CREATED),
                            .faces = sqlite3_column_int64(q, COL_FACES),
                            .collection_id = sqlite3_column_int64(q, COL_COLLECTION),
                            .expires = sqlite3_column_int64(q, COL_EXPIRES)};
    fct_status s = fct_db_text(db, q, COL_NAME, &p->name, err);
    if (!s) s = fct_db_blob(db, q, COL_LABEL, &p->label, &p->label_size, err);
    if (!s) s = fct_db_blob(db, q, COL_DETAILS, &p->details, &p->details_size, err);
    return s ? s : fct_db_blob(db, q, COL_KEY, &p->key, &p->key_size, err);
}

/* Gives each row of q to the visitor. */
static fct_status visit_people(const fct_db *db, sqlite3_stmt *q, fct_person_fn *fn, void *ctx, fct_error *err) {
    fct_status s = FCT_OK;
    for (bool row = true; !s;) {
        fct_store_person p;
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = read_person(db, q, &p, err);
        if (!s) s = fn(ctx, &p, err);
    }
    return s;
}

/* Binds the key of one question, or, where all are asked for, none. */
static fct_status bind_question(const fct_db *db, sqlite3_stmt *q, const fct_people_query *want, size_t i,
                                fct_error *err) {
    const char *args = want->collection_id ? "ii" : "i", *text_args = want->collection_id ? "ti" : "t";
    if (want->names) return fct_db_bind(db, q, err, text_args, want->names[i], want->collection_id);
    return fct_db_bind(db, q, err, args, want->ids ? want->ids[i] : 0, want->collection_id);
}

fct_status fct_sqlite_people(fct_store *st, const fct_people_query *want, fct_person_fn *fn, void *ctx,
                             fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    bool all = !want->ids && !want->names;
    char sql[500];
    make_query(db, want, sql, (int)sizeof sql);
    sqlite3_stmt *q;
    fct_status s = fct_db_query(db, &q, err, sql, "");
    if (all && !want->collection_id && !s) s = visit_people(db, q, fn, ctx, err);
    else
        for (size_t i = 0; i < (all ? 1 : want->n) && !s; i++) {
            s = bind_question(db, q, want, i, err);
            if (!s) s = visit_people(db, q, fn, ctx, err);
        }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_sqlite_people_count(fct_store *st, int64_t collection_id, int64_t *people, int64_t *faces,
                                   fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    const bool old = fct_sqlite_is_old(db); /* one collection, with the number 1 */
    *people = *faces = 0;
    fct_status s = fct_db_int(db, people, err,
                              old ? "SELECT count(*) FROM person WHERE ? = 1"
                                  : "SELECT count(*) FROM person WHERE collection_id = ?",
                              "i", collection_id);
    return s ? s
             : fct_db_int(
                   db, faces, err,
                   old ? "SELECT count(*) FROM face WHERE ? = 1"
                       : "SELECT count(*) FROM person JOIN face ON person_id = person.id WHERE collection_id = ?",
                   "i", collection_id);
}

/* ---- Changing people ---------------------------------------------------------------- */

/* Id of the one in the collection with this name, 0 = nobody. */
static fct_status find_holder(const fct_db *db, int64_t collection_id, const char *name, int64_t *id, fct_error *err) {
    return fct_db_int(db, id, err, "SELECT id FROM person WHERE collection_id = ? AND name = ?", "it", collection_id,
                      name);
}

static fct_status add_person(const fct_db *db, fct_store_person *p, fct_error *err) {
    fct_status s = find_holder(db, p->collection_id, p->name, &p->id, err);
    p->is_new = !s && !p->id;
    if (!p->is_new) return s;
    s = fct_db_run(db, err,
                   "INSERT INTO person(collection_id, name, label, created, expires, details) VALUES(?, ?, ?, ?, ?, ?)",
                   "itbiib", p->collection_id, p->name, p->label, p->label_size, p->created, p->expires, p->details,
                   p->details_size);
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

/* FCT_ERR_EXISTS where somebody else has the name that the person is about to have
 * in the collection that it is about to be in. */
static fct_status check_holder(const fct_db *db, const fct_store_person *p, int parts, fct_error *err) {
    int64_t holder;
    if (!(parts & (FCT_PERSON_NAME | FCT_PERSON_COLLECTION))) return FCT_OK;
    fct_status s = fct_db_int(db, &holder, err,
                              "SELECT other.id FROM person AS other, person AS mine WHERE mine.id = ?1 AND "
                              "other.id <> ?1 AND other.collection_id = iif(?2, ?3, mine.collection_id) AND "
                              "other.name = iif(?4, ?5, mine.name)",
                              "iiiit", p->id, (int64_t) !!(parts & FCT_PERSON_COLLECTION), p->collection_id,
                              (int64_t) !!(parts & FCT_PERSON_NAME), p->name);
    if (s || !holder) return s;
    return fct_fail(err, FCT_ERR_EXISTS, "%s: person %lld is already called %s", db->path, (long long)holder,
                    parts & FCT_PERSON_NAME && !p->label ? p->name : "so");
}

static fct_status update_person(const fct_db *db, const fct_store_person *p, int parts, size_t *found, fct_error *err) {
    int64_t there;
    fct_status s = fct_db_int(db, &there, err, "SELECT count(*) FROM person WHERE id = ?", "i", p->id);
    if (s || !there) return s;
    ++*found;
    s = check_holder(db, p, parts, err);
    if (!s && parts & FCT_PERSON_NAME)
        s = fct_db_run(db, err, "UPDATE person SET name = ?, label = ? WHERE id = ?", "tbi", p->name, p->label,
                       p->label_size, p->id);
    if (!s && parts & FCT_PERSON_COLLECTION)
        s = fct_db_run(db, err, "UPDATE person SET collection_id = ? WHERE id = ?", "ii", p->collection_id, p->id);
    if (!s && parts & FCT_PERSON_EXPIRES)
        s = fct_db_run(db, err, "UPDATE person SET expires = ? WHERE id = ?", "ii", p->expires, p->id);
    if (!s && parts & FCT_PERSON_DETAILS)
        s = fct_db_run(db, err, "UPDATE person SET details = ? WHERE id = ?", "bi", p->details, p->details_size, p->id);
    return s ? s : fct_sqlite_log(db, FCT_CHANGE_PERSON, p->id, err);
}

fct_status fct_sqlite_people_update(fct_store *st, const fct_store_person *p, size_t n, int parts, size_t *found,
                                    fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    *found = 0;
    for (size_t i = 0; i < n && !s; i++) s = update_person(db, &p[i], parts, found, err);
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
