/* The keys of an encrypted gallery's people in a file of their own. Copies of the
 * gallery have none, so that the newest such file decides who can be read in any of
 * them. key_file.h describes the file. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "gallery/key_file.h"
#include "gallery/sealed_store.h"
#include "text/base64.h"
#include <stdio.h>
#include <string.h>

#define FILE_BYTES ((size_t)1 << 30)

/* ---- Writing -------------------------------------------------------------------------------- */

static fct_status write_key(void *ctx, const fct_store_person *p, fct_error *err) {
    char text[128];
    if (!p->key || p->key_size != FCT_KEY_FILE_BYTES) return FCT_OK;
    fct_base64_encode(p->key, p->key_size, text);
    text[fct_base64_size(FCT_KEY_FILE_BYTES)] = 0;
    fprintf(ctx, "{\"person\":%lld,\"key\":\"%s\"}\n", (long long)p->id, text);
    return FCT_OK;
}

static fct_status write_keys(void *ctx, fct_store *st, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    char id[33];
    rewind(ctx);
    fct_key_file_id(&m->seal, id);
    fprintf(ctx, "{\"facet_keys\":1,\"gallery\":\"%s\"}\n", id);
    return m->inner->ops->people(m->inner, &(fct_people_query){.parts = FCT_PERSON_KEY}, write_key, ctx, err);
}

fct_status fct_gallery_save_keys(fct_gallery *g, const char *path, fct_error *err) {
    fct_draft *d;
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "keys: no path");
    if (!g->reader->seal) return fct_fail(err, FCT_ERR_ARG, "%s: is not encrypted", g->reader->place);
    fct_status s = fct_draft_open(path, FCT_DRAFT_PRIVATE, &d, err);
    if (s) return s;
    s = fct_gallery_read(g, write_keys, fct_draft_file(d), err);
    if (!s) return fct_draft_commit(d, err); /* which also tells of a full disk */
    fct_draft_discard(d);
    return s;
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Keys of people who are here and have none, out of those of the file. */
typedef struct chosen_keys {
    const fct_key_file *f;
    fct_idmap by_person;
    fct_store_key *keys;
    int64_t *unknown; /* people without a key in the file */
    size_t n, n_unknown, cap, cap_unknown;
} chosen_keys;

static fct_status choose_key(void *ctx, const fct_store_person *p, fct_error *err) {
    chosen_keys *c = ctx;
    if (p->key) return FCT_OK;
    uint32_t at = fct_idmap_get(&c->by_person, p->id);
    fct_store_key *keys = fct_grow(c->keys, &c->cap, c->n + 1, sizeof *keys);
    if (keys) c->keys = keys;
    int64_t *unknown = fct_grow(c->unknown, &c->cap_unknown, c->n_unknown + 1, sizeof *unknown);
    if (unknown) c->unknown = unknown;
    if (!keys || !unknown) return fct_fail_nomem(err, "keys", 0);
    if (at == FCT_IDMAP_NONE) c->unknown[c->n_unknown++] = p->id;
    else c->keys[c->n++] = c->f->keys[at];
    return FCT_OK;
}

/* What restoring works with, and what came of it. */
typedef struct restore_call {
    fct_key_file file;
    size_t restored, removed;
} restore_call;

static fct_status note_restored(fct_store *in, const restore_call *r, fct_error *err) {
    char detail[80];
    snprintf(detail, sizeof detail, "{\"restored\":%zu,\"removed\":%zu}", r->restored, r->removed);
    return fct_audit_note(in, "restore-keys", detail, err);
}

static fct_status restore(void *ctx, fct_store *st, fct_error *err) {
    restore_call *r = ctx;
    fct_store *in = fct_store_bottom(st);
    chosen_keys c = {.f = &r->file};
    r->removed = 0;
    bool room = fct_idmap_reserve(&c.by_person, r->file.n);
    for (size_t i = 0; room && i < r->file.n; i++) fct_idmap_put(&c.by_person, r->file.keys[i].person_id, (uint32_t)i);
    fct_people_query q = {.parts = FCT_PERSON_KEY};
    fct_status s = room ? in->ops->people(in, &q, choose_key, &c, err) : fct_fail_nomem(err, "keys", 0);
    if (!s && c.n) s = in->ops->keys_put(in, c.keys, c.n, err);
    if (!s && c.n_unknown) s = in->ops->people_remove(in, c.unknown, c.n_unknown, &r->removed, err);
    r->restored = c.n;
    if (!s) s = note_restored(in, r, err);
    fct_idmap_clear(&c.by_person);
    fct_free(c.keys);
    fct_free(c.unknown);
    return s;
}

/* Opens the copy, and reads the file of its keys. */
static fct_status open_both(const char *path, const char *key, const char *file, fct_store **st, fct_key_file *out,
                            fct_error *err) {
    uint8_t *text = NULL;
    size_t size = 0;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.must_exist = true;
    fct_status s = fct_store_open(path, &o, st, err);
    if (!s) s = fct_store_unseal(st, key, err);
    if (!s && !(*st)->seal) s = fct_fail(err, FCT_ERR_ARG, "%s: is not encrypted", path);
    if (!s) s = fct_file_read(file, FILE_BYTES, &text, &size, err);
    if (!s) s = fct_key_file_read(&fct_sealed_of(*st)->seal, file, path, (char *)text, size, out, err);
    fct_free(text);
    return s;
}

fct_status fct_gallery_restore_keys(const char *path, const char *key, const char *file, int *restored, int *removed,
                                    fct_error *err) {
    fct_store *st = NULL;
    restore_call r = {.restored = 0};
    *restored = *removed = 0;
    if (!path || !*path || !file || !*file) return fct_fail(err, FCT_ERR_ARG, "keys: no path");
    fct_status s = open_both(path, key, file, &st, &r.file, err);
    if (!s) s = fct_store_run(st, FCT_STORE_WRITE, restore, &r, err);
    if (!s && r.removed) s = st->ops->purge(st, err);
    if (!s) *restored = (int)r.restored, *removed = (int)r.removed;
    fct_key_file_clear(&r.file);
    fct_store_close(st);
    return s;
}
