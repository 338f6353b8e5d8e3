/* Times what a gallery does beside searching, for compare_galleries.py:
 *   bench_gallery bulk GALLERY ROWS DIM PER       enrolls all rows of a file of floats in one import, PER a person
 *   bench_gallery single GALLERY ROWS DIM COUNT   enrolls COUNT faces, each by a call of its own, of new people
 *   bench_gallery open GALLERY CACHE_FROM         opens it, with fct_gallery_opts.cache_from, and searches once
 * Prints numbers: bulk the faces a second; single the median and mean milliseconds; open the seconds of opening, the
 * milliseconds of the first search, those of a later one, and the process's resident megabytes after each of the
 * three. Times are on the clock: most of them is the disk's. */
#include "base/file.h"
#include "facet/facet.h"
#include "facet/gallery.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "bench"

static int fail(const char *what) {
    fprintf(stderr, "bench_gallery: %s\n", what);
    return 1;
}

static double now(void) { return (double)fct_time_ns() / 1e9; }

/* What the process has in memory, in megabytes; 0 where the system does not say. */
static double resident_mb(void) {
    char line[200];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1) break;
    if (f) fclose(f);
    return (double)kb / 1000;
}

static fct_status open_gallery(const char *path, int cache_from, fct_gallery **g, fct_error *e) {
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.cache_from = cache_from;
    return fct_gallery_open(path, &o, g, e);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A file of rows, read from its beginning. */
typedef struct row_source {
    const char *path;
    int dim, per;
} row_source;

static fct_status put_rows(void *user, fct_import_put_fn *put, void *sink, fct_error *err) {
    const row_source *r = user;
    FILE *f = fct_fopen(r->path, "rb");
    float *v = malloc((size_t)r->dim * sizeof *v);
    fct_status s = f && v ? FCT_OK : FCT_ERR_IO;
    for (long i = 0; !s && fread(v, sizeof *v, (size_t)r->dim, f) == (size_t)r->dim; i++) {
        char name[24];
        snprintf(name, sizeof name, "P%ld", i / r->per);
        fct_enrollment x = {.model_id = MODEL, .embedding = v, .dim = r->dim};
        s = put(sink, name, &x, err);
    }
    if (f) fclose(f);
    free(v);
    return s;
}

static int bulk(const char *path, row_source rows) {
    fct_gallery *g;
    fct_error e = {.text = "the rows cannot be read"};
    int added = 0;
    if (open_gallery(path, 0, &g, &e)) return fail(e.text);
    double start = now();
    if (fct_gallery_import_from(g, put_rows, &rows, &added, &e)) return fail(e.text);
    printf("%.0f\n", added / (now() - start));
    fct_gallery_free(g);
    return 0;
}

static int single(const char *path, const char *rows, int dim, int count) {
    fct_gallery *g;
    fct_error e;
    FILE *f = fct_fopen(rows, "rb");
    float *v = malloc((size_t)dim * sizeof *v);
    double *ms = malloc((size_t)count * sizeof *ms), sum = 0;
    if (!f || !v || !ms) return fail("cannot read the rows");
    if (open_gallery(path, 0, &g, &e)) return fail(e.text);
    unsigned long long run = (unsigned long long)fct_time_ns(); /* people of another run are others */
    for (int i = 0; i < count; i++) {
        char name[60];
        if (fread(v, sizeof *v, (size_t)dim, f) != (size_t)dim) return fail("too few rows");
        snprintf(name, sizeof name, "S%llu-%d", run, i);
        fct_enrollment x = {.model_id = MODEL, .embedding = v, .dim = dim, .source = "photos/somebody.jpg"};
        double start = now();
        if (fct_gallery_enroll(g, name, &x, 1, NULL, NULL, &e)) return fail(e.text);
        sum += ms[i] = (now() - start) * 1e3;
    }
    qsort(ms, (size_t)count, sizeof *ms, compare);
    printf("%.4f %.4f\n", ms[count / 2], sum / count);
    fct_gallery_free(g);
    fclose(f);
    free(v), free(ms);
    return 0;
}

static int open_and_search(const char *path, int cache_from) {
    fct_gallery *g;
    fct_gallery_info info;
    fct_error e;
    fct_match m;
    int n;
    double start = now();
    if (open_gallery(path, cache_from, &g, &e) || fct_gallery_stat(g, &info, &e)) return fail(e.text);
    double opened = now() - start, after = resident_mb(), ms[2], mb[2];
    float *v = calloc((size_t)info.dim, sizeof *v);
    if (!v) return fail("out of memory");
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < info.dim; k++) v[k] = (float)((k * 37 + i) % 11) - 5;
        start = now();
        if (fct_gallery_search(g, MODEL, v, info.dim, 0.2f, 1, &m, &n, &e)) return fail(e.text);
        ms[i] = (now() - start) * 1e3;
        mb[i] = resident_mb();
    }
    printf("%.4f %.3f %.3f %.0f %.0f %.0f\n", opened, ms[0], ms[1], after, mb[0], mb[1]);
    fct_gallery_free(g);
    free(v);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    fct_set_threads(1, NULL);
    if (!strcmp(what, "bulk") && argc == 6) return bulk(argv[2], (row_source){argv[3], atoi(argv[4]), atoi(argv[5])});
    if (!strcmp(what, "single") && argc == 6) return single(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
    if (!strcmp(what, "open") && argc == 4) return open_and_search(argv[2], atoi(argv[3]));
    return fail("see the head of bench_gallery.c");
}
