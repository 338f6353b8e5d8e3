/* An embedder as an ONNX file, and back again for fine-tuning.
 *
 * The file is what InsightFace's ArcFace loaders expect: input "input.1"
 * [N, 3, size, size], RGB, (x - 127.5) / 127.5 done by the caller; output
 * "embedding" [N, dim], not normalized; opset 13; Conv, BatchNormalization, PRelu,
 * Add and Flatten only, and Gather, Concat, Reshape and ReduceMean to embed the
 * mirror image too. Its metadata hold the network's description under
 * "facet.network", by which fct_import_onnx() knows how to read it. */
#ifndef FCT_TRAIN_EXPORT_H
#define FCT_TRAIN_EXPORT_H

#include "train/net.h"

/* half: convolution weights are stored as float16 with a Cast behind them, at half
 * the size. mirror: the embedding is the mean of the picture's and its mirror
 * image's, at twice the work. */
typedef struct fct_export_opts {
    bool half, mirror;
} fct_export_opts;

/* Atomic, as fct_file_write_atomic(). */
fct_status fct_export_onnx(const char *path, const fct_net_spec *spec, const float *params, const float *stats,
                           fct_export_opts o, fct_error *err);

/* Reads the parameters of a file that fct_export_onnx() wrote into arrays for
 * spec, which may have more "res" blocks in a row than the file: those compute
 * nothing at first, and their other parameters stay as they are (initialize them
 * first). FCT_ERR_UNSUPPORTED: not such a file; FCT_ERR_MISMATCH: of another network; FCT_ERR_FORMAT: damaged, or a
 * parameter is missing or not finite. */
fct_status fct_import_onnx(const char *path, const fct_net_spec *spec, float *params, float *stats, fct_error *err);

/* The description a file carries. *text is owned. */
fct_status fct_import_network(const char *path, char **text, fct_error *err);

/* IEEE 754 half precision, rounded to nearest even; beyond its range: infinity. */
uint16_t fct_half_from_float(float f);
float fct_float_from_half(uint16_t h);

#endif
