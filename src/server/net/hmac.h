/* HMAC-SHA256 by GnuTLS, for signed requests. */
#ifndef FCT_SERVER_HMAC_H
#define FCT_SERVER_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Loads GnuTLS; false where it is not installed. Of one thread at a time. */
bool srv_hmac_load(void);
/* The code of data [n] with a key; out may be the key. False where GnuTLS fails. After srv_hmac_load(). */
bool srv_hmac_sha256(const void *key, size_t key_size, const void *data, size_t n, uint8_t out[32]);

#endif
