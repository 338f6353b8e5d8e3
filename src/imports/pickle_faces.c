/* The shapes in which programs pickle faces:
 *
 *   {name: embedding}, {name: [embedding, ...]}, {name: array of rows}, {name: {"embedding": ...}}
 *   {"names": [...], "embeddings": [...]} and the like ("encodings", "known_face_names", ...)
 *   [{"name": ..., "embedding": ...}, ...]; DeepFace's "identity" is a path, whose folder is the person
 *   [(name, embedding), ...]
 *   [names, embeddings] or [embeddings, names], also as two pickles in one file */
#include "base/error.h"
#include "imports/import_sink.h"
#include "imports/pickle.h"
#include <string.h>

enum { NAME = 1024 };

static const char *const all_names[] = {"names", "labels", "known_face_names", "known_names", "identities", "name",
                                        "ids",   NULL};
static const char *const all_vectors[] = {"embeddings",      "encodings", "known_face_encodings",
                                          "known_encodings", "features",  "vectors",
                                          "embedding",       "encoding",  NULL};
static const char *const one_name[] = {"name", "label", "person", "identity", "subject", "id", NULL};
static const char *const one_vector[] = {"embedding", "encoding", "vector",     "feature",   "normed_embedding",
                                         "features",  "vectors",  "embeddings", "encodings", NULL};

static const fct_pickle_value *first_of(const fct_pickle_value *v, const char *const *keys) {
    for (; *keys; keys++) {
        const fct_pickle_value *m = fct_pickle_member(v, *keys);
        if (m) return m;
    }
    return NULL;
}

static fct_status no_embedding(const fct_import_sink *sink, const char *name, const fct_pickle_value *v,
                               fct_error *err) {
    char what[80];
    return fct_fail(err, FCT_ERR_FORMAT, "%s: %.200s has %s, which is no embedding", sink->path, name,
                    fct_pickle_describe(v, what, sizeof what));
}

static fct_status put_one(fct_import_sink *sink, const char *name, const fct_pickle_value *v, fct_error *err) {
    size_t n = fct_pickle_vector_size(v);
    fct_status s = fct_import_reserve(sink, n, err);
    if (s) return s;
    if (!fct_pickle_vector(v, sink->vector, n)) return no_embedding(sink, name, v, err);
    return fct_import_emit(sink, name, &(fct_enrollment){0}, n, err);
}

static fct_status put_at(fct_import_sink *sink, const char *name, const fct_pickle_value *v, size_t i, fct_error *err) {
    size_t n = fct_pickle_vector_size_at(v, i);
    fct_status s = fct_import_reserve(sink, n, err);
    if (s) return s;
    if (!fct_pickle_vector_at(v, i, sink->vector, n)) return no_embedding(sink, name, v, err);
    return fct_import_emit(sink, name, &(fct_enrollment){0}, n, err);
}

/* An embedding or several. */
static fct_status put_person(fct_import_sink *sink, const char *name, const fct_pickle_value *v, fct_error *err) {
    if (v && v->kind == FCT_PICKLE_DICT) v = first_of(v, one_vector);
    if (fct_pickle_vector_size(v)) return put_one(sink, name, v, err);
    size_t n = fct_pickle_count(v);
    if (!n && (!v || v->kind != FCT_PICKLE_LIST)) return no_embedding(sink, name, v, err);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) s = put_at(sink, name, v, i, err);
    return s;
}

/* The person of DeepFace's "people/Ada/1.jpg". */
static void name_of_path(char *name) {
    char *last = NULL, *before = NULL;
    for (char *p = name; *p; p++)
        if (*p == '/' || *p == '\\') before = last, last = p;
    if (!last) return;
    *last = 0;
    if (before) memmove(name, before + 1, strlen(before + 1) + 1);
}

/* ---- The shapes ------------------------------------------------------------------------- */

static fct_status put_parallel(fct_import_sink *sink, const fct_pickle_value *names, const fct_pickle_value *vectors,
                               fct_error *err) {
    char name[NAME];
    size_t n = fct_pickle_count(names);
    if (n != fct_pickle_count(vectors))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: has %zu names and %zu embeddings", sink->path, n,
                        fct_pickle_count(vectors));
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        if (!fct_pickle_text_at(names, i, name, sizeof name))
            return fct_fail(err, FCT_ERR_FORMAT, "%s: name %zu is no text", sink->path, i);
        s = put_at(sink, name, vectors, i, err);
    }
    return s;
}

static fct_status put_dict(fct_import_sink *sink, const fct_pickle_value *v, fct_error *err) {
    const fct_pickle_value *names = first_of(v, all_names), *vectors = first_of(v, all_vectors);
    char name[NAME], what[80];
    if (names && vectors && (fct_pickle_count(names) || fct_pickle_count(vectors)))
        return put_parallel(sink, names, vectors, err);
    fct_status s = FCT_OK;
    for (size_t i = 0; i + 1 < v->items.n && !s; i += 2) {
        if (!fct_pickle_text(v->items.at[i], name, sizeof name))
            return fct_fail(err, FCT_ERR_FORMAT, "%s: a key is %s and no name", sink->path,
                            fct_pickle_describe(v->items.at[i], what, sizeof what));
        s = put_person(sink, name, v->items.at[i + 1], err);
    }
    return s;
}

/* A record, or a pair of name and embedding. */
static fct_status put_record(fct_import_sink *sink, const fct_pickle_value *v, size_t i, fct_error *err) {
    char name[NAME], what[80];
    bool pair = v->kind == FCT_PICKLE_LIST && v->items.n == 2;
    const fct_pickle_value *who = pair ? v->items.at[0] : first_of(v, one_name);
    if (!fct_pickle_text(who, name, sizeof name))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: item %zu, %s, has no name", sink->path, i,
                        fct_pickle_describe(v, what, sizeof what));
    if (!pair && !fct_pickle_member(v, "name")) name_of_path(name);
    return put_person(sink, name, pair ? v->items.at[1] : first_of(v, one_vector), err);
}

/* Whether v may be the names of two lists, and the other one the embeddings. */
static bool is_parallel(const fct_pickle_value *names, const fct_pickle_value *vectors) {
    char name[NAME];
    return fct_pickle_count(names) && fct_pickle_text_at(names, 0, name, sizeof name) &&
           fct_pickle_vector_size_at(vectors, 0);
}

static fct_status put_list(fct_import_sink *sink, const fct_pickle_value *v, fct_error *err) {
    if (v->items.n == 2) {
        const fct_pickle_value *a = v->items.at[0], *b = v->items.at[1];
        if (is_parallel(a, b)) return put_parallel(sink, a, b, err);
        if (is_parallel(b, a)) return put_parallel(sink, b, a, err);
    }
    fct_status s = FCT_OK;
    for (size_t i = 0; i < v->items.n && !s; i++) s = put_record(sink, v->items.at[i], i, err);
    return s;
}

fct_status fct_pickle_import(const fct_pickle_doc *doc, fct_import_sink *sink, fct_error *err) {
    const fct_pickle_value *v = fct_pickle_root(doc);
    char what[80];
    if (v->kind == FCT_PICKLE_DICT) return put_dict(sink, v, err);
    if (v->kind == FCT_PICKLE_LIST) return put_list(sink, v, err);
    return fct_fail(err, FCT_ERR_FORMAT, "%s: holds %s; names with embeddings are expected", sink->path,
                    fct_pickle_describe(v, what, sizeof what));
}
