/* Embeddings as an album stores them. Half precision changes a cosine by less
 * than 0.0003 (docs/decisions/0080-album.md has the figures) and takes half the
 * room. */
#include "album/album_store.h"
#include "kernels/kernels.h"
#include <math.h>

enum { PART = 64 }; /* numbers that are converted at once */

void fct_album_half_encode(const float *v, int dim, uint8_t *out) {
    uint16_t half[PART];
    for (int at = 0; at < dim; at += PART) {
        int n = dim - at < PART ? dim - at : PART;
        fct_kernels()->float_to_half(half, v + at, (size_t)n);
        for (int i = 0; i < n; i++) {
            out[2 * (at + i)] = (uint8_t)half[i];
            out[2 * (at + i) + 1] = (uint8_t)(half[i] >> 8);
        }
    }
}

bool fct_album_half_decode(const void *data, size_t size, float *out, int dim) {
    const uint8_t *p = data;
    uint16_t half[PART];
    bool finite = true;
    if (!p || size != 2 * (size_t)dim) return false;
    for (int at = 0; at < dim; at += PART) {
        int n = dim - at < PART ? dim - at : PART;
        for (int i = 0; i < n; i++) half[i] = (uint16_t)(p[2 * (at + i)] | p[2 * (at + i) + 1] << 8);
        fct_kernels()->half_to_float(out + at, half, (size_t)n);
        for (int i = 0; i < n; i++) finite &= isfinite(out[at + i]) != 0;
    }
    return finite;
}
