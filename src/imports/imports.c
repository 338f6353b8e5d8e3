/* Which kind a file is of, and the reader for it. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "imports/import_sink.h"
#include "imports/pickle.h"
#include <errno.h>
#include <string.h>

#define PICKLE_MOST ((size_t)2 << 30)

static const char *const kind_names[] = {"auto", "facet", "numpy", "pickle", "compreface", "insightface", "immich"};
enum { KINDS = sizeof kind_names / sizeof *kind_names };

void fct_import_opts_init(fct_import_opts *o) { *o = (fct_import_opts){.size = sizeof *o}; }

const char *fct_import_kind_name(fct_import_kind k) {
    return (int)k > FCT_IMPORT_AUTO && (int)k < KINDS ? kind_names[k] : NULL;
}

fct_import_kind fct_import_kind_find(const char *name) {
    for (int i = 1; i < KINDS; i++)
        if (strcmp(kind_names[i], name) == 0) return (fct_import_kind)i;
    return FCT_IMPORT_AUTO;
}

/* ---- By content ----------------------------------------------------------------------- */

static bool begins(const uint8_t *p, size_t n, const char *with) {
    size_t length = strlen(with);
    return n >= length && memcmp(p, with, length) == 0;
}

/* A pickle of protocol 2 and later says so; earlier ones begin with a value and end with a stop. */
static bool is_pickle(const uint8_t *p, size_t n) {
    if (n > 1 && p[0] == 0x80) return p[1] >= 2 && p[1] <= 9;
    return n > 1 && strchr("(}]c", p[0]) && p[0] && !begins(p, n, "[{") && !begins(p, n, "]\n");
}

fct_status fct_import_recognize(const char *path, fct_import_kind *out, fct_error *err) {
    uint8_t start[72];
    fct_file_stat st;
    *out = FCT_IMPORT_AUTO;
    fct_file_get_stat(path, &st);
    if (!st.exists) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such file", path);
    if (st.is_dir) return fct_fail(err, FCT_ERR_IO, "%s: is a directory; 'facet enroll --folders' reads photos", path);
    if (!st.is_file) return fct_fail(err, FCT_ERR_IO, "%s: is not a regular file", path);
    FILE *f = fct_fopen(path, "rb");
    if (!f && errno == ENOMEM) return fct_fail_nomem(err, path, 0);
    if (!f) return fct_fail(err, FCT_ERR_IO, "%s: cannot be read", path);
    size_t n = fread(start, 1, sizeof start, f);
    fclose(f);
    const uint8_t *p = start;
    if (begins(p, n, "\xef\xbb\xbf")) p += 3, n -= 3; /* byte-order mark */
    if (begins(p, n, "\x93NUMPY") || begins(p, n, "PK\x03\x04")) *out = FCT_IMPORT_NUMPY;
    else if (begins(p, n, "SQLite format 3")) *out = FCT_IMPORT_INSIGHTFACE;
    else if (begins(p, n, "{")) *out = FCT_IMPORT_FACET;
    else if (begins(p, n, "PGDMP") || begins(p, n, "\x1f\x8b") || begins(p, n, "--") || begins(p, n, "SET ") ||
             begins(p, n, "\\restrict"))
        return fct_dump_recognize(path, out, err);
    else if (is_pickle(p, n)) *out = FCT_IMPORT_PICKLE;
    /* SQLite's application id, by which a gallery says what it is */
    if (*out == FCT_IMPORT_INSIGHTFACE && n == sizeof start && memcmp(start + 68, "FCTG", 4) == 0) {
        *out = FCT_IMPORT_AUTO;
        return fct_fail(err, FCT_ERR_UNSUPPORTED,
                        "%s: is a gallery itself: 'facet gallery copy %s TO' adds it to another", path, path);
    }
    if (*out) return FCT_OK;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: %s", path, n ? "not a file of faces that is known" : "is empty");
}

/* ---- The call ----------------------------------------------------------------------------- */

typedef struct import_job {
    const char *path;
    const fct_import_opts *o;
    fct_import_kind kind;
    fct_pickle_doc *pickle; /* read before the transaction */
    fct_import_sink sink;
} import_job;

static fct_status read_faces(void *user, fct_import_put_fn *put, void *to, fct_error *err) {
    import_job *j = user;
    fct_import_sink *s = &j->sink;
    *s = (fct_import_sink){.path = j->path,
                           .model_id = j->o->model_id,
                           .put = put,
                           .user = to,
                           .vector = s->vector,
                           .capacity = s->capacity};
    if (j->kind == FCT_IMPORT_PICKLE) return fct_pickle_import(j->pickle, s, err);
    if (j->kind == FCT_IMPORT_INSIGHTFACE) return fct_server_db_import(j->o->part, s, err);
    return fct_dump_import(j->kind, j->o->part, s, err);
}

static fct_status import_foreign(fct_gallery *g, import_job *j, fct_import_result *out, fct_error *err) {
    uint8_t *data = NULL;
    size_t size;
    fct_status s = FCT_OK;
    if (j->kind == FCT_IMPORT_PICKLE) {
        s = fct_file_read(j->path, PICKLE_MOST, &data, &size, err);
        if (!s) s = fct_pickle_read(data, size, j->path, &j->pickle, err);
    }
    if (!s) s = fct_gallery_import_from(g, read_faces, j, &out->added, err);
    if (!s) {
        out->faces = (int)j->sink.faces;
        out->unnamed = (int)j->sink.unnamed;
        memcpy(out->model, j->sink.model, sizeof out->model);
    }
    fct_pickle_free(j->pickle);
    fct_free(j->sink.vector);
    fct_free(data);
    return s;
}

/* Whether the options fit the kind: only our own files say which network made the embeddings. */
static fct_status check_opts(const char *path, const fct_import_opts *o, fct_import_kind kind, fct_error *err) {
    if (kind == FCT_IMPORT_FACET && o->model_id)
        return fct_fail(err, FCT_ERR_ARG, "%s: says itself which network made the embeddings", path);
    if (kind != FCT_IMPORT_FACET && !o->model_id)
        return fct_fail(err, FCT_ERR_ARG,
                        "%s: nothing in it says which network made the embeddings; a model id is needed", path);
    if (kind == FCT_IMPORT_NUMPY && !o->names)
        return fct_fail(err, FCT_ERR_ARG, "%s: a NumPy file needs a CSV file of names", path);
    if (kind != FCT_IMPORT_NUMPY && o->names)
        return fct_fail(err, FCT_ERR_ARG, "%s: has names itself; the file %.200s is too much", path, o->names);
    return FCT_OK;
}

fct_status fct_import(fct_gallery *g, const char *path, const fct_import_opts *opts, fct_import_result *out,
                      fct_error *err) {
    fct_import_opts o;
    fct_import_opts_init(&o);
    *out = (fct_import_result){0};
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    if (!path || !*path || (int)o.kind < 0 || (int)o.kind >= KINDS)
        return fct_fail(err, FCT_ERR_ARG, "import: no path or kind");
    import_job j = {.path = path, .o = &o, .kind = o.kind};
    fct_status s = o.kind ? FCT_OK : fct_import_recognize(path, &j.kind, err);
    if (!s) s = check_opts(path, &o, j.kind, err);
    if (s) return s;
    out->kind = j.kind;
    if (j.kind == FCT_IMPORT_FACET) return fct_gallery_import(g, path, &out->added, err);
    if (j.kind == FCT_IMPORT_NUMPY) return fct_gallery_import_npy(g, o.model_id, path, o.names, &out->added, err);
    return import_foreign(g, &j, out, err);
}
