/* facet/imports.h: faces of other programs, moved into a gallery.
 *
 * Embeddings compare only with those of the same network. Where a file does not say
 * which one made them, the caller must (model_id, fct_pack_embedder_id() of the pack
 * with that network); a gallery of another network refuses them. Files are not
 * trusted: nothing in them is executed, and what is damaged is an error that names
 * the place. A whole file is one transaction: all of it is there, or nothing. */
#ifndef FACET_IMPORTS_H
#define FACET_IMPORTS_H

#include "gallery.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fct_import_kind {
    FCT_IMPORT_AUTO = 0, /* found out by the file's content */
    FCT_IMPORT_FACET,    /* fct_gallery_export()'s text; says its model */
    FCT_IMPORT_NUMPY,    /* .npy or .npz with a CSV file of names: fct_gallery_import_npy() */
    FCT_IMPORT_PICKLE,   /* Python's pickle of names and NumPy arrays or lists of numbers, read without executing it */
    FCT_IMPORT_COMPREFACE,  /* a plain dump (pg_dump) of CompreFace's database */
    FCT_IMPORT_INSIGHTFACE, /* insightface-server.db of the InsightFace Server (SQLite) */
    FCT_IMPORT_IMMICH       /* a plain dump of Immich's database: named people with their faces */
} fct_import_kind;

/* "facet", "numpy", "pickle", "compreface", "insightface", "immich"; NULL for anything else. Static. */
FCT_API const char *fct_import_kind_name(fct_import_kind k);
FCT_API fct_import_kind fct_import_kind_find(const char *name); /* FCT_IMPORT_AUTO = there is none */

/* FCT_ERR_UNSUPPORTED says what to do with a kind that is not read as it is (a compressed dump). */
FCT_API fct_status fct_import_recognize(const char *path, fct_import_kind *out, fct_error *err);

typedef struct fct_import_opts {
    size_t size;          /* sizeof this struct; set by fct_import_opts_init() */
    fct_import_kind kind; /* (default FCT_IMPORT_AUTO) */
    const char *model_id; /* which network made the embeddings; must be NULL for FCT_IMPORT_FACET, and set for all
                             others (default NULL) */
    const char *names;    /* CSV file for FCT_IMPORT_NUMPY (default NULL) */
    const char *part;     /* which of several: the API key of a CompreFace service, a collection's id of the
                             InsightFace Server, a user's id of Immich; NULL: there must be but one (default NULL) */
} fct_import_opts;
FCT_API void fct_import_opts_init(fct_import_opts *o);

typedef struct fct_import_result {
    fct_import_kind kind;
    int faces;      /* read; 0 = not counted (FACET, NUMPY) */
    int added;      /* of them, not there already */
    int unnamed;    /* left out, since they are nobody's that has a name */
    char model[96]; /* what the file says of the network, for people ("buffalo_l 1.0"); "" = nothing */
} fct_import_result;

/* Adds all that the file holds. FCT_ERR_ARG: model_id is missing, or not allowed;
 * FCT_ERR_MISMATCH: another model than the gallery's, or embeddings of several; FCT_ERR_UNSUPPORTED:
 * a kind of file, or something in it, that is not read; FCT_ERR_FORMAT: damaged. */
FCT_API fct_status fct_import(fct_gallery *g, const char *path, const fct_import_opts *opts, fct_import_result *out,
                              fct_error *err);

#ifdef __cplusplus
}
#endif
#endif
