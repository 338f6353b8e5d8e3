/* DeepStack and CodeProject.AI: /v1/vision/face and what is below it. Both have the same
 * requests; an answer has the members of both, which harms no known client.
 *
 * A confidence is a similarity from 0 to 1, made so that the threshold of the pack is at
 * 0.67, which is what clients compare with when they are not told otherwise. */
#include "server/app.h"

#include "base/alloc.h"
#include "server/register.h"

#include <math.h>
#include <string.h>

#define KNOWN_FROM 0.67
enum { FILES_MOST = SRV_REGISTER_MOST };

/* Cosine -1..threshold..1 to 0..0.67..1. */
static double confidence_of(const srv_app *app, double cosine) {
    double t = srv_core_threshold(&app->core);
    double c = cosine >= t ? KNOWN_FROM + (1 - KNOWN_FROM) * (cosine - t) / fmax(1 - t, 1e-6)
                           : KNOWN_FROM * (cosine + 1) / fmax(t + 1, 1e-6);
    return fmin(1, fmax(0, c));
}

/* The members that every answer has: of DeepStack, then of CodeProject.AI. */
static void write_envelope(fct_json_writer *j, const srv_request *r, const char *command, int count) {
    double ms = srv_elapsed_ms(r);
    fct_json_int(j, "duration", 0);
    fct_json_int(j, "count", count);
    fct_json_int(j, "inferenceMs", lround(ms));
    fct_json_int(j, "processMs", lround(ms));
    fct_json_int(j, "analysisRoundTripMs", lround(ms));
    fct_json_text(j, "moduleId", "FaceProcessing");
    fct_json_text(j, "moduleName", "facet");
    fct_json_text(j, "command", command);
    fct_json_text(j, "requestId", r->id);
    fct_json_text(j, "inferenceDevice", "CPU");
    fct_json_int(j, "code", 200);
    fct_json_close_object(j);
}

static void fail(srv_reply *out, int status, const char *code, const char *text, const char *request_id) {
    fct_json_writer j;
    bool picture = strcmp(code, "invalid_image") == 0;
    if (status == 413 || status == 415 || status == 422) status = 400; /* clients tell 400 from 200, not more */
    if (status == 401) text = "Incorrect api key";
    fct_json_to_buf(&j, &out->body);
    out->status = status;
    out->type = "application/json";
    fct_json_object(&j, NULL);
    fct_json_bool(&j, "success", false);
    fct_json_text(&j, "error", picture ? "invalid image" : text);
    fct_json_int(&j, "duration", 0);
    fct_json_int(&j, "code", status);
    fct_json_text(&j, "requestId", request_id);
    fct_json_close_object(&j);
}

/* Reads the form and finds the faces of the i-th picture of a name. */
static bool look(srv_app *app, srv_request *r, srv_form *form, const char *name, uint32_t tasks, double least,
                 srv_seen *seen, srv_reply *out) {
    const uint8_t *data;
    size_t size;
    fct_error e;
    srv_look want = {.tasks = tasks, .det_thresh = (float)least, .deadline = r->deadline, .reduce = true};
    *seen = (srv_seen){0};
    fct_status s = srv_form_picture(form, name, 0, &data, &size, &e);
    if (s) srv_fail(r, out, 400, "invalid_request", s == FCT_ERR_NOT_FOUND ? "No valid image file found" : e.text);
    else if ((s = srv_core_look(&app->core, data, size, name, &want, seen, &e))) srv_fail_picture(r, out, &e);
    return !s;
}

static bool read_form(srv_request *r, srv_form *form, srv_reply *out) {
    fct_error e;
    fct_status s = srv_form_read(r, form, &e);
    if (s) srv_fail_form(r, out, &e);
    return !s;
}

/* min_confidence of the form, or what it is without. */
static bool read_least(srv_request *r, srv_form *form, double *least, srv_reply *out) {
    fct_error e;
    if (!srv_form_number(form, "min_confidence", 0, 1, least, &e)) return true;
    srv_fail_form(r, out, &e);
    return false;
}

static void write_box(fct_json_writer *j, const fct_face *f) {
    fct_json_int(j, "x_min", lroundf(fmaxf(f->box[0], 0)));
    fct_json_int(j, "y_min", lroundf(fmaxf(f->box[1], 0)));
    fct_json_int(j, "x_max", lroundf(f->box[2]));
    fct_json_int(j, "y_max", lroundf(f->box[3]));
}

static void begin(srv_reply *out, fct_json_writer *j) {
    srv_reply_json(out, 200, j);
    fct_json_object(j, NULL);
    fct_json_bool(j, "success", true);
}

static void do_detect(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    srv_seen seen = {0};
    fct_json_writer j;
    double least = 0.55;
    if (read_form(r, &form, out) && read_least(r, &form, &least, out) &&
        look(app, r, &form, "image", 0, least, &seen, out)) {
        int n = fct_faces_count(seen.faces);
        begin(out, &j);
        fct_json_array(&j, "predictions");
        for (int i = 0; i < n; i++) {
            const fct_face *f = fct_faces_at(seen.faces, i);
            fct_json_object(&j, NULL);
            fct_json_number(&j, "confidence", f->score, 6);
            write_box(&j, f);
            fct_json_close_object(&j);
        }
        fct_json_close_array(&j);
        fct_json_text(&j, "message", n ? "Found faces" : "No faces found");
        write_envelope(&j, r, "detect", n);
    }
    srv_seen_free(&seen);
    srv_form_free(&form);
}

/* Writes one face with the person it is, "unknown" below what was asked for. */
static fct_status write_known(fct_json_writer *j, srv_app *app, const fct_face *f, double least, fct_error *err) {
    fct_match m;
    int n;
    fct_status s = srv_core_search(&app->core, f, -1, 1, &m, &n, err);
    double confidence = n ? confidence_of(app, m.score) : 0;
    bool known = n && confidence >= least;
    fct_json_object(j, NULL);
    fct_json_text(j, "userid", known ? m.name : "unknown");
    fct_json_number(j, "confidence", known ? confidence : 0, 6);
    write_box(j, f);
    fct_json_close_object(j);
    return s;
}

static void do_recognize(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    srv_seen seen = {0};
    fct_json_writer j;
    fct_error e;
    double least = KNOWN_FROM;
    if (read_form(r, &form, out) && read_least(r, &form, &least, out) &&
        look(app, r, &form, "image", FCT_TASK_EMBED, 0.5, &seen, out)) {
        int n = fct_faces_count(seen.faces);
        fct_status s = FCT_OK;
        begin(out, &j);
        fct_json_array(&j, "predictions");
        for (int i = 0; i < n && !s; i++) s = write_known(&j, app, fct_faces_at(seen.faces, i), least, &e);
        fct_json_close_array(&j);
        fct_json_text(&j, "message", n ? "A face was recognised" : "No face found in image");
        write_envelope(&j, r, "recognize", n);
        if (s) srv_fail_call(r, out, &e);
    }
    srv_seen_free(&seen);
    srv_form_free(&form);
}

/* Collects the files of the form, whatever their names. */
static int collect(srv_form *form, srv_register_item *items, fct_error *err) {
    for (int n = 0; n < FILES_MOST; n++) {
        const uint8_t *data;
        size_t size;
        fct_status s = srv_form_picture(form, NULL, n, &data, &size, err);
        if (s == FCT_ERR_NOT_FOUND) return n;
        if (s) return -1;
        items[n] = (srv_register_item){.data = data, .size = size, .filename = ""};
    }
    return FILES_MOST;
}

static void answer_register(srv_request *r, srv_reply *out, const srv_register_item *items, int n, int stored,
                            bool known) {
    fct_json_writer j;
    if (!stored) {
        bool picture = n && strcmp(items[0].reason, "face_not_found") != 0;
        srv_fail(r, out, 400, picture ? "invalid_image" : "face_not_found",
                 picture ? items[0].detail : "no face detected");
        return;
    }
    begin(out, &j);
    fct_json_text(&j, "message", known ? "face updated" : "face added");
    write_envelope(&j, r, "register", stored);
}

static void register_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    srv_register_item items[FILES_MOST];
    fct_person p;
    fct_error e;
    int stored;
    const char *name = srv_form_text(form, "userid");
    const srv_register_opts o = {.name = name, .source = "deepstack", .deadline = r->deadline};
    if (!name || !*name) {
        srv_fail(r, out, 400, "invalid_request", "userid not specified");
        return;
    }
    bool known = !fct_gallery_find(app->core.gallery, name, &p, NULL);
    int n = collect(form, items, &e);
    if (n < 0) srv_fail_form(r, out, &e);
    else if (n == 0) srv_fail(r, out, 400, "invalid_request", "No valid image file found");
    else if (srv_register(&app->core, &o, items, n, &stored, &e)) srv_fail_call(r, out, &e);
    else answer_register(r, out, items, n, stored, known);
}

static void do_register(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    if (read_form(r, &form, out)) register_faces(app, r, &form, out);
    srv_form_free(&form);
}

static void do_match(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    srv_seen a = {0}, b = {0};
    fct_json_writer j;
    if (read_form(r, &form, out) && look(app, r, &form, "image1", FCT_TASK_EMBED, 0.5, &a, out) &&
        look(app, r, &form, "image2", FCT_TASK_EMBED, 0.5, &b, out)) {
        const fct_face *x = srv_largest(a.faces), *y = srv_largest(b.faces);
        if (!x || !y) srv_fail(r, out, 400, "face_not_found", "no face detected");
        else {
            begin(out, &j);
            fct_json_number(&j, "similarity",
                            confidence_of(app, fct_cosine(x->embedding, y->embedding, x->embedding_dim)), 6);
            write_envelope(&j, r, "match", 1);
        }
    }
    srv_seen_free(&a);
    srv_seen_free(&b);
    srv_form_free(&form);
}

static void do_list(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    int n;
    if (!srv_reply_names(app, r, "faces", out, &j, &n)) return;
    fct_json_bool(&j, "success", true);
    write_envelope(&j, r, "list", n);
}

static void remove_face(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_person p;
    fct_json_writer j;
    fct_error e;
    const char *name = srv_form_text(form, "userid");
    if (!name || !*name) srv_fail(r, out, 400, "invalid_request", "userid not specified");
    else if (fct_gallery_find(app->core.gallery, name, &p, &e) ||
             fct_gallery_remove_person(app->core.gallery, p.id, &e)) {
        if (e.code == FCT_ERR_NOT_FOUND) srv_fail(r, out, 400, "resource_not_found", "userid not found");
        else srv_fail_call(r, out, &e);
    } else {
        begin(out, &j);
        write_envelope(&j, r, "delete", 1);
    }
}

static void do_delete(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    if (read_form(r, &form, out)) remove_face(app, r, &form, out);
    srv_form_free(&form);
}

/* Both programs' own pages ask these to see whether there is a server. */
static void do_ping(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    begin(out, &j);
    fct_json_close_object(&j);
}

static const char *header_key(const srv_request *r) { return srv_request_field(r, "X-Api-Key"); }

static char *form_key(const srv_request *r) {
    srv_form form;
    char *key = NULL;
    if (!srv_form_read(r, &form, NULL)) {
        const char *text = srv_form_text(&form, "api_key");
        if (text) key = fct_strdup(text);
    }
    srv_form_free(&form);
    return key;
}

#define FACE "/v1/vision/face"
static const srv_route routes[] = {
    {SRV_POST, FACE, SRV_ROLE_READER, "deepstack_detect", do_detect},
    {SRV_POST, FACE "/recognize", SRV_ROLE_READER, "deepstack_recognize", do_recognize},
    {SRV_POST, FACE "/register", SRV_ROLE_ENROLLER, "deepstack_register", do_register},
    {SRV_POST, FACE "/match", SRV_ROLE_READER, "deepstack_match", do_match},
    {SRV_POST, FACE "/list", SRV_ROLE_READER, "deepstack_list", do_list},
    {SRV_POST, FACE "/delete", SRV_ROLE_ENROLLER, "deepstack_delete", do_delete},
    {SRV_GET, "/v1/status/ping", SRV_ROLE_NONE, "deepstack_ping", do_ping},
    {0},
};

const srv_dialect srv_deepstack_dialect = {.name = "deepstack",
                                           .routes = routes,
                                           .fail = fail,
                                           .key = header_key,
                                           .body_key = form_key,
                                           .one_collection = true};
