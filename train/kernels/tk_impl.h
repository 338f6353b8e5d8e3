/* The kernels of tk.h for one vector width. The including file defines
 * TK_VBYTES (bytes of a vector), TK_MR and TK_NV (accumulators of the GEMM: rows
 * and vectors) and TK_LEVEL (name as an identifier). TK_MR is at most 12. */
#include "tk.h"

#define TK_VW     ((int)(TK_VBYTES / sizeof(fct_real)))
#define TK_NR     (TK_NV * TK_VW)
#define TK_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define TK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TK_UNROLL _Pragma("GCC unroll 16")
#endif

#ifdef FCT_TRAIN_DOUBLE
typedef long long tk_int;
#else
typedef int tk_int;
#endif
typedef fct_real tk_vec __attribute__((vector_size(TK_VBYTES)));
typedef tk_int tk_ivec __attribute__((vector_size(TK_VBYTES)));
typedef fct_real tk_mem __attribute__((vector_size(TK_VBYTES), aligned(sizeof(fct_real)), may_alias));

TK_INLINE tk_vec ld(const fct_real *p) { return (tk_vec) * (const tk_mem *)p; }
TK_INLINE void st(fct_real *p, tk_vec v) { *(tk_mem *)p = (tk_mem)v; }
TK_INLINE tk_vec splat(fct_real x) { return x - (tk_vec){0}; }
/* max(z, 0); min(z, 0) is z minus this. */
TK_INLINE tk_vec positive(tk_vec z) { return (tk_vec)((tk_ivec)z & (tk_ivec)(z > (tk_vec){0})); }

/* ---- GEMM ------------------------------------------------------------------ */

TK_INLINE void micro(const int mr, const int nv, int k, const fct_real *a, ptrdiff_t am, ptrdiff_t ak,
                     const fct_real *b, ptrdiff_t bk, fct_real *c, ptrdiff_t ldc, bool add) {
    tk_vec acc[TK_MR][TK_NV];
    TK_UNROLL
    for (int i = 0; i < mr; i++) {
        TK_UNROLL
        for (int j = 0; j < nv; j++) acc[i][j] = (tk_vec){0};
    }
    for (int l = 0; l < k; l++, a += ak, b += bk) {
        tk_vec bv[TK_NV];
        TK_UNROLL
        for (int j = 0; j < nv; j++) bv[j] = ld(b + j * TK_VW);
        TK_UNROLL
        for (int i = 0; i < mr; i++) {
            tk_vec av = splat(a[i * am]);
            TK_UNROLL
            for (int j = 0; j < nv; j++) acc[i][j] += av * bv[j];
        }
    }
    TK_UNROLL
    for (int i = 0; i < mr; i++) {
        TK_UNROLL
        for (int j = 0; j < nv; j++) {
            fct_real *p = c + i * ldc + j * TK_VW;
            st(p, add ? ld(p) + acc[i][j] : acc[i][j]);
        }
    }
}

#define TK_ROWS(n)                                                                                                     \
    case n:                                                                                                            \
        micro(n, nv, k, a, am, ak, b, bk, c, ldc, add);                                                                \
        break;
TK_INLINE void micro_rows(int mr, const int nv, int k, const fct_real *a, ptrdiff_t am, ptrdiff_t ak, const fct_real *b,
                          ptrdiff_t bk, fct_real *c, ptrdiff_t ldc, bool add) {
    /* clang-format off */
    switch (mr) {
    TK_ROWS(1) TK_ROWS(2) TK_ROWS(3) TK_ROWS(4)
#if TK_MR > 4
    TK_ROWS(5) TK_ROWS(6)
#endif
#if TK_MR > 6
    TK_ROWS(7) TK_ROWS(8) TK_ROWS(9) TK_ROWS(10) TK_ROWS(11) TK_ROWS(12)
#endif
    default: break;
    }
    /* clang-format on */
}

/* Columns [0, n) of one panel. */
static void gemm_panel(int m, int n, int k, const fct_real *a, ptrdiff_t am, ptrdiff_t ak, const fct_real *b,
                       ptrdiff_t bk, fct_real *c, ptrdiff_t ldc, bool add) {
    int blocks = (m + TK_MR - 1) / TK_MR;
    for (int t = 0, i = 0; t < blocks; t++) {
        int mr = (m - i + blocks - t - 1) / (blocks - t); /* even shares: no thin last block */
        if (n == TK_NR) micro_rows(mr, TK_NV, k, a + i * am, am, ak, b, bk, c + i * ldc, ldc, add);
        else
            for (int j = 0; j < n; j += TK_VW)
                micro_rows(mr, 1, k, a + i * am, am, ak, b + j, bk, c + i * ldc + j, ldc, add);
        i += mr;
    }
}

static void gemm(int m, int n, int k, const fct_real *a, ptrdiff_t am, ptrdiff_t ak, const fct_real *b, ptrdiff_t bk,
                 ptrdiff_t panel, fct_real *c, ptrdiff_t ldc, bool add) {
    enum { KC = 256 }; /* a panel of B of this depth stays in the first-level cache */
    for (int l = 0; l < k; l += KC) {
        int kc = k - l < KC ? k - l : KC;
        for (int j = 0; j < n; j += TK_NR)
            gemm_panel(m, n - j < TK_NR ? n - j : TK_NR, kc, a + l * ak, am, ak, b + (j / TK_NR) * panel + l * bk, bk,
                       c + j, ldc, add || l > 0);
    }
}

/* ---- Elementwise ------------------------------------------------------------- */

TK_INLINE tk_vec activate(const fct_real *x, const fct_tk_act *p, int c) {
    tk_vec z = ld(x + c) * ld(p->scale + c) + ld(p->shift + c), pos = positive(z);
    return pos + (z - pos) * ld(p->slope + c);
}

static void act(int rows, int cs, const fct_real *x, ptrdiff_t ldx, const fct_tk_act *p, fct_tk_out out) {
    for (int r = 0; r < rows; r++, x += ldx)
        for (int c = 0; c < cs; c += FCT_CHUNK) {
            fct_real *o = out.p + r * out.row + c / FCT_CHUNK * out.chunk;
            TK_UNROLL
            for (int j = 0; j < FCT_CHUNK; j += TK_VW) st(o + j, activate(x, p, c + j));
        }
}

static void act_add(int rows, int cs, const fct_real *x, const fct_tk_act *p, const fct_real *add, fct_real *y) {
    for (int r = 0; r < rows; r++, x += cs, y += cs, add += add ? cs : 0)
        for (int c = 0; c < cs; c += TK_VW) {
            tk_vec v = activate(x, p, c);
            st(y + c, add ? v + ld(add + c) : v);
        }
}

static void stats(int rows, int cs, const fct_real *src, ptrdiff_t lds, fct_real *dst, ptrdiff_t ldd, fct_real *sum,
                  fct_real *sq) {
    bool copy = src != dst;
    for (int c = 0; c < cs; c += FCT_CHUNK) {
        enum { V = FCT_CHUNK / TK_VW };
        tk_vec s[V], q[V];
        TK_UNROLL
        for (int j = 0; j < V; j++) s[j] = ld(sum + c + j * TK_VW), q[j] = ld(sq + c + j * TK_VW);
        for (int r = 0; r < rows; r++) {
            TK_UNROLL
            for (int j = 0; j < V; j++) {
                tk_vec v = ld(src + r * lds + c + j * TK_VW);
                s[j] += v;
                q[j] += v * v;
                if (copy) st(dst + r * ldd + c + j * TK_VW, v);
            }
        }
        TK_UNROLL
        for (int j = 0; j < V; j++) st(sum + c + j * TK_VW, s[j]), st(sq + c + j * TK_VW, q[j]);
    }
}

static void bn_back(int rows, int cs, const fct_real *dz, const fct_real *x, ptrdiff_t ldi, const fct_real *a,
                    const fct_real *b, const fct_real *c, fct_tk_out out) {
    for (int r = 0; r < rows; r++, x += ldi, dz += ldi)
        for (int i = 0; i < cs; i += FCT_CHUNK) {
            fct_real *o = out.p + r * out.row + i / FCT_CHUNK * out.chunk;
            TK_UNROLL
            for (int j = 0; j < FCT_CHUNK; j += TK_VW)
                st(o + j, ld(dz + i + j) * ld(a + i + j) + (ld(x + i + j) * ld(b + i + j) + ld(c + i + j)));
        }
}

static void act_back(int rows, const fct_real *g, ptrdiff_t ldg, const fct_real *skip, ptrdiff_t lds, const fct_real *x,
                     ptrdiff_t ldx, const fct_tk_act *p, fct_real *dz, ptrdiff_t ldz, fct_real *sums) {
    for (int c = 0; c < FCT_CHUNK; c += TK_VW) {
        const tk_vec scale = ld(p->scale + c), shift = ld(p->shift + c), slope = ld(p->slope + c);
        const tk_vec mean = ld(p->mean + c), zero = {0};
        tk_vec s0 = zero, s1 = zero, s2 = zero;
        for (int r = 0; r < rows; r++) {
            tk_vec gv = ld(g + r * ldg + c), xv = ld(x + r * ldx + c);
            if (skip) gv += ld(skip + r * lds + c);
            tk_vec z = xv * scale + shift, pos = positive(z);
            tk_vec gp = (tk_vec)((tk_ivec)gv & (tk_ivec)(z > zero)), d = gp + (gv - gp) * slope;
            s0 += d;
            s1 += d * (xv - mean);
            s2 += gv * (z - pos);
            st(dz + r * ldz + c, d);
        }
        st(sums + c, ld(sums + c) + s0);
        st(sums + FCT_CHUNK + c, ld(sums + FCT_CHUNK + c) + s1);
        st(sums + 2 * FCT_CHUNK + c, ld(sums + 2 * FCT_CHUNK + c) + s2);
    }
}

/* ---- Depthwise ----------------------------------------------------------------- */

/* TK_DWX output pixels at once share the loads of weights and, at stride 1, of
 * inputs. */
#define TK_DWX 4
TK_INLINE void dw_block(const int nx, const int k, const int stride, const fct_real *const *in, int x, int c,
                        const fct_real *w, fct_real *out, ptrdiff_t ldo) {
    tk_vec acc[TK_DWX];
    TK_UNROLL
    for (int j = 0; j < nx; j++) acc[j] = (tk_vec){0};
    for (int i = 0; i < k; i++) {
        const fct_real *p = in[i] + (ptrdiff_t)x * stride * FCT_CHUNK + c;
        for (int t = 0; t < k; t++) {
            tk_vec wv = ld(w + (i * k + t) * FCT_CHUNK + c);
            TK_UNROLL
            for (int j = 0; j < nx; j++) acc[j] += wv * ld(p + (j * stride + t) * FCT_CHUNK);
        }
    }
    TK_UNROLL
    for (int j = 0; j < nx; j++) st(out + (x + j) * ldo + c, acc[j]);
}

TK_INLINE void dw_rows(int ow, const int k, const int stride, const fct_real *const *in, const fct_real *w,
                       fct_real *out, ptrdiff_t ldo) {
    for (int c = 0; c < FCT_CHUNK; c += TK_VW) {
        int x = 0;
        for (; x + TK_DWX <= ow; x += TK_DWX) dw_block(TK_DWX, k, stride, in, x, c, w, out, ldo);
        for (; x < ow; x++) dw_block(1, k, stride, in, x, c, w, out, ldo);
    }
}

static void dw_fwd(int ow, int k, int stride, const fct_real *const *in, const fct_real *w, fct_real *out,
                   ptrdiff_t ldo) {
    if (k == 3 && stride == 1) dw_rows(ow, 3, 1, in, w, out, ldo);
    else if (k == 3 && stride == 2) dw_rows(ow, 3, 2, in, w, out, ldo);
    else dw_rows(ow, k, stride, in, w, out, ldo);
}

/* The three taps of a 3-wide kernel row stay in registers along the row. */
TK_INLINE void dw_wgrad3(int ow, const int stride, const fct_real *in, const fct_real *dx, fct_real *dw) {
    for (int c = 0; c < FCT_CHUNK; c += TK_VW) {
        tk_vec a[3];
        TK_UNROLL
        for (int t = 0; t < 3; t++) a[t] = ld(dw + t * FCT_CHUNK + c);
        for (int x = 0; x < ow; x++) {
            tk_vec d = ld(dx + x * FCT_CHUNK + c);
            TK_UNROLL
            for (int t = 0; t < 3; t++) a[t] += d * ld(in + (ptrdiff_t)(x * stride + t) * FCT_CHUNK + c);
        }
        TK_UNROLL
        for (int t = 0; t < 3; t++) st(dw + t * FCT_CHUNK + c, a[t]);
    }
}

static void dw_wgrad(int ow, int k, int stride, const fct_real *const *in, const fct_real *dx, fct_real *dw) {
    for (int i = 0; i < k; i++, dw += k * FCT_CHUNK) {
        if (k == 3 && stride == 1) dw_wgrad3(ow, 1, in[i], dx, dw);
        else if (k == 3) dw_wgrad3(ow, stride, in[i], dx, dw);
        else
            for (int x = 0; x < ow; x++)
                for (int t = 0; t < k; t++)
                    for (int c = 0; c < FCT_CHUNK; c += TK_VW)
                        st(dw + t * FCT_CHUNK + c,
                           ld(dw + t * FCT_CHUNK + c) +
                               ld(dx + x * FCT_CHUNK + c) * ld(in[i] + (ptrdiff_t)(x * stride + t) * FCT_CHUNK + c));
    }
}

static void dw_scatter(int ow, int k, int stride, const fct_real *dx, const fct_real *w, fct_real *g) {
    for (int x = 0; x < ow; x++)
        for (int t = 0; t < k; t++) {
            fct_real *p = g + (ptrdiff_t)(x * stride + t) * FCT_CHUNK;
            TK_UNROLL
            for (int c = 0; c < FCT_CHUNK; c += TK_VW)
                st(p + c, ld(p + c) + ld(dx + x * FCT_CHUNK + c) * ld(w + t * FCT_CHUNK + c));
        }
}

#define TK_CAT_(a, b) a##b
#define TK_CAT(a, b)  TK_CAT_(a, b)
#define TK_STR_(a)    #a
#define TK_STR(a)     TK_STR_(a)
extern const fct_tk TK_CAT(fct_tk_, TK_LEVEL);
const fct_tk TK_CAT(fct_tk_, TK_LEVEL) = {TK_STR(TK_LEVEL), TK_NR,    gemm,   act,      act_add,   stats,
                                          bn_back,          act_back, dw_fwd, dw_wgrad, dw_scatter};
