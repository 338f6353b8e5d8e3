#include "image/codec_load.h"
#include "base/error.h"
#include "base/thread.h"

/* Tries once; a library that is missing stays missing for the process. */
fct_status fct_codec_load(fct_codec_library *lib, const char *name, const char *format, fct_error *err) {
    static fct_mutex lock = FCT_MUTEX_INIT;
    fct_mutex_lock(&lock);
    if (!lib->state) lib->state = fct_library_load(lib->files, lib->symbols, lib->n) ? 1 : -1;
    int state = lib->state;
    fct_mutex_unlock(&lock);
    if (state > 0) return FCT_OK;
    char remedy[128];
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: %s needs %s, which is missing or older than what facet was built with (%s)", name, format,
                    fct_library_name(lib->files), fct_library_remedy(lib->package, remedy, sizeof remedy));
}
