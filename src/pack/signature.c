/* Reading the outside of an ONNX file. Fields of its messages used here:
 *   ModelProto      7 graph
 *   GraphProto      1 node, 5 initializer, 11 input, 12 output
 *   NodeProto       1 input, 2 output, 3 name, 4 op_type
 *   TensorProto     8 name
 *   ValueInfoProto  1 name, 2 type;  TypeProto 1 tensor_type;  Tensor 2 shape;
 *   Shape           1 dim;           Dimension 1 dim_value */
#include "pack/signature.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "onnx/proto.h"
#include <stdlib.h>
#include <string.h>

/* A name in the file. */
typedef struct slice {
    const uint8_t *p, *end;
} slice;

enum { head_nodes = 8 };

/* The first nodes, as far as normalization asks. */
typedef struct signature_node {
    slice name, op, in, out;
} signature_node;

typedef struct scan {
    fct_pb input, first_out; /* ValueInfoProto of the first real input, and output */
    slice input_name;
    signature_node nodes[head_nodes];
    int n_nodes;
    uint64_t *weights; /* hashes of initializer names, sorted */
    size_t n_weights;
    fct_status status; /* the first fault */
    fct_error *err;
} scan;

/* Reads the next field of a message; false at its end, and from the first fault on. */
static bool next_field(fct_pb *m, fct_pb_field *f, scan *c) {
    bool more = false;
    if (!c->status) c->status = fct_pb_next(m, f, &more, c->err);
    return !c->status && more;
}

static slice bytes_of(const fct_pb_field *f) { return (slice){f->data, f->data + f->len}; }

/* Finds the first field of that number in a message, as bytes; empty where there is none. */
static fct_pb find_bytes(fct_pb m, uint32_t number, scan *c) {
    fct_pb_field f;
    while (next_field(&m, &f, c))
        if (f.number == number && f.wire == 2) return fct_pb_sub(&m, &f);
    return (fct_pb){m.end, m.end, m.base, m.file};
}

static slice find_name(fct_pb m, uint32_t number, scan *c) {
    fct_pb found = find_bytes(m, number, c);
    return (slice){found.p, found.end};
}

static uint64_t hash_name(slice s) { /* FNV-1a */
    uint64_t h = 14695981039346656037u;
    for (; s.p < s.end; s.p++) h = (h ^ *s.p) * 1099511628211u;
    return h;
}

static bool same(slice a, slice b) {
    size_t n = (size_t)(a.end - a.p);
    return n == (size_t)(b.end - b.p) && (n == 0 || memcmp(a.p, b.p, n) == 0);
}

static bool is(slice a, const char *text) {
    return same(a, (slice){(const uint8_t *)text, (const uint8_t *)text + strlen(text)});
}

static bool starts(slice a, const char *text) {
    size_t n = strlen(text);
    return (size_t)(a.end - a.p) >= n && memcmp(a.p, text, n) == 0;
}

static int by_number(const void *pa, const void *pb) {
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
    return a < b ? -1 : a > b;
}

/* Lists the names of the weights. Older files have them among the inputs too, where they do not count. */
static void list_weights(fct_pb graph, scan *c) {
    size_t cap = 0;
    fct_pb_field f;
    while (next_field(&graph, &f, c)) {
        if (f.number != 5 || f.wire != 2) continue;
        uint64_t *p = fct_grow(c->weights, &cap, c->n_weights + 1, sizeof *p);
        if (!p) {
            c->status = fct_fail_nomem(c->err, graph.file, 0);
            return;
        }
        c->weights = p;
        c->weights[c->n_weights++] = hash_name(find_name(fct_pb_sub(&graph, &f), 8, c));
    }
    if (c->n_weights) qsort(c->weights, c->n_weights, sizeof *c->weights, by_number);
}

static bool is_weight(const scan *c, slice name) {
    uint64_t h = hash_name(name);
    return c->n_weights && bsearch(&h, c->weights, c->n_weights, sizeof h, by_number);
}

/* Keeps the first nodes' names, operators and first input and output, which tell whether the graph normalizes its
 * input. */
static void read_node(fct_pb m, scan *c) {
    if (c->n_nodes == head_nodes) return;
    signature_node *n = &c->nodes[c->n_nodes++];
    fct_pb_field f;
    while (next_field(&m, &f, c)) {
        if (f.wire != 2) continue;
        if (f.number == 1 && !n->in.p) n->in = bytes_of(&f);
        if (f.number == 2 && !n->out.p) n->out = bytes_of(&f);
        if (f.number == 3) n->name = bytes_of(&f);
        if (f.number == 4) n->op = bytes_of(&f);
    }
}

/* Goes through the graph once: its first nodes, the inputs that are not weights, and the outputs. */
static void read_graph(fct_pb graph, scan *c, fct_signature *out) {
    fct_pb_field f;
    while (next_field(&graph, &f, c)) {
        if (f.wire != 2) continue;
        fct_pb m = fct_pb_sub(&graph, &f);
        if (f.number == 1) read_node(m, c);
        if (f.number == 11) {
            slice name = find_name(m, 1, c);
            if (is_weight(c, name)) continue;
            if (out->inputs++ == 0) c->input = m, c->input_name = name;
        }
        if (f.number == 12 && out->outputs++ == 0) c->first_out = m;
    }
}

/* Reads the shape in a ValueInfoProto; returns its rank. */
static int read_shape(fct_pb info, int64_t dims[4], scan *c) {
    fct_pb shape = find_bytes(find_bytes(find_bytes(info, 2, c), 1, c), 2, c);
    int rank = 0;
    fct_pb_field f, d;
    while (next_field(&shape, &f, c)) {
        if (f.number != 1 || f.wire != 2) continue;
        int64_t value = -1;
        fct_pb dim = fct_pb_sub(&shape, &f);
        while (next_field(&dim, &d, c))
            if (d.number == 1 && d.wire == 0 && d.value > 0 && d.value <= INT32_MAX) value = (int64_t)d.value;
        if (rank < 4) dims[rank] = value;
        if (rank < FCT_MAX_RANK) rank++;
    }
    return rank;
}

/* Whether the input goes through a subtraction (or addition) and a scaling, one after the other, before anything
 * else happens to it. */
static bool ops_normalize(const scan *c) {
    slice x = c->input_name;
    bool shifted = false, scaled = false;
    for (int i = 0; i < c->n_nodes; i++) {
        const signature_node *n = &c->nodes[i];
        if (!n->in.p || !n->out.p || !same(n->in, x)) continue;
        if (!shifted && (is(n->op, "Sub") || is(n->op, "Add"))) shifted = true;
        else if (!scaled && (is(n->op, "Mul") || is(n->op, "Div"))) scaled = true;
        else break;
        x = n->out;
    }
    return shifted && scaled;
}

/* InsightFace's rule looks at the names of nodes alone; this one notes what it would see. */
static void judge_names(const scan *c, fct_signature *out) {
    bool sub = false, mul = false;
    for (int i = 0; i < c->n_nodes; i++) {
        slice n = c->nodes[i].name;
        sub |= starts(n, "Sub") || starts(n, "_minus");
        mul |= starts(n, "Mul") || starts(n, "_mul");
        out->named_bn_data |= i < 3 && is(n, "bn_data");
    }
    out->names_normalize = sub && mul;
}

fct_status fct_signature_read(const void *data, size_t len, const char *name, fct_signature *out, fct_error *err) {
    scan c = {.err = err};
    const uint8_t *start = data;
    *out = (fct_signature){0};
    fct_pb graph = find_bytes((fct_pb){start, start + len, start, name}, 7, &c);
    if (!c.status && graph.p == graph.end)
        c.status = fct_fail(err, FCT_ERR_FORMAT, "%s: not an ONNX file: it holds no graph", name);
    list_weights(graph, &c);
    read_graph(graph, &c, out);
    if (c.input.p) out->rank = read_shape(c.input, out->dims, &c);
    if (c.first_out.p) out->out_rank = read_shape(c.first_out, out->out_dims, &c);
    judge_names(&c, out);
    out->ops_normalize = ops_normalize(&c);
    fct_free(c.weights);
    return c.status;
}
