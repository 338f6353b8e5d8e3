/* Transactions and the change feed.
 *
 * Transactions that write are serializable: the server fails one whose reading and
 * writing would not fit into any order of all, and it is run again. One that has
 * failed several times keeps all others out, so that it comes to an end.
 *
 * The feed's entries are written in the same statement that ends a transaction's
 * work, under a lock that is held until the commit: numbers become visible in
 * their order, and nobody holds the lock for longer than a commit takes.
 *
 * A connection may break while the answer to a commit is on its way. Each
 * connection that writes has a row of its own in commit_mark, and every
 * transaction writes its number there: afterwards the row says whether it was
 * committed. (The server's own pg_xact_status() is not enough: after a crash it
 * may have given the same number to another transaction.) */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "gallery/postgres/pg_store.h"
#include <string.h>

#define LOG_KEEP  4096 /* entries of the feed that are kept */
#define TRIM_EACH 256  /* so many more before some are removed */
#define PATIENCE  3    /* conflicts in a row before a transaction keeps others out */

/* ---- Our row of commit_mark ------------------------------------------------------- */

/* Makes it; rows of clients that were killed are removed after a day. */
static fct_status make_session(fct_pg_store *st, fct_error *err) {
    PGresult *r;
    fct_status s = fct_pg_ask(&st->pg, NULL, NULL, err, "",
                              "DELETE FROM commit_mark WHERE used < now() - "
                              "interval '1 day'");
    if (!s)
        s = fct_pg_ask(&st->pg, NULL, &r, err, "t",
                       "INSERT INTO commit_mark(session) VALUES(gen_random_uuid()) RETURNING session::text");
    if (s) return s;
    const char *text = PQntuples(r) > 0 ? fct_pg_text(r, 0, 0) : NULL;
    if (text && strlen(text) < sizeof st->session) memcpy(st->session, text, strlen(text) + 1);
    else s = fct_pg_odd_answer(st, err);
    PQclear(r);
    return s;
}

/* Reads the number of the last transaction that was committed. Waits for one that
 * still is: it holds the row. */
static fct_status read_mark(fct_pg_store *st, int64_t *mark, fct_error *err) {
    fct_pg_params p = {0};
    fct_pg_put_text(&p, st->session);
    return fct_pg_ask_int(&st->pg, &p, mark, err, "SELECT number FROM commit_mark WHERE session = $1::uuid FOR UPDATE");
}

/* The connection broke during a commit: finds out whether it took place. */
static fct_status look_up_commit(fct_pg_store *st, fct_error *err) {
    int64_t mark = 0;
    fct_status s = FCT_ERR_NETWORK;
    for (int i = 0; i < 10 && s; i++) {
        s = fct_pg_connect(&st->pg, err);
        if (!s) s = read_mark(st, &mark, err);
        if (s && !st->pg.retry && s != FCT_ERR_BUSY) break;
    }
    if (s)
        return fct_fail(err, FCT_ERR_NETWORK,
                        "%s: the connection was lost during a commit and does not come back: the last change may or "
                        "may not be stored",
                        st->head.place);
    if (mark == st->mark) return FCT_OK;
    st->head.retry = true;
    return fct_fail(err, FCT_ERR_NETWORK, "%s: the connection was lost", st->head.place);
}

/* ---- Begin and end ------------------------------------------------------------------ */

static fct_status begin_once(fct_pg_store *st, fct_store_mode mode, fct_error *err) {
    fct_status s = fct_pg_connect(&st->pg, err);
    if (s) return s;
    if (mode == FCT_STORE_READ)
        return fct_pg_run(&st->pg, NULL, err,
                          "BEGIN ISOLATION LEVEL REPEATABLE READ "
                          "READ ONLY");
    if (!st->session[0]) s = make_session(st, err);
    if (s) return s;
    /* LOCK comes before the transaction's view of the database is made. */
    bool alone = st->citus || st->conflicts >= PATIENCE;
    return fct_pg_run(&st->pg, NULL, err,
                      alone ? "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE writers IN EXCLUSIVE MODE"
                            : "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE writers IN ROW EXCLUSIVE MODE");
}

fct_status fct_pg_begin(fct_store *head, fct_store_mode mode, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    st->mode = mode;
    st->n_changes = 0;
    st->generation = st->dim = st->pending = st->pending_dim = 0;
    fct_status s = begin_once(st, mode, err);
    /* Nothing was done yet: a connection that was cut while idle is made anew. */
    for (int i = 0; i < 3 && s && st->pg.lost && st->pg.retry; i++) s = begin_once(st, mode, err);
    if (s && !st->pg.lost) fct_pg_run(&st->pg, NULL, NULL, "ROLLBACK");
    return s;
}

/* The last statement of a transaction: its mark and its part of the feed. */
static fct_status write_feed(fct_pg_store *st, fct_error *err) {
    fct_pg_params p = {0};
    fct_pg_put_text(&p, st->session);
    fct_pg_put_int(&p, st->mark);
    fct_pg_array(&p, FCT_PG_INT8, st->n_changes);
    for (size_t i = 0; i < st->n_changes; i++) fct_pg_item_int(&p, st->changes[i].what);
    fct_pg_array_end(&p);
    fct_pg_array(&p, FCT_PG_INT8, st->n_changes);
    for (size_t i = 0; i < st->n_changes; i++) fct_pg_item_int(&p, st->changes[i].id);
    fct_pg_array_end(&p);
    return fct_pg_ask(&st->pg, &p, NULL, err, "",
                      "WITH mine AS (UPDATE commit_mark SET number = $2, used = now() WHERE session = $1::uuid), "
                      "gate AS MATERIALIZED (SELECT pg_advisory_xact_lock('change'::regclass::oid::bigint)) "
                      "INSERT INTO change(what, id) SELECT w, i FROM gate, unnest($3::bigint[], $4::bigint[]) "
                      "AS u(w, i)");
}

/* Forgets old entries, outside any transaction: two that did so at once would fail. */
static void trim_feed(fct_pg_store *st, size_t added) {
    int64_t newest;
    if (fct_pg_ask_int(&st->pg, NULL, &newest, NULL, "SELECT max(seq) FROM change")) return;
    if (newest % TRIM_EACH >= (int64_t)added) return;
    fct_pg_params p = {0};
    fct_pg_put_int(&p, newest - LOG_KEEP);
    fct_pg_ask(&st->pg, &p, NULL, NULL, "", "DELETE FROM change WHERE seq <= $1");
}

static fct_status commit(fct_pg_store *st, fct_error *err) {
    PGresult *r;
    st->mark++;
    fct_status s = fct_pg_vectors_settle(st, err);
    if (!s) s = write_feed(st, err);
    if (s) return s;
    s = fct_pg_run(&st->pg, &r, err, "COMMIT");
    if (s) return st->pg.lost ? look_up_commit(st, err) : s;
    bool done = strcmp(PQcmdStatus(r), "COMMIT") == 0;
    PQclear(r);
    if (!done) return fct_fail(err, FCT_ERR_INTERNAL, "%s: a failed transaction was committed", st->head.place);
    return FCT_OK;
}

fct_status fct_pg_end(fct_store *head, fct_status s, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    bool writes = st->mode == FCT_STORE_WRITE, tried = !s && writes;
    if (tried) s = commit(st, err);
    if (!s && writes) {
        if (st->conflicts) st->conflicts--;
        if (st->n_changes) trim_feed(st, st->n_changes);
        return FCT_OK;
    }
    if (s) head->retry |= st->pg.retry;
    if (s && st->pg.retry && !st->pg.lost && st->conflicts < 2 * PATIENCE) st->conflicts++;
    /* What was read is true whatever becomes of the transaction. */
    if (!st->pg.lost && fct_pg_run(&st->pg, NULL, NULL, s ? "ROLLBACK" : "COMMIT")) st->pg.lost = true;
    return s;
}

bool fct_pg_was_faster(fct_pg_store *st) {
    bool so = strcmp(st->pg.state, "23505") == 0 || strcmp(st->pg.state, "42P07") == 0;
    st->pg.retry |= so;
    return so;
}

/* ---- The change feed ------------------------------------------------------------------ */

fct_status fct_pg_log(fct_pg_store *st, fct_change what, int64_t id, fct_error *err) {
    fct_store_change *all = fct_grow(st->changes, &st->cap_changes, st->n_changes + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "changes of the gallery", 0);
    st->changes = all;
    all[st->n_changes++] = (fct_store_change){what, id};
    return FCT_OK;
}

fct_status fct_pg_version(fct_store *head, int64_t *out, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = FCT_ERR_NETWORK;
    *out = 0;
    for (int i = 0; i < 3 && s; i++) {
        s = fct_pg_connect(&st->pg, err);
        if (!s) s = fct_pg_ask_int(&st->pg, NULL, out, err, "SELECT max(seq) FROM change");
        if (s && !st->pg.retry) break;
    }
    return s;
}

/* A scan that fills a list of changes. */
typedef struct change_list {
    fct_store_changes *out;
    size_t cap;
} change_list;

static fct_status add_change(void *ctx, const PGresult *r, int row, fct_error *err) {
    change_list *l = ctx;
    int64_t what = fct_pg_int(r, row, 0);
    bool known = what == FCT_CHANGE_FACE || what == FCT_CHANGE_PERSON || what == FCT_CHANGE_SETTING;
    if (l->out->n == 2 * LOG_KEEP || !known) l->out->complete = false;
    if (!l->out->complete) return FCT_OK; /* everything has to be read again */
    fct_store_change *items = fct_grow(l->out->items, &l->cap, l->out->n + 1, sizeof *items);
    if (!items) return fct_fail_nomem(err, "changes of the gallery", 0);
    l->out->items = items;
    items[l->out->n++] = (fct_store_change){(fct_change)what, fct_pg_int(r, row, 1)};
    return FCT_OK;
}

static fct_status read_ends(fct_pg_store *st, int64_t *oldest, int64_t *newest, fct_error *err) {
    PGresult *r;
    fct_status s = fct_pg_ask(&st->pg, NULL, &r, err, "ii", "SELECT min(seq), max(seq) FROM change");
    if (s) return s;
    *oldest = PQntuples(r) ? fct_pg_int(r, 0, 0) : 0;
    *newest = PQntuples(r) ? fct_pg_int(r, 0, 1) : 0;
    PQclear(r);
    return FCT_OK;
}

fct_status fct_pg_changes(fct_store *head, int64_t after, fct_store_changes *out, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    int64_t oldest;
    *out = (fct_store_changes){0};
    fct_status s = read_ends(st, &oldest, &out->newest, err);
    if (s || out->newest == after) return out->complete = !s, s;
    out->complete = out->newest > after && (oldest <= after || oldest - 1 == after);
    change_list l = {.out = out};
    fct_pg_params p = {0};
    fct_pg_put_int(&p, after);
    if (out->complete)
        s = fct_pg_scan(&st->pg, &p, add_change, &l, err, "ii",
                        "SELECT what, id FROM change WHERE seq > $1 GROUP BY what, id ORDER BY what DESC, id");
    fct_pg_params_free(&p);
    if (s || !out->complete) {
        fct_free(out->items);
        out->items = NULL;
        out->n = 0;
    }
    return s;
}
