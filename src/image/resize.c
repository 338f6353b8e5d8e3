/* Bilinear resize on bytes, equal to OpenCV's INTER_LINEAR bit by bit.
 *
 * Half-pixel centers: source position = (i + 0.5) * scale - 0.5, computed in
 * double, kept in float. Weights are rounded to 1/2048. A row is interpolated
 * horizontally to 16-bit numbers (value * 128), the two rows around the
 * result's are blended with truncating 16-bit high products. Interpolated rows are kept
 * while consecutive results need them. */
#include "image/sampling.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include <math.h>

#define ONE 2048 /* weight 1 */

/* Weight of the right or lower neighbor, and the left or upper one's place. */
typedef struct resize_tap {
    int32_t at;
    int16_t w0, w1;
} resize_tap;

typedef struct resize_job {
    fct_view v;
    fct_channel_map layout;
    uint8_t *dst;
    int width, height, bands;
    ptrdiff_t stride;
    resize_tap *x, *y;
    int16_t *rows; /* two rows per band */
    size_t row_len;
} resize_job;

static fct_channel_map layout_of(fct_pixel from, bool rgb) {
    fct_channels c = fct_pixel_channels(from);
    if (rgb) return (fct_channel_map){c.bytes, 3, {c.r, c.g, c.b, 0}};
    return (fct_channel_map){c.bytes, c.bytes, {0, 1, 2, 3}};
}
fct_channel_map fct_channel_map_same(fct_pixel from) { return layout_of(from, false); }
fct_channel_map fct_channel_map_rgb(fct_pixel from) { return layout_of(from, true); }

int fct_bands(int rows, int width) {
    int64_t parts = (int64_t)rows * width / 65536;
    int threads = fct_parallel_width();
    if (parts > 2 * threads) parts = 2 * threads; /* two each: a late thread costs half as much */
    if (parts > rows) parts = rows;
    return threads < 2 || parts < 2 ? 1 : (int)parts;
}

/* Computes the taps of n results over a source of len. Before the first center and behind the last one the edge
 * repeats: for columns (edge_weight) by a full weight on it, for rows by taking the edge row twice, which rounds
 * differently. */
static void make_taps(resize_tap *t, int n, int len, bool edge_weight) {
    double scale = 1.0 / ((double)n / len);
    for (int i = 0; i < n; i++) {
        float f = (float)((i + 0.5) * scale - 0.5);
        int at = (int)floorf(f);
        f -= (float)at;
        if (edge_weight && at < 0) at = 0, f = 0;
        if (edge_weight && at >= len - 1) at = len - 1, f = 0;
        if (edge_weight && at == len - 1 && len > 1) at = len - 2, f = 1; /* both taps inside the row */
        t[i].at = at;
        t[i].w0 = (int16_t)lrintf((1.f - f) * ONE);
        t[i].w1 = (int16_t)lrintf(f * ONE);
    }
}

static inline void across(const uint8_t *src, const resize_tap *t, int16_t *out, int width, int next, int bytes, int n,
                          int c0, int c1, int c2, int c3) {
    const int at[4] = {c0, c1, c2, c3};
    for (int x = 0; x < width; x++, out += n) {
        const uint8_t *p = src + (ptrdiff_t)t[x].at * bytes;
        for (int c = 0; c < n; c++) out[c] = (int16_t)((p[at[c]] * t[x].w0 + p[at[c] + next] * t[x].w1) >> 4);
    }
}

/* Picks the loop compiled for the layout of the channels. */
static void interpolate_row(const resize_job *j, int y, int16_t *out) {
    const uint8_t *src = fct_view_row(j->v, y);
    int next = j->v.width > 1 ? j->layout.bytes : 0;
#define CALL(...) across(src, j->x, out, j->width, next, __VA_ARGS__)
    FCT_CHANNEL_MAP_SWITCH(j->layout, CALL);
#undef CALL
}

static void blend_rows(const int16_t *restrict a, const int16_t *restrict b, int wa, int wb, uint8_t *restrict out,
                       size_t n) {
    int16_t va = (int16_t)wa, vb = (int16_t)wb;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((int16_t)((int16_t)((a[i] * va) >> 16) + (int16_t)((b[i] * vb) >> 16) + 2) >> 2);
}

static int clamp_row(int y, int height) { return y < 0 ? 0 : y >= height ? height - 1 : y; }

/* Computes the rows of one band. held[k] is the source row whose interpolation is in row[k]. */
static void resize_band(void *ctx, int band, int worker) {
    const resize_job *j = ctx;
    int16_t *row[2] = {j->rows + (size_t)band * 2 * j->row_len, j->rows + ((size_t)band * 2 + 1) * j->row_len};
    int held[2] = {-1, -1}, end = fct_band_start(j->height, band + 1, j->bands);
    for (int y = fct_band_start(j->height, band, j->bands); y < end; y++) {
        int want[2] = {clamp_row(j->y[y].at, j->v.height), clamp_row(j->y[y].at + 1, j->v.height)};
        if (want[0] == held[1] && held[0] != want[0]) { /* moved down by one: the lower row becomes the upper */
            int16_t *r = row[0];
            row[0] = row[1], row[1] = r;
            held[1] = held[0], held[0] = want[0];
        }
        for (int k = 0; k < 2; k++)
            if (held[k] != want[k]) interpolate_row(j, held[k] = want[k], row[k]);
        blend_rows(row[0], row[1], j->y[y].w0, j->y[y].w1, j->dst + y * j->stride, j->row_len);
    }
}

static fct_status resize(fct_view v, fct_channel_map layout, uint8_t *dst, int width, int height, ptrdiff_t stride,
                         fct_error *err) {
    resize_job j = {.v = v, .layout = layout, .dst = dst, .width = width, .height = height, .stride = stride};
    j.bands = fct_bands(height, width);
    j.row_len = (size_t)width * (size_t)layout.n;
    size_t taps = ((size_t)width + (size_t)height) * sizeof(resize_tap);
    size_t rows = 2 * (size_t)j.bands * j.row_len * sizeof(int16_t);
    j.x = fct_alloc(taps + rows);
    if (!j.x) return fct_fail_nomem(err, "resize", taps + rows);
    j.y = j.x + width;
    j.rows = (int16_t *)(j.y + height);
    make_taps(j.x, width, v.width, true);
    make_taps(j.y, height, v.height, false);
    fct_parallel(j.bands, resize_band, &j);
    fct_free(j.x);
    return FCT_OK;
}

fct_status fct_resize_rgb(fct_view v, uint8_t *dst, int width, int height, ptrdiff_t dst_stride, fct_error *err) {
    fct_status s = fct_view_check(v, "picture", err);
    if (!s) s = fct_image_check_size(width, height, "resized picture", err);
    return s ? s : resize(v, fct_channel_map_rgb(v.format), dst, width, height, dst_stride, err);
}

fct_status fct_image_resize(fct_view v, int width, int height, fct_image **out, fct_error *err) {
    *out = NULL;
    fct_status s = fct_view_check(v, "picture", err);
    if (!s) s = fct_image_create_raw(width, height, v.format, out, err);
    if (s) return s;
    s = resize(v, fct_channel_map_same(v.format), (*out)->pixels, width, height, (*out)->stride, err);
    if (s) {
        fct_image_free(*out);
        *out = NULL;
    }
    return s;
}
