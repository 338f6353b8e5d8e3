/* An album's people and the gallery's: names that go there, and names that come
 * from there. */
#include "album/album_snapshot.h"
#include "base/alloc.h"
#include "base/error.h"
#include "facet/album_people.h"
#include "text/names.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MOST 200
#define JUDGES    9 /* faces of a person by whom the gallery is asked who he is */

fct_status fct_album_clean_name(const char *name, char **out, fct_error *err) {
    *out = NULL;
    fct_status s = fct_text_nfc(name ? name : "", out, err);
    if (s) return s;
    const char *why = !**out ? "is blank" : strlen(*out) > NAME_MOST ? "is longer than 200 bytes" : NULL;
    for (const unsigned char *p = (const unsigned char *)*out; *p && !why; p++)
        if (*p < 32 || *p == 127) why = "has control characters";
    if (!why) return FCT_OK;
    fct_free(*out);
    *out = NULL;
    return fct_fail(err, FCT_ERR_ARG, "the name %s", why);
}

/* ---- To the gallery -------------------------------------------------------------------- */

typedef struct best_face {
    int64_t id, photo;
    float box[4], score, quality;
    float *embedding; /* [dim] */
    void *jpeg;
    size_t jpeg_len;
    char source[1024];
} best_face;

typedef struct best_faces {
    best_face *at; /* [most] best first */
    int n, most, dim;
} best_faces;

/* Keeps the best by quality; the first ones where several are as good. */
static fct_status keep_best(void *user, const fct_album_face *f, fct_error *err) {
    best_faces *b = user;
    if (!f->embedding || (b->n == b->most && f->quality.score <= b->at[b->n - 1].quality)) return FCT_OK;
    int i = b->n < b->most ? b->n++ : b->n - 1;
    float *v = b->at[i].embedding;
    if (!v) v = fct_realloc_array(NULL, (size_t)b->dim, sizeof *v);
    if (!v) return fct_fail_nomem(err, "faces", 0);
    for (; i && f->quality.score > b->at[i - 1].quality; i--) b->at[i] = b->at[i - 1];
    b->at[i] =
        (best_face){.id = f->id, .photo = f->photo_id, .score = f->score, .quality = f->quality.score, .embedding = v};
    memcpy(b->at[i].box, f->box, sizeof f->box);
    memcpy(v, f->embedding, (size_t)b->dim * sizeof *v);
    return FCT_OK;
}

/* The box in pixels, and where the photo lies. */
static fct_status add_photo(void *user, const fct_album_photo *p, fct_error *err) {
    best_face *f = user;
    (void)err;
    for (int i = 0; i < 4; i++) f->box[i] *= (float)(i % 2 ? p->height : p->width);
    snprintf(f->source, sizeof f->source, "%s", p->path ? p->path : "");
    return FCT_OK;
}

/* Enrolls the best faces, with their pictures and where they come from. */
static fct_status store_best(fct_album *a, best_faces *b, const char *network, const char *name, fct_gallery *g,
                             int *added, fct_error *err) {
    fct_enrollment *faces = fct_calloc((size_t)b->n + 1, sizeof *faces);
    fct_status s = faces ? FCT_OK : fct_fail_nomem(err, "faces", 0);
    for (int i = 0; i < b->n && !s; i++) {
        best_face *f = &b->at[i];
        s = fct_album_photos(a, f->photo, add_photo, f, err);
        if (!s) s = fct_album_crop(a, f->id, &f->jpeg, &f->jpeg_len, err);
        faces[i] =
            (fct_enrollment){network,  f->embedding, b->dim,  f->source,   {f->box[0], f->box[1], f->box[2], f->box[3]},
                             f->score, f->quality,   f->jpeg, f->jpeg_len, FCT_CROP_ALIGNED};
    }
    if (!s) s = fct_gallery_enroll(g, name, faces, b->n, NULL, added, err);
    fct_free(faces);
    return s;
}

typedef struct name_card {
    char name[NAME_MOST + 1];
} name_card;

static fct_status take_name(void *user, const fct_album_person *p, fct_error *err) {
    name_card *c = user;
    (void)err;
    snprintf(c->name, sizeof c->name, "%s", p->name ? p->name : "");
    return FCT_OK;
}

static void free_best(best_faces *b) {
    for (int i = 0; b->at && i < b->most; i++) {
        fct_free(b->at[i].embedding);
        fct_buffer_free(b->at[i].jpeg);
    }
    fct_free(b->at);
}

fct_status fct_album_enroll(fct_album *a, int64_t person_id, fct_gallery *g, int most, int *added, fct_error *err) {
    fct_album_info info;
    fct_album_face_query q;
    fct_person known;
    name_card card = {""};
    int fresh = 0;
    if (added) *added = 0;
    if (person_id <= 0 || most < 1 || most > 1000)
        return fct_fail(err, FCT_ERR_ARG, "person %lld, %d faces: out of range", (long long)person_id, most);
    fct_status s = fct_album_people(a, person_id, take_name, &card, err);
    if (!s && !card.name[0]) s = fct_fail(err, FCT_ERR_ARG, "person %lld has no name", (long long)person_id);
    if (!s) s = fct_album_stat(a, &info, err);
    if (s) return s;
    best_faces b = {.at = fct_calloc((size_t)most, sizeof(best_face)), .most = most, .dim = info.dim};
    fct_album_face_query_init(&q);
    q.person_id = person_id;
    q.embeddings = true;
    s = b.at ? fct_album_faces(a, &q, keep_best, &b, err) : fct_fail_nomem(err, "faces", 0);
    if (!s) s = store_best(a, &b, info.network, card.name, g, &fresh, err);
    if (!s && b.n) s = fct_gallery_find(g, card.name, &known, err);
    if (!s && b.n) s = fct_album_person_link(a, person_id, known.id, err);
    free_best(&b);
    if (!s && added) *added = fresh;
    return s;
}

/* ---- From the gallery ---------------------------------------------------------------------- */

typedef struct gallery_names {
    fct_album *a;
    const fct_album_snapshot *s;
    int64_t *whose;   /* [n] */
    fct_match *match; /* [n] whom the gallery takes a face for; person_id 0 = nobody */
    fct_gallery *g;
    fct_search_opts opts;
    bool noting; /* an operation is open, which fct_album_undo() takes back */
} gallery_names;

/* Asks the gallery about a face. */
static fct_status ask(gallery_names *r, const char *network, size_t i, fct_error *err) {
    int n = 0;
    const float *embedding = r->s->embeddings + i * (size_t)r->s->dim;
    fct_status s = fct_gallery_search_with(r->g, network, embedding, 1, r->s->dim, &r->opts, &r->match[i], &n, err);
    if (!n) r->match[i].person_id = 0;
    return s;
}

typedef struct member_row {
    int64_t person;
    float quality;
    size_t face;
} member_row;

static int compare_rows(const void *a, const void *b) {
    const member_row *x = a, *y = b;
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    if (x->quality != y->quality) return x->quality > y->quality ? -1 : 1;
    return x->face < y->face ? -1 : x->face > y->face;
}

/* Whether two people are in one photo, or a link says that they are two, or that one is not the other's face. */
static bool are_apart(const gallery_names *r, const member_row *rows, size_t n, int64_t other) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < r->s->n; k++)
            if (r->whose[k] == other && r->s->moment[k] == r->s->moment[rows[i].face]) return true;
        for (size_t k = 0; k < r->s->n_bans; k++)
            if (r->s->bans[k].face == rows[i].face && r->s->bans[k].person == other) return true;
        for (size_t k = 0; k < r->s->differ.n; k++) {
            size_t x = r->s->differ.at[k].a, y = r->s->differ.at[k].b;
            if ((x == rows[i].face && r->whose[y] == other) || (y == rows[i].face && r->whose[x] == other)) return true;
        }
    }
    return false;
}

/* Gives a group of faces (a person without a name, or one loose face) the name that the gallery knows. */
static fct_status give_name(gallery_names *r, const member_row *rows, size_t n, const fct_match *who, int64_t *named,
                            fct_error *err) {
    int64_t id = rows[0].person, other = 0;
    fct_status s = fct_album_person_find(r->a, who->name, &other, err);
    if (s || (other && (other == id || are_apart(r, rows, n, other)))) return s;
    if (!r->noting) s = fct_album_operation_begin(r->a, "names from the gallery", err);
    if (s) return s;
    r->noting = true;
    if (!other && !id) s = fct_album_person_add(r->a, who->name, &other, err);
    else if (!other) s = fct_album_person_rename(r->a, other = id, who->name, err);
    else if (id) s = fct_album_members_move(r->a, id, other, err);
    if (!s && id && id != other) s = fct_album_person_remove(r->a, id, err);
    if (!s && !id) s = fct_album_member_add(r->a, r->s->id[rows[0].face], other, (double)who->score, err);
    if (!s) s = fct_album_person_link(r->a, other, who->person_id, err);
    for (size_t i = 0; i < n && !s; i++) r->whose[rows[i].face] = other;
    if (!s && id) ++*named;
    return s;
}

/* Whom most of a person's best faces are like; NULL = nobody. */
static const fct_match *verdict(const gallery_names *r, const member_row *rows, size_t n) {
    size_t judges = n < JUDGES ? n : JUDGES;
    for (size_t i = 0; i < judges; i++) {
        size_t agree = 0;
        const fct_match *m = &r->match[rows[i].face];
        for (size_t k = 0; k < judges; k++) agree += m->person_id && r->match[rows[k].face].person_id == m->person_id;
        if (2 * agree > judges) return m;
    }
    return NULL;
}

/* Goes through the faces, which are in the order of their people, and gives those without a name the verdict's. */
static fct_status recognize_rows(gallery_names *r, const fct_album_cast *cast, const char *network, member_row *rows,
                                 size_t n, int64_t *named, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0, end = 0; i < n && !s; i = end) {
        const struct fct_role *role = fct_album_role(cast, rows[i].person);
        for (end = i + 1; end < n && rows[i].person && rows[end].person == rows[i].person;) end++;
        if (role && (role->named || role->ignored)) continue;
        for (size_t k = i; k < end && k < i + JUDGES && !s; k++) s = ask(r, network, rows[k].face, err);
        const fct_match *who = s ? NULL : verdict(r, rows + i, end - i);
        if (who) s = give_name(r, rows + i, end - i, who, named, err);
    }
    return s;
}

fct_status fct_album_recognize(fct_album *a, const fct_album_snapshot *s, int64_t *whose, fct_gallery *g,
                               float threshold, float fallback, int64_t *n, fct_error *err) {
    gallery_names r = {.a = a, .s = s, .whose = whose, .match = fct_calloc(s->n + 1, sizeof(fct_match)), .g = g};
    member_row *rows = fct_realloc_array(NULL, s->n + 1, sizeof *rows);
    fct_album_cast cast = {0};
    fct_album_info info;
    *n = 0;
    fct_search_opts_init(&r.opts);
    if (threshold > 0) r.opts.threshold = threshold;
    r.opts.fallback = fallback;
    fct_status st = r.match && rows ? fct_album_stat(a, &info, err) : fct_fail_nomem(err, "faces", 0);
    if (!st) st = fct_album_cast_load(a, &cast, err);
    for (size_t i = 0; i < s->n && !st; i++) rows[i] = (member_row){whose[i], s->quality[i], i};
    if (!st) st = fct_album_begin(a, err);
    if (!st) {
        qsort(rows, s->n, sizeof *rows, compare_rows);
        st = recognize_rows(&r, &cast, info.network, rows, s->n, n, err);
        if (r.noting) fct_album_operation_end(a);
        st = fct_album_end(a, st, err);
    }
    fct_album_cast_free(&cast);
    fct_free(rows);
    fct_free(r.match);
    return st;
}
