#include "gallery/import_details.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_details.h"
#include <string.h>

void fct_import_details_clear(fct_import_details *d) {
    for (size_t i = 0; i < d->n; i++) {
        fct_free(d->items[i].name);
        fct_free(d->items[i].details);
    }
    fct_free(d->items);
    *d = (fct_import_details){0};
}

/* The details as they are stored; *text is owned, NULL where there are none. */
static fct_status make_details(const fct_json_line *line, char **text, size_t *size, const char **why) {
    fct_buf b = {0};
    fct_json_writer w;
    fct_json_doc doc = {0};
    const fct_json *metadata, *consent;
    *text = NULL;
    *size = 0;
    if (!line->metadata && !line->consent) return FCT_OK;
    fct_json_to_buf(&w, &b);
    fct_json_object(&w, NULL);
    bool shallow = (!line->metadata || fct_details_write(&w, "metadata", line->metadata)) &&
                   (!line->consent || fct_details_write(&w, "consent", line->consent));
    fct_json_close_object(&w);
    char *copy = b.data && !b.failed ? fct_strdup(b.data) : NULL;
    fct_status s = !copy     ? FCT_ERR_NOMEM
                   : shallow ? fct_details_parse(&doc, copy, b.size, &metadata, &consent)
                             : FCT_ERR_FORMAT;
    *why = "has bad metadata or consent";
    fct_json_free(&doc);
    fct_free(copy);
    if (!s) *text = fct_buf_take(&b, size);
    fct_buf_free(&b);
    return s;
}

fct_status fct_import_details_take(fct_import_details *d, const char *name, int64_t collection_id,
                                   const fct_json_line *line, const char **why) {
    fct_waiting_details x = {.collection_id = collection_id, .expires = line->expires};
    *why = "has a bad retention date";
    if (line->expires < 0) return FCT_ERR_FORMAT;
    fct_status s = make_details(line, &x.details, &x.size, why);
    if (s || (!x.details && !x.expires)) return s;
    fct_waiting_details *items = fct_grow(d->items, &d->cap, d->n + 1, sizeof *items);
    if (items) d->items = items;
    x.name = fct_strdup(name);
    if (items && x.name) return d->items[d->n++] = x, FCT_OK;
    fct_free(x.name);
    fct_free(x.details);
    return FCT_ERR_NOMEM;
}

/* A person, and what is missing of it. */
typedef struct found_person {
    int64_t id;
    bool has_details, has_expires;
} found_person;

static fct_status note_person(void *ctx, const fct_store_person *p, fct_error *err) {
    *(found_person *)ctx = (found_person){p->id, p->details_size > 0, p->expires != 0};
    return FCT_OK;
}

fct_status fct_import_details_store(fct_import_details *d, fct_store *st, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0; i < d->n && !s; i++) {
        const fct_waiting_details *x = &d->items[i];
        const char *name = x->name;
        found_person f = {0};
        size_t found;
        fct_people_query q = {.names = &name, .n = 1, .collection_id = x->collection_id, .parts = FCT_PERSON_DETAILS};
        s = st->ops->people(st, &q, note_person, &f, err);
        fct_store_person p = {.id = f.id, .expires = x->expires, .details = x->details, .details_size = x->size};
        int parts = (x->details && !f.has_details ? FCT_PERSON_DETAILS : 0) |
                    (x->expires && !f.has_expires ? FCT_PERSON_EXPIRES : 0);
        if (!s && f.id && parts) s = st->ops->people_update(st, &p, 1, parts, &found, err);
    }
    return s;
}
