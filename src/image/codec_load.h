/* Libraries of picture formats that few pictures have. They are loaded when the
 * first such picture is read: some bring a dozen others, and a program that looks
 * at JPEG files should not wait for them. */
#ifndef FCT_IMAGE_CODEC_LOAD_H
#define FCT_IMAGE_CODEC_LOAD_H

#include "base/compiler.h"
#include "base/library.h"
#include "image/image_internal.h"

/* One library. Its functions are static pointers of the file that uses it. */
typedef struct fct_codec_library {
    const char *files[4]; /* names of the library on the platforms, NULL at the end */
    const char *package;  /* Debian's */
    const fct_symbol *symbols;
    int n;
    int state; /* 0 = not tried, 1 = loaded, -1 = missing */
} fct_codec_library;

/* A pointer to a function f of a header, lib_f, and its line in the table of symbols. */
#define FCT_CODEC_POINTER(f) static FCT_TYPE_OF(f) * lib_##f;
#define FCT_CODEC_SYMBOL(f)  {#f, (void (**)(void)) & lib_##f},

/* Loads the library once. name: what needs it ("photo.heic"), format: what is read
 * with it ("HEIC"). FCT_ERR_UNSUPPORTED where it is missing. Thread-safe. */
fct_status fct_codec_load(fct_codec_library *lib, const char *name, const char *format, fct_error *err);

#endif
