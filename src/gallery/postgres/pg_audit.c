/* The audit log in PostgreSQL, and purging. */
#include "base/error.h"
#include "gallery/postgres/pg_store.h"
#include <string.h>

typedef struct audit_visit {
    fct_audit_fn *fn;
    void *ctx;
} audit_visit;

/* A hash of another length is left as zeros: the chain then shows that it is broken. */
static void read_hash(const PGresult *r, int row, int column, uint8_t hash[32]) {
    size_t size;
    const void *data = fct_pg_bytes(r, row, column, &size);
    memset(hash, 0, 32);
    if (data && size == 32) memcpy(hash, data, 32);
}

static fct_status visit_audit(void *ctx, const PGresult *r, int row, fct_error *err) {
    const audit_visit *v = ctx;
    fct_store_audit a = {.seq = fct_pg_int(r, row, 0),
                         .at = fct_pg_int(r, row, 1),
                         .actor = fct_pg_text(r, row, 2),
                         .what = fct_pg_text(r, row, 3),
                         .detail = fct_pg_text(r, row, 4)};
    read_hash(r, row, 5, a.hash);
    return v->fn(v->ctx, &a, err);
}

fct_status fct_pg_audit(fct_store *st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err) {
    fct_pg_params p = {0};
    fct_pg_put_int(&p, after);
    return fct_pg_scan(&fct_pg_store_of(st)->pg, &p, visit_audit, &(audit_visit){fn, ctx}, err, "iitttb",
                       "SELECT seq, at, actor, what, detail, hash FROM audit WHERE seq > $1 ORDER BY seq");
}

fct_status fct_pg_audit_last(fct_store *st, int64_t *seq, uint8_t hash[32], fct_error *err) {
    PGresult *r;
    *seq = 0;
    memset(hash, 0, 32);
    fct_status s = fct_pg_ask(&fct_pg_store_of(st)->pg, NULL, &r, err, "ib",
                              "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
    if (!s && PQntuples(r) > 0) {
        *seq = fct_pg_int(r, 0, 0);
        read_hash(r, 0, 1, hash);
    }
    PQclear(r);
    return s;
}

/* Entries are few: one or two a transaction. */
fct_status fct_pg_audit_add(fct_store *head, const fct_store_audit *a, size_t n, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        fct_pg_params p = {0};
        fct_pg_put_int(&p, a[i].seq);
        fct_pg_put_int(&p, a[i].at);
        fct_pg_put_text(&p, a[i].actor);
        fct_pg_put_text(&p, a[i].what);
        fct_pg_put_text(&p, a[i].detail);
        fct_pg_put_bytes(&p, a[i].hash, sizeof a[i].hash);
        s = fct_pg_ask(&st->pg, &p, NULL, err, "",
                       "INSERT INTO audit(seq, at, actor, what, detail, hash) VALUES($1, $2, $3, $4, $5, $6)");
        if (s) fct_pg_was_faster(st);
    }
    return s;
}

/* Writes the tables anew, so that nothing of removed rows is left in them. What the
 * server's write-ahead log and its backups still hold is not ours to remove; the
 * log is used up by new entries, sooner after a checkpoint, for which not everybody
 * has the right. */
fct_status fct_pg_purge(fct_store *head, fct_error *err) {
    static const char *const tables[] = {"VACUUM FULL face",   "VACUUM FULL negative",    "VACUUM FULL person_key",
                                         "VACUUM FULL person", "VACUUM FULL face_vector", "VACUUM FULL face_bits"};
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = fct_pg_connect(&st->pg, err);
    for (int i = 0; i < (st->vectors ? 6 : 4) && !s; i++) s = fct_pg_run(&st->pg, NULL, err, tables[i]);
    if (!s) fct_pg_run(&st->pg, NULL, NULL, "CHECKPOINT");
    return s;
}
