/* Removing people so that they can be restored. They go into a collection that is set
 * apart, under a name that cannot be anybody else's; what they were called, and where
 * they were, is in their details (gallery_details.c), which an encrypted gallery seals. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "gallery/gallery_details.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define REMOVED ".removed" /* the collection's name */

/* A person on the way out or back. */
typedef struct removal_call {
    int64_t id, until, place; /* place: the collection of removed people */
    fct_removed_note note;
    char name[FCT_NAME_MAX + 1];
    const char *unique; /* a member of the metadata that is nobody else's; NULL = none */
    bool found, is_removed;
} removal_call;

static fct_status find_place(void *ctx, const fct_store_collection *c, fct_error *err) {
    if (c->name && strcmp(c->name, REMOVED) == 0) *(int64_t *)ctx = c->id;
    return FCT_OK;
}

static fct_status make_place(fct_store *st, int64_t *out, fct_error *err) {
    fct_store_collection c = {.name = REMOVED, .created = fct_time_unix()};
    fct_status s = st->ops->collections_add(st, &c, 1, err);
    *out = c.id;
    return s;
}

/* ---- Out ---------------------------------------------------------------------------------- */

static fct_status note_person(void *ctx, const fct_store_person *p, fct_error *err) {
    removal_call *c = ctx;
    const char *why;
    if (!fct_name_valid(p->name, &why)) return FCT_OK; /* as if nobody were there */
    c->found = true;
    c->note = (fct_removed_note){.collection_id = p->collection_id, .expires = p->expires, .time = fct_time_unix()};
    snprintf(c->note.name, sizeof c->note.name, "%s", p->name);
    return FCT_OK;
}

static fct_status nobody(const fct_store *st, int64_t id, fct_error *err) {
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", st->place, (long long)id);
}

static fct_status take_out(void *ctx, fct_store *st, fct_error *err) {
    removal_call *c = ctx;
    size_t found = 0;
    c->found = false;
    fct_status s = make_place(st, &c->place, err);
    if (!s) s = st->ops->people(st, &(fct_people_query){.ids = &c->id, .n = 1}, note_person, c, err);
    if (!s && (!c->found || c->note.collection_id == c->place)) s = nobody(st, c->id, err);
    if (!s) s = fct_details_set_removed(st, c->id, &c->note, err);
    snprintf(c->name, sizeof c->name, "removed %lld", (long long)c->id);
    int64_t expires = c->note.expires && c->note.expires < c->until ? c->note.expires : c->until;
    fct_store_person p = {.id = c->id, .name = c->name, .collection_id = c->place, .expires = expires};
    if (!s)
        s = st->ops->people_update(st, &p, 1, FCT_PERSON_NAME | FCT_PERSON_COLLECTION | FCT_PERSON_EXPIRES, &found,
                                   err);
    return s ? s : fct_audit_person(st, "remove", c->id, err);
}

fct_status fct_gallery_set_aside(fct_gallery *g, int64_t person_id, int64_t until, fct_error *err) {
    removal_call c = {.id = person_id, .until = until};
    if (until < 1) return fct_fail(err, FCT_ERR_ARG, "a removed person needs a time at which to be forgotten");
    return fct_gallery_write(g, take_out, &c, err);
}

/* ---- Back ---------------------------------------------------------------------------------- */

static fct_status note_removed(void *ctx, const fct_store_person *p, fct_error *err) {
    removal_call *c = ctx;
    c->found = true;
    return p->collection_id != c->place ? FCT_OK : fct_details_get_removed(p, &c->note, &c->is_removed, err);
}

static fct_status look_for_home(void *ctx, const fct_store_collection *x, fct_error *err) {
    removal_call *c = ctx;
    c->found |= x->id == c->note.collection_id;
    return FCT_OK;
}

/* Gives a removed person its name and its collection back, in one transaction. */
static fct_status take_back(void *ctx, fct_store *st, fct_error *err) {
    removal_call *c = ctx;
    fct_people_query q = {.ids = &c->id, .n = 1, .parts = FCT_PERSON_DETAILS};
    size_t found = 0;
    c->found = c->is_removed = false;
    fct_status s = st->ops->collections(st, find_place, &c->place, err);
    if (!s) s = st->ops->people(st, &q, note_removed, c, err);
    if (!s && !c->found) s = nobody(st, c->id, err);
    if (!s && !c->is_removed)
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: person %lld was not removed", st->place, (long long)c->id);
    c->found = false;
    if (!s) s = st->ops->collections(st, look_for_home, c, err);
    if (!s && !c->found)
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: the collection of person %lld is gone", st->place, (long long)c->id);
    fct_store_person p = {
        .id = c->id, .name = c->note.name, .collection_id = c->note.collection_id, .expires = c->note.expires};
    if (!s)
        s = st->ops->people_update(st, &p, 1, FCT_PERSON_NAME | FCT_PERSON_COLLECTION | FCT_PERSON_EXPIRES, &found,
                                   err);
    if (!s) s = fct_details_set_removed(st, c->id, NULL, err);
    if (!s) s = fct_details_check_unique(st, c->id, p.collection_id, c->unique, err);
    return s ? s : fct_audit_person(st, "restore", c->id, err);
}

fct_status fct_gallery_restore_person(fct_gallery *g, int64_t person_id, const char *unique, fct_error *err) {
    removal_call c = {.id = person_id, .unique = unique};
    return fct_gallery_write(g, take_back, &c, err);
}

/* ---- The list -------------------------------------------------------------------------------- */

/* Removed people as callers see them. */
typedef struct removed_list {
    fct_removed *items;
    size_t n, cap;
} removed_list;

static fct_status show_removed(void *ctx, const fct_store_person *p, fct_error *err) {
    removed_list *l = ctx;
    fct_removed_note note;
    bool is_removed;
    fct_status s = fct_details_get_removed(p, &note, &is_removed, err);
    if (s || !is_removed) return s;
    fct_removed *items = fct_grow(l->items, &l->cap, l->n + 1, sizeof *items);
    if (!items) return fct_fail_nomem(err, "removed people", 0);
    l->items = items;
    fct_removed *x = &l->items[l->n++];
    *x = (fct_removed){.id = p->id,
                       .collection_id = note.collection_id,
                       .removed = note.time,
                       .until = p->expires,
                       .created = p->created,
                       .expires = note.expires};
    x->faces = p->faces < INT_MAX ? (int)p->faces : INT_MAX;
    memcpy(x->name, note.name, sizeof x->name);
    return FCT_OK;
}

static fct_status list_removed(void *ctx, fct_store *st, fct_error *err) {
    removed_list *l = ctx;
    int64_t place = 0;
    l->n = 0;
    fct_status s = st->ops->collections(st, find_place, &place, err);
    fct_people_query q = {.collection_id = place, .parts = FCT_PERSON_DETAILS, .count_faces = true};
    return s || !place ? s : st->ops->people(st, &q, show_removed, l, err);
}

fct_status fct_gallery_removed(fct_gallery *g, fct_removed **out, int *n, fct_error *err) {
    removed_list l = {0};
    *out = NULL;
    *n = 0;
    fct_status s = fct_gallery_read(g, list_removed, &l, err);
    if (s) return fct_free(l.items), s;
    *out = l.items;
    *n = (int)l.n;
    return FCT_OK;
}

void fct_gallery_removed_free(fct_removed *x) { fct_free(x); }
