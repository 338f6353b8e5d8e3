/* Affine crops of faces to planar tensors. */
#include "face/crop.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include <string.h>

typedef struct job {
    const fct_view *views;
    const double (*m)[6];
    int size;
    fct_norm norm;
    uint8_t *rgb; /* a crop per worker */
    float *dst;
} job;

static void to_planes(const uint8_t *restrict rgb, size_t n, fct_norm norm, float *restrict dst) {
    float factor = 1 / norm.std, shift = -norm.mean / norm.std;
    for (size_t i = 0; i < n; i++) {
        dst[i] = (float)rgb[3 * i] * factor + shift;
        dst[i + n] = (float)rgb[3 * i + 1] * factor + shift;
        dst[i + 2 * n] = (float)rgb[3 * i + 2] * factor + shift;
    }
}

static void do_crop(void *ctx, int i, int worker) {
    const job *j = ctx;
    size_t n = (size_t)j->size * (size_t)j->size;
    uint8_t *rgb = j->rgb + (size_t)worker * n * 3;
    /* A view or matrix that cannot be warped leaves a black crop. */
    if (fct_warp_rgb(j->views[i], j->m[i], rgb, j->size, j->size, (ptrdiff_t)j->size * 3, NULL)) memset(rgb, 0, n * 3);
    to_planes(rgb, n, j->norm, j->dst + (size_t)i * n * 3);
}

fct_status fct_warp_tensors(const fct_view *views, const double (*m)[6], int n, int size, fct_norm norm, float *dst,
                            fct_error *err) {
    job j = {.views = views, .m = m, .size = size, .norm = norm, .dst = dst};
    size_t bytes = (size_t)fct_parallel_width() * (size_t)size * (size_t)size * 3;
    j.rgb = fct_alloc(bytes);
    if (!j.rgb) return fct_fail_nomem(err, "face crops", bytes);
    fct_parallel(n, do_crop, &j);
    fct_free(j.rgb);
    return FCT_OK;
}
