#include "server/jobs.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RESULTS_MOST = 64 << 20, IDLE_MS = 1000 };

const srv_job_kind *srv_job_kind_find(const char *name) {
    for (const srv_job_kind *k = srv_job_kinds; k->name; k++)
        if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

static void free_job(srv_job *job) {
    fct_buf_free(&job->input);
    fct_buf_free(&job->results);
    fct_free(job);
}

/* ---- Carrying out ---------------------------------------------------------------------------------- */

/* Notes what came of it. Under the lock. */
static void finish(srv_jobs *j, srv_job *job, fct_status s, const fct_error *e) {
    job->ended = fct_time_unix();
    job->state = !s                       ? SRV_JOB_DONE
                 : j->ending              ? SRV_JOB_INTERRUPTED
                 : s == FCT_ERR_CANCELLED ? SRV_JOB_CANCELLED
                                          : SRV_JOB_FAILED;
    if (job->state == SRV_JOB_FAILED) snprintf(job->error, sizeof job->error, "%s", e->text);
    if (job->state == SRV_JOB_FAILED) fct_log(FCT_LOG_WARN, "job %s: %s", job->id, e->text);
    srv_job_keep_results(j, job);
    if (job->state == SRV_JOB_DONE) srv_job_drop_input(j, job);
    srv_job_keep(j, job);
}

static srv_job *next_job(srv_jobs *j) {
    for (int i = 0; i < j->n; i++)
        if (j->at[i]->state == SRV_JOB_WAITING) return j->at[i];
    return NULL;
}

static void begin(srv_job *job) {
    job->state = SRV_JOB_RUNNING;
    job->started = fct_time_unix();
    job->began = fct_time_ns();
    job->ended = job->done = 0;
    job->total = -1;
    job->n_counts = 0;
    *job->error = 0;
    fct_buf_clear(&job->results);
    job->n_results = 0;
    job->read = true;
    job->stop = false;
}

static void idle(srv_jobs *j) {
    j->idled = fct_time_unix();
    fct_mutex_unlock(&j->lock);
    j->calls.idle(j->app);
    fct_mutex_lock(&j->lock);
}

static void work(void *user) {
    srv_jobs *j = user;
    fct_error e;
    fct_mutex_lock(&j->lock);
    while (!j->ending) {
        srv_job *job = next_job(j);
        if (!job) {
            if (fct_time_unix() - j->idled >= j->calls.idle_every) idle(j);
            else fct_cond_wait_ms(&j->work, &j->lock, IDLE_MS);
            continue;
        }
        begin(job);
        srv_job_keep(j, job);
        fct_mutex_unlock(&j->lock);
        fct_status s = j->calls.run(j->app, job, &e);
        fct_mutex_lock(&j->lock);
        finish(j, job, s, &e);
    }
    fct_mutex_unlock(&j->lock);
}

fct_status srv_jobs_start(srv_jobs *j, struct srv_app *app, const srv_jobs_calls *calls, const char *data_dir,
                          bool keeps, fct_error *err) {
    *j = (srv_jobs){.app = app, .calls = *calls, .keeps = keeps};
    j->idled = fct_time_unix() - calls->idle_every + calls->idle_first;
    fct_mutex_init(&j->lock);
    fct_cond_init(&j->work);
    fct_status s = FCT_OK;
    if (data_dir && !(j->folder = fct_path_join(data_dir, "jobs"))) s = fct_fail_nomem(err, "jobs", 0);
    if (!s) s = srv_jobs_read(j, err);
    for (int i = 0; i < calls->threads && i < SRV_JOB_THREADS && !s; i++) {
        s = fct_thread_start(&j->threads[i], work, j, err);
        j->n_threads += !s;
    }
    return s;
}

void srv_jobs_stop(srv_jobs *j) {
    if (!j->app) return;
    fct_mutex_lock(&j->lock);
    j->ending = true;
    for (int i = 0; i < j->n; i++) j->at[i]->stop = true;
    fct_cond_broadcast(&j->work);
    fct_mutex_unlock(&j->lock);
    for (int i = 0; i < j->n_threads; i++) fct_thread_join(&j->threads[i]);
    for (int i = 0; i < j->n; i++) free_job(j->at[i]);
    fct_free(j->folder);
    fct_cond_destroy(&j->work);
    fct_mutex_destroy(&j->lock);
    *j = (srv_jobs){0};
}

/* ---- From outside ------------------------------------------------------------------------------------ */

static bool has_ended(const srv_job *job) { return job->state > SRV_JOB_RUNNING; }

static int place_of(const srv_jobs *j, const char *id, const char *only) {
    for (int i = 0; i < j->n; i++)
        if (strcmp(j->at[i]->id, id) == 0 && (!*only || strcmp(j->at[i]->collection, only) == 0)) return i;
    return -1;
}

static void remove_at(srv_jobs *j, int i) {
    srv_job_drop(j, j->at[i]);
    free_job(j->at[i]);
    memmove(&j->at[i], &j->at[i + 1], (size_t)(j->n - i - 1) * sizeof *j->at);
    j->n--;
}

/* Makes room for one more; false where too many wait. */
static bool make_room(srv_jobs *j) {
    int waiting = 0, oldest = -1;
    for (int i = 0; i < j->n; i++) {
        waiting += !has_ended(j->at[i]);
        if (oldest < 0 && has_ended(j->at[i])) oldest = i;
    }
    if (waiting >= SRV_JOBS_WAITING) return false;
    if (j->n == SRV_JOBS_MOST) remove_at(j, oldest);
    return true;
}

static fct_status nothing(const char *id, fct_error *err) {
    return fct_fail(err, FCT_ERR_NOT_FOUND, "there is no job %s", id);
}

static srv_job *make_job(srv_request *r, const srv_job_kind *kind, const char *collection, double threshold) {
    unsigned char random[6];
    const char *type = srv_request_field(r, "Content-Type");
    srv_job *job = fct_calloc(1, sizeof *job);
    if (!job || fct_sys_random(random, sizeof random)) return fct_free(job), NULL;
    job->id[0] = 'j';
    for (int i = 0; i < 6; i++) snprintf(job->id + 1 + 2 * i, 3, "%02x", random[i]);
    job->kind = kind;
    job->threshold = threshold;
    job->created = fct_time_unix();
    job->total = -1;
    job->read = true;
    snprintf(job->collection, sizeof job->collection, "%s", collection);
    if (*r->key_id) snprintf(job->actor, sizeof job->actor, "key %s from %s", r->key_id, r->peer);
    else snprintf(job->actor, sizeof job->actor, "address %s", r->peer);
    if (kind->has_input) {
        snprintf(job->type, sizeof job->type, "%s", type ? type : "");
        job->input = r->body;
        r->body = (fct_buf){0};
    }
    return job;
}

fct_status srv_jobs_add(srv_jobs *j, srv_request *r, const srv_job_kind *kind, const char *collection, double threshold,
                        char *id, fct_error *err) {
    fct_mutex_lock(&j->lock);
    srv_job *job = make_room(j) ? make_job(r, kind, collection, threshold) : NULL;
    bool full = !job && j->n >= SRV_JOBS_WAITING;
    if (job) {
        memcpy(id, job->id, SRV_JOB_ID);
        j->at[j->n++] = job;
        if (kind->has_input) srv_job_keep_input(j, job);
        srv_job_keep(j, job);
        fct_cond_signal(&j->work);
    }
    fct_mutex_unlock(&j->lock);
    if (job) return FCT_OK;
    return full ? fct_fail(err, FCT_ERR_BUSY, "%d jobs wait already", SRV_JOBS_WAITING) : fct_fail_nomem(err, "job", 0);
}

fct_status srv_jobs_cancel(srv_jobs *j, const char *id, const char *only, fct_error *err) {
    fct_mutex_lock(&j->lock);
    int at = place_of(j, id, only);
    srv_job *job = at < 0 ? NULL : j->at[at];
    if (job && has_ended(job)) remove_at(j, at);
    else if (job && job->state == SRV_JOB_WAITING) finish(j, job, FCT_ERR_CANCELLED, NULL);
    else if (job) job->stop = true;
    fct_mutex_unlock(&j->lock);
    return at < 0 ? nothing(id, err) : FCT_OK;
}

static bool can_restart(const srv_job *job) {
    return has_ended(job) && job->state != SRV_JOB_DONE && (!job->kind->has_input || job->in_file || job->input.size);
}

fct_status srv_jobs_restart(srv_jobs *j, const char *id, const char *only, fct_error *err) {
    fct_status s = FCT_OK;
    fct_mutex_lock(&j->lock);
    int at = place_of(j, id, only);
    if (at < 0) s = nothing(id, err);
    else if (!can_restart(j->at[at]))
        s = fct_fail(err, FCT_ERR_EXISTS, "the job is done, has not ended, or its input is not there any more");
    else {
        j->at[at]->state = SRV_JOB_WAITING;
        srv_job_keep(j, j->at[at]);
        fct_cond_signal(&j->work);
    }
    fct_mutex_unlock(&j->lock);
    return s;
}

/* ---- Showing ------------------------------------------------------------------------------------------- */

const char *srv_job_state_name(srv_job_state s) {
    static const char *const names[] = {"waiting", "running", "done", "failed", "cancelled", "interrupted"};
    return names[s];
}

static void write_date(fct_json_writer *w, const char *key, int64_t t) {
    if (t) fct_json_date(w, key, t);
    else fct_json_null(w, key);
}

static void write_job(fct_json_writer *w, const char *key, const srv_job *job) {
    bool known = job->total >= 0, runs = job->state == SRV_JOB_RUNNING && known && job->done > 0;
    double seconds = runs ? (double)(fct_time_ns() - job->began) / 1e9 : NAN;
    double part = job->state == SRV_JOB_DONE ? 1
                  : !known                   ? NAN
                  : job->total               ? (double)job->done / (double)job->total
                                             : 0;
    fct_json_object(w, key);
    fct_json_text(w, "id", job->id);
    fct_json_text(w, "kind", job->kind->name);
    fct_json_text(w, "collection", *job->collection ? job->collection : NULL);
    fct_json_text(w, "state", srv_job_state_name(job->state));
    fct_json_date(w, "created_at", job->created);
    write_date(w, "started_at", job->started);
    write_date(w, "ended_at", job->ended);
    fct_json_int(w, "done", job->done);
    if (known) fct_json_int(w, "total", job->total);
    else fct_json_null(w, "total");
    fct_json_number(w, "progress", part > 1 ? 1 : part, 4); /* NAN: null */
    fct_json_number(w, "seconds_left", seconds * ((double)job->total / (double)(job->done ? job->done : 1) - 1), 1);
    fct_json_int(w, "result_count", (int64_t)job->n_results);
    fct_json_object(w, "summary");
    for (int i = 0; i < job->n_counts; i++) fct_json_int(w, job->counts[i].what, job->counts[i].n);
    fct_json_close_object(w);
    fct_json_text(w, "error", *job->error ? job->error : NULL);
    fct_json_bool(w, "can_restart", can_restart(job));
    fct_json_close_object(w);
}

bool srv_jobs_write(srv_jobs *j, const char *id, const char *only, fct_json_writer *w, const char *key) {
    fct_mutex_lock(&j->lock);
    int at = place_of(j, id, only);
    if (at >= 0) write_job(w, key, j->at[at]);
    fct_mutex_unlock(&j->lock);
    return at >= 0;
}

void srv_jobs_write_page(srv_jobs *j, const char *only, int limit, int64_t after, int64_t *next, fct_json_writer *w) {
    int64_t seen = 0;
    int shown = 0;
    *next = 0;
    fct_json_array(w, "jobs");
    fct_mutex_lock(&j->lock);
    for (int i = j->n - 1; i >= 0 && !*next; i--) {
        if (*only && strcmp(j->at[i]->collection, only) != 0) continue;
        if (seen++ < after) continue;
        if (shown == limit) *next = seen - 1;
        else write_job(w, NULL, j->at[i]);
        shown++;
    }
    fct_mutex_unlock(&j->lock);
    fct_json_close_array(w);
}

fct_status srv_jobs_write_results(srv_jobs *j, const char *id, const char *only, int limit, int64_t after,
                                  int64_t *next, fct_json_writer *w, fct_error *err) {
    int64_t line = 0;
    *next = 0;
    fct_json_array(w, "results");
    fct_mutex_lock(&j->lock);
    int at = place_of(j, id, only);
    srv_job *job = at < 0 ? NULL : j->at[at];
    if (job && !job->read) srv_job_read_results(j, job);
    const char *p = job && job->results.size ? job->results.data : "", *end = p + (job ? job->results.size : 0);
    for (const char *stop; p < end && (stop = memchr(p, '\n', (size_t)(end - p))); p = stop + 1) {
        if (line++ < after) continue;
        if (line > after + limit) {
            *next = line - 1;
            break;
        }
        char *text = fct_strndup(p, (size_t)(stop - p));
        if (!text) w->buf->failed = true;
        fct_json_raw(w, NULL, text ? text : "null");
        fct_free(text);
    }
    fct_mutex_unlock(&j->lock);
    fct_json_close_array(w);
    return at < 0 ? nothing(id, err) : FCT_OK;
}

/* ---- For what carries jobs out -------------------------------------------------------------------------- */

bool srv_job_goes_on(srv_jobs *j, srv_job *job, int64_t done, int64_t total) {
    fct_mutex_lock(&j->lock);
    job->done = done;
    job->total = total;
    bool stop = job->stop;
    fct_mutex_unlock(&j->lock);
    return !stop;
}

void srv_job_add(srv_jobs *j, srv_job *job, const char *what, int64_t n) {
    fct_mutex_lock(&j->lock);
    int at = 0;
    while (at < job->n_counts && strcmp(job->counts[at].what, what) != 0) at++;
    if (at == job->n_counts && at < SRV_JOB_COUNTS) {
        job->counts[at] = (srv_job_count){0};
        snprintf(job->counts[at].what, sizeof job->counts[at].what, "%s", what);
        job->n_counts++;
    }
    if (at < SRV_JOB_COUNTS) job->counts[at].n += n;
    fct_mutex_unlock(&j->lock);
}

fct_status srv_job_result(srv_jobs *j, srv_job *job, fct_buf *object, fct_error *err) {
    fct_mutex_lock(&j->lock);
    bool room = job->results.size + object->size < RESULTS_MOST;
    if (room) {
        fct_buf_add(&job->results, object->data, object->size);
        fct_buf_char(&job->results, '\n');
        job->n_results++;
    }
    bool failed = object->failed || job->results.failed;
    fct_mutex_unlock(&j->lock);
    fct_buf_clear(object);
    if (failed) return fct_fail_nomem(err, "results of a job", 0);
    return room ? FCT_OK : fct_fail(err, FCT_ERR_LIMIT, "the job has more than %d bytes of results", RESULTS_MOST);
}

fct_status srv_job_request(srv_jobs *j, srv_job *job, srv_request *out, fct_error *err) {
    uint8_t *data = NULL;
    size_t size = 0;
    fct_status s = FCT_OK;
    *out = (srv_request){.method = SRV_POST};
    snprintf(out->id, sizeof out->id, "%s", job->id);
    if (!srv_pair_add(out->fields, &out->n_fields, "Content-Type", job->type)) s = fct_fail_nomem(err, "job", 0);
    if (!s && job->in_file) {
        char *path = srv_job_path(j, job, ".input");
        s = path ? fct_file_read(path, (size_t)1 << 31, &data, &size, err) : fct_fail_nomem(err, "job", 0);
        fct_free(path);
    }
    if (!s) fct_buf_add(&out->body, data ? (const void *)data : job->input.data, data ? size : job->input.size);
    fct_free(data);
    if (!s && out->body.failed) s = fct_fail_nomem(err, "job", size);
    if (s) srv_request_free(out);
    return s;
}

fct_status srv_job_input_path(srv_jobs *j, srv_job *job, char **out, fct_error *err) {
    *out = srv_job_path(j, job, ".input");
    if (!*out) return fct_fail_nomem(err, "job", 0);
    if (job->in_file) return FCT_OK;
    fct_status s = j->folder ? fct_dir_make_private(j->folder, err) : FCT_OK;
    return s ? s : fct_file_write_private(*out, job->input.data ? job->input.data : "", job->input.size, err);
}
