#include "gallery/seal.h"
#include "base/alloc.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/file.h"
#include "base/library.h"
#include "base/thread.h"
#include "text/base64.h"
#include <stdlib.h>
#include <string.h>

/* ---- Keys as texts, with or without libsodium ------------------------------------------ */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads exactly n bytes from 2 * n digits. */
static bool from_hex(const char *text, size_t n, uint8_t *out) {
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text[2 * i]), low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static char *to_hex(const uint8_t *data, size_t n, char *out) {
    for (size_t i = 0; i < n; i++) {
        *out++ = "0123456789abcdef"[data[i] >> 4];
        *out++ = "0123456789abcdef"[data[i] & 15];
    }
    *out = 0;
    return out;
}

/* A file of 64 digits with white space around them, or of 32 bytes. */
static bool parse_key(const uint8_t *data, size_t size, uint8_t key[FCT_SEAL_KEY]) {
    if (size == FCT_SEAL_KEY) return memcpy(key, data, size), true;
    while (size && strchr(" \t\r\n", data[size - 1])) size--;
    while (size && strchr(" \t\r\n", *data)) data++, size--;
    return size == 2 * FCT_SEAL_KEY && from_hex((const char *)data, FCT_SEAL_KEY, key);
}

fct_status fct_seal_read_key(const char *given, uint8_t key[FCT_SEAL_KEY], fct_error *err) {
    const char *text = given ? given : fct_env("FCT_GALLERY_KEY");
    memset(key, 0, FCT_SEAL_KEY);
    if (!text || !*text)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "no key: give one by --key-file, or by FCT_GALLERY_KEY");
    if (strlen(text) == 2 * FCT_SEAL_KEY && from_hex(text, FCT_SEAL_KEY, key)) return FCT_OK;
    uint8_t *data;
    size_t size;
    fct_status s = fct_file_read(text, 4096, &data, &size, err);
    if (s) return s;
    bool good = parse_key(data, size, key);
    fct_seal_wipe(data, size);
    fct_free(data);
    if (good) return FCT_OK;
    memset(key, 0, FCT_SEAL_KEY);
    return fct_fail(err, FCT_ERR_FORMAT, "%s: holds no key: that is 64 hexadecimal digits, or 32 bytes", text);
}

#ifdef FCT_HAVE_ENCRYPTION
#include <sodium.h>

_Static_assert(FCT_SEAL_EXTRA ==
                   1 + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "the head of a sealed value");
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

/* What is used of libsodium, by the names that the library has for it. */
#define SODIUM(X)                                                                                                      \
    X(sodium_init)                                                                                                     \
    X(crypto_aead_xchacha20poly1305_ietf_encrypt)                                                                      \
    X(crypto_aead_xchacha20poly1305_ietf_decrypt)                                                                      \
    X(crypto_generichash)                                                                                              \
    X(randombytes_buf)                                                                                                 \
    X(sodium_memzero)
#define POINTER(name) static FCT_TYPE_OF(name) * p_##name;
#define SYMBOL(name)  {#name, (void (**)(void)) & p_##name},
SODIUM(POINTER)

static bool load(void) {
    static const char *const files[] = {
        "libsodium.so.23",  "libsodium.so.26",  "libsodium.23.dylib", "libsodium.26.dylib",
        "libsodium-26.dll", "libsodium-23.dll", "libsodium.dll",      NULL};
    static const fct_symbol symbols[] = {SODIUM(SYMBOL)};
    static fct_mutex lock = FCT_MUTEX_INIT;
    static bool loaded;
    fct_mutex_lock(&lock);
    if (!loaded) loaded = fct_library_load(files, symbols, sizeof symbols / sizeof *symbols) && p_sodium_init() >= 0;
    bool is = loaded;
    fct_mutex_unlock(&lock);
    return is;
}

fct_status fct_seal_prepare(fct_error *err) {
    if (load()) return FCT_OK;
    char remedy[128];
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "encryption: libsodium is missing (%s)",
                    fct_library_remedy("libsodium23", remedy, sizeof remedy));
}

/* Before the library is there no key is either. */
void fct_seal_wipe(void *p, size_t n) {
    if (p && p_sodium_memzero) p_sodium_memzero(p, n);
    else if (p) memset(p, 0, n);
}

void fct_seal_random(void *p, size_t n) { p_randombytes_buf(p, n); }

/* ---- Sealing ------------------------------------------------------------------------------- */

#define BOUND_MAX 640

static size_t put_int(uint8_t *out, int64_t v) {
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)((uint64_t)v >> (8 * i));
    return 8;
}

/* The associated data of a place. */
static size_t bind_place(const fct_seal *s, const fct_seal_place *at, uint8_t out[BOUND_MAX]) {
    static const char mark[] = "facet gallery 1";
    size_t n = sizeof mark, len = strnlen(at->name, BOUND_MAX - 64);
    memcpy(out, mark, n);
    out[n++] = (uint8_t)at->kind;
    memcpy(out + n, s->gallery, sizeof s->gallery);
    n += sizeof s->gallery;
    n += put_int(out + n, at->person);
    n += put_int(out + n, at->row);
    memcpy(out + n, at->name, len);
    return n + len;
}

void fct_seal_put(const fct_seal *s, const uint8_t key[FCT_SEAL_KEY], const fct_seal_place *at, const void *data,
                  size_t n, uint8_t *out) {
    uint8_t bound[BOUND_MAX];
    size_t bound_size = bind_place(s, at, bound);
    out[0] = 1;
    p_randombytes_buf(out + 1, NONCE);
    p_crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + NONCE, NULL, data, n, bound, bound_size, NULL, out + 1, key);
}

bool fct_seal_get(const fct_seal *s, const uint8_t key[FCT_SEAL_KEY], const fct_seal_place *at, const void *data,
                  size_t n, uint8_t *out) {
    uint8_t bound[BOUND_MAX];
    const uint8_t *p = data;
    if (n < FCT_SEAL_EXTRA || p[0] != 1) return false;
    size_t bound_size = bind_place(s, at, bound);
    return p_crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, p + 1 + NONCE, n - 1 - NONCE, bound,
                                                        bound_size, p + 1, key) == 0;
}

void fct_seal_token(const fct_seal *s, const char *name, char out[FCT_SEAL_TOKEN]) {
    uint8_t hash[32];
    p_crypto_generichash(hash, sizeof hash, (const uint8_t *)name, strlen(name), s->names, sizeof s->names);
    fct_base64_encode(hash, sizeof hash, out);
    out[fct_base64_size(sizeof hash)] = 0;
}

/* ---- The gallery's own ------------------------------------------------------------------------ */

void fct_seal_make(fct_seal *s, const uint8_t key[FCT_SEAL_KEY]) {
    p_randombytes_buf(s->gallery, sizeof s->gallery);
    p_randombytes_buf(s->names, sizeof s->names);
    memcpy(s->key, key, sizeof s->key);
}

static const fct_seal_place names_place = {.kind = 'T', .name = ""};

void fct_seal_write(const fct_seal *s, char out[FCT_SEAL_TEXT]) {
    uint8_t sealed[FCT_SEAL_KEY + FCT_SEAL_EXTRA];
    fct_seal_put(s, s->key, &names_place, s->names, sizeof s->names, sealed);
    out[0] = '1';
    out[1] = ':';
    char *p = to_hex(s->gallery, sizeof s->gallery, out + 2);
    *p++ = ':';
    to_hex(sealed, sizeof sealed, p);
}

fct_status fct_seal_read(const char *text, const uint8_t key[FCT_SEAL_KEY], const char *place, fct_seal *out,
                         fct_error *err) {
    enum { ID = sizeof out->gallery, SEALED = FCT_SEAL_KEY + FCT_SEAL_EXTRA };
    uint8_t sealed[SEALED];
    memset(out, 0, sizeof *out);
    size_t len = strlen(text);
    if (len > 2 && text[0] != '1' && text[1] == ':')
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: encrypted by a newer version of facet", place);
    bool good = len == 2 + 2 * ID + 1 + 2 * SEALED && memcmp(text, "1:", 2) == 0 && text[2 + 2 * ID] == ':' &&
                from_hex(text + 2, ID, out->gallery) && from_hex(text + 2 + 2 * ID + 1, SEALED, sealed);
    if (!good) return fct_fail(err, FCT_ERR_FORMAT, "%s: what it says of its encryption is damaged", place);
    memcpy(out->key, key, sizeof out->key);
    if (fct_seal_get(out, key, &names_place, sealed, SEALED, out->names)) return FCT_OK;
    fct_seal_wipe(out, sizeof *out);
    return fct_fail(err, FCT_ERR_MISMATCH, "%s: encrypted, and the key that was given is not its key", place);
}

#else
fct_status fct_seal_prepare(fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build of facet has no encryption: it was made without libsodium");
}
void fct_seal_wipe(void *p, size_t n) {
    if (p) memset(p, 0, n);
}
void fct_seal_random(void *p, size_t n) { memset(p, 0, n); }
void fct_seal_put(const fct_seal *s, const uint8_t key[FCT_SEAL_KEY], const fct_seal_place *at, const void *data,
                  size_t n, uint8_t *out) {
    memset(out, 0, n + FCT_SEAL_EXTRA);
}
bool fct_seal_get(const fct_seal *s, const uint8_t key[FCT_SEAL_KEY], const fct_seal_place *at, const void *data,
                  size_t n, uint8_t *out) {
    return false;
}
void fct_seal_token(const fct_seal *s, const char *name, char out[FCT_SEAL_TOKEN]) { *out = 0; }
void fct_seal_make(fct_seal *s, const uint8_t key[FCT_SEAL_KEY]) { memset(s, 0, sizeof *s); }
void fct_seal_write(const fct_seal *s, char out[FCT_SEAL_TEXT]) { to_hex(s->gallery, sizeof s->gallery, out); }
fct_status fct_seal_read(const char *text, const uint8_t key[FCT_SEAL_KEY], const char *place, fct_seal *out,
                         fct_error *err) {
    memset(out, 0, sizeof *out);
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: encrypted, and this build of facet has no encryption: it was made without libsodium", place);
}
#endif
