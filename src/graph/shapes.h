/* Shape inference for one set of input dimensions. */
#ifndef FCT_GRAPH_SHAPES_H
#define FCT_GRAPH_SHAPES_H

#include "graph/graph.h"

/* Per value: type and dimensions, and the data where it follows from constants
 * and dimensions alone (the Shape/Gather/Concat chains of detectors). */
typedef struct fct_shapes {
    fct_tensor_view *views;
    bool *owned; /* data of the view belongs to this struct */
    bool *known; /* per value: the view is set */
    int n;
    double plain, fast; /* work of plain operators and of packed layers (ops/limits.h) */
} fct_shapes;

/* inputs: dimensions per graph input. Nodes of kinds that the passes made are
 * sized as well. out: fct_shapes_free(), also after a failure. */
fct_status fct_shapes_infer(const fct_graph *g, const fct_tensor_view *inputs, fct_shapes *out, fct_error *err);
void fct_shapes_free(fct_shapes *s);

/* Multiply-accumulates of a node by the direct definition; 0 for what is not a
 * convolution or a matrix product. */
double fct_node_macs(const fct_graph *g, const fct_shapes *s, const fct_node *n);

#endif
