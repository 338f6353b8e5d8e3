/* Finds and embeds the faces of listed photos, for bench/cluster/compare.py:
 *   extract_faces PACK LIST OUT [MAX_FACES]
 * LIST has a path a line. OUT.f32 gets an embedding a face, as the network gives
 * it; OUT.csv a line a face: file, face, box, detection score, quality, age (-1:
 * the pack cannot tell). Photos without a face are left out, and counted. */
#include <facet/facet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fct_error e;

static int fail(const char *what) {
    fprintf(stderr, "extract_faces: %s: %s\n", what, e.text);
    return 1;
}

static int write_face(FILE *rows, FILE *lines, const char *path, int number, fct_view v, const fct_face *f) {
    fct_quality q;
    if (fct_face_quality(v, f, &q, &e)) return fail(path);
    fprintf(lines, "%s,%d,%.2f,%.2f,%.2f,%.2f,%.4f,%.4f,%d\n", path, number, f->box[0], f->box[1], f->box[2], f->box[3],
            f->score, q.score, f->age);
    return fwrite(f->embedding, sizeof(float), (size_t)f->embedding_dim, rows) != (size_t)f->embedding_dim;
}

/* Returns the number of faces, -1 on failure. */
static int extract(fct_analyzer *a, const char *path, FILE *rows, FILE *lines) {
    fct_image *im;
    fct_faces *faces;
    int n = -1;
    if (fct_image_read(path, NULL, &im, &e)) return fail(path), -1;
    if (!fct_analyze(a, fct_image_view(im), &faces, &e)) {
        n = fct_faces_count(faces);
        for (int i = 0; i < n; i++)
            if (write_face(rows, lines, path, i, fct_image_view(im), fct_faces_at(faces, i))) n = -1;
        fct_faces_free(faces);
    }
    fct_image_free(im);
    return n;
}

int main(int argc, char **argv) {
    fct_pack *pack;
    fct_analyzer *a;
    fct_analyzer_opts o;
    char name[4096], path[4096];
    int faces = 0, empty = 0;
    if (argc < 4) return fail("see the head of extract_faces.c");
    fct_analyzer_opts_init(&o);
    o.max_faces = argc > 4 ? atoi(argv[4]) : 0;
    if (fct_pack_open(argv[1], NULL, &pack, &e) || fct_analyzer_create(pack, &o, &a, &e)) return fail(argv[1]);
    FILE *list = fopen(argv[2], "r");
    snprintf(name, sizeof name, "%s.f32", argv[3]);
    FILE *rows = fopen(name, "wb");
    snprintf(name, sizeof name, "%s.csv", argv[3]);
    FILE *lines = fopen(name, "w");
    if (!list || !rows || !lines) return fail("cannot open the files");
    fprintf(lines, "file,face,x1,y1,x2,y2,score,quality,age\n");
    while (fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = 0;
        int n = extract(a, path, rows, lines);
        if (n < 0) return 1;
        faces += n;
        empty += n == 0;
    }
    printf("%d faces, %d photos without one\n", faces, empty);
    fct_analyzer_free(a);
    fct_pack_free(pack);
    return fclose(list) | fclose(rows) | fclose(lines);
}
