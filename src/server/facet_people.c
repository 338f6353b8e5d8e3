/* People: list, create, show, rename, remove. */
#include "server/facet_api.h"

#include "server/enroll_api.h"

#include <stdio.h>
#include <string.h>

void srv_do_people(srv_app *app, srv_request *r, srv_reply *out) {
    srv_page page;
    fct_person *people;
    fct_json_writer j;
    fct_error e;
    int n;
    const char *search = srv_request_query(r, "search");
    if (!srv_collection_of(r, out) || !srv_read_page(r, &page, out)) return;
    if (search && strlen(search) > 200) {
        srv_fail(r, out, 400, "invalid_request", "search: is longer than 200 bytes");
        return;
    }
    if (srv_core_people(&app->core, search, &page, &people, &n, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "persons");
    for (int i = 0; i < n; i++) srv_json_person(&j, NULL, &people[i]);
    fct_json_close_array(&j);
    srv_json_cursor(&j, &page);
    srv_json_close(&j, r, false);
    fct_gallery_people_free(people);
}

static void answer_person(const srv_request *r, srv_reply *out, const fct_person *p) {
    fct_json_writer j;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    srv_json_person(&j, "person", p);
    srv_json_close(&j, r, false);
}

void srv_do_person(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    if (srv_person_of(app, r, &p, out)) answer_person(r, out, &p);
}

void srv_do_person_change(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_person p;
    fct_error e;
    if (srv_person_of(app, r, &p, out) && srv_read_form(r, &form, "name", out)) {
        const char *name = srv_form_text(&form, "name");
        if (!name) srv_fail(r, out, 400, "invalid_request", "name: is missing");
        else if (fct_gallery_rename(app->core.gallery, p.id, name, &e) ||
                 fct_gallery_person(app->core.gallery, p.id, &p, &e))
            srv_fail_call(r, out, &e);
        else answer_person(r, out, &p);
    }
    srv_form_free(&form);
}

void srv_do_person_remove(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    fct_error e;
    if (!srv_person_of(app, r, &p, out)) return;
    if (fct_gallery_remove_person(app->core.gallery, p.id, &e)) srv_fail_call(r, out, &e);
    else out->status = 204;
}

static void create(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    fct_person p;
    fct_error e;
    const char *name = srv_form_text(form, "name");
    if (!name) srv_fail(r, out, 400, "invalid_request", "name: is missing");
    else if (srv_form_text(form, "id")) srv_fail(r, out, 400, "invalid_request", "id: ids are given by the server");
    else if (!fct_gallery_find(app->core.gallery, name, &p, &e))
        srv_fail(r, out, 409, "person_exists", "there is a person of this name; add faces to that one");
    else if (e.code != FCT_ERR_NOT_FOUND) srv_fail_call(r, out, &e);
    else srv_enroll_form(app, r, form, name, true, out);
}

void srv_do_person_create(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    if (srv_collection_of(r, out) && srv_read_form(r, &form, "images|name|review_mode", out))
        create(app, r, &form, out);
    srv_form_free(&form);
}
