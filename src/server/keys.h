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

enum { SRV_KEY_TEXT = 48, SRV_KEY_NAME = 64 }; /* bytes of a key's and a name's text with the NUL */

typedef struct srv_key {
    char id[17]; /* hexadecimal, not secret: in lists, logs and metrics */
    char name[SRV_KEY_NAME + 1];
    srv_role role;
    int64_t created; /* seconds since 1970 */
    char sha256[65];
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
/* Removes the key of that name or id. FCT_ERR_NOT_FOUND where there is none. */
fct_status srv_keys_remove(srv_keys *k, const char *name, fct_error *err);
/* The key with this text; NULL = none. Takes the same time for all that are wrong. */
const srv_key *srv_keys_check(const srv_keys *k, const char *text);

#endif
