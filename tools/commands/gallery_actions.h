/* Actions of 'facet gallery' that have a file of their own. */
#ifndef FACET_CLI_GALLERY_ACTIONS_H
#define FACET_CLI_GALLERY_ACTIONS_H

#include "photos/engine.h"

/* calibrate: finds the gallery's own threshold and stores it. Returns an exit code. */
int cli_gallery_calibrate(cli_args *a, fct_gallery *g, const fct_gallery_info *info);

/* import: adds what a file of another program, or of an export, holds. Returns an exit code. */
int cli_gallery_import(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
/* Those of gallery_people_actions.c; the last four are given no gallery and open it themselves. */
int cli_gallery_similar(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_collections(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_rename_collection(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_remove_collection(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_set(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_audit(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_expire(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_encrypt(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_decrypt(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_rekey(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
int cli_gallery_restore_keys(cli_args *a, fct_gallery *g, const fct_gallery_info *info);

#endif
