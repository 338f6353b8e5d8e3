#include "gallery_util.h"
#include "base/alloc.h"
#include "base/file.h"
#include "index/index.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

static char folder[300];
static int folder_owner;

static void remove_folder(void) {
    if (getpid() == folder_owner) fct_dir_remove(folder, NULL);
}

const char *util_path(const char *name) {
    static char paths[2][400];
    static int turn;
    if (!folder[0]) {
        const char *tmp = getenv("TMPDIR");
        fct_file_stat memory; /* thousands of flushes: not to a disk where it can be helped */
        fct_file_get_stat("/dev/shm", &memory);
        if (!tmp || !*tmp) tmp = memory.is_dir ? "/dev/shm" : "/tmp";
        folder_owner = getpid();
        snprintf(folder, sizeof folder, "%s/facet-test-%d", tmp, folder_owner);
        fct_dir_remove(folder, NULL);
        fct_dir_make(folder, NULL);
        atexit(remove_folder);
    }
    turn ^= 1;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

void util_remove(const char *path) {
    char p[420];
    const char *ends[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < 4; i++) {
        snprintf(p, sizeof p, "%s%s", path, ends[i]);
        remove(p);
    }
}

void util_copy(const char *from, const char *to) {
    uint8_t *data;
    size_t size;
    if (fct_file_read(from, (size_t)1 << 30, &data, &size, NULL)) abort();
    FILE *f = fopen(to, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f)) abort();
    fct_free(data);
}

uint64_t util_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

float util_uniform(uint64_t *state) { return (float)(util_random(state) >> 40) / (1 << 23) - 1; }

void util_embedding(uint64_t seed, int dim, float *out) {
    uint64_t state = seed * 7919 + 1;
    for (int i = 0; i < dim; i++) out[i] = 20 * util_uniform(&state);
}

void util_near(uint64_t seed, double c, float *out) {
    float a[UTIL_DIM], b[UTIL_DIM], ua[UTIL_DIM], ub[UTIL_DIM];
    util_embedding(seed, UTIL_DIM, a);
    util_embedding(seed + 5000, UTIL_DIM, b);
    fct_index_normalize(a, UTIL_DIM, ua, 1);
    double ab = 0;
    fct_index_normalize(b, UTIL_DIM, ub, 1);
    for (int i = 0; i < UTIL_DIM; i++) ab += (double)ua[i] * ub[i];
    for (int i = 0; i < UTIL_DIM; i++) b[i] = (float)(ub[i] - ab * ua[i]);
    fct_index_normalize(b, UTIL_DIM, ub, 1);
    for (int i = 0; i < UTIL_DIM; i++) out[i] = (float)(c * ua[i] + sqrt(1 - c * c) * ub[i]);
}

fct_status util_enroll(fct_gallery *g, const char *name, uint64_t seed, int64_t *id, fct_error *err) {
    float e[UTIL_DIM];
    char source[32];
    util_embedding(seed, UTIL_DIM, e);
    snprintf(source, sizeof source, "%llu", (unsigned long long)seed);
    fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = e, .dim = UTIL_DIM, .source = source, .score = 0.9f};
    return fct_gallery_enroll(g, name, &f, 1, id, NULL, err);
}

const char *util_who(fct_gallery *g, uint64_t seed) {
    static fct_match m;
    float e[UTIL_DIM];
    int n;
    util_embedding(seed, UTIL_DIM, e);
    if (fct_gallery_search(g, UTIL_MODEL, e, UTIL_DIM, 0.999f, 1, &m, &n, NULL)) return NULL;
    return n ? m.name : "";
}
