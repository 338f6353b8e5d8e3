/* Base 64 (RFC 4648, section 4, with padding). */
#ifndef FCT_TEXT_BASE64_H
#define FCT_TEXT_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters for n bytes. */
static inline size_t fct_base64_size(size_t n) { return (n + 2) / 3 * 4; }

/* Writes fct_base64_size(n) characters, no NUL. */
void fct_base64_encode(const uint8_t *data, size_t n, char *out);

/* Decodes len characters into out, which may be the same memory; *n: how many
 * bytes. False when it is not base 64 to the letter: no blanks, full padding,
 * unused bits zero. */
bool fct_base64_decode(const char *text, size_t len, uint8_t *out, size_t *n);

#endif
