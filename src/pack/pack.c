/* Packs: files, tasks, networks. */
#include "onnx/onnx_file.h"
#include "pack/pack.h"
#include "pack/embedded.h"
#include "pack/locate.h"
#include "pack/manifest.h"
#include "pack/signature.h"
#include "tasks/task_table.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { max_manifest = 1 << 20 };

typedef struct pack_entry {
    char *path;
    const fct_embedded_file *memory; /* NULL = a file on disk */
    const fct_manifest_file *listed; /* its line in the manifest, or NULL; while opening */
    fct_part_file file;              /* while opening, from its route on to its loading */
    fct_route route;
    bool chosen;      /* to be loaded */
    fct_model *model; /* owned; NULL = not loaded */
} pack_entry;

struct fct_pack {
    char *name;
    float threshold;
    pack_entry *entries;
    int n;
    fct_pack_net nets[FCT_TASK_SLOTS]; /* by row of the task table; model NULL = none */
    uint32_t tasks;
    int dim;
};

/* What opening needs besides the pack itself. */
typedef struct opening {
    fct_pack *p;
    fct_pack_opts opts;
    fct_manifest manifest;
    const char *dir;  /* NULL = embedded */
    const char *only; /* a pack of this one file; NULL = all that is in dir */
    fct_error *err;
} opening;

void fct_pack_opts_init(fct_pack_opts *o) {
    *o = (fct_pack_opts){.size = sizeof *o, .tasks = FCT_TASK_ALL, .precision = FCT_PRECISION_FAST};
}

/* ---- Files -------------------------------------------------------------------------- */

static fct_status nomem(const opening *o) { return fct_fail_nomem(o->err, "pack", 0); }

/* Adds one file of the pack; whether it is used is decided later. */
static fct_status add_entry(opening *o, const char *name, const fct_embedded_file *memory,
                            const fct_manifest_file *listed) {
    fct_pack *p = o->p;
    pack_entry *e = fct_realloc_array(p->entries, (size_t)p->n + 1, sizeof *e);
    if (!e) return nomem(o);
    p->entries = e;
    e += p->n;
    *e = (pack_entry){.listed = listed, .memory = memory};
    e->path = o->dir ? fct_path_join(o->dir, name) : fct_asprintf(FCT_EMBEDDED_PREFIX "%s", name);
    if (!e->path) return nomem(o);
    p->n++;
    return FCT_OK;
}

static bool is_onnx(const char *name) {
    size_t n = strlen(name);
    return n > 5 && name[0] != '.' && strcmp(name + n - 5, ".onnx") == 0;
}

/* The manifest as the build read it. */
static fct_status copy_embedded_manifest(opening *o) {
    const fct_embedded_pack *b = fct_embedded();
    fct_manifest *m = &o->manifest;
    m->threshold = b->threshold;
    m->lists_files = true;
    m->name = fct_strdup(b->name);
    m->files = fct_calloc((size_t)b->n, sizeof *m->files);
    if (!m->name || !m->files) return nomem(o);
    for (int i = 0; i < b->n; i++) {
        const fct_embedded_file *f = &b->files[i];
        m->files[i] = (fct_manifest_file){.task = (uint32_t)fct_task_find(f->task),
                                          .has_norm = f->has_norm,
                                          .mean = f->mean,
                                          .std = f->std,
                                          .agreement = f->agreement,
                                          .second_look = f->second_look,
                                          .refine = f->refine,
                                          .aligned = f->aligned};
        memcpy(m->files[i].sha256, f->sha256, sizeof m->files[i].sha256);
        m->files[i].name = fct_strdup(f->name);
        m->n_files = i + 1;
        if (!m->files[i].name) return nomem(o);
    }
    return FCT_OK;
}

typedef fct_status manifest_reader(const void *text, size_t len, const char *name, fct_manifest *out, fct_error *err);

/* Reads a manifest of the folder, if there is one; *found tells. */
static fct_status read_manifest_file(opening *o, const char *name, manifest_reader *read, bool *found) {
    char *path = fct_path_join(o->dir, name);
    if (!path) return nomem(o);
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    *found = st.exists;
    uint8_t *text = NULL;
    size_t len;
    fct_status s = st.exists ? fct_file_read(path, max_manifest, &text, &len, o->err) : FCT_OK;
    if (!s && text) s = read(text, len, path, &o->manifest, o->err);
    fct_free(text);
    fct_free(path);
    return s;
}

/* Reads pack.json of the folder, where there is one. */
static fct_status read_manifest(opening *o) {
    bool found;
    if (!o->dir) return copy_embedded_manifest(o);
    fct_status s = read_manifest_file(o, FCT_MANIFEST_NAME, fct_manifest_read, &found);
    return s || found ? s : read_manifest_file(o, FCT_MANIFEST_V2_NAME, fct_manifest_read_v2, &found);
}

/* Adds the files that the manifest names, in its order. */
static fct_status add_listed(opening *o) {
    for (int i = 0; i < o->manifest.n_files; i++) {
        const fct_manifest_file *f = &o->manifest.files[i];
        fct_status s = add_entry(o, f->name, o->dir ? NULL : &fct_embedded()->files[i], f);
        if (s) return s;
    }
    return FCT_OK;
}

/* Adds all networks of the folder, in the order of their paths. */
static fct_status add_all(opening *o) {
    char **names;
    size_t n;
    fct_status s = fct_dir_list(o->dir, &names, &n, o->err);
    if (s) return s;
    for (size_t i = 0; i < n && !s; i++)
        if (is_onnx(names[i])) s = add_entry(o, names[i], NULL, NULL);
    fct_dir_list_free(names, n);
    return s;
}

/* ---- Networks ------------------------------------------------------------------------- */

/* Finds an entry's task and normalization, or notes why it is not to be loaded. Its file stays open. */
static fct_status route(const opening *o, pack_entry *e) {
    fct_signature sig;
    const fct_embedded_file *m = e->memory;
    fct_status s = m ? FCT_OK : fct_onnx_open(e->path, &e->file, o->err);
    if (s) return s;
    if (m) s = fct_signature_read(m->data, (size_t)(m->end - m->data), e->path, &sig, o->err);
    else s = fct_signature_read(e->file.data, e->file.size, e->path, &sig, o->err);
    if (s) return s;
    const fct_manifest_file *f = e->listed;
    if (!f || !f->task) fct_signature_route(&sig, o->opts.names_only, &e->route);
    else fct_signature_route_as(&sig, f->task, o->opts.names_only, &e->route);
    if (f && f->task && !e->route.task)
        return fct_fail(o->err, FCT_ERR_MISMATCH, "%s: the manifest says %s, which it cannot be: %s", e->path,
                        fct_task_name((fct_task)f->task), e->route.note);
    if (f && f->has_norm) e->route.mean = f->mean, e->route.std = f->std;
    return FCT_OK;
}

/* Notes why a file is not used, for people to read. */
static void decline(pack_entry *e, const char *format, const char *what) {
    e->route.task = 0;
    snprintf(e->route.note, sizeof e->route.note, format, what);
}

/* Whether a file is to be loaded: its task was asked for, and no file before it has it. */
static bool wanted(const opening *o, pack_entry *e) {
    uint32_t task = e->route.task;
    if (!task) return false;
    /* what refines the alignment is part of embedding, asked for or not */
    const bool refines = e->listed && e->listed->refine && o->opts.tasks & FCT_TASK_EMBED;
    if (!(o->opts.tasks & task) && !refines) {
        decline(e, "not asked for (%s)", fct_task_name((fct_task)task));
        return false;
    }
    for (int i = 0; i < o->p->n; i++)
        if (o->p->entries[i].chosen && o->p->entries[i].route.task == task) {
            char note[160];
            snprintf(note, sizeof note, "a second %s: %s comes first", fct_task_row_at(fct_task_index(task))->noun,
                     fct_path_base(o->p->entries[i].path));
            decline(e, "%s", note);
            return false;
        }
    return true;
}

/* Loads a network and compares it with the hash that the manifest gives. */
static fct_status load(const opening *o, pack_entry *e, fct_error *err) {
    fct_model_opts mo;
    fct_model_opts_init(&mo);
    mo.precision = o->opts.precision;
    mo.low_memory = o->opts.low_memory;
    mo.cache_dir = o->opts.cache_dir;
    mo.device = o->opts.device;
    const fct_embedded_file *f = e->memory;
    fct_status s = f ? fct_model_load_memory(f->data, (size_t)(f->end - f->data), e->path, &mo, &e->model, err)
                     : fct_onnx_load(&e->file, &mo, &e->model, err);
    fct_part_close(&e->file);
    if (s || !e->listed || !e->listed->sha256[0]) return s;
    const char *id = fct_model_id(e->model);
    if (strncmp(id, e->listed->sha256, strlen(id)) == 0) return FCT_OK;
    return fct_fail(err, FCT_ERR_MISMATCH,
                    "%s: not the file that the manifest lists (SHA-256 %s..., expected %.16s...)", e->path, id,
                    e->listed->sha256);
}

/* The length of the embedding: the declared one, else what a run of the network yields. */
static fct_status measure_dim(const opening *o, const pack_entry *e, int *dim) {
    fct_tensor_info info;
    fct_status s = fct_model_output(e->model, 0, &info, o->err);
    *dim = !s && info.rank == 2 && info.dims[1] > 0 && info.dims[1] <= 65536 ? (int)info.dims[1] : 0;
    if (s || *dim) return s;
    fct_session *session;
    size_t values = (size_t)e->route.width * (size_t)e->route.height * 3;
    float *x = fct_calloc(values, sizeof *x);
    if (!x) return nomem(o);
    fct_tensor in = {x, 4, {1, 3, e->route.height, e->route.width}}, out = {0};
    s = fct_session_create(e->model, &session, o->err);
    if (!s) s = fct_session_run(session, &in, 1, &out, 1, o->err);
    int64_t n = s ? 0 : 1;
    for (int i = 0; i < out.rank; i++) n *= out.dims[i];
    fct_session_free(session);
    fct_free(x);
    if (!s && (n < 1 || n > 65536))
        s = fct_fail(o->err, FCT_ERR_UNSUPPORTED, "%s: embeddings of %lld values", e->path, (long long)n);
    *dim = (int)n;
    return s;
}

/* Makes a network that is loaded that of its task. */
static fct_status use(const opening *o, const pack_entry *e) {
    fct_pack *p = o->p;
    const fct_route *r = &e->route;
    fct_pack_net *net = &p->nets[fct_task_index(r->task)];
    *net = (fct_pack_net){e->model,
                          {(float)r->mean, (float)r->std},
                          r->width,
                          r->height,
                          r->batches,
                          e->listed && e->listed->agreement,
                          e->listed && e->listed->second_look,
                          e->listed && e->listed->refine,
                          e->listed && e->listed->aligned};
    p->tasks |= r->task & o->opts.tasks;
    return r->task == FCT_TASK_EMBED ? measure_dim(o, e, &p->dim) : FCT_OK;
}

/* ---- Loading several --------------------------------------------------------------------- */

/* The chosen networks, one a task at most, the largest first, and what came of each. */
typedef struct loading {
    const opening *o;
    pack_entry *entries[FCT_TASK_SLOTS];
    fct_status status[FCT_TASK_SLOTS];
    fct_error errors[FCT_TASK_SLOTS];
    int n;
    atomic_int next;
} loading;

static size_t entry_size(const pack_entry *e) {
    return e->memory ? (size_t)(e->memory->end - e->memory->data) : e->file.size;
}

static void load_rest(loading *l) {
    for (int i; (i = atomic_fetch_add(&l->next, 1)) < l->n;) l->status[i] = load(l->o, l->entries[i], &l->errors[i]);
}

static void load_beside(void *arg) {
    fct_parallel_alone(true); /* the pool is for the largest */
    load_rest(arg);
}

/* Sorts the chosen ones by size. */
static void list_chosen(loading *l) {
    fct_pack *p = l->o->p;
    for (int i = 0; i < p->n; i++) {
        pack_entry *e = &p->entries[i];
        if (!e->chosen) continue;
        int at = l->n++;
        for (; at > 0 && entry_size(l->entries[at - 1]) < entry_size(e); at--) l->entries[at] = l->entries[at - 1];
        l->entries[at] = e;
    }
}

/* Loads the largest network on all cores, and the others beside it in a thread: each has parts in which one core works
 * and the others wait. */
static fct_status load_chosen(const opening *o) {
    loading l = {.o = o};
    fct_thread thread;
    list_chosen(&l);
    if (!l.n) return FCT_OK;
    atomic_init(&l.next, 1);
    const bool beside = l.n > 1 && fct_threads() > 1 && !fct_thread_start(&thread, load_beside, &l, NULL);
    l.status[0] = load(o, l.entries[0], &l.errors[0]);
    load_rest(&l);
    if (beside) fct_thread_join(&thread);
    for (int i = 0; i < l.n; i++)
        if (l.status[i]) {
            if (o->err) *o->err = l.errors[i];
            return l.status[i];
        }
    return FCT_OK;
}

/* ---- Opening ---------------------------------------------------------------------------- */

/* The manifest's name, else the folder's. */
static fct_status name_pack(const opening *o) {
    fct_pack *p = o->p;
    p->threshold = o->manifest.threshold > 0 ? o->manifest.threshold : 0.40f;
    if (o->manifest.name) p->name = fct_strdup(o->manifest.name);
    else {
        size_t n = strlen(o->dir); /* "models/ibex/" is called ibex too */
        while (n > 1 && (o->dir[n - 1] == '/' || o->dir[n - 1] == '\\')) n--;
        char *dir = fct_strndup(o->dir, n);
        p->name = dir ? fct_strdup(fct_path_base(dir)) : NULL;
        fct_free(dir);
    }
    return p->name ? FCT_OK : nomem(o);
}

/* Gets from a folder to networks: lists the files, finds their tasks, loads those that are wanted. */
static fct_status fill(opening *o) {
    fct_pack *p = o->p;
    fct_status s = o->only ? FCT_OK : read_manifest(o);
    if (!s) s = name_pack(o);
    if (!s) s = o->only ? add_entry(o, o->only, NULL, NULL) : o->manifest.lists_files ? add_listed(o) : add_all(o);
    if (s) return s;
    for (int i = 0; i < p->n && !s; i++) {
        pack_entry *e = &p->entries[i];
        s = route(o, e);
        if (!s) e->chosen = wanted(o, e);
        if (!e->chosen) fct_part_close(&e->file);
        if (!s && e->route.note[0]) fct_log(FCT_LOG_INFO, "%s: %s", e->path, e->route.note);
    }
    if (!s) s = load_chosen(o);
    for (int i = 0; i < p->n; i++) {
        pack_entry *e = &p->entries[i];
        if (!s && e->chosen) s = use(o, e);
        fct_part_close(&e->file);
        e->listed = NULL; /* the manifest is released after opening */
    }
    if (!s && !(p->tasks & FCT_TASK_DETECT) && (o->opts.tasks & FCT_TASK_DETECT))
        s = fct_fail(o->err, FCT_ERR_NOT_FOUND, "%s: no face detector in this pack (%d ONNX files)",
                     o->dir ? o->dir : "the built-in pack", p->n);
    return s;
}

/* Splits the path of a file into its folder and the one file to use; *parent is owned. */
static fct_status split_file(opening *o, const char *path, char **parent) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    *parent = NULL;
    o->dir = path;
    if (!st.is_file) return FCT_OK;
    *parent = fct_path_dir(path);
    if (!*parent) return nomem(o);
    o->dir = *parent;
    o->only = fct_path_base(path);
    return FCT_OK;
}

/* Finds the folder or file that the name stands for, then opens it; a caller's options of another version are read
 * as far as both know them. */
fct_status fct_pack_open(const char *name_or_dir, const fct_pack_opts *opts, fct_pack **out, fct_error *err) {
    *out = NULL;
    opening o = {.err = err};
    fct_pack_opts_init(&o.opts);
    if (opts) memcpy(&o.opts, opts, opts->size < sizeof o.opts ? opts->size : sizeof o.opts);
    char *path, *parent = NULL;
    fct_status s = fct_pack_locate(name_or_dir, o.opts.root, &path, err);
    if (s) return s;
    if (path) s = split_file(&o, path, &parent);
    o.p = fct_calloc(1, sizeof *o.p);
    if (!s) s = o.p ? fill(&o) : nomem(&o);
    fct_manifest_clear(&o.manifest);
    fct_free(parent);
    fct_free(path);
    if (s) fct_pack_free(o.p);
    else *out = o.p;
    return s;
}

void fct_pack_free(fct_pack *p) {
    if (!p) return;
    for (int i = 0; i < p->n; i++) {
        fct_model_free(p->entries[i].model);
        fct_free(p->entries[i].path);
    }
    fct_free(p->entries);
    fct_free(p->name);
    fct_free(p);
}

/* ---- Asking ------------------------------------------------------------------------------ */

int fct_pack_file_count(const fct_pack *p) { return p->n; }

fct_status fct_pack_file_info(const fct_pack *p, int i, fct_pack_file *out, fct_error *err) {
    *out = (fct_pack_file){0};
    if (i < 0 || i >= p->n) return fct_fail(err, FCT_ERR_ARG, "file %d of a pack of %d", i, p->n);
    const pack_entry *e = &p->entries[i];
    out->path = e->path;
    out->id = e->model ? fct_model_id(e->model) : "";
    out->task = e->route.task;
    out->note = e->route.note;
    out->input_width = e->route.width;
    out->input_height = e->route.height;
    out->embedding_dim = e->route.task == FCT_TASK_EMBED ? p->dim : 0;
    out->mean = e->route.mean;
    out->std = e->route.std;
    return FCT_OK;
}

const fct_pack_net *fct_pack_get_net(const fct_pack *p, fct_task t) {
    int i = fct_task_index((uint32_t)t);
    return i >= 0 && p->nets[i].model ? &p->nets[i] : NULL;
}

const fct_model *fct_pack_model(const fct_pack *p, fct_task t) {
    const fct_pack_net *n = fct_pack_get_net(p, t);
    return n ? n->model : NULL;
}

const char *fct_pack_name(const fct_pack *p) { return p->name; }
uint32_t fct_pack_tasks(const fct_pack *p) { return p->tasks; }
int fct_pack_embedding_dim(const fct_pack *p) { return p->dim; }
float fct_pack_threshold(const fct_pack *p) { return p->threshold; }

const char *fct_pack_embedder_id(const fct_pack *p) {
    const fct_model *m = fct_pack_model(p, FCT_TASK_EMBED);
    return m ? fct_model_id(m) : "";
}
