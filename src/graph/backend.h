/* Back ends: what runs a graph on one kind of device.
 *
 * A model gives its graph to a back end once (pack); a session asks it for a plan for every
 * set of input shapes and runs plans. Everything that depends on how a device computes lies
 * behind this table: the layout of weights and their cache, the choice of algorithms, where
 * tensors lie, how steps are timed. What does not (loading, passes, shapes, the rules for
 * inputs) is in src/graph/ and the same for all. docs/decisions/0011-backend.md. */
#ifndef FCT_GRAPH_BACKEND_H
#define FCT_GRAPH_BACKEND_H

#include "graph/graph.h"
#include "graph/model_bytes.h"

/* A back end's own; nobody else looks inside. */
typedef struct fct_packed_net fct_packed_net;
typedef struct fct_net_plan fct_net_plan;

/* What a back end is given of a model. Borrowed for the call, but for g. */
typedef struct fct_pack_request {
    fct_graph *g;            /* after the passes; stays until the packed network is freed. Its constants may be
                                converted and dropped; those that no node reads as an input go after the call */
    fct_model_bytes *source; /* the bytes in which the constants lie; the call may fill in their hash */
    const fct_model_opts *opts;
    bool cacheable; /* all passes have run, so what is packed is what the next load would pack */
    int64_t params; /* float constants in the file, in elements */
} fct_pack_request;

typedef struct fct_backend {
    const char *device; /* as fct_model_opts.device names it */
    bool plain;         /* runs the graph as the file has it: no passes */

    /* Takes over what it needs of the weights. *out is owned; immutable and shared by threads. */
    fct_status (*pack)(const fct_pack_request *q, fct_packed_net **out, fct_error *err);
    size_t (*net_memory)(const fct_packed_net *n); /* bytes of weights */
    void (*net_free)(fct_packed_net *n);           /* NULL is harmless; plans must be freed before */

    /* Prepares runs for one set of input shapes (the data of inputs is not looked at). *out is
     * owned by one session and used by one thread at a time. */
    fct_status (*plan)(const fct_packed_net *n, const fct_tensor_view *inputs, fct_net_plan **out, fct_error *err);
    /* Whether the plan is still right for inputs of these shapes. */
    bool (*plan_fits)(const fct_net_plan *p, const fct_tensor_view *inputs);
    size_t (*plan_memory)(const fct_net_plan *p); /* bytes of the arena that a run needs */
    void (*plan_free)(fct_net_plan *p);           /* NULL is harmless */

    /* Runs once. arena: plan_memory() bytes, aligned to cache lines, finite as float32; what is in
     * it is lost. outputs: filled, float32, one per graph output; their data is borrowed until the
     * plan's next run or end, or until the arena is used again. times: milliseconds per layer are
     * added to it ([layer_count]), or NULL. */
    fct_status (*run)(fct_net_plan *p, const fct_tensor_view *inputs, char *arena, double *times,
                      fct_tensor_view *outputs, fct_error *err);
    /* Layers in the order in which they run. layer() describes one, but for its time. */
    int (*layer_count)(const fct_net_plan *p);
    void (*layer)(const fct_net_plan *p, int i, fct_layer_time *out);
} fct_backend;

#endif
