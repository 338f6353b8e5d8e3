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

static fct_image *read_photo(const char *path) {
    fct_error e;
    fct_image *photo;
    check(fct_image_read(path, NULL, &photo, &e), &e);
    return photo;
}

static fct_faces *analyze(recognizer *r, const fct_image *photo) {
    fct_error e;
    fct_faces *faces;
    check(fct_analyze(r->analyzer, fct_image_view(photo), &faces, &e), &e);
    return faces;
}

/* Stores the largest face of the photo under the name, and prints what speaks against the picture. */
static void enroll(recognizer *r, const char *name, const char *path) {
    fct_error e;
    fct_image *photo = read_photo(path);
    fct_faces *faces = analyze(r, photo);
    fct_enroll_opts opts;
    fct_enroll_result result;
    fct_enroll_opts_init(&opts);
    opts.source = path;
    check(fct_enroll_photo(r->gallery, r->pack, name, fct_image_view(photo), faces, &opts, &result, &e), &e);
    for (int i = 0; i < result.n_warnings; i++) fprintf(stderr, "recognize: %s: %s\n", path, result.warnings[i].text);
    fct_faces_free(faces);
    fct_image_free(photo);
    if (result.outcome == FCT_ENROLL_NO_FACE) {
        fprintf(stderr, "recognize: %s: no face found\n", path);
        exit(3);
    }
}

static void identify(recognizer *r, const char *path) {
    fct_image *photo = read_photo(path);
    fct_faces *faces = analyze(r, photo);
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
    fct_image_free(photo);
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
