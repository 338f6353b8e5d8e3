/* Opening a queue and adding to it. */
#include "queue/queue_impl.h"
#include "base/alloc.h"
#include "base/error.h"
#include <stdio.h>
#include <string.h>

#define RECONNECT_MS 60000 /* how long a server that was there is waited for */
#define TRIES        10

/* state: fct_job_state. key is the content's hash; person "" = nobody. */
static const char create_sql[] =
    "CREATE TABLE facet_queue(schema bigint NOT NULL);"
    "CREATE TABLE queue_job(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL,"
    " model text COLLATE \"C\" NOT NULL, person text COLLATE \"C\" NOT NULL, path text NOT NULL,"
    " state bigint NOT NULL DEFAULT 0, attempts bigint NOT NULL DEFAULT 0, worker text, lease timestamptz,"
    " reason text, faces bigint NOT NULL DEFAULT 0, finished timestamptz, UNIQUE(key, model, person))"
    " WITH (fillfactor = 70);"
    "CREATE INDEX queue_waiting ON queue_job(model, id) WHERE state = 0;"
    "CREATE INDEX queue_running ON queue_job(lease) WHERE state = 1;"
    "CREATE INDEX queue_finished ON queue_job(finished) WHERE state = 2;"
    "CREATE TABLE queue_face(job_id bigint NOT NULL REFERENCES queue_job(id) ON DELETE CASCADE, number bigint NOT NULL,"
    " box float8[] NOT NULL, landmarks float8[] NOT NULL, score float8 NOT NULL, embedding bytea NOT NULL,"
    " PRIMARY KEY(job_id, number));"
    "ALTER TABLE queue_face ALTER embedding SET STORAGE EXTERNAL;";

void fct_queue_opts_init(fct_queue_opts *o) { *o = (fct_queue_opts){.size = sizeof *o, .lease_s = 120, .attempts = 3}; }

/* The caller may have been compiled against a shorter struct. */
static fct_status read_opts(const fct_queue_opts *opts, fct_queue_opts *o, fct_error *err) {
    fct_queue_opts_init(o);
    if (!opts) return FCT_OK;
    if (opts->size < sizeof(size_t) || opts->size > 4096)
        return fct_fail(err, FCT_ERR_ARG, "queue options: not initialized");
    memcpy(o, opts, opts->size < sizeof *o ? opts->size : sizeof *o);
    if (o->lease_s < 1 || o->lease_s > 86400 || o->attempts < 1 || o->attempts > 1000)
        return fct_fail(err, FCT_ERR_ARG, "queue options: lease of %d s or %d attempts", o->lease_s, o->attempts);
    return FCT_OK;
}

/* ---- Statements that are run until they hold ----------------------------------------------- */

fct_status fct_queue_ask(fct_queue *q, fct_queue_fill *fill, const void *ctx, PGresult **out, fct_error *err,
                         const char *columns, const char *sql) {
    fct_status s = FCT_ERR_NETWORK;
    if (out) *out = NULL;
    for (int i = 0; i < TRIES && s; i++) {
        fct_pg_params p = {0};
        s = fct_pg_connect(&q->pg, err);
        if (s) return s;
        if (fill) fill(q, &p, ctx);
        s = fct_pg_ask(&q->pg, &p, out, err, columns, sql);
        if (s && !q->pg.retry) return s;
    }
    return s;
}

fct_status fct_queue_ask_int(fct_queue *q, fct_queue_fill *fill, const void *ctx, int64_t *out, fct_error *err,
                             const char *sql) {
    PGresult *r;
    *out = 0;
    fct_status s = fct_queue_ask(q, fill, ctx, &r, err, "i", sql);
    if (!s && PQntuples(r) > 0) *out = fct_pg_int(r, 0, 0);
    PQclear(r);
    return s;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static fct_status setup_session(fct_pg *c, void *ctx, fct_error *err) {
    fct_queue *q = ctx;
    char sql[300];
    snprintf(sql, sizeof sql,
             "SET search_path TO \"%s\"; SET jit TO off; SET lock_timeout TO 60000; "
             "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
             q->address.schema);
    return fct_pg_run(c, NULL, err, sql);
}

static fct_status read_version(fct_queue *q, int64_t *version, fct_error *err) {
    int64_t any;
    fct_pg_params p = {0};
    *version = 0;
    fct_pg_put_text(&p, q->address.schema);
    fct_status s = fct_pg_ask_int(&q->pg, &p, &any, err,
                                  "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'facet_queue'");
    return s || !any ? s : fct_pg_ask_int(&q->pg, NULL, version, err, "SELECT max(schema) FROM facet_queue");
}

/* Inside a transaction that nobody else creating tables shares. */
static fct_status create_tables(fct_queue *q, fct_error *err) {
    char sql[120];
    int64_t there, version;
    fct_pg_params p = {0};
    fct_status s = fct_pg_ask(&q->pg, NULL, NULL, err, "i",
                              "SELECT 1::bigint FROM pg_advisory_xact_lock(1178817607)"); /* as galleries do */
    if (!s) s = read_version(q, &version, err);
    if (s || version) return s;
    fct_pg_put_text(&p, q->address.schema);
    s = fct_pg_ask_int(&q->pg, &p, &there, err, "SELECT count(*) FROM pg_namespace WHERE nspname = $1");
    snprintf(sql, sizeof sql, "CREATE SCHEMA \"%s\"", q->address.schema);
    if (!s && !there) s = fct_pg_run(&q->pg, NULL, err, sql);
    if (!s) s = fct_pg_run(&q->pg, NULL, err, create_sql);
    snprintf(sql, sizeof sql, "INSERT INTO facet_queue VALUES(%d)", FCT_QUEUE_SCHEMA);
    return s ? s : fct_pg_run(&q->pg, NULL, err, sql);
}

static fct_status prepare_tables(fct_queue *q, fct_error *err) {
    int64_t version;
    fct_status s = read_version(q, &version, err);
    if (!s && !version) {
        s = fct_pg_run(&q->pg, NULL, err, "BEGIN");
        if (!s) s = create_tables(q, err);
        if (!s) s = fct_pg_run(&q->pg, NULL, err, "COMMIT");
        else if (!q->pg.lost) fct_pg_run(&q->pg, NULL, NULL, "ROLLBACK");
        if (!s) s = read_version(q, &version, err);
    }
    if (s || version == FCT_QUEUE_SCHEMA) return s;
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: a queue of another version of facet (schema %lld, this one "
                    "knows %d)",
                    q->address.place, (long long)version, FCT_QUEUE_SCHEMA);
}

/* A name that no other worker has, nor this one after a restart. */
static fct_status choose_name(fct_queue *q, fct_error *err) {
    PGresult *r;
    fct_status s = fct_pg_ask(&q->pg, NULL, &r, err, "t", "SELECT gen_random_uuid()::text");
    const char *name = !s && PQntuples(r) > 0 ? fct_pg_text(r, 0, 0) : NULL;
    if (name && strlen(name) < sizeof q->worker) memcpy(q->worker, name, strlen(name) + 1);
    else if (!s) s = fct_fail(err, FCT_ERR_FORMAT, "%s: a name for this worker is too long", q->address.place);
    PQclear(r);
    return s;
}

fct_status fct_queue_open(const char *address, const fct_queue_opts *opts, fct_queue **out, fct_error *err) {
    fct_queue_opts o;
    *out = NULL;
    if (!address || !fct_pg_is_address(address))
        return fct_fail(err, FCT_ERR_ARG, "a queue needs a database of PostgreSQL: postgresql://user@host/database");
    fct_status s = read_opts(opts, &o, err);
    if (s) return s;
    fct_queue *q = fct_calloc(1, sizeof *q);
    if (!q) return fct_fail_nomem(err, "queue", sizeof *q);
    q->o = o;
    q->pg = (fct_pg){.address = &q->address, .setup = setup_session, .setup_ctx = q, .reconnect_ms = RECONNECT_MS};
    s = fct_pg_address_parse(address, &q->address, err);
    if (!s) s = fct_pg_connect(&q->pg, err);
    if (!s) s = prepare_tables(q, err);
    if (!s) s = choose_name(q, err);
    if (s) fct_queue_free(q);
    else *out = q;
    return s;
}

void fct_queue_free(fct_queue *q) {
    if (!q) return;
    if (q->address.n) fct_pg_close(&q->pg);
    for (size_t i = 0; i < q->n_jobs; i++) fct_free(q->jobs[i].reason);
    for (size_t i = 0; i < q->n_faces; i++) fct_free(q->faces[i].embedding);
    fct_free(q->jobs);
    fct_free(q->faces);
    fct_pg_address_free(&q->address);
    fct_free(q);
}

/* ---- Adding ------------------------------------------------------------------------------------ */

typedef struct add_call {
    const char *model_id;
    const fct_queue_photo *photos;
    size_t n;
} add_call;

static void fill_add(fct_queue *q, fct_pg_params *p, const void *ctx) {
    const add_call *c = ctx;
    fct_pg_put_text(p, c->model_id);
    fct_pg_array(p, FCT_PG_BYTEA, c->n);
    for (size_t i = 0; i < c->n; i++) fct_pg_item_bytes(p, c->photos[i].sha256, 32);
    fct_pg_array_end(p);
    fct_pg_array(p, FCT_PG_TEXT, c->n);
    for (size_t i = 0; i < c->n; i++) fct_pg_item_bytes(p, c->photos[i].path, strlen(c->photos[i].path));
    fct_pg_array_end(p);
    fct_pg_array(p, FCT_PG_TEXT, c->n);
    for (size_t i = 0; i < c->n; i++) {
        const char *person = c->photos[i].person ? c->photos[i].person : "";
        fct_pg_item_bytes(p, person, strlen(person));
    }
    fct_pg_array_end(p);
}

/* A transaction that was committed though its answer was lost adds nothing the second
 * time, so that new jobs may be counted too low, never too high. */
fct_status fct_queue_add(fct_queue *q, const char *model_id, const fct_queue_photo *photos, size_t n, size_t *added,
                         fct_error *err) {
    int64_t count = 0;
    if (added) *added = 0;
    if (!model_id || !*model_id) return fct_fail(err, FCT_ERR_ARG, "queue: no model id");
    for (size_t i = 0; i < n; i++)
        if (!photos[i].path || !*photos[i].path) return fct_fail(err, FCT_ERR_ARG, "queue: photo %zu has no path", i);
    if (!n) return FCT_OK;
    fct_status s = fct_queue_ask_int(
        q, fill_add, &(add_call){model_id, photos, n}, &count, err,
        "WITH fresh AS (INSERT INTO queue_job(model, key, path, person) SELECT $1, key, path, person FROM "
        "unnest($2::bytea[], $3::text[], $4::text[]) WITH ORDINALITY AS u(key, path, person, ord) ORDER BY ord "
        "ON CONFLICT (key, model, person) DO NOTHING RETURNING 1) SELECT count(*) FROM fresh");
    if (added) *added = (size_t)count;
    return s;
}
