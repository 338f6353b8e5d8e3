#include "store_choice.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include "memory_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef FCT_HAVE_POSTGRESQL
#include <libpq-fe.h>
#endif

bool store_is(const char *kind) {
    const char *chosen = getenv("FCT_TEST_STORE");
    return strcmp(kind, chosen && *chosen ? chosen : "sqlite") == 0;
}

/* Galleries of a server have a schema each. */
static void schema_of(const char *name, char out[64]) {
    size_t n = 0;
    out[n++] = 't';
    for (; *name && n < 63; name++)
        out[n++] = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') ? *name : '_';
    out[n] = 0;
}

const char *store_place(const char *name) {
    static char places[2][600];
    static int turn;
    char schema[64];
    if (!store_is("postgresql")) return util_path(name);
    const char *server = getenv("FCT_TEST_POSTGRESQL");
    if (!server) abort();
    schema_of(name, schema);
    turn ^= 1;
    snprintf(places[turn], sizeof places[turn], "%s&schema=%s", server, schema);
    return places[turn];
}

const char *store_mark(const char *name) {
    static char mark[64];
    if (store_is("postgresql")) schema_of(name, mark);
    else snprintf(mark, sizeof mark, "%s", store_is("memory") ? "memory" : name);
    return mark;
}

/* ---- Memory ------------------------------------------------------------------------- */

static struct memory_named {
    char name[64];
    memory_db *db;
} databases[64];

/* The database of a name; NULL where there is none and make is not set. */
static memory_db *find_memory(const char *name, bool make) {
    for (int i = 0; i < 64; i++) {
        struct memory_named *d = &databases[i];
        if (d->db && strcmp(d->name, name) == 0) return d->db;
        if (d->db) continue;
        if (!make) return NULL;
        snprintf(d->name, sizeof d->name, "%s", name);
        return d->db = memory_db_create();
    }
    abort();
}

static fct_status open_memory(const char *name, const fct_gallery_opts *o, fct_gallery **out, fct_error *err) {
    bool make = !o || (!o->read_only && !o->must_exist);
    memory_db *db = find_memory(name, make);
    *out = NULL;
    if (!db) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such gallery", name);
    fct_store *writer = o && o->read_only ? NULL : memory_store_open(db);
    fct_status s =
        fct_gallery_create(writer, memory_store_open(db),
                           o && o->search == FCT_SEARCH_FAST ? fct_index_create_staged : fct_index_create, out, err);
    if (!s && o) (*out)->search = o->search;
    return s;
}

/* ---- All ---------------------------------------------------------------------------- */

#ifdef FCT_HAVE_POSTGRESQL
static void erase_schema(const char *name) {
    char schema[64], sql[120];
    schema_of(name, schema);
    snprintf(sql, sizeof sql, "DROP SCHEMA IF EXISTS %s CASCADE", schema);
    PGconn *c = PQconnectdb(getenv("FCT_TEST_POSTGRESQL"));
    PQsetNoticeProcessor(c, NULL, NULL);
    PQclear(PQexec(c, "SET client_min_messages TO warning"));
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        printf("%s: %s\n", sql, PQerrorMessage(c));
        abort();
    }
    PQclear(r);
    PQfinish(c);
}
#else
static void erase_schema(const char *name) { abort(); }
#endif

void store_erase(const char *name) {
    if (store_is("postgresql")) erase_schema(name);
    else if (store_is("sqlite")) util_remove(util_path(name));
    else
        for (int i = 0; i < 64; i++) /* an empty one, for whoever opens it next; all are freed with the process */
            if (databases[i].db && strcmp(databases[i].name, name) == 0) databases[i].name[0] = 0;
}

fct_status store_open(const char *name, const fct_gallery_opts *o, fct_gallery **out, fct_error *err) {
    return store_is("memory") ? open_memory(name, o, out, err) : fct_gallery_open(store_place(name), o, out, err);
}
