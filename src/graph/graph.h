/* The intermediate form: a network as a list of nodes in an order in which every
 * value is made before it is used.
 *
 * Values are numbered; a value is a graph input, a constant, or the output of
 * one node. The loader builds the graph, passes rewrite it, the planner reads
 * it. All memory is the graph's own, but for constants that still lie in the
 * loader's bytes (fct_const.raw). */
#ifndef FCT_GRAPH_GRAPH_H
#define FCT_GRAPH_GRAPH_H

#include "ops/conv.h"
#include "ops/op.h"

/* A constant tensor. view.data is NULL until somebody asks for it with
 * fct_const_data(): large weights stay in the file and are read, converted or
 * copied one layer at a time while they are packed. */
struct fct_part_file;
enum { FCT_CONST_LARGE = 64 << 10 }; /* bytes from which a constant's data is read from its file when it is asked for */
typedef struct fct_const {
    fct_tensor_view view;
    const void *raw;                  /* borrowed; elements as in the file, any alignment */
    int raw_type;                     /* ONNX element type of raw */
    void *owned;                      /* fct_free; NULL while view.data is in the loader's bytes or unset */
    const struct fct_part_file *file; /* borrowed; in whose data raw lies; the bytes of a large constant are not
                                       * there but are read from the file. NULL: raw has them */
} fct_const;

/* Bytes of an element of an ONNX element type in raw form; 0 = a type that facet does not read. */
size_t fct_raw_size(int type);

typedef struct fct_value {
    char *name;
    fct_const *konst;           /* owned; NULL = not a constant */
    int rank;                   /* as declared for inputs and outputs; -1 = not */
    int64_t dims[FCT_MAX_RANK]; /* -1 = varies */
} fct_value;

/* Nodes after the passes: what has a fast path, beyond the file's operators. */
typedef enum fct_node_kind {
    FCT_NODE_OP = 0, /* the plain operator */
    FCT_NODE_CONV,   /* fused convolution: in[0] image, in[1] second input of an add */
    FCT_NODE_FC,     /* fused fully connected layer over all but the first axis of in[0] */
    FCT_NODE_HEAD,   /* channels [c0, c0 + n) of in[0], to N,C,H,W or N,H,W,C order, reshaped */
    FCT_NODE_AFFINE  /* x * scale[c] + shift[c], then an activation */
} fct_node_kind;

typedef struct fct_fused fct_fused;

typedef struct fct_node {
    char *name, *op_name; /* as the file has them; for error texts alone */
    const fct_op *op;     /* what op_name means; NULL for a node that a pass added */
    fct_node_kind kind;
    int *in, n_in; /* value numbers, -1 = left out */
    int out;       /* value number; further outputs of ONNX operators are never computed */
    fct_attr *attrs;
    int n_attrs;
    fct_fused *fused; /* owned; kinds other than FCT_NODE_OP */
    bool dead;
} fct_node;

/* What the passes make of a node. Vectors are owned (fct_free). */
struct fct_fused {
    /* CONV, FC: weights[oc][ic / groups][kh][kw] of the parts, stacked along oc */
    int ic, oc, groups;
    int kh, kw, sh, sw, dh, dw;
    int pad[4];                 /* top, left, bottom, right */
    int *parts, n_parts;        /* values of the weights; more than one after merging siblings */
    bool weight_kn;             /* FC: weights are [k][n], not [n][k] */
    int fc_channels;            /* FC: channels of its blocked input, 0 = plain rows */
    float *weight_scale;        /* [oc] or NULL: multiplied into the weights when packing */
    float *bias;                /* [oc] or NULL */
    int channels;               /* length of in_scale, in_shift, scale, shift */
    float *in_scale, *in_shift; /* [channels] or NULL; FC: channel = k / (ic / channels) */
    float *slope;               /* FCT_ACT_PRELU: [oc] or [channels] */
    fct_act act;                /* its slope pointer is unused */
    fct_add_kind add;
    bool add_up2;
    bool planar_in; /* CONV: the input is the network's own, of so few channels that it may be used as plain N,C,H,W */
    /* AFFINE */
    float *scale, *shift; /* [channels] */
    /* HEAD */
    int c0, cn;
    bool nhwc;
    int reshape_to; /* value number of a Reshape's shape input; -1 = rank 4 output */
};

typedef struct fct_graph {
    char *file;
    int opset;
    fct_value *values;
    int n_values;
    size_t cap_values;
    fct_node *nodes;
    int n_nodes;
    size_t cap_nodes;
    int *inputs, n_inputs;
    int *outputs, n_outputs;
} fct_graph;

fct_status fct_graph_create(const char *file, fct_graph **out, fct_error *err);
void fct_graph_free(fct_graph *g);

/* Adds a value (name is copied, may be NULL); its number, or -1 when out of memory. */
int fct_graph_add_value(fct_graph *g, const char *name);
/* Adds an empty node; borrowed until the next addition; NULL = out of memory. */
fct_node *fct_graph_add_node(fct_graph *g);
/* Whether it is the node of that operator, in whatever form the passes left it. */
static inline bool fct_node_is(const fct_node *n, fct_op_id id) { return n->op && n->op->id == id; }
void fct_node_clear(fct_node *n);
void fct_attr_clear(fct_attr *a);
void fct_fused_free(fct_fused *f); /* NULL is harmless */

/* Makes the constant's data available, aligned and converted. */
fct_status fct_const_data(fct_const *c, const fct_tensor_view **out, fct_error *err);
/* Bytes of a constant that is still to be read from its file and needs no conversion; else 0. */
size_t fct_const_unread(const fct_const *c);
/* Reads such a constant to where the caller wants it; its data stays unavailable otherwise. */
fct_status fct_const_read(const fct_const *c, void *out, fct_error *err);
/* Gives back a copy made by fct_const_data() for a constant that can be read
 * again from the mapping. */
void fct_const_drop(fct_const *c);
/* Constant with owned data (fct_alloc) of that shape; takes data over, also on failure. */
fct_status fct_graph_set_const(fct_graph *g, int value, fct_dtype t, int rank, const int64_t *dims, void *data,
                               fct_error *err);
void fct_const_free(fct_const *c);

/* Runs one node's operator on views (shape, then data into memory from
 * fct_alloc); out: a view whose data the caller frees. */
fct_status fct_node_eval(const fct_graph *g, const fct_node *n, const fct_tensor_view *const *in, fct_tensor_view *out,
                         fct_error *err);
/* Fills a call for the node; no checks. */
void fct_node_call(const fct_graph *g, const fct_node *n, const fct_tensor_view *const *in, fct_tensor_view *out,
                   fct_op_call *c, fct_error *err);

#endif
