/* People: list, create, show, change. */
#include "server/facet_person.h"

#include "base/alloc.h"
#include "facet/privacy.h"
#include "server/enroll_api.h"
#include "text/names.h"

#include <stdio.h>
#include <string.h>

static void answer_list(srv_app *app, const srv_request *r, const srv_page *page, const fct_person *people, int n,
                        srv_reply *out) {
    fct_json_writer j;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "persons");
    for (int i = 0; i < n; i++) srv_json_person(&j, app, NULL, &people[i]);
    fct_json_close_array(&j);
    srv_json_cursor(&j, page);
    srv_json_close(&j, r, false);
}

/* The one person with an id of the client's, or nobody. */
static void list_external(srv_app *app, const srv_request *r, const srv_page *page, const char *external,
                          srv_reply *out) {
    fct_person p;
    fct_error e;
    fct_status s = fct_gallery_find_metadata(app->core.gallery, SRV_EXTERNAL_ID, external, &p, &e);
    if (s && s != FCT_ERR_NOT_FOUND) srv_fail_call(r, out, &e);
    else answer_list(app, r, page, &p, !s && p.id > page->after, out);
}

/* A page of the people whose names have a text in them, or of all where search is NULL. Names are stored in Unicode's
 * form C, so the text is brought to it: a keyboard may send "é" as two characters. */
static void list_matching(srv_app *app, const srv_request *r, srv_page *page, const char *search, srv_reply *out) {
    fct_person *people;
    fct_error e;
    char *clean = NULL;
    int n;
    fct_status s = search ? fct_text_nfc(search, &clean, &e) : FCT_OK;
    if (!s) s = srv_core_people(&app->core, clean, page, &people, &n, &e);
    fct_free(clean);
    if (s) srv_fail_call(r, out, &e);
    else {
        answer_list(app, r, page, people, n, out);
        fct_gallery_people_free(people);
    }
}

void srv_do_people(srv_app *app, srv_request *r, srv_reply *out) {
    srv_page page;
    const char *search = srv_request_query(r, "search"), *external = srv_request_query(r, SRV_EXTERNAL_ID);
    if (!srv_collection_of(app, r, out) || !srv_read_page_of(r, SRV_PEOPLE_MOST, &page, out)) return;
    if ((search && strlen(search) > 200) || (external && (!*external || strlen(external) > 200)))
        srv_fail(r, out, 400, "invalid_request", "search has at most 200 bytes, and external_id 1 to 200");
    else if (external) list_external(app, r, &page, external, out);
    else list_matching(app, r, &page, search, out);
}

void srv_answer_person(srv_app *app, const srv_request *r, int64_t id, srv_reply *out) {
    fct_json_writer j;
    fct_person p;
    fct_error e;
    if (fct_gallery_person(app->core.gallery, id, &p, &e)) {
        srv_fail_call(r, out, &e);
        return;
    }
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    srv_json_person(&j, app, "person", &p);
    srv_json_close(&j, r, false);
}

void srv_do_person(srv_app *app, srv_request *r, srv_reply *out) {
    fct_person p;
    if (srv_person_of(app, r, &p, out)) srv_answer_person(app, r, p.id, out);
}

/* Stores the new name, then the rest: a name that somebody has, or that is none, leaves all as it was. */
static void change(srv_app *app, srv_request *r, const fct_person *p, srv_form *form, srv_reply *out) {
    srv_person_terms t;
    fct_error e;
    if (srv_person_terms_read(r, form, &t, out) &&
        (!t.external || srv_external_is_free(app, r, t.external, p->id, out))) {
        fct_status s = t.has_name ? fct_gallery_rename(app->core.gallery, p->id, t.name, &e) : FCT_OK;
        bool named = !s;
        if (!s) s = srv_person_terms_store(&app->core, p->id, &t, &e);
        if (!named && s == FCT_ERR_EXISTS) srv_fail(r, out, 409, "person_exists", "somebody else has this name");
        else if (s == FCT_ERR_EXISTS) srv_fail_external(r, out);
        else if (s) srv_fail_call(r, out, &e);
        else srv_answer_person(app, r, p->id, out);
    }
    srv_person_terms_free(&t);
}

void srv_do_person_change(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_person p;
    if (srv_person_of(app, r, &p, out) &&
        srv_read_form(r, &form, "name|external_id?|metadata|expires_at?|consent?", out)) {
        if (form.kind == SRV_FORM_JSON) change(app, r, &p, &form, out);
        else srv_fail(r, out, 415, "invalid_request", "a change comes as JSON");
    }
    srv_form_free(&form);
}

void srv_fail_exists(const srv_request *r, srv_reply *out) {
    srv_fail(r, out, 409, "person_exists", "there is a person of this name; add faces to that one");
}

/* False, with an answer, where somebody has the name already. A request that was interrupted when the server
 * ended, and comes again, may have made the person itself. */
static bool name_is_free(srv_app *app, srv_request *r, const char *name, srv_reply *out) {
    fct_person p;
    fct_error e;
    fct_status s = r->again ? FCT_ERR_NOT_FOUND : fct_gallery_find(app->core.gallery, name, &p, &e);
    if (s == FCT_ERR_NOT_FOUND) return true;
    if (s) srv_fail_call(r, out, &e);
    else srv_fail_exists(r, out);
    return false;
}

static void create(srv_app *app, srv_request *r, srv_form *form, srv_reply *out) {
    srv_person_terms t;
    if (srv_person_terms_read(r, form, &t, out)) {
        const char *name = t.name ? t.name : t.external;
        if (!name) srv_fail(r, out, 400, "invalid_request", "name: is missing");
        else if (srv_form_text(form, "id")) srv_fail(r, out, 400, "invalid_request", "id: ids are given by the server");
        else if (name_is_free(app, r, name, out) &&
                 (!t.external || r->again || srv_external_is_free(app, r, t.external, 0, out))) {
            t.is_new = true;
            srv_enroll_form(app, r, form, name, &t, out);
        }
    }
    srv_person_terms_free(&t);
}

#define ENROLLMENT "images|review_mode|embedding_mode|external_embeddings|embedding_contract_id"

void srv_do_person_create(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    if (srv_collection_of(app, r, out) &&
        srv_read_form(r, &form, ENROLLMENT "|name|external_id|metadata|expires_at|consent", out))
        create(app, r, &form, out);
    srv_form_free(&form);
}

void srv_do_faces_add(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_person p;
    if (srv_person_of(app, r, &p, out) && srv_read_form(r, &form, ENROLLMENT, out))
        srv_enroll_form(app, r, &form, p.name, NULL, out);
    srv_form_free(&form);
}
