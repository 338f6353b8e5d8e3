/* Candidates for a search, found by the server. Signs of the embeddings are a table of
 * their own, 64 bytes a face of 512 values, which the server reads from one end to the
 * other for each search: exact, so that nobody is missed whom the signs find. With an
 * index (gallery index) the nearest in pgvector's HNSW graphs are taken instead, over
 * signs and over halves, 400 from each. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "gallery/postgres/pg_store.h"
#include <stdio.h>
#include <string.h>

/* What a query is made of. */
typedef struct search_plan {
    int64_t generation;
    int dim;
    bool graph; /* the partition has its graphs */
    size_t n;
    int64_t collection_id;
} search_plan;

/* Whether both graphs are there and complete. */
static fct_status find_graph(fct_pg_store *st, int64_t generation, bool *there, fct_error *err) {
    int64_t n;
    fct_pg_params p = {0};
    fct_pg_put_int(&p, generation);
    fct_status s =
        fct_pg_ask_int(&st->pg, &p, &n, err,
                       "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid IN "
                       "(to_regclass('face_vector_' || $1 || '_graph'), to_regclass('face_bits_' || $1 || '_graph'))");
    *there = !s && n == 2;
    return s;
}

static fct_status make_plan(fct_pg_store *st, const fct_nearest_query *q, search_plan *plan, fct_error *err) {
    PGresult *r;
    *plan = (search_plan){.n = q->n, .collection_id = q->collection_id};
    fct_status s = fct_pg_ask(&st->pg, NULL, &r, err, "ii", "SELECT generation, dim FROM model");
    if (!s && PQntuples(r) > 0) {
        plan->generation = fct_pg_int(r, 0, 0);
        plan->dim = (int)fct_pg_int(r, 0, 1);
    }
    PQclear(r);
    if (!s && plan->generation && plan->dim != q->dim)
        return fct_fail(err, FCT_ERR_MISMATCH, "%s: its embeddings have %d values, not %d", st->head.place, plan->dim,
                        q->dim);
    if (!s && plan->generation) s = find_graph(st, plan->generation, &plan->graph, err);
    if (!s && plan->graph) plan->n = plan->n * 25 / 64; /* 400 of 1024 from each graph: as long as its list */
    return s;
}

/* Signs as pgvector's binary_quantize() makes them: 1 for what is above zero. */
static void put_bits(fct_pg_params *p, const float *v, int dim) {
    uint8_t raw[4 + FCT_INDEX_DIM_MAX / 8] = {0};
    for (int i = 0; i < 4; i++) raw[i] = (uint8_t)((unsigned)dim >> (24 - 8 * i));
    for (int i = 0; i < dim; i++)
        if (v[i] > 0) raw[4 + i / 8] |= (uint8_t)(0x80 >> (i % 8));
    fct_pg_put_raw(p, 1562, raw, 4 + ((size_t)dim + 7) / 8); /* bit varying */
}

static void put_vector(fct_pg_store *st, fct_pg_params *p, const float *v, int dim) {
    uint8_t raw[4 + 2 * FCT_INDEX_DIM_MAX];
    fct_pg_halfvec(v, dim, raw);
    fct_pg_put_raw(p, st->halfvec, raw, 4 + 2 * (size_t)dim);
}

/* $1: the collection, $2: signs, $3: halves. How many is written out, so that the
 * planner knows it. It takes an index
 * only for an expression that is written as the index has it. */
static void write_query(const search_plan *plan, char *sql, size_t cap) {
    const char *of = plan->collection_id ? "JOIN face f ON f.id = x.face_id JOIN person p ON p.id = f.person_id "
                                           "WHERE p.collection_id = $1"
                                         : "WHERE $1 = 0";
    char by_bits[400], by_halves[400];
    long long g = (long long)plan->generation;
    snprintf(by_bits, sizeof by_bits,
             "(SELECT x.face_id FROM face_bits_%lld x %s ORDER BY x.bits::bit(%d) <~> $2::bit(%d) LIMIT %zu)", g, of,
             plan->dim, plan->dim, plan->n);
    snprintf(by_halves, sizeof by_halves,
             " UNION (SELECT x.face_id FROM face_vector_%lld x %s ORDER BY x.v::halfvec(%d) <#> $3::halfvec(%d) "
             "LIMIT %zu)",
             g, of, plan->dim, plan->dim, plan->n);
    snprintf(sql, cap, "SELECT face.id, face.person_id FROM face WHERE id IN (%s%s)%s", by_bits,
             plan->graph ? by_halves : "", plan->graph ? "" : " AND $3::halfvec IS NOT NULL");
}

typedef struct nearest_visit {
    fct_face_fn *fn;
    void *ctx;
} nearest_visit;

static fct_status visit_nearest(void *ctx, const PGresult *r, int row, fct_error *err) {
    const nearest_visit *v = ctx;
    fct_store_face f = {.id = fct_pg_int(r, row, 0), .person_id = fct_pg_int(r, row, 1)};
    return v->fn(v->ctx, &f, err);
}

/* Faces come without embeddings: whoever asks may have most of them already. */
fct_status fct_pg_nearest(fct_store *head, const fct_nearest_query *q, fct_face_fn *fn, void *ctx, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    search_plan plan;
    char sql[1200];
    fct_status s = make_plan(st, q, &plan, err);
    if (s || !plan.generation) return s;
    fct_pg_params p = {0};
    fct_pg_put_int(&p, plan.collection_id);
    put_bits(&p, q->probe, plan.dim);
    put_vector(st, &p, q->probe, plan.dim);
    write_query(&plan, sql, sizeof sql);
    if (plan.graph) s = fct_pg_run(&st->pg, NULL, err, "SET LOCAL enable_seqscan TO off");
    return s ? s : fct_pg_scan(&st->pg, &p, visit_nearest, &(nearest_visit){fn, ctx}, err, "ii", sql);
}

/* CONCURRENTLY: others read and write meanwhile. One that was interrupted leaves an
 * invalid index, which is dropped first. */
static fct_status make_graph(fct_pg_store *st, const char *table, int64_t generation, const char *expression,
                             fct_error *err) {
    char sql[400];
    fct_pg_run(&st->pg, NULL, NULL, "SET lock_timeout TO 0");
    snprintf(sql, sizeof sql, "DROP INDEX CONCURRENTLY IF EXISTS %s_%lld_graph", table, (long long)generation);
    fct_status s = fct_pg_run(&st->pg, NULL, err, sql);
    snprintf(sql, sizeof sql, "CREATE INDEX CONCURRENTLY %s_%lld_graph ON %s_%lld USING hnsw (%s)", table,
             (long long)generation, table, (long long)generation, expression);
    return s ? s : fct_pg_run(&st->pg, NULL, err, sql);
}

fct_status fct_pg_make_index(fct_store *head, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    search_plan plan;
    char text[120];
    fct_status s = fct_pg_connect(&st->pg, err);
    if (!s) s = make_plan(st, &(fct_nearest_query){.dim = 0}, &plan, NULL);
    if (s == FCT_ERR_MISMATCH) s = find_graph(st, plan.generation, &plan.graph, err); /* no probe: any length */
    if (s || !plan.generation || plan.graph) return s;
    snprintf(text, sizeof text, "(bits::bit(%d)) bit_hamming_ops", plan.dim);
    s = make_graph(st, "face_bits", plan.generation, text, err);
    snprintf(text, sizeof text, "(v::halfvec(%d)) halfvec_ip_ops", plan.dim);
    return s ? s : make_graph(st, "face_vector", plan.generation, text, err);
}
