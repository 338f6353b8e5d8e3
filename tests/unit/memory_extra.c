/* Collections, settings, negatives, keys and the audit log of the store in memory. */
#include "base/error.h"
#include "memory_content.h"
#include <stdlib.h>
#include <string.h>

fct_status memory_collections(fct_store *st, fct_collection_fn *fn, void *ctx, fct_error *err) {
    const memory_content *c = &memory_db_of(st)->now;
    fct_status s = FCT_OK;
    for (int64_t id = 1; id <= c->last_collection && !s; id++)
        for (int i = 0; i < c->n_collections && !s; i++)
            if (c->collections[i].id == id)
                s = fn(ctx, &(fct_store_collection){id, c->collections[i].created, c->collections[i].name, false}, err);
    return s;
}

static memory_collection *find_collection(memory_content *c, const char *name, int64_t id) {
    for (int i = 0; i < c->n_collections; i++)
        if (name ? !strcmp(c->collections[i].name, name) : c->collections[i].id == id) return &c->collections[i];
    return NULL;
}

fct_status memory_collections_add(fct_store *st, fct_store_collection *x, size_t n, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    for (size_t i = 0; i < n; i++) {
        memory_collection *mine = find_collection(c, x[i].name, 0);
        x[i].is_new = !mine;
        if (!mine) {
            if (c->n_collections == FEW) abort();
            mine = &c->collections[c->n_collections++];
            *mine = (memory_collection){.id = ++c->last_collection, .created = x[i].created};
            strncpy(mine->name, x[i].name, sizeof mine->name - 1);
            memory_note(db, FCT_CHANGE_SETTING, 0);
        }
        x[i].id = mine->id;
    }
    return FCT_OK;
}

fct_status memory_collection_rename(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_collection *holder = find_collection(&db->now, name, 0), *mine = find_collection(&db->now, NULL, id);
    *found = false;
    if (holder && holder->id != id) return fct_fail(err, FCT_ERR_EXISTS, "memory: %s: exists", name);
    if (!mine) return FCT_OK;
    *found = true;
    memset(mine->name, 0, sizeof mine->name);
    strncpy(mine->name, name, sizeof mine->name - 1);
    memory_note(db, FCT_CHANGE_SETTING, 0);
    return FCT_OK;
}

fct_status memory_collection_remove(fct_store *st, int64_t id, bool *found, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    memory_collection *mine = find_collection(c, NULL, id);
    *found = mine != NULL;
    if (!mine) return FCT_OK;
    for (int i = 0; i < c->n_people; i++)
        if (c->people[i].row.collection_id == id) abort();
    *mine = c->collections[--c->n_collections];
    for (int i = 0; i < c->n_settings; i++)
        if (c->settings[i].collection_id == id) c->settings[i--] = c->settings[--c->n_settings];
    memory_note(db, FCT_CHANGE_SETTING, 0);
    return FCT_OK;
}

fct_status memory_settings(fct_store *st, fct_setting_fn *fn, void *ctx, fct_error *err) {
    const memory_content *c = &memory_db_of(st)->now;
    fct_status s = FCT_OK;
    for (int i = 0; i < c->n_settings && !s; i++)
        s = fn(ctx, &(fct_store_setting){c->settings[i].collection_id, c->settings[i].key, c->settings[i].value}, err);
    return s;
}

fct_status memory_settings_put(fct_store *st, const fct_store_setting *x, size_t n, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    for (size_t k = 0; k < n; k++) {
        for (int i = 0; i < c->n_settings; i++)
            if (c->settings[i].collection_id == x[k].collection_id && !strcmp(c->settings[i].key, x[k].key))
                c->settings[i--] = c->settings[--c->n_settings];
        if (!x[k].value) continue;
        if (c->n_settings == FEW) abort();
        memory_setting *mine = &c->settings[c->n_settings++];
        *mine = (memory_setting){.collection_id = x[k].collection_id};
        strncpy(mine->key, x[k].key, sizeof mine->key - 1);
        strncpy(mine->value, x[k].value, sizeof mine->value - 1);
    }
    memory_note(db, FCT_CHANGE_SETTING, 0);
    return FCT_OK;
}

/* ---- Negatives and keys ------------------------------------------------------------- */

static bool is_asked_for(const int64_t *people, size_t n, int64_t id) {
    for (size_t i = 0; people && i < n; i++)
        if (people[i] == id) return true;
    return !people;
}

fct_status memory_negatives(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn, void *ctx,
                            fct_error *err) {
    memory_content *c = &memory_db_of(st)->now;
    fct_status s = FCT_OK;
    for (int p = 0; p < c->n_people && !s; p++) /* a person's come together */
        for (int i = 0; i < c->n_negatives && !s; i++) {
            fct_store_negative x = c->negatives[i];
            if (x.person_id != c->people[p].row.id || !is_asked_for(people, n, x.person_id)) continue;
            if (parts & FCT_FACE_KEY) x.key = c->people[p].key, x.key_size = c->people[p].key_size;
            s = fn(ctx, &x, err);
        }
    return s;
}

fct_status memory_negatives_add(fct_store *st, fct_store_negative *x, size_t n, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    for (size_t i = 0; i < n; i++) {
        if (c->n_negatives == MANY) abort();
        x[i].id = ++c->last_negative;
        fct_store_negative *mine = &c->negatives[c->n_negatives++];
        *mine = x[i];
        mine->embedding = memory_keep(db, x[i].embedding, x[i].embedding_size);
        memory_note(db, FCT_CHANGE_PERSON, x[i].person_id);
    }
    return FCT_OK;
}

fct_status memory_negatives_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    memory_db *db = memory_db_of(st);
    memory_content *c = &db->now;
    *removed = 0;
    for (size_t k = 0; k < n; k++)
        for (int i = 0; i < c->n_negatives; i++) {
            if (c->negatives[i].id != ids[k]) continue;
            memory_note(db, FCT_CHANGE_PERSON, c->negatives[i].person_id);
            c->negatives[i] = c->negatives[--c->n_negatives];
            ++*removed;
            break;
        }
    return FCT_OK;
}

fct_status memory_keys_put(fct_store *st, const fct_store_key *k, size_t n, fct_error *err) {
    memory_db *db = memory_db_of(st);
    for (size_t i = 0; i < n; i++) {
        memory_person *p = memory_find_person(&db->now, k[i].person_id);
        if (!p) abort();
        p->key = memory_keep(db, k[i].data, k[i].size);
        p->key_size = k[i].data ? k[i].size : 0;
        memory_note(db, FCT_CHANGE_PERSON, k[i].person_id);
    }
    return FCT_OK;
}

/* ---- The audit log -------------------------------------------------------------------- */

fct_status memory_audit(fct_store *st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err) {
    const memory_content *c = &memory_db_of(st)->now;
    fct_status s = FCT_OK;
    for (int i = 0; i < c->n_audit && !s; i++)
        if (c->audit[i].seq > after) s = fn(ctx, &c->audit[i], err);
    return s;
}

fct_status memory_audit_last(fct_store *st, int64_t *seq, uint8_t hash[32], fct_error *err) {
    const memory_content *c = &memory_db_of(st)->now;
    *seq = c->n_audit ? c->audit[c->n_audit - 1].seq : 0;
    memset(hash, 0, 32);
    if (c->n_audit) memcpy(hash, c->audit[c->n_audit - 1].hash, 32);
    return FCT_OK;
}

fct_status memory_audit_add(fct_store *st, const fct_store_audit *a, size_t n, fct_error *err) {
    memory_db *db = memory_db_of(st);
    for (size_t i = 0; i < n; i++) {
        if (db->now.n_audit == MANY) abort();
        fct_store_audit *mine = &db->now.audit[db->now.n_audit++];
        *mine = a[i];
        mine->actor = memory_keep(db, a[i].actor, strlen(a[i].actor) + 1);
        mine->what = memory_keep(db, a[i].what, strlen(a[i].what) + 1);
        mine->detail = memory_keep(db, a[i].detail, strlen(a[i].detail) + 1);
    }
    return FCT_OK;
}
