/* What a loaded model is inside, and how the parts of src/graph/ meet. */
#ifndef FCT_GRAPH_MODEL_H
#define FCT_GRAPH_MODEL_H

#include "base/file.h"
#include "base/thread.h"
#include "graph/graph.h"
#include "graph/model_bytes.h"

/* Passes that can be left out, for tests. */
enum {
    FCT_PASS_FOLD = 1 << 0,     /* constant folding, identities */
    FCT_PASS_FUSE = 1 << 1,     /* batch norm, activations, additions into convolutions */
    FCT_PASS_SIBLINGS = 1 << 2, /* sibling convolutions merged */
    FCT_PASS_HEADS = 1 << 3,    /* transpose and reshape straight from blocked tensors */
    FCT_PASS_FC = 1 << 4        /* flatten, gemm, batch norm as one layer */
};

typedef struct fct_engine_opts {
    fct_model_opts model;
    bool reference; /* no passes, plain operators: the judge */
    unsigned skip;  /* FCT_PASS_* to leave out */
} fct_engine_opts;
void fct_engine_opts_init(fct_engine_opts *o);

struct fct_model {
    fct_graph *g;
    fct_engine_opts opts;
    char id[17];
    fct_map cache;  /* packed weights that are used where they lie on disk */
    size_t memory;  /* bytes of constants kept, packed weights aside */
    int64_t params; /* elements of float constants in the file */
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

/* Runs the plain operators. inputs: one view per graph input; outputs: one per
 * graph output, float32, data owned by the caller (fct_free). */
fct_status fct_reference_run(const fct_model *m, const fct_tensor_view *inputs, fct_tensor_view *outputs,
                             fct_error *err);

#endif
