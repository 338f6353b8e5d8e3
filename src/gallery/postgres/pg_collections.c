/* Collections and settings in PostgreSQL. */
#include "base/error.h"
#include "gallery/postgres/pg_store.h"
#include <string.h>

typedef struct collection_visit {
    fct_collection_fn *fn;
    void *ctx;
} collection_visit;

static fct_status visit_collection(void *ctx, const PGresult *r, int row, fct_error *err) {
    const collection_visit *v = ctx;
    fct_store_collection c = {
        .id = fct_pg_int(r, row, 0), .name = fct_pg_text(r, row, 1), .created = fct_pg_int(r, row, 2)};
    return v->fn(v->ctx, &c, err);
}

fct_status fct_pg_collections(fct_store *st, fct_collection_fn *fn, void *ctx, fct_error *err) {
    return fct_pg_scan(&fct_pg_store_of(st)->pg, NULL, visit_collection, &(collection_visit){fn, ctx}, err, "iti",
                       "SELECT id, name, created FROM collection ORDER BY id");
}

/* Id of the collection with this name, 0 = none. */
static fct_status find_collection(fct_pg_store *st, const char *name, int64_t *id, fct_error *err) {
    fct_pg_params p = {0};
    fct_pg_put_text(&p, name);
    return fct_pg_ask_int(&st->pg, &p, id, err, "SELECT id FROM collection WHERE name = $1");
}

/* Collections are few. */
fct_status fct_pg_collections_add(fct_store *head, fct_store_collection *c, size_t n, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = FCT_OK;
    bool any = false;
    for (size_t i = 0; i < n && !s; i++) {
        s = find_collection(st, c[i].name, &c[i].id, err);
        c[i].is_new = !s && !c[i].id;
        if (!c[i].is_new) continue;
        any = true;
        fct_pg_params p = {0};
        fct_pg_put_text(&p, c[i].name);
        fct_pg_put_int(&p, c[i].created);
        s = fct_pg_ask_int(&st->pg, &p, &c[i].id, err,
                           "INSERT INTO collection(name, created) VALUES($1, $2) RETURNING id");
        if (s) fct_pg_was_faster(st);
    }
    return s || !any ? s : fct_pg_log(st, FCT_CHANGE_SETTING, 0, err);
}

fct_status fct_pg_collection_rename(fct_store *head, int64_t id, const char *name, bool *found, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    int64_t holder, done = 0;
    *found = false;
    fct_status s = find_collection(st, name, &holder, err);
    if (s) return s;
    if (holder && holder != id)
        return fct_fail(err, FCT_ERR_EXISTS, "%s: there is already a collection %s", st->head.place, name);
    fct_pg_put_text(&p, name);
    fct_pg_put_int(&p, id);
    s = fct_pg_ask_int(&st->pg, &p, &done, err, "UPDATE collection SET name = $1 WHERE id = $2 RETURNING id");
    if (s) return fct_pg_was_faster(st), s;
    *found = done != 0;
    return *found ? fct_pg_log(st, FCT_CHANGE_SETTING, 0, err) : FCT_OK;
}

fct_status fct_pg_collection_remove(fct_store *head, int64_t id, bool *found, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    int64_t done = 0;
    fct_pg_put_int(&p, id);
    fct_status s = fct_pg_ask_int(&st->pg, &p, &done, err, "DELETE FROM collection WHERE id = $1 RETURNING id");
    *found = !s && done;
    if (!*found) return s;
    fct_pg_put_int(&p, id);
    s = fct_pg_ask(&st->pg, &p, NULL, err, "", "DELETE FROM setting WHERE collection_id = $1");
    return s ? s : fct_pg_log(st, FCT_CHANGE_SETTING, 0, err);
}

/* ---- Settings --------------------------------------------------------------------------- */

typedef struct setting_visit {
    fct_setting_fn *fn;
    void *ctx;
} setting_visit;

static fct_status visit_setting(void *ctx, const PGresult *r, int row, fct_error *err) {
    const setting_visit *v = ctx;
    fct_store_setting x = {
        .collection_id = fct_pg_int(r, row, 0), .key = fct_pg_text(r, row, 1), .value = fct_pg_text(r, row, 2)};
    return v->fn(v->ctx, &x, err);
}

fct_status fct_pg_settings(fct_store *st, fct_setting_fn *fn, void *ctx, fct_error *err) {
    return fct_pg_scan(&fct_pg_store_of(st)->pg, NULL, visit_setting, &(setting_visit){fn, ctx}, err, "itt",
                       "SELECT collection_id, key, value FROM setting ORDER BY collection_id, key");
}

fct_status fct_pg_settings_put(fct_store *head, const fct_store_setting *x, size_t n, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        fct_pg_params p = {0};
        fct_pg_put_int(&p, x[i].collection_id);
        fct_pg_put_text(&p, x[i].key);
        if (x[i].value) fct_pg_put_text(&p, x[i].value);
        s = fct_pg_ask(&st->pg, &p, NULL, err, "",
                       x[i].value ? "INSERT INTO setting(collection_id, key, value) VALUES($1, $2, $3) "
                                    "ON CONFLICT (collection_id, key) DO UPDATE SET value = excluded.value"
                                  : "DELETE FROM setting WHERE collection_id = $1 AND key = $2");
    }
    return s ? s : fct_pg_log(st, FCT_CHANGE_SETTING, 0, err);
}
