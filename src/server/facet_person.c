#include "server/facet_person.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "text/dates.h"
#include "text/json_copy.h"

#include <string.h>

enum { EXTERNAL_MOST = 200, METADATA_MOST = 60000, DEEPEST = 12 };

/* ---- Showing -------------------------------------------------------------------------------------- */

/* Writes the metadata, and the external id beside it. text is changed. */
static void write_metadata(fct_json_writer *j, char *text) {
    fct_json_doc doc = {0};
    fct_json_fault fault;
    fct_status s = text ? fct_json_read(&doc, text, strlen(text), &fault) : FCT_ERR_NOT_FOUND;
    if (s == FCT_ERR_NOMEM) j->buf->failed = true;
    const fct_json *root = s ? NULL : doc.values;
    fct_json_text(j, SRV_EXTERNAL_ID, fct_json_get_text(fct_json_member(root, SRV_EXTERNAL_ID)));
    fct_json_object(j, "metadata");
    for (const fct_json *c = root ? fct_json_first(root) : NULL; c; c = fct_json_next(root, c))
        if (strcmp(c->key, SRV_EXTERNAL_ID) != 0) fct_json_copy(j, c->key, c, DEEPEST + 4);
    fct_json_close_object(j);
    fct_json_free(&doc);
}

static void write_consent(fct_json_writer *j, const fct_details *d) {
    if (!d->consented) {
        fct_json_null(j, "consent");
        return;
    }
    fct_json_object(j, "consent");
    fct_json_text(j, "by", d->consent_by);
    fct_json_text(j, "text", d->consent_text);
    fct_json_date(j, "at", d->consent_time);
    fct_json_close_object(j);
}

/* Of somebody who was removed meanwhile, nothing more is known. */
void srv_json_person(fct_json_writer *j, srv_app *app, const char *key, const fct_person *p) {
    fct_details d;
    fct_error e;
    if (fct_gallery_details(app->core.gallery, p->id, &d, &e) == FCT_ERR_NOMEM) j->buf->failed = true;
    fct_json_object(j, key);
    srv_json_id(j, "id", p->id);
    fct_json_text(j, "name", p->name);
    write_metadata(j, d.metadata);
    fct_json_int(j, "face_count", p->faces);
    fct_json_date(j, "created_at", p->created);
    fct_json_null(j, "updated_at");
    if (p->expires) fct_json_date(j, "expires_at", p->expires);
    else fct_json_null(j, "expires_at");
    write_consent(j, &d);
    fct_json_close_object(j);
    fct_details_clear(&d);
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

static bool refuse(const srv_request *r, srv_reply *out, const char *text) {
    srv_fail(r, out, 400, "invalid_request", text);
    return false;
}

/* Takes a member that may be null: *has tells whether it is there. False where it is neither text nor null. */
static bool take_text(srv_form *form, const char *name, bool *has, const char **text) {
    const fct_json *v = srv_form_json(form, name);
    *text = srv_form_text(form, name);
    *has = v || *text;
    return !v || *text || fct_json_is(v, FCT_JSON_NULL);
}

/* Copies a metadata object, which a form has as text. */
static bool copy_metadata(const fct_json *v, srv_person_terms *t, fct_buf *b) {
    fct_json_writer j;
    fct_json_to_buf(&j, b);
    return fct_json_is(v, FCT_JSON_OBJECT) && !fct_json_member(v, SRV_EXTERNAL_ID) &&
           fct_json_copy(&j, NULL, v, DEEPEST) && b->size <= METADATA_MOST;
}

static bool read_metadata(const srv_request *r, srv_form *form, srv_person_terms *t, srv_reply *out) {
    const fct_json *v = srv_form_json(form, "metadata");
    const char *text = v ? NULL : srv_form_text(form, "metadata");
    fct_json_doc doc = {0};
    fct_json_fault fault;
    fct_buf b = {0};
    char *copy = NULL;
    if (!v && !text) return true;
    t->has_metadata = true;
    bool fine = v && copy_metadata(v, t, &b);
    if (text && (copy = fct_strdup(text)) && !fct_json_read(&doc, copy, strlen(copy), &fault))
        fine = copy_metadata(doc.values, t, &b);
    if (fine) t->metadata = fct_buf_take(&b, NULL);
    fct_json_free(&doc);
    fct_free(copy);
    fct_buf_free(&b);
    if (t->metadata) return true;
    if (fine || (text && !copy)) srv_fail(r, out, 503, "not_ready", "out of memory");
    else refuse(r, out, "metadata: is no JSON object of at most 60,000 bytes without \"external_id\"");
    return false;
}

static bool read_expires(const srv_request *r, srv_form *form, srv_person_terms *t, srv_reply *out) {
    const char *text;
    if (!take_text(form, "expires_at", &t->has_expires, &text) || (text && !fct_date_read(text, &t->expires)))
        return refuse(r, out, "expires_at: is no date, such as 2027-01-31 or 2027-01-31T14:05:09Z");
    return true;
}

/* Finds the consent of a request; *v: NULL where there is none. A form has it as text that is JSON, of which the terms
 * keep a copy. False, with an answer, where that is no JSON. */
static bool find_consent(const srv_request *r, srv_form *form, srv_person_terms *t, const fct_json **v,
                         srv_reply *out) {
    fct_error e;
    *v = srv_form_json(form, "consent");
    const char *text = *v ? NULL : srv_form_text(form, "consent");
    if (!text) return true;
    fct_status s = (t->consent_copy = fct_strdup(text)) ? FCT_OK : fct_fail_nomem(&e, "consent", 0);
    if (!s) s = fct_json_parse(&t->consent_doc, t->consent_copy, strlen(text), "consent", &e);
    if (s) srv_fail_form(r, out, &e);
    else *v = t->consent_doc.values;
    return !s;
}

static bool read_consent(const srv_request *r, srv_form *form, srv_person_terms *t, srv_reply *out) {
    const fct_json *v;
    if (!find_consent(r, form, t, &v, out)) return false;
    if (!v) return true;
    t->has_consent = true;
    t->consent_time = fct_time_unix();
    if (fct_json_is(v, FCT_JSON_NULL)) return true;
    if (!fct_json_is(v, FCT_JSON_OBJECT)) return refuse(r, out, "consent: is no object");
    for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c)) {
        const char *text = fct_json_get_text(c);
        if (text && strcmp(c->key, "text") == 0) t->consent = text;
        else if (text && strcmp(c->key, "by") == 0) t->consent_by = text;
        else if (!text || strcmp(c->key, "at") != 0 || !fct_date_read(text, &t->consent_time))
            return refuse(r, out, "consent: has a member that is not by, text or at, or that is no such thing");
    }
    return (t->consent && *t->consent) || refuse(r, out, "consent: text is missing");
}

bool srv_person_terms_read(const srv_request *r, srv_form *form, srv_person_terms *t, srv_reply *out) {
    *t = (srv_person_terms){0};
    const fct_json *name = srv_form_json(form, "name");
    t->name = srv_form_text(form, "name");
    t->has_name = t->name != NULL;
    if (name && !t->name) return refuse(r, out, "name: is no text");
    if (!take_text(form, SRV_EXTERNAL_ID, &t->has_external, &t->external) ||
        (t->external && (!*t->external || strlen(t->external) > EXTERNAL_MOST)))
        return refuse(r, out, "external_id: is no text of 1 to 200 bytes");
    return read_metadata(r, form, t, out) && read_expires(r, form, t, out) && read_consent(r, form, t, out);
}

void srv_person_terms_free(srv_person_terms *t) {
    fct_free(t->metadata);
    fct_json_free(&t->consent_doc);
    fct_free(t->consent_copy);
    *t = (srv_person_terms){0};
}

/* ---- Storing ------------------------------------------------------------------------------------------ */

bool srv_external_is_free(srv_app *app, const srv_request *r, const char *external, int64_t but, srv_reply *out) {
    fct_person p;
    fct_error e;
    fct_status s = fct_gallery_find_metadata(app->core.gallery, SRV_EXTERNAL_ID, external, &p, &e);
    if (s == FCT_ERR_NOT_FOUND || (!s && p.id == but)) return true;
    if (s) srv_fail_call(r, out, &e);
    else srv_fail_external(r, out);
    return false;
}

bool srv_external_fits(srv_app *app, const srv_request *r, int64_t person, int64_t collection, srv_reply *out) {
    fct_details d;
    fct_json_doc doc = {0};
    fct_json_fault fault;
    fct_error e;
    bool fits = true;
    int64_t before = srv_place();
    if (fct_gallery_details(app->core.gallery, person, &d, &e)) {
        srv_fail_call(r, out, &e);
        return false;
    }
    bool full = fct_json_read(&doc, d.metadata, strlen(d.metadata), &fault) == FCT_ERR_NOMEM;
    const char *external = full ? NULL : fct_json_get_text(fct_json_member(doc.values, SRV_EXTERNAL_ID));
    srv_work_in(collection);
    if (full) srv_fail(r, out, 503, "not_ready", "out of memory");
    else if (external) fits = srv_external_is_free(app, r, external, person, out);
    srv_work_in(before);
    fct_json_free(&doc);
    fct_details_clear(&d);
    return fits && !full;
}

void srv_fail_external(const srv_request *r, srv_reply *out) {
    srv_fail(r, out, 409, "external_id_exists", "somebody else of the collection has this external_id");
}

/* Puts new metadata and the external id together; what a request does not say stays. *out is owned. */
static fct_status compose(srv_core *c, int64_t person_id, const srv_person_terms *t, char **out, fct_error *err) {
    fct_details d;
    fct_json_doc old = {0}, given = {0};
    fct_json_fault fault;
    fct_json_writer j;
    fct_buf b = {0};
    char *copy = t->metadata ? fct_strdup(t->metadata) : NULL;
    *out = NULL;
    fct_status s = fct_gallery_details(c->gallery, person_id, &d, err);
    if (!s && t->metadata && !copy) s = fct_fail_nomem(err, "metadata", 0);
    if (!s && fct_json_read(&old, d.metadata, strlen(d.metadata), &fault)) s = fct_fail_nomem(err, "metadata", 0);
    if (!s && copy && fct_json_read(&given, copy, strlen(copy), &fault)) s = fct_fail_nomem(err, "metadata", 0);
    const fct_json *members = s ? NULL : copy ? given.values : old.values;
    const char *kept = s ? NULL : fct_json_get_text(fct_json_member(old.values, SRV_EXTERNAL_ID));
    const char *external = t->has_external ? t->external : kept;
    if (!s && t->is_new && kept && external && strcmp(kept, external) != 0)
        s = fct_fail(err, FCT_ERR_EXISTS, "somebody of this name was made at the same time");
    fct_json_to_buf(&j, &b);
    fct_json_object(&j, NULL);
    for (const fct_json *m = members ? fct_json_first(members) : NULL; m; m = fct_json_next(members, m))
        if (strcmp(m->key, SRV_EXTERNAL_ID) != 0) fct_json_copy(&j, m->key, m, DEEPEST + 2);
    if (external) fct_json_text(&j, SRV_EXTERNAL_ID, external);
    fct_json_close_object(&j);
    if (!s && !(*out = fct_buf_take(&b, NULL))) s = fct_fail_nomem(err, "metadata", 0);
    fct_buf_free(&b);
    fct_json_free(&old);
    fct_json_free(&given);
    fct_details_clear(&d);
    fct_free(copy);
    return s;
}

fct_status srv_person_terms_store(srv_core *c, int64_t person_id, const srv_person_terms *t, fct_error *err) {
    char *metadata = NULL;
    bool changes = t->has_metadata || t->has_external;
    fct_status s = changes ? compose(c, person_id, t, &metadata, err) : FCT_OK;
    const char *unique = t->external ? SRV_EXTERNAL_ID : NULL;
    if (!s && changes) s = fct_gallery_replace_metadata(c->gallery, person_id, metadata, unique, err);
    if (!s && t->has_expires) s = fct_gallery_set_expires(c->gallery, person_id, t->expires, err);
    if (!s && t->has_consent)
        s = fct_gallery_set_consent(c->gallery, person_id, t->consent_by, t->consent, t->consent_time, err);
    fct_free(metadata);
    return s;
}
