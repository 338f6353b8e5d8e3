/* Groups of unknown faces: list, show, name, merge, split, ignore, "not this person". */
#include "server/facet_api.h"

#include "base/alloc.h"
#include "base/error.h"
#include "server/unknown.h"

#include <string.h>

enum { FACES_MOST = 1000, NEGATIVES_MOST = 10 };

/* The collection's unknown faces, among which the thread works from now on; *collection: the collection itself. */
static bool enter(srv_app *app, const srv_request *r, int64_t *collection, srv_reply *out) {
    int64_t place;
    fct_error e;
    if (!srv_collection_of(app, r, out)) return false;
    *collection = srv_place();
    if (!srv_unknown_place(&app->core, *collection, false, &place, &e)) {
        if (place) srv_work_in(place);
        return place != 0;
    }
    srv_fail_call(r, out, &e);
    return false;
}

/* The group that the path's second parameter names. */
static bool group_of(srv_app *app, const srv_request *r, int64_t *collection, fct_person *group, srv_reply *out) {
    fct_error e;
    bool there = enter(app, r, collection, out);
    if (out->status) return false; /* an answer is there already */
    fct_status s = there ? fct_gallery_person(app->core.gallery, srv_id_of(r, 1), group, &e) : FCT_ERR_NOT_FOUND;
    if (!s && group->collection_id == srv_place()) return true;
    if (!s || s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "resource_not_found", "there is no such group");
    else srv_fail_call(r, out, &e);
    return false;
}

/* ---- Showing ------------------------------------------------------------------------------------------------ */

static void write_group(fct_json_writer *j, const char *key, const fct_person *p, const srv_group *x) {
    fct_json_object(j, key);
    srv_json_id(j, "id", p->id);
    fct_json_int(j, "face_count", p->faces);
    fct_json_date(j, "first_seen", p->created);
    fct_json_date(j, "last_seen", x->last ? x->last : p->created);
    fct_json_int(j, "times_seen", x->times);
    fct_json_text(j, "source", *x->source ? x->source : NULL);
    fct_json_bool(j, "ignored", x->ignored);
    fct_json_close_object(j);
}

static void answer_group(srv_app *app, const srv_request *r, int64_t id, srv_reply *out) {
    fct_json_writer j;
    fct_person p;
    srv_group x;
    fct_error e;
    if (fct_gallery_person(app->core.gallery, id, &p, &e) || srv_group_read(&app->core, id, &x, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    write_group(&j, "group", &p, &x);
    srv_json_close(&j, r, false);
}

/* Writes a page of the groups that are ignored, or of those that are not. */
static fct_status write_page(fct_json_writer *j, srv_app *app, bool ignored, srv_page *page, fct_error *err) {
    fct_status s = FCT_OK;
    int shown = 0;
    int64_t after = page->after, last = 0;
    for (bool more = true; more && !s && !page->next;) {
        fct_person *list;
        int n;
        s = fct_gallery_people_page(app->core.gallery, after, SRV_PAGE_MOST, NULL, &list, &n, &more, err);
        for (int i = 0; i < n && !s && !page->next; i++) {
            srv_group x;
            after = list[i].id;
            if (!list[i].faces) continue;
            s = srv_group_read(&app->core, after, &x, err);
            if (s == FCT_ERR_NOT_FOUND) s = FCT_OK; /* removed meanwhile */
            else if (!s && x.ignored == ignored) {
                if (shown++ == page->limit) page->next = last;
                else write_group(j, NULL, &list[i], &x);
                last = after;
            }
        }
        fct_gallery_people_free(list);
    }
    return s;
}

void srv_do_unknown(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form query = {.request = r};
    fct_json_writer j;
    srv_page page;
    fct_error e;
    int64_t collection;
    bool ignored = false;
    if (srv_form_bool(&query, "ignored", &ignored, &e)) {
        srv_fail_form(r, out, &e);
        return;
    }
    if (!srv_read_page(r, &page, out)) return;
    bool there = enter(app, r, &collection, out);
    if (out->status) return;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "groups");
    fct_status s = there ? write_page(&j, app, ignored, &page, &e) : FCT_OK;
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    if (s) srv_fail_call(r, out, &e);
}

void srv_do_group(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person g;
    int64_t collection;
    if (group_of(app, r, &collection, &g, out)) answer_group(app, r, g.id, out);
}

void srv_do_group_image(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person g;
    int64_t collection;
    if (group_of(app, r, &collection, &g, out)) srv_answer_best_crop(app, r, g.id, out);
}

void srv_do_group_faces(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person g;
    int64_t collection;
    if (group_of(app, r, &collection, &g, out)) srv_answer_faces(app, r, g.id, out);
}

static bool face_of(srv_app *app, const srv_request *r, fct_stored_face *f, srv_reply *out) {
    fct_person g;
    int64_t collection;
    fct_error e;
    if (!group_of(app, r, &collection, &g, out)) return false;
    fct_status s = fct_gallery_face(app->core.gallery, srv_id_of(r, 2), f, &e);
    if (!s && f->person_id == g.id) return true;
    if (!s || s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "resource_not_found", "the group has no such face");
    else srv_fail_call(r, out, &e);
    return false;
}

void srv_do_group_face_image(srv_app *app, srv_request *r, srv_reply *out) {
    fct_stored_face f;
    if (face_of(app, r, &f, out)) srv_answer_crop(app, r, f.id, out);
}

/* ---- Changing ------------------------------------------------------------------------------------------------ */

void srv_do_group_face_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_stored_face f;
    fct_error e;
    if (!face_of(app, r, &f, out)) {
        if (r->again && out->status == 404) srv_gone(out);
    } else if (fct_gallery_remove_face(app->core.gallery, f.id, &e) || srv_group_settle(&app->core, f.person_id, &e))
        srv_fail_call(r, out, &e);
    else out->status = 204;
}

void srv_do_group_ignore(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_person g;
    srv_group x;
    fct_error e;
    int64_t collection;
    bool ignored = false;
    if (group_of(app, r, &collection, &g, out) && srv_read_form(r, &form, "ignored", out)) {
        fct_status s = srv_form_bool(&form, "ignored", &ignored, &e);
        if (s || !(srv_form_json(&form, "ignored") || srv_form_text(&form, "ignored")))
            srv_fail(r, out, 400, "invalid_request", "ignored: must be true or false");
        else {
            s = srv_group_read(&app->core, g.id, &x, &e);
            x.ignored = ignored;
            if (!s) s = srv_group_write(&app->core, g.id, &x, &e);
            if (s) srv_fail_call(r, out, &e);
            else answer_group(app, r, g.id, out);
        }
    }
    srv_form_free(&form);
}

void srv_do_group_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person g;
    fct_error e;
    int64_t collection;
    if (!group_of(app, r, &collection, &g, out)) {
        if (r->again && out->status == 404) srv_gone(out);
    } else if (srv_core_forget(&app->core, &g.id, 1, &e)) srv_fail_call(r, out, &e);
    else out->status = 204;
}

void srv_do_group_merge(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person g;
    int64_t collection;
    if (group_of(app, r, &collection, &g, out)) srv_merge(app, r, &g, answer_group, out);
}

void srv_do_group_split(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    int64_t ids[FACES_MOST], collection, made;
    srv_group x;
    fct_person g;
    fct_error e;
    int n;
    if (group_of(app, r, &collection, &g, out) && srv_read_form(r, &form, "faces", out) &&
        srv_read_ids(r, &form, "faces", FACES_MOST, ids, &n, out) && srv_faces_of(app, r, g.id, 0, ids, n, out)) {
        fct_status s = srv_group_read(&app->core, g.id, &x, &e);
        x.parted = g.id;
        if (!s) s = srv_group_make(&app->core, &made, &e);
        if (!s) s = srv_group_write(&app->core, made, &x, &e);
        if (!s) s = fct_gallery_move_faces(app->core.gallery, ids, n, made, NULL, &e);
        if (!s) s = srv_group_settle(&app->core, g.id, &e);
        if (s) srv_fail_call(r, out, &e);
        else answer_group(app, r, made, out);
    }
    srv_form_free(&form);
}

/* All faces of a group, by quality, the best first. *ids is owned. */
static fct_status list_faces(srv_app *app, int64_t group, int64_t **ids, int *n, fct_error *err) {
    fct_stored_face *faces;
    *ids = NULL;
    fct_status s = fct_gallery_faces(app->core.gallery, group, &faces, n, err);
    if (!s && !(*ids = fct_alloc(((size_t)*n + 1) * sizeof **ids))) s = fct_fail_nomem(err, "faces", 0);
    for (int i = 0; i < *n && !s; i++) {
        int best = i;
        for (int k = i + 1; k < *n; k++)
            if (faces[k].quality > faces[best].quality) best = k;
        fct_stored_face t = faces[i];
        faces[i] = faces[best];
        faces[best] = t;
        (*ids)[i] = faces[i].id;
    }
    fct_gallery_faces_free(faces);
    return s;
}

/* The faces that a request names, or all. *ids is owned. */
static bool choose_faces(srv_app *app, srv_request *r, srv_form *form, int64_t group, int64_t **ids, int *n,
                         srv_reply *out) {
    fct_error e;
    *ids = NULL;
    if (!srv_form_json(form, "faces")) {
        if (!list_faces(app, group, ids, n, &e)) return true;
        srv_fail_call(r, out, &e);
        return false;
    }
    if (!(*ids = fct_alloc(FACES_MOST * sizeof **ids))) {
        srv_fail(r, out, 503, "not_ready", "out of memory");
        return false;
    }
    return srv_read_ids(r, form, "faces", FACES_MOST, *ids, n, out) && srv_faces_of(app, r, group, 0, *ids, *n, out);
}

void srv_do_group_name(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_person g, to;
    int64_t collection, *ids = NULL, place;
    fct_error e;
    int n;
    if (group_of(app, r, &collection, &g, out) && srv_read_form(r, &form, "name|person_id|faces", out) &&
        choose_faces(app, r, &form, g.id, &ids, &n, out)) {
        place = srv_place();
        srv_work_in(collection);
        if (srv_target_of(app, r, &form, true, &to, out)) {
            fct_status s = n ? fct_gallery_move_faces(app->core.gallery, ids, n, to.id, NULL, &e) : FCT_OK;
            srv_work_in(place);
            if (!s) s = srv_group_settle(&app->core, g.id, &e);
            if (s) srv_fail_call(r, out, &e);
            else srv_answer_person(app, r, to.id, out);
        }
    }
    fct_free(ids);
    srv_form_free(&form);
}

/* Makes negatives of a person from the best faces of a group. */
static fct_status reject(srv_app *app, const int64_t *ids, int n, int64_t person, fct_json_writer *j, fct_error *err) {
    int dim = fct_pack_embedding_dim(app->core.pack), got;
    float *v = fct_alloc((size_t)dim * sizeof *v);
    fct_status s = v ? FCT_OK : fct_fail_nomem(err, "embedding", 0);
    for (int i = 0; i < n && i < NEGATIVES_MOST && !s; i++) {
        int64_t id;
        s = fct_gallery_embedding(app->core.gallery, ids[i], v, dim, &got, err);
        if (!s)
            s = fct_gallery_reject(app->core.gallery, person, fct_pack_embedder_id(app->core.pack), v, got, &id, err);
        if (!s) srv_json_negative(j, NULL, id, person);
    }
    fct_free(v);
    return s;
}

void srv_do_group_not(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_json_writer j;
    fct_person g, p;
    int64_t collection, *ids = NULL;
    fct_error e;
    int n;
    if (group_of(app, r, &collection, &g, out) && srv_read_form(r, &form, "person_id", out)) {
        const char *id = srv_form_text(&form, "person_id");
        fct_status s = fct_gallery_person(app->core.gallery, id ? srv_id_parse(id) : -1, &p, &e);
        if (!id) srv_fail(r, out, 400, "invalid_request", "person_id: is missing");
        else if (s == FCT_ERR_NOT_FOUND || (!s && p.collection_id != collection))
            srv_fail(r, out, 404, "resource_not_found", "person_id: there is no such person");
        else if (s || list_faces(app, g.id, &ids, &n, &e)) srv_fail_call(r, out, &e);
        else {
            srv_reply_json(out, 201, &j);
            fct_json_object(&j, NULL);
            fct_json_array(&j, "negatives");
            s = reject(app, ids, n, p.id, &j, &e);
            fct_json_close_array(&j);
            srv_json_close(&j, r, false);
            if (s) srv_fail_call(r, out, &e);
        }
    }
    fct_free(ids);
    srv_form_free(&form);
}
