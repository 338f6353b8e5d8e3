#include "photos/annotate.h"

#include "shell/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST_SIDE = 480 }; /* of the longer side; smaller pictures are enlarged */

typedef struct label_rect {
    float x1, y1, x2, y2;
} label_rect;

typedef struct canvas {
    fct_image *image;
    float width, height, scale; /* scale: from the photo's pixels to the canvas's */
    float line, text;           /* line width and text height that suit the picture */
    const fct_faces *faces;
    label_rect *placed; /* labels that are already there */
    int n_placed;
} canvas;

uint32_t cli_color_of(const char *name) {
    /* These colors are bright enough for dark text and far from each other and from skin. */
    static const uint32_t palette[] = {0x4FC3F7, 0xFFB74D, 0x81C784, 0xF06292, 0xBA9BF5, 0xFFF176,
                                       0x4DD0C4, 0xFF8A65, 0xAED581, 0x7FA8FF, 0xF48FD1, 0xD4E157};
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
    return palette[(h ^ h >> 16) % (sizeof palette / sizeof *palette)];
}

static float clampf(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

static float overlap(label_rect a, label_rect b) {
    float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    return w > 0 && h > 0 ? w * h : 0;
}

static label_rect face_rect(const canvas *c, const fct_face *f) {
    return (label_rect){f->box[0] * c->scale, f->box[1] * c->scale, f->box[2] * c->scale, f->box[3] * c->scale};
}

/* ---- Boxes and points ----------------------------------------------------------- */

/* An angle at each corner, arms of a quarter of the side. */
static void draw_corners(canvas *c, label_rect r, float width, uint32_t color) {
    float dx = (r.x2 - r.x1) / 4, dy = (r.y2 - r.y1) / 4;
    const float xs[2] = {r.x1, r.x2}, ys[2] = {r.y1, r.y2};
    for (int i = 0; i < 4; i++) {
        float x = xs[i & 1], y = ys[i >> 1], sx = i & 1 ? -dx : dx, sy = i >> 1 ? -dy : dy;
        fct_draw_line(c->image, x, y, x + sx, y, width, color);
        fct_draw_line(c->image, x, y, x, y + sy, width, color);
    }
}

static float face_line(const canvas *c, label_rect r) { return fminf(c->line, fmaxf(1.2f, (r.x2 - r.x1) / 25)); }

/* A dark line below the colored one keeps the box visible on any background. */
static void draw_box(canvas *c, label_rect r, uint32_t color) {
    float w = face_line(c, r);
    fct_draw_box(c->image, r.x1, r.y1, r.x2, r.y2, w * 0.6f + 2, 0xA0000000u);
    draw_corners(c, r, w * 1.5f + 2, 0x90000000u);
    fct_draw_box(c->image, r.x1, r.y1, r.x2, r.y2, w * 0.6f, 0x40000000u | color);
    draw_corners(c, r, w * 1.5f, color);
}

/* Sizes the points by the face, so that they do not cover a small one. */
static void draw_points(canvas *c, const fct_face *f, uint32_t color) {
    label_rect r = face_rect(c, f);
    float radius = clampf((r.x2 - r.x1) / 45, 1, c->line * 1.2f);
    for (int i = 0; f->landmark_106 && i < 106; i++)
        fct_draw_disc(c->image, f->landmark_106[2 * i] * c->scale, f->landmark_106[2 * i + 1] * c->scale, radius * 0.6f,
                      color);
    for (int i = 0; f->has_kps && i < 5; i++) {
        float x = f->kps[i][0] * c->scale, y = f->kps[i][1] * c->scale;
        fct_draw_disc(c->image, x, y, radius + 1, 0x60000000u);
        fct_draw_disc(c->image, x, y, radius, i < 2 ? 0xFFFFFF : color);
    }
}

/* ---- Labels ------------------------------------------------------------------------ */

/* A rectangle of that size near (x, y) that lies inside the picture. */
static label_rect moved_inside(const canvas *c, float x, float y, float w, float h) {
    x = clampf(x, 0, fmaxf(0, c->width - w));
    y = clampf(y, 0, fmaxf(0, c->height - h));
    return (label_rect){x, y, x + w, y + h};
}

/* Rates how bad a place is: worst on other labels, then on faces, then far from where the label should be. */
static float cost(const canvas *c, label_rect r, int face, int wish) {
    float sum = (float)wish;
    for (int i = 0; i < c->n_placed; i++) sum += 10 * overlap(r, c->placed[i]);
    for (int i = 0; i < fct_faces_count(c->faces); i++)
        sum += (i == face ? 1.5f : 1.0f) * overlap(r, face_rect(c, fct_faces_at(c->faces, i)));
    return sum;
}

/* Tries places above and below the box, at its left, at its right and centered, and takes the best. */
static label_rect place_label(const canvas *c, int face, float w, float h) {
    label_rect r = face_rect(c, fct_faces_at(c->faces, face));
    float gap = face_line(c, r);
    const float xs[3] = {r.x1 - gap, (r.x1 + r.x2 - w) / 2, r.x2 + gap - w};
    const float ys[4] = {r.y1 - h - gap, r.y2 + gap, r.y1 + gap, r.y2 - h - gap};
    label_rect best = {0, 0, 0, 0};
    float least = INFINITY;
    for (int i = 0; i < 12; i++) {
        label_rect at = moved_inside(c, xs[i % 3], ys[i / 3], w, h);
        float k = cost(c, at, face, i);
        if (k < least) least = k, best = at;
    }
    return best;
}

/* The text is as high as a fifth of the face's width, within bounds that can be read. */
static void draw_label(canvas *c, int face, const cli_label *label) {
    if (!label->text[0]) return;
    label_rect r = face_rect(c, fct_faces_at(c->faces, face));
    float height = fminf(c->text, fmaxf(12, (r.x2 - r.x1) * 0.2f)), pad = height * 0.3f;
    float w = fct_draw_text(NULL, 0, 0, height, label->text, 0) + 2 * pad, h = height * 1.25f;
    label_rect at = place_label(c, face, w, h);
    fct_draw_fill(c->image, at.x1 - 1, at.y1 - 1, at.x2 + 1, at.y2 + 1, 0x90000000u);
    fct_draw_fill(c->image, at.x1, at.y1, at.x2, at.y2, label->color);
    fct_draw_text(c->image, at.x1 + pad, at.y1 + height * 0.125f, height, label->text, 0x101418);
    c->placed[c->n_placed++] = at;
}

/* ---- The whole ----------------------------------------------------------------------- */

/* Enlarges a small picture by a whole factor, so that lines and text on it can be read. */
static fct_status copy_large_enough(fct_view v, fct_image **out, float *scale, fct_error *err) {
    int longer = v.width > v.height ? v.width : v.height, times = (SMALLEST_SIDE + longer - 1) / longer;
    *scale = (float)times;
    if (times <= 1) return fct_image_convert(v, FCT_PIX_RGB, out, err);
    fct_image *large;
    fct_status s = fct_image_resize(v, v.width * times, v.height * times, &large, err);
    if (s) return s;
    s = fct_image_convert(fct_image_view(large), FCT_PIX_RGB, out, err);
    fct_image_free(large);
    return s;
}

fct_status cli_draw_faces(fct_view v, const fct_faces *faces, const cli_label *labels, fct_image **out,
                          fct_error *err) {
    canvas c = {.faces = faces};
    *out = NULL;
    fct_status s = copy_large_enough(v, &c.image, &c.scale, err);
    if (s) return s;
    fct_view cv = fct_image_view(c.image);
    int n = fct_faces_count(faces);
    c.width = (float)cv.width, c.height = (float)cv.height;
    c.line = clampf(fmaxf(c.width, c.height) / 450, 1.5f, 12);
    c.text = clampf(fmaxf(c.width, c.height) / 36, 15, 120);
    c.placed = cli_alloc((size_t)n, sizeof *c.placed);
    for (int i = n - 1; i >= 0; i--) {
        draw_box(&c, face_rect(&c, fct_faces_at(faces, i)), labels[i].color);
        draw_points(&c, fct_faces_at(faces, i), labels[i].color);
    }
    for (int i = 0; i < n; i++) draw_label(&c, i, &labels[i]);
    free(c.placed);
    *out = c.image;
    return FCT_OK;
}

/* Shrinks the text when it is wider than the picture. */
void cli_draw_caption(fct_image *im, int y, const char *text, uint32_t color) {
    fct_view v = fct_image_view(im);
    float w = (float)v.width, h = (float)(v.height - y), size = h * 0.55f;
    float wide = fct_draw_text(NULL, 0, 0, size, text, 0);
    if (wide > w * 0.96f) size *= w * 0.96f / wide, wide = w * 0.96f;
    fct_draw_fill(im, 0, (float)y, w, (float)v.height, color);
    fct_draw_text(im, (w - wide) / 2, (float)y + (h - size) / 2, size, text, 0x101418);
}
