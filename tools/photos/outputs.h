/* Where --draw and --crop-dir write.
 *
 * In a folder, results are named after the photos, with the folders that the photos
 * have below the one that holds all of them (photos/below.h). Nothing that a run has
 * written is written over by it, nor is any of its photos: where a name is taken a
 * number is added, "1-2.jpg". What an earlier run wrote is replaced. */
#ifndef FACET_CLI_OUTPUTS_H
#define FACET_CLI_OUTPUTS_H

#include "photos/engine.h"
#include "photos/name_set.h"
#include "shell/json.h"

typedef struct cli_outputs {
    const char *draw, *crop_dir; /* borrowed; NULL = not asked for */
    bool draw_folder;            /* draw is a folder */
    const cli_inputs *in;        /* borrowed */
    char **names;                /* of the inputs' results; owned; NULL = nothing is written into a folder */
    cli_name_set photos;         /* what tells the inputs from other files */
    cli_name_set written;        /* names and identities of what is written so far */
} cli_outputs;

/* Whether two paths name one file, by links too; false where the system does not say. */
bool cli_same_file(const char *a, const char *b);

/* Decides whether --draw names a file or a folder. Returns CLI_USE with one line
 * where several photos would go to one file, the ending is no picture's, or --html or --out name one of the photos. *s
 * and *in are borrowed until cli_outputs_free(), which is called in both cases. */
int cli_outputs_setup(const cli_settings *s, const cli_inputs *in, cli_outputs *out);
void cli_outputs_free(cli_outputs *o);

/* What was written for one photo. A zeroed one is empty. */
typedef struct cli_written {
    char *drawn;  /* owned; NULL = nothing */
    char **crops; /* owned; a name per face, NULL for one without; NULL = no crops */
    int n_crops;
} cli_written;
void cli_written_free(cli_written *w);

/* Writes picture as the drawn version of an input and notes its name in *w. Never
 * overwrites a photo: prints a line and returns CLI_INPUT. */
int cli_outputs_write_drawn(cli_outputs *o, const cli_input *input, fct_view picture, cli_written *w);

/* Writes the aligned crop of every face with landmarks, NAME-1.jpg, NAME-2.jpg, ..., and notes the names in *w.
 * Returns as above. */
int cli_outputs_write_crops(cli_outputs *o, const cli_photo *p, cli_written *w);

/* The member "drawn" of a photo's object, and "crop" of a face's, where asked for:
 * the name, or null where there is none. */
void cli_json_drawn(fct_json_writer *j, const cli_outputs *o, const cli_written *w);
void cli_json_crop(fct_json_writer *j, const cli_outputs *o, const cli_written *w, int face);

/* Writes a picture to path by way of a temporary file. Prints one line when it fails. */
int cli_write_picture(fct_view v, const char *path);

#endif
