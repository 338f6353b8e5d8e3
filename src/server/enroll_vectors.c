/* Embeddings that were made elsewhere, by the same network. */
#include "server/enroll_api.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VECTORS_MOST = 20, DIM_MOST = 16384 };

static bool refuse(const srv_request *r, srv_reply *out, const char *text) {
    srv_fail(r, out, 400, "invalid_request", text);
    return false;
}

/* Copies one array of dim numbers; false where it is none, or not of unit length. */
static bool take_vector(const fct_json *v, float *out, int dim) {
    double sum = 0, x;
    if (!fct_json_is(v, FCT_JSON_ARRAY) || v->length != (uint32_t)dim) return false;
    for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c)) {
        if (!fct_json_get_number(c, &x) || !isfinite((float)x)) return false;
        *out++ = (float)x;
        sum += x * x;
    }
    return fabs(sqrt(sum) - 1) <= 0.0002;
}

static bool take_vectors(srv_app *app, const srv_request *r, const fct_json *list, srv_vectors *v, srv_reply *out) {
    char text[160];
    v->dim = fct_pack_embedding_dim(app->core.pack);
    if (!fct_json_is(list, FCT_JSON_ARRAY) || list->length < 1 || list->length > VECTORS_MOST)
        return refuse(r, out, "external_embeddings: is no list of 1 to 20 embeddings");
    v->at = fct_calloc((size_t)list->length * (size_t)v->dim, sizeof *v->at);
    if (!v->at) {
        srv_fail(r, out, 503, "not_ready", "out of memory");
        return false;
    }
    for (const fct_json *c = fct_json_first(list); c; c = fct_json_next(list, c)) {
        if (!take_vector(c, v->at + (size_t)v->n * (size_t)v->dim, v->dim)) {
            snprintf(text, sizeof text, "external_embeddings: number %d is no list of %d numbers of unit length",
                     v->n + 1, v->dim);
            srv_fail(r, out, 422, "invalid_external_embedding", text);
            return false;
        }
        v->n++;
    }
    return true;
}

/* Reads the list, which a form has as a text. */
static bool read_list(srv_app *app, const srv_request *r, srv_form *form, srv_vectors *v, srv_reply *out) {
    const fct_json *list = srv_form_json(form, "external_embeddings");
    const char *text = list ? NULL : srv_form_text(form, "external_embeddings");
    fct_json_doc doc = {0};
    fct_error e;
    if (!text) return take_vectors(app, r, list, v, out);
    char *copy = fct_strdup(text);
    bool fine = false;
    if (!copy) srv_fail(r, out, 503, "not_ready", "out of memory");
    else if (fct_json_parse(&doc, copy, strlen(copy), "external_embeddings", &e)) srv_fail_form(r, out, &e);
    else fine = take_vectors(app, r, doc.values, v, out);
    fct_json_free(&doc);
    fct_free(copy);
    return fine;
}

bool srv_vectors_read(srv_app *app, const srv_request *r, srv_form *form, srv_vectors *v, srv_reply *out) {
    const char *mode = srv_form_text(form, "embedding_mode"), *made = srv_form_text(form, "embedding_contract_id");
    *v = (srv_vectors){0};
    bool external = mode && strcmp(mode, "external_trusted") == 0;
    if (mode && !external && strcmp(mode, "server") != 0)
        return refuse(r, out, "embedding_mode: is neither server nor external_trusted");
    if (!external) {
        bool given = srv_form_text(form, "external_embeddings") || srv_form_json(form, "external_embeddings");
        return !given || refuse(r, out, "external_embeddings: embedding_mode is not external_trusted");
    }
    if (!made || strcmp(made, fct_pack_embedder_id(app->core.pack)) != 0) {
        srv_fail(r, out, 409, "collection_model_mismatch",
                 "embedding_contract_id: is not the collection's, and embeddings of different networks do not compare");
        return false;
    }
    return read_list(app, r, form, v, out);
}
