/* The page of --html: photos with their faces, names and scores in one file, whose
 * pictures are part of it, so that it can be mailed and opened anywhere. */
#ifndef FACET_CLI_HTML_REPORT_H
#define FACET_CLI_HTML_REPORT_H

#include "photos/annotate.h"
#include "photos/engine.h"

typedef struct cli_html cli_html;

/* What the page says of one face. */
typedef struct cli_html_face {
    const char *name;   /* whose it is, borrowed; NULL = nobody's that is known */
    const char *detail; /* the small print below the name, borrowed: scores, age */
} cli_html_face;

/* Begins the file at path; names tells whether the faces were compared with people.
 * Prints one line and returns an exit code where that fails. */
int cli_html_open(const char *path, bool names, cli_html **out);

/* Adds a photo: drawn is the picture with boxes and labels, faces one entry per face of p. */
int cli_html_photo(cli_html *h, const cli_photo *p, fct_view drawn, const cli_html_face *faces);

/* Adds a photo that could not be read. */
void cli_html_failure(cli_html *h, const char *name, const fct_error *e);

/* Ends the file with the summary and puts it in its place, or removes it when keep is false. Frees h, which may be
 * NULL. Returns as cli_html_open(). */
int cli_html_close(cli_html *h, bool keep);

/* ---- Parts for other pages ---------------------------------------------------------- */

/* Writes text so that the page shows it and nothing in it is taken for markup. */
void cli_html_text(FILE *f, const char *text);
/* Writes an <img> with the picture itself in it; of the second no side is longer than `side`. */
fct_status cli_html_picture(FILE *f, fct_view v, const char *alt, fct_error *err);
fct_status cli_html_scaled(FILE *f, fct_view v, int side, const char *alt, fct_error *err);
/* Cuts a face out of its photo, upright, 112 x 112. *out is owned. */
fct_status cli_html_cut_face(const cli_photo *p, const fct_face *face, fct_image **out, fct_error *err);

#endif
