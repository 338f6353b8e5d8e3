/* facet album cluster, faces, name, merge, split, differ, not-this-person, confirm,
 * ignore: who is who in an album. */
#include "commands/album_words.h"
#include "photos/engine.h"
#include "photos/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GALLERY_FACES 5 /* of a person that go to the gallery */

/* ---- For all of them --------------------------------------------------------------- */

/* Opens the album for writing and finds the person that the first word means. */
static int open_for(cli_args *a, fct_album **album, int64_t *person) {
    int code = cli_album_open(&a->set, ALBUM_WRITE, album);
    return code ? code : cli_album_person(*album, a->words[0], person);
}

/* Tells what was done, about a person (0 = about faces alone). */
static int tell(cli_args *a, fct_album *album, const char *done, int64_t person_id, int faces) {
    char name[300];
    fct_album_info info;
    fct_error e;
    fct_json_writer j;
    cli_album_call(album, person_id, name);
    if (!a->set.json) {
        if (person_id) cli_note("%s: %s", name, done);
        else cli_note("%s: %s", cli_count(faces, "face", "faces"), done);
        return CLI_DONE;
    }
    if (fct_album_stat(album, &info, &e)) return cli_fail(&e);
    cli_album_json_begin(&j, &info);
    fct_json_text(&j, "done", done);
    if (person_id) {
        fct_json_int(&j, "person_id", person_id);
        fct_json_text(&j, "person", name);
    }
    if (faces >= 0) fct_json_int(&j, "faces", faces);
    cli_album_json_end(&j);
    return CLI_DONE;
}

/* ---- cluster ------------------------------------------------------------------------- */

void cli_album_tell_grouping(fct_album *album) {
    enum { MANY = 50000 }; /* two seconds; the time grows with the square */
    fct_album_info info;
    if (!fct_album_stat(album, &info, NULL) && info.faces >= MANY)
        cli_note("%lld faces are compared with one another", (long long)info.faces);
}

void cli_album_json_groups(fct_json_writer *j, const fct_group_result *r) {
    fct_json_object(j, "people");
    fct_json_int(j, "joined", r->joined);
    fct_json_int(j, "grouped", r->grouped);
    fct_json_int(j, "new_people", r->new_people);
    fct_json_int(j, "recognized", r->recognized);
    fct_json_int(j, "loose", r->loose);
    fct_json_close_object(j);
}

void cli_album_print_groups(const fct_group_result *r) {
    cli_print("people: ");
    if (r->joined) cli_print("%s joined those known, ", cli_count((int)r->joined, "face", "faces"));
    if (r->grouped)
        cli_print("%lld faces became %s, ", (long long)r->grouped,
                  cli_count((int)r->new_people, "new person", "new people"));
    cli_print("%lld %s nobody's", (long long)r->loose, r->loose == 1 ? "is" : "are");
    if (r->recognized) cli_print("; %lld named by the gallery", (long long)r->recognized);
    cli_print("\n");
    if (r->new_people)
        cli_note("'facet album review' asks about those that may be one; 'facet album people' lists all");
}

static int cluster_with(cli_args *a, fct_album *album, fct_gallery *g) {
    fct_group_opts o;
    fct_group_result r;
    fct_album_info info;
    fct_error e;
    fct_group_opts_init(&o);
    o.anew = a->set.anew;
    o.gallery = g;
    if (!isnan(a->set.threshold)) o.threshold = (float)a->set.threshold;
    cli_album_tell_grouping(album);
    if (fct_album_group(album, &o, &r, &e) || fct_album_stat(album, &info, &e)) return cli_fail(&e);
    if (a->set.json) {
        fct_json_writer j;
        cli_album_json_begin(&j, &info);
        cli_album_json_groups(&j, &r);
        cli_album_json_end(&j);
    } else cli_album_print_groups(&r);
    return CLI_DONE;
}

static int run_cluster(cli_args *a) {
    fct_album *album = NULL;
    fct_gallery *g = NULL;
    int code = cli_album_open(&a->set, ALBUM_WRITE, &album);
    if (!code && a->given[OPT_GALLERY]) code = cli_gallery_open(&a->set, GALLERY_READ, &g);
    if (!code) code = cluster_with(a, album, g);
    fct_gallery_free(g);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_cluster = {
    .name = "album cluster",
    .synopsis = "",
    .summary = "group the faces into people",
    .description =
        "Puts faces that are nobody's yet to the people that they are like, or makes new people of them; a scan does "
        "the same at its end. Faces that belong to somebody stay his. Faces of children and blurred ones come last, "
        "and "
        "only where the likeness is plain; who is unlike everybody stays nobody's.\n\n"
        "With --gallery, people whom that gallery knows get their names from it.",
    .options = {CLI_ALBUM_OPTIONS, CLI_OPT(OPT_ANEW), CLI_GALLERY_OPTIONS, CLI_OPT(OPT_THRESHOLD),
                CLI_OPT(OPT_THREADS)},
    .examples = "facet album cluster\n"
                "facet album cluster --gallery family.db\n"
                "Again from the start, with all that was decided\n"
                "facet album cluster --anew",
    .max_words = 0,
    .run = run_cluster,
};

/* ---- faces ----------------------------------------------------------------------------- */

typedef struct listed_faces {
    int64_t *at;
    size_t n, cap;
    bool loose; /* nobody's alone */
} listed_faces;

static fct_status list_face(void *user, const fct_album_face *f, fct_error *err) {
    listed_faces *l = user;
    (void)err;
    if (l->loose && f->person_id) return FCT_OK;
    l->at = cli_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] = f->id;
    return FCT_OK;
}

/* whose: tell of each whose it is. */
static int print_faces(cli_args *a, fct_album *album, const listed_faces *l, bool whose) {
    char called[300];
    int64_t last = 0; /* who is called so */
    int code = CLI_DONE;
    for (size_t i = 0; i < l->n && !code; i++) {
        cli_face_card c;
        fct_json_writer j;
        code = cli_album_card(album, l->at[i], &c);
        if (code) break;
        if (c.person_id && c.person_id != last) cli_album_call(album, last = c.person_id, called);
        const char *person = c.person_id ? called : NULL;
        if (a->set.json) {
            cli_json_line(&j, stdout);
            fct_json_int(&j, "person_id", c.person_id);
            fct_json_text(&j, "person", person);
            cli_json_card(&j, "face", &c);
            fct_json_close_object(&j);
            fct_json_end(&j);
        } else {
            char *line = cli_album_card_line(&c);
            if (whose && person) cli_print("%s  (%s)\n", line, person);
            else cli_print("%s\n", line);
            free(line);
        }
    }
    return code ? code : l->n ? CLI_DONE : CLI_NONE;
}

static int run_faces(cli_args *a) {
    fct_album *album = NULL;
    fct_album_face_query q;
    listed_faces l = {.loose = a->n_words == 0};
    fct_error e;
    fct_album_face_query_init(&q);
    int code = cli_album_open(&a->set, ALBUM_READ, &album);
    if (!code && a->n_words) code = cli_album_person_or_photo(album, a->words[0], &q.person_id, &q.photo_id);
    if (!code && fct_album_faces(album, &q, list_face, &l, &e)) code = cli_fail(&e);
    if (!code) code = print_faces(a, album, &l, q.photo_id != 0);
    free(l.at);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_faces = {
    .name = "album faces",
    .synopsis = "[PERSON|PHOTO]",
    .summary = "list a person's faces, a photo's, or those that are nobody's",
    .description = "Lists each face with its number, which other actions take as face:NUMBER, its place in the photo, "
                   "and the photo; of a photo, also whose it is. PERSON is a name, or the number of a person without "
                   "one. Without an argument: the faces that are nobody's. Exit code 1 where there is none.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album faces Anna\n"
                "facet album faces party.jpg\n"
                "facet album faces",
    .words = COMPLETE_ALBUM,
    .max_words = 1,
    .run = run_faces,
};

/* ---- name --------------------------------------------------------------------------------- */

/* Puts the person's best faces into the gallery that --gallery names. */
static int to_gallery(cli_args *a, fct_album *album, int64_t person) {
    fct_gallery *g;
    fct_error e;
    int added, code = cli_gallery_open(&a->set, GALLERY_CREATE, &g);
    if (code) return code;
    if (fct_album_enroll(album, person, g, GALLERY_FACES, &added, &e)) code = cli_fail(&e);
    else if (!a->set.json) cli_note("%s stored in the gallery", cli_count(added, "face", "faces"));
    fct_gallery_free(g);
    return code;
}

/* A name that looks like a number would hide the person of that number; mostly two people were to be merged. */
static int check_name(const char *name) {
    if (!cli_album_is_number(name)) return CLI_DONE;
    cli_error("album name: %s is no name but a number ('facet album merge' makes people one)", name);
    return CLI_USE;
}

static int run_name(cli_args *a) {
    fct_album *album = NULL;
    int64_t before = 0, person = 0;
    fct_error e;
    int code = check_name(a->words[1]);
    if (!code) code = open_for(a, &album, &before);
    if (!code && fct_album_name(album, before, a->words[1], &person, &e)) code = cli_fail(&e);
    if (!code && a->given[OPT_GALLERY]) code = to_gallery(a, album, person);
    if (!code)
        code =
            tell(a, album, person == before ? "named" : "joined to who has that name ('facet album undo' divides them)",
                 person, -1);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_name = {
    .name = "album name",
    .synopsis = "PERSON NAME",
    .summary = "name a person",
    .description =
        "PERSON is a number that 'facet album people' shows, or a name to be changed. All faces that are his "
        "at present stay his, whatever is scanned or grouped later. Where somebody in the album has the name "
        "already, the two become one person. With --gallery his best faces are stored there, so that 'facet "
        "identify' knows him.",
    .options = {CLI_ALBUM_OPTIONS, CLI_GALLERY_OPTIONS},
    .examples = "facet album name 12 Anna\n"
                "facet album name Anna 'Anna Berger' --gallery family.db",
    .words = COMPLETE_ALBUM,
    .min_words = 2,
    .max_words = 2,
    .run = run_name,
};

/* ---- merge ---------------------------------------------------------------------------------- */

static int run_merge(cli_args *a) {
    fct_album *album = NULL;
    int64_t into, *others = cli_alloc((size_t)a->n_words, sizeof *others);
    fct_error e;
    int code = open_for(a, &album, &into);
    for (int i = 1; i < a->n_words && !code; i++) {
        code = cli_album_person(album, a->words[i], &others[i - 1]);
        if (code || others[i - 1] != into) continue;
        cli_error("album merge: %s and %s are the same person", a->words[0], a->words[i]);
        code = CLI_USE;
    }
    if (!code && fct_album_merge(album, into, others, a->n_words - 1, &e)) code = cli_fail(&e);
    if (!code) code = tell(a, album, "merged", into, -1);
    free(others);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_merge = {
    .name = "album merge",
    .synopsis = "PERSON OTHER...",
    .summary = "make several people one",
    .description = "All faces of each OTHER become PERSON's, and stay his. He keeps his name, or gets the first that "
                   "one of the others has.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album merge Anna 31 48",
    .words = COMPLETE_ALBUM,
    .min_words = 2,
    .max_words = -1,
    .run = run_merge,
};

/* ---- split, not-this-person, confirm ------------------------------------------------------------ */

/* Finds the person, and his faces that the other words mean; with any, also faces that are not his. */
static int open_with_faces(cli_args *a, bool any, fct_album **album, int64_t *person, int64_t **faces, int *n) {
    int code = open_for(a, album, person);
    if (code) return code;
    return (any ? cli_album_any_faces : cli_album_faces)(*album, *person, a->words + 1, a->n_words - 1, faces, n);
}

static int run_split(cli_args *a) {
    fct_album *album = NULL;
    int64_t person, *faces = NULL, fresh = 0;
    int n = 0;
    fct_error e;
    int code = open_with_faces(a, false, &album, &person, &faces, &n);
    if (!code && fct_album_split(album, person, faces, n, &fresh, &e)) code = cli_fail(&e);
    if (!code) code = tell(a, album, "split off", fresh, n);
    free(faces);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_split = {
    .name = "album split",
    .synopsis = "PERSON PHOTO|face:NUMBER...",
    .summary = "say that some of a person's faces are somebody else",
    .description = "The faces of PERSON in the photos named, or of the numbers, become a new person, whose number is "
                   "told. 'facet album differ' divides all of a person's faces by two examples.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album split Anna beach/1.jpg beach/2.jpg\n"
                "facet album split 12 face:301",
    .words = COMPLETE_ALBUM,
    .min_words = 2,
    .max_words = -1,
    .run = run_split,
};

static int run_reject(cli_args *a) {
    fct_album *album = NULL;
    int64_t person, *faces = NULL;
    int n = 0;
    fct_error e;
    int code = open_with_faces(a, false, &album, &person, &faces, &n);
    if (!code && fct_album_reject(album, person, faces, n, &e)) code = cli_fail(&e);
    if (!code) code = tell(a, album, "not these faces", person, n);
    free(faces);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_reject = {
    .name = "album not-this-person",
    .synopsis = "PERSON PHOTO|face:NUMBER...",
    .summary = "say that faces are not a person",
    .description = "The faces of PERSON in the photos named, or of the numbers, become nobody's, and will not be his "
                   "again.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album not-this-person Anna party.jpg",
    .words = COMPLETE_ALBUM,
    .min_words = 2,
    .max_words = -1,
    .run = run_reject,
};

static int run_confirm(cli_args *a) {
    fct_album *album = NULL;
    int64_t person, *faces = NULL;
    int n = 0;
    fct_error e;
    int code = open_with_faces(a, true, &album, &person, &faces, &n);
    if (!code && fct_album_confirm(album, person, a->n_words > 1 ? faces : NULL, n, &e)) code = cli_fail(&e);
    if (!code) code = tell(a, album, "confirmed", person, a->n_words > 1 ? n : -1);
    free(faces);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_confirm = {
    .name = "album confirm",
    .synopsis = "PERSON [PHOTO|face:NUMBER...]",
    .summary = "say that faces are a person",
    .description =
        "The faces, whosever they were, are PERSON's and stay his. A photo stands for PERSON's face in it, or "
        "for the only one; of several 'facet album faces PHOTO' tells the numbers. Without faces: all that "
        "are his at present.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album confirm Anna\n"
                "facet album confirm Anna portrait.jpg face:77",
    .words = COMPLETE_ALBUM,
    .min_words = 1,
    .max_words = -1,
    .run = run_confirm,
};

/* ---- differ --------------------------------------------------------------------------------------- */

static int run_differ(cli_args *a) {
    fct_album *album = NULL;
    int64_t *faces = NULL, fresh = 0;
    int n = 0;
    fct_error e;
    int code = cli_album_open(&a->set, ALBUM_WRITE, &album);
    if (!code) code = cli_album_faces(album, 0, a->words, 2, &faces, &n);
    if (!code && n != 2) {
        cli_error("%d faces are in these photos: name two as face:NUMBER ('facet album faces PERSON')", n);
        code = CLI_USE;
    }
    if (!code && fct_album_differ(album, faces[0], faces[1], &fresh, &e)) code = cli_fail(&e);
    if (!code && fresh) code = tell(a, album, "split off", fresh, -1);
    else if (!code) code = tell(a, album, "two people", 0, 2);
    free(faces);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_differ = {
    .name = "album differ",
    .synopsis = "PHOTO|face:NUMBER PHOTO|face:NUMBER",
    .summary = "say that two faces are two people",
    .description = "Where the two belong to one person, all his faces are divided between them by likeness, and the "
                   "second one's become a new person, whose number is told.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album differ face:12 face:40",
    .min_words = 2,
    .max_words = 2,
    .run = run_differ,
};

/* ---- ignore ----------------------------------------------------------------------------------------- */

static int ignore_face(cli_args *a, fct_album *album, char *word) {
    int64_t *faces = NULL;
    int n = 0, code = CLI_DONE;
    fct_error e;
    if (a->set.no_more) {
        cli_error("album ignore: %s: 'facet album confirm PERSON %s' says whose it is", word, word);
        return CLI_USE;
    }
    code = cli_album_faces(album, 0, &word, 1, &faces, &n);
    for (int i = 0; i < n && !code; i++)
        if (fct_album_ignore_face(album, faces[i], &e)) code = cli_fail(&e);
    free(faces);
    return code ? code : tell(a, album, "ignored", 0, n);
}

static int run_ignore(cli_args *a) {
    fct_album *album = NULL;
    int64_t person;
    fct_error e;
    int code = cli_album_open(&a->set, ALBUM_WRITE, &album);
    for (int i = 0; i < a->n_words && !code; i++) {
        if (!strncmp(a->words[i], "face:", 5)) {
            code = ignore_face(a, album, a->words[i]);
            continue;
        }
        code = cli_album_person(album, a->words[i], &person);
        if (!code && fct_album_ignore(album, person, !a->set.no_more, &e)) code = cli_fail(&e);
        if (!code) code = tell(a, album, a->set.no_more ? "no longer ignored" : "ignored", person, -1);
    }
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_ignore = {
    .name = "album ignore",
    .synopsis = "PERSON|face:NUMBER...",
    .summary = "ask no more about people, or about single faces",
    .description = "A person who is ignored, a passer-by, keeps his faces, and new ones join him, but there are no "
                   "questions about him; --no-more takes it back. A face that is ignored, a statue, belongs to nobody "
                   "from now on, until 'facet album confirm' says whose it is.",
    .options = {CLI_ALBUM_OPTIONS, CLI_OPT(OPT_NO_MORE)},
    .examples = "facet album ignore 17 18\n"
                "facet album ignore face:9",
    .words = COMPLETE_ALBUM,
    .min_words = 1,
    .max_words = -1,
    .run = run_ignore,
};
