/* Where --draw and --crop-dir write. */
#ifndef FACET_CLI_OUTPUTS_H
#define FACET_CLI_OUTPUTS_H

#include "photos/engine.h"

typedef struct cli_outputs {
    const char *draw, *crop_dir; /* borrowed; NULL = not asked for */
    bool draw_folder;            /* draw is a folder */
} cli_outputs;

/* Decides whether --draw names a file or a folder. Returns CLI_USE with one line
 * where several photos would go to one file or the ending is no picture's. */
int cli_outputs_setup(const cli_settings *s, const cli_inputs *in, cli_outputs *out);

/* Writes picture as the drawn version of an input. Never overwrites the photo itself. */
int cli_outputs_write_drawn(const cli_outputs *o, const cli_input *input, fct_view picture);

/* Writes the aligned crop of every face with landmarks: NAME-1.jpg, NAME-2.jpg, ... */
int cli_outputs_write_crops(const cli_outputs *o, const cli_photo *p);

/* Writes data to path by way of a temporary file. Prints the line where it fails. */
int cli_write_picture(fct_view v, const char *path);

#endif
