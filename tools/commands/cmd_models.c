/* facet models: packs on disk: list, get, verify, path, remove, import. */
#include "shell/cli.h"
#include "photos/engine.h"
#include "shell/json.h"
#include "shell/progress.h"

#include "base/file.h"

#include <inttypes.h>
#include <string.h>

static void format_bytes(uint64_t bytes, char out[32]) {
    if (bytes >= 1000000000) snprintf(out, 32, "%.1f GB", (double)bytes / 1e9);
    else if (bytes >= 1000000) snprintf(out, 32, "%.0f MB", (double)bytes / 1e6);
    else snprintf(out, 32, "%.0f kB", (double)bytes / 1e3);
}

/* ---- Progress -------------------------------------------------------------------------- */

typedef struct shown_transfer {
    bool shown;           /* draw on the terminal */
    uint64_t drawn;       /* when, in ns */
    bool waited;          /* and said so */
    const char *step;     /* what is under way, "download"; static */
    uint64_t from, since; /* bytes that were there when it began, and when that was */
} shown_transfer;

/* Also lets the user stop a transfer: false ends it. */
static bool show_progress(const char *step, uint64_t done, uint64_t total, void *user) {
    shown_transfer *t = user;
    char a[32], b[32], left[34] = "";
    uint64_t now = fct_time_ns();
    if (cli_interrupted()) return false;
    if (strcmp(step, "wait") == 0) {
        if (!t->waited) cli_note("this pack is being installed by another process: waiting for it");
        t->waited = true;
        return true;
    }
    if (!t->step || strcmp(t->step, step) != 0) t->step = step, t->from = done, t->since = now;
    if (!t->shown || now - t->drawn < 100000000u) return true;
    t->drawn = now;
    format_bytes(done, a);
    format_bytes(total, b);
    if (done > t->from && done < total) {
        double rate = (double)(done - t->from) / ((double)(now - t->since) / 1e9 + 1e-9);
        memcpy(left, ", ", 3);
        cli_format_left(left + 2, sizeof left - 2, (double)(total - done) / rate);
    }
    if (total)
        fprintf(stderr, "\r%s: %s of %s, %d %%%s\033[K", step, a, b, (int)(100.0 * (double)done / (double)total), left);
    else fprintf(stderr, "\r%s: %s\033[K", step, a);
    fflush(stderr);
    return true;
}

static void hide_progress(const shown_transfer *t) {
    if (t->shown && t->drawn) fputs("\r\033[K", stderr);
}

/* Turns the command's settings into options of the store, with the progress line as their callback. */
static void set_up(const cli_settings *s, shown_transfer *t, fct_store_opts *o) {
    *t = (shown_transfer){.shown = !s->quiet && fct_term_is_tty(stderr)};
    fct_store_opts_init(o);
    o->root = s->root;
    o->url = s->url;
    o->proxy = s->proxy;
    o->sha256 = s->sha256;
    o->replace = s->replace;
    o->progress = show_progress;
    o->user = t;
    cli_catch_interrupt();
}

/* ---- Actions ----------------------------------------------------------------------------- */

static void print_pack(const fct_store_pack *p, bool json) {
    char size[32], name[80];
    if (json) {
        fct_json_writer j;
        cli_json_line(&j, stdout);
        fct_json_text(&j, "name", p->name);
        fct_json_text(&j, "path", p->path[0] ? p->path : NULL);
        fct_json_int(&j, "files", p->files);
        fct_json_int(&j, "bytes", (int64_t)p->bytes);
        fct_json_bool(&j, "built_in", p->built_in);
        fct_json_bool(&j, "known", p->known);
        fct_json_text(&j, "license", p->license[0] ? p->license : NULL);
        fct_json_close_object(&j);
        fct_json_end(&j);
    } else if (p->built_in || p->path[0]) {
        format_bytes(p->bytes, size);
        snprintf(name, sizeof name, "%s%s", p->name, p->built_in ? " (built in)" : "");
        cli_print("%-16s %2d networks  %8s  %s\n", name, p->files, size, p->built_in ? p->license : p->path);
    } else cli_print("%-16s not installed; 'facet models get %s' fetches it\n", p->name, p->name);
}

static int run_list(cli_args *a) {
    fct_store_pack *packs;
    fct_error e;
    int n;
    if (fct_store_list(a->set.root, &packs, &n, &e)) return cli_fail(&e);
    for (int i = 0; i < n; i++) print_pack(&packs[i], a->set.json);
    fct_buffer_free(packs);
    return CLI_DONE;
}

static int run_path(cli_args *a) {
    char path[4096];
    fct_error e;
    if (fct_store_path(a->set.root, a->n_words > 1 ? a->words[1] : NULL, path, sizeof path, &e)) return cli_fail(&e);
    if (fct_term_is_tty(stdout)) cli_print("%s\n", path);
    else puts(path); /* as it is, for a script */
    return CLI_DONE;
}

static void tell_installed(const cli_settings *s, const fct_store_result *r) {
    if (s->json) {
        fct_json_writer j;
        cli_json_line(&j, stdout);
        fct_json_text(&j, "path", r->path);
        fct_json_int(&j, "files", r->files);
        fct_json_text(&j, "sha256", r->sha256[0] ? r->sha256 : NULL);
        fct_json_bool(&j, "checked", r->checked);
        fct_json_close_object(&j);
        fct_json_end(&j);
        return;
    }
    cli_print("%s: %d networks\n", r->path, r->files);
    if (r->sha256[0] && !r->checked)
        cli_note("the archive's SHA-256 was not known before; it %s: %s", r->recorded ? "is recorded" : "is",
                 r->sha256);
}

/* Suggests a known pack, else says how another one is named. */
static int unknown_pack(const cli_settings *s, const char *name) {
    char near[80];
    if (cli_pack_near(s->root, name, near, sizeof near))
        cli_error("there is no pack '%s'; did you mean '%s'?", name, near);
    else
        cli_error("there is no pack '%s' ('facet models' lists the known ones); --url says where another one is", name);
    return CLI_USE;
}

/* Shows the pack's terms in any case and asks for their acceptance; --yes does not stand for it. */
static int accept_terms(const cli_settings *s, const char *name) {
    fct_store_pack *packs;
    const char *terms = "the terms of whoever publishes it";
    fct_error e;
    bool known = false;
    int n;
    if (fct_store_list(s->root, &packs, &n, &e)) return cli_fail(&e);
    for (int i = 0; i < n; i++) {
        if (strcmp(packs[i].name, name) != 0) continue;
        known |= packs[i].known;
        if (packs[i].license[0]) terms = packs[i].license;
    }
    if (!known && !s->url) {
        fct_buffer_free(packs);
        return unknown_pack(s, name);
    }
    cli_note("%s: %s", name, terms);
    fct_buffer_free(packs);
    if (s->accept_license) return CLI_DONE;
    if (!fct_term_is_tty(stdin)) {
        cli_error("pack %s has terms that have to be accepted: add --accept-license", name);
        return CLI_USE;
    }
    cli_settings ask = *s;
    ask.yes = false;
    return cli_confirm(&ask, "Do you accept these terms?");
}

/* Says what stands in the way of a pack, and how it is replaced where it is there. */
static int not_installed(fct_status s, const fct_error *e) {
    if (s != FCT_ERR_EXISTS) return cli_fail(e);
    cli_error("%s; --replace puts the new one in its place", e->text);
    return CLI_INPUT;
}

/* The terms come first; nothing is downloaded without them. */
static int run_get(cli_args *a) {
    fct_store_opts o;
    fct_store_result r;
    fct_error e;
    shown_transfer t;
    int code = accept_terms(&a->set, a->words[1]);
    if (code) return code;
    set_up(&a->set, &t, &o);
    o.accept_license = true;
    fct_status s = fct_store_get(a->words[1], &o, &r, &e);
    hide_progress(&t);
    if (s) return not_installed(s, &e);
    tell_installed(&a->set, &r);
    return CLI_DONE;
}

static int run_import(cli_args *a) {
    fct_store_opts o;
    fct_store_result r;
    fct_error e;
    shown_transfer t;
    set_up(&a->set, &t, &o);
    fct_status s = fct_store_import(a->words[1], a->n_words > 2 ? a->words[2] : NULL, &o, &r, &e);
    hide_progress(&t);
    if (s) return not_installed(s, &e);
    tell_installed(&a->set, &r);
    return CLI_DONE;
}

static int run_remove(cli_args *a) {
    char path[4096], question[4200];
    fct_error e;
    if (fct_store_path(a->set.root, a->words[1], path, sizeof path, &e)) return cli_fail(&e);
    snprintf(question, sizeof question, "Remove %s?", path);
    int code = cli_confirm(&a->set, question);
    if (code) return code;
    return fct_store_remove(a->set.root, a->words[1], &e) ? cli_fail(&e) : CLI_DONE;
}

/* ---- verify --------------------------------------------------------------------------------- */

static const char *const states[] = {"published", "as-installed", "unknown", "differs", "missing"};
static const char *const state_texts[] = {"as InsightFace published it", "as it was installed",
                                          "no hash to compare with", "DIFFERS", "MISSING"};

static void print_file(const char *pack, const fct_store_file *f, bool json) {
    char size[32];
    if (json) {
        fct_json_writer j;
        cli_json_line(&j, stdout);
        fct_json_text(&j, "pack", pack);
        fct_json_text(&j, "file", f->name);
        fct_json_int(&j, "bytes", (int64_t)f->bytes);
        fct_json_text(&j, "sha256", f->sha256[0] ? f->sha256 : NULL);
        fct_json_text(&j, "state", states[f->state]);
        fct_json_close_object(&j);
        fct_json_end(&j);
        return;
    }
    format_bytes(f->bytes, size);
    cli_print("%s/%-24s %8s  %.16s  ", pack, f->name, size, f->sha256);
    cli_print_styled(f->state >= FCT_STORE_DIFFERS ? STYLE_BAD : STYLE_PLAIN, state_texts[f->state]);
    putchar('\n');
}

/* Compares a pack's files with the hashes known of them and prints a line for each. */
static int verify_pack(const cli_settings *s, const char *name) {
    fct_store_opts o;
    fct_store_file *files;
    fct_error e;
    shown_transfer t;
    int n, code = CLI_DONE;
    set_up(s, &t, &o);
    fct_status st = fct_store_verify(name, &o, &files, &n, &e);
    hide_progress(&t);
    if (st) return cli_fail(&e);
    for (int i = 0; i < n; i++) {
        print_file(name, &files[i], s->json);
        if (files[i].state >= FCT_STORE_DIFFERS) code = CLI_INPUT;
    }
    fct_buffer_free(files);
    return code;
}

/* Without a name all installed packs are checked, and the worst result is the exit code. */
static int run_verify(cli_args *a) {
    if (a->n_words > 1) return verify_pack(&a->set, a->words[1]);
    fct_store_pack *packs;
    fct_error e;
    int n, code = CLI_DONE;
    if (fct_store_list(a->set.root, &packs, &n, &e)) return cli_fail(&e);
    for (int i = 0; i < n; i++) {
        int c = packs[i].path[0] ? verify_pack(&a->set, packs[i].name) : CLI_DONE;
        if (c > code) code = c;
    }
    fct_buffer_free(packs);
    return code;
}

/* ---- The command ------------------------------------------------------------------------------ */

static const struct models_action {
    const char *name;
    int least, most; /* words after it */
    int (*run)(cli_args *a);
} actions[] = {{"list", 0, 0, run_list}, {"get", 1, 1, run_get},       {"verify", 0, 1, run_verify},
               {"path", 0, 1, run_path}, {"remove", 1, 1, run_remove}, {"import", 1, 2, run_import}};
enum { N_ACTIONS = sizeof actions / sizeof *actions };

/* Without an action the packs are listed. */
static int run_models(cli_args *a) {
    const char *names[N_ACTIONS], *word = a->n_words ? a->words[0] : "list";
    for (int i = 0; i < N_ACTIONS; i++) {
        const struct models_action *x = &actions[i];
        names[i] = x->name;
        if (strcmp(x->name, word) != 0) continue;
        int n = a->n_words ? a->n_words - 1 : 0;
        if (n >= x->least && n <= x->most) return x->run(a);
        cli_error("models %s: %s; see 'facet models --help'", word, n < x->least ? "what?" : "too many arguments");
        return CLI_USE;
    }
    const char *near = cli_closest(word, names, N_ACTIONS);
    if (near) cli_error("models: unknown action '%s'; did you mean '%s'?", word, near);
    else cli_error("models: unknown action '%s'; see 'facet models --help'", word);
    return CLI_USE;
}

const cli_command cmd_models = {
    .name = "models",
    .synopsis = "[list | get NAME | verify [NAME] | path [NAME] | remove NAME | import ZIP-or-FOLDER [NAME]]",
    .actions = "list|get|verify|path|remove|import",
    .summary = "list, download, check, import and remove packs of networks",
    .description =
        "Packs lie in ~/.insightface/models, where InsightFace puts them too, each in a folder of its name; FCT_MODELS "
        "or --root names another place.\n\n"
        "get downloads a pack of InsightFace's, or with --url one from anywhere, after its terms were accepted. An "
        "interrupted download is resumed. The archive's SHA-256 is compared with the known one; where none is known, "
        "the first download's is recorded and later ones must have it. A pack is there complete or not at all.\n\n"
        "verify hashes all files and compares them with what was published or installed; exit code 3 where one "
        "differs or is missing. No action but get touches the network.",
    .options = {CLI_COMMON_OPTIONS, CLI_OPT(OPT_ROOT), CLI_OPT(OPT_URL), CLI_OPT(OPT_PROXY), CLI_OPT(OPT_SHA256),
                CLI_OPT(OPT_ACCEPT_LICENSE), CLI_OPT(OPT_REPLACE), CLI_OPT(OPT_YES)},
    .examples = "facet models\n"
                "facet models get buffalo_sc --accept-license\n"
                "facet models get buffalo_l --url https://mirror.example/insightface\n"
                "facet models import ~/Downloads/antelopev2.zip\n"
                "facet models verify buffalo_l",
    .max_words = 3,
    .run = run_models,
};
