#include "server/net/gnutls_load.h"

#include "base/library.h"

#define DEFINE(f) FCT_TYPE_OF(srv_##f) srv_##f;
SRV_GNUTLS(DEFINE)

bool srv_gnutls_load(void) {
    static const char *const files[] = {"libgnutls.so.30", "libgnutls.so", NULL};
#define SYMBOL(f) {#f, (void (**)(void)) & srv_##f},
    static const fct_symbol symbols[] = {SRV_GNUTLS(SYMBOL)};
    static bool loaded;
    if (!loaded) loaded = fct_library_load(files, symbols, sizeof symbols / sizeof *symbols);
    return loaded;
}
