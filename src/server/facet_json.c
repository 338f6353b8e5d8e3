#include "server/facet_api.h"
#include "server/register.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void srv_json_box(fct_json_writer *j, const char *key, const float box[4], int width, int height) {
    float w = box[2] - box[0], h = box[3] - box[1];
    fct_json_object(j, key);
    fct_json_object(j, "pixels");
    fct_json_int(j, "x", lroundf(box[0]));
    fct_json_int(j, "y", lroundf(box[1]));
    fct_json_int(j, "width", lroundf(w));
    fct_json_int(j, "height", lroundf(h));
    fct_json_close_object(j);
    if (width < 1 || height < 1) fct_json_null(j, "normalized");
    else {
        fct_json_object(j, "normalized");
        fct_json_number(j, "left", (double)box[0] / width, 6);
        fct_json_number(j, "top", (double)box[1] / height, 6);
        fct_json_number(j, "width", (double)w / width, 6);
        fct_json_number(j, "height", (double)h / height, 6);
        fct_json_close_object(j);
    }
    fct_json_close_object(j);
}

static void write_points(fct_json_writer *j, const fct_face *f) {
    fct_json_array(j, "landmarks");
    for (int i = 0; i < 5 && f->has_kps; i++) {
        fct_json_array(j, NULL);
        fct_json_number(j, NULL, f->kps[i][0], 3);
        fct_json_number(j, NULL, f->kps[i][1], 3);
        fct_json_close_array(j);
    }
    fct_json_close_array(j);
}

void srv_json_face(fct_json_writer *j, const char *key, const srv_seen *seen, const fct_face *f, bool embedding) {
    srv_quality q;
    srv_core_quality(seen, f, &q);
    fct_json_object(j, key);
    srv_json_box(j, "bbox", f->box, seen->width, seen->height);
    write_points(j, f);
    fct_json_number(j, "detection_score", f->score, 6);
    fct_json_object(j, "quality");
    fct_json_number(j, "score", q.score, 6);
    fct_json_number(j, "sharpness", q.sharpness, 6);
    fct_json_number(j, "brightness", q.brightness, 6);
    fct_json_number(j, "pose", q.pose, 6);
    fct_json_close_object(j);
    if (f->gender >= 0) fct_json_text(j, "gender", f->gender ? "male" : "female");
    if (f->age >= 0) fct_json_int(j, "age", f->age);
    if (embedding && f->embedding) {
        fct_json_array(j, "embedding");
        float scale = f->embedding_norm > 0 ? 1 / f->embedding_norm : 0;
        for (int i = 0; i < f->embedding_dim; i++) fct_json_float(j, NULL, f->embedding[i] * scale);
        fct_json_close_array(j);
    }
    fct_json_close_object(j);
}

void srv_json_id(fct_json_writer *j, const char *key, int64_t id) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    fct_json_text(j, key, text);
}

void srv_json_sample(fct_json_writer *j, const srv_core *c, const fct_stored_face *f) {
    fct_json_object(j, NULL);
    srv_json_id(j, "id", f->id);
    srv_json_id(j, "person_id", f->person_id);
    srv_json_box(j, "bounding_box", f->box, 0, 0);
    fct_json_number(j, "detection_score", f->score, 6);
    fct_json_number(j, "quality", f->quality, 6);
    fct_json_text(j, "model_id", fct_pack_name(c->pack));
    fct_json_text(j, "model_digest", fct_pack_embedder_id(c->pack));
    bool external = strcmp(f->source, SRV_SOURCE_EXTERNAL) == 0;
    fct_json_text(j, "embedding_source", external ? "external_trusted" : "server");
    fct_json_text(j, "source", external || strcmp(f->source, SRV_SOURCE_SERVER) == 0 ? NULL : f->source);
    fct_json_bool(j, "has_crop", f->has_crop);
    fct_json_date(j, "created_at", f->created);
    fct_json_close_object(j);
}

void srv_gone(srv_reply *out) {
    fct_buf_clear(&out->body);
    out->status = 204;
    out->type = NULL;
}

void srv_json_close(fct_json_writer *j, const srv_request *r, bool timed) {
    if (timed) fct_json_number(j, "processing_ms", srv_elapsed_ms(r), 3);
    fct_json_text(j, "request_id", r->id);
    fct_json_close_object(j);
}

bool srv_read_form(const srv_request *r, srv_form *form, const char *members, srv_reply *out) {
    fct_error e;
    fct_status s = srv_form_read(r, form, &e);
    if (!s) s = srv_form_only(form, members, &e);
    if (s) srv_fail_form(r, out, &e);
    return !s;
}

bool srv_read_picture(srv_app *app, const srv_request *r, srv_form *form, const char *name, uint32_t tasks,
                      bool largest, srv_seen *seen, srv_reply *out) {
    const uint8_t *data;
    size_t size;
    fct_error e;
    srv_look look = {.tasks = tasks, .det_thresh = 0.5f, .deadline = r->deadline, .largest = largest, .reduce = true};
    *seen = (srv_seen){0};
    if (srv_form_picture(form, name, 0, &data, &size, &e)) {
        srv_fail_form(r, out, &e);
        return false;
    }
    if (!srv_core_look(&app->core, data, size, name, &look, seen, &e)) return true;
    srv_fail_picture(r, out, &e);
    return false;
}

bool srv_read_page_of(const srv_request *r, int most, srv_page *page, srv_reply *out) {
    srv_form query = {.request = r};
    fct_error e;
    const char *cursor = srv_request_query(r, "cursor");
    char *end = NULL;
    *page = (srv_page){.limit = SRV_PAGE};
    if (srv_form_int(&query, "limit", 1, most, &page->limit, &e)) {
        srv_fail_form(r, out, &e);
        return false;
    }
    if (!cursor) return true;
    bool fine = cursor[0] == 'c' && cursor[1] >= '1' && cursor[1] <= '9' && strlen(cursor) < 20;
    if (fine) page->after = strtoll(cursor + 1, &end, 10);
    if (fine && !*end) return true;
    srv_fail(r, out, 400, "invalid_cursor", "cursor: is not one that this server gave");
    return false;
}

bool srv_read_page(const srv_request *r, srv_page *page, srv_reply *out) {
    return srv_read_page_of(r, SRV_PAGE_MOST, page, out);
}

void srv_json_cursor(fct_json_writer *j, const srv_page *page) {
    char text[24];
    snprintf(text, sizeof text, "c%lld", (long long)page->next);
    fct_json_text(j, "next_cursor", page->next ? text : NULL);
}

bool srv_collection_of(srv_app *app, const srv_request *r, srv_reply *out) {
    int64_t id;
    fct_error e;
    if (!srv_collection_find(&app->core, r->params[0], &id, &e)) {
        srv_work_in(id);
        return true;
    }
    if (e.code == FCT_ERR_NOT_FOUND || e.code == FCT_ERR_ARG)
        srv_fail(r, out, 404, "resource_not_found", "there is no such collection");
    else srv_fail_call(r, out, &e);
    return false;
}

int64_t srv_id_parse(const char *text) {
    size_t n = strlen(text);
    bool fine = n > 0 && n < 19 && strspn(text, "0123456789") == n && text[0] != '0';
    return fine ? strtoll(text, NULL, 10) : -1;
}

int64_t srv_id_of(const srv_request *r, int i) { return srv_id_parse(r->params[i]); }

bool srv_read_ids(const srv_request *r, srv_form *form, const char *name, int most, int64_t *out, int *n,
                  srv_reply *reply) {
    const fct_json *list = srv_form_json(form, name);
    char text[200];
    *n = 0;
    bool fine = fct_json_is(list, FCT_JSON_ARRAY) && list->length >= 1 && list->length <= (uint32_t)most;
    for (const fct_json *c = fine ? fct_json_first(list) : NULL; c && fine; c = fct_json_next(list, c)) {
        const char *id = fct_json_get_text(c);
        out[*n] = id ? srv_id_parse(id) : -1;
        fine = out[(*n)++] > 0;
    }
    for (int i = 1; i < *n && fine; i++)
        for (int k = 0; k < i && fine; k++) fine = out[i] != out[k];
    if (fine) return true;
    snprintf(text, sizeof text, "%s: is no list of 1 to %d different ids", name, most);
    srv_fail(r, reply, 400, "invalid_request", text);
    return false;
}

bool srv_person_of(srv_app *app, const srv_request *r, fct_person *person, srv_reply *out) {
    fct_error e;
    if (!srv_collection_of(app, r, out)) return false;
    fct_status s = fct_gallery_person(app->core.gallery, srv_id_of(r, 1), person, &e);
    if (!s && person->collection_id == srv_place()) return true;
    if (!s || s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "resource_not_found", "there is no such person");
    else srv_fail_call(r, out, &e);
    return false;
}
