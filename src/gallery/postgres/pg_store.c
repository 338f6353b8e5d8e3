/* Opening a gallery in PostgreSQL, and its connections. Those for reading go back
 * to a pool when they are closed: a server makes a process for each new one. */
#include "gallery/postgres/pg_store.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

#define RECONNECT_MS 30000 /* how long a server that was there is waited for */

/* ---- The pool ------------------------------------------------------------------------ */

static void destroy_pool(fct_pg_pool *pool) {
    fct_pg_address_free(&pool->address);
    fct_mutex_destroy(&pool->lock);
    fct_free(pool);
}

static fct_status make_pool(const char *address, int busy_ms, fct_pg_pool **out, fct_error *err) {
    fct_pg_pool *pool = fct_calloc(1, sizeof *pool);
    if (!pool) return fct_fail_nomem(err, "gallery", sizeof *pool);
    fct_mutex_init(&pool->lock);
    pool->busy_ms = busy_ms;
    fct_status s = fct_pg_address_parse(address, &pool->address, err);
    if (s) destroy_pool(pool);
    else *out = pool;
    return s;
}

/* Ends a store for good, without its pool. */
static void destroy_store(fct_pg_store *st) {
    fct_pg_close(&st->pg);
    fct_free(st->changes);
    fct_free(st);
}

/* Counts a user of the pool less; the last one ends it. */
static void leave_pool(fct_pg_pool *pool) {
    fct_mutex_lock(&pool->lock);
    bool last = --pool->users == 0;
    fct_mutex_unlock(&pool->lock);
    if (!last) return;
    for (int i = 0; i < pool->n_idle; i++) destroy_store(pool->idle[i]);
    destroy_pool(pool);
}

/* A healthy reader waits in the pool for the next; anything else is closed. */
static void close_store(fct_store *head) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_pool *pool = st->pool;
    bool kept = false;
    if (!st->writes && st->pg.h && !st->pg.lost && PQtransactionStatus(st->pg.h) == PQTRANS_IDLE) {
        fct_mutex_lock(&pool->lock);
        kept = pool->n_idle < FCT_PG_POOL && pool->users > 1;
        if (kept) pool->idle[pool->n_idle++] = st;
        fct_mutex_unlock(&pool->lock);
    }
    if (st->session[0] && !st->pg.lost) {
        fct_pg_params p = {0};
        fct_pg_put_text(&p, st->session);
        fct_pg_ask(&st->pg, &p, NULL, NULL, "", "DELETE FROM commit_mark WHERE session = $1::uuid");
    }
    if (!kept) destroy_store(st);
    leave_pool(pool);
}

static fct_pg_store *take_idle(fct_pg_pool *pool) {
    fct_mutex_lock(&pool->lock);
    fct_pg_store *st = pool->n_idle ? pool->idle[--pool->n_idle] : NULL;
    if (st) pool->users++;
    fct_mutex_unlock(&pool->lock);
    return st;
}

/* ---- Verbs about the whole -------------------------------------------------------------- */

static fct_status describe(fct_store *head, int64_t *people, int64_t *faces, int *schema, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    *schema = st->schema;
    *faces = 0;
    fct_status s = fct_pg_ask_int(&st->pg, NULL, people, err, "SELECT count(*) FROM person");
    return s ? s : fct_pg_ask_int(&st->pg, NULL, faces, err, "SELECT count(*) FROM face");
}

static fct_status backup(fct_store *st, const char *path, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: is not a file; copy it with 'facet gallery copy', or back it up with pg_dump", st->place);
}

static fct_status open_reader(fct_store *head, fct_store **out, fct_error *err);

static const fct_store_ops pg_ops = {
    FCT_STORE_TABLE(fct_pg), .close = close_store,      .reader = open_reader,          .begin = fct_pg_begin,
    .end = fct_pg_end,       .version = fct_pg_version, .describe = describe,           .check = fct_pg_check,
    .backup = backup,        .nearest = fct_pg_nearest, .make_index = fct_pg_make_index};

fct_pg *fct_pg_of_store(fct_store *st) { return st->ops == &pg_ops ? &fct_pg_store_of(st)->pg : NULL; }

/* ---- Opening ------------------------------------------------------------------------------ */

/* A store of the pool that is not connected yet; owned, NULL = out of memory. */
static fct_pg_store *make_store(fct_pg_pool *pool, bool writes) {
    fct_pg_store *st = fct_calloc(1, sizeof *st);
    if (!st) return NULL;
    st->head = (fct_store){.ops = &pg_ops, .place = pool->address.place};
    st->pool = pool;
    st->writes = writes;
    st->pg = (fct_pg){
        .address = &pool->address, .setup = fct_pg_session_setup, .setup_ctx = st, .reconnect_ms = RECONNECT_MS};
    fct_mutex_lock(&pool->lock);
    pool->users++;
    fct_mutex_unlock(&pool->lock);
    return st;
}

/* A connection that breaks meanwhile is made anew. */
static fct_status connect_store(fct_pg_store *st, bool create, fct_store **out, fct_error *err) {
    fct_status s = FCT_ERR_NETWORK;
    for (int i = 0; i < 3 && s; i++) {
        s = fct_pg_connect(&st->pg, err);
        if (!s) s = fct_pg_schema_prepare(st, create, err);
        if (s && !st->pg.retry) break;
    }
    if (s) close_store(&st->head);
    else *out = &st->head;
    return s;
}

static fct_status open_reader(fct_store *head, fct_store **out, fct_error *err) {
    fct_pg_pool *pool = fct_pg_store_of(head)->pool;
    *out = NULL;
    fct_pg_store *st = take_idle(pool);
    if (st) return *out = &st->head, FCT_OK;
    st = make_store(pool, false);
    if (!st) return fct_fail_nomem(err, "gallery", sizeof *st);
    return connect_store(st, false, out, err);
}

fct_status fct_pg_store_open(const char *address, const fct_gallery_opts *o, fct_store **out, fct_error *err) {
    *out = NULL;
    fct_pg_pool *pool = NULL;
    fct_status s = make_pool(address, o->busy_ms, &pool, err);
    if (s) return s;
    fct_pg_store *st = make_store(pool, !o->read_only);
    if (st) return connect_store(st, !o->read_only && !o->must_exist, out, err);
    destroy_pool(pool);
    return fct_fail_nomem(err, "gallery", sizeof *st);
}
