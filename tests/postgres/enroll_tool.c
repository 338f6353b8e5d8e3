/* Enrolls faces one by one and says of each that it was acknowledged; or lists what a gallery holds. For tests that
 * cut the power.
 *
 * enroll_tool GALLERY enroll FIRST COUNT [CROP]   faces FIRST.. of 32 values, with crops of so many bytes; a line each
 * enroll_tool GALLERY list                        the numbers of all faces, a line each */
#include "../unit/gallery_util.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const fct_error *e) {
    fprintf(stderr, "%s\n", e->text);
    return 3;
}

static int enroll(fct_gallery *g, uint64_t first, uint64_t count, size_t crop_len) {
    fct_error e;
    char *crop = calloc(1, crop_len + 1);
    for (uint64_t i = first; i < first + count; i++) {
        char name[20], source[32];
        float v[UTIL_DIM];
        util_embedding(i, UTIL_DIM, v);
        uint64_t state = i; /* what can be compressed would fill no disk */
        for (size_t k = 0; k < crop_len; k++) crop[k] = (char)util_random(&state);
        snprintf(name, sizeof name, "P%d", (int)(i % 20));
        snprintf(source, sizeof source, "%llu", (unsigned long long)i);
        fct_enrollment f = {.model_id = UTIL_MODEL,
                            .embedding = v,
                            .dim = UTIL_DIM,
                            .source = source,
                            .crop = crop_len ? crop : NULL,
                            .crop_len = crop_len};
        fct_status s = fct_gallery_enroll(g, name, &f, 1, NULL, NULL, &e);
        if (s) {
            free(crop);
            return fail(&e);
        }
        printf("%llu\n", (unsigned long long)i);
        fflush(stdout);
    }
    free(crop);
    return 0;
}

static int list(fct_gallery *g) {
    fct_error e;
    fct_person *people;
    fct_stored_face *faces;
    int n, m;
    if (fct_gallery_check(g, &e)) return fail(&e);
    if (fct_gallery_people(g, &people, &n, &e)) return fail(&e);
    for (int i = 0; i < n; i++) {
        if (fct_gallery_faces(g, people[i].id, &faces, &m, &e)) return fail(&e);
        for (int k = 0; k < m; k++) printf("%s\n", faces[k].source);
        fct_gallery_faces_free(faces);
    }
    fct_gallery_people_free(people);
    return 0;
}

int main(int argc, char **argv) {
    fct_gallery *g;
    fct_error e;
    if (argc < 3 || fct_gallery_open(argv[1], NULL, &g, &e)) return argc < 3 ? 2 : fail(&e);
    int code = strcmp(argv[2], "list") == 0 ? list(g)
                                            : enroll(g, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
                                                     argc > 5 ? (size_t)atol(argv[5]) : 0);
    fct_gallery_free(g);
    return code;
}
