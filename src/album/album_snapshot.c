/* Faces and decisions from the file, in a form that clustering takes. */
#include "album/album_snapshot.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHILD_BELOW 14 /* years; networks guess children too old */

/* ---- Faces ------------------------------------------------------------------------- */

/* Gives a column room for cap rows; false, and the column as it was: no memory. */
#define WIDEN(column, width)                                                                                           \
    do {                                                                                                               \
        void *p = fct_realloc_array((column), cap, (width) * sizeof *(column));                                        \
        if (!p) return false;                                                                                          \
        (column) = p;                                                                                                  \
    } while (0)

static bool grow(fct_album_snapshot *s) {
    size_t cap = s->cap ? 2 * s->cap : 256;
    WIDEN(s->id, 1);
    WIDEN(s->moment, 1);
    WIDEN(s->person, 1);
    WIDEN(s->stored, 1);
    WIDEN(s->decided, 1);
    WIDEN(s->ignored, 1);
    WIDEN(s->child, 1);
    WIDEN(s->quality, 1);
    WIDEN(s->embeddings, (size_t)s->dim);
    s->cap = cap;
    return true;
}

typedef struct snapshot_load {
    fct_album_snapshot *s;
    bool anew;
} snapshot_load;

/* A number that faces of one photo, or of one moment of a video, have in common. What a damaged file holds may be out
 * of any range: then it is some number. */
static int64_t moment_of(const fct_album_face *f) {
    double ms = f->time * 1000;
    uint64_t time = fabs(ms) < 1e15 ? (uint64_t)(int64_t)ms : 0;
    return (int64_t)(((uint64_t)f->photo_id * 1000000000u + time) & INT64_MAX);
}

/* A face of the album; one without an embedding cannot be grouped and is left out. */
static fct_status add_face(void *user, const fct_album_face *f, fct_error *err) {
    snapshot_load *l = user;
    fct_album_snapshot *s = l->s;
    if (!f->embedding) return FCT_OK;
    if (s->n == s->cap && !grow(s)) return fct_fail_nomem(err, "the album's faces", 0);
    size_t i = s->n++;
    s->id[i] = f->id;
    s->moment[i] = moment_of(f);
    s->stored[i] = f->person_id;
    s->person[i] = l->anew && f->how == FCT_MEMBER_AUTOMATIC ? 0 : f->person_id;
    s->decided[i] = s->ignored[i] = false;
    s->child[i] = f->age >= 0 && f->age < CHILD_BELOW;
    s->quality[i] = f->quality.score;
    memcpy(s->embeddings + i * (size_t)s->dim, f->embedding, (size_t)s->dim * sizeof(float));
    return FCT_OK;
}

size_t fct_snapshot_find(const fct_album_snapshot *s, int64_t face_id) {
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->id[middle] < face_id) low = middle + 1;
        else high = middle;
    }
    return low < s->n && s->id[low] == face_id ? low : SIZE_MAX;
}

/* ---- Decisions ----------------------------------------------------------------------- */

static bool add_link(fct_album_links *l, size_t a, size_t b) {
    fct_face_pair *at = fct_grow(l->at, &l->cap, l->n + 1, sizeof *at);
    if (!at) return false;
    l->at = at;
    l->at[l->n++] = (fct_face_pair){a, b};
    return true;
}

static bool add_ban(fct_album_snapshot *s, size_t face, int64_t person) {
    fct_face_ban *bans = fct_grow(s->bans, &s->cap_bans, s->n_bans + 1, sizeof *bans);
    if (!bans) return false;
    s->bans = bans;
    s->bans[s->n_bans++] = (fct_face_ban){face, person};
    return true;
}

/* Drops the bans of a face from a person: it is said to be him after all. */
static void lift_ban(fct_album_snapshot *s, size_t face, int64_t person) {
    size_t kept = 0;
    for (size_t i = 0; i < s->n_bans; i++)
        if (s->bans[i].face != face || s->bans[i].person != person) s->bans[kept++] = s->bans[i];
    s->n_bans = kept;
}

typedef struct decision_pass {
    fct_album_snapshot *s;
    bool user; /* which of two passes: first what tags say, then what the user says */
} decision_pass;

/* Applies a decision to the faces that it means; see fct_snapshot_load() for what is stronger than what. */
static fct_status apply(void *user, const fct_decision *d, fct_error *err) {
    const decision_pass *pass = user;
    fct_album_snapshot *s = pass->s;
    bool good = true;
    if ((d->source == FCT_SOURCE_USER) != pass->user) return FCT_OK;
    size_t a = fct_snapshot_find(s, d->face_a), b = d->face_b ? fct_snapshot_find(s, d->face_b) : SIZE_MAX;
    if (a == SIZE_MAX) return FCT_OK;
    switch (d->kind) {
    case FCT_DECISION_IS:
        s->person[a] = d->person_id;
        s->decided[a] = true;
        s->ignored[a] = false;
        lift_ban(s, a, d->person_id);
        break;
    case FCT_DECISION_IS_NOT:
        if (s->person[a] == d->person_id) s->person[a] = 0, s->decided[a] = false;
        good = add_ban(s, a, d->person_id);
        break;
    case FCT_DECISION_SAME:
        good = b == SIZE_MAX || b == a || add_link(&s->same, a, b);
        break;
    case FCT_DECISION_DIFFER:
        good = b == SIZE_MAX || b == a || add_link(&s->differ, a, b);
        break;
    case FCT_DECISION_IGNORE:
        s->ignored[a] = true;
        break;
    }
    return good ? FCT_OK : fct_fail_nomem(err, "decisions", 0);
}

/* Cannot-links within a person: the face that nobody has decided about leaves him; where both are decided the link
 * falls. */
static void settle_differ(fct_album_snapshot *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->differ.n; i++) {
        fct_face_pair p = s->differ.at[i];
        if (s->person[p.a] && s->person[p.a] == s->person[p.b]) {
            if (s->decided[p.a] && s->decided[p.b]) continue;
            s->person[s->decided[p.b] ? p.a : p.b] = 0;
        }
        s->differ.at[kept++] = p;
    }
    s->differ.n = kept;
}

static size_t root_of(size_t *parent, size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

/* Whether joining two sets of faces is against a cannot-link. people: [n] the person of a set, by its root. */
static bool contradicts(const fct_album_snapshot *s, size_t *parent, const int64_t *people, size_t a, size_t b) {
    if (people[a] && people[b] && people[a] != people[b]) return true;
    for (size_t i = 0; i < s->differ.n; i++) {
        size_t x = root_of(parent, s->differ.at[i].a), y = root_of(parent, s->differ.at[i].b);
        if ((x == a && y == b) || (x == b && y == a)) return true;
    }
    for (size_t i = 0; i < s->n_bans; i++) {
        size_t x = root_of(parent, s->bans[i].face);
        int64_t p = s->bans[i].person;
        if ((x == a && people[b] == p) || (x == b && people[a] == p)) return true;
    }
    return false;
}

typedef struct first_face {
    int64_t person;
    size_t face;
} first_face;

static int compare_first(const void *a, const void *b) {
    const first_face *x = a, *y = b;
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    return x->face < y->face ? -1 : x->face > y->face;
}

/* Makes each person's faces one set. */
static void join_faces_of_people(const fct_album_snapshot *s, first_face *order, size_t *parent, int64_t *people) {
    for (size_t i = 0; i < s->n; i++) {
        order[i] = (first_face){s->person[i], i};
        parent[i] = i;
        people[i] = s->person[i];
    }
    qsort(order, s->n, sizeof *order, compare_first);
    for (size_t i = 1; i < s->n; i++)
        if (order[i].person && order[i].person == order[i - 1].person)
            parent[order[i].face] = root_of(parent, order[i - 1].face);
}

/* Must-links that are against names or cannot-links fall; where one of the two has a person by grouping alone, it comes
 * to the other's. */
static fct_status settle_same(fct_album_snapshot *s, fct_error *err) {
    size_t kept = 0, *parent = fct_realloc_array(NULL, s->n + 1, sizeof *parent);
    int64_t *people = fct_realloc_array(NULL, s->n + 1, sizeof *people);
    first_face *order = fct_realloc_array(NULL, s->n + 1, sizeof *order);
    bool good = parent && people && order;
    for (size_t i = 0; i < s->same.n && good; i++) {
        fct_face_pair p = s->same.at[i];
        int64_t *x = &s->person[p.a], *y = &s->person[p.b];
        if (*x && *y && *x != *y && !(s->decided[p.a] && s->decided[p.b])) *(s->decided[p.b] ? x : y) = 0;
    }
    if (good) join_faces_of_people(s, order, parent, people);
    for (size_t i = 0; i < s->same.n && good; i++) {
        size_t a = root_of(parent, s->same.at[i].a), b = root_of(parent, s->same.at[i].b);
        if (a != b && contradicts(s, parent, people, a, b)) continue;
        if (a != b) {
            parent[b] = a;
            if (!people[a]) people[a] = people[b];
        }
        s->same.at[kept++] = s->same.at[i];
    }
    if (good) s->same.n = kept;
    fct_free(parent);
    fct_free(people);
    fct_free(order);
    return good ? FCT_OK : fct_fail_nomem(err, "decisions", 0);
}

/* ---- All of it --------------------------------------------------------------------------- */

/* Takes faces that are to be ignored out, with their links. map: [n] */
static void drop_ignored(fct_album_snapshot *s, size_t *map) {
    size_t kept = 0, dim = (size_t)s->dim;
    for (size_t i = 0; i < s->n; i++) {
        map[i] = s->ignored[i] ? SIZE_MAX : kept;
        if (s->ignored[i]) continue;
        s->id[kept] = s->id[i], s->moment[kept] = s->moment[i];
        s->person[kept] = s->person[i], s->stored[kept] = s->stored[i];
        s->decided[kept] = s->decided[i], s->child[kept] = s->child[i], s->quality[kept] = s->quality[i];
        memmove(s->embeddings + kept++ * dim, s->embeddings + i * dim, dim * sizeof(float));
    }
    s->n = kept;
    fct_album_links *links[] = {&s->same, &s->differ};
    for (int k = 0; k < 2; k++) {
        size_t n = 0;
        for (size_t i = 0; i < links[k]->n; i++) {
            fct_face_pair p = {map[links[k]->at[i].a], map[links[k]->at[i].b]};
            if (p.a != SIZE_MAX && p.b != SIZE_MAX) links[k]->at[n++] = p;
        }
        links[k]->n = n;
    }
    size_t n = 0;
    for (size_t i = 0; i < s->n_bans; i++)
        if (map[s->bans[i].face] != SIZE_MAX) s->bans[n++] = (fct_face_ban){map[s->bans[i].face], s->bans[i].person};
    s->n_bans = n;
}

fct_status fct_snapshot_load(fct_album *a, bool anew, fct_album_snapshot *out, fct_error *err) {
    fct_album_face_query q;
    snapshot_load load = {out, anew};
    *out = (fct_album_snapshot){0};
    fct_status s = fct_album_model(a, err);
    if (!s && !a->dim) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: nothing was scanned yet", fct_album_db(a)->path);
    if (s) return s;
    out->dim = a->dim;
    fct_album_face_query_init(&q);
    q.embeddings = true;
    s = fct_album_faces(a, &q, add_face, &load, err);
    for (int user = 0; user < 2 && !s; user++) {
        decision_pass pass = {out, user == 1};
        s = fct_album_decisions(a, apply, &pass, err);
    }
    size_t *map = s ? NULL : fct_realloc_array(NULL, out->n + 1, sizeof *map);
    if (!s && !map) s = fct_fail_nomem(err, "the album's faces", 0);
    if (!s) {
        drop_ignored(out, map);
        settle_differ(out);
        s = settle_same(out, err);
    }
    fct_free(map);
    if (s) fct_snapshot_free(out);
    return s;
}

fct_cluster_faces fct_snapshot_faces(const fct_album_snapshot *s) {
    return (fct_cluster_faces){.n = s->n,
                               .dim = s->dim,
                               .embeddings = s->embeddings,
                               .quality = s->quality,
                               .photo = s->moment,
                               .child = s->child,
                               .person = s->person,
                               .same = s->same.at,
                               .n_same = s->same.n,
                               .differ = s->differ.at,
                               .n_differ = s->differ.n,
                               .bans = s->bans,
                               .n_bans = s->n_bans};
}

void fct_snapshot_free(fct_album_snapshot *s) {
    fct_free(s->id);
    fct_free(s->moment);
    fct_free(s->person);
    fct_free(s->stored);
    fct_free(s->decided);
    fct_free(s->ignored);
    fct_free(s->child);
    fct_free(s->quality);
    fct_free(s->embeddings);
    fct_free(s->same.at);
    fct_free(s->differ.at);
    fct_free(s->bans);
    *s = (fct_album_snapshot){0};
}
