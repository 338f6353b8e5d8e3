/* ModelProto and GraphProto into the intermediate form.
 * ModelProto: 1 ir_version, 7 graph, 8 opset_import {1 domain, 2 version}.
 * GraphProto: 1 node, 5 initializer, 11 input, 12 output, 15 sparse_initializer.
 * NodeProto: 1 input, 2 output, 3 name, 4 op_type, 5 attribute, 7 domain.
 * ValueInfoProto: 1 name, 2 type {1 tensor_type {1 elem_type, 2 shape {1 dim {1 dim_value}}}}. */
#include "onnx/onnx.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

#define MAX_NODES       100000
#define MAX_VALUES      400000
#define MAX_NODE_INPUTS 1024

/* Maps names of values to numbers: open addressing, doubled when half full. The number -2 stands for an output that
 * no operator here computes. */
typedef struct name_slot {
    const uint8_t *name;
    size_t len;
    int number;
    bool used;
} name_slot;
typedef struct reader {
    fct_graph *g;
    name_slot *slots;
    size_t cap, count;
    fct_error *err;
} reader;

/* The place of a name in the table of values, or the empty one where it belongs. */
static name_slot *find_slot(name_slot *slots, size_t cap, const uint8_t *name, size_t len) {
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) h = (h ^ name[i]) * 1099511628211u;
    size_t i = (size_t)(h ^ h >> 29) & (cap - 1);
    while (slots[i].used && (slots[i].len != len || memcmp(slots[i].name, name, len))) i = (i + 1) & (cap - 1);
    return &slots[i];
}

/* Doubles the table when it is half full. */
static bool grow_names(reader *r) {
    if (r->count * 2 < r->cap) return true;
    size_t cap = r->cap ? r->cap * 2 : 256;
    name_slot *slots = fct_calloc(cap, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < r->cap; i++)
        if (r->slots[i].used) *find_slot(slots, cap, r->slots[i].name, r->slots[i].len) = r->slots[i];
    fct_free(r->slots);
    r->slots = slots;
    r->cap = cap;
    return true;
}

/* Defines a new value of that name; a name may be given once. */
static fct_status define(reader *r, const fct_pb *m, const fct_pb_field *name, bool computed, int *number) {
    char *text = NULL;
    if (!grow_names(r)) return fct_fail_nomem(r->err, "names", 0);
    name_slot *s = find_slot(r->slots, r->cap, name->data, name->len);
    if (s->used)
        return fct_fail(r->err, FCT_ERR_FORMAT, "%s: value '%.*s' at offset %zu is made twice", m->file,
                        (int)(name->len < 100 ? name->len : 100), (const char *)name->data, fct_pb_offset(m, name->at));
    if (r->g->n_values >= MAX_VALUES)
        return fct_fail(r->err, FCT_ERR_LIMIT, "%s: more than %d values", m->file, MAX_VALUES);
    *number = -2;
    if (computed) {
        fct_status st = fct_onnx_string(name, &text, r->err);
        if (st) return st;
        *number = fct_graph_add_value(r->g, text);
        fct_free(text);
        if (*number < 0) return fct_fail_nomem(r->err, "value", 0);
    }
    *s = (name_slot){name->data, name->len, *number, true};
    r->count++;
    return FCT_OK;
}

/* The value of a name that has been defined; -1 = none, -2 = an output of a node that facet never computes. */
static int lookup(const reader *r, const fct_pb_field *name) {
    return r->cap ? (find_slot(r->slots, r->cap, name->data, name->len)->used
                         ? find_slot(r->slots, r->cap, name->data, name->len)->number
                         : -1)
                  : -1;
}

/* Gives the graph a constant, under the name that the initializer carries. */
static fct_status read_initializer(reader *r, const fct_pb *m, const fct_pb_field *f) {
    fct_pb_field name;
    fct_const *c;
    int v;
    fct_status s = fct_onnx_tensor(fct_pb_sub(m, f), &name, &c, r->err);
    if (s) return s;
    if (!name.data)
        s = fct_fail(r->err, FCT_ERR_FORMAT, "%s: initializer without a name at offset %zu", m->file,
                     fct_pb_offset(m, f->at));
    if (s || (s = define(r, m, &name, true, &v))) {
        fct_const_free(c);
        return s;
    }
    r->g->values[v].konst = c;
    return FCT_OK;
}

/* Finds the first field of that number and wire type 2; its data is NULL when there is none. */
static fct_status sub_field(const fct_pb *m, const fct_pb_field *in, uint32_t number, fct_pb_field *out,
                            fct_error *err) {
    fct_pb p = fct_pb_sub(m, in);
    fct_pb_field f;
    bool more = true;
    fct_status s;
    *out = (fct_pb_field){0};
    while (!(s = fct_pb_next(&p, &f, &more, err)) && more)
        if (f.number == number && f.wire == 2 && !out->data) *out = f;
    return s;
}

/* The declared dimensions of an input or output; one that has a name, or none, varies. */
static fct_status read_dims(const fct_pb *m, const fct_pb_field *shape, fct_value *v, fct_error *err) {
    fct_pb p = fct_pb_sub(m, shape);
    fct_pb_field dim, f;
    bool more = true, more_dim = true;
    fct_status s;
    v->rank = 0;
    while (!(s = fct_pb_next(&p, &dim, &more, err)) && more) {
        if (dim.number != 1 || dim.wire != 2) continue;
        if (v->rank == FCT_MAX_RANK)
            return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: '%s' has more than 8 dimensions", m->file, v->name);
        int64_t d = -1;
        fct_pb q = fct_pb_sub(m, &dim);
        for (more_dim = true; !(s = fct_pb_next(&q, &f, &more_dim, err)) && more_dim;)
            if (f.number == 1 && f.wire == 0 && f.value > 0 && f.value <= (uint64_t)FCT_MAX_ELEMENTS)
                d = (int64_t)f.value;
        if (s) return s;
        v->dims[v->rank++] = d;
    }
    return s;
}

/* Reads the type and shape of a graph's input or output. */
static fct_status read_type(reader *r, const fct_pb *m, const fct_pb_field *info, int value, bool input) {
    fct_pb_field type, tensor, shape, f;
    fct_status s = sub_field(m, info, 2, &type, r->err);
    if (s || !type.data || (s = sub_field(m, &type, 1, &tensor, r->err)) || !tensor.data) return s;
    fct_pb p = fct_pb_sub(m, &tensor);
    bool more = true;
    uint64_t elem = 1;
    while (!(s = fct_pb_next(&p, &f, &more, r->err)) && more)
        if (f.number == 1 && f.wire == 0) elem = f.value;
    if (s) return s;
    if (input && elem != 1)
        return fct_fail(r->err, FCT_ERR_UNSUPPORTED, "%s: input '%s' has element type %d, not float32", m->file,
                        r->g->values[value].name, (int)(elem & 0xffff));
    if ((s = sub_field(m, &tensor, 2, &shape, r->err)) || !shape.data) return s;
    return read_dims(m, &shape, &r->g->values[value], r->err);
}

/* Appends to a list that doubles at powers of two. */
static fct_status append_int(int **list, int *n, int v, fct_error *err) {
    if (!(*n & (*n - 1))) {
        int *p = fct_realloc_array(*list, *n ? (size_t)*n * 2 : 1, sizeof *p);
        if (!p) return fct_fail_nomem(err, "list", 0);
        *list = p;
    }
    (*list)[(*n)++] = v;
    return FCT_OK;
}

/* Up to IR version 3 the initializers are listed among the inputs too. */
static fct_status read_input(reader *r, const fct_pb *m, const fct_pb_field *f) {
    fct_pb_field name;
    int v;
    fct_status s = sub_field(m, f, 1, &name, r->err);
    if (s) return s;
    if (!name.data)
        return fct_fail(r->err, FCT_ERR_FORMAT, "%s: input without a name at offset %zu", m->file,
                        fct_pb_offset(m, f->at));
    if ((v = lookup(r, &name)) >= 0 && r->g->values[v].konst) return FCT_OK;
    if ((s = define(r, m, &name, true, &v)) || (s = read_type(r, m, f, v, true))) return s;
    return append_int(&r->g->inputs, &r->g->n_inputs, v, r->err);
}

/* An output of the graph names a value that some node has made; its declared type is checked against it. */
static fct_status read_output(reader *r, const fct_pb *m, const fct_pb_field *f) {
    fct_pb_field name;
    fct_status s = sub_field(m, f, 1, &name, r->err);
    if (s) return s;
    int v = name.data ? lookup(r, &name) : -1;
    if (v < 0)
        return fct_fail(r->err, FCT_ERR_FORMAT, "%s: output '%.*s' at offset %zu is made by no node", m->file,
                        (int)(name.len < 100 ? name.len : 100), name.data ? (const char *)name.data : "",
                        fct_pb_offset(m, f->at));
    if ((s = read_type(r, m, f, v, false))) return s;
    return append_int(&r->g->outputs, &r->g->n_outputs, v, r->err);
}

/* An error that names the node, its operator and where in the file it is. */
static fct_status node_fail(reader *r, const fct_pb *m, const fct_pb_field *at, const fct_node *n, fct_status code,
                            const char *what, const fct_pb_field *name) {
    return fct_fail(r->err, code, "%s: node '%s' (%s) at offset %zu: %s%s%.*s%s", m->file, n->name ? n->name : "",
                    n->op_name ? n->op_name : "", fct_pb_offset(m, at->at), what, name ? " '" : "",
                    (int)(name ? name->len < 100 ? name->len : 100 : 0), name ? (const char *)name->data : "",
                    name ? "'" : "");
}

/* Reads the name, operator and domain of a node before anything else, since errors about the rest name them. */
static fct_status node_strings(reader *r, const fct_pb *m, const fct_pb_field *at, fct_node *n) {
    fct_pb p = fct_pb_sub(m, at);
    fct_pb_field f;
    bool more = true;
    fct_status s;
    while (!(s = fct_pb_next(&p, &f, &more, r->err)) && more) {
        if (f.number != 3 && f.number != 4 && f.number != 7) continue;
        if ((s = fct_pb_want(m, &f, 2, "node's text", r->err))) return s;
        if (f.number == 7) {
            if (f.len && (f.len != 7 || memcmp(f.data, "ai.onnx", 7)))
                return node_fail(r, m, at, n, FCT_ERR_UNSUPPORTED, "operator of the domain", &f);
            continue;
        }
        char **text = f.number == 3 ? &n->name : &n->op_name;
        fct_free(*text);
        if ((s = fct_onnx_string(&f, text, r->err))) return s;
    }
    if (s) return s;
    if ((!n->name && !(n->name = fct_strdup(""))) || (!n->op_name && !(n->op_name = fct_strdup(""))))
        return fct_fail_nomem(r->err, "node", 0);
    return FCT_OK;
}

/* An input must have been made before: files list nodes in the order in which they run. */
static fct_status node_input(reader *r, const fct_pb *m, const fct_pb_field *at, fct_node *n, const fct_pb_field *f) {
    int v = f->len ? lookup(r, f) : -1;
    if (f->len && v == -2) return node_fail(r, m, at, n, FCT_ERR_UNSUPPORTED, "uses a secondary output", f);
    if (f->len && v < 0) return node_fail(r, m, at, n, FCT_ERR_FORMAT, "nothing before it makes its input", f);
    if (n->n_in >= MAX_NODE_INPUTS) return node_fail(r, m, at, n, FCT_ERR_LIMIT, "too many inputs", NULL);
    return append_int(&n->in, &n->n_in, v, r->err);
}

/* Appends an attribute to the node, in an array that doubles at powers of two. */
static fct_status node_attr(reader *r, const fct_pb *m, fct_node *n, const fct_pb_field *f, fct_const **tensor) {
    int k = n->n_attrs;
    if (!(k & (k - 1))) {
        fct_attr *p = fct_realloc_array(n->attrs, k ? (size_t)k * 2 : 1, sizeof *p);
        if (!p) return fct_fail_nomem(r->err, "attributes", 0);
        n->attrs = p;
    }
    n->attrs[k] = (fct_attr){0};
    n->n_attrs++;
    return fct_onnx_attr(fct_pb_sub(m, f), &n->attrs[k], tensor, r->err);
}

/* Inputs and attributes first, outputs last: no node may use its own output. */
static fct_status node_fields(reader *r, const fct_pb *m, const fct_pb_field *at, fct_node *n, fct_const **tensor) {
    fct_pb p = fct_pb_sub(m, at);
    fct_pb_field f;
    bool more = true, constant = fct_node_is(n, FCT_OP_CONSTANT);
    int outputs = 0, v = -1;
    fct_status s;
    while (!(s = fct_pb_next(&p, &f, &more, r->err)) && more) {
        if (f.number != 1 && f.number != 5) continue;
        if ((s = fct_pb_want(m, &f, 2, "node's field", r->err))) return s;
        s = f.number == 1 ? node_input(r, m, at, n, &f) : node_attr(r, m, n, &f, constant ? tensor : NULL);
        if (s) return s;
    }
    p = fct_pb_sub(m, at);
    for (more = !s; more && !(s = fct_pb_next(&p, &f, &more, r->err)) && more;) {
        if (f.number != 2) continue;
        if ((s = fct_pb_want(m, &f, 2, "node's field", r->err))) return s;
        if (f.len && (s = define(r, m, &f, outputs == 0, &v))) return s;
        if (f.len && outputs == 0) n->out = v;
        outputs++;
    }
    if (!s && n->out < 0) s = node_fail(r, m, at, n, FCT_ERR_UNSUPPORTED, "its first output is left out", NULL);
    return s;
}

/* Reads one node. A Constant does not become a node but the tensor that it holds. */
static fct_status read_node(reader *r, const fct_pb *m, const fct_pb_field *at) {
    fct_const *tensor = NULL;
    if (r->g->n_nodes >= MAX_NODES)
        return fct_fail(r->err, FCT_ERR_LIMIT, "%s: more than %d nodes", m->file, MAX_NODES);
    fct_node *n = fct_graph_add_node(r->g);
    if (!n) return fct_fail_nomem(r->err, "node", 0);
    n->out = -1;
    fct_status s = node_strings(r, m, at, n);
    if (s) return s;
    if (!(n->op = fct_op_find(n->op_name)))
        return node_fail(r, m, at, n, FCT_ERR_UNSUPPORTED, "unknown operator", NULL);
    if (!(s = node_fields(r, m, at, n, &tensor)) &&
        (n->n_in < n->op->min_in || (n->op->max_in >= 0 && n->n_in > n->op->max_in)))
        s = node_fail(r, m, at, n, FCT_ERR_FORMAT, "wrong number of inputs", NULL);
    if (!s && tensor) { /* a Constant is its tensor */
        r->g->values[n->out].konst = tensor;
        fct_node_clear(n);
        r->g->n_nodes--;
        return FCT_OK;
    }
    fct_const_free(tensor);
    return s;
}

typedef fct_status read_fn(reader *r, const fct_pb *m, const fct_pb_field *f);

/* Calls fn for every field of that number. */
static fct_status each(reader *r, fct_pb m, uint32_t number, read_fn *fn) {
    fct_pb_field f;
    bool more = true;
    fct_status s;
    while (!(s = fct_pb_next(&m, &f, &more, r->err)) && more)
        if (f.number == number && ((s = fct_pb_want(&m, &f, 2, "graph's field", r->err)) || (s = fn(r, &m, &f))))
            return s;
    return s;
}

/* Refuses sparse tensors, which no known face network has. */
static fct_status refuse_sparse(reader *r, const fct_pb *m, const fct_pb_field *f) {
    return fct_fail(r->err, FCT_ERR_UNSUPPORTED, "%s: sparse initializer at offset %zu", m->file,
                    fct_pb_offset(m, f->at));
}

/* The version of ONNX's own operators; those of other domains are refused where a node uses one. */
static fct_status read_opset(reader *r, const fct_pb *m, const fct_pb_field *f) {
    fct_pb p = fct_pb_sub(m, f);
    fct_pb_field g;
    bool more = true, standard = true;
    uint64_t version = 0;
    fct_status s;
    while (!(s = fct_pb_next(&p, &g, &more, r->err)) && more) {
        if (g.number == 1 && g.wire == 2) standard = !g.len || (g.len == 7 && !memcmp(g.data, "ai.onnx", 7));
        if (g.number == 2 && g.wire == 0) version = g.value;
    }
    if (s || !standard) return s;
    if (version < 7 || version > 17)
        return fct_fail(r->err, FCT_ERR_UNSUPPORTED, "%s: operator set %d (facet reads 9 to 17)", m->file,
                        version < 1000 ? (int)version : 1000);
    r->g->opset = (int)version;
    return FCT_OK;
}

/* Initializers first, since inputs may repeat them; nodes in their order; outputs last. */
static fct_status read_graph(reader *r, const fct_pb *m, const fct_pb_field *f) {
    fct_pb p = fct_pb_sub(m, f);
    fct_status s;
    if (r->g->n_outputs)
        return fct_fail(r->err, FCT_ERR_FORMAT, "%s: a second graph at offset %zu", m->file, fct_pb_offset(m, f->at));
    if ((s = each(r, p, 15, refuse_sparse)) || (s = each(r, p, 5, read_initializer)) ||
        (s = each(r, p, 11, read_input)) || (s = each(r, p, 1, read_node)) || (s = each(r, p, 12, read_output)))
        return s;
    if (!r->g->n_outputs) return fct_fail(r->err, FCT_ERR_FORMAT, "%s: no outputs", m->file);
    return FCT_OK;
}

/* Reads the operator sets before the graph, since the meaning of a node depends on their version, whichever comes
 * first in the file. */
fct_status fct_onnx_read(const void *data, size_t len, const char *file, fct_graph **out, fct_error *err) {
    fct_pb m = {data, (const uint8_t *)data + len, data, file};
    reader r = {.err = err};
    *out = NULL;
    fct_status s = fct_graph_create(file, &r.g, err);
    if (s) return s;
    if (!(s = each(&r, m, 8, read_opset)) && !r.g->opset)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: not an ONNX file (no operator set)", file);
    if (!s && !(s = each(&r, m, 7, read_graph)) && !r.g->n_outputs)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: no graph", file);
    fct_free(r.slots);
    if (s) fct_graph_free(r.g);
    else *out = r.g;
    return s;
}
