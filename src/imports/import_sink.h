/* Where all readers of other programs' files put the faces they find. */
#ifndef FCT_IMPORTS_IMPORT_SINK_H
#define FCT_IMPORTS_IMPORT_SINK_H

#include "facet/gallery.h"
#include "facet/imports.h"

typedef struct fct_import_sink {
    const char *path; /* of the file, for messages */
    const char *model_id;
    fct_import_put_fn *put;
    void *user;
    int dim; /* of the faces so far; 0 = none */
    size_t faces, unnamed;
    float *vector; /* [capacity], for the readers' use */
    size_t capacity;
    char model[96]; /* what the file says made the embeddings; "" = nothing */
} fct_import_sink;

/* Room for an embedding of n values in sink->vector. */
fct_status fct_import_reserve(fct_import_sink *sink, size_t n, fct_error *err);
/* Puts one face, whose model is set here and whose embedding is in sink->vector. FCT_ERR_MISMATCH where the number of
 * values differs from that of the faces before; FCT_ERR_FORMAT where the name or embedding cannot be stored. */
fct_status fct_import_emit(fct_import_sink *sink, const char *name, fct_enrollment *face, size_t n, fct_error *err);

/* Reads numbers divided by commas between the two brackets ("[0.1,0.2]", "{...}") into sink->vector. *n = 0: it is not
 * that. */
fct_status fct_import_read_numbers(fct_import_sink *sink, const char *text, char open, char close, size_t *n,
                                   fct_error *err);

/* ---- The readers ------------------------------------------------------------------------- */
struct fct_pickle_doc;
fct_status fct_pickle_import(const struct fct_pickle_doc *doc, fct_import_sink *sink, fct_error *err);
fct_status fct_dump_import(fct_import_kind kind, const char *part, fct_import_sink *sink, fct_error *err);
fct_status fct_server_db_import(const char *part, fct_import_sink *sink, fct_error *err);

/* dump_faces.c: which program's dump it is; FCT_ERR_UNSUPPORTED where it is of none that is known. */
fct_status fct_dump_recognize(const char *path, fct_import_kind *out, fct_error *err);

#endif
