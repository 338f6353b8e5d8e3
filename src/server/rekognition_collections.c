/* Rekognition's collections: create, list, describe, delete. */
#include "server/rekognition.h"

#include "server/collections.h"
#include "server/facet_api.h"

#include <stdio.h>
#include <string.h>

#define ARN "arn:aws:rekognition:local:000000000000:collection/" /* no account, no region */
enum { PAGE = 4096 };

void srv_rk_create_collection(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    int64_t id;
    char arn[300], model[SRV_RK_MODEL];
    const char *name = srv_rk_name(r, form, "CollectionId", SRV_RK_NAME, true, out);
    if (!name) return;
    if (*r->collection) {
        srv_rk_fail(r, out, "AccessDeniedException", "this key is for one collection");
        return;
    }
    fct_status s = srv_collection_find(&app->core, name, &id, &e);
    if (!s || *name == '.') {
        srv_rk_fail(r, out, "ResourceAlreadyExistsException", "The collection id already exists");
        return;
    }
    if (s == FCT_ERR_NOT_FOUND) s = fct_gallery_add_collection(app->core.gallery, name, &id, &e);
    if (s) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_rk_begin(out, &j);
    fct_json_int(&j, "StatusCode", 200);
    snprintf(arn, sizeof arn, ARN "%s", name);
    fct_json_text(&j, "CollectionArn", arn);
    fct_json_text(&j, "FaceModelVersion", srv_rk_model(app, model));
    fct_json_close_object(&j);
}

/* What a collection is called in requests. */
static const char *name_of(const fct_collection *c) {
    return c->id == SRV_COLLECTION_DEFAULT ? SRV_DEFAULT_NAME : c->name;
}

/* Whether a collection's name can be a CollectionId, and the key may know of it. Those that are set apart begin with a
 * '.'. */
static bool is_shown(const srv_request *r, const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:";
    return *name != '.' && strspn(name, allowed) == strlen(name) &&
           (!*r->collection || strcmp(r->collection, name) == 0);
}

/* Keeps the collections that are shown, after an id, at most `most`. *more: others follow. */
static int choose(const srv_request *r, fct_collection *c, int n, int64_t after, int most, bool *more) {
    int kept = 0;
    *more = false;
    for (int i = 0; i < n && !*more; i++) {
        if (c[i].id <= after || !is_shown(r, name_of(&c[i]))) continue;
        *more = kept == most;
        if (!*more) c[kept++] = c[i];
    }
    return kept;
}

void srv_rk_list_collections(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_json_writer j;
    fct_collection *c;
    fct_error e;
    int n, most = PAGE;
    bool more;
    int64_t after[2];
    char model[SRV_RK_MODEL];
    if (!srv_rk_int(r, form, "MaxResults", 1, PAGE, &most, out) || !srv_rk_token(r, form, "collections", 0, after, out))
        return;
    if (fct_gallery_collections(app->core.gallery, &c, &n, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    n = choose(r, c, n, after[0], most, &more);
    srv_rk_begin(out, &j);
    fct_json_array(&j, "CollectionIds");
    for (int i = 0; i < n; i++) fct_json_text(&j, NULL, name_of(&c[i]));
    fct_json_close_array(&j);
    fct_json_array(&j, "FaceModelVersions");
    for (int i = 0; i < n; i++) fct_json_text(&j, NULL, srv_rk_model(app, model));
    fct_json_close_array(&j);
    if (more) srv_rk_write_token(&j, "collections", 0, (int64_t[2]){c[n - 1].id, 0});
    fct_json_close_object(&j);
    fct_gallery_collections_free(c);
}

/* Counts the faces of the people in a collection, and those who are users. */
static fct_status count(srv_app *app, int64_t *faces, int64_t *users, fct_error *err) {
    fct_person *p;
    int n;
    bool user;
    *faces = *users = 0;
    fct_status s = fct_gallery_people(app->core.gallery, &p, &n, err);
    for (int i = 0; i < n && !s; i++) {
        s = srv_rk_is_user(app, p[i].id, &user, err);
        if (s == FCT_ERR_NOT_FOUND) s = FCT_OK; /* removed meanwhile */
        *faces += p[i].faces;
        *users += user;
    }
    fct_gallery_people_free(p);
    return s;
}

/* When the collection was made; 0 where it is gone. */
static fct_status find_created(srv_app *app, int64_t id, int64_t *created, fct_error *err) {
    fct_collection *c;
    int n;
    *created = 0;
    fct_status s = fct_gallery_collections(app->core.gallery, &c, &n, err);
    for (int i = 0; i < n && !s; i++)
        if (c[i].id == id) *created = c[i].created;
    fct_gallery_collections_free(c);
    return s;
}

void srv_rk_describe_collection(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    int64_t id, faces, users, created;
    char model[SRV_RK_MODEL], arn[300];
    if (!srv_rk_collection(app, r, form, &id, out)) return;
    if (count(app, &faces, &users, &e) || find_created(app, id, &created, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_rk_begin(out, &j);
    fct_json_int(&j, "FaceCount", faces);
    fct_json_text(&j, "FaceModelVersion", srv_rk_model(app, model));
    snprintf(arn, sizeof arn, ARN "%s", fct_json_get_text(srv_form_json(form, "CollectionId")));
    fct_json_text(&j, "CollectionARN", arn);
    fct_json_int(&j, "CreationTimestamp", created);
    fct_json_int(&j, "UserCount", users);
    fct_json_close_object(&j);
}

void srv_rk_delete_collection(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    int64_t id;
    if (!srv_rk_collection(app, r, form, &id, out)) return;
    if (id == SRV_COLLECTION_DEFAULT) {
        srv_rk_fail(r, out, "InvalidParameterException", "the default collection stays");
        return;
    }
    if (srv_collection_remove(&app->core, id, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_rk_begin(out, &j);
    fct_json_int(&j, "StatusCode", 200);
    fct_json_close_object(&j);
}
