/* Many pictures at once: enrollment and search, each picture with a result of its own. */
#include "server/job_batch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "server/enroll_api.h"
#include "server/register.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ITEM_SECONDS = 60 }; /* how long a picture may wait for the networks */

/* ---- Items ----------------------------------------------------------------------------------------------- */

/* Copies who is on a picture from the client's name for the file: "Ada/1.jpg" or "Ada.jpg". */
static void name_from_file(const char *filename, char out[SRV_BATCH_NAME]) {
    const char *slash = strrchr(filename, '/'), *dot = strrchr(filename, '.');
    size_t n = slash ? (size_t)(slash - filename) : dot ? (size_t)(dot - filename) : strlen(filename);
    const char *from = filename;
    for (size_t i = 0; slash && i < n; i++) /* the folder's own name */
        if (filename[i] == '/') from = filename + i + 1;
    n -= (size_t)(from - filename);
    if (n >= SRV_BATCH_NAME) n = SRV_BATCH_NAME - 1;
    memcpy(out, from, n);
    out[n] = 0;
}

static fct_status fault(fct_error *err, int i, const char *what) {
    return fct_fail(err, FCT_ERR_ARG, "item %d: %s", i + 1, what);
}

/* Reads {"items":[{"id","name","external_id","image"}]}. */
static fct_status read_json(srv_batch *b, bool named, fct_error *err) {
    const fct_json *list = srv_form_json(&b->form, "items");
    if (!fct_json_is(list, FCT_JSON_ARRAY) || list->length < 1 || list->length > SRV_ITEMS_MOST)
        return fct_fail(err, FCT_ERR_ARG, "items: is no list of 1 to %d pictures", SRV_ITEMS_MOST);
    for (const fct_json *c = fct_json_first(list); c; c = fct_json_next(list, c)) {
        srv_batch_item *item = &b->items[b->n];
        for (const fct_json *m = fct_json_is(c, FCT_JSON_OBJECT) ? fct_json_first(c) : NULL; m;
             m = fct_json_next(c, m)) {
            const char *text = fct_json_get_text(m);
            bool known = text && (strcmp(m->key, "id") == 0 || strcmp(m->key, "image") == 0 ||
                                  (named && (strcmp(m->key, "name") == 0 || strcmp(m->key, "external_id") == 0)));
            if (!known) return fault(err, b->n, "has a member that is not asked for, or is no text");
            if (strcmp(m->key, "id") == 0) item->id = text;
            else if (strcmp(m->key, "name") == 0) snprintf(item->name, sizeof item->name, "%s", text);
            else if (strcmp(m->key, "external_id") == 0) item->external = text;
            else item->text = m;
        }
        if (!item->text) return fault(err, b->n, "has no image");
        if (named && !*item->name) return fault(err, b->n, "has no name");
        if (item->id && strlen(item->id) > 200) return fault(err, b->n, "id: more than 200 bytes");
        if (item->external && (!*item->external || strlen(item->external) > 200))
            return fault(err, b->n, "external_id: is no text of 1 to 200 bytes");
        b->n++;
    }
    return FCT_OK;
}

/* Reads "names" of a form, a JSON array. */
static fct_status read_names(srv_batch *b, fct_error *err) {
    const char *text = srv_form_text(&b->form, "names");
    fct_json_doc doc = {0};
    int i = 0;
    if (!text) return FCT_OK;
    char *copy = fct_strdup(text);
    fct_status s = copy ? fct_json_parse(&doc, copy, strlen(copy), "names", err) : fct_fail_nomem(err, "names", 0);
    if (!s && (!fct_json_is(doc.values, FCT_JSON_ARRAY) || doc.values->length != (uint32_t)b->n))
        s = fct_fail(err, FCT_ERR_ARG, "names: is no list with a name for each image");
    for (const fct_json *c = s ? NULL : fct_json_first(doc.values); c && !s; c = fct_json_next(doc.values, c)) {
        const char *name = fct_json_get_text(c);
        if (!name || !*name || strlen(name) >= SRV_BATCH_NAME)
            s = fault(err, i, "its name is no text of 1 to 200 bytes");
        else snprintf(b->items[i++].name, SRV_BATCH_NAME, "%s", name);
    }
    fct_json_free(&doc);
    fct_free(copy);
    return s;
}

static fct_status read_parts(srv_batch *b, bool named, fct_error *err) {
    for (int i = 0; i < b->form.n_parts; i++) {
        const srv_multipart_part *p = &b->form.parts[i];
        if (strcmp(p->name, "images") != 0 || !p->is_file) continue;
        if (b->n == SRV_ITEMS_MOST) return fct_fail(err, FCT_ERR_ARG, "images: more than %d of them", SRV_ITEMS_MOST);
        srv_batch_item *item = &b->items[b->n++];
        item->data = p->data;
        item->size = p->size;
        item->id = p->filename;
        name_from_file(p->filename, item->name);
    }
    if (!b->n) return fct_fail(err, FCT_ERR_ARG, "images: is missing");
    fct_status s = named ? read_names(b, err) : FCT_OK;
    for (int i = 0; i < b->n && named && !s; i++)
        if (!*b->items[i].name) s = fault(err, i, "neither names nor the file's name say who it is");
    return s;
}

fct_status srv_batch_read(const srv_request *r, const char *members, bool named, srv_batch *b, fct_error *err) {
    *b = (srv_batch){.items = fct_calloc(SRV_ITEMS_MOST, sizeof *b->items)};
    fct_status s = srv_form_read(r, &b->form, err);
    if (!b->items) s = fct_fail_nomem(err, "items", 0);
    if (!s) s = srv_form_only(&b->form, members, err);
    if (s) return s;
    return b->form.kind == SRV_FORM_JSON ? read_json(b, named, err) : read_parts(b, named, err);
}

void srv_batch_free(srv_batch *b) {
    srv_form_free(&b->form);
    fct_free(b->items);
    *b = (srv_batch){0};
}

/* The picture of an item. */
static fct_status picture_of(srv_batch *b, srv_batch_item *item, const uint8_t **data, size_t *size, fct_error *err) {
    *data = item->data;
    *size = item->size;
    return item->text ? srv_form_decode(&b->form, "image", item->text->text, item->text->length, data, size, err)
                      : FCT_OK;
}

static uint64_t deadline(void) { return fct_time_ns() + (uint64_t)ITEM_SECONDS * 1000000000; }

static void begin_result(fct_json_writer *w, fct_buf *line, int i, const srv_batch_item *item) {
    fct_json_to_buf(w, line);
    fct_json_object(w, NULL);
    fct_json_int(w, "index", i);
    fct_json_text(w, "id", item->id);
}

/* ---- Enrollment ------------------------------------------------------------------------------------------- */

/* Gives the person of an item its external id, if the item has one; *reason: why not. */
static fct_status set_external(srv_app *app, const srv_batch_item *item, int64_t person, const char **reason,
                               fct_error *err) {
    srv_person_terms t = {.has_external = true, .external = item->external};
    fct_status s = item->external ? srv_person_terms_store(&app->core, person, &t, err) : FCT_OK;
    if (s != FCT_ERR_EXISTS) return s;
    *reason = "external_id_exists";
    return FCT_OK;
}

/* Enrolls one picture. What is wrong with it is in *out and no failure. */
static fct_status enroll_item(srv_app *app, srv_batch *b, srv_batch_item *item, srv_review review,
                              srv_register_item *out, int64_t *person, fct_error *err) {
    int stored;
    fct_person p;
    *out = (srv_register_item){.filename = ""};
    *person = 0;
    const uint8_t *data;
    fct_status s = picture_of(b, item, &data, &out->size, err);
    out->data = data;
    if (s == FCT_ERR_FORMAT || (!s && !out->size)) {
        out->reason = "invalid_image";
        snprintf(out->detail, sizeof out->detail, "%s", s ? err->text : "is an empty file");
        return FCT_OK;
    }
    const srv_register_opts o = {
        .name = item->name, .review = review, .source = SRV_SOURCE_SERVER, .deadline = deadline()};
    if (!s) s = srv_register(&app->core, &o, out, 1, &stored, err);
    if (s == FCT_ERR_ARG) { /* the name */
        out->reason = "invalid_name";
        snprintf(out->detail, sizeof out->detail, "%s", err->text);
        return FCT_OK;
    }
    if (s || out->reason) return s;
    s = fct_gallery_find(app->core.gallery, item->name, &p, err);
    if (!s) s = set_external(app, item, p.id, &out->reason, err);
    *person = s ? 0 : p.id;
    return s;
}

static fct_status write_enrolled(srv_app *app, srv_job *job, int i, const srv_batch_item *item,
                                 const srv_register_item *done, int64_t person, fct_error *err) {
    fct_buf line = {0};
    fct_json_writer w;
    const char *what = !done->result.face_id                      ? "rejected"
                       : done->result.outcome == FCT_ENROLL_KNOWN ? "known"
                                                                  : "stored";
    begin_result(&w, &line, i, item);
    fct_json_text(&w, "name", item->name);
    fct_json_text(&w, "status", what);
    fct_json_text(&w, "reason", done->reason);
    fct_json_text(&w, "detail", *done->detail ? done->detail : NULL);
    if (person) srv_json_id(&w, "person_id", person);
    if (done->result.face_id) srv_json_id(&w, "face_id", done->result.face_id);
    fct_json_close_object(&w);
    srv_job_add(&app->jobs, job, what, 1);
    fct_status s = srv_job_result(&app->jobs, job, &line, err);
    fct_buf_free(&line);
    return s;
}

static fct_status enroll_all(srv_app *app, srv_job *job, srv_batch *b, fct_error *err) {
    srv_reply none = {0};
    srv_review review;
    fct_status s = FCT_OK;
    if (!srv_read_review(b->form.request, &b->form, &review, &none)) s = fct_fail(err, FCT_ERR_ARG, "review_mode");
    for (int i = 0; i < b->n && !s; i++) {
        srv_register_item done;
        int64_t person;
        if (!srv_job_goes_on(&app->jobs, job, i, b->n)) s = FCT_ERR_CANCELLED;
        if (!s) s = enroll_item(app, b, &b->items[i], review, &done, &person, err);
        if (!s) s = write_enrolled(app, job, i, &b->items[i], &done, person, err);
    }
    if (!s) srv_job_goes_on(&app->jobs, job, b->n, b->n);
    srv_reply_free(&none);
    return s;
}

fct_status srv_job_enroll(srv_app *app, srv_job *job, fct_error *err) {
    srv_request r;
    srv_batch b;
    fct_status s = srv_job_request(&app->jobs, job, &r, err);
    if (s) return s;
    s = srv_batch_read(&r, SRV_BATCH_ENROLL, true, &b, err);
    if (!s) s = enroll_all(app, job, &b, err);
    srv_batch_free(&b);
    srv_request_free(&r);
    return s;
}

/* ---- Search ------------------------------------------------------------------------------------------------ */

bool srv_search_terms_read(srv_app *app, srv_form *form, srv_batch_search *t, fct_error *err) {
    *t = (srv_batch_search){.limit = SRV_MATCHES, .threshold = NAN};
    fct_status s = srv_form_int(form, "limit", 1, 100, &t->limit, err);
    if (!s) s = srv_form_number(form, "threshold", -1, 1, &t->threshold, err);
    return !s && !srv_form_bool(form, "all_faces", &t->all, err);
}

static fct_status write_face(srv_app *app, fct_json_writer *w, const srv_seen *seen, const fct_face *f,
                             const srv_batch_search *t, fct_error *err) {
    fct_match found[100];
    int n;
    float threshold = isnan(t->threshold) ? srv_core_threshold(&app->core) : (float)t->threshold;
    fct_status s = srv_core_search(&app->core, f, threshold, t->limit, found, &n, err);
    fct_json_object(w, NULL);
    srv_json_face(w, "face", seen, f, false);
    fct_json_array(w, "matches");
    for (int i = 0; i < n && !s; i++) {
        fct_json_object(w, NULL);
        srv_json_id(w, "person_id", found[i].person_id);
        fct_json_text(w, "name", found[i].name);
        fct_json_number(w, "similarity", found[i].score, 6);
        srv_json_id(w, "matched_face_id", found[i].face_id);
        fct_json_close_object(w);
    }
    fct_json_close_array(w);
    fct_json_close_object(w);
    return s;
}

static fct_status write_faces(srv_app *app, fct_json_writer *w, const srv_seen *seen, const srv_batch_search *t,
                              fct_error *err) {
    int n = fct_faces_count(seen->faces), *order = fct_alloc(((size_t)n + 1) * sizeof *order);
    if (!order) return fct_fail_nomem(err, "faces", 0);
    srv_by_area(seen->faces, order);
    fct_status s = FCT_OK;
    fct_json_array(w, "faces");
    for (int i = 0; i < n && !s && (t->all || i < 1); i++)
        s = write_face(app, w, seen, fct_faces_at(seen->faces, order[i]), t, err);
    fct_json_close_array(w);
    fct_free(order);
    return s;
}

static fct_status search_item(srv_app *app, srv_job *job, srv_batch *b, int i, const srv_batch_search *t,
                              fct_error *err) {
    srv_look look = {.tasks = FCT_TASK_EMBED, .det_thresh = 0.5f, .deadline = deadline(), .reduce = true};
    srv_seen seen = {0};
    fct_buf line = {0};
    fct_json_writer w;
    const uint8_t *data;
    size_t size;
    begin_result(&w, &line, i, &b->items[i]);
    fct_status s = picture_of(b, &b->items[i], &data, &size, err);
    if (!s) s = srv_core_look(&app->core, data, size, "image", &look, &seen, err);
    bool bad = s == FCT_ERR_FORMAT || s == FCT_ERR_UNSUPPORTED || s == FCT_ERR_LIMIT;
    if (bad) s = FCT_OK;
    fct_json_text(&w, "status", bad ? "failed" : "done");
    fct_json_text(&w, "detail", bad ? err->text : NULL);
    if (!s && !bad) s = write_faces(app, &w, &seen, t, err);
    fct_json_close_object(&w);
    srv_job_add(&app->jobs, job, bad ? "failed" : "done", 1);
    if (!s) s = srv_job_result(&app->jobs, job, &line, err);
    srv_seen_free(&seen);
    fct_buf_free(&line);
    return s;
}

fct_status srv_job_search(srv_app *app, srv_job *job, fct_error *err) {
    srv_request r;
    srv_batch b;
    srv_batch_search t;
    fct_status s = srv_job_request(&app->jobs, job, &r, err);
    if (s) return s;
    s = srv_batch_read(&r, SRV_BATCH_SEARCH, false, &b, err);
    if (!s && !srv_search_terms_read(app, &b.form, &t, err)) s = err->code;
    for (int i = 0; i < b.n && !s; i++)
        s = srv_job_goes_on(&app->jobs, job, i, b.n) ? search_item(app, job, &b, i, &t, err) : FCT_ERR_CANCELLED;
    if (!s) srv_job_goes_on(&app->jobs, job, b.n, b.n);
    srv_batch_free(&b);
    srv_request_free(&r);
    return s;
}
