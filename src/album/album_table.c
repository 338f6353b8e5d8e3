#include "album/album_table.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct hash_place {
    const uint8_t *hash;
    size_t photo;
} hash_place;

static fct_status nomem(fct_error *err) { return fct_fail_nomem(err, "album", 0); }

static fct_status take_photo(void *user, const fct_album_photo *p, fct_error *err) {
    fct_album_table *t = user;
    fct_table_photo *list = fct_grow(t->photos, &t->photos_cap, t->n_photos + 1, sizeof *list);
    if (!list) return nomem(err);
    t->photos = list;
    fct_table_photo *mine = &list[t->n_photos++];
    *mine = (fct_table_photo){.id = p->id, .is_video = p->is_video};
    memcpy(mine->hash, p->hash, sizeof mine->hash);
    return FCT_OK;
}

static fct_status take_face(void *user, const fct_album_face *f, fct_error *err) {
    fct_album_table *t = user;
    fct_table_face *list = fct_grow(t->faces, &t->faces_cap, t->n_faces + 1, sizeof *list);
    if (!list) return nomem(err);
    t->faces = list;
    list[t->n_faces++] =
        (fct_table_face){f->id, f->photo_id, f->person_id, {f->box[0], f->box[1], f->box[2], f->box[3]}};
    return FCT_OK;
}

static fct_status take_file(void *user, const fct_album_file *f, fct_error *err) {
    fct_album_table *t = user;
    if (!f->photo_id) return FCT_OK;
    fct_table_file *list = fct_grow(t->files, &t->files_cap, t->n_files + 1, sizeof *list);
    if (!list) return nomem(err);
    t->files = list;
    char *path = fct_strdup(f->path);
    if (!path) return nomem(err);
    list[t->n_files] = (fct_table_file){f->photo_id, t->n_files, path};
    t->n_files++;
    return FCT_OK;
}

static fct_status take_person(void *user, const fct_album_person *p, fct_error *err) {
    fct_album_table *t = user;
    fct_table_person *list = fct_grow(t->people, &t->people_cap, t->n_people + 1, sizeof *list);
    if (!list) return nomem(err);
    t->people = list;
    char *name = p->name ? fct_strdup(p->name) : NULL;
    if (p->name && !name) return nomem(err);
    list[t->n_people++] = (fct_table_person){p->id, p->ignored, name};
    return FCT_OK;
}

static int compare(int64_t x, int64_t y) { return (x > y) - (x < y); }
static int photos_by_id(const void *a, const void *b) {
    return compare(((const fct_table_photo *)a)->id, ((const fct_table_photo *)b)->id);
}
static int people_by_id(const void *a, const void *b) {
    return compare(((const fct_table_person *)a)->id, ((const fct_table_person *)b)->id);
}
static int faces_by_photo(const void *a, const void *b) {
    const fct_table_face *x = a, *y = b;
    return x->photo_id != y->photo_id ? compare(x->photo_id, y->photo_id) : compare(x->id, y->id);
}
static int files_by_photo(const void *a, const void *b) {
    const fct_table_file *x = a, *y = b;
    return x->photo_id != y->photo_id ? compare(x->photo_id, y->photo_id)
                                      : compare((int64_t)x->order, (int64_t)y->order);
}

/* Sorts all lists and notes which part of faces and files is each photo's. */
static void arrange(fct_album_table *t) {
    if (t->n_photos) qsort(t->photos, t->n_photos, sizeof *t->photos, photos_by_id);
    if (t->n_people) qsort(t->people, t->n_people, sizeof *t->people, people_by_id);
    if (t->n_faces) qsort(t->faces, t->n_faces, sizeof *t->faces, faces_by_photo);
    if (t->n_files) qsort(t->files, t->n_files, sizeof *t->files, files_by_photo);
    size_t face = 0, file = 0;
    for (size_t i = 0; i < t->n_photos; i++) {
        fct_table_photo *p = &t->photos[i];
        while (face < t->n_faces && t->faces[face].photo_id < p->id) face++;
        while (file < t->n_files && t->files[file].photo_id < p->id) file++;
        p->face = face;
        p->file = file;
        while (face < t->n_faces && t->faces[face].photo_id == p->id) face++;
        while (file < t->n_files && t->files[file].photo_id == p->id) file++;
        p->n_faces = face - p->face;
        p->n_files = file - p->file;
    }
}

static int compare_hashes(const void *a, const void *b) {
    return memcmp(((const hash_place *)a)->hash, ((const hash_place *)b)->hash, 32);
}

/* Notes the order of the hashes. */
static fct_status index_hashes(fct_album_table *t, fct_error *err) {
    hash_place *list = fct_realloc_array(NULL, t->n_photos + 1, sizeof *list);
    t->by_hash = fct_realloc_array(NULL, t->n_photos + 1, sizeof *t->by_hash);
    if (!list || !t->by_hash) return fct_free(list), nomem(err);
    for (size_t i = 0; i < t->n_photos; i++) list[i] = (hash_place){t->photos[i].hash, i};
    if (t->n_photos) qsort(list, t->n_photos, sizeof *list, compare_hashes);
    for (size_t i = 0; i < t->n_photos; i++) t->by_hash[i] = list[i].photo;
    fct_free(list);
    return FCT_OK;
}

fct_status fct_album_table_read(fct_album *a, fct_album_table *out, fct_error *err) {
    *out = (fct_album_table){0};
    fct_status s = fct_album_photos(a, 0, take_photo, out, err);
    if (!s) s = fct_album_faces(a, NULL, take_face, out, err);
    if (!s) s = fct_album_files(a, NULL, take_file, out, err);
    if (!s) s = fct_album_people(a, 0, take_person, out, err);
    if (!s) arrange(out);
    return s ? s : index_hashes(out, err);
}

void fct_album_table_free(fct_album_table *t) {
    for (size_t i = 0; i < t->n_files; i++) fct_free(t->files[i].path);
    for (size_t i = 0; i < t->n_people; i++) fct_free(t->people[i].name);
    fct_free(t->photos);
    fct_free(t->by_hash);
    fct_free(t->faces);
    fct_free(t->files);
    fct_free(t->people);
    *t = (fct_album_table){0};
}

const fct_table_person *fct_album_table_person(const fct_album_table *t, int64_t id) {
    fct_table_person key = {.id = id};
    return t->n_people ? bsearch(&key, t->people, t->n_people, sizeof key, people_by_id) : NULL;
}

const fct_table_photo *fct_album_table_photo(const fct_album_table *t, const uint8_t hash[32]) {
    for (size_t low = 0, high = t->n_photos; low < high;) {
        size_t middle = low + (high - low) / 2;
        const fct_table_photo *p = &t->photos[t->by_hash[middle]];
        int order = memcmp(hash, p->hash, 32);
        if (!order) return p;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}
