/* An ONNX file without its large weights. */
#ifndef FCT_ONNX_ONNX_FILE_H
#define FCT_ONNX_ONNX_FILE_H

#include "base/part_file.h"
#include "facet/model.h"

/* Opens a file and loads all of it into f->data but the raw data of initializers
 * of FCT_CONST_LARGE bytes and more (graph/graph.h), which stays zeros there: the
 * structure of a network takes little memory, and a start with packed weights in
 * the cache never reads the others. A file that is damaged is loaded in full, so
 * that its reader finds the same fault in it. fct_part_close(). */
fct_status fct_onnx_open(const char *path, fct_part_file *f, fct_error *err);

/* fct_model_load() of a file that fct_onnx_open() has opened; it may be closed afterwards. */
fct_status fct_onnx_load(const fct_part_file *file, const fct_model_opts *opts, fct_model **out, fct_error *err);

#endif
