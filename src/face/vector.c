/* Embeddings as vectors. */
#include "facet/face.h"
#include <math.h>

float fct_cosine(const float *a, const float *b, int n) {
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    if (!(aa > 0) || !(bb > 0)) return 0;
    return (float)(ab / (sqrt(aa) * sqrt(bb)));
}

float fct_normalize(float *v, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)v[i] * (double)v[i];
    double length = sqrt(sum);
    for (int i = 0; i < n && length > 0; i++) v[i] = (float)((double)v[i] / length);
    return (float)length;
}
