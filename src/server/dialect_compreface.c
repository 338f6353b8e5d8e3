/* CompreFace, /api/v1: subjects, and the table of all operations. One key does for its
 * three services (recognition, detection, verification). */
#include "server/compreface.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

/* ---- Errors ----------------------------------------------------------------------------------- */

/* CompreFace's code and status for what went wrong. */
static void fail(srv_reply *out, int status, const char *code, const char *text, const char *request_id) {
    static const struct {
        const char *code;
        int number, status; /* 0: the status stays */
    } map[] = {
        {"key_needed", 20, 400},        {"unauthorized", 10, 404},       {"face_not_found", 28, 400},
        {"multiple_faces", 31, 400},    {"invalid_image", 21, 400},      {"image_too_large", 13, 400},
        {"request_too_large", 13, 400}, {"prediction_count", 12, 400},   {"param_missing", 33, 400},
        {"part_missing", 34, 400},      {"embedding_count", 37, 400},    {"subject_not_found", 42, 404},
        {"person_exists", 43, 400},     {"image_id_not_found", 11, 404}, {"empty_field", 5, 400},
        {"invalid_request", 26, 400},   {"internal_error", 41, 500},
    };
    fct_json_writer j;
    int number = 0;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (strcmp(code, map[i].code) == 0) {
            number = map[i].number;
            status = map[i].status;
        }
    out->challenge = false;
    out->status = status;
    out->type = "application/json";
    fct_json_to_buf(&j, &out->body);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "message", number == 20 ? "Missing request header 'x-api-key'" : text);
    fct_json_int(&j, "code", number);
    fct_json_close_object(&j);
}

static const char *key(const srv_request *r) { return srv_request_field(r, "x-api-key"); }

/* ---- Subjects -------------------------------------------------------------------------------------- */

static void answer_subject(srv_reply *out, int status, const char *name) {
    fct_json_writer j;
    srv_reply_json(out, status, &j);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "subject", name);
    fct_json_close_object(&j);
}

/* The "subject" of a JSON body; NULL: *out says what is wrong. Whatever the
 * Content-Type: its Python client sends none. */
static const char *subject_of(srv_request *r, srv_form *form, srv_reply *out) {
    fct_error e;
    const char *name = NULL;
    if (srv_form_read_json(r, form, &e)) srv_fail_form(r, out, &e);
    else if (!(name = fct_json_get_text(srv_form_json(form, "subject"))) || !*name)
        srv_fail(r, out, 400, "empty_field", "subject: is missing");
    return name && *name ? name : NULL;
}

/* Answers with the name as it is stored, which is what lists and matches say: blanks around it are gone. */
static void do_subject_add(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    fct_person p;
    fct_error e;
    const char *name = subject_of(r, &form, out);
    if (name && (fct_gallery_add_person(app->core.gallery, name, &p.id, &e) ||
                 fct_gallery_person(app->core.gallery, p.id, &p, &e)))
        srv_fail_call(r, out, &e);
    else if (name) answer_subject(out, 201, p.name);
    srv_form_free(&form);
}

static void do_subjects(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    int n;
    if (srv_reply_names(app, r, "subjects", out, &j, &n)) fct_json_close_object(&j);
}

static bool find(srv_app *app, srv_request *r, const char *name, fct_person *p, srv_reply *out) {
    fct_error e;
    if (!fct_gallery_find(app->core.gallery, name, p, &e)) return true;
    if (e.code == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "subject_not_found", "Subject not found");
    else srv_fail_call(r, out, &e);
    return false;
}

/* Another name. Where somebody has it, the two are one from then on. */
static void do_subject_rename(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    fct_person from, into;
    fct_json_writer j;
    fct_error e;
    const char *name = subject_of(r, &form, out);
    if (name && find(app, r, r->params[0], &from, out)) {
        bool merge = !fct_gallery_find(app->core.gallery, name, &into, NULL) && into.id != from.id;
        fct_status s = merge ? fct_gallery_merge(app->core.gallery, from.id, into.id, &e)
                             : fct_gallery_rename(app->core.gallery, from.id, name, &e);
        if (s) srv_fail_call(r, out, &e);
        else {
            srv_reply_json(out, 200, &j);
            fct_json_object(&j, NULL);
            fct_json_bool(&j, "updated", true);
            fct_json_close_object(&j);
        }
    }
    srv_form_free(&form);
}

static void do_subject_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    fct_error e;
    if (!find(app, r, r->params[0], &p, out)) return;
    if (fct_gallery_remove_person(app->core.gallery, p.id, &e)) srv_fail_call(r, out, &e);
    else answer_subject(out, 200, p.name);
}

static void do_subjects_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person *people;
    fct_json_writer j;
    fct_error e;
    int n, removed = 0;
    fct_status s = fct_gallery_people(app->core.gallery, &people, &n, &e);
    for (int i = 0; i < n && !s; i++) {
        fct_status st = fct_gallery_remove_person(app->core.gallery, people[i].id, &e);
        removed += st == FCT_OK;
        if (st != FCT_ERR_NOT_FOUND) s = st;
    }
    fct_gallery_people_free(people);
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_int(&j, "deleted", removed);
    fct_json_close_object(&j);
    if (s) srv_fail_call(r, out, &e);
}

/* ---- The table --------------------------------------------------------------------------------------- */

#define REC "/api/v1/recognition"
static const srv_route routes[] = {
    {SRV_POST, REC "/subjects", SRV_ROLE_ENROLLER, "compreface_subject_add", do_subject_add},
    {SRV_GET, REC "/subjects", SRV_ROLE_READER, "compreface_subjects", do_subjects},
    {SRV_DELETE, REC "/subjects", SRV_ROLE_ENROLLER, "compreface_subjects_remove", do_subjects_remove},
    {SRV_PUT, REC "/subjects/{}", SRV_ROLE_ENROLLER, "compreface_subject_rename", do_subject_rename},
    {SRV_DELETE, REC "/subjects/{}", SRV_ROLE_ENROLLER, "compreface_subject_remove", do_subject_remove},
    {SRV_POST, REC "/faces", SRV_ROLE_ENROLLER, "compreface_face_add", srv_cf_face_add},
    {SRV_GET, REC "/faces", SRV_ROLE_READER, "compreface_faces", srv_cf_faces},
    {SRV_DELETE, REC "/faces", SRV_ROLE_ENROLLER, "compreface_faces_remove", srv_cf_faces_remove},
    {SRV_POST, REC "/faces/delete", SRV_ROLE_ENROLLER, "compreface_faces_delete", srv_cf_faces_delete},
    {SRV_DELETE, REC "/faces/{}", SRV_ROLE_ENROLLER, "compreface_face_remove", srv_cf_face_remove},
    {SRV_GET, REC "/faces/{}/img", SRV_ROLE_READER, "compreface_image", srv_cf_image},
    {SRV_GET, "/api/v1/static/{}/images/{}", SRV_ROLE_NONE, "compreface_static", srv_cf_static_image},
    {SRV_POST, REC "/recognize", SRV_ROLE_READER, "compreface_recognize", srv_cf_recognize},
    {SRV_POST, REC "/faces/{}/verify", SRV_ROLE_READER, "compreface_verify_face", srv_cf_verify_face},
    {SRV_POST, "/api/v1/detection/detect", SRV_ROLE_READER, "compreface_detect", srv_cf_detect},
    {SRV_POST, "/api/v1/verification/verify", SRV_ROLE_READER, "compreface_verify", srv_cf_verify},
    {SRV_POST, REC "/embeddings/recognize", SRV_ROLE_READER, "compreface_embeddings", srv_cf_embeddings_recognize},
    {SRV_POST, REC "/embeddings/faces/{}/verify", SRV_ROLE_READER, "compreface_embeddings_face",
     srv_cf_embeddings_face},
    {SRV_POST, "/api/v1/verification/embeddings/verify", SRV_ROLE_READER, "compreface_embeddings_verify",
     srv_cf_embeddings_verify},
    {0},
};

const srv_dialect srv_compreface_dialect = {
    .name = "compreface", .routes = routes, .fail = fail, .key = key, .one_collection = true};
