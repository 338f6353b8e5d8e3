/* Times fct_index_search() on given data, for bench/gallery/compare_faiss.py
 * and compare_stages.py:
 *   bench_search ROWS.f32 PROBES.f32 DIM BATCH K THREADS REPEATS IDS.i64 [fast]
 * Every row is a person of its own. Prints the least and the median time in
 * milliseconds of a call with BATCH probes (processor time for one thread, else
 * time on the clock) and the megabytes of rows; writes
 * the ids found for all probes, [probes][K]. */
#include "base/alloc.h"
#include "base/file.h"
#include "index/index.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int fail(const char *what) {
    fprintf(stderr, "bench_search: %s\n", what);
    return 1;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One thread's processor time does not grow while others use the machine. */
static double now_ms(void) {
    return fct_threads() == 1 ? (double)clock() * 1e3 / CLOCKS_PER_SEC : (double)fct_time_ns() / 1e6;
}

static bool fast;

static void search(fct_index *x, const float *probes, int n, int k, fct_hit *hits, int *found) {
    fct_index_query q = {.probes = probes, .n = n, .threshold = -1, .k = k, .fast = fast};
    fct_index_view *v = fct_index_view_begin(x);
    fct_index_view_search(v, &q, hits, found, NULL);
    fct_index_view_end(v);
}

static double time_ms(fct_index *x, const float *probes, int batch, int k, fct_hit *hits, int *found) {
    double start = now_ms();
    search(x, probes, batch, k, hits, found);
    return now_ms() - start;
}

int main(int argc, char **argv) {
    fast = argc == 10 && strcmp(argv[9], "fast") == 0;
    if (argc != 9 && !fast) return fail("see the head of bench_search.c");
    int dim = atoi(argv[3]), batch = atoi(argv[4]), k = atoi(argv[5]), repeats = atoi(argv[7]);
    fct_map rows, probes;
    fct_index *x;
    fct_set_threads(atoi(argv[6]), NULL);
    if (fct_map_open(argv[1], &rows, NULL) || fct_map_open(argv[2], &probes, NULL)) return fail("cannot read the data");
    size_t n = rows.size / sizeof(float) / (size_t)dim, m = probes.size / sizeof(float) / (size_t)dim;
    if (fast ? fct_index_create_staged(dim, &x, NULL) : fct_index_create(dim, &x, NULL)) return fail("no memory");
    for (size_t i = 0; i < n; i++)
        if (fct_index_add(x, (int64_t)i, (int64_t)i, (const float *)rows.data + i * dim, NULL)) return fail("bad row");
    fct_hit *hits = calloc(m * k, sizeof *hits);
    int *found = calloc(m, sizeof *found);
    double *ms = calloc((size_t)repeats, sizeof *ms);
    if (!hits || !found || !ms) return fail("no memory");
    for (int r = 0; r < repeats; r++) {
        size_t at = m > (size_t)batch ? (size_t)r * batch % (m - batch + 1) : 0;
        ms[r] = time_ms(x, (const float *)probes.data + at * dim, batch, k, hits, found);
    }
    qsort(ms, (size_t)repeats, sizeof *ms, compare);
    printf("%.4f %.4f %.1f\n", ms[0], ms[repeats / 2], (double)n * dim * sizeof(float) / 1e6);
    search(x, (const float *)probes.data, (int)m, k, hits, found);
    FILE *f = fct_fopen(argv[8], "wb");
    for (size_t i = 0; f && i < m * k; i++) fwrite(&hits[i].face_id, sizeof hits[i].face_id, 1, f);
    if (!f || fclose(f)) return fail("cannot write the ids");
    fct_index_free(x);
    free(hits), free(found), free(ms);
    fct_map_close(&rows), fct_map_close(&probes);
    return 0;
}
