/* facet enroll: remembers people. */
#include "photos/enroll_report.h"
#include "photos/report.h"

#include "base/alloc.h"
#include "base/file.h"
#include "text/names.h"

#include <stdlib.h>
#include <string.h>

typedef struct enroll_run {
    cli_engine engine;
    fct_gallery *gallery;
    char *name;     /* of all photos, without blanks around it, owned; NULL = each input's own */
    char **folders; /* owned: names of the folders of --folders */
    size_t n_folders;
    cli_enroll_report *report;         /* NULL = not asked for */
    size_t before;                     /* photos that were done by an earlier run */
    long photos, stored, known, empty; /* photos seen; faces stored, already there; photos that gave none */
} enroll_run;

static const char *person_of(const enroll_run *r, const cli_photo *p) {
    return p->input->person ? p->input->person : r->name;
}

static void json_result(const enroll_run *r, const cli_photo *p, const fct_enroll_result *e) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_text(&j, "name", person_of(r, p));
    fct_json_text(&j, "file", p->name);
    fct_json_int(&j, "faces", fct_faces_count(p->faces));
    if (e->face >= 0) {
        fct_json_int(&j, "number", e->face + 1);
        fct_json_number(&j, "quality", (double)e->quality.score, 4);
    }
    fct_json_bool(&j, "stored", e->outcome == FCT_ENROLL_STORED);
    if (e->face_id) fct_json_int(&j, "face_id", e->face_id);
    fct_json_array(&j, "warnings");
    for (int i = 0; i < e->n_warnings; i++)
        if (e->warnings[i].flaw != FCT_FLAW_SEVERAL) fct_json_text(&j, NULL, e->warnings[i].text);
    fct_json_close_array(&j);
    fct_json_array(&j, "flaws");
    for (int i = 0; i < e->n_warnings; i++) fct_json_text(&j, NULL, fct_flaw_name(e->warnings[i].flaw));
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static void print_result(const enroll_run *r, const cli_photo *p, const fct_enroll_result *e) {
    if (r->engine.set->json) json_result(r, p, e);
    else if (e->face_id)
        cli_print("%s: %s: %s face %lld\n", person_of(r, p), p->name,
                  e->outcome == FCT_ENROLL_STORED ? "stored as" : "already there as", (long long)e->face_id);
}

static void print_warnings(const cli_photo *p, const fct_enroll_result *e) {
    for (int i = 0; i < e->n_warnings; i++) {
        const fct_warning *w = &e->warnings[i];
        if (w->flaw == FCT_FLAW_SEVERAL)
            cli_warn("%s: %d faces; the largest is stored (--face N takes another)", p->name, (int)w->value);
        else if (e->outcome == FCT_ENROLL_REFUSED) cli_error("%s: not stored: the face is %s", p->name, w->text);
        else cli_warn("%s: the face is %s", p->name, w->text);
    }
}

/* Tells of a photo without a usable face. It does not end the run, but the exit code shows it. */
static int enroll_none(enroll_run *r, const cli_photo *p, const char *why) {
    cli_error("%s: not stored: %s", p->name, why);
    cli_enroll_report_add(r->report, p->name, person_of(r, p), ENROLL_NO_FACE, 0, why);
    r->empty++;
    print_result(r, p, &(fct_enroll_result){.face = -1});
    return CLI_DONE;
}

/* Notes what became of a photo, with the warnings as reasons. */
static void note_result(enroll_run *r, const cli_photo *p, const fct_enroll_result *e) {
    char why[400] = "";
    size_t n = 0;
    for (int i = 0; i < e->n_warnings && n < sizeof why; i++)
        n += (size_t)snprintf(why + n, sizeof why - n, "%s%s", n ? "; " : "", e->warnings[i].text);
    cli_enroll_state state = e->outcome == FCT_ENROLL_STORED  ? ENROLL_STORED
                             : e->outcome == FCT_ENROLL_KNOWN ? ENROLL_KNOWN
                                                              : ENROLL_REFUSED;
    cli_enroll_report_add(r->report, p->name, person_of(r, p), state, e->face_id, why);
}

/* Enrolls face number (from 1) of a photo, 0 = the largest. There is such a face. */
static int enroll_face(enroll_run *r, const cli_photo *p, int number) {
    fct_enroll_opts o;
    fct_enroll_result out;
    fct_error e;
    fct_enroll_opts_init(&o);
    o.threshold = r->engine.threshold;
    o.refuse = r->engine.set->strict ? FCT_FLAW_ALL : 0;
    o.face = number;
    o.source = p->name;
    if (fct_enroll_photo(r->gallery, r->engine.pack, person_of(r, p), fct_image_view(p->image), p->faces, &o, &out, &e))
        return cli_fail(&e);
    print_warnings(p, &out);
    print_result(r, p, &out);
    note_result(r, p, &out);
    r->stored += out.outcome == FCT_ENROLL_STORED;
    r->known += out.outcome == FCT_ENROLL_KNOWN;
    r->empty += out.outcome == FCT_ENROLL_REFUSED;
    return CLI_DONE;
}

/* Enrolls one face of the photo or, with --all-faces, all of them. */
static int enroll_photo(void *user, const cli_photo *p) {
    enroll_run *r = user;
    const cli_settings *s = r->engine.set;
    int n = fct_faces_count(p->faces), code = CLI_DONE;
    char text[80];
    r->photos++;
    if (n == 0) return enroll_none(r, p, "no face");
    if (s->all_faces) {
        for (int i = 1; i <= n && !code; i++) code = enroll_face(r, p, i);
        return code;
    }
    if (s->face > n) {
        snprintf(text, sizeof text, "no face %d, there %s %d", s->face, n == 1 ? "is" : "are", n);
        return enroll_none(r, p, text);
    }
    if (n > 1 && !s->face && s->strict) {
        snprintf(text, sizeof text, "%d faces, and with --strict there may be one", n);
        return enroll_none(r, p, text);
    }
    return enroll_face(r, p, s->face);
}

static void enroll_failed(void *user, const char *name, const fct_error *e) {
    enroll_run *r = user;
    if (r->engine.set->json) cli_json_failure(stdout, name, e);
    cli_enroll_report_add(r->report, name, NULL, ENROLL_UNREADABLE, 0, e->text);
}

/* ---- Which photos of whom --------------------------------------------------------- */

/* Replaces a folder's name by the person's as the gallery stores it, by which --report finds the person again: without
 * blanks around it, and in form C, which is not how a Mac names folders. One that is no name stays, and is refused. */
static void clean_name(char **name) {
    char *clean;
    if (fct_text_nfc(*name, &clean, NULL)) return;
    if (*clean) {
        fct_free(*name);
        *name = clean;
    } else fct_free(clean);
}

/* Adds the pictures of one person's folder, whose name is replaced by the person's. Counts a photo that lies beside the
 * folders, and is nobody's. */
static int add_person_folder(cli_inputs *in, const char *dir, char **name, int *loose) {
    fct_error e;
    char *path = cli_format("%s/%s", dir, *name);
    fct_file_stat fs;
    fct_file_get_stat(path, &fs);
    *loose += fs.exists && !fs.is_dir && cli_ends_as_photo(*name);
    size_t before = in->n;
    int code = CLI_DONE;
    if (fs.is_dir && *name[0] != '.') {
        clean_name(name);
        if (cli_inputs_add_folder(in, path, &e)) code = cli_fail(&e);
        else if (in->n == before) cli_warn("%s: no pictures in this folder", path);
        for (size_t i = before; i < in->n; i++) in->at[i].person = *name;
    }
    free(path);
    return code;
}

static int collect_folders(enroll_run *r, const char *dir, cli_inputs *in) {
    fct_error e;
    if (fct_dir_list(dir, &r->folders, &r->n_folders, &e)) return cli_fail(&e);
    int code = CLI_DONE, loose = 0;
    for (size_t i = 0; i < r->n_folders && !code; i++) code = add_person_folder(in, dir, &r->folders[i], &loose);
    if (loose)
        cli_warn("%s: %s beside the folders %s nobody's, and passed over", dir, cli_count(loose, "photo", "photos"),
                 loose == 1 ? "is" : "are");
    if (code || in->n) return code;
    cli_error("%s: no folders with pictures in it; 'enroll --folders' wants one folder a person", dir);
    return CLI_INPUT;
}

/* Refuses the two slips that store photos under a wrong name: no name at all, so that the first photo is taken for it,
 * and a name of several words without quotes. */
static int check_name(const cli_args *a) {
    fct_file_stat fs;
    fct_file_get_stat(a->words[0], &fs);
    if (fs.exists && !fs.is_dir && cli_ends_as_photo(a->words[0])) {
        cli_error("enroll: '%s' is a photo, and the name comes first; usage: facet enroll %s", a->words[0],
                  cmd_enroll.synopsis);
        return CLI_USE;
    }
    if (a->n_words < 2 || strpbrk(a->words[1], "-./\\*?[")) return CLI_DONE;
    fct_file_get_stat(a->words[1], &fs);
    if (fs.exists) return CLI_DONE;
    cli_error("enroll: there is no photo '%s'; a name of several words is written in quotes: '%s %s'", a->words[1],
              a->words[0], a->words[1]);
    return CLI_USE;
}

/* Finds out whose photos they are: a name and its photos, or folders that are named after people. */
static int collect(enroll_run *r, const cli_args *a, cli_inputs *in) {
    const cli_settings *s = &a->set;
    memset(in, 0, sizeof *in);
    if (s->folders && a->n_words) {
        cli_error("enroll: --folders takes names from the folders; '%s' is too much", a->words[0]);
        return CLI_USE;
    }
    if (s->all_faces && s->face) {
        cli_error("enroll: --face and --all-faces contradict each other");
        return CLI_USE;
    }
    if (s->report && !s->folders) {
        cli_error("enroll: --report goes with --folders");
        return CLI_USE;
    }
    if (s->folders) return collect_folders(r, s->folders, in);
    if (a->n_words < 1 + !s->files_from || !*a->words[0]) {
        cli_error("enroll: a name and at least one photo are needed; usage: facet enroll %s", cmd_enroll.synopsis);
        return CLI_USE;
    }
    int code = check_name(a);
    if (code) return code;
    size_t n;
    const char *trimmed = fct_text_trimmed(a->words[0], &n); /* as the gallery stores it */
    r->name = cli_format("%.*s", (int)n, trimmed);
    return cli_inputs_expand(a->words + 1, a->n_words - 1, s, in);
}

/* A photo may show others too, and all their faces would get one name, so this asks first. */
static int confirm_all_faces(const enroll_run *r, const cli_settings *s) {
    if (!s->all_faces) return CLI_DONE;
    char *question = cli_format("Store every face of each photo as %s?", r->name ? r->name : "the folder's person");
    int code = cli_confirm(s, question);
    free(question);
    return code;
}

/* Opens the report of --report and leaves out what it says is done. */
static int open_report(enroll_run *r, cli_inputs *in) {
    if (!r->engine.set->report) return CLI_DONE;
    int code =
        cli_enroll_report_open(r->engine.set->report, fct_pack_embedder_id(r->engine.pack), r->gallery, &r->report);
    if (!code) r->before = cli_enroll_report_skip(r->report, in);
    return code;
}

static int enroll_all(enroll_run *r, const cli_inputs *in) {
    int code = cli_photos_run(&r->engine, in, &(cli_photo_calls){enroll_photo, enroll_failed, r});
    if (in->n > 1)
        cli_note("%s, %ld new, %ld already there, %ld without a usable face",
                 cli_count((int)r->photos, "photo", "photos"), r->stored, r->known, r->empty);
    if (r->before) cli_note("%s done before", cli_count((int)r->before, "photo was", "photos were"));
    return !code && r->empty ? CLI_NONE : code;
}

/* Warns where the name makes a new person and somebody has nearly the same one: a slip of capital letters or blanks
 * would divide a person into two without a word. */
static int check_namesakes(const enroll_run *r) {
    fct_person *people;
    fct_error e;
    char *mine, *other;
    int n, near = -1;
    if (!r->name) return CLI_DONE;
    if (fct_gallery_people(r->gallery, &people, &n, &e)) return cli_fail(&e);
    if (fct_text_folded(r->name, &mine, NULL)) n = 0; /* what is wrong with it is said when it is stored */
    for (int i = 0; i < n; i++) {
        if (fct_text_folded(people[i].name, &other, NULL)) continue;
        if (strcmp(mine, other) == 0) near = i;
        fct_free(other);
        if (near == i && strcmp(people[i].name, r->name) == 0) break;
    }
    fct_person same;
    if (near >= 0 && fct_gallery_find(r->gallery, r->name, &same, NULL) == FCT_ERR_NOT_FOUND)
        cli_warn("%s becomes a new person beside %s; 'facet gallery merge' makes one of two", r->name,
                 people[near].name);
    fct_free(mine);
    fct_gallery_people_free(people);
    return CLI_DONE;
}

static int run_enroll(cli_args *a) {
    cli_inputs in;
    enroll_run r = {0};
    int code = collect(&r, a, &in);
    if (!code) code = confirm_all_faces(&r, &a->set);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_EMBED, &r.engine);
    if (!code) code = cli_gallery_open(&a->set, GALLERY_CREATE, &r.gallery);
    if (!code) code = cli_gallery_check_model(r.gallery, &r.engine);
    if (!code) code = check_namesakes(&r);
    if (!code) code = open_report(&r, &in);
    if (!code) code = enroll_all(&r, &in);
    int closed = cli_enroll_report_close(r.report);
    code = closed > code ? closed : code;
    fct_gallery_free(r.gallery);
    cli_engine_close(&r.engine);
    cli_inputs_free(&in);
    fct_dir_list_free(r.folders, r.n_folders);
    free(r.name);
    return code;
}

const cli_command cmd_enroll = {
    .name = "enroll",
    .synopsis = "NAME PHOTO... | --folders DIR [--report FILE]",
    .summary = "remember a person by photos",
    .description =
        "Stores the largest face of each photo in the gallery as NAME's. Several photos in different light make "
        "recognition surer. With --folders every folder in DIR is a person and holds the photos.\n\n"
        "Warns of a photo with several faces, and of a face that is small, blurred, dark, cut off or turned to the "
        "side, that is unlike the person's other photos or like somebody else's. --strict refuses those. A face that "
        "is there already is not stored twice, so a run may be repeated.\n\n"
        "--report notes in FILE, a CSV file, what became of each photo: stored, known, refused, no face, unreadable, "
        "and "
        "why. Stopped or killed, the same command goes on after the last one noted. Photos that have changed, that "
        "could not be read, or whose person has left the gallery are done again.\n\n"
        "--all-faces stores every face of each photo under the one name, which is right only for collages of one "
        "person: it asks, or wants --yes.\n\n"
        "What has been reported as stored is on disk. Exit code 1 when a photo gave no face to store.",
    .options = {CLI_ANALYSIS_OPTIONS, CLI_GALLERY_OPTIONS, CLI_OPT(OPT_FACE), CLI_OPT(OPT_ALL_FACES),
                CLI_OPT(OPT_STRICT), CLI_OPT(OPT_FOLDERS), CLI_OPT(OPT_REPORT), CLI_OPT(OPT_YES),
                CLI_OPT(OPT_THRESHOLD)},
    .examples = "facet enroll 'Ada Lovelace' ada1.jpg ada2.jpg\n"
                "facet enroll Grace photos/grace/\n"
                "Everybody at once, from people/Ada/1.jpg, people/Grace/1.jpg, ...\n"
                "facet enroll --folders people --strict\n"
                "What Frigate has learned, in several goes:\n"
                "facet enroll --folders clips/faces --report enrolled.csv",
    .max_words = -1,
    .run = run_enroll,
};
