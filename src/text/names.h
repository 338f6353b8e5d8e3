/* Names of people as they are compared: without blanks around them and in one
 * spelling. A name may be typed on one system and stored by another, one with
 * "é" as one character, the other as "e" and an accent. */
#ifndef FCT_TEXT_NAMES_H
#define FCT_TEXT_NAMES_H

#include "facet/base.h"
#include <stddef.h>

/* Unicode's normalization form C of a text without the white space around it.
 * *out is owned (fct_free). Errors: FCT_ERR_ARG (not UTF-8),
 * FCT_ERR_LIMIT (more than 4096 bytes), FCT_ERR_NOMEM. A build without utf8proc takes the white space off and checks,
 * but leaves characters as they are; fct_text_has_nfc() tells. */
fct_status fct_text_nfc(const char *text, char **out, fct_error *err);
bool fct_text_has_nfc(void);

/* The same for names that a user may have meant to be one: all letters small (Unicode's case folding; a build without
 * utf8proc folds those of ASCII) and each run of white space one blank. */
fct_status fct_text_folded(const char *text, char **out, fct_error *err);

/* The part of text without the white space (of all of Unicode) at both ends:
 * where it begins, borrowed from text; *n its length in bytes. */
const char *fct_text_trimmed(const char *text, size_t *n);

#endif
