/* Faces and the people they belong to. A face's source says where it came from:
 *
 *   rekognition IMAGE-ID WIDTHxHEIGHT EXTERNAL-IMAGE-ID
 *
 * the last part being left out where there is none. */
#include "server/rekognition.h"

#include "base/alloc.h"
#include "base/error.h"
#include "facet/privacy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN    "rekognition "
#define LABEL     "face "
#define USER_MARK "rekognition_user"

/* ---- Origins ------------------------------------------------------------------------------------ */

void srv_rk_write_origin(const srv_rk_origin *o, char *source, size_t size) {
    snprintf(source, size, ORIGIN "%s %dx%d%s%s", o->image_id, o->width, o->height, *o->external ? " " : "",
             o->external);
}

/* Reads a decimal number of up to six digits and moves behind it. */
static int take_size(const char **p) {
    int n = 0;
    for (int i = 0; i < 6 && **p >= '0' && **p <= '9'; i++, ++*p) n = n * 10 + **p - '0';
    return n;
}

static bool parse_origin(const char *p, srv_rk_origin *out) {
    size_t n = strlen(ORIGIN);
    if (strncmp(p, ORIGIN, n) != 0) return false;
    p += n;
    n = strspn(p, "0123456789abcdef-");
    if (n != SRV_UUID - 1 || p[n] != ' ') return false;
    memcpy(out->image_id, p, n);
    out->image_id[n] = 0;
    p += n + 1;
    out->width = take_size(&p);
    if (*p++ != 'x') return false;
    out->height = take_size(&p);
    if (*p == ' ' && strlen(p + 1) < sizeof out->external) strcpy(out->external, p + 1);
    else if (*p) return false;
    return true;
}

void srv_rk_read_origin(const fct_stored_face *f, const fct_person *p, srv_rk_origin *out) {
    *out = (srv_rk_origin){0};
    if (parse_origin(f->source, out)) return;
    *out = (srv_rk_origin){0};
    srv_uuid_of(f->id, out->image_id);
    out->image_id[23 - 1] = '1'; /* one of its own, beside the face's */
    if (!srv_rk_is_label(p->name)) snprintf(out->external, sizeof out->external, "%s", p->name);
}

/* ---- Labels ---------------------------------------------------------------------------------------- */

void srv_rk_label(const srv_rk_origin *o, bool alone, int64_t number, char out[201]) {
    if (alone && *o->external && strlen(o->external) <= SRV_RK_NAME) snprintf(out, 201, "%s", o->external);
    else snprintf(out, 201, LABEL "%s %lld", o->image_id, (long long)number);
}

bool srv_rk_is_label(const char *name) {
    size_t n = strlen(LABEL);
    return strncmp(name, LABEL, n) == 0 && strspn(name + n, "0123456789abcdef-") == SRV_UUID - 1;
}

/* ---- Users ------------------------------------------------------------------------------------------- */

/* Whether somebody has noted anything of the person beside faces and name. */
static fct_status read_details(srv_app *app, int64_t person_id, bool *user, bool *noted, fct_error *err) {
    fct_details d;
    fct_json_doc doc = {0};
    bool value = false;
    *user = *noted = false;
    fct_status s = fct_gallery_details(app->core.gallery, person_id, &d, err);
    if (s) return s;
    *noted = d.consented || strcmp(d.metadata, "{}") != 0;
    if (*noted && !(s = fct_json_parse(&doc, d.metadata, strlen(d.metadata), "metadata", err)))
        *user = fct_json_get_bool(fct_json_member(doc.values, USER_MARK), &value) && value;
    fct_json_free(&doc);
    fct_details_clear(&d);
    return s;
}

fct_status srv_rk_is_user(srv_app *app, int64_t person_id, bool *out, fct_error *err) {
    bool noted;
    return read_details(app, person_id, out, &noted, err);
}

fct_status srv_rk_set_user(srv_app *app, int64_t person_id, bool user, fct_error *err) {
    return fct_gallery_set_metadata(app->core.gallery, person_id, USER_MARK, user ? "true" : NULL, err);
}

fct_status srv_rk_find_face(srv_app *app, int64_t collection, const char *uuid, fct_stored_face *f, fct_person *p,
                            fct_error *err) {
    return srv_core_face(&app->core, collection, srv_uuid_id(uuid), f, p, err);
}

fct_status srv_rk_find_user(srv_app *app, const char *name, fct_person *p, fct_error *err) {
    bool user = false;
    fct_status s = fct_gallery_find(app->core.gallery, name, p, err);
    if (!s) s = srv_rk_is_user(app, p->id, &user, err);
    return s || user ? s : fct_fail(err, FCT_ERR_NOT_FOUND, "%s: is no user", name);
}

fct_status srv_rk_tidy(srv_app *app, int64_t person_id, fct_error *err) {
    fct_person p;
    bool user, noted = true;
    fct_status s = fct_gallery_person(app->core.gallery, person_id, &p, err);
    if (!s && !p.faces) s = read_details(app, person_id, &user, &noted, err);
    if (!s && !p.faces && !noted) s = fct_gallery_remove_person(app->core.gallery, person_id, err);
    return s == FCT_ERR_NOT_FOUND ? FCT_OK : s;
}

/* The id of the person of a name, who is made where there is none. */
static fct_status person_named(srv_app *app, const char *name, int64_t *id, fct_error *err) {
    fct_person p;
    fct_status s = fct_gallery_find(app->core.gallery, name, &p, err);
    *id = p.id;
    return s == FCT_ERR_NOT_FOUND ? fct_gallery_add_person(app->core.gallery, name, id, err) : s;
}

fct_status srv_rk_release(srv_app *app, const fct_stored_face *f, const fct_person *user, fct_error *err) {
    srv_rk_origin origin;
    char name[201];
    int64_t id;
    srv_rk_read_origin(f, user, &origin);
    srv_rk_label(&origin, strcmp(origin.external, user->name) != 0, -f->id, name);
    fct_status s = person_named(app, name, &id, err);
    return s ? s : fct_gallery_move_face(app->core.gallery, f->id, id, NULL, err);
}

/* ---- How they look --------------------------------------------------------------------------------------- */

void srv_rk_record(fct_json_writer *j, const char *key, const fct_stored_face *f, const fct_person *p, bool user) {
    srv_rk_origin o;
    char uuid[SRV_UUID];
    srv_uuid_of(f->id, uuid);
    srv_rk_read_origin(f, p, &o);
    fct_json_object(j, key);
    fct_json_text(j, "FaceId", uuid);
    if (o.width > 0 && o.height > 0) srv_rk_box(j, "BoundingBox", f->box, o.width, o.height);
    fct_json_text(j, "ImageId", o.image_id);
    if (*o.external) fct_json_text(j, "ExternalImageId", o.external);
    fct_json_number(j, "Confidence", 100.0 * f->score, 4);
    if (user) fct_json_text(j, "UserId", p->name);
    fct_json_close_object(j);
}

void srv_rk_user(fct_json_writer *j, const char *key, const fct_person *p) {
    fct_json_object(j, key);
    fct_json_text(j, "UserId", p->name);
    fct_json_text(j, "UserStatus", p->faces ? "ACTIVE" : "CREATED");
    fct_json_close_object(j);
}

void srv_rk_refusal(fct_json_writer *j, const char *uuid, const char *user, double confidence, const char *reason) {
    fct_json_object(j, NULL);
    fct_json_text(j, "FaceId", uuid);
    if (*user) fct_json_text(j, "UserId", user);
    if (confidence >= 0) fct_json_number(j, "Confidence", confidence, 4);
    fct_json_array(j, "Reasons");
    fct_json_text(j, NULL, reason);
    fct_json_close_array(j);
    fct_json_close_object(j);
}
