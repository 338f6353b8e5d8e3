/* manifest.json, InsightFace's package manifest of version 2 (its release 2.1):
 *
 *   {
 *     "manifest_version": 2,       the integer; any other value: the file is not for us
 *     "model_id": "raccoon_s",     what the pack is called
 *     "tasks": {
 *       "detection":   { "file": "det.onnx", "sha256": "...", "preprocessing": {"mean": 127.5, "std": 128} },
 *       "recognition": { "file": "rec.onnx", "preprocessing": "embedded" } } }
 *
 * A file is a relative path with slashes, inside the pack's folder. "embedded"
 * says that the network normalizes its input itself. Without "preprocessing" mean
 * and std are 127.5 and 128 for a detector, 127.5 twice for an embedder. Tasks
 * that facet has no network for (verification, person detection) are passed
 * over, as are members that are not named here. */
#include "pack/manifest.h"
#include "base/alloc.h"
#include "base/error.h"
#include "text/json_reader.h"
#include <string.h>

static const struct v2_task {
    const char *name;
    fct_task task;
    double mean, std; /* where the manifest gives none */
} v2_tasks[] = {{"detection", FCT_TASK_DETECT, 127.5, 128}, {"recognition", FCT_TASK_EMBED, 127.5, 127.5}};
enum { N_TASKS = sizeof v2_tasks / sizeof *v2_tasks };

static fct_status wrong(const char *file, const char *task, const char *what, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: tasks.%s.%s", file, task, what);
}

/* A part of a path that leads nowhere else: not empty, ".", ".." or with a drive. */
static bool plain_part(const char *s, size_t n) {
    if (n == 0 || memchr(s, ':', n) || memchr(s, '\\', n)) return false;
    return !(n <= 2 && s[0] == '.' && s[n - 1] == '.');
}

/* Whether a path ends in .onnx and has no part that could lead out of the pack's folder. */
static bool safe_path(const char *s) {
    size_t n = strlen(s);
    if (n < 6 || n > 200 || strcmp(s + n - 5, ".onnx") != 0) return false;
    for (;; s++) {
        n = strcspn(s, "/");
        if (!plain_part(s, n)) return false;
        s += n;
        if (!*s) return true;
    }
}

static fct_status read_preprocessing(const fct_json *o, const struct v2_task *t, const char *file,
                                     fct_manifest_file *out, fct_error *err) {
    const fct_json *v = fct_json_member(o, "preprocessing");
    const char *word = fct_json_get_text(v);
    out->has_norm = true;
    out->mean = t->mean;
    out->std = t->std;
    if (!v) return FCT_OK;
    if (word && strcmp(word, "embedded") == 0) {
        out->mean = 0;
        out->std = 1;
        return FCT_OK;
    }
    bool good = fct_json_is(v, FCT_JSON_OBJECT) && v->length == 2 &&
                fct_json_get_number(fct_json_member(v, "mean"), &out->mean) &&
                fct_json_get_number(fct_json_member(v, "std"), &out->std) && out->std > 1e-6 && out->std < 1e6 &&
                out->mean > -1e6 && out->mean < 1e6;
    return good ? FCT_OK : wrong(file, t->name, "preprocessing must be \"embedded\" or have a mean and a std", err);
}

static fct_status read_task(const fct_json *o, const struct v2_task *t, const char *file, fct_manifest_file *out,
                            fct_error *err) {
    const char *path = fct_json_get_text(fct_json_member(o, "file"));
    const fct_json *hash = fct_json_member(o, "sha256");
    const char *digits = fct_json_get_text(hash);
    if (!path || !safe_path(path))
        return wrong(file, t->name, "file must be the path of an .onnx file in the pack's folder", err);
    if (hash && (!digits || strlen(digits) != 64 || strspn(digits, "0123456789abcdef") != 64))
        return wrong(file, t->name, "sha256 must be 64 lowercase hexadecimal digits", err);
    if (digits) memcpy(out->sha256, digits, 65);
    out->task = t->task;
    out->name = fct_strdup(path);
    return out->name ? read_preprocessing(o, t, file, out, err) : fct_fail_nomem(err, file, 0);
}

static fct_status read_root(const fct_json *root, const char *file, fct_manifest *m, fct_error *err) {
    const fct_json *tasks = fct_json_member(root, "tasks");
    const char *id = fct_json_get_text(fct_json_member(root, "model_id"));
    if (!id || !*id || strlen(id) > 128)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: \"model_id\" must be a text of 1 to 128 bytes", file);
    if (!fct_json_is(tasks, FCT_JSON_OBJECT))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: \"tasks\" must be an object", file);
    m->name = fct_strdup(id);
    m->files = fct_calloc(N_TASKS, sizeof *m->files);
    if (!m->name || !m->files) return fct_fail_nomem(err, file, 0);
    m->lists_files = true;
    for (int i = 0; i < N_TASKS; i++) {
        const fct_json *o = fct_json_member(tasks, v2_tasks[i].name);
        fct_status s = o ? read_task(o, &v2_tasks[i], file, &m->files[m->n_files++], err) : FCT_OK;
        if (s) return s;
    }
    return FCT_OK;
}

fct_status fct_manifest_read_v2(const void *text, size_t len, const char *name, fct_manifest *out, fct_error *err) {
    *out = (fct_manifest){0};
    char *copy = fct_alloc(len + 1); /* which the reader changes */
    if (!copy) return fct_fail_nomem(err, name, len);
    memcpy(copy, text, len);
    fct_json_doc doc = {0};
    fct_json_fault fault = {0};
    int64_t version = 0;
    fct_status s = fct_json_read(&doc, copy, len, &fault);
    if (s == FCT_ERR_NOMEM) s = fct_fail_nomem(err, name, len);
    else if (!s && fct_json_get_int(fct_json_member(&doc.values[0], "manifest_version"), &version) && version == 2)
        s = read_root(&doc.values[0], name, out, err);
    else s = FCT_OK; /* some other program's file */
    fct_json_free(&doc);
    fct_free(copy);
    if (s) fct_manifest_clear(out);
    return s;
}
