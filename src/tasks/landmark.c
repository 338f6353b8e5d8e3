/* One face's values of the landmark and attribute networks. */
#include "tasks/landmark.h"
#include <math.h>

void fct_decode_landmarks(const float *values, int n, int dims, int size, const double inv[6], float *out) {
    float half = (float)(size / 2);
    double scale = sqrt(inv[0] * inv[0] + inv[1] * inv[1]);
    for (int i = 0; i < n; i++, values += dims, out += dims) {
        double x = (double)((values[0] + 1) * half), y = (double)((values[1] + 1) * half);
        out[0] = (float)(inv[0] * x + inv[1] * y + inv[2]);
        out[1] = (float)(inv[3] * x + inv[4] * y + inv[5]);
        if (dims == 3) out[2] = (float)((double)(values[2] * half) * scale);
    }
}

void fct_decode_attributes(const float values[3], int *gender, int *age) {
    float years = rintf(values[2] * 100); /* half to even */
    *gender = values[1] > values[0];
    *age = years > -1000 && years < 1000 ? (int)years : -1;
}
