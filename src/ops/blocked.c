/* Element-wise operators and conversions on blocked tensors. */
#include "ops/blocked.h"
#include "base/thread.h"
#include <math.h>
#include <string.h>

/* A plane: one block of channels of one image. */
static int planes(fct_dims d) { return d.n * fct_blocks(d.c, fct_kernels()->cb); }
static size_t plane_size(fct_dims d) { return (size_t)d.h * d.w * fct_kernels()->cb; }
size_t fct_blk_size(fct_dims d) { return plane_size(d) * (size_t)planes(d); }

typedef struct blk_job {
    fct_dims d;
    const float *a, *b;
    float *y;
    int c0, cn;
    bool nhwc, sigmoid, max;
    fct_k_binary op;
    const float *scale, *shift, *slope;
    fct_k_affine affine;
    fct_k_pool pool;
    int oh, ow, dst_c;
    const fct_resize *r;
    int rows, bands; /* rows of y, and the parts they are done in */
} blk_job;

/* A task's part: some rows of y of one plane. Rows are shared out before blocks of
 * channels, as convolutions share out pixels, so that a core finds its own rows. */
typedef struct blocked_part {
    int image, block, plane, y0, y1;
} blocked_part;

/* Finds the plane and the rows that task number index stands for. */
static blocked_part part_at(const blk_job *j, int index) {
    const int blocks = fct_blocks(j->d.c, fct_kernels()->cb), band = index / blocks % j->bands;
    blocked_part p = {.image = index / blocks / j->bands, .block = index % blocks};
    p.plane = p.image * blocks + p.block;
    p.y0 = (int)((int64_t)j->rows * band / j->bands);
    p.y1 = (int)((int64_t)j->rows * (band + 1) / j->bands);
    return p;
}

/* Cuts the rows into bands of at least three, at most two bands for each thread; a single thread takes them whole. */
static void run_parts(blk_job *j, int rows, fct_task_fn *fn) {
    const int width = fct_parallel_width(), most = rows < 6 ? 1 : rows / 3;
    j->rows = rows;
    j->bands = width == 1 ? 1 : 2 * width < most ? 2 * width : most;
    fct_parallel(planes(j->d) * j->bands, fn, j);
}

/* For an element-wise operator: the place of the part's first number, and how many pixels it has. */
static size_t pixels_at(const blk_job *j, const blocked_part *p, int *count) {
    *count = (p->y1 - p->y0) * j->d.w;
    return (size_t)p->plane * plane_size(j->d) + (size_t)p->y0 * j->d.w * fct_kernels()->cb;
}

/* A task of the conversion from dense to blocked; lanes past the last channel become 0. */
static void from_planar(void *ctx, int index, int worker) {
    const blk_job *j = ctx;
    const blocked_part p = part_at(j, index);
    const int cb = fct_kernels()->cb, c = p.block * cb, lanes = j->d.c - c < cb ? j->d.c - c : cb;
    const size_t area = (size_t)j->d.h * j->d.w;
    const float *src = j->a + ((size_t)p.image * j->d.c + c) * area + (size_t)p.y0 * j->d.w;
    int count;
    float *dst = j->y + pixels_at(j, &p, &count);
    for (int i = 0; i < count; i++, dst += cb) {
        for (int l = 0; l < lanes; l++) dst[l] = src[(size_t)l * area + i];
        for (int l = lanes; l < cb; l++) dst[l] = 0;
    }
}

void fct_blk_from_planar(fct_dims d, const float *in, float *out) {
    blk_job j = {.d = d, .a = in, .y = out};
    run_parts(&j, d.h, from_planar);
}

/* Converts some rows of one image. Rows are the tasks, so that tensors of few channels are shared out too. */
static void to_planar(void *ctx, int index, int worker) {
    const blk_job *j = ctx;
    const int cb = fct_kernels()->cb, blocks = fct_blocks(j->d.c, cb), n = index / j->d.h, y = index % j->d.h,
              w = j->d.w;
    const size_t area = (size_t)j->d.h * w;
    for (int c = 0; c < j->cn; c++) {
        const int ch = j->c0 + c;
        const float *src = j->a + (((size_t)n * blocks + ch / cb) * area + (size_t)y * w) * cb + ch % cb;
        float *dst = j->y + (j->nhwc ? ((size_t)n * area + (size_t)y * w) * j->cn + c
                                     : ((size_t)n * j->cn + c) * area + (size_t)y * w);
        size_t step = j->nhwc ? (size_t)j->cn : 1;
        if (j->sigmoid)
            for (int x = 0; x < w; x++) dst[x * step] = 1 / (1 + expf(-src[(size_t)x * cb]));
        else
            for (int x = 0; x < w; x++) dst[x * step] = src[(size_t)x * cb];
    }
}

void fct_blk_to_planar(fct_dims d, const float *in, float *out, int c0, int cn, bool nhwc, bool sigmoid) {
    blk_job j = {.d = d, .a = in, .y = out, .c0 = c0, .cn = cn, .nhwc = nhwc, .sigmoid = sigmoid};
    fct_parallel(d.n * d.h, to_planar, &j);
}

static void affine(void *ctx, int index, int worker) {
    const blk_job *j = ctx;
    const fct_kernel_table *k = fct_kernels();
    const blocked_part p = part_at(j, index);
    int c = p.block * k->cb, count;
    fct_k_affine a = j->affine;
    if (j->scale) a.scale = j->scale + c, a.shift = j->shift + c;
    if (j->slope) a.slope = j->slope + c;
    size_t at = pixels_at(j, &p, &count);
    k->blk_affine(&a, j->a + at, j->y + at, count);
}

void fct_blk_affine(fct_dims d, const float *x, float *y, const float *scale, const float *shift, const fct_act *act,
                    const float *slope) {
    blk_job j = {.d = d, .a = x, .y = y, .scale = scale, .shift = shift, .slope = slope};
    fct_k_affine *a = &j.affine;
    a->cb = fct_kernels()->cb;
    switch (act->kind) {
    case FCT_ACT_NONE:
        a->act = FCT_K_ACT_NONE;
        break;
    case FCT_ACT_RELU:
        a->act = FCT_K_ACT_CLAMP, a->lo = 0, a->hi = INFINITY;
        break;
    case FCT_ACT_CLIP:
        a->act = FCT_K_ACT_CLAMP, a->lo = act->a, a->hi = act->b;
        break;
    case FCT_ACT_LEAKY:
    case FCT_ACT_PRELU:
        a->act = FCT_K_ACT_SLOPE;
        break;
    case FCT_ACT_SIGMOID:
        a->act = FCT_K_ACT_SIGMOID;
        break;
    }
    run_parts(&j, d.h, affine);
}

static void binary(void *ctx, int index, int worker) {
    const blk_job *j = ctx;
    const blocked_part p = part_at(j, index);
    int count;
    size_t at = pixels_at(j, &p, &count);
    fct_kernels()->blk_binary(j->op, j->a + at, j->b + at, j->y + at, (size_t)count * fct_kernels()->cb);
}

void fct_blk_binary(fct_dims d, fct_k_binary op, const float *a, const float *b, float *y) {
    blk_job j = {.d = d, .a = a, .b = b, .y = y, .op = op};
    run_parts(&j, d.h, binary);
}

/* A plane has one factor per channel, so it is an affine map without a shift. */
static void scale_plane(void *ctx, int index, int worker) {
    static const float zeros[FCT_CB_MAX];
    const blk_job *j = ctx;
    const fct_kernel_table *k = fct_kernels();
    const blocked_part p = part_at(j, index);
    fct_k_affine a = {.cb = k->cb, .scale = j->b + (size_t)p.plane * k->cb, .shift = zeros};
    int count;
    size_t at = pixels_at(j, &p, &count);
    k->blk_affine(&a, j->a + at, j->y + at, count);
}

void fct_blk_scale(fct_dims d, const float *x, const float *s, float *y) {
    blk_job j = {.d = d, .a = x, .b = s, .y = y};
    run_parts(&j, d.h, scale_plane);
}

static void pool(void *ctx, int index, int worker) {
    const blk_job *j = ctx;
    const fct_kernel_table *k = fct_kernels();
    const blocked_part p = part_at(j, index);
    const float *in = j->a + (size_t)p.plane * plane_size(j->d);
    float *out = j->y + (size_t)p.plane * j->oh * j->ow * k->cb;
    for (int y = p.y0; y < p.y1; y++) k->blk_pool(&j->pool, in, out, y);
}

fct_k_geom fct_blk_geom(const fct_window *w, int ih, int iw) {
    return (fct_k_geom){.cb = fct_kernels()->cb,
                        .ih = ih,
                        .iw = iw,
                        .oh = (int)w->oh,
                        .ow = (int)w->ow,
                        .kh = (int)w->kh,
                        .kw = (int)w->kw,
                        .sh = (int)w->sh,
                        .sw = (int)w->sw,
                        .dh = (int)w->dh,
                        .dw = (int)w->dw,
                        .pad_top = (int)w->top,
                        .pad_left = (int)w->left};
}

void fct_blk_pool(fct_dims d, const fct_window *w, bool max, bool include_pad, const float *in, float *out) {
    blk_job j = {.d = d, .a = in, .y = out, .oh = (int)w->oh, .ow = (int)w->ow};
    j.pool = (fct_k_pool){.g = fct_blk_geom(w, d.h, d.w),
                          .max = max,
                          .include_pad = include_pad,
                          .pad_bottom = (int)w->bottom,
                          .pad_right = (int)w->right};
    run_parts(&j, j.oh, pool);
}

/* Sums in double: a float would lose digits over a large plane. */
static void global_pool(void *ctx, int index, int worker) {
    const blk_job *j = ctx;
    const int cb = fct_kernels()->cb, area = j->d.h * j->d.w;
    const float *in = j->a + (size_t)index * plane_size(j->d);
    double sum[FCT_CB_MAX];
    for (int l = 0; l < cb; l++) sum[l] = j->max ? -INFINITY : 0;
    for (int p = 0; p < area; p++, in += cb)
        for (int l = 0; l < cb; l++) sum[l] = !j->max ? sum[l] + in[l] : in[l] > sum[l] ? in[l] : sum[l];
    for (int l = 0; l < cb; l++) j->y[(size_t)index * cb + l] = (float)(j->max ? sum[l] : sum[l] / area);
}

void fct_blk_global_pool(fct_dims d, bool max, const float *in, float *out) {
    blk_job j = {.d = d, .a = in, .y = out, .max = max};
    fct_parallel(planes(d), global_pool, &j);
}

/* Lengths that the compiler knows, so that it makes moves of them. */
static inline void copy_pixel(float *dst, const float *src, int cb) {
    if (cb == 16) memcpy(dst, src, 16 * sizeof *dst);
    else memcpy(dst, src, 8 * sizeof *dst);
}

/* Rows y0 .. y1 - 1 of the nearest pixels, some columns at a time, whose places in the input are found once. */
enum { NEAREST_COLUMNS = 64 };
static void resize_nearest(const blk_job *j, const float *in, float *out, int y0, int y1) {
    const int cb = fct_kernels()->cb, w = j->d.w;
    int64_t from[NEAREST_COLUMNS];
    for (int x0 = 0; x0 < j->ow; x0 += NEAREST_COLUMNS) {
        const int n = j->ow - x0 < NEAREST_COLUMNS ? j->ow - x0 : NEAREST_COLUMNS;
        for (int x = 0; x < n; x++) from[x] = fct_resize_nearest(j->r, 3, w, x0 + x) * cb;
        for (int y = y0; y < y1; y++) {
            const float *src = in + (size_t)fct_resize_nearest(j->r, 2, j->d.h, y) * w * cb;
            float *dst = out + ((size_t)y * j->ow + x0) * cb;
            for (int x = 0; x < n; x++) copy_pixel(dst + (size_t)x * cb, src + from[x], cb);
        }
    }
}

/* A row of pixels that each mix four neighbors. */
static void resize_row(const blk_job *j, const float *in, float *out, int y) {
    const int cb = fct_kernels()->cb, h = j->d.h, w = j->d.w;
    int64_t y0, y1, x0, x1;
    float wy, wx;
    fct_resize_linear(j->r, 2, h, y, &y0, &y1, &wy);
    for (int x = 0; x < j->ow; x++) {
        fct_resize_linear(j->r, 3, w, x, &x0, &x1, &wx);
        const float *a = in + (y0 * w + x0) * cb, *b = in + (y0 * w + x1) * cb;
        const float *c = in + (y1 * w + x0) * cb, *d = in + (y1 * w + x1) * cb;
        for (int l = 0; l < cb; l++)
            out[(size_t)x * cb + l] = (a[l] * (1 - wx) + b[l] * wx) * (1 - wy) + (c[l] * (1 - wx) + d[l] * wx) * wy;
    }
}

static void resize(void *ctx, int index, int worker) {
    const blk_job *j = ctx;
    const blocked_part p = part_at(j, index);
    const float *in = j->a + (size_t)p.plane * plane_size(j->d);
    float *out = j->y + (size_t)p.plane * j->oh * j->ow * fct_kernels()->cb;
    if (!j->r->mode) resize_nearest(j, in, out, p.y0, p.y1);
    else
        for (int y = p.y0; y < p.y1; y++) resize_row(j, in, out + (size_t)y * j->ow * fct_kernels()->cb, y);
}

void fct_blk_resize(fct_dims d, const fct_resize *r, const float *in, float *out) {
    blk_job j = {.d = d, .a = in, .y = out, .r = r, .oh = (int)r->out[2], .ow = (int)r->out[3]};
    run_parts(&j, j.oh, resize);
}

/* Since c0 is a multiple of the block's size, each image's part is one copy. */
void fct_blk_concat(fct_dims d, const float *in, float *out, int dst_c, int c0) {
    const int cb = fct_kernels()->cb;
    size_t own = plane_size(d) * (size_t)fct_blocks(d.c, cb), whole = plane_size(d) * (size_t)fct_blocks(dst_c, cb);
    for (int n = 0; n < d.n; n++)
        memcpy(out + n * whole + plane_size(d) * (size_t)(c0 / cb), in + n * own, own * sizeof *out);
}
