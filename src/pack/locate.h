/* Where packs are. */
#ifndef FCT_PACK_LOCATE_H
#define FCT_PACK_LOCATE_H

#include "facet/face.h"

/* Folder in which packs lie by name: root if not NULL, else FCT_MODELS, else
 * ~/.insightface/models, where packs that people already have are. *out is owned. */
fct_status fct_pack_root(const char *root, char **out, fct_error *err);

/* Folder (or single ONNX file) of the pack: a name with a slash, ending in .onnx
 * or of an existing folder is one, any other is a name under the root, else the
 * built-in pack's. NULL: the default pack, which is the first that there is of
 * what FCT_PACK names, the built-in pack, the pack installed with facet, "ibex" or
 * a known pack in the root. *out is owned; NULL with FCT_OK stands for the built-in
 * pack.
 * FCT_ERR_NOT_FOUND says what was looked for, where, and how to get a pack. */
fct_status fct_pack_locate(const char *name_or_dir, const char *root, char **out, fct_error *err);

/* An archive may be unzipped one folder too deep, as "antelopev2/antelopev2". Where *dir is a folder without
 * networks that holds one other folder, which has networks, *dir (owned) is replaced by that one. */
fct_status fct_pack_unnest(char **dir, fct_error *err);

#endif
