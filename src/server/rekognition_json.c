/* Rekognition's arguments, and how faces, lists and errors look there. */
#include "server/rekognition.h"

#include "base/alloc.h"
#include "server/collections.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEEPNESS 14 /* of the curve of similarities */

/* ---- Arguments ---------------------------------------------------------------------------------- */

void srv_rk_fail(const srv_request *r, srv_reply *out, const char *type, const char *text) {
    srv_fail(r, out, 400, type, text);
}

static bool bad_argument(srv_request *r, srv_reply *out, const char *member, const char *what) {
    char text[200];
    snprintf(text, sizeof text, "%s: %s", member, what);
    srv_rk_fail(r, out, "InvalidParameterException", text);
    return false;
}

const char *srv_rk_name(srv_request *r, srv_form *form, const char *member, size_t most, bool needed, srv_reply *out) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:";
    char what[120];
    const fct_json *v = srv_form_json(form, member);
    const char *text = fct_json_get_text(v);
    if (!v && !needed) return "";
    bool fine = text && *text && strlen(text) <= most && strspn(text, allowed) == strlen(text);
    if (fine) return text;
    snprintf(what, sizeof what, "1 to %zu of the characters a-z, A-Z, 0-9, '_', '.', '-' and ':' are needed", most);
    bad_argument(r, out, member, what);
    return NULL;
}

bool srv_rk_int(srv_request *r, srv_form *form, const char *member, int low, int high, int *value, srv_reply *out) {
    int64_t n;
    const fct_json *v = srv_form_json(form, member);
    if (!v) return true;
    if (!fct_json_get_int(v, &n) || n < low || n > high) return bad_argument(r, out, member, "is out of range");
    *value = (int)n;
    return true;
}

bool srv_rk_percent(srv_request *r, srv_form *form, const char *member, double *value, srv_reply *out) {
    double n;
    const fct_json *v = srv_form_json(form, member);
    if (!v) return true;
    if (!fct_json_get_number(v, &n) || n < 0 || n > 100) return bad_argument(r, out, member, "is not in 0 to 100");
    *value = n;
    return true;
}

const fct_json *srv_rk_face_ids(srv_request *r, srv_form *form, uint32_t most, srv_reply *out) {
    const fct_json *v = srv_form_json(form, "FaceIds");
    bool fine = fct_json_is(v, FCT_JSON_ARRAY) && v->length >= 1 && v->length <= most;
    for (const fct_json *c = fine ? fct_json_first(v) : NULL; c && fine; c = fct_json_next(v, c))
        fine = fct_json_get_text(c) != NULL;
    if (fine) return v;
    bad_argument(r, out, "FaceIds", "is no list of face ids, or has too many");
    return NULL;
}

bool srv_rk_collection(srv_app *app, srv_request *r, srv_form *form, int64_t *id, srv_reply *out) {
    fct_error e;
    const char *name = srv_rk_name(r, form, "CollectionId", SRV_RK_NAME, true, out);
    if (!name) return false;
    if (*r->collection && strcmp(r->collection, name) != 0) {
        srv_rk_fail(r, out, "AccessDeniedException", "this key is for another collection");
        return false;
    }
    if (!srv_collection_find(&app->core, name, id, &e)) {
        srv_work_in(*id);
        return true;
    }
    if (e.code == FCT_ERR_NOT_FOUND)
        srv_rk_fail(r, out, "ResourceNotFoundException", "The collection id does not exist");
    else srv_fail_call(r, out, &e);
    return false;
}

/* ---- Pictures -------------------------------------------------------------------------------------- */

bool srv_rk_look(srv_app *app, srv_request *r, srv_form *form, const char *member, uint32_t tasks, bool stored,
                 srv_seen *seen, srv_reply *out) {
    const uint8_t *data;
    size_t size;
    fct_error e;
    const fct_json *image = srv_form_json(form, member);
    srv_look want = {.tasks = tasks, .det_thresh = 0.5f, .deadline = r->deadline, .reduce = !stored};
    *seen = (srv_seen){0};
    if (fct_json_member(image, "S3Object")) {
        srv_rk_fail(r, out, "InvalidS3ObjectException", "pictures come as Bytes; there is no S3 here");
        return false;
    }
    const fct_json *bytes = fct_json_member(image, "Bytes");
    if (!fct_json_is(bytes, FCT_JSON_TEXT)) return bad_argument(r, out, member, "Bytes is missing");
    fct_status s = srv_form_decode(form, member, bytes->text, bytes->length, &data, &size, &e);
    if (s == FCT_ERR_NOMEM) srv_fail_call(r, out, &e);
    else if (s) srv_rk_fail(r, out, "InvalidImageFormatException", e.text);
    else if ((s = srv_core_look(&app->core, data, size, member, &want, seen, &e))) srv_fail_picture(r, out, &e);
    return !s;
}

/* ---- Similarities -------------------------------------------------------------------------------------- */

/* 100 / (1 + exp(-(k (cosine - threshold) + ln 4))): 80 at the threshold, where Rekognition's clients draw the line
 * when they are not told otherwise. Equal embeddings have 100. */
double srv_rk_similarity(const srv_app *app, double cosine) {
    if (cosine > 0.9999) return 100;
    double x = STEEPNESS * (cosine - srv_core_threshold(&app->core)) + log(4);
    return 100 / (1 + exp(-x));
}

double srv_rk_cosine(const srv_app *app, double percent) {
    if (percent <= 0) return -1;
    if (percent >= 100) return 0.9999;
    double cosine = srv_core_threshold(&app->core) + (log(percent / (100 - percent)) - log(4)) / STEEPNESS;
    return fmin(0.9999, fmax(-1, cosine));
}

/* ---- Faces --------------------------------------------------------------------------------------------- */

uint32_t srv_rk_tasks(const srv_form *form, const char *member) {
    const fct_json *list = srv_form_json(form, member);
    uint32_t tasks = FCT_TASK_LANDMARK_68; /* the pose */
    for (const fct_json *c = fct_json_first(list); c; c = fct_json_next(list, c)) {
        const char *name = fct_json_get_text(c);
        if (!name) continue;
        if (strcmp(name, "ALL") == 0 || strcmp(name, "AGE_RANGE") == 0 || strcmp(name, "GENDER") == 0)
            tasks |= FCT_TASK_GENDER_AGE;
    }
    return tasks;
}

void srv_rk_box(fct_json_writer *j, const char *key, const float box[4], int width, int height) {
    double w = width > 0 ? width : 1, h = height > 0 ? height : 1;
    fct_json_object(j, key);
    fct_json_number(j, "Width", (box[2] - box[0]) / w, 6);
    fct_json_number(j, "Height", (box[3] - box[1]) / h, 6);
    fct_json_number(j, "Left", box[0] / w, 6);
    fct_json_number(j, "Top", box[1] / h, 6);
    fct_json_close_object(j);
}

static void write_landmarks(fct_json_writer *j, const fct_face *f, double width, double height) {
    static const char *const types[] = {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"};
    if (!f->has_kps) return;
    fct_json_array(j, "Landmarks");
    for (int i = 0; i < 5; i++) {
        fct_json_object(j, NULL);
        fct_json_text(j, "Type", types[i]);
        fct_json_number(j, "X", f->kps[i][0] / width, 6);
        fct_json_number(j, "Y", f->kps[i][1] / height, 6);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

static void write_age(fct_json_writer *j, const fct_face *f) {
    if (f->age >= 0) {
        fct_json_object(j, "AgeRange");
        fct_json_int(j, "Low", f->age > 4 ? f->age - 4 : 0);
        fct_json_int(j, "High", f->age + 4);
        fct_json_close_object(j);
    }
    if (f->gender < 0) return;
    fct_json_object(j, "Gender");
    fct_json_text(j, "Value", f->gender ? "Male" : "Female");
    fct_json_number(j, "Confidence", 90, 1); /* the networks say none */
    fct_json_close_object(j);
}

static void write_pose(fct_json_writer *j, const fct_face *f) {
    if (!f->has_pose) return;
    fct_json_object(j, "Pose");
    fct_json_number(j, "Roll", f->pose[2], 3);
    fct_json_number(j, "Yaw", f->pose[1], 3);
    fct_json_number(j, "Pitch", f->pose[0], 3);
    fct_json_close_object(j);
}

void srv_rk_face(fct_json_writer *j, const char *key, const srv_seen *seen, const fct_face *f, bool whole) {
    srv_quality q;
    fct_json_object(j, key);
    srv_rk_box(j, "BoundingBox", f->box, seen->width, seen->height);
    fct_json_number(j, "Confidence", 100.0 * f->score, 4);
    if (!whole) return;
    write_landmarks(j, f, seen->width, seen->height);
    write_pose(j, f);
    srv_core_quality(seen, f, &q);
    fct_json_object(j, "Quality");
    fct_json_number(j, "Brightness", 100.0 * q.brightness, 3);
    fct_json_number(j, "Sharpness", 100.0 * q.sharpness, 3);
    fct_json_close_object(j);
    write_age(j, f);
}

const char *srv_rk_model(const srv_app *app, char out[SRV_RK_MODEL]) {
    snprintf(out, SRV_RK_MODEL, "%.60s-%.8s", fct_pack_name(app->core.pack), fct_pack_embedder_id(app->core.pack));
    return out;
}

void srv_rk_head(srv_reply *out) {
    out->type = "application/x-amz-json-1.1";
    out->id_field = "x-amzn-RequestId";
}

void srv_rk_begin(srv_reply *out, fct_json_writer *j) {
    srv_reply_json(out, 200, j);
    srv_rk_head(out);
    fct_json_object(j, NULL);
}

/* ---- Lists ------------------------------------------------------------------------------------------------ */

/* Reads ".NUMBER" at *p and moves behind it. */
static bool take_number(const char **p, int64_t *out) {
    char *end;
    if (**p != '.' || (*p)[1] < '0' || (*p)[1] > '9') return false;
    *out = strtoll(*p + 1, &end, 10);
    *p = end;
    return true;
}

bool srv_rk_token(srv_request *r, srv_form *form, const char *list, int64_t scope, int64_t after[2], srv_reply *out) {
    const fct_json *v = srv_form_json(form, "NextToken");
    const char *p = fct_json_get_text(v);
    size_t n = strlen(list);
    int64_t of = -1;
    after[0] = after[1] = 0;
    if (!v) return true;
    bool fine = p && strncmp(p, list, n) == 0;
    if (fine) p += n;
    if (fine && take_number(&p, &of) && take_number(&p, &after[0]) && take_number(&p, &after[1]) && !*p && of == scope)
        return true;
    srv_rk_fail(r, out, "InvalidPaginationTokenException", "NextToken: is not one that this list gave");
    return false;
}

void srv_rk_write_token(fct_json_writer *j, const char *list, int64_t scope, const int64_t after[2]) {
    char text[100];
    snprintf(text, sizeof text, "%s.%lld.%lld.%lld", list, (long long)scope, (long long)after[0], (long long)after[1]);
    fct_json_text(j, "NextToken", text);
}
