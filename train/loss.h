/* Losses over a batch of embeddings. All work on unit vectors: normalize first,
 * let the losses add their gradients by the unit vectors, then take those back
 * through the normalization. Rows are "ld" numbers apart, a multiple of
 * FCT_CHUNK; numbers past dim are zero. */
#ifndef FCT_TRAIN_LOSS_H
#define FCT_TRAIN_LOSS_H

#include "facet/base.h"
#include "train/kernels/tk.h"
#include "train/rng.h"

/* u = z / |z|, norm[i] = |z_i|; a zero row stays zero. */
void fct_unit_rows(int n, int dim, int ld, const fct_real *z, fct_real *u, fct_real *norm);
/* grad_z = (g - (g . u) u) / |z|. grad_z may be g. */
void fct_unit_rows_back(int n, int dim, int ld, const fct_real *u, const fct_real *norm, const fct_real *g,
                        fct_real *grad_z);

/* ---- Distillation --------------------------------------------------------------
 * cosine * mean_i (1 - u_i . t_i): the student's direction follows the teacher's
 * (e.g. Svitov and Alyamkin 2020, "MarginDistillation", compared with it).
 * gram * mean_{i != j} (u_i . u_j - t_i . t_j)^2: relations within the batch
 * follow the teacher's (Park et al. 2019, "Relational knowledge distillation",
 * with the inner product for the relation). */
typedef struct fct_distill {
    double cosine, gram;
} fct_distill;

/* t: the teacher's unit vectors [n][ld]; a zero row marks a sample without one,
 * which is left out. grad [n][ld]: added to. parts: the two means, unweighted.
 * Returns the loss. used: n flags of scratch. */
double fct_loss_distill(const fct_distill *o, int n, int dim, int ld, const fct_real *u, const fct_real *t,
                        fct_real *grad, double parts[2], bool *used);

/* ---- Margin losses --------------------------------------------------------------
 * Cross-entropy over s cos(theta_j), where the target's cosine is replaced by
 * psi(theta) = cos(m1 theta + m2) - m3: softmax (1, 0, 0); SphereFace (m1; Liu
 * et al. 2017, eq. 6 and 7); CosFace (m3; Wang et al. 2018, eq. 4); ArcFace (m2;
 * Deng et al. 2019, eq. 3); all three (Deng et al. 2019, eq. 4).
 *
 * Where m1 theta + m2 passes pi the cosine rises again and psi needs a branch. */
typedef enum fct_margin_branch {
    FCT_MARGIN_PLAIN = 0, /* none: psi as it is */
    FCT_MARGIN_MONOTONIC =
        1, /* (-1)^k cos(phi) - 2k - m3, k = floor(phi / pi), phi = m1 theta + m2: SphereFace's, continuous */
    FCT_MARGIN_LINEAR = 2, /* ArcFace's code (m1 = 1): beyond pi, cos(theta) - m2 sin(m2) - m3 */
    FCT_MARGIN_EASY = 3    /* ArcFace's "easy margin": only where cos(theta) > 0, else cos(theta) */
} fct_margin_branch;

typedef struct fct_margin_opts {
    double scale;      /* s (default 64) */
    double m1, m2, m3; /* (default 1, 0.5, 0: ArcFace) */
    fct_margin_branch branch;
    bool surrogate; /* d psi / d cos taken as 1, as arcface_torch computes it (default false: the true one) */
    int subcenters; /* K: a class's cosine is the largest of its K centers' (Deng et al. 2020, eq. 3) */
    double sample;  /* Partial FC (An et al. 2021, section 3): share of classes in the softmax (default 1) */
    double alike;   /* cosine from which a class may show a picture's person, see fct_margin_like; 1 = off (default) */
} fct_margin_opts;
void fct_margin_opts_init(fct_margin_opts *o);

/* psi and its derivative by cos(theta). */
double fct_margin_psi(const fct_margin_opts *o, double cosine, double *derivative);

/* What a teacher says of pictures and classes. A class above fct_margin_opts.alike,
 * other than the picture's own, does not count against the picture: where every
 * picture of an unknown person is a class, two of them may be one person. */
typedef struct fct_margin_like {
    const fct_real *picture; /* [n][ld]: unit vectors; a zero row is like nothing */
    const fct_real *classes; /* [classes][dim]: unit vectors */
} fct_margin_like;

typedef struct fct_margin fct_margin; /* scratch memory of the loss */
fct_status fct_margin_create(const fct_margin_opts *o, int classes, int dim, int max_batch, fct_margin **out,
                             fct_error *err);
void fct_margin_free(fct_margin *m);

/* centers: [classes * subcenters][dim], not normalized; class c's are rows
 * c K .. c K + K - 1. label[i] < 0: the sample has none and is left out. grad:
 * added to, times weight. grad_centers: rows of the classes chosen are
 * overwritten, the others not touched; *chosen (borrowed until the next call)
 * lists these classes. Returns weight * mean loss; 0 where no sample has a
 * label. like: for opts.alike below 1, else NULL. rng chooses the sampled classes. */
double fct_loss_margin(fct_margin *m, double weight, int n, int ld, const fct_real *u, const int *label,
                       const fct_margin_like *like, const fct_real *centers, fct_real *grad, fct_real *grad_centers,
                       fct_rng *rng, const int **chosen, int *n_chosen);

#endif
