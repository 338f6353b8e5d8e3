#include "train/optim.h"
#include <math.h>

/* The rate rises in a line during the warm-up, then follows the schedule. */
double fct_optim_lr(const fct_optim *o, long step) {
    if (step < o->warmup) return o->lr * (double)(step + 1) / (double)o->warmup;
    double t = (double)(step - o->warmup) / (double)(o->total > o->warmup ? o->total - o->warmup : 1);
    if (t > 1) t = 1;
    switch (o->schedule) {
    case FCT_SCHEDULE_COSINE:
        return o->lr * 0.5 * (1 + cos(3.14159265358979323846 * t));
    case FCT_SCHEDULE_POLY:
        return o->lr * pow(1 - t, o->power);
    default:
        return o->lr;
    }
}

double fct_grad_norm(const fct_real *g, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += (double)g[i] * g[i];
    return sqrt(s);
}

void fct_sgd_step(const fct_optim *o, double lr, double decay, double gain, size_t n, const fct_real *g, fct_real *w,
                  fct_real *v) {
    const fct_real k = (fct_real)gain, d = (fct_real)decay, m = (fct_real)o->momentum, r = (fct_real)lr;
    for (size_t i = 0; i < n; i++) {
        fct_real gi = k * g[i] + d * w[i], vi = m * v[i] + gi;
        v[i] = vi;
        w[i] -= r * (o->nesterov ? gi + m * vi : vi);
    }
}

void fct_sgd_step_net(const fct_optim *o, double lr, double gain, const fct_net_spec *s, int first_unit,
                      const fct_real *g, fct_real *w, fct_real *v) {
    for (int i = 0; i < s->n_param; i++) {
        const fct_param *p = &s->param[i];
        if (p->unit < first_unit) continue;
        if (s->unit[p->unit].fixed_gamma && p->offset == s->unit[p->unit].gamma) continue;
        fct_sgd_step(o, lr, p->decay ? o->decay : 0, gain, p->count, g + p->offset, w + p->offset, v + p->offset);
    }
}

/* The decay is smaller during the first steps, so that the average soon forgets the random start. */
void fct_ema_step(double decay, long step, size_t n, const fct_real *w, fct_real *ema) {
    double start = (1.0 + (double)step) / (10.0 + (double)step);
    const fct_real k = (fct_real)(1 - (decay < start ? decay : start));
    for (size_t i = 0; i < n; i++) ema[i] += k * (w[i] - ema[i]);
}
