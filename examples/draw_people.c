/* Draws a picture of simple cartoon people, the same for the same seed:
 *   draw_people OUT.png [PEOPLE] [SEED]
 * The picture of the README is made from it. */
#include <facet/facet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t state;
static int pick(int n) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return (int)(state % (uint32_t)n);
}

static void ellipse(fct_image *im, float x, float y, float rx, float ry, uint32_t color) {
    for (float dy = -ry; dy <= ry; dy += 0.5f) {
        float dx = rx * sqrtf(1 - dy * dy / (ry * ry));
        fct_draw_line(im, x - dx, y + dy, x + dx, y + dy, 1.5f, color);
    }
}

static void eye(fct_image *im, float x, float y, float r, uint32_t iris, uint32_t brow) {
    ellipse(im, x, y, r * 0.13f, r * 0.07f, 0xF8F6F2);
    fct_draw_disc(im, x, y, r * 0.065f, iris);
    fct_draw_disc(im, x, y, r * 0.035f, 0x101010);
    fct_draw_disc(im, x + r * 0.02f, y - r * 0.02f, r * 0.014f, 0xFFFFFF);
    fct_draw_line(im, x - r * 0.14f, y - r * 0.07f, x + r * 0.14f, y - r * 0.07f, r * 0.03f, 0x40302A);
    fct_draw_line(im, x - r * 0.18f, y - r * 0.20f, x + r * 0.18f, y - r * 0.22f, r * 0.06f, brow);
}

static void person(fct_image *im, float x, float y, float r) {
    static const uint32_t skins[] = {0xF0C8A8, 0xD8A078, 0xA87048, 0xE8B890, 0x8A5A3C},
                          hairs[] = {0x2A1C14, 0x6A4020, 0xC89A4A, 0x8A8A8A, 0x14100E},
                          shirts[] = {0x3A6EA5, 0xA53A4A, 0x3A8A5A, 0xC8A040, 0x6A4A9A},
                          irises[] = {0x5A3A20, 0x3A6A9A, 0x4A7A4A};
    uint32_t skin = skins[pick(5)], hair = hairs[pick(5)], shade = (skin >> 1 & 0x7F7F7F) + (skin >> 2 & 0x3F3F3F),
             iris = irises[pick(3)];
    bool longer = pick(2);
    ellipse(im, x, y + r * 2.15f, r * 1.35f, r * 1.0f, shirts[pick(5)]);
    if (longer) ellipse(im, x, y + r * 0.25f, r * 0.98f, r * 1.35f, hair);
    ellipse(im, x, y + r * 1.0f, r * 0.33f, r * 0.5f, shade);
    ellipse(im, x, y - r * 0.2f, r * 0.85f, r * 0.95f, hair);
    ellipse(im, x, y, r * 0.74f, r * 0.98f, skin);
    ellipse(im, x, y - r * 0.82f, r * 0.62f, r * 0.3f, hair);
    eye(im, x - r * 0.30f, y - r * 0.08f, r * 1.2f, iris, hair);
    eye(im, x + r * 0.30f, y - r * 0.08f, r * 1.2f, iris, hair);
    ellipse(im, x + r * 0.02f, y + r * 0.26f, r * 0.13f, r * 0.09f, shade);
    fct_draw_line(im, x + r * 0.06f, y - r * 0.02f, x + r * 0.11f, y + r * 0.24f, r * 0.05f, shade);
    ellipse(im, x, y + r * 0.56f, r * 0.27f, r * 0.10f, 0xB0504A);
    fct_draw_line(im, x - r * 0.26f, y + r * 0.55f, x + r * 0.26f, y + r * 0.55f, r * 0.035f, 0x6A2A28);
}

int main(int argc, char **argv) {
    int n = argc > 2 ? atoi(argv[2]) : 3;
    fct_image *im;
    fct_error e;
    if (argc < 2 || n < 1 || n > 12) return fprintf(stderr, "usage: draw_people OUT.png [PEOPLE 1..12] [SEED]\n"), 2;
    state = 2463534242u ^ (argc > 3 ? (uint32_t)atoi(argv[3]) * 2654435761u : 0);
    if (fct_image_create(240 * n, 360, FCT_PIX_RGB, &im, &e)) return fprintf(stderr, "%s\n", e.text), 1;
    fct_draw_fill(im, 0, 0, 240.0f * n, 360, 0xC4D4DC);
    for (int i = 0; i < n; i++) person(im, 120 + 240.0f * (float)i, 150 + (float)pick(20), 74 + (float)pick(12));
    int code = fct_image_write(fct_image_view(im), argv[1], FCT_FILE_AUTO, 0, &e) ? 1 : 0;
    if (code) fprintf(stderr, "%s\n", e.text);
    fct_image_free(im);
    return code;
}
