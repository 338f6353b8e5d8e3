/* Writes small ONNX files in memory, for tests: just enough of onnx.proto3. */
#ifndef FCT_TESTS_ONNX_WRITER_H
#define FCT_TESTS_ONNX_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct ow_buf {
    uint8_t *p;
    size_t n, cap;
} ow_buf;

/* A model under construction. The nodes keep their order. */
typedef struct ow {
    ow_buf graph, node, file;
    int opset, nodes, open;
} ow;

void ow_begin(ow *w, int opset);
/* Dimensions of -1 are written as names (they vary). */
void ow_input(ow *w, const char *name, int rank, const int64_t *dims);
void ow_output(ow *w, const char *name);
/* How the elements are stored. */
typedef enum ow_form { OW_RAW, OW_PACKED, OW_UNPACKED } ow_form;
void ow_f32(ow *w, const char *name, int rank, const int64_t *dims, const float *data, ow_form form);
void ow_i64(ow *w, const char *name, int rank, const int64_t *dims, const int64_t *data, ow_form form);
/* Initializer of any ONNX type from raw bytes. */
void ow_raw(ow *w, const char *name, int type, int rank, const int64_t *dims, const void *bytes, size_t n);
/* Starts a node; inputs separated by commas ("x,,w": the second left out). The
 * attributes that follow belong to it. */
void ow_node(ow *w, const char *op, const char *inputs, const char *output);
void ow_int(ow *w, const char *name, int64_t v);
void ow_float(ow *w, const char *name, float v);
void ow_string(ow *w, const char *name, const char *v);
void ow_ints(ow *w, const char *name, int n, const int64_t *v);
void ow_floats(ow *w, const char *name, int n, const float *v);
/* Attribute "value" of a Constant: a float tensor. */
void ow_value_f32(ow *w, int rank, const int64_t *dims, const float *data);
/* Ends the model; the bytes belong to w until ow_free(). */
const uint8_t *ow_end(ow *w, size_t *len);
void ow_free(ow *w);

#endif
