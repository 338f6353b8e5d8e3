/* Rekognition's users: create, delete, list, and which faces are theirs. */
#include "server/rekognition.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 500, FACES_MOST = 100 };

static void answer_nothing(srv_reply *out) {
    fct_json_writer j;
    srv_rk_begin(out, &j);
    fct_json_close_object(&j);
}

/* The user that UserId names. False: *out says that there is none. */
static bool user_of(srv_app *app, srv_request *r, srv_form *form, fct_person *p, srv_reply *out) {
    fct_error e;
    const char *name = srv_rk_name(r, form, "UserId", SRV_RK_NAME, true, out);
    if (!name) return false;
    fct_status s = srv_rk_find_user(app, name, p, &e);
    if (s == FCT_ERR_NOT_FOUND) srv_rk_fail(r, out, "ResourceNotFoundException", "The user id does not exist");
    else if (s) srv_fail_call(r, out, &e);
    return !s;
}

/* A person who has the name already, because faces were stored under it, becomes the user. */
void srv_rk_create_user(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_person p;
    fct_error e;
    int64_t collection;
    bool user = false;
    const char *name = srv_rk_name(r, form, "UserId", SRV_RK_NAME, true, out);
    if (!name || !srv_rk_collection(app, r, form, &collection, out)) return;
    fct_status s = fct_gallery_find(app->core.gallery, name, &p, &e);
    if (!s) s = srv_rk_is_user(app, p.id, &user, &e);
    else if (s == FCT_ERR_NOT_FOUND) s = fct_gallery_add_person(app->core.gallery, name, &p.id, &e);
    if (!s && !user) s = srv_rk_set_user(app, p.id, true, &e);
    if (s) srv_fail_call(r, out, &e);
    else if (user) srv_rk_fail(r, out, "ConflictException", "The user id already exists");
    else answer_nothing(out);
}

/* Gives all faces of a user back to their labels. */
static fct_status release_all(srv_app *app, const fct_person *user, fct_error *err) {
    fct_stored_face *faces;
    int n;
    fct_status s = fct_gallery_faces(app->core.gallery, user->id, &faces, &n, err);
    for (int i = 0; i < n && !s; i++) {
        s = srv_rk_release(app, &faces[i], user, err);
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK; /* removed meanwhile */
    }
    fct_gallery_faces_free(faces);
    return s;
}

void srv_rk_delete_user(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_person p;
    fct_error e;
    int64_t collection;
    if (!srv_rk_collection(app, r, form, &collection, out) || !user_of(app, r, form, &p, out)) return;
    fct_status s = release_all(app, &p, &e);
    if (!s) s = srv_rk_set_user(app, p.id, false, &e);
    if (!s) s = srv_rk_tidy(app, p.id, &e);
    if (s) srv_fail_call(r, out, &e);
    else answer_nothing(out);
}

/* ---- ListUsers ------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b) {
    int64_t x = ((const fct_person *)a)->id, y = ((const fct_person *)b)->id;
    return (x > y) - (x < y);
}

/* Writes up to `most` users after an id; *last: the last one's id, 0 where none follow. */
static fct_status list(fct_json_writer *j, srv_app *app, int64_t after, int most, int64_t *last, fct_error *err) {
    fct_person *p;
    int n, written = 0;
    bool user;
    *last = 0;
    fct_status s = fct_gallery_people(app->core.gallery, &p, &n, err);
    if (!s && n) qsort(p, (size_t)n, sizeof *p, by_id);
    for (int i = 0; i < n && !s; i++) {
        if (p[i].id <= after) continue;
        s = srv_rk_is_user(app, p[i].id, &user, err);
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK;
        if (s || !user) continue;
        if (written == most) break;
        srv_rk_user(j, NULL, &p[i]);
        if (++written == most) *last = p[i].id;
    }
    if (written < most) *last = 0;
    fct_gallery_people_free(p);
    return s;
}

void srv_rk_list_users(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    int64_t collection, after[2], last[2] = {0};
    int most = PAGE;
    if (!srv_rk_collection(app, r, form, &collection, out) || !srv_rk_int(r, form, "MaxResults", 1, PAGE, &most, out) ||
        !srv_rk_token(r, form, "users", collection, after, out))
        return;
    srv_rk_begin(out, &j);
    fct_json_array(&j, "Users");
    fct_status s = list(&j, app, after[0], most, &last[0], &e);
    fct_json_close_array(&j);
    if (last[0]) srv_rk_write_token(&j, "users", collection, last);
    fct_json_close_object(&j);
    if (s) srv_fail_call(r, out, &e);
}

/* ---- Association ---------------------------------------------------------------------------------- */

/* What becomes of one face. */
typedef struct association {
    const char *uuid;   /* borrowed */
    const char *reason; /* why nothing was done; static; NULL = it was */
    char other[201];    /* whose it is */
    double confidence;  /* -1 = it is not about that */
} association;

/* Makes a face the user's, if it is like enough to those that the user has. The first one may be any. */
static fct_status associate(srv_app *app, int64_t collection, const fct_person *user, double least, association *a,
                            fct_error *err) {
    float embedding[SRV_RK_DIM];
    fct_stored_face f;
    fct_person owner;
    fct_face face = {.embedding = embedding};
    float cosine;
    int64_t nearest;
    bool taken = false;
    fct_status s = srv_rk_find_face(app, collection, a->uuid, &f, &owner, err);
    if (!s) s = srv_rk_is_user(app, owner.id, &taken, err);
    if (s || owner.id == user->id) return s;
    if (taken) {
        a->reason = "ASSOCIATED_TO_A_DIFFERENT_USER";
        strcpy(a->other, owner.name);
        return FCT_OK;
    }
    s = fct_gallery_embedding(app->core.gallery, f.id, embedding, SRV_RK_DIM, &face.embedding_dim, err);
    if (!s) s = srv_core_verify(&app->core, &face, user->id, &cosine, &nearest, err);
    if (s) return s;
    if (nearest && srv_rk_similarity(app, cosine) < least) {
        a->reason = "LOW_MATCH_CONFIDENCE";
        a->confidence = srv_rk_similarity(app, cosine);
        return FCT_OK;
    }
    s = fct_gallery_move_face(app->core.gallery, f.id, user->id, NULL, err);
    return s ? s : srv_rk_tidy(app, owner.id, err);
}

static fct_status disassociate(srv_app *app, int64_t collection, const fct_person *user, double least, association *a,
                               fct_error *err) {
    fct_stored_face f;
    fct_person owner;
    bool taken = false;
    fct_status s = srv_rk_find_face(app, collection, a->uuid, &f, &owner, err);
    if (!s && owner.id != user->id) s = srv_rk_is_user(app, owner.id, &taken, err);
    if (s) return s;
    if (owner.id == user->id) return srv_rk_release(app, &f, user, err);
    a->reason = taken ? "ASSOCIATED_TO_A_DIFFERENT_USER" : "FACE_NOT_FOUND";
    if (taken) strcpy(a->other, owner.name);
    return FCT_OK;
}

static void answer(const association *a, size_t n, const fct_person *user, const char *done, const char *refused,
                   srv_reply *out) {
    fct_json_writer j;
    srv_rk_begin(out, &j);
    fct_json_array(&j, done);
    for (size_t i = 0; i < n; i++) {
        if (a[i].reason) continue;
        fct_json_object(&j, NULL);
        fct_json_text(&j, "FaceId", a[i].uuid);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_array(&j, refused);
    for (size_t i = 0; i < n; i++)
        if (a[i].reason) srv_rk_refusal(&j, a[i].uuid, a[i].other, a[i].confidence, a[i].reason);
    fct_json_close_array(&j);
    fct_json_text(&j, "UserStatus", user->faces ? "ACTIVE" : "CREATED");
    fct_json_close_object(&j);
}

typedef fct_status associate_fn(srv_app *app, int64_t collection, const fct_person *user, double least, association *a,
                                fct_error *err);

/* Does the same with each of FaceIds. */
static void for_each(srv_app *app, srv_request *r, srv_form *form, associate_fn *fn, const char *done,
                     const char *refused, srv_reply *out) {
    fct_person user;
    fct_error e;
    int64_t collection;
    double least = 75;
    size_t n = 0;
    if (!srv_rk_percent(r, form, "UserMatchThreshold", &least, out) ||
        !srv_rk_collection(app, r, form, &collection, out) || !user_of(app, r, form, &user, out))
        return;
    const fct_json *ids = srv_rk_face_ids(r, form, FACES_MOST, out);
    association *at = ids ? fct_calloc(ids->length, sizeof *at) : NULL;
    if (ids && !at) srv_fail(r, out, 503, "not_ready", "out of memory");
    if (!at) return;
    fct_status s = FCT_OK;
    for (const fct_json *c = fct_json_first(ids); c && !s; c = fct_json_next(ids, c)) {
        association *a = &at[n++];
        *a = (association){.uuid = fct_json_get_text(c), .confidence = -1};
        s = fn(app, collection, &user, least, a, &e);
        if (s != FCT_ERR_NOT_FOUND) continue;
        a->reason = "FACE_NOT_FOUND";
        s = FCT_OK;
    }
    if (!s) s = fct_gallery_person(app->core.gallery, user.id, &user, &e);
    if (s) srv_fail_call(r, out, &e);
    else answer(at, n, &user, done, refused, out);
    fct_free(at);
}

void srv_rk_associate_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    for_each(app, r, form, associate, "AssociatedFaces", "UnsuccessfulFaceAssociations", out);
}

void srv_rk_disassociate_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    for_each(app, r, form, disassociate, "DisassociatedFaces", "UnsuccessfulFaceDisassociations", out);
}
