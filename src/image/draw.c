/* Shapes: every pixel is blended by how much of it the shape covers; a pixel
 * (x, y) is the unit square around that point. */
#include "image/draw_internal.h"
#include <math.h>

fct_ink fct_ink_of(fct_image *im, uint32_t color) {
    fct_ink k = {.im = im, .at = fct_pixel_channels(im->format)};
    k.r = (uint8_t)(color >> 16), k.g = (uint8_t)(color >> 8), k.b = (uint8_t)color;
    uint8_t rgb[3] = {k.r, k.g, k.b};
    fct_convert_row(rgb, FCT_PIX_RGB, &k.gray, FCT_PIX_GRAY, 1);
    k.opacity = (float)(255 - (color >> 24)) / 255.f;
    return k;
}

static uint8_t mix(uint8_t from, uint8_t to, float a) {
    return (uint8_t)((float)from + ((float)to - (float)from) * a + 0.5f);
}

void fct_ink_blend(const fct_ink *k, uint8_t *p, float coverage) {
    float a = coverage * k->opacity;
    if (!(a > 0)) return;
    if (a > 1) a = 1;
    if (k->at.bytes == 1) {
        p[0] = mix(p[0], k->gray, a);
        return;
    }
    p[k->at.r] = mix(p[k->at.r], k->r, a);
    p[k->at.g] = mix(p[k->at.g], k->g, a);
    p[k->at.b] = mix(p[k->at.b], k->b, a);
    if (k->at.a >= 0) p[k->at.a] = mix(p[k->at.a], 255, a);
}

bool fct_draw_range(float lo, float hi, int n, int *first, int *last) {
    if (!(lo <= hi) || !(hi >= -1.f) || !(lo <= (float)n)) return false;
    *first = lo < 0 ? 0 : (int)floorf(lo);
    *last = hi >= (float)(n - 1) ? n - 1 : (int)ceilf(hi);
    return *first <= *last;
}

static uint8_t *pixel(const fct_image *im, int x, int y, int bytes) {
    return im->pixels + (ptrdiff_t)y * im->stride + (ptrdiff_t)x * bytes;
}

/* Length of [lo, hi] inside the unit interval around i. */
static float overlap(float lo, float hi, int i) {
    float a = fmaxf(lo, (float)i - 0.5f), b = fminf(hi, (float)i + 0.5f);
    return b > a ? b - a : 0;
}

typedef struct draw_rect {
    float x1, y1, x2, y2;
} draw_rect;

static draw_rect ordered(float x1, float y1, float x2, float y2, float grow) {
    return (draw_rect){fminf(x1, x2) - grow, fminf(y1, y2) - grow, fmaxf(x1, x2) + grow, fmaxf(y1, y2) + grow};
}

/* Fills outer without inner (an empty inner has x2 < x1). */
static void fill_frame(fct_image *im, draw_rect outer, draw_rect inner, uint32_t color) {
    fct_ink k = fct_ink_of(im, color);
    int x0, x1, y0, y1;
    if (!fct_draw_range(outer.x1, outer.x2, im->width, &x0, &x1) ||
        !fct_draw_range(outer.y1, outer.y2, im->height, &y0, &y1))
        return;
    int hole0 = 1, hole1 = 0; /* columns that a hole covers whole */
    if (inner.x2 - inner.x1 > 4 && fct_draw_range(inner.x1 + 2, inner.x2 - 2, im->width, &hole0, &hole1)) {
        if (hole0 < x0) hole0 = x0;
    }
    for (int y = y0; y <= y1; y++) {
        float wide = overlap(outer.y1, outer.y2, y), hole = overlap(inner.y1, inner.y2, y);
        for (int x = x0; x <= x1; x++) {
            if (hole >= 1 && x == hole0 && hole1 > hole0) x = hole1;
            float c = overlap(outer.x1, outer.x2, x) * wide - overlap(inner.x1, inner.x2, x) * hole;
            fct_ink_blend(&k, pixel(im, x, y, k.at.bytes), c);
        }
    }
}

void fct_draw_fill(fct_image *im, float x1, float y1, float x2, float y2, uint32_t color) {
    fill_frame(im, ordered(x1, y1, x2, y2, 0), (draw_rect){1, 1, 0, 0}, color);
}

void fct_draw_box(fct_image *im, float x1, float y1, float x2, float y2, float line_width, uint32_t color) {
    if (!(line_width > 0)) return;
    fill_frame(im, ordered(x1, y1, x2, y2, line_width / 2), ordered(x1, y1, x2, y2, -line_width / 2), color);
}

/* The nearest point of the segment is the projection of (x, y) onto its line, held between the ends. */
float fct_segment_distance2(const fct_segment *s, float x, float y) {
    float dx = s->bx - s->ax, dy = s->by - s->ay, px = x - s->ax, py = y - s->ay;
    float len2 = dx * dx + dy * dy, t = len2 > 0 ? (px * dx + py * dy) / len2 : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    px -= t * dx, py -= t * dy;
    return px * px + py * py;
}

/* Finds the columns of row y that a line of half width r around s can touch. */
static void line_columns(const fct_segment *s, float y, float r, float *lo, float *hi) {
    float dx = s->bx - s->ax, dy = s->by - s->ay, len = fct_length(dx, dy);
    *lo = fminf(s->ax, s->bx) - r, *hi = fmaxf(s->ax, s->bx) + r;
    if (!(fabsf(dy) > 1e-3f * len)) return;
    float center = s->ax + (y - s->ay) * dx / dy, half = r * len / fabsf(dy);
    *lo = fmaxf(*lo, center - half), *hi = fminf(*hi, center + half);
}

/* Colors each pixel near the segment by how much of it the line covers, which gives smooth edges and round ends. */
void fct_draw_line(fct_image *im, float x1, float y1, float x2, float y2, float line_width, uint32_t color) {
    fct_ink k = fct_ink_of(im, color);
    fct_segment s = {x1, y1, x2, y2};
    float r = line_width / 2, reach = r + 0.5f, lo, hi;
    int y0, yn, x0, xn;
    if (!(line_width > 0) || !isfinite(fct_length(x2 - x1, y2 - y1)) ||
        !fct_draw_range(fminf(y1, y2) - reach, fmaxf(y1, y2) + reach, im->height, &y0, &yn))
        return;
    for (int y = y0; y <= yn; y++) {
        line_columns(&s, (float)y, reach, &lo, &hi);
        if (!fct_draw_range(lo, hi, im->width, &x0, &xn)) continue;
        for (int x = x0; x <= xn; x++)
            fct_ink_blend(&k, pixel(im, x, y, k.at.bytes),
                          reach - sqrtf(fct_segment_distance2(&s, (float)x, (float)y)));
    }
}

void fct_draw_disc(fct_image *im, float x, float y, float radius, uint32_t color) {
    if (radius > 0) fct_draw_line(im, x, y, x, y, 2 * radius, color);
}

void fct_draw_image(fct_image *im, fct_view src, int x, int y) {
    int64_t left = -(int64_t)x, top = -(int64_t)y;
    if (left > INT32_MAX || top > INT32_MAX || left < INT32_MIN || top < INT32_MIN) return;
    fct_view part = fct_view_crop(src, (int)left, (int)top, im->width, im->height);
    int bytes = fct_pixel_bytes(im->format);
    if (!part.data || !fct_pixel_bytes(src.format)) return;
    for (int row = 0; row < part.height; row++)
        fct_convert_row(fct_view_row(part, row), part.format, pixel(im, x > 0 ? x : 0, row + (y > 0 ? y : 0), bytes),
                        im->format, part.width);
}
