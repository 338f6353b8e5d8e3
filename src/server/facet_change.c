/* People made of people: merging, splitting, moving; and faces that are not a person's. */
#include "server/facet_person.h"

#include "base/file.h"

#include <string.h>

enum { MERGE_MOST = 100, SPLIT_MOST = 1000 };

/* ---- Merging ----------------------------------------------------------------------------------------- */

/* Whether all of these are other people of the collection. Those that a request has merged already, which was
 * interrupted and comes again, are struck out. */
static bool check_people(srv_app *app, const srv_request *r, const fct_person *into, int64_t *ids, int *n,
                         srv_reply *out) {
    int kept = 0;
    for (int i = 0; i < *n; i++) {
        fct_person p;
        fct_error e;
        fct_status s = fct_gallery_person(app->core.gallery, ids[i], &p, &e);
        bool there = !s && p.collection_id == srv_place();
        if (s && s != FCT_ERR_NOT_FOUND) srv_fail_call(r, out, &e);
        else if (!there && !r->again) srv_fail(r, out, 404, "resource_not_found", "from: there is no such person");
        else if (ids[i] == into->id) srv_fail(r, out, 400, "invalid_request", "from: is the person itself");
        else {
            if (there) ids[kept++] = ids[i];
            continue;
        }
        return false;
    }
    *n = kept;
    return true;
}

void srv_merge(srv_app *app, srv_request *r, const fct_person *into, srv_answer_fn *answer, srv_reply *out) {
    srv_form form = {0};
    int64_t ids[MERGE_MOST];
    fct_error e;
    int n;
    if (srv_read_form(r, &form, "from", out) && srv_read_ids(r, &form, "from", MERGE_MOST, ids, &n, out) &&
        check_people(app, r, into, ids, &n, out)) {
        fct_status s = FCT_OK;
        for (int i = 0; i < n && !s; i++) s = fct_gallery_merge(app->core.gallery, ids[i], into->id, &e);
        if (s) srv_fail_call(r, out, &e);
        else answer(app, r, into->id, out);
    }
    srv_form_free(&form);
}

void srv_do_merge(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    if (srv_person_of(app, r, &p, out)) srv_merge(app, r, &p, srv_answer_person, out);
}

/* ---- Splitting ------------------------------------------------------------------------------------------ */

bool srv_faces_of(srv_app *app, const srv_request *r, int64_t from, int64_t other, const int64_t *ids, int n,
                  srv_reply *out) {
    for (int i = 0; i < n; i++) {
        fct_stored_face f;
        fct_error e;
        fct_status s = fct_gallery_face(app->core.gallery, ids[i], &f, &e);
        if (!s && (f.person_id == from || (r->again && f.person_id == other))) continue;
        if (!s || s == FCT_ERR_NOT_FOUND) {
            if (s && r->again) continue; /* it was a copy of one that the other has */
            srv_fail(r, out, 404, "resource_not_found", "faces: one of them is not there");
        } else srv_fail_call(r, out, &e);
        return false;
    }
    return true;
}

bool srv_target_of(srv_app *app, const srv_request *r, srv_form *form, bool may_exist, fct_person *out,
                   srv_reply *reply) {
    const char *name = srv_form_text(form, "name"), *id = srv_form_text(form, "person_id");
    fct_error e;
    if (!name == !id) {
        srv_fail(r, reply, 400, "invalid_request", "either name or person_id is needed");
        return false;
    }
    fct_status s = id ? fct_gallery_person(app->core.gallery, srv_id_parse(id), out, &e)
                      : fct_gallery_find(app->core.gallery, name, out, &e);
    if (!s && out->collection_id != srv_place()) s = FCT_ERR_NOT_FOUND;
    if (!s && name && !may_exist && !r->again) {
        srv_fail(r, reply, 409, "person_exists", "there is a person of this name; say person_id to mean that one");
        return false;
    }
    if (s == FCT_ERR_NOT_FOUND && id) {
        srv_fail(r, reply, 404, "resource_not_found", "person_id: there is no such person");
        return false;
    }
    if (s == FCT_ERR_NOT_FOUND) s = fct_gallery_add_person(app->core.gallery, name, &out->id, &e);
    if (s) srv_fail_call(r, reply, &e);
    return !s;
}

static void answer_split(srv_app *app, srv_request *r, int64_t to, int64_t from, srv_reply *out) {
    fct_json_writer j;
    fct_person a, b;
    fct_error e;
    if (fct_gallery_person(app->core.gallery, to, &a, &e) || fct_gallery_person(app->core.gallery, from, &b, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    srv_json_person(&j, app, "person", &a);
    srv_json_person(&j, app, "from", &b);
    srv_json_close(&j, r, false);
}

void srv_do_split(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    int64_t ids[SPLIT_MOST];
    fct_person p, to;
    fct_error e;
    int n;
    if (srv_person_of(app, r, &p, out) && srv_read_form(r, &form, "faces|name|person_id", out) &&
        srv_read_ids(r, &form, "faces", SPLIT_MOST, ids, &n, out) &&
        (r->again || srv_faces_of(app, r, p.id, 0, ids, n, out)) && srv_target_of(app, r, &form, false, &to, out) &&
        srv_faces_of(app, r, p.id, to.id, ids, n, out)) {
        fct_status s = fct_gallery_move_faces(app->core.gallery, ids, n, to.id, NULL, &e);
        if (s && !(s == FCT_ERR_NOT_FOUND && r->again)) srv_fail_call(r, out, &e);
        else answer_split(app, r, to.id, p.id, out);
    }
    srv_form_free(&form);
}

void srv_do_move(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_person p;
    fct_error e;
    int64_t id;
    const char *text;
    if (!srv_collection_of(app, r, out)) return;
    fct_status s = fct_gallery_person(app->core.gallery, srv_id_of(r, 1), &p, &e);
    if ((s || !r->again) && !srv_person_of(app, r, &p, out)) return;
    if (srv_read_form(r, &form, "collection", out)) {
        text = srv_form_text(&form, "collection");
        if (!text) srv_fail(r, out, 400, "invalid_request", "collection: is missing");
        else if (*r->collection && strcmp(r->collection, text) != 0)
            srv_fail(r, out, 403, "forbidden", "this API key is for another collection");
        else if (srv_collection_find(&app->core, text, &id, &e)) {
            if (e.code == FCT_ERR_ARG) srv_fail(r, out, 404, "resource_not_found", e.text);
            else srv_fail_call(r, out, &e);
        } else if (!(s = fct_gallery_move_person(app->core.gallery, p.id, id, SRV_EXTERNAL_ID, &e)))
            srv_answer_person(app, r, p.id, out);
        else if (s != FCT_ERR_EXISTS || srv_external_fits(app, r, p.id, id, out)) srv_fail_call(r, out, &e);
    }
    srv_form_free(&form);
}

/* ---- "Not this person" -------------------------------------------------------------------------------------- */

static void write_negative(fct_json_writer *j, const char *key, const fct_negative *x) {
    fct_json_object(j, key);
    srv_json_id(j, "id", x->id);
    srv_json_id(j, "person_id", x->person_id);
    fct_json_date(j, "created_at", x->created);
    fct_json_close_object(j);
}

void srv_json_negative(fct_json_writer *j, const char *key, int64_t id, int64_t person) {
    fct_negative x = {.id = id, .person_id = person, .created = fct_time_unix()};
    write_negative(j, key, &x);
}

void srv_do_negatives(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_negative *list;
    srv_page page;
    fct_person p;
    fct_error e;
    int n, shown = 0;
    int64_t last = 0;
    if (!srv_person_of(app, r, &p, out) || !srv_read_page(r, &page, out)) return;
    if (fct_gallery_negatives(app->core.gallery, p.id, &list, &n, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "negatives");
    for (int i = 0; i < n; i++) {
        if (list[i].id <= page.after) continue;
        if (shown++ == page.limit) {
            page.next = last;
            break;
        }
        last = list[i].id;
        write_negative(&j, NULL, &list[i]);
    }
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    fct_gallery_negatives_free(list);
}

/* Stores the largest face of a picture as a negative. */
static bool reject_picture(srv_app *app, srv_request *r, srv_form *form, int64_t person, int64_t *id, srv_reply *out) {
    srv_seen seen = {0};
    fct_error e;
    bool done = false;
    if (srv_read_picture(app, r, form, "image", FCT_TASK_EMBED, true, &seen, out)) {
        const fct_face *f = srv_largest(seen.faces);
        if (!f || !f->embedding) srv_fail(r, out, 422, "face_not_found", "image: shows no face");
        else if (fct_gallery_reject(app->core.gallery, person, fct_pack_embedder_id(app->core.pack), f->embedding,
                                    f->embedding_dim, id, &e))
            srv_fail_call(r, out, &e);
        else done = true;
    }
    srv_seen_free(&seen);
    return done;
}

static bool reject_face(srv_app *app, srv_request *r, const char *text, int64_t person, int64_t *id, srv_reply *out) {
    fct_stored_face f;
    fct_error e;
    fct_status s = srv_core_face(&app->core, srv_place(), srv_id_parse(text), &f, NULL, &e);
    if (s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 404, "resource_not_found", "face_id: there is no such face");
    else if (s || fct_gallery_reject_face(app->core.gallery, person, f.id, id, &e)) srv_fail_call(r, out, &e);
    else return true;
    return false;
}

void srv_do_negative_add(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_json_writer j;
    fct_person p;
    int64_t id;
    if (srv_person_of(app, r, &p, out) && srv_read_form(r, &form, "face_id|image", out)) {
        const char *face = srv_form_text(&form, "face_id");
        if (face ? reject_face(app, r, face, p.id, &id, out) : reject_picture(app, r, &form, p.id, &id, out)) {
            srv_reply_json(out, 201, &j);
            fct_json_object(&j, NULL);
            srv_json_negative(&j, "negative", id, p.id);
            srv_json_close(&j, r, false);
        }
    }
    srv_form_free(&form);
}

void srv_do_negative_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_negative *list;
    fct_person p;
    fct_error e;
    int n;
    bool found = false;
    if (!srv_person_of(app, r, &p, out)) return;
    fct_status s = fct_gallery_negatives(app->core.gallery, p.id, &list, &n, &e);
    for (int i = 0; i < n && !s; i++) found |= list[i].id == srv_id_of(r, 2);
    fct_gallery_negatives_free(list);
    if (!s && found) s = fct_gallery_remove_negative(app->core.gallery, srv_id_of(r, 2), &e);
    if (s) srv_fail_call(r, out, &e);
    else if (found || r->again) out->status = 204;
    else srv_fail(r, out, 404, "resource_not_found", "the person has no such negative");
}
