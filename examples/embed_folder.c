/* Writes the embedding of the largest face of every photo in a folder into a NumPy file.
 *
 *     embed_folder FOLDER OUT.npy [PACK]
 *     cc embed_folder.c $(pkg-config --cflags --libs facet) -o embed_folder
 *
 * OUT.npy has a row of unit length per face, in the order in which the names are printed:
 * numpy.load("OUT.npy") @ numpy.load("OUT.npy").T are all cosines. */
#include <dirent.h>
#include <facet/facet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The paths of a folder's files, sorted. The strings and the array are the caller's. */
static char **list(const char *folder, int *n) {
    char **paths = NULL;
    DIR *d = opendir(folder);
    *n = 0;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (entry->d_name[0] == '.') continue;
        const size_t room = strlen(folder) + strlen(entry->d_name) + 2;
        char **more = realloc(paths, (size_t)(*n + 1) * sizeof *paths), *path = malloc(room);
        if (!more || !path) abort();
        snprintf(path, room, "%s/%s", folder, entry->d_name);
        paths = more;
        paths[(*n)++] = path;
    }
    if (d) closedir(d);
    if (paths) qsort(paths, (size_t)*n, sizeof *paths, by_name);
    return paths;
}

/* Version 1.0 of the format: magic, length of the header, a Python dictionary padded with spaces
 * to a multiple of 64 bytes, then the rows. */
static void write_header(FILE *out, int rows, int dim) {
    char header[118];
    const int n =
        snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, dim);
    memset(header + n, ' ', sizeof header - (size_t)n);
    header[sizeof header - 1] = '\n';
    rewind(out);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, out);
    fwrite(header, 1, sizeof header, out);
}

/* Appends the photo's face as a row; false where there is none. */
static bool add(fct_analyzer *analyzer, const char *path, FILE *out) {
    fct_error e;
    fct_image *photo = NULL;
    fct_faces *faces = NULL;
    bool added = false;
    if (fct_image_read(path, NULL, &photo, &e) || fct_analyze(analyzer, fct_image_view(photo), &faces, &e)) {
        fprintf(stderr, "embed_folder: %s\n", e.text);
    } else if (fct_faces_count(faces) > 0) {
        const fct_face *f = fct_faces_at(faces, 0);
        for (int i = 0; i < f->embedding_dim; i++) {
            const float v = f->embedding[i] / f->embedding_norm;
            fwrite(&v, sizeof v, 1, out);
        }
        printf("%s\n", path);
        added = true;
    }
    fct_faces_free(faces);
    fct_image_free(photo);
    return added;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) return fprintf(stderr, "usage: embed_folder FOLDER OUT.npy [PACK]\n"), 2;
    fct_error e;
    fct_pack *pack = NULL;
    fct_analyzer *analyzer = NULL;
    fct_analyzer_opts opts;
    fct_analyzer_opts_init(&opts);
    opts.tasks = FCT_TASK_DETECT | FCT_TASK_EMBED;
    opts.max_faces = 1;
    opts.metric = FCT_METRIC_MAX;
    if (fct_pack_open(argc > 3 ? argv[3] : NULL, NULL, &pack, &e) || fct_analyzer_create(pack, &opts, &analyzer, &e))
        return fprintf(stderr, "embed_folder: %s\n", e.text), 3;
    FILE *out = fopen(argv[2], "wb");
    if (!out) return fprintf(stderr, "embed_folder: %s cannot be written\n", argv[2]), 3;
    const int dim = fct_pack_embedding_dim(pack);
    int n, rows = 0;
    char **paths = list(argv[1], &n);
    write_header(out, 0, dim);
    for (int i = 0; i < n; i++) {
        rows += add(analyzer, paths[i], out);
        free(paths[i]);
    }
    free(paths);
    write_header(out, rows, dim); /* now that the number of rows is known */
    const bool failed = ferror(out) | fclose(out);
    fct_analyzer_free(analyzer);
    fct_pack_free(pack);
    return failed ? 3 : 0;
}
