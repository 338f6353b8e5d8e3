/* Which faces a search may find, besides those of a collection: people, dates. */
#include "base/error.h"
#include "gallery/gallery_impl.h"

void fct_face_filter_clear(fct_face_filter *f) {
    fct_idset_clear(&f->given);
    fct_idset_clear(&f->dated);
    fct_idset_clear(&f->members);
}

/* A scan for the faces of a time. */
typedef struct date_scan {
    int64_t from, before;
    fct_idset *out;
} date_scan;

static fct_status take_dated(void *ctx, const fct_store_face *f, fct_error *err) {
    const date_scan *d = ctx;
    if (f->created < d->from || (d->before && f->created >= d->before)) return FCT_OK;
    return fct_idset_add(d->out, f->id) ? FCT_OK : fct_fail_nomem(err, "faces of a time", 0);
}

static fct_status scan_dates(void *ctx, fct_store *st, fct_error *err) {
    const date_scan *d = ctx;
    fct_faces_query q = {.parts = FCT_FACE_INFO};
    fct_idset_clear(d->out);
    return st->ops->faces(st, &q, take_dated, ctx, err);
}

fct_status fct_face_filter_make(fct_gallery *g, const fct_search_opts *o, fct_face_filter *f, fct_error *err) {
    f->people = o->people != NULL;
    f->except = o->except_people;
    f->dates = o->stored_from != 0 || o->stored_before != 0;
    if (o->n_people < 0 || (o->n_people && !o->people) || o->stored_from < 0 || o->stored_before < 0)
        return fct_fail(err, FCT_ERR_ARG, "search options: people or dates are not understood");
    if (f->dates && o->templates == FCT_TEMPLATE_MEAN)
        return fct_fail(err, FCT_ERR_ARG, "search options: dates choose among faces, and people's means have none");
    for (int i = 0; i < o->n_people; i++)
        if (!fct_idset_add(&f->given, o->people[i])) return fct_fail_nomem(err, "people of a search", 0);
    date_scan d = {o->stored_from, o->stored_before, &f->dated};
    return f->dates ? fct_gallery_read_apart(g, scan_dates, &d, err) : FCT_OK;
}

/* Takes from the members of a collection who is excepted, or all but those who are given. */
static bool narrow(const fct_search_opts *o, fct_face_filter *f) {
    fct_idset both = {.n = 0};
    bool good = true;
    for (int i = 0; i < o->n_people && good; i++) {
        if (f->except) fct_idset_remove(&f->members, o->people[i]);
        else if (fct_idset_has(&f->members, o->people[i])) good = fct_idset_add(&both, o->people[i]);
    }
    if (f->except) return good;
    fct_idset_clear(&f->members);
    f->members = both;
    return good;
}

fct_status fct_face_filter_apply(fct_face_filter *f, const fct_search_opts *o, const fct_idset *members, bool limited,
                                 fct_index_filter *out, bool *any, fct_error *err) {
    fct_idset_clear(&f->members);
    *any = limited || f->people || f->dates;
    *out = (fct_index_filter){.faces = f->dates ? &f->dated : NULL};
    if (limited && members && !fct_idset_copy(members, &f->members))
        return fct_fail_nomem(err, "people of a collection", 0);
    if (limited && f->people && !narrow(o, f)) return fct_fail_nomem(err, "people of a search", 0);
    if (limited) out->people = &f->members;
    else if (f->people) *out = (fct_index_filter){&f->given, out->faces, f->except, false};
    return FCT_OK;
}
