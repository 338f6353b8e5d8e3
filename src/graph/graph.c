/* Building and freeing the intermediate form; constants on demand. */
#include "graph/graph.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/part_file.h"
#include <string.h>

fct_status fct_graph_create(const char *file, fct_graph **out, fct_error *err) {
    fct_graph *g = fct_calloc(1, sizeof *g);
    *out = NULL;
    if (!g || !(g->file = fct_strdup(file))) {
        fct_free(g);
        return fct_fail_nomem(err, "graph", 0);
    }
    *out = g;
    return FCT_OK;
}

void fct_attr_clear(fct_attr *a) {
    fct_free(a->name);
    fct_free(a->s);
    fct_free(a->floats);
    fct_free(a->ints);
    fct_free(a->t.data);
    memset(a, 0, sizeof *a);
}

void fct_fused_free(fct_fused *f) {
    if (!f) return;
    fct_free(f->weight_scale);
    fct_free(f->bias);
    fct_free(f->in_scale);
    fct_free(f->in_shift);
    fct_free(f->slope);
    fct_free(f->parts);
    fct_free(f->scale);
    fct_free(f->shift);
    fct_free(f);
}

void fct_node_clear(fct_node *n) {
    for (int i = 0; i < n->n_attrs; i++) fct_attr_clear(&n->attrs[i]);
    fct_free(n->attrs);
    fct_free(n->name);
    fct_free(n->op_name);
    fct_free(n->in);
    fct_fused_free(n->fused);
    memset(n, 0, sizeof *n);
}

void fct_const_free(fct_const *c) {
    if (!c) return;
    fct_free(c->owned);
    fct_free(c);
}

void fct_graph_free(fct_graph *g) {
    if (!g) return;
    for (int i = 0; i < g->n_nodes; i++) fct_node_clear(&g->nodes[i]);
    for (int i = 0; i < g->n_values; i++) {
        fct_free(g->values[i].name);
        fct_const_free(g->values[i].konst);
    }
    fct_free(g->nodes);
    fct_free(g->values);
    fct_free(g->inputs);
    fct_free(g->outputs);
    fct_free(g->file);
    fct_free(g);
}

/* Doubles an array when it is full; false = out of memory. */
static bool reserve(void **p, int n, size_t *cap, size_t size) {
    void *q = fct_grow(*p, cap, (size_t)n + 1, size);
    if (q) *p = q;
    return q != NULL;
}

int fct_graph_add_value(fct_graph *g, const char *name) {
    char *copy = fct_strdup(name ? name : "");
    if (!copy || !reserve((void **)&g->values, g->n_values, &g->cap_values, sizeof *g->values)) {
        fct_free(copy);
        return -1;
    }
    g->values[g->n_values] = (fct_value){.name = copy, .rank = -1};
    return g->n_values++;
}

fct_node *fct_graph_add_node(fct_graph *g) {
    if (!reserve((void **)&g->nodes, g->n_nodes, &g->cap_nodes, sizeof *g->nodes)) return NULL;
    fct_node *n = &g->nodes[g->n_nodes++];
    memset(n, 0, sizeof *n);
    return n;
}

/* IEEE 754 half to single. */
static float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 1023, bits;
    float f;
    if (e == 0) {
        f = (float)m * 0x1p-24f;
        memcpy(&bits, &f, 4);
        bits |= sign;
    } else bits = sign | (e == 31 ? 255u << 23 : (e + 112) << 23) | m << 13;
    memcpy(&f, &bits, 4);
    return f;
}

/* Element i of raw data of an ONNX type. */
static float raw_f32(const void *raw, int type, size_t i) {
    const char *p = raw;
    if (type == 1) {
        float v;
        memcpy(&v, p + 4 * i, 4);
        return v;
    }
    if (type == 11) {
        double v;
        memcpy(&v, p + 8 * i, 8);
        return (float)v;
    }
    uint16_t h;
    memcpy(&h, p + 2 * i, 2);
    return half_to_float(h);
}

/* Element i of a tensor's raw bytes, of one of ONNX's integer types (TensorProto.DataType) or bool. */
static int64_t raw_i64(const void *raw, int type, size_t i) {
    const unsigned char *p = raw;
    int64_t l;
    int32_t w;
    int16_t s;
    uint16_t us;
    uint32_t uw;
    switch (type) {
    case 2:
    case 9:
        return p[i];
    case 3:
        return (int8_t)p[i];
    case 4:
        memcpy(&us, p + 2 * i, 2);
        return us;
    case 5:
        memcpy(&s, p + 2 * i, 2);
        return s;
    case 6:
        memcpy(&w, p + 4 * i, 4);
        return w;
    case 12:
        memcpy(&uw, p + 4 * i, 4);
        return uw;
    default:
        memcpy(&l, p + 8 * i, 8);
        return l;
    }
}

size_t fct_raw_size(int type) {
    switch (type) {
    case 2:
    case 3:
    case 9:
        return 1;
    case 4:
    case 5:
    case 10:
        return 2;
    case 1:
    case 6:
    case 12:
        return 4;
    case 7:
    case 11:
    case 13:
        return 8;
    default:
        return 0;
    }
}

/* Whether the elements are stored as they are computed with. */
static bool is_plain(const fct_const *c) { return c->raw_type == (c->view.dtype == FCT_F32 ? 1 : 7); }

/* n elements as the file has them, to those of the view. */
static void convert(const fct_const *c, const void *raw, size_t n, void *out) {
    if (is_plain(c)) memcpy(out, raw, n * fct_dtype_size(c->view.dtype));
    else if (c->view.dtype == FCT_F32)
        for (size_t i = 0; i < n; i++) ((float *)out)[i] = raw_f32(raw, c->raw_type, i);
    else
        for (size_t i = 0; i < n; i++) ((int64_t *)out)[i] = raw_i64(raw, c->raw_type, i);
}

/* Reads a large constant from its file into memory of its own, which fct_const_drop() gives back. */
static fct_status read_large(fct_const *c, size_t n, fct_error *err) {
    const size_t at = (size_t)((const uint8_t *)c->raw - c->file->data), bytes = n * fct_raw_size(c->raw_type);
    uint8_t *raw = fct_alloc(bytes), *p = is_plain(c) ? raw : fct_alloc(n * fct_dtype_size(c->view.dtype));
    fct_status s = raw && p ? fct_part_read(c->file, at, bytes, raw, err) : fct_fail_nomem(err, "constant", bytes);
    if (!s && p != raw) convert(c, raw, n, p);
    if (p != raw) fct_free(raw);
    if (s) fct_free(p);
    else c->view.data = c->owned = p;
    return s;
}

fct_status fct_const_data(fct_const *c, const fct_tensor_view **out, fct_error *err) {
    static const char nothing[8];
    *out = &c->view;
    if (c->view.data) return FCT_OK;
    size_t n = (size_t)fct_view_count(&c->view), size = fct_dtype_size(c->view.dtype);
    bool same = is_plain(c);
    if (c->file && n * fct_raw_size(c->raw_type) >= FCT_CONST_LARGE) return read_large(c, n, err);
    if (!n || (same && (uintptr_t)c->raw % size == 0)) {
        /* views are read-only by contract where they stand for constants */
        c->view.data = (void *)(uintptr_t)(n ? c->raw : nothing);
        return FCT_OK;
    }
    void *p = fct_alloc(n * size);
    if (!p) return fct_fail_nomem(err, "constant", n * size);
    convert(c, c->raw, n, p);
    c->view.data = c->owned = p;
    return FCT_OK;
}

size_t fct_const_unread(const fct_const *c) {
    const size_t bytes = (size_t)fct_view_count(&c->view) * fct_raw_size(c->raw_type);
    return c->view.data || !c->raw || !c->file || !is_plain(c) || bytes < FCT_CONST_LARGE ? 0 : bytes;
}

fct_status fct_const_read(const fct_const *c, void *out, fct_error *err) {
    return fct_part_read(c->file, (size_t)((const uint8_t *)c->raw - c->file->data), fct_const_unread(c), out, err);
}

void fct_const_drop(fct_const *c) {
    if (!c->raw) return;
    fct_free(c->owned);
    c->owned = NULL;
    c->view.data = NULL;
}

fct_status fct_graph_set_const(fct_graph *g, int value, fct_dtype t, int rank, const int64_t *dims, void *data,
                               fct_error *err) {
    fct_const *c = fct_calloc(1, sizeof *c);
    if (!c) {
        fct_free(data);
        return fct_fail_nomem(err, "constant", sizeof *c);
    }
    c->view.dtype = t;
    c->view.rank = rank;
    memcpy(c->view.dims, dims, (size_t)rank * sizeof *dims);
    c->view.data = c->owned = data;
    fct_const_free(g->values[value].konst);
    g->values[value].konst = c;
    return FCT_OK;
}

void fct_node_call(const fct_graph *g, const fct_node *n, const fct_tensor_view *const *in, fct_tensor_view *out,
                   fct_op_call *c, fct_error *err) {
    *c = (fct_op_call){.file = g->file,
                       .node = n->name,
                       .op = n->op,
                       .opset = g->opset,
                       .attrs = n->attrs,
                       .n_attrs = n->n_attrs,
                       .in = in,
                       .n_in = n->n_in,
                       .out = out,
                       .err = err};
}

fct_status fct_node_eval(const fct_graph *g, const fct_node *n, const fct_tensor_view *const *in, fct_tensor_view *out,
                         fct_error *err) {
    fct_op_call c;
    memset(out, 0, sizeof *out);
    fct_node_call(g, n, in, out, &c, err);
    fct_status s = n->op->shape(&c);
    if (s) return s;
    size_t size = (size_t)fct_view_count(out) * fct_dtype_size(out->dtype);
    if (!(out->data = fct_alloc(size))) return fct_fail_nomem(err, n->name, size);
    if ((s = n->op->run(&c))) {
        fct_free(out->data);
        out->data = NULL;
    }
    return s;
}
