/* facet album people, find, like: who is in the album, and on which photos. */
#include "commands/album_dates.h"
#include "commands/album_words.h"
#include "photos/engine.h"
#include "photos/report.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* ---- people ---------------------------------------------------------------------------- */

typedef struct people_list {
    fct_json_writer *json; /* NULL = text */
    int width;             /* of the longest name, in columns */
    int n;
} people_list;

static fct_status measure_name(void *user, const fct_album_person *p, fct_error *err) {
    people_list *l = user;
    (void)err;
    int n = p->name ? cli_text_columns(p->name) : 0;
    if (n > l->width && n <= 40) l->width = n;
    return FCT_OK;
}

static void json_person(fct_json_writer *j, const fct_album_person *p) {
    fct_json_object(j, NULL);
    fct_json_int(j, "id", p->id);
    fct_json_text(j, "name", p->name);
    fct_json_bool(j, "ignored", p->ignored);
    fct_json_int(j, "faces", p->faces);
    fct_json_int(j, "photos", p->photos);
    if (p->photos) {
        fct_json_date(j, "first", p->first);
        fct_json_date(j, "last", p->last);
    } else {
        fct_json_null(j, "first");
        fct_json_null(j, "last");
    }
    fct_json_close_object(j);
}

static void print_person(const people_list *l, const fct_album_person *p) {
    char first[16], last[16], number[32];
    cli_album_date_text(p->first, first);
    cli_album_date_text(p->last, last);
    snprintf(number, sizeof number, "#%lld", (long long)p->id);
    cli_print("  %5s  ", number);
    cli_print_styled(p->name ? STYLE_GOOD : STYLE_FAINT, p->name ? p->name : "not named");
    int pad = l->width - cli_text_columns(p->name ? p->name : "not named");
    cli_print("%*s  %4lld photo%s", pad > 0 ? pad : 0, "", (long long)p->photos, p->photos == 1 ? " " : "s");
    if (p->photos) cli_print("  %s", first);
    if (p->photos && strcmp(first, last)) cli_print(" to %s", last);
    cli_print("%s\n", p->ignored ? "  ignored" : "");
}

static fct_status show_person(void *user, const fct_album_person *p, fct_error *err) {
    people_list *l = user;
    (void)err;
    if (!p->name && !p->photos) return FCT_OK;
    l->n++;
    if (l->json) json_person(l->json, p);
    else print_person(l, p);
    return FCT_OK;
}

static int run_album_people(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_json_writer j;
    fct_error e;
    people_list l = {.width = 9};
    int code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code && fct_album_people(album, 0, measure_name, &l, &e)) code = cli_fail(&e);
    if (!code) l.json = cli_album_json_list(&a->set, &info, "people", &j);
    if (!code && fct_album_people(album, 0, show_person, &l, &e)) code = cli_fail(&e);
    cli_album_json_list_end(l.json);
    if (!code && !l.n && !a->set.json) cli_note("nobody yet");
    fct_album_free(album);
    return !code && !l.n ? CLI_NONE : code;
}

const cli_command cmd_album_people = {
    .name = "album people",
    .synopsis = "",
    .summary = "list the people of the album",
    .description = "Lists the people with their number, how many photos and videos show them, and when the first and "
                   "the last of these were taken. People with a name come first; the others are groups of like faces "
                   "that nobody has named.",
    .options = {CLI_ALBUM_OPTIONS},
    .examples = "facet album people",
    .run = run_album_people,
};

/* ---- find ------------------------------------------------------------------------------- */

typedef struct photo_list {
    fct_json_writer *json; /* NULL = text */
    const cli_settings *set;
    int n;
} photo_list;

/* A path for another program is printed as it is; on a terminal nothing in it may command that. */
static void print_path(const cli_settings *s, const char *path) {
    if (!s->null && fct_term_is_tty(stdout)) {
        cli_print("%s\n", path);
        return;
    }
    fputs(path, stdout);
    putchar(s->null ? 0 : '\n');
}

static void json_photo(fct_json_writer *j, const fct_album_photo *p) {
    fct_json_text(j, "file", p->path);
    fct_json_int(j, "places", p->places);
    fct_json_bool(j, "video", p->is_video);
    fct_json_date(j, "taken", p->taken);
    fct_json_int(j, "faces", p->faces);
}

static fct_status show_photo(void *user, const fct_album_photo *p, fct_error *err) {
    photo_list *l = user;
    (void)err;
    if (!p->path) return FCT_OK; /* its files are gone; the next scan forgets it */
    l->n++;
    if (l->json) {
        fct_json_object(l->json, NULL);
        json_photo(l->json, p);
        fct_json_close_object(l->json);
    } else print_path(l->set, p->path);
    return FCT_OK;
}

/* Takes people and dates off the command line. people: room for all words and one more. */
static int read_query(fct_album *album, const cli_args *a, int64_t *people, fct_album_find_query *q) {
    int code = CLI_DONE;
    fct_album_find_query_init(q);
    q->people = people;
    for (int i = 0; i < a->n_words && !code; i++) code = cli_album_person(album, a->words[i], &people[q->n_people++]);
    if (!code && a->set.with) code = cli_album_person(album, a->set.with, &people[q->n_people++]);
    if (!code && a->set.from) code = cli_album_date("from", a->set.from, false, &q->from);
    if (!code && a->set.to) code = cli_album_date("to", a->set.to, true, &q->to);
    return code;
}

static int run_find(cli_args *a) {
    fct_album *album = NULL;
    fct_album_info info;
    fct_album_find_query q;
    fct_json_writer j;
    fct_error e;
    photo_list l = {.set = &a->set};
    int64_t *people = cli_alloc((size_t)a->n_words + 1, sizeof *people);
    int code = cli_album_open_info(&a->set, ALBUM_READ, &album, &info);
    if (!code) code = read_query(album, a, people, &q);
    if (!code) l.json = cli_album_json_list(&a->set, &info, "found", &j);
    if (!code && fct_album_find(album, &q, show_photo, &l, &e)) code = cli_fail(&e);
    cli_album_json_list_end(l.json);
    if (!code && !a->set.json && !l.n) cli_note("no photo");
    free(people);
    fct_album_free(album);
    return !code && !l.n ? CLI_NONE : code;
}

const cli_command cmd_album_find = {
    .name = "album find",
    .synopsis = "[NAME...]",
    .summary = "find photos by the people on them and by date",
    .description =
        "Prints the photos and videos that show all of the people, by date, each with one of its places. A person "
        "without a name is meant by number, as 'facet album people' shows it. With --null other programs take paths of "
        "any kind: 'facet album find Ada -0 | xargs -0 cp -t usb/'.\n\n"
        "Dates are those of the camera, or the file's where the camera wrote none: a year, a month or a day; --to "
        "includes the one it names.",
    .options = {CLI_ALBUM_OPTIONS, CLI_OPT(OPT_WITH), CLI_OPT(OPT_FROM), CLI_OPT(OPT_TO), CLI_OPT(OPT_NULL)},
    .examples = "facet album find Ada\n"
                "facet album find Ada --with Bob --from 2019 --to 2021-06\n"
                "facet album find '#12'",
    .words = COMPLETE_ALBUM,
    .max_words = -1,
    .run = run_find,
};

/* ---- like ------------------------------------------------------------------------------- */

/* A photo or a person that is looked up by id; texts are owned. */
typedef struct named_thing {
    char *path, *name;
} named_thing;

static fct_status copy_path(void *user, const fct_album_photo *p, fct_error *err) {
    named_thing *t = user;
    (void)err;
    t->path = cli_format("%s", p->path ? p->path : "");
    return FCT_OK;
}

static fct_status copy_person(void *user, const fct_album_person *p, fct_error *err) {
    named_thing *t = user;
    (void)err;
    t->name = p->name ? cli_format("%s", p->name) : cli_format("#%lld", (long long)p->id);
    return FCT_OK;
}

static int show_likeness(fct_album *album, const fct_album_likeness *l, fct_json_writer *j) {
    named_thing t = {0};
    fct_error e;
    fct_status s = fct_album_photos(album, l->photo_id, copy_path, &t, &e);
    if (!s && l->person_id) s = fct_album_people(album, l->person_id, copy_person, &t, &e);
    if (!s && j) {
        fct_json_object(j, NULL);
        fct_json_text(j, "file", t.path);
        fct_json_number(j, "cosine", (double)l->cosine, 4);
        fct_json_int(j, "face_id", l->face_id);
        fct_json_text(j, "person", t.name);
        fct_json_close_object(j);
    } else if (!s)
        cli_print("%.2f  %s%s%s%s\n", (double)l->cosine, t.path, t.name ? "  (" : "", t.name ? t.name : "",
                  t.name ? ")" : "");
    free(t.path);
    free(t.name);
    return s ? cli_fail(&e) : CLI_DONE;
}

/* Chooses the face of the photo that is searched for: --face, or the largest. */
static const fct_face *choose_face(const cli_settings *s, const cli_photo *p) {
    int n = fct_faces_count(p->faces), i = s->face ? s->face - 1 : cli_largest_face(p->faces);
    if (n == 0) cli_error("%s: no face", p->name);
    else if (i >= n) cli_error("%s: no face %d, there %s %d", p->name, s->face, n == 1 ? "is" : "are", n);
    else {
        if (n > 1 && !s->face)
            cli_warn("%s: %d faces; the largest is searched for (--face N takes another)", p->name, n);
        return fct_faces_at(p->faces, i);
    }
    return NULL;
}

static int search_face(fct_album *album, const cli_settings *s, const cli_engine *engine, const fct_face *f) {
    enum { USUAL = 100 };
    fct_album_info info;
    fct_album_likeness *found = NULL;
    fct_json_writer j, *json = NULL;
    fct_error e;
    int n = 0, code = CLI_DONE;
    if (fct_album_stat(album, &info, &e) ||
        fct_album_like(album, fct_pack_embedder_id(engine->pack), f->embedding, f->embedding_dim, engine->threshold,
                       s->top ? s->top : USUAL, &found, &n, &e))
        return cli_fail(&e);
    json = cli_album_json_list(s, &info, "like", &j);
    for (int i = 0; i < n && !code; i++) code = show_likeness(album, &found[i], json);
    cli_album_json_list_end(json);
    if (!json && !n) cli_note("nobody like that");
    fct_buffer_free(found);
    return !code && !n ? CLI_NONE : code;
}

static int run_like(cli_args *a) {
    fct_album *album = NULL;
    cli_engine engine = {0};
    cli_photo photo = {0};
    cli_input input = {.path = a->words[0], .relative = a->words[0]};
    int code = cli_album_open(&a->set, ALBUM_READ, &album);
    if (!code) code = cli_engine_open(&a->set, FCT_TASK_EMBED, &engine);
    if (!code) code = cli_photo_load(&engine, &input, &photo);
    const fct_face *f = code ? NULL : choose_face(&a->set, &photo);
    if (!code) code = f ? search_face(album, &a->set, &engine, f) : CLI_NONE;
    cli_photo_free(&photo);
    cli_engine_close(&engine);
    fct_album_free(album);
    return code;
}

const cli_command cmd_album_like = {
    .name = "album like",
    .synopsis = "PHOTO",
    .summary = "find the photos that show the person of a photo",
    .description =
        "Searches the album for faces like that of PHOTO, which need not be in the album, and whose name nobody need "
        "know. Prints the cosine, the photo, and whose face it is where that is known; most like first. The pack must "
        "be the one that the album was scanned with.",
    .options = {CLI_FINDER_OPTIONS, CLI_OPT(OPT_ALBUM), CLI_OPT(OPT_FACE), CLI_OPT(OPT_TOP), CLI_OPT(OPT_THRESHOLD)},
    .examples = "facet album like passport.jpg\n"
                "facet album like group.jpg --face 3 --top 20",
    .min_words = 1,
    .max_words = 1,
    .run = run_like,
};
