/* Copies of the embeddings in a form that pgvector searches: unit length, halves,
 * one partition for each model. A model is a generation: when the gallery moves to
 * another one, its vectors gather in a partition of their own, and the old one is
 * dropped as a whole, with its indexes. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "gallery/postgres/pg_store.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char fct_pg_vectors_sql[] =
    "CREATE TABLE face_vector(generation bigint NOT NULL, face_id bigint NOT NULL REFERENCES face(id) ON DELETE "
    "CASCADE, v halfvec NOT NULL, PRIMARY KEY(face_id, generation)) PARTITION BY LIST(generation);"
    "CREATE TABLE face_bits(generation bigint NOT NULL, face_id bigint NOT NULL REFERENCES face(id) ON DELETE "
    "CASCADE, bits bit varying NOT NULL, PRIMARY KEY(face_id, generation)) PARTITION BY LIST(generation);";
const char fct_pg_vectors_distribute_sql[] =
    "SELECT create_distributed_table('face_vector', 'face_id', colocate_with => 'face');"
    "SELECT create_distributed_table('face_bits', 'face_id', colocate_with => 'face');";

fct_status fct_pg_vectors_find(fct_pg_store *st, fct_error *err) {
    int64_t there;
    fct_status s =
        fct_pg_ask_int(&st->pg, NULL, &there, err, "SELECT (to_regclass('face_bits') IS NOT NULL)::int::bigint");
    st->vectors = st->head.searches = !s && there && st->halfvec;
    return s;
}

/* ---- Generations -------------------------------------------------------------------------- */

/* Both tables have the same partitions. */
static const char *const vector_tables[] = {"face_vector", "face_bits"};

static fct_status add_partition(fct_pg_store *st, int64_t generation, fct_error *err) {
    char sql[160];
    fct_status s = FCT_OK;
    for (int i = 0; i < 2 && !s; i++) {
        snprintf(sql, sizeof sql, "CREATE TABLE %s_%lld PARTITION OF %s FOR VALUES IN (%lld)", vector_tables[i],
                 (long long)generation, vector_tables[i], (long long)generation);
        s = fct_pg_run(&st->pg, NULL, err, sql);
    }
    return s;
}

static fct_status drop_partition(fct_pg_store *st, int64_t generation, fct_error *err) {
    char sql[160];
    snprintf(sql, sizeof sql, "DROP TABLE face_vector_%lld, face_bits_%lld", (long long)generation,
             (long long)generation);
    return fct_pg_run(&st->pg, NULL, err, sql);
}

/* Drops all partitions but those of one generation. */
static fct_status drop_others(fct_pg_store *st, int64_t generation, bool *there, fct_error *err) {
    PGresult *r;
    *there = false;
    fct_status s = fct_pg_ask(&st->pg, NULL, &r, err, "t",
                              "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = "
                              "'face_vector'::regclass");
    for (int i = 0; !s && i < PQntuples(r); i++) {
        const char *name = fct_pg_text(r, i, 0);
        long long n = 0;
        char rest;
        if (!name || sscanf(name, "face_vector_%lld%c", &n, &rest) != 1) continue; /* nobody's but ours */
        if (n == generation) *there = true;
        else s = drop_partition(st, n, err);
    }
    PQclear(r);
    return s;
}

fct_status fct_pg_vectors_model_set(fct_pg_store *st, int64_t generation, int64_t dim, fct_error *err) {
    bool there;
    if (!st->vectors) return FCT_OK;
    st->generation = generation;
    st->dim = dim;
    st->pending = 0;
    fct_status s = drop_others(st, generation, &there, err);
    return s || there || !generation ? s : add_partition(st, generation, err);
}

/* Those of another length than the model's are none: what was stored was encrypted. */
fct_status fct_pg_vectors_settle(fct_pg_store *st, fct_error *err) {
    char sql[200];
    int64_t dim = 0;
    if (!st->pending) return FCT_OK;
    fct_status s = fct_pg_ask_int(&st->pg, NULL, &dim, err, "SELECT dim FROM model");
    for (int i = 0; i < 2 && !s && dim == st->pending_dim; i++) {
        fct_pg_params p = {0};
        fct_pg_put_int(&p, st->pending);
        snprintf(sql, sizeof sql, "UPDATE %s t SET generation = model.generation FROM model WHERE t.generation = $1",
                 vector_tables[i]);
        s = fct_pg_ask(&st->pg, &p, NULL, err, "", sql);
    }
    return s ? s : drop_partition(st, st->pending, err);
}

/* The generation that new vectors belong to, 0 = no model. */
static fct_status find_generation(fct_pg_store *st, bool replace, int64_t *out, fct_error *err) {
    PGresult *r;
    fct_status s = FCT_OK;
    if (replace) {
        if (!st->pending) {
            s = fct_pg_ask_int(&st->pg, NULL, &st->pending, err, "SELECT nextval('generation')");
            if (!s) s = add_partition(st, st->pending, err);
        }
        *out = st->pending;
        return s;
    }
    if (!st->generation) {
        s = fct_pg_ask(&st->pg, NULL, &r, err, "ii", "SELECT generation, dim FROM model");
        if (!s && PQntuples(r) > 0) {
            st->generation = fct_pg_int(r, 0, 0);
            st->dim = fct_pg_int(r, 0, 1);
        }
        PQclear(r);
    }
    *out = st->generation;
    return s;
}

/* ---- Vectors -------------------------------------------------------------------------------- */

static void put_u16(uint8_t *out, unsigned v) {
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

/* To the nearest half, ties to even. x is in -1..1. */
static unsigned to_half(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    unsigned sign = u >> 16 & 0x8000;
    u &= 0x7fffffff;
    if (u >= 0x38800000) { /* normal as a half too: the exponent's bias changes, 13 bits go */
        u -= 0x38000000;
        return sign | ((u + 0xfff + (u >> 13 & 1)) >> 13);
    }
    float scaled;
    memcpy(&scaled, &u, 4);
    scaled = scaled * 16777216.0f; /* 2^24: the smallest half becomes 1 */
    return sign | (unsigned)lrintf(scaled);
}

/* To halves of unit length, as pgvector reads them. */
void fct_pg_halfvec(const float *v, int dim, uint8_t *out) {
    double sum = 0;
    for (int i = 0; i < dim; i++) sum += (double)v[i] * v[i];
    double scale = 1 / sqrt(sum);
    put_u16(out, (unsigned)dim);
    put_u16(out + 2, 0);
    for (int i = 0; i < dim; i++) put_u16(out + 4 + 2 * i, to_half((float)(v[i] * scale)));
}

/* Puts the vectors of those faces [n] that have dim values, and their ids, into
 * two arrays; *put is how many there are. */
static fct_status put_vectors(fct_pg_store *st, fct_pg_params *p, const fct_store_face *f, size_t n, int dim,
                              size_t *put, fct_error *err) {
    float *v = fct_realloc_array(NULL, (size_t)dim + 1, sizeof *v);
    uint8_t *raw = fct_alloc((size_t)dim * 2 + 4);
    int64_t *ids = fct_realloc_array(NULL, n + 1, sizeof *ids);
    fct_pg_params vectors = {0};
    *put = 0;
    bool room = v && raw && ids;
    for (size_t i = 0; i < n && room; i++) {
        if (!fct_embedding_unpack(f[i].embedding, f[i].embedding_size, dim, v)) continue;
        fct_pg_halfvec(v, dim, raw);
        fct_pg_item_bytes(&vectors, raw, (size_t)dim * 2 + 4);
        ids[(*put)++] = f[i].id;
    }
    if (room) {
        fct_pg_put_ints(p, ids, *put);
        fct_pg_array(p, st->halfvec, *put);
        if (vectors.bytes.data) fct_buf_add(&p->bytes, vectors.bytes.data, vectors.bytes.size);
        fct_pg_array_end(p);
        p->bytes.failed |= vectors.bytes.failed;
    }
    fct_pg_params_free(&vectors);
    fct_free(v);
    fct_free(raw);
    fct_free(ids);
    return room ? FCT_OK : fct_fail_nomem(err, "vectors", 0);
}

static fct_status remove_vectors(fct_pg_store *st, const fct_store_face *f, size_t n, fct_error *err) {
    fct_pg_params p = {0};
    fct_pg_array(&p, FCT_PG_INT8, n);
    for (size_t i = 0; i < n; i++) fct_pg_item_int(&p, f[i].id);
    fct_pg_array_end(&p);
    return fct_pg_ask(&st->pg, &p, NULL, err, "",
                      "WITH gone AS (DELETE FROM face_bits WHERE face_id = ANY($1)) "
                      "DELETE FROM face_vector WHERE face_id = ANY($1)");
}

fct_status fct_pg_vectors_add(fct_pg_store *st, const fct_store_face *f, size_t n, bool replace, fct_error *err) {
    fct_pg_params p = {0};
    int64_t generation = 0;
    size_t put;
    if (!st->vectors || !n) return FCT_OK;
    fct_status s = replace ? remove_vectors(st, f, n, err) : FCT_OK;
    if (!s) s = find_generation(st, replace, &generation, err);
    size_t dim = replace ? f[0].embedding_size / 4 : (size_t)st->dim;
    if (s || !generation || dim < 1 || dim > FCT_INDEX_DIM_MAX) return s;
    if (replace && !st->pending_dim) st->pending_dim = (int64_t)dim;
    if (replace) dim = (size_t)st->pending_dim;
    fct_pg_put_int(&p, generation);
    s = put_vectors(st, &p, f, n, (int)dim, &put, err);
    if (!s && put) /* a face may have gone meanwhile */
        s = fct_pg_ask(&st->pg, &p, NULL, err, "",
                       "WITH fresh AS (INSERT INTO face_vector(generation, face_id, v) SELECT $1, i, v FROM "
                       "unnest($2::bigint[], $3::halfvec[]) AS u(i, v) WHERE EXISTS (SELECT 1 FROM face WHERE id = i) "
                       "RETURNING face_id, v) INSERT INTO face_bits(generation, face_id, bits) SELECT $1, face_id, "
                       "binary_quantize(v)::bit varying FROM fresh");
    fct_pg_params_free(&p);
    return s;
}
