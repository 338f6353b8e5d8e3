/* Rekognition's operations on pictures alone: DetectFaces and CompareFaces. */
#include "server/rekognition.h"

#include "base/alloc.h"

#include <stdlib.h>

void srv_rk_detect_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    srv_seen seen = {0};
    fct_json_writer j;
    if (srv_rk_look(app, r, form, "Image", srv_rk_tasks(form, "Attributes"), false, &seen, out)) {
        srv_rk_begin(out, &j);
        fct_json_array(&j, "FaceDetails");
        for (int i = 0; i < fct_faces_count(seen.faces); i++) {
            srv_rk_face(&j, NULL, &seen, fct_faces_at(seen.faces, i), true);
            fct_json_close_object(&j);
        }
        fct_json_close_array(&j);
        fct_json_close_object(&j);
    }
    srv_seen_free(&seen);
}

/* A face of the target picture and how like the source's it is. */
typedef struct compared_face {
    const fct_face *face;
    double percent;
} compared_face;

static int by_percent(const void *a, const void *b) {
    double x = ((const compared_face *)a)->percent, y = ((const compared_face *)b)->percent;
    return (x < y) - (x > y);
}

static void answer_comparison(const srv_seen *a, const srv_seen *b, const fct_face *source, const compared_face *list,
                              int n, double least, srv_reply *out) {
    fct_json_writer j;
    int i = 0;
    srv_rk_begin(out, &j);
    srv_rk_face(&j, "SourceImageFace", a, source, false);
    fct_json_close_object(&j);
    fct_json_array(&j, "FaceMatches");
    for (; i < n && list[i].percent >= least; i++) {
        fct_json_object(&j, NULL);
        fct_json_number(&j, "Similarity", list[i].percent, 4);
        srv_rk_face(&j, "Face", b, list[i].face, true);
        fct_json_close_object(&j);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_array(&j, "UnmatchedFaces");
    for (; i < n; i++) {
        srv_rk_face(&j, NULL, b, list[i].face, true);
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
}

/* Compares the largest face of one picture with all of the other. */
static void compare(srv_app *app, srv_request *r, const srv_seen *a, const srv_seen *b, double least, srv_reply *out) {
    int n = fct_faces_count(b->faces);
    const fct_face *source = srv_largest(a->faces);
    if (!source || !source->embedding || !n) {
        srv_rk_fail(r, out, "InvalidParameterException",
                    source ? "There are no faces in the target image" : "There are no faces in the source image");
        return;
    }
    compared_face *list = fct_calloc((size_t)n, sizeof *list);
    if (!list) {
        srv_fail(r, out, 503, "not_ready", "out of memory");
        return;
    }
    for (int i = 0; i < n; i++) {
        const fct_face *f = fct_faces_at(b->faces, i);
        double cosine = f->embedding ? fct_cosine(source->embedding, f->embedding, source->embedding_dim) : -1;
        list[i] = (compared_face){f, srv_rk_similarity(app, cosine)};
    }
    qsort(list, (size_t)n, sizeof *list, by_percent);
    answer_comparison(a, b, source, list, n, least, out);
    fct_free(list);
}

void srv_rk_compare_faces(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    srv_seen a = {0}, b = {0};
    double least = 80;
    uint32_t tasks = FCT_TASK_EMBED | FCT_TASK_LANDMARK_68;
    if (srv_rk_percent(r, form, "SimilarityThreshold", &least, out) &&
        srv_rk_look(app, r, form, "SourceImage", tasks, false, &a, out) &&
        srv_rk_look(app, r, form, "TargetImage", tasks, false, &b, out))
        compare(app, r, &a, &b, least, out);
    srv_seen_free(&a);
    srv_seen_free(&b);
}
