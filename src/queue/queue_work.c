/* A worker's part: claiming, and writing what came of it. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "gallery/postgres/pg_store.h"
#include "gallery/sealed_store.h"
#include "queue/queue_impl.h"
#include <string.h>

/* ---- Claiming -------------------------------------------------------------------------- */

void fct_jobs_free(fct_job *jobs, int n) {
    for (int i = 0; i < n; i++) {
        fct_free(jobs[i].path);
        fct_free(jobs[i].person);
    }
    fct_free(jobs);
}

/* Makes jobs of the rows that a server has given out. They are owned by the caller; after an error there are
 * none. */
static fct_status take_jobs(fct_queue *q, const PGresult *r, fct_job **jobs, int *n, fct_error *err) {
    fct_job *all = fct_calloc((size_t)PQntuples(r) + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "jobs", 0);
    fct_status s = FCT_OK;
    int i = 0;
    for (; i < PQntuples(r) && !s; i++) {
        size_t size;
        const char *path = fct_pg_text(r, i, 2), *person = fct_pg_text(r, i, 3);
        const void *key = fct_pg_bytes(r, i, 4, &size);
        all[i].id = fct_pg_int(r, i, 0);
        all[i].attempt = (int)fct_pg_int(r, i, 1);
        if (!path || !person || size != 32) {
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: job %lld is damaged", q->address.place, (long long)all[i].id);
            break;
        }
        memcpy(all[i].sha256, key, 32);
        all[i].path = fct_strdup(path);
        all[i].person = *person ? fct_strdup(person) : NULL;
        if (!all[i].path || (*person && !all[i].person)) s = fct_fail_nomem(err, "jobs", 0);
    }
    if (s) fct_jobs_free(all, i + (i < PQntuples(r)));
    else *jobs = all, *n = i;
    return s;
}

typedef struct claim_call {
    const char *model_id;
    int max;
} claim_call;

static void fill_claim(fct_queue *q, fct_pg_params *p, const void *ctx) {
    const claim_call *c = ctx;
    fct_pg_put_text(p, q->worker);
    fct_pg_put_int(p, q->o.lease_s);
    fct_pg_put_text(p, c->model_id);
    fct_pg_put_int(p, c->max);
}

static void fill_expired(fct_queue *q, fct_pg_params *p, const void *ctx) {
    fill_claim(q, p, ctx);
    fct_pg_put_int(p, q->o.attempts);
}

/* A claim need not be on disk: where it is lost, the job waits as before. */
#define NOT_FLUSHED "WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), "
#define CLAIM                                                                                                          \
    "UPDATE queue_job SET state = 1, attempts = attempts + 1, worker = $1, lease = now() + $2 * interval '1 s' "       \
    "FROM mine WHERE id = mine_id "
#define GIVE "RETURNING id, attempts, path, person, key"

static const char claim_waiting[] =
    NOT_FLUSHED "mine AS (SELECT id AS mine_id FROM quick, queue_job WHERE state = 0 AND model = $3 ORDER BY id "
                "LIMIT $4 FOR UPDATE OF queue_job SKIP LOCKED) " CLAIM GIVE;

/* Those that were begun too often have failed. */
static const char claim_expired[] =
    NOT_FLUSHED "mine AS (SELECT id AS mine_id, attempts < $5 AS again FROM quick, queue_job WHERE state = 1 AND "
                "lease < now() AND model = $3 ORDER BY lease LIMIT $4 FOR UPDATE OF queue_job SKIP LOCKED), "
                "given_up AS (UPDATE queue_job SET state = 3, worker = NULL, lease = NULL, finished = now(), "
                "reason = 'begun ' || attempts || ' times by workers that did not end it' FROM mine WHERE id = "
                "mine_id AND NOT again) " CLAIM "AND again " GIVE;

fct_status fct_queue_claim(fct_queue *q, const char *model_id, int max, fct_job **jobs, int *n, bool *later,
                           fct_error *err) {
    claim_call c = {model_id, max > 0 ? max : 1};
    PGresult *r;
    int64_t held = 0;
    *jobs = NULL;
    *n = 0;
    if (later) *later = false;
    fct_status s = fct_queue_ask(q, fill_claim, &c, &r, err, "iittb", claim_waiting);
    if (!s && PQntuples(r) == 0) {
        PQclear(r);
        s = fct_queue_ask(q, fill_expired, &c, &r, err, "iittb", claim_expired);
    }
    if (!s) s = take_jobs(q, r, jobs, n, err);
    PQclear(r);
    if (s || *n || !later) return s;
    s = fct_queue_ask_int(q, NULL, NULL, &held, err, "SELECT count(*) FROM queue_job WHERE state = 1");
    *later = held > 0;
    return s;
}

static void fill_worker(fct_queue *q, fct_pg_params *p, const void *ctx) {
    fct_pg_put_text(p, q->worker);
    if (ctx) fct_pg_put_int(p, q->o.lease_s);
}

fct_status fct_queue_extend(fct_queue *q, fct_error *err) {
    return fct_queue_ask(q, fill_worker, q, NULL, err, "",
                         "UPDATE queue_job SET lease = now() + $2 * interval '1 s' WHERE state = 1 AND worker = $1");
}

fct_status fct_queue_release(fct_queue *q, fct_error *err) {
    return fct_queue_ask(q, fill_worker, NULL, NULL, err, "",
                         "UPDATE queue_job SET state = 0, attempts = greatest(attempts - 1, 0), worker = NULL, lease = "
                         "NULL WHERE state = 1 AND worker = $1");
}

/* ---- Noting ------------------------------------------------------------------------------ */

static fct_status note_job(fct_queue *q, fct_noted_job job, fct_error *err) {
    fct_noted_job *all = fct_grow(q->jobs, &q->cap_jobs, q->n_jobs + 1, sizeof *all);
    if (!all) return fct_free(job.reason), fct_fail_nomem(err, "jobs", 0);
    q->jobs = all;
    all[q->n_jobs++] = job;
    return FCT_OK;
}

static fct_status note_face(fct_queue *q, int64_t job_id, const fct_face *face, fct_error *err) {
    fct_noted_face *all = fct_grow(q->faces, &q->cap_faces, q->n_faces + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "faces", 0);
    q->faces = all;
    fct_noted_face *f = &all[q->n_faces];
    *f = (fct_noted_face){.job_id = job_id, .score = face->score, .size = (size_t)face->embedding_dim * 4};
    memcpy(f->box, face->box, sizeof f->box);
    memcpy(f->kps, face->kps, sizeof f->kps);
    f->embedding = fct_alloc(f->size + 1);
    if (!f->embedding) return fct_fail_nomem(err, "faces", 0);
    fct_embedding_pack(face->embedding, face->embedding_dim, f->embedding);
    q->n_faces++;
    return FCT_OK;
}

fct_status fct_queue_note_faces(fct_queue *q, int64_t job_id, const fct_faces *faces, fct_error *err) {
    int64_t n = 0;
    fct_status s = FCT_OK;
    for (int i = 0; faces && i < fct_faces_count(faces) && !s; i++) {
        const fct_face *face = fct_faces_at(faces, i);
        if (!face->embedding) continue;
        s = note_face(q, job_id, face, err);
        n += !s;
    }
    return s ? s : note_job(q, (fct_noted_job){.id = job_id, .faces = n}, err);
}

fct_status fct_queue_note_failure(fct_queue *q, int64_t job_id, const char *reason, bool for_good, fct_error *err) {
    char clean[400];
    fct_text_clean(reason ? reason : "unknown", clean, sizeof clean);
    char *copy = fct_strdup(clean);
    if (!copy) return fct_fail_nomem(err, "jobs", 0);
    return note_job(q, (fct_noted_job){.id = job_id, .reason = copy, .for_good = for_good}, err);
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void put_floats(fct_pg_params *p, const fct_queue *q, int which) {
    fct_pg_array(p, FCT_PG_FLOAT8, q->n_faces);
    for (size_t i = 0; i < q->n_faces; i++) {
        const fct_noted_face *f = &q->faces[i];
        fct_pg_item_float(p, which < 4 ? f->box[which] : f->score);
    }
    fct_pg_array_end(p);
}

/* All landmarks in one array of ten a face. */
static void put_landmarks(fct_pg_params *p, const fct_queue *q) {
    fct_pg_array(p, FCT_PG_FLOAT8, q->n_faces * 10);
    for (size_t i = 0; i < q->n_faces; i++)
        for (int k = 0; k < 10; k++) fct_pg_item_float(p, q->faces[i].kps[k / 2][k % 2]);
    fct_pg_array_end(p);
}

static void fill_commit(fct_queue *q, fct_pg_params *p, const void *ctx) {
    fct_pg_put_text(p, q->worker);
    fct_pg_put_int(p, q->o.attempts);
    fct_pg_array(p, FCT_PG_INT8, q->n_jobs);
    for (size_t i = 0; i < q->n_jobs; i++) fct_pg_item_int(p, q->jobs[i].id);
    fct_pg_array_end(p);
    fct_pg_array(p, FCT_PG_INT8, q->n_jobs);
    for (size_t i = 0; i < q->n_jobs; i++) fct_pg_item_int(p, q->jobs[i].faces);
    fct_pg_array_end(p);
    fct_pg_array(p, FCT_PG_TEXT, q->n_jobs);
    for (size_t i = 0; i < q->n_jobs; i++)
        fct_pg_item_bytes(p, q->jobs[i].reason, q->jobs[i].reason ? strlen(q->jobs[i].reason) : 0);
    fct_pg_array_end(p);
    fct_pg_array(p, FCT_PG_INT8, q->n_jobs);
    for (size_t i = 0; i < q->n_jobs; i++) fct_pg_item_int(p, q->jobs[i].for_good);
    fct_pg_array_end(p);
    fct_pg_array(p, FCT_PG_INT8, q->n_faces);
    for (size_t i = 0; i < q->n_faces; i++) fct_pg_item_int(p, q->faces[i].job_id);
    fct_pg_array_end(p);
    for (int i = 0; i < 5; i++) put_floats(p, q, i);
    put_landmarks(p, q);
    fct_pg_array(p, FCT_PG_BYTEA, q->n_faces);
    for (size_t i = 0; i < q->n_faces; i++) fct_pg_item_bytes(p, q->faces[i].embedding, q->faces[i].size);
    fct_pg_array_end(p);
}

/* One statement: the faces go to those jobs that this worker still holds, and with
 * them the jobs are done. Run a second time it finds none of them, and does nothing. */
static const char commit_sql[] =
    "WITH ended AS (UPDATE queue_job SET state = CASE WHEN u.reason IS NULL THEN 2 WHEN u.for_good <> 0 OR "
    "attempts >= $2 "
    "THEN 3 ELSE 0 END, faces = u.faces, reason = u.reason, worker = NULL, lease = NULL, finished = now() FROM "
    "unnest($3::bigint[], $4::bigint[], $5::text[], $6::bigint[]) AS u(id, faces, reason, for_good) WHERE "
    "queue_job.id = "
    "u.id AND state = 1 AND worker = $1 RETURNING queue_job.id), "
    "kept AS (INSERT INTO queue_face(job_id, number, box, landmarks, score, embedding) SELECT job_id, "
    "row_number() OVER "
    "(PARTITION BY job_id ORDER BY ord), ARRAY[x1, y1, x2, y2], ($13::float8[])[(10 * ord - 9)::int : (10 * "
    "ord)::int], score, embedding FROM "
    "unnest($7::bigint[], $8::float8[], $9::float8[], $10::float8[], $11::float8[], $12::float8[], $14::bytea[]) WITH "
    "ORDINALITY AS f(job_id, x1, y1, x2, y2, score, embedding, ord) JOIN ended ON ended.id = job_id) "
    "SELECT count(*) FROM ended";

fct_status fct_queue_commit(fct_queue *q, int *n, fct_error *err) {
    int64_t count = 0;
    if (n) *n = 0;
    if (!q->n_jobs) return FCT_OK;
    fct_status s = fct_queue_ask_int(q, fill_commit, NULL, &count, err, commit_sql);
    if (s) return s;
    if (n) *n = (int)count;
    for (size_t i = 0; i < q->n_jobs; i++) fct_free(q->jobs[i].reason);
    for (size_t i = 0; i < q->n_faces; i++) fct_free(q->faces[i].embedding);
    q->n_jobs = q->n_faces = 0;
    return FCT_OK;
}

/* ---- Together with a gallery ------------------------------------------------------------------ */

/* Inside the gallery's transaction, by its connection. */
static fct_status complete_joined(void *ctx, fct_store *st, fct_error *err) {
    fct_queue *q = ctx;
    fct_pg *c = fct_pg_of_store(st->seal ? fct_sealed_of(st)->inner : st);
    fct_pg_params p = {0};
    int64_t done = 0;
    q->completed = false;
    if (!c) return fct_fail(err, FCT_ERR_ARG, "%s: the gallery is not on the queue's server", st->place);
    fct_pg_put_int(&p, q->joined);
    fct_pg_put_text(&p, q->worker);
    fct_status s = fct_pg_ask_int(c, &p, &done, err,
                                  "UPDATE queue_job SET state = 2, faces = 1, reason = NULL, worker = NULL, lease = "
                                  "NULL, finished = now() WHERE id = $1 AND state = 1 AND worker = $2 RETURNING id");
    if (!s && !done)
        s = fct_fail(err, FCT_ERR_CANCELLED, "%s: job %lld is somebody else's by now", st->place, (long long)q->joined);
    q->completed = !s;
    return s;
}

void fct_queue_join(fct_queue *q, fct_gallery *g, int64_t job_id) {
    q->joined = job_id;
    q->completed = false;
    fct_gallery_join(g, complete_joined, q);
}

bool fct_queue_part(fct_queue *q, fct_gallery *g) {
    fct_gallery_join(g, NULL, NULL);
    q->joined = 0;
    return q->completed;
}
