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
 *         "agreement": true,       of a detector: what a face's candidates agree on; else the best one's word
 *         "second_look": true,     with "agreement": small faces are looked at again, enlarged; else never
 *         "refine": true,          of landmark_3d_68: faces are aligned by its points; else by the detector's
 *         "aligned": true } ] }    of genderage: it sees the face aligned; else the square around its box
 *
 * Everything but the first member may be left out; members not named here are
 * ignored, so that later versions can add some. */
#include "pack/manifest.h"
#include "base/alloc.h"
#include "base/error.h"
#include "tasks/task_table.h"
#include "text/json_reader.h"
#include <string.h>

enum { max_files = 64, max_text = 200 };

/* A place in the manifest, for error texts. */
typedef struct manifest_place {
    const char *file;
    fct_error *err;
} manifest_place;

/* An error that names the member and says what it must be. */
static fct_status wrong(const manifest_place *p, const char *member, const char *expected) {
    return fct_fail(p->err, FCT_ERR_FORMAT, "%s: \"%s\" must be %s", p->file, member, expected);
}

/* Copies an optional string member of at most max_text bytes without control characters. */
static fct_status get_text(const manifest_place *p, const fct_json *o, const char *member, char **out) {
    const fct_json *v = fct_json_member(o, member);
    if (!v) return FCT_OK;
    const char *s = fct_json_get_text(v);
    bool ok = s && *s && v->length <= max_text;
    for (const char *c = s; ok && *c; c++) ok = (unsigned char)*c >= 32 && *c != 127;
    if (!ok) return wrong(p, member, "a text of 1 to 200 bytes");
    *out = fct_strdup(s);
    return *out ? FCT_OK : fct_fail_nomem(p->err, p->file, 0);
}

/* An optional number within bounds. */
static fct_status get_number(const manifest_place *p, const fct_json *o, const char *member, double least, double most,
                             bool *given, double *out) {
    const fct_json *v = fct_json_member(o, member);
    *given = v != NULL;
    if (!v) return FCT_OK;
    if (fct_json_get_number(v, out) && *out >= least && *out <= most) return FCT_OK;
    return fct_fail(p->err, FCT_ERR_FORMAT, "%s: \"%s\" must be a number from %g to %g", p->file, member, least, most);
}

/* An optional true or false; false where it is left out. */
static fct_status get_bool(const manifest_place *p, const fct_json *o, const char *member, bool *out) {
    const fct_json *v = fct_json_member(o, member);
    *out = false;
    return !v || fct_json_get_bool(v, out) ? FCT_OK : wrong(p, member, "true or false");
}

/* A name that cannot lead out of the pack's folder. */
static bool plain_name(const char *s) {
    return s[0] != '.' && !strpbrk(s, "/\\:") && strlen(s) > 5 && strcmp(s + strlen(s) - 5, ".onnx") == 0;
}

static fct_status get_sha256(const manifest_place *p, const fct_json *o, char out[65]) {
    const fct_json *v = fct_json_member(o, "sha256");
    if (!v) return FCT_OK;
    const char *s = fct_json_get_text(v);
    if (!s || strlen(s) != 64 || strspn(s, "0123456789abcdefABCDEF") != 64)
        return wrong(p, "sha256", "64 hexadecimal digits");
    for (int i = 0; i < 65; i++) out[i] = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] + 32) : s[i];
    return FCT_OK;
}

static fct_status get_task(const manifest_place *p, const fct_json *o, uint32_t *out) {
    const fct_json *v = fct_json_member(o, "task");
    char names[200];
    if (!v) return FCT_OK;
    const char *s = fct_json_get_text(v);
    *out = (uint32_t)fct_task_find(s);
    if (*out) return FCT_OK;
    fct_task_list_names(names, sizeof names);
    return wrong(p, "task", names);
}

/* One entry of "files". */
static fct_status read_file(const manifest_place *p, const fct_json *o, fct_manifest_file *out) {
    if (!fct_json_is(o, FCT_JSON_OBJECT)) return wrong(p, "files", "a list of objects");
    fct_status s = get_text(p, o, "file", &out->name);
    if (s) return s;
    if (!out->name || !plain_name(out->name)) return wrong(p, "file", "the name of an .onnx file beside the manifest");
    bool mean, std;
    s = get_task(p, o, &out->task);
    if (!s) s = get_sha256(p, o, out->sha256);
    if (!s) s = get_number(p, o, "mean", -1e6, 1e6, &mean, &out->mean);
    if (!s) s = get_number(p, o, "std", 1e-6, 1e6, &std, &out->std);
    if (!s) s = get_bool(p, o, "agreement", &out->agreement);
    if (!s) s = get_bool(p, o, "second_look", &out->second_look);
    if (!s) s = get_bool(p, o, "refine", &out->refine);
    if (!s) s = get_bool(p, o, "aligned", &out->aligned);
    if (s) return s;
    out->has_norm = mean && std;
    if (out->second_look && !out->agreement) return wrong(p, "second_look", "given with \"agreement\": true");
    if (out->refine && out->task != FCT_TASK_LANDMARK_68)
        return wrong(p, "refine", "given with \"task\": \"landmark_3d_68\"");
    if (out->aligned && out->task != FCT_TASK_GENDER_AGE)
        return wrong(p, "aligned", "given with \"task\": \"genderage\"");
    return mean == std ? FCT_OK : wrong(p, "mean", "given together with \"std\"");
}

static fct_status read_files(const manifest_place *p, const fct_json *root, fct_manifest *m) {
    const fct_json *list = fct_json_member(root, "files");
    if (!list) return FCT_OK;
    size_t n = list->length;
    if (!fct_json_is(list, FCT_JSON_ARRAY) || n < 1 || n > max_files)
        return wrong(p, "files", "a list of 1 to 64 files");
    m->files = fct_calloc(n, sizeof *m->files);
    if (!m->files) return fct_fail_nomem(p->err, p->file, n * sizeof *m->files);
    m->lists_files = true;
    for (const fct_json *o = fct_json_first(list); o; o = fct_json_next(list, o)) {
        fct_status s = read_file(p, o, &m->files[m->n_files++]);
        if (s) return s;
    }
    return FCT_OK;
}

/* The manifest itself; its version first, since a later one may mean anything. */
static fct_status read_root(const manifest_place *p, const fct_json *root, fct_manifest *m) {
    const fct_json *version = fct_json_member(root, "facet_pack");
    int64_t number;
    if (!fct_json_get_int(version, &number)) return wrong(p, "facet_pack", "the version of the format, 1");
    if (number != 1)
        return fct_fail(p->err, FCT_ERR_UNSUPPORTED, "%s: version %lld of the format (1 is known)", p->file,
                        (long long)number);
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
    char *copy = fct_alloc(len + 1); /* which the reader changes */
    if (!copy) return fct_fail_nomem(err, name, len);
    memcpy(copy, text, len);
    fct_json_doc doc = {0};
    manifest_place p = {name, err};
    fct_status s = fct_json_parse(&doc, copy, len, name, err);
    if (!s)
        s = doc.values[0].kind == FCT_JSON_OBJECT ? read_root(&p, &doc.values[0], out)
                                                  : fct_fail(err, FCT_ERR_FORMAT, "%s: not a JSON object", name);
    fct_json_free(&doc);
    fct_free(copy);
    if (s) fct_manifest_clear(out);
    return s;
}

void fct_manifest_clear(fct_manifest *m) {
    for (int i = 0; i < m->n_files; i++) fct_free(m->files[i].name);
    fct_free(m->files);
    fct_free(m->name);
    fct_free(m->license);
    *m = (fct_manifest){0};
}
