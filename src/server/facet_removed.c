/* People who are removed: for a while they can be restored; then, or at once where that is
 * asked for, they are forgotten. */
#include "server/facet_person.h"

#include "base/error.h"
#include "base/file.h"
#include "facet/privacy.h"

#include <string.h>

static const int64_t day = 86400;

static fct_status remove_person(srv_core *c, int64_t id, bool forget, fct_error *err) {
    int days;
    fct_status s = srv_setting_int(c, 0, SRV_SETTING_REMOVED_DAYS, SRV_REMOVED_DAYS, &days, err);
    if (s) return s;
    if (forget || days == 0) return srv_core_forget(c, &id, 1, err);
    return fct_gallery_set_aside(c->gallery, id, fct_time_unix() + days * day, err);
}

void srv_do_person_remove(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form query = {.request = r};
    fct_person p;
    fct_error e;
    bool forget = false;
    if (srv_form_bool(&query, "forget", &forget, &e)) srv_fail_form(r, out, &e);
    else if (!srv_person_of(app, r, &p, out)) {
        if (r->again && out->status == 404) srv_gone(out);
    } else if (remove_person(&app->core, p.id, forget, &e)) srv_fail_call(r, out, &e);
    else out->status = 204;
}

/* ---- Removed people -------------------------------------------------------------------------------- */

static void write_removed(fct_json_writer *j, srv_app *app, const fct_removed *x) {
    fct_person p = {.id = x->id, .faces = x->faces, .created = x->created, .expires = x->expires};
    memcpy(p.name, x->name, sizeof p.name);
    fct_json_object(j, NULL);
    srv_json_person(j, app, "person", &p);
    fct_json_date(j, "removed_at", x->removed);
    fct_json_date(j, "forgotten_at", x->until);
    fct_json_close_object(j);
}

void srv_do_removed(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    srv_page page;
    fct_removed *list;
    fct_error e;
    int n, shown = 0;
    int64_t last = 0;
    if (!srv_collection_of(app, r, out) || !srv_read_page(r, &page, out)) return;
    if (fct_gallery_removed(app->core.gallery, &list, &n, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "removed");
    for (int i = 0; i < n; i++) {
        if (list[i].id <= page.after || list[i].collection_id != srv_place()) continue;
        if (shown++ == page.limit) {
            page.next = last;
            break;
        }
        last = list[i].id;
        write_removed(&j, app, &list[i]);
    }
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    fct_gallery_removed_free(list);
}

/* Whether the path names somebody who was removed from the collection; else *out says that it does not. */
static bool is_removed(srv_app *app, const srv_request *r, srv_reply *out) {
    fct_removed *list;
    fct_error e;
    int n;
    bool found = false;
    if (!srv_collection_of(app, r, out)) return false;
    if (fct_gallery_removed(app->core.gallery, &list, &n, &e)) {
        srv_fail_call(r, out, &e);
        return false;
    }
    for (int i = 0; i < n; i++) found |= list[i].id == srv_id_of(r, 1) && list[i].collection_id == srv_place();
    fct_gallery_removed_free(list);
    if (!found) srv_fail(r, out, 404, "resource_not_found", "nobody with this id was removed");
    return found;
}

void srv_do_restore(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    fct_error e;
    if (!is_removed(app, r, out)) {
        if (r->again && out->status == 404 && srv_person_of(app, r, &p, out)) srv_answer_person(app, r, p.id, out);
        return;
    }
    fct_status s = fct_gallery_restore_person(app->core.gallery, srv_id_of(r, 1), SRV_EXTERNAL_ID, &e);
    if (!s) srv_answer_person(app, r, srv_id_of(r, 1), out);
    else if (s != FCT_ERR_EXISTS || srv_external_fits(app, r, srv_id_of(r, 1), srv_place(), out))
        srv_fail_call(r, out, &e);
}

void srv_do_forget(srv_app *app, srv_request *r, srv_reply *out) {
    int64_t id;
    fct_error e;
    if (!is_removed(app, r, out)) {
        if (r->again && out->status == 404) srv_gone(out);
        return;
    }
    id = srv_id_of(r, 1);
    if (srv_core_forget(&app->core, &id, 1, &e)) srv_fail_call(r, out, &e);
    else out->status = 204;
}
