/* Winograd transforms, reference: matrices from the definition, in double. */
#include "kernels/decl.h"
#include <math.h>
#include <string.h>

enum { MOST = FCT_WINO_ALPHA_MAX };

/* Point j of a family (j = 0 is infinity) and the scale of its row of weights. */
static double point(int family, int j) {
    static const double magnitude[2][4] = {{0, 0.70710678118654752440, 1.41421356237309504880, 0}, {0, 1, 2, 0.5}};
    return (j & 1 ? -1 : 1) * magnitude[family == 6][j / 2];
}
static double row_scale(int family, int j) {
    static const double scale[2][4] = {{1, 2. / 3, 1. / 6, 0}, {1, -2. / 9, 1. / 90, 32. / 45}};
    return scale[family == 6][j / 2];
}

/* Input transform for m outputs: r[j][t], j, t < m + 2. Row 0 is the product of
 * (x - a) over the finite points, the others Lagrange's basis polynomials. */
static void input_matrix(int family, int m, double r[MOST][MOST]) {
    const int n = m + 2;
    for (int j = 0; j < n; j++) {
        double poly[MOST + 1] = {1}, denominator = j ? row_scale(family, j) : 1;
        int degree = 0;
        for (int i = 1; i < n; i++) {
            if (i == j) continue;
            const double a = point(family, i);
            degree++;
            for (int t = degree; t >= 0; t--) poly[t] = (t ? poly[t - 1] : 0) - a * (t < degree ? poly[t] : 0);
            if (j) denominator *= point(family, j) - a;
        }
        for (int t = 0; t < n; t++) r[j][t] = t <= degree ? poly[t] / denominator : 0;
    }
}

/* Output transform: r[i][j], i < m. */
static void output_matrix(int family, int m, double r[MOST][MOST]) {
    for (int i = 0; i < m; i++) {
        r[i][0] = i == m - 1;
        for (int j = 1; j < m + 2; j++) r[i][j] = pow(point(family, j), i);
    }
}

/* Transforms 3 x 3 weights to all points of the family: each point's row holds the powers of the point, scaled. */
void fct_k_wino_weights_c(int family, const float *g, int lanes, float scale, float *u, size_t point_stride) {
    const int alpha = fct_wino_alpha(family);
    double row[MOST][3] = {{0, 0, 1}};
    for (int j = 1; j < alpha; j++)
        for (int k = 0; k < 3; k++) row[j][k] = row_scale(family, j) * pow(point(family, j), k);
    for (int a = 0; a < alpha; a++)
        for (int b = 0; b < alpha; b++, u += point_stride)
            for (int l = 0; l < lanes; l++) {
                double sum = 0;
                for (int k = 0; k < 9; k++) sum += row[a][k / 3] * row[b][k % 3] * g[k * lanes + l];
                u[l] = (float)(sum * scale);
            }
}

/* One input value of a tile, 0 outside the image; scale and shift apply inside only. */
static double in_pixel(const fct_k_wino_in *t, const fct_k_tile *tile, int y, int x, int lane) {
    const fct_k_geom *g = &t->g;
    const int iy = tile->y + y - g->pad_top, ix = tile->x + x - g->pad_left;
    if (iy < 0 || iy >= g->ih || ix < 0 || ix >= g->iw) return 0;
    const double v = t->in[tile->image * t->image_stride + ((size_t)iy * g->iw + ix) * g->cb + lane];
    return t->scale ? v * t->scale[lane] + t->shift[lane] : v;
}

/* Computes r = left (rows x inner) d (inner x columns) right^T, for one lane. */
static void sandwich(int rows, int inner_y, int columns, int inner_x, double left[MOST][MOST], double d[MOST][MOST],
                     double right[MOST][MOST], double r[MOST][MOST]) {
    double half[MOST][MOST];
    for (int i = 0; i < rows; i++)
        for (int x = 0; x < inner_x; x++) {
            half[i][x] = 0;
            for (int y = 0; y < inner_y; y++) half[i][x] += left[i][y] * d[y][x];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            r[i][j] = 0;
            for (int x = 0; x < inner_x; x++) r[i][j] += half[i][x] * right[j][x];
        }
}

void fct_k_wino_in_c(const fct_k_wino_in *t) {
    const int ny = t->my + 2, nx = t->mx + 2, alpha = fct_wino_alpha(t->family);
    double by[MOST][MOST], bx[MOST][MOST], d[MOST][MOST], r[MOST][MOST];
    input_matrix(t->family, t->my, by);
    input_matrix(t->family, t->mx, bx);
    const int lanes = t->half ? t->g.cb / 2 : t->g.cb;
    for (int i = 0; i < t->n; i++)
        for (int l = 0; l < lanes; l++) {
            for (int y = 0; y < ny; y++)
                for (int x = 0; x < nx; x++) d[y][x] = in_pixel(t, &t->tiles[i], y, x, l);
            sandwich(ny, ny, nx, nx, by, d, bx, r);
            for (int a = 0; a < ny; a++)
                for (int b = 0; b < nx; b++)
                    t->v[(size_t)(a * alpha + b) * t->point_stride + (size_t)i * lanes + l] = (float)r[a][b];
        }
}

void fct_k_wino_gemm_c(const fct_k_wino_gemm *g) {
    const int cb = g->cb, depth = g->full * cb + g->tail, half = cb / 2;
    for (int p = 0; p < g->points; p++)
        for (int b = 0; b < g->mv; b++)
            for (int i = g->part[p][0]; i < g->part[p][0] + g->part[p][1]; i++) {
                const int lanes = g->half_out && b == g->mv - 1 ? half : cb;
                for (int l = 0; l < lanes; l++) {
                    float sum = 0;
                    for (int k = 0; k < depth; k++) {
                        const int in = g->half_in && k / cb == g->full ? half : cb;
                        sum += g->u[(((size_t)p * depth + k) * g->mv + b) * cb + l] *
                               g->v[p * g->v_point + k / cb * g->v_block + (size_t)i * in + k % cb];
                    }
                    g->m[p * g->m_point + b * g->m_block + (size_t)i * lanes + l] = sum;
                }
            }
}

/* Stores one output value of one lane. */
static void out_pixel(const fct_k_wino_out *t, const fct_k_tile *tile, int y, int x, int lane, double v) {
    const fct_k_geom *g = &t->g;
    y += tile->y;
    x += tile->x;
    if (y >= g->oh || x >= g->ow) return;
    const size_t at = ((size_t)y * g->ow + x) * g->cb + lane;
    const size_t coarse = ((size_t)(y / 2) * ((g->ow + 1) / 2) + x / 2) * g->cb + lane;
    fct_k_epilogue one = *t->e;
    one.cb = 1;
    one.bias += lane;
    if (one.slope) one.slope += lane;
    const float raw = (float)(v * t->scale);
    const float *add = t->add ? t->add + tile->image * t->add_image_stride + (t->add_up2 ? coarse : at) : NULL;
    float *const image = t->out + tile->image * t->image_stride;
    if (!t->pool2) {
        fct_k_conv_epilogue_c(&one, &raw, add, image + at, 1);
        return;
    }
    float finished, *const greatest = image + ((size_t)(y / 2) * (g->ow / 2) + x / 2) * g->cb + lane;
    fct_k_conv_epilogue_c(&one, &raw, add, &finished, 1);
    *greatest = y % 2 == 0 && x % 2 == 0 ? finished : fmaxf(*greatest, finished);
}

static void clear_upper_lanes(const fct_k_wino_out *t) {
    const size_t cb = (size_t)t->g.cb;
    for (int i = 0; i < t->n; i++) {
        const fct_k_tile *p = &t->tiles[i];
        const int shift = t->pool2, width = t->g.ow >> shift;
        for (int y = p->y; y < p->y + t->my && y < t->g.oh; y++)
            for (int x = p->x; x < p->x + t->mx && x < t->g.ow; x++)
                memset(t->out + p->image * t->image_stride + ((size_t)(y >> shift) * width + (x >> shift)) * cb +
                           cb / 2,
                       0, cb / 2 * sizeof(float));
    }
}

void fct_k_wino_out_c(const fct_k_wino_out *t) {
    const int ny = t->my + 2, nx = t->mx + 2, alpha = fct_wino_alpha(t->family);
    double ay[MOST][MOST], ax[MOST][MOST], d[MOST][MOST], r[MOST][MOST];
    output_matrix(t->family, t->my, ay);
    output_matrix(t->family, t->mx, ax);
    const int lanes = t->half ? t->g.cb / 2 : t->g.cb;
    for (int i = 0; i < t->n; i++)
        for (int l = 0; l < lanes; l++) {
            for (int a = 0; a < ny; a++)
                for (int b = 0; b < nx; b++)
                    d[a][b] = t->m[(size_t)(a * alpha + b) * t->point_stride + (size_t)i * lanes + l];
            sandwich(t->my, ny, t->mx, nx, ay, d, ax, r);
            for (int y = 0; y < t->my; y++)
                for (int x = 0; x < t->mx; x++) out_pixel(t, &t->tiles[i], y, x, l, r[y][x]);
        }
    if (t->half) clear_upper_lanes(t);
}
