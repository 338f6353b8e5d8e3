/* Actions of 'facet gallery' that have a file of their own. */
#ifndef FACET_CLI_GALLERY_ACTIONS_H
#define FACET_CLI_GALLERY_ACTIONS_H

#include "photos/engine.h"

/* calibrate: finds the gallery's own threshold and stores it. Returns an exit code. */
int cli_gallery_calibrate(cli_args *a, fct_gallery *g, const fct_gallery_info *info);

/* import: adds what a file of another program, or of an export, holds. Returns an exit code. */
int cli_gallery_import(cli_args *a, fct_gallery *g, const fct_gallery_info *info);

#endif
