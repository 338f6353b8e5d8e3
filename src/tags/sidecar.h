/* Sidecars: XMP files beside a photo. */
#ifndef FCT_TAGS_SIDECAR_H
#define FCT_TAGS_SIDECAR_H

#include "facet/tags.h"

/* The sidecar of a style, whether or not it is there: "a/b.jpg.xmp" or "a/b.xmp". Owned; NULL = out of memory. */
char *fct_sidecar_path(const char *photo, fct_sidecar_style style);

/* The sidecar that is there, *exists true; else the one that would be written. style AUTO looks for digiKam's, then
 * Adobe's. *out is owned. */
fct_status fct_sidecar_find(const char *photo, fct_sidecar_style style, char **out, bool *exists, fct_error *err);

#endif
