#include "onnx_writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(ow_buf *b, const void *p, size_t n) {
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2 + 64;
        b->p = realloc(b->p, b->cap);
        if (!b->p) abort();
    }
    if (n) memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void varint(ow_buf *b, uint64_t v) {
    do {
        uint8_t c = (uint8_t)(v & 127) | (v > 127 ? 128 : 0);
        put(b, &c, 1);
        v >>= 7;
    } while (v);
}

static void number(ow_buf *b, int field, uint64_t v) {
    varint(b, (uint64_t)field << 3);
    varint(b, v);
}

static void bytes(ow_buf *b, int field, const void *p, size_t n) {
    varint(b, (uint64_t)field << 3 | 2);
    varint(b, n);
    put(b, p, n);
}

static void text(ow_buf *b, int field, const char *s) { bytes(b, field, s, strlen(s)); }

static void real(ow_buf *b, int field, float v) {
    varint(b, (uint64_t)field << 3 | 5);
    put(b, &v, 4);
}

static void flush(ow *w) {
    if (w->open) bytes(&w->graph, 1, w->node.p, w->node.n);
    w->node.n = 0;
    w->open = 0;
}

void ow_begin(ow *w, int opset) {
    memset(w, 0, sizeof *w);
    w->opset = opset;
}

/* ValueInfoProto */
static void info(ow *w, int field, const char *name, int rank, const int64_t *dims) {
    ow_buf shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < rank; i++) {
        ow_buf d = {0};
        if (dims[i] < 0) text(&d, 2, "open");
        else number(&d, 1, (uint64_t)dims[i]);
        bytes(&shape, 1, d.p, d.n);
        free(d.p);
    }
    number(&tensor, 1, 1);
    if (rank >= 0) bytes(&tensor, 2, shape.p, shape.n);
    bytes(&type, 1, tensor.p, tensor.n);
    text(&value, 1, name);
    bytes(&value, 2, type.p, type.n);
    flush(w);
    bytes(&w->graph, field, value.p, value.n);
    free(shape.p);
    free(tensor.p);
    free(type.p);
    free(value.p);
}

void ow_input(ow *w, const char *name, int rank, const int64_t *dims) { info(w, 11, name, rank, dims); }
void ow_output(ow *w, const char *name) { info(w, 12, name, -1, NULL); }

static size_t count(int rank, const int64_t *dims) {
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= (size_t)dims[i];
    return n;
}

static void header(ow_buf *t, const char *name, int type, int rank, const int64_t *dims) {
    for (int i = 0; i < rank; i++) number(t, 1, (uint64_t)dims[i]);
    number(t, 2, (uint64_t)type);
    if (name) text(t, 8, name);
}

static void f32_tensor(ow_buf *t, const char *name, int rank, const int64_t *dims, const float *data, ow_form form) {
    size_t n = count(rank, dims);
    header(t, name, 1, rank, dims);
    if (form == OW_RAW) bytes(t, 9, data, n * 4);
    else if (form == OW_PACKED) bytes(t, 4, data, n * 4);
    else
        for (size_t i = 0; i < n; i++) real(t, 4, data[i]);
}

void ow_f32(ow *w, const char *name, int rank, const int64_t *dims, const float *data, ow_form form) {
    ow_buf t = {0};
    f32_tensor(&t, name, rank, dims, data, form);
    flush(w);
    bytes(&w->graph, 5, t.p, t.n);
    free(t.p);
}

void ow_i64(ow *w, const char *name, int rank, const int64_t *dims, const int64_t *data, ow_form form) {
    ow_buf t = {0}, packed = {0};
    size_t n = count(rank, dims);
    header(&t, name, 7, rank, dims);
    for (size_t i = 0; i < n && form == OW_UNPACKED; i++) number(&t, 7, (uint64_t)data[i]);
    for (size_t i = 0; i < n && form == OW_PACKED; i++) varint(&packed, (uint64_t)data[i]);
    if (form == OW_PACKED) bytes(&t, 7, packed.p, packed.n);
    if (form == OW_RAW) bytes(&t, 9, data, n * 8);
    flush(w);
    bytes(&w->graph, 5, t.p, t.n);
    free(t.p);
    free(packed.p);
}

void ow_raw(ow *w, const char *name, int type, int rank, const int64_t *dims, const void *data, size_t n) {
    ow_buf t = {0};
    header(&t, name, type, rank, dims);
    bytes(&t, 9, data, n);
    flush(w);
    bytes(&w->graph, 5, t.p, t.n);
    free(t.p);
}

void ow_node(ow *w, const char *op, const char *inputs, const char *output) {
    char name[64];
    flush(w);
    for (const char *p = inputs; *inputs;) {
        size_t n = strcspn(p, ",");
        bytes(&w->node, 1, p, n);
        if (!p[n]) break;
        p += n + 1;
    }
    text(&w->node, 2, output);
    snprintf(name, sizeof name, "%s_%d", op, w->nodes++);
    text(&w->node, 3, name);
    text(&w->node, 4, op);
    w->open = 1;
}

static void attribute(ow *w, const char *name, int type, const ow_buf *value) {
    ow_buf a = {0};
    text(&a, 1, name);
    put(&a, value->p, value->n);
    number(&a, 20, (uint64_t)type);
    bytes(&w->node, 5, a.p, a.n);
    free(a.p);
}

void ow_int(ow *w, const char *name, int64_t v) {
    ow_buf b = {0};
    number(&b, 3, (uint64_t)v);
    attribute(w, name, 2, &b);
    free(b.p);
}

void ow_float(ow *w, const char *name, float v) {
    ow_buf b = {0};
    real(&b, 2, v);
    attribute(w, name, 1, &b);
    free(b.p);
}

void ow_string(ow *w, const char *name, const char *v) {
    ow_buf b = {0};
    text(&b, 4, v);
    attribute(w, name, 3, &b);
    free(b.p);
}

void ow_ints(ow *w, const char *name, int n, const int64_t *v) {
    ow_buf b = {0};
    for (int i = 0; i < n; i++) number(&b, 8, (uint64_t)v[i]);
    attribute(w, name, 7, &b);
    free(b.p);
}

void ow_floats(ow *w, const char *name, int n, const float *v) {
    ow_buf b = {0};
    for (int i = 0; i < n; i++) real(&b, 7, v[i]);
    attribute(w, name, 6, &b);
    free(b.p);
}

void ow_value_f32(ow *w, int rank, const int64_t *dims, const float *data) {
    ow_buf t = {0}, b = {0};
    f32_tensor(&t, NULL, rank, dims, data, OW_RAW);
    bytes(&b, 5, t.p, t.n);
    attribute(w, "value", 4, &b);
    free(t.p);
    free(b.p);
}

const uint8_t *ow_end(ow *w, size_t *len) {
    ow_buf opset = {0};
    flush(w);
    number(&opset, 2, (uint64_t)w->opset);
    number(&w->file, 1, 8);
    bytes(&w->file, 8, opset.p, opset.n);
    bytes(&w->file, 7, w->graph.p, w->graph.n);
    free(opset.p);
    *len = w->file.n;
    return w->file.p;
}

void ow_free(ow *w) {
    free(w->graph.p);
    free(w->node.p);
    free(w->file.p);
    memset(w, 0, sizeof *w);
}
