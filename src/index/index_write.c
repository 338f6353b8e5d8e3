/* Cache files: opening one as an index, and writing one. Vectors go to the file as
 * soon as a chunk is full; the rest follows at the end, and the header last, so that
 * a file whose writer was interrupted has none. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/hash.h"
#include "index/index_file.h"
#include <string.h>

struct fct_index_writer {
    fct_draft *draft;
    char *path;
    int dim;
    fct_index_sums *sums; /* [cap_sums] of the rows that were put */
    size_t n, cap_sums;
};

fct_status fct_index_cache_open(const char *path, const fct_index_key *key, fct_index **out, int64_t *seq,
                                fct_error *err) {
    fct_index_file *f;
    *out = NULL;
    fct_status s = fct_index_file_open(path, key, &f, err);
    if (s) return s;
    *seq = f->head.seq;
    return fct_rows_create_of(f, out, err);
}

fct_status fct_index_cache_check(const char *path, const fct_index_key *key, int64_t *seq, fct_error *err) {
    fct_index_header h;
    fct_status s = fct_index_header_read(path, key, &h, err);
    if (!s) *seq = h.seq;
    return s;
}

fct_status fct_index_cache_remove(const char *path, fct_error *err) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (!st.exists) return FCT_OK;
    /* Only a file is emptied, never what a link points to. */
    FILE *f = st.is_file && !st.is_symlink ? fct_fopen(path, "wb") : NULL;
    if (f) fclose(f);
    return fct_file_remove(path, err);
}

void fct_index_writer_discard(fct_index_writer *w) {
    if (!w) return;
    fct_draft_discard(w->draft);
    fct_free(w->path);
    fct_free(w->sums);
    fct_free(w);
}

static fct_status write_failed(const fct_index_writer *w, fct_error *err) {
    return fct_fail(err, FCT_ERR_IO, "%s: cannot be written", w->path);
}

static fct_status put(fct_index_writer *w, const void *data, size_t bytes, fct_error *err) {
    return !bytes || fwrite(data, bytes, 1, fct_draft_file(w->draft)) == 1 ? FCT_OK : write_failed(w, err);
}

/* Fills up to the next page. */
static fct_status pad(fct_index_writer *w, size_t written, fct_error *err) {
    static const char zeros[FCT_INDEX_FILE_PAGE];
    size_t over = written % FCT_INDEX_FILE_PAGE;
    return put(w, zeros, over ? FCT_INDEX_FILE_PAGE - over : 0, err);
}

fct_status fct_index_cache_begin(fct_index *x, const char *path, fct_error *err) {
    fct_rows *rows = (fct_rows *)x;
    fct_index_writer *w = fct_calloc(1, sizeof *w);
    if (!w) return fct_fail_nomem(err, path, sizeof *w);
    w->dim = x->dim;
    w->path = fct_strdup(path);
    fct_status s = w->path ? fct_draft_open(path, FCT_DRAFT_CACHE, &w->draft, err) : fct_fail_nomem(err, path, 0);
    static const char header[FCT_INDEX_FILE_PAGE];
    if (!s) s = put(w, header, sizeof header, err);
    if (s) fct_index_writer_discard(w);
    else rows->writer = w;
    return s;
}

fct_status fct_index_writer_put(fct_index_writer *w, fct_chunk *c, size_t n, fct_error *err) {
    size_t dim = (size_t)w->dim, size = (size_t)fct_sketch_bytes(w->dim);
    fct_index_sums *sums = fct_grow(w->sums, &w->cap_sums, w->n + n, sizeof *sums);
    if (!sums) return fct_fail_nomem(err, w->path, 0);
    w->sums = sums;
    for (size_t r = 0; r < n; r++)
        sums[w->n + r] = (fct_index_sums){fct_index_sum(c->vectors + r * dim, dim * sizeof(float)),
                                          fct_index_sum(c->bytes + r * size, size)};
    w->n += n;
    fct_status s = put(w, c->vectors, n * dim * sizeof(float), err);
    fct_aligned_free(c->vectors);
    c->vectors = NULL;
    return s;
}

/* ---- The end ------------------------------------------------------------------------------- */

/* Arrays of a chunk in the order of their sections, without the checksums. */
enum { BYTES, SIGNS, SCALES, ERRORS, ROWS, ARRAYS };

/* One of the arrays, and how many bytes of it n rows take. */
static const void *array_of(const fct_chunk *c, int dim, int which, size_t n, size_t *bytes) {
    size_t panels = (n + FCT_INDEX_SKETCH_ROWS - 1) / FCT_INDEX_SKETCH_ROWS;
    const void *data[ARRAYS] = {c->bytes, c->bits, c->scales, c->errors, c->rows};
    size_t sizes[ARRAYS] = {n * (size_t)fct_sketch_bytes(dim),
                            panels * FCT_INDEX_SKETCH_ROWS * (size_t)fct_sketch_words(dim) * sizeof(uint64_t),
                            n * sizeof(float), n * sizeof(float), n * sizeof(fct_index_row)};
    *bytes = sizes[which];
    return data[which];
}

/* Writes an array of all chunks as a section. */
static fct_status put_section(fct_rows *x, int which, fct_error *err) {
    const fct_edition *v = x->now;
    size_t per = fct_rows_per_chunk(x), written = 0;
    fct_status s = FCT_OK;
    for (size_t i = 0; i < v->n_chunks && !s; i++) {
        size_t bytes, n = v->n - i * per < per ? v->n - i * per : per;
        const void *data = array_of(v->chunks[i], x->head.dim, which, n, &bytes);
        s = put(x->writer, data, bytes, err);
        written += bytes;
    }
    return s ? s : pad(x->writer, written, err);
}

/* The checksum of the sections that opening reads, made as its reader does: from each section's own. */
static fct_status sum_sections(fct_rows *x, uint64_t *out, fct_error *err) {
    const fct_edition *v = x->now;
    size_t per = fct_rows_per_chunk(x);
    uint64_t sums[ARRAYS] = {fct_checksum64(x->writer->sums, v->n * sizeof *x->writer->sums)};
    for (int which = SIGNS; which < ARRAYS; which++) {
        fct_buf all = {0};
        for (size_t i = 0; i < v->n_chunks; i++) {
            size_t bytes, n = v->n - i * per < per ? v->n - i * per : per;
            const void *data = array_of(v->chunks[i], x->head.dim, which, n, &bytes);
            fct_buf_add(&all, data, bytes);
        }
        bool good = !all.failed;
        sums[which] = good ? fct_checksum64(all.data, all.size) : 0;
        fct_buf_free(&all);
        if (!good) return fct_fail_nomem(err, x->writer->path, 0);
    }
    *out = fct_checksum64(sums, sizeof sums);
    return FCT_OK;
}

static fct_status put_header(fct_rows *x, const fct_index_key *key, int64_t seq, fct_error *err) {
    fct_index_layout at;
    fct_index_header h;
    memset(&h, 0, sizeof h);
    if (!fct_index_layout_make(x->head.dim, x->now->n, &at)) return write_failed(x->writer, err);
    memcpy(h.magic, FCT_INDEX_FILE_MAGIC, sizeof h.magic);
    h.order = FCT_INDEX_FILE_ORDER;
    h.version = FCT_INDEX_FILE_VERSION;
    h.dim = (uint32_t)x->head.dim;
    h.per_chunk = (uint32_t)fct_rows_per_chunk(x);
    h.n = x->now->n;
    h.file_size = at.end;
    h.key = *key;
    h.seq = seq;
    fct_status s = sum_sections(x, &h.sections, err);
    h.header = fct_index_header_sum(&h);
    if (!s && fseek(fct_draft_file(x->writer->draft), 0, SEEK_SET) != 0) s = write_failed(x->writer, err);
    return s ? s : put(x->writer, &h, sizeof h, err);
}

/* Everything behind the vectors of full chunks. */
static fct_status put_rest(fct_rows *x, const fct_index_key *key, int64_t seq, fct_error *err) {
    fct_index_writer *w = x->writer;
    size_t left = x->now->n - w->n;
    fct_status s = left ? fct_index_writer_put(w, x->now->chunks[x->now->n_chunks - 1], left, err) : FCT_OK;
    if (!s) s = pad(w, w->n * (size_t)w->dim * sizeof(float), err);
    if (!s) s = put_section(x, BYTES, err);
    if (!s) s = put(w, w->sums, w->n * sizeof *w->sums, err);
    if (!s) s = pad(w, w->n * sizeof *w->sums, err);
    for (int which = SIGNS; which < ARRAYS && !s; which++) s = put_section(x, which, err);
    return s ? s : put_header(x, key, seq, err);
}

/* Makes the rows those of the file. The integers are in memory already. */
static fct_status adopt(fct_rows *x, const char *path, const fct_index_key *key, fct_error *err) {
    fct_index_file *f;
    fct_status s = fct_index_file_open(path, key, &f, err);
    if (s) return s;
    if (f->head.n != x->now->n) s = fct_fail(err, FCT_ERR_FORMAT, "%s: somebody else has written it", path);
    for (size_t i = 0; i < f->n_chunks && !s; i++) {
        fct_chunk *c = x->now->chunks[i];
        atomic_store(&f->bytes[i], c->bytes);
        c->bytes = NULL;
        fct_chunk_use_file(c, f, i);
    }
    fct_index_file_drop(f);
    return s;
}

fct_status fct_index_cache_end(fct_index *index, const fct_index_key *key, int64_t seq, fct_error *err) {
    fct_rows *x = (fct_rows *)index;
    fct_index_writer *w = x->writer;
    if (!x->now->n) return fct_fail(err, FCT_ERR_ARG, "%s: no row to write", w->path);
    fct_status s = put_rest(x, key, seq, err);
    if (!s) {
        s = fct_draft_commit(w->draft, err);
        w->draft = NULL;
    }
    if (!s) s = adopt(x, w->path, key, err);
    fct_index_writer_discard(w);
    x->writer = NULL;
    return s;
}
