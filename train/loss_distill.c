#include "train/loss.h"
#include <math.h>

void fct_unit_rows(int n, int dim, int ld, const fct_real *z, fct_real *u, fct_real *norm) {
    for (int i = 0; i < n; i++, z += ld, u += ld) {
        double sq = 0;
        for (int k = 0; k < dim; k++) sq += (double)z[k] * z[k];
        norm[i] = (fct_real)sqrt(sq);
        fct_real inv = sq > 0 ? (fct_real)(1 / sqrt(sq)) : 0;
        for (int k = 0; k < ld; k++) u[k] = k < dim ? z[k] * inv : 0;
    }
}

void fct_unit_rows_back(int n, int dim, int ld, const fct_real *u, const fct_real *norm, const fct_real *g,
                        fct_real *grad_z) {
    for (int i = 0; i < n; i++, u += ld, g += ld, grad_z += ld) {
        double dot = 0;
        for (int k = 0; k < dim; k++) dot += (double)g[k] * u[k];
        fct_real inv = norm[i] > 0 ? 1 / norm[i] : 0;
        for (int k = 0; k < ld; k++) grad_z[k] = k < dim ? (g[k] - (fct_real)dot * u[k]) * inv : 0;
    }
}

static double dot(const fct_real *a, const fct_real *b, int n) {
    fct_real s[4] = {0};
    int k = 0;
    for (; k + 4 <= n; k += 4)
        for (int j = 0; j < 4; j++) s[j] += a[k + j] * b[k + j];
    for (; k < n; k++) s[0] += a[k] * b[k];
    return (double)s[0] + s[1] + s[2] + s[3];
}

/* grad_i += 4 w / m sum_j d_ij u_j, d = u u' - t t' off the diagonal. m: number
 * of ordered pairs. */
static double gram(double weight, int n, int dim, int ld, const fct_real *u, const fct_real *t, const bool *used,
                   double pairs, fct_real *grad) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; used[i] && j < i; j++) {
            if (!used[j]) continue;
            double d =
                dot(u + (size_t)i * ld, u + (size_t)j * ld, dim) - dot(t + (size_t)i * ld, t + (size_t)j * ld, dim);
            fct_real f = (fct_real)(4 * weight * d / pairs);
            sum += 2 * d * d;
            for (int k = 0; k < dim; k++) {
                grad[(size_t)i * ld + k] += f * u[(size_t)j * ld + k];
                grad[(size_t)j * ld + k] += f * u[(size_t)i * ld + k];
            }
        }
    return sum / pairs;
}

double fct_loss_distill(const fct_distill *o, int n, int dim, int ld, const fct_real *u, const fct_real *t,
                        fct_real *grad, double parts[2], bool *used) {
    int m = 0;
    parts[0] = parts[1] = 0;
    for (int i = 0; i < n; i++) {
        const fct_real *ti = t + (size_t)i * ld;
        used[i] = dot(ti, ti, dim) > 0;
        m += used[i];
    }
    if (m == 0) return 0;
    for (int i = 0; i < n; i++) {
        if (!used[i]) continue;
        parts[0] += (1 - dot(u + (size_t)i * ld, t + (size_t)i * ld, dim)) / m;
        for (int k = 0; k < dim; k++) grad[(size_t)i * ld + k] -= (fct_real)(o->cosine / m) * t[(size_t)i * ld + k];
    }
    if (o->gram > 0 && m > 1) parts[1] = gram(o->gram, n, dim, ld, u, t, used, (double)m * (m - 1), grad);
    return o->cosine * parts[0] + o->gram * parts[1];
}
