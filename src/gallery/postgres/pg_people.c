/* People and the model in PostgreSQL. */
#include "base/error.h"
#include "gallery/postgres/pg_store.h"
#include <stdio.h>
#include <string.h>

/* ---- The model ---------------------------------------------------------------------- */

fct_status fct_pg_get_model(fct_store *head, fct_store_model *out, fct_error *err) {
    PGresult *r;
    memset(out, 0, sizeof *out);
    fct_status s = fct_pg_ask(&fct_pg_store_of(head)->pg, NULL, &r, err, "ti", "SELECT model_id, dim FROM model");
    if (!s && PQntuples(r) > 0) {
        const char *id = fct_pg_text(r, 0, 0);
        out->dim = fct_pg_int(r, 0, 1);
        if (out->dim == 0) out->dim = -1; /* 0 would be "none" */
        if (id && strlen(id) < sizeof out->id) memcpy(out->id, id, strlen(id) + 1);
    }
    PQclear(r);
    return s;
}

fct_status fct_pg_set_model(fct_store *head, const fct_store_model *m, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    int64_t generation = 0;
    fct_pg_put_text(&p, m->id);
    fct_pg_put_int(&p, m->dim);
    fct_status s =
        fct_pg_ask(&st->pg, &p, NULL, err, "",
                   "DELETE FROM negative WHERE NOT EXISTS(SELECT 1 FROM model WHERE model_id = $1 AND dim = $2)");
    if (s) return s;
    if (m->dim) {
        fct_pg_put_text(&p, m->id);
        fct_pg_put_int(&p, m->dim);
        fct_pg_put_int(&p, st->pending_dim == m->dim ? st->pending : 0);
        s = fct_pg_ask_int(&st->pg, &p, &generation, err,
                           "INSERT INTO model(id, model_id, dim, generation) VALUES(1, $1, $2, CASE WHEN $3 > 0 "
                           "THEN $3 "
                           "ELSE nextval('generation') END) ON CONFLICT (id) DO UPDATE SET model_id = "
                           "excluded.model_id, "
                           "dim = excluded.dim, generation = excluded.generation RETURNING generation");
    } else s = fct_pg_ask(&st->pg, NULL, NULL, err, "", "DELETE FROM model");
    fct_pg_was_faster(st);
    if (!s) s = fct_pg_vectors_model_set(st, generation, m->dim, err);
    return s ? s : fct_pg_log(st, FCT_CHANGE_ALL, 0, err);
}

fct_status fct_pg_unpin_if_empty(fct_pg_store *st, fct_error *err) {
    int64_t any;
    fct_status s = fct_pg_ask_int(&st->pg, NULL, &any, err, "SELECT EXISTS(SELECT 1 FROM face)::int::bigint");
    return s || any ? s : fct_pg_set_model(&st->head, &(fct_store_model){.dim = 0}, err);
}

/* ---- Reading people --------------------------------------------------------------------- */

/* Columns of a query for people. What was not asked for is a constant. */
enum { COL_ID, COL_NAME, COL_CREATED, COL_FACES, COL_COLLECTION, COL_EXPIRES, COL_LABEL, COL_DETAILS, COL_KEY };
static const char person_columns[] = "itiiiibbb";

typedef struct pg_person_visit {
    fct_person_fn *fn;
    void *ctx;
} pg_person_visit;

static fct_status visit_person(void *ctx, const PGresult *r, int row, fct_error *err) {
    const pg_person_visit *v = ctx;
    fct_store_person p = {.id = fct_pg_int(r, row, COL_ID),
                          .name = fct_pg_text(r, row, COL_NAME),
                          .created = fct_pg_int(r, row, COL_CREATED),
                          .faces = fct_pg_int(r, row, COL_FACES),
                          .collection_id = fct_pg_int(r, row, COL_COLLECTION),
                          .expires = fct_pg_int(r, row, COL_EXPIRES)};
    p.label = fct_pg_bytes(r, row, COL_LABEL, &p.label_size);
    p.details = fct_pg_bytes(r, row, COL_DETAILS, &p.details_size);
    p.key = fct_pg_bytes(r, row, COL_KEY, &p.key_size);
    return v->fn(v->ctx, &p, err);
}

/* Faces are counted at once where everybody is asked for, else person by person. */
fct_status fct_pg_people(fct_store *head, const fct_people_query *q, fct_person_fn *fn, void *ctx, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    char sql[800], after[40] = "", most[40] = "";
    fct_pg_params p = {0};
    bool all = !q->ids && !q->names && !q->collection_id && !q->most;
    if (q->after) snprintf(after, sizeof after, "AND id > %lld", (long long)q->after);
    if (q->most) snprintf(most, sizeof most, " LIMIT %lld", (long long)q->most);
    fct_pg_put_int(&p, q->collection_id);
    if (q->ids) fct_pg_put_ints(&p, q->ids, q->n);
    else if (q->names) fct_pg_put_texts(&p, q->names, q->n);
    const char *count = !q->count_faces ? "0::bigint"
                        : all           ? "coalesce(n, 0)"
                                        : "(SELECT count(*) FROM face WHERE face.person_id = person.id)";
    snprintf(sql, sizeof sql,
             "SELECT id, name, created, %s, collection_id, expires, label, %s, %s FROM person %s "
             "WHERE ($1 = 0 OR collection_id = $1) %s %s ORDER BY %s%s",
             count, q->parts & FCT_PERSON_DETAILS ? "details" : "NULL::bytea",
             q->parts & FCT_PERSON_KEY ? "(SELECT sealed FROM person_key WHERE person_key.person_id = person.id)"
                                       : "NULL::bytea",
             q->count_faces && all
                 ? "LEFT JOIN (SELECT person_id, count(*) AS n FROM face GROUP BY person_id) c ON person_id = id"
                 : "",
             q->ids     ? "AND id = ANY($2)"
             : q->names ? "AND name = ANY($2)"
                        : "",
             after, q->by_name ? "name, id" : "id", most);
    return fct_pg_scan(&st->pg, &p, visit_person, &(pg_person_visit){fn, ctx}, err, person_columns, sql);
}

/* A number of the collection; p is used up. */
static fct_status count_of(fct_pg_store *st, int64_t collection_id, int64_t *out, fct_error *err, const char *sql) {
    fct_pg_params p = {0};
    fct_pg_put_int(&p, collection_id);
    return fct_pg_ask_int(&st->pg, &p, out, err, sql);
}

fct_status fct_pg_people_count(fct_store *head, int64_t collection_id, int64_t *people, int64_t *faces,
                               fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    *people = *faces = 0;
    fct_status s = count_of(st, collection_id, people, err, "SELECT count(*) FROM person WHERE collection_id = $1");
    return s ? s
             : count_of(st, collection_id, faces, err,
                        "SELECT count(*) FROM person JOIN face ON person_id = person.id WHERE collection_id = $1");
}

/* ---- Changing people ---------------------------------------------------------------------- */

/* One column of people [n] as an array: what parts says. */
enum person_int { P_ID, P_COLLECTION, P_CREATED, P_EXPIRES };
static void put_ints_of(fct_pg_params *q, const fct_store_person *p, size_t n, enum person_int which) {
    fct_pg_array(q, FCT_PG_INT8, n);
    for (size_t i = 0; i < n; i++)
        fct_pg_item_int(q, which == P_ID           ? p[i].id
                           : which == P_COLLECTION ? p[i].collection_id
                           : which == P_CREATED    ? p[i].created
                                                   : p[i].expires);
    fct_pg_array_end(q);
}

static void put_names_of(fct_pg_params *q, const fct_store_person *p, size_t n) {
    fct_pg_array(q, FCT_PG_TEXT, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_bytes(q, p[i].name, p[i].name ? strlen(p[i].name) : 0);
    fct_pg_array_end(q);
}

static void put_bytes_of(fct_pg_params *q, const fct_store_person *p, size_t n, bool label) {
    fct_pg_array(q, FCT_PG_BYTEA, n);
    for (size_t i = 0; i < n; i++) {
        if (label) fct_pg_item_bytes(q, p[i].label, p[i].label_size);
        else fct_pg_item_bytes(q, p[i].details, p[i].details_size);
    }
    fct_pg_array_end(q);
}

/* Sets ids and is_new from the answer to people_add, in the order of p; logs those
 * who are new. */
static fct_status take_ids(fct_pg_store *st, const PGresult *r, fct_store_person *p, size_t n, fct_error *err) {
    size_t set = 0;
    fct_status s = FCT_OK;
    for (int i = 0; i < PQntuples(r) && !s; i++) {
        int64_t at = fct_pg_int(r, i, 0) - 1, id = fct_pg_int(r, i, 1);
        if (at < 0 || at >= (int64_t)n || !id || p[at].id) break;
        p[at].id = id;
        p[at].is_new = fct_pg_bool(r, i, 2);
        set++;
        if (p[at].is_new) s = fct_pg_log(st, FCT_CHANGE_PERSON, id, err);
    }
    return s || set == n ? s : fct_pg_odd_answer(st, err);
}

/* Of the same name twice in p, the first is the new one. */
fct_status fct_pg_people_add(fct_store *head, fct_store_person *p, size_t n, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params q = {0};
    PGresult *r;
    put_names_of(&q, p, n);
    put_ints_of(&q, p, n, P_COLLECTION);
    put_ints_of(&q, p, n, P_CREATED);
    put_ints_of(&q, p, n, P_EXPIRES);
    put_bytes_of(&q, p, n, true);
    put_bytes_of(&q, p, n, false);
    fct_status s = fct_pg_ask(
        &st->pg, &q, &r, err, "iil",
        "WITH given AS (SELECT *, row_number() OVER (PARTITION BY collection_id, name ORDER BY ord) AS turn FROM "
        "unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[]) WITH ORDINALITY AS "
        "g(name, collection_id, created, expires, label, details, ord)), "
        "fresh AS (INSERT INTO person(name, collection_id, created, expires, label, details) SELECT name, "
        "collection_id, created, expires, label, details FROM given WHERE turn = 1 AND NOT EXISTS (SELECT 1 "
        "FROM person "
        "p WHERE p.collection_id = given.collection_id AND p.name = given.name) ORDER BY ord RETURNING id, name, "
        "collection_id) "
        "SELECT g.ord, coalesce(f.id, p.id), f.id IS NOT NULL AND turn = 1 FROM given g LEFT JOIN fresh f ON f.name = "
        "g.name AND f.collection_id = g.collection_id LEFT JOIN person p ON p.name = g.name AND p.collection_id = "
        "g.collection_id ORDER BY ord");
    if (s) return fct_pg_was_faster(st), s;
    for (size_t i = 0; i < n; i++) p[i].id = 0, p[i].is_new = false;
    s = take_ids(st, r, p, n, err);
    PQclear(r);
    return s;
}

/* FCT_ERR_EXISTS where somebody else has a name that one of these people is about to
 * have in the collection that it is about to be in. */
static fct_status check_holders(fct_pg_store *st, const fct_store_person *p, size_t n, int parts, fct_error *err) {
    fct_pg_params q = {0};
    PGresult *r;
    if (!(parts & (FCT_PERSON_NAME | FCT_PERSON_COLLECTION))) return FCT_OK;
    put_ints_of(&q, p, n, P_ID);
    put_names_of(&q, p, n);
    put_ints_of(&q, p, n, P_COLLECTION);
    fct_pg_put_int(&q, parts & FCT_PERSON_NAME);
    fct_pg_put_int(&q, parts & FCT_PERSON_COLLECTION);
    fct_status s = fct_pg_ask(
        &st->pg, &q, &r, err, "ii",
        "SELECT ord, other.id FROM unnest($1::bigint[], $2::text[], $3::bigint[]) WITH ORDINALITY AS g(id, name, "
        "collection_id, ord) JOIN person mine ON mine.id = g.id JOIN person other ON other.id <> mine.id AND "
        "other.collection_id = CASE WHEN $5 <> 0 THEN g.collection_id ELSE mine.collection_id END AND other.name = "
        "CASE WHEN $4 <> 0 THEN g.name ELSE mine.name END ORDER BY ord LIMIT 1");
    if (!s && PQntuples(r) > 0) {
        int64_t at = fct_pg_int(r, 0, 0) - 1;
        bool shown = at >= 0 && at < (int64_t)n && parts & FCT_PERSON_NAME && !p[at].label;
        s = fct_fail(err, FCT_ERR_EXISTS, "%s: person %lld is already called %s", st->head.place,
                     (long long)fct_pg_int(r, 0, 1), shown ? p[at].name : "so");
    }
    PQclear(r);
    return s;
}

fct_status fct_pg_people_update(fct_store *head, const fct_store_person *p, size_t n, int parts, size_t *found,
                                fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params q = {0};
    PGresult *r;
    char sql[600];
    *found = 0;
    fct_status s = check_holders(st, p, n, parts, err);
    if (s) return s;
    put_ints_of(&q, p, n, P_ID);
    put_names_of(&q, p, n);
    put_ints_of(&q, p, n, P_COLLECTION);
    put_ints_of(&q, p, n, P_EXPIRES);
    put_bytes_of(&q, p, n, true);
    put_bytes_of(&q, p, n, false);
    snprintf(sql, sizeof sql,
             "UPDATE person SET created = created%s%s%s%s FROM unnest($1::bigint[], $2::text[], $3::bigint[], "
             "$4::bigint[], $5::bytea[], $6::bytea[]) AS g(id, name, collection_id, expires, label, details) WHERE "
             "person.id = g.id RETURNING person.id",
             parts & FCT_PERSON_NAME ? ", name = g.name, label = g.label" : "",
             parts & FCT_PERSON_COLLECTION ? ", collection_id = g.collection_id" : "",
             parts & FCT_PERSON_EXPIRES ? ", expires = g.expires" : "",
             parts & FCT_PERSON_DETAILS ? ", details = g.details" : "");
    s = fct_pg_ask(&st->pg, &q, &r, err, "i", sql);
    if (s) return fct_pg_was_faster(st), s;
    *found = (size_t)PQntuples(r);
    for (int i = 0; !s && i < PQntuples(r); i++) s = fct_pg_log(st, FCT_CHANGE_PERSON, fct_pg_int(r, i, 0), err);
    PQclear(r);
    return s;
}

fct_status fct_pg_people_remove(fct_store *head, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    PGresult *r;
    *removed = 0;
    fct_pg_put_ints(&p, ids, n);
    fct_status s = fct_pg_ask(&st->pg, &p, &r, err, "i", "DELETE FROM person WHERE id = ANY($1) RETURNING id");
    if (s) return s;
    *removed = (size_t)PQntuples(r);
    for (int i = 0; !s && i < PQntuples(r); i++) s = fct_pg_log(st, FCT_CHANGE_PERSON, fct_pg_int(r, i, 0), err);
    PQclear(r);
    return s || !*removed ? s : fct_pg_unpin_if_empty(st, err);
}
