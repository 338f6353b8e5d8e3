/* A scan: look for what is new, changed or gone; read it; tidy up.
 *
 * Photos are stored in transactions of at most a quarter of a second: whenever the
 * scan is stopped, or killed, the next one finds what is left to do. That they reach
 * the disk is waited for once, after the last one, since threads that ask whether a
 * photo is known would wait for the disk too; a power failure costs the latest photos,
 * which the next scan reads again. Photos that are no longer anywhere are removed at
 * the very end, when every place where they could have moved has been read. */
#include "album/album_scan.h"
#include "album/album_look.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "facet/video.h"
#include <string.h>

#define COMMIT_NS 250000000u /* the longest that a photo waits to be on disk */
#define WAIT_MS   50

typedef struct scan_run {
    fct_album *a;
    const fct_pack *pack;
    fct_scan_opts o;
    fct_scan_result *r;
    fct_scan_list list;
    fct_mutex lock; /* of the album's connection, while there are threads that ask it */
    bool open;      /* a transaction is */
    uint64_t since; /* its begin */
    fct_scan_progress progress;
    uint64_t told;
} scan_run;

/* Tells of progress where it is time; false: the caller wants to stop. */
static bool tell(scan_run *run, bool now) {
    uint64_t t = fct_time_ns();
    if (!run->o.progress || (!now && t - run->told < FCT_SCAN_TELL_NS)) return true;
    run->told = t;
    return run->o.progress(run->o.user, &run->progress);
}

static fct_status cancelled(fct_error *err) { return fct_fail(err, FCT_ERR_CANCELLED, "the scan was stopped"); }

/* ---- The network ------------------------------------------------------------------------------- */

/* Refuses a pack without detector or embedder, and one whose embedder is not the one that the album's faces are
 * compared by; a new album takes the pack's. */
static fct_status check_network(scan_run *run, fct_error *err) {
    fct_album *a = run->a;
    const char *id = fct_pack_embedder_id(run->pack);
    char *known = NULL, *pack = NULL;
    uint32_t tasks = FCT_TASK_DETECT | FCT_TASK_EMBED;
    if ((fct_pack_tasks(run->pack) & tasks) != tasks)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: an album needs a detector and an embedder in the pack",
                        fct_pack_name(run->pack));
    fct_status s = fct_album_begin(a, err);
    if (s) return s;
    s = fct_album_setting(a, "network", &known, err);
    if (!s) s = fct_album_setting(a, "pack", &pack, err);
    if (!s && known && strcmp(known, id) != 0)
        s = fct_fail(err, FCT_ERR_MISMATCH,
                     "%s: its faces are compared by network %.12s of pack %s, and pack %s has %.12s: use that pack, or "
                     "migrate the album",
                     a->file.path, known, pack ? pack : "?", fct_pack_name(run->pack), id);
    if (!s) s = fct_album_model_put(a, id, fct_pack_embedding_dim(run->pack), err);
    if (!s && !pack) s = fct_album_setting_put(a, "pack", fct_pack_name(run->pack), err);
    fct_free(known);
    fct_free(pack);
    return fct_album_end(a, s, err);
}

/* ---- Looking -------------------------------------------------------------------------------------- */

static bool go_on_looking(void *ctx) {
    scan_run *run = ctx;
    run->progress.done = run->r->looked;
    return tell(run, false);
}

static fct_status look(scan_run *run, const fct_scan_targets *t, fct_error *err) {
    fct_scan_walk w = {run->a, &run->o, run->r, &run->list, go_on_looking, run};
    fct_status s = FCT_OK;
    for (size_t i = 0; i < t->n && !s; i++) s = fct_scan_look(&w, t->at[i].root_id, t->at[i].root, t->at[i].path, err);
    return s;
}

/* Forgets the places of files that are gone; what they showed stays until the end. */
static fct_status drop_places(scan_run *run, fct_error *err) {
    const fct_scan_list *l = &run->list;
    int64_t n;
    if (!l->gone.n && !l->gone_folders.n) return FCT_OK;
    fct_status s = fct_album_begin(run->a, err);
    if (s) return s;
    for (size_t i = 0; i < l->gone.n && !s; i++) s = fct_album_file_remove(run->a, l->gone.at[i], err);
    run->r->gone += (int64_t)l->gone.n;
    for (size_t i = 0; i < l->gone_folders.n && !s; i++) {
        s = fct_album_files_remove(run->a, l->gone_folders.at[i], &n, err);
        run->r->gone += n;
    }
    return fct_album_end(run->a, s, err);
}

/* ---- Storing what was read -------------------------------------------------------------------------- */

static fct_status begin(scan_run *run, fct_error *err) {
    if (run->open) return FCT_OK;
    fct_status s = fct_album_begin(run->a, err);
    run->open = !s;
    run->since = fct_time_ns();
    return s;
}

static fct_status end(scan_run *run, fct_status s, fct_error *err) {
    if (!run->open) return s;
    run->open = false;
    return fct_album_end(run->a, s, err);
}

/* The folder's id, which it is given by the first of its files that is stored. */
static fct_status folder_id(scan_run *run, const fct_scan_job *job, int64_t *id, fct_error *err) {
    fct_scan_folder *f = &run->list.folders[job->folder];
    fct_status s = f->id ? FCT_OK : fct_album_folder_put(run->a, f->root_id, f->path, f->mount, &f->id, err);
    *id = f->id;
    return s;
}

/* The photo that the file showed before, if the new content shows the same picture and the old one is nowhere else:
 * somebody has saved it anew. 0 = none. */
static fct_status replaced_photo(scan_run *run, const fct_read_item *it, int64_t *old, fct_error *err) {
    fct_known_photo k;
    fct_look before, now;
    *old = 0;
    if (!it->job->photo_id || it->photo.error || !it->photo.has_look) return FCT_OK;
    fct_status s = fct_album_photo_get(run->a, it->job->photo_id, &k, err);
    if (s || !k.id || k.places != 1 || !k.has_look) return s;
    before.phash = k.phash;
    now.phash = it->photo.phash;
    memcpy(before.gray, k.look, sizeof before.gray);
    memcpy(now.gray, it->photo.look, sizeof now.gray);
    if (fct_look_same(&before, k.width, k.height, &now, it->photo.width, it->photo.height)) *old = k.id;
    return FCT_OK;
}

static fct_status store_new(scan_run *run, const fct_read_item *it, int64_t *photo_id, fct_error *err) {
    int64_t old = 0;
    fct_status s = replaced_photo(run, it, &old, err);
    if (!s) s = fct_album_photo_put(run->a, &it->photo, old, photo_id, err);
    if (s) return s;
    run->r->read++;
    run->r->changed += it->job->photo_id != 0 && it->job->photo_id != *photo_id;
    run->r->changed += old != 0;
    run->r->unreadable += it->photo.error != NULL;
    run->r->faces += it->photo.n_faces;
    return FCT_OK;
}

/* A content that is known already: nothing is to be read, it only has another place or time. */
static fct_status count_known(scan_run *run, const fct_read_item *it, fct_error *err) {
    fct_known_photo k;
    if (it->job->photo_id == it->known_id) return run->r->touched++, FCT_OK;
    fct_status s = fct_album_photo_get(run->a, it->known_id, &k, err);
    if (k.places) run->r->copies++;
    else run->r->moved++;
    return s;
}

/* Stores what was read of a file: its place, and its content where that is new. */
static fct_status store(scan_run *run, const fct_read_item *it, fct_error *err) {
    int64_t folder;
    fct_placed_file f = {.name = it->job->name, .size = it->size, .mtime_ns = it->mtime_ns};
    fct_status s = folder_id(run, it->job, &folder, err);
    if (s) return s;
    if (!it->has_bytes) {
        run->r->unreadable++;
        return fct_album_file_put(run->a, folder, &f, it->error.text, err);
    }
    f.photo_id = it->known_id;
    s = it->known_id ? count_known(run, it, err) : store_new(run, it, &f.photo_id, err);
    return s ? s : fct_album_file_put(run->a, folder, &f, NULL, err);
}

/* ---- Reading -------------------------------------------------------------------------------------------- */

/* Called by the threads: photos that are known need not be read again. */
static int64_t find_photo(void *ctx, const uint8_t hash[32]) {
    scan_run *run = ctx;
    fct_known_photo k = {.id = 0};
    if (run->o.again) return 0;
    fct_mutex_lock(&run->lock);
    fct_album_photo_find(run->a, hash, &k, NULL);
    fct_mutex_unlock(&run->lock);
    return k.id;
}

/* Takes one file that was read, or waits for one; *done: there are no more. */
static fct_status take_one(scan_run *run, fct_crew *crew, bool *done, fct_error *err) {
    fct_read_item it;
    bool got = fct_crew_next(crew, WAIT_MS, &it, done);
    fct_status s = FCT_OK;
    fct_mutex_lock(&run->lock);
    if (got && it.fatal) {
        s = it.fatal;
        if (err) *err = it.error;
    } else if (got) {
        s = begin(run, err);
        if (!s) s = store(run, &it, err);
    }
    if (run->open && (s || fct_time_ns() - run->since > COMMIT_NS)) s = end(run, s, err);
    fct_mutex_unlock(&run->lock);
    if (!got) return s;
    run->progress.done++;
    run->progress.bytes_done += it.job->size;
    run->progress.faces = run->r->faces;
    run->progress.unreadable = run->r->unreadable;
    fct_read_item_free(&it);
    return s;
}

/* Has the crew read the files of the list, and stores what they find. */
static fct_status read_jobs(scan_run *run, const fct_analyzer_opts *finder, fct_error *err) {
    fct_crew *crew;
    bool done = false;
    fct_crew_opts o = {run->pack, finder, &run->list, run->o.threads, run->o.max_pixels, find_photo, run};
    run->progress =
        (fct_scan_progress){.phase = FCT_SCAN_READ, .total = (int64_t)run->list.n_jobs, .bytes = run->list.bytes};
    fct_status s = fct_crew_start(&o, &crew, err);
    if (s) return s;
    while (!s && !done) {
        s = take_one(run, crew, &done, err);
        if (!s && !tell(run, done)) s = cancelled(err);
    }
    fct_crew_free(crew);
    /* What was read before a stop stays; after a fault, what was not committed does not. */
    if (s == FCT_ERR_CANCELLED && run->open) {
        fct_status st = end(run, FCT_OK, err);
        return st ? st : cancelled(err);
    }
    return end(run, s, err);
}

/* Reads all files of the list. */
static fct_status read_all(scan_run *run, const fct_analyzer_opts *finder, fct_error *err) {
    if (!run->list.n_jobs) return FCT_OK;
    fct_status s = fct_db_file_defer(&run->a->file, true, err);
    if (s) return s;
    s = read_jobs(run, finder, err);
    fct_status st = fct_db_file_defer(&run->a->file, false, s ? NULL : err);
    return s ? s : st;
}

/* ---- The scan ----------------------------------------------------------------------------------------------- */

static fct_status tidy(scan_run *run, fct_error *err) {
    run->progress = (fct_scan_progress){.phase = FCT_SCAN_TIDY};
    tell(run, true);
    fct_status s = fct_album_begin(run->a, err);
    return s ? s : fct_album_end(run->a, fct_album_tidy(run->a, err), err);
}

static bool has_videos(const fct_scan_list *l) {
    for (size_t i = 0; i < l->n_jobs; i++)
        if (fct_media_of(l->jobs[i].name) == FCT_MEDIA_VIDEO) return true;
    return false;
}

/* Without FFmpeg videos are passed over, and counted, instead of being stored as unreadable. Asking loads FFmpeg, which
 * takes as long as a photo. */
static void check_videos(scan_run *run) {
    if (run->o.no_videos || !has_videos(&run->list) || !fct_video_available(NULL)) return;
    for (size_t i = 0; i < run->list.n_jobs;) {
        fct_scan_job *job = &run->list.jobs[i];
        if (fct_media_of(job->name) != FCT_MEDIA_VIDEO) {
            i++;
            continue;
        }
        run->r->no_videos++;
        run->list.bytes -= job->size;
        fct_free(job->name);
        *job = run->list.jobs[--run->list.n_jobs];
    }
}

/* The order of a scan: look what is there, forget places that are gone, read what is new, tidy. */
static fct_status scan(scan_run *run, const char *const *folders, int n, fct_error *err) {
    fct_analyzer_opts finder;
    fct_scan_targets targets = {NULL, 0};
    fct_reader_default_opts(&finder);
    if (run->o.finder) finder = *run->o.finder;
    finder.tasks |= FCT_TASK_DETECT | FCT_TASK_EMBED;
    fct_status s = check_network(run, err);
    if (!s) s = fct_scan_targets_find(run->a, folders, n, &targets, err);
    if (!s) s = look(run, &targets, err);
    fct_scan_targets_free(&targets);
    if (!s) check_videos(run);
    if (!s) s = drop_places(run, err);
    if (!s) s = read_all(run, &finder, err);
    return s ? s : tidy(run, err);
}

fct_status fct_album_scan(fct_album *a, const fct_pack *p, const char *const *folders, int n, const fct_scan_opts *opts,
                          fct_scan_result *out, fct_error *err) {
    fct_scan_result unused;
    scan_run run = {.a = a, .pack = p, .r = out ? out : &unused};
    char *lock = NULL;
    intptr_t handle;
    uint64_t start = fct_time_ns();
    *run.r = (fct_scan_result){0};
    if (!a || !p || n < 0 || (n && !folders)) return fct_fail(err, FCT_ERR_ARG, "scan: something is missing");
    fct_status s = fct_scan_read_opts(opts, &run.o, err);
    if (!s) s = fct_scan_lock(a, &lock, &handle, err);
    if (s) return s;
    fct_mutex_init(&run.lock);
    s = scan(&run, folders, n, err);
    fct_mutex_destroy(&run.lock);
    fct_scan_unlock(lock, handle);
    fct_scan_list_free(&run.list);
    run.r->seconds = (double)(fct_time_ns() - start) / 1e9;
    return s;
}
