/* Writing a gallery as text: see docs/gallery-format.md. On a connection of its
 * own, in one read transaction: one state of the gallery, and nobody waits. */
#include "base/alloc.h"
#include "base/draft.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "text/base64.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct export_writer {
    const fct_store *st;
    FILE *f;
    char *text; /* room for base 64 */
    size_t cap;
    bool crops;
    char **names; /* of all people */
    size_t n_names, cap_names;
    fct_idmap by_id; /* person id -> place in names */
} export_writer;

/* A string from the gallery has no control characters. */
static void put_string(export_writer *w, const char *key, const char *value) {
    fprintf(w->f, "\"%s\":\"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') putc('\\', w->f);
        putc(*value, w->f);
    }
    putc('"', w->f);
}

/* With a point whatever the locale's decimal mark is. */
static void put_number(export_writer *w, double v) {
    char s[64];
    snprintf(s, sizeof s, "%.9g", isfinite(v) ? v : 0);
    char *mark = s + strcspn(s, ",.\xd9");
    if (*mark && *mark != '.') {
        char *digits = mark + strcspn(mark, "0123456789");
        memmove(mark + 1, digits, strlen(digits) + 1);
        *mark = '.';
    }
    fputs(s, w->f);
}

static fct_status put_base64(export_writer *w, const char *key, const void *data, size_t n, fct_error *err) {
    size_t size = fct_base64_size(n);
    if (size > w->cap) {
        char *text = fct_realloc(w->text, size);
        if (!text) return fct_fail_nomem(err, "export", size);
        w->text = text;
        w->cap = size;
    }
    fct_base64_encode(data, n, w->text);
    fprintf(w->f, ",\"%s\":\"", key);
    fwrite(w->text, 1, size, w->f);
    putc('"', w->f);
    return FCT_OK;
}

static void put_string_member(export_writer *w, const char *key, const char *value) {
    putc(',', w->f);
    put_string(w, key, value);
}

static fct_status write_header(export_writer *w, fct_store *st, fct_error *err) {
    fct_store_model model;
    fct_status s = fct_model_read(st, &model, err);
    if (s) return s;
    fprintf(w->f, "{\"facet_gallery\":1");
    if (model.dim) {
        char clean[65];
        fct_text_clean(model.id, clean, sizeof clean);
        put_string_member(w, "model", clean);
        fprintf(w->f, ",\"dim\":%d", (int)model.dim);
    }
    fprintf(w->f, "}\n");
    return FCT_OK;
}

/* Keeps the name too: faces come after all people. */
static fct_status write_person(void *ctx, const fct_store_person *p, fct_error *err) {
    export_writer *w = ctx;
    fct_status s = fct_person_check(w->st, p, err);
    if (s) return s;
    if (w->n_names == w->cap_names) {
        size_t cap = w->cap_names ? w->cap_names * 2 : 64;
        char **names = fct_realloc_array(w->names, cap, sizeof *names);
        if (!names) return fct_fail_nomem(err, "export", 0);
        w->names = names;
        w->cap_names = cap;
    }
    char *name = fct_idmap_reserve(&w->by_id, 1) ? fct_strdup(p->name) : NULL;
    if (!name) return fct_fail_nomem(err, "export", 0);
    w->names[w->n_names] = name;
    fct_idmap_put(&w->by_id, p->id, (uint32_t)w->n_names++);
    putc('{', w->f);
    put_string(w, "name", name);
    fprintf(w->f, ",\"created\":%lld}\n", (long long)p->created);
    return FCT_OK;
}

static fct_status write_face(void *ctx, const fct_store_face *f, fct_error *err) {
    export_writer *w = ctx;
    uint32_t at = fct_idmap_get(&w->by_id, f->person_id);
    if (at == FCT_IDMAP_NONE)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: face %lld belongs to nobody", w->st->place, (long long)f->id);
    putc('{', w->f);
    put_string(w, "name", w->names[at]);
    fprintf(w->f, ",\"created\":%lld,\"box\":[", (long long)f->created);
    for (int i = 0; i < 4; i++) {
        if (i) putc(',', w->f);
        put_number(w, f->box[i]);
    }
    fprintf(w->f, "],\"score\":");
    put_number(w, f->score);
    fprintf(w->f, ",\"quality\":");
    put_number(w, f->quality);
    if (f->source) {
        char clean[FCT_SOURCE_MAX];
        fct_text_clean(f->source, clean, sizeof clean);
        put_string_member(w, "source", clean);
    }
    fct_status s = put_base64(w, "embedding", f->embedding, f->embedding_size, err);
    if (!s && f->crop) s = put_base64(w, "crop", f->crop, f->crop_size, err);
    if (!s && f->crop && (f->crop_cut == FCT_CROP_ALIGNED || f->crop_cut == FCT_CROP_LOOSE))
        fprintf(w->f, ",\"crop_cut\":%d", f->crop_cut);
    fprintf(w->f, "}\n");
    return s;
}

/* A read transaction: one state of the gallery. */
static fct_status write_all(void *ctx, fct_store *st, fct_error *err) {
    export_writer *w = ctx;
    w->st = st;
    fct_status s = write_header(w, st, err);
    if (!s) s = st->ops->people(st, &(fct_people_query){0}, write_person, w, err);
    /* A person's faces together: importing is faster so. */
    fct_faces_query q = {.parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING | (w->crops ? FCT_FACE_CROP : 0),
                         .by_person = true};
    return s ? s : st->ops->faces(st, &q, write_face, w, err);
}

static void clear_writer(export_writer *w) {
    for (size_t i = 0; i < w->n_names; i++) fct_free(w->names[i]);
    fct_free(w->names);
    fct_idmap_clear(&w->by_id);
    fct_free(w->text);
}

fct_status fct_gallery_export(fct_gallery *g, const char *path, bool crops, fct_error *err) {
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "export: no path");
    if (strcmp(path, g->reader->place) == 0) return fct_fail(err, FCT_ERR_ARG, "%s: is the gallery itself", path);
    fct_draft *d;
    fct_status s = fct_draft_open(path, FCT_DRAFT_PRIVATE, &d, err);
    if (s) return s;
    export_writer w = {.f = fct_draft_file(d), .crops = crops};
    s = fct_gallery_read_apart(g, write_all, &w, err);
    clear_writer(&w);
    if (!s) return fct_draft_commit(d, err);
    fct_draft_discard(d);
    return s;
}
