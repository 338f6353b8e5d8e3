#include "server/unknown.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "server/collections.h"
#include "server/problem.h"
#include "server/register.h"
#include "text/json_reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TOUCH_SECONDS = 60 }; /* a group that is seen again so soon is not noted again */

/* ---- Notes ---------------------------------------------------------------------------------------------- */

fct_status srv_group_read(srv_core *c, int64_t group, srv_group *out, fct_error *err) {
    fct_details d;
    fct_json_doc doc = {0};
    fct_json_fault fault;
    *out = (srv_group){0};
    fct_status s = fct_gallery_details(c->gallery, group, &d, err);
    if (s) return s;
    if (fct_json_read(&doc, d.metadata, strlen(d.metadata), &fault) == FCT_ERR_NOMEM)
        s = fct_fail_nomem(err, "group", 0);
    const fct_json *root = s ? NULL : doc.values;
    const char *source = fct_json_get_text(fct_json_member(root, "source"));
    if (source) snprintf(out->source, sizeof out->source, "%s", source);
    fct_json_get_int(fct_json_member(root, "last"), &out->last);
    fct_json_get_int(fct_json_member(root, "times"), &out->times);
    fct_json_get_int(fct_json_member(root, "parted"), &out->parted);
    fct_json_get_bool(fct_json_member(root, "ignored"), &out->ignored);
    fct_json_free(&doc);
    fct_details_clear(&d);
    return s;
}

fct_status srv_group_write(srv_core *c, int64_t group, const srv_group *x, fct_error *err) {
    fct_buf b = {0};
    fct_json_writer j;
    fct_json_to_buf(&j, &b);
    fct_json_object(&j, NULL);
    fct_json_int(&j, "last", x->last);
    fct_json_int(&j, "times", x->times);
    fct_json_bool(&j, "ignored", x->ignored);
    if (*x->source) fct_json_text(&j, "source", x->source);
    if (x->parted) fct_json_int(&j, "parted", x->parted);
    fct_json_close_object(&j);
    fct_status s =
        b.failed ? fct_fail_nomem(err, "group", 0) : fct_gallery_replace_metadata(c->gallery, group, b.data, NULL, err);
    fct_buf_free(&b);
    return s;
}

/* Names of groups are shown to nobody. */
static void make_name(char out[40]) {
    char id[37];
    srv_new_id(id);
    snprintf(out, 40, "?%s", id);
}

fct_status srv_group_make(srv_core *c, int64_t *id, fct_error *err) {
    char name[40];
    make_name(name);
    return fct_gallery_add_person(c->gallery, name, id, err);
}

fct_status srv_group_settle(srv_core *c, int64_t group, fct_error *err) {
    fct_person p;
    fct_status s = fct_gallery_person(c->gallery, group, &p, err);
    if (s == FCT_ERR_NOT_FOUND) return FCT_OK;
    return s || p.faces ? s : fct_gallery_remove_person(c->gallery, group, err);
}

/* ---- Seeing ---------------------------------------------------------------------------------------------- */

static bool is_worth_it(const fct_face *f) {
    float side = fminf(f->box[2] - f->box[0], f->box[3] - f->box[1]);
    return f->embedding && f->has_kps && side >= SRV_UNKNOWN_LEAST;
}

static fct_status store(srv_core *c, const char *name, bool crops, fct_view picture, const fct_face *face,
                        const char *source, fct_error *err) {
    fct_enroll_result result;
    fct_enroll_opts o;
    fct_enroll_opts_init(&o);
    o.no_crop = !crops;
    o.source = source && *source ? source : SRV_SOURCE_SERVER;
    return fct_enroll(c->gallery, c->pack, name, picture, face, &o, &result, err);
}

/* Whether one more group may be made. */
static fct_status has_room(srv_core *c, bool *out, fct_error *err) {
    fct_person *list;
    int n;
    fct_status s = fct_gallery_people(c->gallery, &list, &n, err);
    fct_gallery_people_free(list);
    *out = !s && n < SRV_UNKNOWN_GROUPS;
    return s;
}

/* Notes that a group was seen. */
static fct_status touch(srv_core *c, int64_t group, const char *source, bool is_new, fct_error *err) {
    srv_group x;
    int64_t now = fct_time_unix();
    fct_status s = srv_group_read(c, group, &x, err);
    bool same = !source || strcmp(source, x.source) == 0;
    if (s || (!is_new && same && now - x.last < TOUCH_SECONDS)) return s;
    x.last = now;
    x.times++;
    if (source) snprintf(x.source, sizeof x.source, "%s", source);
    return srv_group_write(c, group, &x, err);
}

/* Keeps a face in the group that it is like, or in a new one. The thread works among the groups. */
static fct_status keep(srv_core *c, float threshold, bool crops, fct_view picture, const fct_face *face,
                       const char *source, int64_t *group, fct_error *err) {
    fct_match m;
    fct_person p = {0};
    srv_group note = {0};
    int n;
    bool room = true;
    char name[sizeof m.name];
    fct_status s = srv_core_search(c, face, threshold, 1, &m, &n, err);
    if (!s && n) s = fct_gallery_person(c->gallery, m.person_id, &p, err);
    if (!s && n) s = srv_group_read(c, p.id, &note, err);
    if (!s && !n) s = has_room(c, &room, err);
    if (s || !room) return s;
    if (n) memcpy(name, p.name, sizeof name);
    else make_name(name);
    if (!n || (p.faces < SRV_UNKNOWN_FACES && !note.ignored)) s = store(c, name, crops, picture, face, source, err);
    if (!s) s = fct_gallery_find(c->gallery, name, &p, err);
    if (!s) s = touch(c, p.id, source, !n, err);
    if (!s) *group = p.id;
    return s;
}

fct_status srv_unknown_see(srv_app *app, int64_t collection, fct_view picture, const fct_face *face, const char *source,
                           int64_t *group, fct_error *err) {
    srv_collection set;
    int64_t place, before = srv_place();
    *group = 0;
    fct_status s = srv_collection_read(&app->core, collection, &set, err);
    bool wanted = !s && set.keep_unknown && is_worth_it(face), crops = set.save_crops;
    if (!s) srv_collection_clear(&set);
    if (s || !wanted) return s;
    srv_work_in(collection);
    float threshold = srv_core_threshold(&app->core);
    fct_mutex_lock(&app->change_lock); /* two like faces at once make one group */
    s = srv_unknown_place(&app->core, collection, true, &place, err);
    srv_work_in(place);
    if (!s) s = keep(&app->core, threshold, crops, picture, face, source, group, err);
    fct_mutex_unlock(&app->change_lock);
    srv_work_in(before);
    return s;
}
