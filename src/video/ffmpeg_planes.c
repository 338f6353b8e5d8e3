/* RGB into parts of a planar YUV picture with halved chroma (YUV420P).
 *
 * With luma weights Kr, Kg = 1 - Kr - Kb, Kb (ITU-R BT.601, BT.709, BT.2020):
 *   Y' = Kr R + Kg G + Kb B     U = (B - Y') / (2 (1 - Kb))     V = (R - Y') / (2 (1 - Kr))
 * scaled to 16..235 and 16..240 around 128, or to 0..255 where the range is full.
 * Chroma is that of the mean of two by two pixels. */
#include "video/ffmpeg_planes.h"
#include <math.h>

#define BITS 15

fct_colours fct_colours_of(const AVFrame *f) {
    fct_colours c = {SWS_CS_ITU601, false};
    if (f->colorspace == AVCOL_SPC_BT709) c.space = SWS_CS_ITU709;
    if (f->colorspace == AVCOL_SPC_BT2020_NCL || f->colorspace == AVCOL_SPC_BT2020_CL) c.space = SWS_CS_BT2020;
    c.full = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P || f->format == AV_PIX_FMT_YUVJ422P ||
             f->format == AV_PIX_FMT_YUVJ444P;
    return c;
}

/* Rows of the matrix: weights of R, G, B in units of 2^-BITS; what is added. */
typedef struct matrix { int32_t y[3], u[3], v[3], base; } matrix;

static matrix matrix_of(fct_colours c) {
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

static inline int32_t weigh(const int32_t w[3], int32_t r, int32_t g, int32_t b) { return w[0] * r + w[1] * g + w[2] * b; }

static inline uint8_t clamped(int32_t v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v); }

/* n / 2 blocks of two by two pixels; p, q: their upper and lower row. */
static void paint_rows(const matrix *m, const uint8_t *p, const uint8_t *q, int n, uint8_t *y0, uint8_t *y1, uint8_t *u,
                       uint8_t *v) {
    const int32_t half = 1 << (BITS - 1);
    for (int x = 0; x < n; x++) {
        y0[x] = (uint8_t)(m->base + ((weigh(m->y, p[3 * x], p[3 * x + 1], p[3 * x + 2]) + half) >> BITS));
        y1[x] = (uint8_t)(m->base + ((weigh(m->y, q[3 * x], q[3 * x + 1], q[3 * x + 2]) + half) >> BITS));
    }
    for (int x = 0; x < n / 2; x++, p += 6, q += 6) {
        int32_t r = p[0] + p[3] + q[0] + q[3], g = p[1] + p[4] + q[1] + q[4], b = p[2] + p[5] + q[2] + q[5];
        u[x] = clamped(128 + ((weigh(m->u, r, g, b) + 4 * half) >> (BITS + 2)));
        v[x] = clamped(128 + ((weigh(m->v, r, g, b) + 4 * half) >> (BITS + 2)));
    }
}

void fct_planes_paint(AVFrame *to, fct_colours c, fct_view rgb, fct_rect part) {
    int64_t right = (int64_t)part.x + part.width, bottom = (int64_t)part.y + part.height;
    int x0 = part.x < 0 ? 0 : part.x & ~1, y0 = part.y < 0 ? 0 : part.y & ~1;
    int x1 = right < to->width ? (int)((right + 1) & ~1) : to->width & ~1;
    int y1 = bottom < to->height ? (int)((bottom + 1) & ~1) : to->height & ~1;
    if (x0 >= x1 || part.width < 1 || part.height < 1) return;
    const matrix m = matrix_of(c);
    for (int y = y0; y < y1; y += 2) {
        const uint8_t *p = rgb.data + y * rgb.stride + (ptrdiff_t)x0 * 3;
        uint8_t *luma = to->data[0] + (ptrdiff_t)y * to->linesize[0] + x0;
        paint_rows(&m, p, p + rgb.stride, x1 - x0, luma, luma + to->linesize[0],
                   to->data[1] + (ptrdiff_t)(y / 2) * to->linesize[1] + x0 / 2,
                   to->data[2] + (ptrdiff_t)(y / 2) * to->linesize[2] + x0 / 2);
    }
}
