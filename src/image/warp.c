/* Affine warp, bilinear, zero outside the source.
 *
 * Positions step along a row in 32.32 fixed point; weights are rounded to
 * 1/2048. The part of a row whose four taps all lie inside the source runs
 * without checks; the rest goes pixel by pixel in double. */
#include "image/sampling.h"
#include "base/error.h"
#include "base/thread.h"
#include <math.h>
#include <string.h>

#define ONE 2048

typedef struct warp_job {
    fct_view v;
    fct_channel_map layout;
    double inv[6]; /* from result to source */
    uint8_t *dst;
    int width, height, bands;
    ptrdiff_t stride;
} warp_job;

/* Refuses a determinant so small that its inverse is not finite. */
bool fct_affine_invert(const double m[6], double out[6]) {
    double det = m[0] * m[4] - m[1] * m[3];
    double inv[6] = {m[4] / det, -m[1] / det, 0, -m[3] / det, m[0] / det, 0};
    inv[2] = -(inv[0] * m[2] + inv[1] * m[5]);
    inv[5] = -(inv[3] * m[2] + inv[4] * m[5]);
    if (!(fabs(det) > 1e-300)) return false;
    for (int i = 0; i < 6; i++)
        if (!isfinite(m[i]) || !isfinite(inv[i])) return false;
    memcpy(out, inv, sizeof inv);
    return true;
}

static inline uint8_t mix(int p00, int p01, int p10, int p11, int fx, int fy) {
    int top = p00 * (ONE - fx) + p01 * fx, bottom = p10 * (ONE - fx) + p11 * fx;
    return (uint8_t)((top * (ONE - fy) + bottom * fy + ONE * ONE / 2) >> 22);
}

/* Byte at of pixel (x, y), 0 outside. */
static int pixel_or_zero(const warp_job *j, int x, int y, int at) {
    if (x < 0 || y < 0 || x >= j->v.width || y >= j->v.height) return 0;
    return fct_view_row(j->v, y)[(ptrdiff_t)x * j->layout.bytes + at];
}

/* Results x0 .. x1-1 of row y, wherever they come from. */
static void warp_edge(const warp_job *j, int y, int x0, int x1) {
    uint8_t *out = j->dst + y * j->stride + (ptrdiff_t)x0 * j->layout.n;
    for (int x = x0; x < x1; x++, out += j->layout.n) {
        double sx = j->inv[0] * x + (j->inv[1] * y + j->inv[2]), sy = j->inv[3] * x + (j->inv[4] * y + j->inv[5]);
        if (!(sx > -1 && sy > -1 && sx < j->v.width && sy < j->v.height)) {
            memset(out, 0, (size_t)j->layout.n);
            continue;
        }
        int ix = (int)floor(sx), iy = (int)floor(sy);
        int fx = (int)((sx - ix) * ONE + 0.5), fy = (int)((sy - iy) * ONE + 0.5);
        for (int c = 0; c < j->layout.n; c++) {
            int at = j->layout.at[c];
            out[c] = mix(pixel_or_zero(j, ix, iy, at), pixel_or_zero(j, ix + 1, iy, at),
                         pixel_or_zero(j, ix, iy + 1, at), pixel_or_zero(j, ix + 1, iy + 1, at), fx, fy);
        }
    }
}

/* Narrows [*x0, *x1) to where 0 < start + step * x < last, by a margin that is
 * wider than what fixed point adds up over a row (2^18 steps of 2^-33). */
static void narrow(double start, double step, double last, int *x0, int *x1) {
    const double margin = 1e-4;
    double lo = *x0, hi = *x1;
    if (last < 1) {
        hi = lo;
    } else if (fabs(step) < 1e-12) {
        if (!(start > margin && start < last - margin)) hi = lo;
    } else {
        double a = (margin - start) / step, b = (last - margin - start) / step;
        lo = fmax(lo, ceil(fmin(a, b)));
        hi = fmin(hi, floor(fmax(a, b)));
    }
    if (!(lo < hi)) lo = hi = *x0;
    *x0 = (int)lo, *x1 = (int)hi;
}

static inline int64_t fixed(double v) { return (int64_t)(v * 4294967296.0); }
static inline int weight(int64_t v) { return (int)(((v & 0xFFFFFFFF) + (1 << 20)) >> 21); }

static inline void warp_inside(const warp_job *j, int y, int x0, int x1, int bytes, int n, int c0, int c1, int c2,
                               int c3) {
    const int at[4] = {c0, c1, c2, c3};
    int64_t sx = fixed(j->inv[0] * x0 + (j->inv[1] * y + j->inv[2])), step_x = fixed(j->inv[0]);
    int64_t sy = fixed(j->inv[3] * x0 + (j->inv[4] * y + j->inv[5])), step_y = fixed(j->inv[3]);
    uint8_t *out = j->dst + y * j->stride + (ptrdiff_t)x0 * n;
    for (int x = x0; x < x1; x++, sx += step_x, sy += step_y, out += n) {
        const uint8_t *p = j->v.data + (ptrdiff_t)(sy >> 32) * j->v.stride + (ptrdiff_t)(sx >> 32) * bytes;
        const uint8_t *q = p + j->v.stride;
        int fx = weight(sx), fy = weight(sy);
        for (int c = 0; c < n; c++) out[c] = mix(p[at[c]], p[at[c] + bytes], q[at[c]], q[at[c] + bytes], fx, fy);
    }
}

/* Splits the row into a part whose source pixels all lie inside the picture, which needs no checks, and the parts at
 * its edges. */
static void warp_row(const warp_job *j, int y) {
    int x0 = 0, x1 = j->width;
    narrow(j->inv[1] * y + j->inv[2], j->inv[0], j->v.width - 1, &x0, &x1);
    narrow(j->inv[4] * y + j->inv[5], j->inv[3], j->v.height - 1, &x0, &x1);
    warp_edge(j, y, 0, x0);
    if (x0 < x1) {
#define CALL(...) warp_inside(j, y, x0, x1, __VA_ARGS__)
        FCT_CHANNEL_MAP_SWITCH(j->layout, CALL);
#undef CALL
    }
    warp_edge(j, y, x1, j->width);
}

static void warp_band(void *ctx, int band, int worker) {
    const warp_job *j = ctx;
    int end = fct_band_start(j->height, band + 1, j->bands);
    for (int y = fct_band_start(j->height, band, j->bands); y < end; y++) warp_row(j, y);
}

static fct_status check_matrix(const double m[6], double inv[6], fct_error *err) {
    if (fct_affine_invert(m, inv)) return FCT_OK;
    return fct_fail(err, FCT_ERR_ARG, "warp: matrix [%g %g %g; %g %g %g] is singular or not finite", m[0], m[1], m[2],
                    m[3], m[4], m[5]);
}

fct_status fct_warp_rgb(fct_view v, const double m[6], uint8_t *dst, int width, int height, ptrdiff_t dst_stride,
                        fct_error *err) {
    warp_job j = {.v = v, .dst = dst, .width = width, .height = height, .stride = dst_stride};
    fct_status s = fct_view_check(v, "picture", err);
    if (!s) s = fct_image_check_size(width, height, "warped picture", err);
    if (!s) s = check_matrix(m, j.inv, err);
    if (s) return s;
    j.layout = fct_channel_map_rgb(v.format);
    j.bands = fct_bands(height, width);
    fct_parallel(j.bands, warp_band, &j);
    return FCT_OK;
}

fct_status fct_image_warp(fct_view v, const double m[6], int width, int height, fct_image **out, fct_error *err) {
    warp_job j = {.v = v, .width = width, .height = height};
    *out = NULL;
    fct_status s = fct_view_check(v, "picture", err);
    if (!s) s = check_matrix(m, j.inv, err);
    if (!s) s = fct_image_create_raw(width, height, v.format, out, err);
    if (s) return s;
    j.dst = (*out)->pixels;
    j.stride = (*out)->stride;
    j.layout = fct_channel_map_same(v.format);
    j.bands = fct_bands(height, width);
    fct_parallel(j.bands, warp_band, &j);
    return FCT_OK;
}
