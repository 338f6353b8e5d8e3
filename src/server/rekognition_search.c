/* Rekognition's searches: for faces and for users, by a stored one or by a picture. The gallery
 * looks for people; a person's score is that of its nearest face. So the faces that are alike are
 * among the faces of the people found, whose other faces are compared one by one. */
#include "server/rekognition.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* What is looked for. */
typedef struct probe {
    const float *embedding; /* [dim] */
    int dim;
    float threshold; /* cosine */
    int most;        /* results */
    int64_t without_face, without_person;
} probe;

/* Reads how much is wanted: at most `most` results from a percentage on. */
static bool read_limits(const srv_app *app, srv_request *r, srv_form *form, const char *most, int default_most,
                        int highest, const char *threshold, probe *p, srv_reply *out) {
    double percent = 80;
    p->most = default_most;
    if (!srv_rk_int(r, form, most, 1, highest, &p->most, out) || !srv_rk_percent(r, form, threshold, &percent, out))
        return false;
    p->threshold = (float)srv_rk_cosine(app, percent);
    return true;
}

/* The people nearest to the probe; *found is owned (fct_free). */
static fct_status find_people(srv_app *app, const probe *p, int most, fct_match **found, int *n, fct_error *err) {
    fct_face face = {.embedding = p->embedding, .embedding_dim = p->dim};
    *n = 0;
    *found = fct_calloc((size_t)most, sizeof **found);
    if (!*found) return fct_fail_nomem(err, "matches", 0);
    return srv_core_search(&app->core, &face, p->threshold, most, *found, n, err);
}

/* ---- Faces ------------------------------------------------------------------------------------- */

/* Faces that are alike. */
typedef struct face_matches {
    struct face_match {
        fct_stored_face face;
        fct_person person;
        bool user;
        float score;
    } * at; /* owned */
    size_t n, capacity;
} face_matches;

static fct_status add_match(face_matches *l, const fct_stored_face *f, const fct_person *p, bool user, float score,
                            fct_error *err) {
    struct face_match *at = fct_grow(l->at, &l->capacity, l->n + 1, sizeof *at);
    if (!at) return fct_fail_nomem(err, "matches", 0);
    l->at = at;
    at[l->n++] = (struct face_match){*f, *p, user, score};
    return FCT_OK;
}

/* Adds those faces of a person that are like the probe. */
static fct_status add_faces(srv_app *app, const probe *p, int64_t person_id, face_matches *l, fct_error *err) {
    float stored[SRV_RK_DIM];
    fct_stored_face *faces = NULL;
    fct_person person;
    bool user;
    int n = 0, dim;
    fct_status s = fct_gallery_person(app->core.gallery, person_id, &person, err);
    if (!s) s = srv_rk_is_user(app, person_id, &user, err);
    if (!s) s = fct_gallery_faces(app->core.gallery, person_id, &faces, &n, err);
    for (int i = 0; i < n && !s; i++) {
        if (faces[i].id == p->without_face) continue;
        s = fct_gallery_embedding(app->core.gallery, faces[i].id, stored, SRV_RK_DIM, &dim, err);
        float score = s || dim != p->dim ? -2 : fct_cosine(stored, p->embedding, dim);
        if (score >= p->threshold) s = add_match(l, &faces[i], &person, user, score, err);
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK; /* removed meanwhile */
    }
    fct_gallery_faces_free(faces);
    return s == FCT_ERR_NOT_FOUND ? FCT_OK : s;
}

static int by_score(const void *a, const void *b) {
    float x = ((const struct face_match *)a)->score, y = ((const struct face_match *)b)->score;
    return (x < y) - (x > y);
}

/* The faces nearest to the probe, best first. Free l->at in both cases. */
static fct_status find_faces(srv_app *app, const probe *p, face_matches *l, fct_error *err) {
    fct_match *people;
    int n;
    *l = (face_matches){0};
    fct_status s = find_people(app, p, p->most + 1, &people, &n, err); /* one of them may be without_face's alone */
    for (int i = 0; i < n && !s; i++) s = add_faces(app, p, people[i].person_id, l, err);
    fct_free(people);
    if (l->n) qsort(l->at, l->n, sizeof *l->at, by_score);
    if (l->n > (size_t)p->most) l->n = (size_t)p->most;
    return s;
}

/* Writes "FaceMatches" and the model, and closes the answer. */
static void answer_faces(srv_app *app, srv_request *r, const probe *p, fct_json_writer *j, srv_reply *out) {
    face_matches l;
    fct_error e;
    char model[SRV_RK_MODEL];
    fct_status s = find_faces(app, p, &l, &e);
    fct_json_array(j, "FaceMatches");
    for (size_t i = 0; i < l.n; i++) {
        fct_json_object(j, NULL);
        fct_json_number(j, "Similarity", srv_rk_similarity(app, l.at[i].score), 4);
        srv_rk_record(j, "Face", &l.at[i].face, &l.at[i].person, l.at[i].user);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
    fct_json_text(j, "FaceModelVersion", srv_rk_model(app, model));
    fct_json_close_object(j);
    fct_free(l.at);
    if (s) srv_fail_call(r, out, &e);
}

/* The embedding of the face that FaceId names. False: *out says that there is none. */
static bool read_face(srv_app *app, srv_request *r, srv_form *form, int64_t collection, const char *error,
                      float embedding[SRV_RK_DIM], probe *p, fct_stored_face *f, srv_reply *out) {
    fct_error e;
    fct_person person;
    const char *uuid = fct_json_get_text(srv_form_json(form, "FaceId"));
    fct_status s = srv_rk_find_face(app, collection, uuid ? uuid : "", f, &person, &e);
    if (!s) s = fct_gallery_embedding(app->core.gallery, f->id, embedding, SRV_RK_DIM, &p->dim, &e);
    p->embedding = embedding;
    p->without_face = f->id;
    if (s == FCT_ERR_NOT_FOUND) srv_rk_fail(r, out, error, "FaceId: there is no such face in this collection");
    else if (s) srv_fail_call(r, out, &e);
    return !s;
}

void srv_rk_search_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    float embedding[SRV_RK_DIM];
    fct_json_writer j;
    fct_stored_face f;
    int64_t collection;
    probe p = {0};
    if (!srv_rk_collection(app, r, form, &collection, out) ||
        !read_limits(app, r, form, "MaxFaces", 80, SRV_RK_MATCHES, "FaceMatchThreshold", &p, out) ||
        !read_face(app, r, form, collection, "InvalidParameterException", embedding, &p, &f, out))
        return;
    srv_rk_begin(out, &j);
    fct_json_text(&j, "SearchedFaceId", fct_json_get_text(srv_form_json(form, "FaceId")));
    answer_faces(app, r, &p, &j, out);
}

/* Finds the largest face of the picture and makes it what is looked for. */
static const fct_face *read_picture(srv_app *app, srv_request *r, srv_form *form, uint32_t tasks, srv_seen *seen,
                                    probe *p, srv_reply *out) {
    if (!srv_rk_look(app, r, form, "Image", FCT_TASK_EMBED | tasks, false, seen, out)) return NULL;
    const fct_face *f = srv_largest(seen->faces);
    if (f && f->embedding) {
        p->embedding = f->embedding;
        p->dim = f->embedding_dim;
        return f;
    }
    srv_rk_fail(r, out, "InvalidParameterException", "There are no faces in the image. Should be at least 1.");
    return NULL;
}

void srv_rk_search_faces_by_image(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    srv_seen seen = {0};
    fct_json_writer j;
    int64_t collection;
    probe p = {0};
    const fct_face *f = NULL;
    if (srv_rk_collection(app, r, form, &collection, out) &&
        read_limits(app, r, form, "MaxFaces", 80, SRV_RK_MATCHES, "FaceMatchThreshold", &p, out))
        f = read_picture(app, r, form, 0, &seen, &p, out);
    if (f) {
        srv_rk_begin(out, &j);
        srv_rk_box(&j, "SearchedFaceBoundingBox", f->box, seen.width, seen.height);
        fct_json_number(&j, "SearchedFaceConfidence", 100.0 * f->score, 4);
        answer_faces(app, r, &p, &j, out);
    }
    srv_seen_free(&seen);
}

/* ---- Users --------------------------------------------------------------------------------------- */

/* The best score of each user for any of n embeddings [n][dim]. */
typedef struct user_matches {
    struct user_match {
        fct_person person;
        float score;
    } * at; /* owned */
    size_t n, capacity;
} user_matches;

/* Notes a person that was found, if it is a user. */
static fct_status add_user(srv_app *app, const probe *p, const fct_match *m, user_matches *l, fct_error *err) {
    fct_person person;
    bool user = false;
    if (m->person_id == p->without_person) return FCT_OK;
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].person.id == m->person_id) {
            if (m->score > l->at[i].score) l->at[i].score = m->score;
            return FCT_OK;
        }
    fct_status s = fct_gallery_person(app->core.gallery, m->person_id, &person, err);
    if (!s) s = srv_rk_is_user(app, m->person_id, &user, err);
    if (s || !user) return s == FCT_ERR_NOT_FOUND ? FCT_OK : s;
    struct user_match *at = fct_grow(l->at, &l->capacity, l->n + 1, sizeof *at);
    if (!at) return fct_fail_nomem(err, "matches", 0);
    l->at = at;
    at[l->n++] = (struct user_match){person, m->score};
    return FCT_OK;
}

/* Adds the users that are like one embedding. People without a user are found too, hence not only as many as wanted. */
static fct_status find_users(srv_app *app, const probe *p, user_matches *l, fct_error *err) {
    fct_match *people;
    int n;
    fct_status s = find_people(app, p, SRV_RK_MATCHES, &people, &n, err);
    for (int i = 0; i < n && !s; i++) s = add_user(app, p, &people[i], l, err);
    fct_free(people);
    return s;
}

static int by_user_score(const void *a, const void *b) {
    float x = ((const struct user_match *)a)->score, y = ((const struct user_match *)b)->score;
    return (x < y) - (x > y);
}

/* Writes "UserMatches" and the model. */
static void write_users(fct_json_writer *j, const srv_app *app, user_matches *l, int most) {
    char model[SRV_RK_MODEL];
    if (l->n) qsort(l->at, l->n, sizeof *l->at, by_user_score);
    fct_json_array(j, "UserMatches");
    for (size_t i = 0; i < l->n && i < (size_t)most; i++) {
        fct_json_object(j, NULL);
        fct_json_number(j, "Similarity", srv_rk_similarity(app, l->at[i].score), 4);
        srv_rk_user(j, "User", &l->at[i].person);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
    fct_json_text(j, "FaceModelVersion", srv_rk_model(app, model));
}

/* Looks for users by each face of a user. */
static fct_status find_by_user(srv_app *app, probe *p, const fct_person *user, user_matches *l, fct_error *err) {
    float embedding[SRV_RK_DIM];
    fct_stored_face *faces;
    int n;
    p->without_person = user->id;
    fct_status s = fct_gallery_faces(app->core.gallery, user->id, &faces, &n, err);
    for (int i = 0; i < n && !s; i++) {
        p->embedding = embedding;
        s = fct_gallery_embedding(app->core.gallery, faces[i].id, embedding, SRV_RK_DIM, &p->dim, err);
        if (!s) s = find_users(app, p, l, err);
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK;
    }
    fct_gallery_faces_free(faces);
    return s;
}

/* SearchUsers with a UserId. */
static void search_by_user(srv_app *app, srv_request *r, probe *p, const char *name, srv_reply *out) {
    user_matches l = {0};
    fct_json_writer j;
    fct_person user;
    fct_error e;
    fct_status s = srv_rk_find_user(app, name, &user, &e);
    if (s == FCT_ERR_NOT_FOUND) {
        srv_rk_fail(r, out, "ResourceNotFoundException", "The user id does not exist");
        return;
    }
    if (!s) s = find_by_user(app, p, &user, &l, &e);
    srv_rk_begin(out, &j);
    write_users(&j, app, &l, p->most);
    fct_json_object(&j, "SearchedUser");
    fct_json_text(&j, "UserId", name);
    fct_json_close_object(&j);
    fct_json_close_object(&j);
    fct_free(l.at);
    if (s) srv_fail_call(r, out, &e);
}

/* SearchUsers with a FaceId. */
static void search_by_face(srv_app *app, srv_request *r, srv_form *form, int64_t collection, probe *p, srv_reply *out) {
    float embedding[SRV_RK_DIM];
    user_matches l = {0};
    fct_stored_face f;
    fct_json_writer j;
    fct_error e;
    if (!read_face(app, r, form, collection, "ResourceNotFoundException", embedding, p, &f, out)) return;
    fct_status s = find_users(app, p, &l, &e);
    srv_rk_begin(out, &j);
    write_users(&j, app, &l, p->most);
    fct_json_object(&j, "SearchedFace");
    fct_json_text(&j, "FaceId", fct_json_get_text(srv_form_json(form, "FaceId")));
    fct_json_close_object(&j);
    fct_json_close_object(&j);
    fct_free(l.at);
    if (s) srv_fail_call(r, out, &e);
}

void srv_rk_search_users(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    int64_t collection;
    probe p = {0};
    const char *name = srv_rk_name(r, form, "UserId", SRV_RK_NAME, false, out);
    if (!name || !srv_rk_collection(app, r, form, &collection, out) ||
        !read_limits(app, r, form, "MaxUsers", 80, 500, "UserMatchThreshold", &p, out))
        return;
    if (!*name == !srv_form_json(form, "FaceId"))
        srv_rk_fail(r, out, "InvalidParameterException", "one of UserId and FaceId is needed");
    else if (*name) search_by_user(app, r, &p, name, out);
    else search_by_face(app, r, form, collection, &p, out);
}

/* The faces of the picture besides the one that was looked for. */
static void write_unsearched(fct_json_writer *j, const srv_seen *seen, const fct_face *searched) {
    fct_json_array(j, "UnsearchedFaces");
    for (int i = 0; i < fct_faces_count(seen->faces); i++) {
        const fct_face *f = fct_faces_at(seen->faces, i);
        if (f == searched) continue;
        fct_json_object(j, NULL);
        srv_rk_face(j, "FaceDetails", seen, f, true);
        fct_json_close_object(j);
        fct_json_array(j, "Reasons");
        fct_json_text(j, NULL, "FACE_NOT_LARGEST");
        fct_json_close_array(j);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

void srv_rk_search_users_by_image(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    srv_seen seen = {0};
    user_matches l = {0};
    fct_json_writer j;
    fct_error e;
    int64_t collection;
    probe p = {0};
    const fct_face *f = NULL;
    if (srv_rk_collection(app, r, form, &collection, out) &&
        read_limits(app, r, form, "MaxUsers", 80, 500, "UserMatchThreshold", &p, out))
        f = read_picture(app, r, form, FCT_TASK_LANDMARK_68, &seen, &p, out);
    if (f) {
        fct_status s = find_users(app, &p, &l, &e);
        srv_rk_begin(out, &j);
        write_users(&j, app, &l, p.most);
        fct_json_object(&j, "SearchedFace");
        srv_rk_face(&j, "FaceDetail", &seen, f, true);
        fct_json_close_object(&j);
        fct_json_close_object(&j);
        write_unsearched(&j, &seen, f);
        fct_json_close_object(&j);
        if (s) srv_fail_call(r, out, &e);
    }
    fct_free(l.at);
    srv_seen_free(&seen);
}
