/* API keys: who may do what. A key is 256 random bits, shown once when it is made.
 * The file (DIR/keys.json, for its owner alone) holds its SHA-256, which nobody can
 * turn back: a guessable password would need a slow hash, 256 random bits do not. */
#ifndef FCT_SERVER_KEYS_H
#define FCT_SERVER_KEYS_H

#include "facet/base.h"

typedef enum srv_role {
    SRV_ROLE_NONE = 0,
    SRV_ROLE_READER = 1,   /* detects, compares, searches, lists */
    SRV_ROLE_ENROLLER = 2, /* also adds, changes and removes people and faces */
    SRV_ROLE_ADMIN = 3     /* everything */
} srv_role;

const char *srv_role_name(srv_role r);    /* "reader"; static */
srv_role srv_role_find(const char *name); /* SRV_ROLE_NONE = there is no such */

/* Bytes of a key's text with the NUL, of its name and its collection without, and of its access key id with it. */
enum { SRV_KEY_TEXT = 48, SRV_KEY_NAME = 64, SRV_KEY_COLLECTION = 200, SRV_KEY_ACCESS = 21 };

typedef struct srv_key {
    char id[17]; /* hexadecimal, not secret: in lists, logs and metrics */
    char name[SRV_KEY_NAME + 1];
    srv_role role;
    int64_t created; /* seconds since 1970 */
    char sha256[65];
    char collection[SRV_KEY_COLLECTION + 1]; /* the only one that it may use; "" = all */
    char secret[SRV_KEY_TEXT];               /* its text, where it signs requests; "" = it is not kept */
} srv_key;

typedef struct srv_keys {
    srv_key *at; /* owned */
    size_t n, capacity;
} srv_keys;

/* Reads the file; none is no fault but an empty list. FCT_ERR_FORMAT names the place. */
fct_status srv_keys_read(const char *path, srv_keys *out, fct_error *err);
fct_status srv_keys_write(const char *path, const srv_keys *k, fct_error *err);
void srv_keys_free(srv_keys *k);

/* Makes a key and adds it; text is what the user is shown. name: 1 to 64 bytes
 * without control characters, not another key's. */
fct_status srv_keys_add(srv_keys *k, const char *name, srv_role role, char text[SRV_KEY_TEXT], fct_error *err);
/* Limits the key of that name or id to one collection of the gallery. */
fct_status srv_keys_bind(srv_keys *k, const char *name, const char *collection, fct_error *err);
/* Lets the key sign requests as AWS's clients do. A signature can only be checked by who has the secret, so
 * text, the key's own, is kept in the file as it is. */
fct_status srv_keys_let_sign(srv_keys *k, const char *name, const char *text, fct_error *err);
/* The id by which a signing key is named in requests, made of its own: "FCTK0123456789ABCDEF". */
void srv_key_access_id(const srv_key *k, char out[SRV_KEY_ACCESS]);
/* The signing key with this access key id; NULL = none. Borrowed. */
const srv_key *srv_keys_signing(const srv_keys *k, const char *access_id);
/* Removes the key of that name or id. FCT_ERR_NOT_FOUND where there is none. */
fct_status srv_keys_remove(srv_keys *k, const char *name, fct_error *err);
/* The key with this text; NULL = none. Takes the same time for all that are wrong. */
const srv_key *srv_keys_check(const srv_keys *k, const char *text);

#endif
