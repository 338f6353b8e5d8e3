#include "server/net/mhd_load.h"

#include "base/library.h"

#define DEFINE(f) FCT_TYPE_OF(srv_##f) srv_##f;
SRV_MHD(DEFINE)

bool srv_mhd_load(void) {
    static const char *const files[] = {"libmicrohttpd.so.12", "libmicrohttpd.so", NULL};
#define SYMBOL(f) {#f, (void (**)(void)) & srv_##f},
    static const fct_symbol symbols[] = {SRV_MHD(SYMBOL)};
    static bool loaded;
    if (!loaded) loaded = fct_library_load(files, symbols, sizeof symbols / sizeof *symbols);
    return loaded;
}
