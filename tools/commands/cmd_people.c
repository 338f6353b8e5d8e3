/* facet people, remove, rename: the gallery's people. */
#include "photos/engine.h"
#include "photos/report.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* UTC, "2026-07-30 14:05". */
static const char *date_of(int64_t seconds, char out[32]) {
    time_t t = (time_t)seconds;
    struct tm *tm = gmtime(&t);
    if (!tm || strftime(out, 32, "%Y-%m-%d %H:%M", tm) == 0) snprintf(out, 32, "?");
    return out;
}

/* ---- people ------------------------------------------------------------------------- */

static void json_person(fct_json_writer *j, const fct_person *p) {
    fct_json_text(j, "name", p->name);
    fct_json_int(j, "person_id", p->id);
    fct_json_int(j, "faces", p->faces);
    fct_json_date(j, "since", p->created);
    if (p->collection_id != 1) fct_json_int(j, "collection_id", p->collection_id);
    if (p->expires) fct_json_date(j, "expires", p->expires);
}

/* A line about a person. Who is in another collection than the default one may have a namesake, so that the line names
 * it; list [n] are all collections. */
static void print_person(bool json, const fct_person *p, const fct_collection *list, int n) {
    char date[32];
    if (!json) {
        const char *collection = NULL;
        for (int i = 0; i < n && p->collection_id != 1; i++)
            if (list[i].id == p->collection_id) collection = list[i].name;
        cli_print("%5d %-5s  %s  %s%s%s%s\n", p->faces, p->faces == 1 ? "face" : "faces", date_of(p->created, date),
                  p->name, collection ? "  (in " : "", collection ? collection : "", collection ? ")" : "");
        return;
    }
    fct_json_writer j;
    cli_json_line(&j, stdout);
    json_person(&j, p);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static int list_people(fct_gallery *g, bool json) {
    fct_person *people;
    fct_collection *list;
    fct_error e;
    int n, n_list;
    if (fct_gallery_people(g, &people, &n, &e)) return cli_fail(&e);
    if (fct_gallery_collections(g, &list, &n_list, &e)) return fct_gallery_people_free(people), cli_fail(&e);
    for (int i = 0; i < n; i++) print_person(json, &people[i], list, n_list);
    fct_gallery_collections_free(list);
    fct_gallery_people_free(people);
    if (n == 0 && !json) cli_note("nobody is enrolled yet");
    return n ? CLI_DONE : CLI_NONE;
}

/* A quality of 0 is unknown: the face comes from a gallery that did not store it yet. */
static void print_face_row(const fct_stored_face *f) {
    char date[32], quality[32] = "";
    if (f->quality > 0) snprintf(quality, sizeof quality, "quality %.2f  ", f->quality);
    cli_print("  face %-6" PRId64 " %s  score %.2f  %s%.0fx%.0f  %s\n", f->id, date_of(f->created, date), f->score,
              quality, f->box[2] - f->box[0], f->box[3] - f->box[1], f->source);
}

/* What is noted of a person, where there is anything. */
static void json_details(fct_json_writer *j, const fct_details *d) {
    if (strcmp(d->metadata, "{}") != 0) fct_json_text(j, "metadata", d->metadata);
    if (!d->consented) return;
    fct_json_object(j, "consent");
    fct_json_text(j, "text", d->consent_text);
    fct_json_text(j, "by", d->consent_by);
    fct_json_date(j, "time", d->consent_time);
    fct_json_close_object(j);
}

static void print_details(const fct_person *p, const fct_details *d) {
    char date[32];
    if (strcmp(d->metadata, "{}") != 0) cli_print("  %s\n", d->metadata);
    if (d->consented)
        cli_print("  consent of %s, noted by %s: %s\n", date_of(d->consent_time, date),
                  *d->consent_by ? d->consent_by : "?", d->consent_text);
    if (p->expires) cli_print("  to be forgotten on %.10s\n", date_of(p->expires, date));
}

static void json_faces(const fct_person *p, const fct_details *d, const fct_stored_face *faces, int n) {
    fct_json_writer j;
    cli_json_line(&j, stdout);
    json_person(&j, p);
    json_details(&j, d);
    fct_json_array(&j, "list");
    for (int i = 0; i < n; i++) {
        fct_json_object(&j, NULL);
        fct_json_int(&j, "face_id", faces[i].id);
        fct_json_date(&j, "since", faces[i].created);
        fct_json_text(&j, "source", faces[i].source);
        fct_json_numbers(&j, "box", faces[i].box, 4, 2);
        fct_json_number(&j, "score", faces[i].score, 4);
        if (faces[i].quality > 0) fct_json_number(&j, "quality", faces[i].quality, 4);
        else fct_json_null(&j, "quality");
        fct_json_close_object(&j);
    }
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

/* Everything that is known of a person. */
static int show_faces(fct_gallery *g, const fct_person *p, bool json) {
    fct_stored_face *faces = NULL;
    fct_collection *list = NULL;
    fct_details d;
    fct_error e;
    int n, n_list;
    if (fct_gallery_details(g, p->id, &d, &e)) return cli_fail(&e);
    if (fct_gallery_faces(g, p->id, &faces, &n, &e) || fct_gallery_collections(g, &list, &n_list, &e)) {
        fct_gallery_faces_free(faces);
        return fct_details_clear(&d), cli_fail(&e);
    }
    if (json) json_faces(p, &d, faces, n);
    else {
        print_person(false, p, list, n_list);
        print_details(p, &d);
        for (int i = 0; i < n; i++) print_face_row(&faces[i]);
    }
    fct_details_clear(&d);
    fct_gallery_collections_free(list);
    fct_gallery_faces_free(faces);
    return CLI_DONE;
}

static int show_person(fct_gallery *g, const char *name, bool json) {
    fct_person p;
    int code = cli_gallery_find(g, name, &p);
    return code ? code : show_faces(g, &p, json);
}

/* ---- Changes of one person ------------------------------------------------------------- */

/* The value is JSON, or, where it is none, a text. */
static int set_metadata(fct_gallery *g, int64_t id, const char *pair) {
    const char *value = strchr(pair, '=');
    fct_error e;
    char *key = cli_format("%.*s", (int)(value - pair), pair);
    fct_status s = fct_gallery_set_metadata(g, id, key, value[1] ? value + 1 : NULL, &e);
    if (s == FCT_ERR_ARG && value[1]) {
        fct_buf text = {0};
        fct_json_writer w;
        fct_json_to_buf(&w, &text);
        fct_json_text(&w, NULL, value + 1);
        s = fct_gallery_set_metadata(g, id, key, text.data, &e);
        fct_buf_free(&text);
    }
    free(key);
    return s ? cli_fail(&e) : CLI_DONE;
}

/* A day, as seconds since 1970, UTC; -1 where it is none. By the days of the civil calendar from 1970-01-01. */
static int64_t day_of(const char *text) {
    int y, m, d, end = 0;
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    if (strcmp(text, "never") == 0) return 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &end) != 3 || text[end] || end != 10) return -1;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    int length = m >= 1 && m <= 12 ? (m == 12 ? 365 : before[m]) - before[m - 1] + (m == 2 && leap) : 0;
    if (y < 1970 || d < 1 || d > length) return -1;
    int64_t days = (int64_t)(y - 1970) * 365 + before[m - 1] + d - 1 + (m > 2 && leap);
    for (int past = 1970; past < y; past++) days += (past % 4 == 0 && past % 100 != 0) || past % 400 == 0;
    return days * 86400;
}

static int set_expires(fct_gallery *g, int64_t id, const char *text) {
    fct_error e;
    int64_t day = day_of(text);
    if (day && day <= (int64_t)time(NULL)) cli_warn("--expires: %s is past; the next 'gallery expire' forgets", text);
    return fct_gallery_set_expires(g, id, day, &e) ? cli_fail(&e) : CLI_DONE;
}

static int set_consent(fct_gallery *g, int64_t id, const char *text) {
    fct_error e;
    const char *by = cli_user_name();
    bool none = strcmp(text, "none") == 0;
    return fct_gallery_set_consent(g, id, by, none ? NULL : text, (int64_t)time(NULL), &e) ? cli_fail(&e) : CLI_DONE;
}

static int move_to(fct_gallery *g, int64_t id, const char *collection) {
    fct_error e;
    int64_t into;
    if (fct_gallery_add_collection(g, collection, &into, &e)) return cli_fail(&e);
    fct_status s = fct_gallery_move_person(g, id, into, NULL, &e);
    if (s == FCT_ERR_EXISTS) {
        cli_error("the collection %s has somebody of this name; rename one of the two", collection);
        return CLI_USE;
    }
    return s ? cli_fail(&e) : CLI_DONE;
}

/* Finds what is wrong with the options before anything is changed. */
static int check_changes(const cli_settings *s) {
    if (s->set && (!strchr(s->set, '=') || s->set[0] == '=')) {
        cli_error("people: --set wants KEY=VALUE, not '%s'", s->set);
        return CLI_USE;
    }
    if (s->expires && day_of(s->expires) < 0) {
        cli_error("people: --expires: '%s' is neither a day, such as 2027-01-31, nor never", s->expires);
        return CLI_USE;
    }
    return CLI_DONE;
}

/* Shows the person after a change, found by id: --move-to may have left the collection that was asked for. */
static int show_changed(fct_gallery *g, const cli_settings *s, int64_t id) {
    fct_person p;
    fct_error e;
    if (fct_gallery_person(g, id, &p, &e)) return cli_fail(&e);
    if (s->move_to) cli_note("%s is in the collection %s now", p.name, s->move_to);
    return show_faces(g, &p, s->json);
}

/* Does what the options say of one person, then shows the result. What may fail for what the gallery holds comes
 * first. */
static int change_person(const cli_args *a) {
    const cli_settings *s = &a->set;
    fct_gallery *g;
    fct_person p;
    fct_error e;
    if (a->n_words != 1) {
        cli_error("people: --set, --consent, --expires, --not-face and --move-to are about one person");
        return CLI_USE;
    }
    int code = check_changes(s);
    if (code) return code;
    code = cli_gallery_open(s, GALLERY_WRITE, &g);
    if (!code) code = cli_gallery_find(g, a->words[0], &p);
    if (!code && s->not_face && fct_gallery_reject_face(g, p.id, s->not_face, NULL, &e)) code = cli_fail(&e);
    if (!code && s->move_to) code = move_to(g, p.id, s->move_to);
    if (!code && s->set) code = set_metadata(g, p.id, s->set);
    if (!code && s->consent) code = set_consent(g, p.id, s->consent);
    if (!code && s->expires) code = set_expires(g, p.id, s->expires);
    if (!code) code = show_changed(g, s, p.id);
    fct_gallery_free(g);
    return code;
}

/* Lists everybody, or the faces of the people named. */
static int run_people(cli_args *a) {
    fct_gallery *g;
    const cli_settings *s = &a->set;
    if (s->set || s->consent || s->expires || s->not_face || s->move_to) return change_person(a);
    int code = cli_gallery_open(&a->set, GALLERY_READ, &g), worst = code;
    if (!code && a->n_words == 0) worst = list_people(g, a->set.json);
    for (int i = 0; i < a->n_words && !code; i++) {
        int one = show_person(g, a->words[i], a->set.json);
        if (one > worst) worst = one;
    }
    fct_gallery_free(g);
    return worst;
}

const cli_command cmd_people = {
    .name = "people",
    .synopsis = "[NAME...]",
    .summary = "list people or their faces, or note something of one",
    .description = "Without NAME: everybody, with the number of faces and the time (UTC) of the first. With NAME: each "
                   "stored face with its number, photo, score, quality (0 to 1) and size.\n\n"
                   "With one NAME, --set, --consent, --expires, --not-face and --move-to change what is known of the "
                   "person. 'facet gallery expire' forgets those whose day has come.\n\n"
                   "Exit code 1 when there is nobody, or nobody of that name.",
    .options = {CLI_COMMON_OPTIONS, CLI_GALLERY_OPTIONS, CLI_OPT(OPT_SET), CLI_OPT(OPT_CONSENT), CLI_OPT(OPT_EXPIRES),
                CLI_OPT(OPT_NOT_FACE), CLI_OPT(OPT_MOVE_TO)},
    .examples = "facet people\n"
                "facet people 'Ada Lovelace'\n"
                "facet people 'Ada Lovelace' --set badge=1234 --expires 2027-12-31\n"
                "facet people --json --gallery office.db",
    .words = COMPLETE_PEOPLE,
    .max_words = -1,
    .run = run_people,
};

/* ---- remove --------------------------------------------------------------------------- */

static int remove_person(fct_gallery *g, const cli_settings *s, const char *name) {
    fct_person p;
    fct_error e;
    int code = cli_gallery_find(g, name, &p);
    if (code) return code;
    char *question = cli_format("Remove %s with %s?", p.name, cli_count(p.faces, "face", "faces"));
    code = cli_confirm(s, question);
    free(question);
    if (code) return code;
    if (fct_gallery_remove_person(g, p.id, &e)) return cli_fail(&e);
    cli_note("%s removed", p.name);
    return CLI_DONE;
}

/* Removes one stored face by its number, while its person stays. */
static int remove_face(fct_gallery *g, const cli_settings *s) {
    fct_stored_face f;
    fct_person p;
    fct_error e;
    fct_status st = fct_gallery_face(g, s->face_id, &f, &e);
    if (!st) st = fct_gallery_person(g, f.person_id, &p, &e);
    if (st == FCT_ERR_NOT_FOUND) {
        cli_error("face %" PRId64 ": not in the gallery", s->face_id);
        return CLI_NONE;
    }
    if (st) return cli_fail(&e);
    char *question = cli_format("Remove face %" PRId64 " of %s?", f.id, p.name);
    int code = cli_confirm(s, question);
    free(question);
    if (code) return code;
    if (fct_gallery_remove_face(g, f.id, &e)) return cli_fail(&e);
    cli_note("face %" PRId64 " of %s removed%s", f.id, p.name, p.faces == 1 ? "; it was the last" : "");
    return CLI_DONE;
}

/* Either names of people or the number of one face. */
static int run_remove(cli_args *a) {
    fct_gallery *g;
    if ((a->n_words > 0) == (a->set.face_id > 0)) {
        cli_error("remove: either names or --face-id; usage: facet remove %s", cmd_remove.synopsis);
        return CLI_USE;
    }
    int code = cli_gallery_open(&a->set, GALLERY_WRITE, &g), worst = code;
    if (!code && a->set.face_id) worst = remove_face(g, &a->set);
    for (int i = 0; i < a->n_words && !code; i++) {
        int one = remove_person(g, &a->set, a->words[i]);
        if (one > worst) worst = one;
    }
    fct_gallery_free(g);
    return worst;
}

const cli_command cmd_remove = {
    .name = "remove",
    .synopsis = "NAME... | --face-id ID",
    .summary = "forget people, or single faces of theirs",
    .description =
        "Removes people with all their faces, or one face. Asks before, unless --yes is given. What is removed "
        "cannot be brought back.\n\n"
        "Exit code 1 when there is nobody of that name, or the answer was no.",
    .options = {CLI_GALLERY_OPTIONS, CLI_OPT(OPT_FACE_ID), CLI_OPT(OPT_YES), CLI_OPT(OPT_QUIET), CLI_OPT(OPT_VERBOSE)},
    .examples = "facet remove 'Ada Lovelace'\n"
                "A wrong photo: find its number, remove it\n"
                "facet people Grace\n"
                "facet remove --face-id 17 --yes",
    .words = COMPLETE_PEOPLE,
    .max_words = -1,
    .run = run_remove,
};

/* ---- rename ----------------------------------------------------------------------------- */

/* Says both names as they are stored, which may be another spelling than was typed. */
static int run_rename(cli_args *a) {
    fct_gallery *g;
    fct_person p, now;
    fct_error e;
    int code = cli_gallery_open(&a->set, GALLERY_WRITE, &g);
    if (!code) code = cli_gallery_find(g, a->words[0], &p);
    if (!code) {
        fct_status s = fct_gallery_rename(g, p.id, a->words[1], &e);
        if (s == FCT_ERR_EXISTS) {
            cli_error("%s: somebody else has this name", a->words[1]);
            code = CLI_USE;
        } else if (s) code = cli_fail(&e);
        else if (fct_gallery_person(g, p.id, &now, &e)) code = cli_fail(&e);
        else cli_note("%s is now %s", p.name, now.name);
    }
    fct_gallery_free(g);
    return code;
}

const cli_command cmd_rename = {
    .name = "rename",
    .synopsis = "NAME NEW-NAME",
    .summary = "give a person another name",
    .description = "The faces stay. A name that somebody else has is refused.",
    .options = {CLI_GALLERY_OPTIONS, CLI_OPT(OPT_QUIET), CLI_OPT(OPT_VERBOSE)},
    .examples = "facet rename Ada 'Ada Lovelace'",
    .words = COMPLETE_PEOPLE,
    .min_words = 2,
    .max_words = 2,
    .run = run_rename,
};
