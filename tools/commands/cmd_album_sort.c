/* facet album sort, facet album tags: what the album knows, in folders and in files. */
#include "commands/cmd_album.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* ---- sort ------------------------------------------------------------------------------- */

typedef struct sort_tally {
    const cli_settings *set;
    fct_json_writer *json; /* NULL = text */
    char *person;          /* that is sorted now; owned */
    int64_t photos, fresh; /* of that person */
    int64_t all, all_fresh, failed;
    int people;
} sort_tally;

/* Closes the line of a person. */
static void end_person(sort_tally *t) {
    if (!t->person) return;
    if (t->json) {
        fct_json_object(t->json, NULL);
        fct_json_text(t->json, "name", t->person);
        fct_json_int(t->json, "photos", t->photos);
        fct_json_int(t->json, "new", t->fresh);
        fct_json_close_object(t->json);
    } else if (t->fresh || t->set->verbose)
        cli_print("%s: %lld photo%s, %lld new\n", t->person, (long long)t->photos, t->photos == 1 ? "" : "s",
                  (long long)t->fresh);
    free(t->person);
    t->person = NULL;
    t->photos = t->fresh = 0;
}

static fct_status count_sorted(void *user, const fct_sorted *s, fct_error *err) {
    sort_tally *t = user;
    (void)err;
    if (!t->person || strcmp(t->person, s->person)) {
        end_person(t);
        t->person = cli_format("%s", s->person);
        t->people++;
    }
    if (s->error) {
        cli_error("%s", s->error->text);
        t->failed++;
        return FCT_OK;
    }
    t->photos++;
    t->all++;
    t->fresh += s->fresh;
    t->all_fresh += s->fresh;
    return FCT_OK;
}

/* Exactly one of the three ways must be asked for: which one is right is for the user to know. */
static int choose_way(const cli_settings *s, fct_sort_how *out) {
    if (s->copy + s->link + s->hard_link != 1) {
        cli_error("album sort: say how: --copy, --link (symbolic links) or --hard-link");
        return CLI_USE;
    }
    *out = s->copy ? FCT_SORT_COPY : s->link ? FCT_SORT_LINK : FCT_SORT_HARD_LINK;
    return CLI_DONE;
}

static fct_status warn_of_root(void *user, const fct_album_root *r, fct_error *err) {
    const char *folder = user;
    size_t n = strlen(r->path);
    (void)err;
    if (!strncmp(folder, r->path, n) && (!folder[n] || fct_path_is_sep(folder[n])))
        cli_warn("%s is inside %s, which is scanned: the next scan will find these photos too", folder, r->path);
    return FCT_OK;
}

/* Warns of a folder inside those that are scanned: the next scan would find the sorted photos too. */
static int run_sort(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_sort_how how = FCT_SORT_COPY;
    fct_json_writer j;
    fct_error e;
    sort_tally t = {.set = &a->set};
    char *folder = NULL;
    int code = choose_way(&a->set, &how);
    if (!code) code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code && !(folder = fct_path_absolute(a->words[0]))) code = CLI_INPUT;
    if (!code && fct_album_roots(album, warn_of_root, folder, &e)) code = cli_fail(&e);
    if (!code) t.json = cli_album_json_list(&a->set, &info, "sorted", &j);
    if (!code && fct_album_sort(album, folder, how, count_sorted, &t, &e)) code = cli_fail(&e);
    end_person(&t);
    if (t.json) {
        fct_json_close_array(&j);
        fct_json_int(&j, "new", t.all_fresh);
        fct_json_int(&j, "failed", t.failed);
        cli_album_json_end(&j);
    } else if (!code)
        cli_note("%s: %lld photo%s of %d %s, %lld new", a->words[0], (long long)t.all, t.all == 1 ? "" : "s", t.people,
                 t.people == 1 ? "person" : "people", (long long)t.all_fresh);
    fct_buffer_free(folder);
    fct_album_free(album);
    if (!code && t.failed) code = CLI_INPUT;
    return !code && !t.all ? CLI_NONE : code;
}

const cli_command cmd_album_sort = {
    .name = "album sort",
    .synopsis = "OUT --copy|--link|--hard-link",
    .summary = "make a folder of photos for each person",
    .description =
        "Makes a folder in OUT for each person who has a name, with all photos and videos that show that person. A "
        "photo of two people is in both folders.\n\n"
        "--link makes symbolic links: they take no space, work across disks, and break when the original is moved. "
        "--hard-link gives the same file a second name: no space either, only on the same disk, survives a move of "
        "the original, and a program that changes the one changes the other. --copy makes files of their own.\n\n"
        "Nothing is written over or removed but links whose photo was moved, which show where it is now. Of two photos "
        "of one name the second is called 'name (2).jpg'. Another "
        "time only what is new is added. Characters that some file systems do not take become '_' in names of "
        "folders.",
    .options = {CLI_ALBUM_OPTIONS, CLI_OPT(OPT_COPY), CLI_OPT(OPT_LINK), CLI_OPT(OPT_HARD_LINK)},
    .examples = "facet album sort people/ --link\n"
                "facet album sort /media/usb/people --copy",
    .words = COMPLETE_FOLDER,
    .min_words = 1,
    .max_words = 1,
    .run = run_sort,
};

/* ---- tags ------------------------------------------------------------------------------- */

typedef struct tags_tally {
    const cli_settings *set;
    int64_t files, changed, added, renamed, removed, named, drawn, contrary, failed;
} tags_tally;

/* Called after each file: one that fails is told at once and does not stop the others. */
static fct_status count_tagged(void *user, const fct_album_tagged *f, fct_error *err) {
    tags_tally *t = user;
    (void)err;
    t->files++;
    if (f->error) {
        cli_error("%s", f->error->text);
        t->failed++;
    }
    t->changed += f->written.changed;
    t->added += f->written.added;
    t->renamed += f->written.renamed;
    t->removed += f->written.removed;
    t->named += f->named;
    t->drawn += f->drawn;
    t->contrary += f->contrary;
    if (f->contrary)
        cli_warn("%s: %d region%s not taken over: the album says otherwise", f->path, f->contrary,
                 f->contrary == 1 ? "" : "s");
    if (t->set->verbose && f->written.changed)
        cli_note("%s: %d added, %d renamed, %d removed", f->path, f->written.added, f->written.renamed,
                 f->written.removed);
    return FCT_OK;
}

static const char *plural(int64_t n) { return n == 1 ? "" : "s"; }

/* The sum after all files: what was written into them, or what was read from them. */
static void tell_tags(const tags_tally *t, const fct_album_info *info) {
    if (t->set->json) {
        fct_json_writer j;
        cli_album_json_begin(&j, info);
        fct_json_int(&j, "files", t->files);
        if (t->set->write) {
            fct_json_int(&j, "changed", t->changed);
            fct_json_int(&j, "added", t->added);
            fct_json_int(&j, "renamed", t->renamed);
            fct_json_int(&j, "removed", t->removed);
        } else {
            fct_json_int(&j, "named", t->named);
            fct_json_int(&j, "drawn", t->drawn);
            fct_json_int(&j, "contrary", t->contrary);
        }
        fct_json_int(&j, "failed", t->failed);
        cli_album_json_end(&j);
    } else if (t->set->write)
        cli_print("%lld file%s: %lld written; regions: %lld added, %lld renamed, %lld removed\n", (long long)t->files,
                  plural(t->files), (long long)t->changed, (long long)t->added, (long long)t->renamed,
                  (long long)t->removed);
    else
        cli_print("%lld file%s: %lld face%s named, %lld region%s kept where no face was found\n", (long long)t->files,
                  plural(t->files), (long long)t->named, plural(t->named), (long long)t->drawn, plural(t->drawn));
}

static int check_tags_use(const cli_settings *s) {
    if (s->write == s->read) {
        cli_error("album tags: say which: --write or --read");
        return CLI_USE;
    }
    if (s->read && (s->in_place || s->style)) {
        cli_error("album tags: --%s goes with --write", s->in_place ? "in-place" : "style");
        return CLI_USE;
    }
    return CLI_DONE;
}

static int run_album_tags(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_tags_write_opts o;
    fct_error e;
    tags_tally t = {.set = &a->set};
    fct_tags_write_opts_init(&o);
    o.in_place = a->set.in_place;
    o.style = (fct_sidecar_style)a->set.style;
    int code = check_tags_use(&a->set);
    if (!code) code = cli_album_open_info(&a->set, a->set.write ? ALBUM_READ : ALBUM_WRITE, &album, &info);
    if (!code && (a->set.write ? fct_album_tags_write(album, &o, count_tagged, &t, &e)
                               : fct_album_tags_read(album, count_tagged, &t, &e)))
        code = cli_fail(&e);
    if (!code) tell_tags(&t, &info);
    if (!code && t.named && !a->set.json) cli_note("'facet album review' asks who else these are");
    if (!code && a->set.in_place && t.changed) cli_note("photos have changed; 'facet album scan' takes note of it");
    fct_album_free(album);
    return !code && t.failed ? CLI_INPUT : code;
}

const cli_command cmd_album_tags = {
    .name = "album tags",
    .synopsis = "--write|--read",
    .summary = "write names into files for other programs, or read theirs",
    .description =
        "--write puts the people who have a name, as XMP face regions of both kinds (mwg-rs, MP), into a sidecar "
        "beside each photo: photo.jpg.xmp, as digiKam and Immich have it, or photo.xmp with --style adobe; the one "
        "that is there is taken. With --in-place they go into the photos themselves (JPEG, PNG, WebP, TIFF). All else "
        "in the XMP stays as it is: other programs' regions, pets, people whom the album does not name. A name that "
        "was taken back in the album is taken back in the files, as long as no other program has changed it.\n\n"
        "--read takes over the names that other programs wrote: XMP regions in photos and sidecars, .picasa.ini. A "
        "face that such a region covers gets the name, unless you have said otherwise in the album; where no face was "
        "found, the region is remembered and written again. 'facet album undo' takes all of it back.",
    .options = {CLI_ALBUM_OPTIONS, CLI_OPT(OPT_WRITE), CLI_OPT(OPT_READ), CLI_OPT(OPT_IN_PLACE), CLI_OPT(OPT_STYLE)},
    .examples = "facet album tags --read\n"
                "facet album tags --write\n"
                "facet album tags --write --style adobe",
    .run = run_album_tags,
};
