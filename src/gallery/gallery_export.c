/* Writing a gallery as text: see docs/gallery-format.md. On a connection of its
 * own, in one read transaction: one state of the gallery, and nobody waits. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/draft.h"
#include "base/error.h"
#include "gallery/gallery_details.h"
#include "gallery/gallery_impl.h"
#include "text/base64.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct export_writer {
    const fct_store *st;
    fct_buf line; /* what is written of the current record */
    fct_export_fn *write;
    void *user; /* its */
    bool crops;
    char **names;    /* of all people */
    int64_t *places; /* [n_names]: their collections */
    size_t n_names, cap_names, cap_places;
    fct_store_collection *collections; /* names owned */
    size_t n_collections, cap_collections;
    int64_t collection_id; /* people of this one alone; 0 = of all that are not set apart */
    fct_apart apart;
    fct_idmap by_id; /* person id -> place in names */
} export_writer;

/* A string from the gallery has no control characters. */
static void put_string(export_writer *w, const char *key, const char *value) {
    fct_buf_printf(&w->line, "\"%s\":\"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') fct_buf_char(&w->line, '\\');
        fct_buf_char(&w->line, *value);
    }
    fct_buf_char(&w->line, '"');
}

/* Writes a number with a point, whatever the locale's decimal mark is. */
static void put_number(export_writer *w, double v) {
    char s[64];
    snprintf(s, sizeof s, "%.9g", isfinite(v) ? v : 0);
    char *mark = s + strcspn(s, ",.\xd9");
    if (*mark && *mark != '.') {
        char *digits = mark + strcspn(mark, "0123456789");
        memmove(mark + 1, digits, strlen(digits) + 1);
        *mark = '.';
    }
    fct_buf_text(&w->line, s);
}

static void put_base64(export_writer *w, const char *key, const void *data, size_t n) {
    fct_buf_printf(&w->line, ",\"%s\":\"", key);
    char *to = fct_buf_extend(&w->line, fct_base64_size(n));
    if (to) fct_base64_encode(data, n, to);
    fct_buf_char(&w->line, '"');
}

/* Ends the line of a record and hands it on. */
static fct_status end_line(export_writer *w, fct_error *err) {
    fct_buf_text(&w->line, "}\n");
    if (w->line.failed) return fct_fail_nomem(err, "export", w->line.size);
    fct_status s = w->write(w->line.data, w->line.size, w->user, err);
    fct_buf_clear(&w->line);
    return s;
}

static void put_string_member(export_writer *w, const char *key, const char *value) {
    fct_buf_char(&w->line, ',');
    put_string(w, key, value);
}

static fct_status write_header(export_writer *w, fct_store *st, fct_error *err) {
    fct_store_model model;
    fct_status s = fct_model_read(st, &model, err);
    if (s) return s;
    fct_buf_printf(&w->line, "{\"facet_gallery\":1");
    if (model.dim) {
        char clean[65];
        fct_text_clean(model.id, clean, sizeof clean);
        put_string_member(w, "model", clean);
        fct_buf_printf(&w->line, ",\"dim\":%d", (int)model.dim);
    }
    return end_line(w, err);
}

static fct_status keep_collection(void *ctx, const fct_store_collection *c, fct_error *err) {
    export_writer *w = ctx;
    const char *why;
    if (!c->name || !fct_name_valid(c->name, &why))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged; restore it from a copy (the name of collection %lld)",
                        w->st->place, (long long)c->id);
    fct_store_collection *all = fct_grow(w->collections, &w->cap_collections, w->n_collections + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "export", 0);
    w->collections = all;
    char *name = fct_strdup(c->name);
    if (!name) return fct_fail_nomem(err, "export", 0);
    w->collections[w->n_collections++] = (fct_store_collection){.id = c->id, .name = name};
    return FCT_OK;
}

/* Names the collection of a record, unless it is the default one. */
static void put_collection(export_writer *w, int64_t id) {
    for (size_t i = 0; i < w->n_collections && id != FCT_COLLECTION_DEFAULT; i++)
        if (w->collections[i].id == id) put_string_member(w, "collection", w->collections[i].name);
}

/* Metadata and consent, as they are stored. */
static fct_status put_details(export_writer *w, const fct_store_person *p, fct_error *err) {
    fct_json_doc doc = {0};
    const fct_json *metadata = NULL, *consent = NULL;
    char *text = p->details_size ? fct_alloc(p->details_size + 1) : NULL;
    if (!p->details_size) return FCT_OK;
    if (!text) return fct_fail_nomem(err, "export", p->details_size);
    memcpy(text, p->details, p->details_size);
    text[p->details_size] = 0;
    fct_status s = fct_details_parse(&doc, text, p->details_size, &metadata, &consent);
    const fct_json *parts[] = {metadata, consent};
    static const char *const keys[] = {"metadata", "consent"};
    for (int i = 0; i < 2 && !s; i++) {
        fct_json_writer j;
        if (!parts[i] || !parts[i]->length) continue;
        fct_buf_printf(&w->line, ",\"%s\":", keys[i]);
        fct_json_to_buf(&j, &w->line);
        fct_details_write(&j, NULL, parts[i]);
    }
    fct_json_free(&doc);
    fct_free(text);
    if (s == FCT_ERR_NOMEM) return fct_fail_nomem(err, "export", p->details_size);
    if (!s) return FCT_OK;
    return fct_fail(err, s, "%s: damaged; restore it from a copy (the details of person %lld)", w->st->place,
                    (long long)p->id);
}

/* Keeps the name too: faces come after all people. */
static fct_status write_person(void *ctx, const fct_store_person *p, fct_error *err) {
    export_writer *w = ctx;
    fct_status s = fct_person_check(w->st, p, err);
    if (s || fct_apart_has(&w->apart, p->collection_id)) return s;
    char **names = fct_grow(w->names, &w->cap_names, w->n_names + 1, sizeof *names);
    if (!names) return fct_fail_nomem(err, "export", 0);
    w->names = names;
    int64_t *places = fct_grow(w->places, &w->cap_places, w->n_names + 1, sizeof *places);
    if (!places) return fct_fail_nomem(err, "export", 0);
    w->places = places;
    w->places[w->n_names] = p->collection_id;
    char *name = fct_idmap_reserve(&w->by_id, 1) ? fct_strdup(p->name) : NULL;
    if (!name) return fct_fail_nomem(err, "export", 0);
    w->names[w->n_names] = name;
    fct_idmap_put(&w->by_id, p->id, (uint32_t)w->n_names++);
    fct_buf_char(&w->line, '{');
    put_string(w, "name", name);
    put_collection(w, p->collection_id);
    fct_buf_printf(&w->line, ",\"created\":%lld", (long long)p->created);
    if (p->expires) fct_buf_printf(&w->line, ",\"expires\":%lld", (long long)p->expires);
    s = put_details(w, p, err);
    return s ? s : end_line(w, err);
}

/* A face's line. Faces of people who are not exported are passed over; a face of nobody is a damaged gallery. */
static fct_status write_face(void *ctx, const fct_store_face *f, fct_error *err) {
    export_writer *w = ctx;
    uint32_t at = fct_idmap_get(&w->by_id, f->person_id);
    if (at == FCT_IDMAP_NONE && (w->collection_id || w->apart.n)) return FCT_OK;
    if (at == FCT_IDMAP_NONE)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: face %lld belongs to nobody", w->st->place, (long long)f->id);
    fct_buf_char(&w->line, '{');
    put_string(w, "name", w->names[at]);
    put_collection(w, w->places[at]);
    fct_buf_printf(&w->line, ",\"created\":%lld,\"box\":[", (long long)f->created);
    for (int i = 0; i < 4; i++) {
        if (i) fct_buf_char(&w->line, ',');
        put_number(w, f->box[i]);
    }
    fct_buf_printf(&w->line, "],\"score\":");
    put_number(w, f->score);
    fct_buf_printf(&w->line, ",\"quality\":");
    put_number(w, f->quality);
    if (f->source) {
        char clean[FCT_SOURCE_MAX];
        fct_text_clean(f->source, clean, sizeof clean);
        put_string_member(w, "source", clean);
    }
    put_base64(w, "embedding", f->embedding, f->embedding_size);
    if (f->crop) put_base64(w, "crop", f->crop, f->crop_size);
    if (f->crop && (f->crop_cut == FCT_CROP_ALIGNED || f->crop_cut == FCT_CROP_LOOSE))
        fct_buf_printf(&w->line, ",\"crop_cut\":%d", f->crop_cut);
    return end_line(w, err);
}

/* A read transaction: one state of the gallery. */
static fct_status write_all(void *ctx, fct_store *st, fct_error *err) {
    export_writer *w = ctx;
    w->st = st;
    fct_status s = write_header(w, st, err);
    fct_people_query people = {.parts = FCT_PERSON_DETAILS, .collection_id = w->collection_id};
    if (!s) s = st->ops->collections(st, keep_collection, w, err);
    if (!s) s = fct_apart_load(st, w->collection_id, &w->apart, err);
    if (!s) s = st->ops->people(st, &people, write_person, w, err);
    /* A person's faces together: importing is faster so. */
    fct_faces_query q = {.parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING | (w->crops ? FCT_FACE_CROP : 0),
                         .by_person = true};
    return s ? s : st->ops->faces(st, &q, write_face, w, err);
}

static void clear_writer(export_writer *w) {
    for (size_t i = 0; i < w->n_names; i++) fct_free(w->names[i]);
    for (size_t i = 0; i < w->n_collections; i++) fct_free((char *)w->collections[i].name);
    fct_free(w->collections);
    fct_free(w->places);
    fct_free(w->names);
    fct_idmap_clear(&w->by_id);
    fct_apart_clear(&w->apart);
    fct_buf_free(&w->line);
}

fct_status fct_gallery_export_to(fct_gallery *g, fct_export_fn *write, void *user, bool crops, fct_error *err) {
    export_writer w = {.write = write, .user = user, .crops = crops, .collection_id = fct_gallery_home(g)};
    fct_status s = fct_gallery_read_apart(g, write_all, &w, err);
    clear_writer(&w);
    return s;
}

/* A full disk is told when the draft is committed. */
static fct_status write_to_draft(const void *data, size_t size, void *user, fct_error *err) {
    fwrite(data, 1, size, fct_draft_file(user));
    return FCT_OK;
}

fct_status fct_gallery_export(fct_gallery *g, const char *path, bool crops, fct_error *err) {
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "export: no path");
    if (strcmp(path, g->reader->place) == 0) return fct_fail(err, FCT_ERR_ARG, "%s: is the gallery itself", path);
    fct_draft *draft;
    fct_status s = fct_draft_open(path, FCT_DRAFT_PRIVATE, &draft, err);
    if (s) return s;
    s = fct_gallery_export_to(g, write_to_draft, draft, crops, err);
    if (!s) return fct_draft_commit(draft, err);
    fct_draft_discard(draft);
    return s;
}
