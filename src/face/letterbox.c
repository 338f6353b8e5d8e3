/* Letterbox: resize and convert to planes in one pass over the picture.
 *
 * Rows of the result are computed in bands. Each source row that a band needs is
 * interpolated horizontally once, into three planes of 16-bit values, and two
 * such rows make one row of the result. */
#include "face/crop.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include <math.h>
#include <string.h>

enum { one = 2048 }; /* weights have 11 bits */

/* Source position of one row or column of the result: index i and i + 1 with
 * weights one - w and w. */
typedef struct letterbox_tap {
    int32_t i;
    int16_t w;
} letterbox_tap;

typedef struct letterbox_job {
    fct_view v;
    int w, h, net_w, net_h, bands;
    fct_channels at;     /* of a pixel of v */
    float factor, shift; /* result = byte * factor + shift */
    const letterbox_tap *across, *down;
    int16_t *rows; /* per worker: two rows of three planes */
    float *dst;
} letterbox_job;

void fct_letterbox_size(int picture_w, int picture_h, int net_w, int net_h, int *w, int *h, float *scale) {
    double ratio = (double)picture_h / picture_w;
    if (ratio > (double)net_h / net_w) {
        *h = net_h;
        *w = (int)(net_h / ratio);
    } else {
        *w = net_w;
        *h = (int)(net_w * ratio);
    }
    if (*w < 1) *w = 1; /* very long, thin pictures */
    if (*h < 1) *h = 1;
    *scale = (float)((double)*h / picture_h);
}

/* Half-pixel centers; positions outside use the edge. */
static void make_taps(letterbox_tap *t, int n, int source) {
    double scale = (double)source / n;
    for (int d = 0; d < n; d++) {
        float f = (float)((d + 0.5) * scale - 0.5);
        int i = (int)floorf(f);
        float w = f - (float)i;
        if (i < 0) i = 0, w = 0;
        if (i >= source - 1) i = source > 1 ? source - 2 : 0, w = source > 1;
        t[d].i = i;
        t[d].w = (int16_t)lrintf(w * one);
    }
}

/* Interpolates row y of the source horizontally: three planes of w values, each 128 times the byte. */
static void resize_row(const letterbox_job *j, int y, int16_t *out) {
    const uint8_t *row = j->v.data + (ptrdiff_t)y * j->v.stride;
    int16_t *r = out, *g = out + j->w, *b = out + 2 * j->w;
    int bytes = j->at.bytes, next = j->v.width > 1 ? bytes : 0;
    for (int x = 0; x < j->w; x++) {
        const uint8_t *p = row + (ptrdiff_t)j->across[x].i * bytes, *q = p + next;
        int wq = j->across[x].w, wp = one - wq;
        r[x] = (int16_t)((p[j->at.r] * wp + q[j->at.r] * wq) >> 4);
        g[x] = (int16_t)((p[j->at.g] * wp + q[j->at.g] * wq) >> 4);
        b[x] = (int16_t)((p[j->at.b] * wp + q[j->at.b] * wq) >> 4);
    }
}

/* Blends two rows to one plane's row of the tensor. */
static void blend_rows(const int16_t *restrict a, const int16_t *restrict b, int n, int16_t weight, float factor,
                       float shift, float *restrict dst) {
    int16_t wb = weight, wa = (int16_t)(one - weight);
    for (int x = 0; x < n; x++) {
        int16_t u = (int16_t)((a[x] * wa) >> 16), v = (int16_t)((b[x] * wb) >> 16);
        dst[x] = (float)((u + v + 2) >> 2) * factor + shift;
    }
}

static void fill(float *dst, int n, float value) {
    for (int x = 0; x < n; x++) dst[x] = value;
}

static void write_row(const letterbox_job *j, int y, const int16_t *a, const int16_t *b) {
    for (int c = 0; c < 3; c++) {
        float *dst = j->dst + ((size_t)c * (size_t)j->net_h + (size_t)y) * (size_t)j->net_w;
        blend_rows(a + c * j->w, b + c * j->w, j->w, j->down[y].w, j->factor, j->shift, dst);
        fill(dst + j->w, j->net_w - j->w, j->shift);
    }
}

static void do_band(void *ctx, int band, int worker) {
    const letterbox_job *j = ctx;
    int first = (int)((int64_t)j->net_h * band / j->bands), end = (int)((int64_t)j->net_h * (band + 1) / j->bands);
    size_t row = (size_t)j->w * 3;
    int16_t *buf[2] = {j->rows + (size_t)worker * 2 * row, j->rows + ((size_t)worker * 2 + 1) * row};
    int have[2] = {-1, -1}; /* source rows in the buffers */
    for (int y = first; y < end; y++) {
        if (y >= j->h) {
            for (int c = 0; c < 3; c++)
                fill(j->dst + ((size_t)c * (size_t)j->net_h + (size_t)y) * (size_t)j->net_w, j->net_w, j->shift);
            continue;
        }
        int top = j->down[y].i, bottom = j->v.height > 1 ? top + 1 : top;
        if (have[1] == top) {
            int16_t *swap = buf[0];
            buf[0] = buf[1], buf[1] = swap;
            have[0] = top, have[1] = -1;
        }
        if (have[0] != top) resize_row(j, top, buf[0]), have[0] = top;
        if (have[1] != bottom) resize_row(j, bottom, buf[1]), have[1] = bottom;
        write_row(j, y, buf[0], buf[1]);
    }
}

fct_status fct_letterbox_tensor(fct_view v, int w, int h, int net_w, int net_h, fct_norm norm, float *dst,
                                fct_error *err) {
    letterbox_job j = {.v = v, .w = w, .h = h, .net_w = net_w, .net_h = net_h, .dst = dst};
    fct_status s = fct_view_check(v, "picture", err);
    if (s) return s;
    j.at = fct_pixel_channels(v.format);
    int workers = fct_parallel_width();
    size_t row = (size_t)w * 3 * sizeof(int16_t), taps = ((size_t)w + (size_t)h) * sizeof(letterbox_tap);
    size_t size = taps + row * 2 * (size_t)workers;
    letterbox_tap *mem = fct_alloc(size);
    if (!mem) return fct_fail_nomem(err, "resize", size);
    make_taps(mem, w, v.width);
    make_taps(mem + w, h, v.height);
    j.across = mem;
    j.down = mem + w;
    j.rows = (int16_t *)(mem + w + h);
    j.factor = 1 / norm.std;
    j.shift = -norm.mean / norm.std;
    j.bands = workers == 1 ? 1 : workers * 4 < net_h ? workers * 4 : net_h;
    fct_parallel(j.bands, do_band, &j);
    fct_free(mem);
    return FCT_OK;
}
