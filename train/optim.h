/* Stochastic gradient descent, learning rates, moving averages. */
#ifndef FCT_TRAIN_OPTIM_H
#define FCT_TRAIN_OPTIM_H

#include "train/net.h"

typedef enum fct_schedule { FCT_SCHEDULE_COSINE = 0, FCT_SCHEDULE_POLY = 1, FCT_SCHEDULE_CONSTANT = 2 } fct_schedule;

typedef struct fct_optim {
    double lr;       /* peak learning rate */
    double momentum; /* with PyTorch's convention v = momentum v + g, w -= lr v */
    bool nesterov;   /* w -= lr (g + momentum v) */
    double decay;    /* weight decay, added to the gradient; convolution weights only */
    double clip;     /* longest gradient, Euclidean; 0 = no limit */
    double ema;      /* moving average of weights and statistics; 0 = none */
    fct_schedule schedule;
    double power;       /* of the polynomial schedule */
    long warmup, total; /* steps */
} fct_optim;

/* Learning rate of a step: linear warm-up, then down to 0 at total by a cosine
 * (Loshchilov and Hutter 2017, eq. 5) or (1 - t)^power. */
double fct_optim_lr(const fct_optim *o, long step);

/* Euclidean length of the gradient. */
double fct_grad_norm(const fct_real *g, size_t n);

/* One step over n numbers: g is scaled by gain first (clipping). */
void fct_sgd_step(const fct_optim *o, double lr, double decay, double gain, size_t n, const fct_real *g, fct_real *w,
                  fct_real *v);

/* The same over the parameters of a network's units from first_unit on, decay
 * where it applies. */
void fct_sgd_step_net(const fct_optim *o, double lr, double gain, const fct_net_spec *s, int first_unit,
                      const fct_real *g, fct_real *w, fct_real *v);

/* ema += (1 - d) (w - ema), d = min(decay, (1 + step) / (10 + step)): a short
 * memory at first. */
void fct_ema_step(double decay, long step, size_t n, const fct_real *w, fct_real *ema);

#endif
