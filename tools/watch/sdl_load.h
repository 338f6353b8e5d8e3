/* SDL2, loaded when a window is opened: it brings fifty other libraries. Code that
 * includes this calls the functions by their own names, after cli_sdl_load(). What
 * is not in the list does not link. */
#ifndef FACET_CLI_SDL_LOAD_H
#define FACET_CLI_SDL_LOAD_H

#define SDL_MAIN_HANDLED
#include <SDL.h>

#include "base/compiler.h"

#include <stdbool.h>

/* clang-format off */
#define CLI_SDL(X) \
    X(SDL_CreateRenderer) X(SDL_CreateTexture) X(SDL_CreateWindow) X(SDL_DestroyRenderer) \
    X(SDL_DestroyTexture) X(SDL_DestroyWindow) X(SDL_GetDisplayUsableBounds) X(SDL_GetError) \
    X(SDL_Init) X(SDL_PollEvent) X(SDL_Quit) X(SDL_RenderClear) X(SDL_RenderCopy) \
    X(SDL_RenderPresent) X(SDL_RenderSetLogicalSize) X(SDL_SetHint) X(SDL_SetMainReady) \
    X(SDL_StartTextInput) X(SDL_UpdateTexture)
/* clang-format on */

/* False where SDL2 is not installed. Of one thread at a time. */
bool cli_sdl_load(void);

extern const char *const cli_sdl_files[]; /* names of the library on the platforms, NULL at the end */

#define CLI_POINTER(f) extern FCT_TYPE_OF(f) * cli_##f;
CLI_SDL(CLI_POINTER)
#undef CLI_POINTER

#define SDL_CreateRenderer         cli_SDL_CreateRenderer
#define SDL_CreateTexture          cli_SDL_CreateTexture
#define SDL_CreateWindow           cli_SDL_CreateWindow
#define SDL_DestroyRenderer        cli_SDL_DestroyRenderer
#define SDL_DestroyTexture         cli_SDL_DestroyTexture
#define SDL_DestroyWindow          cli_SDL_DestroyWindow
#define SDL_GetDisplayUsableBounds cli_SDL_GetDisplayUsableBounds
#define SDL_GetError               cli_SDL_GetError
#define SDL_Init                   cli_SDL_Init
#define SDL_PollEvent              cli_SDL_PollEvent
#define SDL_Quit                   cli_SDL_Quit
#define SDL_RenderClear            cli_SDL_RenderClear
#define SDL_RenderCopy             cli_SDL_RenderCopy
#define SDL_RenderPresent          cli_SDL_RenderPresent
#define SDL_RenderSetLogicalSize   cli_SDL_RenderSetLogicalSize
#define SDL_SetHint                cli_SDL_SetHint
#define SDL_SetMainReady           cli_SDL_SetMainReady
#define SDL_StartTextInput         cli_SDL_StartTextInput
#define SDL_UpdateTexture          cli_SDL_UpdateTexture

#endif
