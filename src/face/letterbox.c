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
#include "kernels/kernels.h"
#include <math.h>
#include <string.h>

/* Source position of one row or column of the result: index i and i + 1 with
 * weights one - w and w. */
typedef struct letterbox_taps {
    int32_t *i;
    int16_t *w;
} letterbox_taps;

typedef struct letterbox_job {
    fct_view v;
    int w, h, net_w, net_h, bands;
    fct_channels at;     /* of a pixel of v */
    float factor, shift; /* result = byte * factor + shift */
    letterbox_taps across, down;
    int16_t *rows;   /* per worker: two rows of three planes, and what a kernel needs besides */
    size_t row, own; /* numbers in a row of three planes, and for each worker */
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
static void make_taps(letterbox_taps t, int n, int source) {
    double scale = (double)source / n;
    for (int d = 0; d < n; d++) {
        float f = (float)((d + 0.5) * scale - 0.5);
        int i = (int)floorf(f);
        float w = f - (float)i;
        if (i < 0) i = 0, w = 0;
        if (i >= source - 1) i = source > 1 ? source - 2 : 0, w = source > 1;
        t.i[d] = i;
        t.w[d] = (int16_t)lrintf(w * FCT_K_SAMPLE_ONE);
    }
}

/* Interpolates row y of the source horizontally: three planes of w values, each 128 times the byte. */
static void resize_row(const letterbox_job *j, int y, int16_t *out, int16_t *scratch) {
    fct_kernels()->sample_across(&(fct_k_across){.row = j->v.data + (ptrdiff_t)y * j->v.stride,
                                                 .width = j->v.width,
                                                 .bytes = j->at.bytes,
                                                 .at = {j->at.r, j->at.g, j->at.b},
                                                 .index = j->across.i,
                                                 .weight = j->across.w,
                                                 .n = j->w,
                                                 .next = j->v.width > 1,
                                                 .out = {out, out + j->w, out + 2 * (size_t)j->w},
                                                 .planes = (uint16_t *)scratch});
}

static void fill(float *dst, int n, float value) {
    for (int x = 0; x < n; x++) dst[x] = value;
}

static void write_row(const letterbox_job *j, int y, const int16_t *a, const int16_t *b) {
    for (int c = 0; c < 3; c++) {
        float *dst = j->dst + ((size_t)c * (size_t)j->net_h + (size_t)y) * (size_t)j->net_w;
        fct_kernels()->sample_down(a + c * j->w, b + c * j->w, j->w, j->down.w[y], j->factor, j->shift, dst);
        fill(dst + j->w, j->net_w - j->w, j->shift);
    }
}

static void do_band(void *ctx, int band, int worker) {
    const letterbox_job *j = ctx;
    int first = (int)((int64_t)j->net_h * band / j->bands), end = (int)((int64_t)j->net_h * (band + 1) / j->bands);
    int16_t *own = j->rows + (size_t)worker * j->own, *buf[2] = {own, own + j->row}, *scratch = own + 2 * j->row;
    int have[2] = {-1, -1}; /* source rows in the buffers */
    for (int y = first; y < end; y++) {
        if (y >= j->h) {
            for (int c = 0; c < 3; c++)
                fill(j->dst + ((size_t)c * (size_t)j->net_h + (size_t)y) * (size_t)j->net_w, j->net_w, j->shift);
            continue;
        }
        int top = j->down.i[y], bottom = j->v.height > 1 ? top + 1 : top;
        if (have[1] == top) {
            int16_t *swap = buf[0];
            buf[0] = buf[1], buf[1] = swap;
            have[0] = top, have[1] = -1;
        }
        if (have[0] != top) resize_row(j, top, buf[0], scratch), have[0] = top;
        if (have[1] != bottom) resize_row(j, bottom, buf[1], scratch), have[1] = bottom;
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
    size_t all = (size_t)w + (size_t)h;
    j.row = (size_t)w * 3;
    j.own = 2 * j.row + 3 * ((size_t)v.width + FCT_K_SAMPLE_PAD);
    size_t size = all * (sizeof(int32_t) + sizeof(int16_t)) + j.own * sizeof(int16_t) * (size_t)workers;
    int32_t *mem = fct_alloc(size);
    if (!mem) return fct_fail_nomem(err, "resize", size);
    int16_t *weights = (int16_t *)(mem + all);
    j.across = (letterbox_taps){mem, weights};
    j.down = (letterbox_taps){mem + w, weights + w};
    j.rows = weights + all;
    make_taps(j.across, w, v.width);
    make_taps(j.down, h, v.height);
    j.factor = 1 / norm.std;
    j.shift = -norm.mean / norm.std;
    j.bands = workers == 1 ? 1 : workers * 4 < net_h ? workers * 4 : net_h;
    fct_parallel(j.bands, do_band, &j);
    fct_free(mem);
    return FCT_OK;
}
