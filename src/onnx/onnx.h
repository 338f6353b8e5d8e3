/* ONNX files into the intermediate form. The numbers of the fields are those of
 * onnx.proto3 (https://github.com/onnx/onnx, IR versions 3 to 10). */
#ifndef FCT_ONNX_ONNX_H
#define FCT_ONNX_ONNX_H

#include "graph/graph.h"
#include "onnx/proto.h"

/* Reads a whole file. Constants of the graph point into data: it must stay
 * until they have been used (fct_model_create). *out is owned. */
fct_status fct_onnx_read(const void *data, size_t len, const char *file, fct_graph **out, fct_error *err);

/* A TensorProto. *name (may be NULL) gets its name field, len 0 when absent. *out is owned. */
fct_status fct_onnx_tensor(fct_pb m, fct_pb_field *name, fct_const **out, fct_error *err);

/* An AttributeProto into *a (fct_attr_clear, also on failure). A tensor is left
 * in *tensor when that is not NULL, else copied into a->t. */
fct_status fct_onnx_attr(fct_pb m, fct_attr *a, fct_const **tensor, fct_error *err);

/* Returns an owned copy of a string field. */
fct_status fct_onnx_string(const fct_pb_field *f, char **out, fct_error *err);

#endif
