/* RGB into parts of a planar YUV picture with halved chroma (YUV420P).
 *
 * With luma weights Kr, Kg = 1 - Kr - Kb, Kb (ITU-R BT.601, BT.709, BT.2020):
 *   Y' = Kr R + Kg G + Kb B     U = (B - Y') / (2 (1 - Kb))     V = (R - Y') / (2 (1 - Kr))
 * scaled to 16..235 and 16..240 around 128, or to 0..255 where the range is full.
 * Chroma is that of the mean of two by two pixels, as far as they lie in the part. */
#include "video/ffmpeg_planes.h"
#include <math.h>

#define BITS 15

fct_colors fct_colors_of(const AVFrame *f) {
    fct_colors c = {SWS_CS_ITU601, false};
    if (f->colorspace == AVCOL_SPC_BT709) c.space = SWS_CS_ITU709;
    if (f->colorspace == AVCOL_SPC_BT2020_NCL || f->colorspace == AVCOL_SPC_BT2020_CL) c.space = SWS_CS_BT2020;
    c.full = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P ||
             f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P;
    return c;
}

/* Rows of the matrix: weights of R, G, B in units of 2^-BITS; what is added. */
typedef struct matrix {
    int32_t y[3], u[3], v[3], base;
} matrix;

static matrix matrix_of(fct_colors c) {
    double kr = c.space == SWS_CS_ITU709 ? 0.2126 : c.space == SWS_CS_BT2020 ? 0.2627 : 0.299;
    double kb = c.space == SWS_CS_ITU709 ? 0.0722 : c.space == SWS_CS_BT2020 ? 0.0593 : 0.114;
    double luma[3] = {kr, 1 - kr - kb, kb}, sy = (c.full ? 1 : 219. / 255), sc = c.full ? 1 : 224. / 255;
    matrix m = {.base = c.full ? 0 : 16};
    for (int i = 0; i < 3; i++) {
        m.y[i] = (int32_t)lrint((1 << BITS) * sy * luma[i]);
        m.u[i] = (int32_t)lrint((1 << BITS) * sc * ((i == 2) - luma[i]) / (2 * (1 - kb)));
        m.v[i] = (int32_t)lrint((1 << BITS) * sc * ((i == 0) - luma[i]) / (2 * (1 - kr)));
    }
    return m;
}

static inline int32_t weigh(const int32_t w[3], int32_t r, int32_t g, int32_t b) {
    return w[0] * r + w[1] * g + w[2] * b;
}

static inline uint8_t clamped(int32_t v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v); }

static void paint_luma(const matrix *m, const uint8_t *p, int n, uint8_t *luma) {
    const int32_t half = 1 << (BITS - 1);
    for (int x = 0; x < n; x++, p += 3) luma[x] = (uint8_t)(m->base + ((weigh(m->y, p[0], p[1], p[2]) + half) >> BITS));
}

/* Blocks that hold columns x0 .. x1 - 1; p, q: their upper and lower row. Columns
 * outside are not read: the edge counts twice. */
static void paint_chroma(const matrix *m, const uint8_t *p, const uint8_t *q, int x0, int x1, uint8_t *u, uint8_t *v) {
    const int32_t half = 1 << (BITS + 1);
    for (int x = x0 / 2; x <= (x1 - 1) / 2; x++) {
        int a = 3 * (2 * x < x0 ? x0 : 2 * x), b = 3 * (2 * x + 1 < x1 ? 2 * x + 1 : x1 - 1), sum[3];
        for (int c = 0; c < 3; c++) sum[c] = p[a + c] + p[b + c] + q[a + c] + q[b + c];
        u[x] = clamped(128 + ((weigh(m->u, sum[0], sum[1], sum[2]) + half) >> (BITS + 2)));
        v[x] = clamped(128 + ((weigh(m->v, sum[0], sum[1], sum[2]) + half) >> (BITS + 2)));
    }
}

/* Writes a part of a picture into a frame's planes: brightness for every pixel, color for every two by two. */
void fct_planes_paint(AVFrame *to, fct_colors c, fct_view rgb, fct_rect part) {
    int64_t right = (int64_t)part.x + part.width, bottom = (int64_t)part.y + part.height;
    int x0 = part.x < 0 ? 0 : part.x, y0 = part.y < 0 ? 0 : part.y;
    int x1 = right < to->width ? (int)right : to->width, y1 = bottom < to->height ? (int)bottom : to->height;
    if (x0 >= x1) return;
    const matrix m = matrix_of(c);
    for (int y = y0; y < y1; y++)
        paint_luma(&m, rgb.data + y * rgb.stride + (ptrdiff_t)x0 * 3, x1 - x0,
                   to->data[0] + (ptrdiff_t)y * to->linesize[0] + x0);
    for (int y = y0 / 2; y <= (y1 - 1) / 2 && y0 < y1; y++) {
        int upper = 2 * y < y0 ? y0 : 2 * y, lower = 2 * y + 1 < y1 ? 2 * y + 1 : y1 - 1;
        paint_chroma(&m, rgb.data + upper * rgb.stride, rgb.data + lower * rgb.stride, x0, x1,
                     to->data[1] + (ptrdiff_t)y * to->linesize[1], to->data[2] + (ptrdiff_t)y * to->linesize[2]);
    }
}
