/* A folder for each person. */
#include "album/album_sort_name.h"
#include "album/album_table.h"
#include "base/alloc.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/album_use.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct sort_run {
    fct_album *album;
    fct_album_table table;
    const char *folder;
    fct_sort_how how;
    fct_sorted_fn *fn;
    void *user;
    char **taken; /* names of folders given out, owned; by index of their person */
} sort_run;

/* ---- Folders ---------------------------------------------------------------------------- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static bool same_folder(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

static bool is_taken(const sort_run *r, const char *name) {
    for (size_t i = 0; i < r->table.n_people; i++)
        if (r->taken[i] && same_folder(r->taken[i], name)) return true;
    return false;
}

/* The folder's name of a person; of two people whose names come to the same the second gets a number. People come in
 * the order of their ids, so that it is the same one in every call. Owned. */
static char *folder_name(const sort_run *r, const char *person) {
    fct_buf b = {0};
    fct_sort_folder_name(person, &b);
    size_t stem = b.size;
    for (int n = 2; !b.failed && is_taken(r, b.data); n++) {
        b.size = stem;
        fct_buf_printf(&b, " (%d)", n);
    }
    char *name = fct_buf_take(&b, NULL);
    fct_buf_free(&b);
    return name;
}

/* ---- One photo ----------------------------------------------------------------------------- */

#define BLOCK 65536

/* Whether the next bytes of two files are the same; *end: there are no more. */
static bool same_block(FILE *f, FILE *g, char *x, bool *end) {
    size_t n = fread(x, 1, BLOCK, f);
    *end = n < BLOCK;
    return fread(x + BLOCK, 1, BLOCK, g) == n && !memcmp(x, x + BLOCK, n) && !ferror(f) && !ferror(g);
}

/* Whether two files of a size can be read and hold the same: all of them, or their begin, middle and end. */
static bool same_bytes(const char *a, const char *b, uint64_t size, bool all) {
    FILE *f = fct_fopen(a, "rb"), *g = fct_fopen(b, "rb");
    char *x = fct_alloc(2 * BLOCK);
    bool end = false, same = f && g && x && same_block(f, g, x, &end);
    long middle = size / 2 < LONG_MAX ? (long)(size / 2) : LONG_MAX;
    all = all || size <= 3 * BLOCK;
    while (all && same && !end) same = same_block(f, g, x, &end);
    if (!all && same) same = !fseek(f, middle, SEEK_SET) && !fseek(g, middle, SEEK_SET) && same_block(f, g, x, &end);
    if (!all && same) same = !fseek(f, -BLOCK, SEEK_END) && !fseek(g, -BLOCK, SEEK_END) && same_block(f, g, x, &end);
    if (f) fclose(f);
    if (g) fclose(g);
    fct_free(x);
    return same;
}

/* Whether what has the name already is this photo: the same file, or a copy. Of a copy with the size and time of the
 * photo a look at parts is enough, so that another call need not read all photos; size and time alone would take
 * uncompressed pictures out of one archive for each other. */
static bool is_same(const char *photo, const char *path) {
    fct_file_stat a, b;
    fct_file_get_stat(photo, &a);
    fct_file_get_stat(path, &b);
    if (!a.exists || !b.exists || a.size != b.size) return false;
    if (a.inode && a.device == b.device && a.inode == b.inode) return true;
    return same_bytes(photo, path, a.size, a.mtime_ns != b.mtime_ns);
}

/* Copies into a draft, which gets the name if nobody has taken it meanwhile. */
static fct_status copy_file(const char *from, const char *to, fct_error *err) {
    fct_draft *d;
    FILE *f = fct_fopen(from, "rb");
    if (!f) return fct_fail(err, FCT_ERR_IO, "%s: cannot be opened", from);
    char *block = fct_alloc(BLOCK);
    fct_status s = block ? fct_draft_open(to, FCT_DRAFT_PLAIN, &d, err) : fct_fail_nomem(err, from, BLOCK);
    for (size_t n = BLOCK; !s && n == BLOCK;) {
        n = fread(block, 1, BLOCK, f);
        if (ferror(f)) s = fct_fail(err, FCT_ERR_IO, "%s: cannot be read", from);
        else if (n && fwrite(block, 1, n, fct_draft_file(d)) != n)
            s = fct_fail(err, FCT_ERR_IO, "%s: cannot be written", to);
        if (s) fct_draft_discard(d);
    }
    if (!s) {
        fct_file_copy_rights(from, fct_draft_name(d));
        s = fct_draft_commit_new(d, err);
    }
    if (!s) fct_file_copy_time(from, to);
    fclose(f);
    fct_free(block);
    return s;
}

static fct_status place(const sort_run *r, const char *from, const char *to, fct_error *err) {
    if (r->how == FCT_SORT_COPY) return copy_file(from, to, err);
    return fct_file_link(from, to, r->how == FCT_SORT_LINK, err);
}

/* Gives the photo the first free name in the folder, unless it has one there. *path is owned. */
static fct_status put_photo(const sort_run *r, const char *folder, const char *photo, char **path, bool *fresh,
                            fct_error *err) {
    enum { MOST = 9999 }; /* photos of one name */
    *path = NULL;
    *fresh = false;
    for (int n = 1; n <= MOST; n++) {
        fct_buf b = {0};
        fct_file_stat st;
        fct_sort_file_name(fct_path_base(photo), n, &b);
        char *to = b.failed ? NULL : fct_path_join(folder, b.data);
        fct_buf_free(&b);
        if (!to) return fct_fail_nomem(err, photo, 0);
        fct_file_get_stat(to, &st);
        bool dead = r->how == FCT_SORT_LINK && st.is_symlink && !st.exists; /* its photo was moved, or is gone */
        if (dead && !fct_file_remove(to, NULL)) st.is_symlink = false;
        fct_status s = st.exists || st.is_symlink ? FCT_ERR_EXISTS : place(r, photo, to, err);
        bool there = s == FCT_ERR_EXISTS && is_same(photo, to);
        if (s == FCT_OK || there) {
            *path = to;
            *fresh = !there;
            return FCT_OK;
        }
        fct_free(to);
        if (s != FCT_ERR_EXISTS) return s;
    }
    return fct_fail(err, FCT_ERR_LIMIT, "%s: %d files of this name in %s", photo, MOST, folder);
}

/* The first of the photo's places that is still there; else the first. */
static const char *place_of(const sort_run *r, const fct_table_photo *p) {
    for (size_t i = p->file; i < p->file + p->n_files; i++) {
        fct_file_stat st;
        fct_file_get_stat(r->table.files[i].path, &st);
        if (st.is_file) return r->table.files[i].path;
    }
    return p->n_files ? r->table.files[p->file].path : NULL;
}

/* Puts a photo into a person's folder and tells of it; a failure is told, and the rest goes on. */
static fct_status sort_photo(const sort_run *r, const fct_table_person *person, const char *folder,
                             const fct_table_photo *p, fct_error *err) {
    fct_error e;
    char *path;
    fct_sorted done = {.person = person->name, .from = place_of(r, p)};
    if (!done.from) return FCT_OK;
    fct_status s = put_photo(r, folder, done.from, &path, &done.fresh, &e);
    done.to = path;
    if (s) done.error = &e;
    s = r->fn ? r->fn(r->user, &done, err) : FCT_OK;
    fct_free(path);
    return s;
}

/* ---- One person --------------------------------------------------------------------------- */

/* Makes a person's folder, unless no photo shows him, and puts his photos there. */
static fct_status sort_person(sort_run *r, size_t index, fct_error *err) {
    const fct_table_person *person = &r->table.people[index];
    bool made = false;
    fct_numbers photos = {0};
    r->taken[index] = folder_name(r, person->name);
    char *folder = r->taken[index] ? fct_path_join(r->folder, r->taken[index]) : NULL;
    if (!folder) return fct_fail_nomem(err, person->name, 0);
    fct_status s = fct_album_person_photos(r->album, person->id, &photos, err);
    for (size_t i = 0; i < r->table.n_photos && !s; i++) {
        const fct_table_photo *p = &r->table.photos[i];
        if (!fct_numbers_hold(&photos, p->id)) continue;
        if (!made) s = fct_dir_make(folder, err);
        made = true;
        if (!s) s = sort_photo(r, person, folder, p, err);
    }
    fct_free(photos.at);
    fct_free(folder);
    return s;
}

fct_status fct_album_sort(fct_album *a, const char *folder, fct_sort_how how, fct_sorted_fn *fn, void *user,
                          fct_error *err) {
    sort_run r = {.album = a, .folder = folder, .how = how, .fn = fn, .user = user};
    fct_status s = fct_album_table_read(a, &r.table, err);
    r.taken = s ? NULL : fct_calloc(r.table.n_people + 1, sizeof *r.taken);
    if (!s && !r.taken) s = fct_fail_nomem(err, "people", 0);
    for (size_t i = 0; i < r.table.n_people && !s; i++)
        if (r.table.people[i].name && !r.table.people[i].ignored) s = sort_person(&r, i, err);
    for (size_t i = 0; r.taken && i < r.table.n_people; i++) fct_free(r.taken[i]);
    fct_free(r.taken);
    fct_album_table_free(&r.table);
    return s;
}
