/* A thin layer over one connection to PostgreSQL: errors as fct_error, statements
 * that are prepared once, parameters and answers in binary, connections that come
 * back. Not thread-safe.
 *
 * What a server says is not trusted: rows have the columns that were asked for, of
 * the types that were asked for, or the question fails. */
#ifndef FCT_POSTGRES_PG_CONN_H
#define FCT_POSTGRES_PG_CONN_H

#include "base/buffer.h"
#include "facet/base.h"
#include "postgres/pg_address.h"
#include "postgres/pg_load.h"

#define FCT_PG_STATEMENTS 96 /* prepared ones per connection; after so many all are made anew */

typedef struct fct_pg fct_pg;
/* Runs after every connecting, with the connection alive: settings of a session. */
typedef fct_status fct_pg_setup(fct_pg *c, void *ctx, fct_error *err);

struct fct_pg {
    PGconn *h;                     /* NULL before the first fct_pg_connect() */
    const fct_pg_address *address; /* borrowed */
    fct_pg_setup *setup;
    void *setup_ctx;
    bool lost;        /* the connection broke */
    bool retry;       /* the last failure came from other transactions or a broken connection: try all again */
    char state[6];    /* SQLSTATE of the last failure; "" = none of the server's */
    int reconnect_ms; /* how long a connection that was there is sought again */
    bool ever;        /* it was there */
    char *prepared[FCT_PG_STATEMENTS]; /* [n_prepared] their texts, owned */
    int n_prepared;
};

/* Sees to it that there is a connection: makes it where it is the first, or anew
 * where it broke; then the server may be starting again, and is waited for. */
fct_status fct_pg_connect(fct_pg *c, fct_error *err);
void fct_pg_close(fct_pg *c);

/* ---- Statements */

/* Parameters of a statement, in order. A zeroed one is empty; fct_pg_params_free(). */
typedef struct fct_pg_params {
    fct_buf bytes;
    int n;
    struct fct_pg_param {
        Oid type;
        size_t at;
        int size; /* -1 = NULL */
    } items[20];
} fct_pg_params;
void fct_pg_put_int(fct_pg_params *p, int64_t v);
void fct_pg_put_float(fct_pg_params *p, double v);
void fct_pg_put_text(fct_pg_params *p, const char *s);               /* NULL = null */
void fct_pg_put_bytes(fct_pg_params *p, const void *data, size_t n); /* NULL = null */
void fct_pg_put_raw(fct_pg_params *p, Oid type, const void *data, size_t n);
/* An array: fct_pg_array(), as many items as it has, fct_pg_array_end(). */
void fct_pg_array(fct_pg_params *p, Oid item_type, size_t n);
void fct_pg_item_int(fct_pg_params *p, int64_t v);
void fct_pg_item_float(fct_pg_params *p, double v);
void fct_pg_item_bytes(fct_pg_params *p, const void *data, size_t n); /* also text; NULL = null */
void fct_pg_array_end(fct_pg_params *p);
void fct_pg_put_ints(fct_pg_params *p, const int64_t *v, size_t n);
void fct_pg_put_texts(fct_pg_params *p, const char *const *v, size_t n);
void fct_pg_params_free(fct_pg_params *p);

enum { FCT_PG_BOOL = 16, FCT_PG_BYTEA = 17, FCT_PG_INT8 = 20, FCT_PG_TEXT = 25, FCT_PG_FLOAT8 = 701 };

/* Runs one statement, prepared at its first use. p may be NULL and is emptied, also
 * on failure. columns has one letter for each column of the answer: i bigint, d
 * double precision, t text, b bytea, l boolean. *out (may be NULL) is owned:
 * PQclear(). */
fct_status fct_pg_ask(fct_pg *c, fct_pg_params *p, PGresult **out, fct_error *err, const char *columns,
                      const char *sql);
/* The same, giving each row to fn as it comes, so that an answer may be of any size.
 * A failure of fn ends it and is the result. */
typedef fct_status fct_pg_row_fn(void *ctx, const PGresult *r, int row, fct_error *err);
fct_status fct_pg_scan(fct_pg *c, fct_pg_params *p, fct_pg_row_fn *fn, void *ctx, fct_error *err, const char *columns,
                       const char *sql);
/* Several statements without parameters in one round trip; the answer of the last. */
fct_status fct_pg_run(fct_pg *c, PGresult **out, fct_error *err, const char *sql);
/* One number, 0 where there is no row or it is NULL. */
fct_status fct_pg_ask_int(fct_pg *c, fct_pg_params *p, int64_t *out, fct_error *err, const char *sql);

/* Values of an answer that fct_pg_ask() or fct_pg_scan() gave: of the right size,
 * since that was checked. NULL gives 0, NaN-free 0, NULL. Bytes and text are
 * borrowed from r. */
int64_t fct_pg_int(const PGresult *r, int row, int column);
double fct_pg_float(const PGresult *r, int row, int column);
bool fct_pg_bool(const PGresult *r, int row, int column);
const char *fct_pg_text(const PGresult *r, int row, int column); /* NULL also where it has a NUL inside */
const void *fct_pg_bytes(const PGresult *r, int row, int column, size_t *size);

/* Turns what libpq or the server said into a status with text "PLACE: what", without
 * passwords; sets c->retry, c->lost and c->state. r may be NULL. */
fct_status fct_pg_fail(fct_pg *c, const PGresult *r, fct_error *err);

#endif
