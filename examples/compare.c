/* Tells whether two photos show the same person.
 *
 *     compare PHOTO PHOTO [PACK]
 *     cc compare.c $(pkg-config --cflags --libs facet) -o compare
 *
 * Without PACK the pack inside the library is used. The exit status is 0 for the same person, 1 for two. */
#include <facet/facet.h>
#include <stdio.h>
#include <stdlib.h>

static void check(fct_status s, const fct_error *e) {
    if (s == FCT_OK) return;
    fprintf(stderr, "compare: %s\n", e->text);
    exit(3);
}

/* The faces of a photo; the first is the one that counts, since max_faces is 1. */
static fct_faces *face_of(fct_analyzer *analyzer, const char *path) {
    fct_error e;
    fct_image *photo;
    fct_faces *faces;
    check(fct_image_read(path, NULL, &photo, &e), &e);
    check(fct_analyze(analyzer, fct_image_view(photo), &faces, &e), &e);
    fct_image_free(photo);
    if (fct_faces_count(faces) == 0) {
        fprintf(stderr, "compare: %s: no face found\n", path);
        exit(3);
    }
    return faces;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) return fprintf(stderr, "usage: compare PHOTO PHOTO [PACK]\n"), 2;
    fct_error e;
    fct_pack *pack;
    fct_analyzer *analyzer;
    fct_analyzer_opts opts;
    fct_analyzer_opts_init(&opts);
    opts.tasks = FCT_TASK_DETECT | FCT_TASK_EMBED;
    opts.max_faces = 1;
    check(fct_pack_open(argc > 3 ? argv[3] : NULL, NULL, &pack, &e), &e);
    check(fct_analyzer_create(pack, &opts, &analyzer, &e), &e);
    fct_faces *first = face_of(analyzer, argv[1]), *second = face_of(analyzer, argv[2]);
    const fct_face *a = fct_faces_at(first, 0), *b = fct_faces_at(second, 0);
    const float cosine = fct_cosine(a->embedding, b->embedding, a->embedding_dim);
    const bool same = cosine >= fct_pack_threshold(pack);
    printf("%s (cosine %.3f, threshold %.2f)\n", same ? "the same person" : "two people", (double)cosine,
           (double)fct_pack_threshold(pack));
    fct_faces_free(first);
    fct_faces_free(second);
    fct_analyzer_free(analyzer);
    fct_pack_free(pack);
    return same ? 0 : 1;
}
