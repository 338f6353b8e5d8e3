/* Parameters and answers in PostgreSQL's binary format: numbers with the highest
 * byte first; an array is its number of dimensions (one), whether there are nulls,
 * the type of its items, their number, the lowest subscript, then each item with
 * its size before it. */
#include "base/alloc.h"
#include "postgres/pg_conn.h"
#include <limits.h>
#include <math.h>
#include <string.h>

static void put_number(fct_buf *b, uint64_t v, int bytes) {
    uint8_t raw[8];
    for (int i = 0; i < bytes; i++) raw[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    fct_buf_add(b, raw, (size_t)bytes);
}

static uint64_t bits_of(double v) {
    uint64_t u;
    memcpy(&u, &v, 8);
    return u;
}

static struct fct_pg_param *begin_param(fct_pg_params *p, Oid type) {
    struct fct_pg_param *x = &p->items[p->n];
    if (p->n + 1 < (int)(sizeof p->items / sizeof *p->items)) p->n++;
    *x = (struct fct_pg_param){.type = type, .at = p->bytes.size};
    return x;
}

/* Sizes are 31 bits in the protocol; more is an error like too little memory. */
static void end_param(fct_pg_params *p, struct fct_pg_param *x) {
    size_t n = p->bytes.size - x->at;
    if (n > INT_MAX / 2) p->bytes.failed = true;
    else x->size = (int)n;
}

void fct_pg_put_raw(fct_pg_params *p, Oid type, const void *data, size_t n) {
    struct fct_pg_param *x = begin_param(p, type);
    if (data) fct_buf_add(&p->bytes, data, n);
    end_param(p, x);
    if (!data) x->size = -1;
}

void fct_pg_put_int(fct_pg_params *p, int64_t v) {
    struct fct_pg_param *x = begin_param(p, FCT_PG_INT8);
    put_number(&p->bytes, (uint64_t)v, 8);
    end_param(p, x);
}

void fct_pg_put_float(fct_pg_params *p, double v) {
    struct fct_pg_param *x = begin_param(p, FCT_PG_FLOAT8);
    put_number(&p->bytes, bits_of(v), 8);
    end_param(p, x);
}

void fct_pg_put_text(fct_pg_params *p, const char *s) { fct_pg_put_raw(p, FCT_PG_TEXT, s, s ? strlen(s) : 0); }
void fct_pg_put_bytes(fct_pg_params *p, const void *data, size_t n) { fct_pg_put_raw(p, FCT_PG_BYTEA, data, n); }

static Oid array_of(Oid item) {
    if (item == FCT_PG_FLOAT8) return 1022;
    return item == FCT_PG_INT8 ? 1016 : item == FCT_PG_TEXT ? 1009 : item == FCT_PG_BYTEA ? 1001 : 0; /* 0: as used */
}

void fct_pg_array(fct_pg_params *p, Oid item_type, size_t n) {
    begin_param(p, array_of(item_type));
    put_number(&p->bytes, n ? 1 : 0, 4);
    put_number(&p->bytes, 1, 4);
    put_number(&p->bytes, item_type, 4);
    if (n > INT_MAX) p->bytes.failed = true;
    if (n) put_number(&p->bytes, n, 4);
    if (n) put_number(&p->bytes, 1, 4);
}

void fct_pg_item_int(fct_pg_params *p, int64_t v) {
    put_number(&p->bytes, 8, 4);
    put_number(&p->bytes, (uint64_t)v, 8);
}

void fct_pg_item_float(fct_pg_params *p, double v) {
    put_number(&p->bytes, 8, 4);
    put_number(&p->bytes, bits_of(v), 8);
}

void fct_pg_item_bytes(fct_pg_params *p, const void *data, size_t n) {
    if (n > INT_MAX / 2) p->bytes.failed = true;
    put_number(&p->bytes, data ? n : UINT32_MAX, 4);
    if (data) fct_buf_add(&p->bytes, data, n);
}

void fct_pg_array_end(fct_pg_params *p) { end_param(p, &p->items[p->n - 1]); }

void fct_pg_put_ints(fct_pg_params *p, const int64_t *v, size_t n) {
    fct_pg_array(p, FCT_PG_INT8, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_int(p, v[i]);
    fct_pg_array_end(p);
}

void fct_pg_put_texts(fct_pg_params *p, const char *const *v, size_t n) {
    fct_pg_array(p, FCT_PG_TEXT, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_bytes(p, v[i], strlen(v[i]));
    fct_pg_array_end(p);
}

void fct_pg_params_free(fct_pg_params *p) {
    fct_buf_free(&p->bytes);
    p->n = 0;
}

/* ---- Answers ------------------------------------------------------------------------ */

static uint64_t read_number(const PGresult *r, int row, int column) {
    const uint8_t *raw = (const uint8_t *)PQgetvalue(r, row, column);
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v = v << 8 | raw[i];
    return v;
}

int64_t fct_pg_int(const PGresult *r, int row, int column) {
    return PQgetisnull(r, row, column) ? 0 : (int64_t)read_number(r, row, column);
}

double fct_pg_float(const PGresult *r, int row, int column) {
    if (PQgetisnull(r, row, column)) return 0;
    uint64_t u = read_number(r, row, column);
    double v;
    memcpy(&v, &u, 8);
    return isfinite(v) ? v : 0;
}

bool fct_pg_bool(const PGresult *r, int row, int column) {
    return !PQgetisnull(r, row, column) && PQgetvalue(r, row, column)[0];
}

const char *fct_pg_text(const PGresult *r, int row, int column) {
    const char *s = PQgetvalue(r, row, column); /* libpq puts a NUL behind every value */
    if (PQgetisnull(r, row, column) || strlen(s) != (size_t)PQgetlength(r, row, column)) return NULL;
    return s;
}

const void *fct_pg_bytes(const PGresult *r, int row, int column, size_t *size) {
    bool null = PQgetisnull(r, row, column);
    *size = null ? 0 : (size_t)PQgetlength(r, row, column);
    return null ? NULL : PQgetvalue(r, row, column);
}
