/* What a loaded model is inside, and how the parts of src/graph/ meet. */
#ifndef FCT_GRAPH_MODEL_H
#define FCT_GRAPH_MODEL_H

#include "graph/backend.h"
#include "graph/passes.h"

typedef struct fct_engine_opts {
    fct_model_opts model;
    const fct_backend *backend; /* what runs it; NULL: that of model.device and model.precision */
    unsigned skip;              /* FCT_PASS_* to leave out */
} fct_engine_opts;
void fct_engine_opts_init(fct_engine_opts *o);

struct fct_model {
    fct_graph *g;
    fct_engine_opts opts;
    char id[17];
    const fct_backend *backend;
    fct_packed_net *net; /* the back end's */
    size_t memory;       /* bytes of constants kept, packed weights aside */
    int64_t params;      /* elements of float constants in the file */
};

/* Optimizes and packs the graph, which it takes over, also on failure. The
 * source's bytes may go afterwards. */
fct_status fct_model_create(fct_graph *g, fct_model_bytes *source, const fct_engine_opts *opts, fct_model **out,
                            fct_error *err);

/* fct_model_load_memory() with the engine's inner options; in src/onnx/. */
fct_status fct_model_load_engine(const void *data, size_t len, const char *name, const fct_engine_opts *opts,
                                 fct_model **out, fct_error *err);
/* fct_model_load() with them. */
fct_status fct_model_load_engine_file(const char *path, const fct_engine_opts *opts, fct_model **out, fct_error *err);

#endif
