/* A teacher's embeddings of a data set, computed once and kept in a file:
 * "FCTTEACH", u32 version 1, u32 dim, u64 n; n rows of dim float32, in the order
 * of the data set; little-endian. Rows are unit vectors, or zero where the
 * picture could not be read. */
#ifndef FCT_TRAIN_TEACHER_H
#define FCT_TRAIN_TEACHER_H

#include "train/dataset.h"

typedef struct fct_teacher {
    float *rows;
    size_t n;
    int dim;
} fct_teacher;

/* FCT_ERR_MISMATCH where the file has not one row for each sample. Rows with a
 * NaN or an infinite number become zero; *bad counts them. */
fct_status fct_teacher_read(const char *path, const fct_dataset *d, fct_teacher *out, size_t *bad, fct_error *err);
/* A teacher's network, any ONNX embedder, run by facet's own engine. raw: it takes
 * 0..255 and normalizes itself; else it gets (x - 127.5) / 127.5. One thread at a time. */
typedef struct fct_teacher_net fct_teacher_net;
fct_status fct_teacher_net_open(const char *onnx, bool raw, fct_teacher_net **out, fct_error *err);
void fct_teacher_net_free(fct_teacher_net *net);
int fct_teacher_net_size(const fct_teacher_net *net); /* side of its input, pixels */

/* Unit embeddings of pictures [n][size][size][3], as they are, into n rows of ld
 * floats, ld >= dim; zero where the network's answer is not finite. FCT_ERR_MISMATCH
 * where it has not dim dimensions. */
fct_status fct_teacher_net_embed(fct_teacher_net *net, const uint8_t *pixels, int n, int dim, int ld, float *rows,
                                 fct_error *err);

/* Computes the embeddings of the whole data set: a row is the mean of the unit embeddings of a picture's central
 * square and of its mirror image; with shifts, of five squares, the others a pixel to each side where the picture
 * is large enough, and their mirror images. progress (may be NULL) is told the number done; it returns false to stop
 * (FCT_ERR_CANCELLED). *bad counts pictures that could not be read. */
fct_status fct_teacher_compute(fct_teacher_net *net, const fct_dataset *d, bool shifts,
                               bool (*progress)(void *user, size_t done), void *user, fct_teacher *out, size_t *bad,
                               fct_error *err);

/* Adds each picture's row to the row of its class in rows [classes][dim]. */
void fct_teacher_add_classes(const fct_teacher *t, const fct_dataset *d, float *rows);

fct_status fct_teacher_write(const char *path, const fct_teacher *t, fct_error *err);
void fct_teacher_clear(fct_teacher *t);

#endif
