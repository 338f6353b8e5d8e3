/* facet queue: photos that many machines analyze, in a database. Each action is a command of its own. */
#include "commands/cmd_queue.h"
#include "photos/report.h"
#include "shell/progress.h"

#include "base/alloc.h"
#include "base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int cli_queue_open(const cli_settings *s, fct_queue **out) {
    char standard[4096];
    const char *place = s->gallery;
    fct_queue_opts o;
    fct_error e;
    *out = NULL;
    if (!place && !fct_gallery_default_path(standard, sizeof standard, &e)) place = standard;
    fct_queue_opts_init(&o);
    if (s->lease) o.lease_s = s->lease;
    if (s->attempts) o.attempts = s->attempts;
    if (place && fct_gallery_is_address(place)) return fct_queue_open(place, &o, out, &e) ? cli_fail(&e) : CLI_DONE;
    cli_error("a queue is on a server: --gallery (or FCT_GALLERY) postgresql://user@host/database");
    return CLI_USE;
}

#define QUEUE_OPTIONS CLI_COMMON_OPTIONS, CLI_GALLERY_OPTIONS

/* ---- add ---------------------------------------------------------------------------------------- */

enum { ADD_BATCH = 256 };

typedef struct add_run {
    fct_queue *queue;
    const char *model_id;
    fct_queue_photo photos[ADD_BATCH];
    char *paths[ADD_BATCH]; /* absolute, owned */
    size_t n, added, unread;
    char **folders; /* owned: names of the folders of --folders */
    size_t n_folders;
} add_run;

static int flush(add_run *r) {
    fct_error e;
    size_t added;
    fct_status s = fct_queue_add(r->queue, r->model_id, r->photos, r->n, &added, &e);
    for (size_t i = 0; i < r->n; i++) fct_free(r->paths[i]);
    r->n = 0;
    r->added += added;
    return s ? cli_fail(&e) : CLI_DONE;
}

/* Paths are absolute, so that workers in other folders find the photos. */
static int add_photo(add_run *r, const cli_input *in) {
    fct_error e;
    fct_queue_photo *p = &r->photos[r->n];
    if (fct_queue_read(in->path, p->sha256, NULL, NULL, &e)) {
        cli_fail(&e);
        r->unread++;
        return CLI_DONE;
    }
    r->paths[r->n] = fct_path_absolute(in->path);
    if (!r->paths[r->n]) {
        cli_error("%s: no absolute path", in->path);
        return CLI_INPUT;
    }
    p->path = r->paths[r->n];
    p->person = in->person;
    return ++r->n < ADD_BATCH ? CLI_DONE : flush(r);
}

/* Each folder in dir holds the photos of the person that it is named after. */
static int collect_people(add_run *r, const char *dir, cli_inputs *in) {
    fct_error e;
    memset(in, 0, sizeof *in);
    if (fct_dir_list(dir, &r->folders, &r->n_folders, &e)) return cli_fail(&e);
    for (size_t i = 0; i < r->n_folders; i++) {
        char *path = cli_format("%s/%s", dir, r->folders[i]);
        size_t before = in->n;
        fct_file_stat fs;
        fct_file_get_stat(path, &fs);
        bool wanted = fs.is_dir && r->folders[i][0] != '.', failed = wanted && cli_inputs_add_folder(in, path, &e);
        free(path);
        if (failed) return cli_fail(&e);
        for (size_t k = before; k < in->n; k++) in->at[k].person = r->folders[i];
    }
    if (in->n) return CLI_DONE;
    cli_error("%s: no folders with pictures in it; 'queue add --folders' wants one folder a person", dir);
    return CLI_INPUT;
}

static int add_all(add_run *r, const cli_inputs *in, const cli_settings *s) {
    int code = CLI_DONE;
    cli_catch_interrupt();
    cli_progress_start((int)in->n, "photos", s->quiet);
    for (size_t i = 0; i < in->n && !code; i++) {
        code = cli_interrupted() ? CLI_STOPPED : add_photo(r, &in->at[i]);
        cli_progress_step((int)i + 1);
    }
    int last = flush(r);
    cli_progress_end();
    return code ? code : last;
}

static void tell_added(const add_run *r, const cli_inputs *in, bool json) {
    long there = (long)(in->n - r->added - r->unread);
    if (!json) {
        cli_note("%s, %zu added, %ld already there, %zu unreadable", cli_count((int)in->n, "photo", "photos"), r->added,
                 there < 0 ? 0 : there, r->unread);
        return;
    }
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_int(&j, "photos", (int64_t)in->n);
    fct_json_int(&j, "added", (int64_t)r->added);
    fct_json_int(&j, "unreadable", (int64_t)r->unread);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

/* Photos whose people the folders name, or photos alone. What cannot be read is told and does not stop the
 * rest. */
static int run_add(cli_args *a) {
    add_run r = {0};
    cli_inputs in = {0};
    fct_pack *pack = NULL;
    if (!a->n_words == !a->set.folders) {
        cli_error("queue add: either photos and folders or --folders DIR; see 'facet queue add --help'");
        return CLI_USE;
    }
    int code = a->set.folders ? collect_people(&r, a->set.folders, &in)
                              : cli_inputs_expand(a->words, a->n_words, &a->set, &in);
    if (!code) code = cli_pack_open(&a->set, FCT_TASK_EMBED, &pack);
    if (!code) code = cli_queue_open(&a->set, &r.queue);
    if (!code) {
        r.model_id = fct_pack_embedder_id(pack);
        code = add_all(&r, &in, &a->set);
        tell_added(&r, &in, a->set.json);
        if (!code && (r.unread || in.failed)) code = CLI_INPUT;
    }
    fct_queue_free(r.queue);
    fct_pack_free(pack);
    fct_dir_list_free(r.folders, r.n_folders);
    cli_inputs_free(&in);
    return code;
}

const cli_command cmd_queue_add = {
    .name = "queue add",
    .synopsis = "PHOTO... | --folders DIR",
    .summary = "add photos for workers to analyze",
    .description = "Photos and folders as in 'facet help inputs'. Workers must find them by the same absolute paths. A "
                   "photo of the same content, for the same network, is not added twice, so a run may be repeated.\n\n"
                   "Workers store the faces that they find, with embeddings, beside the queue: 'facet queue faces' "
                   "prints them. With --folders each folder in DIR is a person, and workers enroll the largest face of "
                   "each photo in the gallery on the same server.",
    .options = {CLI_PACK_OPTIONS, CLI_GALLERY_OPTIONS, CLI_OPT(OPT_FOLDERS), CLI_OPT(OPT_FILES_FROM)},
    .examples = "facet queue add /photos --gallery postgresql://facet@db/faces\n"
                "facet queue add --folders /people",
    .max_words = -1,
    .run = run_add,
};

/* ---- status ----------------------------------------------------------------------------------------- */

static void json_status(const fct_queue_info *q) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "queue", q->place);
    fct_json_int(&j, "waiting", q->waiting);
    fct_json_int(&j, "running", q->running);
    fct_json_int(&j, "done", q->done);
    fct_json_int(&j, "failed", q->failed);
    fct_json_int(&j, "faces", q->faces);
    fct_json_int(&j, "workers", q->workers);
    fct_json_number(&j, "per_second", q->rate, 2);
    if (isnan(q->left_s)) fct_json_null(&j, "seconds_left");
    else fct_json_number(&j, "seconds_left", q->left_s, 0);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void print_status(const fct_queue_info *q) {
    int64_t all = q->waiting + q->running + q->done + q->failed;
    char left[64] = "";
    cli_print("%s\n", q->place);
    printf("  %lld of %lld done (%.1f %%), %lld waiting, %lld running, %lld failed\n", (long long)q->done,
           (long long)all, all ? 100.0 * (double)q->done / (double)all : 100.0, (long long)q->waiting,
           (long long)q->running, (long long)q->failed);
    printf("  %lld faces, %d %s", (long long)q->faces, q->workers, q->workers == 1 ? "worker" : "workers");
    if (q->rate > 0) printf(", %.1f photos/s", q->rate);
    if (q->left_s > 0) cli_format_left(left, sizeof left, q->left_s);
    printf("%s%s\n", *left ? ", " : "", left);
}

static int run_status(cli_args *a) {
    fct_queue *q;
    fct_queue_info info;
    fct_error e;
    int code = cli_queue_open(&a->set, &q);
    if (!code && fct_queue_stat(q, &info, &e)) code = cli_fail(&e);
    if (!code && a->set.json) json_status(&info);
    else if (!code) print_status(&info);
    fct_queue_free(q);
    return code;
}

const cli_command cmd_queue_status = {
    .name = "queue status",
    .synopsis = "",
    .summary = "tell how far the work is",
    .description =
        "Counts jobs by what became of them, faces found and workers that hold jobs; the rate is that of the "
        "last five minutes, and so is the time left.",
    .options = {QUEUE_OPTIONS},
    .examples = "facet queue status",
    .run = run_status,
};

/* ---- failures ---------------------------------------------------------------------------------------- */

static fct_status show_failure(int64_t id, int attempts, const char *path, const char *reason, void *user,
                               fct_error *err) {
    bool *json = user;
    (void)err;
    if (!*json) {
        cli_print("%s: %s (%d %s)\n", path, reason, attempts, attempts == 1 ? "attempt" : "attempts");
        return FCT_OK;
    }
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_int(&j, "job", id);
    fct_json_text(&j, "file", path);
    fct_json_int(&j, "attempts", attempts);
    fct_json_text(&j, "error", reason);
    fct_json_close_object(&j);
    fct_json_end(&j);
    return FCT_OK;
}

static int run_failures(cli_args *a) {
    fct_queue *q;
    fct_error e;
    int code = cli_queue_open(&a->set, &q);
    if (!code && fct_queue_failures(q, show_failure, &a->set.json, &e)) code = cli_fail(&e);
    fct_queue_free(q);
    return code;
}

const cli_command cmd_queue_failures = {
    .name = "queue failures",
    .synopsis = "",
    .summary = "list the photos that failed, with the reasons",
    .description = "A photo that cannot be decoded fails at once; one that could not be read, or whose workers died, "
                   "after three attempts. 'facet queue retry' lets them be done again.",
    .options = {QUEUE_OPTIONS},
    .examples = "facet queue failures",
    .run = run_failures,
};

/* ---- faces ------------------------------------------------------------------------------------------- */

static fct_status show_face(const fct_queue_face *f, void *user, fct_error *err) {
    fct_json_writer j;
    (void)user;
    if (cli_interrupted())
        return err->code = FCT_ERR_CANCELLED, snprintf(err->text, sizeof err->text, "stopped"), err->code;
    cli_json_line(&j, stdout);
    fct_json_int(&j, "job", f->job_id);
    fct_json_text(&j, "file", f->path);
    fct_json_text(&j, "model", f->model_id);
    fct_json_numbers(&j, "box", f->box, 4, 2);
    fct_json_number(&j, "score", (double)f->score, 4);
    fct_json_array(&j, "kps");
    for (int i = 0; i < 5; i++) fct_json_numbers(&j, NULL, f->kps[i], 2, 2);
    fct_json_close_array(&j);
    fct_json_array(&j, "embedding");
    for (int i = 0; i < f->dim; i++) fct_json_float(&j, NULL, f->embedding[i]);
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
    return FCT_OK;
}

static int run_faces(cli_args *a) {
    fct_queue *q;
    fct_error e;
    int code = cli_queue_open(&a->set, &q);
    cli_catch_interrupt();
    if (!code && fct_queue_faces(q, 0, show_face, NULL, &e)) code = cli_fail(&e);
    fct_queue_free(q);
    return code;
}

const cli_command cmd_queue_faces = {
    .name = "queue faces",
    .synopsis = "",
    .summary = "print the faces that workers have found, one JSON object a line",
    .description = "With file, box, landmarks, score and embedding, in the order of the photos.",
    .options = {CLI_GALLERY_OPTIONS, CLI_OPT(OPT_QUIET), CLI_OPT(OPT_VERBOSE)},
    .examples = "facet queue faces > faces.jsonl",
    .run = run_faces,
};

/* ---- retry, clear ------------------------------------------------------------------------------------- */

static int tell_jobs(const cli_settings *s, const char *key, int64_t n, const char *what) {
    if (!s->json) {
        cli_note("%lld %s %s", (long long)n, n == 1 ? "job" : "jobs", what);
        return CLI_DONE;
    }
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_int(&j, key, n);
    fct_json_close_object(&j);
    fct_json_end(&j);
    return CLI_DONE;
}

static int run_retry(cli_args *a) {
    fct_queue *q;
    fct_error e;
    int64_t n = 0;
    int code = cli_queue_open(&a->set, &q);
    if (!code && fct_queue_retry(q, &n, &e)) code = cli_fail(&e);
    if (!code) code = tell_jobs(&a->set, "waiting", n, "will be done again");
    fct_queue_free(q);
    return code;
}

const cli_command cmd_queue_retry = {
    .name = "queue retry",
    .synopsis = "",
    .summary = "let failed photos be done again",
    .description = "Their attempts are counted anew.",
    .options = {QUEUE_OPTIONS},
    .examples = "facet queue retry",
    .run = run_retry,
};

static int run_clear(cli_args *a) {
    static const char *const names[] = {"done", "failed", "waiting", "all"};
    fct_queue *q = NULL;
    fct_error e;
    int64_t n = 0;
    int what = 0;
    while (what < 4 && strcmp(names[what], a->words[0]) != 0) what++;
    if (what == 4) {
        cli_error("queue clear: '%s' is none of done, failed, waiting, all", a->words[0]);
        return CLI_USE;
    }
    char *question = cli_format("Remove %s jobs, with the faces that were found?", a->words[0]);
    int code = cli_confirm(&a->set, question);
    free(question);
    if (!code) code = cli_queue_open(&a->set, &q);
    if (!code && fct_queue_clear(q, (fct_queue_what)what, &n, &e)) code = cli_fail(&e);
    if (!code) code = tell_jobs(&a->set, "removed", n, "removed");
    fct_queue_free(q);
    return code;
}

const cli_command cmd_queue_clear = {
    .name = "queue clear",
    .synopsis = "done | failed | waiting | all",
    .actions = "done|failed|waiting|all",
    .summary = "remove jobs, with the faces that were found",
    .description =
        "Asks before, unless --yes is given. The photos themselves are never touched, nor is anybody who was "
        "enrolled. A photo whose job is gone may be added again.",
    .options = {QUEUE_OPTIONS, CLI_OPT(OPT_YES)},
    .examples = "facet queue clear done --yes",
    .min_words = 1,
    .max_words = 1,
    .run = run_clear,
};

/* ---- The command ---------------------------------------------------------------------------------------- */

static const cli_command *const queue_actions[] = {
    &cmd_queue_add, &cmd_queue_status, &cmd_queue_failures, &cmd_queue_faces, &cmd_queue_retry, &cmd_queue_clear, NULL};

static int run_queue(cli_args *a) {
    const char *names[16];
    int n = 0;
    if (!a->n_words) {
        cli_error("queue: what? see 'facet queue --help'");
        return CLI_USE;
    }
    for (const cli_command *const *p = queue_actions; *p; p++) names[n++] = cli_part_word(*p);
    const char *near = cli_closest(a->words[0], names, n);
    if (near) cli_error("queue: unknown action '%s'; did you mean '%s'?", a->words[0], near);
    else cli_error("queue: unknown action '%s'; see 'facet queue --help'", a->words[0]);
    return CLI_USE;
}

const cli_command cmd_queue = {
    .name = "queue",
    .synopsis = "ACTION [OPTION...] [ARGUMENT...]",
    .summary = "have many machines analyze photos",
    .description = "A queue of photos in a PostgreSQL database, from which as many 'facet worker' as wanted take their "
                   "work. --gallery or FCT_GALLERY names the server.",
    .examples = "facet queue add /photos\n"
                "facet queue status",
    .max_words = -1,
    .run = run_queue,
    .parts = queue_actions,
};
