/* 2-d convolution on blocked tensors: the operator that matters.
 *
 * Three objects: fct_conv_spec says what to compute (as the graph has it after
 * fusion), fct_conv holds packed weights (immutable, shared by sessions and
 * threads), fct_conv_plan is the algorithm chosen for one input shape. */
#ifndef FCT_OPS_CONV_H
#define FCT_OPS_CONV_H

#include "facet/model.h"
#include "ops/packed.h"

typedef enum fct_act_kind {
    FCT_ACT_NONE = 0,
    FCT_ACT_RELU,   /* max(x, 0) */
    FCT_ACT_LEAKY,  /* x < 0 ? a x : x */
    FCT_ACT_PRELU,  /* x < 0 ? slope[channel] x : x */
    FCT_ACT_CLIP,   /* min(max(x, a), b) */
    FCT_ACT_SIGMOID /* 1 / (1 + exp(-x)) */
} fct_act_kind;

typedef struct fct_act {
    fct_act_kind kind;
    float a, b;
    const float *slope; /* [channels], FCT_ACT_PRELU only */
} fct_act;

typedef enum fct_add_kind {
    FCT_ADD_NONE = 0,
    FCT_ADD_BEFORE_ACT, /* act(conv + add) */
    FCT_ADD_AFTER_ACT   /* act(conv) + add */
} fct_add_kind;

/* All pointers but weight are borrowed until fct_conv_create() returns. */
typedef struct fct_conv_spec {
    const char *name; /* node's name, for error texts and profiles; copied */
    int ic, oc, groups;
    int kh, kw, sh, sw, dh, dw; /* kernel, stride, dilation */
    int pad_top, pad_left, pad_bottom, pad_right;
    const float
        *weight; /* [oc][ic / groups][kh][kw]; borrowed until fct_conv_settle(); NULL: fct_conv_attach() brings them */
    const float *bias;                /* [oc] or NULL */
    const float *in_scale, *in_shift; /* [ic] or NULL: input is x * scale + shift, *then* zero-padded */
    fct_act act;
    fct_add_kind add; /* a second input of the output's shape is added */
    bool add_up2;     /* that input has half the height and width: add[y / 2][x / 2] */
    bool planar_in;   /* the input is plain NCHW (first layers); else blocked */
    fct_precision precision;
    bool low_memory;
} fct_conv_spec;

typedef struct fct_conv fct_conv;
typedef struct fct_conv_plan fct_conv_plan;

/* Whether there is a fast way from plain NCHW. Where there is none (the patches of a transformer, 3 x 16 x 16 deep),
 * a first layer's input is better brought into blocks first. */
bool fct_conv_takes_planar(const fct_conv_spec *spec);
bool fct_conv_is_planar(const fct_conv *c); /* its spec's planar_in */

/* *out is owned. Errors: FCT_ERR_NOMEM, FCT_ERR_UNSUPPORTED (a combination no
 * algorithm handles; the direct one handles every valid spec). */
fct_status fct_conv_create(const fct_conv_spec *spec, fct_conv **out, fct_error *err);
/* Ends the loan of spec.weight: weights that later plans may need are copied.
 * FCT_ERR_NOMEM. */
fct_status fct_conv_settle(fct_conv *c, fct_error *err);
void fct_conv_free(fct_conv *c);
size_t fct_conv_memory(const fct_conv *c); /* bytes of packed weights */

/* The weights a convolution holds, raw and packed, borrowed as long as it lives;
 * -1 when one of its algorithms cannot take them back. Not while others use c. */
int fct_conv_parts(const fct_conv *c, fct_packed_part parts[FCT_PACKED_PARTS]);
/* Whether they stay where they are until c is freed, whatever plans are made. Not while others use c. */
bool fct_conv_parts_stay(const fct_conv *c);
/* Takes such weights in: 64-byte aligned, borrowed until c is freed. False, and
 * nothing has changed, when name or size are not those of c's own. */
bool fct_conv_attach(fct_conv *c, const char *name, const void *data, size_t bytes);

/* Chooses the algorithm for an input of n x ic x ih x iw and packs weights for
 * it if that has not been done (under a lock; thread-safe). algorithm: NULL, or
 * the name of one to force, for tests (FCT_ERR_UNSUPPORTED when it cannot do
 * this spec). *out is owned; it borrows c. */
fct_status fct_conv_plan_create(fct_conv *c, int n, int ih, int iw, const char *algorithm, fct_conv_plan **out,
                                fct_error *err);
void fct_conv_plan_free(fct_conv_plan *p);
void fct_conv_plan_out(const fct_conv_plan *p, int *oh, int *ow);
size_t fct_conv_plan_in(const fct_conv_plan *p);      /* floats of one image of the input */
size_t fct_conv_plan_weights(const fct_conv_plan *p); /* bytes, packed */
size_t
fct_conv_plan_scratch(const fct_conv_plan *p); /* bytes, for any fct_parallel_width() up to the budget at creation */
const char *fct_conv_plan_algorithm(const fct_conv_plan *p); /* static */

/* Names of all algorithms that can do this spec; returns how many of cap were filled. Static strings. */
int fct_conv_algorithms(const fct_conv *c, const char **names, int cap);

/* Computes. in: blocked (or planar) n x ic x ih x iw; add: the second input or
 * NULL; out: blocked n x oc x oh x ow, must not overlap in or add (it
 * may hold partial sums on the way). scratch: 64-byte aligned. Uses fct_parallel(). */
void fct_conv_run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch);

/* ---- Some rows at a time: for ops/chain.h ---- */

/* Rows first .. end - 1 of one image in blocks: row y of block b lies at
 * data + b * plane + (y - first) * width * cb. */
typedef struct fct_band {
    float *data;
    size_t plane; /* floats from one block of channels to the next */
    int first, end;
} fct_band;

/* Whether the plan's algorithm can compute a few rows by themselves; *step: rows must begin at multiples of it,
 * so that every pixel comes out the same, to the bit, as from fct_conv_run(). */
bool fct_conv_has_bands(const fct_conv_plan *p, int *step);
/* Whether of each 2 x 2 pixels of such rows the greatest alone can be written: a maximum pool of its own saved. */
bool fct_conv_can_pool(const fct_conv_plan *p);
/* Bytes for rows y0 .. y1 - 1. */
size_t fct_conv_band_scratch(const fct_conv_plan *p, int y0, int y1);
/* Computes rows y0 .. y1 - 1 of one image on the calling thread. in: all rows under their windows that the image has;
 * of a planar input, the image itself. add: the whole second input of the image, or NULL.
 * pool2: the band out is of pooled rows; y0 is even. */
void fct_conv_run_band(const fct_conv_plan *p, const fct_band *in, const float *add, const fct_band *out, int y0,
                       int y1, bool pool2, void *scratch);

#endif
