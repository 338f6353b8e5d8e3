/* Matrices in NumPy files: .npy (format versions 1 to 3) and uncompressed .npz. */
#ifndef FCT_GALLERY_NPY_H
#define FCT_GALLERY_NPY_H

#include "facet/base.h"

/* A matrix of n rows of dim values where it stands in the file's bytes. */
typedef struct fct_npy {
    const uint8_t *data; /* row-major, borrowed from the input */
    size_t n;
    int dim;
    int bytes; /* per value: 2, 4 or 8, an IEEE 754 float */
    bool big_endian;
} fct_npy;

/* Finds the matrix in size bytes: of an .npy file, or the only matrix of floats
 * in an .npz file. name is for messages. At most dim_max values per row. Errors:
 * FCT_ERR_FORMAT; FCT_ERR_UNSUPPORTED (compressed, pickled, column-major, not
 * floats, not of two dimensions). */
fct_status fct_npy_read(const uint8_t *data, size_t size, const char *name, int dim_max, fct_npy *out, fct_error *err);

/* Row i as floats, [dim]. Doubles beyond float's range become infinite. */
void fct_npy_row(const fct_npy *m, size_t i, float *out);

#endif
