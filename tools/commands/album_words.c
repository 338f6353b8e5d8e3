#include "commands/album_words.h"

#include "base/alloc.h"
#include "base/file.h"
#include "text/names.h"

#include <stdlib.h>
#include <string.h>

/* ---- People ------------------------------------------------------------------------ */

typedef struct person_search {
    const char *name;
    int64_t id; /* found */
    char called[300];
} person_search;

static fct_status match_person(void *user, const fct_album_person *p, fct_error *err) {
    person_search *s = user;
    (void)err;
    if (s->name && (!p->name || strcmp(p->name, s->name))) return FCT_OK;
    s->id = p->id;
    if (p->name) snprintf(s->called, sizeof s->called, "%s", p->name);
    else snprintf(s->called, sizeof s->called, "person %lld", (long long)p->id);
    return FCT_OK;
}

/* The number a word consists of, "12" or "#12"; 0 = it is none. */
static int64_t number_of(const char *word) {
    char *end;
    if (*word == '#') word++;
    if (*word < '0' || *word > '9') return 0;
    long long v = strtoll(word, &end, 10);
    return *end || v < 1 ? 0 : (int64_t)v;
}

typedef struct name_list {
    char **at;
    size_t n, cap;
} name_list;

static fct_status list_name(void *user, const fct_album_person *p, fct_error *err) {
    name_list *l = user;
    (void)err;
    if (!p->name) return FCT_OK;
    l->at = cli_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] = cli_format("%s", p->name);
    return FCT_OK;
}

/* Says that nobody is called so, and who may have been meant. */
static int tell_unknown(fct_album *album, const char *word) {
    name_list l = {0};
    fct_error e;
    int code = fct_album_people(album, 0, list_name, &l, &e) ? cli_fail(&e) : CLI_NONE;
    const char *near = cli_closest(word, (const char *const *)l.at, (int)l.n);
    if (code == CLI_NONE && near) cli_error("nobody in the album is called %s; did you mean '%s'?", word, near);
    else if (code == CLI_NONE)
        cli_error("nobody in the album is called %s ('facet album people' lists everybody)", word);
    for (size_t i = 0; i < l.n; i++) free(l.at[i]);
    free(l.at);
    return code;
}

bool cli_album_is_number(const char *word) { return number_of(word) || !strncmp(word, "face:", 5); }

/* *id 0: nobody is called so. */
static int seek_person(fct_album *album, const char *word, int64_t *id) {
    person_search by_name = {.name = word}, by_number = {0};
    fct_error e;
    char *stored = NULL; /* the word as names are stored: an accent may have been typed as a character of its own */
    *id = 0;
    if (!fct_text_nfc(word, &stored, NULL)) by_name.name = stored;
    fct_status s = fct_album_people(album, 0, match_person, &by_name, &e);
    fct_free(stored);
    if (s) return cli_fail(&e);
    int64_t number = number_of(word);
    if (!by_name.id && number) {
        fct_status st = fct_album_people(album, number, match_person, &by_number, &e);
        if (st && st != FCT_ERR_NOT_FOUND) return cli_fail(&e);
    }
    *id = by_name.id ? by_name.id : by_number.id;
    return CLI_DONE;
}

int cli_album_person(fct_album *album, const char *word, int64_t *id) {
    int code = seek_person(album, word, id);
    return code || *id ? code : tell_unknown(album, word);
}

const char *cli_album_call(fct_album *album, int64_t person_id, char out[300]) {
    person_search s = {0};
    if (person_id <= 0 || fct_album_people(album, person_id, match_person, &s, NULL))
        snprintf(out, 300, "person %lld", (long long)person_id);
    else snprintf(out, 300, "%s", s.called);
    return out;
}

/* ---- Faces --------------------------------------------------------------------------- */

typedef struct face_search {
    int64_t *faces, photo_id;
    int n;
    size_t cap;
    const char *path;
} face_search;

static fct_status collect_face(void *user, const fct_album_face *f, fct_error *err) {
    face_search *s = user;
    (void)err;
    s->faces = cli_grow(s->faces, &s->cap, (size_t)s->n + 1, sizeof *s->faces);
    s->faces[s->n++] = f->id;
    return FCT_OK;
}

static fct_status match_file(void *user, const fct_album_file *f, fct_error *err) {
    face_search *s = user;
    (void)err;
    if (!strcmp(f->path, s->path)) s->photo_id = f->photo_id;
    return FCT_OK;
}

/* All places are compared: a path is looked up once a command. */
static int find_photo(fct_album *album, const char *word, face_search *s) {
    fct_error e;
    char *path = fct_path_real(word);
    if (!path) path = fct_path_absolute(word);
    s->path = path ? path : word;
    s->photo_id = 0;
    int code = fct_album_files(album, NULL, match_file, s, &e) ? cli_fail(&e) : CLI_DONE;
    fct_free(path);
    s->path = NULL;
    if (!code && !s->photo_id) {
        cli_error("%s: not a photo of the album", word);
        code = CLI_INPUT;
    }
    return code;
}

int cli_album_person_or_photo(fct_album *album, const char *word, int64_t *person_id, int64_t *photo_id) {
    face_search s = {0};
    fct_file_stat st;
    *photo_id = 0;
    int code = seek_person(album, word, person_id);
    if (code || *person_id) return code;
    fct_file_get_stat(word, &st);
    if (!st.exists) return tell_unknown(album, word);
    code = find_photo(album, word, &s);
    *photo_id = s.photo_id;
    return code;
}

/* Finds the faces that a word means: one by its number, or all of a photo, or those of one person in it. */
static int add_faces(fct_album *album, int64_t person_id, const char *word, face_search *s) {
    fct_album_face_query q;
    fct_error e;
    int before = s->n, code = CLI_DONE;
    fct_album_face_query_init(&q);
    q.person_id = person_id;
    if (!strncmp(word, "face:", 5)) {
        q.id = number_of(word + 5);
        q.person_id = 0;
        if (!q.id) {
            cli_error("%s: not the number of a face", word);
            return CLI_USE;
        }
    } else {
        code = find_photo(album, word, s);
        q.photo_id = s->photo_id;
    }
    if (!code && fct_album_faces(album, &q, collect_face, s, &e)) code = cli_fail(&e);
    if (!code && s->n == before) {
        cli_error("%s: %s", word, person_id ? "the person is not in it" : "no face was found in it");
        code = CLI_NONE;
    }
    return code;
}

/* Lists a photo's faces, since nobody can tell which one was meant. */
static int tell_choice(fct_album *album, const char *word, const int64_t *faces, int n) {
    char called[300];
    cli_error("%s: %d faces are in it; say which one:", word, n);
    for (int i = 0; i < n; i++) {
        cli_face_card c;
        int code = cli_album_card(album, faces[i], &c);
        if (code) return code;
        char *line = cli_album_card_line(&c);
        cli_note("%s%s%s%s", line, c.person_id ? "  (" : "",
                 c.person_id ? cli_album_call(album, c.person_id, called) : "", c.person_id ? ")" : "");
        free(line);
    }
    return CLI_USE;
}

/* Adds the faces of a word to *all. */
static int add_any(fct_album *album, int64_t person_id, const char *word, face_search *all) {
    face_search s = {0}, his = {0};
    int code = add_faces(album, 0, word, &s);
    for (int i = 0; i < s.n && s.n > 1 && !code; i++) {
        cli_face_card c;
        code = cli_album_card(album, s.faces[i], &c);
        if (!code && c.person_id == person_id) collect_face(&his, &(fct_album_face){.id = s.faces[i]}, NULL);
    }
    if (!code && s.n > 1 && !his.n) code = tell_choice(album, word, s.faces, s.n);
    const face_search *from = his.n ? &his : &s;
    for (int i = 0; i < from->n && !code; i++) collect_face(all, &(fct_album_face){.id = from->faces[i]}, NULL);
    free(s.faces);
    free(his.faces);
    return code;
}

/* The faces of all words, each added by a function. */
static int add_all(int (*add)(fct_album *album, int64_t person_id, const char *word, face_search *all),
                   fct_album *album, int64_t person_id, char **words, int n_words, int64_t **faces, int *n) {
    face_search s = {0};
    int code = CLI_DONE;
    for (int i = 0; i < n_words && !code; i++) code = add(album, person_id, words[i], &s);
    *faces = s.faces;
    *n = s.n;
    return code;
}

int cli_album_faces(fct_album *album, int64_t person_id, char **words, int n_words, int64_t **faces, int *n) {
    return add_all(add_faces, album, person_id, words, n_words, faces, n);
}

int cli_album_any_faces(fct_album *album, int64_t person_id, char **words, int n_words, int64_t **faces, int *n) {
    return add_all(add_any, album, person_id, words, n_words, faces, n);
}

/* ---- What is shown ---------------------------------------------------------------------- */

static fct_status fill_card(void *user, const fct_album_face *f, fct_error *err) {
    cli_face_card *c = user;
    (void)err;
    c->id = f->photo_id; /* until the photo is known */
    c->person_id = f->person_id;
    memcpy(c->box, f->box, sizeof c->box);
    c->time = f->time;
    c->quality = f->quality.score;
    return FCT_OK;
}

static fct_status fill_place(void *user, const fct_album_photo *p, fct_error *err) {
    cli_face_card *c = user;
    (void)err;
    snprintf(c->path, sizeof c->path, "%s", p->path ? p->path : "");
    for (int i = 0; i < 4; i++) c->box[i] *= (float)(i % 2 ? p->height : p->width);
    return FCT_OK;
}

int cli_album_card(fct_album *album, int64_t face_id, cli_face_card *out) {
    fct_album_face_query q;
    fct_error e;
    *out = (cli_face_card){0};
    fct_album_face_query_init(&q);
    q.id = face_id;
    if (fct_album_faces(album, &q, fill_card, out, &e)) return cli_fail(&e);
    if (fct_album_photos(album, out->id, fill_place, out, &e)) return cli_fail(&e);
    out->id = face_id;
    return CLI_DONE;
}

void cli_json_card(fct_json_writer *j, const char *key, const cli_face_card *c) {
    fct_json_object(j, key);
    fct_json_int(j, "face_id", c->id);
    fct_json_text(j, "file", c->path[0] ? c->path : NULL);
    fct_json_numbers(j, "box", c->box, 4, 1);
    if (c->time > 0) fct_json_number(j, "time", c->time, 3);
    fct_json_number(j, "quality", c->quality, 4);
    fct_json_close_object(j);
}

char *cli_album_card_line(const cli_face_card *c) {
    char when[40] = "";
    if (c->time > 0) snprintf(when, sizeof when, " at %.1f s", c->time);
    return cli_format("face:%lld  box %.0f,%.0f %.0fx%.0f  %s%s", (long long)c->id, c->box[0], c->box[1],
                      c->box[2] - c->box[0], c->box[3] - c->box[1], c->path[0] ? c->path : "(gone)", when);
}
