#include "watch/window.h"

#include "shell/cli.h"

#include <stdlib.h>
#include <string.h>

static fct_status refuse(fct_error *err, fct_status code, const char *text) {
    if (err) {
        err->code = code;
        snprintf(err->text, sizeof err->text, "no window: %s", text);
    }
    return code;
}

#ifdef CLI_HAVE_WINDOW
#include "watch/sdl_load.h"

#include "base/library.h"

#include <stdio.h>

struct cli_window {
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
};

fct_status cli_window_available(fct_error *err) {
    if (cli_sdl_load()) return FCT_OK;
    char text[160], remedy[128];
    snprintf(text, sizeof text, "%s cannot be loaded (%s)", fct_library_name(cli_sdl_files),
             fct_library_remedy("libsdl2-2.0-0", remedy, sizeof remedy));
    return refuse(err, FCT_ERR_UNSUPPORTED, text);
}

fct_status cli_window_open(const char *title, int width, int height, cli_window **out, fct_error *err) {
    *out = NULL;
    fct_status s = cli_window_available(err);
    if (s) return s;
    SDL_SetMainReady();
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1"); /* Ctrl-C stays the command's */
    if (SDL_Init(SDL_INIT_VIDEO)) return refuse(err, FCT_ERR_IO, SDL_GetError());
    SDL_Rect room = {0, 0, width, height};
    SDL_GetDisplayUsableBounds(0, &room);
    double scale = 1; /* larger frames are shown smaller */
    while (width * scale > room.w || height * scale > room.h) scale *= 0.9;
    cli_window *w = cli_alloc(1, sizeof *w);
    w->window = SDL_CreateWindow(title, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, (int)(width * scale),
                                 (int)(height * scale), SDL_WINDOW_RESIZABLE);
    if (w->window) w->renderer = SDL_CreateRenderer(w->window, -1, 0);
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    if (w->renderer) {
        SDL_RenderSetLogicalSize(w->renderer, width, height);
        w->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB24, SDL_TEXTUREACCESS_STREAMING, width, height);
    }
    if (!w->texture) {
        s = refuse(err, FCT_ERR_IO, SDL_GetError());
        cli_window_close(w);
        return s;
    }
    SDL_StartTextInput();
    *out = w;
    return FCT_OK;
}

void cli_window_show(cli_window *w, fct_view rgb) {
    SDL_UpdateTexture(w->texture, NULL, rgb.data, (int)rgb.stride);
    SDL_RenderClear(w->renderer);
    SDL_RenderCopy(w->renderer, w->texture, NULL, NULL);
    SDL_RenderPresent(w->renderer);
}

static void add_text(cli_keys *k, const char *text) {
    if (strlen(k->text) + strlen(text) < sizeof k->text) strcat(k->text, text);
}

void cli_window_poll(cli_window *w, cli_keys *k) {
    SDL_Event e;
    memset(k, 0, sizeof *k);
    while (SDL_PollEvent(&e)) {
        if (e.type == SDL_QUIT) k->quit = true;
        if (e.type == SDL_TEXTINPUT) add_text(k, e.text.text);
        if (e.type != SDL_KEYDOWN) continue;
        switch (e.key.keysym.sym) {
        case SDLK_ESCAPE:
            add_text(k, "\033");
            break;
        case SDLK_BACKSPACE:
            add_text(k, "\b");
            break;
        case SDLK_RETURN:
        case SDLK_KP_ENTER:
            add_text(k, "\n");
            break;
        default:
            break;
        }
    }
}

void cli_window_close(cli_window *w) {
    if (!w) return;
    if (w->texture) SDL_DestroyTexture(w->texture);
    if (w->renderer) SDL_DestroyRenderer(w->renderer);
    if (w->window) SDL_DestroyWindow(w->window);
    SDL_Quit();
    free(w);
}

#else

struct cli_window {
    int unused;
};

fct_status cli_window_available(fct_error *err) {
    return refuse(err, FCT_ERR_UNSUPPORTED, "this build has none (Meson feature \"window\", SDL2)");
}
fct_status cli_window_open(const char *title, int width, int height, cli_window **out, fct_error *err) {
    *out = NULL;
    return cli_window_available(err);
}
void cli_window_show(cli_window *w, fct_view rgb) {}
void cli_window_poll(cli_window *w, cli_keys *keys) { memset(keys, 0, sizeof *keys); }
void cli_window_close(cli_window *w) {}

#endif
