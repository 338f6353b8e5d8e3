/* What a user says about people, each as one step that can be undone: decisions are
 * added, those that they contradict are taken back, and faces change hands. */
#include "facet/album_people.h"
#include "album/album_snapshot.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/numbers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What there is ------------------------------------------------------------------- */

static fct_status add_face_id(void *user, const fct_album_face *f, fct_error *err) {
    return fct_numbers_add(user, f->id) ? FCT_OK : fct_fail_nomem(err, "faces", 0);
}

static fct_status faces_of(fct_album *a, int64_t person_id, fct_numbers *out, fct_error *err) {
    fct_album_face_query q;
    fct_album_face_query_init(&q);
    q.person_id = person_id;
    return fct_album_faces(a, &q, add_face_id, out, err);
}

static fct_status take_owner(void *user, const fct_album_face *f, fct_error *err) {
    (void)err;
    *(int64_t *)user = f->person_id;
    return FCT_OK;
}

static fct_status owner_of(fct_album *a, int64_t face_id, int64_t *person_id, fct_error *err) {
    fct_album_face_query q;
    fct_album_face_query_init(&q);
    q.id = face_id;
    *person_id = 0;
    if (face_id <= 0)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no face %lld", fct_album_db(a)->path, (long long)face_id);
    return fct_album_faces(a, &q, take_owner, person_id, err);
}

typedef struct person_card {
    char name[256]; /* "" = none */
    bool ignored;
} person_card;

static fct_status take_card(void *user, const fct_album_person *p, fct_error *err) {
    person_card *c = user;
    (void)err;
    snprintf(c->name, sizeof c->name, "%s", p->name ? p->name : "");
    c->ignored = p->ignored;
    return FCT_OK;
}

static fct_status find_person(fct_album *a, int64_t id, person_card *out, fct_error *err) {
    *out = (person_card){0};
    if (id <= 0)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no person %lld", fct_album_db(a)->path, (long long)id);
    return fct_album_people(a, id, take_card, out, err);
}

/* How a person is called for people to read. Borrowed from out. */
static const char *call(const person_card *c, int64_t id, char out[300]) {
    if (c->name[0]) snprintf(out, 300, "%s", c->name);
    else snprintf(out, 300, "person %lld", (long long)id);
    return out;
}

/* ---- Steps ------------------------------------------------------------------------------- */

static fct_status begin_step(fct_album *a, const char *what, fct_error *err) {
    fct_status s = fct_album_begin(a, err);
    if (s) return s;
    s = fct_album_operation_begin(a, what, err);
    if (!s) return FCT_OK;
    fct_album_operation_end(a);
    return fct_album_end(a, s, err);
}

/* Begins a step that is called by what is done and to whom, such as "merge 2 into" Anna. The person must be there. */
static fct_status begin_about(fct_album *a, const char *done, int64_t person_id, fct_error *err) {
    person_card card;
    char what[400], name[300];
    fct_status s = find_person(a, person_id, &card, err);
    snprintf(what, sizeof what, "%s %s", done, call(&card, person_id, name));
    return s ? s : begin_step(a, what, err);
}

static fct_status end_step(fct_album *a, fct_status s, fct_error *err) {
    fct_album_operation_end(a);
    return fct_album_end(a, s, err);
}

/* ---- Decisions that must go ----------------------------------------------------------------- */

/* Which decisions of the user a new one replaces. */
typedef struct stale_search {
    fct_numbers found;
    fct_numbers faces, others; /* ascending; borrowed */
    int64_t person;            /* IS_NOT this person goes; with `is`: IS of any person goes, too */
    bool is, ignore;
    bool differ; /* DIFFER between a face and one of the others goes */
} stale_search;

/* Whether a decision contradicts what is about to be said. */
static bool is_stale(const stale_search *x, const fct_decision *d) {
    bool a = fct_numbers_hold(&x->faces, d->face_a), b = fct_numbers_hold(&x->faces, d->face_b);
    bool across = (a && fct_numbers_hold(&x->others, d->face_b)) || (b && fct_numbers_hold(&x->others, d->face_a));
    switch (d->kind) {
    case FCT_DECISION_IS:
        return a && x->is;
    case FCT_DECISION_IS_NOT:
        return a && x->person && d->person_id == x->person;
    case FCT_DECISION_SAME:
        return false;
    case FCT_DECISION_DIFFER:
        return across && x->differ;
    case FCT_DECISION_IGNORE:
        return a && x->ignore;
    }
    return false;
}

static fct_status note_stale(void *user, const fct_decision *d, fct_error *err) {
    stale_search *x = user;
    if (!is_stale(x, d) || fct_numbers_add(&x->found, d->id)) return FCT_OK;
    return fct_fail_nomem(err, "decisions", 0);
}

static fct_status drop_stale(fct_album *a, stale_search *x, fct_error *err) {
    fct_status s = fct_album_decisions(a, note_stale, x, err);
    for (size_t i = 0; i < x->found.n && !s; i++) s = fct_album_undecide(a, x->found.at[i], err);
    fct_free(x->found.at);
    return s;
}

/* ---- Verbs inside a step ------------------------------------------------------------------------ */

static fct_status decide(fct_album *a, fct_decision_kind kind, int64_t face, int64_t other, int64_t person,
                         fct_error *err) {
    fct_decision d = {.kind = kind, .person_id = person, .source = FCT_SOURCE_USER};
    fct_status s = fct_album_anchor_of_face(a, face, &d.a, err);
    if (!s && other) s = fct_album_anchor_of_face(a, other, &d.b, err);
    return s ? s : fct_album_decide(a, &d, err);
}

/* Says of faces that they are a person; what was said against it goes. */
static fct_status say_is(fct_album *a, int64_t person, const int64_t *faces, size_t n, fct_member_how how,
                         fct_error *err) {
    fct_numbers sorted = {0};
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++)
        if (!fct_numbers_add(&sorted, faces[i])) s = fct_fail_nomem(err, "faces", 0);
    fct_numbers_sort(&sorted);
    stale_search stale = {
        .faces = sorted, .others = sorted, .person = person, .is = true, .ignore = true, .differ = true};
    if (!s) s = drop_stale(a, &stale, err);
    for (size_t i = 0; i < n && !s; i++) {
        s = decide(a, FCT_DECISION_IS, faces[i], 0, person, err);
        if (!s) s = fct_album_member_put(a, faces[i], person, how, 1, err);
    }
    fct_free(sorted.at);
    return s;
}

/* Says of faces that they are not a person; those that are his become nobody's. */
static fct_status say_is_not(fct_album *a, int64_t person, const int64_t *faces, size_t n, fct_error *err) {
    fct_numbers his = {0};
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        int64_t owner;
        s = owner_of(a, faces[i], &owner, err);
        if (!s && owner == person && !fct_numbers_add(&his, faces[i])) s = fct_fail_nomem(err, "faces", 0);
    }
    fct_numbers_sort(&his);
    stale_search stale = {.faces = his, .is = true};
    if (!s) s = drop_stale(a, &stale, err);
    for (size_t i = 0; i < his.n && !s; i++) s = fct_album_member_put(a, his.at[i], 0, FCT_MEMBER_NAMED, 0, err);
    for (size_t i = 0; i < n && !s; i++) s = decide(a, FCT_DECISION_IS_NOT, faces[i], 0, person, err);
    fct_free(his.at);
    return s;
}

/* Faces of whom it was said that they are not `from` are not `into` either. */
typedef struct not_search {
    fct_numbers faces;
    int64_t person;
} not_search;

static fct_status note_not(void *user, const fct_decision *d, fct_error *err) {
    not_search *x = user;
    if (d->kind != FCT_DECISION_IS_NOT || d->person_id != x->person || !d->face_a) return FCT_OK;
    return fct_numbers_add(&x->faces, d->face_a) ? FCT_OK : fct_fail_nomem(err, "decisions", 0);
}

static fct_status carry_nots(fct_album *a, int64_t from, int64_t into, fct_error *err) {
    not_search x = {.person = from};
    fct_status s = fct_album_decisions(a, note_not, &x, err);
    for (size_t i = 0; i < x.faces.n && !s; i++) {
        int64_t owner;
        s = owner_of(a, x.faces.at[i], &owner, err);
        if (!s && owner != into) s = decide(a, FCT_DECISION_IS_NOT, x.faces.at[i], 0, into, err);
    }
    fct_free(x.faces.at);
    return s;
}

/* Makes `from` a part of `into`: his faces, what he is known not to be, and his name where `into` has none. */
static fct_status join_person(fct_album *a, int64_t from, int64_t into, fct_error *err) {
    person_card old, kept;
    fct_numbers faces = {0};
    fct_status s = find_person(a, from, &old, err);
    if (!s) s = find_person(a, into, &kept, err);
    if (!s) s = faces_of(a, from, &faces, err);
    if (!s) s = faces_of(a, into, &faces, err);
    if (!s) s = say_is(a, into, faces.at, faces.n, FCT_MEMBER_CONFIRMED, err);
    if (!s) s = carry_nots(a, from, into, err);
    if (!s) s = fct_album_person_remove(a, from, err);
    if (!s && !kept.name[0] && old.name[0]) s = fct_album_person_rename(a, into, old.name, err);
    fct_free(faces.at);
    return s;
}

/* ---- The calls ------------------------------------------------------------------------------------ */

/* Names a person; where another one has the name, the two become that one, whose id *id is then. */
static fct_status name_inside(fct_album *a, int64_t *id, const char *name, fct_error *err) {
    int64_t other = 0;
    fct_numbers faces = {0};
    fct_status s = fct_album_person_find(a, name, &other, err);
    if (!s && other && other != *id) {
        s = join_person(a, *id, other, err);
        *id = other;
        return s;
    }
    if (!s) s = faces_of(a, *id, &faces, err);
    if (!s) s = say_is(a, *id, faces.at, faces.n, FCT_MEMBER_CONFIRMED, err);
    if (!s) s = fct_album_person_rename(a, *id, name, err);
    fct_free(faces.at);
    return s;
}

fct_status fct_album_name(fct_album *a, int64_t person_id, const char *name, int64_t *id, fct_error *err) {
    person_card card;
    char what[700], before[300], *stored = NULL;
    if (id) *id = 0;
    fct_status s = fct_album_clean_name(name, &stored, err);
    if (!s) s = find_person(a, person_id, &card, err);
    if (!s) {
        snprintf(what, sizeof what, "name %s %s", call(&card, person_id, before), stored);
        s = begin_step(a, what, err);
    }
    if (!s) s = end_step(a, name_inside(a, &person_id, stored, err), err);
    if (!s && id) *id = person_id;
    fct_free(stored);
    return s;
}

fct_status fct_album_merge(fct_album *a, int64_t into, const int64_t *people, int n, fct_error *err) {
    char done[60];
    snprintf(done, sizeof done, "merge %d %s into", n, n == 1 ? "person" : "people");
    fct_status s = begin_about(a, done, into, err);
    if (s) return s;
    for (int i = 0; i < n && !s; i++)
        if (people[i] != into) s = join_person(a, people[i], into, err);
    return end_step(a, s, err);
}

/* Makes a new person, *id, of faces that are all `person`'s. */
static fct_status split_inside(fct_album *a, int64_t person, const int64_t *faces, int n, int64_t *id, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) {
        int64_t owner;
        s = owner_of(a, faces[i], &owner, err);
        if (!s && owner != person)
            s = fct_fail(err, FCT_ERR_NOT_FOUND, "face %lld is not person %lld's", (long long)faces[i],
                         (long long)person);
    }
    if (!s) s = fct_album_person_add(a, NULL, id, err);
    if (!s) s = say_is_not(a, person, faces, (size_t)n, err);
    return s ? s : say_is(a, *id, faces, (size_t)n, FCT_MEMBER_CONFIRMED, err);
}

fct_status fct_album_split(fct_album *a, int64_t person_id, const int64_t *faces, int n, int64_t *id, fct_error *err) {
    char done[60];
    int64_t fresh = 0;
    if (id) *id = 0;
    if (n < 1) return fct_fail(err, FCT_ERR_ARG, "there is no face to split off");
    snprintf(done, sizeof done, "split %d %s off", n, n == 1 ? "face" : "faces");
    fct_status s = begin_about(a, done, person_id, err);
    if (!s) s = end_step(a, split_inside(a, person_id, faces, n, &fresh, err), err);
    if (!s && id) *id = fresh;
    return s;
}

fct_status fct_album_reject(fct_album *a, int64_t person_id, const int64_t *faces, int n, fct_error *err) {
    char done[60];
    snprintf(done, sizeof done, "%d %s not", n, n == 1 ? "face is" : "faces are");
    fct_status s = begin_about(a, done, person_id, err);
    return s ? s : end_step(a, say_is_not(a, person_id, faces, (size_t)n, err), err);
}

fct_status fct_album_confirm(fct_album *a, int64_t person_id, const int64_t *faces, int n, fct_error *err) {
    char done[60];
    fct_numbers all = {0};
    fct_status s = faces ? FCT_OK : faces_of(a, person_id, &all, err);
    size_t count = faces ? (size_t)n : all.n;
    snprintf(done, sizeof done, "%zu %s", count, count == 1 ? "face is" : "faces are");
    if (!s) s = begin_about(a, done, person_id, err);
    if (!s) s = end_step(a, say_is(a, person_id, faces ? faces : all.at, count, FCT_MEMBER_CONFIRMED, err), err);
    fct_free(all.at);
    return s;
}

/* Whoever is ignored keeps his faces by decisions: without them he would lose them when all is grouped anew, and come
 * back as somebody whom nobody has ignored. */
static fct_status ignore_person(fct_album *a, int64_t person_id, bool ignored, fct_error *err) {
    fct_numbers his = {0};
    fct_status s = fct_album_person_ignore(a, person_id, ignored, err);
    if (!s && ignored) s = faces_of(a, person_id, &his, err);
    if (!s) s = say_is(a, person_id, his.at, his.n, FCT_MEMBER_CONFIRMED, err);
    fct_free(his.at);
    return s;
}

fct_status fct_album_ignore(fct_album *a, int64_t person_id, bool ignored, fct_error *err) {
    fct_status s = begin_about(a, ignored ? "ignore" : "show again", person_id, err);
    return s ? s : end_step(a, ignore_person(a, person_id, ignored, err), err);
}

static fct_status ignore_inside(fct_album *a, int64_t face_id, fct_error *err) {
    stale_search stale = {.faces = {&face_id, 1, 1}, .is = true};
    fct_status s = drop_stale(a, &stale, err);
    if (!s) s = fct_album_member_put(a, face_id, 0, FCT_MEMBER_NAMED, 0, err);
    return s ? s : decide(a, FCT_DECISION_IGNORE, face_id, 0, 0, err);
}

fct_status fct_album_ignore_face(fct_album *a, int64_t face_id, fct_error *err) {
    char what[100];
    int64_t owner;
    fct_status s = owner_of(a, face_id, &owner, err);
    if (s) return s;
    snprintf(what, sizeof what, "ignore face %lld", (long long)face_id);
    s = begin_step(a, what, err);
    return s ? s : end_step(a, ignore_inside(a, face_id, err), err);
}

/* ---- Two people in one --------------------------------------------------------------------------- */

/* Divides a person's faces between face a and face b: the nearer to the mean of either's, five times over. mine: [n]
 * true = of b. */
static void divide(const fct_album_snapshot *s, const size_t *faces, size_t n, size_t a, size_t b, float *means,
                   bool *mine) {
    size_t dim = (size_t)s->dim;
    memcpy(means, s->embeddings + a * dim, dim * sizeof *means);
    memcpy(means + dim, s->embeddings + b * dim, dim * sizeof *means);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < n; i++) {
            const float *v = s->embeddings + faces[i] * dim;
            mine[i] =
                faces[i] == b || (faces[i] != a && fct_cosine(v, means + dim, s->dim) > fct_cosine(v, means, s->dim));
        }
        memset(means, 0, 2 * dim * sizeof *means);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < dim; k++) means[(mine[i] ? dim : 0) + k] += s->embeddings[faces[i] * dim + k];
    }
}

/* The ids of the faces that go with face b; both must have an embedding. */
static fct_status faces_like(fct_album *a, int64_t person, int64_t face_a, int64_t face_b, fct_numbers *out,
                             fct_error *err) {
    fct_album_snapshot s;
    size_t n = 0;
    fct_status st = fct_snapshot_load(a, false, &s, err);
    if (st) return st;
    size_t x = fct_snapshot_find(&s, face_a), y = fct_snapshot_find(&s, face_b);
    size_t *faces = fct_realloc_array(NULL, s.n + 1, sizeof *faces);
    float *means = fct_realloc_array(NULL, 2 * (size_t)s.dim, sizeof *means);
    bool *mine = fct_calloc(s.n + 1, sizeof *mine), good = faces && means && mine;
    for (size_t i = 0; i < s.n && good; i++)
        if (s.stored[i] == person) faces[n++] = i;
    if (good && x != SIZE_MAX && y != SIZE_MAX) divide(&s, faces, n, x, y, means, mine);
    for (size_t i = 0; i < n && good; i++)
        if (mine[i]) good = fct_numbers_add(out, s.id[faces[i]]);
    if (good && !out->n) good = fct_numbers_add(out, face_b);
    fct_free(faces);
    fct_free(means);
    fct_free(mine);
    fct_snapshot_free(&s);
    return good ? FCT_OK : fct_fail_nomem(err, "faces", 0);
}

fct_status fct_album_differ(fct_album *a, int64_t face_a, int64_t face_b, int64_t *id, fct_error *err) {
    int64_t owner_a, owner_b = 0, fresh = 0;
    fct_numbers moved = {0};
    char what[120];
    if (id) *id = 0;
    fct_status s = owner_of(a, face_a, &owner_a, err);
    if (!s) s = owner_of(a, face_b, &owner_b, err);
    if (!s && face_a == face_b) s = fct_fail(err, FCT_ERR_ARG, "face %lld is one person", (long long)face_a);
    if (!s && owner_a && owner_a == owner_b) s = faces_like(a, owner_a, face_a, face_b, &moved, err);
    snprintf(what, sizeof what, "faces %lld and %lld differ", (long long)face_a, (long long)face_b);
    if (!s) s = begin_step(a, what, err);
    if (!s) {
        if (moved.n) s = split_inside(a, owner_a, moved.at, (int)moved.n, &fresh, err);
        if (!s) s = decide(a, FCT_DECISION_DIFFER, face_a, face_b, 0, err);
        s = end_step(a, s, err);
    }
    fct_free(moved.at);
    if (!s && id) *id = fresh;
    return s;
}

/* ---- Answers ------------------------------------------------------------------------------------- */

fct_status fct_album_answer(fct_album *a, const fct_question *q, bool same, fct_error *err) {
    if (q->other_id)
        return same ? fct_album_merge(a, q->person_id, &q->other_id, 1, err)
                    : fct_album_differ(a, q->face_id, q->other_face, NULL, err);
    return same ? fct_album_confirm(a, q->person_id, &q->other_face, 1, err)
                : fct_album_reject(a, q->person_id, &q->other_face, 1, err);
}
