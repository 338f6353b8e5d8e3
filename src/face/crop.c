/* Affine crops of faces to planar tensors.
 *
 * The arithmetic is that of OpenCV's warpAffine from 4.11 on, operation by
 * operation, so that a crop equals what InsightFace's package cuts out to the last
 * bit: matrix inverted in double, then float32; position = fma(column, m, row
 * part), where the row part is rounded after each operation; two interpolations
 * along x, one along y; rounding to a byte, half to even. */
#include "face/crop.h"
#include "image/image_internal.h"
#include "base/thread.h"
#include <math.h>

enum { max_size = 1024, rows_per_task = 32 };

typedef struct crop_job {
    const fct_view *views;
    const double (*m)[6];
    int size, bands;
    fct_norm norm;
    float *dst;
} crop_job;

/* One crop: its source, and the matrix from crop to source. */
typedef struct source {
    fct_view v;
    fct_channels at;
    float inv[6];
} source;

/* OpenCV's own order of operations; a singular matrix gives one that maps every
 * pixel to the first. */
static void invert(const double m[6], float inv[6]) {
    double det = m[0] * m[4] - m[1] * m[3], d = det != 0 ? 1 / det : 0;
    double a = m[4] * d, b = m[1] * -d, c = m[3] * -d, e = m[0] * d;
    double r[6] = {a, b, -a * m[2] - b * m[5], c, e, -c * m[2] - e * m[5]};
    for (int i = 0; i < 6; i++) inv[i] = (float)r[i];
}

/* Positions of one row: whole parts and fractions. */
typedef struct positions {
    int x[max_size], y[max_size];
    float fx[max_size], fy[max_size];
} positions;

/* Products of two floats are exact in double, so this is fmaf() but for a second
 * rounding that matters once in 2^28, without a call. Far positions are clamped
 * to where all four pixels are outside. */
static void locate(float step, float row, int n, float last, int *whole, float *part) {
    for (int i = 0; i < n; i++) {
        float p = (float)((double)step * i + (double)row);
        p = p > -2 ? p : -2; /* not a number: outside too */
        p = p < last ? p : last;
        float f = floorf(p);
        whole[i] = (int)f;
        part[i] = p - f;
    }
}

/* Nearest whole number, halves to even, for 0..255. */
static inline float round_even(float v) { return (v + 12582912.0f) - 12582912.0f; }

static inline float blend(const uint8_t *const p[4], int at, float fx, float fy) {
    float p00 = p[0][at], p10 = p[2][at];
    float top = p00 + fx * ((float)p[1][at] - p00), bottom = p10 + fx * ((float)p[3][at] - p10);
    return round_even(top + fy * (bottom - top));
}

/* The four pixels around (x, y), black outside. */
static inline void find_pixels(const source *s, int x, int y, const uint8_t *p[4]) {
    static const uint8_t black[4] = {0, 0, 0, 0};
    const fct_view *v = &s->v;
    if (x >= 0 && y >= 0 && x < v->width - 1 && y < v->height - 1) {
        p[0] = fct_view_row(*v, y) + (ptrdiff_t)x * s->at.bytes;
        p[1] = p[0] + s->at.bytes;
        p[2] = p[0] + v->stride;
        p[3] = p[2] + s->at.bytes;
        return;
    }
    for (int k = 0; k < 4; k++) {
        int px = x + (k & 1), py = y + (k >> 1);
        bool in = px >= 0 && py >= 0 && px < v->width && py < v->height;
        p[k] = in ? fct_view_row(*v, py) + (ptrdiff_t)px * s->at.bytes : black;
    }
}

static void warp_row(const source *s, int y, int size, fct_norm norm, float *dst) {
    positions at;
    const float *m = s->inv;
    float factor = 1 / norm.std, shift = -norm.mean / norm.std;
    size_t plane = (size_t)size * (size_t)size;
    /* Two statements each: the compiler must not join them into one rounding. */
    float row_x = (float)y * m[1], row_y = (float)y * m[4];
    row_x += m[2];
    row_y += m[5];
    locate(m[0], row_x, size, (float)s->v.width + 1, at.x, at.fx);
    locate(m[3], row_y, size, (float)s->v.height + 1, at.y, at.fy);
    for (int x = 0; x < size; x++) {
        const uint8_t *p[4];
        find_pixels(s, at.x[x], at.y[x], p);
        dst[x] = blend(p, s->at.r, at.fx[x], at.fy[x]) * factor + shift;
        dst[x + plane] = blend(p, s->at.g, at.fx[x], at.fy[x]) * factor + shift;
        dst[x + 2 * plane] = blend(p, s->at.b, at.fx[x], at.fy[x]) * factor + shift;
    }
}

static void do_band(void *ctx, int task, int worker) {
    const crop_job *j = ctx;
    int crop = task / j->bands, first = task % j->bands * rows_per_task, end = first + rows_per_task;
    source s = {.v = j->views[crop], .at = fct_pixel_channels(j->views[crop].format)};
    (void)worker;
    invert(j->m[crop], s.inv);
    float *dst = j->dst + (size_t)crop * 3 * (size_t)j->size * (size_t)j->size;
    for (int y = first; y < end && y < j->size; y++)
        warp_row(&s, y, j->size, j->norm, dst + (size_t)y * (size_t)j->size);
}

void fct_warp_tensors(const fct_view *views, const double (*m)[6], int n, int size, fct_norm norm, float *dst) {
    crop_job j = {.views = views, .m = m, .size = size, .norm = norm, .dst = dst};
    j.bands = (size + rows_per_task - 1) / rows_per_task;
    fct_parallel(n * j.bands, do_band, &j);
}
