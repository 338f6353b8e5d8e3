/* SHA-256 (FIPS 180-4): model ids, pack checks, cache keys. And a checksum against
 * accidents for what is too large to be hashed on every start. */
#ifndef FCT_BASE_HASH_H
#define FCT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct fct_sha256 {
    uint32_t h[8];
    uint64_t len;
    uint8_t buf[64];
} fct_sha256;
void fct_sha256_init(fct_sha256 *s);
void fct_sha256_update(fct_sha256 *s, const void *data, size_t len);
void fct_sha256_final(fct_sha256 *s, uint8_t out[32]);
void fct_sha256_final_hex(fct_sha256 *s, char out[65]);
void fct_sha256_hex(const void *data, size_t len, char out[65]);

/* 64-bit checksum at the speed of memory: any one changed word changes it. Not a
 * hash: whoever wants to can make data of a given sum. Depends on byte order. */
uint64_t fct_checksum64(const void *data, size_t len);

#endif
