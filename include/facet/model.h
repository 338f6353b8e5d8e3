/* facet/model.h: ONNX networks: load, inspect, run.
 *
 * A model is immutable once loaded: any number of threads may share it. A
 * session holds the memory of runs in progress: one thread at a time. Weights
 * are shared by all sessions of a model. */
#ifndef FACET_MODEL_H
#define FACET_MODEL_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fct_model fct_model;
typedef struct fct_session fct_session;

#define FCT_MAX_RANK 8

/* How much speed may cost in accuracy. */
typedef enum fct_precision {
    FCT_PRECISION_FAST = 0,     /* Winograd, fp16 storage of weights where measured accuracy allows */
    FCT_PRECISION_EXACT = 1,    /* direct algorithms in fp32 only: |out - ref| / |ref| < 1e-4 */
    FCT_PRECISION_REFERENCE = 2 /* the graph as it is in the file, operator by operator in portable C: the
                                   judge of the others, slow */
} fct_precision;

typedef struct fct_model_opts {
    size_t size;             /* sizeof this struct; set by fct_model_opts_init() */
    fct_precision precision; /* (default FCT_PRECISION_FAST) */
    bool low_memory;         /* smallest resident size at some cost in speed (default false) */
    const char *cache_dir;   /* folder of packed-weight caches, made when needed; a later load maps them
                                instead of packing. Written by a thread after the first load, for which
                                fct_model_free() waits; NULL = none (default NULL) */
    const char *device;      /* what runs the network: "cpu", the only one so far; NULL = "cpu" (default NULL) */
} fct_model_opts;
FCT_API void fct_model_opts_init(fct_model_opts *o);

/* A folder of packed-weight caches: one file per network, options and machine, read
 * only by the user who made it, removed when the folder outgrows max_bytes. */
typedef struct fct_cache_info {
    uint64_t bytes, max_bytes;
    int files;
} fct_cache_info;
/* Bytes and files in such a folder; zeros where there is none. */
FCT_API void fct_cache_stat(const char *cache_dir, fct_cache_info *out);
/* The folder that facet's programs use: FCT_CACHE of the environment, else the user's
 * (facet in XDG_CACHE_HOME or ~/.cache). out: at least 1 byte. false, and an empty out: the environment asks for none
 * (FCT_CACHE=off), or the path is longer than size - 1 bytes. */
FCT_API bool fct_cache_default_dir(char *out, size_t size);

/* Loads an ONNX file (opset 9 to 17, fp32 / fp16 / integer constants). The file
 * is read while loading, in parts, and is not needed afterwards. *out is owned.
 * Errors: FCT_ERR_NOT_FOUND, FCT_ERR_IO, FCT_ERR_FORMAT (damaged, with the
 * offset or name of what is wrong), FCT_ERR_UNSUPPORTED (an operator or type,
 * named with its node; a device that this build does not have), FCT_ERR_LIMIT. */
FCT_API fct_status fct_model_load(const char *path, const fct_model_opts *opts, fct_model **out, fct_error *err);

/* The same from memory. data must outlive the call only; name stands for the
 * file in error texts (NULL = "model"). */
FCT_API fct_status fct_model_load_memory(const void *data, size_t len, const char *name, const fct_model_opts *opts,
                                         fct_model **out, fct_error *err);
FCT_API void fct_model_free(fct_model *model); /* sessions must be freed before */

/* Name and shape of an input or output. Dimensions that vary are -1. */
typedef struct fct_tensor_info {
    const char *name; /* borrowed until the model is freed */
    int rank;
    int64_t dims[FCT_MAX_RANK];
} fct_tensor_info;

FCT_API int fct_model_input_count(const fct_model *m);
FCT_API int fct_model_output_count(const fct_model *m);
/* FCT_ERR_ARG when i is out of range. Shapes of outputs are as the file
 * declares them and may be wrong there; rank is -1 where it declares none. */
FCT_API fct_status fct_model_input(const fct_model *m, int i, fct_tensor_info *out, fct_error *err);
FCT_API fct_status fct_model_output(const fct_model *m, int i, fct_tensor_info *out, fct_error *err);

/* First 16 hexadecimal digits of the SHA-256 of the file's bytes; identifies
 * the model that made an embedding. Borrowed until the model is freed. */
FCT_API const char *fct_model_id(const fct_model *m);

/* Multiply-accumulates of one run with the given shape of input 0 (rank
 * numbers), and number of weights; for reports. */
FCT_API fct_status fct_model_cost(const fct_model *m, const int64_t *dims, int rank, double *macs, int64_t *params,
                                  fct_error *err);

/* float32 tensor, row-major, dense. */
typedef struct fct_tensor {
    float *data; /* inputs: borrowed for the call and not written; outputs: see fct_session_run() */
    int rank;
    int64_t dims[FCT_MAX_RANK];
} fct_tensor;

/* Creates a session. *out is owned. Memory grows with the largest shape run. */
FCT_API fct_status fct_session_create(const fct_model *m, fct_session **out, fct_error *err);
FCT_API void fct_session_free(fct_session *s);

/* Runs the network. inputs: one per model input, in order. outputs: filled, one
 * per model output, in order; their data is borrowed until the session's next
 * run or free. Plans for the latest few input shapes are kept, so alternating
 * between two sizes is cheap.
 * Errors: FCT_ERR_ARG (counts), FCT_ERR_UNSUPPORTED (the shape does not fit the
 * network, with the node's name), FCT_ERR_NOMEM. */
FCT_API fct_status fct_session_run(fct_session *s, const fct_tensor *inputs, int n_inputs, fct_tensor *outputs,
                                   int n_outputs, fct_error *err);

/* One step of the latest run, for profiles. */
typedef struct fct_layer_time {
    const char *name;      /* node's name in the file; borrowed until the session's next run */
    const char *op;        /* "Conv 3x3 s1", "MaxPool", ... borrowed likewise */
    const char *algorithm; /* "wino-f43", "gemm-1x1", "direct", ... static */
    double ms;             /* wall time */
    double macs;           /* multiply-accumulates by the direct definition */
} fct_layer_time;

/* Turns timing of steps on or off (default off). */
FCT_API void fct_session_profile(fct_session *s, bool on);
/* Number of steps recorded by the latest profiled run; entries via _layer(). */
FCT_API int fct_session_layer_count(const fct_session *s);
FCT_API fct_status fct_session_layer(const fct_session *s, int i, fct_layer_time *out, fct_error *err);

/* Bytes held by the model's weights and by the session. */
FCT_API size_t fct_model_memory(const fct_model *m);
FCT_API size_t fct_session_memory(const fct_session *s);

#ifdef __cplusplus
}
#endif
#endif
