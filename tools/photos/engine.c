#include "photos/engine.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char *cli_cache_dir(const cli_settings *s) {
    char dir[4096];
    return !s->no_cache && fct_cache_default_dir(dir, sizeof dir) ? fct_strdup(dir) : NULL;
}

bool cli_pack_near(const char *root, const char *name, char *out, size_t cap) {
    fct_store_pack *packs = NULL;
    int n = 0;
    fct_store_list(root, &packs, &n, NULL);
    const char **names = cli_alloc((size_t)n, sizeof *names);
    for (int i = 0; i < n; i++) names[i] = packs[i].name;
    const char *near = cli_closest(name, names, n);
    snprintf(out, cap, "%s", near ? near : "");
    free(names);
    fct_buffer_free(packs);
    return near != NULL;
}

/* Suggests the pack that may have been meant; a path is not a name to guess about, and the right name of a pack that is
 * only not here needs no guess. */
static int no_such_pack(const char *name, const fct_error *e) {
    char near[80];
    if (strpbrk(name, "/\\") || !cli_pack_near(NULL, name, near, sizeof near) || !strcmp(near, name))
        return cli_fail(e);
    cli_error("no pack %s; did you mean '%s'? ('facet models' lists all)", name, near);
    return CLI_INPUT;
}

/* Warns somebody who has taken FCT_MODELS for the variable that names a pack: the folder in it is a pack itself. */
static void warn_of_variable(void) {
    const char *folder = fct_env("FCT_MODELS"), *pack = fct_env("FCT_PACK");
    char **names;
    size_t n;
    bool networks = false;
    if (!folder || !*folder || (pack && *pack) || fct_dir_list(folder, &names, &n, NULL)) return;
    for (size_t i = 0; i < n; i++) networks |= strcmp(fct_path_ext(names[i]), "onnx") == 0;
    fct_dir_list_free(names, n);
    if (networks)
        cli_warn("FCT_MODELS is the folder of all packs, and %s is a pack itself: name it in FCT_PACK", folder);
}

int cli_pack_open(const cli_settings *s, uint32_t tasks, fct_pack **out) {
    fct_pack_opts o;
    fct_pack_opts_init(&o);
    o.tasks = tasks;
    o.precision = s->precision == 1 ? FCT_PRECISION_EXACT : FCT_PRECISION_FAST;
    o.low_memory = s->low_memory;
    char *cache = cli_cache_dir(s);
    o.cache_dir = cache;
    fct_error e;
    if (!s->models) warn_of_variable();
    fct_status st = fct_pack_open(s->models, &o, out, &e);
    fct_free(cache);
    if (!st) return CLI_DONE;
    const char *named = s->models ? s->models : fct_env("FCT_PACK");
    return st == FCT_ERR_NOT_FOUND && named && *named ? no_such_pack(named, &e) : cli_fail(&e);
}

void cli_finder_opts(const cli_settings *s, uint32_t tasks, fct_analyzer_opts *o) {
    fct_analyzer_opts_init(o);
    o->tasks = tasks;
    o->n_det_sizes = s->det_size.n;
    for (int i = 0; i < s->det_size.n; i++) {
        o->det_sizes[i].width = s->det_size.at[i].width;
        o->det_sizes[i].height = s->det_size.at[i].height;
    }
    o->det_thresh = (float)s->det_thresh;
    o->max_faces = s->max_faces;
    o->rotations = s->rotations;
    o->tile = s->tile;
}

/* Passes the settings for detection on to the library, which checks them. */
static int create_analyzer(const cli_settings *s, uint32_t tasks, cli_engine *out) {
    fct_analyzer_opts o;
    cli_finder_opts(s, tasks, &o);
    fct_error e;
    return fct_analyzer_create(out->pack, &o, &out->analyzer, &e) ? cli_fail(&e) : CLI_DONE;
}

/* Detection is always among the tasks, since everything else needs the faces first. */
int cli_engine_open(const cli_settings *s, uint32_t tasks, cli_engine *out) {
    memset(out, 0, sizeof *out);
    out->set = s;
    tasks |= FCT_TASK_DETECT;
    int code = cli_pack_open(s, tasks, &out->pack);
    if (code) return code;
    if (tasks & FCT_TASK_EMBED && !(fct_pack_tasks(out->pack) & FCT_TASK_EMBED)) {
        cli_error("%s: no embedder in this pack ('facet info' shows what is in it)", fct_pack_name(out->pack));
        return CLI_INPUT;
    }
    out->threshold = isnan(s->threshold) ? fct_pack_threshold(out->pack) : (float)s->threshold;
    return create_analyzer(s, tasks, out);
}

void cli_engine_close(cli_engine *e) {
    fct_analyzer_free(e->analyzer);
    fct_pack_free(e->pack);
    memset(e, 0, sizeof *e);
}

/* The default file may lie in a folder that does not exist yet. */
static int make_parent(const char *path) {
    fct_error e;
    char *dir = fct_path_dir(path);
    fct_status s = dir ? fct_dir_make_private(dir, &e) : FCT_OK;
    fct_free(dir);
    return s ? cli_fail(&e) : CLI_DONE;
}

const char *cli_user_name(void) {
    static const char *const names[] = {"LOGNAME", "USER", "USERNAME"};
    const char *name = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !(name && *name); i++) name = fct_env(names[i]);
    return name;
}

static bool notes_searches(fct_gallery *g) {
    char *value;
    if (fct_gallery_get_setting(g, 0, "audit", &value, NULL)) return false;
    bool is = strcmp(value, "searches") == 0;
    fct_buffer_free(value);
    return is;
}

int cli_gallery_open(const cli_settings *s, cli_gallery_mode mode, fct_gallery **out) {
    char standard[4096];
    const char *path = s->gallery;
    fct_error e;
    *out = NULL;
    if (!path) {
        if (fct_gallery_default_path(standard, sizeof standard, &e)) return cli_fail(&e);
        path = standard;
    }
    fct_file_stat fs = {.exists = true};
    if (!fct_gallery_is_address(path)) fct_file_get_stat(path, &fs);
    if (!fs.exists && mode != GALLERY_CREATE) {
        FILE *f = fct_fopen(path, "rb");
        bool hidden = !f && errno == EACCES; /* a folder above it may not be looked into */
        if (f) fclose(f);
        cli_error("%s: %s", path, hidden ? "permission denied" : "no such gallery; 'facet enroll' makes one");
        return CLI_INPUT;
    }
    if (!fs.exists && make_parent(path)) return CLI_INPUT;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.read_only = mode == GALLERY_READ;
    o.must_exist = mode != GALLERY_CREATE;
    o.search = (fct_search_mode)s->search; /* in the order of the choices */
    o.collection = s->collection;
    o.key = s->key_file;
    o.actor = cli_user_name();
    if (s->server_from >= 0) o.server_from = s->server_from;
    if (fct_gallery_open(path, &o, out, &e)) return cli_fail(&e);
    if (!o.read_only || !notes_searches(*out)) return CLI_DONE;
    fct_gallery_free(*out); /* what is searched for is written down */
    o.read_only = false;
    return fct_gallery_open(path, &o, out, &e) ? cli_fail(&e) : CLI_DONE;
}

/* Says that nobody has the name, and who may have been meant. */
static void tell_nobody(fct_gallery *g, const char *name) {
    fct_person *people = NULL;
    int n = 0;
    fct_gallery_people(g, &people, &n, NULL);
    const char **names = cli_alloc((size_t)n, sizeof *names);
    for (int i = 0; i < n; i++) names[i] = people[i].name;
    const char *near = cli_closest(name, names, n);
    if (near) cli_error("%s: nobody of this name in the gallery; did you mean '%s'?", name, near);
    else cli_error("%s: nobody of this name in the gallery", name);
    free(names);
    fct_gallery_people_free(people);
}

int cli_gallery_find(fct_gallery *g, const char *name, fct_person *out) {
    fct_error e;
    fct_status s = fct_gallery_find(g, name, out, &e);
    if (s == FCT_OK) return CLI_DONE;
    if (s != FCT_ERR_NOT_FOUND) return cli_fail(&e);
    tell_nobody(g, name);
    return CLI_NONE;
}

/* Embeddings of two networks cannot be compared, so a search across them would give meaningless scores. */
int cli_gallery_check_model(fct_gallery *g, cli_engine *e) {
    fct_gallery_info info;
    fct_error err;
    float own;
    if (fct_gallery_stat(g, &info, &err) || fct_gallery_threshold(g, 0, &own, &err)) return cli_fail(&err);
    if (isnan(e->set->threshold) && !isnan(own)) e->threshold = own;
    const char *id = fct_pack_embedder_id(e->pack);
    if (!info.model_id[0] || strcmp(info.model_id, id) == 0) return CLI_DONE;
    cli_error("%s: made with another network (%s) than the pack %s has (%s); embeddings of the two do not compare",
              info.path, info.model_id, fct_pack_name(e->pack), id);
    return CLI_INPUT;
}

int cli_largest_face(const fct_faces *f) {
    int best = -1;
    float most = -1;
    for (int i = 0; i < fct_faces_count(f); i++) {
        const float *b = fct_faces_at(f, i)->box;
        float area = (b[2] - b[0]) * (b[3] - b[1]);
        if (area > most) most = area, best = i;
    }
    return best;
}
