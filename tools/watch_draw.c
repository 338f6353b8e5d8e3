/* Boxes, names and blurs on frames. */
#include "annotate.h"
#include "watch.h"

#include <math.h>
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

/* Coarse blocks of mean colour: the features of the face are gone, its colours stay. */
static void blur_face(fct_image *im, const float box[4]) {
    float w = box[2] - box[0], h = box[3] - box[1];
    fct_view v = fct_view_crop(fct_image_view(im), (int)floorf(box[0] - 0.15f * w), (int)floorf(box[1] - 0.2f * h),
                               (int)ceilf(1.3f * w), (int)ceilf(1.4f * h));
    if (!v.data) return;
    fct_view all = fct_image_view(im);
    int x0 = (int)((v.data - all.data) % all.stride) / 3, y0 = (int)((v.data - all.data) / all.stride);
    int cells = 6, cw = (v.width + cells - 1) / cells, ch = (v.height + cells - 1) / cells;
    for (int y = 0; y < v.height; y += ch)
        for (int x = 0; x < v.width; x += cw) {
            uint64_t sum[3] = {0};
            int x1 = x + cw < v.width ? x + cw : v.width, y1 = y + ch < v.height ? y + ch : v.height;
            for (int j = y; j < y1; j++)
                for (int i = x; i < x1; i++)
                    for (int c = 0; c < 3; c++) sum[c] += v.data[j * v.stride + 3 * i + c];
            uint64_t n = (uint64_t)(x1 - x) * (uint64_t)(y1 - y);
            uint32_t colour = (uint32_t)(sum[0] / n) << 16 | (uint32_t)(sum[1] / n) << 8 | (uint32_t)(sum[2] / n);
            fct_draw_fill(im, (float)(x0 + x) - 0.5f, (float)(y0 + y) - 0.5f, (float)(x0 + x1) - 0.5f,
                          (float)(y0 + y1) - 0.5f, colour);
        }
}

static void draw_label(fct_image *im, const float box[4], const char *text, float height, uint32_t colour) {
    fct_view v = fct_image_view(im);
    float pad = height * 0.3f, w = fct_draw_text(NULL, 0, 0, height, text, 0) + 2 * pad, h = height * 1.25f;
    float x = fmaxf(0, fminf(box[0], (float)v.width - w)), y = box[1] - h - 2;
    if (y < 0) y = fminf(box[3] + 2, (float)v.height - h);
    fct_draw_fill(im, x, y, x + w, y + h, colour);
    fct_draw_text(im, x + pad, y + height * 0.125f, height, text, 0x101418);
}

static void draw_track(fct_image *im, const fct_track *t, bool hidden, float line, float text) {
    char label[256];
    bool named = t->person_id && !hidden;
    uint32_t colour = named ? cli_colour_of(t->name) : CLI_COLOUR_UNKNOWN;
    if (!t->detected) colour |= 0x60000000u; /* predicted: half transparent */
    fct_draw_box(im, t->box[0], t->box[1], t->box[2], t->box[3], line, colour);
    for (int i = 0; i < 5 && t->has_kps && t->detected && !hidden; i++)
        fct_draw_disc(im, t->kps[i][0], t->kps[i][1], line, colour);
    if (named)
        snprintf(label, sizeof label, "%s  %.2f", t->name, t->similarity);
    else if (t->id)
        snprintf(label, sizeof label, "#%lld", (long long)t->id);
    else
        return;
    draw_label(im, t->box, label, fminf(text, fmaxf(12, (t->box[2] - t->box[0]) * 0.22f)), colour & 0xFFFFFF);
}

void cli_watch_draw(fct_image *im, const fct_tracker *t, const cli_blur *blur, const char *caption) {
    fct_view v = fct_image_view(im);
    float longer = (float)(v.width > v.height ? v.width : v.height);
    float line = fmaxf(1.5f, longer / 600), text = fmaxf(14, longer / 48);
    for (int i = 0; i < fct_tracker_track_count(t); i++)
        if (cli_blur_hides(blur, fct_tracker_track(t, i))) blur_face(im, fct_tracker_track(t, i)->box);
    for (int i = 0; i < fct_tracker_track_count(t); i++) {
        const fct_track *k = fct_tracker_track(t, i);
        draw_track(im, k, cli_blur_hides(blur, k), line, text);
    }
    if (!caption) return;
    float h = fmaxf(14, longer / 60);
    fct_draw_fill(im, 0, 0, fct_draw_text(NULL, 0, 0, h, caption, 0) + h, h * 1.5f, 0x60000000u);
    fct_draw_text(im, h / 2, h / 4, h, caption, 0xFFFFFF);
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
