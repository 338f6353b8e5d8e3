#include "imports/import_sink.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "text/decimal.h"

fct_status fct_import_reserve(fct_import_sink *sink, size_t n, fct_error *err) {
    float *p = fct_grow(sink->vector, &sink->capacity, n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "embedding", n * sizeof *p);
    sink->vector = p;
    return FCT_OK;
}

fct_status fct_import_emit(fct_import_sink *sink, const char *name, fct_enrollment *face, size_t n, fct_error *err) {
    if (n > 16384) return fct_fail(err, FCT_ERR_FORMAT, "%s: %.200s has %zu values", sink->path, name, n);
    if (!sink->dim) sink->dim = (int)n;
    if ((size_t)sink->dim != n)
        return fct_fail(err, FCT_ERR_MISMATCH, "%s: an embedding of %.200s has %zu values, those before %d", sink->path,
                        name, n, sink->dim);
    face->model_id = sink->model_id;
    face->embedding = sink->vector;
    face->dim = sink->dim;
    fct_error why = {.code = FCT_OK};
    fct_status s = sink->put(sink->user, name, face, &why);
    if (s == FCT_ERR_ARG) return fct_fail(err, FCT_ERR_FORMAT, "%s: %.120s: %.300s", sink->path, name, why.text);
    if (s && err) *err = why;
    sink->faces += !s;
    return s;
}

/* Passes over blanks, which some programs put behind commas. */
static const char *skip_blanks(const char *p) {
    while (*p == ' ') p++;
    return p;
}

fct_status fct_import_read_numbers(fct_import_sink *sink, const char *text, char open, char close, size_t *n,
                                   fct_error *err) {
    size_t count = 0;
    *n = 0;
    if (*text != open) return FCT_OK;
    for (const char *p = skip_blanks(text + 1);; p = skip_blanks(p + 1)) {
        double v;
        size_t room = 0;
        while (room < 64 && p[room]) room++;
        size_t length = fct_decimal_length(p, room);
        if (!length) return FCT_OK;
        if (!fct_decimal(p, length, &v)) return fct_fail_nomem(err, "embedding", 0);
        fct_status s = fct_import_reserve(sink, count, err);
        if (s) return s;
        sink->vector[count++] = (float)v;
        p = skip_blanks(p + length);
        if (*p == close && !p[1]) break;
        if (*p != ',') return FCT_OK;
    }
    *n = count;
    return FCT_OK;
}
