/* Forgetting people: what is removed is also overwritten. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <string.h>

/* Who is to go. */
typedef struct forget_call {
    const int64_t *ids;
    size_t n, removed;
} forget_call;

static fct_status forget(void *ctx, fct_store *st, fct_error *err) {
    forget_call *c = ctx;
    fct_status s = st->ops->people_remove(st, c->ids, c->n, &c->removed, err);
    for (size_t i = 0; i < c->n && !s && c->removed; i++) s = fct_audit_person(st, "forget", c->ids[i], err);
    return s;
}

/* No reader of this process may keep an earlier state of the file while it is written anew. */
static fct_status purge(fct_gallery *g, fct_error *err) {
    fct_mutex_lock(&g->write_lock);
    fct_status s = g->store->ops->purge(g->store, err);
    fct_mutex_unlock(&g->write_lock);
    return s;
}

fct_status fct_gallery_forget(fct_gallery *g, const int64_t *person_ids, int n, int *forgotten, fct_error *err) {
    forget_call c = {.ids = person_ids, .n = n > 0 ? (size_t)n : 0};
    if (forgotten) *forgotten = 0;
    if (n < 0 || (n > 0 && !person_ids)) return fct_fail(err, FCT_ERR_ARG, "forget: %d people", n);
    fct_status s = fct_gallery_write(g, forget, &c, err);
    if (s) return s;
    if (forgotten) *forgotten = (int)c.removed;
    s = fct_gallery_remove_cache(g, err);
    if (fct_gallery_lose_cache(g)) fct_gallery_plan_cache(g); /* a new file has none of them */
    /* Copies in memory go at once, not with the next search. */
    fct_mutex_lock(&g->lock);
    fct_means_clear(&g->means);
    if (!s) s = fct_gallery_sync(g, err);
    fct_mutex_unlock(&g->lock);
    return s ? s : purge(g, err);
}

/* People whose time is over. */
typedef struct expired_list {
    const fct_store *st;
    int64_t now, collection_id;
    fct_person *items;
    size_t n, cap;
} expired_list;

static fct_status note_expired(void *ctx, const fct_store_person *p, fct_error *err) {
    expired_list *l = ctx;
    if (!p->expires || p->expires > l->now) return FCT_OK;
    fct_status s = fct_person_check(l->st, p, err);
    fct_person *items = s ? NULL : fct_grow(l->items, &l->cap, l->n + 1, sizeof *items);
    if (!items) return s ? s : fct_fail_nomem(err, "people", 0);
    l->items = items;
    fct_person *x = &l->items[l->n++];
    *x = (fct_person){.id = p->id, .created = p->created, .collection_id = p->collection_id, .expires = p->expires};
    x->faces = p->faces < INT_MAX ? (int)p->faces : INT_MAX;
    memcpy(x->name, p->name, strlen(p->name) + 1);
    return FCT_OK;
}

static fct_status list_expired(void *ctx, fct_store *st, fct_error *err) {
    expired_list *l = ctx;
    l->st = st;
    l->n = 0;
    fct_people_query q = {.collection_id = l->collection_id, .count_faces = true, .by_name = true};
    return st->ops->people(st, &q, note_expired, l, err);
}

fct_status fct_gallery_expired(fct_gallery *g, int64_t now, fct_person **out, int *n, fct_error *err) {
    expired_list l = {.now = now, .collection_id = fct_gallery_home(g)};
    *out = NULL;
    *n = 0;
    fct_status s = fct_gallery_read(g, list_expired, &l, err);
    if (s) return fct_free(l.items), s;
    *out = l.items;
    *n = (int)l.n;
    return FCT_OK;
}
