/* Faces of people: enroll, list, show, remove. */
#include "server/enroll_api.h"

#include "base/alloc.h"
#include "base/log.h"
#include "server/problem.h"
#include "server/register.h"

#include <stdio.h>
#include <string.h>

static void write_rejected(fct_json_writer *j, const srv_register_item *items, int n) {
    fct_json_array(j, "rejected_images");
    for (int i = 0; i < n; i++) {
        if (!items[i].reason) continue;
        fct_json_object(j, NULL);
        fct_json_int(j, "index", i);
        fct_json_text(j, "filename", items[i].filename);
        fct_json_text(j, "reason", items[i].reason);
        fct_json_text(j, "detail", items[i].detail);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

/* No picture could be used: a problem that says so of each. */
static void answer_none(const srv_request *r, srv_reply *out, const srv_register_item *items, int n) {
    fct_json_writer j;
    srv_reply_json(out, 422, &j);
    out->type = SRV_PROBLEM_TYPE;
    fct_json_object(&j, NULL);
    fct_json_text(&j, "type", "about:blank");
    fct_json_text(&j, "title", srv_status_title(422));
    fct_json_int(&j, "status", 422);
    fct_json_text(&j, "detail", "no image gave a face to store");
    fct_json_text(&j, "code", "registration_failed");
    fct_json_object(&j, "error");
    fct_json_text(&j, "code", "registration_failed");
    fct_json_text(&j, "message", "no image gave a face to store");
    fct_json_object(&j, "details");
    write_rejected(&j, items, n);
    fct_json_close_object(&j);
    fct_json_close_object(&j);
    srv_json_close(&j, r, false);
}

static void write_stored(fct_json_writer *j, srv_app *app, const srv_register_item *items, int n) {
    fct_stored_face f;
    fct_json_array(j, "faces");
    for (int i = 0; i < n; i++)
        if (items[i].result.face_id && !fct_gallery_face(app->core.gallery, items[i].result.face_id, &f, NULL))
            srv_json_sample(j, &app->core, &f);
    fct_json_close_array(j);
}

/* Takes back what a request has stored of somebody new, whose external id somebody else has taken meanwhile. */
static void take_back(srv_app *app, int64_t person, const srv_register_item *items, int n) {
    int64_t ids[SRV_REGISTER_MOST];
    fct_person p;
    fct_error e;
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (items[i].result.face_id && items[i].result.outcome != FCT_ENROLL_KNOWN)
            ids[kept++] = items[i].result.face_id;
    fct_status s = fct_gallery_remove_faces(app->core.gallery, ids, kept, NULL, &e);
    if (!s) s = fct_gallery_person(app->core.gallery, person, &p, &e);
    if (!s && !p.faces) s = srv_core_forget(&app->core, &person, 1, &e);
    if (s && s != FCT_ERR_NOT_FOUND) fct_log(FCT_LOG_WARN, "%s", e.text);
}

/* Whom the stored faces are of. By the name it may be somebody else by now. */
static fct_status find_owner(srv_app *app, const srv_register_item *items, int n, fct_person *out, fct_error *err) {
    fct_stored_face f;
    int i = 0;
    while (i < n - 1 && !items[i].result.face_id) i++;
    fct_status s = fct_gallery_face(app->core.gallery, items[i].result.face_id, &f, err);
    return s ? s : fct_gallery_person(app->core.gallery, f.person_id, out, err);
}

/* Stores what is said of the person, if anything, and answers with what was stored. */
static void answer_enrolled(srv_app *app, srv_request *r, srv_reply *out, const srv_person_terms *terms,
                            const srv_register_item *items, int n) {
    fct_json_writer j;
    fct_person p;
    fct_error e;
    fct_status s = terms ? find_owner(app, items, n, &p, &e) : FCT_OK; /* may have been removed by somebody else */
    if (!s && terms && (s = srv_person_terms_store(&app->core, p.id, terms, &e)) == FCT_ERR_EXISTS) {
        if (!r->again) take_back(app, p.id, items, n);
        srv_fail_external(r, out);
        return;
    }
    if (!s && terms) s = fct_gallery_person(app->core.gallery, p.id, &p, &e);
    if (s) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 201, &j);
    size_t list = strlen(r->path) - (r->path[strlen(r->path) - 1] == '/');
    if (terms && list < sizeof out->location - 24)
        snprintf(out->location, sizeof out->location, "%.*s/%lld", (int)list, r->path, (long long)p.id);
    fct_json_object(&j, NULL);
    if (terms) srv_json_person(&j, app, "person", &p);
    write_stored(&j, app, items, n);
    write_rejected(&j, items, n);
    srv_json_close(&j, r, false);
}

bool srv_read_review(const srv_request *r, srv_form *form, srv_review *out, srv_reply *reply) {
    const char *text = srv_form_text(form, "review_mode");
    static const char *const names[] = {"off", "standard", "strict"};
    *out = SRV_REVIEW_OFF;
    for (int i = 0; i < 3 && text; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (srv_review)i;
            text = NULL;
        }
    if (text) srv_fail(r, reply, 400, "invalid_request", "review_mode: is none of off, standard, strict");
    return !text;
}

/* The name that the client gave to the i-th picture, for people. */
static const char *filename_of(const srv_form *form, const char *name, int i) {
    for (int k = 0; k < form->n_parts; k++)
        if (strcmp(form->parts[k].name, name) == 0 && i-- == 0) return form->parts[k].filename;
    return "";
}

/* Collects the pictures; their number, or -1 with an answer that says what is wrong. */
static int collect(srv_request *r, srv_form *form, srv_register_item *items, srv_reply *out) {
    fct_error e;
    for (int n = 0;; n++) {
        const uint8_t *data;
        size_t size;
        fct_status s = srv_form_picture(form, "images", n, &data, &size, &e);
        if (s == FCT_ERR_NOT_FOUND && n) return n;
        if (s) srv_fail_form(r, out, &e);
        else if (n == SRV_REGISTER_MOST) srv_fail(r, out, 400, "invalid_request", "images: more than 20 of them");
        else {
            items[n] = (srv_register_item){.data = data, .size = size, .filename = filename_of(form, "images", n)};
            continue;
        }
        return -1;
    }
}

/* Gives each picture its embedding from elsewhere; without pictures, the embeddings are all. */
static int add_vectors(srv_request *r, const srv_vectors *v, srv_register_item *items, int n, srv_reply *out) {
    if (n && n != v->n) {
        srv_fail(r, out, 400, "invalid_request", "external_embeddings: are not as many as the images");
        return -1;
    }
    for (int i = 0; i < v->n; i++) {
        if (!n) items[i] = (srv_register_item){.filename = ""};
        items[i].embedding = v->at + (size_t)i * (size_t)v->dim;
    }
    return v->n;
}

void srv_enroll_form(srv_app *app, srv_request *r, srv_form *form, const char *name, const srv_person_terms *terms,
                     srv_reply *out) {
    srv_register_item items[SRV_REGISTER_MOST];
    srv_register_opts o = {.name = name, .deadline = r->deadline};
    srv_vectors v = {0};
    const uint8_t *data;
    size_t size;
    fct_error e;
    int stored, n = 0;
    bool fine = srv_read_review(r, form, &o.review, out) && srv_vectors_read(app, r, form, &v, out);
    if (fine && !(v.n && srv_form_picture(form, "images", 0, &data, &size, &e) == FCT_ERR_NOT_FOUND))
        n = collect(r, form, items, out);
    if (fine && v.n && n >= 0) n = add_vectors(r, &v, items, n, out);
    if (fine && n >= 0) {
        if (!terms) o.person_id = srv_id_of(r, 1);
        else if (!r->again) o.person_id = FCT_PERSON_NEW; /* one that comes again may have made the person itself */
        o.source = v.n ? SRV_SOURCE_EXTERNAL : SRV_SOURCE_SERVER;
        fct_status s = srv_register(&app->core, &o, items, n, &stored, &e);
        if (s == FCT_ERR_EXISTS && terms) srv_fail_exists(r, out);
        else if (s == FCT_ERR_NOT_FOUND && o.person_id)
            srv_fail(r, out, 409, "person_changed", "the person was renamed or merged meanwhile; nothing was stored");
        else if (s) srv_fail_call(r, out, &e);
        else if (!stored) answer_none(r, out, items, n);
        else answer_enrolled(app, r, out, terms, items, n);
    }
    fct_free(v.at);
}

void srv_answer_faces(srv_app *app, const srv_request *r, int64_t person, srv_reply *out) {
    srv_page page;
    fct_stored_face *faces;
    fct_json_writer j;
    fct_error e;
    int n;
    if (!srv_read_page(r, &page, out)) return;
    if (srv_core_faces(&app->core, person, &page, &faces, &n, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "faces");
    for (int i = 0; i < n; i++) srv_json_sample(&j, &app->core, &faces[i]);
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    fct_gallery_faces_free(faces);
}

void srv_do_faces(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    if (srv_person_of(app, r, &p, out)) srv_answer_faces(app, r, p.id, out);
}

/* The face that the path's third parameter names, if it is the person's. */
static bool face_of(srv_app *app, srv_request *r, fct_stored_face *f, srv_reply *out) {
    fct_person p;
    fct_error e;
    if (!srv_person_of(app, r, &p, out)) return false;
    fct_status s = fct_gallery_face(app->core.gallery, srv_id_of(r, 2), f, &e);
    if (!s && f->person_id == p.id) return true;
    if (!s || s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "resource_not_found", "the person has no such face");
    else srv_fail_call(r, out, &e);
    return false;
}

void srv_do_face_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_stored_face f;
    fct_error e;
    if (!face_of(app, r, &f, out)) return;
    if (fct_gallery_remove_face(app->core.gallery, f.id, &e)) srv_fail_call(r, out, &e);
    else out->status = 204;
}

void srv_answer_crop(srv_app *app, const srv_request *r, int64_t face, srv_reply *out) {
    fct_error e;
    void *jpeg;
    size_t size;
    if (fct_gallery_crop(app->core.gallery, face, &jpeg, &size, &e)) {
        if (e.code == FCT_ERR_NOT_FOUND)
            srv_fail(r, out, 404, "face_image_not_found", "no picture is stored of this face");
        else srv_fail_call(r, out, &e);
        return;
    }
    out->status = 200;
    out->type = "image/jpeg";
    fct_buf_add(&out->body, jpeg, size);
    fct_buffer_free(jpeg);
}

void srv_do_face_image(srv_app *app, srv_request *r, srv_reply *out) {
    fct_stored_face f;
    if (face_of(app, r, &f, out)) srv_answer_crop(app, r, f.id, out);
}

void srv_answer_best_crop(srv_app *app, const srv_request *r, int64_t person, srv_reply *out) {
    fct_stored_face *faces;
    fct_error e;
    int n, best = -1;
    if (fct_gallery_faces(app->core.gallery, person, &faces, &n, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    for (int i = 0; i < n; i++)
        if (faces[i].has_crop && (best < 0 || faces[i].quality > faces[best].quality)) best = i;
    if (best >= 0) srv_answer_crop(app, r, faces[best].id, out);
    else srv_fail(r, out, 404, "face_image_not_found", "no picture is stored of this person");
    fct_gallery_faces_free(faces);
}

void srv_do_person_image(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    if (srv_person_of(app, r, &p, out)) srv_answer_best_crop(app, r, p.id, out);
}
