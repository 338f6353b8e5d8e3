/* Names of people: stored in one spelling (Unicode's form C) without blanks around
 * them, so that a name is found again whichever system it was typed on. Galleries
 * of before may hold other spellings. They are respelled when they are opened for
 * writing, unless the right spelling is another person's: whether two people are
 * one is for the user to say. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include "text/names.h"
#include <string.h>

/* Brings a name into the one form in which it is stored, or says why it cannot be one. */
fct_status fct_name_clean(const char *name, char *out, const char **why) {
    char *clean = NULL;
    fct_status s = FCT_ERR_ARG;
    *out = 0;
    *why = "is missing";
    if (!name) return s;
    s = fct_text_nfc(name, &clean, NULL);
    if (s == FCT_ERR_NOMEM) return s;
    *why = s == FCT_ERR_LIMIT ? "is longer than 200 bytes" : "is not UTF-8";
    if (!s && *name && !*clean) s = FCT_ERR_ARG, *why = "is blank";
    else if (!s && !fct_name_valid(clean, why)) s = FCT_ERR_ARG;
    if (!s) memcpy(out, clean, strlen(clean) + 1);
    fct_free(clean);
    return s ? FCT_ERR_ARG : FCT_OK;
}

fct_status fct_name_take(const char *name, const char *whose, char *out, fct_error *err) {
    const char *why;
    fct_status s = fct_name_clean(name, out, &why);
    if (s == FCT_ERR_NOMEM) return fct_fail_nomem(err, "name", 0);
    return s ? fct_fail(err, s, "the %s's name %s", whose, why) : FCT_OK;
}

bool fct_name_is_odd(const char *name) {
    size_t n = strlen(name);
    bool plain = n && name[0] != ' ' && name[n - 1] != ' ';
    for (size_t i = 0; i < n && plain; i++) plain = name[i] >= ' ' && name[i] <= '~';
    if (plain) return false;
    const char *why;
    char clean[FCT_NAME_MAX + 1];
    fct_status s = fct_name_clean(name, clean, &why);
    return s == FCT_ERR_ARG || (!s && strcmp(clean, name) != 0);
}

/* ---- Respelling --------------------------------------------------------------------- */

/* People with odd names. */
typedef struct odd_person {
    int64_t id, collection_id;
    char name[FCT_NAME_MAX + 1];
} odd_person;
typedef struct odd_list {
    const fct_store *st;
    odd_person *items;
    size_t n, cap;
} odd_list;

static fct_status note_odd(void *ctx, const fct_store_person *p, fct_error *err) {
    odd_list *l = ctx;
    fct_status s = fct_person_check(l->st, p, err);
    if (s || !fct_name_is_odd(p->name)) return s;
    odd_person *items = fct_grow(l->items, &l->cap, l->n + 1, sizeof *items);
    if (!items) return fct_fail_nomem(err, "names of the gallery", 0);
    l->items = items;
    l->items[l->n].id = p->id;
    l->items[l->n].collection_id = p->collection_id;
    memcpy(l->items[l->n++].name, p->name, strlen(p->name) + 1);
    return FCT_OK;
}

static fct_status list_odd(fct_store *st, int64_t collection_id, odd_list *l, fct_error *err) {
    l->st = st;
    l->n = 0;
    return st->ops->people(st, &(fct_people_query){.collection_id = collection_id}, note_odd, l, err);
}

static fct_status take_id(void *ctx, const fct_store_person *p, fct_error *err) {
    *(int64_t *)ctx = p->id;
    return FCT_OK;
}

/* Id of a person with exactly this name in the collection (0 = in any), 0 = nobody. */
static fct_status find_exactly(fct_store *st, int64_t collection_id, const char *name, int64_t *id, fct_error *err) {
    fct_people_query q = {.names = &name, .n = 1, .collection_id = collection_id};
    *id = 0;
    return st->ops->people(st, &q, take_id, id, err);
}

static fct_status respell(void *ctx, fct_store *st, fct_error *err) {
    odd_list *l = ctx;
    fct_status s = list_odd(st, 0, l, err);
    for (size_t i = 0; i < l->n && !s; i++) {
        char clean[FCT_NAME_MAX + 1];
        const char *why;
        int64_t holder;
        size_t found;
        fct_store_person p = {.id = l->items[i].id, .name = clean};
        if (fct_name_clean(l->items[i].name, clean, &why)) continue;
        s = find_exactly(st, l->items[i].collection_id, clean, &holder, err);
        if (!s && !holder) s = st->ops->people_update(st, &p, 1, FCT_PERSON_NAME, &found, err);
    }
    return s;
}

fct_status fct_gallery_respell(fct_gallery *g, fct_error *err) {
    odd_list l = {0};
    fct_status s = fct_gallery_write(g, respell, &l, err);
    fct_free(l.items);
    return s;
}

static fct_status report_odd(const fct_store *st, const odd_person *p, int64_t holder, fct_error *err) {
    if (!holder)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: the name of person %lld is blank or oddly spelled: rename it",
                        st->place, (long long)p->id);
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: people %lld and %lld have one name, %s, in two spellings: "
                    "merge them, or rename one",
                    st->place, (long long)holder, (long long)p->id, p->name);
}

fct_status fct_gallery_check_spelling(fct_store *st, fct_error *err) {
    odd_list l = {0};
    fct_status s = list_odd(st, 0, &l, err);
    if (!s && l.n) {
        char clean[FCT_NAME_MAX + 1];
        const char *why;
        int64_t holder = 0;
        if (!fct_name_clean(l.items[0].name, clean, &why))
            s = find_exactly(st, l.items[0].collection_id, clean, &holder, err);
        if (!s) s = report_odd(st, &l.items[0], holder, err);
    }
    fct_free(l.items);
    return s;
}

/* ---- Looking up ---------------------------------------------------------------------- */

fct_status fct_name_look_up(fct_store *st, int64_t collection_id, const char *name, char *out, fct_error *err) {
    const char *why;
    int64_t id;
    fct_status s = fct_name_clean(name, out, &why);
    if (s == FCT_ERR_NOMEM) return fct_fail_nomem(err, "name", 0);
    /* Two people of one name in two spellings can still be told apart. */
    if (fct_name_valid(name, &why)) {
        s = find_exactly(st, collection_id, name, &id, err);
        if (!s && id) memcpy(out, name, strlen(name) + 1);
        if (s || id) return s;
    }
    if (!*out) return FCT_OK;
    s = find_exactly(st, collection_id, out, &id, err);
    if (s || id) return s;
    odd_list l = {0};
    s = list_odd(st, collection_id, &l, err); /* of a gallery that could not be respelled */
    for (size_t i = 0; i < l.n && !s; i++) {
        char clean[FCT_NAME_MAX + 1];
        if (fct_name_clean(l.items[i].name, clean, &why) || strcmp(clean, out) != 0) continue;
        memcpy(out, l.items[i].name, strlen(l.items[i].name) + 1);
        break;
    }
    fct_free(l.items);
    return s;
}
