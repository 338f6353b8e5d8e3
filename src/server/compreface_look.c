/* CompreFace's operations on pictures and embeddings: recognize, detect, verify. */
#include "server/compreface.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PREDICTIONS_MOST = 100, EMBEDDINGS_MOST = 100, DIM_MOST = 4096 };

/* ---- Faces in answers ---------------------------------------------------------------------- */

/* (tanh((c0 - d) * c1) + 1) / 2, d being the distance of the unit vectors; c0 is the distance at the threshold and
 * c1 = 6, as CompreFace has it for networks of this kind. */
double srv_cf_similarity(const srv_app *app, double cosine) {
    double d = sqrt(fmax(0, 2 - 2 * cosine)), c0 = sqrt(fmax(0, 2 - 2 * (double)srv_core_threshold(&app->core)));
    return (tanh((c0 - d) * 6) + 1) / 2;
}

static void write_points(fct_json_writer *j, const char *key, const float *p, int n, int step) {
    fct_json_array(j, key);
    for (int i = 0; i < n; i++) {
        fct_json_array(j, NULL);
        fct_json_int(j, NULL, lroundf(p[i * step]));
        fct_json_int(j, NULL, lroundf(p[i * step + 1]));
        fct_json_close_array(j);
    }
    fct_json_close_array(j);
}

static void write_age(fct_json_writer *j, const fct_face *f, const srv_plugins *p) {
    if (p->age && f->age >= 0) {
        fct_json_object(j, "age");
        fct_json_number(j, "probability", 0.9, 2);
        fct_json_int(j, "high", f->age + 4);
        fct_json_int(j, "low", f->age > 4 ? f->age - 4 : 0);
        fct_json_close_object(j);
    }
    if (p->gender && f->gender >= 0) {
        fct_json_object(j, "gender");
        fct_json_number(j, "probability", 0.9, 2);
        fct_json_text(j, "value", f->gender ? "male" : "female");
        fct_json_close_object(j);
    }
}

static void write_pose(fct_json_writer *j, const fct_face *f) {
    fct_json_object(j, "pose");
    fct_json_number(j, "pitch", f->pose[0], 3);
    fct_json_number(j, "yaw", f->pose[1], 3);
    fct_json_number(j, "roll", f->pose[2], 3);
    fct_json_close_object(j);
}

void srv_cf_face(fct_json_writer *j, const srv_app *app, const srv_request *r, const char *key, const fct_face *f,
                 const srv_plugins *p) {
    fct_json_object(j, key);
    fct_json_object(j, "box");
    fct_json_number(j, "probability", f->score, 6);
    fct_json_int(j, "x_max", lroundf(f->box[2]));
    fct_json_int(j, "y_max", lroundf(f->box[3]));
    fct_json_int(j, "x_min", lroundf(f->box[0]));
    fct_json_int(j, "y_min", lroundf(f->box[1]));
    fct_json_close_object(j);
    if (p->landmarks && f->has_kps) write_points(j, "landmarks", f->kps[0], 5, 2);
    if (p->landmarks2d106 && f->landmark_106) write_points(j, "landmarks2d106", f->landmark_106, 106, 2);
    write_age(j, f, p);
    if (p->pose && f->has_pose) write_pose(j, f);
    if (p->calculator && f->embedding) {
        float scale = f->embedding_norm > 0 ? 1 / f->embedding_norm : 0;
        fct_json_array(j, "embedding");
        for (int i = 0; i < f->embedding_dim; i++) fct_json_float(j, NULL, f->embedding[i] * scale);
        fct_json_close_array(j);
    }
    if (!p->status) return;
    fct_json_object(j, "execution_time");
    fct_json_number(j, "detector", srv_elapsed_ms(r), 1);
    fct_json_close_object(j);
}

void srv_cf_versions(fct_json_writer *j, const srv_app *app, const srv_plugins *p) {
    if (!p->status) return;
    fct_json_object(j, "plugins_versions");
    fct_json_text(j, "detector", fct_pack_name(app->core.pack));
    fct_json_text(j, "calculator", fct_pack_name(app->core.pack));
    fct_json_close_object(j);
}

/* ---- Pictures -------------------------------------------------------------------------------- */

bool srv_cf_form(const srv_request *r, srv_form *form, srv_reply *out) {
    fct_error e;
    fct_status s = srv_form_read(r, form, &e);
    if (s) srv_fail_form(r, out, &e);
    return !s;
}

static bool asks_for(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *p = list; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == 0)) return true;
    }
    return false;
}

bool srv_cf_plugins(const srv_request *r, srv_form *form, srv_plugins *p, srv_reply *out) {
    const char *list = srv_form_text(form, "face_plugins");
    fct_error e;
    *p = (srv_plugins){.least = 0.8, .count = 1};
    fct_status s = srv_form_number(form, "det_prob_threshold", 0, 1, &p->least, &e);
    if (!s) s = srv_form_int(form, "limit", 0, 1000000, &p->limit, &e);
    if (!s) s = srv_form_int(form, "prediction_count", 1, PREDICTIONS_MOST, &p->count, &e);
    if (!s) s = srv_form_bool(form, "status", &p->status, &e);
    if (s) {
        srv_fail(r, out, 400, strncmp(e.text, "prediction_count", 16) == 0 ? "prediction_count" : "invalid_request",
                 e.text);
        return false;
    }
    if (!list) return true;
    p->landmarks = asks_for(list, "landmarks");
    p->landmarks2d106 = asks_for(list, "landmarks2d106");
    p->gender = asks_for(list, "gender");
    p->age = asks_for(list, "age");
    p->pose = asks_for(list, "pose");
    p->calculator = asks_for(list, "calculator");
    p->tasks = (p->landmarks2d106 ? FCT_TASK_LANDMARK_106 : 0) | (p->gender || p->age ? FCT_TASK_GENDER_AGE : 0) |
               (p->pose ? FCT_TASK_LANDMARK_68 : 0) | (p->calculator ? FCT_TASK_EMBED : 0);
    return true;
}

bool srv_cf_look(srv_app *app, const srv_request *r, srv_form *form, const char *name, const srv_plugins *p,
                 uint32_t tasks, srv_seen *seen, srv_reply *out) {
    const uint8_t *data;
    size_t size;
    fct_error e;
    srv_look want = {
        .tasks = tasks | p->tasks, .det_thresh = (float)p->least, .deadline = r->deadline, .reduce = !p->stored};
    *seen = (srv_seen){0};
    fct_status s = srv_form_picture(form, name, 0, &data, &size, &e);
    if (s == FCT_ERR_NOT_FOUND) srv_fail(r, out, 400, "part_missing", e.text);
    else if (s) srv_fail_form(r, out, &e);
    else if ((s = srv_core_look(&app->core, data, size, name, &want, seen, &e))) srv_fail_picture(r, out, &e);
    else if (!fct_faces_count(seen->faces)) {
        srv_fail(r, out, 400, "face_not_found", "No face is found in the given image");
        return false;
    }
    return !s;
}

/* Writes what belongs to one face besides itself. */
typedef fct_status face_more_fn(fct_json_writer *j, srv_app *app, const fct_face *f, const srv_plugins *p,
                                const void *more, fct_error *err);

/* Writes the faces, the largest first, each with more. */
static fct_status write_faces(fct_json_writer *j, srv_app *app, const srv_request *r, const char *key,
                              const srv_seen *seen, const srv_plugins *p, face_more_fn *fn, const void *more,
                              fct_error *err) {
    int n = fct_faces_count(seen->faces), *order = fct_alloc((size_t)n * sizeof *order);
    if (!order) return fct_fail_nomem(err, "faces", 0);
    fct_status s = FCT_OK;
    srv_by_area(seen->faces, order);
    if (p->limit && p->limit < n) n = p->limit;
    fct_json_array(j, key);
    for (int i = 0; i < n && !s; i++) {
        const fct_face *f = fct_faces_at(seen->faces, order[i]);
        srv_cf_face(j, app, r, NULL, f, p);
        if (fn) s = fn(j, app, f, p, more, err);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
    fct_free(order);
    return s;
}

/* Answers {"result":[faces]}. */
static void answer_faces(srv_app *app, srv_request *r, srv_reply *out, uint32_t tasks, face_more_fn *fn,
                         const void *more) {
    srv_form form;
    srv_plugins p;
    srv_seen seen = {0};
    fct_json_writer j;
    fct_error e;
    if (srv_cf_form(r, &form, out) && srv_cf_plugins(r, &form, &p, out) &&
        srv_cf_look(app, r, &form, "file", &p, tasks, &seen, out)) {
        srv_reply_json(out, 200, &j);
        fct_json_object(&j, NULL);
        fct_status s = write_faces(&j, app, r, "result", &seen, &p, fn, more, &e);
        srv_cf_versions(&j, app, &p);
        fct_json_close_object(&j);
        if (s) srv_fail_call(r, out, &e);
    }
    srv_seen_free(&seen);
    srv_form_free(&form);
}

/* The people nearest to an embedding, whatever their similarity, as a list. */
static fct_status write_subjects(fct_json_writer *j, srv_app *app, const char *key, const float *embedding, int dim,
                                 int count, fct_error *err) {
    fct_match found[PREDICTIONS_MOST];
    fct_face f = {.embedding = embedding, .embedding_dim = dim};
    int n = 0;
    fct_status s = srv_core_search(&app->core, &f, -1, count, found, &n, err);
    fct_json_array(j, key);
    for (int i = 0; i < n; i++) {
        fct_json_object(j, NULL);
        fct_json_text(j, "subject", found[i].name);
        fct_json_number(j, "similarity", srv_cf_similarity(app, found[i].score), 5);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
    return s;
}

static fct_status add_subjects(fct_json_writer *j, srv_app *app, const fct_face *f, const srv_plugins *p,
                               const void *more, fct_error *err) {
    return write_subjects(j, app, "subjects", f->embedding, f->embedding_dim, p->count, err);
}

void srv_cf_recognize(srv_app *app, srv_request *r, srv_reply *out) {
    answer_faces(app, r, out, FCT_TASK_EMBED, add_subjects, NULL);
}

void srv_cf_detect(srv_app *app, srv_request *r, srv_reply *out) { answer_faces(app, r, out, 0, NULL, NULL); }

/* An embedding that faces are compared with. */
typedef struct other_face {
    float at[DIM_MOST];
    int dim;
} other_face;

static double similarity_to(const srv_app *app, const other_face *o, const float *embedding, int dim) {
    return o->dim == dim ? srv_cf_similarity(app, fct_cosine(o->at, embedding, dim)) : 0;
}

static fct_status add_similarity(fct_json_writer *j, srv_app *app, const fct_face *f, const srv_plugins *p,
                                 const void *more, fct_error *err) {
    fct_json_number(j, "similarity", similarity_to(app, more, f->embedding, f->embedding_dim), 5);
    return FCT_OK;
}

/* The embedding of the stored face that the path names. */
static bool stored_face(srv_app *app, srv_request *r, other_face *o, srv_reply *out) {
    fct_stored_face f;
    fct_error e;
    if (!srv_cf_face_of(app, r, 0, &f, out)) return false;
    if (!fct_gallery_embedding(app->core.gallery, f.id, o->at, DIM_MOST, &o->dim, &e)) return true;
    srv_fail_call(r, out, &e);
    return false;
}

void srv_cf_verify_face(srv_app *app, srv_request *r, srv_reply *out) {
    other_face o;
    if (stored_face(app, r, &o, out)) answer_faces(app, r, out, FCT_TASK_EMBED, add_similarity, &o);
}

static void verify(srv_app *app, srv_request *r, const srv_plugins *p, const srv_seen *a, const srv_seen *b,
                   srv_reply *out) {
    const fct_face *source = srv_largest(a->faces);
    other_face o = {.dim = source->embedding_dim};
    fct_json_writer j;
    fct_error e;
    if (o.dim <= DIM_MOST) memcpy(o.at, source->embedding, (size_t)o.dim * sizeof *o.at);
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "result");
    fct_json_object(&j, NULL);
    srv_cf_face(&j, app, r, "source_image_face", source, p);
    fct_json_close_object(&j);
    fct_status s = write_faces(&j, app, r, "face_matches", b, p, add_similarity, &o, &e);
    fct_json_close_object(&j);
    fct_json_close_array(&j);
    srv_cf_versions(&j, app, p);
    fct_json_close_object(&j);
    if (s) srv_fail_call(r, out, &e);
}

void srv_cf_verify(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    srv_plugins p;
    srv_seen a = {0}, b = {0};
    if (srv_cf_form(r, &form, out) && srv_cf_plugins(r, &form, &p, out) &&
        srv_cf_look(app, r, &form, "source_image", &p, FCT_TASK_EMBED, &a, out) &&
        srv_cf_look(app, r, &form, "target_image", &p, FCT_TASK_EMBED, &b, out))
        verify(app, r, &p, &a, &b, out);
    srv_seen_free(&a);
    srv_seen_free(&b);
    srv_form_free(&form);
}

/* ---- Embeddings --------------------------------------------------------------------------------- */

/* Reads an array of numbers of the pack's length. */
static bool read_embedding(const srv_app *app, const fct_json *v, other_face *o) {
    double number;
    o->dim = 0;
    for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c)) {
        if (o->dim == DIM_MOST || !fct_json_get_number(c, &number) || fabs(number) > 1e6) return false;
        o->at[o->dim++] = (float)number;
    }
    return fct_json_is(v, FCT_JSON_ARRAY) && o->dim == fct_pack_embedding_dim(app->core.pack);
}

/* Answers with one object for each embedding under `key`; fn adds to it. */
typedef fct_status embedding_more_fn(fct_json_writer *j, srv_app *app, const other_face *e, const void *more,
                                     fct_error *err);
static void answer_embeddings(srv_app *app, srv_request *r, srv_form *form, const char *key, embedding_more_fn *fn,
                              const void *more, srv_reply *out) {
    const fct_json *list = srv_form_json(form, key);
    other_face o;
    fct_json_writer j;
    fct_error e;
    fct_status s = FCT_OK;
    if (!fct_json_is(list, FCT_JSON_ARRAY) || list->length < 1 || list->length > EMBEDDINGS_MOST) {
        srv_fail(r, out, 400, "embedding_count", "1 to 100 embeddings are needed");
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "result");
    for (const fct_json *c = fct_json_first(list); c && !s; c = fct_json_next(list, c)) {
        if (!read_embedding(app, c, &o)) {
            srv_fail(r, out, 400, "invalid_request", "an embedding is no array of numbers of this pack's length");
            return;
        }
        fct_json_object(&j, NULL);
        fct_json_array(&j, "embedding");
        for (int i = 0; i < o.dim; i++) fct_json_float(&j, NULL, o.at[i]);
        fct_json_close_array(&j);
        s = fn(&j, app, &o, more, &e);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    if (s) srv_fail_call(r, out, &e);
}

static fct_status add_nearest(fct_json_writer *j, srv_app *app, const other_face *e, const void *more, fct_error *err) {
    return write_subjects(j, app, "similarities", e->at, e->dim, *(const int *)more, err);
}

static fct_status add_other(fct_json_writer *j, srv_app *app, const other_face *e, const void *more, fct_error *err) {
    fct_json_number(j, "similarity", similarity_to(app, more, e->at, e->dim), 5);
    return FCT_OK;
}

void srv_cf_embeddings_recognize(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    srv_plugins p;
    if (srv_cf_form(r, &form, out) && srv_cf_plugins(r, &form, &p, out))
        answer_embeddings(app, r, &form, "embeddings", add_nearest, &p.count, out);
    srv_form_free(&form);
}

void srv_cf_embeddings_face(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    other_face o;
    if (stored_face(app, r, &o, out) && srv_cf_form(r, &form, out))
        answer_embeddings(app, r, &form, "embeddings", add_other, &o, out);
    srv_form_free(&form);
}

void srv_cf_embeddings_verify(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    other_face o;
    if (srv_cf_form(r, &form, out)) {
        if (!read_embedding(app, srv_form_json(&form, "source"), &o))
            srv_fail(r, out, 400, "invalid_request", "source: is no embedding of this pack");
        else answer_embeddings(app, r, &form, "targets", add_other, &o, out);
    }
    srv_form_free(&form);
}
