/* Remembers a person from one photo and names the faces of another.
 *
 *     recognize GALLERY NAME PHOTO OTHER-PHOTO [PACK]
 *     cc recognize.c $(pkg-config --cflags --libs facet) -o recognize
 *
 * The gallery is created where it does not exist, and holds NAME afterwards: `facet people` lists it too. */
#include <facet/facet.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct recognizer {
    fct_pack *pack;
    fct_analyzer *analyzer;
    fct_gallery *gallery;
} recognizer;

static void check(fct_status s, const fct_error *e) {
    if (s == FCT_OK) return;
    fprintf(stderr, "recognize: %s\n", e->text);
    exit(3);
}

static fct_faces *analyze(recognizer *r, const char *path) {
    fct_error e;
    fct_image *photo;
    fct_faces *faces;
    check(fct_image_read(path, NULL, &photo, &e), &e);
    check(fct_analyze(r->analyzer, fct_image_view(photo), &faces, &e), &e);
    fct_image_free(photo);
    return faces;
}

/* Stores the first face of the photo, the one with the best score, under the name. */
static void enroll(recognizer *r, const char *name, const char *path) {
    fct_error e;
    fct_faces *faces = analyze(r, path);
    const fct_face *f = fct_faces_at(faces, 0);
    if (!f) {
        fprintf(stderr, "recognize: %s: no face found\n", path);
        exit(3);
    }
    const fct_enrollment face = {.model_id = fct_pack_embedder_id(r->pack),
                                 .embedding = f->embedding,
                                 .dim = f->embedding_dim,
                                 .source = path,
                                 .score = f->score};
    check(fct_gallery_enroll(r->gallery, name, &face, 1, NULL, NULL, &e), &e);
    fct_faces_free(faces);
}

static void identify(recognizer *r, const char *path) {
    fct_faces *faces = analyze(r, path);
    for (int i = 0; i < fct_faces_count(faces); i++) {
        const fct_face *f = fct_faces_at(faces, i);
        fct_error e;
        fct_match best;
        int found;
        check(fct_gallery_search(r->gallery, fct_pack_embedder_id(r->pack), f->embedding, f->embedding_dim,
                                 fct_pack_threshold(r->pack), 1, &best, &found, &e),
              &e);
        printf("%4.0f,%-4.0f %s\n", (double)f->box[0], (double)f->box[1], found ? best.name : "unknown");
    }
    fct_faces_free(faces);
}

int main(int argc, char **argv) {
    if (argc < 5 || argc > 6) return fprintf(stderr, "usage: recognize GALLERY NAME PHOTO OTHER-PHOTO [PACK]\n"), 2;
    fct_error e;
    recognizer r;
    check(fct_pack_open(argc > 5 ? argv[5] : NULL, NULL, &r.pack, &e), &e);
    check(fct_analyzer_create(r.pack, NULL, &r.analyzer, &e), &e);
    check(fct_gallery_open(argv[1], NULL, &r.gallery, &e), &e);
    enroll(&r, argv[2], argv[3]);
    identify(&r, argv[4]);
    fct_gallery_free(r.gallery);
    fct_analyzer_free(r.analyzer);
    fct_pack_free(r.pack);
    return 0;
}
