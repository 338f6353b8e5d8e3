/* Jobs: begin, list, show, cancel, begin again; many pictures at once; import and export. */
#include "server/facet_api.h"

#include "base/alloc.h"
#include "base/error.h"
#include "facet/privacy.h"
#include "server/enroll_api.h"
#include "server/job_batch.h"
#include "server/stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Showing ---------------------------------------------------------------------------------------------- */

static void answer_job(srv_app *app, const srv_request *r, const char *id, int status, srv_reply *out) {
    fct_json_writer j;
    srv_reply_json(out, status, &j);
    fct_json_object(&j, NULL);
    bool found = srv_jobs_write(&app->jobs, id, r->collection, &j, "job");
    srv_json_close(&j, r, false);
    if (!found) srv_fail(r, out, 404, "resource_not_found", "there is no such job");
    else if (status == 202) snprintf(out->location, sizeof out->location, "/v1/jobs/%s", id);
}

void srv_do_job(srv_app *app, srv_request *r, srv_reply *out) { answer_job(app, r, r->params[0], 200, out); }

void srv_do_jobs(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    srv_page page;
    if (!srv_read_page(r, &page, out)) return;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    srv_jobs_write_page(&app->jobs, r->collection, page.limit, page.after, &page.next, &j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
}

void srv_do_job_results(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    srv_page page;
    if (!srv_read_page(r, &page, out)) return;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_status s =
        srv_jobs_write_results(&app->jobs, r->params[0], r->collection, page.limit, page.after, &page.next, &j, &e);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    if (s) srv_fail_call(r, out, &e);
}

/* ---- Beginning --------------------------------------------------------------------------------------------- */

static void begin(srv_app *app, srv_request *r, const char *kind, const char *collection, double threshold,
                  srv_reply *out) {
    char id[SRV_JOB_ID];
    fct_error e;
    if (srv_jobs_add(&app->jobs, r, srv_job_kind_find(kind), collection, threshold, id, &e)) srv_fail_call(r, out, &e);
    else answer_job(app, r, id, 202, out);
}

/* Whether the collection is there, and the key may use it. */
static bool may_use(srv_app *app, const srv_request *r, const char *collection, srv_reply *out) {
    int64_t id;
    fct_error e;
    if (*r->collection && strcmp(r->collection, collection) != 0)
        srv_fail(r, out, 403, "forbidden", "this API key is for another collection");
    else if (srv_collection_find(&app->core, collection, &id, &e)) {
        if (e.code == FCT_ERR_NOT_FOUND || e.code == FCT_ERR_ARG)
            srv_fail(r, out, 404, "resource_not_found", "there is no such collection");
        else srv_fail_call(r, out, &e);
    } else return true;
    return false;
}

void srv_do_job_start(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_error e;
    double threshold = NAN;
    if (srv_read_form(r, &form, "kind|collection|threshold", out)) {
        const char *kind = srv_form_text(&form, "kind"), *collection = srv_form_text(&form, "collection");
        const srv_job_kind *known = kind ? srv_job_kind_find(kind) : NULL;
        bool all = known && strcmp(kind, "retention") == 0;
        if (!collection) collection = SRV_DEFAULT_NAME;
        if (!known || known->has_input)
            srv_fail(r, out, 400, "invalid_request", "kind: is none of duplicates, clusters, retention");
        else if (all && *r->collection) srv_fail(r, out, 403, "forbidden", "this API key is for one collection alone");
        else if (srv_form_number(&form, "threshold", -1, 1, &threshold, &e)) srv_fail_form(r, out, &e);
        else if (all || may_use(app, r, collection, out)) begin(app, r, kind, all ? "" : collection, threshold, out);
    }
    srv_form_free(&form);
}

void srv_do_job_cancel(srv_app *app, srv_request *r, srv_reply *out) {
    fct_error e;
    fct_status s = srv_jobs_cancel(&app->jobs, r->params[0], r->collection, &e);
    if (s && !r->again) srv_fail_call(r, out, &e);
    else out->status = 204;
}

void srv_do_job_restart(srv_app *app, srv_request *r, srv_reply *out) {
    fct_error e;
    fct_status s = srv_jobs_restart(&app->jobs, r->params[0], r->collection, &e);
    if (s == FCT_ERR_EXISTS && !r->again) srv_fail(r, out, 409, "job_state", e.text);
    else if (s && s != FCT_ERR_EXISTS) srv_fail_call(r, out, &e);
    else answer_job(app, r, r->params[0], 202, out);
}

/* ---- Many pictures ------------------------------------------------------------------------------------------ */

void srv_do_batch_enroll(srv_app *app, srv_request *r, srv_reply *out) {
    srv_batch b = {0};
    srv_review review;
    fct_error e;
    bool fine = false;
    if (!srv_collection_of(app, r, out)) return;
    if (srv_batch_read(r, SRV_BATCH_ENROLL, true, &b, &e)) srv_fail_form(r, out, &e);
    else fine = srv_read_review(r, &b.form, &review, out);
    srv_batch_free(&b);
    if (fine) begin(app, r, "enroll", r->params[0], NAN, out);
}

void srv_do_batch_search(srv_app *app, srv_request *r, srv_reply *out) {
    srv_batch b = {0};
    srv_batch_search t;
    fct_error e;
    bool fine = false;
    if (!srv_collection_of(app, r, out)) return;
    if (srv_batch_read(r, SRV_BATCH_SEARCH, false, &b, &e) || !srv_search_terms_read(app, &b.form, &t, &e))
        srv_fail_form(r, out, &e);
    else fine = true;
    srv_batch_free(&b);
    if (fine) begin(app, r, "search", r->params[0], NAN, out);
}

/* ---- Import and export --------------------------------------------------------------------------------------- */

void srv_do_import(srv_app *app, srv_request *r, srv_reply *out) {
    const char *type = srv_request_field(r, "Content-Type");
    static const char wanted[] = "application/x-ndjson";
    bool fits = type && strncmp(type, wanted, sizeof wanted - 1) == 0;
    if (!srv_collection_of(app, r, out)) return;
    if (!fits) srv_fail(r, out, 415, "invalid_request", "an import comes as application/x-ndjson");
    else if (!r->body.size) srv_fail(r, out, 400, "invalid_request", "the body is empty");
    else begin(app, r, "import", r->params[0], NAN, out);
}

/* An export while it is sent. */
typedef struct export_source {
    srv_app *app;
    int64_t collection;
    bool crops;
} export_source;

static fct_status write_some(const void *data, size_t size, void *user, fct_error *err) {
    return srv_stream_write(user, data, size) ? FCT_OK : fct_fail(err, FCT_ERR_CANCELLED, "nobody reads any more");
}

/* In a thread that may have worked elsewhere, and will. */
static void pump(srv_stream *stream, void *user) {
    const export_source *x = user;
    int64_t before = srv_place();
    srv_work_in(x->collection);
    fct_status s = fct_gallery_export_to(x->app->core.gallery, write_some, stream, x->crops, NULL);
    srv_work_in(before);
    srv_stream_end(stream, !s);
}

void srv_do_export(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form query = {.request = r};
    fct_error e;
    char detail[64];
    bool crops = false;
    if (srv_form_bool(&query, "crops", &crops, &e)) {
        srv_fail_form(r, out, &e);
        return;
    }
    if (!srv_collection_of(app, r, out)) return;
    snprintf(detail, sizeof detail, "{\"collection\":%lld}", (long long)srv_place());
    if (fct_gallery_note(app->core.gallery, "export", detail, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    export_source *x = fct_calloc(1, sizeof *x);
    if (x) *x = (export_source){app, srv_place(), crops};
    out->stream = x ? srv_stream_create(pump, fct_free, x) : NULL;
    if (!out->stream) {
        fct_free(x);
        srv_fail(r, out, 503, "not_ready", "out of memory");
        return;
    }
    out->status = 200;
    snprintf(out->stream_type, sizeof out->stream_type, "application/x-ndjson");
}
