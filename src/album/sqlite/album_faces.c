/* Listing faces, their embeddings and pictures; the album's figures. */
#include "album/sqlite/album_rows.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

void fct_album_face_query_init(fct_album_face_query *q) { *q = (fct_album_face_query){.size = sizeof *q}; }

/* ---- Numbers in blobs: little-endian IEEE singles ------------------------------------------------ */

void fct_album_put_floats(uint8_t *out, const float *v, int n) {
    for (int i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &v[i], 4);
        for (int k = 0; k < 4; k++) out[4 * i + k] = (uint8_t)(bits >> 8 * k);
    }
}

/* The numbers of a column; false where there are not n of them, or one is not finite. */
static bool get_floats(const void *data, size_t size, float *out, int n) {
    const uint8_t *p = data;
    bool finite = true;
    if (!p || size != 4 * (size_t)n) return false;
    for (int i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)p[4 * i] | (uint32_t)p[4 * i + 1] << 8 | (uint32_t)p[4 * i + 2] << 16 |
                        (uint32_t)p[4 * i + 3] << 24;
        memcpy(&out[i], &bits, 4);
        finite &= isfinite(out[i]) != 0;
    }
    return finite;
}

/* The members of fct_quality but the score, in the order of the header: fct_album_put_floats() of them is "parts". */
void fct_album_quality_parts(const fct_quality *q, float parts[FCT_ALBUM_PARTS]) {
    const float all[FCT_ALBUM_PARTS] = {
        q->side,          q->eyes,       q->detection,       q->outside,    q->turn,
        q->nod,           q->misfit,     q->brightness,      q->contrast,   q->clipped,
        q->detail,        q->size_grade, q->sharpness_grade, q->pose_grade, q->exposure_grade,
        q->landmark_grade};
    memcpy(parts, all, sizeof all);
}

static fct_quality quality_of(const float *p, float score) {
    return (fct_quality){.side = p[0],
                         .eyes = p[1],
                         .detection = p[2],
                         .outside = p[3],
                         .turn = p[4],
                         .nod = p[5],
                         .misfit = p[6],
                         .brightness = p[7],
                         .contrast = p[8],
                         .clipped = p[9],
                         .detail = p[10],
                         .size_grade = p[11],
                         .sharpness_grade = p[12],
                         .pose_grade = p[13],
                         .exposure_grade = p[14],
                         .landmark_grade = p[15],
                         .score = score};
}

/* ---- Faces ------------------------------------------------------------------------------------------ */

typedef struct face_visit {
    fct_album_face_fn *fn;
    void *user;
    float *embedding; /* [dim], or NULL: not asked for */
} face_visit;

static int or_unknown(sqlite3_stmt *q, int column) {
    int64_t v = sqlite3_column_int64(q, column);
    return sqlite3_column_type(q, column) == SQLITE_NULL || v < -1 || v > 1000 ? -1 : (int)v;
}

/* The columns with blobs: landmarks, parts of the quality, embedding. */
static fct_status read_blobs(fct_album *a, sqlite3_stmt *q, const face_visit *v, fct_album_face *f, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    const void *data;
    size_t size;
    float parts[FCT_ALBUM_PARTS];
    fct_status s = fct_db_blob(db, q, 7, &data, &size, err);
    if (s) return s;
    if (!get_floats(data, size, &f->kps[0][0], 10)) return fct_album_damaged(a, "landmarks of a face", err);
    s = fct_db_blob(db, q, 10, &data, &size, err);
    if (s) return s;
    if (!get_floats(data, size, parts, FCT_ALBUM_PARTS)) return fct_album_damaged(a, "quality of a face", err);
    f->quality = quality_of(parts, (float)sqlite3_column_double(q, 9));
    if (!v->embedding || sqlite3_column_type(q, 19) == SQLITE_NULL) return FCT_OK;
    s = fct_db_blob(db, q, 19, &data, &size, err);
    if (s) return s;
    if (!fct_album_half_decode(data, size, v->embedding, a->dim))
        return fct_album_damaged(a, "embedding of a face", err);
    f->embedding = v->embedding;
    return FCT_OK;
}

static fct_status visit_face(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const face_visit *v = ctx;
    fct_album_face f = {.id = sqlite3_column_int64(q, 0),
                        .photo_id = sqlite3_column_int64(q, 1),
                        .time = (double)sqlite3_column_int64(q, 2) / 1000,
                        .score = (float)sqlite3_column_double(q, 8),
                        .has_pose = sqlite3_column_type(q, 11) != SQLITE_NULL,
                        .gender = or_unknown(q, 14),
                        .age = or_unknown(q, 15),
                        .norm = (float)sqlite3_column_double(q, 16),
                        .person_id = sqlite3_column_int64(q, 17),
                        .how = (fct_member_how)sqlite3_column_int64(q, 18)};
    for (int i = 0; i < 4; i++) f.box[i] = (float)sqlite3_column_double(q, 3 + i);
    for (int i = 0; i < 3; i++) f.pose[i] = (float)sqlite3_column_double(q, 11 + i);
    fct_status s = read_blobs(a, q, v, &f, err);
    return s ? s : v->fn(v->user, &f, err);
}

/* One statement for each way to ask, so that each uses its index. */
static const char *face_sql(const fct_album_face_query *q) {
#define FACE_SELECT                                                                                                    \
    "SELECT f.id, f.photo_id, f.time_ms, f.x1, f.y1, f.x2, f.y2, f.kps, f.score, f.quality, f.parts, f.pitch, f.yaw, " \
    "f.roll, f.gender, f.age, e.norm, m.person_id, m.how, e.data FROM face f "                                         \
    "LEFT JOIN embedding e ON e.face_id = f.id AND e.model_id = ?1 LEFT JOIN member m ON m.face_id = f.id "
    if (q->id) return FACE_SELECT "WHERE f.id = ?2 AND (?3 = 0 OR f.photo_id = ?3) AND (?4 = 0 OR m.person_id = ?4)";
    if (q->photo_id)
        return FACE_SELECT "WHERE ?2 = 0 AND f.photo_id = ?3 AND (?4 = 0 OR m.person_id = ?4) ORDER BY f.id";
    if (q->person_id)
        return FACE_SELECT "WHERE ?2 = 0 AND ?3 = 0 AND f.id IN (SELECT face_id FROM member WHERE person_id = ?4) "
                           "ORDER BY f.id";
    return FACE_SELECT "WHERE ?2 = 0 AND ?3 = 0 AND ?4 = 0 ORDER BY f.id";
#undef FACE_SELECT
}

fct_status fct_album_faces(fct_album *a, const fct_album_face_query *query, fct_album_face_fn *fn, void *user,
                           fct_error *err) {
    fct_album_face_query all;
    sqlite3_stmt *q;
    face_visit v = {fn, user, NULL};
    int64_t n;
    fct_album_face_query_init(&all);
    if (!query) query = &all;
    fct_status s = fct_album_model(a, err); /* another process may have moved the album to another network */
    if (s) return s;
    if (query->embeddings && a->dim) {
        v.embedding = fct_alloc((size_t)a->dim * sizeof *v.embedding);
        if (!v.embedding) return fct_fail_nomem(err, "embedding", 0);
    }
    s = fct_db_query(fct_album_db(a), &q, err, face_sql(query), "iiii", a->model_id, query->id, query->photo_id,
                     query->person_id);
    s = fct_album_each(a, s, q, visit_face, &v, &n, err);
    fct_free(v.embedding);
    if (!s && query->id && !n)
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no face %lld", a->file.path, (long long)query->id);
    return s;
}

fct_status fct_album_crop(fct_album *a, int64_t face_id, void **jpeg, size_t *len, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    bool row;
    const void *data = NULL;
    size_t size = 0;
    *jpeg = NULL;
    *len = 0;
    fct_status s = fct_db_query(db, &q, err, "SELECT jpeg FROM crop WHERE face_id = ?", "i", face_id);
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && !row) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no face %lld", db->path, (long long)face_id);
    if (!s) s = fct_db_blob(db, q, 0, &data, &size, err);
    if (!s && !(*jpeg = fct_alloc(size))) s = fct_fail_nomem(err, "picture of a face", size);
    if (!s && size) memcpy(*jpeg, data, size);
    if (!s) *len = size;
    sqlite3_finalize(q);
    return s;
}

/* ---- Figures ----------------------------------------------------------------------------------------- */

fct_status fct_album_stat(fct_album *a, fct_album_info *out, fct_error *err) {
    const struct {
        int64_t *to;
        const char *sql;
    } counts[] = {
        {&out->roots, "SELECT count(*) FROM root"},
        {&out->files, "SELECT count(*) FROM file"},
        {&out->photos, "SELECT count(*) FROM photo WHERE error IS NULL"},
        {&out->videos, "SELECT count(*) FROM photo WHERE error IS NULL AND video"},
        {&out->unreadable, "SELECT count(*) FROM file f LEFT JOIN photo p ON p.id = f.photo_id "
                           "WHERE coalesce(f.error, p.error) NOT NULL"},
        {&out->faces, "SELECT count(*) FROM face"},
        {&out->people, "SELECT count(DISTINCT person_id) FROM member"},
        {&out->named, "SELECT count(*) FROM person WHERE name NOT NULL AND id IN (SELECT person_id FROM member)"}};
    const fct_db *db = fct_album_db(a);
    *out = (fct_album_info){.schema = db->schema};
    snprintf(out->path, sizeof out->path, "%s", db->path);
    fct_status s = fct_album_model(a, err);
    for (size_t i = 0; i < sizeof counts / sizeof *counts && !s; i++)
        s = fct_db_int(db, counts[i].to, err, counts[i].sql, "");
    if (!s)
        s = fct_db_int(db, &out->to_embed, err,
                       "SELECT count(*) FROM face f WHERE NOT EXISTS "
                       "(SELECT 1 FROM embedding e WHERE e.face_id = f.id AND e.model_id = ?)",
                       "i", a->model_id);
    out->dim = a->dim;
    char *network = NULL;
    if (!s) s = fct_album_setting(a, "network", &network, err);
    if (network) snprintf(out->network, sizeof out->network, "%s", network);
    fct_free(network);
    return s;
}
