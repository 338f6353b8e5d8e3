#include "bridge/recognizer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "text/json_reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* How sure a cosine is, from 0 to 1: 0.8 at the threshold, as the server's similarities are for Rekognition's clients
 * (docs/decisions/0094-rekognition.md). */
static double score_of(double cosine, double threshold) { return 1 / (1 + exp(-(14 * (cosine - threshold) + log(4)))); }

/* ---- On this machine ------------------------------------------------------------------------- */

static float area(const fct_face *f) { return (f->box[2] - f->box[0]) * (f->box[3] - f->box[1]); }

static const fct_face *largest(const fct_faces *faces) {
    const fct_face *best = NULL;
    for (int i = 0; i < fct_faces_count(faces); i++) {
        const fct_face *f = fct_faces_at(faces, i);
        if (!best || area(f) > area(best)) best = f;
    }
    return best;
}

/* Looks a face up in the gallery. */
static fct_status search(const brg_local *l, const fct_face *f, brg_face *out, fct_error *err) {
    fct_search_opts o;
    fct_match m;
    int n = 0;
    float threshold = NAN;
    fct_search_opts_init(&o);
    o.threshold = l->threshold;
    o.fallback = fct_pack_threshold(l->pack);
    fct_status s = fct_gallery_search_with(l->gallery, fct_pack_embedder_id(l->pack), f->embedding, 1, f->embedding_dim,
                                           &o, &m, &n, err);
    if (s || !n) return s;
    if (isnan(o.threshold)) s = fct_gallery_threshold(l->gallery, m.collection_id, &threshold, err);
    else threshold = o.threshold;
    snprintf(out->name, sizeof out->name, "%s", m.name);
    out->score = score_of(m.score, isnan(threshold) ? o.fallback : threshold);
    return s;
}

fct_status brg_ask_local(const brg_local *l, const void *data, size_t size, brg_face *out, fct_error *err) {
    fct_decode_opts o;
    fct_image *image = NULL;
    fct_faces *faces = NULL;
    *out = (brg_face){0};
    fct_decode_opts_init(&o);
    if (l->max_pixels) o.max_pixels = l->max_pixels;
    fct_status s = fct_image_decode(data, size, "snapshot", &o, &image, err);
    if (!s) s = fct_analyze(l->analyzer, fct_image_view(image), &faces, err);
    const fct_face *f = s ? NULL : largest(faces);
    if (f && f->embedding) {
        out->found = true;
        s = search(l, f, out, err);
    }
    fct_faces_free(faces);
    fct_image_free(image);
    return s;
}

/* ---- On a server --------------------------------------------------------------------------------- */

fct_status brg_read_identify(char *text, size_t size, brg_face *out, fct_error *err) {
    fct_json_doc doc = {0};
    double similarity, threshold;
    *out = (brg_face){0};
    fct_status s = fct_json_parse(&doc, text, size, "the server's answer", err);
    const fct_json *faces = s ? NULL : fct_json_member(doc.values, "faces");
    if (!s && (!fct_json_is(faces, FCT_JSON_ARRAY) ||
               !fct_json_get_number(fct_json_member(doc.values, "threshold"), &threshold)))
        s = fct_fail(err, FCT_ERR_FORMAT, "the server's answer: is none of /v1's");
    const fct_json *first = s ? NULL : fct_json_first(faces); /* the largest */
    const fct_json *match = fct_json_first(fct_json_member(first, "matches"));
    const char *name = fct_json_get_text(fct_json_member(fct_json_member(match, "person"), "name"));
    out->found = first != NULL;
    if (name && strlen(name) < sizeof out->name &&
        fct_json_get_number(fct_json_member(match, "similarity"), &similarity)) {
        strcpy(out->name, name);
        out->score = score_of(similarity, threshold);
    }
    fct_json_free(&doc);
    return s;
}

fct_status brg_ask_remote(const brg_remote *r, const void *data, size_t size, brg_face *out, fct_error *err) {
    fct_buf answer = {0};
    int status;
    *out = (brg_face){0};
    char *url =
        fct_asprintf("%s/v1/collections/%s/identify?limit=1", r->url, r->collection ? r->collection : "_default");
    if (!url) return fct_fail_nomem(err, "address", 0);
    brg_ask ask = {.url = url, .token = r->key, .body = data, .body_size = size, .type = "application/octet-stream"};
    fct_status s = brg_web_ask(r->web, &ask, &status, &answer, err);
    if (!s && status == 422) s = fct_fail(err, FCT_ERR_FORMAT, "%s: the snapshot is no picture", r->url);
    else if (!s && status != 200) s = fct_fail(err, FCT_ERR_NETWORK, "%s: answered %d", r->url, status);
    if (!s)
        s = answer.data ? brg_read_identify(answer.data, answer.size, out, err)
                        : fct_fail(err, FCT_ERR_FORMAT, "%s: an empty answer", r->url);
    fct_buf_free(&answer);
    fct_free(url);
    return s;
}
