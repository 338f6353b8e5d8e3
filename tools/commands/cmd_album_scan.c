/* facet album scan, facet album migrate. */
#include "commands/cmd_album.h"
#include "photos/endings.h"
#include "photos/engine.h"
#include "photos/report.h"
#include "shell/progress.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is passed over ------------------------------------------------------------------- */

/* What a scan could not look at. */
typedef struct skipped_list {
    fct_error *folders; /* owned */
    size_t n_folders, cap_folders;
    cli_endings kinds; /* of photos that facet does not read */
} skipped_list;

static void free_skipped(skipped_list *l) {
    free(l->folders);
    cli_endings_free(&l->kinds);
}

/* "12 photos are of formats that facet does not read: 10 nef, 2 cr2" */
static void tell_kinds(skipped_list *l) {
    char *kinds;
    int sum = (int)cli_endings_list(&l->kinds, &kinds);
    if (sum) cli_note("%s of formats that facet does not read: %s", cli_count(sum, "photo is", "photos are"), kinds);
    free(kinds);
}

/* A line for each folder that could not be looked at, unless they are very many. */
static void tell_folders(const skipped_list *l) {
    enum { MOST = 20 };
    for (size_t i = 0; i < l->n_folders && i < MOST; i++)
        cli_warn("%s; its photos are kept (--forget-missing forgets them)", l->folders[i].text);
    if (l->n_folders > MOST) cli_warn("and so with %zu other folders (--json lists all)", l->n_folders - MOST);
}

static void json_folders(const skipped_list *l, fct_json_writer *j) {
    fct_json_array(j, "missing_folders");
    for (size_t i = 0; i < l->n_folders; i++) fct_json_text(j, NULL, l->folders[i].text);
    fct_json_close_array(j);
}

/* ---- Progress ------------------------------------------------------------------------------ */

typedef struct shown_scan {
    const cli_settings *set;
    int phase; /* that the line is about; -1 = none yet */
    skipped_list skipped;
} shown_scan;

static void take_skipped(void *user, const char *path, const fct_error *why) {
    skipped_list *l = &((shown_scan *)user)->skipped;
    if (why->code == FCT_ERR_UNSUPPORTED) {
        cli_endings_add(&l->kinds, fct_path_ext(path));
        return;
    }
    l->folders = cli_grow(l->folders, &l->cap_folders, l->n_folders + 1, sizeof *l->folders);
    l->folders[l->n_folders++] = *why;
}

/* The line is begun anew with each part of the work. How many files there are is known once all folders were looked
 * through; until then they are counted. */
static bool show_progress(void *user, const fct_scan_progress *p) {
    shown_scan *shown = user;
    enum { MOST = 2000000000 };
    bool counted = p->phase == FCT_SCAN_READ || p->phase == FCT_SCAN_EMBED;
    int total = p->total < MOST ? (int)p->total : MOST, done = p->done < MOST ? (int)p->done : MOST;
    if ((int)p->phase != shown->phase) {
        cli_progress_end();
        if (p->phase == FCT_SCAN_LOOK) cli_progress_start(0, "files looked at", shown->set->quiet);
        if (counted && total)
            cli_progress_start(total, p->phase == FCT_SCAN_READ ? "files" : "faces", shown->set->quiet);
        shown->phase = (int)p->phase;
    }
    if (p->phase == FCT_SCAN_LOOK) cli_progress_step(done);
    if (counted && total) cli_progress_step(done < total ? done : total);
    return !cli_interrupted();
}

/* ---- Result ---------------------------------------------------------------------------------- */

static void json_result(const fct_album_info *info, const fct_scan_result *r, fct_json_writer *j) {
    cli_album_json_begin(j, info);
    fct_json_int(j, "looked", r->looked);
    fct_json_int(j, "unchanged", r->unchanged);
    fct_json_int(j, "read", r->read);
    fct_json_int(j, "changed", r->changed);
    fct_json_int(j, "moved", r->moved);
    fct_json_int(j, "copies", r->copies);
    fct_json_int(j, "touched", r->touched);
    fct_json_int(j, "gone", r->gone);
    fct_json_int(j, "faces", r->faces);
    fct_json_int(j, "missing", r->missing);
    fct_json_int(j, "unknown", r->unknown);
    fct_json_int(j, "no_videos", r->no_videos);
    fct_json_number(j, "seconds", r->seconds, 3);
}

/* "12 moved, " where there are some. */
static void tell_some(int64_t n, const char *what) {
    if (n) cli_print(", %lld %s", (long long)n, what);
}

static void print_result(const fct_scan_result *r) {
    cli_print("%lld files", (long long)r->looked);
    tell_some(r->unchanged, "unchanged");
    tell_some(r->read, "read");
    tell_some(r->changed, "of them changed");
    tell_some(r->touched, "with a new date only");
    tell_some(r->moved, "moved");
    tell_some(r->copies, r->copies == 1 ? "copy" : "copies");
    tell_some(r->gone, "gone");
    cli_print(", %s found\n", cli_count((int)(r->faces < 2000000000 ? r->faces : 2000000000), "face", "faces"));
}

static fct_status print_unreadable(void *user, const fct_album_file *f, fct_error *err) {
    (void)user, (void)err;
    cli_error("%s", f->error);
    return FCT_OK;
}

static fct_status json_unreadable(void *user, const fct_album_file *f, fct_error *err) {
    fct_json_writer *j = user;
    (void)err;
    fct_json_object(j, NULL);
    fct_json_text(j, "file", f->path);
    fct_json_text(j, "error", f->error);
    fct_json_close_object(j);
    return FCT_OK;
}

/* All files that cannot be read, those of earlier scans too: they are unknown to the album. */
static fct_status tell_result(shown_scan *shown, fct_album *album, const fct_scan_result *r,
                              const fct_group_result *people, fct_error *e) {
    const cli_settings *s = shown->set;
    fct_album_file_query q;
    fct_album_info info;
    fct_json_writer j;
    fct_album_file_query_init(&q);
    q.unreadable = true;
    fct_status st = fct_album_stat(album, &info, e);
    if (st) return st;
    tell_folders(&shown->skipped);
    if (r->no_videos)
        cli_warn("%s passed over: no FFmpeg to read them ('facet doctor' says more)",
                 cli_count((int)r->no_videos, "video was", "videos were"));
    if (!s->json) {
        print_result(r);
        tell_kinds(&shown->skipped);
        if (people->faces) cli_album_print_groups(people);
        return fct_album_files(album, &q, print_unreadable, NULL, e);
    }
    json_result(&info, r, &j);
    cli_album_json_groups(&j, people);
    json_folders(&shown->skipped, &j);
    fct_json_array(&j, "unreadable");
    st = fct_album_files(album, &q, json_unreadable, &j, e);
    fct_json_close_array(&j);
    cli_album_json_end(&j);
    return st;
}

/* ---- scan --------------------------------------------------------------------------------------- */

static fct_scan_opts scan_opts(const cli_settings *s, shown_scan *shown, fct_analyzer_opts *finder) {
    fct_scan_opts o;
    fct_scan_opts_init(&o);
    cli_finder_opts(s, FCT_TASK_DETECT | FCT_TASK_EMBED | FCT_TASK_GENDER_AGE, finder);
    o.finder = finder;
    o.max_pixels = s->max_pixels;
    o.no_videos = s->no_videos;
    o.again = s->again;
    o.forget_missing = s->forget_missing;
    o.progress = show_progress;
    o.skipped = take_skipped;
    o.user = shown;
    return o;
}

/* Whoever is new comes to his people. */
static fct_status group_faces(const fct_pack *pack, fct_album *album, fct_group_result *out, fct_error *e) {
    fct_group_opts o;
    fct_group_opts_init(&o);
    o.threshold = fct_pack_threshold(pack);
    o.only_new = true;
    return fct_album_group(album, &o, out, e);
}

/* Scans, then groups what was found. A stopped scan keeps what it has read, and groups nothing. */
static int scan_with(shown_scan *shown, const cli_args *a, const fct_pack *pack, fct_album *album) {
    fct_analyzer_opts finder;
    fct_scan_result r;
    fct_group_result people;
    fct_error e;
    fct_scan_opts o = scan_opts(&a->set, shown, &finder);
    cli_catch_interrupt();
    fct_status st = fct_album_scan(album, pack, (const char *const *)a->words, a->n_words, &o, &r, &e);
    cli_progress_end();
    if (st == FCT_ERR_CANCELLED) {
        cli_error("stopped after %lld of the files; the next scan goes on from here", (long long)(r.read + r.touched));
        return CLI_STOPPED;
    }
    if (st == FCT_ERR_MISMATCH) {
        cli_error("%s ('--models PACK', or 'facet album migrate')", e.text);
        return CLI_INPUT;
    }
    if (!st && r.faces) cli_album_tell_grouping(album);
    if (!st) st = group_faces(pack, album, &people, &e);
    if (st || tell_result(shown, album, &r, &people, &e)) return cli_fail(&e);
    return r.unreadable || r.missing ? CLI_INPUT : CLI_DONE;
}

static int run_scan(cli_args *a) {
    fct_pack *pack = NULL;
    fct_album *album = NULL;
    shown_scan shown = {.set = &a->set, .phase = -1};
    int code = cli_pack_open(&a->set, FCT_TASK_DETECT | FCT_TASK_EMBED | FCT_TASK_GENDER_AGE, &pack);
    if (!code) code = cli_album_open(&a->set, a->n_words ? ALBUM_CREATE : ALBUM_WRITE, &album);
    if (!code) code = scan_with(&shown, a, pack, album);
    free_skipped(&shown.skipped);
    fct_album_free(album);
    fct_pack_free(pack);
    return code;
}

const cli_command cmd_album_scan = {
    .name = "album scan",
    .synopsis = "[FOLDER...]",
    .summary = "find the faces of all photos and videos below folders",
    .description =
        "Brings the album up to date with the photos and videos in each FOLDER and below it; without FOLDER, in all "
        "that were scanned before. Of videos the key frames are looked at. Passed over are hidden files "
        "and folders, folders that hold a file called .nomedia, and links to folders.\n\n"
        "Files with the size and time that the album knows are not read again. A photo that was moved or renamed "
        "keeps its people, one that was changed is read again, one that is gone is forgotten. A folder that is "
        "missing as a whole, a disk that is not mounted, is named, and its photos are kept.\n\n"
        "At the end new faces join the people that they are like, or become new ones ('facet album cluster').\n\n"
        "The scan can be stopped at any time, or killed: the next one goes on from there. Files that cannot be read "
        "are listed at the end; exit code 3 where a new one is among them.",
    .options = {CLI_FINDER_OPTIONS, CLI_OPT(OPT_ALBUM), CLI_OPT(OPT_AGAIN), CLI_OPT(OPT_FORGET_MISSING),
                CLI_OPT(OPT_NO_VIDEOS)},
    .examples = "facet album scan ~/Pictures\n"
                "Later, whatever is new in the same folders\n"
                "facet album scan",
    .words = COMPLETE_FOLDER,
    .max_words = -1,
    .run = run_scan,
};

/* ---- migrate ----------------------------------------------------------------------------------- */

static int migrate_with(const cli_args *a, const fct_pack *pack, fct_album *album) {
    shown_scan shown = {.set = &a->set, .phase = -1};
    fct_scan_opts o;
    fct_error e;
    fct_album_info info;
    int64_t n = 0;
    fct_scan_opts_init(&o);
    o.progress = show_progress;
    o.user = &shown;
    cli_catch_interrupt();
    fct_status st = fct_album_migrate(album, pack, &o, &n, &e);
    cli_progress_end();
    if (st == FCT_ERR_CANCELLED) {
        cli_error("stopped after %lld faces; 'facet album migrate' goes on from here", (long long)n);
        return CLI_STOPPED;
    }
    if (st || fct_album_stat(album, &info, &e)) return cli_fail(&e);
    if (a->set.json) {
        fct_json_writer j;
        cli_album_json_begin(&j, &info);
        fct_json_text(&j, "network", info.network);
        fct_json_int(&j, "embedded", n);
        cli_album_json_end(&j);
    } else cli_note("%s: %lld faces embedded by %s", info.path, (long long)n, fct_pack_name(pack));
    return CLI_DONE;
}

static int run_migrate(cli_args *a) {
    fct_pack *pack = NULL;
    fct_album *album = NULL;
    int code = cli_pack_open(&a->set, FCT_TASK_EMBED, &pack);
    if (!code) code = cli_album_open(&a->set, ALBUM_WRITE, &album);
    char *question = code ? NULL : cli_format("Compare all faces of the album by %s from now on?", fct_pack_name(pack));
    if (!code) code = cli_confirm(&a->set, question);
    if (!code) code = migrate_with(a, pack, album);
    free(question);
    fct_album_free(album);
    fct_pack_free(pack);
    return code;
}

const cli_command cmd_album_migrate = {
    .name = "album migrate",
    .synopsis = "",
    .summary = "compare all faces by another network",
    .description = "Makes all embeddings anew with the network of --models, from the pictures of the faces that are "
                   "in the album; the photos are not needed. Can be stopped, and goes on from there the next time. "
                   "What was decided about people stays.",
    .options = {CLI_PACK_OPTIONS, CLI_OPT(OPT_ALBUM), CLI_OPT(OPT_YES)},
    .examples = "facet album migrate --models buffalo_l",
    .run = run_migrate,
};
