#include "train/dataset.h"
#include "train/csv.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 64, MAX_INDEX = 1 << 30, MAX_PICTURE = 1 << 28 };

/* A sample being collected, with its identity still as text. */
typedef struct data_entry {
    fct_sample s;
    char *identity;
} data_entry;
typedef struct builder {
    fct_dataset *d;
    data_entry *e;
    size_t n, cap;
    fct_error *err;
} builder;

static fct_status add_entry(builder *b, const char *name, const char *identity, int source, uint64_t offset,
                            uint64_t size) {
    data_entry *e = fct_grow(b->e, &b->cap, b->n + 1, sizeof *e);
    if (!e) return fct_fail_nomem(b->err, "list of pictures", 0);
    b->e = e;
    e += b->n;
    *e = (data_entry){{fct_strdup(name), source, -1, offset, size}, fct_strdup(identity)};
    b->n++;
    return e->s.name && e->identity ? FCT_OK : fct_fail_nomem(b->err, "list of pictures", 0);
}

/* ---- Shards ------------------------------------------------------------------ */

/* Maps an archive and lists its members. One that is cut off is used as far as it goes, and counted. */
static fct_status open_shard(builder *b, const char *path, const char *name, int *index) {
    fct_dataset *d = b->d;
    fct_shard *p = fct_realloc_array(d->shard, (size_t)d->n_shards + 1, sizeof *p);
    if (!p) return fct_fail_nomem(b->err, "shards", 0);
    d->shard = p;
    fct_shard s = {.name = fct_strdup(name), .path = fct_strdup(path)};
    fct_status st = s.name && s.path ? fct_part_open(s.path, &s.file, b->err) : fct_fail_nomem(b->err, "shards", 0);
    if (st) {
        fct_free(s.name);
        fct_free(s.path);
        return st;
    }
    bool whole;
    fct_tar_member *m;
    st = fct_tar_list(&s.file, &m, &s.n_members, &whole, b->err);
    s.members = m;
    d->skipped_shards += !st && !whole;
    *index = d->n_shards;
    d->shard[d->n_shards++] = s;
    return st;
}

/* Finds the shard of a file "shard/name" and opens it at its first use; -1 when there is none. */
static fct_status shard_of(builder *b, const char *file, int *index) {
    const char *slash = strchr(file, '/');
    fct_file_stat fs;
    *index = -1;
    if (!slash) return FCT_OK;
    char *name = fct_strndup(file, (size_t)(slash - file)),
         *path = name ? fct_asprintf("%s/%s.tar", b->d->base, name) : NULL;
    fct_status s = path ? FCT_OK : fct_fail_nomem(b->err, "shards", 0);
    for (int i = 0; !s && i < b->d->n_shards; i++)
        if (!strcmp(b->d->shard[i].name, name)) *index = i;
    if (!s && *index < 0) {
        fct_file_get_stat(path, &fs);
        if (fs.is_file) s = open_shard(b, path, name, index);
    }
    fct_free(name);
    fct_free(path);
    return s;
}

/* Finds a file of the index in its shard, or else on disk; one that is in neither is counted as missing. */
static fct_status add_indexed(builder *b, const char *file, const char *identity) {
    int shard;
    fct_file_stat fs = {0};
    fct_status st = shard_of(b, file, &shard);
    if (st) return st;
    if (shard >= 0) {
        const fct_shard *s = &b->d->shard[shard];
        const fct_tar_member *m = fct_tar_find(s->members, s->n_members, file);
        if (!m) m = fct_tar_find(s->members, s->n_members, strchr(file, '/') + 1);
        if (m) return add_entry(b, file, identity, shard, m->offset, m->size);
    }
    char *path = fct_path_join(b->d->base, file);
    if (!path) return fct_fail_nomem(b->err, "path", 0);
    fct_file_get_stat(path, &fs);
    fct_free(path);
    if (fs.is_file) return add_entry(b, file, identity, -1, 0, fs.size);
    b->d->missing++;
    return FCT_OK;
}

/* Reads the columns "file" and "identity" of a CSV file, wherever they stand. */
static fct_status read_index(builder *b, const char *path) {
    uint8_t *data;
    size_t size;
    char *field[MAX_FIELDS];
    fct_status s = fct_file_read(path, MAX_INDEX, &data, &size, b->err);
    if (s) return s;
    char *text = (char *)data;
    int n = fct_csv_record(&text, field, MAX_FIELDS), file = fct_csv_column(field, n, "file"),
        identity = fct_csv_column(field, n, "identity");
    if (file < 0) s = fct_fail(b->err, FCT_ERR_FORMAT, "%s: no column \"file\" in the first line", path);
    while (!s && (n = fct_csv_record(&text, field, MAX_FIELDS)) > 0)
        if (file < n && *field[file])
            s = add_indexed(b, field[file], identity >= 0 && identity < n ? field[identity] : "");
    fct_free(data);
    return s;
}

/* ---- Folders and single archives ------------------------------------------------ */

static bool is_picture(const char *name) {
    static const char *const ending[] = {"jpg", "jpeg", "png", "webp", "JPG", "JPEG", "PNG"};
    const char *ext = fct_path_ext(name);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (!strcmp(ext, ending[i])) return true;
    return false;
}

/* A folder's name is the identity of the pictures in it. */
static fct_status read_person(builder *b, const char *person) {
    char **file, *folder = fct_path_join(b->d->base, person);
    size_t n, found = 0;
    if (!folder) return fct_fail_nomem(b->err, "path", 0);
    fct_status s = fct_dir_list(folder, &file, &n, b->err);
    fct_free(folder);
    if (s) return s;
    for (size_t i = 0; !s && i < n; i++) {
        if (!is_picture(file[i])) continue;
        char *name = fct_asprintf("%s/%s", person, file[i]);
        s = name ? add_entry(b, name, person, -1, 0, 0) : fct_fail_nomem(b->err, "path", 0);
        fct_free(name);
        found++;
    }
    fct_dir_list_free(file, n);
    b->d->empty += found == 0;
    return s;
}

/* Folders hold a person each; pictures beside them have no identity. */
static fct_status read_folder(builder *b) {
    char **name;
    size_t n;
    fct_file_stat fs;
    fct_status s = fct_dir_list(b->d->base, &name, &n, b->err);
    if (s) return s;
    for (size_t i = 0; !s && i < n; i++) {
        char *path = fct_path_join(b->d->base, name[i]);
        if (!path) s = fct_fail_nomem(b->err, "path", 0);
        if (path) fct_file_get_stat(path, &fs);
        fct_free(path);
        if (!s && fs.is_dir) s = read_person(b, name[i]);
        else if (!s && is_picture(name[i])) s = add_entry(b, name[i], "", -1, 0, fs.size);
    }
    fct_dir_list_free(name, n);
    return s;
}

/* A member's folder in the archive is its identity. */
static fct_status read_archive(builder *b, const char *path) {
    int shard;
    fct_status s = open_shard(b, path, path, &shard);
    for (size_t i = 0; !s && i < b->d->shard[shard].n_members; i++) {
        const fct_tar_member *m = (const fct_tar_member *)b->d->shard[shard].members + i;
        if (!is_picture(m->name)) continue;
        char *person = fct_path_dir(m->name);
        s = person ? add_entry(b, m->name, strcmp(person, ".") ? person : "", shard, m->offset, m->size)
                   : fct_fail_nomem(b->err, "path", 0);
        fct_free(person);
    }
    return s;
}

/* ---- Labels ---------------------------------------------------------------------- */

/* Samples of equal identity keep their order, since the pointers decide between them. */
static int by_identity(const void *a, const void *b) {
    const data_entry *x = *(data_entry *const *)a, *y = *(data_entry *const *)b;
    int c = strcmp(x->identity, y->identity);
    return c ? c : (x > y) - (x < y);
}

/* Numbers the identities in the order of their names. */
static fct_status label(builder *b, int min_images) {
    fct_dataset *d = b->d;
    data_entry **order = fct_calloc(b->n + 1, sizeof *order);
    d->class_name = fct_calloc(b->n + 1, sizeof *d->class_name);
    if (!order || !d->class_name) {
        fct_free(order);
        return fct_fail_nomem(b->err, "labels", 0);
    }
    for (size_t i = 0; i < b->n; i++) order[i] = &b->e[i];
    qsort(order, b->n, sizeof *order, by_identity);
    for (size_t i = 0, j; i < b->n; i = j) {
        for (j = i + 1; j < b->n && !strcmp(order[i]->identity, order[j]->identity);) j++;
        if (!*order[i]->identity) continue;
        if (j - i < (size_t)min_images) {
            d->lone++;
            continue;
        }
        for (size_t k = i; k < j; k++) order[k]->s.label = d->classes;
        d->class_name[d->classes++] = fct_strdup(order[i]->identity);
        if (!d->class_name[d->classes - 1]) d->classes--;
    }
    fct_free(order);
    return FCT_OK;
}

/* Hands the samples over once they have their labels. */
static fct_status finish(builder *b, int min_images, const char *path) {
    fct_status s = label(b, min_images);
    if (s) return s;
    if (b->n == 0) return fct_fail(b->err, FCT_ERR_NOT_FOUND, "%s: no pictures", path);
    b->d->sample = fct_calloc(b->n, sizeof *b->d->sample);
    if (!b->d->sample) return fct_fail_nomem(b->err, "list of pictures", 0);
    for (size_t i = 0; i < b->n; i++) {
        b->d->sample[i] = b->e[i].s;
        b->e[i].s.name = NULL;
    }
    b->d->n = b->n;
    return FCT_OK;
}

fct_status fct_dataset_open(const char *path, int min_images, fct_dataset **out, fct_error *err) {
    fct_file_stat fs;
    *out = NULL;
    fct_dataset *d = fct_calloc(1, sizeof *d);
    if (!d) return fct_fail_nomem(err, "data set", sizeof *d);
    builder b = {.d = d, .err = err};
    fct_file_get_stat(path, &fs);
    d->base = fs.is_dir ? fct_strdup(path) : fct_path_dir(path);
    fct_status s = d->base ? FCT_OK : fct_fail_nomem(err, "path", 0);
    if (!s && !fs.exists) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such file or folder", path);
    if (!s)
        s = fs.is_dir                            ? read_folder(&b)
            : !strcmp(fct_path_ext(path), "tar") ? read_archive(&b, path)
                                                 : read_index(&b, path);
    if (!s) s = finish(&b, min_images > 0 ? min_images : 2, path);
    for (size_t i = 0; i < b.n; i++) {
        fct_free((char *)(uintptr_t)b.e[i].s.name);
        fct_free(b.e[i].identity);
    }
    fct_free(b.e);
    if (s) fct_dataset_free(d);
    else *out = d;
    return s;
}

void fct_dataset_single_classes(fct_dataset *d) {
    for (size_t i = 0; i < d->n; i++)
        if (d->sample[i].label < 0) d->sample[i].label = d->classes++;
}

void fct_dataset_free(fct_dataset *d) {
    if (!d) return;
    for (size_t i = 0; d->sample && i < d->n; i++) fct_free((char *)(uintptr_t)d->sample[i].name);
    for (int i = 0; i < d->classes; i++) fct_free(d->class_name[i]);
    for (int i = 0; i < d->n_shards; i++) {
        fct_tar_free(d->shard[i].members, d->shard[i].n_members);
        fct_part_close(&d->shard[i].file);
        fct_free(d->shard[i].name);
        fct_free(d->shard[i].path);
    }
    fct_free(d->shard);
    fct_free(d->class_name);
    fct_free(d->sample);
    fct_free(d->base);
    fct_free(d);
}

/* Reads a picture that is a member of a shard. */
static fct_status read_member(const fct_part_file *f, const fct_sample *s, const fct_decode_opts *o, fct_image **out,
                              fct_error *err) {
    if (s->size > MAX_PICTURE) return fct_fail(err, FCT_ERR_LIMIT, "%s: larger than 256 MB", s->name);
    uint8_t *data = fct_alloc((size_t)s->size);
    fct_status st = data ? fct_part_read(f, (size_t)s->offset, (size_t)s->size, data, err)
                         : fct_fail_nomem(err, s->name, (size_t)s->size);
    if (!st) st = fct_image_decode(data, (size_t)s->size, s->name, o, out, err);
    fct_free(data);
    return st;
}

/* Reads a picture from its archive or from disk, within limits that no training picture comes near. */
fct_status fct_dataset_read(const fct_dataset *d, size_t i, fct_image **out, fct_error *err) {
    const fct_sample *s = &d->sample[i];
    fct_decode_opts o;
    fct_decode_opts_init(&o);
    o.max_pixels = 1 << 24;
    *out = NULL;
    if (s->source >= 0) return read_member(&d->shard[s->source].file, s, &o, out, err);
    char *path = fct_path_join(d->base, s->name);
    if (!path) return fct_fail_nomem(err, "path", 0);
    fct_status st = fct_image_read(path, &o, out, err);
    fct_free(path);
    return st;
}

long fct_dataset_find(const fct_dataset *d, const char *name) {
    for (size_t i = 0; i < d->n; i++)
        if (!strcmp(d->sample[i].name, name)) return (long)i;
    return -1;
}
