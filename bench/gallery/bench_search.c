/* Times searches of the index for compare_faiss.py and compare_stages.py:
 *   bench_search ROWS PROBES DIM K PER THREADS [CACHE]
 * ROWS (read once from beginning to end, so a pipe will do) and PROBES are files of
 * floats; PER rows in a row are a person. With CACHE, a file, rows are kept there, and
 * ROWS is not read where there is one already. Prints "ready N SECONDS", then does what
 * it reads, a line each:
 *   exact BATCH REPEATS, fast BATCH REPEATS   prints the least and the median time of a
 *                                             call with BATCH probes in milliseconds
 *   ids exact FILE, ids fast FILE             writes the faces found, [probes][K] int64
 * Times are processor time for one thread, which grows less while others use the
 * machine, else time on the clock. */
#include "base/alloc.h"
#include "base/file.h"
#include "index/index.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct bench {
    fct_index *x;
    const float *probes; /* [n] */
    size_t n;
    int dim, k;
    fct_hit *hits; /* [n][k] */
    int *found;    /* [n] */
} bench;

static int fail(const char *what) {
    fprintf(stderr, "bench_search: %s\n", what);
    return 1;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double now_ms(void) {
    return fct_threads() == 1 ? (double)clock() * 1e3 / CLOCKS_PER_SEC : (double)fct_time_ns() / 1e6;
}

static bool search(bench *b, bool fast, size_t at, int n) {
    fct_index_query q = {.probes = b->probes + at * (size_t)b->dim, .n = n, .threshold = -1, .k = b->k, .fast = fast};
    fct_index_view *v = fct_index_view_begin(b->x);
    fct_error e;
    fct_status s = fct_index_view_search(v, &q, b->hits, b->found, &e);
    if (s) fail(e.text);
    fct_index_view_end(v);
    return !s;
}

static bool time_search(bench *b, bool fast, int batch, int repeats) {
    double ms[1000];
    if (repeats > 1000) repeats = 1000;
    for (int r = 0; r < repeats; r++) {
        size_t at = b->n > (size_t)batch ? (size_t)r * (size_t)batch % (b->n - (size_t)batch + 1) : 0;
        double start = now_ms();
        if (!search(b, fast, at, batch)) return false;
        ms[r] = now_ms() - start;
    }
    qsort(ms, (size_t)repeats, sizeof *ms, compare);
    printf("%.4f %.4f\n", ms[0], ms[repeats / 2]);
    return true;
}

static bool write_ids(bench *b, bool fast, const char *path) {
    if (!search(b, fast, 0, (int)b->n)) return false;
    FILE *f = fct_fopen(path, "wb");
    for (size_t i = 0; f && i < b->n * (size_t)b->k; i++) fwrite(&b->hits[i].face_id, sizeof(int64_t), 1, f);
    bool good = f && !ferror(f);
    if (f) good &= !fclose(f);
    printf("done\n");
    return good;
}

static bool obey(bench *b, const char *line) {
    char mode[16], path[1000];
    int batch, repeats;
    if (sscanf(line, "ids %15s %999s", mode, path) == 2) return write_ids(b, strcmp(mode, "fast") == 0, path);
    if (sscanf(line, "%15s %d %d", mode, &batch, &repeats) != 3 || batch < 1 || (size_t)batch > b->n || repeats < 1)
        return false;
    return time_search(b, strcmp(mode, "fast") == 0, batch, repeats);
}

/* Appends all rows of a file; person i is the rows i * per ... */
static bool read_rows(bench *b, const char *path, int per) {
    enum { AT_ONCE = 256 };
    FILE *f = fct_fopen(path, "rb");
    float *rows = calloc(AT_ONCE * (size_t)b->dim, sizeof *rows);
    bool good = f && rows;
    size_t n = AT_ONCE;
    for (int64_t id = 0; good && n == AT_ONCE;) {
        n = fread(rows, (size_t)b->dim * sizeof *rows, AT_ONCE, f);
        for (size_t i = 0; i < n && good; i++, id++)
            good = !fct_index_append(b->x, id, id / per, rows + i * (size_t)b->dim, NULL);
    }
    free(rows);
    if (f) fclose(f);
    return good;
}

static bool make_index(bench *b, const char *rows, int per, const char *cache) {
    fct_index_key key;
    int64_t seq;
    memset(&key, 0, sizeof key);
    if (cache && !fct_index_cache_open(cache, &key, &b->x, &seq, NULL)) return true;
    if (fct_index_create_staged(b->dim, &b->x, NULL)) return false;
    if (cache && fct_index_cache_begin(b->x, cache, NULL)) return false;
    return read_rows(b, rows, per) && (!cache || !fct_index_cache_end(b->x, &key, 0, NULL));
}

int main(int argc, char **argv) {
    bench b = {0};
    fct_map probes;
    char line[1100];
    if (argc != 7 && argc != 8) return fail("see the head of bench_search.c");
    b.dim = atoi(argv[3]);
    b.k = atoi(argv[4]);
    fct_set_threads(atoi(argv[6]), NULL);
    uint64_t start = fct_time_ns();
    if (!make_index(&b, argv[1], atoi(argv[5]), argc == 8 ? argv[7] : NULL)) return fail("cannot make the index");
    printf("ready %zu %.3f\n", fct_index_count(b.x), (double)(fct_time_ns() - start) / 1e9);
    fflush(stdout);
    if (fct_map_open(argv[2], &probes, NULL)) return fail("cannot read the probes");
    b.probes = (const float *)probes.data;
    b.n = probes.size / sizeof(float) / (size_t)b.dim;
    b.hits = calloc(b.n * (size_t)b.k + 1, sizeof *b.hits);
    b.found = calloc(b.n + 1, sizeof *b.found);
    bool good = b.hits && b.found;
    while (good && fgets(line, sizeof line, stdin)) {
        good = obey(&b, line);
        fflush(stdout);
    }
    fct_index_free(b.x);
    fct_map_close(&probes);
    free(b.hits), free(b.found);
    return good ? 0 : fail("cannot do that");
}
