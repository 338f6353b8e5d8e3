/* Faces and their pictures in PostgreSQL. */
#include "base/error.h"
#include "gallery/postgres/pg_store.h"
#include <stdio.h>
#include <string.h>

/* ---- Reading ------------------------------------------------------------------------ */

/* Columns of a query for faces; what was not asked for is NULL. */
enum {
    COL_ID,
    COL_PERSON,
    COL_CREATED,
    COL_BOX,
    COL_SCORE = COL_BOX + 4,
    COL_QUALITY,
    COL_CHECKSUM,
    COL_CUT,
    COL_HAS_CROP,
    COL_SOURCE,
    COL_EMBEDDING,
    COL_CROP,
    COL_KEY
};
static const char face_columns[] = "iiiddddddiiltbbb";

typedef struct pg_face_visit {
    fct_face_fn *fn;
    void *ctx;
} pg_face_visit;

static fct_status visit_face(void *ctx, const PGresult *r, int row, fct_error *err) {
    const pg_face_visit *v = ctx;
    fct_store_face f = {.id = fct_pg_int(r, row, COL_ID),
                        .person_id = fct_pg_int(r, row, COL_PERSON),
                        .created = fct_pg_int(r, row, COL_CREATED),
                        .score = fct_pg_float(r, row, COL_SCORE),
                        .quality = fct_pg_float(r, row, COL_QUALITY),
                        .checksum = fct_pg_int(r, row, COL_CHECKSUM),
                        .source = fct_pg_text(r, row, COL_SOURCE),
                        .has_crop = fct_pg_bool(r, row, COL_HAS_CROP),
                        .crop_cut = (int)fct_pg_int(r, row, COL_CUT)};
    for (int i = 0; i < 4; i++) f.box[i] = fct_pg_float(r, row, COL_BOX + i);
    f.embedding = fct_pg_bytes(r, row, COL_EMBEDDING, &f.embedding_size);
    f.crop = fct_pg_bytes(r, row, COL_CROP, &f.crop_size);
    f.key = fct_pg_bytes(r, row, COL_KEY, &f.key_size);
    return v->fn(v->ctx, &f, err);
}

fct_status fct_pg_faces(fct_store *head, const fct_faces_query *q, fct_face_fn *fn, void *ctx, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    bool info = q->parts & FCT_FACE_INFO, crop = q->parts & FCT_FACE_CROP;
    char sql[600];
    fct_pg_params p = {0};
    if (q->ids || q->people) fct_pg_put_ints(&p, q->ids ? q->ids : q->people, q->n);
    snprintf(sql, sizeof sql, "SELECT id, person_id, %s, checksum, %s, %s, %s, %s, %s FROM face %s %s",
             info ? "created, x1, y1, x2, y2, score, quality"
                  : "0::bigint, 0::float8, 0::float8, 0::float8, 0::float8, 0::float8, 0::float8",
             info || crop ? "cut, jpeg IS NOT NULL" : "0::bigint, false", info ? "source" : "NULL::text",
             q->parts & FCT_FACE_EMBEDDING ? "embedding" : "NULL::bytea", crop ? "jpeg" : "NULL::bytea",
             q->parts & FCT_FACE_KEY ? "(SELECT sealed FROM person_key WHERE person_key.person_id = face.person_id)"
                                     : "NULL::bytea",
             q->ids      ? "WHERE id = ANY($1)"
             : q->people ? "WHERE person_id = ANY($1)"
                         : "",
             q->by_person ? "ORDER BY person_id, id"
             : q->people  ? "ORDER BY id"
                          : "");
    return fct_pg_scan(&st->pg, &p, visit_face, &(pg_face_visit){fn, ctx}, err, face_columns, sql);
}

/* ---- Writing ------------------------------------------------------------------------ */

enum face_int { F_PERSON, F_CREATED, F_CUT, F_CHECKSUM, F_ID };
static int64_t int_of(const fct_store_face *f, enum face_int which) {
    switch (which) {
    case F_PERSON:
        return f->person_id;
    case F_CREATED:
        return f->created;
    case F_CUT:
        return f->crop_cut;
    case F_CHECKSUM:
        return f->checksum;
    default:
        return f->id;
    }
}

static void put_face_ints(fct_pg_params *p, const fct_store_face *f, size_t n, enum face_int which) {
    fct_pg_array(p, FCT_PG_INT8, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_int(p, int_of(&f[i], which));
    fct_pg_array_end(p);
}

/* which: 0..3 the box, 4 score, 5 quality. */
static void put_face_floats(fct_pg_params *p, const fct_store_face *f, size_t n, int which) {
    fct_pg_array(p, FCT_PG_FLOAT8, n);
    for (size_t i = 0; i < n; i++)
        fct_pg_item_float(p, which < 4 ? f[i].box[which] : which == 4 ? f[i].score : f[i].quality);
    fct_pg_array_end(p);
}

static void put_face_bytes(fct_pg_params *p, const fct_store_face *f, size_t n, bool crop) {
    fct_pg_array(p, FCT_PG_BYTEA, n);
    for (size_t i = 0; i < n; i++) {
        if (crop) fct_pg_item_bytes(p, f[i].crop, f[i].crop_size);
        else fct_pg_item_bytes(p, f[i].embedding, f[i].embedding_size);
    }
    fct_pg_array_end(p);
}

static void put_sources(fct_pg_params *p, const fct_store_face *f, size_t n) {
    fct_pg_array(p, FCT_PG_TEXT, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_bytes(p, f[i].source, f[i].source ? strlen(f[i].source) : 0);
    fct_pg_array_end(p);
}

static void put_faces(fct_pg_params *p, const fct_store_face *f, size_t n) {
    put_face_ints(p, f, n, F_PERSON);
    put_face_ints(p, f, n, F_CREATED);
    for (int i = 0; i < 6; i++) put_face_floats(p, f, n, i);
    put_sources(p, f, n);
    put_face_bytes(p, f, n, false);
    put_face_ints(p, f, n, F_CUT);
    put_face_bytes(p, f, n, true);
    put_face_ints(p, f, n, F_CHECKSUM);
    put_face_ints(p, f, n, F_ID);
}

/* Sets the ids that the answer gives, in the order of f, and logs them. */
static fct_status take_ids(fct_pg_store *st, const PGresult *r, fct_store_face *f, size_t n, fct_error *err) {
    if (PQntuples(r) != (int)n) return fct_pg_odd_answer(st, err);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        int64_t id = fct_pg_int(r, (int)i, 0);
        if (id < 1 || (f[i].id && f[i].id != id)) return fct_pg_odd_answer(st, err);
        f[i].id = id;
        s = fct_pg_log(st, FCT_CHANGE_FACE, id, err);
    }
    return s;
}

/* Rows get their numbers in their order, and come back in it: the server sorts
 * before it counts. */
fct_status fct_pg_faces_add(fct_store *head, fct_store_face *f, size_t n, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    PGresult *r;
    if (!n) return FCT_OK;
    put_faces(&p, f, n);
    fct_status s = fct_pg_ask(
        &st->pg, &p, &r, err, "i",
        "INSERT INTO face(id, person_id, created, x1, y1, x2, y2, score, quality, source, embedding, cut, jpeg, "
        "checksum) SELECT CASE WHEN id = 0 THEN nextval('face_id_seq') ELSE id END, person_id, created, x1, y1, "
        "x2, y2, "
        "score, quality, source, embedding, CASE WHEN jpeg IS NOT NULL THEN cut END, jpeg, checksum FROM "
        "(SELECT * FROM "
        "unnest($1::bigint[], $2::bigint[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::float8[], "
        "$8::float8[], $9::text[], $10::bytea[], $11::bigint[], $12::bytea[], $13::bigint[], $14::bigint[]) WITH "
        "ORDINALITY AS u(person_id, created, x1, y1, x2, y2, score, quality, source, embedding, cut, jpeg, checksum, "
        "id, ord) ORDER BY ord) AS sorted RETURNING id");
    if (!s) s = take_ids(st, r, f, n, err);
    PQclear(r);
    return s ? s : fct_pg_vectors_add(st, f, n, false, err);
}

/* Numbers come one by one, and others take some at the same time: until n follow
 * one another. What is left over is lost, and does not matter. */
fct_status fct_pg_face_ids(fct_store *head, size_t n, int64_t *first, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_status s = FCT_OK;
    *first = 0;
    for (int i = 0; i < 50 && !s; i++) {
        fct_pg_params p = {0};
        PGresult *r;
        fct_pg_put_int(&p, (int64_t)n);
        s = fct_pg_ask(&st->pg, &p, &r, err, "ii",
                       "SELECT min(x), max(x) FROM (SELECT nextval('face_id_seq') AS x FROM generate_series(1, $1)) "
                       "AS taken");
        if (s) break;
        int64_t least = fct_pg_int(r, 0, 0), most = fct_pg_int(r, 0, 1);
        PQclear(r);
        if (least > 0 && most - least + 1 == (int64_t)n) return *first = least, FCT_OK;
    }
    return s ? s : fct_fail(err, FCT_ERR_BUSY, "%s: others take numbers for faces all the time", st->head.place);
}

/* Logs the faces whose ids are the answer. */
static fct_status log_faces(fct_pg_store *st, PGresult *r, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < PQntuples(r) && !s; i++) s = fct_pg_log(st, FCT_CHANGE_FACE, fct_pg_int(r, i, 0), err);
    PQclear(r);
    return s;
}

fct_status fct_pg_faces_move(fct_store *head, const int64_t *ids, size_t n, int64_t person_id, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    PGresult *r;
    fct_pg_put_ints(&p, ids, n);
    fct_pg_put_int(&p, person_id);
    fct_status s =
        fct_pg_ask(&st->pg, &p, &r, err, "i", "UPDATE face SET person_id = $2 WHERE id = ANY($1) RETURNING id");
    return s ? s : log_faces(st, r, err);
}

fct_status fct_pg_faces_update(fct_store *head, const fct_store_face *f, size_t n, int parts, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    PGresult *r;
    char sql[600];
    if (!n) return FCT_OK;
    put_face_ints(&p, f, n, F_ID);
    put_face_ints(&p, f, n, F_CHECKSUM);
    put_face_bytes(&p, f, n, false);
    put_face_bytes(&p, f, n, true);
    put_face_ints(&p, f, n, F_CUT);
    put_sources(&p, f, n);
    snprintf(sql, sizeof sql,
             "UPDATE face SET checksum = u.checksum%s%s%s FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], "
             "$4::bytea[], $5::bigint[], $6::text[]) AS u(id, checksum, embedding, jpeg, cut, source) WHERE face.id = "
             "u.id RETURNING face.id",
             parts & FCT_FACE_EMBEDDING ? ", embedding = u.embedding" : "",
             parts & FCT_FACE_CROP ? ", jpeg = u.jpeg, cut = CASE WHEN u.jpeg IS NOT NULL THEN u.cut END" : "",
             parts & FCT_FACE_SOURCE ? ", source = u.source" : "");
    fct_status s = fct_pg_ask(&st->pg, &p, &r, err, "i", sql);
    if (!s) s = log_faces(st, r, err);
    return s || !(parts & FCT_FACE_EMBEDDING) ? s : fct_pg_vectors_add(st, f, n, true, err);
}

fct_status fct_pg_faces_remove(fct_store *head, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    fct_pg_store *st = fct_pg_store_of(head);
    fct_pg_params p = {0};
    PGresult *r;
    *removed = 0;
    fct_pg_put_ints(&p, ids, n);
    fct_status s = fct_pg_ask(&st->pg, &p, &r, err, "i", "DELETE FROM face WHERE id = ANY($1) RETURNING id");
    if (s) return s;
    *removed = (size_t)PQntuples(r);
    s = log_faces(st, r, err);
    return s || !*removed ? s : fct_pg_unpin_if_empty(st, err);
}
