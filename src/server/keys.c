#include "server/keys.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "base/hash.h"
#include "text/json_reader.h"
#include "text/json_writer.h"
#include "text/utf8.h"

#include <stdio.h>
#include <string.h>

enum { KEYS_VERSION = 1, KEYS_FILE_MOST = 4 << 20, SECRET_BYTES = 32 };

static const char *const role_names[] = {"none", "reader", "enroller", "admin"};

const char *srv_role_name(srv_role r) { return role_names[r]; }

srv_role srv_role_find(const char *name) {
    for (int i = SRV_ROLE_READER; i <= SRV_ROLE_ADMIN; i++)
        if (strcmp(name, role_names[i]) == 0) return (srv_role)i;
    return SRV_ROLE_NONE;
}

void srv_keys_free(srv_keys *k) {
    fct_free(k->at);
    *k = (srv_keys){0};
}

static fct_status append(srv_keys *k, const srv_key *key, fct_error *err) {
    srv_key *p = fct_grow(k->at, &k->capacity, k->n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "keys", 0);
    k->at = p;
    k->at[k->n++] = *key;
    return FCT_OK;
}

static bool is_hex(const char *text, size_t n) {
    return text && strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

/* 1 to `most` bytes of UTF-8 without control characters. */
static bool is_text(const char *text, size_t most) {
    if (!text || !*text || strlen(text) > most || !fct_utf8_valid(text, strlen(text))) return false;
    for (const char *p = text, *end = p + strlen(p); p < end;)
        if (fct_utf8_is_control((uint32_t)fct_utf8_next(&p, end))) return false;
    return true;
}

static bool is_name(const char *text) { return is_text(text, SRV_KEY_NAME); }

/* Whether this is the text of the key with that hash. */
static bool is_text_of(const char *text, const char *sha256) {
    char sum[65];
    fct_sha256_hex(text, strlen(text), sum);
    return strlen(text) == SRV_KEY_TEXT - 1 && strcmp(sum, sha256) == 0;
}

/* ---- The file -------------------------------------------------------------------------- */

static fct_status read_key(const char *path, const fct_json *v, int number, srv_keys *out, fct_error *err) {
    srv_key k = {0};
    const char *id = fct_json_get_text(fct_json_member(v, "id"));
    const char *name = fct_json_get_text(fct_json_member(v, "name"));
    const char *role = fct_json_get_text(fct_json_member(v, "role"));
    const char *sum = fct_json_get_text(fct_json_member(v, "sha256"));
    const char *bad = !is_hex(id, 16)                                                ? "id"
                      : !is_name(name)                                               ? "name"
                      : !role || !(k.role = srv_role_find(role))                     ? "role"
                      : !is_hex(sum, 64)                                             ? "sha256"
                      : !fct_json_get_int(fct_json_member(v, "created"), &k.created) ? "created"
                                                                                     : NULL;
    if (bad) return fct_fail(err, FCT_ERR_FORMAT, "%s: key %d has no proper \"%s\"", path, number, bad);
    const char *collection = fct_json_get_text(fct_json_member(v, "collection"));
    const char *secret = fct_json_get_text(fct_json_member(v, "secret"));
    if (fct_json_member(v, "collection") && !is_text(collection, SRV_KEY_COLLECTION)) bad = "collection";
    if (fct_json_member(v, "secret") && (!secret || !is_text_of(secret, sum))) bad = "secret";
    if (bad) return fct_fail(err, FCT_ERR_FORMAT, "%s: key %d has no proper \"%s\"", path, number, bad);
    memcpy(k.id, id, sizeof k.id);
    if (collection) snprintf(k.collection, sizeof k.collection, "%s", collection);
    if (secret) snprintf(k.secret, sizeof k.secret, "%s", secret);
    memcpy(k.sha256, sum, sizeof k.sha256);
    snprintf(k.name, sizeof k.name, "%s", name);
    return append(out, &k, err);
}

static fct_status read_list(const char *path, const fct_json *root, srv_keys *out, fct_error *err) {
    int64_t version;
    const fct_json *list = fct_json_member(root, "keys");
    if (!fct_json_get_int(fct_json_member(root, "version"), &version) || !fct_json_is(list, FCT_JSON_ARRAY))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: no file of keys: \"version\" or \"keys\" is missing", path);
    if (version != KEYS_VERSION)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: version %lld; this facet reads %d", path, (long long)version,
                        KEYS_VERSION);
    int number = 1;
    fct_status s = FCT_OK;
    for (const fct_json *c = fct_json_first(list); c && !s; c = fct_json_next(list, c))
        s = read_key(path, c, number++, out, err);
    return s;
}

fct_status srv_keys_read(const char *path, srv_keys *out, fct_error *err) {
    uint8_t *text;
    size_t size;
    fct_json_doc doc = {0};
    *out = (srv_keys){0};
    fct_file_stat fs;
    fct_file_get_stat(path, &fs);
    if (!fs.exists) return FCT_OK;
    fct_status s = fct_file_read(path, KEYS_FILE_MOST, &text, &size, err);
    if (s) return s;
    s = fct_json_parse(&doc, (char *)text, size, path, err);
    if (!s) s = read_list(path, doc.values, out, err);
    if (s) srv_keys_free(out);
    fct_json_free(&doc);
    fct_free(text);
    return s;
}

fct_status srv_keys_write(const char *path, const srv_keys *k, fct_error *err) {
    fct_buf text = {0};
    fct_json_writer j;
    fct_json_to_buf(&j, &text);
    fct_json_object(&j, NULL);
    fct_json_int(&j, "version", KEYS_VERSION);
    fct_json_array(&j, "keys");
    for (size_t i = 0; i < k->n; i++) {
        fct_json_object(&j, NULL);
        fct_json_text(&j, "id", k->at[i].id);
        fct_json_text(&j, "name", k->at[i].name);
        fct_json_text(&j, "role", srv_role_name(k->at[i].role));
        fct_json_int(&j, "created", k->at[i].created);
        fct_json_text(&j, "sha256", k->at[i].sha256);
        if (*k->at[i].collection) fct_json_text(&j, "collection", k->at[i].collection);
        if (*k->at[i].secret) fct_json_text(&j, "secret", k->at[i].secret);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
    fct_status s = text.failed ? fct_fail_nomem(err, path, 0) : fct_file_write_private(path, text.data, text.size, err);
    fct_buf_free(&text);
    return s;
}

/* ---- Keys ------------------------------------------------------------------------------- */

static srv_key *find(const srv_keys *k, const char *name) {
    for (size_t i = 0; i < k->n; i++)
        if (strcmp(k->at[i].name, name) == 0 || strcmp(k->at[i].id, name) == 0) return &k->at[i];
    return NULL;
}

fct_status srv_keys_add(srv_keys *k, const char *name, srv_role role, char text[SRV_KEY_TEXT], fct_error *err) {
    static const char digits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    unsigned char random[SECRET_BYTES + 11];
    srv_key key = {.role = role, .created = fct_time_unix()};
    if (!is_name(name)) return fct_fail(err, FCT_ERR_ARG, "a key's name has 1 to %d bytes of text", SRV_KEY_NAME);
    if (find(k, name)) return fct_fail(err, FCT_ERR_EXISTS, "%s: there is a key of this name", name);
    if (fct_sys_random(random, sizeof random)) return fct_fail(err, FCT_ERR_IO, "the system gives no random numbers");
    /* 43 digits of 6 bits hold 258 bits. */
    snprintf(text, SRV_KEY_TEXT, "fct_");
    for (int i = 0; i < 43; i++) text[4 + i] = digits[random[i] & 63];
    text[47] = 0;
    fct_sha256_hex(text, strlen(text), key.sha256);
    snprintf(key.id, sizeof key.id, "%.16s", key.sha256);
    snprintf(key.name, sizeof key.name, "%s", name);
    return append(k, &key, err);
}

static fct_status no_key(const char *name, fct_error *err) {
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such key", name);
}

fct_status srv_keys_bind(srv_keys *k, const char *name, const char *collection, fct_error *err) {
    srv_key *key = find(k, name);
    if (!key) return no_key(name, err);
    if (!is_text(collection, SRV_KEY_COLLECTION))
        return fct_fail(err, FCT_ERR_ARG, "a collection's name has 1 to %d bytes of text", SRV_KEY_COLLECTION);
    snprintf(key->collection, sizeof key->collection, "%s", collection);
    return FCT_OK;
}

fct_status srv_keys_let_sign(srv_keys *k, const char *name, const char *text, fct_error *err) {
    srv_key *key = find(k, name);
    if (!key) return no_key(name, err);
    if (!is_text_of(text, key->sha256)) return fct_fail(err, FCT_ERR_ARG, "%s: this is not its text", name);
    snprintf(key->secret, sizeof key->secret, "%s", text);
    return FCT_OK;
}

void srv_key_access_id(const srv_key *k, char out[SRV_KEY_ACCESS]) {
    snprintf(out, SRV_KEY_ACCESS, "FCTK%.16s", k->id);
    for (char *p = out + 4; *p; p++)
        if (*p >= 'a') *p = (char)(*p - 'a' + 'A');
}

const srv_key *srv_keys_signing(const srv_keys *k, const char *access_id) {
    char id[SRV_KEY_ACCESS];
    for (size_t i = 0; i < k->n; i++) {
        srv_key_access_id(&k->at[i], id);
        if (*k->at[i].secret && strcmp(id, access_id) == 0) return &k->at[i];
    }
    return NULL;
}

fct_status srv_keys_remove(srv_keys *k, const char *name, fct_error *err) {
    srv_key *key = find(k, name);
    if (!key) return no_key(name, err);
    size_t behind = (size_t)(k->at + k->n - key) - 1;
    memmove(key, key + 1, behind * sizeof *key);
    k->n--;
    return FCT_OK;
}

const srv_key *srv_keys_check(const srv_keys *k, const char *text) {
    char sum[65];
    const srv_key *found = NULL;
    fct_sha256_hex(text, strlen(text), sum);
    for (size_t i = 0; i < k->n; i++) {
        unsigned differ = 0;
        for (int c = 0; c < 64; c++) differ |= (unsigned)(k->at[i].sha256[c] ^ sum[c]);
        if (!differ) found = &k->at[i];
    }
    return found;
}
