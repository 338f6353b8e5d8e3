/* facet worker: analyzes photos of a queue. */
#include "commands/cmd_queue.h"
#include "photos/engine.h"
#include "photos/report.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { CLAIM = 32, COMMIT_S = 1, IDLE_MS = 1000 };

typedef struct worker_run {
    cli_engine engine;
    fct_queue *queue;
    fct_gallery *gallery; /* opened for the first person */
    uint64_t extended;    /* when the lease was last extended */
    uint64_t committed;   /* when results were last written */
    long photos, faces, failed;
} worker_run;

static uint64_t now_s(void) { return fct_time_ns() / 1000000000; }

static void json_job(const fct_job *job, int faces, const fct_error *e) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_int(&j, "job", job->id);
    fct_json_text(&j, "file", job->path);
    if (job->person) fct_json_text(&j, "name", job->person);
    if (e) fct_json_text(&j, "error", e->text);
    else fct_json_int(&j, "faces", faces);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void fail(fct_error *e, fct_status code, const char *path, const char *text) {
    e->code = code;
    snprintf(e->text, sizeof e->text, "%s: %s", path, text);
}

/* ---- One photo ---------------------------------------------------------------------------------- */

/* Reads the photo that was added: one that has changed is another photo. */
static fct_status load(const worker_run *r, const fct_job *job, fct_image **image, fct_error *e) {
    void *data;
    size_t size;
    uint8_t sha256[32];
    fct_decode_opts o;
    *image = NULL;
    fct_status s = fct_queue_read(job->path, sha256, &data, &size, e);
    if (s) return s;
    fct_decode_opts_init(&o);
    o.max_pixels = r->engine.set->max_pixels;
    if (memcmp(sha256, job->sha256, 32) != 0)
        fail(e, s = FCT_ERR_MISMATCH, job->path, "the file has changed since it was added");
    else s = fct_image_decode(data, size, job->path, &o, image, e);
    fct_buffer_free(data);
    return s;
}

/* Whether another attempt could do better. */
static bool is_final(fct_status s) {
    return s == FCT_ERR_FORMAT || s == FCT_ERR_UNSUPPORTED || s == FCT_ERR_LIMIT || s == FCT_ERR_MISMATCH ||
           s == FCT_ERR_ARG;
}

static int open_gallery(worker_run *r) {
    if (r->gallery) return CLI_DONE;
    int code = cli_gallery_open(r->engine.set, GALLERY_CREATE, &r->gallery);
    return code ? code : cli_gallery_check_model(r->gallery, &r->engine);
}

/* Enrolls the largest face; that and the job's end are one transaction. A face that is
 * known already changes nothing, and neither does a photo without one: then the job
 * ends by itself. */
static fct_status enroll(worker_run *r, const fct_job *job, const fct_image *image, const fct_faces *faces,
                         fct_error *e) {
    fct_enroll_opts o;
    fct_enroll_result out = {0};
    if (fct_faces_count(faces) == 0) {
        fail(e, FCT_ERR_NOT_FOUND, job->path, "no face to enroll");
        return FCT_ERR_FORMAT;
    }
    fct_enroll_opts_init(&o);
    o.threshold = r->engine.threshold;
    o.source = job->path;
    fct_queue_join(r->queue, r->gallery, job->id);
    fct_status s = fct_enroll_photo(r->gallery, r->engine.pack, job->person, fct_image_view(image), faces, &o, &out, e);
    bool ended = fct_queue_part(r->queue, r->gallery);
    if (s == FCT_ERR_CANCELLED) return FCT_OK; /* somebody else's job by now */
    return s || ended ? s : fct_queue_note_faces(r->queue, job->id, NULL, e);
}

static fct_status analyze(worker_run *r, const fct_job *job, int *n, fct_error *e) {
    fct_image *image;
    fct_faces *faces = NULL;
    fct_status s = load(r, job, &image, e);
    if (!s) s = fct_analyze(r->engine.analyzer, fct_image_view(image), &faces, e);
    *n = s ? 0 : fct_faces_count(faces);
    if (!s && job->person) s = enroll(r, job, image, faces, e);
    else if (!s) s = fct_queue_note_faces(r->queue, job->id, faces, e);
    fct_faces_free(faces);
    fct_image_free(image);
    return s;
}

/* A fault of the photo is noted and does not end the run; one of the server does. */
static int do_job(worker_run *r, const fct_job *job) {
    fct_error e = {0}, e2;
    int n = 0, code = job->person ? open_gallery(r) : CLI_DONE;
    if (code) return code;
    fct_status s = analyze(r, job, &n, &e);
    if (s == FCT_ERR_NETWORK || s == FCT_ERR_BUSY) return cli_fail(&e);
    r->photos++;
    r->faces += n;
    r->failed += s != FCT_OK;
    if (s) cli_warn("%s", e.text);
    if (r->engine.set->json) json_job(job, n, s ? &e : NULL);
    if (s && fct_queue_note_failure(r->queue, job->id, e.text, is_final(s), &e2)) return cli_fail(&e2);
    return CLI_DONE;
}

/* ---- The run -------------------------------------------------------------------------------------- */

static int commit(worker_run *r) {
    fct_error e;
    r->committed = now_s();
    return fct_queue_commit(r->queue, NULL, &e) ? cli_fail(&e) : CLI_DONE;
}

/* Between photos: results are written every second, the lease is extended long before it ends. */
static int keep_up(worker_run *r) {
    fct_error e;
    uint64_t now = now_s(), lease = r->engine.set->lease ? (uint64_t)r->engine.set->lease : 120;
    int code = now - r->committed >= COMMIT_S ? commit(r) : CLI_DONE;
    if (code || now - r->extended < lease / 4) return code;
    r->extended = now;
    return fct_queue_extend(r->queue, &e) ? cli_fail(&e) : CLI_DONE;
}

static int do_jobs(worker_run *r, const fct_job *jobs, int n) {
    int code = CLI_DONE;
    r->extended = r->committed = now_s();
    for (int i = 0; i < n && !code && !cli_interrupted(); i++) {
        code = do_job(r, &jobs[i]);
        if (!code) code = keep_up(r);
    }
    return code ? code : commit(r);
}

/* Works until nothing is left that others hold either, or, with --wait, until it is stopped. */
static int work(worker_run *r) {
    const char *model = fct_pack_embedder_id(r->engine.pack);
    int code = CLI_DONE;
    while (!code && !cli_interrupted()) {
        fct_job *jobs;
        fct_error e;
        int n;
        bool later;
        if (fct_queue_claim(r->queue, model, CLAIM, &jobs, &n, &later, &e)) return cli_fail(&e);
        if (n) code = do_jobs(r, jobs, n);
        else if (!later && !r->engine.set->wait) break;
        else fct_sleep_ms(IDLE_MS);
        fct_jobs_free(jobs, n);
    }
    fct_error e;
    if (cli_interrupted() && fct_queue_release(r->queue, &e)) code = cli_fail(&e);
    return cli_interrupted() && !code ? CLI_STOPPED : code;
}

static int run_worker(cli_args *a) {
    worker_run r = {0};
    int code = cli_queue_open(&a->set, &r.queue);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_EMBED, &r.engine);
    if (!code) {
        cli_catch_interrupt();
        code = work(&r);
        cli_note("%s, %ld faces, %ld failed", cli_count((int)r.photos, "photo", "photos"), r.faces, r.failed);
    }
    fct_gallery_free(r.gallery);
    cli_engine_close(&r.engine);
    fct_queue_free(r.queue);
    return code;
}

const cli_command cmd_worker = {
    .name = "worker",
    .synopsis = "",
    .summary = "analyze photos of a queue, beside as many others as wanted",
    .description =
        "Takes photos of 'facet queue add' until none is left, 32 at a time. What is found in a photo and that it is "
        "done are written together. A worker that dies holds its photos for the lease and no longer: then others take "
        "them.\n\n"
        "SIGTERM and SIGINT end it after the photo at hand, and give the rest back. --wait waits for more when all is "
        "done. All workers of a queue should have the same pack: a worker takes photos for its own network alone.\n\n"
        "Exit code 0 when all is done, also where photos failed ('facet queue failures').",
    .options = {CLI_FINDER_OPTIONS, CLI_GALLERY_OPTIONS, CLI_OPT(OPT_WAIT), CLI_OPT(OPT_LEASE), CLI_OPT(OPT_ATTEMPTS),
                CLI_OPT(OPT_THRESHOLD)},
    .examples = "facet worker --gallery postgresql://facet@db/faces\n"
                "As a service:\n"
                "facet worker --wait",
    .run = run_worker,
};
