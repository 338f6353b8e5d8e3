/* Collections and settings. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "gallery/gallery_details.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX   64
#define VALUE_MAX 4096

/* ---- One value ----------------------------------------------------------------------- */

/* What a scan for one setting carries along. */
typedef struct setting_finder {
    int64_t collection_id;
    const char *key;
    char *value; /* owned; NULL = not found */
} setting_finder;

static fct_status find_setting(void *ctx, const fct_store_setting *x, fct_error *err) {
    setting_finder *f = ctx;
    bool same = x->key && x->value && x->collection_id == f->collection_id && strcmp(x->key, f->key) == 0;
    if (!same || f->value) return FCT_OK;
    f->value = fct_strdup(x->value);
    return f->value ? FCT_OK : fct_fail_nomem(err, "setting", 0);
}

fct_status fct_setting_read(fct_store *st, int64_t collection_id, const char *key, char **out, fct_error *err) {
    setting_finder f = {.collection_id = collection_id, .key = key};
    fct_status s = st->ops->settings(st, find_setting, &f, err);
    if (s) fct_free(f.value);
    *out = s ? NULL : f.value;
    return s;
}

fct_status fct_store_check_seal(fct_store *st, fct_error *err) {
    char *now;
    fct_status s = fct_setting_read(st, 0, FCT_SETTING_SEAL, &now, err);
    bool same = !s && strcmp(now ? now : "", st->seal ? st->seal : "") == 0;
    fct_free(now);
    if (s || same) return s;
    return fct_fail(err, FCT_ERR_MISMATCH,
                    "%s: was encrypted or decrypted, or got another key, since it was opened: open it again",
                    st->place);
}

/* A number from -1 to 1, written with a point; NAN where the text is none. */
static float threshold_of(const char *text) {
    double scale = 1, v = 0;
    const char *p = text + (*text == '-');
    bool any = false, point = false;
    for (; *p == '.' || (*p >= '0' && *p <= '9'); p++) {
        if (*p == '.') {
            if (point) return NAN;
            point = true;
            continue;
        }
        any = true;
        v = v * 10 + (*p - '0');
        if (point) scale *= 10;
    }
    v /= scale;
    if (*text == '-') v = -v;
    return any && !*p && v >= -1 && v <= 1 ? (float)v : NAN;
}

static fct_status check_setting(const char *key, const char *value, fct_error *err) {
    size_t n = key ? strnlen(key, KEY_MAX + 1) : 0;
    if (n < 1 || n > KEY_MAX || strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789._-") != n)
        return fct_fail(err, FCT_ERR_ARG, "the key of a setting has 1 to %d of a-z, 0-9, '.', '_' and '-'", KEY_MAX);
    if (strcmp(key, FCT_SETTING_SEAL) == 0 || strcmp(key, FCT_SETTING_INDEX) == 0)
        return fct_fail(err, FCT_ERR_ARG, "the setting %s is the gallery's own", key);
    if (!value) return FCT_OK;
    char clean[VALUE_MAX + 1];
    if (strnlen(value, VALUE_MAX + 1) > VALUE_MAX)
        return fct_fail(err, FCT_ERR_LIMIT, "the value of %s has more than %d bytes", key, VALUE_MAX);
    fct_text_clean(value, clean, sizeof clean);
    if (strcmp(clean, value) != 0)
        return fct_fail(err, FCT_ERR_ARG, "the value of %s is not UTF-8, or has control characters", key);
    if (strcmp(key, "audit") == 0 && strcmp(value, "off") && strcmp(value, "changes") && strcmp(value, "searches"))
        return fct_fail(err, FCT_ERR_ARG, "audit is off, changes or searches, not %s", value);
    if (strcmp(key, "threshold") == 0 && isnan(threshold_of(value)))
        return fct_fail(err, FCT_ERR_ARG, "a threshold is a number from -1 to 1, not %s", value);
    return FCT_OK;
}

/* What is to be read or set. */
typedef struct setting_call {
    int64_t collection_id;
    const char *key, *value;
    char *found; /* owned */
} setting_call;

static fct_status count_it(void *ctx, const fct_store_collection *c, fct_error *err) {
    int64_t *wanted = ctx;
    if (c->id == *wanted) *wanted = 0;
    return FCT_OK;
}

/* FCT_ERR_NOT_FOUND unless there is such a collection. */
static fct_status check_collection(fct_store *st, int64_t id, fct_error *err) {
    int64_t wanted = id;
    fct_status s = st->ops->collections(st, count_it, &wanted, err);
    if (s || !wanted) return s;
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no collection %lld", st->place, (long long)id);
}

static fct_status read_setting(void *ctx, fct_store *st, fct_error *err) {
    setting_call *c = ctx;
    fct_free(c->found);
    fct_status s = fct_setting_read(st, c->collection_id, c->key, &c->found, err);
    if (s || c->found) return s;
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: the setting %s is not there", st->place, c->key);
}

fct_status fct_gallery_get_setting(fct_gallery *g, int64_t collection_id, const char *key, char **value,
                                   fct_error *err) {
    setting_call c = {.collection_id = collection_id, .key = key};
    *value = NULL;
    fct_status s = check_setting(key, NULL, err);
    if (!s) s = fct_gallery_read(g, read_setting, &c, err);
    if (s) fct_free(c.found);
    else *value = c.found;
    return s;
}

static fct_status write_setting(void *ctx, fct_store *st, fct_error *err) {
    const setting_call *c = ctx;
    fct_store_setting x = {.collection_id = c->collection_id, .key = c->key, .value = c->value};
    fct_status s = c->collection_id ? check_collection(st, c->collection_id, err) : FCT_OK;
    bool audit = strcmp(c->key, "audit") == 0; /* switching off is noted before, switching on after */
    char detail[2 * KEY_MAX];
    snprintf(detail, sizeof detail, "{\"collection\":%lld,\"key\":\"%s\"}", (long long)c->collection_id, c->key);
    if (!s && audit) s = fct_audit_note(st, "setting", detail, err);
    if (!s) s = st->ops->settings_put(st, &x, 1, err);
    return s || (audit && c->value && strcmp(c->value, "off") == 0) ? s : fct_audit_note(st, "setting", detail, err);
}

fct_status fct_gallery_set_setting(fct_gallery *g, int64_t collection_id, const char *key, const char *value,
                                   fct_error *err) {
    setting_call c = {.collection_id = collection_id, .key = key, .value = value};
    fct_status s = check_setting(key, value, err);
    return s ? s : fct_gallery_write(g, write_setting, &c, err);
}

/* ---- What searches know of them -------------------------------------------------------- */

fct_mirror_collection *fct_mirror_find_collection(fct_mirror *m, int64_t id) {
    for (size_t i = 0; i < m->n_collections; i++)
        if (m->collections[i].id == id) return &m->collections[i];
    return NULL;
}

bool fct_mirror_is_apart(fct_mirror *m, int64_t collection_id) {
    fct_mutex_lock(&m->names_lock);
    const fct_mirror_collection *c = fct_mirror_find_collection(m, collection_id);
    bool apart = c && c->apart;
    fct_mutex_unlock(&m->names_lock);
    return apart;
}

float fct_mirror_threshold(fct_mirror *m, int64_t collection_id, float fallback) {
    const fct_mirror_collection *c = fct_mirror_find_collection(m, collection_id);
    if (c && !isnan(c->threshold)) return c->threshold;
    return isnan(m->threshold) ? fallback : m->threshold;
}

static void free_collections(fct_mirror_collection *c, size_t n) {
    for (size_t i = 0; i < n; i++) fct_idset_clear(&c[i].members);
    fct_free(c);
}

void fct_mirror_clear_collections(fct_mirror *m) {
    free_collections(m->collections, m->n_collections);
    m->collections = NULL;
    m->n_collections = 0;
    m->threshold = NAN;
    m->audit_searches = false;
}

/* The new list, while it is made. */
typedef struct collection_list {
    fct_mirror_collection *items;
    size_t n, cap;
    float threshold; /* of the whole gallery */
    bool audit_searches;
} collection_list;

static fct_status list_collection(void *ctx, const fct_store_collection *c, fct_error *err) {
    collection_list *l = ctx;
    fct_mirror_collection *items = fct_grow(l->items, &l->cap, l->n + 1, sizeof *items);
    if (!items) return fct_fail_nomem(err, "collections", 0);
    l->items = items;
    l->items[l->n++] = (fct_mirror_collection){.id = c->id, .threshold = NAN, .apart = fct_name_is_apart(c->name)};
    return FCT_OK;
}

static fct_status take_threshold(void *ctx, const fct_store_setting *x, fct_error *err) {
    collection_list *l = ctx;
    if (x->key && x->value && !x->collection_id && strcmp(x->key, "audit") == 0)
        l->audit_searches = strcmp(x->value, "searches") == 0;
    if (!x->key || !x->value || strcmp(x->key, "threshold") != 0) return FCT_OK;
    if (!x->collection_id) l->threshold = threshold_of(x->value);
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].id == x->collection_id) l->items[i].threshold = threshold_of(x->value);
    return FCT_OK;
}

fct_status fct_mirror_load_settings(fct_store *st, fct_mirror *m, fct_error *err) {
    collection_list l = {.threshold = NAN};
    fct_status s = fct_store_check_seal(st, err);
    if (!s) s = st->ops->collections(st, list_collection, &l, err);
    if (!s) s = st->ops->settings(st, take_threshold, &l, err);
    if (s) return fct_free(l.items), s;
    fct_mutex_lock(&m->names_lock);
    for (size_t i = 0; i < l.n; i++) {
        fct_mirror_collection *old = fct_mirror_find_collection(m, l.items[i].id);
        if (!old) continue;
        l.items[i].members = old->members;
        old->members = (fct_idset){0};
    }
    free_collections(m->collections, m->n_collections);
    m->collections = l.items;
    m->n_collections = l.n;
    m->threshold = l.threshold;
    m->audit_searches = l.audit_searches;
    fct_mutex_unlock(&m->names_lock);
    return FCT_OK;
}

fct_status fct_gallery_threshold(fct_gallery *g, int64_t collection_id, float *out, fct_error *err) {
    int64_t id = collection_id ? collection_id : fct_gallery_home(g);
    *out = NAN;
    fct_mutex_lock(&g->lock);
    fct_status s = fct_gallery_sync(g, err);
    fct_mutex_unlock(&g->lock);
    if (s) return s;
    fct_mutex_lock(&g->mirror.names_lock);
    const fct_mirror_collection *c = fct_mirror_find_collection(&g->mirror, id);
    *out = fct_mirror_threshold(&g->mirror, id, NAN);
    fct_mutex_unlock(&g->mirror.names_lock);
    return c || !id ? FCT_OK
                    : fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no collection %lld", g->reader->place, (long long)id);
}

/* ---- Collections ------------------------------------------------------------------------ */

/* What a change of a collection is about. */
typedef struct collection_call {
    int64_t id, person_id;
    const char *name;
    const char *unique; /* a member of the metadata that is nobody else's; NULL = none */
    size_t removed;
} collection_call;

/* Tells the audit log of a collection, by its number. */
static fct_status note_collection(fct_store *st, const char *what, int64_t id, fct_error *err) {
    char detail[64];
    snprintf(detail, sizeof detail, "{\"collection\":%lld}", (long long)id);
    return fct_audit_note(st, what, detail, err);
}

static fct_status add_collection(void *ctx, fct_store *st, fct_error *err) {
    collection_call *c = ctx;
    fct_store_collection x = {.name = c->name, .created = fct_time_unix()};
    fct_status s = st->ops->collections_add(st, &x, 1, err);
    c->id = x.id;
    return s || !x.is_new ? s : note_collection(st, "collection", c->id, err);
}

fct_status fct_gallery_add_collection(fct_gallery *g, const char *name, int64_t *id, fct_error *err) {
    char clean[FCT_NAME_MAX + 1];
    collection_call c = {.name = clean};
    *id = 0;
    fct_status s = fct_name_take(name, "collection", clean, err);
    if (!s) s = fct_gallery_write(g, add_collection, &c, err);
    if (!s) *id = c.id;
    return s;
}

static fct_status take_named(void *ctx, const fct_store_collection *x, fct_error *err) {
    collection_call *c = ctx;
    if (x->name && strcmp(x->name, c->name) == 0) c->id = x->id;
    return FCT_OK;
}

static fct_status find_collection(void *ctx, fct_store *st, fct_error *err) {
    ((collection_call *)ctx)->id = 0;
    return st->ops->collections(st, take_named, ctx, err);
}

fct_status fct_gallery_find_collection(fct_gallery *g, const char *name, int64_t *id, fct_error *err) {
    char clean[FCT_NAME_MAX + 1];
    collection_call c = {.name = clean};
    *id = 0;
    fct_status s = fct_name_take(name, "collection", clean, err);
    if (!s) s = fct_gallery_read(g, find_collection, &c, err);
    if (!s && !c.id) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no collection %s", g->reader->place, clean);
    if (!s) *id = c.id;
    return s;
}

/* The collection that the calling thread works in; 0 = the one that the gallery was opened for. */
static _Thread_local int64_t working_in;

void fct_gallery_work_in(int64_t collection_id) { working_in = collection_id; }

int64_t fct_gallery_works_in(void) { return working_in; }

int64_t fct_gallery_home(const fct_gallery *g) { return working_in ? working_in : g->collection_id; }

fct_status fct_gallery_choose_collection(fct_gallery *g, const char *name, bool make, fct_error *err) {
    char clean[FCT_NAME_MAX + 1];
    collection_call c = {.name = clean};
    fct_status s = fct_name_take(name, "collection", clean, err);
    if (!s) s = fct_gallery_read(g, find_collection, &c, err);
    if (!s && !c.id && (g->read_only || !make))
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no collection %s", g->reader->place, clean);
    if (!s && !c.id) s = fct_gallery_write(g, add_collection, &c, err);
    g->collection_id = c.id;
    return s;
}

static fct_status rename_collection(void *ctx, fct_store *st, fct_error *err) {
    const collection_call *c = ctx;
    bool found;
    fct_status s = st->ops->collection_rename(st, c->id, c->name, &found, err);
    if (s || found) return s ? s : note_collection(st, "rename-collection", c->id, err);
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no collection %lld", st->place, (long long)c->id);
}

fct_status fct_gallery_rename_collection(fct_gallery *g, int64_t id, const char *name, fct_error *err) {
    char clean[FCT_NAME_MAX + 1];
    collection_call c = {.id = id, .name = clean};
    fct_status s = fct_name_take(name, "collection", clean, err);
    return s ? s : fct_gallery_write(g, rename_collection, &c, err);
}

/* Ids of people. */
typedef struct member_list {
    int64_t *ids;
    size_t n, cap;
} member_list;

static fct_status note_id(void *ctx, const fct_store_person *p, fct_error *err) {
    member_list *l = ctx;
    int64_t *ids = fct_grow(l->ids, &l->cap, l->n + 1, sizeof *ids);
    if (!ids) return fct_fail_nomem(err, "people", 0);
    l->ids = ids;
    l->ids[l->n++] = p->id;
    return FCT_OK;
}

static fct_status remove_collection(void *ctx, fct_store *st, fct_error *err) {
    collection_call *c = ctx;
    member_list l = {0};
    bool found;
    c->removed = 0;
    fct_status s = check_collection(st, c->id, err);
    if (!s) s = st->ops->people(st, &(fct_people_query){.collection_id = c->id}, note_id, &l, err);
    if (!s && l.n) s = st->ops->people_remove(st, l.ids, l.n, &c->removed, err);
    if (!s) s = st->ops->collection_remove(st, c->id, &found, err);
    for (size_t i = 0; i < l.n && !s; i++) s = fct_audit_person(st, "remove", l.ids[i], err);
    fct_free(l.ids);
    return s ? s : note_collection(st, "remove-collection", c->id, err);
}

fct_status fct_gallery_remove_collection(fct_gallery *g, int64_t id, int *people, fct_error *err) {
    collection_call c = {.id = id};
    if (people) *people = 0;
    if (id == FCT_COLLECTION_DEFAULT) return fct_fail(err, FCT_ERR_ARG, "the default collection cannot be removed");
    fct_status s = fct_gallery_write(g, remove_collection, &c, err);
    if (!s && people) *people = c.removed < INT_MAX ? (int)c.removed : INT_MAX;
    return s;
}

static fct_status move_person(void *ctx, fct_store *st, fct_error *err) {
    const collection_call *c = ctx;
    fct_store_person p = {.id = c->person_id, .collection_id = c->id};
    size_t found = 0;
    fct_status s = check_collection(st, c->id, err);
    if (!s) s = fct_details_check_unique(st, c->person_id, c->id, c->unique, err);
    if (!s) s = st->ops->people_update(st, &p, 1, FCT_PERSON_COLLECTION, &found, err);
    if (s || found) return s ? s : fct_audit_person(st, "move", p.id, err);
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", st->place, (long long)c->person_id);
}

fct_status fct_gallery_move_person(fct_gallery *g, int64_t person_id, int64_t collection_id, const char *unique,
                                   fct_error *err) {
    collection_call c = {.id = collection_id, .person_id = person_id, .unique = unique};
    return fct_gallery_write(g, move_person, &c, err);
}

/* ---- The list of collections --------------------------------------------------------------- */

/* Collections as callers see them. */
typedef struct shown_list {
    const fct_store *st;
    fct_collection *items;
    size_t n, cap;
} shown_list;

static fct_status show_collection(void *ctx, const fct_store_collection *c, fct_error *err) {
    shown_list *l = ctx;
    const char *why;
    if (!c->name || !fct_name_valid(c->name, &why))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the name of collection %lld is damaged", l->st->place,
                        (long long)c->id);
    fct_collection *items = fct_grow(l->items, &l->cap, l->n + 1, sizeof *items);
    if (!items) return fct_fail_nomem(err, "collections", 0);
    l->items = items;
    fct_collection *x = &l->items[l->n++];
    *x = (fct_collection){.id = c->id, .created = c->created, .threshold = NAN};
    memcpy(x->name, c->name, strlen(c->name) + 1);
    return FCT_OK;
}

static fct_status count_member(void *ctx, const fct_store_person *p, fct_error *err) {
    const shown_list *l = ctx;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].id == p->collection_id) l->items[i].people++;
    return FCT_OK;
}

static fct_status show_threshold(void *ctx, const fct_store_setting *x, fct_error *err) {
    const shown_list *l = ctx;
    if (!x->key || !x->value || strcmp(x->key, "threshold") != 0) return FCT_OK;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].id == x->collection_id) l->items[i].threshold = threshold_of(x->value);
    return FCT_OK;
}

static fct_status list_collections(void *ctx, fct_store *st, fct_error *err) {
    shown_list *l = ctx;
    l->st = st;
    l->n = 0;
    fct_status s = st->ops->collections(st, show_collection, l, err);
    if (!s) s = st->ops->settings(st, show_threshold, l, err);
    return s ? s : st->ops->people(st, &(fct_people_query){0}, count_member, l, err);
}

fct_status fct_gallery_collections(fct_gallery *g, fct_collection **out, int *n, fct_error *err) {
    shown_list l = {0};
    *out = NULL;
    *n = 0;
    fct_status s = fct_gallery_read(g, list_collections, &l, err);
    if (s) return fct_free(l.items), s;
    *out = l.items;
    *n = (int)l.n;
    return FCT_OK;
}

void fct_gallery_collections_free(fct_collection *c) { fct_free(c); }
