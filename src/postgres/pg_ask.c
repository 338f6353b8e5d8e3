/* Questions and their answers. */
#include "base/alloc.h"
#include "base/error.h"
#include "postgres/pg_conn.h"
#include <stdio.h>
#include <string.h>

/* ---- Statements ---------------------------------------------------------------------- */

/* Name of the statement with this text, prepared if need be. Texts are few, and
 * comparing them costs nothing beside a round trip. */
static fct_status prepare(fct_pg *c, const fct_pg_params *p, const char *sql, char name[16], fct_error *err) {
    for (int i = 0; i < c->n_prepared; i++)
        if (strcmp(c->prepared[i], sql) == 0) return snprintf(name, 16, "f%d", i), FCT_OK;
    fct_status s = FCT_OK;
    if (c->n_prepared == FCT_PG_STATEMENTS) {
        s = fct_pg_run(c, NULL, err, "DEALLOCATE ALL");
        for (int i = 0; i < c->n_prepared; i++) fct_free(c->prepared[i]);
        c->n_prepared = 0;
    }
    char *copy = fct_strdup(sql);
    Oid types[sizeof p->items / sizeof *p->items];
    for (int i = 0; p && i < p->n; i++) types[i] = p->items[i].type;
    if (!s && !copy) s = fct_fail_nomem(err, "statement", 0);
    if (!s) {
        snprintf(name, 16, "f%d", c->n_prepared);
        PGresult *r = PQprepare(c->h, name, sql, p ? p->n : 0, types);
        if (PQresultStatus(r) != PGRES_COMMAND_OK) s = fct_pg_fail(c, r, err);
        PQclear(r);
    }
    if (s) fct_free(copy);
    else c->prepared[c->n_prepared++] = copy;
    return s;
}

/* Sends a statement without waiting for the answer. */
static fct_status send(fct_pg *c, const fct_pg_params *p, const char *sql, fct_error *err) {
    enum { MANY = sizeof p->items / sizeof *p->items };
    char name[16];
    const char *values[MANY];
    int lengths[MANY], formats[MANY];
    c->retry = false;
    c->state[0] = 0;
    if (p && p->bytes.failed) return fct_fail_nomem(err, "question to the database", 0);
    fct_status s = prepare(c, p, sql, name, err);
    if (s) return s;
    for (int i = 0; p && i < p->n; i++) {
        const struct fct_pg_param *x = &p->items[i];
        values[i] = x->size < 0 ? NULL : p->bytes.data ? p->bytes.data + x->at : "";
        lengths[i] = x->size < 0 ? 0 : x->size;
        formats[i] = 1;
    }
    if (PQsendQueryPrepared(c->h, name, p ? p->n : 0, values, lengths, formats, 1)) return FCT_OK;
    return fct_pg_fail(c, NULL, err);
}

/* ---- Answers --------------------------------------------------------------------------- */

static bool fits(const PGresult *r, int column, char letter) {
    Oid type = PQftype(r, column);
    bool good = PQfformat(r, column) == 1;
    int size = letter == 'i' || letter == 'd' ? 8 : letter == 'l' ? 1 : -1;
    if (letter == 'i') good &= type == FCT_PG_INT8;
    if (letter == 'd') good &= type == FCT_PG_FLOAT8;
    if (letter == 'l') good &= type == FCT_PG_BOOL;
    if (letter == 't') good &= type == FCT_PG_TEXT || type == 1043 || type == 19; /* varchar, name */
    if (letter == 'b') good &= type == FCT_PG_BYTEA;
    for (int row = 0; size > 0 && good && row < PQntuples(r); row++)
        good = PQgetisnull(r, row, column) || PQgetlength(r, row, column) == size;
    return good;
}

/* Whether rows are what was asked for. A server that says otherwise is none. */
static fct_status check_columns(fct_pg *c, const PGresult *r, const char *columns, fct_error *err) {
    bool good = PQnfields(r) == (int)strlen(columns);
    for (int i = 0; columns[i] && good; i++) good = fits(r, i, columns[i]);
    if (good) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: an answer of the server is not what was asked for", c->address->place);
}

/* Reads and drops what is left of the answers. */
static void drain(fct_pg *c) {
    for (PGresult *r; (r = PQgetResult(c->h));) PQclear(r);
}

fct_status fct_pg_ask(fct_pg *c, fct_pg_params *p, PGresult **out, fct_error *err, const char *columns,
                      const char *sql) {
    if (out) *out = NULL;
    fct_status s = send(c, p, sql, err);
    if (p) fct_pg_params_free(p);
    if (s) return s;
    PGresult *r = PQgetResult(c->h);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) s = fct_pg_fail(c, r, err);
    else s = check_columns(c, r, columns, err);
    drain(c);
    if (!s && out) *out = r;
    else PQclear(r);
    return s;
}

fct_status fct_pg_ask_int(fct_pg *c, fct_pg_params *p, int64_t *out, fct_error *err, const char *sql) {
    PGresult *r;
    *out = 0;
    fct_status s = fct_pg_ask(c, p, &r, err, "i", sql);
    if (!s && PQntuples(r) > 0) *out = fct_pg_int(r, 0, 0);
    PQclear(r);
    return s;
}

/* Tells the server that nobody wants the rest. */
static void cancel(fct_pg *c) {
    char text[256];
    PGcancel *x = PQgetCancel(c->h);
    if (x) PQcancel(x, text, (int)sizeof text);
    PQfreeCancel(x);
}

fct_status fct_pg_scan(fct_pg *c, fct_pg_params *p, fct_pg_row_fn *fn, void *ctx, fct_error *err, const char *columns,
                       const char *sql) {
    fct_status s = send(c, p, sql, err);
    if (p) fct_pg_params_free(p);
    if (s) return s;
    if (!PQsetSingleRowMode(c->h)) s = fct_fail(err, FCT_ERR_INTERNAL, "%s: no rows one by one", c->address->place);
    bool unwanted = false;
    for (PGresult *r; (r = PQgetResult(c->h)); PQclear(r)) {
        ExecStatusType status = PQresultStatus(r);
        if (s) continue;
        if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) s = fct_pg_fail(c, r, err);
        else s = check_columns(c, r, columns, err);
        if (!s && PQntuples(r) > 0) {
            s = fn(ctx, r, 0, err);
            if (s && !unwanted) cancel(c), unwanted = true;
        }
    }
    return s;
}

fct_status fct_pg_run(fct_pg *c, PGresult **out, fct_error *err, const char *sql) {
    if (out) *out = NULL;
    c->retry = false;
    c->state[0] = 0;
    PGresult *r = PQexec(c->h, sql);
    ExecStatusType status = PQresultStatus(r);
    fct_status s = FCT_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) s = fct_pg_fail(c, r, err);
    if (!s && out) *out = r;
    else PQclear(r);
    return s;
}
