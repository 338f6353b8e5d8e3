/* Looking through folders. What a folder holds now, sorted by name, is compared with
 * what the album knows of it in the same order.
 *
 * A folder is taken for missing, and nothing of it is forgotten, where it cannot
 * be listed, where it is a root that is empty or not there though the album knows
 * photos in it, and where another file system used to be mounted and is not now:
 * a disk that is not plugged in must not cost anybody the names of ten years.
 *
 * A folder that says of itself that it is none of photos, by a file .nomedia or by
 * the name that Synology's disks give to their previews, is taken for hidden. */
#include "album/album_walk.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 200 /* folders inside each other */

/* ---- What is a photo -------------------------------------------------------------------- */

fct_media fct_media_of(const char *name) {
    static const char photos[] = " jpg jpeg jpe jfif png webp heic heif hif avif tif tiff gif bmp jxl ";
    static const char videos[] = " mp4 mov m4v avi mkv webm 3gp mts m2ts mpg mpeg wmv ";
    static const char others[] = " dng cr2 cr3 crw nef nrw arw orf rw2 raf pef srw psd psb xcf jp2 j2k ";
    const char *ext = fct_path_ext(name);
    char word[12] = " ";
    size_t n = strlen(ext);
    if (!n || n > 5) return FCT_MEDIA_NONE;
    for (size_t i = 0; i < n; i++) word[1 + i] = (char)(ext[i] >= 'A' && ext[i] <= 'Z' ? ext[i] - 'A' + 'a' : ext[i]);
    word[1 + n] = ' ';
    if (strchr(ext, ' ')) return FCT_MEDIA_NONE;
    if (strstr(photos, word)) return FCT_MEDIA_PHOTO;
    if (strstr(videos, word)) return FCT_MEDIA_VIDEO;
    return strstr(others, word) ? FCT_MEDIA_UNKNOWN : FCT_MEDIA_NONE;
}

/* ---- The list ------------------------------------------------------------------------------ */

void fct_scan_list_free(fct_scan_list *l) {
    for (size_t i = 0; i < l->n_folders; i++) fct_free(l->folders[i].full), fct_free(l->folders[i].path);
    for (size_t i = 0; i < l->n_jobs; i++) fct_free(l->jobs[i].name);
    fct_free(l->folders);
    fct_free(l->jobs);
    fct_free(l->gone.at);
    fct_free(l->gone_folders.at);
    *l = (fct_scan_list){0};
}

static fct_status no_memory(fct_error *err) { return fct_fail_nomem(err, "files of the scan", 0); }

static fct_status add_id(fct_numbers *ids, int64_t id, fct_error *err) {
    return fct_numbers_add(ids, id) ? FCT_OK : no_memory(err);
}

/* ---- One walk --------------------------------------------------------------------------------- */

typedef struct known_files {
    fct_placed_file *at; /* owned, names too; by name */
    size_t n, cap;
} known_files;

typedef struct walk_state {
    const fct_scan_walk *w;
    int64_t root_id;
    const char *root;    /* its path */
    fct_numbers visited; /* folders of the album that are there */
    char **kept;         /* paths of folders that are missing */
    size_t n_kept, cap_kept;
} walk_state;

/* A folder that is being looked through. */
typedef struct walk_folder {
    char *full, *path;  /* owned */
    uint64_t device;    /* of the file system that it is in */
    bool mount, listed; /* listed: its place in the list of folders with jobs is `at` */
    size_t at;
    int64_t id; /* 0 = not in the album */
} walk_folder;

static fct_status collect_known(void *user, const fct_placed_file *f, fct_error *err) {
    known_files *k = user;
    fct_placed_file *at = fct_grow(k->at, &k->cap, k->n + 1, sizeof *at);
    if (!at) return no_memory(err);
    k->at = at;
    at[k->n] = *f;
    at[k->n].name = fct_strdup(f->name);
    return at[k->n].name ? (k->n++, FCT_OK) : no_memory(err);
}

static void free_known(known_files *k) {
    for (size_t i = 0; i < k->n; i++) fct_free((char *)(uintptr_t)k->at[i].name);
    fct_free(k->at);
}

static void tell_skipped(const walk_state *st, const char *path, const fct_error *why) {
    const fct_scan_opts *o = st->w->opts;
    if (o->skipped) o->skipped(o->user, path, why);
}

/* Tells of a folder that is missing; path is below the root. why: the fault of listing it, or NULL. */
static fct_status tell_kept(const walk_state *st, const char *path, const fct_error *why, fct_error *err) {
    fct_error e;
    char *full = *path ? fct_path_join(st->root, path) : fct_strdup(st->root);
    if (!full) return no_memory(err);
    if (why) (void)fct_fail(&e, FCT_ERR_IO, "%s", why->text);
    else (void)fct_fail(&e, FCT_ERR_NOT_FOUND, "%s: is missing, empty or not mounted", full);
    tell_skipped(st, full, &e);
    fct_free(full);
    return FCT_OK;
}

/* Keeps a folder that is missing, and all below it. why: the fault of listing it, or NULL. */
static fct_status keep(walk_state *st, const char *path, const fct_error *why, fct_error *err) {
    char **kept = fct_grow(st->kept, &st->cap_kept, st->n_kept + 1, sizeof *kept), *copy = fct_strdup(path);
    if (kept) st->kept = kept;
    if (!kept || !copy) return fct_free(copy), no_memory(err);
    kept[st->n_kept++] = copy;
    st->w->result->missing++;
    return tell_kept(st, path, why, err);
}

static bool is_at_or_below(const char *path, const char *folder) {
    size_t n = strlen(folder);
    return !n || (strncmp(path, folder, n) == 0 && (!path[n] || path[n] == '/'));
}

/* Puts a file on the list of what is to be read, and its folder with the first of its files. */
static fct_status add_job(walk_state *st, walk_folder *f, const char *name, const fct_file_stat *fs,
                          const fct_placed_file *known, fct_error *err) {
    fct_scan_list *l = st->w->list;
    fct_scan_job *jobs = fct_grow(l->jobs, &l->cap_jobs, l->n_jobs + 1, sizeof *jobs);
    if (!jobs) return no_memory(err);
    l->jobs = jobs;
    if (!f->listed) {
        fct_scan_folder *folders = fct_grow(l->folders, &l->cap_folders, l->n_folders + 1, sizeof *folders);
        if (!folders) return no_memory(err);
        l->folders = folders;
        fct_scan_folder *to = &folders[l->n_folders];
        *to = (fct_scan_folder){.root_id = st->root_id, .id = f->id, .mount = f->mount};
        to->full = fct_strdup(f->full);
        to->path = fct_strdup(f->path);
        f->at = l->n_folders++;
        f->listed = true;
        if (!to->full || !to->path) return no_memory(err);
    }
    char *copy = fct_strdup(name);
    if (!copy) return no_memory(err);
    jobs[l->n_jobs++] = (fct_scan_job){.folder = f->at,
                                       .name = copy,
                                       .size = (int64_t)fs->size,
                                       .mtime_ns = fs->mtime_ns,
                                       .known = known != NULL,
                                       .photo_id = known ? known->photo_id : 0};
    l->bytes += (int64_t)fs->size;
    return FCT_OK;
}

/* Counts a photo of a format that facet does not read, and tells of it. */
static fct_status pass_over(const walk_state *st, const walk_folder *f, const char *name, fct_error *err) {
    fct_error e;
    char *full = fct_path_join(f->full, name);
    if (!full) return no_memory(err);
    (void)fct_fail(&e, FCT_ERR_UNSUPPORTED, "%s: is of a format that facet does not read", full);
    st->w->result->unknown++;
    tell_skipped(st, full, &e);
    fct_free(full);
    return FCT_OK;
}

/* A file of the folder; known is what the album knows of it, or NULL. */
static fct_status look_at_file(walk_state *st, walk_folder *f, const char *name, const fct_file_stat *fs,
                               const fct_placed_file *known, fct_error *err) {
    fct_scan_result *r = st->w->result;
    const fct_scan_opts *o = st->w->opts;
    fct_media kind = fct_media_of(name);
    if (kind == FCT_MEDIA_NONE) return FCT_OK;
    if (kind == FCT_MEDIA_UNKNOWN) return pass_over(st, f, name, err);
    r->looked++;
    bool same = known && known->size == (int64_t)fs->size && known->mtime_ns == fs->mtime_ns && known->photo_id;
    bool passed_over = kind == FCT_MEDIA_VIDEO && o->no_videos;
    if (passed_over || (same && !o->again)) return r->unchanged++, FCT_OK;
    return add_job(st, f, name, fs, known, err);
}

/* Looks through a folder and all below it. One that cannot be listed, or seems not to be mounted, is kept as it was. */
static fct_status look_in(walk_state *st, walk_folder *f, int depth, fct_error *err);

/* A folder in the folder. Links are not followed: they may lead back up. */
static fct_status look_below(walk_state *st, const walk_folder *above, const char *name, const fct_file_stat *fs,
                             int depth, fct_error *err) {
    if (fs->is_symlink || depth >= MOST_DEPTH) return FCT_OK;
    walk_folder f = {.device = fs->device, .mount = fs->device != above->device};
    f.full = fct_path_join(above->full, name);
    f.path = *above->path ? fct_path_join(above->path, name) : fct_strdup(name);
    fct_status s = f.full && f.path ? look_in(st, &f, depth + 1, err) : no_memory(err);
    fct_free(f.full);
    fct_free(f.path);
    return s;
}

/* Goes through both lists of names at once. */
static fct_status compare(walk_state *st, walk_folder *f, char **names, size_t n, const known_files *known, int depth,
                          fct_error *err) {
    fct_scan_list *l = st->w->list;
    fct_status s = FCT_OK;
    size_t k = 0;
    for (size_t i = 0; i < n && !s; i++) {
        const fct_placed_file *same = NULL;
        fct_file_stat fs = {.exists = false};
        if (names[i][0] == '.') continue; /* hidden: thumbnails, trash */
        char *full = fct_path_join(f->full, names[i]);
        if (!full) return no_memory(err);
        fct_file_get_stat(full, &fs);
        fct_free(full);
        for (int order = -1; k < known->n && (order = strcmp(known->at[k].name, names[i])) <= 0 && !s; k++)
            if (order == 0 && fs.is_file) same = &known->at[k];
            else s = add_id(&l->gone, known->at[k].id, err);
        if (s) break;
        if (fs.is_dir) s = look_below(st, f, names[i], &fs, depth, err);
        else if (fs.is_file) s = look_at_file(st, f, names[i], &fs, same, err);
    }
    for (; k < known->n && !s; k++) s = add_id(&l->gone, known->at[k].id, err);
    return s;
}

/* Whether the album's folder seems to be missing though it is there: it is empty, and not by deleting. */
static fct_status seems_missing(walk_state *st, const walk_folder *f, const fct_placed_folder *known, int depth,
                                bool *missing, fct_error *err) {
    *missing = false;
    if (depth && !(known->mount && !f->mount)) return FCT_OK;
    return fct_album_has_files(st->w->album, st->root_id, f->path, missing, err);
}

/* Whether a folder below the one that was named for scanning is not to be looked into. */
static bool is_set_aside(const walk_folder *f, char **names, size_t n, int depth) {
    if (!depth) return false;
    if (!strcmp(fct_path_base(f->path), "@eaDir")) return true;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], ".nomedia")) return true;
    return false;
}

/* Looks through a folder and all below it. One that cannot be listed, or seems not to be mounted, is kept as it was. */
static fct_status look_in(walk_state *st, walk_folder *f, int depth, fct_error *err) {
    fct_error fault;
    char **names = NULL;
    size_t n = 0;
    fct_placed_folder known;
    known_files files = {NULL, 0, 0};
    bool missing = false, listed = true;
    if (!st->w->go_on(st->w->ctx)) return fct_fail(err, FCT_ERR_CANCELLED, "the scan was stopped");
    fct_status s = fct_album_folder_find(st->w->album, st->root_id, f->path, &known, err);
    if (s) return s;
    f->id = known.id;
    if (fct_dir_list(f->full, &names, &n, &fault)) missing = true, listed = false;
    else if (!n) s = seems_missing(st, f, &known, depth, &missing, err);
    if (!s && missing) s = keep(st, f->path, listed ? NULL : &fault, err);
    else if (!s && !is_set_aside(f, names, n, depth)) {
        if (known.id) s = add_id(&st->visited, known.id, err);
        if (!s && known.id) s = fct_album_folder_files(st->w->album, known.id, collect_known, &files, err);
        if (!s) s = compare(st, f, names, n, &files, depth, err);
    }
    free_known(&files);
    fct_dir_list_free(names, n);
    return s;
}

/* ---- What is gone --------------------------------------------------------------------------------- */

/* A folder that the album knows: gone unless it was visited, is missing, or was a mounted file system. */
static fct_status check_gone(void *user, const fct_placed_folder *f, fct_error *err) {
    walk_state *st = user;
    fct_scan_list *l = st->w->list;
    if (fct_numbers_hold(&st->visited, f->id)) return FCT_OK;
    bool forget = st->w->opts->forget_missing;
    for (size_t i = 0; i < st->n_kept && !forget; i++)
        if (is_at_or_below(f->path, st->kept[i])) return FCT_OK;
    if (f->mount && !forget) return keep(st, f->path, NULL, err);
    return add_id(&l->gone_folders, f->id, err);
}

/* The file system of the folder above, to see whether another one is mounted here. */
static uint64_t device_above(const char *full) {
    fct_file_stat fs = {.device = 0};
    char *above = fct_path_dir(full);
    if (above) fct_file_get_stat(above, &fs);
    fct_free(above);
    return fs.device;
}

/* Looks through a folder that was named for scanning; what the album has below it and was not met is gone. */
static fct_status look_from(walk_state *st, const char *path, fct_error *err) {
    bool known = false;
    fct_file_stat fs;
    walk_folder f = {.path = fct_strdup(path)};
    f.full = *path ? fct_path_join(st->root, path) : fct_strdup(st->root);
    fct_status s = f.full && f.path ? FCT_OK : no_memory(err);
    if (!s) s = fct_album_has_files(st->w->album, st->root_id, path, &known, err);
    if (!s) {
        fct_file_get_stat(f.full, &fs);
        f.device = fs.device;
        f.mount = fs.device != device_above(f.full);
        if (fs.is_dir) s = look_in(st, &f, 0, err);
        else if (known) s = keep(st, path, NULL, err);
        else s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: %s", f.full, fs.exists ? "is no folder" : "no such folder");
    }
    fct_numbers_sort(&st->visited);
    if (!s) s = fct_album_folders(st->w->album, st->root_id, path, check_gone, st, err);
    fct_free(f.full);
    fct_free(f.path);
    return s;
}

fct_status fct_scan_look(const fct_scan_walk *w, int64_t root_id, const char *root, const char *path, fct_error *err) {
    walk_state st = {.w = w, .root_id = root_id, .root = root};
    fct_status s = look_from(&st, path, err);
    for (size_t i = 0; i < st.n_kept; i++) fct_free(st.kept[i]);
    fct_free(st.kept);
    fct_free(st.visited.at);
    return s;
}
