/* Collections: list, create, show, change, remove. */
#include "server/facet_api.h"

#include "base/alloc.h"
#include "base/error.h"
#include "facet/privacy.h"
#include "text/json_copy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MOST = 1000, METADATA_MOST = 4000, DEEPEST = 12 };

/* ---- Showing -------------------------------------------------------------------------------------- */

static fct_status count_unknown(srv_core *c, int64_t id, int64_t *groups, fct_error *err) {
    int64_t faces, there;
    *groups = 0;
    fct_status s = srv_unknown_place(c, id, false, &there, err);
    return s || !there ? s : fct_gallery_collection_count(c->gallery, there, groups, &faces, err);
}

/* Writes a collection, in which the thread works from now on. */
static fct_status write_collection(fct_json_writer *j, const char *key, srv_app *app, const fct_collection *c,
                                   fct_error *err) {
    srv_collection x = {0};
    int64_t people = 0, faces = 0, groups = 0;
    srv_work_in(c->id);
    fct_status s = srv_collection_read(&app->core, c->id, &x, err);
    if (!s) s = fct_gallery_collection_count(app->core.gallery, c->id, &people, &faces, err);
    if (!s) s = count_unknown(&app->core, c->id, &groups, err);
    if (s) return srv_collection_clear(&x), s;
    const char *id = c->id == SRV_COLLECTION_DEFAULT ? SRV_DEFAULT_NAME : c->name;
    fct_json_object(j, key);
    fct_json_text(j, "id", id);
    fct_json_text(j, "name", x.title ? x.title : id);
    fct_json_text(j, "description", x.description ? x.description : "");
    fct_json_raw(j, "metadata", x.metadata ? x.metadata : "{}");
    fct_json_number(j, "default_threshold", srv_core_threshold(&app->core), 6);
    fct_json_number(j, "threshold", x.own, 6); /* NAN: null */
    fct_json_text(j, "model_id", fct_pack_name(app->core.pack));
    fct_json_text(j, "model_digest", fct_pack_embedder_id(app->core.pack));
    fct_json_int(j, "embedding_dimension", fct_pack_embedding_dim(app->core.pack));
    fct_json_text(j, "embedding_contract_id", fct_pack_embedder_id(app->core.pack));
    fct_json_bool(j, "save_face_crops", x.save_crops);
    fct_json_bool(j, "keep_unknown", x.keep_unknown);
    fct_json_int(j, "unknown_days", x.unknown_days);
    fct_json_int(j, "person_count", people);
    fct_json_int(j, "face_count", faces);
    fct_json_int(j, "unknown_count", groups);
    fct_json_date(j, "created_at", c->created);
    fct_json_close_object(j);
    srv_collection_clear(&x);
    return FCT_OK;
}

static fct_status write_page(fct_json_writer *j, srv_app *app, srv_page *page, fct_error *err) {
    fct_collection *list;
    int n, shown = 0;
    int64_t last = 0;
    fct_status s = fct_gallery_collections(app->core.gallery, &list, &n, err);
    fct_json_array(j, "collections");
    for (int i = 0; i < n && !s; i++) {
        if (list[i].id <= page->after || list[i].name[0] == '.') continue;
        if (shown++ == page->limit) {
            page->next = last;
            break;
        }
        last = list[i].id;
        s = write_collection(j, NULL, app, &list[i], err);
    }
    fct_json_close_array(j);
    fct_gallery_collections_free(list);
    return s;
}

void srv_do_collections(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    fct_error e;
    srv_page page;
    if (!srv_read_page(r, &page, out)) return;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_status s = write_page(&j, app, &page, &e);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    if (s) srv_fail_call(r, out, &e);
}

static void answer(srv_app *app, const srv_request *r, int64_t id, int status, srv_reply *out) {
    fct_json_writer j;
    fct_collection *list;
    fct_error e;
    int n, at = 0;
    fct_status s = fct_gallery_collections(app->core.gallery, &list, &n, &e);
    while (at < n && list[at].id != id) at++;
    if (!s && at == n) s = fct_fail(&e, FCT_ERR_NOT_FOUND, "there is no such collection");
    srv_reply_json(out, status, &j);
    fct_json_object(&j, NULL);
    if (!s) s = write_collection(&j, "collection", app, &list[at], &e);
    srv_json_close(&j, r, false);
    fct_gallery_collections_free(list);
    if (s) srv_fail_call(r, out, &e);
}

void srv_do_collection(srv_app *app, srv_request *r, srv_reply *out) {
    if (srv_collection_of(app, r, out)) answer(app, r, srv_place(), 200, out);
}

/* ---- Changing ---------------------------------------------------------------------------------------- */

/* What a request says of a collection. */
typedef struct collection_terms {
    const char *title, *description; /* NULL = nothing */
    char *metadata;                  /* owned; NULL = nothing */
    bool has_crops, crops, has_unknown, unknown;
    int days; /* 0 = nothing */
    bool has_threshold;
    double threshold; /* NAN = none any more */
} collection_terms;

static bool refuse(const srv_request *r, srv_reply *out, const char *text) {
    srv_fail(r, out, 400, "invalid_request", text);
    return false;
}

/* A text without control characters, of at most TEXT_MOST bytes. */
static bool is_text(const char *text, size_t most) {
    for (const char *p = text; p && *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) return false;
    return !text || strlen(text) <= most;
}

static bool read_metadata(const srv_request *r, const fct_json *v, collection_terms *t, srv_reply *out) {
    fct_buf b = {0};
    fct_json_writer j;
    fct_json_to_buf(&j, &b);
    bool fine = fct_json_is(v, FCT_JSON_OBJECT) && fct_json_copy(&j, NULL, v, DEEPEST) && b.size <= METADATA_MOST;
    if (fine) t->metadata = fct_buf_take(&b, NULL);
    fct_buf_free(&b);
    if (t->metadata) return true;
    if (!fine) return refuse(r, out, "metadata: is no JSON object of at most 4,000 bytes");
    srv_fail(r, out, 503, "not_ready", "out of memory");
    return false;
}

#define MEMBERS "name|description|threshold?|metadata|save_face_crops|keep_unknown|unknown_days"

static bool read_terms(const srv_request *r, srv_form *form, collection_terms *t, srv_reply *out) {
    fct_error e;
    const fct_json *threshold = srv_form_json(form, "threshold"), *metadata = srv_form_json(form, "metadata");
    *t = (collection_terms){.threshold = NAN};
    if (form->kind != SRV_FORM_JSON) {
        srv_fail(r, out, 415, "invalid_request", "a collection comes as JSON");
        return false;
    }
    t->title = srv_form_text(form, "name");
    t->description = srv_form_text(form, "description");
    t->has_threshold = threshold != NULL;
    t->has_crops = srv_form_json(form, "save_face_crops") != NULL;
    t->has_unknown = srv_form_json(form, "keep_unknown") != NULL;
    fct_status s = srv_form_bool(form, "save_face_crops", &t->crops, &e);
    if (!s) s = srv_form_bool(form, "keep_unknown", &t->unknown, &e);
    if (!s) s = srv_form_int(form, "unknown_days", 1, 3650, &t->days, &e);
    if (!s && threshold && !fct_json_is(threshold, FCT_JSON_NULL))
        s = srv_form_number(form, "threshold", -1, 1, &t->threshold, &e);
    if (s) {
        srv_fail_form(r, out, &e);
        return false;
    }
    if (!is_text(t->title, 200) || (t->title && !*t->title) || (srv_form_json(form, "name") && !t->title))
        return refuse(r, out, "name: is no text of 1 to 200 bytes without control characters");
    if (!is_text(t->description, TEXT_MOST) || (srv_form_json(form, "description") && !t->description))
        return refuse(r, out, "description: is no text of at most 1,000 bytes without control characters");
    return !metadata || read_metadata(r, metadata, t, out);
}

static fct_status store_terms(srv_core *c, int64_t id, const collection_terms *t, fct_error *err) {
    char number[32] = "";
    fct_status s = FCT_OK;
    if (t->title) s = fct_gallery_set_setting(c->gallery, id, "title", t->title, err);
    if (!s && t->description) s = fct_gallery_set_setting(c->gallery, id, "description", t->description, err);
    if (!s && t->metadata) s = fct_gallery_set_setting(c->gallery, id, "metadata", t->metadata, err);
    if (!s && t->has_crops) s = srv_setting_set_int(c, id, "crops", t->crops, err);
    if (!s && t->has_unknown) s = srv_setting_set_int(c, id, "unknown", t->unknown, err);
    if (!s && t->days) s = srv_setting_set_int(c, id, "unknown.days", t->days, err);
    if (!isnan(t->threshold)) srv_decimal(t->threshold, number);
    if (!s && t->has_threshold)
        s = fct_gallery_set_setting(c->gallery, id, "threshold", isnan(t->threshold) ? NULL : number, err);
    return s;
}

static void change(srv_app *app, srv_request *r, srv_form *form, int64_t id, int status, srv_reply *out) {
    collection_terms t;
    fct_error e;
    if (read_terms(r, form, &t, out)) {
        if (store_terms(&app->core, id, &t, &e)) srv_fail_call(r, out, &e);
        else answer(app, r, id, status, out);
    }
    fct_free(t.metadata);
}

void srv_do_collection_change(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    if (srv_collection_of(app, r, out) && srv_read_form(r, &form, MEMBERS, out))
        change(app, r, &form, srv_place(), 200, out);
    srv_form_free(&form);
}

static bool is_id(const char *text) {
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = text ? strlen(text) : 0;
    return n >= 1 && n <= 64 && strspn(text, more) == n && !strchr("._-", text[0]);
}

static void create(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    const char *text = srv_form_text(form, "id");
    collection_terms t = {0};
    int64_t id;
    fct_error e;
    bool fine = read_terms(r, form, &t, out);
    fct_free(t.metadata); /* only looked at: nothing is made for a request that is faulty */
    if (!fine) return;
    if (!is_id(text)) {
        refuse(r, out,
               !text ? "id: is missing"
                     : "id: is no word of letters, digits, '.', '_' and '-' with at most 64 of them");
        return;
    }
    fct_status s = fct_gallery_find_collection(app->core.gallery, text, &id, &e);
    if (!s && !r->again) srv_fail(r, out, 409, "collection_exists", "there is a collection with this id");
    else if (s && s != FCT_ERR_NOT_FOUND) srv_fail_call(r, out, &e);
    else if (s && fct_gallery_add_collection(app->core.gallery, text, &id, &e)) srv_fail_call(r, out, &e);
    else {
        snprintf(out->location, sizeof out->location, "/v1/collections/%s", text);
        change(app, r, form, id, 201, out);
    }
}

void srv_do_collection_create(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    if (srv_read_form(r, &form, "id|" MEMBERS, out)) create(app, r, &form, out);
    srv_form_free(&form);
}

/* ---- Removing -------------------------------------------------------------------------------------------- */

/* People who were removed from the collection and could be restored: they go for good. */
static fct_status forget_removed(srv_core *c, int64_t id, fct_error *err) {
    fct_removed *list;
    int n, kept = 0;
    fct_status s = fct_gallery_removed(c->gallery, &list, &n, err);
    int64_t *ids = s ? NULL : fct_alloc(((size_t)n + 1) * sizeof *ids);
    if (!s && !ids) s = fct_fail_nomem(err, "people", 0);
    for (int i = 0; i < n && !s; i++)
        if (list[i].collection_id == id) ids[kept++] = list[i].id;
    if (!s && kept) s = srv_core_forget(c, ids, kept, err);
    fct_gallery_removed_free(list);
    fct_free(ids);
    return s;
}

fct_status srv_collection_remove(srv_core *c, int64_t id, fct_error *err) {
    int64_t place;
    fct_status s = srv_unknown_place(c, id, false, &place, err);
    if (!s && place) s = fct_gallery_remove_collection(c->gallery, place, NULL, err);
    if (!s) s = forget_removed(c, id, err);
    return s ? s : fct_gallery_remove_collection(c->gallery, id, NULL, err);
}

void srv_do_collection_remove(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form query = {.request = r};
    fct_error e;
    bool force = false;
    int64_t people, groups, faces, id;
    if (srv_form_bool(&query, "force", &force, &e)) {
        srv_fail_form(r, out, &e);
        return;
    }
    if (!srv_collection_of(app, r, out)) return;
    id = srv_place();
    fct_status s = fct_gallery_collection_count(app->core.gallery, id, &people, &faces, &e);
    if (!s) s = count_unknown(&app->core, id, &groups, &e);
    srv_work_in(SRV_COLLECTION_DEFAULT);
    if (!s && id == SRV_COLLECTION_DEFAULT) srv_fail(r, out, 409, "collection_stays", "the default collection stays");
    else if (!s && !force && (people || groups))
        srv_fail(r, out, 409, "collection_not_empty", "there are people in it; force=true removes them too");
    else if (s || srv_collection_remove(&app->core, id, &e)) srv_fail_call(r, out, &e);
    else out->status = 204;
}
