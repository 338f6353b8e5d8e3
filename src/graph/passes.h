/* Graph passes: from the file's operators to fused nodes. */
#ifndef FCT_GRAPH_PASSES_H
#define FCT_GRAPH_PASSES_H

#include "graph/graph.h"
#include "graph/shapes.h"

/* Passes that can be left out, for tests. */
enum {
    FCT_PASS_FOLD = 1 << 0,     /* constant folding, identities */
    FCT_PASS_FUSE = 1 << 1,     /* batch norm, activations, additions into convolutions */
    FCT_PASS_SIBLINGS = 1 << 2, /* sibling convolutions merged */
    FCT_PASS_HEADS = 1 << 3,    /* transpose and reshape straight from blocked tensors */
    FCT_PASS_FC = 1 << 4        /* flatten, gemm, batch norm as one layer */
};

/* State the passes share. */
typedef struct fct_passes {
    fct_graph *g;
    int *uses;        /* readers of each value, graph outputs included */
    int *producer;    /* node of each value, -1 = none */
    int n;            /* length of both */
    fct_shapes trial; /* shapes for one plausible input; dims of values the file leaves open are only examples */
    bool has_trial;
    fct_error *err;
} fct_passes;

/* Runs all passes but those in skip. */
fct_status fct_passes_run(fct_graph *g, unsigned skip, fct_error *err);

fct_status fct_pass_fold(fct_passes *p);
fct_status fct_pass_convs(fct_passes *p); /* Conv with constant weights -> FCT_NODE_CONV */
fct_status fct_pass_fuse(fct_passes *p);  /* what follows and precedes convolutions */
fct_status fct_pass_heads(fct_passes *p);
fct_status fct_pass_siblings(fct_passes *p);
fct_status fct_pass_fc(fct_passes *p);

/* Recounts uses and producers, drops dead nodes. Call after structural changes. */
fct_status fct_passes_refresh(fct_passes *p);
/* Makes every reader of value a (graph outputs too) read b. */
void fct_passes_replace(fct_passes *p, int a, int b);
/* The only reader of a value, when it is a live node; -1 otherwise. */
int fct_passes_single_reader(const fct_passes *p, int value);
bool fct_passes_is_output(const fct_passes *p, int value);
/* Trial shape of a value, NULL when unknown. */
const fct_tensor_view *fct_passes_view(const fct_passes *p, int value);
/* Data of a constant float value, or NULL (*s is set when reading it failed). */
const fct_tensor_view *fct_passes_const(const fct_passes *p, int value, fct_status *s);
/* Vector of n floats that a constant amounts to along axis 1 of a tensor of that
 * rank (a scalar is repeated); owned; NULL when it is anything else or on failure. */
float *fct_passes_channel_vector(const fct_passes *p, int value, int n, int rank, fct_status *s);
/* Scale and shift of a BatchNormalization, or of an Add, Sub, Mul, Div with a
 * constant, over n channels of a tensor of that rank; owned pair in *scale (shift
 * follows at n). *data_in = number of the data input. NULL = not such a node. */
float *fct_passes_affine(const fct_passes *p, const fct_node *n, int channels, int rank, int *data_in, fct_status *s);
/* Activation that a node amounts to; slope owned. False = none. */
bool fct_passes_activation(const fct_passes *p, const fct_node *n, int channels, int rank, fct_act *act, float **slope,
                           fct_status *s);
/* a then b as one activation; false when there is none. */
bool fct_act_compose(const fct_act *a, const fct_act *b, fct_act *out);
/* f->v[i] = f->v[i] * mul[i] (+ add[i]); creates the vector from fill when NULL. */
bool fct_vector_apply(float **v, int n, float fill, const float *mul, const float *add);

#endif
