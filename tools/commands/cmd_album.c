/* facet album: a photo library and who is in it. The table of its actions, and
 * those that are about the album's file as a whole. */
#include "commands/cmd_album.h"

#include <stdlib.h>

/* clang-format off: one a line */
static const cli_command *const album_actions[] = {
    &cmd_album_scan,    &cmd_album_cluster,    &cmd_album_review, &cmd_album_people,  &cmd_album_faces,
    &cmd_album_name,    &cmd_album_merge,      &cmd_album_split,  &cmd_album_differ,  &cmd_album_reject,
    &cmd_album_confirm, &cmd_album_ignore,     &cmd_album_find,   &cmd_album_like,    &cmd_album_sort,
    &cmd_album_tags,    &cmd_album_report,     &cmd_album_undo,   &cmd_album_migrate, &cmd_album_status,
    &cmd_album_forget,  &cmd_album_duplicates, &cmd_album_check,  &cmd_album_backup,  NULL,
};
/* clang-format on */

/* ---- For all actions -------------------------------------------------------------------- */

int cli_album_open(const cli_settings *s, cli_album_mode mode, fct_album **out) {
    char standard[4096];
    const char *path = s->album;
    fct_album_opts o;
    fct_error e;
    *out = NULL;
    if (!path) {
        if (fct_album_default_path(standard, sizeof standard, &e)) return cli_fail(&e);
        path = standard;
    }
    fct_album_opts_init(&o);
    o.read_only = mode == ALBUM_READ;
    o.must_exist = mode != ALBUM_CREATE;
    fct_status st = fct_album_open(path, &o, out, &e);
    if (st != FCT_ERR_NOT_FOUND) return st ? cli_fail(&e) : CLI_DONE;
    cli_error("%s; 'facet album scan FOLDER' makes one", e.text);
    return CLI_INPUT;
}

int cli_album_open_info(const cli_settings *s, cli_album_mode mode, fct_album **out, fct_album_info *info) {
    fct_error e;
    int code = cli_album_open(s, mode, out);
    if (code) return code;
    return fct_album_stat(*out, info, &e) ? cli_fail(&e) : CLI_DONE;
}

void cli_album_json_begin(fct_json_writer *j, const fct_album_info *info) {
    cli_json_line(j, stdout);
    fct_json_text(j, "album", info->path);
}

void cli_album_json_end(fct_json_writer *j) {
    fct_json_close_object(j);
    fct_json_end(j);
}

fct_json_writer *cli_album_json_list(const cli_settings *s, const fct_album_info *info, const char *array,
                                     fct_json_writer *j) {
    if (!s->json) return NULL;
    cli_album_json_begin(j, info);
    fct_json_array(j, array);
    return j;
}

void cli_album_json_list_end(fct_json_writer *j) {
    if (!j) return;
    fct_json_close_array(j);
    cli_album_json_end(j);
}

/* ---- status ------------------------------------------------------------------------------- */

static fct_status print_root(void *user, const fct_album_root *r, fct_error *err) {
    (void)user, (void)err;
    cli_print("  %s: %lld files\n", r->path, (long long)r->files);
    return FCT_OK;
}

static fct_status json_root(void *user, const fct_album_root *r, fct_error *err) {
    fct_json_writer *j = user;
    (void)err;
    fct_json_object(j, NULL);
    fct_json_text(j, "path", r->path);
    fct_json_int(j, "files", r->files);
    fct_json_close_object(j);
    return FCT_OK;
}

static fct_status json_status(fct_album *album, const fct_album_info *i, fct_error *e) {
    fct_json_writer j;
    cli_album_json_begin(&j, i);
    fct_json_text(&j, "network", i->network[0] ? i->network : NULL);
    fct_json_int(&j, "dim", i->dim);
    fct_json_int(&j, "files", i->files);
    fct_json_int(&j, "photos", i->photos);
    fct_json_int(&j, "videos", i->videos);
    fct_json_int(&j, "unreadable", i->unreadable);
    fct_json_int(&j, "faces", i->faces);
    fct_json_int(&j, "to_embed", i->to_embed);
    fct_json_int(&j, "people", i->people);
    fct_json_int(&j, "named", i->named);
    fct_json_int(&j, "format", i->schema);
    fct_json_array(&j, "folders");
    fct_status s = fct_album_roots(album, json_root, &j, e);
    fct_json_close_array(&j);
    cli_album_json_end(&j);
    return s;
}

static fct_status print_status(fct_album *album, const fct_album_info *i, fct_error *e) {
    cli_print("%s\n", i->path);
    cli_print("  %lld files: %lld photos, %lld videos", (long long)i->files, (long long)(i->photos - i->videos),
              (long long)i->videos);
    if (i->unreadable) cli_print(", %lld unreadable", (long long)i->unreadable);
    putchar('\n');
    cli_print("  %lld faces of %lld %s, %lld named\n", (long long)i->faces, (long long)i->people,
              i->people == 1 ? "person" : "people", (long long)i->named);
    if (i->network[0]) cli_print("  embeddings of %d values by network %s\n", i->dim, i->network);
    if (i->to_embed)
        cli_print("  %lld faces are still to be embedded by it: 'facet album migrate'\n", (long long)i->to_embed);
    return fct_album_roots(album, print_root, NULL, e);
}

static int run_status(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_error e;
    int code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code && (a->set.json ? json_status : print_status)(album, &info, &e)) code = cli_fail(&e);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_status = {
    .name = "album status",
    .synopsis = "",
    .summary = "tell what the album holds",
    .description = "Prints the folders that were scanned, how many photos, faces and people there are, and which "
                   "network the faces are compared by.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album status",
    .run = run_status,
};

/* ---- check -------------------------------------------------------------------------------- */

static int run_check(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_error e;
    int code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code && fct_album_check(album, &e)) code = cli_fail(&e);
    else if (!code && a->set.json) {
        fct_json_writer j;
        cli_album_json_begin(&j, &info);
        fct_json_int(&j, "sound_faces", info.faces);
        cli_album_json_end(&j);
    } else if (!code) cli_note("%s: sound, %lld faces", info.path, (long long)info.faces);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_check = {
    .name = "album check",
    .synopsis = "",
    .summary = "check the album's file",
    .description = "Reads all of the album and names the first fault; exit code 3 where there is one.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album check",
    .run = run_check,
};

/* ---- backup ------------------------------------------------------------------------------- */

static int run_backup(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_error e;
    int code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code && fct_album_backup(album, a->words[0], &e)) code = cli_fail(&e);
    else if (!code && a->set.json) {
        fct_json_writer j;
        cli_album_json_begin(&j, &info);
        fct_json_text(&j, "file", a->words[0]);
        fct_json_int(&j, "faces", info.faces);
        cli_album_json_end(&j);
    } else if (!code) cli_note("%s: a copy of the album, %lld faces", a->words[0], (long long)info.faces);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_backup = {
    .name = "album backup",
    .synopsis = "FILE",
    .summary = "copy the album to a new file",
    .description = "Writes a copy, an album itself, while others may use the album. FILE must not be there yet. The "
                   "photos are not in it.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album backup /media/usb/album-monday.db",
    .words = COMPLETE_FILE,
    .min_words = 1,
    .max_words = 1,
    .run = run_backup,
};

/* ---- forget ------------------------------------------------------------------------------- */

static int run_forget(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_error e;
    int code = cli_album_open_info(&a->set, ALBUM_WRITE, &album, &info);
    char *question = cli_format("Forget all photos below %s?", a->words[0]);
    if (!code) code = cli_confirm(&a->set, question);
    if (!code && fct_album_forget(album, a->words[0], &e)) code = cli_fail(&e);
    else if (!code) cli_note("%s: forgotten", a->words[0]);
    free(question);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_forget = {
    .name = "album forget",
    .synopsis = "FOLDER",
    .summary = "take a folder out of the album",
    .description = "Forgets a folder that was scanned, as 'facet album status' shows it, with the faces of its "
                   "photos. The photos themselves stay, and so does what was decided about the people in them: it "
                   "counts again when the folder is scanned again.",
    .options = {CLI_ALBUM_OPTIONS, CLI_OPT(OPT_YES)},
    .examples = "facet album forget /media/usb/photos",
    .words = COMPLETE_FOLDER,
    .min_words = 1,
    .max_words = 1,
    .run = run_forget,
};

/* ---- undo --------------------------------------------------------------------------------- */

static int run_undo(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_error e;
    char what[300];
    int code = cli_album_open_info(&a->set, ALBUM_WRITE, &album, &info);
    if (!code) {
        fct_status st = fct_album_undo(album, what, sizeof what, &e);
        if (st) code = cli_fail(&e);
        if (st == FCT_ERR_NOT_FOUND) code = CLI_NONE;
    }
    if (!code && a->set.json) {
        fct_json_writer j;
        cli_album_json_begin(&j, &info);
        fct_json_text(&j, "undone", what);
        cli_album_json_end(&j);
    } else if (!code) cli_note("undone: %s", what);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_undo = {
    .name = "album undo",
    .synopsis = "",
    .summary = "take back the last decision about people",
    .description = "Takes back what the last command has changed about who is who: a name, a merge, a split, an "
                   "answer of a review. Again, and the one before it; the newest 200 can be taken back.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album undo",
    .run = run_undo,
};

/* ---- The command -------------------------------------------------------------------------- */

static int run_album(cli_args *a) {
    const char *names[64];
    int n = 0;
    if (!a->n_words) {
        cli_error("album: no action; 'facet album --help' lists them");
        return CLI_USE;
    }
    for (const cli_command *const *p = album_actions; *p && n < 64; p++) names[n++] = cli_part_word(*p);
    const char *near = cli_closest(a->words[0], names, n);
    if (near) cli_error("album: unknown action '%s'; did you mean '%s'?", a->words[0], near);
    else cli_error("album: unknown action '%s'; see 'facet album --help'", a->words[0]);
    return CLI_USE;
}

const cli_command cmd_album = {
    .name = "album",
    .synopsis = "ACTION [OPTION...] [ARGUMENT...]",
    .summary = "know who is in a photo library",
    .description = "An album knows the faces of all photos and videos below some folders, and who they are. It is one "
                   "file beside the photos, which are never changed.",
    .examples = "facet album scan ~/Pictures\n"
                "facet album review\n"
                "facet album name 12 Anna\n"
                "facet album find Anna",
    .max_words = -1,
    .run = run_album,
    .parts = album_actions,
};
