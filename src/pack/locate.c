/* Names of packs to folders. */
#include "pack/locate.h"
#include "pack/embedded.h"
#include "pack/manifest.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

/* Packs that the default falls back on, most accurate first. */
static const char *const known_packs[] = {"buffalo_l", "antelopev2", "buffalo_m", "buffalo_s", "buffalo_sc"};

static bool is_dir(const char *path) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    return st.exists && st.is_dir;
}

fct_status fct_pack_root(const char *root, char **out, fct_error *err) {
    const char *env = fct_env("FCT_MODELS");
    *out = NULL;
    if (root) *out = fct_strdup(root);
    else if (env && *env) *out = fct_strdup(env);
    else {
        char *home = fct_home_dir();
        if (!home) return fct_fail(err, FCT_ERR_NOT_FOUND, "no home folder to look for packs in: set FCT_MODELS");
        *out = fct_path_join(home, ".insightface/models");
        fct_free(home);
    }
    return *out ? FCT_OK : fct_fail_nomem(err, "path", 0);
}

/* A folder under base, if it exists. FCT_OK with *out NULL where not. */
static fct_status try_under(const char *base, const char *name, char **out, fct_error *err) {
    *out = fct_path_join(base, name);
    if (!*out) return fct_fail_nomem(err, "path", 0);
    if (is_dir(*out)) return FCT_OK;
    fct_free(*out);
    *out = NULL;
    return FCT_OK;
}

/* Takes a name with a slash, of an existing folder or of an .onnx file as a path; any other name is looked up under
 * the root. *out stays NULL for the built-in pack. */
static fct_status locate_named(const char *name, const char *root, char **out, fct_error *err) {
    if (fct_path_has_folder(name) || is_dir(name) || strcmp(fct_path_ext(name), "onnx") == 0) {
        fct_file_stat st;
        fct_file_get_stat(name, &st);
        if (!st.exists)
            return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such pack: there is no folder of this name", name);
        *out = fct_strdup(name);
        return *out ? FCT_OK : fct_fail_nomem(err, "path", 0);
    }
    char *base;
    bool own = fct_embedded_is(name);
    fct_status s = fct_pack_root(root, &base, err);
    if (s) return own ? FCT_OK : s;
    s = try_under(base, name, out, err);
    if (!s && !*out && !own)
        s = fct_fail(err, FCT_ERR_NOT_FOUND,
                     "no pack %s in %s; \"facet models get %s\" fetches InsightFace's packs, \"facet models import\" "
                     "takes a zip or a folder",
                     name, base, name);
    fct_free(base);
    return s;
}

/* The first pack in a root that can be the default. */
static fct_status try_root(const char *base, char **out, fct_error *err) {
    fct_status s = try_under(base, "ibex", out, err);
    for (size_t i = 0; !s && !*out && i < sizeof known_packs / sizeof *known_packs; i++)
        s = try_under(base, known_packs[i], out, err);
    return s;
}

/* Looks in the order that locate.h promises: FCT_PACK, the built-in pack, the installed one, the store. */
static fct_status locate_default(const char *root, char **out, fct_error *err) {
    const char *pack = fct_env("FCT_PACK");
    char *base;
    if (pack && *pack) return locate_named(pack, root, out, err);
    if (fct_embedded()) return FCT_OK;
    fct_status s = try_under(FCT_DATA_DIR, "models/ibex", out, err);
    if (s || *out) return s;
    s = fct_pack_root(root, &base, err);
    if (s) return s;
    s = try_root(base, out, err);
    if (!s && !*out)
        s = fct_fail(err, FCT_ERR_NOT_FOUND,
                     "no face models: this build holds no default pack and %s has none; get one by \"facet models get "
                     "buffalo_l\" (InsightFace's, for research), or name a folder of ONNX files in FCT_PACK",
                     base);
    fct_free(base);
    return s;
}

/* Counts the networks (or lists of some) that the folder itself holds, and finds the one folder in it that is not
 * hidden: *inner, owned, NULL when there is none or more than one. */
static fct_status look_into(const char *dir, int *networks, char **inner, fct_error *err) {
    char **names;
    size_t n;
    int folders = 0;
    *networks = 0;
    *inner = NULL;
    fct_status s = fct_dir_list(dir, &names, &n, err);
    if (s) return s;
    for (size_t i = 0; i < n && !s; i++) {
        *networks += strcmp(fct_path_ext(names[i]), "onnx") == 0 || strcmp(names[i], FCT_MANIFEST_NAME) == 0 ||
                     strcmp(names[i], FCT_MANIFEST_V2_NAME) == 0;
        char *path = names[i][0] == '.' || strcmp(names[i], "__MACOSX") == 0 ? NULL : fct_path_join(dir, names[i]);
        if (!path || !is_dir(path) || folders++) fct_free(path);
        else *inner = path;
    }
    fct_dir_list_free(names, n);
    if (folders > 1) {
        fct_free(*inner);
        *inner = NULL;
    }
    return FCT_OK;
}

fct_status fct_pack_unnest(char **dir, fct_error *err) {
    int networks, within;
    char *inner, *deeper = NULL;
    if (!*dir || !is_dir(*dir)) return FCT_OK;
    fct_status s = look_into(*dir, &networks, &inner, err);
    if (!s && !networks && inner) s = look_into(inner, &within, &deeper, err);
    if (!s && !networks && inner && within) {
        fct_free(*dir);
        *dir = inner;
        inner = NULL;
    }
    fct_free(inner);
    fct_free(deeper);
    return s;
}

fct_status fct_pack_locate(const char *name_or_dir, const char *root, char **out, fct_error *err) {
    *out = NULL;
    fct_status s = name_or_dir ? locate_named(name_or_dir, root, out, err) : locate_default(root, out, err);
    if (!s) s = fct_pack_unnest(out, err);
    if (s) {
        fct_free(*out);
        *out = NULL;
    }
    return s;
}
