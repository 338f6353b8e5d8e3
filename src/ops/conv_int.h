/* What the convolution algorithms share. Each algorithm is one fct_conv_algo in
 * its own file; conv.c validates, copies, packs on demand and chooses. */
#ifndef FCT_OPS_CONV_INT_H
#define FCT_OPS_CONV_INT_H

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "kernels/kernels.h"
#include "ops/conv.h"

#define FCT_CONV_ALGOS 16

/* How an algorithm keeps its weights. */
typedef enum fct_conv_store { FCT_CONV_FLOAT, FCT_CONV_HALF, FCT_CONV_INT16 } fct_conv_store;
static inline size_t fct_conv_width(fct_conv_store s) { return s == FCT_CONV_FLOAT ? sizeof(float) : sizeof(uint16_t); }

/* One way to compute a convolution. Ways that differ only in how weights are kept, or in the size of
 * Winograd's tiles, share their functions, which find the difference in store and tile. */
typedef struct fct_conv_algo fct_conv_algo;
struct fct_conv_algo {
    const char *name;
    bool exact; /* allowed by FCT_PRECISION_EXACT */
    bool bands; /* can compute some rows of an image whose planes lie anywhere (fct_conv_run_rows) */
    fct_conv_store store;
    int tile; /* Winograd: outputs per tile and direction, 4 or 6; else 0 */
    bool (*can)(const fct_conv *c);
    /* Packed weights, owned (fct_weights_alloc), and their size. Called once, under the lock. */
    fct_status (*pack)(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err);
    /* Fills p->scratch and the algorithm's part of p for p's shape; returns the expected seconds of
     * one thread, for the choice. Called for each candidate. */
    double (*prepare)(const fct_conv *c, fct_conv_plan *p);
    void (*run)(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch);
    /* Size of the packed weights; NULL: they cannot be kept in a cache. */
    size_t (*bytes)(const fct_conv_algo *a, const fct_conv *c);
};

struct fct_conv {
    fct_conv_spec s; /* pointers replaced by the copies below */
    const fct_kernel_table *k;
    int cb, icb, ocb;        /* channels per block; blocks of input and output */
    const float *weight;     /* raw; given up after the first plan when large */
    float *own_weight;       /* the copy of it that is ours, or NULL: borrowed */
    bool lent_weight;        /* borrowed for as long as we live */
    float *bias;             /* [ocb * cb], zeros where the spec has none */
    float *slope;            /* [ocb * cb] or NULL */
    float *scale, *shift;    /* [icb * cb] or NULL */
    fct_k_epilogue epilogue; /* at block 0 */
    void *packed[FCT_CONV_ALGOS];
    bool lent[FCT_CONV_ALGOS]; /* packed[i] is somebody else's memory */
    size_t packed_bytes[FCT_CONV_ALGOS];
    fct_mutex lock;
};

struct fct_conv_plan {
    const fct_conv *c;
    const fct_conv_algo *algo;
    const void *packed;
    int n, ih, iw, oh, ow;
    bool pool2;                            /* a band of a Winograd convolution: see fct_conv_can_pool() */
    int pad_top;                           /* less than 0 where a band begins above the first row it needs */
    size_t in_plane, out_plane, add_plane; /* floats from one block of channels to the next */
    int threads;                           /* budget at creation */
    size_t scratch;                        /* bytes */
    union {                                /* how the algorithm cuts the work */
        struct fct_conv_wino_cut {
            int tiles, blocks;      /* tiles in a block, blocks in all */
            bool shared;            /* one block, whose steps are shared out among threads */
            int group;              /* FCT_CONV_INT16: tiles that are made integers at a time */
            bool at_once;           /* a panel's products at all points in one call */
            bool half_in, half_out; /* two tiles share the last block of channels */
        } wino;
        struct fct_conv_gemm_cut {
            int pixels, blocks; /* pixels in a block, blocks in all */
            int chunk;          /* channel blocks times taps that are summed at a time */
            int splits;         /* tasks that share a block's panels of output channels */
            bool shared;        /* blocks go across the images of a batch */
        } gemm;
        struct fct_conv_dw_cut {
            int bands; /* of rows, in an image */
        } dw;
        struct fct_conv_stem_cut {
            int tasks;            /* of an image */
            int rows;             /* of output in a band */
            int width, band_rows; /* of the band's padded copy of the input */
        } stem;
    };
};

/* Whether weights may be stored in fp16: only wide layers, whose weights do not
 * fit the caches. Detectors have none so wide; their coordinates are the most
 * sensitive to the loss (relative error of an output up to 6e-3). */
static inline bool fct_conv_half_pays(const fct_conv *c) {
    const int least = 256;
    return c->s.groups == 1 && c->s.ic >= least && c->s.oc >= least;
}

/* Whether the choice may fall on 16-bit integers. The error of a layer, 6e-5, is
 * amplified by all that follow; the first ones, with short sums, gain least and
 * hurt most (a generated det_500m: 6e-3 with them, 2e-3 without). A Winograd layer
 * of 32 channels and more gains where its map is large; with fewer, making integers
 * costs what the products save (12 to 12 at 320 x 320: 2.2 ms, 1.7 in floats). */
static inline bool fct_conv_int16_pays(const fct_conv *c, int depth, int large_map) {
    return c->k->int16_rate > 0 && (depth > 64 || large_map);
}

extern const fct_conv_algo fct_conv_algo_reference, fct_conv_algo_gemm_1x1, fct_conv_algo_gemm, fct_conv_algo_gemm_half,
    fct_conv_algo_gemm_1x1_int16, fct_conv_algo_gemm_int16, fct_conv_algo_dw, fct_conv_algo_stem, fct_conv_algo_wino4,
    fct_conv_algo_wino4_half, fct_conv_algo_wino4_int16, fct_conv_algo_wino6;

/* conv_create() for a kernel table other than the process's, for tests. */
fct_status fct_conv_create_at(const fct_kernel_table *k, const fct_conv_spec *s, fct_conv **out, fct_error *err);

/* Floats of one image. */
static inline size_t fct_conv_in_size(const fct_conv_plan *p) {
    return p->c->s.planar_in ? (size_t)p->ih * p->iw * p->c->s.ic : p->in_plane * p->c->icb;
}
static inline size_t fct_conv_out_size(const fct_conv_plan *p) { return p->out_plane * p->c->ocb; }
/* Planes as they lie in whole tensors of the plan's sizes. */
static inline void fct_conv_set_planes(fct_conv_plan *p) {
    const int half = p->c->s.add_up2 ? 2 : 1, cb = p->c->cb;
    p->in_plane = (size_t)p->ih * p->iw * cb;
    p->out_plane = (size_t)p->oh * p->ow * cb;
    p->add_plane = (size_t)((p->oh + half - 1) / half) * ((p->ow + half - 1) / half) * cb;
}
/* The epilogue advanced to an output block. */
static inline fct_k_epilogue fct_conv_epilogue_at(const fct_conv *c, int block) {
    fct_k_epilogue e = c->epilogue;
    e.bias += (size_t)block * c->cb;
    if (e.slope) e.slope += (size_t)block * c->cb;
    return e;
}
static inline fct_k_geom fct_conv_geom(const fct_conv_plan *p) {
    const fct_conv_spec *s = &p->c->s;
    return (fct_k_geom){p->c->cb, p->ih, p->iw, p->oh, p->ow,      s->kh,      s->kw,
                        s->sh,    s->sw, s->dh, s->dw, p->pad_top, s->pad_left};
}

/* Expected seconds of one thread for macs multiply-adds plus other seconds of
 * work beside a stream of weight bytes. The longer of the two hides most of the
 * other; constants from bench/kernels. */
static inline double fct_conv_cost(const fct_conv *c, fct_conv_store store, double macs, double other, double bytes) {
    const bool wide = c->cb == 16;
    if (store == FCT_CONV_INT16 && c->k->int16_rate > 0) macs /= c->k->int16_rate * 0.93; /* the sums of groups */
    const double work = macs / c->k->mac_rate + other, stream = bytes / (wide ? 20e9 : 11e9);
    const double most = work > stream ? work : stream, least = work > stream ? stream : work;
    return most + least * (wide ? 0.5 : 0.25) + 2e-6;
}

#endif
