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
        int f = (int)p;
        f -= (float)f > p;
        whole[i] = f;
        part[i] = p - (float)f;
    }
}

/* The four pixels around each position of a row, each as it lies in the picture: up to four bytes, the first one
 * lowest. Black outside. */
typedef struct corners {
    uint32_t at[4][max_size];
} corners;

static inline uint32_t load_four(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A pixel near an edge of the picture, without the bytes behind it. */
static uint32_t pixel_or_black(const source *s, int x, int y) {
    const fct_view *v = &s->v;
    if (x < 0 || y < 0 || x >= v->width || y >= v->height) return 0;
    const uint8_t *p = fct_view_row(*v, y) + (ptrdiff_t)x * s->at.bytes;
    uint32_t all = 0;
    for (int i = 0; i < s->at.bytes; i++) all |= (uint32_t)p[i] << 8 * i;
    return all;
}

static void find_pixels(const source *s, const positions *at, int n, corners *out) {
    const fct_view *v = &s->v;
    const int bytes = s->at.bytes;
    const int last_x = (v->width * bytes - 4) / bytes - 1; /* four bytes of the next pixel are in the row */
    for (int i = 0; i < n; i++) {
        const int x = at->x[i], y = at->y[i];
        if (x >= 0 && y >= 0 && x <= last_x && y < v->height - 1) {
            const uint8_t *p = v->data + (ptrdiff_t)y * v->stride + (ptrdiff_t)x * bytes, *q = p + v->stride;
            out->at[0][i] = load_four(p);
            out->at[1][i] = load_four(p + bytes);
            out->at[2][i] = load_four(q);
            out->at[3][i] = load_four(q + bytes);
        } else
            for (int k = 0; k < 4; k++) out->at[k][i] = pixel_or_black(s, x + (k & 1), y + (k >> 1));
    }
}

/* Nearest whole number, halves to even, for 0..255. */
static inline float round_even(float v) { return (v + 12582912.0f) - 12582912.0f; }

static inline float byte_at(uint32_t pixel, int shift) { return (float)(int32_t)(pixel >> shift & 255); }

/* Byte `at` of a row's pixels, interpolated. */
static void blend(const corners *c, int at, const positions *p, int n, float factor, float offset, float *dst) {
    const int shift = 8 * at;
    for (int i = 0; i < n; i++) {
        float p00 = byte_at(c->at[0][i], shift), p10 = byte_at(c->at[2][i], shift);
        float top = p00 + p->fx[i] * (byte_at(c->at[1][i], shift) - p00);
        float bottom = p10 + p->fx[i] * (byte_at(c->at[3][i], shift) - p10);
        dst[i] = round_even(top + p->fy[i] * (bottom - top)) * factor + offset;
    }
}

static void warp_row(const source *s, int y, int size, fct_norm norm, float *dst) {
    positions at;
    corners around;
    const float *m = s->inv;
    float factor = 1 / norm.std, shift = -norm.mean / norm.std;
    size_t plane = (size_t)size * (size_t)size;
    /* Two statements each: the compiler must not join them into one rounding. */
    float row_x = (float)y * m[1], row_y = (float)y * m[4];
    row_x += m[2];
    row_y += m[5];
    locate(m[0], row_x, size, (float)s->v.width + 1, at.x, at.fx);
    locate(m[3], row_y, size, (float)s->v.height + 1, at.y, at.fy);
    find_pixels(s, &at, size, &around);
    blend(&around, s->at.r, &at, size, factor, shift, dst);
    blend(&around, s->at.g, &at, size, factor, shift, dst + plane);
    blend(&around, s->at.b, &at, size, factor, shift, dst + 2 * plane);
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
