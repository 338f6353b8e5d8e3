/* Negatives, faces that are not a person's, and the keys of people, in PostgreSQL. */
#include "base/error.h"
#include "gallery/postgres/pg_store.h"
#include <stdio.h>
#include <string.h>

typedef struct negative_visit {
    fct_negative_fn *fn;
    void *ctx;
} negative_visit;

static fct_status visit_negative(void *ctx, const PGresult *r, int row, fct_error *err) {
    const negative_visit *v = ctx;
    fct_store_negative x = {
        .id = fct_pg_int(r, row, 0), .person_id = fct_pg_int(r, row, 1), .created = fct_pg_int(r, row, 2)};
    x.embedding = fct_pg_bytes(r, row, 3, &x.embedding_size);
    x.key = fct_pg_bytes(r, row, 4, &x.key_size);
    return v->fn(v->ctx, &x, err);
}

fct_status fct_pg_negatives(fct_store *head, const int64_t *people, size_t n, int parts, fct_negative_fn *fn, void *ctx,
                            fct_error *err) {
    fct_pg_params p = {0};
    char sql[300];
    if (people) fct_pg_put_ints(&p, people, n);
    snprintf(sql, sizeof sql, "SELECT id, person_id, created, embedding, %s FROM negative %s ORDER BY person_id, id",
             parts & FCT_FACE_KEY ? "(SELECT sealed FROM person_key WHERE person_key.person_id = negative.person_id)"
                                  : "NULL::bytea",
             people ? "WHERE person_id = ANY($1)" : "");
    return fct_pg_scan(&fct_pg_store_of(head)->pg, &p, visit_negative, &(negative_visit){fn, ctx}, err, "iiibb", sql);
}

fct_status fct_pg_negatives_add(fct_store *head, fct_store_negative *x, size_t n, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    PGresult *r;
    fct_pg_array(&p, FCT_PG_INT8, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_int(&p, x[i].person_id);
    fct_pg_array_end(&p);
    fct_pg_array(&p, FCT_PG_INT8, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_int(&p, x[i].created);
    fct_pg_array_end(&p);
    fct_pg_array(&p, FCT_PG_BYTEA, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_bytes(&p, x[i].embedding, x[i].embedding_size);
    fct_pg_array_end(&p);
    fct_status s = fct_pg_ask(&st->pg, &p, &r, err, "i",
                              "INSERT INTO negative(person_id, created, embedding) SELECT person_id, created, "
                              "embedding "
                              "FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS u(person_id, "
                              "created, embedding, ord) ORDER BY ord RETURNING id");
    if (s) return s;
    if (PQntuples(r) != (int)n) s = fct_pg_odd_answer(st, err);
    for (size_t i = 0; i < n && !s; i++) {
        x[i].id = fct_pg_int(r, (int)i, 0);
        s = fct_pg_log(st, FCT_CHANGE_PERSON, x[i].person_id, err);
    }
    PQclear(r);
    return s;
}

fct_status fct_pg_negatives_remove(fct_store *head, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    PGresult *r;
    *removed = 0;
    fct_pg_put_ints(&p, ids, n);
    fct_status s = fct_pg_ask(&st->pg, &p, &r, err, "i", "DELETE FROM negative WHERE id = ANY($1) RETURNING person_id");
    if (s) return s;
    *removed = (size_t)PQntuples(r);
    for (int i = 0; i < PQntuples(r) && !s; i++) s = fct_pg_log(st, FCT_CHANGE_PERSON, fct_pg_int(r, i, 0), err);
    PQclear(r);
    return s;
}

/* ---- Keys ------------------------------------------------------------------------------ */

/* Those with data are put, the others removed. */
static fct_status put_keys(fct_pg_store *st, const fct_store_key *k, size_t n, bool with_data, fct_error *err) {
    fct_pg_params p = {0};
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += !k[i].data == !with_data;
    if (!count) return FCT_OK;
    fct_pg_array(&p, FCT_PG_INT8, count);
    for (size_t i = 0; i < n; i++)
        if (!k[i].data == !with_data) fct_pg_item_int(&p, k[i].person_id);
    fct_pg_array_end(&p);
    if (!with_data) return fct_pg_ask(&st->pg, &p, NULL, err, "", "DELETE FROM person_key WHERE person_id = ANY($1)");
    fct_pg_array(&p, FCT_PG_BYTEA, count);
    for (size_t i = 0; i < n; i++)
        if (k[i].data) fct_pg_item_bytes(&p, k[i].data, k[i].size);
    fct_pg_array_end(&p);
    return fct_pg_ask(&st->pg, &p, NULL, err, "",
                      "INSERT INTO person_key(person_id, sealed) SELECT * FROM unnest($1::bigint[], $2::bytea[]) "
                      "ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed");
}

fct_status fct_pg_keys_put(fct_store *head, const fct_store_key *k, size_t n, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = put_keys(st, k, n, false, err);
    if (!s) s = put_keys(st, k, n, true, err);
    for (size_t i = 0; i < n && !s; i++) s = fct_pg_log(st, FCT_CHANGE_PERSON, k[i].person_id, err);
    return s;
}
