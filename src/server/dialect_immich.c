/* Immich's machine learning: /ping and /predict. Faces are found and embedded here; other
 * tasks go to Immich's own service, if there is one (srv_app.immich_upstream).
 *
 * Immich asks its services in the order of their addresses until one answers, and expects
 * of that one whatever it asks for. Whatever model it names, the server's pack answers:
 * Immich's users choose by names of InsightFace's packs. */
#include "server/app.h"
#include "server/forward.h"

#include "base/alloc.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FACES "facial-recognition"
enum { VECTOR = 512 }; /* of Immich's database: shorter ones are filled with zeros, which changes no cosine */

static void fail(srv_reply *out, int status, const char *code, const char *text, const char *request_id) {
    fct_json_writer j;
    if (status == 422 || status == 413 || status == 415) status = 400; /* 422 is about the form of the request there */
    fct_json_to_buf(&j, &out->body);
    out->status = strcmp(code, "invalid_format") == 0 ? 422 : status;
    out->type = "application/json";
    fct_json_object(&j, NULL);
    fct_json_text(&j, "detail", text);
    fct_json_close_object(&j);
}

void srv_do_immich_root(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "message", "Immich ML");
    fct_json_close_object(&j);
}

static void do_ping(srv_app *app, srv_request *r, srv_reply *out) {
    out->status = 200;
    out->type = "text/plain; charset=utf-8";
    fct_buf_text(&out->body, "pong");
}

/* An object of objects, and not empty. */
static bool is_task_list(const fct_json *v) {
    if (!fct_json_is(v, FCT_JSON_OBJECT) || !v->length) return false;
    for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c))
        if (!fct_json_is(c, FCT_JSON_OBJECT)) return false;
    return true;
}

/* Writes 512 numbers as a text that holds an array. */
static void write_embedding(fct_json_writer *j, const fct_face *f) {
    fct_buf text = {0};
    float scale = f->embedding_norm > 0 ? 1 / f->embedding_norm : 0;
    for (int i = 0; i < VECTOR; i++)
        fct_buf_printf(&text, "%s%.9g", i ? "," : "[", i < f->embedding_dim ? (double)(f->embedding[i] * scale) : 0.0);
    fct_buf_text(&text, "]");
    if (text.failed) j->buf->failed = true;
    else fct_json_text(j, "embedding", text.data);
    fct_buf_free(&text);
}

static void write_face(fct_json_writer *j, const fct_face *f) {
    fct_json_object(j, NULL);
    fct_json_object(j, "boundingBox");
    fct_json_int(j, "x1", lroundf(f->box[0]));
    fct_json_int(j, "y1", lroundf(f->box[1]));
    fct_json_int(j, "x2", lroundf(f->box[2]));
    fct_json_int(j, "y2", lroundf(f->box[3]));
    fct_json_close_object(j);
    write_embedding(j, f);
    fct_json_number(j, "score", f->score, 6);
    fct_json_close_object(j);
}

static void answer_faces(srv_app *app, srv_request *r, srv_form *form, double least, srv_reply *out) {
    const uint8_t *data;
    size_t size;
    srv_seen seen = {0};
    fct_json_writer j;
    fct_error e;
    srv_look look = {.tasks = FCT_TASK_EMBED, .det_thresh = (float)least, .deadline = r->deadline, .reduce = true};
    if (srv_form_picture(form, "image", 0, &data, &size, &e)) srv_fail_form(r, out, &e);
    else if (srv_core_look(&app->core, data, size, "image", &look, &seen, &e)) srv_fail_picture(r, out, &e);
    else {
        srv_reply_json(out, 200, &j);
        fct_json_object(&j, NULL);
        fct_json_array(&j, FACES);
        for (int i = 0; i < fct_faces_count(seen.faces); i++) write_face(&j, fct_faces_at(seen.faces, i));
        fct_json_close_array(&j);
        fct_json_int(&j, "imageHeight", seen.height);
        fct_json_int(&j, "imageWidth", seen.width);
        fct_json_close_object(&j);
    }
    srv_seen_free(&seen);
}

static void hand_on(srv_app *app, srv_request *r, srv_reply *out) {
    fct_error e;
    if (!app->immich_upstream) {
        srv_fail(r, out, 503, "not_ready", "faces alone are done here; --immich-upstream names who does the rest");
        return;
    }
    char *url = fct_asprintf("%s%spredict", app->immich_upstream,
                             app->immich_upstream[strlen(app->immich_upstream) - 1] == '/' ? "" : "/");
    if (!url) srv_fail(r, out, 503, "not_ready", "out of memory");
    else if (srv_forward(url, r, out, &e)) {
        fct_log(FCT_LOG_WARN, "request %s: %s", r->id, e.text);
        srv_fail(r, out, 502, "stream_unavailable", "the upstream service did not answer");
    }
    fct_free(url);
}

/* Does what the text of "entries" asks for. */
static void predict(srv_app *app, srv_request *r, srv_form *form, char *entries, srv_reply *out) {
    fct_json_doc doc = {0};
    double least = 0.7;
    bool fine = !fct_json_parse(&doc, entries, strlen(entries), "entries", NULL) && is_task_list(doc.values);
    const fct_json *faces = fine ? fct_json_member(doc.values, FACES) : NULL;
    const fct_json *options = fct_json_member(fct_json_member(faces, "detection"), "options");
    if (fct_json_member(options, "minScore"))
        fine = fine && fct_json_get_number(fct_json_member(options, "minScore"), &least) && least >= 0 && least <= 1;
    bool alone = faces && doc.values->length == 1;
    fct_json_free(&doc);
    if (!fine) srv_fail(r, out, 422, "invalid_format", "Invalid request format.");
    else if (!alone) hand_on(app, r, out);
    else if (fct_pack_embedding_dim(app->core.pack) > VECTOR)
        srv_fail(r, out, 500, "internal_error", "this pack's embeddings are too long for Immich");
    else answer_faces(app, r, form, least, out);
}

static void do_predict(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    fct_error e;
    if (srv_form_read(r, &form, &e)) srv_fail_form(r, out, &e);
    else {
        const char *text = srv_form_text(&form, "entries");
        char *entries = text ? fct_strdup(text) : NULL; /* reading JSON changes it */
        if (!text) srv_fail(r, out, 422, "invalid_format", "Invalid request format.");
        else if (!entries) srv_fail(r, out, 503, "not_ready", "out of memory");
        else predict(app, r, &form, entries, out);
        fct_free(entries);
    }
    srv_form_free(&form);
}

static const char *no_key(const srv_request *r) { return NULL; }

static const srv_route routes[] = {
    {SRV_GET, "/", SRV_ROLE_NONE, "immich_root", srv_do_immich_root},
    {SRV_GET, "/ping", SRV_ROLE_NONE, "immich_ping", do_ping},
    {SRV_POST, "/predict", SRV_ROLE_NONE, "immich_predict", do_predict},
    {0},
};

const srv_dialect srv_immich_dialect = {
    .name = "immich", .routes = routes, .fail = fail, .key = no_key, .trusts_address = true};
