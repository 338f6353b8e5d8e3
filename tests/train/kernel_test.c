/* Every level of every kernel against plain loops in double precision, on odd
 * sizes, odd distances and guard numbers behind what may be written. */
#include "train/kernels/tk.h"
#include "train/rng.h"
#include "../test.h"

#define GUARD 12345.0f
static fct_rng rng = {99};

static float *numbers(size_t n) {
    float *p = malloc((n + 16) * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = (float)fct_rng_normal(&rng);
    for (size_t i = n; i < n + 16; i++) p[i] = GUARD;
    return p;
}

static bool guarded(const float *p, size_t n) {
    for (size_t i = n; i < n + 16; i++)
        if (p[i] != GUARD) return false;
    return true;
}

static bool close_to(double got, double want, double scale) { return fabs(got - want) <= 2e-5 * (scale + fabs(want)); }

#define EACH_LEVEL(tk)                                                                                                 \
    const fct_tk *levels[8];                                                                                           \
    int n_levels = fct_tk_all(levels, 8);                                                                              \
    for (const fct_tk *tk = levels[0], **at = levels; at < levels + n_levels;                                          \
         at++, tk = at < levels + n_levels ? *at : tk)

/* B[l][j] in panels, as the packed weights lie. */
static double panel(const float *b, int nr, ptrdiff_t step, ptrdiff_t bk, int l, int j) {
    return b[j / nr * step + l * bk + j % nr];
}

static void check_gemm(const fct_tk *tk, int m, int n, int k, bool transposed, bool add) {
    ptrdiff_t lda = (transposed ? m : k) + 3, ldc = n + 5, bk = tk->nr, step = (ptrdiff_t)k * tk->nr;
    size_t a_n = (size_t)lda * (transposed ? k : m), b_n = (size_t)step * ((n + tk->nr - 1) / tk->nr),
           c_n = (size_t)ldc * (m - 1) + n;
    float *a = numbers(a_n), *b = numbers(b_n), *c = numbers(c_n), *before = malloc(c_n * sizeof *before);
    memcpy(before, c, c_n * sizeof *c);
    ptrdiff_t am = transposed ? 1 : lda, ak = transposed ? lda : 1;
    tk->gemm(m, n, k, a, am, ak, b, bk, step, c, ldc, add);
    int wrong = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < ldc && i * ldc + j < (ptrdiff_t)c_n; j++) {
            double want = add || j >= n ? before[i * ldc + j] : 0;
            for (int l = 0; j < n && l < k; l++) want += a[i * am + l * ak] * panel(b, tk->nr, step, bk, l, j);
            wrong += !close_to(c[i * ldc + j], want, sqrt(k));
        }
    CHECK_MSG(wrong == 0 && guarded(c, c_n), "%s: %d x %d x %d: %d wrong", tk->level, m, n, k, wrong);
    free(a), free(b), free(c), free(before);
}

TEST(gemm) {
    static const int m[] = {1, 5, 6, 12, 13, 25, 96}, n[] = {16, 32, 48, 80}, k[] = {1, 3, 64, 257, 520};
    EACH_LEVEL(tk)
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 4; j++)
            for (int l = 0; l < 5; l++) check_gemm(tk, m[i], n[j], k[l], (i + j + l) & 1, (i + l) & 2);
}

typedef struct act_rig {
    float *scale, *shift, *slope, *mean;
} act_rig;
static act_rig open_act(int cs) { return (act_rig){numbers(cs), numbers(cs), numbers(cs), numbers(cs)}; }
static void close_act(act_rig r) { free(r.scale), free(r.shift), free(r.slope), free(r.mean); }
static double prelu(const act_rig *r, int c, double x) {
    double z = r->scale[c] * x + r->shift[c];
    return z > 0 ? z : r->slope[c] * z;
}

TEST(activation) {
    EACH_LEVEL(tk)
    for (int rows = 1; rows < 20; rows += 6)
        for (int cs = 16; cs <= 48; cs += 16) {
            act_rig r = open_act(cs);
            fct_tk_act p = {r.scale, r.shift, r.slope, r.mean};
            size_t n = (size_t)rows * cs;
            float *x = numbers(n), *add = numbers(n), *y = numbers(n), *chunked = numbers(n), *sum = numbers(n);
            tk->act(rows, cs, x, cs, &p, (fct_tk_out){y, cs, FCT_CHUNK});
            tk->act(rows, cs, x, cs, &p, (fct_tk_out){chunked, FCT_CHUNK, (ptrdiff_t)rows * FCT_CHUNK});
            tk->act_add(rows, cs, x, &p, add, sum);
            int wrong = 0;
            for (int i = 0; i < rows; i++)
                for (int c = 0; c < cs; c++) {
                    double want = prelu(&r, c, x[i * cs + c]);
                    wrong += !close_to(y[i * cs + c], want, 1) ||
                             !close_to(sum[i * cs + c], want + add[i * cs + c], 1) ||
                             !close_to(chunked[(c / 16 * rows + i) * 16 + c % 16], want, 1);
                }
            CHECK_MSG(!wrong && guarded(y, n) && guarded(chunked, n) && guarded(sum, n), "%s: %d x %d", tk->level, rows,
                      cs);
            close_act(r);
            free(x), free(add), free(y), free(chunked), free(sum);
        }
}

TEST(statistics_and_batch_norm) {
    EACH_LEVEL(tk)
    for (int rows = 1; rows < 40; rows += 13) {
        enum { CS = 48 };
        float *x = numbers((size_t)rows * CS), *y = numbers((size_t)rows * CS), *dz = numbers((size_t)rows * CS),
              *out = numbers((size_t)rows * CS), *a = numbers(CS), *b = numbers(CS), *c = numbers(CS), s[2 * CS] = {0};
        tk->stats(rows, CS, x, CS, y, CS, s, s + CS);
        tk->bn_back(rows, CS, dz, x, CS, a, b, c, (fct_tk_out){out, CS, FCT_CHUNK});
        int wrong = memcmp(x, y, (size_t)rows * CS * sizeof *x) != 0;
        for (int k = 0; k < CS; k++) {
            double sum = 0, sq = 0;
            for (int r = 0; r < rows; r++) {
                double v = x[r * CS + k];
                sum += v, sq += v * v;
                wrong += !close_to(out[r * CS + k], (double)a[k] * dz[r * CS + k] + b[k] * v + c[k], 1);
            }
            wrong += !close_to(s[k], sum, rows) || !close_to(s[CS + k], sq, rows);
        }
        CHECK_MSG(!wrong && guarded(y, (size_t)rows * CS) && guarded(out, (size_t)rows * CS), "%s: %d rows", tk->level,
                  rows);
        free(x), free(y), free(dz), free(out), free(a), free(b), free(c);
    }
}

TEST(activation_backward) {
    EACH_LEVEL(tk)
    for (int skipped = 0; skipped < 2; skipped++) {
        enum { ROWS = 23, LD = 32 };
        act_rig r = open_act(16);
        fct_tk_act p = {r.scale, r.shift, r.slope, r.mean};
        float *g = numbers(ROWS * LD), *x = numbers(ROWS * LD), *skip = numbers(ROWS * LD), *dz = numbers(ROWS * 16);
        float sums[48] = {0};
        double want[48] = {0};
        int wrong = 0;
        tk->act_back(ROWS, g, LD, skipped ? skip : NULL, LD, x, LD, &p, dz, 16, sums);
        for (int i = 0; i < ROWS; i++)
            for (int c = 0; c < 16; c++) {
                double gv = g[i * LD + c] + (skipped ? skip[i * LD + c] : 0), xv = x[i * LD + c];
                double z = r.scale[c] * xv + r.shift[c], d = z > 0 ? gv : gv * r.slope[c];
                want[c] += d, want[16 + c] += d * (xv - r.mean[c]), want[32 + c] += z > 0 ? 0 : gv * z;
                wrong += !close_to(dz[i * 16 + c], d, 1);
            }
        for (int k = 0; k < 48; k++) wrong += !close_to(sums[k], want[k], ROWS);
        CHECK_MSG(!wrong && guarded(dz, ROWS * 16), "%s: %d wrong", tk->level, wrong);
        close_act(r);
        free(g), free(x), free(skip), free(dz);
    }
}

static void check_depthwise(const fct_tk *tk, int ow, int k, int stride) {
    size_t width = (size_t)(ow - 1) * stride + k, ldo = 32;
    float *row[8], *w = numbers((size_t)k * k * 16), *out = numbers((ow - 1) * ldo + 16),
                   *dx = numbers((size_t)ow * 16);
    float *dw = numbers((size_t)k * k * 16), *dw_before = malloc((size_t)k * k * 16 * sizeof *dw);
    float *g = numbers(width * 16), *g_before = malloc(width * 16 * sizeof *g);
    int wrong = 0;
    for (int i = 0; i < k; i++) row[i] = numbers(width * 16);
    memcpy(dw_before, dw, (size_t)k * k * 16 * sizeof *dw);
    memcpy(g_before, g, width * 16 * sizeof *g);
    tk->dw_fwd(ow, k, stride, (const float *const *)row, w, out, (ptrdiff_t)ldo);
    tk->dw_wgrad(ow, k, stride, (const float *const *)row, dx, dw);
    tk->dw_scatter(ow, k, stride, dx, w, g);
    for (int c = 0; c < 16; c++) {
        double spread[256] = {0};
        for (size_t x = 0; x < width; x++) spread[x] = g_before[x * 16 + c];
        for (int x = 0; x < ow; x++) {
            double s = 0;
            for (int i = 0; i < k * k; i++) s += w[i * 16 + c] * row[i / k][(x * stride + i % k) * 16 + c];
            for (int t = 0; t < k; t++) spread[x * stride + t] += dx[x * 16 + c] * w[t * 16 + c];
            wrong += !close_to(out[x * ldo + c], s, k);
        }
        for (size_t x = 0; x < width; x++) wrong += !close_to(g[x * 16 + c], spread[x], k);
        for (int i = 0; i < k * k; i++) {
            double s = dw_before[i * 16 + c];
            for (int x = 0; x < ow; x++) s += dx[x * 16 + c] * row[i / k][(x * stride + i % k) * 16 + c];
            wrong += !close_to(dw[i * 16 + c], s, ow);
        }
    }
    CHECK_MSG(!wrong && guarded(g, width * 16) && guarded(dw, (size_t)k * k * 16),
              "%s: width %d, %d x %d, stride %d: %d wrong", tk->level, ow, k, k, stride, wrong);
    for (int i = 0; i < k; i++) free(row[i]);
    free(w), free(out), free(dx), free(dw), free(dw_before), free(g), free(g_before);
}

TEST(depthwise) {
    EACH_LEVEL(tk)
    for (int ow = 1; ow < 12; ow += 3)
        for (int stride = 1; stride <= 3; stride++) {
            check_depthwise(tk, ow, 3, stride);
            check_depthwise(tk, ow, 5, stride);
            check_depthwise(tk, ow, 7, stride);
        }
}

int main(int argc, char **argv) { return test_main(argc, argv); }
