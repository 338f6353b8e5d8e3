/* Text: UTF-8 to glyphs, strokes to coverage. */
#include "image/draw_internal.h"
#include "image/shape.h"
#include <math.h>
#include <stdlib.h>

#define MAX_SEGMENTS 256 /* of one glyph; the most intricate has fewer than 150 */
#define CURVE_STEPS  6

typedef struct pen {
    fct_segment *out;
    int n, max;
    float x, y, dx, dy;
} pen;

static void line_to(pen *p, float x, float y) {
    if (p->n < p->max) p->out[p->n++] = (fct_segment){p->x + p->dx, p->y + p->dy, x + p->dx, y + p->dy};
    p->x = x, p->y = y;
}

/* A quadratic curve as a few straight segments. */
static void curve_to(pen *p, float cx, float cy, float x, float y) {
    float x0 = p->x, y0 = p->y;
    for (int i = 1; i <= CURVE_STEPS; i++) {
        float t = (float)i / CURVE_STEPS, s = 1 - t;
        line_to(p, s * s * x0 + 2 * s * t * cx + t * t * x, s * s * y0 + 2 * s * t * cy + t * t * y);
    }
}

/* An arc of an ellipse in steps of at most 15 degrees. */
static void arc(pen *p, const float v[6], bool joined) {
    const float degree = 0.01745329252f;
    int steps = 1 + (int)(fabsf(v[5] - v[4]) / 15);
    for (int i = 0; i <= steps; i++) {
        float a = (v[4] + (v[5] - v[4]) * (float)i / (float)steps) * degree;
        float x = v[0] + v[2] * cosf(a), y = v[1] + v[3] * sinf(a);
        if (i == 0 && !joined) p->x = x, p->y = y;
        else line_to(p, x, y);
    }
}

/* Reads the decimal number at *s, without regard to the locale. */
static float number(const char **s) {
    const char *p = *s;
    while (*p == ' ') p++;
    float sign = *p == '-' ? (p++, -1.f) : 1.f, v = 0, unit = 1;
    for (; *p >= '0' && *p <= '9'; p++) v = v * 10 + (float)(*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++) v += (unit *= 0.1f) * (float)(*p - '0');
    *s = p;
    return sign * v;
}

/* Runs the commands of a path (draw_internal.h has their list) and collects the straight segments that they draw. */
int fct_font_flatten(const char *path, float dx, float dy, fct_segment *out, int max) {
    pen p = {.out = out, .max = max, .dx = dx, .dy = dy};
    while (*path) {
        char c = *path++;
        int n = c == 'Q' ? 4 : c == 'O' || c == 'E' ? 6 : 2;
        float v[6];
        for (int i = 0; i < n; i++) v[i] = number(&path);
        switch (c) {
        case 'M':
            p.x = v[0], p.y = v[1];
            break;
        case 'L':
            line_to(&p, v[0], v[1]);
            break;
        case 'Q':
            curve_to(&p, v[0], v[1], v[2], v[3]);
            break;
        case 'O':
        case 'E':
            arc(&p, v, c == 'E');
            break;
        case 'D':
            arc(&p, (float[6]){v[0], v[1], 0.4f, 0.4f, 0, 360}, false);
            break;
        default:
            return p.n;
        }
    }
    return p.n;
}

/* Reads the next code point; 0 at the end, U+FFFD for a malformed byte. */
static uint32_t next_codepoint(const unsigned char **s) {
    const unsigned char *p = *s;
    if (!*p) return 0;
    int more = *p < 0x80                 ? 0
               : *p >= 0xC2 && *p < 0xE0 ? 1
               : *p >= 0xE0 && *p < 0xF0 ? 2
               : *p >= 0xF0 && *p < 0xF5 ? 3
                                         : -1;
    *s = p + 1;
    if (more <= 0) return more ? 0xFFFD : *p;
    uint32_t v = *p & (0x3Fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0xFFFD;
        v = v << 6 | (p[i] & 0x3F);
    }
    *s = p + more + 1;
    return v;
}

/* Blends a glyph's strokes, already in pixels, with half width r. */
static void draw_strokes(const fct_ink *k, const fct_segment *s, int n, float r) {
    float reach = r + 0.5f, left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    int x0, x1, y0, y1;
    for (int i = 0; i < n; i++) {
        left = fminf(left, fminf(s[i].ax, s[i].bx)), right = fmaxf(right, fmaxf(s[i].ax, s[i].bx));
        top = fminf(top, fminf(s[i].ay, s[i].by)), bottom = fmaxf(bottom, fmaxf(s[i].ay, s[i].by));
    }
    if (!n || !fct_draw_range(left - reach, right + reach, k->im->width, &x0, &x1) ||
        !fct_draw_range(top - reach, bottom + reach, k->im->height, &y0, &y1))
        return;
    for (int y = y0; y <= y1; y++) {
        const fct_segment *near[MAX_SEGMENTS]; /* those that reach this row */
        int m = 0;
        for (int i = 0; i < n; i++)
            if (fminf(s[i].ay, s[i].by) - reach <= (float)y && fmaxf(s[i].ay, s[i].by) + reach >= (float)y)
                near[m++] = &s[i];
        for (int x = x0; x <= x1; x++) {
            float d = reach * reach;
            for (int i = 0; i < m; i++) d = fminf(d, fct_segment_distance2(near[i], (float)x, (float)y));
            if (d < reach * reach)
                fct_ink_blend(k, k->im->pixels + (ptrdiff_t)y * k->im->stride + (ptrdiff_t)x * k->at.bytes,
                              fminf(1.f, reach - sqrtf(d)));
        }
    }
}

static void draw_glyph(const fct_ink *k, const fct_glyph *g, float x, float y, float scale) {
    fct_segment s[MAX_SEGMENTS];
    int n = fct_font_flatten(g->path, g->left, 0, s, MAX_SEGMENTS);
    if (g->accent) n += fct_font_flatten(g->accent, g->dx, g->dy, s + n, MAX_SEGMENTS - n);
    for (int i = 0; i < n; i++) {
        s[i].ax = x + s[i].ax * scale, s[i].bx = x + s[i].bx * scale;
        s[i].ay = y + (s[i].ay - FCT_FONT_TOP) * scale, s[i].by = y + (s[i].by - FCT_FONT_TOP) * scale;
    }
    draw_strokes(k, s, n, fmaxf(FCT_FONT_STROKE * scale, 1.1f) / 2);
}

/* Draws one character of the built-in font; moves *at, in grid units. */
static void put_letter(const fct_ink *k, uint32_t c, float x, float y, float scale, float *at) {
    fct_glyph g = fct_font_glyph(c);
    float left = x + *at * scale;
    bool on_picture = k && left < (float)k->im->width && left + (g.width + FCT_FONT_GAP) * scale > 0;
    if (on_picture) draw_glyph(k, &g, left, y, scale);
    *at += g.width + FCT_FONT_GAP;
}

/* The text in the built-in font, others' letters in Latin ones; k NULL = measure. */
static float draw_built_in(const fct_ink *k, float x, float y, float height, const uint32_t *text, int n) {
    float scale = height / FCT_FONT_LINE, at = FCT_FONT_GAP / 2;
    bool spelled = true;
    for (int i = 0; i < n; i++) {
        char latin[12];
        if (fct_font_has(text[i])) {
            put_letter(k, text[i], x, y, scale, &at);
            spelled = true;
            continue;
        }
        bool before = spelled;
        spelled = fct_latin_spelling(text[i], latin);
        if (!spelled && !before) continue; /* of a word the first number is enough */
        for (const char *c = latin; *c; c++) put_letter(k, (unsigned char)*c, x, y, scale, &at);
    }
    return at == FCT_FONT_GAP / 2 ? 0 : (at - FCT_FONT_GAP / 2) * scale;
}

/* Uses the system's fonts for a text with a character that the built-in font lacks, where there are any, and the
 * built-in font otherwise. */
float fct_draw_text(fct_image *im, float x, float y, float height, const char *utf8, uint32_t color) {
    if (!utf8 || !(height > 0) || !isfinite(height)) return 0;
    uint32_t text[FCT_SHAPE_MAX];
    int n = 0;
    bool foreign = false;
    const unsigned char *s = (const unsigned char *)utf8;
    for (uint32_t c; n < FCT_SHAPE_MAX && (c = next_codepoint(&s)); text[n++] = c)
        foreign |= c != 0xFFFD && !fct_font_has(c);
    float width;
    if (foreign && fct_shape_draw(im, x, y, height, text, n, color, &width)) return width;
    bool visible = im && isfinite(x) && isfinite(y);
    fct_ink k = {0};
    if (visible) k = fct_ink_of(im, color);
    return draw_built_in(visible ? &k : NULL, x, y, height, text, n);
}
