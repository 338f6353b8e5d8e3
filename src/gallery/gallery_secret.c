/* Secrets that are no part of a gallery, sealed with its key: "1:" and the sealed bytes in base 64. */
#include "base/alloc.h"
#include "base/error.h"
#include "facet/privacy.h"
#include "gallery/seal.h"
#include "text/base64.h"
#include <string.h>

enum { PURPOSE_MOST = 200, SECRET_MOST = 65536 };

/* Reads the key and fills in the place that the secret is bound to. */
static fct_status prepare(const char *key, const char *purpose, fct_seal *seal, fct_seal_place *at, fct_error *err) {
    memset(seal, 0, sizeof *seal);
    *at = (fct_seal_place){.kind = 'X', .name = purpose};
    if (!purpose || strlen(purpose) > PURPOSE_MOST)
        return fct_fail(err, FCT_ERR_ARG, "secret: a purpose has up to %d bytes", PURPOSE_MOST);
    fct_status s = fct_seal_read_key(key, seal->key, err);
    return s ? s : fct_seal_prepare(err);
}

fct_status fct_secret_seal(const char *key, const char *purpose, const char *secret, char **out, fct_error *err) {
    fct_seal seal;
    fct_seal_place at;
    *out = NULL;
    size_t n = secret ? strlen(secret) : SECRET_MOST + 1;
    if (n > SECRET_MOST) return fct_fail(err, FCT_ERR_ARG, "secret: has up to %d bytes", SECRET_MOST);
    fct_status s = prepare(key, purpose, &seal, &at, err);
    uint8_t *sealed = s ? NULL : fct_alloc(n + FCT_SEAL_EXTRA);
    size_t size = fct_base64_size(n + FCT_SEAL_EXTRA);
    char *text = sealed ? fct_alloc(size + 3) : NULL;
    if (text) {
        fct_seal_put(&seal, seal.key, &at, secret, n, sealed);
        memcpy(text, "1:", 2);
        fct_base64_encode(sealed, n + FCT_SEAL_EXTRA, text + 2);
        text[size + 2] = 0;
    } else if (!s) s = fct_fail_nomem(err, "secret", 0);
    *out = text;
    fct_free(sealed);
    fct_seal_wipe(&seal, sizeof seal);
    return s;
}

/* Decodes the text of a sealed secret; *bytes is owned. */
static fct_status decode(const char *sealed, uint8_t **bytes, size_t *n, fct_error *err) {
    size_t len = sealed ? strlen(sealed) : 0;
    *bytes = NULL;
    if (len > 2 && sealed[0] != '1' && sealed[1] == ':')
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "secret: sealed by a newer version of facet");
    if (len < 3 || len > 2 * SECRET_MOST || memcmp(sealed, "1:", 2) != 0)
        return fct_fail(err, FCT_ERR_FORMAT, "secret: is not sealed");
    *bytes = fct_alloc(len);
    if (!*bytes) return fct_fail_nomem(err, "secret", 0);
    if (fct_base64_decode(sealed + 2, len - 2, *bytes, n) && *n >= FCT_SEAL_EXTRA) return FCT_OK;
    fct_free(*bytes);
    *bytes = NULL;
    return fct_fail(err, FCT_ERR_FORMAT, "secret: what is sealed is damaged");
}

fct_status fct_secret_open(const char *key, const char *purpose, const char *sealed, char **out, fct_error *err) {
    fct_seal seal;
    fct_seal_place at;
    uint8_t *bytes;
    size_t n = 0;
    *out = NULL;
    fct_status s = decode(sealed, &bytes, &n, err);
    if (s) return s;
    s = prepare(key, purpose, &seal, &at, err);
    char *text = s ? NULL : fct_calloc(1, n - FCT_SEAL_EXTRA + 1);
    if (!s && !text) s = fct_fail_nomem(err, "secret", 0);
    if (!s && !fct_seal_get(&seal, seal.key, &at, bytes, n, (uint8_t *)text))
        s = fct_fail(err, FCT_ERR_MISMATCH, "secret: sealed with another key or for another purpose, or changed since");
    if (s) fct_free(text);
    else *out = text;
    fct_free(bytes);
    fct_seal_wipe(&seal, sizeof seal);
    return s;
}
