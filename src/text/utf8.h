/* UTF-8 (RFC 3629): checking, decoding, and printing what strangers wrote. */
#ifndef FCT_TEXT_UTF8_H
#define FCT_TEXT_UTF8_H

#include "base/buffer.h"
#include <stdint.h>
#include <stdio.h>

/* Length in bytes, 1 to 4, of the character that the n bytes at s begin with. 0
 * where they begin with none: a stray or missing continuation byte, a form that
 * is longer than need be, half of a surrogate pair, a value above U+10FFFF, or
 * n is 0. A NUL byte is a character of length 1. */
int fct_utf8_length(const char *s, size_t n);

/* Takes one character off the text between *s and end and returns its code
 * point. An invalid byte counts as one character, U+FFFD. At the end it returns
 * -1 and leaves *s. */
int32_t fct_utf8_next(const char **s, const char *end);

/* Writes a code point (at most U+10FFFF); returns its length. */
int fct_utf8_put(uint32_t code, char out[4]);

bool fct_utf8_valid(const char *s, size_t n);

/* Whether showing a code point could do more than show a character: control
 * characters (a terminal obeys them) and marks that turn the direction of the
 * text around them or that break the line. */
bool fct_utf8_is_control(uint32_t code);

/* The character is white space of Unicode (property White_Space). */
bool fct_utf8_is_space(uint32_t code);

/* Appends text [n] so that a terminal shows it and does nothing else: control
 * characters (see above) become '?', invalid bytes U+FFFD. */
void fct_utf8_add_safe(fct_buf *b, const char *text, size_t n);

/* The same of a whole string; owned, NULL = out of memory. */
char *fct_utf8_safe(const char *text);

/* And written to a file, without memory of its own. */
void fct_utf8_print_safe(FILE *f, const char *text);

#endif
