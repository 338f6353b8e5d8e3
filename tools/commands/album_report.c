#include "commands/album_report.h"

#include <stdlib.h>
#include <string.h>

/* ---- Reading ---------------------------------------------------------------------------- */

static fct_status take_person(void *user, const fct_album_person *p, fct_error *err) {
    report_book *b = user;
    (void)err;
    if (p->ignored || !p->faces || (!p->name && p->photos < 2)) return FCT_OK;
    b->people = cli_grow(b->people, &b->people_cap, b->n_people + 1, sizeof *b->people);
    b->people[b->n_people++] = (report_person){.id = p->id,
                                               .name = p->name ? cli_format("%s", p->name) : NULL,
                                               .faces = p->faces,
                                               .first = p->first,
                                               .last = p->last};
    return FCT_OK;
}

static fct_status take_photo(void *user, const fct_album_photo *p, fct_error *err) {
    report_book *b = user;
    (void)err;
    if (!p->path) return FCT_OK;
    b->photos = cli_grow(b->photos, &b->photos_cap, b->n_photos + 1, sizeof *b->photos);
    report_photo *mine = &b->photos[b->n_photos++];
    *mine = (report_photo){.id = p->id,
                           .order = b->n_photos,
                           .taken = p->taken,
                           .path = cli_format("%s", p->path),
                           .width = p->width,
                           .height = p->height,
                           .is_video = p->is_video};
    for (int i = 0; i < 8; i++) snprintf(mine->mark + 2 * i, 3, "%02x", p->hash[i]);
    return FCT_OK;
}

static int people_by_id(const void *a, const void *b) {
    const report_person *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static fct_status take_face(void *user, const fct_album_face *f, fct_error *err) {
    report_book *b = user;
    report_person key = {.id = f->person_id};
    (void)err;
    const report_person *p =
        f->person_id && b->n_people ? bsearch(&key, b->people, b->n_people, sizeof key, people_by_id) : NULL;
    if (!p) return FCT_OK;
    b->faces = cli_grow(b->faces, &b->faces_cap, b->n_faces + 1, sizeof *b->faces);
    b->faces[b->n_faces++] = (report_face){f->id, f->photo_id, (size_t)f->person_id, f->quality.score * f->score};
    return FCT_OK;
}

static int photos_by_id(const void *a, const void *b) {
    const report_photo *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int faces_by_photo(const void *a, const void *b) {
    const report_face *x = a, *y = b;
    if (x->photo_id != y->photo_id) return x->photo_id < y->photo_id ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* People with a name before others, then those with most photos. */
static int people_by_weight(const void *a, const void *b) {
    const report_person *x = a, *y = b;
    if (!x->name != !y->name) return x->name ? -1 : 1;
    if (x->photos != y->photos) return x->photos > y->photos ? -1 : 1;
    return people_by_id(a, b);
}

/* Faces know their person by id until here, and by its place from here on. */
static void number_people(report_book *b) {
    for (size_t i = 0; i < b->n_faces; i++) {
        size_t k = 0;
        while ((size_t)b->people[k].id != b->faces[i].person) k++;
        b->faces[i].person = k;
    }
}

/* Counts the photos with each person's faces; places without a face that were named elsewhere are not shown. */
static void count_photos(report_book *b) {
    int64_t *last = cli_alloc(b->n_people + 1, sizeof *last);
    for (size_t i = 0; i < b->n_faces; i++) {
        report_person key = {.id = (int64_t)b->faces[i].person};
        report_person *p = bsearch(&key, b->people, b->n_people, sizeof key, people_by_id);
        if (!p || last[p - b->people] == b->faces[i].photo_id) continue;
        last[p - b->people] = b->faces[i].photo_id;
        p->photos++;
    }
    free(last);
}

int cli_report_read(fct_album *album, report_book *out) {
    fct_error e;
    *out = (report_book){0};
    if (fct_album_people(album, 0, take_person, out, &e) || fct_album_photos(album, 0, take_photo, out, &e))
        return cli_fail(&e);
    if (out->n_people) qsort(out->people, out->n_people, sizeof *out->people, people_by_id);
    if (fct_album_faces(album, NULL, take_face, out, &e)) return cli_fail(&e);
    if (out->n_faces) qsort(out->faces, out->n_faces, sizeof *out->faces, faces_by_photo);
    count_photos(out);
    if (out->n_people) qsort(out->people, out->n_people, sizeof *out->people, people_by_weight);
    if (out->n_photos) qsort(out->photos, out->n_photos, sizeof *out->photos, photos_by_id);
    number_people(out);
    return CLI_DONE;
}

void cli_report_free(report_book *b) {
    for (size_t i = 0; i < b->n_people; i++) free(b->people[i].name);
    for (size_t i = 0; i < b->n_photos; i++) free(b->photos[i].path);
    free(b->people);
    free(b->photos);
    free(b->faces);
    *b = (report_book){0};
}

const report_photo *cli_report_photo(const report_book *b, int64_t id) {
    report_photo key = {.id = id};
    return b->n_photos ? bsearch(&key, b->photos, b->n_photos, sizeof key, photos_by_id) : NULL;
}
