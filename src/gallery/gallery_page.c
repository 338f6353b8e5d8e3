/* People in pages, so that a list of a million costs no more than what is shown of it. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE_MOST = 10000, BLOCK = 512 };

/* A page while it is filled. */
typedef struct page_call {
    const fct_store *st;
    const char *search; /* NULL = all */
    int64_t collection_id, after;
    fct_apart apart;
    fct_person *people; /* [most], owned */
    int n, most;        /* most: one more than are asked for, which tells whether there are others */
    size_t read;        /* how many the store gave of a block */
    int64_t last;       /* the last one's id */
} page_call;

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

/* Whether name holds part, where letters of ASCII are equal in both cases. */
static bool holds(const char *name, const char *part) {
    for (;; name++) {
        size_t i = 0;
        while (part[i] && lower(name[i]) == lower(part[i])) i++;
        if (!part[i]) return true;
        if (!*name) return false;
    }
}

static fct_status add_person(void *ctx, const fct_store_person *row, fct_error *err) {
    page_call *c = ctx;
    c->read++;
    c->last = row->id;
    if (c->n == c->most || fct_apart_has(&c->apart, row->collection_id)) return FCT_OK;
    fct_status s = fct_person_check(c->st, row, err);
    if (s || (c->search && !holds(row->name, c->search))) return s;
    fct_person_show(row, &c->people[c->n++]);
    return FCT_OK;
}

static int by_id(const void *a, const void *b) {
    int64_t x = ((const fct_person *)a)->id, y = ((const fct_person *)b)->id;
    return (x > y) - (x < y);
}

static fct_status count_faces(void *ctx, const fct_store_person *row, fct_error *err) {
    page_call *c = ctx;
    fct_person *p = bsearch(&(fct_person){.id = row->id}, c->people, (size_t)c->n, sizeof *p, by_id);
    if (p) p->faces = (int)row->faces;
    return FCT_OK;
}

/* Counts the faces of those who were found, and of nobody else: it is the dear part of a search. */
static fct_status count_found(page_call *c, fct_store *st, fct_error *err) {
    int64_t *ids = fct_realloc_array(NULL, (size_t)c->n + 1, sizeof *ids);
    if (!ids) return fct_fail_nomem(err, "people", 0);
    for (int i = 0; i < c->n; i++) ids[i] = c->people[i].id;
    fct_people_query q = {.ids = ids, .n = (size_t)c->n, .count_faces = true};
    fct_status s = st->ops->people(st, &q, count_faces, c, err);
    fct_free(ids);
    return s;
}

static fct_status fill_page(void *ctx, fct_store *st, fct_error *err) {
    page_call *c = ctx;
    c->st = st;
    c->n = 0;
    fct_people_query q = {.collection_id = c->collection_id, .after = c->after, .count_faces = !c->search};
    q.most = c->search ? BLOCK : (size_t)c->most;
    fct_status s = fct_apart_load(st, c->collection_id, &c->apart, err);
    for (bool rest = true; rest && !s;) {
        c->read = 0;
        s = st->ops->people(st, &q, add_person, c, err);
        rest = c->read == q.most && c->n < c->most;
        q.after = c->last;
    }
    return s || !c->search || !c->n ? s : count_found(c, st, err);
}

fct_status fct_gallery_people_page(fct_gallery *g, int64_t after, int limit, const char *search, fct_person **out,
                                   int *n, bool *more, fct_error *err) {
    *out = NULL;
    *n = 0;
    *more = false;
    if (limit < 1 || limit > PAGE_MOST || after < 0)
        return fct_fail(err, FCT_ERR_ARG, "a page has 1 to %d people behind an id", PAGE_MOST);
    page_call c = {.search = search, .collection_id = fct_gallery_home(g), .after = after, .most = limit + 1};
    c.people = fct_realloc_array(NULL, (size_t)c.most, sizeof *c.people);
    fct_status s = c.people ? fct_gallery_read(g, fill_page, &c, err) : fct_fail_nomem(err, "people", 0);
    fct_apart_clear(&c.apart);
    if (s) return fct_free(c.people), s;
    *out = c.people;
    *more = c.n > limit;
    *n = *more ? limit : c.n;
    return FCT_OK;
}

/* ---- Counting -------------------------------------------------------------------------- */

/* What is counted of a collection. */
typedef struct count_call {
    int64_t collection_id, people, faces;
} count_call;

static fct_status count_collection(void *ctx, fct_store *st, fct_error *err) {
    count_call *c = ctx;
    return st->ops->people_count(st, c->collection_id, &c->people, &c->faces, err);
}

fct_status fct_gallery_collection_count(fct_gallery *g, int64_t id, int64_t *people, int64_t *faces, fct_error *err) {
    count_call c = {.collection_id = id};
    fct_status s = fct_gallery_read(g, count_collection, &c, err);
    *people = s ? 0 : c.people;
    *faces = s ? 0 : c.faces;
    return s;
}
