/* facet gallery: similar, collections, set, audit, expire, and encryption. */
#include "commands/gallery_actions.h"
#include "photos/report.h"
#include "shell/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- similar, collections, set -------------------------------------------------------------- */

/* Lists people who may be one person, or are easily mistaken for each other. */
int cli_gallery_similar(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    float threshold = (float)a->set.threshold, own;
    fct_similar *list;
    fct_error e;
    int n;
    if (isnan(threshold)) {
        if (fct_gallery_threshold(g, 0, &own, &e)) return cli_fail(&e);
        threshold = isnan(own) ? 0.4f : own;
    }
    if (fct_gallery_similar(g, threshold, &list, &n, &e)) return cli_fail(&e);
    for (int i = 0; i < n; i++) {
        const fct_similar *x = &list[i];
        if (!a->set.json) {
            cli_print("%5.2f  %s  %s\n", (double)x->score, x->name[0], x->name[1]);
            continue;
        }
        fct_json_writer j;
        cli_json_line(&j, stdout);
        fct_json_text(&j, "gallery", info->path);
        fct_json_number(&j, "cosine", (double)x->score, 4);
        fct_json_array(&j, "people");
        for (int k = 0; k < 2; k++) {
            fct_json_object(&j, NULL);
            fct_json_text(&j, "name", x->name[k]);
            fct_json_int(&j, "person_id", x->person_id[k]);
            fct_json_int(&j, "face_id", x->face_id[k]);
            fct_json_close_object(&j);
        }
        fct_json_close_array(&j);
        fct_json_close_object(&j);
        fct_json_end(&j);
    }
    fct_gallery_similar_free(list);
    if (!n && !a->set.json) cli_note("no two people with a cosine of %.2f or more", (double)threshold);
    return n ? CLI_DONE : CLI_NONE;
}

int cli_gallery_collections(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_collection *list;
    fct_error e;
    int n;
    if (fct_gallery_collections(g, &list, &n, &e)) return cli_fail(&e);
    for (int i = 0; i < n; i++) {
        if (!a->set.json) {
            cli_print("%6d %-7s %s", list[i].people, list[i].people == 1 ? "person" : "people", list[i].name);
            if (isnan(list[i].threshold)) putchar('\n');
            else printf("  (threshold %.4g)\n", (double)list[i].threshold);
            continue;
        }
        fct_json_writer j;
        cli_json_line(&j, stdout);
        fct_json_text(&j, "gallery", info->path);
        fct_json_text(&j, "collection", list[i].name);
        fct_json_int(&j, "collection_id", list[i].id);
        fct_json_int(&j, "people", list[i].people);
        fct_json_number(&j, "threshold", (double)list[i].threshold, 4);
        fct_json_close_object(&j);
        fct_json_end(&j);
    }
    fct_gallery_collections_free(list);
    return CLI_DONE;
}

/* Finds a collection by its name. That there is none is an answer, after one line. */
static int find_named(fct_gallery *g, const char *name, fct_collection *out) {
    fct_error e;
    fct_collection *list;
    int64_t id;
    int n;
    fct_status s = fct_gallery_find_collection(g, name, &id, &e);
    if (s == FCT_ERR_NOT_FOUND) {
        cli_error("%s: no collection of this name in the gallery", name);
        return CLI_NONE;
    }
    if (s || fct_gallery_collections(g, &list, &n, &e)) return cli_fail(&e);
    *out = (fct_collection){.id = id};
    for (int i = 0; i < n; i++)
        if (list[i].id == id) *out = list[i];
    fct_gallery_collections_free(list);
    return CLI_DONE;
}

/* Gives a collection another name; who is in it stays there. */
int cli_gallery_rename_collection(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_collection c;
    fct_error e;
    (void)info;
    int code = find_named(g, a->words[1], &c);
    if (code) return code;
    fct_status s = fct_gallery_rename_collection(g, c.id, a->words[2], &e);
    if (s == FCT_ERR_EXISTS) {
        cli_error("%s: another collection has this name", a->words[2]);
        return CLI_USE;
    }
    if (s) return cli_fail(&e);
    cli_note("%s is now %s", c.name, a->words[2]);
    return CLI_DONE;
}

/* Asks first, since its people go with it. */
int cli_gallery_remove_collection(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_collection c;
    fct_error e;
    int people, code = find_named(g, a->words[1], &c);
    (void)info;
    if (code) return code;
    char *question =
        cli_format("Remove %s with %s and all their faces?", c.name, cli_count(c.people, "person", "people"));
    code = cli_confirm(&a->set, question);
    free(question);
    if (code) return code;
    if (fct_gallery_remove_collection(g, c.id, &people, &e)) return cli_fail(&e);
    cli_note("%s removed with %s", c.name, cli_count(people, "person", "people"));
    return CLI_DONE;
}

/* Id of --collection, 0 where none was given. */
static int find_collection(const cli_args *a, fct_gallery *g, int64_t *id) {
    fct_error e;
    *id = 0;
    if (!a->set.collection) return CLI_DONE;
    return fct_gallery_add_collection(g, a->set.collection, id, &e) ? cli_fail(&e) : CLI_DONE;
}

/* Sets a setting, or takes it away where the value is empty. */
int cli_gallery_set(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    const char *key = a->words[1], *value = *a->words[2] ? a->words[2] : NULL;
    int64_t id;
    fct_error e;
    if (strcmp(key, "threshold") != 0 && strcmp(key, "audit") != 0) { /* a slip would be stored, and have no effect */
        cli_error("gallery set: no setting '%s'; there are threshold and audit", key);
        return CLI_USE;
    }
    int code = find_collection(a, g, &id);
    if (code) return code;
    if (fct_gallery_set_setting(g, id, key, value, &e)) return cli_fail(&e);
    cli_note("%s: %s%s%s", a->set.collection ? a->set.collection : info->path, key, value ? " is " : " is not set",
             value ? value : "");
    return CLI_DONE;
}

/* ---- audit ------------------------------------------------------------------------------------- */

static const char *time_of(int64_t seconds, char out[32]) {
    time_t t = (time_t)seconds;
    struct tm *tm = gmtime(&t);
    if (!tm || strftime(out, 32, "%Y-%m-%d %H:%M:%S", tm) == 0) snprintf(out, 32, "?");
    return out;
}

static fct_status show_entry(const fct_audit_entry *x, void *user, fct_error *err) {
    const cli_args *a = user;
    char date[32];
    (void)err;
    if (!a->set.json) {
        cli_print("%6" PRId64 "  %s  %-12s %s  %s\n", x->seq, time_of(x->time, date), x->what, x->actor, x->detail);
        return FCT_OK;
    }
    fct_json_writer j;
    cli_json_line(&j, stdout);
    fct_json_int(&j, "seq", x->seq);
    fct_json_date(&j, "time", x->time);
    fct_json_text(&j, "actor", x->actor);
    fct_json_text(&j, "what", x->what);
    fct_json_text(&j, "detail", x->detail);
    fct_json_text(&j, "hash", x->hash);
    fct_json_close_object(&j);
    fct_json_end(&j);
    return FCT_OK;
}

/* Shows the log, or, with --verify, goes through its chain of hashes. */
int cli_gallery_audit(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    int64_t n;
    char hash[65];
    fct_error e;
    if (!a->set.verify) return fct_gallery_audit(g, 0, show_entry, a, &e) ? cli_fail(&e) : CLI_DONE;
    if (fct_gallery_verify_audit(g, &n, hash, &e)) return cli_fail(&e);
    if (a->set.json) {
        fct_json_writer j;
        cli_json_line(&j, stdout);
        fct_json_text(&j, "gallery", info->path);
        fct_json_int(&j, "entries", n);
        fct_json_text(&j, "hash", hash);
        fct_json_close_object(&j);
        fct_json_end(&j);
    } else cli_print("%s: whole, %s, the last %s\n", info->path, cli_count((int)n, "entry", "entries"), hash);
    return CLI_DONE;
}

/* ---- expire -------------------------------------------------------------------------------------- */

static int forget_all(cli_args *a, fct_gallery *g, const fct_person *people, int n) {
    fct_error e;
    int64_t *ids = cli_alloc((size_t)n, sizeof *ids);
    for (int i = 0; i < n; i++) ids[i] = people[i].id;
    char *question = cli_format("Forget %s whose time is over?", cli_count(n, "person", "people"));
    int code = cli_confirm(&a->set, question);
    free(question);
    if (!code && fct_gallery_forget(g, ids, n, NULL, &e)) code = cli_fail(&e);
    if (!code) cli_note("%s forgotten", cli_count(n, "person", "people"));
    free(ids);
    return code;
}

/* Forgets those whose retention date has passed; --dry-run only lists them. */
int cli_gallery_expire(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    fct_person *people;
    fct_error e;
    int n, code = CLI_DONE;
    (void)info;
    if (fct_gallery_expired(g, (int64_t)time(NULL), &people, &n, &e)) return cli_fail(&e);
    for (int i = 0; i < n; i++) {
        char date[32];
        if (!a->set.json) {
            cli_print("%.10s  %s\n", time_of(people[i].expires, date), people[i].name);
            continue;
        }
        fct_json_writer j;
        cli_json_line(&j, stdout);
        fct_json_text(&j, "name", people[i].name);
        fct_json_int(&j, "person_id", people[i].id);
        fct_json_date(&j, "expires", people[i].expires);
        fct_json_close_object(&j);
        fct_json_end(&j);
    }
    if (n && !a->set.dry_run) code = forget_all(a, g, people, n);
    fct_gallery_people_free(people);
    return code;
}

/* ---- Encryption ------------------------------------------------------------------------------------ */

/* The gallery that is to be encrypted, or whose key changes. The audit log notes from here on who does it. */
static const char *path_of(const cli_settings *s, char standard[4096], int *code) {
    fct_error e;
    *code = CLI_DONE;
    fct_gallery_act_for(cli_user_name());
    if (s->gallery) return s->gallery;
    if (fct_gallery_default_path(standard, 4096, &e)) *code = cli_fail(&e);
    return standard;
}

/* Encrypts; a key file that does not exist is made with a new key. */
int cli_gallery_encrypt(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    (void)g, (void)info;
    char standard[4096];
    int code;
    fct_error e;
    const char *path = path_of(&a->set, standard, &code), *key = a->set.key_file;
    if (code) return code;
    if (key) {
        fct_status s = fct_gallery_make_key(key, &e);
        if (!s) cli_note("%s: a new key; without it nobody can read the gallery again", key);
        else if (s != FCT_ERR_EXISTS) return cli_fail(&e);
    }
    if (fct_gallery_encrypt(path, key, &e)) return cli_fail(&e);
    cli_note("%s: encrypted", path);
    return CLI_DONE;
}

int cli_gallery_decrypt(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    (void)g, (void)info;
    char standard[4096];
    int code;
    fct_error e;
    const char *path = path_of(&a->set, standard, &code);
    if (!code) code = cli_confirm(&a->set, "Take the encryption off, so that everybody who reads the file reads all?");
    if (code) return code;
    if (fct_gallery_decrypt(path, a->set.key_file, &e)) return cli_fail(&e);
    cli_note("%s: not encrypted any more", path);
    return CLI_DONE;
}

int cli_gallery_rekey(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    (void)g, (void)info;
    char standard[4096];
    int code;
    fct_error e;
    const char *path = path_of(&a->set, standard, &code), *fresh = a->words[1];
    if (code) return code;
    fct_status s = fct_gallery_make_key(fresh, &e);
    if (!s) cli_note("%s: a new key", fresh);
    else if (s != FCT_ERR_EXISTS) return cli_fail(&e);
    if (fct_gallery_rekey(path, a->set.key_file, fresh, &e)) return cli_fail(&e);
    cli_note("%s: opens with the key of %s from now on", path, fresh);
    return CLI_DONE;
}

/* Gives a copy the keys of those who are not forgotten. */
int cli_gallery_restore_keys(cli_args *a, fct_gallery *g, const fct_gallery_info *info) {
    (void)g, (void)info;
    char standard[4096];
    int code, restored, removed;
    fct_error e;
    const char *path = path_of(&a->set, standard, &code);
    if (code) return code;
    if (fct_gallery_restore_keys(path, a->set.key_file, a->words[1], &restored, &removed, &e)) return cli_fail(&e);
    cli_note("%s: %s, %d forgotten since", path, cli_count(restored, "person", "people"), removed);
    return CLI_DONE;
}
