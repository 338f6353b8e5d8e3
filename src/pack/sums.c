/* Hashes: lists of them, and files that are hashed while they are written. */
#include "pack/store.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "base/hash.h"
#include <errno.h>
#include <string.h>

enum { max_sums = 1 << 20, chunk = 1 << 20 };

void fct_sums_clear(fct_sums *s) {
    fct_free(s->items);
    *s = (fct_sums){0};
}

const char *fct_sums_get(const fct_sums *s, const char *name) {
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->items[i].name, name) == 0) return s->items[i].sha256;
    return NULL;
}

/* Replaces the hash recorded under that name, or adds one. */
fct_status fct_sums_set(fct_sums *s, const char *name, const char *sha256, fct_error *err) {
    if (strlen(name) >= sizeof s->items->name || strlen(sha256) != 64)
        return fct_fail(err, FCT_ERR_ARG, "%s: name too long", name);
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->items[i].name, name) == 0) {
            memcpy(s->items[i].sha256, sha256, 65);
            return FCT_OK;
        }
    void *p = fct_realloc_array(s->items, (size_t)s->n + 1, sizeof *s->items);
    if (!p) return fct_fail_nomem(err, "hashes", 0);
    s->items = p;
    memcpy(s->items[s->n].sha256, sha256, 65);
    memcpy(s->items[s->n++].name, name, strlen(name) + 1);
    return FCT_OK;
}

/* Reads one line: digits, two spaces (or a space and '*'), a name. Other lines are ignored. */
static fct_status read_line(fct_sums *out, char *line, fct_error *err) {
    size_t n = strlen(line);
    if (n && line[n - 1] == '\r') line[--n] = 0;
    if (n < 67 || strspn(line, "0123456789abcdef") != 64 || line[64] != ' ' || n - 66 > 255) return FCT_OK;
    line[64] = 0;
    return fct_sums_set(out, line + 66, line, err);
}

/* A list that does not exist yet is an empty one, not an error. */
fct_status fct_sums_read(const char *path, fct_sums *out, fct_error *err) {
    *out = (fct_sums){0};
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (!st.exists) return FCT_OK;
    uint8_t *text;
    size_t len;
    fct_status s = fct_file_read(path, max_sums, &text, &len, err);
    if (s) return s;
    for (char *line = (char *)text; line && !s;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = 0;
        s = read_line(out, line, err);
        line = next;
    }
    fct_free(text);
    if (s) fct_sums_clear(out);
    return s;
}

fct_status fct_sums_write(const char *path, const fct_sums *s, fct_error *err) {
    size_t cap = (size_t)s->n * (64 + 2 + 256) + 1, used = 0;
    char *text = fct_alloc(cap);
    if (!text) return fct_fail_nomem(err, path, cap);
    for (int i = 0; i < s->n; i++)
        used += (size_t)snprintf(text + used, cap - used, "%s  %s\n", s->items[i].sha256, s->items[i].name);
    fct_status st = fct_file_write_atomic(path, text, used, err);
    fct_free(text);
    return st;
}

/* ---- Files ---------------------------------------------------------------------------- */

struct fct_sink {
    FILE *f;
    char *path;
    fct_sha256 hash;
};

static void put_hex(fct_sha256 *h, char sha256[65]) {
    uint8_t digest[32];
    fct_sha256_final(h, digest);
    for (int i = 0; i < 32; i++) snprintf(sha256 + 2 * i, 3, "%02x", digest[i]);
}

/* A sink is a file that is hashed while it is written. */
fct_status fct_sink_create(const char *path, fct_sink **out, fct_error *err) {
    *out = NULL;
    fct_sink *k = fct_calloc(1, sizeof *k);
    if (k) k->path = fct_strdup(path);
    if (!k || !k->path) {
        fct_free(k);
        return fct_fail_nomem(err, path, 0);
    }
    int e = fct_sys_create(path, false, &k->f);
    if (e) {
        fct_free(k->path);
        fct_free(k);
        return fct_fail_errno(err, path, e);
    }
    fct_sha256_init(&k->hash);
    *out = k;
    return FCT_OK;
}

fct_status fct_sink_write(fct_sink *k, const void *data, size_t n, fct_error *err) {
    fct_sha256_update(&k->hash, data, n);
    return fwrite(data, 1, n, k->f) == n ? FCT_OK : fct_fail_errno(err, k->path, errno);
}

/* Flushes to the disk before it closes, so that a pack whose hash is recorded is really there after a power cut. */
fct_status fct_sink_close(fct_sink *k, char sha256[65], fct_error *err) {
    int e = fct_sys_flush(k->f);
    if (fclose(k->f) && !e) e = errno;
    fct_status s = e ? fct_fail_errno(err, k->path, e) : FCT_OK;
    if (!s && sha256) put_hex(&k->hash, sha256);
    fct_free(k->path);
    fct_free(k);
    return s;
}

void fct_sink_abort(fct_sink *k) {
    if (!k) return;
    (void)fclose(k->f);
    (void)fct_file_remove(k->path, NULL);
    fct_free(k->path);
    fct_free(k);
}

fct_status fct_store_tell(const fct_store_opts *o, const char *step, uint64_t done, uint64_t total, fct_error *err) {
    if (!o->progress || o->progress(step, done, total, o->user)) return FCT_OK;
    return fct_fail(err, FCT_ERR_CANCELLED, "%s stopped", step);
}

/* Reads a file piece by piece, so that hashing or copying a large pack needs little memory and can be stopped
 * between pieces. */
fct_status fct_store_read(const char *path, fct_piece_fn *fn, void *ctx, fct_error *err) {
    FILE *f;
    uint64_t size;
    int e = fct_sys_open_regular(path, &f, &size);
    if (e == EINVAL) return fct_fail(err, FCT_ERR_IO, "%s: not a regular file", path);
    if (e) return fct_fail_errno(err, path, e);
    uint8_t *piece = fct_alloc(chunk);
    fct_status s = piece ? FCT_OK : fct_fail_nomem(err, path, chunk);
    for (size_t n; !s && (n = fread(piece, 1, chunk, f)) > 0;) s = fn(ctx, piece, n, size, err);
    if (!s && ferror(f)) s = fct_fail_errno(err, path, errno);
    fct_free(piece);
    fclose(f);
    return s;
}

typedef struct hash_job {
    const fct_store_opts *o;
    const char *step;
    fct_sha256 hash;
    uint64_t done;
} hash_job;

static fct_status hash_piece(void *ctx, const uint8_t *data, size_t n, uint64_t total, fct_error *err) {
    hash_job *j = ctx;
    fct_sha256_update(&j->hash, data, n);
    j->done += n;
    return fct_store_tell(j->o, j->step, j->done, total, err);
}

fct_status fct_store_hash(const char *path, const fct_store_opts *o, const char *step, uint64_t *bytes, char sha256[65],
                          fct_error *err) {
    hash_job j = {.o = o, .step = step};
    fct_sha256_init(&j.hash);
    fct_status s = fct_store_read(path, hash_piece, &j, err);
    *bytes = j.done;
    put_hex(&j.hash, sha256);
    return s;
}
