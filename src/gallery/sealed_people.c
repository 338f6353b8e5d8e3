/* People of a sealed store: names, details and keys. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "gallery/sealed_store.h"
#include <stdlib.h>
#include <string.h>

/* ---- Reading ------------------------------------------------------------------------------ */

/* What is opened of a person. */
typedef struct opened_person {
    fct_store_person row; /* its name is name, its details are owned */
    char name[FCT_NAME_MAX + 1];
} opened_person;

/* A question, and those who wait to be sorted. */
typedef struct people_call {
    fct_sealed_store *m;
    fct_person_fn *fn;
    void *ctx;
    bool sort;
    opened_person *items; /* [n], owned */
    size_t n, cap;
    size_t read, given; /* how many there were, and how many of them could be opened */
    int64_t last;       /* id of the last one that was read */
} people_call;

static fct_status damaged(const fct_sealed_store *m, const char *what, int64_t person, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: the %s of person %lld cannot be decrypted: damaged, or moved here",
                    m->head.place, what, (long long)person);
}

static fct_status open_details(const fct_sealed_store *m, const uint8_t *key, const fct_store_person *p,
                               opened_person *out, fct_error *err) {
    out->row.details = NULL;
    out->row.details_size = 0;
    if (!p->details) return FCT_OK;
    if (p->details_size < FCT_SEAL_EXTRA) return damaged(m, "details", p->id, err);
    uint8_t *data = fct_alloc(p->details_size);
    if (!data) return fct_fail_nomem(err, "details", p->details_size);
    fct_seal_place at = {.kind = 'D', .person = p->id, .name = ""};
    if (!fct_seal_get(&m->seal, key, &at, p->details, p->details_size, data)) {
        fct_free(data);
        return damaged(m, "details", p->id, err);
    }
    out->row.details = data;
    out->row.details_size = p->details_size - FCT_SEAL_EXTRA;
    return FCT_OK;
}

/* Opens name and details of a person whose key is there. */
static fct_status open_person(fct_sealed_store *m, const uint8_t *key, const fct_store_person *p, opened_person *out,
                              fct_error *err) {
    out->row = *p;
    out->row.label = out->row.key = NULL;
    out->row.label_size = out->row.key_size = 0;
    size_t n = p->label_size - FCT_SEAL_EXTRA;
    fct_seal_place at = {.kind = 'L', .person = p->id, .name = p->name ? p->name : ""};
    if (p->label_size < FCT_SEAL_EXTRA || n > FCT_NAME_MAX ||
        !fct_seal_get(&m->seal, key, &at, p->label, p->label_size, (uint8_t *)out->name))
        return damaged(m, "name", p->id, err);
    out->name[n] = 0;
    return open_details(m, key, p, out, err);
}

static void free_person(opened_person *p) {
    if (p->row.details) fct_seal_wipe((void *)p->row.details, p->row.details_size);
    fct_free((void *)p->row.details);
    fct_seal_wipe(p, sizeof *p);
}

/* Opens a person and gives it on, or keeps it where the rows are to be sorted by names that only the key can
 * read. */
static fct_status visit(void *ctx, const fct_store_person *p, fct_error *err) {
    people_call *c = ctx;
    const uint8_t *key;
    c->read++;
    c->last = p->id;
    fct_status s = fct_sealed_key(c->m, p->id, p->key, p->key_size, &key, err);
    if (s || !key) return s;
    c->given++;
    if (c->sort) {
        opened_person *items = fct_grow(c->items, &c->cap, c->n + 1, sizeof *items);
        if (!items) return fct_fail_nomem(err, "people", 0);
        c->items = items;
        s = open_person(c->m, key, p, &c->items[c->n], err);
        c->n += !s;
        return s;
    }
    opened_person one;
    s = open_person(c->m, key, p, &one, err);
    if (s) return s;
    one.row.name = one.name;
    s = c->fn(c->ctx, &one.row, err);
    free_person(&one);
    return s;
}

static int by_name(const void *a, const void *b) {
    const opened_person *x = a, *y = b;
    int d = strcmp(x->name, y->name);
    return d ? d : (x->row.id > y->row.id) - (x->row.id < y->row.id);
}

/* Names are put in order here: tokens have none. */
static fct_status visit_sorted(people_call *c, fct_status s, fct_error *err) {
    if (c->n) qsort(c->items, c->n, sizeof *c->items, by_name);
    for (size_t i = 0; i < c->n; i++) {
        c->items[i].row.name = c->items[i].name;
        if (!s) s = c->fn(c->ctx, &c->items[i].row, err);
        free_person(&c->items[i]);
    }
    fct_free(c->items);
    return s;
}

/* Asks the store below. Who has lost the key is passed over, and others take the place on a page. */
static fct_status ask_below(people_call *c, fct_people_query *q, fct_error *err) {
    fct_store *inner = c->m->inner;
    size_t most = q->most;
    fct_status s;
    do {
        c->read = 0;
        s = inner->ops->people(inner, q, visit, c, err);
        bool full = c->read == q->most;
        q->after = c->last;
        q->most = most && full ? most - c->given : 0;
    } while (!s && q->most);
    return s;
}

fct_status fct_sealed_people(fct_store *st, const fct_people_query *want, fct_person_fn *fn, void *ctx,
                             fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    people_call c = {.m = m, .fn = fn, .ctx = ctx, .sort = want->by_name};
    fct_people_query q = *want;
    char(*tokens)[FCT_SEAL_TOKEN] = NULL;
    const char **names = NULL;
    q.parts |= FCT_PERSON_KEY;
    q.by_name = false;
    if (want->names) {
        tokens = fct_realloc_array(NULL, want->n + 1, sizeof *tokens);
        names = fct_realloc_array(NULL, want->n + 1, sizeof *names);
        for (size_t i = 0; tokens && names && i < want->n; i++) {
            fct_seal_token(&m->seal, want->names[i], tokens[i]);
            names[i] = tokens[i];
        }
        q.names = names;
    }
    bool room = !want->names || (tokens && names);
    fct_status s = room ? ask_below(&c, &q, err) : fct_fail_nomem(err, "names", 0);
    s = visit_sorted(&c, s, err);
    fct_free(tokens);
    fct_free(names);
    return s;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* What is sealed of one person. */
typedef struct sealed_person {
    char token[FCT_SEAL_TOKEN];
    uint8_t label[FCT_NAME_MAX + FCT_SEAL_EXTRA], key[FCT_SEAL_KEY + FCT_SEAL_EXTRA];
    uint8_t *details; /* owned */
} sealed_person;

/* Fills in what parts says of row, sealed with key. */
static bool seal_person(const fct_sealed_store *m, const uint8_t *key, int parts, sealed_person *x,
                        fct_store_person *row) {
    if (parts & FCT_PERSON_NAME) {
        size_t len = strnlen(row->name, FCT_NAME_MAX);
        fct_seal_token(&m->seal, row->name, x->token);
        fct_seal_place at = {.kind = 'L', .person = row->id, .name = x->token};
        fct_seal_put(&m->seal, key, &at, row->name, len, x->label);
        row->name = x->token;
        row->label = x->label;
        row->label_size = len + FCT_SEAL_EXTRA;
    }
    if (parts & FCT_PERSON_DETAILS && row->details) {
        fct_seal_place at = {.kind = 'D', .person = row->id, .name = ""};
        x->details = fct_alloc(row->details_size + FCT_SEAL_EXTRA);
        if (!x->details) return false;
        fct_seal_put(&m->seal, key, &at, row->details, row->details_size, x->details);
        row->details = x->details;
        row->details_size += FCT_SEAL_EXTRA;
    }
    return true;
}

/* Rows on their way into the store below. */
typedef struct people_writer {
    fct_store_person *rows; /* [n], owned */
    fct_store_key *keys;    /* [n], owned */
    sealed_person *sealed;  /* [n], owned */
    size_t n;
} people_writer;

static fct_status make_writer(people_writer *w, size_t n, fct_error *err) {
    *w = (people_writer){.rows = fct_calloc(n + 1, sizeof *w->rows),
                         .keys = fct_calloc(n + 1, sizeof *w->keys),
                         .sealed = fct_calloc(n + 1, sizeof *w->sealed)};
    return w->rows && w->keys && w->sealed ? FCT_OK : fct_fail_nomem(err, "people", 0);
}

static void clear_writer(people_writer *w) {
    for (size_t i = 0; w->sealed && i < w->n; i++) fct_free(w->sealed[i].details);
    fct_free(w->rows);
    fct_free(w->keys);
    fct_free(w->sealed);
}

/* Gives new people keys, and seals what is known of them: their ids are known now. */
static fct_status seal_new(fct_sealed_store *m, const fct_store_person *p, size_t n, fct_error *err) {
    people_writer w;
    size_t found;
    const fct_store_ops *ops = m->inner->ops;
    fct_status s = make_writer(&w, n, err);
    for (size_t i = 0; i < n && !s; i++) {
        uint8_t key[FCT_SEAL_KEY];
        if (!p[i].is_new) continue;
        size_t at = w.n++;
        fct_seal_place place = {.kind = 'K', .person = p[i].id, .name = ""};
        fct_seal_random(key, sizeof key);
        fct_seal_put(&m->seal, m->seal.key, &place, key, sizeof key, w.sealed[at].key);
        w.keys[at] = (fct_store_key){p[i].id, w.sealed[at].key, sizeof w.sealed[at].key};
        w.rows[at] = p[i];
        if (!seal_person(m, key, FCT_PERSON_NAME | FCT_PERSON_DETAILS, &w.sealed[at], &w.rows[at]))
            s = fct_fail_nomem(err, "details", 0);
        fct_seal_wipe(key, sizeof key);
    }
    if (!s && w.n) s = ops->keys_put(m->inner, w.keys, w.n, err);
    if (!s && w.n) s = ops->people_update(m->inner, w.rows, w.n, FCT_PERSON_NAME | FCT_PERSON_DETAILS, &found, err);
    clear_writer(&w);
    return s;
}

fct_status fct_sealed_people_add(fct_store *st, fct_store_person *p, size_t n, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    people_writer w;
    fct_status s = make_writer(&w, n, err);
    for (size_t i = 0; i < n && !s; i++) {
        fct_seal_token(&m->seal, p[i].name, w.sealed[i].token);
        w.rows[i] = p[i];
        w.rows[i].name = w.sealed[i].token;
        w.rows[i].details = w.rows[i].label = NULL;
        w.rows[i].details_size = w.rows[i].label_size = 0;
    }
    if (!s) s = m->inner->ops->people_add(m->inner, w.rows, n, err);
    for (size_t i = 0; i < n && !s; i++) p[i].id = w.rows[i].id, p[i].is_new = w.rows[i].is_new;
    clear_writer(&w);
    return s ? s : seal_new(m, p, n, err);
}

fct_status fct_sealed_people_update(fct_store *st, const fct_store_person *p, size_t n, int parts, size_t *found,
                                    fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    people_writer w;
    fct_sealed_keys keys = {0};
    *found = 0;
    fct_status s = make_writer(&w, n, err);
    int64_t *ids = fct_realloc_array(NULL, n + 1, sizeof *ids);
    for (size_t i = 0; ids && i < n; i++) ids[i] = p[i].id;
    if (!s && !ids) s = fct_fail_nomem(err, "people", 0);
    if (!s) s = fct_sealed_keys_load(m, ids, n, &keys, err);
    for (size_t i = 0; i < n && !s; i++) {
        const uint8_t *key = fct_sealed_keys_find(&keys, p[i].id);
        if (!key) continue;
        size_t at = w.n++;
        w.rows[at] = p[i];
        if (!seal_person(m, key, parts, &w.sealed[at], &w.rows[at])) s = fct_fail_nomem(err, "details", 0);
    }
    if (!s && w.n) s = m->inner->ops->people_update(m->inner, w.rows, w.n, parts, found, err);
    fct_sealed_keys_clear(&keys);
    fct_free(ids);
    clear_writer(&w);
    return s;
}
