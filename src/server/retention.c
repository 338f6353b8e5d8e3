#include "server/retention.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "server/collections.h"

enum { FORGET_MOST = 1000 };

/* People, also removed ones, whose date has passed. */
static fct_status forget_people(srv_core *c, int *forgotten, fct_error *err) {
    fct_person *list;
    int64_t ids[FORGET_MOST];
    int n;
    fct_status s = fct_gallery_expired(c->gallery, fct_time_unix(), &list, &n, err);
    for (int i = 0; i < n && !s; i += FORGET_MOST) {
        int some = n - i < FORGET_MOST ? n - i : FORGET_MOST;
        for (int k = 0; k < some; k++) ids[k] = list[i + k].id;
        s = srv_core_forget(c, ids, some, err);
        *forgotten += s ? 0 : some;
    }
    fct_gallery_people_free(list);
    return s;
}

/* Removes the faces of a group that are older than a time, and the group where none is left. */
static fct_status tidy_group(srv_core *c, int64_t group, int64_t before, int *removed, fct_error *err) {
    fct_stored_face *faces;
    int n, old = 0, gone = 0;
    fct_status s = fct_gallery_faces(c->gallery, group, &faces, &n, err);
    if (s == FCT_ERR_NOT_FOUND) return FCT_OK; /* somebody was faster */
    int64_t *ids = s ? NULL : fct_alloc(((size_t)n + 1) * sizeof *ids);
    if (!s && !ids) s = fct_fail_nomem(err, "faces", 0);
    for (int i = 0; i < n && !s; i++)
        if (faces[i].created < before) ids[old++] = faces[i].id;
    if (!s && old) s = fct_gallery_remove_faces(c->gallery, ids, old, &gone, err);
    *removed += gone;
    if (!s && old == n) s = srv_core_forget(c, &group, 1, err);
    fct_gallery_faces_free(faces);
    fct_free(ids);
    return s;
}

static fct_status tidy_unknown(srv_core *c, int64_t id, int *removed, fct_error *err) {
    srv_collection set;
    fct_person *groups;
    int64_t place;
    int n = 0;
    fct_status s = srv_unknown_place(c, id, false, &place, err);
    if (s || !place) return s;
    s = srv_collection_read(c, id, &set, err);
    if (s) return s;
    int64_t before = fct_time_unix() - (int64_t)set.unknown_days * 86400;
    srv_collection_clear(&set);
    srv_work_in(place);
    s = fct_gallery_people(c->gallery, &groups, &n, err);
    for (int i = 0; i < n && !s; i++) s = tidy_group(c, groups[i].id, before, removed, err);
    fct_gallery_people_free(groups);
    srv_work_in(0);
    return s;
}

fct_status srv_retention_run(srv_app *app, srv_retention *out, fct_error *err) {
    srv_retention none, *sum = out ? out : &none;
    fct_collection *list;
    int n = 0;
    *sum = (srv_retention){0};
    srv_work_in(0);
    fct_status s = forget_people(&app->core, &sum->people, err);
    if (!s) s = fct_gallery_collections(app->core.gallery, &list, &n, err);
    for (int i = 0; i < n && !s; i++)
        if (list[i].name[0] != '.') s = tidy_unknown(&app->core, list[i].id, &sum->faces, err);
    if (n) fct_gallery_collections_free(list);
    return s;
}
