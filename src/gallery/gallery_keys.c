/* The keys of an encrypted gallery's people in a file of their own. Copies of the
 * gallery have none, so that the newest such file decides who can be read in any of
 * them. Lines of JSON: {"facet_keys":1,"gallery":"ID in hex"}, then one for each
 * person, {"person":7,"key":"..."}: the key sealed with the gallery's, in base 64. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "gallery/sealed_store.h"
#include "text/base64.h"
#include "text/json_reader.h"
#include <stdio.h>
#include <string.h>

#define KEY_BYTES  (FCT_SEAL_KEY + FCT_SEAL_EXTRA)
#define FILE_BYTES ((size_t)1 << 30)

static void gallery_in_hex(const fct_seal *s, char out[33]) {
    for (size_t i = 0; i < sizeof s->gallery; i++) snprintf(out + 2 * i, 3, "%02x", s->gallery[i]);
}

/* ---- Writing -------------------------------------------------------------------------------- */

static fct_status write_key(void *ctx, const fct_store_person *p, fct_error *err) {
    char text[128];
    if (!p->key || p->key_size != KEY_BYTES) return FCT_OK;
    fct_base64_encode(p->key, p->key_size, text);
    text[fct_base64_size(KEY_BYTES)] = 0;
    fprintf(ctx, "{\"person\":%lld,\"key\":\"%s\"}\n", (long long)p->id, text);
    return FCT_OK;
}

static fct_status write_keys(void *ctx, fct_store *st, fct_error *err) {
    fct_sealed_store *m = fct_sealed_of(st);
    char id[33];
    rewind(ctx);
    gallery_in_hex(&m->seal, id);
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

/* A reading of such a file. */
typedef struct key_reader {
    fct_sealed_store *m;
    const char *path;
    const char *text; /* of the whole file */
    size_t size;
    fct_json_doc doc;
    long line;
    fct_store_key *keys; /* [n] */
    uint8_t (*bytes)[KEY_BYTES];
    size_t n, cap, cap_bytes, removed, restored;
} key_reader;

static fct_status bad_line(const key_reader *r, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: line %ld %s", r->path, r->line, why);
}

static fct_status read_head(key_reader *r, const fct_json *v, fct_error *err) {
    int64_t version;
    char id[33];
    const char *gallery = fct_json_get_text(fct_json_member(v, "gallery"));
    if (!fct_json_get_int(fct_json_member(v, "facet_keys"), &version) || !gallery)
        return bad_line(r, "is not the head of a file of keys", err);
    if (version != 1) return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: made by a newer version of facet", r->path);
    gallery_in_hex(&r->m->seal, id);
    if (strcmp(id, gallery) == 0) return FCT_OK;
    return fct_fail(err, FCT_ERR_MISMATCH, "%s: keys of another gallery than %s", r->path, r->m->head.place);
}

static fct_status read_key(key_reader *r, const fct_json *v, fct_error *err) {
    int64_t person;
    uint8_t raw[128], key[FCT_SEAL_KEY];
    size_t size;
    const char *text = fct_json_get_text(fct_json_member(v, "key"));
    bool good = fct_json_get_int(fct_json_member(v, "person"), &person) && text && strlen(text) < sizeof raw &&
                fct_base64_decode(text, strlen(text), raw, &size) && size == KEY_BYTES;
    fct_seal_place at = {.kind = 'K', .person = good ? person : 0, .name = ""};
    if (!good) return bad_line(r, "holds no key", err);
    good = fct_seal_get(&r->m->seal, r->m->seal.key, &at, raw, size, key);
    fct_seal_wipe(key, sizeof key);
    if (!good) return bad_line(r, "holds a key that the gallery's key does not open", err);
    fct_store_key *keys = fct_grow(r->keys, &r->cap, r->n + 1, sizeof *keys);
    if (keys) r->keys = keys;
    uint8_t(*bytes)[KEY_BYTES] = fct_grow(r->bytes, &r->cap_bytes, r->n + 1, sizeof *bytes);
    if (bytes) r->bytes = bytes;
    if (!keys || !bytes) return fct_fail_nomem(err, "keys", 0);
    memcpy(r->bytes[r->n], raw, KEY_BYTES);
    r->keys[r->n++] = (fct_store_key){.person_id = person, .size = KEY_BYTES};
    return FCT_OK;
}

static fct_status read_lines(key_reader *r, char *text, size_t size, fct_error *err) {
    fct_status s = FCT_OK;
    fct_json_fault fault;
    for (char *end = text + size, *p = text; p < end && !s;) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((stop ? stop : end) - p);
        r->line++;
        s = fct_json_read(&r->doc, p, len, &fault);
        if (s == FCT_ERR_NOMEM) s = fct_fail_nomem(err, "keys", len);
        else if (s) s = bad_line(r, fault.why, err);
        else s = r->line == 1 ? read_head(r, r->doc.values, err) : read_key(r, r->doc.values, err);
        p += len + 1;
    }
    if (!s && !r->line) s = fct_fail(err, FCT_ERR_FORMAT, "%s: is empty", r->path);
    for (size_t i = 0; i < r->n; i++) r->keys[i].data = r->bytes[i];
    return s;
}

/* Keys of people who are here and have none, out of those of the file. */
typedef struct chosen_keys {
    const key_reader *r;
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
    else c->keys[c->n++] = c->r->keys[at];
    return FCT_OK;
}

static fct_status restore(void *ctx, fct_store *st, fct_error *err) {
    key_reader *r = ctx;
    fct_store *in = r->m->inner;
    chosen_keys c = {.r = r};
    r->removed = 0;
    bool room = fct_idmap_reserve(&c.by_person, r->n);
    for (size_t i = 0; room && i < r->n; i++) fct_idmap_put(&c.by_person, r->keys[i].person_id, (uint32_t)i);
    fct_people_query q = {.parts = FCT_PERSON_KEY};
    fct_status s = room ? in->ops->people(in, &q, choose_key, &c, err) : fct_fail_nomem(err, "keys", 0);
    if (!s && c.n) s = in->ops->keys_put(in, c.keys, c.n, err);
    if (!s && c.n_unknown) s = in->ops->people_remove(in, c.unknown, c.n_unknown, &r->removed, err);
    r->restored = c.n;
    fct_idmap_clear(&c.by_person);
    fct_free(c.keys);
    fct_free(c.unknown);
    return s;
}

fct_status fct_gallery_restore_keys(const char *path, const char *key, const char *file, int *restored, int *removed,
                                    fct_error *err) {
    uint8_t *text = NULL;
    size_t size = 0;
    fct_store *st;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.must_exist = true;
    *restored = *removed = 0;
    if (!path || !*path || !file || !*file) return fct_fail(err, FCT_ERR_ARG, "keys: no path");
    fct_status s = fct_store_open(path, &o, &st, err);
    if (!s) s = fct_store_unseal(&st, key, err);
    if (!s && !st->seal) s = fct_fail(err, FCT_ERR_ARG, "%s: is not encrypted", path);
    if (!s) s = fct_file_read(file, FILE_BYTES, &text, &size, err);
    key_reader r = {.m = (fct_sealed_store *)st, .path = file};
    if (!s) s = read_lines(&r, (char *)text, size, err);
    if (!s) s = fct_store_run(st, FCT_STORE_WRITE, restore, &r, err);
    if (!s && r.removed) s = st->ops->purge(st, err);
    if (!s) *restored = (int)r.restored, *removed = (int)r.removed;
    fct_json_free(&r.doc);
    fct_free(r.keys);
    fct_free(r.bytes);
    fct_free(text);
    fct_store_close(st);
    return s;
}
