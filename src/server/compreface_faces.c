/* CompreFace's stored faces: add, list, show, remove. */
#include "server/compreface.h"
#include "server/register.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- One face ------------------------------------------------------------------------------- */

bool srv_cf_face_of(srv_app *app, const srv_request *r, int i, fct_stored_face *f, srv_reply *out) {
    fct_error e;
    if (!srv_core_face(&app->core, r->collection_id, srv_uuid_id(r->params[i]), f, NULL, &e)) return true;
    if (e.code == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "image_id_not_found", "Image with this id not found");
    else srv_fail_call(r, out, &e);
    return false;
}

static void write_face(fct_json_writer *j, int64_t id, const char *name) {
    char uuid[SRV_UUID];
    srv_uuid_of(id, uuid);
    fct_json_object(j, NULL);
    fct_json_text(j, "image_id", uuid);
    fct_json_text(j, "subject", name);
    fct_json_close_object(j);
}

/* ---- Adding ------------------------------------------------------------------------------------- */

/* Stores the one face of a picture and answers with the name as it is stored. */
static void add_face(srv_app *app, srv_request *r, const srv_seen *seen, const char *name, srv_reply *out) {
    fct_enroll_item item = {fct_image_view(seen->image), fct_faces_at(seen->faces, 0), "compreface"};
    fct_enroll_opts o;
    fct_enroll_result result;
    fct_stored_face f;
    fct_person p;
    fct_json_writer j;
    fct_error e;
    fct_enroll_opts_init(&o);
    o.threshold = srv_core_threshold(&app->core);
    if (fct_faces_count(seen->faces) > 1)
        srv_fail(r, out, 400, "multiple_faces", "Found more than one face in the given image");
    else if (fct_enroll_batch(app->core.gallery, app->core.pack, name, &item, 1, &o, &result, &e) ||
             srv_core_face(&app->core, r->collection_id, result.face_id, &f, &p, &e))
        srv_fail_call(r, out, &e);
    else {
        srv_reply_json(out, 201, &j);
        write_face(&j, result.face_id, p.name);
    }
}

void srv_cf_face_add(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    srv_plugins p;
    srv_seen seen = {0};
    if (srv_cf_form(r, &form, out) && srv_cf_plugins(r, &form, &p, out)) {
        const char *name = srv_form_text(&form, "subject");
        p.stored = true;
        if (!name || !*name) srv_fail(r, out, 400, "param_missing", "subject: is missing");
        else if (srv_cf_look(app, r, &form, "file", &p, FCT_TASK_EMBED, &seen, out)) add_face(app, r, &seen, name, out);
    }
    srv_seen_free(&seen);
    srv_form_free(&form);
}

/* ---- Lists ----------------------------------------------------------------------------------------- */

/* Stored faces with whose they are. */
typedef struct cf_list {
    struct cf_entry {
        int64_t id;
        char name[201];
    } * at; /* owned */
    size_t n, capacity;
} cf_list;

static fct_status list_person(srv_app *app, const fct_person *p, cf_list *l, fct_error *err) {
    fct_stored_face *faces;
    int n;
    fct_status s = fct_gallery_faces(app->core.gallery, p->id, &faces, &n, err);
    if (s) return s == FCT_ERR_NOT_FOUND ? FCT_OK : s; /* removed meanwhile */
    struct cf_entry *at = fct_grow(l->at, &l->capacity, l->n + (size_t)n, sizeof *at);
    if (at) {
        l->at = at;
        for (int i = 0; i < n; i++) {
            at[l->n].id = faces[i].id;
            strcpy(at[l->n++].name, p->name);
        }
    } else if (n) {
        s = FCT_ERR_NOMEM;
        if (err) *err = (fct_error){FCT_ERR_NOMEM, "out of memory"};
    }
    fct_gallery_faces_free(faces);
    return s;
}

/* Lists the faces of one subject, or of all where subject is NULL. Free l->at in both cases. */
static fct_status list_faces(srv_app *app, const char *subject, cf_list *l, fct_error *err) {
    fct_person *people = NULL, one;
    int n = 0;
    *l = (cf_list){0};
    if (subject) {
        fct_status s = fct_gallery_find(app->core.gallery, subject, &one, err);
        return s ? s : list_person(app, &one, l, err);
    }
    fct_status s = fct_gallery_people(app->core.gallery, &people, &n, err);
    for (int i = 0; i < n && !s; i++) s = list_person(app, &people[i], l, err);
    fct_gallery_people_free(people);
    return s;
}

static void write_page(srv_reply *out, const cf_list *l, int page, int size) {
    fct_json_writer j;
    size_t from = (size_t)page * (size_t)size;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "faces");
    for (size_t i = from; i < l->n && i < from + (size_t)size; i++) write_face(&j, l->at[i].id, l->at[i].name);
    fct_json_close_array(&j);
    fct_json_int(&j, "page_number", page);
    fct_json_int(&j, "page_size", size);
    fct_json_int(&j, "total_pages", ((int64_t)l->n + size - 1) / size);
    fct_json_int(&j, "total_elements", (int64_t)l->n);
    fct_json_close_object(&j);
}

void srv_cf_faces(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form query = {.request = r};
    cf_list l = {0};
    fct_error e;
    int page = 0, size = 20;
    fct_status s = srv_form_int(&query, "page", 0, 1000000, &page, &e);
    if (!s) s = srv_form_int(&query, "size", 1, 1000000, &size, &e);
    if (s) {
        srv_fail_form(r, out, &e);
        return;
    }
    s = list_faces(app, srv_request_query(r, "subject"), &l, &e);
    if (s && s != FCT_ERR_NOT_FOUND) srv_fail_call(r, out, &e);
    else write_page(out, &l, page, size);
    fct_free(l.at);
}

/* ---- Pictures -------------------------------------------------------------------------------------- */

static void answer_image(srv_app *app, srv_request *r, const char *uuid, srv_reply *out) {
    fct_error e;
    void *jpeg = NULL;
    size_t size = 0;
    fct_stored_face f;
    fct_status s = srv_core_face(&app->core, r->collection_id, srv_uuid_id(uuid), &f, NULL, &e);
    if (!s) s = fct_gallery_crop(app->core.gallery, f.id, &jpeg, &size, &e);
    if (s && s != FCT_ERR_NOT_FOUND) {
        srv_fail_call(r, out, &e);
        return;
    }
    out->status = 200; /* without a picture the answer is empty there */
    out->type = "image/jpeg";
    if (size) fct_buf_add(&out->body, jpeg, size);
    fct_buffer_free(jpeg);
}

void srv_cf_image(srv_app *app, srv_request *r, srv_reply *out) { answer_image(app, r, r->params[0], out); }

/* For pages that show pictures: the key is in the path. */
void srv_cf_static_image(srv_app *app, srv_request *r, srv_reply *out) {
    if (srv_app_take_key(app, r, r->params[0], out)) answer_image(app, r, r->params[1], out);
}

/* ---- Removing -------------------------------------------------------------------------------------- */

/* Removes one face and writes which; one that is gone is passed over. */
static fct_status remove_one(srv_app *app, const srv_request *r, int64_t id, fct_json_writer *j, fct_error *err) {
    fct_stored_face f;
    fct_person p;
    fct_status s = srv_core_face(&app->core, r->collection_id, id, &f, &p, err);
    if (!s) s = fct_gallery_remove_face(app->core.gallery, id, err);
    if (!s) write_face(j, id, p.name);
    return s;
}

void srv_cf_face_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    srv_reply_json(out, 200, &j);
    fct_status s = remove_one(app, r, srv_uuid_id(r->params[0]), &j, &e);
    if (s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "image_id_not_found", "Image with this id not found");
    else if (s) srv_fail_call(r, out, &e);
}

/* The ids in a JSON array: whatever the Content-Type. */
void srv_cf_faces_delete(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_doc doc = {0};
    fct_json_writer j;
    fct_error e;
    fct_status s = FCT_OK;
    if (!r->body.size || fct_json_parse(&doc, r->body.data, r->body.size, "JSON body", &e) ||
        !fct_json_is(doc.values, FCT_JSON_ARRAY))
        srv_fail(r, out, 400, "invalid_request", "an array of image ids is needed");
    else {
        srv_reply_json(out, 200, &j);
        fct_json_array(&j, NULL);
        for (const fct_json *c = fct_json_first(doc.values); c && !s; c = fct_json_next(doc.values, c)) {
            const char *uuid = fct_json_get_text(c);
            if (!uuid) continue;
            s = remove_one(app, r, srv_uuid_id(uuid), &j, &e);
            if (s == FCT_ERR_NOT_FOUND) s = FCT_OK;
        }
        fct_json_close_array(&j);
        if (s) srv_fail_call(r, out, &e);
    }
    fct_json_free(&doc);
}

void srv_cf_faces_remove(srv_app *app, srv_request *r, srv_reply *out) {
    cf_list l;
    fct_json_writer j;
    fct_error e;
    int removed = 0;
    fct_status s = list_faces(app, srv_request_query(r, "subject"), &l, &e);
    if (s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "subject_not_found", "Subject not found");
    else if (s) srv_fail_call(r, out, &e);
    for (size_t i = 0; i < l.n && !s; i++) {
        s = fct_gallery_remove_face(app->core.gallery, l.at[i].id, &e);
        removed += s == FCT_OK;
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK;
        if (s) srv_fail_call(r, out, &e);
    }
    if (!s) {
        srv_reply_json(out, 200, &j);
        fct_json_object(&j, NULL);
        fct_json_int(&j, "deleted", removed);
        fct_json_close_object(&j);
    }
    fct_free(l.at);
}
