#include "watch/sdl_load.h"

#include "base/library.h"

#define DEFINE(f) FCT_TYPE_OF(cli_##f) cli_##f;
CLI_SDL(DEFINE)

const char *const cli_sdl_files[] = {"libSDL2-2.0.so.0", "libSDL2-2.0.0.dylib", "SDL2.dll", NULL};

bool cli_sdl_load(void) {
#define SYMBOL(f) {#f, (void (**)(void)) & cli_##f},
    static const fct_symbol symbols[] = {CLI_SDL(SYMBOL)};
    static bool loaded;
    if (!loaded) loaded = fct_library_load(cli_sdl_files, symbols, sizeof symbols / sizeof *symbols);
    return loaded;
}
