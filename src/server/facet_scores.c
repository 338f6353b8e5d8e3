/* How alike the faces of a collection are: what a threshold means there. */
#include "server/facet_api.h"

#include "facet/gallery_faces.h"

#include <math.h>

static double share(uint64_t part, uint64_t all) { return all ? (double)part / (double)all : NAN; }

static void write_bins(fct_json_writer *j, const fct_histogram *h) {
    fct_json_array(j, "bins");
    for (int i = 0; i < h->bins; i++) {
        fct_json_object(j, NULL);
        fct_json_number(j, "from", -1 + 2.0 * i / h->bins, 6);
        fct_json_number(j, "to", -1 + 2.0 * (i + 1) / h->bins, 6);
        fct_json_int(j, "genuine", (int64_t)h->genuine[i]);
        fct_json_int(j, "impostor", (int64_t)h->impostor[i]);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

void srv_do_scores(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form query = {.request = r};
    fct_json_writer j;
    fct_histogram h;
    fct_error e;
    int bins = 100, most = 2000;
    if (!srv_collection_of(app, r, out)) return;
    fct_status s = srv_form_int(&query, "bins", 10, 200, &bins, &e);
    if (!s) s = srv_form_int(&query, "most_faces", 2, 5000, &most, &e);
    if (s) {
        srv_fail_form(r, out, &e);
        return;
    }
    float threshold = srv_core_threshold(&app->core);
    if (fct_gallery_histogram(app->core.gallery, bins, most, threshold, &h, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    write_bins(&j, &h);
    fct_json_int(&j, "genuine", (int64_t)h.n_genuine);
    fct_json_int(&j, "impostor", (int64_t)h.n_impostor);
    fct_json_int(&j, "people", h.people);
    fct_json_int(&j, "faces", h.faces);
    fct_json_int(&j, "compared", h.compared);
    fct_json_number(&j, "threshold", threshold, 6);
    fct_json_number(&j, "false_accept", share(h.impostor_matches, h.n_impostor), 9);
    fct_json_number(&j, "true_accept", share(h.genuine_matches, h.n_genuine), 9);
    srv_json_close(&j, r, true);
}
