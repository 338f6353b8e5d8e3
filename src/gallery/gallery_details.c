/* Details of a person: metadata, consent and the retention date. The first two are one
 * JSON object in the store, which a sealed gallery encrypts as a whole:
 * {"metadata":{...},"consent":{"by":"...","text":"...","time":1700000000}}, where what is
 * not known is missing. */
#include "gallery/gallery_details.h"
#include "base/alloc.h"
#include "base/error.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include <string.h>

#define DETAILS_MAX 65536
#define KEY_MAX     64
#define BY_MAX      200
#define TEXT_MAX    4096
#define DEEPEST     16 /* objects inside each other */

/* ---- As text ------------------------------------------------------------------------- */

static bool write_value(fct_json_writer *w, const char *key, const fct_json *v, int depth);

static bool write_children(fct_json_writer *w, const fct_json *v, int depth) {
    bool good = depth < DEEPEST;
    for (const fct_json *c = fct_json_first(v); c && good; c = fct_json_next(v, c))
        good = write_value(w, c->key, c, depth + 1);
    return good;
}

/* Writes a value that was read; false where it is too deep. */
static bool write_value(fct_json_writer *w, const char *key, const fct_json *v, int depth) {
    bool good = true;
    int64_t whole;
    switch ((fct_json_kind)v->kind) {
    case FCT_JSON_NULL:
        return fct_json_null(w, key), true;
    case FCT_JSON_FALSE:
    case FCT_JSON_TRUE:
        return fct_json_bool(w, key, v->kind == FCT_JSON_TRUE), true;
    case FCT_JSON_NUMBER:
        if (fct_json_get_int(v, &whole)) fct_json_int(w, key, whole);
        else fct_json_double(w, key, v->number);
        return true;
    case FCT_JSON_TEXT:
        return fct_json_text(w, key, v->text), true;
    case FCT_JSON_ARRAY:
        fct_json_array(w, key);
        good = write_children(w, v, depth);
        fct_json_close_array(w);
        return good;
    default:
        fct_json_object(w, key);
        good = write_children(w, v, depth);
        fct_json_close_object(w);
        return good;
    }
}

bool fct_details_write(fct_json_writer *w, const char *key, const fct_json *v) { return write_value(w, key, v, 0); }

/* What is in the details that were read, or is to be in them. */
typedef struct details_parts {
    const fct_json *metadata, *consent; /* as they were */
    const char *key;                    /* the member that changes, NULL = none */
    const fct_json *value;              /* NULL = it goes */
    bool new_consent;                   /* by, text and time replace consent */
    const char *by, *text;              /* text NULL = none */
    int64_t time;
} details_parts;

/* Writes the details; false where they are too deep. */
static bool write_details(const details_parts *d, fct_buf *b) {
    fct_json_writer w;
    bool good = true;
    fct_json_to_buf(&w, b);
    fct_json_object(&w, NULL);
    fct_json_object(&w, "metadata");
    for (const fct_json *c = fct_json_first(d->metadata); c && good; c = fct_json_next(d->metadata, c))
        if (!d->key || strcmp(c->key, d->key) != 0) good = write_value(&w, c->key, c, 0);
    if (d->key && d->value) good &= write_value(&w, d->key, d->value, 0);
    fct_json_close_object(&w);
    if (d->new_consent && d->text) {
        fct_json_object(&w, "consent");
        fct_json_text(&w, "by", d->by);
        fct_json_text(&w, "text", d->text);
        fct_json_int(&w, "time", d->time);
        fct_json_close_object(&w);
    } else if (!d->new_consent && d->consent) good &= write_value(&w, "consent", d->consent, 0);
    fct_json_close_object(&w);
    return good;
}

static bool is_plain(const char *text, size_t most) {
    char clean[TEXT_MAX + 1];
    if (strnlen(text, most + 1) > most) return false;
    fct_text_clean(text, clean, most + 1);
    return strcmp(clean, text) == 0;
}

/* Whether consent is what write_details() writes. */
static bool is_consent(const fct_json *c) {
    const char *by = fct_json_get_text(fct_json_member(c, "by")), *text = fct_json_get_text(fct_json_member(c, "text"));
    int64_t time;
    return by && text && is_plain(by, BY_MAX) && is_plain(text, TEXT_MAX) &&
           fct_json_get_int(fct_json_member(c, "time"), &time);
}

fct_status fct_details_parse(fct_json_doc *doc, char *text, size_t size, const fct_json **metadata,
                             const fct_json **consent) {
    fct_json_fault fault;
    *metadata = *consent = NULL;
    if (!size) return FCT_OK;
    fct_status s = size <= DETAILS_MAX ? fct_json_read(doc, text, size, &fault) : FCT_ERR_FORMAT;
    if (s) return s == FCT_ERR_NOMEM ? s : FCT_ERR_FORMAT;
    *metadata = fct_json_member(doc->values, "metadata");
    *consent = fct_json_member(doc->values, "consent");
    bool good = fct_json_is(doc->values, FCT_JSON_OBJECT) && (!*metadata || fct_json_is(*metadata, FCT_JSON_OBJECT)) &&
                (!*consent || is_consent(*consent));
    return good ? FCT_OK : FCT_ERR_FORMAT;
}

/* ---- Reading -------------------------------------------------------------------------- */

/* The stored bytes of one person's details. */
typedef struct details_bytes {
    int64_t person_id;
    char *data; /* [size + 1], owned */
    size_t size;
    bool found;
} details_bytes;

static fct_status copy_details(void *ctx, const fct_store_person *p, fct_error *err) {
    details_bytes *d = ctx;
    fct_free(d->data);
    d->data = fct_alloc(p->details_size + 1);
    if (!d->data) return fct_fail_nomem(err, "details", p->details_size);
    if (p->details_size) memcpy(d->data, p->details, p->details_size);
    d->data[p->details_size] = 0;
    d->size = p->details_size;
    d->found = true;
    return FCT_OK;
}

static fct_status read_bytes(void *ctx, fct_store *st, fct_error *err) {
    details_bytes *d = ctx;
    fct_people_query q = {.ids = &d->person_id, .n = 1, .parts = FCT_PERSON_DETAILS};
    d->found = false;
    fct_status s = st->ops->people(st, &q, copy_details, d, err);
    if (s || d->found) return s;
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", st->place, (long long)d->person_id);
}

static fct_status parse_bytes(const fct_store *st, details_bytes *d, fct_json_doc *doc, details_parts *out,
                              fct_error *err) {
    fct_status s = fct_details_parse(doc, d->data, d->size, &out->metadata, &out->consent);
    if (s == FCT_ERR_NOMEM) return fct_fail_nomem(err, "details", d->size);
    if (!s) return FCT_OK;
    return fct_fail(err, s, "%s: the details of person %lld are damaged", st->place, (long long)d->person_id);
}

void fct_details_clear(fct_details *d) {
    fct_free(d->metadata);
    fct_free(d->consent_by);
    fct_free(d->consent_text);
    memset(d, 0, sizeof *d);
}

static fct_status show_details(const details_parts *parts, fct_details *out, fct_error *err) {
    fct_buf b = {0};
    fct_json_writer w;
    fct_json_to_buf(&w, &b);
    if (parts->metadata) write_value(&w, NULL, parts->metadata, 0);
    else fct_buf_text(&b, "{}");
    out->metadata = fct_buf_take(&b, NULL);
    bool room = out->metadata != NULL;
    out->consented = parts->consent != NULL;
    if (out->consented) {
        out->consent_by = fct_strdup(fct_json_get_text(fct_json_member(parts->consent, "by")));
        out->consent_text = fct_strdup(fct_json_get_text(fct_json_member(parts->consent, "text")));
        fct_json_get_int(fct_json_member(parts->consent, "time"), &out->consent_time);
        room = room && out->consent_by && out->consent_text;
    }
    if (room) return FCT_OK;
    fct_details_clear(out);
    return fct_fail_nomem(err, "details", 0);
}

fct_status fct_gallery_details(fct_gallery *g, int64_t person_id, fct_details *out, fct_error *err) {
    details_bytes d = {.person_id = person_id};
    details_parts parts = {0};
    fct_json_doc doc = {0};
    memset(out, 0, sizeof *out);
    fct_status s = fct_gallery_read(g, read_bytes, &d, err);
    if (!s) s = parse_bytes(g->reader, &d, &doc, &parts, err);
    if (!s) s = show_details(&parts, out, err);
    fct_json_free(&doc);
    fct_free(d.data);
    return s;
}

/* ---- Changing -------------------------------------------------------------------------- */

/* What is to be changed of a person. */
typedef struct details_call {
    details_parts change;
    details_bytes bytes;
    int64_t expires;
} details_call;

static fct_status put_details(fct_store *st, int64_t person_id, const details_parts *parts, fct_error *err) {
    fct_buf b = {0};
    size_t found;
    bool shallow = write_details(parts, &b);
    fct_store_person p = {.id = person_id, .details = b.data, .details_size = b.size};
    fct_status s = FCT_OK;
    if (b.failed) s = fct_fail_nomem(err, "details", b.size);
    else if (!shallow) s = fct_fail(err, FCT_ERR_LIMIT, "metadata: more than %d objects inside each other", DEEPEST);
    else if (b.size > DETAILS_MAX)
        s = fct_fail(err, FCT_ERR_LIMIT, "metadata: %zu bytes, %d are possible", b.size, DETAILS_MAX);
    if (!s) s = st->ops->people_update(st, &p, 1, FCT_PERSON_DETAILS, &found, err);
    fct_buf_free(&b);
    return s;
}

static fct_status change_details(void *ctx, fct_store *st, fct_error *err) {
    details_call *c = ctx;
    details_parts parts = c->change;
    fct_json_doc doc = {0};
    fct_status s = read_bytes(&c->bytes, st, err);
    if (!s) s = parse_bytes(st, &c->bytes, &doc, &parts, err);
    if (!s) s = put_details(st, c->bytes.person_id, &parts, err);
    if (!s) s = fct_audit_person(st, parts.new_consent ? "consent" : "metadata", c->bytes.person_id, err);
    fct_json_free(&doc);
    return s;
}

fct_status fct_gallery_set_metadata(fct_gallery *g, int64_t person_id, const char *key, const char *value,
                                    fct_error *err) {
    details_call c = {.bytes = {.person_id = person_id}, .change = {.key = key}};
    fct_json_doc doc = {0};
    fct_json_fault fault;
    size_t size = value ? strlen(value) : 0;
    if (!key || !*key || !is_plain(key, KEY_MAX))
        return fct_fail(err, FCT_ERR_ARG, "a key of metadata has 1 to %d bytes of UTF-8 without control characters",
                        KEY_MAX);
    if (size > DETAILS_MAX)
        return fct_fail(err, FCT_ERR_LIMIT, "metadata: %zu bytes, %d are possible", size, DETAILS_MAX);
    char *text = value ? fct_strdup(value) : NULL;
    if (value && !text) return fct_fail_nomem(err, "metadata", size);
    fct_status s = text ? fct_json_read(&doc, text, size, &fault) : FCT_OK;
    if (s == FCT_ERR_NOMEM) s = fct_fail_nomem(err, "metadata", size);
    else if (s) s = fct_fail(err, FCT_ERR_ARG, "metadata: the value of %s %s", key, fault.why);
    c.change.value = text && !s ? doc.values : NULL;
    if (!s) s = fct_gallery_write(g, change_details, &c, err);
    fct_json_free(&doc);
    fct_free(text);
    fct_free(c.bytes.data);
    return s;
}

fct_status fct_gallery_set_consent(fct_gallery *g, int64_t person_id, const char *by, const char *text, int64_t time,
                                   fct_error *err) {
    details_call c = {.bytes = {.person_id = person_id},
                      .change = {.new_consent = true, .by = by ? by : "", .text = text, .time = time}};
    if (text && (!is_plain(text, TEXT_MAX) || !is_plain(c.change.by, BY_MAX)))
        return fct_fail(err, FCT_ERR_ARG, "consent is UTF-8 without control characters, of at most %d bytes, by %d",
                        TEXT_MAX, BY_MAX);
    if (time < 0 || time > INT64_C(1) << 50) return fct_fail(err, FCT_ERR_ARG, "consent: not a time");
    fct_status s = fct_gallery_write(g, change_details, &c, err);
    fct_free(c.bytes.data);
    return s;
}

static fct_status set_expires(void *ctx, fct_store *st, fct_error *err) {
    const details_call *c = ctx;
    fct_store_person p = {.id = c->bytes.person_id, .expires = c->expires};
    size_t found = 0;
    fct_status s = st->ops->people_update(st, &p, 1, FCT_PERSON_EXPIRES, &found, err);
    if (!s && !found) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", st->place, (long long)p.id);
    return s ? s : fct_audit_person(st, "expires", p.id, err);
}

fct_status fct_gallery_set_expires(fct_gallery *g, int64_t person_id, int64_t expires, fct_error *err) {
    details_call c = {.bytes = {.person_id = person_id}, .expires = expires};
    if (expires < 0) return fct_fail(err, FCT_ERR_ARG, "a retention date of before 1970");
    return fct_gallery_write(g, set_expires, &c, err);
}
