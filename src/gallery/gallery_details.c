/* Details of a person: metadata, consent and the retention date. The first two are one
 * JSON object in the store, which a sealed gallery encrypts as a whole:
 * {"metadata":{...},"consent":{"by":"...","text":"...","time":1700000000}}, where what is
 * not known is missing. Of a removed person there is also
 * "removed":{"name":"...","collection":1,"expires":0,"time":1700000000}. */
#include "gallery/gallery_details.h"
#include "base/alloc.h"
#include "base/error.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include <string.h>

#define DETAILS_MAX 65536
#define NOTE_MAX    2048 /* what "removed" may take besides */
#define KEY_MAX     64
#define BY_MAX      200
#define TEXT_MAX    4096
#define DEEPEST     16 /* objects inside each other */

/* ---- As text ------------------------------------------------------------------------- */

bool fct_details_write(fct_json_writer *w, const char *key, const fct_json *v) {
    return fct_json_copy(w, key, v, DEEPEST);
}

/* What is in the details that were read, or is to be in them. */
typedef struct details_parts {
    const fct_json *metadata, *consent; /* as they were */
    const char *key;                    /* the member that changes, NULL = none */
    const fct_json *value;              /* NULL = it goes */
    const fct_json *whole;              /* all metadata, instead of what was there; NULL = that stays */
    bool new_consent;                   /* by, text and time replace consent */
    const char *by, *text;              /* text NULL = none */
    int64_t time;
    const fct_json *removed; /* as it was */
    bool new_removed;        /* note replaces removed */
    const fct_removed_note *note;
} details_parts;

static void write_note(fct_json_writer *w, const fct_removed_note *note) {
    fct_json_object(w, "removed");
    fct_json_text(w, "name", note->name);
    fct_json_int(w, "collection", note->collection_id);
    fct_json_int(w, "expires", note->expires);
    fct_json_int(w, "time", note->time);
    fct_json_close_object(w);
}

/* Writes the details; false where they are too deep. */
static bool write_details(const details_parts *d, fct_buf *b) {
    fct_json_writer w;
    bool good = true;
    fct_json_to_buf(&w, b);
    fct_json_object(&w, NULL);
    fct_json_object(&w, "metadata");
    const fct_json *members = d->whole ? d->whole : d->metadata;
    for (const fct_json *c = fct_json_first(members); c && good; c = fct_json_next(members, c))
        if (!d->key || strcmp(c->key, d->key) != 0) good = fct_details_write(&w, c->key, c);
    if (d->key && d->value) good &= fct_details_write(&w, d->key, d->value);
    fct_json_close_object(&w);
    if (d->new_consent && d->text) {
        fct_json_object(&w, "consent");
        fct_json_text(&w, "by", d->by);
        fct_json_text(&w, "text", d->text);
        fct_json_int(&w, "time", d->time);
        fct_json_close_object(&w);
    } else if (!d->new_consent && d->consent) good &= fct_details_write(&w, "consent", d->consent);
    if (d->new_removed && d->note) write_note(&w, d->note);
    else if (!d->new_removed && d->removed) good &= fct_details_write(&w, "removed", d->removed);
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
    fct_status s = size <= DETAILS_MAX + NOTE_MAX ? fct_json_read(doc, text, size, &fault) : FCT_ERR_FORMAT;
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
    int64_t person_id, collection_id;
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
    d->collection_id = p->collection_id;
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
    out->removed = doc->n ? fct_json_member(doc->values, "removed") : NULL;
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
    if (parts->metadata) fct_details_write(&w, NULL, parts->metadata);
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

/* ---- Finding ---------------------------------------------------------------------------------- */

/* A search for who has a text in the metadata. */
typedef struct metadata_finder {
    const char *key, *text;
    fct_buf needle; /* how both stand in the details; owned */
    int64_t collection_id;
    int64_t but; /* not this person; 0 = anybody */
    int64_t found;
    fct_apart apart;
} metadata_finder;

static fct_status look_at_details(void *ctx, const fct_store_person *p, fct_error *err) {
    metadata_finder *f = ctx;
    details_bytes bytes = {.person_id = p->id};
    const fct_json *metadata, *consent;
    fct_json_doc doc = {0};
    if (f->found || p->id == f->but || p->details_size < f->needle.size || fct_apart_has(&f->apart, p->collection_id))
        return FCT_OK;
    const char *at = p->details, *end = at + p->details_size - f->needle.size;
    while (at <= end && memcmp(at, f->needle.data, f->needle.size) != 0) at++;
    if (at > end) return FCT_OK;
    fct_status s = copy_details(&bytes, p, err);
    if (s) return s;
    s = fct_details_parse(&doc, bytes.data, bytes.size, &metadata, &consent);
    const char *text = s ? NULL : fct_json_get_text(fct_json_member(metadata, f->key));
    if (text && strcmp(text, f->text) == 0) f->found = p->id;
    fct_json_free(&doc);
    fct_free(bytes.data);
    return s == FCT_ERR_NOMEM ? fct_fail_nomem(err, "details", p->details_size) : FCT_OK;
}

/* Writes key and text as they stand in details. */
static fct_status make_needle(metadata_finder *f, fct_error *err) {
    fct_json_writer w;
    fct_json_to_buf(&w, &f->needle);
    fct_json_object(&w, NULL);
    fct_json_text(&w, f->key, f->text);
    if (f->needle.failed) return fct_fail_nomem(err, "metadata", 0);
    memmove(f->needle.data, f->needle.data + 1, f->needle.size); /* without the brace */
    f->needle.size--;
    return FCT_OK;
}

static void clear_finder(metadata_finder *f) {
    fct_apart_clear(&f->apart);
    fct_buf_free(&f->needle);
}

/* Inside a transaction: f->found is who has the text, 0 = nobody. */
static fct_status look_for(metadata_finder *f, fct_store *st, fct_error *err) {
    fct_people_query q = {.collection_id = f->collection_id, .parts = FCT_PERSON_DETAILS};
    f->found = 0;
    fct_status s = fct_apart_load(st, f->collection_id, &f->apart, err);
    return s ? s : st->ops->people(st, &q, look_at_details, f, err);
}

static fct_status find_in_metadata(void *ctx, fct_store *st, fct_error *err) {
    metadata_finder *f = ctx;
    fct_status s = look_for(f, st, err);
    if (s || f->found) return s;
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: nobody has this %s", st->place, f->key);
}

fct_status fct_gallery_find_metadata(fct_gallery *g, const char *key, const char *text, fct_person *out,
                                     fct_error *err) {
    metadata_finder f = {.key = key, .text = text, .collection_id = fct_gallery_home(g)};
    memset(out, 0, sizeof *out);
    fct_status s = make_needle(&f, err);
    if (!s) s = fct_gallery_read(g, find_in_metadata, &f, err);
    if (!s) s = fct_gallery_person(g, f.found, out, err);
    clear_finder(&f);
    return s;
}

/* ---- Changing -------------------------------------------------------------------------- */

/* What is to be changed of a person. */
typedef struct details_call {
    details_parts change;
    details_bytes bytes;
    int64_t expires;
    const char *unique; /* a member of the metadata that nobody else may have; NULL = none */
} details_call;

static fct_status put_details(fct_store *st, int64_t person_id, const details_parts *parts, fct_error *err) {
    fct_buf b = {0};
    size_t found;
    bool shallow = write_details(parts, &b);
    fct_store_person p = {.id = person_id, .details = b.data, .details_size = b.size};
    fct_status s = FCT_OK;
    if (b.failed) s = fct_fail_nomem(err, "details", b.size);
    else if (!shallow) s = fct_fail(err, FCT_ERR_LIMIT, "metadata: more than %d objects inside each other", DEEPEST);
    else if (b.size > DETAILS_MAX + (parts->removed || parts->note ? NOTE_MAX : 0))
        s = fct_fail(err, FCT_ERR_LIMIT, "metadata: %zu bytes, %d are possible", b.size, DETAILS_MAX);
    if (!s) s = st->ops->people_update(st, &p, 1, FCT_PERSON_DETAILS, &found, err);
    fct_buf_free(&b);
    return s;
}

/* FCT_ERR_EXISTS where somebody else of the collection has this text (NULL = none) under the key. Since transactions
 * that write keep others out, or fail where others came between, nobody else has it after the commit either. */
static fct_status check_alone(fct_store *st, int64_t person_id, int64_t collection_id, const char *key,
                              const char *text, fct_error *err) {
    metadata_finder f = {.key = key, .text = text, .collection_id = collection_id, .but = person_id};
    if (!text) return FCT_OK;
    fct_status s = make_needle(&f, err);
    if (!s) s = look_for(&f, st, err);
    if (!s && f.found)
        s = fct_fail(err, FCT_ERR_EXISTS, "%s: person %lld has this %s already", st->place, (long long)f.found, f.key);
    clear_finder(&f);
    return s;
}

fct_status fct_details_check_unique(fct_store *st, int64_t person_id, int64_t collection_id, const char *unique,
                                    fct_error *err) {
    details_bytes bytes = {.person_id = person_id};
    details_parts parts = {0};
    fct_json_doc doc = {0};
    if (!unique) return FCT_OK;
    fct_status s = read_bytes(&bytes, st, err);
    if (!s) s = parse_bytes(st, &bytes, &doc, &parts, err);
    if (!s)
        s = check_alone(st, person_id, collection_id, unique,
                        fct_json_get_text(fct_json_member(parts.metadata, unique)), err);
    fct_json_free(&doc);
    fct_free(bytes.data);
    return s;
}

static fct_status change_details(void *ctx, fct_store *st, fct_error *err) {
    details_call *c = ctx;
    details_parts parts = c->change;
    fct_json_doc doc = {0};
    fct_status s = read_bytes(&c->bytes, st, err);
    if (!s && c->unique)
        s = check_alone(st, c->bytes.person_id, c->bytes.collection_id, c->unique,
                        fct_json_get_text(fct_json_member(c->change.whole, c->unique)), err);
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

fct_status fct_gallery_replace_metadata(fct_gallery *g, int64_t person_id, const char *object, const char *unique,
                                        fct_error *err) {
    details_call c = {.bytes = {.person_id = person_id}, .unique = unique};
    fct_json_doc doc = {0};
    fct_json_fault fault;
    size_t size = object ? strnlen(object, DETAILS_MAX + 1) : 0;
    if (!object || size > DETAILS_MAX)
        return fct_fail(err, object ? FCT_ERR_LIMIT : FCT_ERR_ARG, "metadata: no text, or more than %d bytes",
                        DETAILS_MAX);
    char *text = fct_strdup(object);
    if (!text) return fct_fail_nomem(err, "metadata", size);
    fct_status s = fct_json_read(&doc, text, size, &fault);
    if (s == FCT_ERR_NOMEM) s = fct_fail_nomem(err, "metadata", size);
    else if (s) s = fct_fail(err, FCT_ERR_ARG, "metadata: %s", fault.why);
    else if (!fct_json_is(doc.values, FCT_JSON_OBJECT)) s = fct_fail(err, FCT_ERR_ARG, "metadata: is no JSON object");
    for (const fct_json *m = s ? NULL : fct_json_first(doc.values); m && !s; m = fct_json_next(doc.values, m))
        if (!*m->key || !is_plain(m->key, KEY_MAX))
            s = fct_fail(err, FCT_ERR_ARG, "a key of metadata has 1 to %d bytes of UTF-8 without control characters",
                         KEY_MAX);
    c.change.whole = s ? NULL : doc.values;
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

/* ---- Removed people ------------------------------------------------------------------------ */

fct_status fct_details_set_removed(fct_store *st, int64_t person_id, const fct_removed_note *note, fct_error *err) {
    details_bytes bytes = {.person_id = person_id};
    details_parts parts = {0};
    fct_json_doc doc = {0};
    fct_status s = read_bytes(&bytes, st, err);
    if (!s) s = parse_bytes(st, &bytes, &doc, &parts, err);
    parts.new_removed = true;
    parts.note = note;
    if (!s) s = put_details(st, person_id, &parts, err);
    fct_json_free(&doc);
    fct_free(bytes.data);
    return s;
}

/* Reads the note; false where it is not what write_note() writes. */
static bool read_note(const fct_json *v, fct_removed_note *out) {
    const char *name = fct_json_get_text(fct_json_member(v, "name")), *why;
    *out = (fct_removed_note){0};
    if (!name || !fct_name_valid(name, &why)) return false;
    memcpy(out->name, name, strlen(name) + 1);
    return fct_json_get_int(fct_json_member(v, "collection"), &out->collection_id) &&
           fct_json_get_int(fct_json_member(v, "expires"), &out->expires) &&
           fct_json_get_int(fct_json_member(v, "time"), &out->time);
}

fct_status fct_details_get_removed(const fct_store_person *p, fct_removed_note *out, bool *is, fct_error *err) {
    details_bytes bytes = {.person_id = p->id};
    const fct_json *metadata, *consent;
    fct_json_doc doc = {0};
    *is = false;
    fct_status s = copy_details(&bytes, p, err);
    if (s) return s;
    s = fct_details_parse(&doc, bytes.data, bytes.size, &metadata, &consent);
    if (!s && bytes.size) *is = read_note(fct_json_member(doc.values, "removed"), out);
    fct_json_free(&doc);
    fct_free(bytes.data);
    if (s == FCT_ERR_NOMEM) return fct_fail_nomem(err, "details", p->details_size);
    return s ? fct_fail(err, s, "the details of person %lld are damaged", (long long)p->id) : FCT_OK;
}
