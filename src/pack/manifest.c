/* pack.json, optional in a pack's folder:
 *
 *   {
 *     "facet_pack": 1,             version of this format, required
 *     "name": "ibex",              what the pack is called; else its folder's name
 *     "license": "MIT",            of the weights, for people to read
 *     "threshold": 0.40,           cosine from which two faces are one person's
 *     "files": [                   the files to use, in this order; else all *.onnx
 *       { "file": "det.onnx",
 *         "task": "detection",     fct_task_name(); else by its signature
 *         "sha256": "...",         64 hexadecimal digits; checked when it is loaded
 *         "mean": 127.5, "std": 128,   both or none; else by InsightFace's rule
 *         "average_landmarks": true } ] }   of a detector: over a face's candidates; else the best one's
 *
 * Everything but the first member may be left out; members not named here are
 * ignored, so that later versions can add some. */
#include "pack/manifest.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#ifdef FCT_HAVE_JANSSON
#include <jansson.h>

enum { max_files = 64, max_text = 200 };

/* A place in the manifest, for error texts. */
typedef struct manifest_place {
    const char *file;
    fct_error *err;
} manifest_place;

static fct_status wrong(const manifest_place *p, const char *member, const char *expected) {
    return fct_fail(p->err, FCT_ERR_FORMAT, "%s: \"%s\" must be %s", p->file, member, expected);
}

/* Copies an optional string member of at most max_text bytes without control characters. */
static fct_status get_text(const manifest_place *p, json_t *o, const char *member, char **out) {
    json_t *v = json_object_get(o, member);
    if (!v) return FCT_OK;
    const char *s = json_string_value(v);
    bool ok = s && *s && json_string_length(v) <= max_text && strlen(s) == json_string_length(v);
    for (const char *c = s; ok && *c; c++) ok = (unsigned char)*c >= 32 && *c != 127;
    if (!ok) return wrong(p, member, "a text of 1 to 200 bytes");
    *out = fct_strdup(s);
    return *out ? FCT_OK : fct_fail_nomem(p->err, p->file, 0);
}

static fct_status get_number(const manifest_place *p, json_t *o, const char *member, double least, double most,
                             bool *given, double *out) {
    json_t *v = json_object_get(o, member);
    *given = v != NULL;
    if (!v) return FCT_OK;
    *out = json_number_value(v);
    if (json_is_number(v) && isfinite(*out) && *out >= least && *out <= most) return FCT_OK;
    return fct_fail(p->err, FCT_ERR_FORMAT, "%s: \"%s\" must be a number from %g to %g", p->file, member, least, most);
}

static fct_status get_bool(const manifest_place *p, json_t *o, const char *member, bool *out) {
    json_t *v = json_object_get(o, member);
    *out = json_is_true(v);
    return !v || json_is_boolean(v) ? FCT_OK : wrong(p, member, "true or false");
}

static bool plain_name(const char *s) {
    return s[0] != '.' && !strpbrk(s, "/\\:") && strlen(s) > 5 && strcmp(s + strlen(s) - 5, ".onnx") == 0;
}

static fct_status get_sha256(const manifest_place *p, json_t *o, char out[65]) {
    json_t *v = json_object_get(o, "sha256");
    if (!v) return FCT_OK;
    const char *s = json_string_value(v);
    if (!s || strlen(s) != 64 || strspn(s, "0123456789abcdefABCDEF") != 64)
        return wrong(p, "sha256", "64 hexadecimal digits");
    for (int i = 0; i < 65; i++) out[i] = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] + 32) : s[i];
    return FCT_OK;
}

static fct_status get_task(const manifest_place *p, json_t *o, uint32_t *out) {
    json_t *v = json_object_get(o, "task");
    if (!v) return FCT_OK;
    const char *s = json_string_value(v);
    for (uint32_t t = 1; s && t < FCT_TASK_ALL; t *= 2)
        if (strcmp(s, fct_task_name((fct_task)t)) == 0) *out = t;
    return *out ? FCT_OK : wrong(p, "task", "detection, recognition, landmark_2d_106, landmark_3d_68 or genderage");
}

static fct_status read_file(const manifest_place *p, json_t *o, fct_manifest_file *out) {
    if (!json_is_object(o)) return wrong(p, "files", "a list of objects");
    fct_status s = get_text(p, o, "file", &out->name);
    if (s) return s;
    if (!out->name || !plain_name(out->name)) return wrong(p, "file", "the name of an .onnx file beside the manifest");
    bool mean, std;
    s = get_task(p, o, &out->task);
    if (!s) s = get_sha256(p, o, out->sha256);
    if (!s) s = get_number(p, o, "mean", -1e6, 1e6, &mean, &out->mean);
    if (!s) s = get_number(p, o, "std", 1e-6, 1e6, &std, &out->std);
    if (!s) s = get_bool(p, o, "average_landmarks", &out->average_landmarks);
    if (s) return s;
    out->has_norm = mean && std;
    return mean == std ? FCT_OK : wrong(p, "mean", "given together with \"std\"");
}

static fct_status read_files(const manifest_place *p, json_t *root, fct_manifest *m) {
    json_t *list = json_object_get(root, "files");
    if (!list) return FCT_OK;
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n < 1 || n > max_files) return wrong(p, "files", "a list of 1 to 64 files");
    m->files = fct_calloc(n, sizeof *m->files);
    if (!m->files) return fct_fail_nomem(p->err, p->file, n * sizeof *m->files);
    m->lists_files = true;
    for (size_t i = 0; i < n; i++) {
        m->n_files++;
        fct_status s = read_file(p, json_array_get(list, i), &m->files[i]);
        if (s) return s;
    }
    return FCT_OK;
}

static fct_status read_root(const manifest_place *p, json_t *root, fct_manifest *m) {
    json_t *version = json_object_get(root, "facet_pack");
    if (!json_is_integer(version)) return wrong(p, "facet_pack", "the version of the format, 1");
    if (json_integer_value(version) != 1)
        return fct_fail(p->err, FCT_ERR_UNSUPPORTED, "%s: version %lld of the format (1 is known)", p->file,
                        (long long)json_integer_value(version));
    bool given;
    double threshold = 0;
    fct_status s = get_text(p, root, "name", &m->name);
    if (!s) s = get_text(p, root, "license", &m->license);
    if (!s) s = get_number(p, root, "threshold", 0.01, 1, &given, &threshold);
    m->threshold = (float)threshold;
    return s ? s : read_files(p, root, m);
}

fct_status fct_manifest_read(const void *text, size_t len, const char *name, fct_manifest *out, fct_error *err) {
    *out = (fct_manifest){0};
    json_error_t e;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    if (!root) return fct_fail(err, FCT_ERR_FORMAT, "%s: line %d: %s", name, e.line, e.text);
    manifest_place p = {name, err};
    fct_status s =
        json_is_object(root) ? read_root(&p, root, out) : fct_fail(err, FCT_ERR_FORMAT, "%s: not a JSON object", name);
    json_decref(root);
    if (s) fct_manifest_clear(out);
    return s;
}

#else

fct_status fct_manifest_read(const void *text, size_t len, const char *name, fct_manifest *out, fct_error *err) {
    *out = (fct_manifest){0};
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build of facet reads no manifests (built without jansson)",
                    name);
}

#endif

void fct_manifest_clear(fct_manifest *m) {
    for (int i = 0; i < m->n_files; i++) fct_free(m->files[i].name);
    fct_free(m->files);
    fct_free(m->name);
    fct_free(m->license);
    *m = (fct_manifest){0};
}
