#include "gallery/sealed_store.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

/* ---- Keys ------------------------------------------------------------------------------- */

fct_status fct_sealed_key(fct_sealed_store *m, int64_t person, const void *sealed, size_t size, const uint8_t **key,
                          fct_error *err) {
    *key = NULL;
    if (!sealed || !size) return FCT_OK;
    bool known = m->person == person && size == sizeof m->sealed && memcmp(sealed, m->sealed, size) == 0;
    if (!known) {
        fct_seal_place at = {.kind = 'K', .person = person, .name = ""};
        m->person = 0;
        if (size != sizeof m->sealed || !fct_seal_get(&m->seal, m->seal.key, &at, sealed, size, m->key))
            return fct_fail(err, FCT_ERR_FORMAT, "%s: the key of person %lld is damaged, or another gallery's",
                            m->head.place, (long long)person);
        memcpy(m->sealed, sealed, size);
        m->person = person;
    }
    *key = m->key;
    return FCT_OK;
}

/* What a scan for keys carries along. */
typedef struct key_loader {
    fct_sealed_store *m;
    fct_sealed_keys *out;
} key_loader;

static fct_status load_key(void *ctx, const fct_store_person *p, fct_error *err) {
    const key_loader *l = ctx;
    fct_sealed_keys *k = l->out;
    const uint8_t *key;
    fct_status s = fct_sealed_key(l->m, p->id, p->key, p->key_size, &key, err);
    if (s || !key || fct_idmap_get(&k->by_person, p->id) != FCT_IDMAP_NONE) return s;
    if (k->n == k->cap || !fct_idmap_reserve(&k->by_person, 1)) return fct_fail_nomem(err, "keys", 0);
    memcpy(k->keys[k->n], key, FCT_SEAL_KEY);
    fct_idmap_put(&k->by_person, p->id, (uint32_t)k->n++);
    return FCT_OK;
}

fct_status fct_sealed_keys_load(fct_sealed_store *m, const int64_t *people, size_t n, fct_sealed_keys *out,
                                fct_error *err) {
    key_loader l = {m, out};
    *out = (fct_sealed_keys){.cap = n};
    out->keys = fct_realloc_array(NULL, n + 1, sizeof *out->keys);
    if (!out->keys) return fct_fail_nomem(err, "keys", 0);
    fct_people_query q = {.ids = people, .n = n, .parts = FCT_PERSON_KEY};
    return m->inner->ops->people(m->inner, &q, load_key, &l, err);
}

const uint8_t *fct_sealed_keys_find(const fct_sealed_keys *k, int64_t person) {
    uint32_t at = fct_idmap_get(&k->by_person, person);
    return at == FCT_IDMAP_NONE ? NULL : k->keys[at];
}

void fct_sealed_keys_clear(fct_sealed_keys *k) {
    if (k->keys) fct_seal_wipe(k->keys, k->cap * sizeof *k->keys);
    fct_free(k->keys);
    fct_idmap_clear(&k->by_person);
    *k = (fct_sealed_keys){0};
}

/* What lies in the old buffer was opened: it is wiped before it is given back. */
uint8_t *fct_sealed_room(fct_sealed_store *m, size_t n) {
    if (n <= m->cap && m->buf) return m->buf;
    size_t cap = n < 4096 ? 4096 : n;
    uint8_t *buf = fct_alloc(cap);
    if (!buf) return NULL;
    fct_seal_wipe(m->buf, m->cap);
    fct_free(m->buf);
    m->buf = buf;
    m->cap = cap;
    return buf;
}

/* ---- Verbs that are passed on -------------------------------------------------------------- */

static void close_store(fct_store *st) {
    fct_sealed_store *m = fct_sealed_of(st);
    fct_store_close(m->inner);
    fct_seal_wipe(m->buf, m->cap);
    fct_free(m->buf);
    fct_seal_wipe(m, sizeof *m);
    fct_free(m);
}

static fct_status begin(fct_store *st, fct_store_mode mode, fct_error *err) {
    fct_store *in = fct_sealed_of(st)->inner;
    in->retry = false;
    fct_status s = in->ops->begin(in, mode, err);
    st->retry = in->retry;
    return s;
}

static fct_status end(fct_store *st, fct_status s, fct_error *err) {
    fct_store *in = fct_sealed_of(st)->inner;
    s = in->ops->end(in, s, err);
    st->retry = in->retry;
    return s;
}

#define PASS(name, args, ...)                                                                                          \
    static fct_status name args {                                                                                      \
        fct_store *in = fct_sealed_of(st)->inner;                                                                      \
        return in->ops->name(in, __VA_ARGS__);                                                                         \
    }
PASS(version, (fct_store * st, int64_t *out, fct_error *err), out, err)
PASS(changes, (fct_store * st, int64_t after, fct_store_changes *out, fct_error *err), after, out, err)
PASS(describe, (fct_store * st, int64_t *people, int64_t *faces, int *schema, fct_error *err), people, faces, schema,
     err)
PASS(get_model, (fct_store * st, fct_store_model *out, fct_error *err), out, err)
PASS(set_model, (fct_store * st, const fct_store_model *m, fct_error *err), m, err)
PASS(people_count, (fct_store * st, int64_t collection_id, int64_t *people, int64_t *faces, fct_error *err),
     collection_id, people, faces, err)
PASS(people_remove, (fct_store * st, const int64_t *ids, size_t n, size_t *removed, fct_error *err), ids, n, removed,
     err)
PASS(face_ids, (fct_store * st, size_t n, int64_t *first, fct_error *err), n, first, err)
PASS(faces_remove, (fct_store * st, const int64_t *ids, size_t n, size_t *removed, fct_error *err), ids, n, removed,
     err)
PASS(collections, (fct_store * st, fct_collection_fn *fn, void *ctx, fct_error *err), fn, ctx, err)
PASS(collections_add, (fct_store * st, fct_store_collection *c, size_t n, fct_error *err), c, n, err)
PASS(collection_rename, (fct_store * st, int64_t id, const char *name, bool *found, fct_error *err), id, name, found,
     err)
PASS(collection_remove, (fct_store * st, int64_t id, bool *found, fct_error *err), id, found, err)
PASS(settings, (fct_store * st, fct_setting_fn *fn, void *ctx, fct_error *err), fn, ctx, err)
PASS(settings_put, (fct_store * st, const fct_store_setting *x, size_t n, fct_error *err), x, n, err)
PASS(negatives_remove, (fct_store * st, const int64_t *ids, size_t n, size_t *removed, fct_error *err), ids, n, removed,
     err)
PASS(audit, (fct_store * st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err), after, fn, ctx, err)
PASS(audit_last, (fct_store * st, int64_t *seq, uint8_t hash[32], fct_error *err), seq, hash, err)
PASS(audit_add, (fct_store * st, const fct_store_audit *a, size_t n, fct_error *err), a, n, err)
PASS(keys_put, (fct_store * st, const fct_store_key *k, size_t n, fct_error *err), k, n, err)
PASS(purge, (fct_store * st, fct_error *err), err)
PASS(check, (fct_store * st, fct_error *err), err)

/* ---- Copies ---------------------------------------------------------------------------------- */

/* Ids of everybody, and then keys that are taken away. */
typedef struct key_remover {
    fct_store_key *keys;
    size_t n, cap;
} key_remover;

static fct_status note_key(void *ctx, const fct_store_person *p, fct_error *err) {
    key_remover *r = ctx;
    fct_store_key *keys = fct_grow(r->keys, &r->cap, r->n + 1, sizeof *keys);
    if (!keys) return fct_fail_nomem(err, "keys", 0);
    r->keys = keys;
    r->keys[r->n++] = (fct_store_key){.person_id = p->id};
    return FCT_OK;
}

static fct_status remove_keys(void *ctx, fct_store *st, fct_error *err) {
    key_remover *r = ctx;
    r->n = 0;
    fct_status s = st->ops->people(st, &(fct_people_query){0}, note_key, r, err);
    return s ? s : st->ops->keys_put(st, r->keys, r->n, err);
}

/* A copy has no keys of people: they are kept in a file of their own, so that whoever
 * is forgotten later cannot be read in it any more. */
static fct_status backup(fct_store *st, const char *path, fct_error *err) {
    fct_store *in = fct_sealed_of(st)->inner, *copy = NULL;
    key_remover r = {0};
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.must_exist = true;
    fct_status s = in->ops->backup(in, path, err);
    if (s) return s;
    s = fct_store_open(path, &o, &copy, err);
    if (!s) s = fct_store_run(copy, FCT_STORE_WRITE, remove_keys, &r, err);
    if (!s) s = copy->ops->purge(copy, err);
    fct_store_close(copy);
    fct_free(r.keys);
    if (s) fct_file_remove(path, NULL);
    return s;
}

/* ---- The store --------------------------------------------------------------------------------- */

static fct_status open_reader(fct_store *st, fct_store **out, fct_error *err);

static const fct_store_ops sealed_ops = {.close = close_store,
                                         .reader = open_reader,
                                         .begin = begin,
                                         .end = end,
                                         .version = version,
                                         .changes = changes,
                                         .describe = describe,
                                         .get_model = get_model,
                                         .set_model = set_model,
                                         .people = fct_sealed_people,
                                         .people_count = people_count,
                                         .people_add = fct_sealed_people_add,
                                         .people_update = fct_sealed_people_update,
                                         .people_remove = people_remove,
                                         .faces = fct_sealed_faces,
                                         .face_ids = face_ids,
                                         .faces_add = fct_sealed_faces_add,
                                         .faces_move = fct_sealed_faces_move,
                                         .faces_update = fct_sealed_faces_update,
                                         .faces_remove = faces_remove,
                                         .collections = collections,
                                         .collections_add = collections_add,
                                         .collection_rename = collection_rename,
                                         .collection_remove = collection_remove,
                                         .settings = settings,
                                         .settings_put = settings_put,
                                         .negatives = fct_sealed_negatives,
                                         .negatives_add = fct_sealed_negatives_add,
                                         .negatives_remove = negatives_remove,
                                         .audit = audit,
                                         .audit_last = audit_last,
                                         .audit_add = audit_add,
                                         .keys_put = keys_put,
                                         .purge = purge,
                                         .check = check,
                                         .backup = backup};

fct_status fct_sealed_store_create(fct_store *inner, const fct_seal *seal, const char *text, fct_store **out,
                                   fct_error *err) {
    fct_sealed_store *m = fct_calloc(1, sizeof *m);
    *out = NULL;
    if (!m) {
        fct_store_close(inner);
        return fct_fail_nomem(err, "gallery", sizeof *m);
    }
    m->head = (fct_store){.ops = &sealed_ops, .place = inner->place, .seal = m->text};
    m->inner = inner;
    m->seal = *seal;
    memcpy(m->text, text, strnlen(text, FCT_SEAL_TEXT - 1));
    *out = &m->head;
    return FCT_OK;
}

static fct_status open_reader(fct_store *st, fct_store **out, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    fct_store *inner;
    *out = NULL;
    fct_status s = m->inner->ops->reader(m->inner, &inner, err);
    return s ? s : fct_sealed_store_create(inner, &m->seal, m->text, out, err);
}
