/* Filling in fct_error. Who detects a fault writes the text; who passes it on
 * adds nothing. */
#ifndef FCT_BASE_ERROR_H
#define FCT_BASE_ERROR_H

#include "base/compiler.h"
#include "facet/base.h"

/* Writes code and text (cut to fit, control characters replaced by '?') into err
 * (may be NULL) and returns code:  return fct_fail(err, FCT_ERR_FORMAT, "%s: ...", path); */
fct_status fct_fail(fct_error *err, fct_status code, const char *format, ...) FCT_PRINTF(3, 4);

/* "out of memory", without allocating. what: for what, e.g. "weights of conv_3"; size in bytes, 0 = unknown. */
fct_status fct_fail_nomem(fct_error *err, const char *what, size_t size);

/* Sets err to FCT_OK with empty text (err may be NULL). */
void fct_error_clear(fct_error *err);

#endif
