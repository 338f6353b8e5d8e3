/* The pack store: what is there. Installing is install.c's work.
 *
 * Beside a pack's own files facet keeps in its folder SHA256SUMS, the hashes of
 * all files as installed (sha256sum -c reads it), and in the store's folder
 * .facet-archives.sha256, the hashes of archives as first downloaded. Names that
 * start with .facet- are temporary or facet's own and never packs. */
#include "pack/store.h"
#include "pack/embedded.h"
#include "pack/locate.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include <string.h>

static bool plain(const char *s, size_t most) {
    size_t n = strlen(s);
    return n >= 1 && n <= most && s[0] != '.' && s[0] != '-' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

bool fct_store_name_ok(const char *name) { return plain(name, 64); }
bool fct_store_file_ok(const char *name) { return plain(name, 200); }

void fct_store_opts_init(fct_store_opts *o) {
    *o = (fct_store_opts){.size = sizeof *o, .retries = 5, .stall_seconds = 30};
}

/* ---- Folders ------------------------------------------------------------------------- */

static bool ends(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

/* Counts a folder's ONNX files and the bytes of all files. A folder that cannot
 * be read counts as empty. */
static void measure(const char *path, int *files, uint64_t *bytes) {
    char **names;
    size_t n;
    *files = 0;
    *bytes = 0;
    if (fct_dir_list(path, &names, &n, NULL)) return;
    for (size_t i = 0; i < n; i++) {
        char *file = fct_path_join(path, names[i]);
        fct_file_stat st = {0};
        if (file) fct_file_get_stat(file, &st);
        fct_free(file);
        if (!st.is_file) continue;
        *bytes += st.size;
        *files += names[i][0] != '.' && ends(names[i], ".onnx");
    }
    fct_dir_list_free(names, n);
}

static fct_status copy_path(const char *path, char *buf, size_t cap, fct_error *err) {
    if (strlen(path) >= cap) return fct_fail(err, FCT_ERR_LIMIT, "%s: path too long", path);
    memcpy(buf, path, strlen(path) + 1);
    return FCT_OK;
}

fct_status fct_store_path(const char *root, const char *name, char *buf, size_t cap, fct_error *err) {
    char *base, *path = NULL;
    if (cap) buf[0] = 0;
    if (name && !fct_store_name_ok(name))
        return fct_fail(err, FCT_ERR_ARG, "\"%s\" cannot be the name of a pack", name);
    fct_status s = fct_pack_root(root, &base, err);
    if (s) return s;
    if (name && !(path = fct_path_join(base, name))) s = fct_fail_nomem(err, "path", 0);
    if (!s && name) {
        fct_file_stat st;
        fct_file_get_stat(path, &st);
        if (!st.is_dir && fct_embedded_is(name))
            s = fct_fail(err, FCT_ERR_NOT_FOUND, "the pack %s is built into facet: it has no folder", name);
        else if (!st.is_dir) s = fct_fail(err, FCT_ERR_NOT_FOUND, "no pack %s in %s", name, base);
    }
    if (!s) s = copy_path(name ? path : base, buf, cap, err);
    fct_free(path);
    fct_free(base);
    return s;
}

/* ---- Listing -------------------------------------------------------------------------- */

typedef struct listing {
    fct_store_pack *items;
    int n;
} listing;

static fct_status add(listing *l, const char *name, const char *path, fct_error *err) {
    const fct_known_pack *k = fct_known_find(name);
    fct_store_pack *p = fct_realloc_array(l->items, (size_t)l->n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "list of packs", 0);
    l->items = p;
    p += l->n++;
    *p = (fct_store_pack){.known = k != NULL};
    memcpy(p->name, name, strlen(name) + 1); /* at most 64, by fct_store_name_ok() */
    if (k) memcpy(p->license, k->license, strlen(k->license) + 1);
    if (!path) return FCT_OK;
    measure(path, &p->files, &p->bytes);
    return copy_path(path, p->path, sizeof p->path, err);
}

static fct_status add_installed(listing *l, const char *base, const char *name, fct_error *err) {
    if (!fct_store_name_ok(name)) return FCT_OK;
    char *path = fct_path_join(base, name);
    if (!path) return fct_fail_nomem(err, "path", 0);
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    fct_status s = st.is_dir ? add(l, name, path, err) : FCT_OK;
    if (!s && st.is_dir && l->items[l->n - 1].files == 0) l->n--; /* some other folder */
    fct_free(path);
    return s;
}

static bool listed(const listing *l, const char *name) {
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->items[i].name, name) == 0) return true;
    return false;
}

/* The built-in pack, in front of all others. */
static fct_status add_built_in(listing *l, fct_error *err) {
    const fct_embedded_pack *b = fct_embedded();
    if (!b || !fct_store_name_ok(b->name) || listed(l, b->name)) return FCT_OK;
    fct_status s = add(l, b->name, NULL, err);
    if (s) return s;
    fct_store_pack p = l->items[l->n - 1];
    p.built_in = true;
    p.files = b->n;
    if (b->license && strlen(b->license) < sizeof p.license) memcpy(p.license, b->license, strlen(b->license) + 1);
    for (int i = 0; i < b->n; i++) p.bytes += (uint64_t)(b->files[i].end - b->files[i].data);
    memmove(l->items + 1, l->items, sizeof p * (size_t)(l->n - 1));
    l->items[0] = p;
    return FCT_OK;
}

/* Lists the built-in pack first, then whatever folders of the store hold networks. */
fct_status fct_store_list(const char *root, fct_store_pack **out, int *n, fct_error *err) {
    listing l = {0};
    char *base, **names = NULL;
    size_t count = 0;
    fct_file_stat st;
    *out = NULL;
    *n = 0;
    fct_status s = fct_pack_root(root, &base, err);
    if (s) return s;
    fct_file_get_stat(base, &st);
    if (st.exists) s = fct_dir_list(base, &names, &count, err);
    for (size_t i = 0; i < count && !s; i++) s = add_installed(&l, base, names[i], err);
    if (!s) s = add_built_in(&l, err);
    const fct_known_pack *k;
    for (int i = 0; !s && (k = fct_known_at(i)); i++)
        if (!listed(&l, k->name)) s = add(&l, k->name, NULL, err);
    if (names) fct_dir_list_free(names, count);
    fct_free(base);
    if (s) fct_free(l.items);
    else *out = l.items, *n = l.n;
    return s;
}

fct_status fct_store_remove(const char *root, const char *name, fct_error *err) {
    char path[1024];
    int files;
    uint64_t bytes;
    fct_file_stat st;
    fct_status s = fct_store_path(root, name ? name : "", path, sizeof path, err);
    if (s) return s;
    measure(path, &files, &bytes);
    if (files == 0) return fct_fail(err, FCT_ERR_ARG, "%s: not a pack: it holds no ONNX files", path);
    fct_file_get_stat(path, &st);
    return st.is_symlink ? fct_file_remove(path, err) : fct_dir_remove(path, err);
}

/* ---- Checking --------------------------------------------------------------------------- */

typedef struct checking {
    const fct_known_pack *known;
    fct_sums sums;
    fct_store_file *items;
    int n;
    const fct_store_opts *opts;
    const char *dir;
    fct_error *err;
} checking;

/* Judges a file's hash by InsightFace's published one, where that is known, else by the one noted at installation. */
static fct_store_state compare(const checking *c, const char *name, const char *sha256) {
    const char *known = fct_known_file_hash(c->known, name), *own = fct_sums_get(&c->sums, name);
    if (known) return strcmp(known, sha256) == 0 ? FCT_STORE_GOOD : FCT_STORE_DIFFERS;
    if (!own) return FCT_STORE_UNKNOWN;
    return strcmp(own, sha256) == 0 ? FCT_STORE_AS_INSTALLED : FCT_STORE_DIFFERS;
}

static fct_store_file *new_file(checking *c, const char *name) {
    fct_store_file *f = fct_realloc_array(c->items, (size_t)c->n + 1, sizeof *f);
    if (!f) return NULL;
    c->items = f;
    f += c->n++;
    *f = (fct_store_file){.state = FCT_STORE_MISSING};
    memcpy(f->name, name, strlen(name) + 1);
    return f;
}

/* Hashes one file of the folder and judges it; hidden files and the list of hashes itself are passed over. */
static fct_status check_file(checking *c, const char *name) {
    fct_file_stat st;
    if (name[0] == '.' || strcmp(name, FCT_SUMS_NAME) == 0 || strlen(name) > 255) return FCT_OK;
    char *path = fct_path_join(c->dir, name);
    if (!path) return fct_fail_nomem(c->err, "path", 0);
    fct_file_get_stat(path, &st);
    fct_status s = FCT_OK;
    if (st.is_file) {
        fct_store_file *f = new_file(c, name);
        s = f ? fct_store_hash(path, c->opts, "verify", &f->bytes, f->sha256, c->err) : fct_fail_nomem(c->err, name, 0);
        if (!s) f->state = compare(c, name, f->sha256);
    }
    fct_free(path);
    return s;
}

/* Notes a file that was installed or belongs to the pack, but is gone. */
static fct_status check_missing(checking *c, const char *name) {
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->items[i].name, name) == 0) return FCT_OK;
    return new_file(c, name) ? FCT_OK : fct_fail_nomem(c->err, name, 0);
}

/* Hashes what is in the folder, then names the files that should be there and are not. */
static fct_status check_all(checking *c) {
    char **names;
    size_t n;
    fct_status s = fct_dir_list(c->dir, &names, &n, c->err);
    if (s) return s;
    for (size_t i = 0; i < n && !s; i++) s = check_file(c, names[i]);
    fct_dir_list_free(names, n);
    for (int i = 0; i < c->sums.n && !s; i++) s = check_missing(c, c->sums.items[i].name);
    for (int i = 0; c->known && i < 4 && c->known->files[i].name && !s; i++)
        s = check_missing(c, c->known->files[i].name);
    return s;
}

static fct_status check_installed(checking *c, const char *name) {
    char *path = fct_path_join(c->dir, FCT_SUMS_NAME);
    c->known = fct_known_find(name);
    fct_status s = path ? fct_sums_read(path, &c->sums, c->err) : fct_fail_nomem(c->err, "path", 0);
    fct_free(path);
    if (!s) s = check_all(c);
    fct_sums_clear(&c->sums);
    return s;
}

/* Checks the built-in pack against the hashes that the build took down. */
static fct_status check_built_in(checking *c) {
    const fct_embedded_pack *b = fct_embedded();
    for (int i = 0; i < b->n; i++) {
        fct_store_file *f = new_file(c, b->files[i].name);
        if (!f) return fct_fail_nomem(c->err, b->files[i].name, 0);
        f->bytes = (uint64_t)(b->files[i].end - b->files[i].data);
        fct_sha256_hex(b->files[i].data, (size_t)f->bytes, f->sha256);
        f->state = strcmp(f->sha256, b->files[i].sha256) == 0 ? FCT_STORE_AS_INSTALLED : FCT_STORE_DIFFERS;
    }
    return FCT_OK;
}

fct_status fct_store_verify(const char *name, const fct_store_opts *opts, fct_store_file **out, int *n,
                            fct_error *err) {
    fct_store_opts o;
    char dir[1024];
    *out = NULL;
    *n = 0;
    fct_store_opts_init(&o);
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    checking c = {.opts = &o, .dir = dir, .err = err};
    fct_status s = fct_store_path(o.root, name ? name : "", dir, sizeof dir, err);
    if (s == FCT_ERR_NOT_FOUND && name && fct_embedded_is(name)) s = check_built_in(&c);
    else if (!s) s = check_installed(&c, name);
    if (s) fct_free(c.items);
    else *out = c.items, *n = c.n;
    return s;
}
