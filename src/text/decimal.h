/* Decimal numbers as text, whatever the locale says of the decimal point. */
#ifndef FCT_TEXT_DECIMAL_H
#define FCT_TEXT_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* The value of text [n], which is a number of the form -12.5e-3. False when out of memory, which a number below 64
 * characters without a point cannot be. Infinite where it is too large. */
bool fct_decimal(const char *text, size_t n, double *out);

/* How many of the n bytes at text are such a number; 0 = it does not begin with one. */
size_t fct_decimal_length(const char *text, size_t n);

#endif
