/* What all fuzz targets share. */
#ifndef FCT_FUZZ_H
#define FCT_FUZZ_H

#include "base/alloc.h"
#include "facet/facet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called by libFuzzer, or by replay.c with committed files. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, which the fuzzer reports with the input, unless cond holds. */
#define FUZZ_REQUIRE(cond)                                                                                             \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* What holds after every call: a status and an error that agree, and an object
 * exactly on success. */
static inline void fuzz_check_result(fct_status s, const fct_error *e, const void *object) {
    FUZZ_REQUIRE((s == FCT_OK) == (object != NULL));
    FUZZ_REQUIRE(s <= 0 && s > FCT_ERR_INTERNAL);
    if (s) FUZZ_REQUIRE(e->code == s && e->text[0] && memchr(e->text, 0, sizeof e->text));
}

#endif
