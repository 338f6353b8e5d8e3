/* What a network is for, told from the outside of its file: the shapes of inputs
 * and outputs and the first few nodes. Weights are not touched, so that files
 * that are not wanted cost nothing. */
#ifndef FCT_PACK_SIGNATURE_H
#define FCT_PACK_SIGNATURE_H

#include "facet/face.h"

typedef struct fct_signature {
    int inputs, outputs; /* inputs that are not weights */
    int rank;            /* of the first input; 0 = not declared */
    int64_t dims[4];     /* its shape, -1 = varies; the first four */
    int out_rank;        /* of the first output */
    int64_t out_dims[4];
    bool names_normalize; /* names among the first 8 nodes: Sub or _minus, and Mul or _mul */
    bool named_bn_data;   /* one of the first 3 nodes is called bn_data */
    bool ops_normalize;   /* the first 8 nodes subtract from and scale the input itself */
} fct_signature;

/* Reads the outside of an ONNX file of len bytes; name stands for it in errors.
 * FCT_ERR_FORMAT with the offset where it is damaged. */
fct_status fct_signature_read(const void *data, size_t len, const char *name, fct_signature *out, fct_error *err);

/* Where a file of a pack belongs. */
typedef struct fct_route {
    uint32_t task;     /* fct_task; 0 = none */
    double mean, std;  /* input is (x - mean) / std */
    int width, height; /* of a fixed input, else 0 */
    bool batches;      /* the number of pictures may vary */
    char note[200];    /* why it is not used, or a remark */
} fct_route;

/* InsightFace's routing: the first rule that fits, of
 *   five or more outputs        detector (facet runs SCRFD: 6, 9, 10 or 15)
 *   input 192 x 192             landmarks
 *   input 96 x 96               gender and age
 *   two inputs, 128 x 128       face swapper: never loaded
 *   square, >= 112, n * 16      embedder
 * Normalization: 127.5 / 128, embedders 127.5 / 127.5, unless the graph does it
 * itself. names_only: decide that by node names alone, as InsightFace does; else
 * the operators count too (docs/decisions/0040). */
void fct_signature_route(const fct_signature *s, bool names_only, fct_route *out);

/* The same where a manifest says what the network is for: its word goes before the
 * rules above, which know nothing of tasks that InsightFace does not have. A task of
 * 0 comes back, with a note, where the network's form makes it impossible. */
void fct_signature_route_as(const fct_signature *s, uint32_t task, bool names_only, fct_route *out);

#endif
