/* Writes small ONNX files for tests: just enough of the protobuf encoding and
 * of onnx.proto (field numbers in the comments). Runs out of memory with abort().
 *
 *   onnx_writer w = {0};
 *   onnx_input(&w, "x", 4, (int64_t[]){1, 3, -1, -1});
 *   onnx_floats(&w, "k", 4, (int64_t[]){8, 3, 3, 3}, weights);
 *   onnx_attrs a = {0};
 *   onnx_attr_ints(&a, "strides", 2, (int64_t[]){2, 2});
 *   onnx_node(&w, "Conv", "conv1", "x k", "y", &a);
 *   onnx_output(&w, "y", 4, (int64_t[]){1, 8, -1, -1});
 *   onnx_save(&w, "file.onnx", 11);
 */
#ifndef FCT_TEST_ONNX_WRITER_H
#define FCT_TEST_ONNX_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONNX_UNUSED __attribute__((unused))

typedef struct onnx_bytes { uint8_t *data; size_t n, capacity; } onnx_bytes;
typedef struct onnx_attrs { onnx_bytes body; } onnx_attrs;
/* The parts of GraphProto, each already encoded with its field number. */
typedef struct onnx_writer { onnx_bytes nodes, initializers, inputs, outputs; } onnx_writer;

ONNX_UNUSED static void onnx_put(onnx_bytes *b, const void *data, size_t n) {
    if (n == 0) return;
    if (b->n + n > b->capacity) {
        b->capacity = (b->n + n) * 2 + 64;
        b->data = realloc(b->data, b->capacity);
        if (!b->data) abort();
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

ONNX_UNUSED static void onnx_varint(onnx_bytes *b, uint64_t v) {
    uint8_t out[10];
    size_t n = 0;
    do {
        out[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v);
    onnx_put(b, out, n);
}

ONNX_UNUSED static void onnx_field_int(onnx_bytes *b, int field, int64_t v) {
    onnx_varint(b, (uint64_t)field << 3);
    onnx_varint(b, (uint64_t)v);
}

ONNX_UNUSED static void onnx_field_bytes(onnx_bytes *b, int field, const void *data, size_t n) {
    onnx_varint(b, (uint64_t)field << 3 | 2);
    onnx_varint(b, n);
    onnx_put(b, data, n);
}

ONNX_UNUSED static void onnx_field_text(onnx_bytes *b, int field, const char *s) { onnx_field_bytes(b, field, s, strlen(s)); }

/* Adds part as a message and frees it. */
ONNX_UNUSED static void onnx_field_message(onnx_bytes *b, int field, onnx_bytes *part) {
    onnx_field_bytes(b, field, part->data, part->n);
    free(part->data);
    memset(part, 0, sizeof *part);
}

/* ---- Tensors and values ---------------------------------------------------- */

/* TensorProto: dims 1, data_type 2, name 8, raw_data 9. type: 1 float, 7 int64. */
ONNX_UNUSED static void onnx_tensor(onnx_writer *w, const char *name, int type, int rank, const int64_t *dims,
                                    const void *data, size_t bytes_each) {
    onnx_bytes t = {0};
    size_t n = bytes_each;
    for (int i = 0; i < rank; i++) {
        onnx_field_int(&t, 1, dims[i]);
        n *= (size_t)dims[i];
    }
    onnx_field_int(&t, 2, type);
    onnx_field_text(&t, 8, name);
    onnx_field_bytes(&t, 9, data, n);
    onnx_field_message(&w->initializers, 5, &t);
}

ONNX_UNUSED static void onnx_floats(onnx_writer *w, const char *name, int rank, const int64_t *dims, const float *data) {
    onnx_tensor(w, name, 1, rank, dims, data, sizeof *data);
}

ONNX_UNUSED static void onnx_ints(onnx_writer *w, const char *name, int64_t n, const int64_t *data) {
    onnx_tensor(w, name, 7, 1, &n, data, sizeof *data);
}

/* ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1
 * { dim_value 1, dim_param 2 } } } }. A negative size varies. */
ONNX_UNUSED static void onnx_value(onnx_bytes *to, int field, const char *name, int rank, const int64_t *dims) {
    onnx_bytes shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < rank; i++) {
        onnx_bytes dim = {0};
        char param[24];
        snprintf(param, sizeof param, "%s_%d", name, i);
        if (dims[i] < 0) onnx_field_text(&dim, 2, param);
        else onnx_field_int(&dim, 1, dims[i]);
        onnx_field_message(&shape, 1, &dim);
    }
    onnx_field_int(&tensor, 1, 1);
    onnx_field_message(&tensor, 2, &shape);
    onnx_field_message(&type, 1, &tensor);
    onnx_field_text(&value, 1, name);
    onnx_field_message(&value, 2, &type);
    onnx_field_message(to, field, &value);
}

ONNX_UNUSED static void onnx_input(onnx_writer *w, const char *name, int rank, const int64_t *dims) {
    onnx_value(&w->inputs, 11, name, rank, dims);
}

ONNX_UNUSED static void onnx_output(onnx_writer *w, const char *name, int rank, const int64_t *dims) {
    onnx_value(&w->outputs, 12, name, rank, dims);
}

/* ---- Nodes ----------------------------------------------------------------------- */

/* AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20 (float 1, int 2, string 3, ints 7). */
ONNX_UNUSED static void onnx_attr_int(onnx_attrs *a, const char *name, int64_t v) {
    onnx_bytes b = {0};
    onnx_field_text(&b, 1, name);
    onnx_field_int(&b, 3, v);
    onnx_field_int(&b, 20, 2);
    onnx_field_message(&a->body, 5, &b);
}

ONNX_UNUSED static void onnx_attr_ints(onnx_attrs *a, const char *name, int n, const int64_t *v) {
    onnx_bytes b = {0};
    onnx_field_text(&b, 1, name);
    for (int i = 0; i < n; i++) onnx_field_int(&b, 8, v[i]);
    onnx_field_int(&b, 20, 7);
    onnx_field_message(&a->body, 5, &b);
}

ONNX_UNUSED static void onnx_attr_float(onnx_attrs *a, const char *name, float v) {
    onnx_bytes b = {0};
    onnx_field_text(&b, 1, name);
    onnx_varint(&b, 2 << 3 | 5);
    onnx_put(&b, &v, 4);
    onnx_field_int(&b, 20, 1);
    onnx_field_message(&a->body, 5, &b);
}

ONNX_UNUSED static void onnx_attr_text(onnx_attrs *a, const char *name, const char *v) {
    onnx_bytes b = {0};
    onnx_field_text(&b, 1, name);
    onnx_field_text(&b, 4, v);
    onnx_field_int(&b, 20, 3);
    onnx_field_message(&a->body, 5, &b);
}

/* Each of the names, which are divided by single spaces ("" between two is an absent one). */
ONNX_UNUSED static void onnx_names(onnx_bytes *b, int field, const char *names) {
    for (;;) {
        size_t n = strcspn(names, " ");
        onnx_field_bytes(b, field, names, n);
        if (!names[n]) return;
        names += n + 1;
    }
}

/* NodeProto: input 1, output 2, name 3, op_type 4, attribute 5. Takes the
 * attributes (NULL = none) and leaves them empty. */
ONNX_UNUSED static void onnx_node(onnx_writer *w, const char *op, const char *name, const char *inputs,
                                  const char *outputs, onnx_attrs *attrs) {
    onnx_bytes b = {0};
    onnx_names(&b, 1, inputs);
    onnx_names(&b, 2, outputs);
    onnx_field_text(&b, 3, name);
    onnx_field_text(&b, 4, op);
    if (attrs) {
        onnx_put(&b, attrs->body.data, attrs->body.n);
        free(attrs->body.data);
        memset(attrs, 0, sizeof *attrs);
    }
    onnx_field_message(&w->nodes, 1, &b);
}

/* ---- The file ----------------------------------------------------------------------- */

/* The whole ModelProto: ir_version 1, graph 7, opset_import 8 { version 2 }. The
 * result's data is owned: free(). The writer is left empty. */
ONNX_UNUSED static onnx_bytes onnx_finish(onnx_writer *w, int opset) {
    onnx_bytes graph = {0}, import = {0}, model = {0};
    onnx_bytes *parts[] = {&w->nodes, &w->initializers, &w->inputs, &w->outputs};
    for (int i = 0; i < 4; i++) {
        onnx_put(&graph, parts[i]->data, parts[i]->n);
        free(parts[i]->data);
        memset(parts[i], 0, sizeof *parts[i]);
        if (i == 0) onnx_field_text(&graph, 2, "test");
    }
    onnx_field_int(&import, 2, opset);
    onnx_field_int(&model, 1, 6);
    onnx_field_message(&model, 7, &graph);
    onnx_field_message(&model, 8, &import);
    return model;
}

ONNX_UNUSED static bool onnx_save(onnx_writer *w, const char *path, int opset) {
    onnx_bytes model = onnx_finish(w, opset);
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(model.data, 1, model.n, f) == model.n;
    if (f) good &= fclose(f) == 0;
    free(model.data);
    return good;
}

#endif
