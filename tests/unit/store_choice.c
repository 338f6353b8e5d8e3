#include "store_choice.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
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
    if (s || !o) return s;
    (*out)->search = o->search;
    if (o->actor && (*out)->store) (*out)->store->actor = o->actor; /* borrowed: the test's own text */
    if (o->collection) s = fct_gallery_choose_collection(*out, o->collection, make, err);
    if (s) fct_gallery_free(*out), *out = NULL;
    return s;
}

/* ---- All ---------------------------------------------------------------------------- */

/* Whether data holds the needle. */
static bool has_bytes(const void *data, size_t size, const void *needle, size_t n) {
    const uint8_t *p = data, *end = p + size;
    for (; n && (size_t)(end - p) >= n; p++) {
        p = memchr(p, *(const uint8_t *)needle, (size_t)(end - p) - n + 1);
        if (!p) return false;
        if (memcmp(p, needle, n) == 0) return true;
    }
    return false;
}

#ifdef FCT_HAVE_POSTGRESQL
/* What the server answers to a statement; PQclear(). */
static PGresult *ask(PGconn *c, const char *sql) {
    PGresult *r = PQexec(c, sql);
    ExecStatusType s = PQresultStatus(r);
    if (s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK) return r;
    printf("%s: %s\n", sql, PQerrorMessage(c));
    abort();
}

static PGconn *connect_server(void) {
    PGconn *c = PQconnectdb(getenv("FCT_TEST_POSTGRESQL"));
    PQsetNoticeProcessor(c, NULL, NULL);
    PQclear(ask(c, "SET client_min_messages TO warning"));
    return c;
}

static void erase_schema(const char *name) {
    char schema[64], sql[120];
    schema_of(name, schema);
    snprintf(sql, sizeof sql, "DROP SCHEMA IF EXISTS %s CASCADE", schema);
    PGconn *c = connect_server();
    PQclear(ask(c, sql));
    PQfinish(c);
}

/* Tables whose rows, as text with bytes in hex, hold the needle. */
static int tables_with(const char *name, const void *needle, size_t n) {
    char schema[64], sql[300], hex[400];
    int found = 0;
    if (2 * n >= sizeof hex) abort();
    schema_of(name, schema);
    for (size_t i = 0; i < n; i++) snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)needle)[i]);
    PGconn *c = connect_server();
    snprintf(sql, sizeof sql, "SELECT tablename FROM pg_tables WHERE schemaname = '%s'", schema);
    PGresult *tables = ask(c, sql);
    for (int t = 0; t < PQntuples(tables); t++) {
        snprintf(sql, sizeof sql, "SELECT x::text FROM %s.%s x", schema, PQgetvalue(tables, t, 0));
        PGresult *rows = ask(c, sql);
        bool here = false;
        for (int i = 0; i < PQntuples(rows) && !here; i++) {
            size_t size = (size_t)PQgetlength(rows, i, 0);
            here = has_bytes(PQgetvalue(rows, i, 0), size, needle, n) ||
                   has_bytes(PQgetvalue(rows, i, 0), size, hex, 2 * n);
        }
        found += here;
        PQclear(rows);
    }
    PQclear(tables);
    PQfinish(c);
    return found;
}

/* -1: no such table. */
static int rows_of(const char *name, const char *table) {
    char schema[64], sql[300];
    schema_of(name, schema);
    PGconn *c = connect_server();
    snprintf(sql, sizeof sql, "SELECT to_regclass('%s.%s') IS NOT NULL", schema, table);
    PGresult *r = ask(c, sql);
    bool there = *PQgetvalue(r, 0, 0) == 't';
    PQclear(r);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s.%s", schema, table);
    r = there ? ask(c, sql) : NULL;
    int n = there ? atoi(PQgetvalue(r, 0, 0)) : -1;
    PQclear(r);
    PQfinish(c);
    return n;
}
#else
static void erase_schema(const char *name) { abort(); }
static int rows_of(const char *name, const char *table) { abort(); }
static int tables_with(const char *name, const void *needle, size_t n) { abort(); }
#endif

/* The gallery's file and those beside it that hold the needle. */
static int files_with(const char *name, const void *needle, size_t n) {
    static const char *const ends[] = {"", "-wal", "-journal", ".index"};
    int found = 0;
    for (int i = 0; i < 4; i++) {
        char path[500];
        uint8_t *data;
        size_t size;
        snprintf(path, sizeof path, "%s%s", util_path(name), ends[i]);
        if (fct_file_read(path, (size_t)1 << 30, &data, &size, NULL)) continue;
        found += has_bytes(data, size, needle, n);
        fct_free(data);
    }
    return found;
}

int store_count(const char *name, const char *table) { return store_is("postgresql") ? rows_of(name, table) : -1; }

int store_holds(const char *name, const void *needle, size_t n) {
    if (store_is("postgresql")) return tables_with(name, needle, n);
    return store_is("sqlite") ? files_with(name, needle, n) : 0;
}

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
