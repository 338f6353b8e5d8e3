/* Sealing: encryption of what a gallery stores, so that it can neither be read nor be
 * moved to another place without the key.
 *
 * A sealed value is one byte, 1, then a nonce of 24 random bytes, then the ciphertext
 * of XChaCha20-Poly1305 with its tag of 16 bytes (libsodium). The associated data bind
 * it to its place: the gallery's random id, the kind of value, the person, the row and
 * a name. Each person has a key of its own, sealed with the gallery's key. */
#ifndef FCT_GALLERY_SEAL_H
#define FCT_GALLERY_SEAL_H

#include "facet/base.h"

#define FCT_SEAL_KEY   32
#define FCT_SEAL_EXTRA 41 /* bytes that a sealed value is longer than its content */
#define FCT_SEAL_TOKEN 45 /* characters of a token, with the NUL */

/* What is needed to read a sealed gallery. Wiped by fct_seal_wipe(). */
typedef struct fct_seal {
    uint8_t gallery[16];         /* random id, not secret */
    uint8_t key[FCT_SEAL_KEY];   /* the gallery's: what the user keeps */
    uint8_t names[FCT_SEAL_KEY]; /* makes tokens of names; kept sealed in the gallery */
} fct_seal;

/* Where a value belongs. Kinds: K a person's key, L a name, D details, E embedding,
 * C picture, S source, N embedding of a negative, T fct_seal.names. */
typedef struct fct_seal_place {
    char kind;
    int64_t person, row; /* 0 where there is none */
    const char *name;    /* "" where there is none */
} fct_seal_place;

/* FCT_ERR_UNSUPPORTED: built without libsodium. To be called before all that follows. */
fct_status fct_seal_prepare(fct_error *err);
void fct_seal_wipe(void *p, size_t n); /* NULL is harmless */
void fct_seal_random(void *p, size_t n);

/* Seals data [n] into out [n + FCT_SEAL_EXTRA]. */
void fct_seal_put(const fct_seal *s, const uint8_t key[FCT_SEAL_KEY], const fct_seal_place *at, const void *data,
                  size_t n, uint8_t *out);
/* Opens what is sealed, data [n], into out [n - FCT_SEAL_EXTRA]; false where it was
 * sealed with another key or for another place, or was changed. */
bool fct_seal_get(const fct_seal *s, const uint8_t key[FCT_SEAL_KEY], const fct_seal_place *at, const void *data,
                  size_t n, uint8_t *out);
/* What a name is stored as: text that says nothing of it, the same for the same name. */
void fct_seal_token(const fct_seal *s, const char *name, char out[FCT_SEAL_TOKEN]);

/* A key is given as 64 hexadecimal digits, or as the path of a file that holds them, or
 * its 32 bytes as they are; NULL = what FCT_GALLERY_KEY says, and FCT_ERR_NOT_FOUND
 * where that is not set. */
fct_status fct_seal_read_key(const char *given, uint8_t key[FCT_SEAL_KEY], fct_error *err);

/* A new gallery id and key of names, for a gallery's key. */
void fct_seal_make(fct_seal *s, const uint8_t key[FCT_SEAL_KEY]);
/* The text by which a gallery says that it is sealed: "1:ID:NAMES", in hex. */
#define FCT_SEAL_TEXT 256
void fct_seal_write(const fct_seal *s, char out[FCT_SEAL_TEXT]);
/* FCT_ERR_MISMATCH: it is not this key; FCT_ERR_FORMAT; FCT_ERR_UNSUPPORTED: of a newer version. place: for messages.
 */
fct_status fct_seal_read(const char *text, const uint8_t key[FCT_SEAL_KEY], const char *place, fct_seal *out,
                         fct_error *err);

#endif
