/* A teacher's embeddings of a data set, computed once and kept in a file:
 * "FCTTEACH", u32 version 1, u32 dim, u64 n; n rows of dim float32, in the order
 * of the data set; little-endian. Rows are unit vectors, or zero where the
 * picture could not be read. */
#ifndef FCT_TRAIN_TEACHER_H
#define FCT_TRAIN_TEACHER_H

#include "train/dataset.h"

typedef struct fct_teacher { float *rows; size_t n; int dim; } fct_teacher;

/* FCT_ERR_MISMATCH where the file has not one row for each sample. Rows with a
 * NaN or an infinite number become zero; *bad counts them. */
fct_status fct_teacher_read(const char *path, const fct_dataset *d, fct_teacher *out, size_t *bad, fct_error *err);
/* Runs an ONNX embedder over the data set, by facet's own engine: a row is the
 * mean of the unit embeddings of a picture's central square and of its mirror
 * image. raw: the network takes 0..255 and normalises itself; else it gets
 * (x - 127.5) / 127.5. progress (may be NULL) is told the number done; it returns
 * false to stop (FCT_ERR_CANCELLED). *bad counts pictures that could not be read. */
fct_status fct_teacher_compute(const char *onnx, bool raw, const fct_dataset *d, bool (*progress)(void *user, size_t done),
                               void *user, fct_teacher *out, size_t *bad, fct_error *err);

fct_status fct_teacher_write(const char *path, const fct_teacher *t, fct_error *err);
void fct_teacher_clear(fct_teacher *t);

#endif
