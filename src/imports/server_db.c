/* insightface-server.db: collections, persons (collection_id, id, name, external_id)
 * and face_samples (embedding as little-endian singles, model_id, model_version,
 * model_digest, bounding_box_json). The digest is of detector and recognizer
 * together, so that it does not tell which network made the embeddings. */
#include "base/alloc.h"
#include "base/error.h"
#include "imports/import_sink.h"
#include "sqlite/sqlite_db.h"
#include "text/json_reader.h"
#include <stdio.h>
#include <string.h>

static const fct_db_kind server_kind = {
    .noun = "database", .article = "a database", .remedy = "restore it from a copy"};

typedef struct server_reader {
    fct_import_sink *sink;
    fct_db db;
    const char *part;
    char digest[100], model[96]; /* of the first face */
    fct_json_doc json;
} server_reader;

enum {
    COLUMN_NAME,
    COLUMN_EMBEDDING,
    COLUMN_MODEL,
    COLUMN_VERSION,
    COLUMN_DIGEST,
    COLUMN_SCORE,
    COLUMN_BOX,
    COLUMN_ID
};

/* The box of {"pixels": {"x", "y", "width", "height"}}, with or without the outer object; zeros where there is none. */
static fct_status read_box(server_reader *r, const char *text, float box[4], fct_error *err) {
    static const char *const keys[4] = {"x", "y", "width", "height"};
    double v[4];
    if (!text) return FCT_OK;
    char *copy = fct_strdup(text);
    if (!copy) return fct_fail_nomem(err, "box", 0);
    fct_status s = fct_json_parse(&r->json, copy, strlen(copy), "box", err);
    const fct_json *root = s ? NULL : r->json.values, *pixels = fct_json_member(root, "pixels");
    bool all = !s;
    for (int i = 0; i < 4 && all; i++)
        all = fct_json_get_number(fct_json_member(pixels ? pixels : root, keys[i]), &v[i]);
    for (int i = 0; i < 4 && all; i++) box[i] = (float)(i < 2 ? v[i] : v[i - 2] + v[i]);
    fct_free(copy);
    return s == FCT_ERR_NOMEM ? s : FCT_OK; /* a box that cannot be read is unknown */
}

/* All embeddings must be of one network, which the first one names. */
static fct_status check_model(server_reader *r, sqlite3_stmt *q, fct_error *err) {
    const char *id, *version, *digest;
    char model[96];
    fct_status s = fct_db_text(&r->db, q, COLUMN_MODEL, &id, err);
    if (!s) s = fct_db_text(&r->db, q, COLUMN_VERSION, &version, err);
    if (!s) s = fct_db_text(&r->db, q, COLUMN_DIGEST, &digest, err);
    if (s) return s;
    snprintf(model, sizeof model, "%.50s %.40s", id ? id : "?", version ? version : "");
    if (!r->model[0]) {
        snprintf(r->model, sizeof r->model, "%s", model);
        snprintf(r->digest, sizeof r->digest, "%s", digest ? digest : "");
    }
    if (strcmp(r->model, model) == 0 && strncmp(r->digest, digest ? digest : "", sizeof r->digest - 1) == 0) return s;
    return fct_fail(err, FCT_ERR_MISMATCH, "%s: has embeddings of %s and of %s", r->sink->path, r->model, model);
}

/* Embeddings are little-endian floats whatever machine reads them. */
static fct_status put_sample(server_reader *r, sqlite3_stmt *q, fct_error *err) {
    const char *name, *box, *id;
    const void *data;
    size_t size;
    fct_status s = check_model(r, q, err);
    if (!s) s = fct_db_text(&r->db, q, COLUMN_NAME, &name, err);
    if (!s) s = fct_db_text(&r->db, q, COLUMN_BOX, &box, err);
    if (!s) s = fct_db_text(&r->db, q, COLUMN_ID, &id, err);
    if (!s) s = fct_db_blob(&r->db, q, COLUMN_EMBEDDING, &data, &size, err);
    if (!s && (!data || !size || size % 4 || !name))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: face sample %.100s is damaged", r->sink->path, id ? id : "?");
    size_t n = size / 4;
    if (!s) s = fct_import_reserve(r->sink, n, err);
    for (size_t i = 0; i < n && !s; i++) {
        const uint8_t *p = (const uint8_t *)data + 4 * i;
        uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        memcpy(&r->sink->vector[i], &bits, sizeof bits);
    }
    fct_enrollment face = {.source = "insightface-server", .score = (float)sqlite3_column_double(q, COLUMN_SCORE)};
    if (!s) s = read_box(r, box, face.box, err);
    return s ? s : fct_import_emit(r->sink, name, &face, n, err);
}

/* Collections have people of their own, who must not become one by their names. */
static fct_status check_parts(server_reader *r, fct_error *err) {
    int64_t n;
    fct_status s = fct_db_int(&r->db, &n, err,
                              "SELECT count(DISTINCT collection_id) FROM face_samples "
                              "WHERE ?1 IS NULL OR collection_id = ?1",
                              "t", r->part);
    if (s) return s;
    if (r->part && !n)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: nobody of the collection %.100s", r->sink->path, r->part);
    if (n < 2) return FCT_OK;
    sqlite3_stmt *q;
    bool row = false;
    const char *first = NULL;
    s = fct_db_query(&r->db, &q, err, "SELECT min(collection_id) FROM face_samples", "");
    if (!s) s = fct_db_step(&r->db, q, &row, err);
    if (!s && row) s = fct_db_text(&r->db, q, 0, &first, err);
    if (!s)
        s = fct_fail(err, FCT_ERR_ARG, "%s: has people of %lld collections, one is %.60s; choose one with --part",
                     r->sink->path, (long long)n, first ? first : "?");
    sqlite3_finalize(q);
    return s;
}

static fct_status read_samples(server_reader *r, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    fct_status s = fct_db_query(
        &r->db, &q, err,
        "SELECT coalesce(nullif(p.name, ''), nullif(p.external_id, ''), p.id), f.embedding, f.model_id, "
        "f.model_version, f.model_digest, f.detection_score, f.bounding_box_json, f.id FROM face_samples f "
        "JOIN persons p ON p.collection_id = f.collection_id AND p.id = f.person_id "
        "WHERE ?1 IS NULL OR f.collection_id = ?1 ORDER BY f.collection_id, f.person_id, f.id",
        "t", r->part);
    while (!s && !(s = fct_db_step(&r->db, q, &row, err)) && row) s = put_sample(r, q, err);
    sqlite3_finalize(q);
    return s;
}

/* Refuses a database of another program by what it lacks, rather than by the words of SQLite. */
static fct_status check_tables(server_reader *r, fct_error *err) {
    int64_t n;
    fct_status s =
        fct_db_int(&r->db, &n, err, "SELECT count(*) FROM sqlite_master WHERE name IN ('face_samples', 'persons')", "");
    if (s || n == 2) return s;
    return fct_fail(err, FCT_ERR_FORMAT,
                    "%s: not the InsightFace Server's database: it has no tables persons and face_samples",
                    r->sink->path);
}

fct_status fct_server_db_import(const char *part, fct_import_sink *sink, fct_error *err) {
    server_reader r = {.sink = sink, .part = part};
    fct_status s = fct_db_open(&r.db, &server_kind, sink->path, sink->path, SQLITE_OPEN_READONLY, 5000, err);
    if (!s) s = check_tables(&r, err);
    if (!s) s = check_parts(&r, err);
    if (!s) s = read_samples(&r, err);
    snprintf(sink->model, sizeof sink->model, "%s", r.model);
    fct_json_free(&r.json);
    fct_db_close(&r.db);
    return s;
}
