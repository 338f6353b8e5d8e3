#include "train/augment.h"
#include <math.h>
#include <string.h>

void fct_augment_init(fct_augment *a) {
    *a = (fct_augment){.flip = 0.5,
                       .shift = 4,
                       .scale = 0.06,
                       .rotate = 6,
                       .brightness = 0.2,
                       .contrast = 0.2,
                       .saturation = 0.2,
                       .gray = 0.1,
                       .blur = 0.1,
                       .jpeg = 0.15,
                       .down = 0.2,
                       .occlude = 0.1,
                       .mask = 0.05,
                       .jpeg_low = 30,
                       .jpeg_high = 90,
                       .down_low = 0.25,
                       .down_high = 0.8,
                       .fill_border = true};
}
const fct_augment fct_augment_none = {.jpeg_low = 90, .jpeg_high = 90, .down_low = 1, .down_high = 1};

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }
static uint8_t byte(float v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f); }

size_t fct_augment_scratch(int crop_width, int crop_height, int out_size) {
    size_t crop = (size_t)crop_width * crop_height, out = (size_t)out_size * out_size;
    return crop * (3 + 1 + 2 * sizeof(int)) + 64 + out * 3;
}

/* ---- Black borders --------------------------------------------------------------- */

static bool black(const uint8_t *p) { return p[0] < 8 && p[1] < 8 && p[2] < 8; }

/* Marks the black pixels connected to the edge of the picture: a flood fill. */
static int find_border(const uint8_t *im, int w, int h, uint8_t *mark, int *stack) {
    int n = 0, found = 0;
    memset(mark, 0, (size_t)w * h);
    for (int i = 0; i < 2 * (w + h); i++) {
        int x = i < 2 * w ? i % w
                : i % 2   ? w - 1
                          : 0,
            y = i < w       ? 0
                : i < 2 * w ? h - 1
                            : (i - 2 * w) / 2,
            at = y * w + x;
        if (!mark[at] && black(im + 3 * at)) mark[at] = 1, stack[n++] = at;
    }
    while (n > 0) {
        int at = stack[--n], x = at % w, y = at / w;
        found++;
        const int next[4] = {x > 0 ? at - 1 : at, x < w - 1 ? at + 1 : at, y > 0 ? at - w : at,
                             y < h - 1 ? at + w : at};
        for (int k = 0; k < 4; k++)
            if (!mark[next[k]] && black(im + 3 * next[k])) mark[next[k]] = 1, stack[n++] = next[k];
    }
    return found;
}

/* Gives rows without an unmarked pixel the nearest row that has one. */
static void extend_columns(uint8_t *im, int w, int h, const uint8_t *mark) {
    size_t bytes = (size_t)w * 3;
    int first = -1, last = -1;
    for (int y = 0; y < h; y++)
        if (memchr(mark + (size_t)y * w, 0, (size_t)w)) {
            first = first < 0 ? y : first;
            last = y;
        }
    for (int y = 0; first >= 0 && y < h; y++)
        if (y < first || y > last) memcpy(im + y * bytes, im + (y < first ? first : last) * bytes, bytes);
}

/* Gives every marked pixel the color of the nearest unmarked one of its row. */
static void extend_rows(uint8_t *im, int w, int h, const uint8_t *mark) {
    for (int y = 0; y < h; y++) {
        uint8_t *row = im + (size_t)y * w * 3;
        const uint8_t *m = mark + (size_t)y * w;
        int left = -1;
        for (int x = 0; x < w; x++) {
            if (!m[x]) {
                left = x;
                continue;
            }
            int right = x + 1;
            while (right < w && m[right]) right++;
            int from = right >= w ? left : left < 0 || right - x < x - left ? right : left;
            if (from >= 0) memcpy(row + 3 * x, row + 3 * from, 3);
        }
    }
}

/* Leaves some borders black and turns the others into the picture's edge drawn out, one color or noise, so that the
 * network cannot rely on any of them. */
static void fill_border(uint8_t *im, int w, int h, uint8_t *mark, int *stack, fct_rng *r) {
    uint32_t kind = fct_rng_below(r, 10); /* 0, 1 black; 2 to 5 drawn out; 6 to 8 a color; 9 noise */
    uint8_t color[3] = {(uint8_t)fct_rng_below(r, 256), (uint8_t)fct_rng_below(r, 256), (uint8_t)fct_rng_below(r, 256)};
    if (find_border(im, w, h, mark, stack) < w || kind < 2) return;
    if (kind < 6) {
        extend_rows(im, w, h, mark);
        extend_columns(im, w, h, mark);
        return;
    }
    for (int i = 0; i < w * h; i++)
        for (int c = 0; mark[i] && c < 3; c++) im[3 * i + c] = kind < 9 ? color[c] : (uint8_t)fct_rng_below(r, 256);
}

/* ---- Geometry and color ------------------------------------------------------------ */

/* Maps an output pixel to a crop pixel: u = a x + b y + c, v = d x + e y + f. */
static void draw_matrix(const fct_augment *a, fct_rng *r, int w, int h, int size, double m[6]) {
    double angle = fct_rng_range(r, -a->rotate, a->rotate) * 0.017453292519943295;
    double k = 1 / (1 + fct_rng_range(r, -a->scale, a->scale)), mid = (size - 1) / 2.0;
    double dx = fct_rng_range(r, -a->shift, a->shift), dy = fct_rng_range(r, -a->shift, a->shift);
    double mirror = fct_rng_chance(r, a->flip) ? -1 : 1;
    m[0] = k * cos(angle) * mirror, m[1] = -k * sin(angle);
    m[3] = k * sin(angle) * mirror, m[4] = k * cos(angle);
    m[2] = (w - 1) / 2.0 + dx - m[0] * mid - m[1] * mid;
    m[5] = (h - 1) / 2.0 + dy - m[3] * mid - m[4] * mid;
}

/* Bilinear interpolation with the edge repeated, since what lies outside the crop is unknown. */
static void warp(const uint8_t *im, int w, int h, const double m[6], int size, uint8_t *out) {
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++, out += 3) {
            float u = (float)(m[0] * x + m[1] * y + m[2]), v = (float)(m[3] * x + m[4] * y + m[5]);
            int iu = (int)floorf(u), iv = (int)floorf(v);
            float fu = u - (float)iu, fv = v - (float)iv;
            const uint8_t *row0 = im + (size_t)clamp(iv, 0, h - 1) * w * 3,
                          *row1 = im + (size_t)clamp(iv + 1, 0, h - 1) * w * 3;
            int c0 = 3 * clamp(iu, 0, w - 1), c1 = 3 * clamp(iu + 1, 0, w - 1);
            for (int c = 0; c < 3; c++) {
                float top = row0[c0 + c] + fu * (float)(row0[c1 + c] - row0[c0 + c]);
                float low = row1[c0 + c] + fu * (float)(row1[c1 + c] - row1[c0 + c]);
                out[c] = byte(top + fv * (low - top));
            }
        }
}

static float luma(const float p[3]) { return 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]; }

/* Changes contrast around the mean, then brightness, then saturation, or makes the picture gray. */
static void recolor(const fct_augment *a, fct_rng *r, uint8_t *im, int n) {
    float gain = (float)(1 + fct_rng_range(r, -a->brightness, a->brightness));
    float contrast = (float)(1 + fct_rng_range(r, -a->contrast, a->contrast));
    float saturation = (float)(1 + fct_rng_range(r, -a->saturation, a->saturation));
    if (fct_rng_chance(r, a->gray)) saturation = 0;
    if (gain == 1 && contrast == 1 && saturation == 1) return;
    double sum = 0;
    for (int i = 0; i < 3 * n; i++) sum += im[i];
    float mean = (float)(sum / (3.0 * n));
    for (int i = 0; i < n; i++, im += 3) {
        float p[3];
        for (int c = 0; c < 3; c++) p[c] = ((float)(im[c]) - mean) * contrast * gain + mean * gain;
        float y = luma(p);
        for (int c = 0; c < 3; c++) im[c] = byte(y + (p[c] - y) * saturation);
    }
}

/* ---- Degradations --------------------------------------------------------------------- */

/* One line of a five-tap blur; in and out must differ, since neighbors are read after their turn. */
static void blur_line(const uint8_t *in, uint8_t *out, int n, ptrdiff_t step, const float k[3]) {
    for (int i = 0; i < n; i++) {
        float s = k[0] * in[i * step];
        for (int d = 1; d < 3; d++)
            s += k[d] * (float)(in[clamp(i - d, 0, n - 1) * step] + in[clamp(i + d, 0, n - 1) * step]);
        out[i * step] = byte(s);
    }
}

/* A Gaussian of random width, first down the columns, then along the rows. */
static void blur(uint8_t *im, int size, fct_rng *r, uint8_t *tmp) {
    double sigma = fct_rng_range(r, 0.4, 1.4);
    float k[3], sum = 1;
    for (int d = 0; d < 3; d++) k[d] = (float)exp(-d * d / (2 * sigma * sigma));
    sum = k[0] + 2 * k[1] + 2 * k[2];
    for (int d = 0; d < 3; d++) k[d] /= sum;
    for (int i = 0; i < size * 3; i++) blur_line(im + i, tmp + i, size, 3 * (ptrdiff_t)size, k);
    for (int y = 0; y < size; y++)
        for (int c = 0; c < 3; c++)
            blur_line(tmp + (size_t)y * size * 3 + c, im + (size_t)y * size * 3 + c, size, 3, k);
}

/* Averages areas to shrink the picture to small x small. */
static void shrink(const uint8_t *im, int size, int small, uint8_t *out) {
    for (int y = 0; y < small; y++)
        for (int x = 0; x < small; x++) {
            int x0 = x * size / small, x1 = (x + 1) * size / small, y0 = y * size / small, y1 = (y + 1) * size / small;
            int sum[3] = {0}, n = (x1 - x0) * (y1 - y0);
            for (int v = y0; v < y1; v++)
                for (int u = x0; u < x1; u++)
                    for (int c = 0; c < 3; c++) sum[c] += im[((size_t)v * size + u) * 3 + c];
            for (int c = 0; c < 3; c++) out[((size_t)y * small + x) * 3 + c] = (uint8_t)(sum[c] / n);
        }
}

/* Loses detail as a distant face does: shrinks the picture and enlarges it again. */
static void down_and_up(const fct_augment *a, uint8_t *im, int size, fct_rng *r, uint8_t *tmp) {
    int small = clamp((int)(size * fct_rng_range(r, a->down_low, a->down_high)), 8, size);
    double k = (double)small / size, off = 0.5 * k - 0.5;
    const double m[6] = {k, 0, off, 0, k, off};
    shrink(im, size, small, tmp);
    warp(tmp, small, small, m, size, im);
}

static void recompress(const fct_augment *a, uint8_t *im, int size, fct_rng *r) {
    int quality = a->jpeg_low + (int)fct_rng_below(r, (uint32_t)(a->jpeg_high - a->jpeg_low + 1));
    fct_view v = {im, size, size, 3 * (ptrdiff_t)size, FCT_PIX_RGB};
    uint8_t *data;
    size_t len;
    fct_image *back;
    if (fct_image_encode(v, FCT_FILE_JPEG, quality, &data, &len, NULL)) return; /* built without JPEG: no change */
    if (!fct_image_decode(data, len, NULL, NULL, &back, NULL)) {
        fct_view b = fct_image_view(back);
        for (int y = 0; b.width == size && b.height == size && y < size; y++)
            memcpy(im + (size_t)y * size * 3, b.data + y * b.stride, (size_t)size * 3);
        fct_image_free(back);
    }
    fct_buffer_free(data);
}

/* Fills a rectangle with one color or with noise. */
static void paint(uint8_t *im, int size, int x0, int y0, int x1, int y1, fct_rng *r) {
    bool noise = fct_rng_chance(r, 0.3);
    uint8_t color[3] = {(uint8_t)fct_rng_below(r, 256), (uint8_t)fct_rng_below(r, 256), (uint8_t)fct_rng_below(r, 256)};
    for (int y = clamp(y0, 0, size); y < clamp(y1, 0, size); y++)
        for (int x = clamp(x0, 0, size); x < clamp(x1, 0, size); x++)
            for (int c = 0; c < 3; c++)
                im[((size_t)y * size + x) * 3 + c] = noise ? (uint8_t)fct_rng_below(r, 256) : color[c];
}

/* Covers a random rectangle, as a hand or a scarf would. */
static void occlude(uint8_t *im, int size, fct_rng *r) {
    int w = (int)(size * fct_rng_range(r, 0.12, 0.4)), h = (int)(size * fct_rng_range(r, 0.12, 0.4));
    int x = (int)(fct_rng_uniform(r) * size) - w / 2, y = (int)(fct_rng_uniform(r) * size) - h / 2;
    paint(im, size, x, y, x + w, y + h, r);
}

/* Covers the face from between nose and eyes down to the chin, as a face mask does. */
static void cover_mouth(uint8_t *im, int size, fct_rng *r) {
    int top = (int)(size * fct_rng_range(r, 0.54, 0.66)), side = (int)(size * fct_rng_range(r, 0.05, 0.2));
    paint(im, size, side, top, size - side, size, r);
}

void fct_augment_run(const fct_augment *a, double strength, fct_rng *r, fct_view crop, int out_size, uint8_t *pixels,
                     void *scratch) {
    int w = crop.width, h = crop.height, n = w * h;
    uint8_t *im = (uint8_t *)scratch + (size_t)n * 2 * sizeof(int), *mark = im + 3 * (size_t)n, *tmp = mark + n;
    double m[6];
    for (int y = 0; y < h; y++) memcpy(im + (size_t)y * w * 3, crop.data + y * crop.stride, (size_t)w * 3);
    if (a->fill_border) fill_border(im, w, h, mark, scratch, r);
    draw_matrix(a, r, w, h, out_size, m);
    warp(im, w, h, m, out_size, pixels);
    recolor(a, r, pixels, out_size * out_size);
    if (fct_rng_chance(r, a->down * strength)) down_and_up(a, pixels, out_size, r, tmp);
    if (fct_rng_chance(r, a->blur * strength)) blur(pixels, out_size, r, tmp);
    if (fct_rng_chance(r, a->jpeg * strength)) recompress(a, pixels, out_size, r);
    if (fct_rng_chance(r, a->occlude * strength)) occlude(pixels, out_size, r);
    if (fct_rng_chance(r, a->mask * strength)) cover_mouth(pixels, out_size, r);
}

void fct_augment_to_input(const uint8_t *pixels, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = ((float)pixels[i] - 127.5f) / 127.5f;
}
