/* SHA-256 (FIPS 180-4). The one hash of the project: model ids, pack checks,
 * cache keys. */
#ifndef FCT_BASE_HASH_H
#define FCT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct fct_sha256 { uint32_t h[8]; uint64_t len; uint8_t buf[64]; } fct_sha256;
void fct_sha256_init(fct_sha256 *s);
void fct_sha256_update(fct_sha256 *s, const void *data, size_t len);
void fct_sha256_final(fct_sha256 *s, uint8_t out[32]);
void fct_sha256_final_hex(fct_sha256 *s, char out[65]);
void fct_sha256_hex(const void *data, size_t len, char out[65]);

#endif
