/* Files of embeddings: JSON lines, CSV, NumPy's .npy. */
#ifndef FACET_CLI_EMBED_FILE_H
#define FACET_CLI_EMBED_FILE_H

#include "photos/outputs.h"

#include "base/draft.h"

typedef enum cli_embed_format { EMBED_JSON, EMBED_CSV, EMBED_NPY } cli_embed_format; /* as --format's choices */

typedef struct cli_embed_file {
    cli_embed_format format;
    FILE *file;           /* the draft's, or stdout */
    fct_draft *draft;     /* NULL where there is no path */
    const char *model_id; /* borrowed */
    int dim;
    long rows;
} cli_embed_file;

/* Begins the file; path NULL stands for standard output. Prints one line and returns an exit code on failure. */
int cli_embed_open(const char *path, cli_embed_format format, int dim, const char *model_id, cli_embed_file *out);

/* Writes one photo with all its faces; *w is what *o wrote of it. */
void cli_embed_write(cli_embed_file *f, const cli_photo *p, const cli_outputs *o, const cli_written *w, bool normalize);

/* Completes the file and gives it its name, or removes it when keep is false. Returns as cli_embed_open(). */
int cli_embed_close(cli_embed_file *f, bool keep);

#endif
