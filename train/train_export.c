/* From a checkpoint to an ONNX file. */
#include "train/train.h"
#include "train/checkpoint.h"
#include "train/export.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

/* Numbers of class centers a checkpoint holds: they are read, though not
 * exported. It stands behind magic, version, length, text and four numbers. */
static fct_status centers_of(const char *path, const char *network, size_t *n, fct_error *err) {
    fct_map m;
    size_t at = 16 + strlen(network) + 32;
    fct_status s = fct_map_copy(path, SIZE_MAX, &m, err);
    if (s) return s;
    *n = 0;
    if (m.size < at + 8) s = fct_fail(err, FCT_ERR_FORMAT, "%s: not a checkpoint", path);
    for (int i = 0; !s && i < 8; i++) *n |= (size_t)m.data[at + i] << (8 * i);
    if (!s && *n > m.size / 4) s = fct_fail(err, FCT_ERR_MISMATCH, "%s: of another network", path);
    fct_map_close(&m);
    return s;
}

static fct_status export_state(const char *checkpoint, const fct_net_spec *spec, const char *folder, fct_export_opts o,
                               fct_error *err) {
    fct_train_state s;
    size_t centers;
    fct_status st = centers_of(checkpoint, spec->text, &centers, err);
    if (!st) st = fct_train_state_create(spec, centers, &s, err);
    if (st) return st;
    char *path = fct_asprintf("%s/w_%d.onnx", folder, spec->dim);
    if (!path) st = fct_fail_nomem(err, "path", 0);
    if (!st) st = fct_checkpoint_read(checkpoint, spec->text, &s, err);
    if (!st) st = fct_dir_make(folder, err);
    if (!st) st = fct_export_onnx(path, spec, s.ema, s.ema_stats, o, err);
    fct_free(path);
    fct_train_state_clear(&s);
    return st;
}

/* Takes the network's description from where the run took it, since the checkpoint must fit. */
char *fct_train_checkpoint_path(const char *out) { return fct_path_join(out, "checkpoint.fct"); }

fct_status fct_train_export(const fct_recipe *recipe, const char *folder, fct_error *err) {
    fct_net_spec spec;
    char *text = NULL, *checkpoint = fct_train_checkpoint_path(recipe->out);
    fct_status s = checkpoint ? FCT_OK : fct_fail_nomem(err, "path", 0);
    if (!s && recipe->init && !recipe->grow) s = fct_import_network(recipe->init, &text, err);
    if (!s) s = fct_net_spec_parse(text ? text : recipe->network, &spec, err);
    if (!s) {
        s = export_state(checkpoint, &spec, folder, (fct_export_opts){recipe->half, recipe->mirror}, err);
        fct_net_spec_clear(&spec);
    }
    fct_free(text);
    fct_free(checkpoint);
    return s;
}
