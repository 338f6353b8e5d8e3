#ifndef FCT_BASE_LOG_H
#define FCT_BASE_LOG_H

#include "base/compiler.h"
#include "facet/base.h"

/* Passes one formatted line to the callback of fct_set_log(), if any. */
void fct_log(fct_log_level level, const char *format, ...) FCT_PRINTF(2, 3);

#endif
