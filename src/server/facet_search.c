/* search 1:N, identify all faces of a picture, verify a person. */
#include "server/facet_api.h"

#include "base/alloc.h"
#include "server/unknown.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a search is asked besides its picture. */
typedef struct search_terms {
    int limit;
    double threshold;
} search_terms;

static bool read_terms(srv_app *app, srv_request *r, srv_form *form, search_terms *t, srv_reply *out) {
    fct_error e;
    *t = (search_terms){.limit = SRV_MATCHES, .threshold = srv_core_threshold(&app->core)};
    fct_status s = srv_form_int(form, "limit", 1, 100, &t->limit, &e);
    if (!s) s = srv_form_number(form, "threshold", -1, 1, &t->threshold, &e);
    if (s) srv_fail_form(r, out, &e);
    return !s;
}

/* Writes one match. A person who was removed since the search is not there any more. */
static void write_match(fct_json_writer *j, srv_app *app, const fct_match *m) {
    fct_person p;
    char id[24];
    if (fct_gallery_person(app->core.gallery, m->person_id, &p, NULL)) return;
    snprintf(id, sizeof id, "%lld", (long long)m->face_id);
    fct_json_object(j, NULL);
    srv_json_person(j, app, "person", &p);
    fct_json_number(j, "similarity", m->score, 6);
    fct_json_text(j, "matched_face_id", id);
    fct_json_close_object(j);
}

/* Writes who is like a face; *best: the highest score, -1 where nobody is. */
static fct_status write_matches(fct_json_writer *j, srv_app *app, const fct_face *f, const search_terms *t, float *best,
                                fct_error *err) {
    fct_match found[100];
    int n;
    fct_status s = srv_core_search(&app->core, f, (float)t->threshold, t->limit, found, &n, err);
    *best = !s && n ? found[0].score : -1;
    fct_json_array(j, "matches");
    for (int i = 0; i < n && !s; i++) write_match(j, app, &found[i]);
    fct_json_close_array(j);
    return s;
}

/* Answers with who is like a face; seen NULL: it is an embedding without a picture. */
static void answer_search(srv_app *app, srv_request *r, const search_terms *t, const srv_seen *seen, const fct_face *f,
                          srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    if (seen) srv_json_face(&j, "searched_face", seen, f, false);
    else fct_json_null(&j, "searched_face");
    float best;
    fct_status s = write_matches(&j, app, f, t, &best, &e);
    fct_json_number(&j, "threshold", t->threshold, 6);
    srv_json_close(&j, r, true);
    if (s) srv_fail_call(r, out, &e);
}

/* Searches for an embedding that the request has as a list of numbers. */
static void search_embedding(srv_app *app, srv_request *r, const search_terms *t, const fct_json *list,
                             srv_reply *out) {
    int dim = fct_pack_embedding_dim(app->core.pack), n = 0;
    float *v = fct_alloc((size_t)dim * sizeof *v);
    bool fine = v && fct_json_is(list, FCT_JSON_ARRAY) && list->length == (uint32_t)dim, some = false;
    for (const fct_json *c = fine ? fct_json_first(list) : NULL; c && fine; c = fct_json_next(list, c)) {
        double x;
        fine = fct_json_get_number(c, &x) && isfinite((float)x);
        v[n++] = fine ? (float)x : 0;
        some |= v[n - 1] != 0;
    }
    fct_face face = {.embedding = v, .embedding_dim = dim};
    if (!v) srv_fail(r, out, 503, "not_ready", "out of memory");
    else if (fine && some) answer_search(app, r, t, NULL, &face, out);
    else srv_fail(r, out, 400, "invalid_request", "embedding: is no list of as many numbers as the network gives");
    fct_free(v);
}

static void search(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    search_terms t;
    srv_seen seen = {0};
    const fct_json *embedding = srv_form_json(form, "embedding");
    if (!read_terms(app, r, form, &t, out)) return;
    if (embedding) {
        search_embedding(app, r, &t, embedding, out);
        return;
    }
    if (srv_read_picture(app, r, form, "image", FCT_TASK_EMBED, true, &seen, out)) {
        const fct_face *f = srv_largest(seen.faces);
        if (f) answer_search(app, r, &t, &seen, f, out);
        else srv_fail(r, out, 422, "face_not_found", "image: shows no face");
    }
    srv_seen_free(&seen);
}

void srv_do_search(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    if (srv_collection_of(app, r, out) && srv_read_form(r, &form, "image|embedding|limit|threshold", out))
        search(app, r, &form, out);
    srv_form_free(&form);
}

static bool is_source(const char *text) {
    if (text && strlen(text) > SRV_UNKNOWN_SOURCE) return false;
    for (const char *p = text; p && *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) return false;
    return true;
}

/* Keeps a face that is nobody's in the collection. best: its highest score of those that t asks for. */
static fct_status see(srv_app *app, const srv_seen *seen, const fct_face *f, const search_terms *t, float best,
                      const char *source, int64_t *group, fct_error *err) {
    float own = srv_core_threshold(&app->core);
    fct_match m;
    int n = best >= own;
    fct_status s = FCT_OK;
    if (!n && t->threshold > own) s = srv_core_search(&app->core, f, own, 1, &m, &n, err);
    fct_face here = srv_seen_face(seen, f);
    return s || n ? s : srv_unknown_see(app, srv_place(), fct_image_view(seen->image), &here, source, group, err);
}

/* Every face of the picture with who it may be, the largest first. */
static void identify(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    search_terms t;
    srv_seen seen = {0};
    fct_json_writer j;
    fct_error e;
    const char *source = srv_form_text(form, "source");
    bool keep;
    if (!is_source(source))
        srv_fail(r, out, 400, "invalid_request", "source: is no text of at most 200 bytes without control characters");
    else if (srv_setting_bool(&app->core, srv_place(), "unknown", false, &keep, &e)) srv_fail_call(r, out, &e);
    else if (read_terms(app, r, form, &t, out) &&
             srv_read_picture(app, r, form, "image", FCT_TASK_EMBED, false, &seen, out)) {
        int n = fct_faces_count(seen.faces), *order = fct_alloc((size_t)n * sizeof *order);
        fct_status s = FCT_OK;
        srv_reply_json(out, 200, &j);
        if (order) srv_by_area(seen.faces, order);
        else out->body.failed = true;
        fct_json_object(&j, NULL);
        fct_json_array(&j, "faces");
        for (int i = 0; order && i < n && !s; i++) {
            const fct_face *f = fct_faces_at(seen.faces, order[i]);
            int64_t unknown = 0;
            float best;
            fct_json_object(&j, NULL);
            srv_json_face(&j, "face", &seen, f, false);
            s = write_matches(&j, app, f, &t, &best, &e);
            if (!s && keep) s = see(app, &seen, f, &t, best, source, &unknown, &e);
            if (unknown) srv_json_id(&j, "unknown_id", unknown);
            else fct_json_null(&j, "unknown_id");
            fct_json_close_object(&j);
        }
        fct_json_close_array(&j);
        fct_json_number(&j, "threshold", t.threshold, 6);
        srv_json_close(&j, r, true);
        if (s) srv_fail_call(r, out, &e);
        fct_free(order);
    }
    srv_seen_free(&seen);
}

void srv_do_identify(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    if (srv_collection_of(app, r, out) && srv_read_form(r, &form, "image|limit|threshold|source", out))
        identify(app, r, &form, out);
    srv_form_free(&form);
}

static void verify(srv_app *app, srv_request *r, const fct_person *p, srv_form *form, srv_reply *out) {
    search_terms t;
    srv_seen seen = {0};
    fct_json_writer j;
    fct_error e;
    float similarity;
    int64_t face;
    char id[24];
    if (read_terms(app, r, form, &t, out) &&
        srv_read_picture(app, r, form, "image", FCT_TASK_EMBED, true, &seen, out)) {
        const fct_face *f = srv_largest(seen.faces);
        if (!f) srv_fail(r, out, 422, "face_not_found", "image: shows no face");
        else if (srv_core_verify(&app->core, f, p->id, &similarity, &face, &e)) srv_fail_call(r, out, &e);
        else {
            snprintf(id, sizeof id, "%lld", (long long)face);
            srv_reply_json(out, 200, &j);
            fct_json_object(&j, NULL);
            fct_json_bool(&j, "matched", face && similarity >= (float)t.threshold);
            if (face) fct_json_number(&j, "similarity", similarity, 6);
            else fct_json_null(&j, "similarity"); /* the person has no face to compare with */
            fct_json_text(&j, "matched_face_id", face ? id : NULL);
            fct_json_number(&j, "threshold", t.threshold, 6);
            srv_json_person(&j, app, "person", p);
            srv_json_face(&j, "verified_face", &seen, f, false);
            srv_json_close(&j, r, true);
        }
    }
    srv_seen_free(&seen);
}

void srv_do_verify(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_person p;
    if (srv_person_of(app, r, &p, out) && srv_read_form(r, &form, "image|threshold", out))
        verify(app, r, &p, &form, out);
    srv_form_free(&form);
}
