/* Writing ONNX: Protocol Buffers wire format with the field numbers of
 * onnx.proto3 (https://github.com/onnx/onnx). */
#include "train/export.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>

/* A message being written; once memory is out it stays failed. */
typedef struct message {
    uint8_t *data;
    size_t size, cap;
    bool failed;
} message;

enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTR_NAME = 1, ATTR_FLOAT = 2, ATTR_INT = 3, ATTR_INTS = 8, ATTR_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { DATA_FLOAT = 1, DATA_INT64 = 7, DATA_HALF = 10 };

/* Every other function writes through this one. Once memory runs out the message stays failed, so only its end has
 * to check. */
static void put(message *m, const void *data, size_t n) {
    if (m->size + n > m->cap && !m->failed) {
        size_t cap = (m->size + n) * 2 + 64;
        uint8_t *p = fct_realloc(m->data, cap);
        m->failed = !p;
        if (p) m->data = p, m->cap = cap;
    }
    if (m->failed) return;
    memcpy(m->data + m->size, data, n);
    m->size += n;
}

/* Seven bits a byte, the lowest first; the highest bit says that more follow. */
static void put_varint(message *m, uint64_t v) {
    uint8_t b[10];
    size_t n = 0;
    do {
        b[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v);
    put(m, b, n);
}

static void put_int(message *m, int field, uint64_t v) {
    put_varint(m, (uint64_t)field << 3);
    put_varint(m, v);
}

static void put_bytes(message *m, int field, const void *data, size_t n) {
    put_varint(m, (uint64_t)field << 3 | 2);
    put_varint(m, n);
    put(m, data, n);
}

static void put_text(message *m, int field, const char *s) { put_bytes(m, field, s, strlen(s)); }

/* Appends a finished message and frees it. */
static void put_message(message *m, int field, message *sub) {
    m->failed |= sub->failed;
    if (!sub->failed) put_bytes(m, field, sub->data ? (const void *)sub->data : "", sub->size);
    fct_free(sub->data);
}

/* ---- Parts ---------------------------------------------------------------------- */

static void put_tensor(message *graph, const char *name, int type, const int64_t *dims, int rank, const void *data,
                       size_t bytes) {
    message t = {0};
    for (int i = 0; i < rank; i++) put_int(&t, TENSOR_DIMS, (uint64_t)dims[i]);
    put_int(&t, TENSOR_TYPE, (uint64_t)type);
    put_text(&t, TENSOR_NAME, name);
    put_bytes(&t, TENSOR_RAW, data, bytes);
    put_message(graph, GRAPH_INITIALIZER, &t);
}

/* Vectors of channels get the shape [n, 1, 1] where they are multiplied with or added to a picture. */
static void put_floats(message *graph, const char *unit, const char *part, const float *v, int n, bool channels) {
    char name[64];
    const int64_t dims[3] = {n, 1, 1};
    snprintf(name, sizeof name, "%s.%s", unit, part);
    put_tensor(graph, name, DATA_FLOAT, dims, channels ? 3 : 1, v, (size_t)n * sizeof *v);
}

static void put_attr_int(message *node, const char *name, int64_t v) {
    message a = {0};
    put_text(&a, ATTR_NAME, name);
    put_int(&a, ATTR_INT, (uint64_t)v);
    put_int(&a, ATTR_TYPE, TYPE_INT);
    put_message(node, NODE_ATTRIBUTE, &a);
}

static void put_attr_ints(message *node, const char *name, int64_t v, int n) {
    message a = {0};
    put_text(&a, ATTR_NAME, name);
    for (int i = 0; i < n; i++) put_int(&a, ATTR_INTS, (uint64_t)v);
    put_int(&a, ATTR_TYPE, TYPE_INTS);
    put_message(node, NODE_ATTRIBUTE, &a);
}

static void put_attr_float(message *node, const char *name, float v) {
    message a = {0};
    put_text(&a, ATTR_NAME, name);
    put_varint(&a, ATTR_FLOAT << 3 | 5);
    put(&a, &v, sizeof v);
    put_int(&a, ATTR_TYPE, TYPE_FLOAT);
    put_message(node, NODE_ATTRIBUTE, &a);
}

/* Starts a node with n inputs; its output is called like the node. */
static message start_node(const char *op, const char *name, const char *const *in, int n) {
    message m = {0};
    for (int i = 0; i < n; i++) put_text(&m, NODE_INPUT, in[i]);
    put_text(&m, NODE_OUTPUT, name);
    put_text(&m, NODE_NAME, name);
    put_text(&m, NODE_OP, op);
    return m;
}

/* ---- Units ----------------------------------------------------------------------- */

enum { NAME = 64 };

static bool put_half_weights(message *graph, const fct_unit *u, const char *name, const int64_t dims[4],
                             const float *w) {
    char stored[NAME + 8];
    uint16_t *h = fct_alloc(u->w_n * sizeof *h);
    if (!h) return false;
    for (size_t i = 0; i < u->w_n; i++) h[i] = fct_half_from_float(w[i]);
    snprintf(stored, sizeof stored, "%s.half", name);
    put_tensor(graph, stored, DATA_HALF, dims, 4, h, u->w_n * sizeof *h);
    fct_free(h);
    message cast = start_node("Cast", name, &(const char *){stored}, 1);
    put_attr_int(&cast, "to", DATA_FLOAT);
    put_message(graph, GRAPH_NODE, &cast);
    return true;
}

/* A Conv node with its weights, as fp16 where asked. */
static void put_conv(message *graph, const fct_unit *u, const char *in, const char *out, const float *w, bool half) {
    char name[NAME];
    bool depthwise = u->op == FCT_UNIT_DW;
    const int64_t dims[4] = {u->co, depthwise ? 1 : u->ci, u->k, u->k};
    snprintf(name, sizeof name, "%s.weight", u->name);
    if (!half) put_tensor(graph, name, DATA_FLOAT, dims, 4, w, u->w_n * sizeof *w);
    else if (!put_half_weights(graph, u, name, dims, w)) graph->failed = true;
    message m = start_node("Conv", out, (const char *const[]){in, name}, 2);
    put_attr_ints(&m, "dilations", 1, 2);
    put_attr_int(&m, "group", depthwise ? u->co : 1);
    put_attr_ints(&m, "kernel_shape", u->k, 2);
    put_attr_ints(&m, "pads", u->p, 4);
    put_attr_ints(&m, "strides", u->s, 2);
    put_message(graph, GRAPH_NODE, &m);
}

static void put_norm(message *graph, const fct_unit *u, const char *in, const char *out, const float *params,
                     const float *stats) {
    static const char *const part[4] = {"gamma", "beta", "mean", "var"};
    const float *value[4] = {params + u->gamma, params + u->beta, stats + u->stat, stats + u->stat + u->co};
    char name[4][NAME];
    for (int i = 0; i < 4; i++) {
        put_floats(graph, u->name, part[i], value[i], u->co, false);
        snprintf(name[i], NAME, "%s.%s", u->name, part[i]);
    }
    message m = start_node("BatchNormalization", out, (const char *const[]){in, name[0], name[1], name[2], name[3]}, 5);
    put_attr_float(&m, "epsilon", 1e-5f);
    put_message(graph, GRAPH_NODE, &m);
}

static const char input_name[] = "input.1", both_name[] = "both"; /* pictures, then their mirror images */

/* Writes the name of a unit's result. */
static void result_name(const fct_net_spec *s, int unit, bool mirror, char name[NAME]) {
    if (unit < 0) snprintf(name, NAME, "%s", mirror ? both_name : input_name);
    else snprintf(name, NAME, "%s.out", s->unit[unit].name);
}

static void put_unit(message *graph, const fct_net_spec *s, int i, const float *params, const float *stats,
                     fct_export_opts o) {
    const fct_unit *u = &s->unit[i];
    char in[NAME], conv[NAME], norm[NAME], act[NAME], slope[NAME], out[NAME], res[NAME];
    result_name(s, u->in, o.mirror, in);
    result_name(s, i, o.mirror, out);
    snprintf(conv, sizeof conv, "%s.conv", u->name);
    snprintf(norm, sizeof norm, "%s.norm", u->name);
    snprintf(act, sizeof act, "%s.act", u->name);
    if (u->op != FCT_UNIT_IDENT) put_conv(graph, u, in, conv, params + u->w, o.half);
    put_norm(graph, u, u->op == FCT_UNIT_IDENT ? in : conv, u->prelu || u->res >= 0 ? norm : out, params, stats);
    if (u->prelu) {
        put_floats(graph, u->name, "slope", params + u->slope, u->co, true);
        snprintf(slope, sizeof slope, "%s.slope", u->name);
        message m = start_node("PRelu", u->res >= 0 ? act : out, (const char *const[]){norm, slope}, 2);
        put_message(graph, GRAPH_NODE, &m);
    }
    if (u->res >= 0) {
        result_name(s, u->res, o.mirror, res);
        message m = start_node("Add", out, (const char *const[]){u->prelu ? act : norm, res}, 2);
        put_message(graph, GRAPH_NODE, &m);
    }
}

/* Writes the type of an input or output: name, float, dimensions, of which the first is the batch's, "N". */
static void put_value(message *graph, int field, const char *name, const int *dims, int n) {
    message shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i <= n; i++) {
        message d = {0};
        if (i == 0) put_text(&d, 2, "N");
        else put_int(&d, 1, (uint64_t)dims[i - 1]);
        put_message(&shape, 1, &d);
    }
    put_int(&tensor, 1, DATA_FLOAT);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

/* Doubles the batch from [N, C, S, S] to [2 N, C, S, S]: pictures, then mirror images. */
static void put_mirror(message *graph, int size) {
    int64_t columns[1024 /* sides are limited in net_spec.c */], n = size;
    for (int i = 0; i < size; i++) columns[i] = size - 1 - i;
    put_tensor(graph, "mirror.columns", DATA_INT64, &n, 1, columns, (size_t)size * sizeof *columns);
    message mirror = start_node("Gather", "mirror", (const char *const[]){input_name, "mirror.columns"}, 2);
    put_attr_int(&mirror, "axis", 3);
    put_message(graph, GRAPH_NODE, &mirror);
    message both = start_node("Concat", both_name, (const char *const[]){input_name, "mirror"}, 2);
    put_attr_int(&both, "axis", 0);
    put_message(graph, GRAPH_NODE, &both);
}

/* Averages both halves of the batch, [2 N, dim] to [N, dim]. */
static void put_mean(message *graph, int dim) {
    const int64_t shape[3] = {2, -1, dim}, n = 3;
    put_tensor(graph, "views.shape", DATA_INT64, &n, 1, shape, sizeof shape);
    message views = start_node("Reshape", "views", (const char *const[]){"flat", "views.shape"}, 2);
    put_message(graph, GRAPH_NODE, &views);
    message mean = start_node("ReduceMean", "embedding", &(const char *){"views"}, 1);
    put_attr_ints(&mean, "axes", 0, 1);
    put_attr_int(&mean, "keepdims", 0);
    put_message(graph, GRAPH_NODE, &mean);
}

/* The mirrored form embeds picture and mirror image in one batch and returns their mean. */
static message make_graph(const fct_net_spec *s, const float *params, const float *stats, fct_export_opts o) {
    message g = {0};
    char last[NAME];
    if (o.mirror) put_mirror(&g, s->size);
    for (int i = 0; i < s->n_units; i++) put_unit(&g, s, i, params, stats, o);
    result_name(s, s->n_units - 1, o.mirror, last);
    message flat = start_node("Flatten", o.mirror ? "flat" : "embedding", &(const char *){last}, 1);
    put_attr_int(&flat, "axis", 1);
    put_message(&g, GRAPH_NODE, &flat);
    if (o.mirror) put_mean(&g, s->dim);
    put_text(&g, GRAPH_NAME, "embedder");
    put_value(&g, GRAPH_INPUT, input_name, (const int[]){s->channels, s->size, s->size}, 3);
    put_value(&g, GRAPH_OUTPUT, "embedding", (const int[]){s->dim}, 1);
    return g;
}

/* The description of the network goes along, so that training can start from the file. */
static void put_metadata(message *m, const char *key, const char *value) {
    message p = {0};
    put_text(&p, 1, key);
    put_text(&p, 2, value);
    put_message(m, MODEL_METADATA, &p);
}

fct_status fct_export_onnx(const char *path, const fct_net_spec *spec, const float *params, const float *stats,
                           fct_export_opts o, fct_error *err) {
    message m = {0}, opset = {0}, graph = make_graph(spec, params, stats, o);
    put_int(&m, MODEL_IR, 7);
    put_text(&m, MODEL_PRODUCER, "facet");
    put_message(&m, MODEL_GRAPH, &graph);
    put_text(&opset, 1, "");
    put_int(&opset, 2, 13);
    put_message(&m, MODEL_OPSET, &opset);
    put_metadata(&m, "facet.network", spec->text);
    fct_status s = m.failed ? fct_fail_nomem(err, "ONNX file", 0) : fct_file_write_atomic(path, m.data, m.size, err);
    fct_free(m.data);
    return s;
}
