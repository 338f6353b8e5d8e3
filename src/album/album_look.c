/* A perceptual hash after Zauner, "Implementation and Benchmarking of Perceptual
 * Image Hash Functions" (2010), section 3.2: the picture in gray at 32 x 32, its
 * discrete cosine transform, and of each of the lowest 8 x 8 frequencies (without
 * those of constant rows and columns) whether it is above the median. Saving,
 * resizing and small crops change few bits. Pictures of one burst can differ in as
 * few, so a second look decides: the correlation of both pictures at 16 x 16.
 * docs/decisions/0080-album.md has the measured limits. */
#include "album/album_look.h"
#include <math.h>
#include <string.h>

enum { SIDE = 32, LOW = 8 };
#define LEAST_LIKENESS 0.96 /* correlation */
#define MOST_STRETCH   1.12 /* ratio of the two ratios of width to height */

/* The picture reduced to n x n cells of mean brightness, 0..255, of up to about 16 x 16 pixels each, evenly spread; a
 * picture with fewer pixels than cells has some repeated. */
static void reduce(fct_view v, int n, float *out) {
    int bytes = fct_pixel_bytes(v.format), red = v.format == FCT_PIX_BGR || v.format == FCT_PIX_BGRA ? 2 : 0;
    for (int cy = 0; cy < n; cy++) {
        int y0 = (int)((int64_t)v.height * cy / n), y1 = (int)((int64_t)v.height * (cy + 1) / n);
        if (y1 <= y0) y1 = y0 + 1;
        for (int cx = 0; cx < n; cx++) {
            int x0 = (int)((int64_t)v.width * cx / n), x1 = (int)((int64_t)v.width * (cx + 1) / n);
            uint64_t sum = 0;
            if (x1 <= x0) x1 = x0 + 1;
            int dx = (x1 - x0 + 15) / 16, dy = (y1 - y0 + 15) / 16, count = 0;
            for (int y = y0 + dy / 2; y < y1; y += dy) {
                const uint8_t *p = v.data + (ptrdiff_t)y * v.stride + (ptrdiff_t)(x0 + dx / 2) * bytes;
                for (int x = x0 + dx / 2; x < x1; x += dx, p += dx * bytes, count++)
                    sum += bytes == 1 ? 256u * p[0] : 77u * p[red] + 150u * p[1] + 29u * p[2 - red];
            }
            out[cy * n + cx] = (float)((double)sum / 256 / count);
        }
    }
}

/* The frequencies 1..8 by 1..8 of the transform (DCT-II) of 32 x 32 numbers. */
static void low_frequencies(const float *in, float out[LOW * LOW]) {
    float wave[LOW][SIDE], rows[SIDE][LOW];
    for (int k = 0; k < LOW; k++)
        for (int i = 0; i < SIDE; i++) wave[k][i] = (float)cos(3.14159265358979323846 / SIDE * (i + 0.5) * (k + 1));
    for (int y = 0; y < SIDE; y++)
        for (int k = 0; k < LOW; k++) {
            float sum = 0;
            for (int x = 0; x < SIDE; x++) sum += in[y * SIDE + x] * wave[k][x];
            rows[y][k] = sum;
        }
    for (int j = 0; j < LOW; j++)
        for (int k = 0; k < LOW; k++) {
            float sum = 0;
            for (int y = 0; y < SIDE; y++) sum += rows[y][k] * wave[j][y];
            out[j * LOW + k] = sum;
        }
}

/* Mean of the two middle ones of 64 numbers. */
static float median(const float *v) {
    float low = 0, high = 0;
    for (int i = 0; i < LOW * LOW; i++) {
        int rank = 0;
        for (int k = 0; k < LOW * LOW; k++) rank += v[k] < v[i] || (v[k] == v[i] && k < i);
        if (rank == LOW * LOW / 2 - 1) low = v[i];
        if (rank == LOW * LOW / 2) high = v[i];
    }
    return (low + high) / 2;
}

bool fct_look_measure(fct_view v, fct_look *out) {
    float gray[SIDE * SIDE], f[LOW * LOW], small[FCT_LOOK_SIZE], least = 255, most = 0;
    reduce(v, SIDE, gray);
    low_frequencies(gray, f);
    float middle = median(f);
    memset(out, 0, sizeof *out);
    for (int i = 0; i < LOW * LOW; i++) out->phash |= (uint64_t)(f[i] > middle) << i;
    for (int y = 0; y < FCT_LOOK_SIDE; y++)
        for (int x = 0; x < FCT_LOOK_SIDE; x++) {
            const float *p = gray + 2 * y * SIDE + 2 * x;
            float mean = (p[0] + p[1] + p[SIDE] + p[SIDE + 1]) / 4;
            small[y * FCT_LOOK_SIDE + x] = mean;
            least = mean < least ? mean : least;
            most = mean > most ? mean : most;
        }
    if (most - least < 4) return false;
    for (int i = 0; i < FCT_LOOK_SIZE; i++) out->gray[i] = (uint8_t)((small[i] - least) / (most - least) * 255 + 0.5f);
    return true;
}

int fct_phash_distance(uint64_t a, uint64_t b) {
    int n = 0;
    for (uint64_t x = a ^ b; x; x &= x - 1) n++;
    return n;
}

double fct_look_likeness(const uint8_t a[FCT_LOOK_SIZE], const uint8_t b[FCT_LOOK_SIZE]) {
    int64_t sa = 0, sb = 0, aa = 0, bb = 0, ab = 0, n = FCT_LOOK_SIZE;
    for (int i = 0; i < FCT_LOOK_SIZE; i++) {
        sa += a[i], sb += b[i];
        aa += a[i] * a[i], bb += b[i] * b[i], ab += a[i] * b[i];
    }
    double va = (double)(n * aa - sa * sa), vb = (double)(n * bb - sb * sb);
    return va > 0 && vb > 0 ? (double)(n * ab - sa * sb) / sqrt(va * vb) : 0;
}

bool fct_look_same(const fct_look *a, int width_a, int height_a, const fct_look *b, int width_b, int height_b) {
    if (width_a < 1 || height_a < 1 || width_b < 1 || height_b < 1) return false;
    double stretch = (double)width_a * height_b / ((double)height_a * width_b);
    if (stretch > MOST_STRETCH || stretch < 1 / MOST_STRETCH) return false;
    return fct_phash_distance(a->phash, b->phash) <= FCT_LOOK_MOST_DISTANCE &&
           fct_look_likeness(a->gray, b->gray) >= LEAST_LIKENESS;
}
