/* The files of jobs, in the folder jobs/ of the data folder, for its owner alone:
 *
 *   ID.json     the state: {"version":1,"id":...,"kind":...,"collection":...,"actor":...,"state":...,
 *               "created":...,"started":...,"ended":...,"done":...,"total":...,"threshold":...,"type":...,
 *               "error":...,"counts":{...},"results":N}
 *   ID.input    the body of the request, until the job is done
 *   ID.jsonl    the results
 *
 * What lies there is not trusted: a state that is not like this is passed over. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "server/jobs.h"
#include "text/json_reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STATE_MOST = 1 << 16, RESULTS_MOST = 80 << 20, VERSION = 1 };

char *srv_job_path(const srv_jobs *j, const srv_job *job, const char *suffix) {
    char name[40];
    snprintf(name, sizeof name, "%s%s", job->id, suffix);
    return fct_path_join(j->folder ? j->folder : ".", name);
}

/* Writes a file of a job; false where that fails. */
static bool put(const srv_jobs *j, const srv_job *job, const char *suffix, const fct_buf *data) {
    fct_error e;
    if (!j->folder || data->failed) return false;
    char *path = srv_job_path(j, job, suffix);
    fct_status s = path ? fct_dir_make_private(j->folder, &e) : fct_fail_nomem(&e, "job", 0);
    if (!s) s = fct_file_write_private(path, data->data ? data->data : "", data->size, &e);
    if (s) fct_log(FCT_LOG_WARN, "job %s is not kept: %s", job->id, e.text);
    fct_free(path);
    return !s;
}

static void drop(const srv_jobs *j, const srv_job *job, const char *suffix) {
    char *path = j->folder ? srv_job_path(j, job, suffix) : NULL;
    fct_file_stat fs;
    if (path) {
        fct_file_get_stat(path, &fs);
        if (fs.exists) fct_file_remove(path, NULL);
    }
    fct_free(path);
}

/* ---- Writing ------------------------------------------------------------------------------------------ */

void srv_job_keep(srv_jobs *j, const srv_job *job) {
    fct_buf b = {0};
    fct_json_writer w;
    fct_json_to_buf(&w, &b);
    fct_json_object(&w, NULL);
    fct_json_int(&w, "version", VERSION);
    fct_json_text(&w, "id", job->id);
    fct_json_text(&w, "kind", job->kind->name);
    fct_json_text(&w, "collection", job->collection);
    fct_json_text(&w, "actor", job->actor);
    fct_json_text(&w, "state", srv_job_state_name(job->state));
    fct_json_int(&w, "created", job->created);
    fct_json_int(&w, "started", job->started);
    fct_json_int(&w, "ended", job->ended);
    fct_json_int(&w, "done", job->done);
    fct_json_int(&w, "total", job->total);
    fct_json_number(&w, "threshold", job->threshold, 6); /* NAN: null */
    fct_json_text(&w, "type", job->in_file ? job->type : "");
    fct_json_text(&w, "error", j->keeps ? job->error : "");
    fct_json_object(&w, "counts");
    for (int i = 0; i < job->n_counts; i++) fct_json_int(&w, job->counts[i].what, job->counts[i].n);
    fct_json_close_object(&w);
    fct_json_int(&w, "results", j->keeps && job->state > SRV_JOB_RUNNING ? (int64_t)job->n_results : 0);
    fct_json_close_object(&w);
    put(j, job, ".json", &b);
    fct_buf_free(&b);
}

bool srv_job_keep_input(srv_jobs *j, srv_job *job) {
    if (!j->keeps || !put(j, job, ".input", &job->input)) return false;
    job->in_file = true;
    fct_buf_free(&job->input);
    return true;
}

void srv_job_keep_results(srv_jobs *j, srv_job *job) {
    if (!j->keeps || !job->n_results || !put(j, job, ".jsonl", &job->results)) return;
    fct_buf_free(&job->results);
    job->read = false;
}

void srv_job_drop_input(srv_jobs *j, srv_job *job) {
    fct_buf_free(&job->input);
    if (!job->kind->has_input) return;
    drop(j, job, ".input");
    job->in_file = false;
}

void srv_job_drop(srv_jobs *j, const srv_job *job) {
    drop(j, job, ".json");
    drop(j, job, ".input");
    drop(j, job, ".jsonl");
}

/* ---- Reading -------------------------------------------------------------------------------------------- */

void srv_job_read_results(srv_jobs *j, srv_job *job) {
    uint8_t *data;
    size_t size;
    fct_error e;
    char *path = srv_job_path(j, job, ".jsonl");
    fct_buf_clear(&job->results);
    job->read = true;
    if (path && !fct_file_read(path, RESULTS_MOST, &data, &size, &e)) {
        fct_buf_add(&job->results, data, size);
        fct_free(data);
    }
    fct_free(path);
}

/* Copies a text of the state; false where it is none, or too long. */
static bool take_text(const fct_json *root, const char *key, char *out, size_t size) {
    const char *text = fct_json_get_text(fct_json_member(root, key));
    if (!text || strlen(text) >= size) return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_int(const fct_json *root, const char *key, int64_t least, int64_t *out) {
    return fct_json_get_int(fct_json_member(root, key), out) && *out >= least && *out < INT64_C(1) << 40;
}

static bool take_counts(const fct_json *list, srv_job *job) {
    if (!fct_json_is(list, FCT_JSON_OBJECT) || list->length > SRV_JOB_COUNTS) return false;
    for (const fct_json *c = fct_json_first(list); c; c = fct_json_next(list, c)) {
        srv_job_count *count = &job->counts[job->n_counts++];
        if (strlen(c->key) >= sizeof count->what || !fct_json_get_int(c, &count->n)) return false;
        memcpy(count->what, c->key, strlen(c->key) + 1);
    }
    return true;
}

/* Reads a state; false where it is not what srv_job_keep() writes. */
static bool read_state(const fct_json *root, srv_job *job) {
    char kind[32], state[32];
    int64_t version, results;
    if (!take_int(root, "version", 0, &version) || version != VERSION) return false;
    if (!take_text(root, "id", job->id, sizeof job->id) || strlen(job->id) != SRV_JOB_ID - 1 || job->id[0] != 'j' ||
        strspn(job->id + 1, "0123456789abcdef") != SRV_JOB_ID - 2)
        return false;
    if (!take_text(root, "kind", kind, sizeof kind) || !(job->kind = srv_job_kind_find(kind))) return false;
    if (!take_text(root, "collection", job->collection, sizeof job->collection) ||
        !take_text(root, "actor", job->actor, sizeof job->actor) || !take_text(root, "state", state, sizeof state) ||
        !take_text(root, "type", job->type, sizeof job->type) ||
        !take_text(root, "error", job->error, sizeof job->error))
        return false;
    if (!take_int(root, "created", 0, &job->created) || !take_int(root, "started", 0, &job->started) ||
        !take_int(root, "ended", 0, &job->ended) || !take_int(root, "done", 0, &job->done) ||
        !take_int(root, "total", -1, &job->total) || !take_int(root, "results", 0, &results))
        return false;
    if (!fct_json_get_number(fct_json_member(root, "threshold"), &job->threshold)) job->threshold = NAN;
    job->n_results = (size_t)results;
    for (int s = 0; s <= SRV_JOB_INTERRUPTED; s++)
        if (strcmp(srv_job_state_name((srv_job_state)s), state) == 0) {
            /* What ran when the server ended was interrupted. */
            job->state = s <= SRV_JOB_RUNNING ? SRV_JOB_INTERRUPTED : (srv_job_state)s;
            return take_counts(fct_json_member(root, "counts"), job);
        }
    return false;
}

bool srv_job_state_parse(char *text, size_t size, srv_job *out) {
    fct_json_doc doc = {0};
    fct_json_fault fault;
    *out = (srv_job){0};
    bool good = !fct_json_read(&doc, text, size, &fault) && read_state(doc.values, out);
    fct_json_free(&doc);
    return good;
}

static void read_job(srv_jobs *j, const char *path) {
    uint8_t *text;
    size_t size;
    fct_file_stat fs;
    fct_error e;
    if (j->n == SRV_JOBS_MOST || fct_file_read(path, STATE_MOST, &text, &size, &e)) return;
    srv_job *job = fct_calloc(1, sizeof *job);
    if (job && srv_job_state_parse((char *)text, size, job) &&
        strncmp(fct_path_base(path), job->id, strlen(job->id)) == 0) {
        char *input = job->kind->has_input ? srv_job_path(j, job, ".input") : NULL;
        if (input) {
            fct_file_get_stat(input, &fs);
            job->in_file = fs.is_file;
        }
        fct_free(input);
        j->at[j->n++] = job;
    } else {
        fct_log(FCT_LOG_WARN, "%s: is no state of a job, and is passed over", path);
        fct_free(job);
    }
    fct_free(text);
}

static bool is_older(const srv_job *a, const srv_job *b) {
    return a->created != b->created ? a->created < b->created : strcmp(a->id, b->id) < 0;
}

fct_status srv_jobs_read(srv_jobs *j, fct_error *err) {
    char **names;
    size_t n;
    fct_file_stat fs;
    if (!j->folder) return FCT_OK;
    fct_file_get_stat(j->folder, &fs);
    if (!fs.exists) return FCT_OK;
    fct_status s = fct_dir_list(j->folder, &names, &n, err);
    if (s) return s;
    for (size_t i = 0; i < n; i++) {
        char *path = strcmp(fct_path_ext(names[i]), "json") == 0 ? fct_path_join(j->folder, names[i]) : NULL;
        if (path) read_job(j, path);
        fct_free(path);
    }
    fct_dir_list_free(names, n);
    for (int i = 1; i < j->n; i++) /* the oldest first */
        for (int k = i; k > 0 && is_older(j->at[k], j->at[k - 1]); k--) {
            srv_job *t = j->at[k];
            j->at[k] = j->at[k - 1];
            j->at[k - 1] = t;
        }
    return FCT_OK;
}
