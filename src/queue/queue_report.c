/* What a queue tells about itself, and its upkeep. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "queue/queue_impl.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The rate is over the part of the last five minutes in which jobs were completed:
 * a queue that has just begun has a rate too. */
fct_status fct_queue_stat(fct_queue *q, fct_queue_info *out, fct_error *err) {
    PGresult *r;
    *out = (fct_queue_info){.left_s = NAN};
    fct_status s = fct_queue_ask(
        q, NULL, NULL, &r, err, "iiiiiid",
        "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE "
        "state = 2), "
        "count(*) FILTER (WHERE state = 3), coalesce(sum(faces) FILTER (WHERE state = 2), 0)::bigint, "
        "count(DISTINCT worker) FILTER (WHERE state = 1 AND lease > now()), "
        "coalesce(count(*) FILTER (WHERE state = 2 AND finished > now() - interval '300 s') / greatest(1, "
        "extract(epoch "
        "FROM now() - min(finished) FILTER (WHERE state = 2 AND finished > now() - interval '300 s'))), 0)::float8 "
        "FROM queue_job");
    if (s) return s;
    if (PQntuples(r) > 0) {
        out->waiting = fct_pg_int(r, 0, 0);
        out->running = fct_pg_int(r, 0, 1);
        out->done = fct_pg_int(r, 0, 2);
        out->failed = fct_pg_int(r, 0, 3);
        out->faces = fct_pg_int(r, 0, 4);
        out->workers = (int)fct_pg_int(r, 0, 5);
        out->rate = fct_pg_float(r, 0, 6);
    }
    PQclear(r);
    int64_t left = out->waiting + out->running;
    if (!left) out->left_s = 0;
    else if (out->rate > 0) out->left_s = (double)left / out->rate;
    snprintf(out->place, sizeof out->place, "%s", q->address.place);
    return FCT_OK;
}

/* ---- Lists -------------------------------------------------------------------------------- */

typedef struct failure_visit {
    fct_queue_failure_fn *fn;
    void *user;
} failure_visit;

static fct_status visit_failure(void *ctx, const PGresult *r, int row, fct_error *err) {
    const failure_visit *v = ctx;
    char path[4096], reason[500];
    const char *p = fct_pg_text(r, row, 2), *why = fct_pg_text(r, row, 3);
    fct_text_clean(p ? p : "?", path, sizeof path);
    fct_text_clean(why ? why : "?", reason, sizeof reason);
    return v->fn(fct_pg_int(r, row, 0), (int)fct_pg_int(r, row, 1), path, reason, v->user, err);
}

fct_status fct_queue_failures(fct_queue *q, fct_queue_failure_fn *fn, void *user, fct_error *err) {
    fct_status s = fct_pg_connect(&q->pg, err);
    return s ? s
             : fct_pg_scan(&q->pg, NULL, visit_failure, &(failure_visit){fn, user}, err, "iitt",
                           "SELECT id, attempts, path, reason FROM queue_job WHERE state = 3 ORDER BY id");
}

typedef struct found_visit {
    fct_queue_face_fn *fn;
    void *user;
    const fct_queue *q;
    float *embedding;
    size_t cap;
} found_visit;

static fct_status visit_found(void *ctx, const PGresult *r, int row, fct_error *err) {
    found_visit *v = ctx;
    char path[4096];
    size_t size;
    const char *p = fct_pg_text(r, row, 1);
    const void *bytes = fct_pg_bytes(r, row, 18, &size);
    fct_text_clean(p ? p : "?", path, sizeof path);
    fct_queue_face f = {
        .job_id = fct_pg_int(r, row, 0), .path = path, .model_id = fct_pg_text(r, row, 2), .dim = (int)(size / 4)};
    for (int i = 0; i < 4; i++) f.box[i] = (float)fct_pg_float(r, row, 3 + i);
    for (int i = 0; i < 10; i++) f.kps[i / 2][i % 2] = (float)fct_pg_float(r, row, 7 + i);
    f.score = (float)fct_pg_float(r, row, 17);
    float *e = size / 4 <= FCT_INDEX_DIM_MAX ? fct_grow(v->embedding, &v->cap, size / 4 + 1, sizeof *e) : NULL;
    if (!e) return fct_fail_nomem(err, "embedding", size);
    v->embedding = e;
    if (!f.model_id || !fct_embedding_unpack(bytes, size, f.dim, e))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: a face of job %lld is damaged", v->q->address.place,
                        (long long)f.job_id);
    f.embedding = e;
    return v->fn(&f, v->user, err);
}

fct_status fct_queue_faces(fct_queue *q, int64_t after_job, fct_queue_face_fn *fn, void *user, fct_error *err) {
    found_visit v = {.fn = fn, .user = user, .q = q};
    fct_pg_params p = {0};
    fct_status s = fct_pg_connect(&q->pg, err);
    fct_pg_put_int(&p, after_job);
    if (!s)
        s = fct_pg_scan(
            &q->pg, &p, visit_found, &v, err, "ittdddddddddddddddb",
            "SELECT job_id, path, model, box[1], box[2], box[3], box[4], landmarks[1], landmarks[2], landmarks[3], "
            "landmarks[4], landmarks[5], landmarks[6], landmarks[7], landmarks[8], landmarks[9], landmarks[10], score, "
            "embedding FROM queue_face JOIN queue_job ON id = job_id WHERE state = 2 AND job_id > $1 ORDER BY job_id, "
            "number");
    fct_pg_params_free(&p);
    fct_free(v.embedding);
    return s;
}

/* ---- Upkeep --------------------------------------------------------------------------------- */

fct_status fct_queue_retry(fct_queue *q, int64_t *n, fct_error *err) {
    int64_t count;
    fct_status s = fct_queue_ask_int(q, NULL, NULL, &count, err,
                                     "WITH again AS (UPDATE queue_job SET state = 0, attempts = 0, reason = NULL, "
                                     "finished = NULL WHERE state = 3 RETURNING 1) SELECT count(*) FROM again");
    if (n) *n = count;
    return s;
}

static void fill_what(fct_queue *q, fct_pg_params *p, const void *ctx) {
    const fct_queue_what *what = ctx;
    int64_t state = *what == FCT_QUEUE_DONE      ? FCT_JOB_DONE
                    : *what == FCT_QUEUE_FAILED  ? FCT_JOB_FAILED
                    : *what == FCT_QUEUE_WAITING ? FCT_JOB_WAITING
                                                 : -1;
    fct_pg_put_int(p, state);
}

fct_status fct_queue_clear(fct_queue *q, fct_queue_what what, int64_t *n, fct_error *err) {
    int64_t count;
    fct_status s = fct_queue_ask_int(q, fill_what, &what, &count, err,
                                     "WITH gone AS (DELETE FROM queue_job WHERE $1 < 0 OR state = $1 RETURNING 1) "
                                     "SELECT count(*) FROM gone");
    if (n) *n = count;
    return s;
}
