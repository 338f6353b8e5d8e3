/* Encrypting a gallery, taking the encryption off, and exchanging its key. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "gallery/sealed_store.h"
#include <stdio.h>
#include <string.h>

/* ---- Opening ----------------------------------------------------------------------------- */

static fct_status read_seal(void *ctx, fct_store *st, fct_error *err) {
    fct_free(*(char **)ctx);
    return fct_setting_read(st, 0, FCT_SETTING_SEAL, ctx, err);
}

/* The setting by which a gallery says that it is encrypted; owned, NULL = it is not. */
static fct_status read_seal_of(fct_store *st, char **out, fct_error *err) {
    *out = NULL;
    fct_status s = fct_store_run(st, FCT_STORE_READ, read_seal, out, err);
    if (s) fct_free(*out), *out = NULL;
    return s;
}

fct_status fct_store_unseal(fct_store **st, const char *given, fct_error *err) {
    char *text;
    uint8_t key[FCT_SEAL_KEY];
    fct_seal seal;
    fct_error why;
    fct_status s = read_seal_of(*st, &text, err);
    if (s || !text) return s;
    s = fct_seal_prepare(&why);
    if (s) fct_fail(err, s, "%s: encrypted, and %s", (*st)->place, why.text);
    if (!s) s = fct_seal_read_key(given, key, err);
    if (s == FCT_ERR_NOT_FOUND && !given)
        s = fct_fail(err, FCT_ERR_MISMATCH, "%s: encrypted: give its key by --key-file, or by FCT_GALLERY_KEY",
                     (*st)->place);
    if (!s) s = fct_seal_read(text, key, (*st)->place, &seal, err);
    if (!s) s = fct_sealed_store_create(*st, &seal, text, st, err);
    fct_seal_wipe(key, sizeof key);
    fct_seal_wipe(&seal, sizeof seal);
    fct_free(text);
    return s;
}

fct_store *fct_store_bottom(fct_store *st) { return st->seal ? ((fct_sealed_store *)st)->inner : st; }

fct_status fct_gallery_make_key(const char *path, fct_error *err) {
    uint8_t key[FCT_SEAL_KEY];
    char text[2 * FCT_SEAL_KEY + 2];
    fct_draft *d;
    fct_status s = fct_seal_prepare(err);
    if (!s) s = fct_draft_open(path, FCT_DRAFT_PRIVATE, &d, err);
    if (s) return s;
    fct_seal_random(key, sizeof key);
    for (size_t i = 0; i < sizeof key; i++) snprintf(text + 2 * i, 3, "%02x", key[i]);
    text[2 * FCT_SEAL_KEY] = '\n';
    fwrite(text, 1, 2 * FCT_SEAL_KEY + 1, fct_draft_file(d)); /* a full disk is told by the commit */
    fct_seal_wipe(key, sizeof key);
    fct_seal_wipe(text, sizeof text);
    return fct_draft_commit_new(d, err);
}

/* ---- Moving everything from one side of the seal to the other ------------------------------- */

/* Both sides of the seal stand on one connection: what is read through from is written
 * through to. */
typedef struct turn {
    fct_store *from, *to;
    fct_sealed_store *sealed; /* one of the two */
    bool encrypt;
    const char *text;         /* the new setting; NULL = it goes */
    fct_store_person *people; /* [n], names and details owned */
    size_t n, cap;
    fct_store_face *faces; /* of one person, with what they point to owned */
    size_t n_faces, cap_faces;
    fct_store_negative *negatives; /* of one person */
    size_t n_negatives, cap_negatives;
} turn;

static void *copy_bytes(const void *data, size_t n, bool *room) {
    if (!data) return NULL;
    void *p = fct_alloc(n + 1);
    *room &= p != NULL;
    if (p && n) memcpy(p, data, n);
    return p;
}

static void wipe_bytes(const void *data, size_t n) {
    fct_seal_wipe((void *)data, n);
    fct_free((void *)data);
}

static void clear_people(turn *t) {
    for (size_t i = 0; i < t->n; i++) {
        if (t->people[i].name) wipe_bytes(t->people[i].name, strlen(t->people[i].name));
        wipe_bytes(t->people[i].details, t->people[i].details_size);
    }
    t->n = 0;
}

static void clear_faces(turn *t) {
    for (size_t i = 0; i < t->n_faces; i++) {
        const fct_store_face *f = &t->faces[i];
        wipe_bytes(f->embedding, f->embedding_size);
        wipe_bytes(f->crop, f->crop_size);
        if (f->source) wipe_bytes(f->source, strlen(f->source));
    }
    for (size_t i = 0; i < t->n_negatives; i++) wipe_bytes(t->negatives[i].embedding, t->negatives[i].embedding_size);
    t->n_faces = t->n_negatives = 0;
}

static fct_status take_person(void *ctx, const fct_store_person *p, fct_error *err) {
    turn *t = ctx;
    bool room = true;
    fct_status s = fct_person_check(t->from, p, err);
    if (s) return s;
    fct_store_person *people = fct_grow(t->people, &t->cap, t->n + 1, sizeof *people);
    if (!people) return fct_fail_nomem(err, "people", 0);
    t->people = people;
    fct_store_person *x = &t->people[t->n++];
    *x = (fct_store_person){.id = p->id, .details_size = p->details_size};
    char *name = copy_bytes(p->name, strlen(p->name), &room);
    if (name) name[strlen(p->name)] = 0;
    x->name = name;
    x->details = copy_bytes(p->details, p->details_size, &room);
    return room ? FCT_OK : fct_fail_nomem(err, "people", 0);
}

static fct_status take_face(void *ctx, const fct_store_face *f, fct_error *err) {
    turn *t = ctx;
    bool room = true;
    fct_store_face *faces = fct_grow(t->faces, &t->cap_faces, t->n_faces + 1, sizeof *faces);
    if (!faces) return fct_fail_nomem(err, "faces", 0);
    t->faces = faces;
    fct_store_face *x = &t->faces[t->n_faces++];
    *x = *f;
    x->embedding = copy_bytes(f->embedding, f->embedding_size, &room);
    x->crop = copy_bytes(f->crop, f->crop_size, &room);
    char *source = copy_bytes(f->source, f->source ? strlen(f->source) : 0, &room);
    if (source) source[strlen(f->source)] = 0;
    x->source = source;
    if (!t->encrypt && room) x->checksum = fct_face_checksum(x->embedding, x->embedding_size, x->crop, x->crop_size);
    return room ? FCT_OK : fct_fail_nomem(err, "faces", 0);
}

static fct_status take_negative(void *ctx, const fct_store_negative *f, fct_error *err) {
    turn *t = ctx;
    bool room = true;
    fct_store_negative *all = fct_grow(t->negatives, &t->cap_negatives, t->n_negatives + 1, sizeof *all);
    if (!all) return fct_fail_nomem(err, "negatives", 0);
    t->negatives = all;
    t->negatives[t->n_negatives] = *f;
    t->negatives[t->n_negatives++].embedding = copy_bytes(f->embedding, f->embedding_size, &room);
    return room ? FCT_OK : fct_fail_nomem(err, "negatives", 0);
}

/* Writes the faces and negatives of one person to the other side. */
static fct_status turn_person(turn *t, int64_t id, fct_error *err) {
    int whole = FCT_FACE_EMBEDDING | FCT_FACE_CROP;
    fct_faces_query q = {.people = &id, .n = 1, .parts = FCT_FACE_INFO | whole};
    const fct_store_ops *from = t->from->ops, *to = t->to->ops;
    size_t removed;
    fct_status s = from->faces(t->from, &q, take_face, t, err);
    if (!s) s = from->negatives(t->from, &id, 1, 0, take_negative, t, err);
    if (!s && t->n_faces) s = to->faces_update(t->to, t->faces, t->n_faces, whole | FCT_FACE_SOURCE, err);
    for (size_t i = 0; i < t->n_negatives && !s; i++)
        s = to->negatives_remove(t->to, &t->negatives[i].id, 1, &removed, err);
    if (!s && t->n_negatives) s = to->negatives_add(t->to, t->negatives, t->n_negatives, err);
    clear_faces(t);
    return s;
}

/* Makes new keys for everybody, or takes all away. */
static fct_status put_keys(turn *t, fct_error *err) {
    fct_status s = FCT_OK;
    fct_store *in = t->sealed->inner;
    for (size_t i = 0; i < t->n && !s; i++) {
        uint8_t key[FCT_SEAL_KEY], sealed[FCT_SEAL_KEY + FCT_SEAL_EXTRA];
        fct_seal_place at = {.kind = 'K', .person = t->people[i].id, .name = ""};
        fct_store_key k = {.person_id = t->people[i].id, .data = t->encrypt ? sealed : NULL, .size = sizeof sealed};
        fct_seal_random(key, sizeof key);
        fct_seal_put(&t->sealed->seal, t->sealed->seal.key, &at, key, sizeof key, sealed);
        fct_seal_wipe(key, sizeof key);
        s = in->ops->keys_put(in, &k, 1, err);
    }
    return s;
}

/* Ids of people. */
typedef struct unkeyed_list {
    int64_t *ids;
    size_t n, cap;
} unkeyed_list;

static fct_status note_unkeyed(void *ctx, const fct_store_person *p, fct_error *err) {
    unkeyed_list *l = ctx;
    if (p->key) return FCT_OK;
    int64_t *ids = fct_grow(l->ids, &l->cap, l->n + 1, sizeof *ids);
    if (!ids) return fct_fail_nomem(err, "people", 0);
    l->ids = ids;
    l->ids[l->n++] = p->id;
    return FCT_OK;
}

/* Removes those whose keys were erased; *removed: how many. */
static fct_status remove_unkeyed(fct_store *in, size_t *removed, fct_error *err) {
    unkeyed_list l = {0};
    *removed = 0;
    fct_status s = in->ops->people(in, &(fct_people_query){.parts = FCT_PERSON_KEY}, note_unkeyed, &l, err);
    if (!s && l.n) s = in->ops->people_remove(in, l.ids, l.n, removed, err);
    fct_free(l.ids);
    return s;
}

static fct_status turn_all(void *ctx, fct_store *st, fct_error *err) {
    turn *t = ctx;
    fct_store *in = t->sealed->inner;
    fct_store_setting x = {.key = FCT_SETTING_SEAL, .value = t->text};
    fct_people_query q = {.parts = FCT_PERSON_DETAILS};
    size_t found;
    clear_people(t);
    fct_status s = t->encrypt ? FCT_OK : remove_unkeyed(in, &found, err);
    if (!s) s = t->from->ops->people(t->from, &q, take_person, t, err);
    if (!s && t->encrypt) s = put_keys(t, err);
    for (size_t i = 0; i < t->n && !s; i++) s = turn_person(t, t->people[i].id, err);
    if (!s && t->n)
        s = t->to->ops->people_update(t->to, t->people, t->n, FCT_PERSON_NAME | FCT_PERSON_DETAILS, &found, err);
    if (!s && !t->encrypt) s = put_keys(t, err);
    if (!s) s = in->ops->settings_put(in, &x, 1, err);
    return s ? s : fct_audit_note(in, t->encrypt ? "encrypt" : "decrypt", "{}", err);
}

static fct_status run_turn(turn *t, fct_error *err) {
    fct_status s = fct_store_run(&t->sealed->head, FCT_STORE_WRITE, turn_all, t, err);
    if (!s) s = t->sealed->inner->ops->purge(t->sealed->inner, err);
    clear_people(t);
    fct_free(t->people);
    fct_free(t->faces);
    fct_free(t->negatives);
    return s;
}

/* Opens what is there for writing. */
static fct_status open_store(const char *path, fct_store **out, fct_error *err) {
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.must_exist = true;
    *out = NULL;
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "gallery: no path");
    fct_status s = fct_seal_prepare(err);
    return s ? s : fct_store_open(path, &o, out, err);
}

/* The index of before holds all embeddings. */
static fct_status remove_cache(const char *path, fct_error *err) {
    char *name = fct_gallery_cache_path(path);
    fct_status s = name ? fct_index_cache_remove(name, err) : FCT_OK;
    fct_free(name);
    return s;
}

fct_status fct_gallery_encrypt(const char *path, const char *key, fct_error *err) {
    fct_store *in, *over;
    uint8_t bytes[FCT_SEAL_KEY];
    fct_seal seal;
    char *there = NULL, text[FCT_SEAL_TEXT];
    fct_status s = open_store(path, &in, err);
    if (!s) s = read_seal_of(in, &there, err);
    if (!s && there) s = fct_fail(err, FCT_ERR_EXISTS, "%s: encrypted already", path);
    if (!s) s = fct_seal_read_key(key, bytes, err);
    if (s) return fct_free(there), fct_store_close(in), s;
    fct_seal_make(&seal, bytes);
    fct_seal_write(&seal, text);
    s = fct_sealed_store_create(in, &seal, text, &over, err);
    turn t = {.from = in, .to = over, .sealed = (fct_sealed_store *)over, .encrypt = true, .text = text};
    if (!s) s = run_turn(&t, err);
    if (!s) s = remove_cache(path, err);
    fct_store_close(over);
    fct_seal_wipe(bytes, sizeof bytes);
    fct_seal_wipe(&seal, sizeof seal);
    return s;
}

/* Opens an encrypted gallery for work on both sides of the seal. */
static fct_status open_sealed(const char *path, const char *key, fct_sealed_store **out, fct_error *err) {
    fct_store *st;
    fct_status s = open_store(path, &st, err);
    if (!s) s = fct_store_unseal(&st, key, err);
    if (!s && !st->seal) s = fct_fail(err, FCT_ERR_ARG, "%s: is not encrypted", path);
    if (s) fct_store_close(st), st = NULL;
    *out = (fct_sealed_store *)st;
    return s;
}

fct_status fct_gallery_decrypt(const char *path, const char *key, fct_error *err) {
    fct_sealed_store *m;
    fct_status s = open_sealed(path, key, &m, err);
    if (s) return s;
    turn t = {.from = &m->head, .to = m->inner, .sealed = m};
    s = run_turn(&t, err);
    fct_store_close(&m->head);
    return s;
}

/* ---- Another key --------------------------------------------------------------------------------- */

/* Keys of people, sealed with the old key, and with the new one. */
typedef struct rekeying {
    fct_sealed_store *m;
    const fct_seal *fresh;
    const char *text;
    fct_store_key *keys; /* [n] */
    size_t n, cap;
    fct_buf sealed; /* what keys point to: [n][FCT_SEAL_KEY + FCT_SEAL_EXTRA] */
} rekeying;

static fct_status reseal_key(void *ctx, const fct_store_person *p, fct_error *err) {
    rekeying *r = ctx;
    const uint8_t *key;
    fct_status s = fct_sealed_key(r->m, p->id, p->key, p->key_size, &key, err);
    if (s || !key) return s;
    fct_store_key *keys = fct_grow(r->keys, &r->cap, r->n + 1, sizeof *keys);
    if (keys) r->keys = keys;
    uint8_t *to = fct_buf_extend(&r->sealed, FCT_SEAL_KEY + FCT_SEAL_EXTRA);
    if (!keys || !to) return fct_fail_nomem(err, "keys", 0);
    fct_seal_place at = {.kind = 'K', .person = p->id, .name = ""};
    fct_seal_put(r->fresh, r->fresh->key, &at, key, FCT_SEAL_KEY, to);
    r->keys[r->n++] = (fct_store_key){.person_id = p->id, .size = FCT_SEAL_KEY + FCT_SEAL_EXTRA};
    return FCT_OK;
}

static fct_status reseal_keys(void *ctx, fct_store *st, fct_error *err) {
    rekeying *r = ctx;
    fct_store *in = r->m->inner;
    fct_store_setting x = {.key = FCT_SETTING_SEAL, .value = r->text};
    r->n = 0;
    fct_buf_clear(&r->sealed);
    fct_status s = in->ops->people(in, &(fct_people_query){.parts = FCT_PERSON_KEY}, reseal_key, r, err);
    for (size_t i = 0; i < r->n; i++) r->keys[i].data = r->sealed.data + i * (FCT_SEAL_KEY + FCT_SEAL_EXTRA);
    if (!s && r->n) s = in->ops->keys_put(in, r->keys, r->n, err);
    if (!s) s = in->ops->settings_put(in, &x, 1, err);
    return s ? s : fct_audit_note(in, "rekey", "{}", err);
}

fct_status fct_gallery_rekey(const char *path, const char *key, const char *new_key, fct_error *err) {
    fct_sealed_store *m;
    fct_seal fresh;
    char text[FCT_SEAL_TEXT];
    if (!new_key) return fct_fail(err, FCT_ERR_ARG, "no new key");
    fct_status s = open_sealed(path, key, &m, err);
    if (s) return s;
    fresh = m->seal;
    s = fct_seal_read_key(new_key, fresh.key, err);
    if (!s) {
        fct_seal_write(&fresh, text);
        rekeying r = {.m = m, .fresh = &fresh, .text = text};
        s = fct_store_run(&m->head, FCT_STORE_WRITE, reseal_keys, &r, err);
        fct_free(r.keys);
        fct_buf_free(&r.sealed);
    }
    if (!s) s = m->inner->ops->purge(m->inner, err);
    fct_store_close(&m->head);
    fct_seal_wipe(&fresh, sizeof fresh);
    return s;
}
