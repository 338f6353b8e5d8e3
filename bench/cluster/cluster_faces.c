/* Groups faces by fct_cluster(), for bench/cluster/compare.py:
 *   cluster_faces FACES.f32 DIM OUT.i64 [NAME=VALUE...]
 * names: threads, photos and persons (files of int64), quality (float32), child
 * (bytes), questions (a text file to write), and the options of fct_cluster_opts. Writes the people, [n]; prints
 * seconds, people and questions. FACES random:N makes N faces of N / 10 people
 * instead. */
#include "base/alloc.h"
#include "base/file.h"
#include "cluster/cluster.h"
#include "facet/face.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fct_error e;
static fct_cluster_faces faces;
static fct_cluster_opts opts;

static int fail(const char *what) {
    fprintf(stderr, "cluster_faces: %s: %s\n", what, e.text);
    return 1;
}

static const void *map(const char *path, size_t *size) {
    fct_map m;
    if (fct_map_open(path, &m, &e)) exit(fail(path));
    if (size) *size = m.size;
    return m.data;
}

static float noise(uint64_t *state) {
    float sum = 0;
    for (int i = 0; i < 4; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (float)(*state >> 40) / (1 << 24) - 0.5f;
    }
    return sum * 1.7320508f;
}

/* Ten faces a person: a direction of his own and as much noise as leaves two of them at a cosine of about 0.6. */
static float *make_faces(size_t n, int dim) {
    float *f = fct_alloc(n * (size_t)dim * sizeof *f);
    for (size_t i = 0; i < n; i++) {
        uint64_t who = (uint64_t)(i / 10) * 2654435761u + 1, face = (uint64_t)i * 2654435761u + 77777;
        for (int k = 0; k < dim; k++) f[i * dim + k] = noise(&who) + 0.8f * noise(&face);
    }
    return f;
}

static int set(const char *name, double v) {
    if (!strcmp(name, "threads")) return fct_set_threads((int)v, &e);
    struct {
        const char *name;
        float *at;
    } t[] = {{"threshold", &opts.threshold},
             {"least_quality", &opts.least_quality},
             {"strictness", &opts.strictness},
             {"crowd", &opts.crowd},
             {"growth", &opts.growth},
             {"child_care", &opts.child},
             {"poor", &opts.poor},
             {"hint", &opts.hint}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        if (!strcmp(name, t[i].name)) return *t[i].at = (float)v, 0;
    if (!strcmp(name, "least_faces")) return opts.least_faces = (int)v, 0;
    if (!strcmp(name, "neighbors")) return opts.neighbors = (int)v, 0;
    return fail(name);
}

/* The questions, for compare.py: two faces and the score. */
static int write_hints(const char *path, const fct_clusters *c) {
    FILE *f = fopen(path, "w");
    if (!f) return fail(path);
    for (size_t i = 0; i < c->n_hints; i++)
        fprintf(f, "%zu %zu %.5f\n", c->hints[i].face_a, c->hints[i].face_b, (double)c->hints[i].score);
    return fclose(f);
}

static const char *hints;

static int argument(char *a) {
    char *v = strchr(a, '=');
    if (!v) return fail(a);
    *v++ = 0;
    if (!strcmp(a, "photos")) faces.photo = map(v, NULL);
    else if (!strcmp(a, "persons")) faces.person = map(v, NULL);
    else if (!strcmp(a, "quality")) faces.quality = map(v, NULL);
    else if (!strcmp(a, "questions")) hints = v;
    else if (!strcmp(a, "child")) faces.child = map(v, NULL);
    else return set(a, atof(v));
    return 0;
}

int main(int argc, char **argv) {
    fct_clusters out;
    size_t size;
    if (argc < 4) return fail("see the head of cluster_faces.c");
    fct_cluster_opts_init(&opts);
    faces.dim = atoi(argv[2]);
    if (!strncmp(argv[1], "random:", 7)) {
        faces.n = (size_t)atol(argv[1] + 7);
        faces.embeddings = make_faces(faces.n, faces.dim);
    } else {
        faces.embeddings = map(argv[1], &size);
        faces.n = size / sizeof(float) / (size_t)faces.dim;
    }
    for (int i = 4; i < argc; i++)
        if (argument(argv[i])) return 1;
    int64_t start = fct_time_ns();
    if (fct_cluster(&faces, &opts, &out, &e)) return fail(argv[1]);
    printf("%zu faces, %.2f s, %zu people, %zu questions\n", faces.n, (double)(fct_time_ns() - start) / 1e9, out.n_new,
           out.n_hints);
    FILE *f = fopen(argv[3], "wb");
    if (!f || fwrite(out.person, sizeof *out.person, faces.n, f) != faces.n) return fail(argv[3]);
    if (hints && write_hints(hints, &out)) return 1;
    fct_clusters_free(&out);
    return fclose(f);
}
