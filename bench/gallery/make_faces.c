/* Makes synthetic faces and hard probes for compare_stages.py, as fast as an index
 * takes them:
 *   make_faces FACES ROWS PROBES
 * writes FACES rows of 512 floats to ROWS (a pipe will do), then 2,000 probes to PROBES;
 * probe i looks for person i * people / 2000. Ten faces are a person. The cosine of two
 * faces of a person is 0.60 +- 0.03, of strangers 0.00 +- 0.06, of a probe and a face of
 * its person 0.35.
 *
 * A face is sqrt(0.6) times its person's center and sqrt(0.4) times something that is
 * orthogonal to it, both drawn from a normal distribution whose variances fall off, as
 * those of embeddings do. All is then turned by an orthogonal matrix (random signs and a
 * Hadamard transform), so that no component means more than another. */
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIM = 512, PER = 10, PROBES = 2000 };

static float deviation[DIM], sign[DIM];

static uint64_t random_bits(uint64_t *state) { /* SplitMix64 */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static float dot(const float *a, const float *b) {
    float part[16] = {0}, sum = 0;
    for (int i = 0; i < DIM; i += 16)
        for (int l = 0; l < 16; l++) part[l] += a[i + l] * b[i + l];
    for (int l = 0; l < 16; l++) sum += part[l];
    return sum;
}

static void scale(float *v, float by) {
    for (int i = 0; i < DIM; i++) v[i] *= by;
}

/* A random direction. Four uniform numbers make one that is normal enough. */
static void draw(uint64_t *state, float *v) {
    for (int i = 0; i < DIM; i++) {
        uint64_t r = random_bits(state);
        int sum = (int)(r & 0xffff) + (int)(r >> 16 & 0xffff) + (int)(r >> 32 & 0xffff) + (int)(r >> 48);
        v[i] = deviation[i] * (float)(sum - 131070);
    }
    scale(v, 1 / sqrtf(dot(v, v)));
}

/* A unit vector with this cosine to the center. */
static void around(uint64_t *state, const float *center, float cosine, float *v) {
    draw(state, v);
    const float along = dot(v, center);
    for (int i = 0; i < DIM; i++) v[i] -= along * center[i];
    scale(v, sqrtf((1 - cosine * cosine) / dot(v, v)));
    for (int i = 0; i < DIM; i++) v[i] += cosine * center[i];
}

static void turn(float *v) {
    for (int i = 0; i < DIM; i++) v[i] *= sign[i] / sqrtf(DIM);
    for (int half = 1; half < DIM; half *= 2)
        for (int i = 0; i < DIM; i += 2 * half)
            for (int j = i; j < i + half; j++) {
                const float a = v[j], b = v[j + half];
                v[j] = a + b;
                v[j + half] = a - b;
            }
}

static void prepare(uint64_t *state) {
    for (int i = 0; i < DIM; i++) {
        deviation[i] = powf(1 - 0.998f * (float)i / (DIM - 1), 2.09f / 2);
        sign[i] = random_bits(state) & 1 ? 1 : -1;
    }
}

int main(int argc, char **argv) {
    static float center[DIM], v[DIM], probes[PROBES][DIM];
    uint64_t state = 1;
    if (argc != 4) return fprintf(stderr, "make_faces: see the head of make_faces.c\n"), 1;
    const int64_t people = atoll(argv[1]) / PER;
    FILE *rows = fct_fopen(argv[2], "wb"), *out = fct_fopen(argv[3], "wb");
    if (!rows || !out || people < 1) return fprintf(stderr, "make_faces: cannot write\n"), 1;
    prepare(&state);
    int probe = 0;
    for (int64_t p = 0; p < people; p++) {
        draw(&state, center);
        for (; probe < PROBES && probe * people / PROBES == p; probe++) {
            around(&state, center, 0.35f / sqrtf(0.6f), probes[probe]);
            turn(probes[probe]);
        }
        for (int f = 0; f < PER; f++) {
            around(&state, center, sqrtf(0.6f), v);
            turn(v);
            fwrite(v, sizeof v, 1, rows);
        }
    }
    fwrite(probes, sizeof probes, 1, out);
    bool good = !ferror(rows) && !ferror(out);
    return !fclose(out) && !fclose(rows) && good ? 0 : 1; /* the probes first: rows end when they are there */
}
