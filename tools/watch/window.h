/* A window that shows pictures and takes keys. One at a time. */
#ifndef FACET_CLI_WINDOW_H
#define FACET_CLI_WINDOW_H

#include <facet/facet.h>

typedef struct cli_window cli_window;

/* What happened since the last poll. */
typedef struct cli_keys {
    bool quit;
    char text[64]; /* typed characters, UTF-8; "\n", "\b" and "\033" are Enter, Backspace and Escape */
} cli_keys;

/* FCT_ERR_UNSUPPORTED, and why, where the build has no window or SDL2 is not
 * installed; says nothing about a display. */
fct_status cli_window_available(fct_error *err);

/* Opens a window for pictures of width x height. FCT_ERR_UNSUPPORTED as
 * above, FCT_ERR_IO where there is no display. *out is owned. */
fct_status cli_window_open(const char *title, int width, int height, cli_window **out, fct_error *err);
void cli_window_show(cli_window *w, fct_view rgb); /* RGB, as large as opened */
void cli_window_poll(cli_window *w, cli_keys *keys);
void cli_window_close(cli_window *w);

#endif
