#include "base/error.h"
#include "evaluate/evaluate_impl.h"
#include <stdlib.h>
#include <string.h>

void fct_interval_opts_init(fct_interval_opts *o) { *o = (fct_interval_opts){sizeof *o, 1000, 0.95, 1}; }

fct_status fct_interval_check(const fct_interval_opts *opts, fct_interval_opts *out, fct_error *err) {
    fct_interval_opts_init(out);
    if (opts) memcpy(out, opts, opts->size < sizeof *out ? opts->size : sizeof *out);
    if (out->replicates < 0 || out->replicates > 100000)
        return fct_fail(err, FCT_ERR_ARG, "intervals: %d replicates, 0 to 100000 wanted", out->replicates);
    if (!(out->confidence >= 0.5 && out->confidence <= 0.999))
        return fct_fail(err, FCT_ERR_ARG, "intervals: confidence is %g, 0.5 to 0.999 wanted", out->confidence);
    return FCT_OK;
}

void fct_resample_draw(const uint32_t *people, size_t n_people, uint64_t seed, uint64_t number, uint16_t *weights,
                       size_t cap_people) {
    uint64_t state = fct_mix(seed) ^ fct_mix(number + 0x5bd1e995);
    memset(weights, 0, cap_people * sizeof *weights);
    for (size_t i = 0; i < n_people; i++) {
        uint64_t r = fct_mix(state + i) >> 32;
        uint16_t *w = &weights[people[r * n_people >> 32]];
        if (*w < UINT16_MAX) ++*w;
    }
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The q-quantile of sorted values, linear between two of them. */
static double quantile(const double *values, size_t n, double q) {
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? values[i] + (at - (double)i) * (values[i + 1] - values[i]) : values[n - 1];
}

void fct_resample_interval(double *values, size_t n, double confidence, fct_rate *out) {
    size_t good = 0;
    out->low = out->high = NAN;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) values[good++] = values[i];
    if (!good || isnan(out->value)) return;
    qsort(values, good, sizeof *values, rising);
    out->low = fmin(out->value, quantile(values, good, (1 - confidence) / 2));
    out->high = fmax(out->value, quantile(values, good, (1 + confidence) / 2));
}
