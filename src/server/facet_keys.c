/* Keys over the network: listed, made and removed as 'facet serve keys' does it. */
#include "server/facet_api.h"

#include "base/error.h"

#include <string.h>

static void write_key(fct_json_writer *j, const char *key, const srv_request *r, const srv_key *k) {
    fct_json_object(j, key);
    fct_json_text(j, "id", k->id);
    fct_json_text(j, "name", k->name);
    fct_json_text(j, "role", srv_role_name(k->role));
    fct_json_text(j, "collection", *k->collection ? k->collection : NULL);
    fct_json_date(j, "created_at", k->created);
    fct_json_bool(j, "current", strcmp(k->id, r->key_id) == 0);
    fct_json_close_object(j);
}

void srv_do_keys(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_array(&j, "keys");
    fct_mutex_lock(&app->keys_lock);
    for (size_t i = 0; i < app->keys.n; i++) write_key(&j, NULL, r, &app->keys.at[i]);
    fct_mutex_unlock(&app->keys_lock);
    fct_json_close_array(&j);
    srv_json_close(&j, r, false);
}

void srv_do_key_current(srv_app *app, srv_request *r, srv_reply *out) {
    fct_json_writer j;
    bool found = false;
    srv_reply_json(out, 200, &j);
    fct_json_object(&j, NULL);
    fct_json_text(&j, "role", srv_role_name(r->role));
    fct_mutex_lock(&app->keys_lock);
    for (size_t i = 0; i < app->keys.n; i++)
        if (*r->key_id && strcmp(app->keys.at[i].id, r->key_id) == 0) {
            write_key(&j, "key", r, &app->keys.at[i]);
            found = true;
        }
    fct_mutex_unlock(&app->keys_lock);
    if (!found) fct_json_null(&j, "key");
    srv_json_close(&j, r, false);
}

/* Writes a changed list and uses it from now on. keys is the app's then, also on failure. */
static fct_status use_keys(srv_app *app, srv_keys *keys, fct_error *err) {
    fct_status s = srv_keys_write(app->keys_path, keys, err);
    if (!s) {
        fct_mutex_lock(&app->keys_lock);
        srv_keys old = app->keys;
        app->keys = *keys;
        *keys = old;
        fct_mutex_unlock(&app->keys_lock);
    }
    srv_keys_free(keys);
    return s;
}

static fct_status add_key(srv_app *app, const char *name, srv_role role, const char *collection, srv_key *made,
                          char text[SRV_KEY_TEXT], fct_error *err) {
    srv_keys keys;
    fct_mutex_lock(&app->change_lock);
    fct_status s = srv_keys_read(app->keys_path, &keys, err); /* the command may have changed them */
    if (!s) s = srv_keys_add(&keys, name, role, text, err);
    if (!s && collection) s = srv_keys_bind(&keys, name, collection, err);
    if (!s) {
        *made = keys.at[keys.n - 1];
        s = use_keys(app, &keys, err);
    } else srv_keys_free(&keys);
    fct_mutex_unlock(&app->change_lock);
    return s;
}

void srv_do_key_create(srv_app *app, srv_request *r, srv_reply *out) {
    srv_form form = {0};
    fct_json_writer j;
    fct_error e;
    srv_key key;
    char text[SRV_KEY_TEXT];
    if (srv_read_form(r, &form, "name|role|collection", out)) {
        const char *name = srv_form_text(&form, "name"), *role = srv_form_text(&form, "role"),
                   *collection = srv_form_text(&form, "collection");
        if (!name || !role || !srv_role_find(role))
            srv_fail(r, out, 400, "invalid_request", "a key has a name, and a role: reader, enroller or admin");
        else if (add_key(app, name, srv_role_find(role), collection, &key, text, &e)) {
            if (e.code == FCT_ERR_EXISTS) srv_fail(r, out, 409, "key_exists", e.text);
            else srv_fail_call(r, out, &e);
        } else {
            srv_reply_json(out, 201, &j);
            fct_json_object(&j, NULL);
            write_key(&j, "key", r, &key);
            fct_json_text(&j, "secret", text);
            out->secret = true;
            srv_json_close(&j, r, false);
        }
    }
    srv_form_free(&form);
}

/* Whether a key of another id lets an admin in, whatever the collection. */
static bool has_other_admin(const srv_keys *keys, const char *id) {
    for (size_t i = 0; i < keys->n; i++)
        if (keys->at[i].role == SRV_ROLE_ADMIN && !*keys->at[i].collection && strcmp(keys->at[i].id, id) != 0)
            return true;
    return false;
}

void srv_do_key_remove(srv_app *app, srv_request *r, srv_reply *out) {
    srv_keys keys;
    fct_error e;
    const char *id = r->params[0];
    fct_mutex_lock(&app->change_lock);
    fct_status s = srv_keys_read(app->keys_path, &keys, &e);
    size_t at = 0;
    while (!s && at < keys.n && strcmp(keys.at[at].id, id) != 0) at++;
    bool found = !s && at < keys.n, last = found && !has_other_admin(&keys, id);
    if (found && !last) s = srv_keys_remove(&keys, id, &e);
    if (found && !last && !s) s = use_keys(app, &keys, &e);
    else srv_keys_free(&keys);
    fct_mutex_unlock(&app->change_lock);
    if (s) srv_fail_call(r, out, &e);
    else if (last) srv_fail(r, out, 409, "last_admin", "this is the last key of an admin");
    else if (found || r->again) out->status = 204;
    else srv_fail(r, out, 404, "resource_not_found", "there is no such key");
}
