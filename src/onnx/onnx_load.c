/* fct_model_load() and its forms: file to model. */
#include "onnx/onnx.h"
#include "base/error.h"
#include "graph/model.h"
#include "onnx/onnx_file.h"

/* Has the graph's large constants read from the file when they are asked for. */
static void set_file(fct_graph *g, const fct_part_file *file) {
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i].konst && g->values[i].konst->raw) g->values[i].konst->file = file;
}

static fct_status load(fct_model_bytes *source, const char *name, const fct_engine_opts *opts, fct_model **out,
                       fct_error *err) {
    fct_engine_opts defaults;
    fct_graph *g;
    *out = NULL;
    fct_engine_opts_init(&defaults);
    fct_status s = fct_onnx_read(source->data, source->len, name, &g, err);
    if (!s) set_file(g, source->file);
    return s ? s : fct_model_create(g, source, opts ? opts : &defaults, out, err);
}

fct_status fct_model_load_engine(const void *data, size_t len, const char *name, const fct_engine_opts *opts,
                                 fct_model **out, fct_error *err) {
    fct_model_bytes source = {.data = data, .len = len};
    *out = NULL;
    if (!data) return fct_fail(err, FCT_ERR_ARG, "fct_model_load: no data");
    return load(&source, name ? name : "model", opts, out, err);
}

static fct_status load_file(const fct_part_file *file, const fct_engine_opts *opts, fct_model **out, fct_error *err) {
    fct_model_bytes source = {.data = file->data, .len = file->size, .file = file};
    return load(&source, file->path, opts, out, err);
}

fct_status fct_model_load_engine_file(const char *path, const fct_engine_opts *opts, fct_model **out, fct_error *err) {
    fct_part_file file;
    *out = NULL;
    if (!path) return fct_fail(err, FCT_ERR_ARG, "fct_model_load: no path");
    fct_status s = fct_onnx_open(path, &file, err);
    if (s) return s;
    s = load_file(&file, opts, out, err);
    fct_part_close(&file);
    return s;
}

static fct_status with_model_opts(const fct_model_opts *opts, fct_engine_opts *e, fct_error *err) {
    fct_engine_opts_init(e);
    if (opts && opts->size < sizeof *opts)
        return fct_fail(err, FCT_ERR_ARG, "fct_model_opts: call fct_model_opts_init() first");
    if (opts) e->model = *opts;
    return FCT_OK;
}

fct_status fct_model_load_memory(const void *data, size_t len, const char *name, const fct_model_opts *opts,
                                 fct_model **out, fct_error *err) {
    fct_engine_opts e;
    *out = NULL;
    fct_status s = with_model_opts(opts, &e, err);
    return s ? s : fct_model_load_engine(data, len, name, &e, out, err);
}

fct_status fct_model_load(const char *path, const fct_model_opts *opts, fct_model **out, fct_error *err) {
    fct_engine_opts e;
    *out = NULL;
    fct_status s = with_model_opts(opts, &e, err);
    return s ? s : fct_model_load_engine_file(path, &e, out, err);
}

fct_status fct_onnx_load(const fct_part_file *file, const fct_model_opts *opts, fct_model **out, fct_error *err) {
    fct_engine_opts e;
    *out = NULL;
    fct_status s = with_model_opts(opts, &e, err);
    return s ? s : load_file(file, &e, out, err);
}
