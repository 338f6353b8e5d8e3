/* facet gallery: the gallery as a whole: copies, exchange, another model. */
#include "commands/gallery_actions.h"
#include "photos/engine.h"
#include "photos/outputs.h"
#include "shell/json.h"
#include "photos/report.h"
#include "shell/progress.h"

#include "base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Begins one JSON object with the gallery's path, to which the caller adds the rest. */
static void json_begin(fct_json_writer *j, const char *gallery) {
    cli_json_line(j, stdout);
    fct_json_text(j, "gallery", gallery);
}

static void json_end(fct_json_writer *j) {
    fct_json_close_object(j);
    fct_json_end(j);
}

/* Says what was done: a note, or JSON with one number. */
static void tell(const cli_settings *s, const fct_gallery_info *info, const char *key, const char *path, int64_t number,
                 const char *note) {
    if (!s->json) {
        cli_note("%s", note);
        return;
    }
    fct_json_writer j;
    json_begin(&j, info->path);
    if (path) fct_json_text(&j, "file", path);
    fct_json_int(&j, key, number);
    json_end(&j);
}

/* Opens the gallery and reads its figures, which nearly every action shows. */
static int open_with_info(const cli_settings *s, cli_gallery_mode mode, fct_gallery **g, fct_gallery_info *info) {
    fct_error e;
    int code = cli_gallery_open(s, mode, g);
    if (code) return code;
    return fct_gallery_stat(*g, info, &e) ? cli_fail(&e) : CLI_DONE;
}

/* ---- info, check ---------------------------------------------------------------------------- */

/* What `facet gallery info` tells. The threshold is the gallery's own: one that it has from its pack is not
 * shown. */
static int show_info(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    float threshold;
    fct_error e;
    if (fct_gallery_threshold(g, 0, &threshold, &e)) return cli_fail(&e);
    if (a->set.json) {
        fct_json_writer j;
        json_begin(&j, info->path);
        fct_json_text(&j, "model_id", info->model_id[0] ? info->model_id : NULL);
        fct_json_int(&j, "dim", info->dim);
        fct_json_int(&j, "people", info->people);
        fct_json_int(&j, "faces", info->faces);
        fct_json_int(&j, "format", info->schema);
        fct_json_text(&j, "search", info->by_server ? "server" : info->fast ? "fast" : "exact");
        fct_json_bool(&j, "cached", info->cached);
        if (!isnan(threshold)) fct_json_float(&j, "threshold", threshold);
        json_end(&j);
        return CLI_DONE;
    }
    cli_print("%s\n", info->path);
    printf("  %s, ", cli_count(info->people, "person", "people"));
    printf("%s\n", cli_count(info->faces, "face", "faces"));
    if (info->model_id[0]) cli_print("  embeddings of %d values by network %s\n", info->dim, info->model_id);
    if (!isnan(threshold)) printf("  a threshold of its own: %.4f\n", threshold);
    if (info->encrypted) puts("  encrypted");
    printf("  format version %d, searched %s\n", info->schema,
           info->by_server ? "by the server"
           : info->fast    ? "fast, by signs first"
                           : "exactly");
    if (info->cached) cli_print("  what searches need is in %s.index, which can be made anew\n", info->path);
    return CLI_DONE;
}

static int check_whole(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_error e;
    if (fct_gallery_check(g, &e)) return cli_fail(&e);
    char *note = cli_format("%s: sound, %s", info->path, cli_count(info->faces, "face", "faces"));
    tell(&a->set, info, "sound_faces", NULL, info->faces, note);
    free(note);
    return CLI_DONE;
}

/* ---- merge ------------------------------------------------------------------------------------- */

/* Asks first: once merged, two people cannot be told apart again. */
static int merge(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_person from, into;
    fct_error e;
    int code = cli_gallery_find(g, a->words[1], &from);
    if (!code) code = cli_gallery_find(g, a->words[2], &into);
    if (code) return code;
    if (from.id == into.id) {
        cli_error("%s and %s are the same person already", a->words[1], a->words[2]);
        return CLI_USE;
    }
    char *text = cli_format("Give %s of %s to %s, and forget the name %s?", cli_count(from.faces, "face", "faces"),
                            from.name, into.name, from.name);
    code = cli_confirm(&a->set, text);
    free(text);
    if (code) return code;
    if (fct_gallery_merge(g, from.id, into.id, &e) || fct_gallery_find(g, a->words[2], &into, &e)) return cli_fail(&e);
    text = cli_format("%s is now %s, with %s", a->words[1], into.name, cli_count(into.faces, "face", "faces"));
    tell(&a->set, info, "faces", NULL, into.faces, text);
    free(text);
    return CLI_DONE;
}

/* ---- backup, export, import ------------------------------------------------------------------- */

static int backup(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_error e;
    char *keys = cli_format("%s.keys", a->words[1]);
    bool failed = fct_gallery_backup(g, a->words[1], &e) || (info->encrypted && fct_gallery_save_keys(g, keys, &e));
    if (!failed && info->encrypted) cli_note("%s: the keys of its people; keep only the newest such file", keys);
    free(keys);
    if (failed) return cli_fail(&e);
    char *note = cli_format("%s: %s, %s", a->words[1], cli_count(info->people, "person", "people"), "a gallery itself");
    tell(&a->set, info, "people", a->words[1], info->people, note);
    free(note);
    return CLI_DONE;
}

/* The text of export and nothing else goes to standard output. */
static fct_status write_to_stdout(const void *data, size_t size, void *user, fct_error *err) {
    if (fwrite(data, 1, size, stdout) == size && !cli_interrupted()) return FCT_OK;
    err->code = cli_interrupted() ? FCT_ERR_CANCELLED : FCT_ERR_IO;
    snprintf(err->text, sizeof err->text, "standard output: %s", cli_interrupted() ? "interrupted" : "cannot write");
    return err->code;
}

/* Standard output takes the gallery's text alone, so --json has no place beside it. */
static int export_to_stdout(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_error e;
    if (a->set.json) {
        cli_error("gallery export -: --json has no place: standard output takes the gallery's text");
        return CLI_USE;
    }
    cli_catch_interrupt();
    if (fct_gallery_export_to(g, write_to_stdout, NULL, a->set.pictures, &e)) return cli_fail(&e);
    cli_note("standard output: %s", cli_count(info->faces, "face", "faces"));
    return CLI_DONE;
}

/* Asks before it replaces a file. */
static int export_text(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    const char *path = a->words[1];
    fct_error e;
    fct_file_stat fs;
    if (strcmp(path, "-") == 0) return export_to_stdout(a, g, info);
    fct_file_get_stat(path, &fs);
    if (cli_same_file(path, info->path)) {
        cli_error("%s: is the gallery itself; name another file", path);
        return CLI_USE;
    }
    if (fs.exists && !fs.is_dir) {
        char *question = cli_format("Replace %s?", path);
        int code = cli_confirm(&a->set, question);
        free(question);
        if (code) return code;
    }
    if (fct_gallery_export(g, path, a->set.pictures, &e)) return cli_fail(&e);
    char *note = cli_format("%s: %s", path, cli_count(info->faces, "face", "faces"));
    tell(&a->set, info, "faces", path, info->faces, note);
    free(note);
    return CLI_DONE;
}

/* ---- index ----------------------------------------------------------------------------------------- */

static int make_index(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_error e;
    if (fct_gallery_make_index(g, &e)) return cli_fail(&e);
    char *note = cli_format("%s: the server has its index", info->path);
    tell(&a->set, info, "indexed_faces", NULL, info->faces, note);
    free(note);
    return CLI_DONE;
}

/* ---- copy ------------------------------------------------------------------------------------------ */

static fct_status show_copy(const fct_gallery_copied *done, void *user, fct_error *err) {
    (void)user;
    cli_progress_step(done->seen);
    if (!cli_interrupted()) return FCT_OK;
    *err = (fct_error){.code = FCT_ERR_CANCELLED};
    snprintf(err->text, sizeof err->text, "stopped; the same command goes on from here");
    return FCT_ERR_CANCELLED;
}

/* The gallery that --gallery names has no part in it. Either of the two may be encrypted, or both with one key. */
static int copy_gallery(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_gallery_copied done;
    fct_gallery_opts o;
    fct_gallery *to;
    fct_error e;
    fct_gallery_opts_init(&o);
    o.key = a->set.key_file;
    o.actor = cli_user_name();
    if (fct_gallery_open(a->words[2], &o, &to, &e)) return cli_fail(&e);
    cli_catch_interrupt();
    cli_progress_start(info->faces, "faces", a->set.quiet);
    fct_status s = fct_gallery_copy(g, to, show_copy, NULL, &done, &e);
    cli_progress_end();
    fct_gallery_free(to);
    if (s) return cli_fail(&e);
    char *note = cli_format("%s: %s, %s", info->path, cli_count(done.people, "new person", "new people"),
                            cli_count(done.faces, "new face", "new faces"));
    tell(&a->set, info, "added", NULL, done.faces, note);
    free(note);
    return CLI_DONE;
}

/* ---- migrate -------------------------------------------------------------------------------------- */

typedef struct shown_migration {
    cli_engine engine;
    int done, all;
} shown_migration;

/* Whether a face may be dropped: only one without a usable picture. A lack of memory, say, must not cost anybody a
 * face. */
static fct_status no_picture(const fct_stored_face *face, fct_error *err) {
    if (err->code == FCT_ERR_NOT_FOUND) { /* no face in its picture */
        snprintf(err->text, sizeof err->text,
                 "no face can be found in its picture (of %.200s); --drop removes such faces", face->source);
        return FCT_ERR_NOT_FOUND;
    }
    if (err->code != FCT_OK && err->code != FCT_ERR_FORMAT && err->code != FCT_ERR_UNSUPPORTED &&
        err->code != FCT_ERR_LIMIT)
        return err->code;
    snprintf(err->text, sizeof err->text, "has no picture to embed again (of %.200s); --drop removes such faces",
             face->source);
    return err->code = FCT_ERR_NOT_FOUND;
}

static fct_status reembed(const fct_stored_face *face, const void *crop, size_t len, float *embedding, int dim,
                          void *user, fct_error *err) {
    shown_migration *m = user;
    (void)dim;
    if (cli_interrupted()) {
        *err = (fct_error){.code = FCT_ERR_CANCELLED};
        snprintf(err->text, sizeof err->text, "stopped; nothing was changed");
        return FCT_ERR_CANCELLED;
    }
    cli_progress_step(++m->done);
    err->code = FCT_OK;
    if (crop && !fct_embed_crop(m->engine.pack, m->engine.analyzer, crop, len, face->crop_cut, embedding, err))
        return FCT_OK;
    return no_picture(face, err);
}

static int confirm_migration(const cli_settings *s, const fct_gallery_info *info, const char *pack) {
    char *question = cli_format("Make all %s anew with %s%s?", cli_count(info->faces, "embedding", "embeddings"), pack,
                                s->drop ? ", and remove faces without a picture" : "");
    int code = cli_confirm(s, question);
    free(question);
    return code;
}

/* Embeds the stored pictures again with the new network; --drop removes faces without a usable one. */
static int run_migration(shown_migration *m, const cli_settings *s, fct_gallery *g, const fct_gallery_info *info) {
    const fct_pack *p = m->engine.pack;
    fct_error e;
    char lost[40] = "";
    int dropped = 0, code;
    if (strcmp(info->model_id, fct_pack_embedder_id(p)) == 0) {
        cli_note("%s: of this network already", info->path);
        return CLI_DONE;
    }
    if ((code = confirm_migration(s, info, fct_pack_name(p)))) return code;
    cli_catch_interrupt();
    cli_progress_start(info->faces, "faces", s->quiet);
    fct_status st =
        fct_gallery_migrate(g, fct_pack_embedder_id(p), fct_pack_embedding_dim(p), reembed, m, s->drop, &dropped, &e);
    cli_progress_end();
    if (st) return cli_fail(&e);
    if (dropped) snprintf(lost, sizeof lost, ", %d dropped", dropped);
    char *text = cli_format("%s: %s of %s%s", info->path, cli_count(info->faces - dropped, "face", "faces"),
                            fct_pack_name(p), lost);
    tell(s, info, "dropped", NULL, dropped, text);
    free(text);
    return CLI_DONE;
}

static int migrate(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    shown_migration m = {.done = 0};
    int code = cli_engine_open(&a->set, FCT_TASK_EMBED, &m.engine);
    if (!code) code = run_migration(&m, &a->set, g, info);
    cli_engine_close(&m.engine);
    return code;
}

/* ---- The command -------------------------------------------------------------------------------- */

enum { MOST_OWN = 4 }; /* options of one action */
static const struct gallery_action {
    const char *name;
    int least, most; /* words after it */
    cli_gallery_mode mode;
    int (*run)(cli_args *a, fct_gallery *g, const fct_gallery_info *info);
    cli_opt_id own[MOST_OWN]; /* which of special[] it heeds; OPT_FACE, which is 0, stands for none */
} actions[] = {{"info", 0, 0, GALLERY_READ, show_info, {OPT_FACE}},
               {"check", 0, 0, GALLERY_READ, check_whole, {OPT_FACE}},
               {"merge", 2, 2, GALLERY_WRITE, merge, {OPT_COLLECTION}},
               {"backup", 1, 1, GALLERY_READ, backup, {OPT_FACE}},
               {"export", 1, 1, GALLERY_READ, export_text, {OPT_PICTURES}},
               {"import", 1, 2, GALLERY_CREATE, cli_gallery_import, {OPT_COLLECTION, OPT_KIND, OPT_PART, OPT_MODEL_ID}},
               {"calibrate", 0, 0, GALLERY_WRITE, cli_gallery_calibrate, {OPT_COLLECTION, OPT_FAR, OPT_SEED}},
               {"copy", 2, 2, GALLERY_READ, copy_gallery, {OPT_FACE}},
               {"index", 0, 0, GALLERY_WRITE, make_index, {OPT_FACE}},
               {"migrate", 0, 0, GALLERY_WRITE, migrate, {OPT_DROP}},
               {"similar", 0, 0, GALLERY_READ, cli_gallery_similar, {OPT_COLLECTION, OPT_THRESHOLD}},
               {"collections", 0, 0, GALLERY_READ, cli_gallery_collections, {OPT_FACE}},
               {"rename-collection", 2, 2, GALLERY_WRITE, cli_gallery_rename_collection, {OPT_FACE}},
               {"remove-collection", 1, 1, GALLERY_WRITE, cli_gallery_remove_collection, {OPT_FACE}},
               {"set", 2, 2, GALLERY_WRITE, cli_gallery_set, {OPT_COLLECTION}},
               {"audit", 0, 0, GALLERY_READ, cli_gallery_audit, {OPT_VERIFY}},
               {"expire", 0, 0, GALLERY_WRITE, cli_gallery_expire, {OPT_COLLECTION, OPT_DRY_RUN}},
               {"encrypt", 0, 0, GALLERY_CLOSED, cli_gallery_encrypt, {OPT_FACE}},
               {"decrypt", 0, 0, GALLERY_CLOSED, cli_gallery_decrypt, {OPT_FACE}},
               {"rekey", 1, 1, GALLERY_CLOSED, cli_gallery_rekey, {OPT_FACE}},
               {"restore-keys", 1, 1, GALLERY_CLOSED, cli_gallery_restore_keys, {OPT_FACE}}};
enum { N_ACTIONS = sizeof actions / sizeof *actions };

/* Options that promise something, which an action must not pass over: whoever adds --dry-run wants nothing changed. */
static const cli_opt_id special[] = {OPT_COLLECTION, OPT_PICTURES, OPT_MODEL_ID, OPT_DROP, OPT_THRESHOLD, OPT_VERIFY,
                                     OPT_DRY_RUN,    OPT_FAR,      OPT_SEED,     OPT_KIND, OPT_PART};

/* Refuses an option that the action does not heed. */
static int check_options(const cli_args *a, const struct gallery_action *x) {
    const char *wrong = x->run == copy_gallery && a->given[OPT_GALLERY] ? cli_opts[OPT_GALLERY].name : NULL;
    for (size_t i = 0; i < sizeof special / sizeof *special && !wrong; i++) {
        bool own = false;
        for (int k = 0; k < MOST_OWN; k++) own |= x->own[k] == special[i];
        if (a->given[special[i]] && !own) wrong = cli_opts[special[i]].name;
    }
    if (!wrong) return CLI_DONE;
    cli_error("gallery %s: --%s has no place here; see 'facet gallery --help'", x->name, wrong);
    return CLI_USE;
}

/* Checks options and the number of arguments, opens the gallery in the action's mode and runs it. */
static int run_action(cli_args *a, const struct gallery_action *x) {
    int n = a->n_words ? a->n_words - 1 : 0;
    if (n < x->least || n > x->most) {
        cli_error("gallery %s: %s; see 'facet gallery --help'", x->name, n < x->least ? "what?" : "too many arguments");
        return CLI_USE;
    }
    int code = check_options(a, x);
    if (code) return code;
    fct_gallery *g = NULL;
    fct_gallery_info info;
    if (x->mode == GALLERY_CLOSED) return x->run(a, NULL, NULL);
    if (x->run == copy_gallery) a->set.gallery = a->words[1];
    code = open_with_info(&a->set, x->mode, &g, &info);
    if (!code) code = x->run(a, g, &info);
    fct_gallery_free(g);
    return code;
}

static int run_gallery(cli_args *a) {
    const char *names[N_ACTIONS], *word = a->n_words ? a->words[0] : "info";
    for (int i = 0; i < N_ACTIONS; i++) {
        names[i] = actions[i].name;
        if (strcmp(names[i], word) == 0) return run_action(a, &actions[i]);
    }
    const char *near = cli_closest(word, names, N_ACTIONS);
    if (near) cli_error("gallery: unknown action '%s'; did you mean '%s'?", word, near);
    else cli_error("gallery: unknown action '%s'; see 'facet gallery --help'", word);
    return CLI_USE;
}

const cli_command cmd_gallery = {
    .name = "gallery",
    .synopsis =
        "[info | check | merge NAME INTO | backup FILE | export FILE | import FILE [NAMES.csv] | copy FROM TO | "
        "index | calibrate | migrate | similar | collections | rename-collection NAME NEW-NAME | remove-collection "
        "NAME | "
        "set KEY VALUE | audit | expire | encrypt | decrypt | "
        "rekey FILE | restore-keys FILE]",
    .actions =
        "info|check|merge|backup|export|import|copy|index|calibrate|migrate|similar|collections|rename-collection|"
        "remove-collection|set|audit|"
        "expire|encrypt|decrypt|rekey|restore-keys",
    .summary = "check, copy, exchange, convert and protect the gallery",
    .description =
        "info tells what the gallery holds and which network made its embeddings. check reads all of it and "
        "names the first "
        "fault; exit code 3 where there is one.\n\n"
        "merge gives all faces of NAME to INTO. backup writes a copy, also while others use the gallery; "
        "the copy is a gallery "
        "itself.\n\n"
        "export writes people, faces and embeddings as text, one JSON object a line, with --pictures their "
        "pictures too; FILE may be - for standard output. import "
        "adds all that such a file holds: people of the same name become one, faces already there are not "
        "stored again. It also reads what other programs keep: a NumPy file (.npy, .npz) with NAMES.csv, one row a "
        "line of names; a pickle of names and embeddings, without executing it; a plain dump of CompreFace's "
        "or Immich's database; the InsightFace Server's database. These do not say in a way that can be "
        "trusted which network made the embeddings: --model-id says it ('facet info --models PACK' shows "
        "it), or --models PACK that has the network.\n\n"
        "copy adds all of one gallery to another, each a file or a server's address "
        "(postgresql://user@host/database). Stopped, it goes on when it is called again. Either may be encrypted, or "
        "both with the same key; what is copied into a gallery is encrypted if that one is. index lets a "
        "server with pgvector find faces in a graph, for millions of them.\n\n"
        "calibrate finds the threshold at which so many of the pairs of different people in the gallery "
        "match as --far says (default 1e-4: one of ten thousand), and stores it: identify, blur, video and "
        "the others use it from then on where --threshold is not given. It takes 30 / RATE pairs to be sure "
        "of a rate, 776 people for 1e-4; with fewer it says which rate they tell, and exits with 1.\n\n"
        "migrate makes all embeddings anew with the network of --models, from the pictures stored with the "
        "faces. Either all "
        "faces change or none; --drop removes those without a picture.\n\n"
        "similar lists people who look alike: one person under two names, or two who may be mistaken for "
        "each other. collections lists the parts of the gallery; rename-collection gives one another "
        "name, remove-collection removes one with all its people. set gives one (--collection) or the whole "
        "a setting: threshold, or audit (off, changes, searches). audit shows the log of what was done.\n\n"
        "expire forgets the people whose retention date has passed ('facet people --expires').\n\n"
        "encrypt encrypts the gallery with the key in --key-file, which is made if need be; rekey gives it "
        "the key in FILE. backup of an encrypted gallery also writes FILE.keys, the keys of its people: keep "
        "only the newest. restore-keys gives a copy the keys in FILE and removes who is not in it.",
    .options = {CLI_PACK_OPTIONS, CLI_GALLERY_OPTIONS, CLI_OPT(OPT_SEARCH), CLI_OPT(OPT_SERVER_FROM),
                CLI_OPT(OPT_PICTURES), CLI_OPT(OPT_MODEL_ID), CLI_OPT(OPT_DROP), CLI_OPT(OPT_THRESHOLD),
                CLI_OPT(OPT_VERIFY), CLI_OPT(OPT_DRY_RUN), CLI_OPT(OPT_FAR), CLI_OPT(OPT_SEED), CLI_OPT(OPT_KIND),
                CLI_OPT(OPT_PART), CLI_OPT(OPT_YES)},
    .examples = "facet gallery\n"
                "facet gallery backup faces-monday.db\n"
                "Two galleries into one:\n"
                "facet gallery export office.jsonl --pictures --gallery office.db\n"
                "facet gallery import office.jsonl\n"
                "The pickle of a tutorial, whose faces buffalo_l embedded:\n"
                "facet gallery import encodings.pkl --models buffalo_l\n"
                "From a file to a server:\n"
                "facet gallery copy faces.db postgresql://facet@db.example.org/faces\n"
                "A threshold that fits the people in it:\n"
                "facet gallery calibrate --far 1e-3\n"
                "Encryption, with a new key:\n"
                "facet gallery encrypt --key-file ~/faces.key\n"
                "After a change of the pack:\n"
                "facet gallery migrate --models buffalo_l",
    .max_words = 3,
    .run = run_gallery,
};
