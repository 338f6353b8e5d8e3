/* Boxes, names and blurs on frames. */
#include "photos/annotate.h"
#include "watch/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

cli_blur cli_blur_of(const char *text) {
    cli_blur b = {0};
    if (!text) return b;
    b.all = strcmp(text, "all") == 0;
    b.unknown = strcmp(text, "unknown") == 0;
    if (!b.all && !b.unknown) b.name = text;
    return b;
}

bool cli_blur_hides(const cli_blur *b, const fct_track *t) {
    if (b->all) return true;
    if (b->unknown) return t->person_id == 0;
    return b->name && (!t->decided || strcmp(t->name, b->name) == 0);
}

/* Drawing is done twice: first `from` is set and every step only notes where it
 * will draw, so that these parts can be copied from the frame; then it draws. */
typedef struct painter {
    cli_canvas *to;
    const fct_view *from;
} painter;

/* Whether to draw now. (x1, y1) .. (x2, y2): all that will be touched, up to half a pixel. */
static bool begin(const painter *p, float x1, float y1, float x2, float y2) {
    cli_canvas *c = p->to;
    if (!p->from) return true;
    float w = (float)p->from->width, h = (float)p->from->height;
    int left = (int)fminf(w, fmaxf(0, floorf(x1) - 1)), top = (int)fminf(h, fmaxf(0, floorf(y1) - 1));
    int right = (int)fmaxf(0, fminf(w, ceilf(x2) + 2)), bottom = (int)fmaxf(0, fminf(h, ceilf(y2) + 2));
    if (left >= right || top >= bottom) return false;
    c->parts = cli_grow(c->parts, &c->cap, c->n + 1, sizeof *c->parts);
    c->parts[c->n++] = (fct_rect){left, top, right - left, bottom - top};
    return false;
}

static void put_fill(const painter *p, float x1, float y1, float x2, float y2, uint32_t color) {
    if (begin(p, x1, y1, x2, y2)) fct_draw_fill(p->to->image, x1, y1, x2, y2, color);
}

static void put_box(const painter *p, const float b[4], float line, uint32_t color) {
    float r = line / 2;
    bool now = begin(p, b[0] - r, b[1] - r, b[2] + r, b[1] + r); /* the four sides */
    now &= begin(p, b[0] - r, b[3] - r, b[2] + r, b[3] + r);
    now &= begin(p, b[0] - r, b[1] - r, b[0] + r, b[3] + r);
    now &= begin(p, b[2] - r, b[1] - r, b[2] + r, b[3] + r);
    if (now) fct_draw_box(p->to->image, b[0], b[1], b[2], b[3], line, color);
}

static void put_disc(const painter *p, float x, float y, float radius, uint32_t color) {
    if (begin(p, x - radius, y - radius, x + radius, y + radius)) fct_draw_disc(p->to->image, x, y, radius, color);
}

/* Coarse blocks of mean color: the features of the face are gone, its colors stay. */
static void blur_face(const painter *p, const float box[4]) {
    float a[4];
    fct_cover_area(box, a);
    if (begin(p, a[0], a[1], a[2], a[3])) fct_draw_cover(p->to->image, a[0], a[1], a[2], a[3], FCT_COVER_PIXELS);
}

static void put_label(const painter *p, const float box[4], const char *text, float height, uint32_t color) {
    fct_view v = fct_image_view(p->to->image);
    float pad = height * 0.3f, w = fct_draw_text(NULL, 0, 0, height, text, 0) + 2 * pad, h = height * 1.25f;
    float x = fmaxf(0, fminf(box[0], (float)v.width - w)), y = box[1] - h - 2;
    if (y < 0) y = fminf(box[3] + 2, (float)v.height - h);
    put_fill(p, x, y, x + w, y + h, color);
    if (!p->from) fct_draw_text(p->to->image, x + pad, y + height * 0.125f, height, text, 0x101418); /* inside */
}

/* Draws a face's box, landmarks and name; a hidden one has neither landmarks nor name. */
static void put_track(const painter *p, const fct_track *t, bool hidden, float line, float text) {
    char label[256];
    bool named = t->person_id && !hidden;
    uint32_t color = named ? cli_color_of(t->name) : CLI_COLOR_UNKNOWN;
    if (!t->detected) color |= 0x60000000u; /* predicted: half transparent */
    put_box(p, t->box, line, color);
    for (int i = 0; i < 5 && t->has_kps && t->detected && !hidden; i++)
        put_disc(p, t->kps[i][0], t->kps[i][1], line, color);
    if (named) snprintf(label, sizeof label, "%s  %.2f", t->name, t->similarity);
    else if (t->id) snprintf(label, sizeof label, "#%lld", (long long)t->id);
    else return;
    put_label(p, t->box, label, fminf(text, fmaxf(12, (t->box[2] - t->box[0]) * 0.22f)), color & 0xFFFFFF);
}

static void put_all(const painter *p, const cli_pending *f, const cli_blur *blur) {
    fct_view v = fct_image_view(p->to->image);
    float longer = (float)(v.width > v.height ? v.width : v.height);
    float line = fmaxf(1.5f, longer / 600), text = fmaxf(14, longer / 48);
    for (size_t i = 0; i < f->n_boxes; i++)
        if (blur->all || f->boxes[i].hidden) blur_face(p, f->boxes[i].at);
    for (size_t i = 0; i < f->n_tracks; i++)
        if (cli_blur_hides(blur, &f->tracks[i])) blur_face(p, f->tracks[i].box);
    for (size_t i = 0; i < f->n_tracks; i++)
        put_track(p, &f->tracks[i], cli_blur_hides(blur, &f->tracks[i]), line, text);
}

/* Makes the canvas as large as the frame. */
static fct_status fit_canvas(cli_canvas *c, fct_view frame, fct_error *err) {
    fct_view v = c->image ? fct_image_view(c->image) : (fct_view){0};
    if (v.width == frame.width && v.height == frame.height) return FCT_OK;
    fct_image_free(c->image);
    return fct_image_create(frame.width, frame.height, FCT_PIX_RGB, &c->image, err);
}

fct_status cli_watch_draw(cli_canvas *c, const cli_pending *f, bool whole, const cli_blur *blur, fct_error *err) {
    const fct_view frame = f->frame.view;
    fct_status s = fit_canvas(c, frame, err);
    if (s) return s;
    c->n = 0;
    put_all(&(painter){c, &frame}, f, blur);
    if (whole) fct_draw_image(c->image, frame, 0, 0);
    for (size_t i = 0; i < c->n && !whole; i++) {
        const fct_rect *r = &c->parts[i];
        fct_draw_image(c->image, fct_view_crop(frame, r->x, r->y, r->width, r->height), r->x, r->y);
    }
    put_all(&(painter){c, NULL}, f, blur);
    return FCT_OK;
}

void cli_canvas_free(cli_canvas *c) {
    fct_image_free(c->image);
    free(c->parts);
    *c = (cli_canvas){0};
}

fct_status cli_picture_copy(fct_view v, fct_image **into, fct_error *err) {
    fct_view to = *into ? fct_image_view(*into) : (fct_view){0};
    if (v.format == FCT_PIX_RGB && to.width == v.width && to.height == v.height) {
        for (int y = 0; y < v.height; y++)
            memcpy(fct_image_pixels(*into) + y * to.stride, v.data + y * v.stride, (size_t)v.width * 3);
        return FCT_OK;
    }
    fct_image_free(*into);
    return fct_image_convert(v, FCT_PIX_RGB, into, err);
}
