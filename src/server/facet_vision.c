/* detect, embeddings, compare: what needs no gallery. */
#include "server/facet_api.h"

#include "base/alloc.h"

#include <math.h>

/* Writes the faces, the largest first, at most `most`. */
static void write_faces(fct_json_writer *j, const srv_seen *seen, int most, bool embedding) {
    int n = fct_faces_count(seen->faces), *order = fct_alloc((size_t)n * sizeof *order);
    if (!order) j->buf->failed = true;
    else srv_by_area(seen->faces, order);
    fct_json_array(j, "faces");
    for (int i = 0; order && i < n && i < most; i++)
        srv_json_face(j, NULL, seen, fct_faces_at(seen->faces, order[i]), embedding);
    fct_json_close_array(j);
    fct_free(order);
}

static void find_faces(srv_app *app, srv_request *r, srv_reply *out, uint32_t tasks, bool embedding) {
    srv_form form;
    srv_seen seen = {0};
    fct_json_writer j;
    fct_error e;
    int most = 1000000;
    bool fine = srv_read_form(r, &form, "image|max_faces|collection_id", out);
    if (fine && srv_form_text(&form, "min_score")) {
        srv_fail(r, out, 400, "request_detection_override_not_supported", "min_score: cannot be set by a request");
        fine = false;
    }
    if (fine && srv_form_int(&form, "max_faces", 1, 100, &most, &e)) {
        srv_fail_form(r, out, &e);
        fine = false;
    }
    if (fine && srv_read_picture(app, r, &form, "image", tasks, false, &seen, out)) {
        srv_reply_json(out, 200, &j);
        fct_json_object(&j, NULL);
        write_faces(&j, &seen, most, embedding);
        if (embedding) {
            fct_json_object(&j, "model");
            fct_json_text(&j, "model_id", fct_pack_name(app->core.pack));
            fct_json_text(&j, "model_digest", fct_pack_embedder_id(app->core.pack));
            fct_json_int(&j, "embedding_dimension", fct_pack_embedding_dim(app->core.pack));
            fct_json_close_object(&j);
        }
        srv_json_close(&j, r, true);
    }
    srv_seen_free(&seen);
    srv_form_free(&form);
}

/* Genders and ages are found where the pack can tell. */
void srv_do_detect(srv_app *app, srv_request *r, srv_reply *out) {
    find_faces(app, r, out, FCT_TASK_GENDER_AGE, false);
}

void srv_do_embed(srv_app *app, srv_request *r, srv_reply *out) { find_faces(app, r, out, FCT_TASK_EMBED, true); }

static void compare(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    srv_seen a = {0}, b = {0};
    fct_json_writer j;
    fct_error e;
    double threshold = srv_core_threshold(&app->core);
    if (srv_form_number(form, "threshold", -1, 1, &threshold, &e)) srv_fail_form(r, out, &e);
    else if (srv_read_picture(app, r, form, "source", FCT_TASK_EMBED, true, &a, out) &&
             srv_read_picture(app, r, form, "target", FCT_TASK_EMBED, true, &b, out)) {
        const fct_face *x = srv_largest(a.faces), *y = srv_largest(b.faces);
        if (!x || !y) srv_fail(r, out, 422, "face_not_found", x ? "target: shows no face" : "source: shows no face");
        else {
            double similarity = fct_cosine(x->embedding, y->embedding, x->embedding_dim);
            srv_reply_json(out, 200, &j);
            fct_json_object(&j, NULL);
            fct_json_bool(&j, "matched", similarity >= threshold);
            fct_json_number(&j, "similarity", similarity, 6);
            fct_json_number(&j, "threshold", threshold, 6);
            srv_json_face(&j, "source_face", &a, x, false);
            srv_json_face(&j, "target_face", &b, y, false);
            srv_json_close(&j, r, true);
        }
    }
    srv_seen_free(&a);
    srv_seen_free(&b);
}

void srv_do_compare(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form;
    if (srv_read_form(r, &form, "source|target|threshold|collection_id", out)) compare(app, r, &form, out);
    srv_form_free(&form);
}
