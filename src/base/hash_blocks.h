/* The block function of SHA-256 and its hardware versions; used by hash.c and
 * its test alone. */
#ifndef FCT_BASE_HASH_BLOCKS_H
#define FCT_BASE_HASH_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* Updates h with n blocks of 64 bytes. */
typedef void fct_sha256_blocks_fn(uint32_t h[8], const uint8_t *data, size_t n);
void fct_sha256_blocks_c(uint32_t h[8], const uint8_t *data, size_t n);

/* The version that uses this CPU's SHA instructions, NULL where it has none. Static. */
fct_sha256_blocks_fn *fct_sha256_blocks_native(void);

extern const uint32_t fct_sha256_k[64];

#endif
